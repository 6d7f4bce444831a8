"""What a witness signed last, a file for each log."""

from __future__ import annotations

import fcntl
import os
from hashlib import sha256
from pathlib import Path
from typing import Self


class SeenCheckpoints:
    """A folder of notes that one process writes; see `web.witness.Seen`."""

    def __init__(self, folder: Path) -> None:
        """Keep them in *folder*, which is made when it is not there.  `BlockingIOError` when somebody else does."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise

    def __enter__(self) -> Self:
        """Hold the folder for a block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let another process write."""
        os.close(self._lock)

    def find(self, origin: str) -> bytes | None:
        """The note that was kept last for the log *origin*."""
        try:
            return self._at(origin).read_bytes()
        except FileNotFoundError:
            return None

    def keep(self, origin: str, note: bytes) -> None:
        """Keep *note*; durable once this returns: the whole of it or what was there before."""
        place = self._at(origin)
        beside = place.with_suffix(".new")
        with beside.open("wb") as file:
            file.write(note)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(place)
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _at(self, origin: str) -> Path:
        """A name that is one path, whatever the log calls itself."""
        return self._folder / f"{sha256(origin.encode()).hexdigest()}.note"
