"""An intruder with the database in his hands, and everything but the root key: he makes the log fit together again."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from authority.ledger.codec import LANES, header_of
from authority.ledger.port import BEGINNING
from authority.ledger.tlog import Frontier, leaf_hash


def bodies(path: Path) -> list[bytes]:
    with closing(sqlite3.connect(path)) as connection:
        return [body for (body,) in connection.execute("SELECT body FROM event ORDER BY position")]


def rewritten(path: Path, change: Callable[[list[bytes]], Iterable[bytes]]) -> None:
    """Put the entries that *change* makes of those there are in their place, with columns, claims and tree to match."""
    wanted = list(change(bodies(path)))
    frontier, at, rows, whole, claims = Frontier(), BEGINNING, [], [], []
    for position, body in enumerate(wanted, 1):
        header = header_of(body)
        at = max(at, header.decided_at)
        leaf = leaf_hash(body)
        claims += [(key, position) for key in header.once]
        whole += frontier.append(leaf)
        micros = (at - BEGINNING) // timedelta(microseconds=1)
        rows.append((position, micros, LANES[header.lane].value, header.type, header.v, header.subject, leaf, body))
    with closing(unguarded(path)) as connection:
        connection.execute("DELETE FROM event")
        connection.execute("DELETE FROM subtree")
        connection.execute("DELETE FROM once")
        connection.executemany("INSERT INTO once VALUES (?, ?)", claims)
        connection.executemany("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        connection.executemany("INSERT INTO subtree VALUES (?, ?, ?)", whole)
        connection.execute("UPDATE tree SET size = ?, frontier = ?", (frontier.size, frontier.encode()))
        connection.commit()


def unguarded(path: Path) -> sqlite3.Connection:
    """The database without the triggers that keep it append-only."""
    connection = sqlite3.connect(path)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    return connection
