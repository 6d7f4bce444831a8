"""What finds an event, where a listing goes on, and how a record reads."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from authority.audit import tokens
from authority.audit.queries import FindEvents, FindSessions, Order, Range, Standing
from authority.audit.records import End, camel, event_record, session_record
from authority.audit.terms import issued_by, terms_of
from authority.audit.visibility import seen_by
from authority.kernel.refusal import Refusal
from authority.model import authority, holders
from authority.model.event import DecisionRecord
from authority.model.roles import RoleDeleted

from .stories import (
    AT,
    DEV,
    DEVELOPMENT,
    EVERYWHERE,
    HOUR,
    MIA,
    PRODUCTION,
    STRANGERS,
    asked,
    assumes,
    ends,
    histories,
    in_session,
    judges,
    key_of,
    makes_user,
    of_itself,
    refused_role,
    role_arn,
    tried,
)

ACROSS = assumes(DEV, "UpdateAPP", PRODUCTION, "ASIA1")
(ISSUED,) = ACROSS.facts
WITHIN = makes_user(in_session(ISSUED), "x")


def finds(event, **filters) -> bool:
    return FindEvents(account=None, **filters).conditions() <= terms_of(event)


@pytest.mark.parametrize(
    ("event", "filters"),
    [
        pytest.param(ACROSS, {}, id="anything, when nothing is asked"),
        pytest.param(ACROSS, {"principal": DEV.arn}, id="who asked, by ARN"),
        pytest.param(ACROSS, {"principal_id": DEV.principal_id}, id="who asked, by unique id"),
        pytest.param(ACROSS, {"access_key": DEV.access_key_id}, id="the key it was signed with"),
        pytest.param(ACROSS, {"access_key": "ASIA1"}, id="the key it issued"),
        pytest.param(ACROSS, {"session": "ASIA1"}, id="the session it issued"),
        pytest.param(WITHIN, {"session": "ASIA1"}, id="the session it was asked in"),
        pytest.param(ends(ISSUED), {"session": "ASIA1"}, id="the session it ended"),
        pytest.param(WITHIN, {"session_name": "as-UpdateAPP"}, id="the session's name"),
        pytest.param(ACROSS, {"role": "AROAUPDATEAPP"}, id="the role taken on, by unique id"),
        pytest.param(ACROSS, {"role": role_arn("UpdateAPP", PRODUCTION)}, id="the role taken on, by ARN"),
        pytest.param(WITHIN, {"role": "AROAUPDATEAPP"}, id="the role that asked"),
        pytest.param(WITHIN, {"principal": role_arn("UpdateAPP", PRODUCTION)}, id="every session of a role"),
        pytest.param(
            refused_role(DEV, "No", PRODUCTION), {"role": role_arn("No", PRODUCTION)}, id="a role asked for in vain"
        ),
        pytest.param(
            of_itself("x", RoleDeleted(account=PRODUCTION, role_id="AROAX")), {"role": "AROAX"}, id="a role that changed"
        ),
        pytest.param(
            of_itself("x", holders.InlinePolicyDeleted(account=PRODUCTION, holder="AROAX", name="p")),
            {"role": "AROAX"},
            id="a role whose policies changed",
        ),
        pytest.param(ACROSS, {"action": "STS:assumerole"}, id="an action in any case"),
        pytest.param(ACROSS, {"action": "sts:*"}, id="a whole service"),
        pytest.param(judges(MIA, DEV), {"action": "s3:GetObject"}, id="a permission that was needed"),
        pytest.param(judges(MIA, DEV), {"access_key": DEV.access_key_id}, id="a judged key"),
        pytest.param(ACROSS, {"outcome": "allowed"}, id="what was allowed"),
        pytest.param(refused_role(DEV, "No", PRODUCTION), {"outcome": "refused"}, id="what was refused"),
        pytest.param(refused_role(DEV, "No", PRODUCTION), {"outcome": "access-denied"}, id="what was refused, and why"),
        pytest.param(tried(key_of("dev")), {"outcome": "signature-does-not-match"}, id="what strangers tried"),
        pytest.param(tried(key_of("dev")), {"access_key": key_of("dev")}, id="a key tried in vain"),
        pytest.param(tried(""), {"source_address": STRANGERS}, id="where strangers came from"),
        pytest.param(ACROSS, {"source_address": EVERYWHERE, "action": "sts:*", "outcome": "allowed"}, id="all at once"),
    ],
)  # fmt: skip
def test_what_finds_an_event(event, filters):
    assert finds(event, **filters)


@pytest.mark.parametrize(
    ("event", "filters"),
    [
        pytest.param(ACROSS, {"outcome": "refused"}, id="another outcome"),
        pytest.param(tried(""), {"outcome": "allowed"}, id="strangers were allowed nothing"),
        pytest.param(ACROSS, {"action": "sts:AssumeRole", "access_key": "ASIA9"}, id="one of two is not enough"),
        pytest.param(ACROSS, {"principal": DEV.arn.upper()}, id="an ARN in another case"),
        pytest.param(ACROSS, {"principal": f"{DEV.arn}%"}, id="a pattern is no pattern"),
        pytest.param(ACROSS, {"role": "UpdateAPP"}, id="a name is no role"),
        pytest.param(WITHIN, {"principal": DEV.arn}, id="who is behind a session did not ask"),
    ],
)
def test_what_does_not(event, filters):
    assert not finds(event, **filters)


def test_no_filter_finds_what_is_withheld():
    """Otherwise an account could guess another's keys by asking."""
    seen = seen_by(ACROSS, PRODUCTION)
    assert not finds(seen, access_key=DEV.access_key_id)
    assert not finds(seen, principal=DEV.arn)
    assert finds(seen, principal_id=DEV.principal_id, access_key="ASIA1")


