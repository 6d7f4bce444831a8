"""One process writes a SQLite ledger.  The operating system says which."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Self

from authority.ledger.port import LedgerUnavailable


class LedgerInUse(LedgerUnavailable):
    """Another process, or another part of this one, has the ledger open for writing."""


class Ownership:
    """A lock on a file beside the database, held until `release` or the end of the process, however it ends.

    The file stays: were it removed, two processes could hold locks on two files of one name.
    """

    def __init__(self, database: Path) -> None:
        """Take the lock for *database*, or raise `LedgerInUse`."""
        path = database.with_name(database.name + ".lock")
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as fault:
            raise LedgerUnavailable(f"`{path}` cannot be opened: {fault.strerror}") from fault
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as fault:
            os.close(self._file)
            raise LedgerInUse(
                f"`{database}` is open for writing already; one process at a time may write it"
            ) from fault

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
