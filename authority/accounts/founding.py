"""What a new account is made of, and a new authority: facts, and the secrets that are sealed beside them.

Knows no caller: whether an account may be made is decided in `accounts`, and whether an authority, by who owns the
machine.
"""

from __future__ import annotations

import json
from typing import Final

import msgspec

from authority.access.action import Facts, NewSecret
from authority.kernel.ids import LONG_TERM_KEY, ROLE, USER, AccessKeyId, AccountId, RoleId, SealingKeyId, UserId
from authority.kernel.secret import Secret
from authority.model.authority import (
    SEALING_KEY_BYTES,
    SEALING_KEY_PURPOSE,
    AccountCreated,
    AuthorityInitialised,
    SealingKeyCreated,
    Settings,
    SettingsChanged,
)
from authority.model.fact import Fact
from authority.model.holders import InlinePolicyPut
from authority.model.principals import ACCESS_KEY_PURPOSE, AccessKeyCreated, UserCreated
from authority.model.roles import RoleCreated, Trust
from authority.model.state import State

ACCESS_ROLE: Final = "OrganizationAccountAccessRole"
"""The role through which the management account enters a new account (AWS Organizations User Guide, Accessing member
accounts)."""
FULL_ACCESS: Final = "AdministratorAccess"
FULL_ACCESS_DOCUMENT: Final = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)
SEALING_KEY: Final = "SEAL"
ACCOUNTS: Final = 10**12
"""How many account ids there are."""


class Made(msgspec.Struct, frozen=True):
    """What becomes true, and what is sealed beside it."""

    facts: tuple[Fact, ...]
    secrets: tuple[NewSecret, ...] = ()


class Administrator(Made, frozen=True, kw_only=True):
    """A user who may do everything in its account, and the one key it begins with; the secret is shown once, now."""

    user_id: UserId
    user_name: str
    access_key_id: AccessKeyId
    secret: Secret


class Founded(Made, frozen=True, kw_only=True):
    """An authority that has just begun."""

    administrator: Administrator


def found(
    account: AccountId, name: str, administrator: str, facts: Facts, *, settings: Settings, email: str = ""
) -> Founded:
    """A new authority: its settings, its first daily key, its management account and that account's administrator."""
    daily, admitted = new_sealing_key(facts), new_administrator(account, administrator, facts)
    return Founded(
        facts=(
            AuthorityInitialised(ledger_id=facts.draw(16).hex(), management_account=account),
            SettingsChanged(settings=settings),
            *daily.facts,
            AccountCreated(account=account, name=name, email=email),
            *admitted.facts,
        ),
        secrets=(*daily.secrets, *admitted.secrets),
        administrator=admitted,
    )


def new_account(
    account: AccountId,
    name: str,
    email: str,
    facts: Facts,
    *,
    management: AccountId,
    partition: str,
    role_name: str = ACCESS_ROLE,
) -> Made:
    """A member account, which whoever the management account allows to may enter through the role *role_name*."""
    role_id = RoleId(facts.new_id(ROLE))
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{partition}:iam::{management}:root"},
        "Action": "sts:AssumeRole",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    return Made(
        (
            AccountCreated(account=account, name=name, email=email),
            RoleCreated(account=account, role_id=role_id, name=role_name, path="/", trust=Trust(document)),
            InlinePolicyPut(account=account, holder=role_id, name=FULL_ACCESS, document=FULL_ACCESS_DOCUMENT),
        )
    )


def new_administrator(account: AccountId, name: str, facts: Facts) -> Administrator:
    """A user with every permission in *account*, and one access key."""
    user_id, key_id = UserId(facts.new_id(USER)), AccessKeyId(facts.new_id(LONG_TERM_KEY))
    secret = facts.new_secret_key()
    return Administrator(
        facts=(
            UserCreated(account=account, user_id=user_id, name=name, path="/"),
            InlinePolicyPut(account=account, holder=user_id, name=FULL_ACCESS, document=FULL_ACCESS_DOCUMENT),
            AccessKeyCreated(account=account, access_key_id=key_id, owner=user_id),
        ),
        secrets=(NewSecret(key_id, ACCESS_KEY_PURPOSE, secret),),
        user_id=user_id,
        user_name=name,
        access_key_id=key_id,
        secret=secret,
    )


def new_sealing_key(facts: Facts) -> Made:
    """A daily key for temporary credentials."""
    key_id = SealingKeyId(facts.new_id(SEALING_KEY))
    daily = Secret(facts.draw(SEALING_KEY_BYTES))
    return Made((SealingKeyCreated(key_id=key_id),), (NewSecret(key_id, SEALING_KEY_PURPOSE, daily),))


def unused_account_id(state: State, facts: Facts) -> AccountId:
    """Twelve digits that name no account."""
    while True:
        # Sixteen bytes, so that the remainder favours no id by more than one in a thousand million million.
        account = AccountId(f"{int.from_bytes(facts.draw(16), 'big') % ACCOUNTS:012d}")
        if account not in state.accounts:
            return account
