"""Passwords: the facts about them and what is known of them.  The hashes themselves are sealed rows beside the log."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from authority.kernel.ids import UserId
from authority.model.fact import AccountFact

PURPOSE: Final = "password"
"""What the hashes of passwords are sealed for; a row's id is the password's."""


class LoginProfile(msgspec.Struct, frozen=True, kw_only=True):
    """A user's password, as far as anybody may know it.  `earlier` are ids of passwords before it, newest first."""

    password_id: str
    created_at: datetime
    changed_at: datetime
    reset_required: bool = False
    earlier: tuple[str, ...] = ()


class PasswordPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What an account asks of passwords (IAM API, UpdateAccountPasswordPolicy, whose defaults these are)."""

    minimum_length: int = 6
    require_symbols: bool = False
    require_numbers: bool = False
    require_uppercase: bool = False
    require_lowercase: bool = False
    users_may_change: bool = False
    max_age: int = 0
    """Days after which a password has to be changed; 0 is never."""
    reuse_prevention: int = 0
    """How many earlier passwords may not come back."""
    hard_expiry: bool = False


class LoginProfileCreated(AccountFact, frozen=True, kw_only=True, tag="login-profile-created"):
    """A user got a password."""

    user_id: UserId
    password_id: str
    reset_required: bool = False


class LoginProfileUpdated(AccountFact, frozen=True, kw_only=True, tag="login-profile-updated"):
    """A user has another password, or has to change it at the next sign-in."""

    user_id: UserId
    password_id: str
    reset_required: bool = False
    earlier: tuple[str, ...] = ()


class LoginProfileDeleted(AccountFact, frozen=True, kw_only=True, tag="login-profile-deleted"):
    """A user has no password any more."""

    user_id: UserId


class PasswordAttemptFailed(AccountFact, frozen=True, kw_only=True, tag="password-attempt-failed"):
    """Somebody gave a wrong password for a user."""

    user_id: UserId


class PasswordPolicySet(AccountFact, frozen=True, kw_only=True, tag="password-policy-set"):
    """An account asks this of passwords from here on."""

    policy: PasswordPolicy


class PasswordPolicyDeleted(AccountFact, frozen=True, kw_only=True, tag="password-policy-deleted"):
    """An account asks of passwords what every account asks."""
