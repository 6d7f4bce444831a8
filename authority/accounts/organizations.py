"""Accounts and their one root, as the clients of AWS Organizations know them: listed, described, closed."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from authority.access.action import Decision, Facts, action, refuse
from authority.access.call import Call
from authority.access.context import Context
from authority.access.listing import listed
from authority.access.organized import organization_id, root_id
from authority.accounts.naming import outsider, the_account
from authority.accounts.organization import (
    AccountShown,
    TokenListing,
    account_arn,
    organization_arn,
    root_arn,
    shown,
    worn,
)
from authority.kernel.refusal import Reason
from authority.model.account_settings import AccountClosed
from authority.model.state import State

NO_ACCOUNT: Final = "You specified an account that doesn't exist."


class ListAccounts(TokenListing, frozen=True):
    """Which page."""


class AccountsShown(msgspec.Struct, frozen=True, rename="pascal"):
    """A page of accounts, closed ones too."""

    accounts: tuple[AccountShown, ...]
    next_token: str | None


@action("organizations:ListAccounts", resource=the_account)
def list_accounts(state: State, call: Call[ListAccounts], _facts: Facts) -> Decision:
    """List all accounts by id (Organizations API, ListAccounts)."""
    refused = outsider(state, call)
    if refused is not None:
        return Decision(answer=refused)
    return _accounts_listed(call, "organizations:ListAccounts")


class ListAccountsForParent(TokenListing, frozen=True, kw_only=True):
    """Below what, and which page."""

    parent_id: str


@action("organizations:ListAccountsForParent", resource=lambda state, call: root_arn(state, call.partition))
def list_accounts_for_parent(state: State, call: Call[ListAccountsForParent], _facts: Facts) -> Decision:
    """List the accounts right below the root: all of them (Organizations API, ListAccountsForParent)."""
    refused = outsider(state, call)
    if refused is not None:
        return Decision(answer=refused)
    if call.input.parent_id != root_id(state):
        return refuse(Reason.PARENT_NOT_FOUND, "You specified a parent that doesn't exist.")
    return _accounts_listed(call, "organizations:ListAccountsForParent")


def _accounts_listed(call: Call[Any], scope: str) -> Decision:
    return listed(
        call,
        scope,
        lambda state: [shown(state, account, call.partition) for account in state.accounts.values()],
        lambda account: account.id,
        lambda cut: AccountsShown(cut.items, cut.marker),
    )


class OneAccount(msgspec.Struct, frozen=True, rename="pascal"):
    """Which account."""

    account_id: str


class AccountAnswer(msgspec.Struct, frozen=True, rename="pascal"):
    """The answer."""

    account: AccountShown


def _asked_about(state: State, call: Call[OneAccount]) -> str:
    return account_arn(state, call.input.account_id, call.partition)


def _worn(state: State, call: Call[OneAccount]) -> Context:
    return worn(state.accounts.get(call.input.account_id))


@action("organizations:DescribeAccount", resource=_asked_about, conditions=_worn)
def describe_account(state: State, call: Call[OneAccount], _facts: Facts) -> Decision:
    """Show one account (Organizations API, DescribeAccount)."""
    refused = outsider(state, call)
    if refused is not None:
        return Decision(answer=refused)
    account = state.accounts.get(call.input.account_id)
    if account is None:
        return refuse(Reason.ACCOUNT_NOT_FOUND, NO_ACCOUNT)
    return Decision(answer=AccountAnswer(shown(state, account, call.partition)))


@action("organizations:CloseAccount", resource=_asked_about, conditions=_worn)
def close_account(state: State, call: Call[OneAccount], _facts: Facts) -> Decision:
    """Close an account: its credentials and sessions count for nothing from here on (Organizations API, CloseAccount).

    What it holds is kept, and is there again when it is opened again.
    """
    refused = outsider(state, call)
    if refused is not None:
        return Decision(answer=refused)
    account = state.accounts.get(call.input.account_id)
    if account is None:
        return refuse(Reason.ACCOUNT_NOT_FOUND, NO_ACCOUNT)
    if account.id == state.management_account:
        return refuse(Reason.CONSTRAINT_VIOLATION, "You can't close the management account.")
    if account.closed_at is not None:
        return refuse(Reason.ACCOUNT_ALREADY_CLOSED, "You attempted to close an account that is already closed.")
    return Decision(facts=(AccountClosed(account=account.id),))


# --- the organisation -----------------------------------------------------------------------


class DescribeOrganization(msgspec.Struct, frozen=True):
    """Nothing needs to be said."""


class OrganizationShown(msgspec.Struct, frozen=True, rename="pascal", kw_only=True):
    """The organisation (Organizations API, Organization)."""

    id: str
    arn: str
    feature_set: str
    master_account_arn: str
    master_account_id: str
    master_account_email: str | None
    available_policy_types: tuple[object, ...] = ()


class OrganizationAnswer(msgspec.Struct, frozen=True, rename="pascal"):
    """The answer."""

    organization: OrganizationShown


@action("organizations:DescribeOrganization", resource=the_account)
def describe_organization(state: State, call: Call[DescribeOrganization], _facts: Facts) -> Decision:
    """Show the organisation, to every account in it (Organizations API, DescribeOrganization)."""
    management = state.accounts[state.management_account or call.caller.account]
    return Decision(
        answer=OrganizationAnswer(
            OrganizationShown(
                id=organization_id(state),
                arn=organization_arn(state, call.partition),
                feature_set="ALL",
                master_account_arn=account_arn(state, management.id, call.partition),
                master_account_id=management.id,
                master_account_email=management.email or None,
            )
        )
    )


class ListRoots(TokenListing, frozen=True):
    """Which page."""


class RootShown(msgspec.Struct, frozen=True, rename="pascal"):
    """The root (Organizations API, Root)."""

    id: str
    arn: str
    name: str
    policy_types: tuple[object, ...] = ()


class Roots(msgspec.Struct, frozen=True, rename="pascal"):
    """The roots: there is one."""

    roots: tuple[RootShown, ...]
    next_token: str | None


@action("organizations:ListRoots", resource=the_account)
def list_roots(state: State, call: Call[ListRoots], _facts: Facts) -> Decision:
    """List the one root (Organizations API, ListRoots)."""
    refused = outsider(state, call)
    if refused is not None:
        return Decision(answer=refused)
    return listed(
        call,
        "organizations:ListRoots",
        lambda state: [RootShown(root_id(state), root_arn(state, call.partition), "Root")],
        lambda root: root.id,
        lambda cut: Roots(cut.items, cut.marker),
    )


class ListParents(TokenListing, frozen=True, kw_only=True):
    """Of what, and which page."""

    child_id: str


class ParentShown(msgspec.Struct, frozen=True, rename="pascal"):
    """What an account lies below (Organizations API, Parent)."""

    id: str
    type: str = "ROOT"


class Parents(msgspec.Struct, frozen=True, rename="pascal"):
    """The parents: there is one."""

    parents: tuple[ParentShown, ...]
    next_token: str | None


@action(
    "organizations:ListParents", resource=lambda state, call: account_arn(state, call.input.child_id, call.partition)
)
def list_parents(state: State, call: Call[ListParents], _facts: Facts) -> Decision:
    """Say what an account lies below: the root (Organizations API, ListParents)."""
    refused = outsider(state, call)
    if refused is not None:
        return Decision(answer=refused)
    if call.input.child_id not in state.accounts:
        return refuse(Reason.CHILD_NOT_FOUND, "You specified a child that doesn't exist.")
    return listed(
        call,
        f"organizations:ListParents|{call.input.child_id}",
        lambda state: [ParentShown(root_id(state))],
        lambda parent: parent.id,
        lambda cut: Parents(cut.items, cut.marker),
    )
