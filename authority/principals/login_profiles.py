"""Passwords of users: given, shown to be there, changed, taken away (IAM API, login profile actions).

Hashing is slow and needs chance, so it is done before the decision.  Gathered for CreateLoginProfile, and for
UpdateLoginProfile when it brings a Password: `Hashed`.  Gathered for ChangePassword: `Changing`, or None when the
caller has no password; `compared_with` says with which.  Each password is a sealed row of its own, whose id is new.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from authority.access.action import Decision, Facts, NewSecret, action, refuse
from authority.access.applicable import compiled
from authority.access.call import Call
from authority.access.caller import Credential
from authority.access.naming import account_of
from authority.access.tagging import resource_tags
from authority.access.weighing import refusal_of, weigh
from authority.kernel.ids import UserId
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.secret import Secret
from authority.model.account import Account
from authority.model.passwords import (
    PURPOSE,
    LoginProfile,
    LoginProfileCreated,
    LoginProfileDeleted,
    LoginProfileUpdated,
    PasswordAttemptFailed,
)
from authority.model.principals import User
from authority.model.state import State
from authority.policy.compiled import Policy, Source
from authority.policy.document import Kind
from authority.policy.principal import PrincipalKind
from authority.principals.naming import (
    NAME_NEEDED,
    named_user,
    no_user,
    user_or_caller,
    user_or_caller_arn,
    worn_by_user,
)
from authority.principals.password_rules import earlier_kept, password_refused, remembered, reuse_prevention

KIND: Final = "APWD"
CHANGED: Final = Refusal(
    Reason.ENTITY_TEMPORARILY_UNMODIFIABLE, "The password was changed while the request was under way; try again."
)
GRANTED_TO_ALL: Final = (
    '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:ChangePassword","Resource":"*"}}'
)
LOCKED: Final = Refusal(
    Reason.ENTITY_TEMPORARILY_UNMODIFIABLE, "The password was given wrong too often and is locked; try again later."
)


class Hashed(msgspec.Struct, frozen=True):
    """A new password, as it may be kept."""

    hashed: Secret


class Changing(msgspec.Struct, frozen=True):
    """A new password as it may be kept, and what the old one and the new one came to.

    *right* says whether the old one is the password *password_id*; *repeats* are those of `compared_with` that the
    new one equals.
    """

    hashed: Secret
    password_id: str
    right: bool
    repeats: tuple[str, ...] = ()


def compared_with(state: State, credential: Credential) -> tuple[str, tuple[str, ...]] | None:
    """Which password the caller's old one is compared with, and which ones his new one; None when he has none."""
    session, key = credential.session, state.access_keys.get(credential.access_key_id)
    if session is not None:
        account_id, user_id = session.account, session.user_id
    elif key is not None:
        account_id, user_id = key.account, key.owner
    else:
        return None
    account = state.accounts.get(account_id)
    user = None if account is None else account.users.get(user_id)
    if account is None or user is None or user.login is None:
        return None
    return user.login.password_id, remembered(account, user.login)


class ProfileShown(msgspec.Struct, frozen=True, rename="pascal"):
    """What anybody may see of a password (IAM API, LoginProfile)."""

    user_name: str
    create_date: datetime
    password_reset_required: bool


class ProfileAnswer(msgspec.Struct, frozen=True, rename="pascal"):
    """One login profile."""

    login_profile: ProfileShown


def _shown(user: User, profile: LoginProfile) -> ProfileAnswer:
    return ProfileAnswer(ProfileShown(user.name, profile.created_at, profile.reset_required))


def _no_profile(user: User) -> Decision:
    return refuse(Reason.NO_SUCH_ENTITY, f"Login Profile for User {user.name} cannot be found.")


def _the_user(account: Account, call: Call[Any]) -> User | Refusal:
    """The user that the input names, or that asks; the root's password is none that these actions know."""
    found = user_or_caller(account, call)
    return NAME_NEEDED if isinstance(found, Account) else found


