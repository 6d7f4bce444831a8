"""How the SQLite database is opened: one engine that writes, one that reads, and the writer's shorter way."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, Self, TypeVar

from sqlalchemy import Connection, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from authority.ledger.port import LedgerUnavailable

T = TypeVar("T")
P = ParamSpec("P")

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


def writer_engine(path: Path) -> AsyncEngine:
    """An engine with one connection, whose transactions take the write lock when they begin.

    Left alone, the driver opens the transaction only at the first write, so what `append` has checked could move
    before it inserts.  Makes the file, readable by its owner only, when it is not there.
    """
    # INVARIANT: a file that is there is never opened here.  Closing it would drop the locks of all our connections
    # (POSIX, fcntl), and the next process to let go of the file would take away the write-ahead log that we write to.
    try:
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except OSError as fault:
        raise LedgerUnavailable(f"`{path}` cannot be made: {fault.strerror}") from fault
    engine = _engine(path, connections=1)

    @event.listens_for(engine.sync_engine, "connect")
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

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def reader_engine(path: Path, *, damaged: bool = False) -> AsyncEngine:
    """An engine whose statements each see the newest commit, take no lock, and write nothing.

    With *damaged* it opens files that are shorter than they say, to find out what is left of them.
    """
    engine = _engine(path, connections=READERS)

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        _pragmas(connection, *(["writable_schema = ON"] if damaged else []), "query_only = ON")
        # A damaged column must reach the audit, which names its position; the driver would raise without one.
        connection.driver_connection.text_factory = lambda stored: str(stored, "utf-8", "replace")

    return engine


class Writer:
    """The one connection that writes; its transactions are functions, each of which runs as one call of the driver.

    A transaction is then one hop away from the event loop instead of four for each statement, holds the write lock no
    longer for a loop that is busy, stops at its first failure, and cannot be cut off in its middle.
    """

    def __init__(self, engine: AsyncEngine, connection: AsyncConnection, driver: Any) -> None:
        """Use `open`."""
        self._engine = engine
        self._connection = connection
        self._driver = driver

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Take the connection and keep it."""
        engine = writer_engine(path)
        try:
            connection = await engine.connect()
            return cls(engine, connection, (await connection.get_raw_connection()).driver_connection)
        except BaseException:
            await engine.dispose()
            raise

    async def run(
        self, transaction: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run *transaction* in the connection's own thread."""
        # The driver's public calls carry one statement each; this is what every one of them is made of.
        outcome: T = await self._driver._execute(transaction, self._driver._conn, *args, **kwargs)  # noqa: SLF001
        return outcome

    async def close(self) -> None:
        """Let go of the connection."""
        await self._connection.close()
        await self._engine.dispose()


def _engine(path: Path, *, connections: int) -> AsyncEngine:
    return create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(path)),
        pool_size=connections,
        max_overflow=0,
        connect_args={
            "timeout": BUSY_SECONDS,
            "check_same_thread": False,  # the driver gives each connection a thread, but opens and closes it anywhere
            "isolation_level": None,  # the driver begins nothing of its own
        },
    )


def _pragmas(connection: Any, *pragmas: str) -> None:
    cursor = connection.cursor()
    for pragma in pragmas:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
