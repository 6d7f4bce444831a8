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
from authority.projections.indexing import Postings, Rows
from authority.projections.lending import store_loans
from authority.projections.reading import json_list
from authority.projections.tables import BLOCK_BITS, SEGMENT_BITS, WHOLE_LOG, term_number

ROWS_AT_ONCE: Final = 1024
"""Rows of the largest statement; smaller ones halve it, so that few statements exist and all stay prepared."""

_SEGMENT: Final = ("INSERT OR IGNORE INTO segment (number) VALUES", "")
_MOMENT: Final = ("INSERT OR IGNORE INTO moment (at, position) VALUES", "")
_TO_SEGMENT: Final = SEGMENT_BITS - BLOCK_BITS
_POST: Final = f"""
    INSERT INTO posting (segment, term, account, block, bits)
    SELECT CAST(part.key AS INTEGER) >> {_TO_SEGMENT}, CAST(listed.key AS INTEGER),
        coalesce(onto.column1, CAST(trail.key AS INTEGER)), CAST(part.key AS INTEGER), listed.value
    FROM json_each(?1) AS part CROSS JOIN json_each(part.value) AS trail CROSS JOIN json_each(trail.value) AS listed
        CROSS JOIN (VALUES (NULL)) AS onto
    WHERE true ON CONFLICT DO UPDATE SET bits = bits | excluded.bits"""  # noqa: S608 - constants only
"""The postings are one bound value: they are too many to be handed over number by number."""
_POST_SHARED: Final = _POST.replace("(NULL)", f"(NULL), ({WHOLE_LOG})")
"""The same, each onto the whole log too: the row beside it."""
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
    "UPDATE posting SET bits = posting.bits & ~over.column5 FROM (VALUES",
    """) AS over WHERE posting.segment = over.column1 AND posting.term = over.column2
        AND posting.account = over.column3 AND posting.block = over.column4""",
)
_NOTHING_LEFT: Final = (
    "DELETE FROM posting WHERE segment IN (SELECT value FROM json_each(?)) AND term = ? "
    "AND account IN (SELECT value FROM json_each(?)) AND bits = 0"
)
_CHECKPOINT: Final = "INSERT OR REPLACE INTO checkpoint (id, position, leaf) VALUES (1, ?, ?)"


def store(connection: sqlite3.Connection, rows: Rows, position: int, leaf: bytes) -> None:
    """Write *rows* and the checkpoint, all or nothing.  Written again, they change nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        _write(connection, _SEGMENT, [(number,) for number in rows.segments])
        _write(connection, _MOMENT, rows.moments)
        _post(connection, _POST, rows.postings)
        _post(connection, _POST_SHARED, rows.shared)
        _write(connection, _ISSUE, rows.sessions)
        _write(connection, _END, rows.ends)
        _no_longer_live(connection, rows)
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


def _post(connection: sqlite3.Connection, statement: str, postings: Postings) -> None:
    """Add *postings* by *statement*."""
    if postings:
        connection.execute(statement, (msgspec.json.encode(postings).decode(),))


def _no_longer_live(connection: sqlite3.Connection, rows: Rows) -> None:
    """Take the sessions that ended from those that are live, and the blocks that are left with none."""
    live = term_number(LIVE)
    over = [(block >> _TO_SEGMENT, live, trail, block, bits) for (block, trail), bits in rows.over.items()]
    if over:
        _write(connection, _NO_LONGER_LIVE, over)
        segments, _, trails, *_ = map(set, zip(*over, strict=True))
        connection.execute(_NOTHING_LEFT, (json_list(segments), live, json_list(trails)))


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
