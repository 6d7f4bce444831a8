"""Reading the trail is authorised like everything else, and every filter is checked before it is asked."""

from __future__ import annotations

import msgspec
import pytest

from authority.access.action import Facts
from authority.access.call import Call
from authority.access.caller import Caller, Credential, caller_of
from authority.accounts.trail import get_event, list_events, list_sessions
from authority.audit import tokens
from authority.audit.queries import FindEvents, FindSessions, OneEvent, Order, Range, Status
from authority.kernel.ids import AccessKeyId
from authority.kernel.refusal import Reason, Refusal
from authority.model import authority, holders, principals
from authority.registry import ACTIONS, ROUTES
from tests.access.test_action import OFFICE
from tests.accounts.world import ADMIN, CLERK, CLERK_IS_THERE, CLERKS, MANAGEMENT, MEMBER, World, may
from tests.model.test_state import AT
from tests.sessions.test_assume_role import policy

MIA, MIAS = principals.UserId("AIDAMIA"), AccessKeyId("AKIAMIA")
MEMBER_IS_THERE = (
    authority.AccountCreated(account=MEMBER, name="Member"),
    principals.UserCreated(account=MEMBER, user_id=MIA, name="Mia", path="/"),
    principals.AccessKeyCreated(account=MEMBER, access_key_id=MIAS, owner=MIA),
)
TRAIL = f"arn:aws:authority::{MANAGEMENT}:trail"
LOG = f"arn:aws:authority::{MANAGEMENT}:log"
SESSIONS = f"arn:aws:authority::{MANAGEMENT}:session/*"


def world(*facts) -> World:
    return World(*MEMBER_IS_THERE, *CLERK_IS_THERE, *facts)


def query(asked=list_events, credential=ADMIN, here=None, /, **wanted):
    """What the projections would be asked, or the refusal; parameters come as texts, as in a query string."""
    state = (here or world()).state
    caller = caller_of(state, credential, now=AT, partition="aws")
    assert isinstance(caller, Caller), caller
    given = msgspec.convert({name: str(value) for name, value in wanted.items()}, asked.input, strict=False)
    decision = asked.decide(state, Call(caller, given, OFFICE), Facts(AT, b"seed"))
    assert decision.facts == ()
    asked_for = decision.answer if decision.query is None else decision.query
    if isinstance(asked_for, FindSessions):
        return msgspec.structs.replace(asked_for, standing=None)  # it is a function: what it says is tried elsewhere
    return asked_for


def reason(answer) -> Reason | None:
    return answer.reason if isinstance(answer, Refusal) else None


def test_an_account_looks_at_its_own_trail():
    assert query() == FindEvents(account=MANAGEMENT)
    assert query(account=MANAGEMENT) == FindEvents(account=MANAGEMENT)
    assert query(get_event, id="7") == OneEvent(id="7", account=MANAGEMENT)
    assert query(list_sessions) == FindSessions(account=MANAGEMENT, now=AT)


def test_every_filter_reaches_the_question():
    arn = f"arn:aws:iam::{MANAGEMENT}:role/team/R"
    asked = query(
        since="2026-01-01T00:00:00Z",
        until="2026-01-02T01:00:00+01:00",
        fromPosition=2,
        toPosition=9,
        principal=arn,
        principalId="AIDAX",
        accessKeyId="AKIAXXXXXXXXXXXX",
        session="ASIAX",
        sessionName="dev",
        role=arn,
        action="iam:*",
        outcome="access-denied",
        sourceAddress="::ffff:192.0.2.1",
        order="oldest",
        maxResults=7,
    )
    assert asked == FindEvents(
        account=MANAGEMENT,
        order=Order.OLDEST,
        max_results=7,
        since=msgspec.convert("2026-01-01T00:00:00Z", type(AT)),
        until=msgspec.convert("2026-01-02T00:00:00Z", type(AT)),
        from_position=2,
        to_position=9,
        principal=arn,
        principal_id="AIDAX",
        access_key="AKIAXXXXXXXXXXXX",
        session="ASIAX",
        session_name="dev",
        role=arn,
        action="iam:*",
        outcome="access-denied",
        source_address="192.0.2.1",
    )
    assert query(
        list_sessions,
        status="active",
        session="ASIAX",
        role="AROAX",
        principal="AIDAX",
        descendsFrom="AKIAX",
        sessionName="dev",
        sourceIdentity="dev@corp",
        sourceAddress="2001:DB8::1",
        minDepth=3,
    ) == FindSessions(
        account=MANAGEMENT,
        now=AT,
        status=Status.ACTIVE,
        session="ASIAX",
        role="AROAX",
        principal="AIDAX",
        descends_from="AKIAX",
        session_name="dev",
        source_identity="dev@corp",
        source_address="2001:db8::1",
        min_depth=3,
    )


