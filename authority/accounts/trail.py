"""Reading the trail and the sessions: who may ask what of the log, and every filter checked before it is asked.

An account looks at its own trail.  The management account may look at the whole log, or at any one account's trail in
it, with nothing withheld: that is another resource, so that it takes another permission.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Final

import msgspec

from authority.access.action import Decision, Facts, action
from authority.access.call import Call
from authority.access.caller import Credential, SessionClaims, caller_of
from authority.access.context import is_address, unmapped
from authority.access.naming import own_arn
from authority.accounts.log import log_arn
from authority.accounts.naming import outsider
from authority.audit import tokens
from authority.audit.queries import (
    DEFAULT_RESULTS,
    MOST_RESULTS,
    FindEvents,
    FindSessions,
    OneEvent,
    Order,
    Standing,
    Status,
)
from authority.audit.streams import Form, StreamEvents
from authority.audit.terms import ALLOWED, REFUSED
from authority.kernel.arn import parse
from authority.kernel.ids import ROLE, TEMPORARY_KEY
from authority.kernel.refusal import Reason, Refusal
from authority.model.sessions import SessionIssued
from authority.model.state import State

WHOLE_LOG: Final = "*"
LONGEST_FILTER: Final = 2_048
DEEPEST: Final = 64

Text = Annotated[str, msgspec.Meta(max_length=LONGEST_FILTER)]
_ACTION: Final = re.compile(r"[A-Za-z0-9-]+:(\*|[A-Za-z0-9]+)", re.ASCII)
_UNIQUE_ID: Final = re.compile(r"[A-Z0-9]{4,128}", re.ASCII)
POSITION: Final = 2**63 - 1


class _Listing(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What every listing may be asked for."""

    account: Text | None = None
    """Whose trail; the caller's unless given.  `*` is the whole log."""
    order: Text | None = None
    max_results: int | None = None
    next_token: Text | None = None


