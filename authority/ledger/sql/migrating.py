"""The migrations, run by alembic: a module of its own because nothing else needs what takes long to load."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from authority.ledger.sql.tables import VERSION_TABLE


def newest() -> str | None:
    """The schema that the last migration makes."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def upgrade(connection: Connection) -> None:
    """Bring the database behind *connection* to the newest schema, in the transaction that it is in."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


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
