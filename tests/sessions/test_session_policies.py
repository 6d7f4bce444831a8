"""Session policies: never more than the role, never silently the whole role, and only as much as a token holds."""

from __future__ import annotations

import json

import pytest

from authority.access.session_contents import PACKED, SessionPolicies, packed_size
from authority.kernel.ids import PolicyId
from authority.kernel.refusal import Reason
from authority.kernel.tags import Tag
from authority.model import policies
from tests.sessions.world import (
    AUDIT,
    BOOKS,
    COMPANYS_BOOKS,
    DENY,
    DEPLOY,
    PRODUCTION,
    READ,
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

OBJECT = "arn:aws:s3:::shelf/book"


@pytest.mark.parametrize(
    ("passed", "role_may", "reads", "writes"),
    [
        pytest.param({}, "*", True, True, id="without any the session may do what the role may"),
        pytest.param({"Policy": READ}, "*", True, False, id="an inline one limits it"),
        pytest.param({"PolicyArns": [{"arn": BOOKS}]}, "*", True, False, id="a managed one limits it"),
        pytest.param({"Policy": READ}, "s3:PutObject", False, False, id="neither ever widens the role"),
        pytest.param(
            {"Policy": policy({"Action": "s3:PutObject", "Resource": "*"}), "PolicyArns": [{"arn": BOOKS}]},
            "*",
            True,
            True,
            id="one Allow in the set is enough",
        ),
        pytest.param(
            {"Policy": DENY, "PolicyArns": [{"arn": BOOKS}]}, "*", False, False, id="one Deny in the set is enough"
        ),
    ],
)
def test_a_session_has_what_the_role_and_its_session_policies_both_allow(passed, role_may, reads, writes):
    world = World(may(DEPLOY, policy({"Action": role_may, "Resource": "*"})))
    who = held(world.assume(**passed))
    assert world.allows(who, "s3:GetObject", OBJECT, owner=PRODUCTION) is reads
    assert world.allows(who, "s3:PutObject", OBJECT, owner=PRODUCTION) is writes


def test_a_deny_in_the_role_holds_whatever_the_session_policy_says():
    world = World(may(DEPLOY, DENY, "never"))
    assert not world.allows(held(world.assume(Policy=READ)), "s3:GetObject", OBJECT, owner=PRODUCTION)


BIG = policy({"Action": "s3:GetObject", "Resource": [f"arn:aws:s3:::{n:0>60}" for n in range(30)]})


@pytest.mark.parametrize(
    ("passed", "reason"),
    [
        pytest.param({"Policy": " \n"}, Reason.MALFORMED_POLICY_DOCUMENT, id="white space"),
        pytest.param({"Policy": "{}"}, Reason.MALFORMED_POLICY_DOCUMENT, id="no statement"),
        pytest.param({"Policy": "{"}, Reason.MALFORMED_POLICY_DOCUMENT, id="no JSON"),
        pytest.param(
            {"Policy": policy({"Action": "*", "Resource": "*", "Principal": "*"})},
            Reason.MALFORMED_POLICY_DOCUMENT,
            id="a principal",
        ),
        pytest.param({"Policy": BIG}, Reason.VALIDATION_ERROR, id="more than 2,048 characters"),
        pytest.param({"PolicyArns": []}, Reason.VALIDATION_ERROR, id="a list of no policies"),
        pytest.param({"PolicyArns": [{}]}, Reason.VALIDATION_ERROR, id="a policy without its ARN"),
        pytest.param({"PolicyArns": [{"arn": BOOKS + "2"}]}, Reason.VALIDATION_ERROR, id="a policy that is not there"),
        pytest.param({"PolicyArns": [{"arn": COMPANYS_BOOKS}]}, Reason.VALIDATION_ERROR, id="the caller's own policy"),
        pytest.param(
            {"PolicyArns": [{"arn": f"{BOOKS}{n}"} for n in range(11)]}, Reason.VALIDATION_ERROR, id="eleven policies"
        ),
    ],
)
def test_s08_a_session_policy_that_is_none_never_gives_the_whole_role(passed, reason):
    assert refused(World().assume(**passed), reason)


def test_s08_whoever_may_not_assume_the_role_learns_nothing_of_its_policies():
    world = World(retrust(DEPLOY, trusting(PRODUCTION)))
    assert refused(world.assume(PolicyArns=[{"arn": BOOKS + "2"}]), Reason.ACCESS_DENIED)


def test_blanks_are_not_carried_and_not_counted():
    wide = json.dumps(json.loads(READ), indent=400)
    world = World()
    wide_session, session = world.assume(Policy=wide), world.assume(Policy=READ)
    assert issued(wide_session).policy == issued(session).policy
    assert json.loads(issued(session).policy) == json.loads(READ)
    assert answer(wide_session).packed_policy_size == answer(session).packed_policy_size


def test_blanks_inside_a_text_stay():
    document = policy({"Action": "s3:GetObject", "Resource": 'arn:aws:s3:::a "b\\\\" c'})
    assert json.loads(issued(World().assume(Policy=document)).policy) == json.loads(document)


def test_t06_a_policy_that_is_made_anew_with_the_same_name_never_widens_the_session():
    """Whoever may make policies must not give himself what his session was not to have."""
    world = World()
    who = held(world.assume(PolicyArns=[{"arn": BOOKS}]))
    assert world.allows(who, "s3:GetObject", OBJECT, owner=PRODUCTION)
    anew = policies.PolicyCreated(
        account=PRODUCTION,
        policy_id=PolicyId("ANPAANEW"),
        name="Books",
        path="/",
        document=policy({"Action": "*", "Resource": "*"}),
    )
    world.take(policies.PolicyDeleted(account=PRODUCTION, policy_id=PolicyId("ANPABOOKS")), anew)
    assert not world.allows(who, "s3:GetObject", OBJECT, owner=PRODUCTION)
    again = world.assume(PolicyArns=[{"arn": BOOKS}])
    assert issued(again).policy_ids == (anew.policy_id,)
    assert world.allows(held(again), "s3:PutObject", OBJECT, owner=PRODUCTION)


def test_the_version_in_force_is_written_down_and_a_later_one_holds():
    world = World()
    decision = world.assume(PolicyArns=[{"arn": BOOKS}])
    assert issued(decision).policy_versions == ((BOOKS, "v1"),)
    world.take(
        policies.PolicyVersionCreated(
            account=PRODUCTION, policy_id=PolicyId("ANPABOOKS"), number=2, document=DENY, default=True
        )
    )
    assert not world.allows(held(decision), "s3:GetObject", OBJECT, owner=PRODUCTION)


def test_nothing_packed_says_nothing_of_its_size():
    assert answer(World().assume()).packed_policy_size is None


@pytest.mark.parametrize(
    ("tags", "percent"),
    [
        pytest.param((), 0, id="nothing is nothing"),
        pytest.param((Tag("k", "v"),), 1, id="a little is one percent"),
        pytest.param((Tag("k" * 100, "v" * (PACKED - 104)),), 100, id="all of the room is a hundred"),
        pytest.param((Tag("k" * 100, "v" * (PACKED - 103)),), 101, id="a byte more is too much"),
        pytest.param((Tag("k", "é" * 1496),), 50, id="bytes count, not characters"),
    ],
)
def test_the_packed_size_is_a_percentage_rounded_up(tags, percent):
    assert packed_size(SessionPolicies(), tags) == percent


@pytest.mark.parametrize(
    ("passed", "text"),
    [
        pytest.param({}, "Packed size of session tags consumes 181% of allotted space.", id="tags alone"),
        pytest.param(
            {"Policy": READ},
            "Packed policy consumes 183% of allotted space, please use smaller policy.",
            id="with a policy",
        ),
    ],
)
def test_what_does_not_fit_into_a_token_is_refused_and_says_by_how_much(passed, text):
    tags = [{"Key": f"key-{n:0>2}", "Value": "v" * 248} for n in range(42)]
    denied = World().assume(Tags=tags, **passed)
    assert refused(denied, Reason.PACKED_POLICY_TOO_LARGE, text)


def test_s12_a_session_delegates_no_right_that_its_session_policy_lacks():
    world = World()
    reader = held(world.assume(Policy=READ))
    assert refused(world.assume(f"arn:aws:iam::{PRODUCTION}:role/Audit", who=reader), Reason.ACCESS_DENIED)
    full = held(world.assume())
    assert issued(world.assume(f"arn:aws:iam::{PRODUCTION}:role/Audit", who=full)).role_id == AUDIT
