"""Who may ask about the past: one's own account with a permission on its trail, all of it from the management account."""

from __future__ import annotations

import msgspec
import pytest

from authority.access.action import Facts
from authority.access.call import Call
from authority.access.caller import Caller, Credential, caller_of
from authority.access.recording import HIDDEN, Asked, record
from authority.accounts import assessing, investigating, travelling, what_if
from authority.accounts.containing import Closure, Led, WhoseItIs, contain, identify_credential
from authority.accounts.inquiry import Inquiry
from authority.accounts.investigating import ListValidCredentials
from authority.answering.answer import ANSWERS
from authority.kernel.ids import AccessKeyId
from authority.kernel.refusal import Reason, Refusal
from authority.model import authority, holders, principals, revocations
from authority.model.event import LARGEST, read_event
from authority.model.principals import KeyStatus
from authority.model.sessions import SessionEnded
from authority.registry import ACTIONS, ROUTES
from tests.access.test_action import OFFICE
from tests.accounts.world import ADMIN, CLERK_IS_THERE, CLERKS, MANAGEMENT, MEMBER, World, may
from tests.model.test_state import AT
from tests.sessions.test_assume_role import policy

MIAS = AccessKeyId("AKIAMIAMIAMIAMIA")
MEMBER_IS_THERE = (
    authority.AccountCreated(account=MEMBER, name="Member"),
    principals.UserCreated(account=MEMBER, user_id=principals.UserId("AIDAMIA"), name="Mia", path="/"),
    principals.AccessKeyCreated(account=MEMBER, access_key_id=MIAS, owner="AIDAMIA"),
)
TRAIL = f"arn:aws:authority::{MANAGEMENT}:trail"
LOG = f"arn:aws:authority::{MANAGEMENT}:log"
KEY = "AKIAAAAAAAAAAAAAAAAA"
SESSION = "ASIAAAAAAAAAAAAAAAAA"
OWN = {"GetSession": f"arn:aws:authority::{MANAGEMENT}:session/{SESSION}"}
"""What of one's own is asked about, where it is no part of the trail."""
MINIMAL = {
    "GetStateAsOf": {"when": "7"},
    "CompareStates": {"before": "1"},
    "GetHistory": {"kind": "roles", "name": "R"},
    "GetRestoreCommands": {"kind": "roles", "name": "R", "asOf": "7"},
    "GetSession": {"id": SESSION},
    "TraceLineage": {"id": KEY},
    "AssessBlastRadius": {"id": KEY},
    "ListValidCredentials": {"id": KEY},
    "ListSources": {"id": KEY},
    "ListChains": {},
    "ListFirstSeen": {"since": "1"},
    "GetTimeline": {"id": "AIDAX"},
    "ListDeadKeyUse": {},
    "ListWhoCanAssume": {"role": "R"},
    "ListExternalAccess": {},
    "AssessExposure": {"role": "R"},
    "SuggestLeastPrivilege": {"id": "AROAX"},
    "ListUnused": {"since": "1"},
    "WhatIf": {},
}


def world(*facts) -> World:
    return World(*MEMBER_IS_THERE, *CLERK_IS_THERE, *facts)


def decided(action, credential=ADMIN, here=None, gathered=None, /, **wanted):
    state = (here or world()).state
    caller = caller_of(state, credential, now=AT, partition="aws")
    assert isinstance(caller, Caller), caller
    given = msgspec.convert(wanted, action.input)
    return action.decide(state, Call(caller, given, OFFICE, gathered), Facts(AT, b"seed", 9))


def named(operation: str):
    return ACTIONS["authority", operation]


def reason(decision) -> Reason | None:
    return decision.answer.reason if isinstance(decision.answer, Refusal) else None


def test_every_inquiry_is_answered_routed_and_tried_here():
    modules = (travelling, investigating, assessing, what_if)
    actions = [found for module in modules for found in vars(module).values() if type(found).__name__ == "Action"]
    assert {found.operation for found in actions} == set(MINIMAL)
    assert {found.input for found in actions} <= set(ANSWERS)
    assert set(MINIMAL) <= {route.operation for route in ROUTES}


@pytest.mark.parametrize("operation", MINIMAL)
def test_an_inquiry_takes_a_permission_on_the_trail_or_on_the_log(operation):
    action, given = named(operation), MINIMAL[operation]
    own = OWN.get(operation, TRAIL)
    for more, resource in (({}, own), ({"account": "*"}, LOG), ({"account": MEMBER}, LOG)):
        assert reason(decided(action, CLERKS, **given, **more)) is Reason.ACCESS_DENIED
        for allowed in (own, LOG):
            decision = decided(action, CLERKS, world(may(action.name, allowed)), **given, **more)
            assert reason(decision) is (None if allowed == resource else Reason.ACCESS_DENIED)


@pytest.mark.parametrize("operation", MINIMAL)
def test_whose_eyes_look_follows_from_who_asks(operation):
    action, given = named(operation), MINIMAL[operation]

    def eyes(credential=ADMIN, here=None, **more):
        query = decided(action, credential, here, **given, **more).query
        assert isinstance(query, Inquiry)
        return query.eyes, query.about

    assert eyes() == (MANAGEMENT, MANAGEMENT)
    assert eyes(account="*") == (None, "")
    assert eyes(account=MEMBER) == (None, MEMBER)
    everything = principals.UserId("AIDAMIA")
    here = world(may_all(everything))
    assert eyes(Credential(MIAS), here) == (MEMBER, MEMBER)
    for account in ("*", MANAGEMENT):
        decision = decided(action, Credential(MIAS), here, **given, account=account)
        assert (reason(decision), decision.query) == (Reason.ACCESS_DENIED, None)
    assert reason(decided(action, account="000000000000", **given)) is Reason.VALIDATION_ERROR


