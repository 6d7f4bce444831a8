"""What is read from a SQLite ledger: plain functions of the driver's connection, which the store awaits as a whole."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from authority.ledger.binding import Mac, require_snapshot
from authority.ledger.codec import digest_of
from authority.ledger.port import Entry, Head, Lane, LedgerCorrupt, SignedHead, Snapshot, Vault
from authority.ledger.sql.tables import entry_of, microseconds, recorded_at
from authority.ledger.tlog import TILE_HEIGHT, Frontier

_ENTRY: Final = "SELECT position, at, lane, type, v, subject, leaf, body FROM event "
READ: Final = {
    # The lane is spelled out: a bound value would not match the condition of the partial index.
    None: _ENTRY + "WHERE position > ? ORDER BY position LIMIT ?",
    Lane.SESSION: _ENTRY + "WHERE lane = 0 AND position > ? ORDER BY position LIMIT ?",
    Lane.CONFIG: _ENTRY + "WHERE lane = 1 AND position > ? ORDER BY position LIMIT ?",
}
_READ_AT: Final = f"{_ENTRY} WHERE position IN (SELECT value FROM json_each(?))"  # noqa: S608 - constants only
EDGE: Final = """
    SELECT tree.size, tree.frontier, (SELECT max(position) FROM event),
           (SELECT at FROM event WHERE position = tree.size),
           (SELECT count(*) FROM event WHERE lane = 1 AND position > ?), tree.signed, tree.mac
    FROM tree"""
NEVER: Final = 0x7FFF_FFFF_FFFF_FFFF


class Edge(NamedTuple):
    """Where the log ends, seen in one statement: tree, entries and lane belong to the same moment."""

    frontier: Frontier
    at: int
    """Microseconds, as stored; -1 when the last entry is not there to say it."""
    moved: int
    """How many configuration entries stand after the position that was asked about."""
    last: int
    """The last entry there is; another position than the tree's size when somebody cut or added."""
    signed: int
    """How many entries are under the last checkpoint."""
    mac: object
    """What binds all this to the root key, as it is stored."""


def edge_in(row: Sequence[Any] | None) -> Edge:
    """The end of the log, as `EDGE` found it; or `LedgerCorrupt` when the row holds none."""
    if row is None:
        raise LedgerCorrupt(1, "the tree is gone")
    size, encoded, last, at, moved, signed, mac = row
    try:
        frontier = Frontier.decode(encoded)
    except (ValueError, TypeError) as fault:
        raise LedgerCorrupt(1, f"the tree cannot be read: {fault}") from fault
    if frontier.size != size:
        raise LedgerCorrupt(1, f"the tree of {size} entries has the edge of {frontier.size}")
    if not isinstance(signed, int) or not 0 <= signed <= NEVER:
        raise LedgerCorrupt(1, "the tree does not say how far it was signed for")
    return Edge(frontier, at if isinstance(at, int) else -1, moved, last or 0, signed, mac)


def whole(edge: Edge) -> Edge:
    """*edge*, or `LedgerCorrupt` when tree and entries end at different positions."""
    size, last = edge.frontier.size, edge.last
    if size != last:
        raise LedgerCorrupt(min(size, last) + 1, f"the entries end at {last} and the tree at {size}")
    if edge.at < 0:
        if size:
            raise LedgerCorrupt(size, "the recorded time cannot be read")
        return edge._replace(at=0)
    return edge


def scalar(connection: sqlite3.Connection, statement: str, values: tuple[object, ...] = ()) -> Any:
    """What stands in the only column of the first row; None where there is no row."""
    row = connection.execute(statement, values).fetchone()
    return None if row is None else row[0]


def edge_of(connection: sqlite3.Connection) -> Edge:
    """Read the end of the log."""
    return edge_in(connection.execute(EDGE, (NEVER,)).fetchone())


def head(connection: sqlite3.Connection) -> Head:
    """Where the log ends."""
    edge = whole(edge_of(connection))
    return Head(edge.frontier.size, edge.frontier.root(), recorded_at(edge.frontier.size, edge.at))


def entries(connection: sqlite3.Connection, after: int, limit: int, lane: Lane | None = None) -> list[Entry]:
    """The entries after a position.  A gap is noticed here, so that nobody folds past one."""
    found = [entry_of(row) for row in connection.execute(READ[lane], (after, limit)).fetchall()]
    if lane is None and found and found[-1].position != after + len(found):
        missing = next(at for at, entry in enumerate(found, after + 1) if entry.position != at)
        raise LedgerCorrupt(missing, "the entry is missing")
    return found