class ListEvents(_Listing, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Which events.  Every filter that is given must hold."""

    since: Text | None = None
    until: Text | None = None
    from_position: int | None = None
    to_position: int | None = None
    principal: Text | None = None
    principal_id: Text | None = None
    access_key_id: Text | None = None
    session: Text | None = None
    session_name: Text | None = None
    role: Text | None = None
    action: Text | None = None
    outcome: Text | None = None
    source_address: Text | None = None
    format: Text = Form.JSON.value
    """A page of `json`; or all there is as `jsonl`, `cloudtrail` or `ocsf`."""
    follow: bool = False
    """Go on with the events that come, as server-sent events."""


class GetEvent(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Which event: the id of its request, or its position."""

    id: Text
    account: Text | None = None


class ListSessions(_Listing, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Which sessions.  Every filter that is given must hold."""

    status: Text = Status.ALL.value
    session: Text | None = None
    role: Text | None = None
    principal: Text | None = None
    descends_from: Text | None = None
    session_name: Text | None = None
    source_identity: Text | None = None
    source_address: Text | None = None
    min_depth: int | None = None
    """Sessions in the chain, the one that is listed included."""


def trail_arn(state: State, call: Call[Any]) -> str:
    """The caller's trail, or the log when more than that is asked for."""
    return own_arn(call, "trail") if asks_for_own(call) else log_arn(state, call)


def sessions_arn(state: State, call: Call[Any]) -> str:
    """The sessions of the caller's account, or the log when more than that is asked for."""
    return own_arn(call, "session/*") if asks_for_own(call) else log_arn(state, call)


@action("authority:ListEvents", resource=trail_arn)
def list_events(state: State, call: Call[ListEvents], _facts: Facts) -> Decision:
    """List events, newest first unless asked otherwise.  Times are recorded times: since included, until not.

    A stream begins with the oldest.  One that is followed begins with what comes next, or where it is asked to.
    """
    wanted = call.input
    refusal = outside(state, call) or _first(_wrong_in_events(wanted))
    if refusal is not None:
        return Decision(answer=refusal)
    query = FindEvents(
        account=call.caller.account if asks_for_own(call) else None,
        trail=_other_trail(call),
        order=Order(wanted.order or (Order.OLDEST if _streams(wanted) else Order.NEWEST)),
        max_results=wanted.max_results or DEFAULT_RESULTS,
        since=moment_of(wanted.since),
        until=moment_of(wanted.until),
        from_position=1 if wanted.from_position is None else wanted.from_position,
        to_position=wanted.to_position,
        principal=wanted.principal or "",
        principal_id=wanted.principal_id or "",
        access_key=wanted.access_key_id or "",
        session=wanted.session or "",
        session_name=wanted.session_name or "",
        role=wanted.role or "",
        action=wanted.action or "",
        outcome=wanted.outcome or "",
        source_address=unmapped(wanted.source_address or ""),
    )
    if not _streams(wanted):
        return _asked(query, wanted.next_token)
    stream = StreamEvents(
        of=query,
        form=Form(wanted.format),
        follow=wanted.follow,
        from_now=wanted.follow and wanted.since is None and wanted.from_position is None,
        most=wanted.max_results,
        management=state.management_account or "",
    )
    return Decision(query=stream)


@action("authority:GetEvent", resource=trail_arn)
def get_event(state: State, call: Call[GetEvent], _facts: Facts) -> Decision:
    """Show one event of a trail; what is not on it and what does not exist answer alike."""
    wanted = call.input
    refusal = outside(state, call)
    if refusal is not None:
        return Decision(answer=refusal)
    if _other_trail(call):
        text = "One event is looked up on your own trail, or with account=* in the whole log."
        return Decision(answer=invalid(text))
    return Decision(query=OneEvent(id=wanted.id, account=call.caller.account if asks_for_own(call) else None))


@action("authority:ListSessions", resource=sessions_arn)
def list_sessions(state: State, call: Call[ListSessions], facts: Facts) -> Decision:
    """List sessions of an account's roles and users in the order of their issue, newest first unless asked."""
    wanted = call.input
    refusal = outside(state, call) or _first(_wrong_in_sessions(wanted))
    if refusal is not None:
        return Decision(answer=refusal)
    query = FindSessions(
        account=call.caller.account if asks_for_own(call) else None,
        trail=_other_trail(call),
        order=Order(wanted.order or Order.NEWEST),
        max_results=wanted.max_results or DEFAULT_RESULTS,
        now=facts.now,
        standing=partial(standing_of, state, facts.now, call.partition),
        status=Status(wanted.status),
        session=wanted.session or "",
        role=wanted.role or "",
        principal=wanted.principal or "",
        descends_from=wanted.descends_from or "",
        session_name=wanted.session_name or "",
        source_identity=wanted.source_identity or "",
        source_address=unmapped(wanted.source_address or ""),
        min_depth=wanted.min_depth or 1,
    )
    return _asked(query, wanted.next_token)


def standing_of(state: State, now: datetime, partition: str, issued: SessionIssued, position: int) -> Standing:
    """How a session stands in *state* that was *issued* at *position*: as a request of its own would be judged."""
    claims = SessionClaims.of(issued, position)
    judged = caller_of(state, Credential(issued.access_key_id, claims), now=now, partition=partition)
    if isinstance(judged, Refusal):
        return Standing.REVOKED if judged.reason is Reason.EXPIRED_TOKEN else Standing.ORPHANED
    return Standing.ACTIVE


def _asked(query: FindEvents | FindSessions, token: str | None) -> Decision:
    if token is None:
        return Decision(query=query)
    left = tokens.read(query, token)
    if isinstance(left, Refusal):
        return Decision(answer=left)
    return Decision(query=msgspec.structs.replace(query, resume=left))


# --- whose trail ----------------------------------------------------------------------------


def asks_for_own(call: Call[Any]) -> bool:
    """Whether the input's `account` is the caller's own."""
    return call.input.account in (None, call.caller.account)


def _other_trail(call: Call[Any]) -> str:
    """The one account whose trail is looked at in the whole log; empty where it is not one."""
    return "" if asks_for_own(call) or call.input.account == WHOLE_LOG else call.input.account


def outside(state: State, call: Call[Any]) -> Refusal | None:
    """Why the caller may not look where it wants to.  Whoever is not of the management account sees its own trail."""
    if asks_for_own(call):
        return None
    # INVARIANT: beside the permission on the log, for a policy of another account could name its ARN.
    refusal = outsider(state, call)
    if refusal is None and call.input.account not in (WHOLE_LOG, *state.accounts):
        text = "The value of account must be the id of an account, or * for the whole log."
        return invalid(text)
    return refusal


# --- what cannot be asked -------------------------------------------------------------------


def invalid(text: str) -> Refusal:
    """What was asked for cannot be asked like this; *text* says how it can."""
    return Refusal(Reason.VALIDATION_ERROR, text)


def _first(wrong: Iterator[str]) -> Refusal | None:
    text = next(wrong, None)
    return None if text is None else invalid(text)


def _wrong_in_events(wanted: ListEvents) -> Iterator[str]:
    """What cannot be asked like this, and what can."""
    yield from _wrong_in_listing(wanted)
    yield from _wrong_in_stream(wanted)
    for name in ("since", "until"):
        given = getattr(wanted, name)
        if given is not None and moment_of(given) is None:
            yield f"The value of {name} must be a time with its zone, such as 2026-01-31T12:00:00Z."
    since, until = moment_of(wanted.since), moment_of(wanted.until)
    if since is not None and until is not None and since >= until:
        yield "The time since must lie before the time until; swap them."
    for name in ("from_position", "to_position"):
        given = getattr(wanted, name)
        if given is not None and not 1 <= given <= POSITION:
            yield f"The value of {_camel(name)} must be a position: 1 or more."
    if wanted.from_position and wanted.to_position and wanted.from_position > wanted.to_position:
        yield "The position fromPosition must not lie after toPosition; swap them."
    if wanted.principal is not None and parse(wanted.principal) is None:
        yield "The value of principal must be an ARN; use principalId for a unique id."
    if wanted.principal_id is not None and not _UNIQUE_ID.fullmatch(wanted.principal_id):
        yield "The value of principalId must be a unique id, such as AIDA...; use principal for an ARN."
    yield from _wrong_ids(wanted)
    if wanted.action is not None and not _ACTION.fullmatch(wanted.action):
        yield "The value of action must be an action such as iam:CreateRole, or a whole service such as iam:*."
    if wanted.outcome is not None and wanted.outcome not in _OUTCOMES:
        yield f"The value of outcome must be {ALLOWED}, {REFUSED}, or the reason of a refusal, such as access-denied."


def _streams(wanted: ListEvents) -> bool:
    return wanted.follow or wanted.format != Form.JSON


def _wrong_in_stream(wanted: ListEvents) -> Iterator[str]:
    """What cannot be streamed like this, and what can."""
    if wanted.format not in set(Form):
        yield f"The value of format must be one of {', '.join(Form)}."
    if _streams(wanted) and wanted.next_token is not None:
        yield "A stream has no pages; leave nextToken out, and use fromPosition to go on."
    if wanted.follow and wanted.order == Order.NEWEST:
        yield "What is followed comes with the oldest first; leave order out."
    if wanted.follow and (wanted.until is not None or wanted.to_position is not None):
        yield "What is followed has no end; leave until and toPosition out."


def _wrong_in_sessions(wanted: ListSessions) -> Iterator[str]:
    """What cannot be asked like this, and what can."""
    yield from _wrong_in_listing(wanted)
    if wanted.status not in set(Status):
        yield f"The value of status must be one of {', '.join(Status)}."
    principal = wanted.principal
    if principal is not None and parse(principal) is None and not _UNIQUE_ID.fullmatch(principal):
        yield "The value of principal must be an ARN or a unique id."
    if wanted.descends_from is not None and not _UNIQUE_ID.fullmatch(wanted.descends_from):
        yield "The value of descendsFrom must be an access key id: AKIA... or ASIA..."
    if wanted.min_depth is not None and not 1 <= wanted.min_depth <= DEEPEST:
        yield f"The value of minDepth must be a number from 1 to {DEEPEST}."
    yield from _wrong_ids(wanted)


def _wrong_in_listing(wanted: _Listing) -> Iterator[str]:
    for name in wanted.__struct_fields__:
        if getattr(wanted, name) == "":
            yield f"The value of {_camel(name)} is empty; leave the parameter out, or say what to look for."
    if wanted.order is not None and wanted.order not in set(Order):
        yield f"The value of order must be {' or '.join(Order)}."
    most = POSITION if isinstance(wanted, ListEvents) and _streams(wanted) else MOST_RESULTS
    if wanted.max_results is not None and not 1 <= wanted.max_results <= most:
        yield f"The value of maxResults must be a number from 1 to {most}."


def _wrong_ids(wanted: ListEvents | ListSessions) -> Iterator[str]:
    """Names are given again to others, so only unique ids and ARNs find a role."""
    if wanted.role is not None:
        arn = parse(wanted.role)
        if not (wanted.role.startswith(ROLE) if arn is None else arn.kind == "role"):
            yield "The value of role must be a role's unique id (AROA...) or its ARN; its name may be given again."
    if wanted.session is not None and not wanted.session.startswith(TEMPORARY_KEY):
        yield "The value of session must be the access key id of a session (ASIA...); use sessionName for a name."
    if isinstance(wanted, ListEvents):
        key = wanted.access_key_id
        if key is not None and not _UNIQUE_ID.fullmatch(key):
            yield "The value of accessKeyId must be an access key id: AKIA... or ASIA..."
    if wanted.source_address is not None and not is_address(wanted.source_address):
        yield "The value of sourceAddress must be one IP address."


_OUTCOMES: Final = frozenset({ALLOWED, REFUSED, *Reason})


def moment_of(text: str | None) -> datetime | None:
    """The time that *text* says (RFC 3339), or None when it says none or lacks its zone."""
    if text is None:
        return None
    try:
        moment = msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        return None
    if moment.tzinfo is None:
        return None
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return None


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)