def test_no_filter_is_forgotten():
    """Each parameter of the input is a filter of the question, under its own name or this one."""
    other = {"access_key_id": "access_key", "next_token": "resume"}
    spelling = {"format", "follow"}
    for action, question in ((list_events, FindEvents), (list_sessions, FindSessions)):
        filters = {other.get(name, name) for name in action.input.__struct_fields__} - spelling
        assert filters <= set(question.__struct_fields__)


# --- who may --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "wanted", "resource"),
    [
        pytest.param(list_events, {}, TRAIL, id="the trail"),
        pytest.param(get_event, {"id": "7"}, TRAIL, id="one event of it"),
        pytest.param(list_sessions, {}, SESSIONS, id="the sessions"),
        pytest.param(list_events, {"account": "*"}, LOG, id="the whole log"),
        pytest.param(list_events, {"account": MEMBER}, LOG, id="another account's trail"),
        pytest.param(get_event, {"id": "7", "account": "*"}, LOG, id="any event"),
        pytest.param(list_sessions, {"account": "*"}, LOG, id="all sessions"),
    ],
)
def test_each_view_takes_its_own_permission(action, wanted, resource):
    assert reason(query(action, CLERKS, **wanted)) is Reason.ACCESS_DENIED
    for allowed in (TRAIL, SESSIONS, LOG):
        answer = query(action, CLERKS, world(may(action.name, allowed)), **wanted)
        assert reason(answer) is (None if allowed == resource else Reason.ACCESS_DENIED)
    assert (
        reason(query(action, CLERKS, world(may("authority:DescribeLog", resource)), **wanted)) is Reason.ACCESS_DENIED
    )


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_what_is_denied_is_denied_whatever_region_is_signed_for(region, monkeypatch):
    monkeypatch.setattr(f"{__name__}.OFFICE", msgspec.structs.replace(OFFICE, region=region))
    here = world(may("*"))
    assert isinstance(query(list_events, CLERKS, here), FindEvents)
    here.happen(
        holders.InlinePolicyPut(
            account=MANAGEMENT, holder=CLERK, name="not", document=policy(Effect="Deny", Action="*", Resource=TRAIL)
        )
    )
    assert reason(query(list_events, CLERKS, here)) is Reason.ACCESS_DENIED


def test_the_management_account_sees_all_with_nothing_withheld():
    assert query(account="*") == FindEvents(account=None)
    assert query(account=MEMBER) == FindEvents(account=None, trail=MEMBER)
    assert query(list_sessions, account=MEMBER) == FindSessions(account=None, trail=MEMBER, now=AT)
    assert query(get_event, id="7", account="*") == OneEvent(id="7", account=None)


@pytest.mark.parametrize("account", ["*", MANAGEMENT])
@pytest.mark.parametrize(("action", "more"), [(list_events, {}), (list_sessions, {}), (get_event, {"id": "7"})])
def test_nobody_else_sees_more_than_his_own(action, more, account):
    everything = holders.InlinePolicyPut(
        account=MEMBER, holder=MIA, name="all", document=policy(Action="*", Resource="*")
    )
    here, credential = world(everything), Credential(MIAS)
    assert query(action, credential, here, **more).account == MEMBER
    assert query(action, credential, here, **more, account=MEMBER).account == MEMBER
    assert reason(query(action, credential, here, **more, account=account)) is Reason.ACCESS_DENIED