def entries_at(connection: sqlite3.Connection, positions: Sequence[int]) -> list[Entry]:
    """The entries at *positions*, in that order."""
    rows = connection.execute(_READ_AT, (msgspec.json.encode(list(positions)).decode(),))
    found = {entry.position: entry for entry in map(entry_of, rows)}
    for position in positions:
        if position not in found:
            if position < 1:
                raise LookupError(f"no entry stands at {position}: positions start at 1")
            _require_within(connection, position)
            raise LedgerCorrupt(position, "the entry is missing")
    return [found[position] for position in positions]


def position_at(connection: sqlite3.Connection, at: datetime) -> int:
    """The last position recorded at *at* or before: recorded times never decrease, so halving finds it."""
    wanted = microseconds(at)
    low, high = 0, edge_of(connection).last
    while low < high:
        middle = (low + high + 1) // 2
        recorded = scalar(connection, "SELECT at FROM event WHERE position = ?", (middle,))
        if not isinstance(recorded, int):
            raise LedgerCorrupt(middle, "the entry is missing")
        low, high = (middle, high) if recorded <= wanted else (low, middle - 1)
    return low


def configured_at(connection: sqlite3.Connection, position: int) -> int:
    """The last entry of the configuration up to *position*."""
    statement = "SELECT max(position) FROM event INDEXED BY event_config WHERE lane = 1 AND position <= ?"
    return scalar(connection, statement, (position,)) or 0


def frontier_over(connection: sqlite3.Connection, start: int, end: int) -> Frontier:
    """The edge of the tree over the leaves from *start* to *end*, from whole subtrees where there are any.

    *start* is a multiple of a power of two that is no smaller than the range, as all ranges of proofs are.
    """
    if start == 0:
        _require_within(connection, end)
    frontier = Frontier()
    at = start
    top = (end - start).bit_length() // TILE_HEIGHT * TILE_HEIGHT
    for height in range(top, 0, -TILE_HEIGHT):
        first, count = at >> height, (end - at) >> height
        roots = connection.execute(
            "SELECT root FROM subtree WHERE height = ? AND number >= ? AND number < ? ORDER BY number",
            (height, first, first + count),
        )
        at += _take(frontier, roots.fetchall(), count, at, height)
    leaves = connection.execute(
        "SELECT leaf FROM event WHERE position > ? AND position <= ? ORDER BY position", (at, end)
    )
    _take(frontier, leaves.fetchall(), end - at, at, 0)
    return frontier


def roots(connection: sqlite3.Connection, ranges: Sequence[tuple[int, int]], size: int) -> list[bytes]:
    """The roots of the trees over *ranges* of the first *size* leaves, which the log must have."""
    _require_within(connection, size)
    return [frontier_over(connection, start, end).root() for start, end in ranges]


def secret(connection: sqlite3.Connection, id_: str) -> tuple[str, bytes] | None:
    """The purpose and sealed bytes of one secret."""
    row = connection.execute("SELECT purpose, sealed FROM vault WHERE id = ?", (id_,)).fetchone()
    return None if row is None else (row[0], row[1])


def secrets(connection: sqlite3.Connection, purpose: str) -> list[tuple[str, bytes]]:
    """All secrets of one purpose."""
    rows = connection.execute("SELECT id, sealed FROM vault WHERE purpose = ? ORDER BY id", (purpose,))
    return [(id_, sealed) for id_, sealed in rows]


def vault(connection: sqlite3.Connection) -> Vault:
    """The digests of all secrets, and the end of the log, in one statement."""
    rows = connection.execute(
        "SELECT tree.size, vault.id, purpose, sealed FROM tree LEFT JOIN vault ON true ORDER BY vault.id"
    ).fetchall()
    if not rows:
        raise LedgerCorrupt(1, "the tree is gone")
    digests = {}
    for _, id_, purpose, sealed in rows:
        if isinstance(purpose, str) and isinstance(sealed, bytes):
            digests[id_] = digest_of(purpose, sealed)
        elif id_ is not None:
            raise LedgerCorrupt(0, f"the secret `{id_}` cannot be read")
    return Vault(rows[0][0], digests)


