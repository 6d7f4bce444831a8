"""Engines over one SQLite file, and a shorter way to their connections."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, Self, TypeVar

from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

T = TypeVar("T")
P = ParamSpec("P")

BUSY_SECONDS: Final = 5
"""How long a statement waits for another process (a backup, a tool) before it fails."""

WAL_PAGES: Final = 8_192
"""Pages after which a commit copies the write-ahead log into the file itself (32 MB of pages as SQLite makes them)."""


def writing_engine(database: Path, *pragmas: str) -> AsyncEngine:
    """An engine with one connection, which writes ahead, once *pragmas* have their say.

    Makes the file, readable by its owner only, when it is not there; `OSError` when it cannot.
    """
    # INVARIANT: a file that is there is never opened here.  Closing it would drop the locks of all our connections
    # (POSIX, fcntl), and the next process to let go of the file would take away the write-ahead log that we write to.
    with suppress(FileExistsError):
        os.close(os.open(database, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    return _engine(database, 1, *pragmas, "journal_mode = WAL", f"wal_autocheckpoint = {WAL_PAGES}")


def reading_engine(database: Path, connections: int, *pragmas: str) -> AsyncEngine:
    """An engine whose statements each see the newest commit, take no lock, and write nothing."""
    # Nothing is taken back when a connection returns: what only reads leaves nothing begun.
    return _engine(database, connections, *pragmas, "query_only = ON", pool_reset_on_return=None)


class Readers:
    """A few connections that read; what is read together is a function, which runs as one call of the driver."""

    def __init__(self, engine: AsyncEngine) -> None:
        """Read through the connections of *engine*, which is theirs from now on."""
        self._engine = engine

    async def run(self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run *work* in the thread of a connection that is free."""
        async with self._engine.connect() as connection:
            return await _run((await connection.get_raw_connection()).driver_connection, work, *args, **kwargs)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._engine.dispose()


class Writer:
    """The one connection that writes; its transactions are functions, each of which runs as one call of the driver.

    A transaction is then one hop away from the event loop instead of four for each statement, holds the write lock no
    longer for a loop that is busy, stops at its first failure, and cannot be cut off in its middle.
    """

    def __init__(self, engine: AsyncEngine, connection: AsyncConnection, driver: Any) -> None:
        """Use `over`."""
        self._engine = engine
        self._connection = connection
        self._driver = driver

    @classmethod
    async def over(cls, engine: AsyncEngine) -> Self:
        """Take the connection of *engine*, which is the writer's from now on, and keep it."""
        try:
            connection = await engine.connect()
            return cls(engine, connection, (await connection.get_raw_connection()).driver_connection)
        except BaseException:
            await engine.dispose()
            raise

    async def run(
        self, transaction: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run *transaction* in the connection's own thread; cut off, it goes on to its end there."""
        return await _run(self._driver, transaction, *args, **kwargs)

    async def close(self) -> None:
        """Let go of the connection."""
        await self._connection.close()
        await self._engine.dispose()


async def _run(
    driver: Any, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    # The driver's public calls carry one statement each; this is what every one of them is made of.
    outcome: T = await driver._execute(work, driver._conn, *args, **kwargs)  # noqa: SLF001
    return outcome


def _engine(database: Path, connections: int, *pragmas: str, **more: Any) -> AsyncEngine:
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(database)),
        pool_size=connections,
        max_overflow=0,
        hide_parameters=True,  # an error must not carry what was looked for into the diagnostics
        connect_args={
            "timeout": BUSY_SECONDS,
            "check_same_thread": False,  # the driver gives each connection a thread, but opens and closes it anywhere
            "isolation_level": None,  # the driver begins nothing of its own
        },
        **more,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine
