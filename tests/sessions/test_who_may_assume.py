"""Who may take a role on: the trust policy, the caller's own policies and its account, in one's own and in another's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from authority.kernel.ids import RoleId
from authority.kernel.refusal import Reason, Refusal
from authority.model import boundaries, holders, policies, roles
from authority.model.state import canonical, from_canonical
from tests.sessions.world import (
    ALL,
    ANN,
    ANNS,
    AUDIT_ARN,
    BOB,
    BOBS,
    COMPANY,
    DENY,
    DEPLOY,
    DEPLOY_ARN,
    PRODUCTION,
    READ,
    World,
    held,
    issued,
    may,
    policy,
    refused,
    retrust,
    trusting,
)

OWN = RoleId("AROAOWN")
OWN_ARN = f"arn:aws:iam::{COMPANY}:role/Own"
ANN_ARN = f"arn:aws:iam::{COMPANY}:user/Ann"
ASSUME = policy({"Action": "sts:AssumeRole", "Resource": "*"})
NOTHING = policy({"Action": "sqs:ListQueues", "Resource": "*"})


def own(document: str, **bound: str) -> roles.RoleCreated:
    """A role in the caller's own account."""
    return roles.RoleCreated(
        account=COMPANY, role_id=OWN, name="Own", path="/", trust=roles.Trust(document, tuple(bound.items()))
    )


def naming(arn: str, unique_id: str, effect: str = "Allow") -> roles.RoleCreated:
    document = policy({"Effect": effect, "Principal": {"AWS": arn}, "Action": "sts:AssumeRole"})
    return own(document, **{arn: unique_id})


@pytest.mark.parametrize(
    ("role", "anns", "admitted"),
    [
        pytest.param(naming(ANN_ARN, ANN), NOTHING, True, id="t11 named herself she needs nothing else"),
        pytest.param(own(trusting(COMPANY)), NOTHING, False, id="t11 her account named she needs a permission"),
        pytest.param(own(trusting(COMPANY)), ASSUME, True, id="t11 which she has"),
        pytest.param(own(trusting(PRODUCTION)), ALL, False, id="t11 not named she gets nothing by any permission"),
        pytest.param(naming(ANN_ARN, BOB), ALL, False, id="t06 a namesake is not named"),
        pytest.param(naming(ANN_ARN, ""), ALL, False, id="t16 who did not exist then is never named"),
        pytest.param(naming(ANN_ARN, ANN), DENY, False, id="t12 a deny of her own holds though she is named"),
        pytest.param(naming(ANN_ARN, ANN, "Deny"), ALL, False, id="t12 a deny in the trust policy"),
        pytest.param(own(policy({"Principal": "*", "Action": "sts:AssumeRole"})), NOTHING, True, id="t03 everybody"),
    ],
)
def test_in_ones_own_account(role, anns, admitted):
    world = World(role, may(ANN, anns))
    decision = world.assume(OWN_ARN)
    assert issued(decision) if admitted else refused(decision, Reason.ACCESS_DENIED)


@pytest.mark.parametrize(
    ("trust", "anns", "admitted"),
    [
        pytest.param(trusting(COMPANY), ASSUME, True, id="t11 both sides say yes"),
        pytest.param(trusting(COMPANY), NOTHING, False, id="t11 only theirs does"),
        pytest.param(trusting(PRODUCTION), ALL, False, id="t11 only hers does"),
        pytest.param(
            policy({"Principal": "*", "Action": "sts:AssumeRole"}), NOTHING, False, id="t03 not even everybody"
        ),
        pytest.param(trusting(COMPANY), DENY, False, id="t12 her own account denies"),
    ],
)
def test_across_accounts_both_sides_must_say_yes(trust, anns, admitted):
    world = World(retrust(DEPLOY, trust), may(ANN, anns))
    decision = world.assume()
    assert issued(decision) if admitted else refused(decision, Reason.ACCESS_DENIED)


def test_across_accounts_naming_her_is_not_enough():
    trust = roles.Trust(policy({"Principal": {"AWS": ANN_ARN}, "Action": "sts:AssumeRole"}), ((ANN_ARN, ANN),))
    world = World(roles.RoleTrustUpdated(account=PRODUCTION, role_id=DEPLOY, trust=trust), may(ANN, NOTHING))
    assert refused(world.assume(), Reason.ACCESS_DENIED)
    world.take(may(ANN, ASSUME))
    assert issued(world.assume())


