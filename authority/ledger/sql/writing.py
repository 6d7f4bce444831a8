"""What is written to a SQLite ledger: each function is one transaction, which is durable when it returns.

A function that returns or raises before its `commit` leaves nothing behind.  The statements go to the driver itself:
they are few and carry many rows, because after each one this thread has to win the interpreter back from an event loop
that is busy.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import chain
from typing import Any, Final, Self

import msgspec

from authority.ledger.binding import Mac, over_end, over_snapshot, require_end
from authority.ledger.codec import check
from authority.ledger.port import (
    Claimed,
    DropSecret,
    Head,
    Lane,
    LedgerCorrupt,
    Moved,
    NewEntry,
    PutSecret,
    SideRow,
    SignedHead,
    Snapshot,
)
from authority.ledger.sql.reading import EDGE, NEVER, Edge, edge_in, whole
from authority.ledger.sql.tables import microseconds
from authority.ledger.tlog import Subtree, leaf_hash

ROWS_AT_ONCE: Final = 64
"""Rows of the largest INSERT; smaller ones halve it, so that few statements exist and all stay prepared."""

SNAPSHOTS_KEPT: Final = 3
"""The newest, from which starts go on."""
SNAPSHOTS_SPREAD: Final = 16
"""So many older ones at most, from which the past is folded: as far from each other as the log is long."""

_EVENT: Final = "INSERT INTO event (position, at, lane, type, v, subject, leaf, body) VALUES"
_ONCE: Final = "INSERT INTO once (key, position) VALUES"
_SUBTREE: Final = "INSERT INTO subtree (height, number, root) VALUES"
_PUT: Final = "INSERT OR REPLACE INTO vault (id, purpose, sealed) VALUES"
_DROP: Final = "DELETE FROM vault WHERE id IN (SELECT value FROM json_each(?))"
_TAKEN: Final = "SELECT key FROM once WHERE key IN (SELECT value FROM json_each(?)) AND position < ?"
_GROW: Final = "UPDATE tree SET size = ?, frontier = ?, mac = ?"
_SIGNED: Final = "UPDATE tree SET signed = ?, mac = ?"


class Batch:
    """Entries that were checked and hashed, before anybody holds the write lock for them."""

    __slots__ = ("decided", "entries", "leaves")

    def __init__(self, entries: Sequence[NewEntry]) -> None:
        """Check and hash *entries*, or raise `ValueError`."""
        for entry in entries:
            check(entry)
        self.entries = entries
        self.decided = [microseconds(entry.decided_at) for entry in entries]
        self.leaves = [leaf_hash(entry.body) for entry in entries]

    def only(self, chosen: Sequence[int]) -> Self:
        """The entries at the indices *chosen*, not checked again."""
        batch = object.__new__(type(self))
        batch.entries = [self.entries[index] for index in chosen]
        batch.decided = [self.decided[index] for index in chosen]
        batch.leaves = [self.leaves[index] for index in chosen]
        return batch

    def keys(self) -> list[str]:
        """All once keys of the batch."""
        return [key for entry in self.entries for key in entry.once]


def append(connection: sqlite3.Connection, batch: Batch, folded: int, mac: Mac | None = None) -> int | Moved | Claimed:
    """Append *batch* under the conditions of `Ledger.append`."""
    with _transaction(connection):
        edge = _edge(connection, mac, folded)
        if folded > edge.frontier.size:
            raise LedgerCorrupt(
                edge.frontier.size + 1, f"the log ends at {edge.frontier.size}, and {folded} entries were folded"
            )
        if edge.moved:
            return Moved(edge.moved)
        first = edge.frontier.size + 1
        if taken := _claim(connection, batch, first):
            return Claimed(taken)
        _store(connection, batch, edge, mac)
        connection.commit()
    return first


def append_fresh(connection: sqlite3.Connection, batch: Batch, mac: Mac | None = None) -> tuple[int | None, ...]:
    """Append those of *batch* whose once keys are free."""
    with _transaction(connection):
        edge = _edge(connection, mac)
        first = edge.frontier.size + 1
        taken = _taken(connection, batch.keys(), first)
        fresh: list[int] = []
        for index, entry in enumerate(batch.entries):
            if taken.isdisjoint(entry.once):
                taken.update(entry.once)
                fresh.append(index)
        if fresh:
            chosen = batch.only(fresh)
            if clash := _claim(connection, chosen, first):
                raise LedgerCorrupt(0, f"once keys cannot be claimed and are not taken: {sorted(clash)}")
            _store(connection, chosen, edge, mac)
            connection.commit()
    positions: list[int | None] = [None] * len(batch.entries)
    for position, index in enumerate(fresh, first):
        positions[index] = position
    return tuple(positions)


def put_snapshot(connection: sqlite3.Connection, snapshot: Snapshot, mac: Mac | None = None) -> None:
    """Keep *snapshot* and drop the oldest ones."""
    with _transaction(connection):
        connection.execute(
            "INSERT OR REPLACE INTO snapshot (position, root, format, body, mac) VALUES (?, ?, ?, ?, ?)",
            (*msgspec.structs.astuple(snapshot), None if mac is None else mac(over_snapshot(snapshot))),
        )
        there = [at for (at,) in connection.execute("SELECT position FROM snapshot ORDER BY position")]
        connection.executemany("DELETE FROM snapshot WHERE position = ?", [(at,) for at in _crowded(there)])
        connection.commit()


def _crowded(positions: Sequence[int]) -> list[int]:
    """Those of the *positions* of snapshots, in order, that stand too near to the one before them."""
    distance, last, crowded = positions[-1] / (SNAPSHOTS_SPREAD + 1), 0, []
    for position in positions[:-SNAPSHOTS_KEPT]:
        if position - last < distance:
            crowded.append(position)
        else:
            last = position
    return crowded


def put_signed_head(connection: sqlite3.Connection, signed: SignedHead, mac: Mac | None = None) -> None:
    """Keep *signed* under the next number."""
    with _transaction(connection):
        edge = _edge(connection, mac)
        known = connection.execute("SELECT size, number FROM signed_head ORDER BY number DESC LIMIT 1").fetchone()
        last, number = known or (0, 0)
        if not last < signed.size <= edge.frontier.size:
            raise ValueError(
                f"a checkpoint of {signed.size} entries cannot follow one of {last} in a log of {edge.frontier.size}"
            )
        connection.execute(
            "INSERT INTO signed_head (number, size, note) VALUES (?, ?, ?)", (number + 1, signed.size, signed.note)
        )
        bound = None if mac is None else mac(over_end(edge.frontier, signed.size))
        connection.execute(_SIGNED, (signed.size, bound))
        connection.commit()


def bind(connection: sqlite3.Connection, end: Head, mac: Mac) -> None:
    """Bind the log as it stands, which must be what was verified up to *end*; snapshots are made again."""
    with _transaction(connection):
        edge = _edge(connection, None)
        if (edge.frontier.size, edge.frontier.root()) != (end.position, end.root):
            raise LedgerCorrupt(end.position, "the log is not the one that was verified")
        connection.execute("DELETE FROM snapshot")
        connection.execute(_SIGNED, (edge.signed, mac(over_end(edge.frontier, edge.signed))))
        connection.commit()


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Hold the write lock from the beginning, so that nothing moves between what is checked and what is written."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
    finally:
        connection.rollback()  # nothing is left to roll back once it was committed


def _edge(connection: sqlite3.Connection, mac: Mac | None, folded: int = NEVER) -> Edge:
    """Read the end of the log, and what configuration stands after *folded*."""
    edge = whole(edge_in(connection.execute(EDGE, (folded,)).fetchone()))
    # INVARIANT: before anything is written, for what is written would bind what somebody else put there.
    require_end(mac, edge.frontier, edge.signed, edge.mac)
    return edge


def _claim(connection: sqlite3.Connection, batch: Batch, first: int) -> frozenset[str]:
    """Claim the once keys of *batch*; what comes back was taken, and then nothing may be committed."""
    claims = [(key, position) for position, entry in enumerate(batch.entries, first) for key in entry.once]
    if not claims:
        return frozenset()
    try:
        _insert(connection, _ONCE, claims)
    except sqlite3.IntegrityError:
        keys = [key for key, _ in claims]
        # Some of the batch's own claims may stand already: they are not what was taken.
        taken = _taken(connection, keys, first) | {key for key, count in Counter(keys).items() if count > 1}
        if not taken:
            raise
        return frozenset(taken)
    return frozenset()


def _taken(connection: sqlite3.Connection, keys: Sequence[str], first: int) -> set[str]:
    """Those of *keys* that entries before the position *first* claimed."""
    if not keys:
        return set()
    return {key for (key,) in connection.execute(_TAKEN, (_json(keys), first))}


def _store(connection: sqlite3.Connection, batch: Batch, edge: Edge, mac: Mac | None) -> None:
    """Write entries, side rows and tree.  INVARIANT: all of them in the transaction that read *edge*."""
    frontier, at = edge.frontier, edge.at
    rows: list[tuple[Any, ...]] = []
    made: list[Subtree] = []
    for entry, decided, leaf in zip(batch.entries, batch.decided, batch.leaves, strict=True):
        at = max(at, decided)
        made += frontier.append(leaf)
        rows.append((frontier.size, at, int(entry.lane), entry.type, entry.v, entry.subject, leaf, entry.body))
    _insert(connection, _EVENT, rows)
    if made:
        _insert(connection, _SUBTREE, made)
    _store_beside(connection, chain.from_iterable(entry.rows for entry in batch.entries))
    bound = None if mac is None else mac(over_end(frontier, edge.signed))
    connection.execute(_GROW, (frontier.size, frontier.encode(), bound))


def _store_beside(connection: sqlite3.Connection, rows: Iterable[SideRow]) -> None:
    """Write the side rows; of several with one id the last counts."""
    last: dict[str, SideRow] = {row.id: row for row in rows}
    puts = [(row.id, row.purpose, row.sealed) for row in last.values() if isinstance(row, PutSecret)]
    if puts:
        _insert(connection, _PUT, puts)
    drops = [row.id for row in last.values() if isinstance(row, DropSecret)]
    if drops:
        connection.execute(_DROP, (_json(drops),))


def _insert(connection: sqlite3.Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert *rows*, many with one statement."""
    start, size = 0, ROWS_AT_ONCE
    while start < len(rows):
        while size > len(rows) - start:
            size //= 2
        some = rows[start : start + size]
        connection.execute(_with_rows(statement, size, len(some[0])), tuple(chain.from_iterable(some)))
        start += size


@cache
def _with_rows(statement: str, count: int, width: int) -> str:
    row = f"({', '.join('?' * width)})"
    return f"{statement} {', '.join([row] * count)}"


def _json(texts: Sequence[str]) -> str:
    return msgspec.json.encode(texts).decode()


def require_sessions_only(entries: Sequence[NewEntry]) -> None:
    """Raise `ValueError` when configuration would be appended without its condition."""
    if any(entry.lane is not Lane.SESSION for entry in entries):
        raise ValueError("configuration is appended only under the condition that nothing moved")
