"""Inquiries over a real ledger: others have their turn meanwhile, parts join to the whole, and no question blocks."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import pytest

from authority.accounts.inquiry import Inquiry
from authority.accounts.travelling import GetStateAsOf
from authority.accounts.what_if import AskWhatIf, Replaced
from authority.answering import supposing
from authority.answering.answer import answer
from authority.answering.reach import AT_ONCE, Reach, Sources, breathing
from authority.kernel.refusal import Reason, Refusal
from authority.ledger.port import BEGINNING as NO_TIME
from authority.model.state import canonical
from authority.replay.as_of import Versions
from authority.replay.folding import BEGINNING, Version
from tests.model.test_state import AT
from tests.projections.conftest import append, projecting
from tests.replay.recorded import Recorded
from tests.sessions.world import AUDIT_ARN, COMPANY, DEPLOY, DEPLOY_ARN, held, retrust, trusting


def asking(of, *, eyes=None, about="") -> Inquiry:
    return Inquiry(of=of, eyes=eyes, about=about, now=AT + timedelta(days=1), partition="aws")


@pytest.fixture
async def world(ledger, tmp_path):
    """A history in a real ledger with its projections, and what inquiries read."""
    world = Recorded()
    for number in range(60):
        first = held(world.assume())
        world.assume(AUDIT_ARN, who=first)
        if number % 20 == 0:
            world.act(retrust(DEPLOY, trusting(COMPANY, "111122223333")))
    for seen in world.log:
        await append(ledger, seen.event)
    async with projecting(ledger, tmp_path / "projections.sqlite") as projections:
        live = Version(world.position, world.configured, world.state)
        world.sources = Sources(ledger, projections.answer, Versions(), lambda: live)
        yield world


async def test_others_have_their_turn_while_values_are_worked_on():
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.ensure_future(others())
    worked = [value async for value in breathing(range(10 * AT_ONCE))]
    beside.cancel()
    assert worked == list(range(10 * AT_ONCE))
    assert turns >= 10


async def test_an_inquiry_over_the_whole_log_gives_others_their_turn(world):
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.ensure_future(others())
    found = await answer(world.sources, asking(AskWhatIf()), world.position)
    beside.cancel()
    assert found.reweighed == found.decisions == 120
    assert turns >= world.position // AT_ONCE


async def test_the_parts_of_a_long_answer_join_to_the_whole(world, monkeypatch):
    wanted = AskWhatIf(replacements=(Replaced(kind="trust", target=DEPLOY_ARN, document=trusting("999999999999")),))
    whole = await answer(world.sources, asking(wanted), world.position)
    monkeypatch.setattr(supposing, "MOST_AT_ONCE", 17)
    parts, asked = [], wanted
    while True:
        part = await answer(world.sources, asking(asked), world.position)
        parts.append(part)
        if part.next_token is None:
            break
        asked = msgspec.structs.replace(wanted, next_token=part.next_token)
    assert len(parts) == -(-world.position // 17)
    assert tuple(row for part in parts for row in part.newly_denied) == whole.newly_denied[: whole.newly_denied_count]
    assert sum(part.newly_denied_count for part in parts) == whole.newly_denied_count == 60
    assert (whole.unreproduced, sum(part.unreproduced for part in parts)) == (0, 0)
    assert {part.last for part in parts} == {world.position}


async def test_as_of_the_head_is_what_is_live_and_as_of_any_position_its_fold(world):
    reach = Reach(world.sources, asking(GetStateAsOf(when="now")), world.position)
    assert canonical((await reach.version(world.position)).state) == canonical(world.state)
    cold = Sources(world.sources.ledger, world.sources.ask, Versions(), lambda: BEGINNING)
    again = Reach(cold, asking(GetStateAsOf(when="now")), world.position)
    assert canonical((await again.version(world.position)).state) == canonical(world.state)


async def test_a_moment_names_the_last_position_recorded_by_then(world):
    reach = Reach(world.sources, asking(GetStateAsOf(when="now")), world.position)
    assert (await reach.point(AT.isoformat())).position == world.position
    assert (await reach.point((AT - timedelta(seconds=1)).isoformat())).position == 0
    assert (await reach.point("7")).position == 7
    within = await reach.range(AT.isoformat(), None)
    assert (within.low, within.high) == (1, world.position)
    within = await reach.range(None, AT.isoformat())
    assert within.high == 0
    assert (await reach.moment("now")) > NO_TIME


async def test_what_lies_after_the_inquiry_is_not_there(world):
    found = await answer(world.sources, asking(GetStateAsOf(when=str(world.position + 1))), world.position)
    assert isinstance(found, Refusal)
    assert found.reason is Reason.NO_SUCH_ENTITY
    shown = await answer(world.sources, asking(GetStateAsOf(when=str(world.position - 1))), world.position)
    assert shown.position == world.position - 1


async def test_an_account_weighs_what_is_on_its_own_trail_only(world):
    found = await answer(world.sources, asking(AskWhatIf(), eyes=COMPANY, about=COMPANY), world.position)
    # It asked for sixty of them; what the sessions did then is the other account's.
    assert (found.requests, found.reweighed) == (60, 60)
    assert (found.newly_denied_count, found.newly_allowed_count, found.undetermined_count) == (0, 0, 0)
