"""What an account asks of passwords: set, shown, removed (IAM API, UpdateAccountPasswordPolicy and its kin).

Whether a password fits is judged where passwords are set.
"""

from __future__ import annotations

import msgspec

from authority.access.action import Decision, Facts, action, refuse
from authority.access.call import Call
from authority.access.naming import account_of
from authority.accounts.naming import the_account
from authority.kernel.refusal import Reason
from authority.model.account import Account
from authority.model.passwords import PasswordPolicy, PasswordPolicyDeleted, PasswordPolicySet
from authority.model.state import State


class UpdateAccountPasswordPolicy(msgspec.Struct, frozen=True, rename="pascal"):
    """The whole policy: what is left out goes back to its default."""

    minimum_password_length: int = 6
    require_symbols: bool = False
    require_numbers: bool = False
    require_uppercase_characters: bool = False
    require_lowercase_characters: bool = False
    allow_users_to_change_password: bool = False
    max_password_age: int = 0
    password_reuse_prevention: int = 0
    hard_expiry: bool = False


@action("iam:UpdateAccountPasswordPolicy", resource=the_account)
def update_account_password_policy(_state: State, call: Call[UpdateAccountPasswordPolicy], _facts: Facts) -> Decision:
    """Say what passwords must be like from now on (IAM API, UpdateAccountPasswordPolicy)."""
    wanted = call.input
    policy = PasswordPolicy(
        minimum_length=wanted.minimum_password_length,
        require_symbols=wanted.require_symbols,
        require_numbers=wanted.require_numbers,
        require_uppercase=wanted.require_uppercase_characters,
        require_lowercase=wanted.require_lowercase_characters,
        users_may_change=wanted.allow_users_to_change_password,
        max_age=wanted.max_password_age,
        reuse_prevention=wanted.password_reuse_prevention,
        hard_expiry=wanted.hard_expiry,
    )
    return Decision(facts=(PasswordPolicySet(account=call.caller.account, policy=policy),))


class GetAccountPasswordPolicy(msgspec.Struct, frozen=True):
    """Nothing needs to be said."""


class PasswordPolicyShown(msgspec.Struct, frozen=True, rename="pascal", kw_only=True):
    """A password policy as IAM shows it (IAM API, PasswordPolicy); what was not set is left out."""

    minimum_password_length: int
    require_symbols: bool
    require_numbers: bool
    require_uppercase_characters: bool
    require_lowercase_characters: bool
    allow_users_to_change_password: bool
    expire_passwords: bool
    max_password_age: int | None
    password_reuse_prevention: int | None
    hard_expiry: bool | None


class AccountPasswordPolicy(msgspec.Struct, frozen=True, rename="pascal"):
    """The answer."""

    password_policy: PasswordPolicyShown


@action("iam:GetAccountPasswordPolicy", resource=the_account)
def get_account_password_policy(state: State, call: Call[GetAccountPasswordPolicy], _facts: Facts) -> Decision:
    """Show what passwords must be like (IAM API, GetAccountPasswordPolicy)."""
    account = account_of(state, call)
    policy = account.password_policy
    if policy is None:
        return _missing(account)
    shown = PasswordPolicyShown(
        minimum_password_length=policy.minimum_length,
        require_symbols=policy.require_symbols,
        require_numbers=policy.require_numbers,
        require_uppercase_characters=policy.require_uppercase,
        require_lowercase_characters=policy.require_lowercase,
        allow_users_to_change_password=policy.users_may_change,
        expire_passwords=policy.max_age > 0,
        max_password_age=policy.max_age or None,
        password_reuse_prevention=policy.reuse_prevention or None,
        hard_expiry=policy.hard_expiry or None,
    )
    return Decision(answer=AccountPasswordPolicy(shown))


class DeleteAccountPasswordPolicy(msgspec.Struct, frozen=True):
    """Nothing needs to be said."""


@action("iam:DeleteAccountPasswordPolicy", resource=the_account)
def delete_account_password_policy(state: State, call: Call[DeleteAccountPasswordPolicy], _facts: Facts) -> Decision:
    """Go back to what every account asks (IAM API, DeleteAccountPasswordPolicy)."""
    account = account_of(state, call)
    if account.password_policy is None:
        return refuse(Reason.NO_SUCH_ENTITY, "The account policy with name PasswordPolicy cannot be found.")
    return Decision(facts=(PasswordPolicyDeleted(account=account.id),))


def _missing(account: Account) -> Decision:
    text = f"The Password Policy with domain name {account.id} cannot be found."
    return refuse(Reason.NO_SUCH_ENTITY, text)
