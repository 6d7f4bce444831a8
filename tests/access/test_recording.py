"""What is recorded of a request that says much: everything that was decided, and of its parameters what there is room for."""

from __future__ import annotations

from hashlib import sha256

import msgspec
import pytest

from authority.access.action import Decision
from authority.access.call import Origin
from authority.access.recording import TOO_LARGE, Asked, record
from authority.kernel.refusal import Reason
from authority.kernel.tags import Tag
from authority.ledger.codec import header_of
from authority.model import holders
from authority.model.event import LARGEST, CallerRecord, read_event
from authority.model.principals import UserRenamed
from tests.model.test_state import AT
from tests.sessions.world import DEPLOY, DEPLOY_ARN, PRODUCTION, World, refused, retrust, trusting

ORIGIN = Origin(request_id="r1", source_address="192.0.2.7", user_agent="", secure=True, region="us-east-1", partition="aws")  # fmt: skip
ANN = CallerRecord(kind="user", arn="arn:aws:iam::1:user/Ann", principal_id="AIDAANN", account="1", access_key_id="AKIAANN")  # fmt: skip


def recorded(fact_size: int = 10, **parameters):
    """The event of a request with these parameters, and the decision that it is of."""
    fact = UserRenamed(account="111122223333", user_id="AIDAANN", name="n" * fact_size, path="/")
    asked = Asked("iam", "UpdateUser", known=True, origin=ORIGIN, parameters=parameters)
    body, header, decision = record(asked, ANN, Decision(facts=(fact,)), AT)
    assert (len(body) <= LARGEST, header) == (True, header_of(body))
    return read_event(body), decision


def test_parameters_are_recorded_as_they_were_sent():
    event, _ = recorded(UserName="Ann", Tags=[{"Key": "a", "Value": "b"}])
    assert event.request.parameters == {"UserName": "Ann", "Tags": [{"Key": "a", "Value": "b"}]}


def test_where_there_is_little_room_long_parameters_give_way_to_their_digests():
    tags = [{"Key": f"{number:0128d}", "Value": "v" * 256} for number in range(50)]
    event, decision = recorded(50_000, UserName="Ann", Tags=tags)
    spelled = msgspec.json.encode(tags, order="sorted")
    digest = {"length": len(spelled), "sha256": sha256(spelled).hexdigest()}
    assert event.request.parameters == {"UserName": "Ann", "Tags": digest}
    assert (len(event.facts), decision.facts) == (1, event.facts)


@pytest.mark.parametrize("secret", ["Password", "TokenCode", "WebIdentityToken"])
def test_a_secret_has_no_digest_either(secret):
    event, _ = recorded(LARGEST - 600, **{secret: "s3cret" * 100})
    assert event.request.parameters == {secret: "***"}


def test_what_cannot_be_recorded_does_not_happen():
    event, decision = recorded(LARGEST, UserName="Ann")
    assert decision.answer == TOO_LARGE
    assert (decision.facts, event.facts, event.request.parameters) == ((), (), {})
    assert event.outcome.refused == TOO_LARGE.reason


@pytest.mark.parametrize("arn", [DEPLOY_ARN, "arn:aws:iam::111122223333:role/Nobody"])
def test_a_refusal_is_the_same_however_much_was_known_when_it_was_decided(arn):
    tags = tuple(Tag(f"{number:0128d}", "v" * 256) for number in range(50))
    worn = holders.HolderTagged(account=PRODUCTION, holder=DEPLOY, tags=tags)
    world = World(worn, retrust(DEPLOY, trusting(PRODUCTION)))
    decided = world.assume(arn, Tags=[{"Key": f"k{number:0127d}", "Value": "v" * 256} for number in range(50)])
    asked = Asked("sts", "AssumeRole", known=True, origin=ORIGIN, parameters={"RoleArn": arn})
    body, _, decision = record(asked, ANN, decided, AT)
    assert refused(decision, Reason.ACCESS_DENIED)
    (weighed,) = read_event(body).decisions
    assert (weighed.resource, weighed.resource_account, weighed.effect) == (arn, PRODUCTION, "implicitDeny")
    assert (weighed.context == {}) is (arn == DEPLOY_ARN)


def test_what_a_refusal_makes_true_is_recorded_however_much_was_known():
    fact = UserRenamed(account="111122223333", user_id="AIDAANN", name="Ann", path="/")
    tags = [{"Key": f"k{number:0127d}", "Value": "v" * 256} for number in range(50)]
    decided = World(retrust(DEPLOY, trusting(PRODUCTION))).assume(Tags=tags)
    decided = msgspec.structs.replace(decided, facts=(fact,), once=("totp:1",), weighed=decided.weighed * 3)
    asked = Asked("sts", "AssumeRole", known=True, origin=ORIGIN, parameters={"RoleArn": DEPLOY_ARN})
    body, _, decision = record(asked, ANN, decided, AT)
    assert (read_event(body).facts, decision.facts, decision.once) == ((fact,), (fact,), ("totp:1",))
    assert decision.answer == decided.answer