def _new_password(call: Call[Any], facts: Facts) -> NewSecret:
    if not isinstance(call.gathered, Hashed):
        raise TypeError("a new password was not hashed before the decision")
    return NewSecret(facts.new_id(KIND), PURPOSE, call.gathered.hashed)


class CreateLoginProfile(msgspec.Struct, frozen=True, rename="pascal"):
    """Whose password; without a name, of who asks."""

    user_name: str = ""
    password: str = ""
    password_reset_required: bool = False


@action("iam:CreateLoginProfile", resource=user_or_caller_arn, conditions=worn_by_user)
def create_login_profile(state: State, call: Call[CreateLoginProfile], facts: Facts) -> Decision:
    """Give a user a password (IAM API, CreateLoginProfile)."""
    account, wanted = account_of(state, call), call.input
    user = _the_user(account, call)
    if isinstance(user, Refusal):
        return Decision(answer=user)
    if user.login is not None:
        return refuse(Reason.ENTITY_ALREADY_EXISTS, f"Login Profile for user {user.name} already exists.")
    if not wanted.password:
        return refuse(Reason.VALIDATION_ERROR, "The Password of a user's login profile must be given.")
    refused = password_refused(account, wanted.password)
    if refused is not None:
        return Decision(answer=refused)
    new = _new_password(call, facts)
    made = LoginProfileCreated(
        account=account.id,
        user_id=UserId(user.id),
        password_id=new.row,
        reset_required=wanted.password_reset_required,
    )
    profile = LoginProfile(
        password_id=new.row, created_at=facts.now, changed_at=facts.now, reset_required=made.reset_required
    )
    return Decision(facts=(made,), answer=_shown(user, profile), secrets=(new,))


class GetLoginProfile(msgspec.Struct, frozen=True, rename="pascal"):
    """Whose password; without a name, of who asks."""

    user_name: str = ""


@action("iam:GetLoginProfile", resource=user_or_caller_arn, conditions=worn_by_user)
def get_login_profile(state: State, call: Call[GetLoginProfile], _facts: Facts) -> Decision:
    """Say that a user has a password, and since when (IAM API, GetLoginProfile)."""
    user = _the_user(account_of(state, call), call)
    if isinstance(user, Refusal):
        return Decision(answer=user)
    return _no_profile(user) if user.login is None else Decision(answer=_shown(user, user.login))


class UpdateLoginProfile(msgspec.Struct, frozen=True, rename="pascal"):
    """Whose password, and what about it is new; what is left out stays."""

    user_name: str
    password: str = ""
    password_reset_required: bool | None = None


@action("iam:UpdateLoginProfile", resource=named_user, conditions=worn_by_user)
def update_login_profile(state: State, call: Call[UpdateLoginProfile], facts: Facts) -> Decision:
    """Give a user another password, or make him change it (IAM API, UpdateLoginProfile).

    Only users themselves are held to what they may not use again.
    """
    account, wanted = account_of(state, call), call.input
    user = account.user_named(wanted.user_name)
    if user is None:
        return no_user(wanted.user_name)
    profile = user.login
    if profile is None:
        return _no_profile(user)
    reset = profile.reset_required if wanted.password_reset_required is None else wanted.password_reset_required
    if not wanted.password:
        if reset == profile.reset_required:
            return Decision()
        marked = LoginProfileUpdated(
            account=account.id,
            user_id=UserId(user.id),
            password_id=profile.password_id,
            reset_required=reset,
            earlier=profile.earlier,
        )
        return Decision(facts=(marked,))
    refused = password_refused(account, wanted.password)
    if refused is not None:
        return Decision(answer=refused)
    return _replaced(account, user, profile, _new_password(call, facts), reset=reset)


