"""AssumeRole races against what takes it away: nothing is issued or honoured after the answer of whoever took it.

Over a real ledger and the committer, many at once, in every order that they may come in.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from authority.access.action import Decision, Facts
from authority.access.call import Call
from authority.access.caller import Caller, Credential, SessionClaims, caller_of
from authority.access.recording import Asked, act_of_authority, record
from authority.committer import Committed, Committer, Proposal
from authority.kernel.refusal import Refusal
from authority.ledger.codec import new_entry
from authority.model import principals
from authority.model.sessions import SessionIssued
from authority.replay.folding import Version
from authority.sessions.assume_role import AssumeRole, assume_role
from authority.sessions.revocation import (
    RevokeDescendants,
    RevokeRoleSessions,
    RevokeSession,
    revoke_descendants,
    revoke_role_sessions,
    revoke_session,
)
from tests.access.test_action import OFFICE
from tests.model.test_state import AT
from tests.sessions.test_revocation import BOSSES, INCIDENT, known
from tests.sessions.world import ANNS, COMPANY, DEPLOY, DEPLOY_ARN, GIVEN, PRODUCTION, retrust, trusting
from tests.test_committer import committing, ledger

__all__ = ["ledger"]

Outcome = Committed[Decision]
WANTED = AssumeRole(DEPLOY_ARN, "race")


class Race:
    """Requests as the pipeline makes them, without the sockets."""

    def __init__(self, committer: Committer, chance: random.Random) -> None:
        self.committer, self.chance = committer, chance

    async def ask(self, action: Any, wanted: Any, who: Credential, gathered: Any = None) -> Outcome:
        seed = self.chance.randbytes(32)

        def act(version: Version, claimed: frozenset[str]) -> Proposal[Decision]:
            caller = caller_of(version.state, who, now=AT, partition="aws")
            if isinstance(caller, Refusal):
                body = act_of_authority("Refused", (), AT)
                return Proposal(new_entry(body), (), Decision(answer=caller))
            facts = Facts(AT, seed, version.configured, claimed)
            decision = action.decide(version.state, Call(caller, wanted, OFFICE, gathered), facts)
            asked = Asked(action.service, action.operation, True, OFFICE)
            body, _, decision = record(asked, caller.record, decision, AT)
            return Proposal(new_entry(body, once=decision.once), decision.facts, decision)

        return await self.committer.submit(act)

    async def write(self, *facts: Any) -> Outcome:
        body = act_of_authority("Written", facts, AT)
        return await self.committer.submit(lambda *_: Proposal(new_entry(body), facts, Decision()))

    async def assume(self, who: Credential = ANNS) -> Outcome:
        return await self.ask(assume_role, WANTED, who)

    def honoured(self, issued: Outcome) -> bool:
        caller = caller_of(self.committer.version.state, held(issued), now=AT, partition="aws")
        return isinstance(caller, Caller)


def held(issued: Outcome) -> Credential:
    (session,) = (fact for fact in issued.outcome.facts if isinstance(fact, SessionIssued))
    return Credential(session.access_key_id, SessionClaims.of(session, issued.position))


def was_issued(outcome: Outcome) -> bool:
    return not isinstance(outcome.outcome.answer, Refusal)


async def revoke_the_role(race: Race, _before: Outcome) -> Outcome:
    return await race.ask(revoke_role_sessions, RevokeRoleSessions("Deploy"), BOSSES)


async def revoke_the_key(race: Race, _before: Outcome) -> Outcome:
    return await race.ask(revoke_descendants, RevokeDescendants(ANNS.access_key_id), ANNS)


async def revoke_what_it_led_to(race: Race, before: Outcome) -> Outcome:
    session = held(before)
    return await race.ask(revoke_session, RevokeSession(session.access_key_id, True), BOSSES, known(session))


async def withdraw_the_trust(race: Race, _before: Outcome) -> Outcome:
    return await race.write(retrust(DEPLOY, trusting(PRODUCTION)))


async def deactivate_the_key(race: Race, _before: Outcome) -> Outcome:
    return await race.write(key(principals.KeyStatus.INACTIVE))


def key(status: principals.KeyStatus) -> principals.AccessKeyStatusChanged:
    return principals.AccessKeyStatusChanged(account=COMPANY, access_key_id=ANNS.access_key_id, status=status)


RESTORED = (retrust(DEPLOY, trusting(COMPANY, PRODUCTION)), key(principals.KeyStatus.ACTIVE))

Take = Callable[[Race, Outcome], Any]


async def run(race: Race, take: Take, *, chained: bool) -> tuple[Outcome, Outcome, Sequence[Outcome]]:
    """One race: who was there before, the answer of whoever took it away, and all the others'."""
    before = await race.assume()
    who = held(before) if chained else ANNS
    order = [race.assume(who) for _ in range(6)]
    place = race.chance.randrange(7)
    order.insert(place, take(race, before))
    outcomes = await asyncio.gather(*order)
    return before, outcomes[place], outcomes


@pytest.mark.parametrize("rounds", [40, pytest.param(2_000, marks=[pytest.mark.deep, pytest.mark.timeout(900)])])
@pytest.mark.parametrize(
    ("take", "ends", "stops"),
    [
        pytest.param(revoke_the_role, True, False, id="a role's sessions are revoked"),
        pytest.param(revoke_the_key, True, False, id="t07 all that the key led to is revoked"),
        pytest.param(withdraw_the_trust, False, True, id="the trust is withdrawn"),
        pytest.param(deactivate_the_key, False, True, id="t07 the key is deactivated"),
    ],
)
async def test_nothing_is_issued_or_honoured_after_the_answer(ledger, rounds, take, ends, stops):
    chance = random.Random(7)
    async with committing(ledger, batch_limit=4) as committer:
        race = Race(committer, chance)
        await race.write(*GIVEN, *INCIDENT)
        seen = set()
        for _ in range(rounds):
            before, taken, outcomes = await run(race, take, chained=False)
            assert race.honoured(before) is not ends
            for one in outcomes:
                if one is taken or not was_issued(one):
                    assert one is taken or one.position > taken.position
                    continue
                earlier = one.position < taken.position
                seen.add(earlier)
                assert earlier or not stops
                assert race.honoured(one) is not (ends and earlier)
            await race.write(*RESTORED)
        assert seen == ({True} if stops else {True, False})


@pytest.mark.parametrize("rounds", [20, pytest.param(2_000, marks=[pytest.mark.deep, pytest.mark.timeout(900)])])
async def test_a_revoked_session_takes_no_role_on_after_the_answer_and_what_it_took_is_over(ledger, rounds):
    async with committing(ledger, batch_limit=4) as committer:
        race = Race(committer, random.Random(11))
        await race.write(*GIVEN, *INCIDENT)
        for _ in range(rounds):
            _, taken, outcomes = await run(race, revoke_what_it_led_to, chained=True)
            for one in outcomes:
                if one is taken:
                    continue
                assert was_issued(one) is (one.position < taken.position)
                if was_issued(one):
                    assert not race.honoured(one)
