"""Passwords: hashed before the decision, sealed, never shown; changed by who knows the old one, within the rules."""

from __future__ import annotations

from datetime import timedelta

import pytest

from authority.access.action import Decision, NewSecret
from authority.access.caller import Credential
from authority.kernel.ids import AccessKeyId, AccountId
from authority.kernel.refusal import Reason
from authority.kernel.secret import Secret
from authority.model import authority, boundaries, passwords, policies, principals
from authority.model.passwords import LoginProfileUpdated, PasswordAttemptFailed, PasswordPolicy
from authority.model.state import EMPTY, canonical, evolve, from_canonical
from authority.principals import login_profiles, users
from authority.principals.login_profiles import Changing, Hashed, compared_with
from authority.principals.password_rules import password_refused
from tests.model.test_state import AT
from tests.principals.world import (
    ACCOUNT,
    ANN,
    DAN,
    DANS,
    IAM,
    ROOTS,
    SESSIONS,
    World,
    dan_may,
    policy,
    refused,
    user_session,
)

GOOD = "Correct-horse-7"
HASHED = Hashed(Secret(b"$argon2id$..."))
DANS_PASSWORD = passwords.LoginProfileCreated(account=ACCOUNT, user_id=DAN, password_id="APWDFIRST")
HIS_OWN = dan_may({"Action": "iam:ChangePassword", "Resource": f"{IAM}:user/${{aws:username}}"})


def rules(**asked: object) -> passwords.PasswordPolicySet:
    return passwords.PasswordPolicySet(account=ACCOUNT, policy=PasswordPolicy(**asked))


def changes(
    world: World, *, new: str = GOOD, right: bool = True, of: str = "", repeats: tuple[str, ...] = (), who=DANS
) -> Decision:
    """Dan changes his password; the gathering found the old one *right*, and the new one among *repeats*."""
    compared = compared_with(world.state, DANS)
    of = of or ("" if compared is None else compared[0])
    gathered = Changing(Secret(b"$argon2id$new"), of, right, repeats)
    wanted = {"OldPassword": "old", "NewPassword": new}
    return world.decide(login_profiles.change_password, wanted, who=who, gathered=gathered)


# --- given by an administrator ---------------------------------------------------------------


def test_a_password_is_sealed_and_only_that_it_is_there_is_shown():
    world = World()
    wanted = {"UserName": "dan", "Password": GOOD, "PasswordResetRequired": True}
    decision = world.decide(login_profiles.create_login_profile, wanted, gathered=HASHED)
    (made,) = decision.facts
    assert decision.secrets == (NewSecret(made.password_id, "password", HASHED.hashed),)
    shown = decision.answer.login_profile
    assert (shown.user_name, shown.create_date, shown.password_reset_required) == ("Dan", AT, True)
    assert world.asks(login_profiles.get_login_profile, UserName="Dan") == decision.answer
    assert GOOD not in repr((decision.facts, decision.answer, decision.secrets))


