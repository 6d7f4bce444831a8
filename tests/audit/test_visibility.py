"""Each account sees its own trail, and of the others what it would see at AWS."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given

from authority.audit.visibility import accounts_of, keys_in, seen_by
from authority.model import authority
from authority.model.event import RequestRecord
from authority.model.events import FACTS
from authority.model.fact import AccountFact
from authority.model.sessions import SessionIssued
from authority.policy.combine import Effect, Matched

from .stories import (
    ACCOUNTS,
    DEV,
    DEVELOPMENT,
    MANAGEMENT,
    MIA,
    PRODUCTION,
    ROOT,
    USERS,
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
    session,
    tried,
    weighed,
)

ACROSS = assumes(DEV, "UpdateAPP", PRODUCTION, "ASIA1", source_identity="dev@corp", external_id="s3cret")
(ISSUED,) = ACROSS.facts
CHAINED = assumes(in_session(ISSUED), "Audit", PRODUCTION, "ASIA2")
ALL_KEYS = {key_of(one.arn.rpartition("/")[2]): one.account for one in USERS}


@pytest.mark.parametrize(
    ("event", "accounts"),
    [
        pytest.param(makes_user(MIA, "x"), {PRODUCTION}, id="what an account does to itself is its own"),
        pytest.param(ACROSS, {PRODUCTION, DEVELOPMENT}, id="a role taken on across accounts is on both trails"),
        pytest.param(
            refused_role(DEV, "UpdateAPP", PRODUCTION), {PRODUCTION, DEVELOPMENT}, id="and so is a refused attempt"
        ),
        pytest.param(CHAINED, {PRODUCTION}, id="a chain goes on in the account it came to"),
        pytest.param(ends(ISSUED), {PRODUCTION}, id="a session ends where its role is"),
        pytest.param(judges(MIA, DEV), {PRODUCTION, DEVELOPMENT}, id="a judged caller's account hears of it"),
        pytest.param(judges(MIA, DEV, unproven="expired-token"), {PRODUCTION}, id="a caller who proved nothing is nobody's"),
        pytest.param(tried(key_of("dev")), {DEVELOPMENT}, id="a key tried in vain is its account's"),
        pytest.param(tried(""), set(), id="strangers without a key are on no account's trail"),
        pytest.param(
            of_itself("Started", authority.AuthorityStarted(version="1", node="n")), set(), id="acts of the authority"
        ),
        pytest.param(
            asked("sts:AssumeRole", DEV, resource="arn:aws:iam::x:role/y", owner="x", refused="access-denied"),
            {DEVELOPMENT},
            id="what is no account id is no account",
        ),
    ],
)  # fmt: skip
def test_on_whose_trails_an_event_is(event, accounts):
    assert accounts_of(event, ALL_KEYS) == accounts
    for account in ACCOUNTS:
        assert (seen_by(event, account, ALL_KEYS) is None) == (account not in accounts)


def test_what_is_all_ones_own_is_shown_as_it_is():
    event = makes_user(MIA, "x")
    assert seen_by(event, PRODUCTION) is event


def test_the_roles_account_sees_of_a_foreign_caller_the_account_and_the_unique_id():
    seen = seen_by(ACROSS, PRODUCTION, ALL_KEYS)
    assert seen.caller == msgspec.structs.replace(DEV, arn="", access_key_id="")
    (issued,) = seen.facts
    assert (issued.caller_arn, issued.caller_access_key_id, issued.ancestors, issued.root_principal) == ("", "", (), "")
    assert (issued.caller_principal_id, issued.access_key_id) == (DEV.principal_id, "ASIA1")
    assert (issued.source_identity, issued.external_id) == ("dev@corp", "s3cret")


def test_the_roles_account_sees_what_was_asked_of_it_and_from_where():
    seen = seen_by(ACROSS, PRODUCTION, ALL_KEYS)
    assert seen.request == ACROSS.request
    assert seen.subject == role_arn("UpdateAPP", PRODUCTION)


def test_each_side_sees_its_own_policies_tags_and_nothing_of_the_others():
    (theirs,), (ours,) = seen_by(ACROSS, DEVELOPMENT, ALL_KEYS).decisions, seen_by(ACROSS, PRODUCTION).decisions
    assert [one.layer for one in theirs.determined_by] == ["identity"]
    assert [one.layer for one in ours.determined_by] == ["trust"]
    assert "aws:resourcetag/cost" not in theirs.context
    assert "aws:principaltag/team" in theirs.context
    assert set(ours.context) == {"aws:resourcetag/cost", "aws:sourceip", "sts:externalid"}
    assert (theirs.principal, ours.principal) == (DEV.arn, "")
    assert (theirs.missing, ours.missing) == ((), ())


def test_what_is_known_of_the_other_account_is_told_to_that_account_only():
    known = {"aws:resourceorgid": "o-1", "aws:resourceorgpaths": ("o-1/r-1/",), "aws:principalorgid": "o-1"}
    arn = role_arn("UpdateAPP", PRODUCTION)
    event = asked(
        "sts:AssumeRole", DEV, owner=PRODUCTION,
        decisions=(weighed(DEV, "sts:AssumeRole", arn, PRODUCTION, context=known),),
    )  # fmt: skip
    assert set(seen_by(event, DEVELOPMENT).decisions[0].context) == {"aws:principalorgid"}
    assert set(seen_by(event, PRODUCTION).decisions[0].context) == {"aws:resourceorgid", "aws:resourceorgpaths"}


def test_that_the_other_side_denied_is_told_to_neither():
    arn = role_arn("UpdateAPP", PRODUCTION)
    effects = {}
    for layer in ("trust", "identity"):
        denied = weighed(
            DEV, "sts:AssumeRole", arn, PRODUCTION,
            effect=Effect.EXPLICIT_DENY, determined_by=(Matched(layer=layer, policy="no", sid="SecretSid"),),
        )  # fmt: skip
        event = asked(
            "sts:AssumeRole", DEV, resource=arn, owner=PRODUCTION, decisions=(denied,), refused="access-denied"
        )
        for account in (DEVELOPMENT, PRODUCTION):
            effects[layer, account] = seen_by(event, account, ALL_KEYS).decisions[0].effect
    assert effects == {
        ("trust", DEVELOPMENT): Effect.IMPLICIT_DENY,
        ("trust", PRODUCTION): Effect.EXPLICIT_DENY,
        ("identity", DEVELOPMENT): Effect.EXPLICIT_DENY,
        ("identity", PRODUCTION): Effect.IMPLICIT_DENY,
    }


def test_the_callers_account_sees_the_session_that_it_received():
    limited = {"policy_versions": (("arn:aws:iam::111122223333:policy/Books", "v1"),), "policy_ids": ("ANPABOOKS",)}
    across = assumes(DEV, "UpdateAPP", PRODUCTION, "ASIA1", **limited)
    (issued,) = seen_by(across, DEVELOPMENT, ALL_KEYS).facts
    assert (issued.access_key_id, issued.caller_arn, issued.ancestors) == ("ASIA1", DEV.arn, (DEV.access_key_id,))
    assert (issued.policy_versions, issued.policy_ids, issued.sealing_key_id, issued.decided_from) == ((), (), "", 0)


def test_a_refusal_is_worded_for_the_caller_only():
    refused = refused_role(DEV, "UpdateAPP", PRODUCTION)
    assert seen_by(refused, DEVELOPMENT).outcome == refused.outcome
    assert seen_by(refused, PRODUCTION).outcome.refused == "access-denied"
    assert seen_by(refused, PRODUCTION).outcome.message == ""


def test_a_chain_shows_no_key_of_the_account_it_came_from():
    known = {**ALL_KEYS, "ASIA1": PRODUCTION}
    seen = seen_by(CHAINED, PRODUCTION, known)
    assert seen.caller.session.ancestors == ()
    assert seen.caller.session.root_principal == ""
    assert seen.facts[0].ancestors == ("ASIA1",)
    assert seen.facts[0].root_principal == ""


def test_a_chain_within_one_account_is_shown_whole():
    first = session(MIA, "UpdateAPP", PRODUCTION, "ASIA1")
    event = assumes(in_session(first), "Audit", PRODUCTION, "ASIA2")
    assert keys_in(event) == {MIA.access_key_id}
    assert seen_by(event, PRODUCTION, ALL_KEYS) is event, "whoever asked with the last key says whose it is"


def test_a_key_of_which_nothing_is_known_is_withheld():
    first = session(MIA, "UpdateAPP", PRODUCTION, "ASIA1")
    seen = seen_by(assumes(in_session(first), "Audit", PRODUCTION, "ASIA2"), PRODUCTION)
    assert seen.caller.session.ancestors == ()
    assert seen.facts[0].ancestors == ("ASIA1",)


def test_of_a_resource_servers_question_the_judged_account_sees_the_decision_and_not_the_rest():
    event = judges(MIA, DEV)
    seen = seen_by(event, DEVELOPMENT)
    assert seen.request == RequestRecord(id="r1", service="authority", action="Evaluate", region="us-east-1")
    (decision,) = seen.decisions
    assert (decision.principal, decision.judged) == (DEV.arn, DEV.access_key_id)
    assert [one.layer for one in decision.determined_by] == ["identity"]
    assert "aws:sourceip" not in decision.context
    assert "aws:resourcetag/cost" not in decision.context
    assert decision.asserted == ()


def test_a_resource_server_sees_whom_it_asked_about_and_not_what_his_policies_say():
    decision = seen_by(judges(MIA, DEV), PRODUCTION).decisions[1]
    assert (decision.principal, decision.judged, decision.asserted) == (DEV.arn, DEV.access_key_id, ("aws:sourceip",))
    assert [one.layer for one in decision.determined_by] == ["resource"]
    assert "aws:principaltag/team" not in decision.context


def test_of_keys_tried_in_vain_each_account_sees_its_own():
    event = tried(key_of("dev"), key_of("mia"), "")
    for account, name in ((DEVELOPMENT, "dev"), (PRODUCTION, "mia")):
        (fact,) = seen_by(event, account, ALL_KEYS).facts
        assert [one.access_key_id for one in fact.requests] == [key_of(name)]
        assert fact.unlisted == 0
    assert seen_by(event, MANAGEMENT, ALL_KEYS) is None


def test_a_new_account_sees_its_facts_and_who_made_it_sees_them_too():
    made = authority.AccountCreated(account=PRODUCTION, name="Production")
    event = asked("authority:CreateAccount", ROOT, made, owner=MANAGEMENT, resource=f"arn:aws:authority:::{PRODUCTION}")
    assert seen_by(event, PRODUCTION).facts == seen_by(event, MANAGEMENT).facts == (made,)
    assert seen_by(event, PRODUCTION).decisions == ()


def words(value) -> str:
    return msgspec.json.encode(value).decode()


@given(histories())
def test_no_view_holds_a_word_of_another_accounts(history):
    whose = {
        **ALL_KEYS,
        **{f.access_key_id: f.account for e in history for f in e.facts if isinstance(f, SessionIssued)},
    }
    for event in history:
        issued = {fact.access_key_id for fact in event.facts if isinstance(fact, SessionIssued)}
        for account in accounts_of(event, whose):
            asks = event.caller is not None and event.caller.account == account
            shown = words(seen_by(event, account, whose))
            # Who asks names what he presents: the judged caller, and the session that he receives.
            presented = {decision.judged for decision in event.decisions if asks} | (issued if asks else set())
            presented |= {decision.principal for decision in event.decisions if asks}
            foreign = [key for key, owner in whose.items() if owner != account and key not in presented]
            foreign += [one.arn for one in USERS if one.account != account and one.arn not in presented]
            foreign += [f"{what} of {other}" for what in ("team", "cost") for other in ACCOUNTS if other != account]
            assert [word for word in foreign if f'"{word}"' in shown] == []


@given(histories())
def test_a_view_of_a_view_is_the_view(history):
    for event in history:
        for account in accounts_of(event, ALL_KEYS):
            seen = seen_by(event, account, ALL_KEYS)
            assert seen_by(seen, account, ALL_KEYS) in (seen, None)


def test_every_fact_names_accounts_keys_and_roles_by_text():
    """What an event can be found by is read off fields of these names, whatever the fact."""
    named = ("access_key_id", "role_id", "holder")
    strange = [
        f"{tag}.{field.name}"
        for tag, fact in FACTS.items()
        for field in msgspec.structs.fields(fact)
        if (field.name in named or (field.name == "account" and issubclass(fact, AccountFact)))
        and getattr(field.type, "__supertype__", field.type) is not str
    ]
    assert strange == []