def latest_snapshot(connection: sqlite3.Connection, to: int | None, mac: Mac | None = None) -> Snapshot | None:
    """The newest snapshot of this history up to *to*, which *mac* binds."""
    last = min(edge_of(connection).frontier.size, NEVER if to is None else to)
    known = connection.execute(
        "SELECT position, root FROM snapshot WHERE position <= ? ORDER BY position DESC", (last,)
    )
    for position, root in known.fetchall():
        if root == frontier_over(connection, 0, position).root():
            row = connection.execute(
                "SELECT position, root, format, body, mac FROM snapshot WHERE position = ?", (position,)
            ).fetchone()
            if row is None:
                return None
            snapshot = _snapshot(row[:-1])
            require_snapshot(mac, snapshot, row[-1])
            return snapshot
    return None


def snapshots(connection: sqlite3.Connection) -> list[Snapshot]:
    """All snapshots."""
    rows = connection.execute("SELECT position, root, format, body FROM snapshot ORDER BY position").fetchall()
    return [_snapshot(row) for row in rows]


def _snapshot(row: Sequence[Any]) -> Snapshot:
    if tuple(map(type, row)) != (int, bytes, str, bytes):
        raise LedgerCorrupt(0, "a snapshot cannot be read")
    return Snapshot(*row)


def latest_signed_head(connection: sqlite3.Connection) -> SignedHead | None:
    """The checkpoint of the largest size, which the tree knows of."""
    row = connection.execute(
        "SELECT number, signed_head.size, note, tree.signed FROM tree LEFT JOIN signed_head ON true "
        "ORDER BY signed_head.size DESC LIMIT 1"
    ).fetchone()
    if row is None:
        raise LedgerCorrupt(1, "the tree is gone")
    *stored, signed = row
    head = None if stored[0] is None else _signed_head(stored)
    if signed != (0 if head is None else head.size):
        raise LedgerCorrupt(0, f"the newest checkpoint should be of {signed} entries, and is missing")
    return head


def signed_heads(connection: sqlite3.Connection, after: int, limit: int) -> list[SignedHead]:
    """The checkpoints of sizes past *after*.  One that was taken out from between others is noticed."""
    rows = connection.execute(
        "SELECT number, size, note FROM signed_head WHERE size > ? ORDER BY size LIMIT ?", (after, limit)
    ).fetchall()
    before = (
        scalar(connection, "SELECT number FROM signed_head WHERE size <= ? ORDER BY size DESC LIMIT 1", (after,)) or 0
    )
    for expected, row in enumerate(rows, before + 1):
        if row[0] != expected:
            raise LedgerCorrupt(0, f"checkpoint {expected} is missing: the next one stored is {row[0]}")
    return [_signed_head(row) for row in rows]


def subtrees(connection: sqlite3.Connection, height: int, first: int, count: int) -> list[bytes]:
    """The roots of whole subtrees."""
    if height % TILE_HEIGHT or height < 0 or first < 0 or count < 1:
        raise LookupError(f"no subtrees of height {height} are kept")
    _require_within(connection, (first + count) << height)
    statement, bounds = (
        ("SELECT leaf FROM event WHERE position > ? AND position <= ? ORDER BY position", (first, first + count))
        if height == 0
        else (
            "SELECT root FROM subtree WHERE height = ? AND number >= ? AND number < ? ORDER BY number",
            (height, first, first + count),
        )
    )
    roots = [root for (root,) in connection.execute(statement, bounds)]
    if len(roots) != count or not all(isinstance(root, bytes) for root in roots):
        raise LedgerCorrupt((first << height) + 1, f"the tree after {first << height} lacks hashes of height {height}")
    return roots


def _signed_head(row: Sequence[Any]) -> SignedHead:
    number, size, note = row
    if not isinstance(size, int) or not isinstance(note, bytes):
        raise LedgerCorrupt(0, f"checkpoint {number} cannot be read")
    return SignedHead(size, note)


def _require_within(connection: sqlite3.Connection, position: int) -> None:
    size = edge_of(connection).frontier.size
    if not 0 <= position <= size:
        raise LookupError(f"the log ends at {size}, before {position}")


def _take(frontier: Frontier, rows: Sequence[Any], count: int, start: int, height: int) -> int:
    if len(rows) != count:
        raise LedgerCorrupt(start + 1, f"the tree after {start} lacks hashes of height {height}")
    for (root,) in rows:
        if not isinstance(root, bytes):
            raise LedgerCorrupt(start + 1, f"the tree after {start} holds something else than hashes")
        frontier.append(root, height)
    return count << height
