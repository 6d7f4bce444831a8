"""The alias of an account: a name to sign in by, that no other account has (IAM API, CreateAccountAlias)."""

from __future__ import annotations

import re
from typing import Annotated, Final

import msgspec

from authority.access.action import Decision, Facts, action, refuse
from authority.access.call import Call
from authority.access.listing import Listing, listed
from authority.access.naming import account_of
from authority.accounts.naming import the_account
from authority.kernel.arn import ACCOUNT_ID
from authority.kernel.refusal import Reason
from authority.model.account_settings import AccountAliasCreated, AccountAliasDeleted
from authority.model.state import State

LOOKS_LIKE_AN_ID: Final[re.Pattern[str]] = ACCOUNT_ID


class OneAlias(msgspec.Struct, frozen=True, rename="pascal"):
    """Which alias."""

    account_alias: str


@action("iam:CreateAccountAlias", resource=the_account)
def create_account_alias(state: State, call: Call[OneAlias], _facts: Facts) -> Decision:
    """Give the account an alias, in place of the one it had (IAM API, CreateAccountAlias)."""
    account, alias = account_of(state, call), call.input.account_alias
    if LOOKS_LIKE_AN_ID.fullmatch(alias):
        return refuse(Reason.VALIDATION_ERROR, "An account alias cannot be a 12-digit number.")
    if any(alias in one.aliases for one in state.accounts.values()):
        return refuse(Reason.ENTITY_ALREADY_EXISTS, f"The account alias {alias} already exists.")
    dropped = tuple(AccountAliasDeleted(account=account.id, alias=old) for old in account.aliases)
    return Decision(facts=(*dropped, AccountAliasCreated(account=account.id, alias=alias)))


@action("iam:DeleteAccountAlias", resource=the_account)
def delete_account_alias(state: State, call: Call[OneAlias], _facts: Facts) -> Decision:
    """Take the account's alias away (IAM API, DeleteAccountAlias)."""
    account, alias = account_of(state, call), call.input.account_alias
    if alias not in account.aliases:
        return refuse(Reason.NO_SUCH_ENTITY, f"The account alias with name {alias} cannot be found.")
    return Decision(facts=(AccountAliasDeleted(account=account.id, alias=alias),))


class ListAccountAliases(Listing, frozen=True):
    """Which page."""


class AccountAliases(msgspec.Struct, frozen=True, rename="pascal"):
    """The account's aliases: none or one."""

    account_aliases: tuple[str, ...]
    is_truncated: bool
    marker: str | None = None


@action("iam:ListAccountAliases", resource=the_account)
def list_account_aliases(_state: State, call: Call[ListAccountAliases], _facts: Facts) -> Decision:
    """List the account's aliases (IAM API, ListAccountAliases)."""
    return listed(
        call,
        "iam:ListAccountAliases",
        lambda state: account_of(state, call).aliases,
        str,
        lambda cut: AccountAliases(cut.items, cut.is_truncated, cut.marker),
    )


class ResolveAccountAlias(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Which alias."""

    alias: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{3,63}(?![\s\S])", description="The alias of an account.")]


class ResolvedAlias(msgspec.Struct, frozen=True, rename="camel"):
    """Whose it is."""

    alias: str
    account: str


@action("authority:ResolveAccountAlias", resource=None)
def resolve_account_alias(state: State, call: Call[ResolveAccountAlias], _facts: Facts) -> Decision:
    """Say which account has an alias.  It is a name to sign in by, so whoever is known here may ask."""
    alias = call.input.alias
    for account in state.accounts.values():
        if alias in account.aliases:
            return Decision(answer=ResolvedAlias(alias, account.id))
    return refuse(Reason.NO_SUCH_ENTITY, f"The account alias with name {alias} cannot be found.")