def _replaced(account: Account, user: User, profile: LoginProfile, new: NewSecret, *, reset: bool) -> Decision:
    """The user's password is *new*; as many old ones stay, hashed, as may not come back."""
    earlier = earlier_kept(account, profile)
    changed = LoginProfileUpdated(
        account=account.id, user_id=UserId(user.id), password_id=new.row, reset_required=reset, earlier=earlier
    )
    dropped = tuple(one for one in (profile.password_id, *profile.earlier) if one not in earlier)
    return Decision(facts=(changed,), secrets=(new,), dropped=dropped)


class DeleteLoginProfile(msgspec.Struct, frozen=True, rename="pascal"):
    """Whose password; without a name, of who asks."""

    user_name: str = ""


@action("iam:DeleteLoginProfile", resource=user_or_caller_arn, conditions=worn_by_user)
def delete_login_profile(state: State, call: Call[DeleteLoginProfile], _facts: Facts) -> Decision:
    """Take a user's password away, with all that was kept of earlier ones (IAM API, DeleteLoginProfile)."""
    account = account_of(state, call)
    user = _the_user(account, call)
    if isinstance(user, Refusal):
        return Decision(answer=user)
    if user.login is None:
        return _no_profile(user)
    gone = LoginProfileDeleted(account=account.id, user_id=UserId(user.id))
    return Decision(facts=(gone,), dropped=(user.login.password_id, *user.login.earlier))


class ChangePassword(msgspec.Struct, frozen=True, rename="pascal"):
    """What the caller's password is, and what it shall be."""

    old_password: str
    new_password: str


@action("iam:ChangePassword", resource=None)
def change_password(state: State, call: Call[ChangePassword], facts: Facts) -> Decision:
    """Let a user change his own password (IAM API, ChangePassword).

    1. the caller is a user, and may: by a policy, or because the account lets all its users;
    2. he has a password, and it is not locked by wrong guesses;
    3. the old one is right; a wrong one is counted;
    4. the new one fits the account's policy, and is none that may not come back.
    """
    user = call.caller.holder
    if call.caller.principal.kind is not PrincipalKind.USER or not isinstance(user, User):
        return refuse(Reason.INVALID_USER_TYPE, "Only IAM Users can change their own password")
    account = account_of(state, call)
    weighed = weigh(
        state,
        call,
        facts.now,
        "iam:ChangePassword",
        call.caller.principal.arn,
        conditions=resource_tags(user.tags),
        also=_granted_to_all(account),
    )
    if not weighed.verdict.allowed:
        return Decision(answer=refusal_of(weighed), weighed=(weighed,))
    decision = _changed(account, user, call, facts)
    return msgspec.structs.replace(decision, weighed=(weighed,), subject=call.caller.principal.arn)


def _granted_to_all(account: Account) -> tuple[Policy, ...]:
    """What AllowUsersToChangePassword comes to: every user may, within his boundary."""
    if account.password_policy is None or not account.password_policy.users_may_change:
        return ()
    return (compiled(GRANTED_TO_ALL, Kind.IDENTITY, Source("identity", "AllowUsersToChangePassword")),)


def _changed(account: Account, user: User, call: Call[ChangePassword], facts: Facts) -> Decision:
    profile, new_password, gathered = user.login, call.input.new_password, call.gathered
    if profile is None:
        return _no_profile(user)
    if user.password_attempts.locked(facts.now):
        return Decision(answer=LOCKED)
    if not isinstance(gathered, Changing) or gathered.password_id != profile.password_id:
        return Decision(answer=CHANGED)
    if not gathered.right:
        wrong = PasswordAttemptFailed(account=account.id, user_id=UserId(user.id))
        return refuse(Reason.ACCESS_DENIED, "The old password was incorrect.", (wrong,))
    refused = password_refused(account, new_password)
    if refused is not None:
        return Decision(answer=refused)
    if not set(gathered.repeats).isdisjoint(remembered(account, profile)):
        text = f"Password should not be one of the last {reuse_prevention(account)}"
        return refuse(Reason.PASSWORD_POLICY_VIOLATION, text)
    new = NewSecret(facts.new_id(KIND), PURPOSE, gathered.hashed)
    return _replaced(account, user, profile, new, reset=False)
