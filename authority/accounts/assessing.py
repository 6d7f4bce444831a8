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
