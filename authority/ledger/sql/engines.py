"""How the SQLite database is opened: one engine that writes, one that reads.

Both are synchronous and driven from threads of the store's own.  A transaction is then one hop away from the event
loop instead of five for each statement, and no cancellation can reach into the middle of it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import QueuePool

from authority.ledger.port import LedgerUnavailable

BUSY_SECONDS: Final = 5
"""How long a write waits for another process (a backup, a tool) before the ledger counts as unavailable."""

READERS: Final = 4

WAL_PAGES: Final = 16_384
"""Past this (64 MB) a commit copies the write-ahead log itself, should nobody call `checkpoint`."""


def database_path(url: str | URL) -> Path:
    """The file that *url* names.  `ValueError` when it names none."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise ValueError(f"`{parsed.render_as_string()}` names no SQLite file")
    return Path(parsed.database).resolve()


def writer_engine(path: Path) -> Engine:
    """An engine with one connection, whose transactions take the write lock when they begin.

    Left alone, the driver opens the transaction only at the first write, so what `append` has checked could move
    before it inserts.  Makes the file, readable by its owner only, when it is not there.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as fault:
        raise LedgerUnavailable(f"`{path}` cannot be opened: {fault.strerror}") from fault
    engine = _engine(path, connections=1)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        _pragmas(
            connection,
            "journal_mode = WAL",
            "synchronous = FULL",  # a commit is on the disk before it is answered
            "fullfsync = ON",  # and not in the disk's own cache, where the system tells them apart
            "checkpoint_fullfsync = ON",
            "secure_delete = ON",  # a secret that is dropped leaves no copy in the file
            f"wal_autocheckpoint = {WAL_PAGES}",
        )

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def reader_engine(path: Path) -> Engine:
    """An engine whose statements each see the newest commit, take no lock, and write nothing."""
    engine = _engine(path, connections=READERS)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        _pragmas(connection, "query_only = ON")
        # A damaged column must reach the audit, which names its position; the driver would raise without one.
        connection.text_factory = lambda stored: str(stored, "utf-8", "replace")

    return engine


def _engine(path: Path, *, connections: int) -> Engine:
    return create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        connect_args={
            "timeout": BUSY_SECONDS,
            "check_same_thread": False,  # the pool hands a connection to one thread at a time
            "isolation_level": None,  # the driver begins nothing of its own
        },
    )


def _pragmas(connection: Any, *pragmas: str) -> None:
    cursor = connection.cursor()
    for pragma in pragmas:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
