"""What a database's error means for the ledger: come back later, or do not trust what is stored."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError, IntegrityError

from authority.ledger.port import LedgerCorrupt, LedgerUnavailable

PRIMARY_CODE: Final = 0xFF
"""The low byte of an extended result code says the kind (SQLite, Result and Error Codes)."""
DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


@contextmanager
def told_apart() -> Iterator[None]:
    """Turn every error of the database into `LedgerCorrupt` or `LedgerUnavailable`.

    Unknown errors count as unavailable: nothing is answered, and nobody is told that the log is damaged.
    """
    try:
        yield
    except DBAPIError as fault:
        raise _meaning_of(fault, fault.orig) from fault
    except sqlite3.Error as fault:
        raise _meaning_of(fault, fault) from fault
    except UnicodeDecodeError as fault:  # names in the schema, or an error that quotes them
        raise LedgerCorrupt(0, "the store is damaged: it holds text that is none") from fault


def is_damage(origin: BaseException | None) -> bool:
    """Whether *origin*, an error of the driver, says that the file is not what was written."""
    return isinstance(origin, sqlite3.Error) and getattr(origin, "sqlite_errorcode", 0) & PRIMARY_CODE in DAMAGED


def _meaning_of(fault: Exception, origin: BaseException | None) -> LedgerCorrupt | LedgerUnavailable:
    if isinstance(fault, IntegrityError | sqlite3.IntegrityError):
        # Everything that may clash was checked under the write lock, so what clashes now was stored by no append.
        return LedgerCorrupt(0, f"the store contradicts itself: {origin}")
    if is_damage(origin):
        return LedgerCorrupt(0, f"the store is damaged: {origin}")
    return LedgerUnavailable(f"the store cannot be used now: {origin}")