def may_all(user):
    return holders.InlinePolicyPut(account=MEMBER, holder=user, name="all", document=policy(Action="*", Resource="*"))


@pytest.mark.parametrize("when", ["yesterday", "0", "-1", "99999999999999999999", "2026-01-31T12:00:00", "1.5", "²"])
def test_a_point_of_the_log_is_a_position_a_moment_or_now(when):
    refused = decided(named("GetStateAsOf"), when=when)
    assert reason(refused) is Reason.VALIDATION_ERROR
    for right in ("1", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00+01:00", "now"):
        assert reason(decided(named("GetStateAsOf"), when=right)) is None


# --- containment ----------------------------------------------------------------------------


def keys(count: int, account=MANAGEMENT) -> tuple:
    return tuple(
        principals.AccessKeyCreated(account=account, access_key_id=AccessKeyId(f"AKIA{n:016}"), owner="AIDACLERK")
        for n in range(count)
    )


def closure(*ids: str, account=MANAGEMENT) -> Closure:
    return Closure(credentials=tuple(Led(access_key_id=one, account=account) for one in ids))


def test_a_key_is_made_inactive_and_all_that_it_led_to_revoked():
    here = world(*keys(2))
    decision = decided(
        contain, ADMIN, here, closure("AKIA" + "0" * 16, "ASIAX", "AKIA0000000000000001"), id="AKIA" + "0" * 16
    )
    ended = [(type(fact).__name__, getattr(fact, "access_key_id", "") or fact.ancestor) for fact in decision.facts]
    assert ended == [
        ("AccessKeyStatusChanged", "AKIA0000000000000000"),
        ("DescendantsRevoked", "AKIA0000000000000000"),
        ("AccessKeyStatusChanged", "AKIA0000000000000001"),
        ("DescendantsRevoked", "AKIA0000000000000001"),
    ]
    assert isinstance(decision.query, Inquiry)
    assert decision.query.of == ListValidCredentials(id="AKIA0000000000000000")


def test_a_session_ends_once():
    asked = {"id": "ASIAAAAAAAAAAAAAAAAA"}
    decision = decided(contain, ADMIN, None, closure(asked["id"]), **asked)
    assert [type(fact) for fact in decision.facts] == [
        revocations.SessionRevoked, revocations.DescendantsRevoked, SessionEnded,
    ]  # fmt: skip
    assert decision.once == ("end:ASIAAAAAAAAAAAAAAAAA",)
    over = Closure(credentials=(Led(access_key_id=asked["id"], account=MANAGEMENT, ended=True),))
    assert SessionEnded not in map(type, decided(contain, ADMIN, None, over, **asked).facts)


def test_however_many_keys_were_planted_each_act_fits_into_an_entry_and_the_next_goes_on():
    here = world(*keys(250))
    ids = [f"AKIA{n:016}" for n in range(250)]
    for left in (150, 51, 0):
        decision = decided(contain, ADMIN, here, closure(*ids), id=ids[0])
        who = caller_of(here.state, ADMIN, now=AT, partition="aws")
        body, _, recorded = record(Asked("authority", "Contain", True, OFFICE), who.record, decision, AT)
        assert len(body) < LARGEST
        assert recorded is decision
        here.happen(*decision.facts)
        assert sum(here.state.access_keys[AccessKeyId(one)].status is KeyStatus.ACTIVE for one in ids) == left


def test_what_is_not_there_and_what_is_anothers_answer_alike():
    for account in ({}, {"account": "*"}):
        assert reason(decided(contain, ADMIN, None, None, id=KEY, **account)) is Reason.NO_SUCH_ENTITY
    assert (
        reason(decided(contain, Credential(MIAS), world(may_all("AIDAMIA")), None, id=KEY, account="*"))
        is Reason.ACCESS_DENIED
    )


@pytest.mark.parametrize(
    ("more", "resource"),
    [({}, f"arn:aws:authority::{MANAGEMENT}:key/{KEY}"), ({"account": "*"}, LOG), ({"account": MEMBER}, LOG)],
)
def test_containing_takes_a_permission_on_the_key_or_on_the_log(more, resource):
    for allowed in (resource, TRAIL):
        decision = decided(contain, CLERKS, world(may("authority:Contain", allowed)), None, id=KEY, **more)
        assert reason(decision) is (Reason.NO_SUCH_ENTITY if allowed == resource else Reason.ACCESS_DENIED)


def test_what_was_not_gathered_for_this_question_is_a_fault():
    with pytest.raises(TypeError):
        decided(contain, ADMIN, None, closure("AKIAOTHER0000000"), id=KEY)
    with pytest.raises(TypeError):
        decided(identify_credential, ADMIN, None, None, secret="x")


# --- leaked texts ---------------------------------------------------------------------------


def test_a_leaked_text_is_in_no_entry():
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    decision = decided(identify_credential, ADMIN, None, WhoseItIs(found=()), secret=secret)
    who = caller_of(world().state, ADMIN, now=AT, partition="aws")
    asked = Asked("authority", "IdentifyCredential", True, OFFICE, {"secret": secret, "accessKeyId": KEY})
    body, _, _ = record(asked, who.record, decision, AT)
    assert secret.encode() not in body
    event = read_event(body)
    assert event.request is not None
    assert event.request.parameters == {"secret": HIDDEN, "accessKeyId": KEY}
