"""What is revoked counts no more from the next request on; what is issued after it does; nothing comes back."""

from __future__ import annotations

import pytest

from authority.access.action import Decision
from authority.access.caller import EXPIRED_TOKEN, INVALID_TOKEN, Caller, Credential
from authority.kernel.ids import AccessKeyId, RoleId, SealingKeyId, UserId
from authority.kernel.refusal import Reason, Refusal
from authority.model import authority, holders, principals, roles
from authority.model.revocations import NONE, DescendantsRevoked, RoleSessionsRevoked, SessionRevoked
from authority.model.sessions import EndCause, SessionEnded
from authority.sessions.revocation import Known, revoke_descendants, revoke_role_sessions, revoke_session
from tests.sessions.world import (
    ALL,
    ANN,
    ANNS,
    AUDIT,
    AUDIT_ARN,
    BOBS,
    COMPANY,
    DEPLOY,
    DEPLOY_ARN,
    PRODUCTION,
    World,
    held,
    may,
    policy,
    refused,
    trusting,
)

BOSS = UserId("AIDABOSS")
BOSSES = Credential(AccessKeyId("AKIABOSSBOSSBOSS"))
INCIDENT = (
    principals.UserCreated(account=PRODUCTION, user_id=BOSS, name="Boss", path="/"),
    principals.AccessKeyCreated(account=PRODUCTION, access_key_id=BOSSES.access_key_id, owner=BOSS),
    holders.InlinePolicyPut(account=PRODUCTION, holder=BOSS, name="all", document=ALL),
)


def incident(*facts) -> World:
    """The accounts with somebody in production who may do everything there."""
    return World(*INCIDENT, *facts)


def known(session: Credential, *, ended: bool = False) -> Known:
    assert session.session is not None
    return Known(access_key_id=session.access_key_id, account=session.session.account, ended=ended)


def revoke(world: World, session: Credential, *, who: Credential = BOSSES, **more) -> Decision:
    how = {name: more.pop(name) for name in ("gathered", "claimed") if name in more}
    how.setdefault("gathered", known(session))
    return world.decide(revoke_session, {"id": session.access_key_id, **more}, who=who, **how)


def revoke_led_by(world: World, ancestor: Credential, *, who: Credential) -> Decision:
    gathered = known(ancestor) if ancestor.session is not None else None
    return world.decide(revoke_descendants, {"id": ancestor.access_key_id}, who=who, gathered=gathered)


def counts(world: World, *sessions: Credential) -> list[bool]:
    return [isinstance(world.caller(session), Caller) for session in sessions]


def test_one_session_is_over_and_no_other():
    world = incident()
    first, second = held(world.assume()), held(world.assume())
    decision = revoke(world, first)
    assert decision.answer.access_key_id == first.access_key_id
    assert world.caller(first) == EXPIRED_TOKEN
    assert counts(world, second, held(world.assume())) == [True, True]


def test_its_end_is_written_with_its_cause_and_once():
    world = incident()
    session = held(world.assume())
    world.wait(minutes=5)
    decision = revoke(world, session)
    (end,) = (fact for fact in decision.facts if isinstance(fact, SessionEnded))
    assert (end.cause, end.effective_at, end.account) == (EndCause.REVOKED, world.now, PRODUCTION)
    assert decision.once == (f"end:{session.access_key_id}",)


@pytest.mark.parametrize(
    "first",
    [
        pytest.param({"gathered": True}, id="its end is in the log"),
        pytest.param({"claimed": True}, id="somebody wrote it while we decided"),
    ],
)
def test_a_session_that_has_ended_already_is_not_ended_again(first):
    world = incident()
    session = held(world.assume())
    how = (
        {"gathered": known(session, ended=True)}
        if "gathered" in first
        else {"claimed": frozenset({f"end:{session.access_key_id}"})}
    )
    decision = revoke(world, session, **how)
    assert decision.facts == (SessionRevoked(account=PRODUCTION, access_key_id=session.access_key_id),)
    assert decision.once == ()


def test_what_it_led_to_goes_on_unless_that_is_asked_for_too():
    world = incident()
    session = held(world.assume())
    next_one = held(world.assume(AUDIT_ARN, who=session))
    last = held(world.assume(DEPLOY_ARN, who=next_one))
    revoke(world, session)
    assert counts(world, session, next_one, last) == [False, True, True]
    revoke(world, session, descendants=True)
    assert counts(world, next_one, last) == [False, False]


