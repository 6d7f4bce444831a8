"""One process writes a file.  The operating system says which."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Self


class Ownership:
    """A lock on a file beside the database, held until `release` or the end of the process, however it ends.

    The file stays: were it removed, two processes could hold locks on two files of one name.
    """

    def __init__(self, database: Path) -> None:
        """Take the lock for *database*.  Raises `BlockingIOError` when somebody has it, `OSError` when none can."""
        self._file = os.open(lock_of(database), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise

    def release(self) -> None:
        """Let another process write."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Self:
        """Hold the lock for a block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of it."""
        self.release()


def lock_of(database: Path) -> Path:
    """The file whose lock stands for *database*."""
    return database.with_name(database.name + ".lock")
