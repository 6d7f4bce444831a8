"""What else clients of AWS Organizations read before they show or plan anything.

An authority has one root with every account right below it, no policies of its own, and no services or accounts that
act for it: but for the accounts below the root, all of these lists are empty.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from authority.access.action import Decision, Facts, action, refuse
from authority.access.call import Call
from authority.access.listing import listed
from authority.access.organized import root_id
from authority.accounts.naming import outsider, the_account
from authority.accounts.organization import TokenListing, account_arn, root_arn
from authority.kernel.refusal import Reason
from authority.model.state import State

NO_PARENT: Final = "You specified a parent that doesn't exist."


class ServiceAccess(TokenListing, frozen=True):
    """Which page."""


class ServicesWithAccess(msgspec.Struct, frozen=True, rename="pascal"):
    """No service acts for the organisation."""

    enabled_service_principals: tuple[object, ...]
    next_token: str | None


@action("organizations:ListAWSServiceAccessForOrganization", resource=the_account)
def list_aws_service_access(state: State, call: Call[ServiceAccess], _facts: Facts) -> Decision:
    """List the services that may act for the organisation: none (Organizations API)."""
    return _none(state, call, "organizations:ListAWSServiceAccessForOrganization", ServicesWithAccess)


class ListDelegatedAdministrators(TokenListing, frozen=True):
    """For which service, and which page."""

    service_principal: str | None = None


class Delegates(msgspec.Struct, frozen=True, rename="pascal"):
    """No account administers for a service."""

    delegated_administrators: tuple[object, ...]
    next_token: str | None


@action("organizations:ListDelegatedAdministrators", resource=the_account)
def list_delegated_administrators(state: State, call: Call[ListDelegatedAdministrators], _facts: Facts) -> Decision:
    """List the accounts that administer services for the organisation: none (Organizations API)."""
    return _none(state, call, "organizations:ListDelegatedAdministrators", Delegates)


class ListPolicies(TokenListing, frozen=True, kw_only=True):
    """Of which kind, and which page."""

    filter: str


class PoliciesShown(msgspec.Struct, frozen=True, rename="pascal"):
    """The organisation has no policies."""

    policies: tuple[object, ...]
    next_token: str | None


@action("organizations:ListPolicies", resource=the_account)
def list_policies(state: State, call: Call[ListPolicies], _facts: Facts) -> Decision:
    """List the policies of the organisation: none (Organizations API, ListPolicies)."""
    return _none(state, call, f"organizations:ListPolicies|{call.input.filter}", PoliciesShown)


class ListPoliciesForTarget(TokenListing, frozen=True, kw_only=True):
    """On what, of which kind, and which page."""

    target_id: str
    filter: str


def _target_arn(state: State, call: Call[ListPoliciesForTarget]) -> str:
    target = call.input.target_id
    return root_arn(state, call.partition) if target == root_id(state) else account_arn(state, target, call.partition)


@action("organizations:ListPoliciesForTarget", resource=_target_arn)
def list_policies_for_target(state: State, call: Call[ListPoliciesForTarget], _facts: Facts) -> Decision:
    """List the policies on the root or on an account: none (Organizations API, ListPoliciesForTarget)."""
    target, kind = call.input.target_id, call.input.filter
    refused = outsider(state, call)
    if refused is None and target != root_id(state) and target not in state.accounts:
        return refuse(Reason.TARGET_NOT_FOUND, "You specified a target that doesn't exist.")
    return _none(state, call, f"organizations:ListPoliciesForTarget|{target}|{kind}", PoliciesShown)


class Below(TokenListing, frozen=True, kw_only=True):
    """Below what, and which page."""

    parent_id: str


def _parent_arn(state: State, call: Call[Any]) -> str:
    return root_arn(state, call.partition)


class Units(msgspec.Struct, frozen=True, rename="pascal"):
    """There are no units."""

    organizational_units: tuple[object, ...]
    next_token: str | None


@action("organizations:ListOrganizationalUnitsForParent", resource=_parent_arn)
def list_organizational_units_for_parent(state: State, call: Call[Below], _facts: Facts) -> Decision:
    """List the units right below the root: none (Organizations API, ListOrganizationalUnitsForParent)."""
    if outsider(state, call) is None and call.input.parent_id != root_id(state):
        return refuse(Reason.PARENT_NOT_FOUND, NO_PARENT)
    return _none(state, call, "organizations:ListOrganizationalUnitsForParent", Units)


class ListChildren(Below, frozen=True, kw_only=True):
    """Below what, of which kind, and which page."""

    child_type: str


class Child(msgspec.Struct, frozen=True, rename="pascal"):
    """What lies below the root (Organizations API, Child)."""

    id: str
    type: str


class Children(msgspec.Struct, frozen=True, rename="pascal"):
    """A page of what lies below the root."""

    children: tuple[Child, ...]
    next_token: str | None


@action("organizations:ListChildren", resource=_parent_arn)
def list_children(state: State, call: Call[ListChildren], _facts: Facts) -> Decision:
    """List what lies right below the root: all accounts, and no units (Organizations API, ListChildren)."""
    refused, kind = outsider(state, call), call.input.child_type
    if refused is not None:
        return Decision(answer=refused)
    if call.input.parent_id != root_id(state):
        return refuse(Reason.PARENT_NOT_FOUND, NO_PARENT)
    return listed(
        call,
        f"organizations:ListChildren|{kind}",
        lambda state: [Child(account, kind) for account in state.accounts] if kind == "ACCOUNT" else [],
        lambda child: child.id,
        lambda cut: Children(cut.items, cut.marker),
    )


def _none(state: State, call: Call[Any], scope: str, page: type[Any]) -> Decision:
    """An empty *page*, for who may ask; a token that nobody was given is refused like in every listing."""
    refused = outsider(state, call)
    if refused is not None:
        return Decision(answer=refused)
    nothing: list[object] = []
    return listed(call, scope, lambda _: nothing, str, lambda cut: page(cut.items, cut.marker))