def bounded(document: str) -> tuple[Any, ...]:
    return (
        policies.PolicyCreated(account=COMPANY, policy_id="ANPABOUND", name="Bound", path="/", document=document),
        boundaries.BoundarySet(account=COMPANY, holder=ANN, policy_id="ANPABOUND"),
    )


@pytest.mark.parametrize(("boundary", "admitted"), [(READ, False), (ASSUME, True), (DENY, False)])
def test_t12_a_boundary_holds_though_she_is_named(boundary, admitted):
    decision = World(naming(ANN_ARN, ANN), *bounded(boundary)).assume(OWN_ARN)
    assert issued(decision) if admitted else refused(decision, Reason.ACCESS_DENIED)


@pytest.mark.parametrize(
    "arn",
    [
        pytest.param(DEPLOY_ARN.replace("Deploy", "deploy"), id="in another case"),
        pytest.param(DEPLOY_ARN.replace("team", "Team"), id="a path in another case"),
        pytest.param(DEPLOY_ARN.replace("team/", ""), id="without its path"),
        pytest.param(DEPLOY_ARN.replace("aws", "aws-cn"), id="of another partition"),
        pytest.param(DEPLOY_ARN.replace(PRODUCTION, "111122223334"), id="of an account that is not there"),
        pytest.param(DEPLOY_ARN.replace("::", ":us-east-1:"), id="with a region"),
        pytest.param(DEPLOY_ARN.replace("iam", "sts"), id="of another service"),
        pytest.param(DEPLOY_ARN.replace("role", "user"), id="a user's"),
        pytest.param(DEPLOY_ARN + "/", id="with something behind it"),
        pytest.param(DEPLOY_ARN.replace("Deploy", "*"), id="with a wildcard"),
    ],
)
def test_t02_an_arn_is_compared_to_the_letter(arn):
    assert refused(
        World().assume(arn),
        Reason.ACCESS_DENIED,
        f"User: {ANN_ARN} is not authorized to perform: sts:AssumeRole on resource: {arn}",
    )


@pytest.mark.parametrize("arn", ["Deploy", "arn:aws:iam::role/Deploy", "arn:aws:iam", "x" * 30])
def test_t02_what_is_no_arn_is_said_so(arn):
    assert refused(World().assume(arn), Reason.VALIDATION_ERROR, f"{arn} is invalid")


IF_EXTERNAL = trusting(COMPANY, Condition={"StringEquals": {"sts:ExternalId": "s3cret"}})


@pytest.mark.parametrize(
    ("passed", "admitted"),
    [
        pytest.param({"ExternalId": "s3cret"}, True, id="t01 the right one"),
        pytest.param({}, False, id="t01 absent"),
        pytest.param({"ExternalId": ""}, False, id="t01 empty"),
        pytest.param({"ExternalId": "S3cret"}, False, id="t01 in another case"),
        pytest.param({"ExternalId": "s3cret "}, False, id="t01 padded"),
        pytest.param({"ExternalId": "s3cre"}, False, id="t01 cut"),
    ],
)
def test_an_external_id_is_compared_to_the_letter(passed, admitted):
    decision = World(retrust(DEPLOY, IF_EXTERNAL)).assume(**passed)
    assert issued(decision) if admitted else refused(decision, Reason.ACCESS_DENIED)


def test_the_session_name_can_be_bound_to_the_user():
    condition = {"StringLike": {"sts:RoleSessionName": "${aws:username}"}}
    world = World(retrust(DEPLOY, trusting(COMPANY, Condition=condition)))
    assert issued(world.assume(RoleSessionName="Ann"))
    assert refused(world.assume(RoleSessionName="Bob"), Reason.ACCESS_DENIED)


