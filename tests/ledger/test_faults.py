"""A disk that is full, a file that somebody else holds: nothing is lost, and it goes on without repair."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
from contextlib import closing, contextmanager, suppress

import pytest

from authority.ledger.port import LedgerUnavailable, PutSecret, Snapshot
from authority.ledger.sql.engines import PAGE
from authority.sqlite import engines

from .stores import entries, entry

SPARE = 600_000
"""Bytes that may still be written before the disk is full."""


@contextmanager
def no_more_pages(ledger, path):
    """As a full disk looks to the database: `SQLITE_FULL`."""
    driver = ledger._writer._driver._conn
    (before,) = driver.execute("PRAGMA max_page_count").fetchone()
    driver.execute(f"PRAGMA max_page_count = {path.stat().st_size // PAGE + SPARE // PAGE}")
    try:
        yield
    finally:
        with suppress(sqlite3.ProgrammingError):  # it was closed meanwhile
            driver.execute(f"PRAGMA max_page_count = {before}")


@contextmanager
def files_may_not_grow(ledger, path):
    """As a quota looks to the operating system: a write past the limit fails, perhaps in the middle."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + SPARE + 1234, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture(params=[no_more_pages, files_may_not_grow], ids=lambda fault: fault.__name__.replace("_", " "))
def full(request):
    return request.param


async def fill(ledger, head):
    """Append until it fails; say how much was acknowledged, and that the log says the same."""
    for _ in range(2000):
        batch = [
            entry(f"{head} {at}", once=[f"{head + at}"], rows=[PutSecret(f"{head + at}", "p", b"s")], pad=2000)
            for at in range(8)
        ]
        try:
            assert await ledger.append(batch, folded=head) == head + 1
        except LedgerUnavailable:
            return head
        head += len(batch)
    pytest.fail("the disk is still not full")


async def test_nothing_is_lost_on_a_full_disk_and_it_goes_on_when_there_is_room(ledger, tmp_path, full):
    path = tmp_path / "ledger.sqlite"
    await ledger.append([entry(rows=[PutSecret("first", "p", b"1")])], folded=0)
    with full(ledger, path):
        acknowledged = await fill(ledger, 1)
        assert acknowledged > 1
        head = await ledger.head()
        assert head.position == acknowledged
        for _ in range(3):
            with pytest.raises(LedgerUnavailable):
                await ledger.append(entries(200, pad=4000), folded=acknowledged)
            with pytest.raises(LedgerUnavailable):
                await ledger.append_fresh(entries(200, pad=4000))
            with pytest.raises(LedgerUnavailable):
                await ledger.put_snapshot(Snapshot(1, await ledger.root_at(1), "f", bytes(2 * SPARE)))
        assert await ledger.head() == head
        assert await ledger.verify() == head
        assert len(await ledger.secrets("p")) == acknowledged
        assert len(await ledger.read(0, 10_000)) == acknowledged
    assert await ledger.append([entry(once=[f"{acknowledged}"])], folded=acknowledged) == acknowledged + 1, (
        "its key is free"
    )
    await ledger.put_snapshot(Snapshot(1, await ledger.root_at(1), "f", bytes(2 * SPARE)))
    await ledger.checkpoint()
    assert (await ledger.verify()).position == acknowledged + 1


async def test_what_was_written_before_the_disk_was_full_is_there_after_opening_again(store, tmp_path, full):
    url = store.make(tmp_path)
    ledger = await store.open(url)
    with full(ledger, tmp_path / "ledger.sqlite"):
        acknowledged = await fill(ledger, 0)
        with suppress(LedgerUnavailable):
            await ledger.checkpoint()
        assert (await ledger.verify()).position == acknowledged
        await ledger.close()
        again = await store.open(url)
        head = await again.verify()
        await again.close()
    assert head.position == acknowledged
    ledger = await store.open(url)
    assert await ledger.append(entries(1), folded=acknowledged) == acknowledged + 1
    await ledger.close()


async def test_writers_that_wait_while_the_disk_is_full_are_all_told(ledger, tmp_path, full):
    with full(ledger, tmp_path / "ledger.sqlite"):
        outcomes = await asyncio.gather(
            *(ledger.append(entries(40, pad=4000), folded=0) for _ in range(20)), return_exceptions=True
        )
    told = [outcome for outcome in outcomes if isinstance(outcome, LedgerUnavailable)]
    numbered = [outcome for outcome in outcomes if isinstance(outcome, int)]
    assert told
    assert len(told) + len(numbered) == 20
    assert sorted(numbered) == [1 + 40 * number for number in range(len(numbered))]
    assert (await ledger.head()).position == 40 * len(numbered)


async def test_a_file_that_somebody_else_writes_is_unavailable_for_so_long(store, tmp_path, monkeypatch):
    monkeypatch.setattr(engines, "BUSY_SECONDS", 0.05)
    url = store.make(tmp_path)
    ledger = await store.open(url)
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for _ in range(2):
            with pytest.raises(LedgerUnavailable, match="locked"):
                await ledger.append(entries(1), folded=0)
        assert (await ledger.head()).position == 0
        other.execute("ROLLBACK")
    assert await ledger.append(entries(1), folded=0) == 1
    await ledger.close()


async def test_a_reader_that_stays_does_not_hold_the_writer_up(ledger, tmp_path):
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM event").fetchone()
        assert await ledger.append(entries(3000, pad=2000), folded=0) == 1
        await ledger.checkpoint()
        assert other.execute("SELECT count(*) FROM event").fetchone() == (0,)
    await ledger.checkpoint()
    assert await ledger.append(entries(1), folded=0) == 3001
