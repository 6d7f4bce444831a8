"""Killed at any moment, under load: what was acknowledged is there, without a gap, and the tree is right."""

from __future__ import annotations

import asyncio
import random
import shutil
import sys
from pathlib import Path

import pytest

from authority.ledger.port import Claimed, Lane, LedgerCorrupt

from .appending import WRITERS
from .stores import entries, entry

ROOT = Path(__file__).resolve().parents[2]


async def killed(url, seed, after):
    """What a process acknowledged that was killed *after* some seconds of appending."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.ledger.appending", url, str(seed), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    said = []

    async def listen():
        while line := await child.stdout.readline():
            said.append(line)

    said.append(await child.stdout.readline())
    assert said[0], "it never appended"
    listening = asyncio.ensure_future(listen())
    await asyncio.wait([listening], timeout=after)
    assert child.returncode is None, "it ended by itself"
    child.kill()
    await child.wait()
    await listening
    acknowledged = [line.decode().split() for line in said if line.endswith(b"\n")]
    return [(int(first), int(count), stem) for first, count, stem in acknowledged]


@pytest.mark.parametrize("rounds", [3, pytest.param(150, marks=[pytest.mark.deep, pytest.mark.timeout(1800)])])
async def test_everything_acknowledged_outlives_a_kill(store, tmp_path, rounds):
    """Round after round on one log, without any repair between."""
    url = store.make(tmp_path)
    dice = random.Random(rounds)
    before = 0
    for seed in range(rounds):
        acknowledged = await killed(url, seed, after=dice.random() * 0.4)
        ledger = await store.open(url)
        head = await ledger.verify()
        stored = {found.position: found.subject for found in await ledger.read(before, 1_000_000)}
        assert list(stored) == list(range(before + 1, head.position + 1))
        for first, count, stem in acknowledged:
            assert [stored[first + at] for at in range(count)] == [f"{stem}.{at}" for at in range(count)]
        await whole_groups(ledger, stored, acknowledged)
        snapshot = await ledger.latest_snapshot()
        assert snapshot is None or snapshot.root == await ledger.root_at(snapshot.position)
        assert await ledger.append([entry("between")], folded=head.position) == head.position + 1
        before = head.position + 1
        await ledger.close()


async def whole_groups(ledger, stored, acknowledged):
    """What stands beside the acknowledged are whole appends, at most one of each writer: its answer was on the way."""
    groups = {}
    for subject in stored.values():
        stem, _, at = subject.rpartition(".")
        groups.setdefault(stem, []).append(int(at))
    told = {stem for _, _, stem in acknowledged}
    unanswered = set(groups) - told
    assert len(unanswered) <= WRITERS
    for numbers in groups.values():
        assert numbers == list(range(len(numbers)))
        assert len(numbers) in (1, 2, 16, 64)
    sample = sorted(stored.values())[::20]
    assert await ledger.append([entry(once=sample)], folded=max(stored)) == Claimed(frozenset(sample))
    for one in await ledger.entries_at(list(stored)[::20]):
        assert await ledger.secret(stored[one.position]) == (("p", b"s") if one.lane is Lane.CONFIG else None)


@pytest.mark.parametrize("rounds", [15, pytest.param(400, marks=pytest.mark.deep)])
async def test_a_file_whose_last_writes_are_lost_holds_an_earlier_log(store, tmp_path, rounds):
    """As when a machine lies about what is on its disk: appends are lost from the end, whole ones, and it is noticed."""
    (tmp_path / "live").mkdir()
    ledger = await store.open(store.make(tmp_path / "live"))
    heads = {0: (await ledger.head()).root}
    for number in range(40):
        await ledger.append(entries(1 + number % 5, pad=500), folded=0)
        head = await ledger.head()
        heads[head.position] = head.root
    journal = (tmp_path / "live" / "ledger.sqlite-wal").read_bytes()
    dice = random.Random(rounds)
    lost = 0
    for number in range(rounds):
        crashed = tmp_path / f"crashed {number}"
        crashed.mkdir()
        shutil.copy(tmp_path / "live" / "ledger.sqlite", crashed)
        (crashed / "ledger.sqlite-wal").write_bytes(journal[: dice.randrange(len(journal))])
        after = await store.open(f"sqlite:///{crashed / 'ledger.sqlite'}")
        left = await after.verify()
        assert heads[left.position] == left.root
        if left.position < head.position:
            lost += 1
            with pytest.raises(LedgerCorrupt) as told:
                await after.append(entries(1), folded=head.position)
            assert told.value.position == left.position + 1
        assert await after.append(entries(1), folded=left.position) == left.position + 1
        await after.close()
        shutil.rmtree(crashed)
    assert lost
    await ledger.close()
