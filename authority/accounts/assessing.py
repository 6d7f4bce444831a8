"""Questions about permissions: who could take a role on, whom trust policies let in, what is needed and what is not."""

from __future__ import annotations

from authority.access.action import Decision, Facts, action
from authority.access.call import Call
from authority.accounts.inquiry import Asking, WhenText, inquire
from authority.accounts.trail import Text, trail_arn
from authority.model.state import State


class ListWhoCanAssume(Asking, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Which role, by name, unique id or ARN, and when."""

    role: Text
    as_of: WhenText = "now"


@action("authority:ListWhoCanAssume", resource=trail_arn)
def list_who_can_assume(state: State, call: Call[ListWhoCanAssume], facts: Facts) -> Decision:
    """List everybody who could take a role on, always or under conditions."""
    return inquire(state, call, facts)


class ListExternalAccess(Asking, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """When."""

    as_of: WhenText = "now"


@action("authority:ListExternalAccess", resource=trail_arn)
def list_external_access(state: State, call: Call[ListExternalAccess], facts: Facts) -> Decision:
    """List whom trust policies name beyond their own account, and who among them is nobody."""
    return inquire(state, call, facts)


class AssessExposure(Asking, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Which role, by name, unique id or ARN; and which change of its trust policy, by position: all unless given."""

    role: Text
    change: int | None = None


@action("authority:AssessExposure", resource=trail_arn)
def assess_exposure(state: State, call: Call[AssessExposure], facts: Facts) -> Decision:
    """Say who changed a trust policy and how, and which sessions were issued while it was so."""
    return inquire(state, call, facts)


class SuggestLeastPrivilege(Asking, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Which user or role, by ARN or unique id, and what part of the log counts as use."""

    id: Text
    since: WhenText | None = None
    until: WhenText | None = None


@action("authority:SuggestLeastPrivilege", resource=trail_arn)
def suggest_least_privilege(state: State, call: Call[SuggestLeastPrivilege], facts: Facts) -> Decision:
    """Say what a user or role used, and propose a policy that gives no more."""
    return inquire(state, call, facts)


class ListUnused(Asking, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Since when it must have been used."""

    since: WhenText


@action("authority:ListUnused", resource=trail_arn)
def list_unused(state: State, call: Call[ListUnused], facts: Facts) -> Decision:
    """List roles, keys, entries of trust policies and permissions that nobody used."""
    return inquire(state, call, facts)
