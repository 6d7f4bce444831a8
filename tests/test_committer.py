"""Decisions are made in log order, from published states only, and nobody is told what is not durable."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from authority.committer import Committed, Committer, Proposal, Unavailable, folded
from authority.kernel.ids import AccountId
from authority.ledger.codec import new_entry
from authority.ledger.port import LedgerUnavailable
from authority.ledger.sql.schema import migrate
from authority.ledger.sql.sqlite import SqliteLedger
from authority.model.authority import AccountCreated
from authority.model.event import Event, write_event
from authority.model.state import EMPTY, canonical
from authority.replay.folding import Version

AT = datetime(2026, 1, 2, tzinfo=UTC)
START = Version(0, 0, EMPTY)


@pytest.fixture
async def ledger(tmp_path):
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    await migrate(url)
    ledger = await SqliteLedger.open(url)
    yield ledger
    await ledger.verify()
    await ledger.close()


@asynccontextmanager
async def committing(ledger, version=START, **limits):
    committer = Committer(ledger, version, **{"batch_limit": 64, "queue_limit": 256, **limits})
    async with asyncio.TaskGroup() as group:
        running = group.create_task(committer.run())
        yield committer
        running.cancel()


def proposal(*facts, once=(), outcome=None, subject="s") -> Proposal:
    lane = "config" if facts else "session"
    event = Event(type="test:Act", v=1, decided_at=AT, lane=lane, subject=subject, facts=facts)
    return Proposal(new_entry(write_event(event), once=once), facts, outcome)


def read(version, claimed):
    return proposal(outcome=len(version.state.accounts))


def account(number: int):
    def act(version, claimed):
        name = AccountId(f"{number:012}")
        if name in version.state.accounts:
            return proposal(outcome="taken")
        return proposal(AccountCreated(account=name, name="n"), outcome="made")

    return act


def claiming(key: str):
    def act(version, claimed):
        return proposal(outcome="refused") if claimed else proposal(once=(key,), outcome="first")

    return act


async def test_each_decision_sees_all_that_came_before_it(ledger):
    async with committing(ledger) as committer:
        acts = [read, account(1), read, account(2), account(1), read]
        committed = await asyncio.gather(*(committer.submit(act) for act in acts))
    assert [one.outcome for one in committed] == [0, "made", 1, "made", "taken", 2]
    assert [one.position for one in committed] == [1, 2, 3, 4, 5, 6]
    assert (committer.version.position, committer.version.configured) == (6, 4)


async def test_a_once_key_is_won_once_however_many_race_for_it(ledger):
    async with committing(ledger) as committer:
        committed = await asyncio.gather(*(committer.submit(claiming("totp:1")) for _ in range(50)))
    assert sorted(one.outcome for one in committed) == ["first"] + ["refused"] * 49
    assert committed[0].outcome == "first"


async def test_of_some_places_each_is_taken_once_however_many_race_for_them(ledger):
    decided = 0

    def taking(version, claimed):
        nonlocal decided
        decided += 1
        free = [f"place:{number}" for number in range(10) if f"place:{number}" not in claimed]
        return proposal(once=(free[0],), outcome=free[0]) if free else proposal(outcome="none")

    await ledger.append([proposal(once=(f"place:{number}",)).entry for number in (0, 1, 4)], folded=0)
    async with committing(ledger) as committer:
        committed = await asyncio.gather(*(committer.submit(taking) for _ in range(50)))
    taken = [one.outcome for one in committed]
    assert sorted(taken) == ["none"] * 43 + [f"place:{number}" for number in (2, 3, 5, 6, 7, 8, 9)]
    assert taken[7:] == ["none"] * 43, "not in the order in which they came"
    assert decided <= 3 * 50, "each place that is taken was tried by each of them"


async def test_the_published_state_is_the_fold_of_the_log(ledger):
    async with committing(ledger) as committer:
        await asyncio.gather(*(committer.submit(account(number % 7)) for number in range(40)))
    again = await folded(ledger, START)
    assert canonical(again.state) == canonical(committer.version.state)
    assert (again.position, again.configured) == (committer.version.position, committer.version.configured)


async def test_what_others_configured_is_folded_before_anything_is_decided(ledger):
    await ledger.append([account(1)(START, frozenset()).entry], folded=0)
    async with committing(ledger) as committer:
        committed = await committer.submit(account(1))
    assert committed.outcome == "taken"
    assert committed.position == 2


async def test_a_fault_in_one_decision_is_nobody_elses(ledger):
    def broken(version, claimed):
        raise ZeroDivisionError

    async with committing(ledger) as committer:
        outcomes = await asyncio.gather(*map(committer.submit, (read, broken, read)), return_exceptions=True)
    assert isinstance(outcomes[1], ZeroDivisionError)
    assert [one.position for one in outcomes if isinstance(one, Committed)] == [1, 2]


async def test_no_more_wait_than_may(ledger):
    committer = Committer(ledger, START, batch_limit=1, queue_limit=1)
    first = asyncio.ensure_future(committer.submit(read))
    await asyncio.wait([first], timeout=0)
    with pytest.raises(Unavailable, match="more requests wait"):
        await committer.submit(read)
    first.cancel()


@pytest.fixture
def sizes(ledger, monkeypatch):
    """How many entries each append has."""
    seen = []
    append = ledger.append

    async def counted(entries, *, folded):
        seen.append(len(entries))
        return await append(entries, folded=folded)

    monkeypatch.setattr(ledger, "append", counted)
    return seen


async def test_all_who_wait_are_committed_together(ledger, sizes):
    async with committing(ledger) as committer:
        await asyncio.gather(*(committer.submit(read) for _ in range(60)))
    assert sizes == [60]


@pytest.mark.parametrize(("limit", "then"), [(8, [8, 8, 4]), (18, [18, 2])])
async def test_no_commit_takes_more_than_it_may(ledger, sizes, limit, then):
    async with committing(ledger, batch_limit=limit) as committer:
        await asyncio.gather(*(committer.submit(read) for _ in range(20)))
    assert sizes == then


async def test_of_many_who_wait_each_is_decided_in_its_turn(ledger):
    acts = [read if number % 7 else account(number) for number in range(100)]
    async with committing(ledger) as committer:
        committed = await asyncio.gather(*(committer.submit(act) for act in acts))
    assert [one.position for one in committed] == list(range(1, 101))
    assert [one.outcome for one in committed] == [1 + number // 7 if number % 7 else "made" for number in range(100)]


async def test_who_went_away_before_the_decision_leaves_no_entry(ledger):
    committer = Committer(ledger, START, batch_limit=64, queue_limit=64)
    gone = asyncio.ensure_future(committer.submit(account(1)))
    await asyncio.wait([gone], timeout=0)
    gone.cancel()
    await asyncio.wait([gone], timeout=0)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(committer.run())
        assert (await committer.submit(read)).outcome == 0
        running.cancel()
    assert (await ledger.head()).position == 1


class Severed:
    """A real ledger whose answer to one append is lost: before the write, or after it."""

    def __init__(self, ledger, *, persists: bool) -> None:
        self._ledger, self._persists, self._left = ledger, persists, 1

    def __getattr__(self, name):
        return getattr(self._ledger, name)

    async def append(self, entries, *, folded):
        if self._left:
            self._left -= 1
            if self._persists:
                await self._ledger.append(entries, folded=folded)
            raise LedgerUnavailable("the answer was lost")
        return await self._ledger.append(entries, folded=folded)


@pytest.mark.parametrize(
    ("persists", "then"),
    [
        pytest.param(False, "made", id="the write never landed"),
        pytest.param(True, "taken", id="the write landed but the answer was lost"),
    ],
)
async def test_no_outcome_is_reported_when_append_fails(ledger, persists, then):
    async with committing(Severed(ledger, persists=persists)) as committer:
        with pytest.raises(Unavailable, match="cannot be written"):
            await committer.submit(account(1))
        assert (await committer.submit(account(1))).outcome == then
    assert list(committer.version.state.accounts) == ["000000000001"]


async def test_whoever_waits_when_the_authority_stops_is_told_so(ledger):
    committer = Committer(ledger, START, batch_limit=1, queue_limit=64)
    running = asyncio.ensure_future(committer.run())
    waiting = [asyncio.ensure_future(committer.submit(read)) for _ in range(20)]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    running.cancel()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    acknowledged = {one.position for one in outcomes if isinstance(one, Committed)}
    assert acknowledged
    assert all(isinstance(one, Committed | Unavailable) for one in outcomes)
    assert max(acknowledged) <= (await ledger.head()).position


def test_a_version_cannot_be_changed():
    with pytest.raises(AttributeError):
        START.position = 3
    assert replace(START, position=3).position == 3