def test_every_session_of_a_role_that_was_there_is_over_and_later_ones_are_not():
    world = incident()
    first = held(world.assume())
    chained = held(world.assume(DEPLOY_ARN, who=first))
    other = held(world.assume(AUDIT_ARN))
    decision = world.decide(revoke_role_sessions, {"name": "deploy"}, who=BOSSES)
    assert (decision.answer.role_name, decision.answer.role_id) == ("Deploy", DEPLOY)
    assert world.caller(first) == world.caller(chained) == EXPIRED_TOKEN
    later = held(world.assume())
    assert counts(world, other, later) == [True, True]
    world.decide(revoke_role_sessions, {"name": "Deploy"}, who=BOSSES)
    assert counts(world, later) == [False]


def test_a_session_that_was_decided_before_counts_no_more_even_if_its_clock_is_ahead():
    world = incident()
    world.wait(hours=2)
    ahead = held(world.assume())
    world.wait(hours=-2)
    world.decide(revoke_role_sessions, {"name": "Deploy"}, who=BOSSES)
    behind = held(world.assume())
    world.wait(hours=2)
    assert counts(world, ahead) == [False]
    world.wait(hours=-2)
    assert counts(world, ahead, behind) == [False, True]


def test_all_that_a_key_led_to_is_over_in_every_account_and_the_key_is_not():
    world = incident()
    own, guest = held(world.get_session_token()), held(world.get_federation_token())
    role = held(world.assume())
    chained = held(world.assume(AUDIT_ARN, who=role))
    by_session = held(world.assume(who=own))
    bobs = held(world.get_session_token(who=BOBS))
    assert not isinstance(revoke_led_by(world, ANNS, who=ANNS).answer, Refusal)
    assert counts(world, own, guest, role, chained, by_session) == [False] * 5
    assert counts(world, ANNS, bobs, held(world.assume()), held(world.get_session_token())) == [True] * 4


def test_all_that_a_session_led_to_is_over_and_the_session_is_not():
    world = incident()
    role = held(world.assume())
    chained = held(world.assume(AUDIT_ARN, who=role))
    last = held(world.assume(who=chained))
    revoke_led_by(world, role, who=BOSSES)
    assert counts(world, role, chained, last) == [True, False, False]
    assert counts(world, held(world.assume(AUDIT_ARN, who=role))) == [True]


def test_t22_another_accounts_session_answers_like_one_that_never_was():
    world = incident()
    own = held(world.get_session_token())
    foreign = revoke(world, own)
    missing = revoke(world, own, gathered=None)
    assert foreign.answer == missing.answer
    assert refused(foreign, Reason.NO_SUCH_ENTITY, f"There is no session {own.access_key_id} in this account.")
    assert counts(world, own) == [True]


def test_t22_another_accounts_key_answers_like_one_that_never_was():
    world = incident()
    anns = Credential(AccessKeyId("AKIAANN0000000000"))
    world.take(principals.AccessKeyCreated(account=COMPANY, access_key_id=anns.access_key_id, owner=ANN))
    foreign = revoke_led_by(world, anns, who=BOSSES)
    missing = revoke_led_by(world, Credential(AccessKeyId("AKIANOBODY0000000")), who=BOSSES)
    assert refused(foreign, Reason.NO_SUCH_ENTITY)
    assert foreign.answer.message.replace("ANN0000000000", "NOBODY0000000") == missing.answer.message


def test_what_was_gathered_for_another_session_is_a_fault():
    world = incident()
    first, second = held(world.assume()), held(world.assume())
    with pytest.raises(TypeError, match="another session"):
        revoke(world, first, gathered=known(second))


PART = f"arn:aws:authority::{PRODUCTION}"


@pytest.mark.parametrize(
    ("resource", "session", "role", "key"),
    [
        pytest.param(f"{PART}:session/*", True, False, False, id="sessions one by one"),
        pytest.param(f"{PART}:role/team/*", False, True, False, id="the roles below a path"),
        pytest.param(f"{PART}:key/*", False, False, True, id="what keys led to"),
        pytest.param(f"{PART}:session/ASIANOBODY", False, False, False, id="another session"),
    ],
)
def test_who_may_revoke_what(resource, session, role, key):
    world = incident(may(BOSS, policy({"Action": "authority:Revoke*", "Resource": resource})))
    first = held(world.assume())
    answers = [
        revoke(world, first).answer,
        world.decide(revoke_role_sessions, {"name": "Deploy"}, who=BOSSES).answer,
        revoke_led_by(world, BOSSES, who=BOSSES).answer,
    ]
    assert [not isinstance(answer, Refusal) for answer in answers] == [session, role, key]


def test_a_role_that_is_not_there_has_no_sessions():
    decision = incident().decide(revoke_role_sessions, {"name": "Nobody"}, who=BOSSES)
    assert refused(decision, Reason.NO_SUCH_ENTITY, "The role with name Nobody cannot be found.")


