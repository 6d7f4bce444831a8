"""The questions that investigators ask about credentials: what led to them, what they led to, who used them and where.

Each is a permission of its own on the trail, and its asking is recorded like everything else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec

from authority.access.action import Decision, Facts, action
from authority.access.call import Call
from authority.access.naming import own_arn
from authority.accounts.inquiry import USUAL, Asking, Particular, WhenText, inquire
from authority.accounts.log import log_arn
from authority.accounts.trail import DEEPEST, Text, asks_for_own, trail_arn
from authority.kernel.arn import parse
from authority.kernel.ids import LONG_TERM_KEY, TEMPORARY_KEY
from authority.model.state import State

KeyIdText = Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9]{16,128}(?![\s\S])", description="AKIA... or ASIA...")]


def _is_key(text: str) -> bool:
    return text.startswith((LONG_TERM_KEY, TEMPORARY_KEY))


class _OfKey(Particular, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A question about a key or a session, by its access key id."""

    id: KeyIdText

    def wrong(self) -> Iterator[str]:
        """See `Particular`."""
        if not _is_key(self.id):
            yield "The value of id must be an access key id: AKIA... or ASIA..."


class _OfWhoever(Particular, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A question about a key, a session or a principal: an access key id, an ARN, or a unique id."""

    id: Text
    since: WhenText | None = None
    until: WhenText | None = None

    def wrong(self) -> Iterator[str]:
        """See `Particular`."""
        if parse(self.id) is None and not (self.id.isascii() and self.id.isalnum()):
            yield "The value of id must be an access key id, an ARN or a unique id."


def filters_of(whoever: str) -> dict[str, Any]:
    """The filter that finds what *whoever*, an access key id, an ARN or a unique id, did."""
    if parse(whoever) is not None:
        return {"principal": whoever}
    return {"access_key" if _is_key(whoever) else "principal_id": whoever}


class TraceLineage(_OfKey, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Which key or session."""


def session_arn(state: State, call: Call[GetSession]) -> str:
    """A session of the caller's account, or the log when more than that is asked for."""
    return own_arn(call, f"session/{call.input.id}") if asks_for_own(call) else log_arn(state, call)


class GetSession(_OfKey, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Which session."""

    def wrong(self) -> Iterator[str]:
        """See `Particular`."""
        if not self.id.startswith(TEMPORARY_KEY):
            yield "The value of id must be the access key id of a session: ASIA..."


@action("authority:GetSession", resource=session_arn)
def get_session(state: State, call: Call[GetSession], facts: Facts) -> Decision:
    """Show one session: what it carries, what led to it, and whether it counts or why not."""
    return inquire(state, call, facts)


@action("authority:TraceLineage", resource=trail_arn)
def trace_lineage(state: State, call: Call[TraceLineage], facts: Facts) -> Decision:
    """Say who is really behind a credential: the chain that led to it, back to its root."""
    return inquire(state, call, facts)


class AssessBlastRadius(_OfKey, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Which key or session, and in which part of the log."""

    since: WhenText | None = None
    until: WhenText | None = None


@action("authority:AssessBlastRadius", resource=trail_arn)
def assess_blast_radius(state: State, call: Call[AssessBlastRadius], facts: Facts) -> Decision:
    """Say what a credential led to, in all accounts that may be looked at, and what was done with it."""
    return inquire(state, call, facts)


class ListValidCredentials(_OfKey, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Which key or session, since when it led anywhere, and when its descendants are judged."""

    since: WhenText | None = None
    at: WhenText = "now"


@action("authority:ListValidCredentials", resource=trail_arn)
def list_valid_credentials(state: State, call: Call[ListValidCredentials], facts: Facts) -> Decision:
    """Say of a credential and of all that it led to whether it counts, at any point of the log."""
    return inquire(state, call, facts)


class ListSources(_OfWhoever, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Whose, and in which part of the log."""


@action("authority:ListSources", resource=trail_arn)
def list_sources(state: State, call: Call[ListSources], facts: Facts) -> Decision:
    """Say from which addresses and programs credentials were used, each with its first and last time."""
    return inquire(state, call, facts)


class ListChains(Particular, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """How deep at least, whether only those that come back to a role, and in which part of the log."""

    min_depth: int = 2
    cycles: bool = False
    since: WhenText | None = None
    until: WhenText | None = None

    def wrong(self) -> Iterator[str]:
        """See `Particular`."""
        if not 1 <= self.min_depth <= DEEPEST:
            yield f"The value of minDepth must be a number from 1 to {DEEPEST}."


@action("authority:ListChains", resource=trail_arn)
def list_chains(state: State, call: Call[ListChains], facts: Facts) -> Decision:
    """List the paths that were gone from role to role."""
    return inquire(state, call, facts)


class ListFirstSeen(Asking, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Since when something must be new."""

    since: WhenText
    until: WhenText | None = None


@action("authority:ListFirstSeen", resource=trail_arn)
def list_first_seen(state: State, call: Call[ListFirstSeen], facts: Facts) -> Decision:
    """List what somebody did that he never did before: a role, an action, an address."""
    return inquire(state, call, facts)


class GetTimeline(_OfWhoever, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Whose, in which part of the log, and whether what was refused is told too."""

    with_denials: bool = False
    max_results: int = USUAL
    next_token: Text | None = None


@action("authority:GetTimeline", resource=trail_arn)
def get_timeline(state: State, call: Call[GetTimeline], facts: Facts) -> Decision:
    """Tell what somebody did, in order, and how often the same was refused before it worked."""
    return inquire(state, call, facts)


class ListDeadKeyUse(Asking, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """In which part of the log."""

    since: WhenText | None = None
    until: WhenText | None = None


@action("authority:ListDeadKeyUse", resource=trail_arn)
def list_dead_key_use(state: State, call: Call[ListDeadKeyUse], facts: Facts) -> Decision:
    """List attempts with credentials that count no more, and with our keys and wrong signatures."""
    return inquire(state, call, facts)
