"""Bringing a database to the present schema, and saying whether it is there."""

from __future__ import annotations

import asyncio
from importlib.resources import files
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

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
    await asyncio.to_thread(_migrate, url)


async def check(url: str) -> str:
    """The database's schema, when it is the present one; else raise `SchemaDiffers`."""
    return await asyncio.to_thread(_check, url)


def require_current(engine: Engine) -> str:
    """The schema of the database behind *engine*, or `SchemaDiffers`."""
    wanted = ScriptDirectory.from_config(_config()).get_current_head()
    with told_apart(), engine.connect() as connection:
        found = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()
    if wanted is None or found != wanted:
        raise SchemaDiffers(found, str(wanted))
    return found


def _migrate(url: str) -> None:
    path = database_path(url)
    with Ownership(path), told_apart():
        engine = writer_engine(path)
        try:
            with engine.begin() as connection:
                config = _config()
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        finally:
            engine.dispose()


def _check(url: str) -> str:
    path = database_path(url)
    if not path.is_file():
        raise LedgerUnavailable(f"there is no ledger at `{path}`")
    engine = reader_engine(path)
    try:
        return require_current(engine)
    finally:
        engine.dispose()


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