@given(histories())
def test_no_term_is_empty_but_that_of_everything(history):
    for event in history:
        assert [term for term in terms_of(event) if not term[1]] == [("any", "")]


# --- tokens ---------------------------------------------------------------------------------

QUERY = FindEvents(account=PRODUCTION, action="iam:*")
RANGES = st.tuples(st.integers(1, 2**63 - 1), st.integers(1, 2**63 - 1)).map(lambda two: Range(min(two), max(two)))


@given(RANGES)
def test_a_token_is_read_as_it_was_written(left):
    assert tokens.read(QUERY, tokens.write(QUERY, left)) == left


def test_there_is_no_token_when_nothing_is_left():
    assert tokens.write(QUERY, Range(5, 4)) is None


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(FindEvents(account=DEVELOPMENT, action="iam:*"), id="another account"),
        pytest.param(FindEvents(account=None, action="iam:*"), id="the whole log"),
        pytest.param(FindEvents(account=PRODUCTION, action="sts:*"), id="another filter"),
        pytest.param(FindEvents(account=PRODUCTION, action="iam:*", order=Order.OLDEST), id="another order"),
        pytest.param(FindEvents(account=PRODUCTION, action="iam:*", since=AT), id="another time"),
        pytest.param(FindEvents(account=PRODUCTION, action="iam:*", to_position=9), id="other positions"),
        pytest.param(FindSessions(account=PRODUCTION, now=AT), id="another question"),
    ],
)
def test_a_token_of_another_question_is_refused(other):
    token = tokens.write(QUERY, Range(1, 9))
    assert isinstance(tokens.read(other, token), Refusal)


def test_a_token_outlives_another_page_size_and_another_moment():
    one, later = FindSessions(account=None, now=AT), FindSessions(account=None, now=AT + HOUR, max_results=7)
    assert tokens.read(later, tokens.write(one, Range(1, 9))) == Range(1, 9)


@given(st.one_of(st.text(max_size=40), st.binary(min_size=25, max_size=27).map(lambda raw: raw.hex())))
def test_what_is_no_token_is_refused_and_says_what_to_do(text):
    refused = tokens.read(QUERY, text)
    assert isinstance(refused, Refusal)
    assert "begin without nextToken" in refused.message


