"""What one page writes: one transaction, in one call of the driver's thread.

Statements are few and carry many rows.  After each one this thread has to win the interpreter back from an event loop
that is busy, and what it does within one takes nothing from that loop.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import cache
from itertools import chain
from typing import Any, Final

import msgspec

from authority.audit.terms import LIVE
from authority.projections.indexing import Rows
from authority.projections.lending import store_loans
from authority.projections.tables import term_number

ROWS_AT_ONCE: Final = 1024
"""Rows of the largest statement; smaller ones halve it, so that few statements exist and all stay prepared."""

_SEGMENT: Final = ("INSERT OR IGNORE INTO segment (number) VALUES", "")
_MOMENT: Final = ("INSERT OR IGNORE INTO moment (at, position) VALUES", "")
_POST: Final = """
    INSERT OR IGNORE INTO posting (segment, term, account, position)
    SELECT CAST(part.key AS INTEGER), CAST(listed.key AS INTEGER), CAST(trail.key AS INTEGER), found.value
    FROM json_each(?) AS part CROSS JOIN json_each(part.value) AS trail
        CROSS JOIN json_each(trail.value) AS listed CROSS JOIN json_each(listed.value) AS found"""
"""All postings of a page are one bound value: they are too many to be handed over number by number."""
_ISSUE: Final = (
    "INSERT OR IGNORE INTO session (access_key_id, account, role_id, position, expires_at, loan) VALUES",
    "",
)
_END: Final = (
    "UPDATE session SET ended_at = ended.column2, ended_position = ended.column3, cause = ended.column4 FROM (VALUES",
    ") AS ended WHERE session.access_key_id = ended.column1 AND session.ended_at IS NULL",
)
_KEY: Final = ("INSERT OR IGNORE INTO key (id, account) VALUES", "")
_USE: Final = ("INSERT OR REPLACE INTO last_use (id, at, service, region, position) VALUES", "")
_ACCESS: Final = ("INSERT OR REPLACE INTO access (who, action, at, region) VALUES", "")
_NO_LONGER_LIVE: Final = (
    "DELETE FROM posting WHERE segment = ? AND term = ? AND account = ? "
    "AND position IN (SELECT value FROM json_each(?))"
)
_CHECKPOINT: Final = "INSERT OR REPLACE INTO checkpoint (id, position, leaf) VALUES (1, ?, ?)"


def store(connection: sqlite3.Connection, rows: Rows, position: int, leaf: bytes) -> None:
    """Write *rows* and the checkpoint, all or nothing.  Written again, they change nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        _write(connection, _SEGMENT, [(number,) for number in rows.segments])
        _write(connection, _MOMENT, rows.moments)
        connection.execute(_POST, (msgspec.json.encode(rows.postings).decode(),))
        _write(connection, _ISSUE, rows.sessions)
        _write(connection, _END, rows.ends)
        for (segment, trail), positions in rows.over.items():
            listed = f"[{','.join(map(str, positions))}]"
            connection.execute(_NO_LONGER_LIVE, (segment, term_number(LIVE), trail, listed))
        _write(connection, _KEY, rows.keys)
        _write(connection, _USE, list(rows.uses.values()))
        _write(connection, _ACCESS, list(rows.accesses.values()))
        store_loans(connection, rows.loans)
        connection.execute(_CHECKPOINT, (position, leaf))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # some errors have rolled it back already
            connection.execute("ROLLBACK")
        raise


def _write(connection: sqlite3.Connection, around: tuple[str, str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Run a statement over *rows*, many at once."""
    start, size = 0, ROWS_AT_ONCE
    while start < len(rows):
        while size > len(rows) - start:
            size //= 2
        some = rows[start : start + size]
        connection.execute(_with_rows(around, size, len(some[0])), tuple(chain.from_iterable(some)))
        start += size


@cache
def _with_rows(around: tuple[str, str], count: int, width: int) -> str:
    row = f"({', '.join('?' * width)})"
    return f"{around[0]} {', '.join([row] * count)}{around[1]}"
