"""Session tags: who may bring them, what goes on down a chain, and that nobody replaces what goes on."""

from __future__ import annotations

import pytest

from authority.kernel.ids import PolicyId
from authority.kernel.refusal import Reason
from authority.kernel.tags import Tag
from authority.model import boundaries, holders, policies
from tests.sessions.world import (
    ANN,
    AUDIT,
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

TEAM = {"Key": "Team", "Value": "a"}


def tags(**pairs: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in pairs.items()]


def test_t09_session_tags_are_the_principals_tags_and_win_over_the_roles():
    world = World(holders.HolderTagged(account=PRODUCTION, holder=DEPLOY, tags=(Tag("team", "b"), Tag("Cost", "7"))))
    who = held(world.assume(Tags=[TEAM]))
    mine = policy({"Action": "s3:*", "Resource": "arn:aws:s3:::${aws:PrincipalTag/Team}-${aws:PrincipalTag/Cost}/*"})
    world.take(may(DEPLOY, mine))
    assert world.allows(who, "s3:GetObject", "arn:aws:s3:::a-7/x", owner=PRODUCTION)
    assert not world.allows(who, "s3:GetObject", "arn:aws:s3:::b-7/x", owner=PRODUCTION)


@pytest.mark.parametrize(
    ("passed", "reason", "text"),
    [
        pytest.param(
            {"Tags": [TEAM, {"Key": "TEAM", "Value": "b"}]},
            Reason.INVALID_PARAMETER_VALUE,
            "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            id="keys that differ by case",
        ),
        pytest.param(
            {"Tags": [{"Key": "AWS:team", "Value": "a"}]},
            Reason.VALIDATION_ERROR,
            "Tag keys that begin with aws: are reserved and cannot be set.",
            id="a reserved key",
        ),
        pytest.param(
            {"Tags": [TEAM], "TransitiveTagKeys": ["Cost"]},
            Reason.INVALID_PARAMETER_VALUE,
            "The specified transitive tag key must be included in the requested tags.",
            id="a transitive key without its tag",
        ),
    ],
)
def test_t09_what_tags_are_refused(passed, reason, text):
    assert refused(World().assume(**passed), reason, text)


def test_transitive_keys_are_matched_in_any_case_and_keep_the_tags_spelling():
    assert issued(World().assume(Tags=[TEAM], TransitiveTagKeys=["tEAM", "TEAM"])).transitive_keys == ("Team",)


ASSUME_ONLY = policy({"Action": "sts:AssumeRole", "Resource": "*"})


@pytest.mark.parametrize(
    "without",
    [
        pytest.param(may(ANN, ASSUME_ONLY), id="the caller's account does not allow it"),
        pytest.param(
            retrust(DEPLOY, trusting(COMPANY, actions="sts:AssumeRole")), id="the role's account does not allow it"
        ),
    ],
)
def test_t09_tags_need_a_permission_of_their_own_on_both_sides(without):
    world = World(without)
    denied = world.assume(Tags=[TEAM])
    text = (
        f"User: arn:aws:iam::{COMPANY}:user/Ann is not authorized to perform: sts:TagSession on resource: {DEPLOY_ARN}"
    )
    assert refused(denied, Reason.ACCESS_DENIED, text)
    assert [weighed.question.action for weighed in denied.weighed] == ["sts:AssumeRole", "sts:TagSession"]
    assert issued(world.assume())


def where(operator: str, key: str, value: object) -> str:
    return trusting(COMPANY, PRODUCTION, Condition={operator: {key: value}})


@pytest.mark.parametrize(
    ("trust", "passed", "admitted"),
    [
        pytest.param(
            where("StringEquals", "aws:RequestTag/Team", "a"), {"Tags": [TEAM]}, True, id="the value asked for"
        ),
        pytest.param(
            where("StringEquals", "aws:RequestTag/Team", "b"), {"Tags": [TEAM]}, False, id="not another value"
        ),
        pytest.param(where("StringEquals", "aws:RequestTag/Team", "a"), {}, False, id="not without the tag"),
        pytest.param(
            where("ForAllValues:StringEquals", "aws:TagKeys", ["Cost"]), {"Tags": [TEAM]}, False, id="not another key"
        ),
        pytest.param(
            where("ForAnyValue:StringEquals", "sts:TransitiveTagKeys", ["Team"]),
            {"Tags": [TEAM], "TransitiveTagKeys": ["Team"]},
            True,
            id="a key that goes on",
        ),
        pytest.param(
            where("ForAnyValue:StringEquals", "sts:TransitiveTagKeys", ["Team"]),
            {"Tags": [TEAM]},
            False,
            id="not one that does not",
        ),
        pytest.param(
            where("StringEquals", "aws:RequestTag/Team", "${aws:ResourceTag/Team}"),
            {"Tags": [TEAM]},
            False,
            id="t04 an absent tag equals nothing",
        ),
    ],
)
def test_policies_may_ask_which_tags_are_brought(trust, passed, admitted):
    decision = World(retrust(DEPLOY, trust)).assume(**passed)
    assert issued(decision) if admitted else refused(decision, Reason.ACCESS_DENIED)


def chained(world: World, **more: object):
    first = held(world.assume(Tags=tags(Team="a", Cost="7"), TransitiveTagKeys=["Team"]))
    return world.assume(AUDIT_ARN, who=first, **more)


def test_only_transitive_tags_go_on():
    session = issued(chained(World()))
    assert session.tags == (Tag("Team", "a"),)
    assert session.transitive_keys == ("Team",)


def test_what_goes_on_goes_on_to_the_end_of_the_chain():
    world = World()
    third = world.assume(DEPLOY_ARN, who=held(chained(world)))
    assert issued(third).tags == (Tag("Team", "a"),)


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"Tags": tags(Team="b")}, id="with another value"),
        pytest.param({"Tags": tags(TEAM="b")}, id="in another case"),
        pytest.param({"Tags": tags(team="a"), "TransitiveTagKeys": ["team"]}, id="with the same value"),
    ],
)
def test_t09_a_tag_that_goes_on_is_never_replaced(more):
    text = (
        "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the "
        "calling session."
    )
    assert refused(chained(World(), **more), Reason.INVALID_PARAMETER_VALUE, text)


