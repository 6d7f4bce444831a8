"""A ledger, and projections that follow it."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import asynccontextmanager

import pytest

from authority.ledger.codec import new_entry
from authority.ledger.sql.schema import migrate
from authority.ledger.sql.sqlite import SqliteLedger
from authority.model.event import write_event
from authority.projections.runner import USUAL, Projections


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """An empty ledger, migrated once."""
    path = tmp_path_factory.mktemp("template") / "empty.sqlite"
    asyncio.run(migrate(f"sqlite+aiosqlite:///{path}"))
    return path


@asynccontextmanager
async def ledger_at(template, folder):
    path = folder / "ledger.sqlite"
    if not path.exists():
        shutil.copy(template, path)
    ledger = await SqliteLedger.open(f"sqlite+aiosqlite:///{path}")
    try:
        yield ledger
        await ledger.verify()
    finally:
        await ledger.close()


@pytest.fixture
async def ledger(template, tmp_path):
    """An empty ledger that is whole at the end."""
    async with ledger_at(template, tmp_path) as ledger:
        yield ledger


async def append(ledger, *events) -> int:
    """Write *events*; say the last position."""
    head = (await ledger.head()).position
    if events:
        await ledger.append([new_entry(write_event(event)) for event in events], folded=head)
    return head + len(events)


@asynccontextmanager
async def projecting(ledger, path, limits=USUAL):
    """Projections that run."""
    projections = await Projections.open(path, ledger, limits)
    running = asyncio.ensure_future(projections.run())
    try:
        yield projections
    finally:
        running.cancel()
        await asyncio.wait([running])
        await projections.close()


@pytest.fixture
async def projections(ledger, tmp_path):
    """Projections of the ledger, running."""
    async with projecting(ledger, tmp_path / "projections.sqlite") as projections:
        yield projections


def contents(path) -> dict[str, list]:
    """Every row of every table, for comparison."""
    connection = sqlite3.connect(path)
    try:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(connection.execute(f"SELECT * FROM {name}")) for name in tables}
    finally:
        connection.close()
