"""How the projections' file is opened, made, and thrown away."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncEngine

from authority.projections.tables import BLOCK_BITS, METADATA, PLACE, VERSION, bit_of
from authority.sqlite.engines import Writer, reading_engine, writing_engine
from authority.sqlite.ownership import Ownership

READERS: Final = 3
CACHE_KIB: Final = 65_536


class ProjectionsInUse(Exception):  # noqa: N818 - what is the matter
    """Another process has the projections open; each needs a file of its own."""


def own(database: Path) -> Ownership:
    """Take the projections in *database* for this process, or raise `ProjectionsInUse`."""
    try:
        return Ownership(database)
    except BlockingIOError as fault:
        raise ProjectionsInUse(f"`{database}` is open already") from fault


def discard(database: Path) -> None:
    """Remove the file; everything in it can be built again."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)


def building(database: Path) -> Path:
    """Where projections are built beside those in *database*; what was cut off goes on there."""
    return database.with_name(database.name + ".building")


def rebuilt(database: Path) -> Path:
    """Where projections that were built beside wait, whole, to be put in the place of those in *database*."""
    return database.with_name(database.name + ".rebuilt")


def put_in_place(database: Path) -> None:
    """Have *database* be what was rebuilt beside it.  Nobody may have either open.

    What a crash leaves: the old file, or none and the new one beside, which the next start puts in place.
    """
    discard(database)
    rebuilt(database).replace(database)
    discard(rebuilt(database))


def reader_engine(database: Path) -> AsyncEngine:
    """An engine whose statements each see the newest commit and write nothing."""
    return reading_engine(database, READERS)


def writer_engine(database: Path) -> AsyncEngine:
    """An engine with one connection.  What the last moments before a power cut wrote may be lost, never half of it.

    (SQLite, PRAGMA synchronous: NORMAL.)
    """
    return writing_engine(database, "synchronous = NORMAL", f"cache_size = -{CACHE_KIB}")


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
    engine = writer_engine(database)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(METADATA.create_all)
            places = [{"bit": bit_of(number), "number": number} for number in range(1 << BLOCK_BITS)]
            await connection.execute(PLACE.insert(), places)
            await connection.commit()
            # INVARIANT: last, so that a file that was cut off is of no version.
            await connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")
    finally:
        await engine.dispose()
