"""Who could take a role on, whom trust policies let in, what was needed and what nobody used: tables and properties."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authority.access.applicable import compiled
from authority.audit.answers import LastUse, SeenEvent
from authority.kernel.ids import RoleId
from authority.model import account_settings, boundaries, policies, principals, roles
from authority.model.event import DecisionRecord, Event
from authority.model.state import evolve
from authority.policy.combine import Effect, Question, weigh
from authority.policy.compiled import Source
from authority.policy.document import Document, Kind, parse
from authority.principals.users import create_user, get_user
from authority.replay.exposure import Unchanged, issued, turned, window
from authority.replay.folding import Folded
from authority.replay.graph import Edge, Graph, Node, dot, mermaid
from authority.replay.needs import Needing, Using, exactly, ids_of
from authority.replay.trusting import find_role, openings, supposed_caller, who_can_assume
from authority.replay.validity import key_standing, session_standing
from tests.model.test_state import AT
from tests.replay.recorded import Recorded
from tests.sessions.world import (
    ANN,
    ANNS,
    AUDIT,
    AUDIT_ARN,
    BOB,
    BOBS,
    COMPANY,
    DENY,
    DEPLOY,
    DEPLOY_ARN,
    PRODUCTION,
    READ,
    held,
    may,
    policy,
    retrust,
    trusting,
)
from tests.sessions.world import issued as issued_in

ANN_ARN = f"arn:aws:iam::{COMPANY}:user/Ann"


# --- who can --------------------------------------------------------------------------------


def able(*facts, eyes=None) -> dict[str, bool | tuple[str, ...]]:
    """Who could take Deploy on: True, or the keys that decide."""
    state = Recorded(*facts).state
    found = find_role(state, PRODUCTION, "Deploy")
    assert found is not None
    told = who_can_assume(state, *found, "aws", eyes)
    return {one.principal: one.always or one.if_keys for one in told}


MFA = {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}
FROM_OFFICE = policy({"Action": "sts:*", "Resource": "*", "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}})


@pytest.mark.parametrize(
    ("facts", "who"),
    [
        pytest.param((), {ANN_ARN: True, AUDIT_ARN: True, DEPLOY_ARN: True}, id="whoever both sides let"),
        pytest.param((may(ANN, READ),), {AUDIT_ARN: True, DEPLOY_ARN: True}, id="not whom his own account does not"),
        pytest.param((retrust(DEPLOY, trusting("999999999999")),), {"999999999999": True}, id="nor whom the role does not"),
        pytest.param(
            (roles.RoleTrustUpdated(account=PRODUCTION, role_id=DEPLOY, trust=roles.Trust(trusting(ANN_ARN), ((ANN_ARN, "AIDAGONE"),))),),
            {}, id="nor who bears the name of somebody who is gone",
        ),
        pytest.param(
            (roles.RoleTrustUpdated(account=PRODUCTION, role_id=DEPLOY, trust=roles.Trust(trusting(ANN_ARN), ((ANN_ARN, ANN),))),),
            {ANN_ARN: True},
            id="but who is named and meant",
        ),
        pytest.param(
            (retrust(DEPLOY, trusting(COMPANY, **MFA)),), {ANN_ARN: ("aws:multifactorauthpresent",)}, id="if he has MFA"
        ),
        pytest.param((retrust(DEPLOY, trusting(COMPANY)), may(ANN, FROM_OFFICE)), {ANN_ARN: ("aws:sourceip",)}, id="if from there"),
        pytest.param((retrust(DEPLOY, trusting(COMPANY)), may(ANN, DENY)), {}, id="not whom something denies"),
        pytest.param(
            (
                retrust(DEPLOY, trusting(COMPANY)),
                policies.PolicyCreated(account=COMPANY, policy_id=policies.PolicyId("ANPAB"), name="B", path="/", document=READ),
                boundaries.BoundarySet(account=COMPANY, holder=ANN, policy_id=policies.PolicyId("ANPAB")),
            ),
            {},
            id="nor whom a boundary stops",
        ),
        pytest.param((account_settings.AccountClosed(account=COMPANY),), {AUDIT_ARN: True, DEPLOY_ARN: True}, id="nor of a closed account"),
        pytest.param((account_settings.AccountClosed(account=PRODUCTION),), {}, id="nobody, where the account is closed"),
    ],
)  # fmt: skip
def test_who_could_take_a_role_on(facts, who):
    assert able(*facts) == who


def test_of_other_accounts_an_account_is_told_no_more_than_that_they_are_let_in():
    assert able(eyes=PRODUCTION) == {AUDIT_ARN: True, DEPLOY_ARN: True, COMPANY: True}


@pytest.mark.parametrize("who", [ANNS, BOBS])
@pytest.mark.parametrize("facts", [(), (may(ANN, READ),), (retrust(DEPLOY, trusting(PRODUCTION)),)])
def test_what_is_said_is_what_happens(facts, who):
    world = Recorded(*facts)
    name = "Ann" if who is ANNS else "Bob"
    allowed = any(seen for seen in [world.assume(who=who)] if seen.facts)
    assert able(*facts).get(f"arn:aws:iam::{COMPANY}:user/{name}", False) is allowed


def test_a_role_is_found_by_name_id_or_arn_and_only_where_it_may_be_looked_for():
    state = Recorded().state
    for name in ("deploy", DEPLOY, DEPLOY_ARN):
        for whose in ("", PRODUCTION):
            found = find_role(state, whose, name)
            assert found is not None
            assert found[1].id == DEPLOY
        assert find_role(state, COMPANY, name) is None


# --- openings -------------------------------------------------------------------------------

EXTERNAL = {"Condition": {"StringEquals": {"sts:ExternalId": "x"}}}
NOBODYS = f"arn:aws:iam::{COMPANY}:user/Nobody"


@pytest.mark.parametrize(
    ("trust", "bound", "what", "concern"),
    [
        (trusting(PRODUCTION), (), None, ""),
        (trusting(COMPANY), (), "other-account", "another account, without an external id"),
        (trusting(COMPANY, **EXTERNAL), (), "other-account", ""),
        (trusting("999999999999"), (), "outsider", "an account that is not known here, without an external id"),
        (trusting("*"), (), "everybody", "anybody can"),
        (trusting("*", **EXTERNAL), (), "everybody", "anybody can, if these keys let him"),
        (trusting(NOBODYS), ((NOBODYS, ""),), "nobody", "somebody who never existed"),
        (trusting(NOBODYS), ((NOBODYS, "AIDAGONE"),), "gone", "somebody who is gone; the entry can be taken out"),
        (trusting(ANN_ARN), ((ANN_ARN, ANN),), "other-account", "another account, without an external id"),
        (policy({"Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}), (), "service", ""),
        (
            policy({"Principal": {"Federated": f"arn:aws:iam::{PRODUCTION}:saml-provider/corp"}, "Action": "sts:AssumeRoleWithSAML"}),
            (), "gone-provider", "a provider that is not there",
        ),
        (
            policy({"Principal": {"Federated": "accounts.google.com"}, "Action": "sts:AssumeRoleWithWebIdentity"}),
            (), "shared-issuer", "a provider that serves everybody, without saying whose tokens count",
        ),
    ],
)  # fmt: skip
def test_openings_are_told_by_what_they_are(trust, bound, what, concern):
    fact = roles.RoleTrustUpdated(account=PRODUCTION, role_id=DEPLOY, trust=roles.Trust(trust, bound))
    state = Recorded(fact).state
    account = state.accounts[PRODUCTION]
    found = list(openings(state, account, account.roles[DEPLOY], "aws"))
    assert [(one.what, one.concern) for one in found] == ([] if what is None else [(what, concern)])
    hidden = list(openings(state, account, account.roles[DEPLOY], "aws", PRODUCTION))
    if what in ("gone", "nobody", "other-account"):
        assert [one.what for one in hidden] == ["outsider"]


# --- what counts ----------------------------------------------------------------------------


def test_a_session_stands_as_it_would_be_answered():
    world = Recorded()
    session = issued_in(world.assume())
    position = world.position

    def why(state=world.state, at=AT):
        told = session_standing(state, session, position, at, "aws")
        return told.why if told.valid is (told.why == "counts") else "nonsense"

    assert why() == "counts"
    assert why(at=AT + timedelta(hours=2)) == "expired"
    gone = evolve(world.state, [roles.RoleDeleted(account=PRODUCTION, role_id=DEPLOY)], AT)
    assert why(gone) == "its role is deleted"
    closed = evolve(world.state, [account_settings.AccountClosed(account=PRODUCTION)], AT)
    assert why(closed) == "its account is closed"


def test_a_key_stands_as_it_would_be_answered():
    state = Recorded().state
    key = ANNS.access_key_id

    def why(*facts):
        told = key_standing(evolve(state, facts, AT), key, AT, "aws")
        assert told is not None
        return told.why if told.valid is (told.why == "counts") else "nonsense"

    assert why() == "counts"
    off = principals.AccessKeyStatusChanged(account=COMPANY, access_key_id=key, status=principals.KeyStatus.INACTIVE)
    assert why(off) == "inactive"
    assert why(principals.AccessKeyDeleted(account=COMPANY, access_key_id=key)) == "deleted"
    assert why(principals.UserDeleted(account=COMPANY, user_id=ANN)) == "its user is deleted"
    assert key_standing(state, "AKIANEVERTHERE", AT, "aws") is None


# --- needs ----------------------------------------------------------------------------------

RESOURCES = st.sampled_from(
    [f"arn:aws:s3:::b/{name}" for name in ("a", "a/b", "*", "?", "${x}", "$", "a/*", "é")]
    + [f"arn:aws:sqs:us-east-1:{PRODUCTION}:q{n}" for n in range(30)]
    + ["*", f"arn:aws:iam::{PRODUCTION}:role/team/Deploy"]
)


class Allowed:
    """A decision as `Needing` reads it."""

    def __init__(self, action, resource):
        self.record = DecisionRecord(
            principal="", action=action, resource=resource, resource_account="", effect=Effect.ALLOWED, context={}
        )


@given(st.lists(st.tuples(st.sampled_from(["s3:GetObject", "sqs:SendMessage", "iam:GetRole"]), RESOURCES), max_size=60))
@settings(max_examples=80)
def test_the_policy_that_is_proposed_allows_all_that_was_used(asked):
    needing = Needing()
    decisions = tuple(Allowed(*one).record for one in asked)
    event = Event(type="x:Y", v=1, decided_at=AT, lane="session", subject="", decisions=decisions)
    needing.take(SeenEvent(position=1, recorded_at=AT, event=event))
    told = needing.answer("", (), 1, 1)
    if not asked:
        assert told.policy["Statement"] == []
        return
    document = parse(json.dumps(told.policy), Kind.IDENTITY)
    assert isinstance(document, Document), (document, told.policy)
    caller = supposed_caller(Recorded().state.accounts[COMPANY], Recorded().state.accounts[COMPANY].users[BOB], "aws")
    for action, resource in asked:
        question = Question(
            principal=caller.principal, action=action, resource=resource, resource_account=COMPANY, context={},
            identity=(compiled(document.text, Kind.IDENTITY, Source("identity", "proposed")),),
        )  # fmt: skip
        assert weigh(question).allowed, (action, resource, told.policy)


@pytest.mark.parametrize("name", ["arn:aws:s3:::b/*", "arn:aws:s3:::b/?", "arn:aws:s3:::b/${aws:username}"])
def test_what_would_mean_more_is_spelled_as_what_it_is(name):
    document = policy({"Action": "s3:GetObject", "Resource": exactly(name)})
    caller = supposed_caller(Recorded().state.accounts[COMPANY], Recorded().state.accounts[COMPANY].users[ANN], "aws")
    for resource, allowed in ((name, True), ("arn:aws:s3:::b/Ann", False), ("arn:aws:s3:::b/x", False)):
        question = Question(
            principal=caller.principal, action="s3:GetObject", resource=resource, resource_account=COMPANY,
            context={"aws:username": "Ann"}, identity=(compiled(document, Kind.IDENTITY, Source("identity", "p")),),
        )  # fmt: skip
        assert weigh(question).allowed is allowed


def test_what_nobody_used_is_told_by_kind():
    world = Recorded()
    world.wait(days=10)
    since = world.now
    world.assume()
    world.decide(create_user, {"UserName": "x"}, who=held(world.assume(AUDIT_ARN)))
    using = Using()
    for seen in world.log[1:]:
        using.take(seen.event)
    account = world.state.accounts[PRODUCTION]
    uses = {AUDIT: LastUse(world.now, "iam", "us-east-1", 4)}
    told = {(one.what, one.name, one.owner) for one in using.unused(world.state, account, uses, since, "aws")}
    assert ("role", DEPLOY_ARN, "") in told
    assert ("role", AUDIT_ARN, "") not in told
    assert ("trust", PRODUCTION, AUDIT_ARN) in told
    assert ("trust", COMPANY, AUDIT_ARN) not in told
    assert ("permission", "all", DEPLOY_ARN) in told
    assert ("permission", "all", AUDIT_ARN) not in told
    company = world.state.accounts[COMPANY]
    told = {(one.what, one.name) for one in using.unused(world.state, company, {}, since, "aws")}
    assert ("key", ANNS.access_key_id) in told
    assert {ANNS.access_key_id, BOBS.access_key_id} <= set(ids_of(world.state, company))
    young = roles.RoleCreated(
        account=COMPANY, role_id=RoleId("AROANEW"), name="New", path="/", trust=roles.Trust(trusting(COMPANY))
    )
    grown = evolve(world.state, [young], world.now)
    told = using.unused(grown, grown.accounts[COMPANY], {}, since, "aws")
    assert not [one for one in told if "New" in (*one.name.split("/"), *one.owner.split("/"))]


def test_what_was_allowed_is_what_is_needed():
    world = Recorded()
    world.decide(get_user, {}, who=ANNS)
    world.decide(get_user, {"UserName": "Nobody"}, who=BOBS)
    needing = Needing()
    for seen in world.log[1:]:
        needing.take(seen)
    told = needing.answer(ANN_ARN, (), 1, 3)
    assert [(one.action, one.count) for one in told.used] == [("iam:GetUser", 1)]


# --- exposure -------------------------------------------------------------------------------


def test_a_session_is_told_to_be_only_because_of_a_change_if_the_trust_before_refuses_it():
    world = Recorded(retrust(DEPLOY, trusting(PRODUCTION)))
    before = world.state
    world.act(retrust(DEPLOY, trusting(PRODUCTION, COMPANY)))
    changed = world.log[-1]
    entry = type("Entry", (), {"position": changed.position, "at": AT, "body": b""})()
    change = turned(Folded(entry, None, before, world.state), PRODUCTION, DEPLOY)
    assert change is not None
    assert turned(Folded(entry, None, world.state, world.state), PRODUCTION, DEPLOY) is None
    state = world.state
    account = state.accounts[PRODUCTION]
    of = (account, account.roles[DEPLOY])
    audit = held(world.assume(AUDIT_ARN))
    sessions = {audit.access_key_id: issued_in(world.assume(AUDIT_ARN))}
    sessions = {
        fact.access_key_id: fact for seen in world.log for fact in seen.event.facts if hasattr(fact, "ancestors")
    }
    world.assume()
    outside = issued(world.log[-1], state, Unchanged(change, of), sessions)
    world.assume(who=audit)
    sessions |= {
        fact.access_key_id: fact for seen in world.log for fact in seen.event.facts if hasattr(fact, "ancestors")
    }
    inside = issued(world.log[-1], state, Unchanged(change, of), sessions)
    assert outside is not None
    assert inside is not None
    assert (outside.only_because, inside.only_because) == (True, False)
    unseen = issued(world.log[-1], state, Unchanged(change, of), {})
    assert unseen is not None
    assert unseen.only_because is None
    told = window(change, None, changed.event, [outside])
    assert told.words == ("document.Statement[0].Principal.AWS[1] came: 444455556666",)


# --- graphs ---------------------------------------------------------------------------------


def test_whatever_a_label_holds_a_graph_stays_a_graph():
    strange = 'a"]; evil -> b\n\\<script>|x'
    graph = Graph([Node(strange, strange), Node("b", "")], [Edge(strange, "b", strange)])
    drawn = dot(graph)
    assert drawn.splitlines()[3].endswith('|x"];')
    assert not re.search(r'"', re.sub(r'"(?:[^"\\]|\\.)*"', "", drawn))
    assert re.sub(r'"(?:[^"\\]|\\.)*"', "", drawn).count("->") == 1
    assert all(line.startswith("  ") or line in ("digraph authority {", "}") for line in drawn.splitlines())
    text = mermaid(graph)
    assert "<script>" not in text
    assert text.splitlines()[0] == "flowchart LR"
    assert text.count("-->") == 1
    assert len(text.splitlines()) == 4
