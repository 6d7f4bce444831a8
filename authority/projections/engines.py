"""How the projections' file is opened: alone, by one process; one connection that writes and a few that read."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from authority.projections.tables import METADATA, VERSION

READERS: Final = 3
BUSY_SECONDS: Final = 5
CACHE_KIB: Final = 65_536
WAL_PAGES: Final = 16_384
"""Pages after which a commit copies the write-ahead log into the file (64 MB)."""


class ProjectionsInUse(Exception):  # noqa: N818 - what is the matter
    """Another process has the projections open; each needs a file of its own."""


class Ownership:
    """A lock on a file beside the database, held until `release` or the end of the process."""

    def __init__(self, database: Path) -> None:
        """Take the lock for *database*, or raise `ProjectionsInUse`."""
        path = database.with_name(database.name + ".lock")
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as fault:
            os.close(self._file)
            raise ProjectionsInUse(f"`{database}` is open already") from fault

    def release(self) -> None:
        """Let another process have it."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def discard(database: Path) -> None:
    """Remove the file; everything in it can be built again."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)


def reader_engine(database: Path) -> AsyncEngine:
    """An engine whose statements each see the newest commit and write nothing."""
    return _engine(database, READERS, "query_only = ON")


class Writer:
    """The one connection that writes; its transactions are functions, each of which runs as one call of the driver.

    What the last moments before a power cut wrote may be lost, never half of it (SQLite, PRAGMA synchronous: NORMAL).
    """

    def __init__(self, engine: AsyncEngine, connection: AsyncConnection, driver: Any) -> None:
        """Use `open`."""
        self._engine = engine
        self._connection = connection
        self._driver = driver

    @classmethod
    async def open(cls, database: Path) -> Self:
        """Take the connection and keep it."""
        engine = _writer_engine(database)
        try:
            connection = await engine.connect()
            return cls(engine, connection, (await connection.get_raw_connection()).driver_connection)
        except BaseException:
            await engine.dispose()
            raise

    async def run(self, transaction: Callable[[sqlite3.Connection], None]) -> None:
        """Run *transaction* in the connection's own thread; cut off, it goes on to its end there."""
        # The driver's public calls carry one statement each; this is what every one of them is made of.
        await self._driver._execute(transaction, self._driver._conn)  # noqa: SLF001

    async def close(self) -> None:
        """Let go of the connection."""
        await self._connection.close()
        await self._engine.dispose()


class Files(NamedTuple):
    """What is open: readers, the writer, and the lock that makes them the only ones."""

    reader: AsyncEngine
    writer: Writer
    ownership: Ownership

    async def close(self) -> None:
        """Let go of all of it."""
        await self.writer.close()
        await self.reader.dispose()
        self.ownership.release()


async def make_tables(database: Path) -> None:
    """Make a file with the tables of the present version."""
    engine = _writer_engine(database)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(METADATA.create_all)
            # INVARIANT: last, so that a file that was cut off is of no version.
            await connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")
    finally:
        await engine.dispose()


def _writer_engine(database: Path) -> AsyncEngine:
    # The file tells who did what, so it is its owner's only.
    # INVARIANT: a file that is there is never opened here: closing it would drop our connections' locks (POSIX, fcntl).
    with suppress(FileExistsError):
        os.close(os.open(database, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    return _engine(
        database,
        1,
        "journal_mode = WAL",
        "synchronous = NORMAL",
        f"cache_size = -{CACHE_KIB}",
        f"wal_autocheckpoint = {WAL_PAGES}",
    )


def _engine(database: Path, connections: int, *pragmas: str) -> AsyncEngine:
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(database)),
        poolclass=AsyncAdaptedQueuePool,
        pool_size=connections,
        max_overflow=0,
        hide_parameters=True,  # an error must not carry what was looked for into the diagnostics
        connect_args={"timeout": BUSY_SECONDS, "isolation_level": None},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine
