"""Authorisation comes first, is the same for every action, and is written down whole."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import msgspec
import pytest

from authority.access.action import Action, Decision, Facts, action
from authority.access.call import Call, Origin
from authority.access.caller import Caller, Credential, SessionClaims, caller_of
from authority.access.context import lasting, passing, seen, unmapped
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.tags import Tag
from authority.model import holders
from authority.model.event import Event, read_event, read_folded, write_event
from authority.policy.combine import Effect
from tests.access.test_caller import MIAS, SESSION
from tests.model.test_state import AT, HISTORY, MIA, PRODUCTION, UPDATE_APP, after

OFFICE = Origin(
    request_id="r1", source_address="192.0.2.7", user_agent="cli", secure=True, region="us-east-1", partition="aws"
)


def context_of(caller: Caller, origin: Origin, now: datetime) -> dict[str, str | tuple[str, ...]]:
    """All keys of one request to us."""
    return {**seen(origin), **lasting(caller), **passing(caller, origin.region, now)}


class Painting(msgspec.Struct, frozen=True):
    colour: str


@action("iam:Paint", resource=lambda state, call: f"arn:aws:iam::{call.caller.account}:user/{call.input.colour}")
def paint(state, call: Call[Painting], facts: Facts) -> Decision:
    return Decision(answer=call.input.colour, subject="the wall")


@action("iam:Look", resource=None)
def look(state, call: Call[Painting], facts: Facts) -> Decision:
    return Decision(answer="seen")


def permits(effect: str, pattern: str = "*") -> holders.InlinePolicyPut:
    statement = {"Effect": effect, "Action": "iam:Paint", "Resource": f"arn:aws:iam::{PRODUCTION}:user/{pattern}"}
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    return holders.InlinePolicyPut(account=PRODUCTION, holder=MIA, name=effect, document=document)


def decided(what: Action, *facts) -> Decision:
    state = after(*facts)
    caller = caller_of(state, MIAS, now=AT, partition="aws")
    assert isinstance(caller, Caller)
    return what.decide(state, Call(caller, Painting("red"), OFFICE), Facts(AT, b"seed"))


def test_an_action_knows_its_names_and_its_input():
    assert (paint.service, paint.operation, paint.input) == ("iam", "Paint", Painting)


def test_what_is_allowed_is_decided_and_its_weighing_kept():
    decision = decided(paint, permits("Allow"))
    assert (decision.answer, decision.subject) == ("red", "the wall")
    (weighed,) = decision.weighed
    record = weighed.record()
    assert (record.effect, record.resource) == (Effect.ALLOWED, f"arn:aws:iam::{PRODUCTION}:user/red")
    assert record.context["aws:sourceip"] == "192.0.2.7"
    assert [matched.policy for matched in record.determined_by] == ["Allow"]


@pytest.mark.parametrize(
    ("facts", "ending"),
    [
        pytest.param((), "because no identity-based policy allows the iam:Paint action", id="nothing allows it"),
        pytest.param(
            (permits("Allow", "blue"),),
            "because no identity-based policy allows the iam:Paint action",
            id="another resource is allowed",
        ),
        pytest.param(
            (permits("Allow"), permits("Deny")),
            "with an explicit deny in an identity-based policy",
            id="something denies it",
        ),
    ],
)
def test_what_is_not_allowed_is_refused_and_says_why(facts, ending):
    decision = decided(paint, *facts)
    assert isinstance(decision.answer, Refusal)
    assert decision.answer.reason is Reason.ACCESS_DENIED
    assert decision.answer.message.startswith(
        f"User: arn:aws:iam::{PRODUCTION}:user/Mia is not authorized to perform: iam:Paint on resource: "
    )
    assert decision.answer.message.endswith(ending)
    assert decision.facts == ()
    assert len(decision.weighed) == 1


def test_an_action_without_a_resource_needs_no_permission():
    assert decided(look).answer == "seen"


def test_deciding_again_makes_the_same_ids_and_never_one_twice():
    first, second = Facts(AT, b"s" * 32), Facts(AT, b"s" * 32)
    made = [first.new_id("AROA"), first.new_id("AROA"), first.new_secret_key().reveal()]
    assert made == [second.new_id("AROA"), second.new_id("AROA"), second.new_secret_key().reveal()]
    assert len(set(made)) == 3
    assert len(made[0]) == 20
    assert len(made[2]) == 40
    assert Facts(AT, b"t" * 32).new_id("AROA") != made[0]
    assert "ssss" not in repr(first)


def test_a_session_brings_its_own_keys_and_lays_its_tags_over_the_roles():
    session = msgspec.structs.replace(
        SESSION, source_identity="mia@corp", tags=(Tag("Team", "b"),), mfa_at=AT - timedelta(seconds=9)
    )
    tagged = holders.HolderTagged(account=PRODUCTION, holder=UPDATE_APP, tags=(Tag("team", "a"), Tag("Cost", "7")))
    caller = caller_of(after(tagged), Credential(session.access_key_id, session), now=AT, partition="aws")
    assert isinstance(caller, Caller)
    context = context_of(caller, OFFICE, AT)
    assert context["aws:principalarn"] == f"arn:aws:iam::{PRODUCTION}:role/UpdateAPP"
    assert context["aws:userid"] == f"{UPDATE_APP}:mia"
    assert context["aws:sourceidentity"] == "mia@corp"
    assert (context["aws:multifactorauthpresent"], context["aws:multifactorauthage"]) == ("true", "9")
    assert (context["aws:principaltag/team"], context["aws:principaltag/cost"]) == ("b", "7")
    assert "aws:username" not in context


def test_a_long_term_key_says_nothing_about_mfa():
    caller = caller_of(after(), MIAS, now=AT, partition="aws")
    assert isinstance(caller, Caller)
    context = context_of(caller, OFFICE, AT)
    assert "aws:multifactorauthpresent" not in context
    assert "aws:tokenissuetime" not in context
    assert (context["aws:username"], context["aws:userid"], context["aws:principaltype"]) == ("Mia", MIA, "User")


@pytest.mark.parametrize(
    ("claimed", "address"),
    [
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1%eth0", "10.0.0.1"),
        ("2001:DB8::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("10.0.0.1", "10.0.0.1"),
        ("", ""),
    ],
)
def test_an_ipv4_address_in_ipv6_clothes_is_undressed(claimed, address):
    assert unmapped(claimed) == address


def test_a_session_policy_that_is_gone_never_widens_the_session():
    session = msgspec.structs.replace(SESSION, policy_arns=(f"arn:aws:iam::{PRODUCTION}:policy/Gone",))
    assert isinstance(session, SessionClaims)
    state = after(
        holders.InlinePolicyPut(account=PRODUCTION, holder=UPDATE_APP, name="all", document=permits("Allow").document)
    )
    caller = caller_of(state, Credential(session.access_key_id, session), now=AT, partition="aws")
    assert isinstance(caller, Caller)
    decision = paint.decide(state, Call(caller, Painting("red"), OFFICE), Facts(AT, b""))
    assert isinstance(decision.answer, Refusal)
    assert decision.answer.message.endswith("because no session policy allows the iam:Paint action")


def test_an_event_is_read_as_it_was_written():
    event = Event(
        type="iam:Paint",
        v=1,
        decided_at=AT,
        lane="config",
        subject="the wall",
        facts=HISTORY,
        decisions=tuple(weighed.record() for weighed in decided(paint, permits("Allow")).weighed),
    )
    assert read_event(write_event(event)) == event
    assert read_folded(write_event(event)).facts == HISTORY