def test_a_tag_that_does_not_go_on_may_be_brought_anew():
    assert issued(chained(World(), Tags=tags(Cost="8"))).tags == (Tag("Team", "a"), Tag("Cost", "8"))


def test_inherited_tags_need_the_permission_to_tag_too():
    world = World(may(DEPLOY, ASSUME_ONLY))
    assert refused(chained(world), Reason.ACCESS_DENIED)


TEAM_A = {"StringEquals": {"aws:ResourceTag/Team": "a"}}


def test_inherited_tags_stand_for_those_of_the_role_in_the_trust_policy_that_is_asked_next():
    world = World(
        holders.HolderTagged(account=PRODUCTION, holder=AUDIT, tags=(Tag("Team", "b"),)),
        retrust(AUDIT, trusting(PRODUCTION, Condition=TEAM_A)),
    )
    assert issued(chained(world)).role_id == AUDIT
    untagged = held(world.assume())
    assert refused(world.assume(AUDIT_ARN, who=untagged), Reason.ACCESS_DENIED)


@pytest.mark.parametrize("layer", ["identity", "boundary", "session"])
@pytest.mark.parametrize(
    "limits",
    [
        pytest.param(policy({"Action": "sts:*", "Resource": "*", "Condition": TEAM_A}), id="an Allow"),
        pytest.param(
            policy(
                {"Action": "*", "Resource": "*"},
                {
                    "Effect": "Deny",
                    "Action": "sts:*",
                    "Resource": "*",
                    "Condition": {"StringEquals": {"aws:ResourceTag/Team": "b"}},
                },
            ),
            id="a Deny",
        ),
    ],
)
def test_nobody_steps_around_his_own_policies_with_a_tag_that_he_passes_on(layer, limits):
    """Who asks chooses his tags: a tag of his must not hide the tag that the role wears from what limits him."""
    world = World(holders.HolderTagged(account=PRODUCTION, holder=AUDIT, tags=(Tag("Team", "b"),)))
    passed = {"Tags": [TEAM], "TransitiveTagKeys": ["Team"]}
    match layer:
        case "identity":
            world.take(may(DEPLOY, limits))
            who = held(world.assume(**passed))
        case "boundary":
            made = policies.PolicyCreated(
                account=PRODUCTION, policy_id=PolicyId("ANPALIMIT"), name="Limit", path="/", document=limits
            )
            world.take(made, boundaries.BoundarySet(account=PRODUCTION, holder=DEPLOY, policy_id=made.policy_id))
            who = held(world.assume(**passed))
        case _:
            who = held(world.assume(**passed, Policy=limits))
    assert refused(world.assume(AUDIT_ARN, who=who), Reason.ACCESS_DENIED)


def test_t09_fifty_tags_are_the_most_with_those_that_go_on():
    world = World()
    first = held(world.assume(Tags=[TEAM], TransitiveTagKeys=["Team"]))
    fifty = [{"Key": f"k{n}", "Value": ""} for n in range(50)]
    assert refused(world.assume(AUDIT_ARN, who=first, Tags=fifty), Reason.VALIDATION_ERROR)
    assert len(issued(world.assume(AUDIT_ARN, who=first, Tags=fifty[1:])).tags) == 50


def test_t20_a_wildcard_in_a_tag_is_a_character():
    world = World(may(DEPLOY, policy({"Action": "s3:*", "Resource": "arn:aws:s3:::${aws:PrincipalTag/Team}/*"})))
    who = held(world.assume(Tags=tags(Team="*")))
    assert world.allows(who, "s3:GetObject", "arn:aws:s3:::*/x", owner=PRODUCTION)
    assert not world.allows(who, "s3:GetObject", "arn:aws:s3:::a/x", owner=PRODUCTION)