def test_s15_a_session_ends_with_its_role_whoever_comes_to_bear_the_name():
    world = incident()
    session = held(world.assume())
    world.take(roles.RoleDeleted(account=PRODUCTION, role_id=DEPLOY))
    assert world.caller(session) == INVALID_TOKEN
    world.take(
        roles.RoleCreated(
            account=PRODUCTION,
            role_id=RoleId("AROANEW"),
            name="Deploy",
            path="/team/",
            trust=roles.Trust(trusting(COMPANY)),
        )
    )
    assert world.caller(session) == INVALID_TOKEN


def test_awss_own_way_takes_everything_from_older_sessions():
    world = World()
    older = held(world.assume())
    world.wait(seconds=1)
    moment = world.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    deny = {
        "Effect": "Deny",
        "Action": "*",
        "Resource": "*",
        "Condition": {"DateLessThan": {"aws:TokenIssueTime": moment}},
    }
    world.take(may(DEPLOY, policy(deny), "AWSRevokeOlderSessions"))
    newer = held(world.assume())
    assert not world.allows(older, "s3:GetObject", "*")
    assert world.allows(newer, "s3:GetObject", "*", owner=PRODUCTION)


@pytest.mark.parametrize(
    ("switches", "of_user", "federated", "of_role"),
    [
        pytest.param({}, True, True, True, id="t14 as AWS does, none ends with it"),
        pytest.param(
            {"federation_sessions_end_with_parent": True},
            False,
            False,
            True,
            id="t14 what the key asked for itself does, if an operator wants",
        ),
        pytest.param({"role_sessions_end_with_parent": True}, True, True, False, id="and so do role sessions"),
    ],
)
@pytest.mark.parametrize("how", ["deactivated", "deleted", "the user is gone"])
def test_which_sessions_end_with_the_key_that_led_to_them(switches, of_user, federated, of_role, how):
    world = World(authority.SettingsChanged(settings=authority.Settings("1", ("us-east-1",), 4, **switches)))
    own, guest, role = (
        held(world.get_session_token()),
        held(world.get_federation_token()),
        held(world.assume(who=held(world.assume(AUDIT_ARN)))),
    )
    assert counts(world, own, guest, role) == [True] * 3
    world.take(
        {
            "deactivated": principals.AccessKeyStatusChanged(
                account=COMPANY, access_key_id=ANNS.access_key_id, status=principals.KeyStatus.INACTIVE
            ),
            "deleted": principals.AccessKeyDeleted(account=COMPANY, access_key_id=ANNS.access_key_id),
            "the user is gone": principals.UserDeleted(account=COMPANY, user_id=ANN),
        }[how]
    )
    there = how != "the user is gone"
    assert counts(world, own, guest, role) == [of_user and there, federated and there, of_role]


def test_a_revocation_is_forgotten_when_no_token_that_it_ended_can_be_opened():
    world = incident()
    session = held(world.assume())
    revoke(world, session, descendants=True)
    world.decide(revoke_role_sessions, {"name": "Audit"}, who=BOSSES)
    world.wait(days=1)
    world.take(authority.SealingKeyCreated(key_id=SealingKeyId("k2")))
    world.wait(days=2)
    assert (len(world.state.revocations.sessions), len(world.state.revocations.roles)) == (1, 1)
    world.take(authority.SealingKeyDestroyed(key_id=SealingKeyId("k1")))
    assert world.state.revocations == NONE


def test_a_revocation_is_kept_while_any_key_that_was_there_is():
    world = incident(authority.SealingKeyCreated(key_id=SealingKeyId("k2")))
    revoke(world, held(world.assume()))
    world.take(
        authority.SealingKeyCreated(key_id=SealingKeyId("k3")),
        authority.SealingKeyDestroyed(key_id=SealingKeyId("k1")),
    )
    assert len(world.state.revocations.sessions) == 1


def test_a_revoked_session_is_refused_in_the_words_that_make_a_client_ask_for_another():
    world = incident()
    session = held(world.assume())
    revoke(world, session)
    assert world.caller(session) == Refusal(
        Reason.EXPIRED_TOKEN, "The security token included in the request is expired"
    )


def test_facts_of_revocation_say_no_more_than_they_need():
    world = incident()
    session = held(world.assume())
    through = world.configured
    facts = revoke(world, session, descendants=True).facts
    assert facts[:2] == (
        SessionRevoked(account=PRODUCTION, access_key_id=session.access_key_id),
        DescendantsRevoked(account=PRODUCTION, ancestor=session.access_key_id, through=through),
    )
    through = world.configured
    assert world.decide(revoke_role_sessions, {"name": "Audit"}, who=BOSSES).facts == (
        RoleSessionsRevoked(account=PRODUCTION, role_id=AUDIT, through=through),
    )
