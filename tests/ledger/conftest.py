"""A ledger in every store, held against itself again at the end of every test that used it."""

from __future__ import annotations

import asyncio

import pytest

from authority.ledger.sql.schema import migrate

from .stores import Sqlite


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """An empty ledger, migrated once."""
    path = tmp_path_factory.mktemp("template") / "empty.sqlite"
    asyncio.run(migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture(params=["sqlite"])
def store(request, template):
    """Every store keeps the same promise; one more is one more name here."""
    return {"sqlite": lambda: Sqlite(template)}[request.param]()


@pytest.fixture
async def ledger(store, tmp_path):
    """An empty ledger that is whole at the end, whatever the test did to it."""
    ledger = await store.open(store.make(tmp_path))
    yield ledger
    try:
        await ledger.verify()
    finally:
        await ledger.close()
