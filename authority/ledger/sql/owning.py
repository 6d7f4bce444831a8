"""One process writes a ledger, and the others are told so."""

from __future__ import annotations

from pathlib import Path

from authority.ledger.port import LedgerUnavailable
from authority.sqlite.ownership import Ownership, lock_of


class LedgerInUse(LedgerUnavailable):
    """Another process, or another part of this one, has the ledger open for writing."""


def own(database: Path) -> Ownership:
    """Take the ledger in *database* for this process, or raise `LedgerInUse`."""
    try:
        return Ownership(database)
    except BlockingIOError as fault:
        raise LedgerInUse(f"`{database}` is open for writing already; one process at a time may write it") from fault
    except OSError as fault:
        raise LedgerUnavailable(f"`{lock_of(database)}` cannot be opened: {fault.strerror}") from fault