@pytest.mark.parametrize(
    ("what", "wanted", "text"),
    [
        (login_profiles.get_login_profile, {}, "Login Profile for User Dan cannot be found."),
        (login_profiles.update_login_profile, {"Password": GOOD}, "Login Profile for User Dan cannot be found."),
        (login_profiles.delete_login_profile, {}, "Login Profile for User Dan cannot be found."),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_password_that_is_not_there_is_not_found(what, wanted, text):
    answer = World().asks(what, UserName="Dan", gathered=HASHED, **wanted)
    assert refused(answer, Reason.NO_SUCH_ENTITY, text)


@pytest.mark.parametrize(
    ("what", "wanted"),
    [
        (login_profiles.create_login_profile, {"Password": GOOD}),
        (login_profiles.get_login_profile, {}),
        (login_profiles.update_login_profile, {"Password": GOOD}),
        (login_profiles.delete_login_profile, {}),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_user_who_is_not_there_is_not_found(what, wanted):
    answer = World().asks(what, UserName="Nobody", gathered=HASHED, **wanted)
    assert refused(answer, Reason.NO_SUCH_ENTITY, "The user with name Nobody cannot be found.")


@pytest.mark.parametrize("who", [ROOTS, SESSIONS])
@pytest.mark.parametrize(
    "what",
    [login_profiles.create_login_profile, login_profiles.get_login_profile, login_profiles.delete_login_profile],
    ids=lambda value: value.name,
)
def test_who_is_no_user_has_to_say_whose_password_he_means(what, who):
    assert refused(World().asks(what, who=who), Reason.VALIDATION_ERROR)


def test_without_a_name_the_password_is_of_who_asks():
    world = World()
    answer = world.asks(login_profiles.create_login_profile, Password=GOOD, gathered=HASHED)
    assert answer.login_profile.user_name == "Ann"
    assert world.account.users[ANN].login is not None


def test_a_user_has_one_password():
    wanted = {"UserName": "Dan", "Password": GOOD}
    answer = World(DANS_PASSWORD).asks(login_profiles.create_login_profile, gathered=HASHED, **wanted)
    assert refused(answer, Reason.ENTITY_ALREADY_EXISTS, "Login Profile for user Dan already exists.")


def test_a_password_has_to_be_given():
    answer = World().asks(login_profiles.create_login_profile, UserName="Dan")
    assert refused(answer, Reason.VALIDATION_ERROR)


def test_a_password_that_was_not_hashed_is_a_fault_and_never_stored():
    with pytest.raises(TypeError):
        World().asks(login_profiles.create_login_profile, UserName="Dan", Password=GOOD)


def test_what_an_update_leaves_out_stays():
    world, dan = World(DANS_PASSWORD), {"UserName": "Dan"}
    marked = world.decide(login_profiles.update_login_profile, {**dan, "PasswordResetRequired": True})
    assert (marked.secrets, marked.dropped) == ((), ())
    assert world.asks(login_profiles.get_login_profile, **dan).login_profile.password_reset_required
    world.now += timedelta(days=1)
    replaced = world.decide(login_profiles.update_login_profile, {**dan, "Password": GOOD}, gathered=HASHED)
    assert replaced.dropped == ("APWDFIRST",)
    shown = world.asks(login_profiles.get_login_profile, **dan).login_profile
    assert (shown.create_date, shown.password_reset_required) == (AT, True)
    login = world.account.users[DAN].login
    assert login is not None
    assert (login.password_id, login.changed_at) == (replaced.secrets[0].row, world.now)
    assert world.decide(login_profiles.update_login_profile, {**dan, "PasswordResetRequired": True}).facts == ()
    assert from_canonical(canonical(world.state)) == world.state


def test_a_password_that_is_taken_away_leaves_no_hash():
    history = LoginProfileUpdated(account=ACCOUNT, user_id=DAN, password_id="APWDSECOND", earlier=("APWDFIRST",))
    world = World(DANS_PASSWORD, history)
    decision = world.decide(login_profiles.delete_login_profile, {"UserName": "Dan"})
    assert decision.dropped == ("APWDSECOND", "APWDFIRST")
    assert world.account.users[DAN].login is None


def test_a_password_keeps_its_user_from_being_deleted():
    gone = principals.AccessKeyDeleted(account=ACCOUNT, access_key_id=DANS.access_key_id)
    answer = World(DANS_PASSWORD, gone).asks(users.delete_user, UserName="Dan")
    assert refused(answer, Reason.DELETE_CONFLICT, "Cannot delete entity, must delete login profile first.")


# --- what a password must be like ------------------------------------------------------------

STRICT = {
    "minimum_length": 10,
    "require_symbols": True,
    "require_numbers": True,
    "require_uppercase": True,
    "require_lowercase": True,
}


@pytest.mark.parametrize(
    ("given", "password", "lacking"),
    [
        ((), "Aa1!aaaa", ""),
        ((), "Aa1aaaa", "Password should have a minimum length of 8"),
        ((), "aaaaaaa1", "Password should have at least three of: uppercase letter, lowercase letter, number, symbol"),
        ((), "ÄäÄä٣٣!!", "Password should have at least three of: uppercase letter, lowercase letter, number, symbol"),
        ((rules(),), "aaaaaa", ""),
        ((rules(),), "aaaaa", "Password should have a minimum length of 6"),
        ((rules(**STRICT),), "Aa1!aaaaaa", ""),
        ((rules(**STRICT),), "Aa1!aaaaa", "Password should have a minimum length of 10"),
        ((rules(**STRICT),), "aa1!aaaaaa", "Password should have at least one uppercase letter"),
        ((rules(**STRICT),), "AA1!AAAAAA", "Password should have at least one lowercase letter"),
        ((rules(**STRICT),), "Aaa!aaaaaa", "Password should have at least one number"),
        ((rules(**STRICT),), "Aa1 aaaaaa", "Password should have at least one symbol"),
    ],
)
def test_a_password_is_held_to_the_accounts_rules_wherever_it_is_set(given, password, lacking):
    created = World(*given).asks(
        login_profiles.create_login_profile, UserName="Dan", Password=password, gathered=HASHED
    )
    updated = World(DANS_PASSWORD, *given).asks(
        login_profiles.update_login_profile, UserName="Dan", Password=password, gathered=HASHED
    )
    changed = changes(World(DANS_PASSWORD, HIS_OWN, *given), new=password)
    if lacking:
        for answer in (created, updated, changed.answer):
            assert refused(answer, Reason.PASSWORD_POLICY_VIOLATION, lacking)
    else:
        assert created.login_profile.user_name == "Dan"
        assert updated is None
        assert changed.secrets


def test_the_name_of_the_account_is_no_password():
    named = authority.AccountCreated(account=AccountId("444455556666"), name="Company-77", email="us@Example7.com")
    account = evolve(EMPTY, [named], AT).accounts["444455556666"]
    assert password_refused(account, "COMPANY-77")
    assert password_refused(account, "us@example7.COM")
    assert password_refused(account, "Company-78") is None


# --- changed by the user ---------------------------------------------------------------------


def test_who_knows_the_old_password_changes_it():
    forced = LoginProfileUpdated(account=ACCOUNT, user_id=DAN, password_id="APWDFIRST", reset_required=True)
    world = World(DANS_PASSWORD, forced, HIS_OWN)
    decision = changes(world)
    assert decision.answer is None
    assert decision.dropped == ("APWDFIRST",)
    login = world.account.users[DAN].login
    assert login is not None
    assert (login.password_id, login.reset_required) == (decision.secrets[0].row, False)


def test_a_wrong_old_password_is_refused_and_counted():
    decision = changes(World(DANS_PASSWORD, HIS_OWN), right=False)
    assert refused(decision.answer, Reason.ACCESS_DENIED, "The old password was incorrect.")
    assert decision.facts == (PasswordAttemptFailed(account=ACCOUNT, user_id=DAN),)
    assert decision.secrets == ()


# F03, F05: five wrong guesses lock, by unique id, whatever the case of a name.
def test_guessing_locks_a_password_for_a_time_that_doubles():
    world = World(DANS_PASSWORD, HIS_OWN)
    for _ in range(5):
        assert len(changes(world, right=False).facts) == 1
    locked = changes(world)
    assert refused(locked.answer, Reason.ENTITY_TEMPORARILY_UNMODIFIABLE)
    assert locked.facts == ()
    world.now += timedelta(minutes=1)
    changes(world, right=False)
    world.now += timedelta(minutes=2, seconds=-1)
    assert refused(changes(world).answer, Reason.ENTITY_TEMPORARILY_UNMODIFIABLE)
    world.now += timedelta(seconds=1)
    assert changes(world).answer is None
    for _ in range(4):
        changes(world, right=False)
    assert changes(world).answer is None


def test_a_new_password_from_an_administrator_ends_the_lock():
    world = World(DANS_PASSWORD, HIS_OWN, *[PasswordAttemptFailed(account=ACCOUNT, user_id=DAN)] * 9)
    world.asks(login_profiles.update_login_profile, UserName="Dan", Password=GOOD, gathered=HASHED)
    assert changes(world).answer is None


def test_a_password_that_was_changed_meanwhile_is_not_changed_again():
    decision = changes(World(DANS_PASSWORD, HIS_OWN), of="APWDFORMER")
    assert refused(decision.answer, Reason.ENTITY_TEMPORARILY_UNMODIFIABLE)
    assert decision.facts == ()


def test_who_has_no_password_changes_none():
    answer = changes(World(HIS_OWN)).answer
    assert refused(answer, Reason.NO_SUCH_ENTITY, "Login Profile for User Dan cannot be found.")


@pytest.mark.parametrize("who", [ROOTS, SESSIONS, Credential(AccessKeyId("AKIANOBODY"))])
def test_who_is_no_user_has_no_password_to_compare_with(who):
    assert compared_with(World(DANS_PASSWORD).state, who) is None


def test_a_users_own_session_is_compared_with_his_password():
    assert compared_with(World(DANS_PASSWORD).state, user_session(DAN, mfa=True)) == ("APWDFIRST", ())


@pytest.mark.parametrize("who", [ROOTS, SESSIONS])
def test_only_users_change_their_own_password(who):
    assert refused(changes(World(DANS_PASSWORD), who=who).answer, Reason.INVALID_USER_TYPE)


def test_the_last_passwords_do_not_come_back():
    world = World(DANS_PASSWORD, HIS_OWN, rules(reuse_prevention=3))
    kept = ["APWDFIRST"]
    for _ in range(2):
        decision = changes(world)
        assert decision.dropped == ()
        kept.insert(0, decision.secrets[0].row)
    assert compared_with(world.state, DANS) == (kept[0], tuple(kept))
    for repeated in kept:
        text = "Password should not be one of the last 3"
        assert refused(changes(world, repeats=(repeated,)).answer, Reason.PASSWORD_POLICY_VIOLATION, text)
    fourth = changes(world)
    assert fourth.dropped == ("APWDFIRST",)
    assert changes(world, repeats=("APWDFIRST",)).answer is None


def test_without_a_rule_no_former_hash_is_kept():
    world = World(DANS_PASSWORD, HIS_OWN)
    assert changes(world).dropped == ("APWDFIRST",)
    login = world.account.users[DAN].login
    assert login is not None
    assert login.earlier == ()


# --- authorisation ---------------------------------------------------------------------------

DENIED = dan_may({"Effect": "Deny", "Action": "iam:ChangePassword", "Resource": "*"})
BOUNDED = (
    policies.PolicyCreated(
        account=ACCOUNT,
        policy_id="ANPABOUND",
        name="Bound",
        path="/",
        document=policy({"Action": "s3:*", "Resource": "*"}),
    ),
    boundaries.BoundarySet(account=ACCOUNT, holder=DAN, policy_id="ANPABOUND"),
)


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        pytest.param((), False, id="without a permission"),
        pytest.param((HIS_OWN,), True, id="by a policy"),
        pytest.param((rules(users_may_change=True),), True, id="because the account lets all users"),
        pytest.param((rules(users_may_change=True), DENIED), False, id="not against a deny"),
        pytest.param((rules(users_may_change=True), *BOUNDED), False, id="not beyond his boundary"),
    ],
)
def test_who_may_change_his_password(given, allowed):
    decision = changes(World(DANS_PASSWORD, *given), new="Aa1!aaaa")
    assert bool(decision.secrets) is allowed
    assert allowed or refused(decision.answer, Reason.ACCESS_DENIED)
    (weighed,) = decision.weighed
    assert (weighed.verdict.allowed, weighed.question.resource) == (allowed, f"{IAM}:user/Dan")


def test_what_the_account_grants_is_named_in_the_log():
    decision = changes(World(DANS_PASSWORD, rules(users_may_change=True)))
    (matched,) = decision.weighed[0].record().determined_by
    assert matched.policy == "AllowUsersToChangePassword"


def test_a_users_own_session_may_too():
    assert changes(World(DANS_PASSWORD, HIS_OWN), who=user_session(DAN, mfa=True)).answer is None


@pytest.mark.parametrize(
    ("what", "wanted"),
    [
        (login_profiles.create_login_profile, {"Password": GOOD}),
        (login_profiles.get_login_profile, {}),
        (login_profiles.update_login_profile, {"UserName": "Dan", "Password": GOOD}),
        (login_profiles.delete_login_profile, {}),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_what_a_delegate_needs(what, wanted):
    def decided(resource: str, **more: str):
        world = World(dan_may({"Action": what.name, "Resource": resource}))
        return world.decide(what, {**wanted, **more}, who=DANS, gathered=HASHED)

    assert decided(f"{IAM}:user/Dan").weighed[0].verdict.allowed
    assert not decided(f"{IAM}:user/Ann").weighed[0].verdict.allowed
    assert refused(decided(f"{IAM}:user/Dan", UserName="Ann").answer, Reason.ACCESS_DENIED)
