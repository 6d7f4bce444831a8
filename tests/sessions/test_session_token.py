"""GetSessionToken: one's own permissions for a while, and what such a session may not call."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from authority.access.action import Action, Decision, action
from authority.access.call import Call
from authority.access.caller import INVALID_TOKEN, Caller
from authority.kernel.ids import SealingKeyId
from authority.kernel.refusal import Reason
from authority.model import authority, principals
from authority.model.sessions import SessionKind
from authority.policy.principal import PrincipalKind
from authority.sessions.caller_identity import get_caller_identity
from tests.access.test_action import OFFICE, context_of
from tests.sessions.test_second_factor import CODE, DEVICE, RIGHT
from tests.sessions.world import (
    ANN,
    ANNS,
    BOBS,
    COMPANY,
    DENY,
    PRODUCTION,
    ROOTS,
    World,
    answer,
    held,
    issued,
    may,
    policy,
    refused,
)


class Nothing(msgspec.Struct, frozen=True):
    pass


def done(name: str) -> Action:
    """An action that anybody may do."""

    @action(name, resource=None)
    def act(state, call: Call[Nothing], facts) -> Decision:
        return Decision(answer="done")

    return act


def test_a_users_session_is_the_user_with_his_permissions_now():
    world = World(may(ANN, policy({"Action": "s3:*", "Resource": "*"})))
    session = issued(decision := world.get_session_token())
    assert (session.kind, session.user_id, session.role_id, session.account) == (SessionKind.USER, ANN, "", COMPANY)
    who = held(decision)
    caller = world.caller(who)
    assert isinstance(caller, Caller)
    assert (caller.principal.kind, caller.principal.arn) == (PrincipalKind.USER, f"arn:aws:iam::{COMPANY}:user/Ann")
    assert world.allows(who, "s3:GetObject", "*")
    world.take(may(ANN, DENY))
    assert not world.allows(who, "s3:GetObject", "*")


def test_its_context_is_the_users_and_says_that_it_is_temporary():
    world = World()
    caller = world.caller(held(world.get_session_token()))
    assert isinstance(caller, Caller)
    context = context_of(caller, OFFICE, world.now)
    assert (context["aws:userid"], context["aws:username"], context["aws:principaltype"]) == (ANN, "Ann", "User")
    assert context["aws:principalarn"] == f"arn:aws:iam::{COMPANY}:user/Ann"
    assert "aws:tokenissuetime" in context


def test_a_session_of_ones_own_says_who_one_is():
    world = World()
    said = world.decide(get_caller_identity, {}, who=held(world.get_session_token())).answer
    assert (said.user_id, said.account, said.arn) == (ANN, COMPANY, f"arn:aws:iam::{COMPANY}:user/Ann")


@pytest.mark.parametrize(
    ("who", "wanted", "lasts"),
    [
        pytest.param(ANNS, {}, 43_200, id="twelve hours, unless something is said"),
        pytest.param(ANNS, {"DurationSeconds": 129_600}, 129_600, id="thirty-six at most"),
        pytest.param(ROOTS, {}, 3_600, id="one hour for root"),
        pytest.param(ROOTS, {"DurationSeconds": 129_600}, 3_600, id="one hour for root, whatever it asks"),
        pytest.param(ROOTS, {"DurationSeconds": 900}, 900, id="less for root, if it asks"),
    ],
)
@pytest.mark.parametrize("ask", ["get_session_token", "get_federation_token"])
def test_how_long_it_lasts(ask, who, wanted, lasts):
    session = issued(getattr(World(), ask)(who=who, **wanted))
    assert session.expires_at - session.issued_at == timedelta(seconds=lasts)


def test_t13_no_policy_forbids_it_and_none_is_needed():
    assert issued(World(may(ANN, DENY)).get_session_token())
    assert issued(World().get_session_token(who=BOBS))


@pytest.mark.parametrize("ask", ["get_session_token", "get_federation_token"])
@pytest.mark.parametrize("first", ["assume", "get_session_token", "get_federation_token"])
def test_s11_no_session_gets_another_one_of_its_own(first, ask):
    world = World()
    session = held(getattr(world, first)())
    name = {"get_session_token": "GetSessionToken", "get_federation_token": "GetFederationToken"}[ask]
    denied = getattr(world, ask)(who=session)
    assert refused(denied, Reason.ACCESS_DENIED, f"Cannot call {name} with session credentials")


MFA = {**CODE, "gathered": RIGHT}


@pytest.mark.parametrize(
    ("ask", "how", "name", "expected"),
    [
        pytest.param("get_session_token", {}, "iam:ListUsers", INVALID_TOKEN.reason, id="t13 not IAM without MFA"),
        pytest.param("get_session_token", MFA, "iam:ListUsers", None, id="t13 IAM with MFA"),
        pytest.param(
            "get_session_token", {}, "authority:CreateAccount", INVALID_TOKEN.reason, id="no account, with its key"
        ),
        pytest.param("get_federation_token", {}, "iam:ListUsers", INVALID_TOKEN.reason, id="s07 never IAM, federated"),
        pytest.param("assume", {}, "iam:ListUsers", None, id="IAM with a role"),
        pytest.param("get_session_token", {}, "sts:AssumeRole", None, id="t13 AssumeRole"),
        pytest.param("get_session_token", {}, "sts:GetCallerIdentity", None, id="t13 GetCallerIdentity"),
        pytest.param(
            "get_session_token",
            MFA,
            "sts:DecodeAuthorizationMessage",
            Reason.ACCESS_DENIED,
            id="t13 nothing else of STS",
        ),
        pytest.param("get_federation_token", {}, "sts:GetCallerIdentity", None, id="a federated user may ask his name"),
        pytest.param("get_federation_token", {}, "sts:AssumeRole", Reason.ACCESS_DENIED, id="and take no role"),
        pytest.param("assume", {}, "sts:DecodeAuthorizationMessage", None, id="a role may decode"),
        pytest.param("get_session_token", {}, "organizations:ListRoots", None, id="other services"),
        pytest.param("get_federation_token", {}, "authority:ListEvents", None, id="our own service"),
    ],
)
def test_what_sessions_may_call_at_all(ask, how: dict[str, Any], name, expected):
    world = World(*DEVICE)
    decision = world.decide(done(name), {}, who=held(getattr(world, ask)(**how)))
    if expected is None:
        assert decision.answer == "done"
    else:
        assert refused(decision, expected)


def test_root_may_have_a_session_and_is_still_root():
    world = World()
    caller = world.caller(held(world.get_session_token(who=ROOTS)))
    assert isinstance(caller, Caller)
    assert (caller.principal.kind, caller.principal.arn) == (PrincipalKind.ROOT, f"arn:aws:iam::{COMPANY}:root")
    assert refused(world.assume(who=held(world.get_session_token(who=ROOTS))), Reason.ACCESS_DENIED)


def test_taking_a_role_with_a_session_of_ones_own_is_no_chain():
    world = World()
    own = held(world.get_session_token())
    session = issued(world.assume(who=own, DurationSeconds=43_200))
    assert session.ancestors == (ANNS.access_key_id, own.access_key_id)
    assert session.root_principal == ANN


def test_t06_a_session_of_a_deleted_user_is_nothing_even_when_a_namesake_comes():
    world = World()
    own, federated = held(world.get_session_token()), held(world.get_federation_token())
    world.take(
        principals.UserDeleted(account=COMPANY, user_id=ANN),
        principals.UserCreated(account=COMPANY, user_id="AIDANEWANN", name="Ann", path="/"),
    )
    assert world.caller(own) == world.caller(federated) == INVALID_TOKEN


def test_the_answer_says_how_large_the_token_is():
    said = answer(World().get_session_token())
    assert (said.session_token_size, said.session_token_utilization) == (100, 2)


def test_the_resource_account_of_another_is_closed_to_it():
    world = World()
    assert not world.allows(held(world.get_session_token()), "s3:GetObject", "*", owner=PRODUCTION)


@pytest.mark.parametrize("ask", ["assume", "get_session_token", "get_federation_token"])
def test_without_a_daily_key_nothing_is_issued(ask):
    world = World(authority.SealingKeyDestroyed(key_id=SealingKeyId("k1")))
    assert refused(getattr(world, ask)(), Reason.SERVICE_UNAVAILABLE)
