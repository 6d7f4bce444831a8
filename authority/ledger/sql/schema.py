"""Bringing a database to the present schema, and saying whether it is there."""

from __future__ import annotations

import sqlite3
from typing import Final

from authority.ledger.port import LedgerUnavailable
from authority.ledger.sql.engines import database_path, reader_engine, writer_engine
from authority.ledger.sql.faults import told_apart
from authority.ledger.sql.owning import own
from authority.ledger.sql.tables import VERSION_TABLE
from authority.sqlite.engines import Readers

PRESENT: Final = "0003"
"""What the last migration makes."""


class SchemaDiffers(LedgerUnavailable):
    """The database has another schema than this code writes: migrate it, or run the code that made it."""

    def __init__(self, found: str | None, wanted: str) -> None:
        """Say what was *found* and what is *wanted*."""
        super().__init__(
            f"the database's schema is `{found or 'none'}` and should be `{wanted}`;"
            " stop what serves it and run `authority db migrate`, or run the release that made it"
        )
        self.found = found
        self.wanted = wanted


async def migrate(url: str) -> None:
    """Bring the database at *url* to the present schema, all or nothing; make it when it is not there.

    Needs the ledger for itself: raises `LedgerInUse` while a process writes it.
    """
    # Alembic takes as long to load as the rest of the ledger, and only this needs it.
    from authority.ledger.sql.migrating import upgrade  # noqa: PLC0415

    path = database_path(url)
    with own(path), told_apart():
        engine = writer_engine(path)
        try:
            async with engine.begin() as connection:
                await connection.run_sync(upgrade)
        finally:
            await engine.dispose()


async def check(url: str) -> str:
    """The database's schema, when it is the present one; else raise `SchemaDiffers`."""
    path = database_path(url)
    if not path.is_file():
        raise LedgerUnavailable(f"there is no ledger at `{path}`")
    readers = Readers(reader_engine(path))
    try:
        return await require_current(readers)
    finally:
        await readers.close()


async def require_current(readers: Readers) -> str:
    """The schema of the database behind *readers*, or `SchemaDiffers`."""
    with told_apart():
        found = await readers.run(_revision)
    if found != PRESENT:
        raise SchemaDiffers(found, PRESENT)
    return found


def _revision(connection: sqlite3.Connection) -> str | None:
    there = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (VERSION_TABLE,))
    if there.fetchone() is None:
        return None
    found = connection.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchall()  # noqa: S608 - a constant
    return str(found[0][0]) if len(found) == 1 else None
