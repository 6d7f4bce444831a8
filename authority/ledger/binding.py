"""What binds the end of a log, and a snapshot, to whoever holds the root key.

Who can write the database can make entries, columns and tree agree with each other.  He cannot make these codes.
Knows what they are over; refuses to know the key.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from hmac import compare_digest
from typing import Final, TypeAlias

from authority.ledger.port import LedgerCorrupt, Snapshot
from authority.ledger.tlog import Frontier

Mac: TypeAlias = Callable[[bytes], bytes]
"""A code over a message that nobody makes who has not the root key."""

PURPOSE: Final = "ledger"
"""The subkey that codes of the ledger are made with."""

_NEXT: Final = (
    "compare the log with a checkpoint that was put aside (`authority verify --checkpoint`) or restore a backup;"
    " if it is known to be whole, because an earlier release made it, `authority db trust` binds it as it is"
)


def over_end(frontier: Frontier, signed: int) -> bytes:
    """What is bound of a log that ends at *frontier*, of which *signed* entries are under a checkpoint."""
    return b"end|v1|" + signed.to_bytes(8, "big") + frontier.encode()


def over_snapshot(snapshot: Snapshot) -> bytes:
    """What is bound of *snapshot*."""
    said = f"snapshot|v1|{snapshot.position}|{snapshot.format}|".encode()
    return said + snapshot.root + sha256(snapshot.body).digest()


def require_end(mac: Mac | None, frontier: Frontier, signed: int, found: object) -> None:
    """Raise `LedgerCorrupt` unless *found* binds this end.  Without a *mac* nobody here can tell."""
    if mac is not None and not _fits(mac, over_end(frontier, signed), found):
        first = min(signed, frontier.size) + 1
        what = f"what stands after the last checkpoint was not written by this authority; {_NEXT}"
        raise LedgerCorrupt(first, what)


def require_snapshot(mac: Mac | None, snapshot: Snapshot, found: object) -> None:
    """Raise `LedgerCorrupt` unless *found* binds *snapshot*."""
    if mac is not None and not _fits(mac, over_snapshot(snapshot), found):
        what = f"the snapshot of the first {snapshot.position} entries was not written by this authority; {_NEXT}"
        raise LedgerCorrupt(snapshot.position, what)


def _fits(mac: Mac, message: bytes, found: object) -> bool:
    return isinstance(found, bytes) and compare_digest(mac(message), found)
