"""Bringing a database to the present schema, and saying whether it is there."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from authority.ledger.port import LedgerUnavailable
from authority.ledger.sql.engines import database_path, reader_engine, writer_engine
from authority.ledger.sql.faults import told_apart
from authority.ledger.sql.ownership import Ownership

VERSION_TABLE: Final = "schema_version"


class SchemaDiffers(LedgerUnavailable):
    """The database has another schema than this code writes: migrate it, or run the code that made it."""

    def __init__(self, found: str | None, wanted: str) -> None:
        """Say what was *found* and what is *wanted*."""
        super().__init__(f"the database's schema is `{found or 'none'}` and should be `{wanted}`")
        self.found = found
        self.wanted = wanted


async def migrate(url: str) -> None:
    """Bring the database at *url* to the present schema, all or nothing; make it when it is not there.

    Needs the ledger for itself: raises `LedgerInUse` while a process writes it.
    """
    path = database_path(url)
    with Ownership(path), told_apart():
        engine = writer_engine(path)
        try:
            async with engine.begin() as connection:
                await connection.run_sync(_upgrade)
        finally:
            await engine.dispose()


async def check(url: str) -> str:
    """The database's schema, when it is the present one; else raise `SchemaDiffers`."""
    path = database_path(url)
    if not path.is_file():
        raise LedgerUnavailable(f"there is no ledger at `{path}`")
    engine = reader_engine(path)
    try:
        return await require_current(engine)
    finally:
        await engine.dispose()


async def require_current(engine: AsyncEngine) -> str:
    """The schema of the database behind *engine*, or `SchemaDiffers`."""
    wanted = ScriptDirectory.from_config(_config()).get_current_head()
    with told_apart():
        async with engine.connect() as connection:
            found = await connection.run_sync(_revision)
    if wanted is None or found != wanted:
        raise SchemaDiffers(found, str(wanted))
    return found


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_migrations()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["version_table"] = VERSION_TABLE
    return config


def _migrations() -> Path:
    """Where the migrations are: within the package when it was installed, beside it in a checkout."""
    package = Path(str(files("authority")))
    installed = package / "_migrations"
    return installed if installed.is_dir() else package.parent / "migrations"
