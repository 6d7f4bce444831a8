"""How the ledger's database is opened: one engine that writes, one that reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from authority.ledger.port import LedgerUnavailable
from authority.sqlite.engines import reading_engine, writing_engine

READERS: Final = 4
PAGE: Final = 8192
"""Bytes of a page in a file that is made now: an entry of a session takes more than half of SQLite's usual 4096."""


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
    try:
        engine = writing_engine(
            path,
            f"page_size = {PAGE}",
            "synchronous = FULL",  # a commit is on the disk before it is answered
            "fullfsync = ON",  # and not in the disk's own cache, where the system tells them apart
            "checkpoint_fullfsync = ON",
            "secure_delete = ON",  # a secret that is dropped leaves no copy in the file
        )
    except OSError as fault:
        raise LedgerUnavailable(f"`{path}` cannot be made: {fault.strerror}") from fault

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def reader_engine(path: Path, *, damaged: bool = False) -> AsyncEngine:
    """An engine whose statements each see the newest commit, take no lock, and write nothing.

    With *damaged* it opens files that are shorter than they say, to find out what is left of them.
    """
    engine = reading_engine(path, READERS, *(["writable_schema = ON"] if damaged else []))

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        # A damaged column must reach the audit, which names its position; the driver would raise without one.
        connection.driver_connection.text_factory = lambda stored: str(stored, "utf-8", "replace")

    return engine
