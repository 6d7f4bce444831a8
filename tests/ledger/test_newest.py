"""Who follows the log closely is given what is stored, whether it is read back or not."""

from __future__ import annotations

import asyncio
import random

import pytest

from authority.ledger.port import PutSecret
from authority.ledger.sql import newest, reading
from authority.ledger.sql.sqlite import SqliteLedger

from .stores import config, entries, entry


@pytest.fixture
def read_back(monkeypatch):
    """The positions after which entries were read from the file."""
    after = []
    stored = reading.entries

    def entries_of(connection, position, limit, lane=None):
        after.append(position)
        return stored(connection, position, limit, lane)

    monkeypatch.setattr(reading, "entries", entries_of)
    return after


async def test_what_was_just_written_is_not_read_back(ledger, read_back):
    await ledger.append(entries(3), folded=0)
    followed = await ledger.read(0, 10)
    assert read_back == [0]
    await ledger.append(entries(4, at=9), folded=3)
    await ledger.append(entries(5, at=7), folded=7)
    for limit in (2, 3, 10):
        followed += await ledger.read(len(followed), limit)
    assert read_back == [0]
    assert await ledger.read(12, 10) == []
    assert followed == await ledger.read(0, 100)


async def test_who_reads_from_elsewhere_is_given_what_he_asks_for(ledger):
    await ledger.append(entries(3), folded=0)
    await ledger.read(0, 10)
    await ledger.append(entries(4), folded=3)
    assert [found.position for found in await ledger.read(4, 10)] == [5, 6, 7]
    assert [found.position for found in await ledger.read(1, 2)] == [2, 3]


async def test_nothing_is_kept_while_nobody_follows_and_no_secret_ever(ledger, read_back):
    await ledger.append(entries(3), folded=0)
    assert not ledger._newest._batches
    await ledger.read(0, 10)
    await ledger.append([entry("k", rows=[PutSecret("k", "a key", b"sealed")])], folded=3)
    assert not ledger._newest._batches
    await ledger.append(entries(2), folded=4)
    assert [found.position for found in await ledger.read(3, 10)] == [4, 5, 6]
    assert read_back == [0, 3]


async def test_what_is_kept_is_bounded(ledger, monkeypatch):
    monkeypatch.setattr(newest, "MOST_BYTES", 3_000)
    await ledger.append(entries(1), folded=0)
    await ledger.read(0, 10)
    for head in range(1, 31):
        await ledger.append(entries(1, pad=200), folded=head)
    assert 0 < len(ledger._newest._batches) < 10
    assert [found.position for found in await ledger.read(1, 100)] == list(range(2, 32))


async def test_an_append_whose_caller_was_cut_off_leaves_no_hole(ledger):
    await ledger.append(entries(1), folded=0)
    await ledger.read(0, 10)
    await ledger.append(entries(1), folded=1)
    cut = asyncio.ensure_future(ledger.append(entries(2), folded=2))
    await asyncio.wait([cut], timeout=0)
    cut.cancel()
    await asyncio.wait([cut])
    head = (await ledger.head()).position
    await ledger.append(entries(2), folded=head)
    found = await ledger.read(1, 10)
    while more := await ledger.read(found[-1].position, 10):
        found += more
    assert [one.position for one in found] == list(range(2, head + 3))


@pytest.mark.parametrize("seed", range(8))
async def test_a_follower_is_given_what_is_stored(store, tmp_path, seed):
    """Whatever is appended how, in whatever order of times, and however it is read."""
    chance = random.Random(seed)
    url = store.make(tmp_path)
    ledger, followed, head = await store.open(url), [], 0
    stored = await SqliteLedger.open(url, only_read=True)
    for number in range(60):
        at = chance.randrange(50)
        match chance.randrange(6):
            case 0:
                await ledger.append_fresh([entry(once=[f"once {chance.randrange(9)}"], at=at + n) for n in range(3)])
            case 1:
                await ledger.append([entry(rows=[PutSecret(f"k{number}", "a key", b"sealed")], at=at)], folded=head)
            case 2:
                await ledger.append([config(at=at), entry(at=at - 7)], folded=head)
            case _:
                await ledger.append(entries(chance.randrange(1, 6), at=at), folded=head)
        head = (await ledger.head()).position
        for _ in range(chance.randrange(3)):
            followed += await ledger.read(len(followed), chance.randrange(1, 9))
        if chance.randrange(9) == 0:
            await ledger.read(chance.randrange(head), 5)
    while more := await ledger.read(len(followed), 100):
        followed += more
    assert followed == await stored.read(0, 1000)
    await stored.close()
    await ledger.close()
