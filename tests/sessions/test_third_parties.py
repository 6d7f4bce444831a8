"""Third parties: what they do with a role that was lent to them is counted, and limited if its owner wants."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from authority.access.caller import Caller
from authority.access.recording import Asked, act_of_authority, record
from authority.audit.lending import CountLent, FindLoans, Lent, Loan, Loans, Usage
from authority.kernel.refusal import Reason
from authority.ledger.codec import new_entry
from authority.model.lending import SessionLimitSet
from authority.model.roles import RoleDeleted
from authority.model.sessions import EndCause, SessionEnded
from authority.projections.runner import Projections
from authority.sessions.assume_role import Brought
from authority.sessions.third_parties import FOREIGN_TOKEN, list_third_parties, put_third_party_limit
from tests.access.test_action import OFFICE
from tests.projections.conftest import ledger, projecting, projections, template
from tests.sessions.test_revocation import BOSSES, incident
from tests.sessions.world import (
    ANN,
    ANNS,
    AUDIT_ARN,
    COMPANY,
    DEPLOY,
    DEPLOY_ARN,
    PRODUCTION,
    World,
    held,
    issued,
    may,
    policy,
    refused,
    retrust,
    trusting,
)

__all__ = ["ledger", "projections", "template"]


class Book:
    """A log of what a world is asked, entry by entry as the pipeline writes them."""

    def __init__(self, ledger, world: World) -> None:
        self.ledger, self.world = ledger, world

    async def assume(self, arn: str = DEPLOY_ARN, *, who=ANNS, **more: Any):
        caller = self.world.caller(who)
        assert isinstance(caller, Caller)
        decision = self.world.assume(arn, who=who, **more)
        body, _, decision = record(Asked("sts", "AssumeRole", True, OFFICE), caller.record, decision, self.world.now)
        await self._write(body)
        return decision

    async def end(self, decision) -> None:
        session = issued(decision)
        end = SessionEnded(
            account=session.account,
            access_key_id=session.access_key_id,
            effective_at=self.world.now,
            cause=EndCause.REVOKED,
        )
        await self._write(act_of_authority("SessionRevoked", (end,), self.world.now))

    async def _write(self, body: bytes) -> None:
        await self.ledger.append([new_entry(body)], folded=(await self.ledger.head()).position)

    async def ask(self, projections, query) -> Any:
        return await projections.answer(query, (await self.ledger.head()).position)

    @property
    def roles(self) -> tuple[str, ...]:
        return tuple(self.world.state.accounts[PRODUCTION].roles)

    async def loans(self, projections, **more: Any) -> Loans:
        return await self.ask(projections, FindLoans(account=PRODUCTION, now=self.world.now, roles=self.roles, **more))

    async def active(self, projections, most: int = 100) -> int:
        now = self.world.now
        query = CountLent(account=PRODUCTION, trusted=COMPANY, now=now, roles=self.roles, most=most)
        lent: Lent = await self.ask(projections, query)
        return lent.active


def seen(loans: Loans) -> dict[tuple[str, str], tuple[int, int, int]]:
    return {
        (usage.loan.external_id, usage.loan.role.rpartition("/")[2]): (usage.issued, usage.refused, usage.active)
        for usage in loans.usages
    }


IF_EXTERNAL = retrust(DEPLOY, trusting(COMPANY, Condition={"StringEquals": {"sts:ExternalId": "x-1"}}))


async def test_use_is_counted_by_account_external_id_and_role(ledger, projections):
    book = Book(ledger, World(IF_EXTERNAL))
    for external_id in ("x-1", "x-1", "guess"):
        await book.assume(ExternalId=external_id)
    await book.assume()
    session = await book.assume(AUDIT_ARN)
    loans = await book.loans(projections)
    assert seen(loans) == {
        ("", "Deploy"): (0, 1, 0),
        ("guess", "Deploy"): (0, 1, 0),
        ("x-1", "Deploy"): (2, 0, 2),
        ("", "Audit"): (1, 0, 1),
    }
    assert {usage.loan.trusted for usage in loans.usages} == {COMPANY}
    await book.end(session)
    assert seen(await book.loans(projections))["", "Audit"] == (1, 0, 0)
    book.world.wait(hours=1)
    assert seen(await book.loans(projections))["x-1", "Deploy"] == (2, 0, 0)


async def test_what_ones_own_people_do_is_no_loan(ledger, projections):
    world = World()
    book = Book(ledger, world)
    inside = await book.assume()
    await book.assume(AUDIT_ARN, who=held(inside))
    assert sum(usage.issued for usage in (await book.loans(projections)).usages) == 1


async def test_the_last_request_is_named_whether_or_not_it_was_refused(ledger, projections):
    world = World()
    book = Book(ledger, world)
    await book.assume()
    world.wait(minutes=5)
    world.take(retrust(DEPLOY, trusting(PRODUCTION)))
    await book.assume()
    (usage,) = (await book.loans(projections)).usages
    assert (usage.last_at, usage.last_position) == (world.now, (await ledger.head()).position)


async def test_an_account_sees_the_use_of_its_own_roles_only(ledger, projections):
    book = Book(ledger, World())
    await book.assume()
    theirs = FindLoans(account=COMPANY, now=book.world.now, roles=())
    assert (await book.ask(projections, theirs)).usages == ()
    assert (await book.loans(projections, trusted="999999999999")).usages == ()
    assert len((await book.loans(projections, trusted=COMPANY)).usages) == 1


async def test_pages_show_each_use_once(ledger, projections):
    book = Book(ledger, World())
    for number in range(7):
        await book.assume(ExternalId=f"x-{number}")
    found: list[Usage] = []
    after = None
    while True:
        loans = await book.loans(projections, after=after, max_results=3)
        found += loans.usages
        if not loans.more:
            break
        after = loans.usages[-1].loan
    assert [usage.loan.external_id for usage in found] == [f"x-{number}" for number in range(7)]


async def test_what_is_projected_anew_counts_the_same(ledger, projections, tmp_path):
    book = Book(ledger, World(IF_EXTERNAL))
    for external_id in ("x-1", "guess", "x-1"):
        await book.assume(ExternalId=external_id)
        await book.loans(projections)
    async with projecting(ledger, tmp_path / "again.sqlite") as again:
        assert isinstance(again, Projections)
        assert await book.loans(again) == await book.loans(projections)


async def test_active_sessions_are_counted_up_to_what_matters(ledger, projections):
    book = Book(ledger, World())
    sessions = [await book.assume(arn) for arn in (DEPLOY_ARN, AUDIT_ARN, DEPLOY_ARN)]
    assert await book.active(projections) == 3
    assert await book.active(projections, most=2) == 2
    await book.end(sessions[0])
    assert await book.active(projections) == 2


async def test_sessions_of_a_deleted_role_count_no_more(ledger, projections):
    """They are over, though their end is not in the log: they must not use a limit up."""
    book = Book(ledger, World())
    for arn in (DEPLOY_ARN, AUDIT_ARN):
        await book.assume(arn)
    book.world.take(RoleDeleted(account=PRODUCTION, role_id=DEPLOY))
    assert await book.active(projections) == 1
    assert seen(await book.loans(projections)) == {("", "Deploy"): (1, 0, 0), ("", "Audit"): (1, 0, 1)}


LIMITED = SessionLimitSet(account=PRODUCTION, trusted=COMPANY, most=2)


@pytest.mark.parametrize(
    ("facts", "brought", "reason"),
    [
        pytest.param((LIMITED,), Brought(lent=Lent(7, 0)), None, id="below the limit"),
        pytest.param((LIMITED,), Brought(lent=Lent(7, 1)), None, id="the last one"),
        pytest.param((LIMITED,), Brought(lent=Lent(7, 2)), Reason.LIMIT_EXCEEDED, id="at the limit"),
        pytest.param((LIMITED,), None, Reason.SERVICE_UNAVAILABLE, id="nobody has counted yet"),
        pytest.param((), None, None, id="no limit"),
        pytest.param(
            (LIMITED, SessionLimitSet(account=PRODUCTION, trusted=COMPANY)), None, None, id="a limit that was lifted"
        ),
        pytest.param(
            (SessionLimitSet(account=PRODUCTION, trusted="999999999999", most=0),), None, None, id="another's limit"
        ),
        pytest.param(
            (LIMITED, may(ANN, policy({"Effect": "Deny", "Action": "*", "Resource": "*"}))),
            Brought(lent=Lent(7, 2)),
            Reason.ACCESS_DENIED,
            id="whoever may not learns no limit",
        ),
    ],
)
def test_a_limit_holds_for_the_next_session(facts, brought, reason):
    decision = World(*facts).assume(gathered=brought)
    assert issued(decision) if reason is None else refused(decision, reason)


def test_who_is_under_way_at_one_moment_takes_the_next_place_until_none_is_left():
    world, taken = World(LIMITED), set()
    for number in (7, 8):
        decision = world.assume(gathered=Brought(lent=Lent(7, 0)), claimed=frozenset(taken))
        assert issued(decision)
        assert decision.once == (f"lent:{PRODUCTION}:{COMPANY}:{number}",)
        taken.update(decision.once)
    refusal = world.assume(gathered=Brought(lent=Lent(7, 0)), claimed=frozenset(taken))
    assert refused(refusal, Reason.LIMIT_EXCEEDED)
    assert refusal.once == ()


def test_a_limit_is_nothing_to_ones_own_account():
    world = World(SessionLimitSet(account=PRODUCTION, trusted=PRODUCTION, most=0))
    assert issued(world.assume(AUDIT_ARN, who=held(world.assume())))


def test_limits_are_set_and_lifted_by_whoever_may():
    world = incident()
    for most in (5, 0, None):
        wanted = {"trustedAccount": COMPANY, "activeSessions": most}
        answer = world.decide(put_third_party_limit, wanted, who=BOSSES).answer
        assert (answer.trusted_account, answer.active_sessions) == (COMPANY, most)
        assert world.state.accounts[PRODUCTION].session_limits.get(COMPANY) == most
    world.take(
        may("AIDABOSS", policy({"Action": "authority:*", "Resource": f"arn:aws:authority:*:*:third-party/{ANN}"}))
    )
    denied = world.decide(put_third_party_limit, {"trustedAccount": COMPANY, "activeSessions": 1}, who=BOSSES)
    assert refused(denied, Reason.ACCESS_DENIED)


def test_an_account_is_no_third_party_to_itself():
    wanted = {"trustedAccount": PRODUCTION, "activeSessions": 1}
    assert refused(incident().decide(put_third_party_limit, wanted, who=BOSSES), Reason.VALIDATION_ERROR)


def listed(world: World, **wanted: Any):
    return world.decide(list_third_parties, wanted, who=BOSSES)


def test_the_list_says_what_was_found_and_goes_on_where_it_ended():
    world = incident(LIMITED)
    query = listed(world, trustedAccount=COMPANY, maxResults=1).query
    assert isinstance(query, FindLoans)
    assert (query.account, query.trusted, query.max_results) == (PRODUCTION, COMPANY, 1)
    loan = Loan(PRODUCTION, COMPANY, "x-1", DEPLOY_ARN)
    usage = Usage(loan=loan, issued=3, refused=2, active=1, last_at=world.now - timedelta(hours=1), last_position=9)
    assert query.shape is not None
    page: Any = query.shape(Loans((usage,), more=True))
    (one,) = page.third_parties
    assert (one.trusted_account, one.external_id, one.role_arn) == (COMPANY, "x-1", DEPLOY_ARN)
    assert (one.issued, one.refused, one.active, one.active_limit) == (3, 2, 1, 2)
    following = listed(world, nextToken=page.next_token).query
    assert isinstance(following, FindLoans)
    assert following.after == loan
    assert query.shape(Loans((usage,), more=False)).next_token is None  # type: ignore[attr-defined]


@pytest.mark.parametrize("token", ["", "x", "é", "W10=", "WyJhIl0=", json.dumps(["a", "b", "c"])])
def test_a_token_that_was_never_given_is_refused(token):
    assert listed(incident(), nextToken=token).answer == FOREIGN_TOKEN