# --- what cannot be asked -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "wanted", "says"),
    [
        (list_events, {"since": "yesterday"}, "since must be a time with its zone"),
        (list_events, {"until": "2026-01-31T12:00:00"}, "such as 2026-01-31T12:00:00Z"),
        (list_events, {"since": "0001-01-01T00:00:00+23:59"}, "since must be a time"),
        (list_events, {"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "swap them"),
        (list_events, {"since": "2026-01-02T00:00:00Z", "until": "2026-01-02T01:00:00+01:00"}, "swap them"),
        (list_events, {"fromPosition": 0}, "fromPosition must be a position: 1 or more"),
        (list_events, {"toPosition": 2**63}, "toPosition must be a position"),
        (list_events, {"fromPosition": 5, "toPosition": 4}, "swap them"),
        (list_events, {"principal": "Mia"}, "must be an ARN; use principalId"),
        (list_events, {"principalId": "arn:aws:iam::1:user/x"}, "use principal for an ARN"),
        (list_events, {"role": "UpdateAPP"}, "unique id (AROA...) or its ARN"),
        (list_events, {"role": f"arn:aws:iam::{MEMBER}:user/x"}, "unique id (AROA...) or its ARN"),
        (list_events, {"session": "AKIAX"}, "ASIA...); use sessionName"),
        (list_events, {"accessKeyId": "akia' OR 1=1"}, "must be an access key id"),
        (list_events, {"action": "CreateRole"}, "such as iam:CreateRole"),
        (list_events, {"action": "iam:Create*"}, "a whole service such as iam:*"),
        (list_events, {"outcome": "denied"}, "must be allowed, refused, or the reason"),
        (list_events, {"sourceAddress": "192.0.2.0/24"}, "one IP address"),
        (list_events, {"order": "random"}, "newest or oldest"),
        (list_events, {"maxResults": 0}, "from 1 to 1000"),
        (list_events, {"maxResults": 1001}, "from 1 to 1000"),
        (list_events, {"principal": ""}, "principal is empty; leave the parameter out"),
        (list_events, {"account": ""}, "must be the id of an account"),
        (list_events, {"account": "000000000000"}, "must be the id of an account"),
        (list_events, {"nextToken": "x"}, "begin without nextToken"),
        (list_events, {"nextToken": ""}, "nextToken is empty"),
        (get_event, {"id": "7", "account": MEMBER}, "with account=* in the whole log"),
        (list_sessions, {"status": "dead"}, "one of active, ended, all"),
        (list_sessions, {"principal": "Mia"}, "an ARN or a unique id"),
        (list_sessions, {"descendsFrom": "mia"}, "descendsFrom must be an access key id"),
        (list_sessions, {"minDepth": 0}, "minDepth must be a number from 1 to 64"),
        (list_sessions, {"minDepth": 65}, "minDepth must be a number from 1 to 64"),
        (list_sessions, {"session": "x"}, "use sessionName"),
        (list_sessions, {"role": "UpdateAPP"}, "unique id (AROA...)"),
        (list_sessions, {"sourceIdentity": ""}, "sourceIdentity is empty"),
        (list_sessions, {"sourceAddress": "localhost"}, "one IP address"),
    ],
    ids=str,
)
def test_what_cannot_be_asked_is_refused_and_says_what_can(action, wanted, says):
    answer = query(action, **wanted)
    assert reason(answer) is Reason.VALIDATION_ERROR
    assert says in answer.message


def test_who_may_not_ask_is_not_told_what_is_wrong():
    assert reason(query(list_events, CLERKS, since="yesterday")) is Reason.ACCESS_DENIED


# --- paging ---------------------------------------------------------------------------------


@pytest.mark.parametrize("action", [list_events, list_sessions])
def test_a_token_goes_on_with_the_same_question(action):
    first = query(action, sessionName="dev")
    token = tokens.write(first, Range(3, 40))
    assert query(action, sessionName="dev", nextToken=token, maxResults=9).resume == Range(3, 40)
    assert reason(query(action, nextToken=token)) is Reason.VALIDATION_ERROR
    assert reason(query(action, sessionName="dev", account="*", nextToken=token)) is Reason.VALIDATION_ERROR


def test_each_route_leads_to_its_action():
    named = {route.operation: route for route in ROUTES}
    for action in (list_events, get_event, list_sessions):
        assert ACTIONS[action.service, action.operation] is action
        assert named[action.operation].method == "GET"