@pytest.mark.parametrize(
    ("trust", "admitted"),
    [
        pytest.param(trusting(COMPANY, PRODUCTION), True, id="its trust policy lets it"),
        pytest.param(trusting(COMPANY), False, id="its trust policy does not"),
    ],
)
def test_a_role_takes_itself_on_only_if_it_trusts_itself(trust, admitted):
    world = World(retrust(DEPLOY, trust))
    decision = world.assume(who=held(world.assume()))
    assert issued(decision) if admitted else refused(decision, Reason.ACCESS_DENIED)


def test_a_session_may_be_trusted_by_its_name():
    session = f"arn:aws:sts::{COMPANY}:assumed-role/Own/ann"
    world = World(
        own(trusting(COMPANY)),
        retrust(DEPLOY, policy({"Principal": {"AWS": session}, "Action": "sts:AssumeRole"})),
        holders.InlinePolicyPut(account=COMPANY, holder=OWN, name="all", document=ALL),
    )
    mine, other = world.assume(OWN_ARN), world.assume(OWN_ARN, RoleSessionName="bob")
    assert issued(world.assume(who=held(mine)))
    assert refused(world.assume(who=held(other)), Reason.ACCESS_DENIED)


def test_s14_a_role_that_is_not_there_is_refused_like_one_that_does_not_trust():
    world = World(retrust(DEPLOY, trusting(PRODUCTION)))
    there, missing = world.assume(), world.assume(DEPLOY_ARN.replace("Deploy", "Nobody"))
    assert there.answer.message == missing.answer.message.replace("Nobody", "Deploy")
    assert len(there.weighed) == len(missing.weighed) == 1
    elsewhere = world.assume(DEPLOY_ARN.replace(PRODUCTION, "999999999999"))
    assert there.answer.message == elsewhere.answer.message.replace("999999999999", PRODUCTION)


def test_s14_somebody_without_permission_is_told_the_same_whatever_is_there():
    world = World()
    there = world.assume(who=BOBS)
    missing = world.assume(DEPLOY_ARN.replace("Deploy", "Nobody"), who=BOBS)
    assert there.answer.message == missing.answer.message.replace("Nobody", "Deploy")


@pytest.mark.parametrize("provided", [(), [{}], [{"ProviderArn": "arn:aws:iam::aws:contextProvider/IdentityCenter"}]])
def test_contexts_of_other_providers_are_refused_and_never_passed_over(provided):
    denied = World().assume(ProvidedContexts=provided)
    text = "The parameter ProvidedContexts of AssumeRole is not supported."
    assert refused(denied, Reason.INVALID_PARAMETER_VALUE, text)


def test_s11_a_chain_never_lasts_longer_than_an_hour_at_a_time():
    world = World()
    session = held(world.assume(DurationSeconds=43_200))
    denied = world.assume(who=session, DurationSeconds=3_601)
    text = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
    assert refused(denied, Reason.VALIDATION_ERROR, text)
    again = issued(world.assume(who=session, DurationSeconds=3_600))
    assert again.ancestors == (ANNS.access_key_id, session.access_key_id)


@pytest.mark.parametrize(
    "now",
    [
        datetime(2038, 1, 19, 3, 14, 7, 500_000, tzinfo=UTC),
        datetime(2106, 2, 7, 6, 28, 15, tzinfo=UTC),
        datetime(2028, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(9999, 12, 31, 11, 0, tzinfo=UTC),
    ],
    ids=lambda now: str(now.year),
)
def test_l07_no_year_is_too_late(now: datetime):
    world = World()
    world.now = now
    session = world.assume(DurationSeconds=43_200)
    assert issued(session).expires_at == now + timedelta(hours=12)
    assert world.allows(held(session), "s3:GetObject", "*")
    world.wait(hours=11, minutes=59)
    assert world.allows(held(session), "s3:GetObject", "*")
    assert canonical(from_canonical(canonical(world.state))) == canonical(world.state)


def test_l07_a_clock_that_goes_back_gives_nobody_a_longer_life():
    world = World()
    session = world.assume(DurationSeconds=3_600)
    world.wait(hours=-2)
    again = world.assume(AUDIT_ARN, who=held(session), DurationSeconds=3_600)
    assert issued(again).expires_at <= world.now + timedelta(hours=1)
    world.wait(hours=4)
    assert isinstance(world.caller(held(session)), Refusal)
    assert isinstance(world.caller(held(again)), Refusal)
