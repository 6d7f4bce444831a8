"""GetFederationToken: a broker's users have what the broker and the session policy both allow, and nothing without one."""

from __future__ import annotations

import json

import pytest

from authority.access.caller import Caller
from authority.kernel.refusal import Reason
from authority.kernel.tags import Tag
from authority.model import holders
from authority.model.sessions import SessionKind
from authority.policy.compiled import Source, compile_policy
from authority.policy.document import Document, Kind, parse
from authority.policy.principal import PrincipalKind
from authority.sessions.caller_identity import get_caller_identity
from tests.access.test_action import OFFICE, context_of
from tests.sessions.world import (
    ALL,
    ANN,
    BOBS,
    BOOKS,
    COMPANY,
    COMPANYS_BOOKS,
    READ,
    ROOTS,
    World,
    answer,
    held,
    issued,
    may,
    policy,
    refused,
)

GUEST = f"arn:aws:sts::{COMPANY}:federated-user/guest"
OBJECT = "arn:aws:s3:::shelf/book"


def test_a_federated_user_is_somebody_of_his_own():
    world = World()
    decision = world.get_federation_token(Policy=READ)
    session = issued(decision)
    assert (session.kind, session.user_id, session.session_name) == (SessionKind.FEDERATED_USER, ANN, "guest")
    assert answer(decision).federated_user.federated_user_id == f"{COMPANY}:guest"
    assert answer(decision).federated_user.arn == GUEST
    caller = world.caller(held(decision))
    assert isinstance(caller, Caller)
    assert (caller.principal.kind, caller.principal.arn) == (PrincipalKind.FEDERATED_USER, GUEST)
    assert caller.principal.issuer == f"arn:aws:iam::{COMPANY}:user/Ann"
    context = context_of(caller, OFFICE, world.now)
    assert (context["aws:userid"], context["aws:principaltype"]) == (f"{COMPANY}:guest", "FederatedUser")
    assert context["aws:principalarn"] == GUEST
    assert context["aws:multifactorauthpresent"] == "false"
    assert "aws:username" not in context
    said = world.decide(get_caller_identity, {}, who=held(decision)).answer
    assert (said.user_id, said.arn) == (f"{COMPANY}:guest", GUEST)


@pytest.mark.parametrize(
    ("passed", "broker", "reads", "writes"),
    [
        pytest.param({}, "*", False, False, id="without a policy he may do nothing"),
        pytest.param({"Policy": READ}, "*", True, False, id="with a policy, what it says"),
        pytest.param({"PolicyArns": [{"arn": COMPANYS_BOOKS}]}, "*", True, False, id="with a managed policy too"),
        pytest.param({"Policy": ALL}, "s3:GetObject", True, False, id="never more than the broker"),
    ],
)
def test_what_a_federated_user_may_do(passed, broker, reads, writes):
    world = World(may(ANN, policy({"Action": ["sts:*", broker], "Resource": "*"})))
    who = held(world.get_federation_token(**passed))
    assert world.allows(who, "s3:GetObject", OBJECT) is reads
    assert world.allows(who, "s3:PutObject", OBJECT) is writes


@pytest.mark.parametrize(("passed", "reads", "writes"), [({}, False, False), ({"Policy": READ}, True, False)])
def test_a_federated_user_of_root_has_what_the_session_policy_says(passed, reads, writes):
    world = World()
    who = held(world.get_federation_token(who=ROOTS, **passed))
    assert world.allows(who, "s3:GetObject", OBJECT) is reads
    assert world.allows(who, "s3:PutObject", OBJECT) is writes


def test_a_resource_may_grant_something_to_the_federated_user_by_name():
    text = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": {"Effect": "Allow", "Principal": {"AWS": GUEST}, "Action": "s3:*", "Resource": "*"},
        }
    )
    document = parse(text, Kind.RESOURCE)
    assert isinstance(document, Document)
    bucket = compile_policy(document, Source("resource", "shelf"))
    world = World()
    guest, other = held(world.get_federation_token()), held(world.get_federation_token(Name="other"))
    assert world.allows(guest, "s3:GetObject", OBJECT, resource_policies=(bucket,))
    assert not world.allows(other, "s3:GetObject", OBJECT, resource_policies=(bucket,))


def test_the_permission_is_given_on_the_federated_user():
    world = World(may(ANN, policy({"Action": "sts:GetFederationToken", "Resource": GUEST})))
    assert issued(world.get_federation_token())
    assert refused(world.get_federation_token(Name="other"), Reason.ACCESS_DENIED)
    assert refused(World().get_federation_token(who=BOBS), Reason.ACCESS_DENIED)


def test_tags_need_a_permission_of_their_own_and_overlay_the_users():
    tags = [{"Key": "TEAM", "Value": "b"}]
    tagged = holders.HolderTagged(account=COMPANY, holder=ANN, tags=(Tag("team", "a"), Tag("Cost", "7")))
    world = World(tagged)
    decision = world.get_federation_token(Tags=tags)
    assert issued(decision).transitive_keys == ()
    caller = world.caller(held(decision))
    assert isinstance(caller, Caller)
    context = context_of(caller, OFFICE, world.now)
    assert (context["aws:principaltag/team"], context["aws:principaltag/cost"]) == ("b", "7")
    untagging = World(may(ANN, policy({"Action": "sts:GetFederationToken", "Resource": "*"})))
    denied = untagging.get_federation_token(Tags=tags)
    assert refused(denied, Reason.ACCESS_DENIED)
    assert "sts:TagSession" in denied.answer.message
    assert issued(untagging.get_federation_token())


@pytest.mark.parametrize(
    ("passed", "reason"),
    [
        pytest.param({"Policy": "{}"}, Reason.MALFORMED_POLICY_DOCUMENT, id="a policy that says nothing"),
        pytest.param({"PolicyArns": []}, Reason.VALIDATION_ERROR, id="a list of no policies"),
        pytest.param({"PolicyArns": [{"arn": BOOKS}]}, Reason.VALIDATION_ERROR, id="another account's policy"),
        pytest.param(
            {"Tags": [{"Key": "k", "Value": ""}, {"Key": "K", "Value": ""}]},
            Reason.INVALID_PARAMETER_VALUE,
            id="a tag twice",
        ),
        pytest.param(
            {"Tags": [{"Key": f"k{n}", "Value": "v" * 250} for n in range(30)]},
            Reason.PACKED_POLICY_TOO_LARGE,
            id="more than a token holds",
        ),
    ],
)
def test_what_is_refused(passed, reason):
    assert refused(World().get_federation_token(**passed), reason)


def test_the_size_of_what_is_packed_is_always_said():
    assert answer(World().get_federation_token()).packed_policy_size == 0
    assert answer(World().get_federation_token(Policy=READ)).packed_policy_size > 0
