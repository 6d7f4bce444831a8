"""DecodeAuthorizationMessage: why it was refused, for those who may know."""

from __future__ import annotations

import json

import msgspec
import pytest

from authority.access.caller import Caller
from authority.access.recording import Asked, record
from authority.audit.queries import OneEvent
from authority.audit.records import event_record
from authority.kernel.refusal import Reason, Refusal
from authority.model.event import read_event
from authority.sessions.authorization_message import INVALID, decode_authorization_message, explained
from tests.access.test_action import OFFICE
from tests.model.test_state import AT
from tests.sessions.world import ANN, ANNS, BOBS, COMPANY, DENY, DEPLOY_ARN, World, may, policy, refused

ID = "01234567-89ab-4def-8123-456789abcdef"


def found(world: World, decision, who=ANNS):
    """The record of a decision, as the log gives it back."""
    caller = world.caller(who)
    assert isinstance(caller, Caller)
    body, _, _ = record(Asked("sts", "AssumeRole", True, OFFICE), caller.record, decision, AT)
    return event_record(1, AT, read_event(body), withheld=False)


def asked(world: World, message: str = ID, who=ANNS):
    return world.decide(decode_authorization_message, {"EncodedMessage": message}, who=who)


def decoded(world: World, about, message: str = ID):
    query = asked(world, message).query
    assert isinstance(query, OneEvent)
    assert query.shape is not None
    answer = query.shape(about)
    return answer if isinstance(answer, Refusal) else json.loads(answer.decoded_message)


def test_a_refusal_is_explained_with_its_statement_and_its_context():
    world = World(may(ANN, DENY, "never"))
    about = found(world, world.assume(ExternalId="x-1"))
    told = explained(about.decisions[0])
    assert (told["allowed"], told["explicitDeny"]) == (False, True)
    (statement,) = told["matchedStatements"]["items"]
    assert (statement["effect"], statement["sourcePolicyType"], statement["sourcePolicyId"]) == (
        "DENY",
        "identity",
        "never",
    )
    context = told["context"]
    assert (context["action"], context["resource"]) == ("sts:AssumeRole", DEPLOY_ARN)
    assert context["principal"] == {"id": ANN, "arn": f"arn:aws:iam::{COMPANY}:user/Ann"}
    conditions = {one["key"]: one["values"]["items"] for one in context["conditions"]["items"]}
    assert conditions["sts:externalid"] == [{"value": "x-1"}]


def test_what_nobody_allowed_is_no_explicit_deny():
    world = World()
    about = found(world, world.assume(who=BOBS), who=BOBS)
    told = decoded(world, about)
    assert (told["allowed"], told["explicitDeny"], told["matchedStatements"]["items"]) == (False, False, [])


def test_the_question_that_was_refused_is_the_one_that_is_explained():
    world = World()
    world.take(may(ANN, policy({"Action": ["sts:AssumeRole", "sts:DecodeAuthorizationMessage"], "Resource": "*"})))
    about = found(world, world.assume(Tags=[{"Key": "k", "Value": "v"}]))
    assert decoded(world, about)["context"]["action"] == "sts:TagSession"


def test_a_resource_servers_question_is_found_by_its_number():
    world = World()
    about = found(world, world.assume())
    judged = [{**about.decisions[0], "judged": "AKIA", "action": f"s3:{name}"} for name in ("Get", "Put")]
    several = msgspec.structs.replace(about, decisions=(about.decisions[0], *judged))
    assert decoded(world, several, f"{ID}.1")["context"]["action"] == "s3:Put"
    assert decoded(world, several)["context"]["action"] == "s3:Get"
    assert decoded(world, several, f"{ID}.2") == INVALID


@pytest.mark.parametrize("message", ["1", ID.upper(), f"{ID}.", f"{ID}.100", f" {ID}", f"{ID}\n", "AQICAHg"])
def test_what_is_no_id_is_refused(message):
    assert refused(asked(World(), message), Reason.INVALID_AUTHORIZATION_MESSAGE, INVALID.message)


def test_a_request_that_nothing_was_weighed_for_has_no_explanation():
    world = World()
    nothing = msgspec.structs.replace(found(world, world.assume()), decisions=())
    assert decoded(world, nothing) == INVALID


def test_only_the_accounts_own_trail_is_looked_at_and_the_rest_answers_like_nothing():
    query = asked(World()).query
    assert isinstance(query, OneEvent)
    assert (query.id, query.account, query.missing) == (ID, COMPANY, INVALID)


def test_decoding_is_a_permission():
    denied = asked(World(), who=BOBS)
    assert refused(denied, Reason.ACCESS_DENIED)
    assert "sts:DecodeAuthorizationMessage on resource: *" in denied.answer.message
