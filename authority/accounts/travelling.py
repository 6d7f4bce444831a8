"""Time travel: what was true at any point of the log, what differs between two, who changed it, how to restore it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from authority.access.action import Decision, Facts, action
from authority.access.call import Call
from authority.accounts.inquiry import Asking, Paging, Particular, WhenText, inquire
from authority.accounts.trail import Text, trail_arn
from authority.model.state import State

SHOWN: Final = (
    "accounts", "users", "groups", "roles", "policies", "instance-profiles", "saml-providers", "oidc-providers",
    "mfa-devices", "identity-pools", "access-keys", "sessions",
)  # fmt: skip
"""What can be asked for as of a point of the log."""
FOLLOWED: Final = tuple(kind for kind in SHOWN if kind != "sessions")
"""What has a history."""
RESTORED: Final = ("users", "groups", "roles", "policies")
"""What commands can bring back."""


def _kind(given: str | None, known: tuple[str, ...]) -> Iterator[str]:
    if given is not None and given not in known:
        yield f"The value of kind must be one of {', '.join(known)}."


class GetStateAsOf(Paging, Particular, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """When; and of which kind, and which of them by name or unique id.  Without a kind: how many of each there were.

    Sessions can be narrowed to those of a role or of a principal, each by unique id or ARN.
    """

    when: WhenText
    kind: Text | None = None
    name: Text | None = None
    role: Text | None = None
    principal: Text | None = None

    def wrong(self) -> Iterator[str]:
        """See `Particular`."""
        yield from _kind(self.kind, SHOWN)
        if (self.role or self.principal) and self.kind != "sessions":
            yield "The parameters role and principal narrow sessions only."


@action("authority:GetStateAsOf", resource=trail_arn)
def get_state_as_of(state: State, call: Call[GetStateAsOf], facts: Facts) -> Decision:
    """Show what was true when the log stood there."""
    return inquire(state, call, facts)


class CompareStates(Asking, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The two points of the log that are compared."""

    before: WhenText
    after: WhenText = "now"


@action("authority:CompareStates", resource=trail_arn)
def compare_states(state: State, call: Call[CompareStates], facts: Facts) -> Decision:
    """Say what differs between two points of the log."""
    return inquire(state, call, facts)


class GetHistory(Particular, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The life of what has, or had, this name or unique id."""

    kind: Text
    name: Text

    def wrong(self) -> Iterator[str]:
        """See `Particular`."""
        yield from _kind(self.kind, FOLLOWED)


@action("authority:GetHistory", resource=trail_arn)
def get_history(state: State, call: Call[GetHistory], facts: Facts) -> Decision:
    """Say who changed it, when, and what."""
    return inquire(state, call, facts)


class GetRestoreCommands(Particular, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What shall be brought back, as it was when."""

    kind: Text
    name: Text
    as_of: WhenText

    def wrong(self) -> Iterator[str]:
        """See `Particular`."""
        yield from _kind(self.kind, RESTORED)


@action("authority:GetRestoreCommands", resource=trail_arn)
def get_restore_commands(state: State, call: Call[GetRestoreCommands], facts: Facts) -> Decision:
    """Name the AWS CLI commands that make it again as it was.  Nothing is changed by asking."""
    return inquire(state, call, facts)
