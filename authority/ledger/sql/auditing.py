"""Holding a SQLite ledger against itself, a chunk at a time, so that nothing waits for it long."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from authority.ledger.binding import Mac, require_end
from authority.ledger.port import BEGINNING, Head, Lane, LedgerCorrupt, TreeDiffers
from authority.ledger.sql.faults import is_damage
from authority.ledger.sql.reading import NEVER, READ, Edge, edge_of, frontier_over, scalar
from authority.ledger.sql.tables import entry_of, recorded_at
from authority.ledger.tlog import Frontier, Subtree
from authority.ledger.verify import Verifier

_CHUNK: Final = 256
_CONFIG_IN: Final = """
    SELECT position FROM event INDEXED BY event_config
    WHERE lane = 1 AND position > ? AND position <= ? ORDER BY position"""
_CLAIMED_IN: Final = "SELECT position, key FROM once WHERE position > ? AND position <= ?"


class Audit:
    """A walk over the stored log.

    Beside what `Verifier` checks, the walk holds the index of the configuration against the entries, for what an index
    leaves out would be folded by nobody; and the once keys, each of which an entry claims.
    """

    def __init__(
        self, connection: sqlite3.Connection, after: int, root: bytes | None, to: int | None, mac: Mac | None = None
    ) -> None:
        """Begin after *after*, where the tree must have *root*, and go on to *to*; *mac* binds the end."""
        self._mac = mac
        edge = self._edge = self._edge_of(connection)
        size = NEVER if edge is None else edge.frontier.size
        if after > size:
            raise LedgerCorrupt(size + 1, f"the log ends before the position {after}, which was there once")
        trusted = frontier_over(connection, 0, after) if after else Frontier()
        if root is not None and trusted.root() != root:
            raise LedgerCorrupt(min(after, 1), f"the first {after} entries do not have the root that is trusted")
        if to is not None and not after <= to <= size:
            raise LookupError(f"cannot verify from {after} to {to}: the log ends at {size}")
        self._verifier = Verifier(trusted, _recorded(connection, after))
        self._to = size if to is None else to
        self._chunk = _CHUNK

    def go_on(self, connection: sqlite3.Connection) -> bool:
        """Verify the next chunk; False when there was none left."""
        verifier = self._verifier
        at = verifier.frontier.size
        configured, claimed = [], []
        rows = connection.execute(READ[None], (at, min(self._chunk, self._to - at))).fetchall()
        for expected, row in enumerate(rows, at + 1):
            if row[0] != expected:
                raise LedgerCorrupt(expected, f"the next entry stored is {row[0]}")
            entry = entry_of(row)
            for subtree in verifier.accept(entry):
                _compare(connection, subtree)
            if entry.lane is Lane.CONFIG:
                configured.append(entry.position)
            claimed += [(entry.position, key) for key in verifier.claims]
        self._compare_claims(connection, claimed, at)
        _compare_index(connection, configured, at, verifier.frontier.size)
        return bool(rows)

    def conclude(self, connection: sqlite3.Connection) -> Head:
        """Hold the tree against what was walked over."""
        verifier, edge = self._verifier, self._edge
        if edge is None:
            raise LedgerCorrupt(verifier.frontier.size + 1, "the end of the log cannot be read")
        if scalar(connection, "SELECT EXISTS (SELECT 1 FROM event WHERE position < 1)"):
            raise LedgerCorrupt(1, "an entry stands before the first")
        entire = self._to == edge.frontier.size
        verifier.conclude(edge.frontier if entire else frontier_over(connection, 0, self._to))
        if entire and edge.last > self._to:
            raise LedgerCorrupt(self._to + 1, "an entry stands after the end of the tree")
        if entire:
            require_end(self._mac, edge.frontier, edge.signed, edge.mac)
        return Head(self._to, verifier.frontier.root(), verifier.at)

    def _edge_of(self, connection: sqlite3.Connection) -> Edge | None:
        return edge_of(connection)

    def _compare_claims(self, connection: sqlite3.Connection, claimed: Sequence[tuple[int, str]], after: int) -> None:
        stored = connection.execute(_CLAIMED_IN, (after, self._verifier.frontier.size)).fetchall()
        if differing := {(position, key) for position, key in stored} ^ set(claimed):
            first, key = min(differing, key=lambda claim: claim[0])
            raise LedgerCorrupt(first, f"the once key `{key}` is not claimed as the entry says")


class Search(Audit):
    """An audit of a file that the database itself finds damaged: it goes as far as it can and names what comes next."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Begin at the beginning; the end may be unknown."""
        super().__init__(connection, 0, None, None)

    def go_on(self, connection: sqlite3.Connection) -> bool:
        """Verify the next chunk, or halve it when something about it cannot be read."""
        at = self._verifier.frontier.size
        try:
            return super().go_on(connection)
        except sqlite3.Error as fault:
            if not is_damage(fault):
                raise
            if self._chunk == 1:
                raise LedgerCorrupt(at + 1, f"the store is damaged: {fault}") from fault
        self._chunk //= 2
        return True

    def _compare_claims(self, connection: sqlite3.Connection, claimed: Sequence[tuple[int, str]], after: int) -> None:
        """Entries are looked for here, not what lies beside them."""

    def _edge_of(self, connection: sqlite3.Connection) -> Edge | None:
        try:
            return edge_of(connection)
        except LedgerCorrupt:
            return None
        except sqlite3.Error as fault:
            if not is_damage(fault):
                raise
            return None


def _compare_index(connection: sqlite3.Connection, configured: Sequence[int], after: int, to: int) -> None:
    indexed = [at for (at,) in connection.execute(_CONFIG_IN, (after, to))]
    if list(indexed) != list(configured):
        first = min(set(indexed) ^ set(configured), default=after + 1)
        raise LedgerCorrupt(first, "the index of the configuration is not that of the entries")


def _compare(connection: sqlite3.Connection, subtree: Subtree) -> None:
    first = (subtree.number << subtree.height) + 1
    stored = scalar(
        connection, "SELECT root FROM subtree WHERE height = ? AND number = ?", (subtree.height, subtree.number)
    )
    if stored != subtree.root:
        raise TreeDiffers(first, f"the tree over the {1 << subtree.height} entries from {first} is not theirs")


def _recorded(connection: sqlite3.Connection, position: int) -> datetime:
    if position == 0:
        return BEGINNING
    at = scalar(connection, "SELECT at FROM event WHERE position = ?", (position,))
    return recorded_at(position, at)