def test_a_token_with_other_bits_of_the_same_text_is_refused():
    token = tokens.write(QUERY, Range(1, 9))
    assert isinstance(tokens.read(QUERY, token[:-1] + ("B" if token[-1] != "B" else "C")), Refusal)
    assert isinstance(tokens.read(QUERY, token + "="), Refusal)
    assert isinstance(tokens.read(QUERY, token[:10] + "\n" + token[11:]), Refusal)


# --- records --------------------------------------------------------------------------------


def test_a_record_speaks_camel_case_and_leaves_out_what_is_empty():
    record = event_record(7, AT, seen_by(ACROSS, PRODUCTION), withheld=True)
    shown = msgspec.to_builtins(record)
    assert (shown["position"], shown["id"], shown["recordedAt"]) == (7, "r1", "2026-01-02T03:04:05Z")
    assert shown["caller"] == {"kind": "user", "principalId": DEV.principal_id, "account": DEVELOPMENT}
    assert shown["request"]["sourceAddress"] == EVERYWHERE
    assert shown["request"]["parameters"] == {"RoleArn": role_arn("UpdateAPP", PRODUCTION)}
    assert shown["outcome"] == {"result": "allowed"}
    (fact,) = shown["facts"]
    assert (fact["type"], fact["accessKeyId"]) == ("session-issued", "ASIA1")
    assert "callerArn" not in fact
    (decision,) = shown["decisions"]
    assert decision["context"]["aws:sourceip"] == EVERYWHERE
    assert decision["determinedBy"][0]["layer"] == "trust"


def test_a_refusal_says_why():
    record = msgspec.to_builtins(event_record(1, AT, refused_role(DEV, "No", PRODUCTION), withheld=False))
    assert record["outcome"]["result"] == "refused"
    assert record["outcome"]["reason"] == "access-denied"
    assert record["outcome"]["message"].startswith("User: ")
    assert "withheld" not in record


def test_an_act_of_the_authority_is_called_by_its_position():
    record = event_record(
        9, AT, of_itself("Started", authority.AuthorityStarted(version="1", node="n")), withheld=False
    )
    assert (record.id, record.action, record.caller, record.request) == ("9", "authority:Started", None, None)


def test_what_somebody_sent_keeps_its_names():
    event = asked("iam:TagUser", MIA, user_name={"Deep_Name": [{"snake_case": 1}]})
    assert camel(event.request)["parameters"] == {"user_name": {"Deep_Name": [{"snake_case": 1}]}}


def test_every_field_of_a_decision_is_shown():
    """A field that is new in the log must not be forgotten here."""
    shown = camel(judges(MIA, DEV).decisions[1])
    assert len(shown) == len([name for name in DecisionRecord.__struct_fields__ if name != "unproven"])


@pytest.mark.parametrize(
    ("end", "standing"),
    [
        pytest.param(None, Standing.ACTIVE, id="a session is active"),
        pytest.param(End(AT + HOUR, "expired", 9), Standing.EXPIRED, id="it expired"),
        pytest.param(End(AT, "revoked", 9), Standing.REVOKED, id="it was revoked before"),
        pytest.param(None, Standing.ORPHANED, id="its role is gone"),
    ],
)
def test_what_a_session_is(end, standing):
    record = session_record(3, ACROSS, issued_by(ACROSS), end, standing)
    assert (record.status, record.depth) == (standing.value, 1)
    assert record.ended_position == (None if end is None else 9)
    assert record.arn == f"arn:aws:sts::{PRODUCTION}:assumed-role/UpdateAPP/as-UpdateAPP"
    assert record.role_arn == role_arn("UpdateAPP", PRODUCTION)
    assert record.caller.account == DEVELOPMENT


def test_a_session_seen_by_its_account_does_not_name_a_foreign_caller():
    seen = seen_by(ACROSS, PRODUCTION)
    record = session_record(3, seen, issued_by(seen), None, Standing.ACTIVE)
    assert (record.caller.account, record.caller.principal_id) == (DEVELOPMENT, DEV.principal_id)
    assert (record.caller.arn, record.caller.access_key_id, record.ancestors) == ("", "", ())
