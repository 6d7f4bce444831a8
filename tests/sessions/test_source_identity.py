"""Source identity: set once, by whoever may, and the same to the end of the chain."""

from __future__ import annotations

import pytest

from authority.kernel.refusal import Reason
from tests.sessions.world import (
    ANN,
    AUDIT,
    AUDIT_ARN,
    COMPANY,
    DEPLOY,
    DEPLOY_ARN,
    PRODUCTION,
    World,
    answer,
    held,
    issued,
    may,
    policy,
    refused,
    retrust,
    trusting,
)

NOT_SET = ["sts:AssumeRole", "sts:TagSession"]


def test_a_source_identity_is_said_in_the_answer_and_in_the_session():
    decision = World().assume(SourceIdentity="ann@corp")
    assert issued(decision).source_identity == "ann@corp"
    assert answer(decision).source_identity == "ann@corp"
    assert answer(World().assume()).source_identity is None


@pytest.mark.parametrize(
    "without",
    [
        pytest.param(may(ANN, policy({"Action": NOT_SET, "Resource": "*"})), id="the caller's account"),
        pytest.param(retrust(DEPLOY, trusting(COMPANY, actions=NOT_SET)), id="the role's account"),
    ],
)
def test_t10_setting_it_needs_a_permission_of_its_own_on_both_sides(without):
    world = World(without)
    user = f"User: arn:aws:iam::{COMPANY}:user/Ann"
    text = f"{user} is not authorized to perform: sts:SetSourceIdentity on resource: {DEPLOY_ARN}"
    assert refused(world.assume(SourceIdentity="ann"), Reason.ACCESS_DENIED, text)
    assert issued(world.assume())


def test_t10_it_is_carried_down_the_chain_and_never_changed():
    world = World()
    first = held(world.assume(SourceIdentity="ann"))
    assert issued(world.assume(AUDIT_ARN, who=first)).source_identity == "ann"
    assert issued(world.assume(AUDIT_ARN, who=first, SourceIdentity="ann")).source_identity == "ann"
    assert refused(world.assume(AUDIT_ARN, who=first, SourceIdentity="bob"), Reason.ACCESS_DENIED)


def test_carrying_it_needs_the_permission_too():
    world = World(retrust(AUDIT, trusting(PRODUCTION, actions=NOT_SET)))
    first = held(world.assume(SourceIdentity="ann"))
    assert refused(world.assume(AUDIT_ARN, who=first), Reason.ACCESS_DENIED)


def test_it_may_be_set_in_the_middle_of_a_chain():
    world = World()
    second = held(world.assume(AUDIT_ARN, who=held(world.assume()), SourceIdentity="late"))
    assert issued(world.assume(who=second)).source_identity == "late"


@pytest.mark.parametrize(("wanted", "admitted"), [("ann@corp", True), ("bob@corp", False), (None, False)])
def test_policies_may_ask_what_is_set(wanted, admitted):
    condition = {"StringLike": {"sts:SourceIdentity": "ann*"}}
    world = World(retrust(DEPLOY, trusting(COMPANY, Condition=condition)))
    decision = world.assume(**({} if wanted is None else {"SourceIdentity": wanted}))
    assert issued(decision) if admitted else refused(decision, Reason.ACCESS_DENIED)


def test_policies_may_ask_what_the_session_carries():
    condition = {"StringEquals": {"aws:SourceIdentity": "ann"}}
    world = World(may(DEPLOY, policy({"Action": "s3:*", "Resource": "*", "Condition": condition})))
    with_it, without = held(world.assume(SourceIdentity="ann")), held(world.assume())
    assert world.allows(with_it, "s3:GetObject", "arn:aws:s3:::a/b", owner=PRODUCTION)
    assert not world.allows(without, "s3:GetObject", "arn:aws:s3:::a/b", owner=PRODUCTION)
