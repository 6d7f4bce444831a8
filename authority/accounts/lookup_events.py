"""cloudtrail:LookupEvents - AWS's own search, over the account's trail, as far back as the log goes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from authority.access.action import Decision, Facts, action
from authority.access.call import Call
from authority.accounts.naming import the_account
from authority.audit import tokens
from authority.audit.answers import SeenEvent, SeenEvents
from authority.audit.attributes import OWN, Resource, named, read_only, resources_of, user_name
from authority.audit.cloudtrail import event_id, named_by, record
from authority.audit.queries import LookUpEvents as Query
from authority.audit.terms import Field, Term
from authority.kernel.refusal import Reason, Refusal
from authority.model.state import State

MOST: Final = 50
"""Events of a page (CloudTrail API, LookupEvents, MaxResults)."""
_SECOND: Final = timedelta(seconds=1)
_INDEXED: Final = {
    "EventName": Field.EVENT_NAME,
    "ReadOnly": Field.READ_ONLY,
    "Username": Field.USER_NAME,
    "ResourceType": Field.RESOURCE_TYPE,
    "ResourceName": Field.RESOURCE_NAME,
    "AccessKeyId": Field.ACCESS_KEY,
}
ONE_ATTRIBUTE: Final = Refusal(
    Reason.INVALID_LOOKUP_ATTRIBUTES,
    "Only one lookup attribute can be given; use GET /v1/events to combine filters.",
)
BACKWARDS: Final = Refusal(Reason.INVALID_TIME_RANGE, "The start time must not be later than the end time.")
FOREIGN_TOKEN: Final = Refusal(
    Reason.INVALID_NEXT_TOKEN, "The next token is not one that was returned for these parameters."
)
_ENCODE: Final = msgspec.json.Encoder().encode


class LookupAttribute(msgspec.Struct, frozen=True, rename="pascal"):
    """What to look for, and by which of the eight attributes."""

    attribute_key: str
    attribute_value: str


class LookupEvents(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """Which events; both times are included."""

    lookup_attributes: tuple[LookupAttribute, ...] = ()
    start_time: datetime | None = None
    end_time: datetime | None = None
    event_category: str | None = None
    max_results: int = MOST
    next_token: str | None = None


class Found(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """One event (CloudTrail API, Event); `cloud_trail_event` is the whole record, as a text of JSON."""

    event_id: str
    event_name: str
    read_only: str
    access_key_id: str | None
    event_time: datetime
    event_source: str
    username: str | None
    resources: tuple[dict[str, str], ...]
    cloud_trail_event: str


class LookedUp(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A page of events, newest first.  It may be short, even empty, while `next_token` asks for more."""

    events: tuple[Found, ...]
    next_token: str | None = None


@action("cloudtrail:LookupEvents", resource=the_account)
def lookup_events(_state: State, call: Call[LookupEvents], _facts: Facts) -> Decision:
    """Find events of the caller's account by at most one attribute (CloudTrail API, LookupEvents).

    1. one attribute, as in AWS, and times in order;
    2. an event id leads to one position or one request, whatever else is asked;
    3. the index proposes events that have the attribute, and the record of each says whether it has it;
    4. Insights, the only category that can be asked for by name, are none of ours: nothing is found.
    """
    wanted, account = call.input, call.caller.account
    if len(wanted.lookup_attributes) > 1:
        return Decision(answer=ONE_ATTRIBUTE)
    since, until = wanted.start_time, wanted.end_time
    if since is not None and until is not None and since > until:
        return Decision(answer=BACKWARDS)
    if wanted.event_category is not None:
        return Decision(answer=LookedUp(events=()))
    looked_for = wanted.lookup_attributes[0] if wanted.lookup_attributes else None

    def shape(page: SeenEvents) -> LookedUp:
        events = (found(one, account) for one in page.events if _has(one, account, looked_for))
        return LookedUp(events=tuple(events), next_token=page.next_token)

    query = Query(
        account=account,
        max_results=wanted.max_results,
        since=None if since is None else since.astimezone(UTC),
        until=None if until is None else until.astimezone(UTC).replace(microsecond=0) + _SECOND,
        shape=shape,
    )
    narrowed = _narrowed(query, account, looked_for)
    if narrowed is None:
        return Decision(answer=LookedUp(events=()))
    if wanted.next_token is None:
        return Decision(query=narrowed)
    left = tokens.read(narrowed, wanted.next_token)
    if isinstance(left, Refusal):
        return Decision(answer=FOREIGN_TOKEN)
    return Decision(query=msgspec.structs.replace(narrowed, resume=left))


def _narrowed(query: Query, account: str, looked_for: LookupAttribute | None) -> Query | None:
    """*query* bound to what may have the attribute; None when nothing can."""
    if looked_for is None:
        return query
    key, value = looked_for.attribute_key, looked_for.attribute_value
    if key == "EventId":
        named_ = named_by(value, account)
        if named_ is None:
            return None
        if named_.isdigit():
            position = max(int(named_), 1)
            return msgspec.structs.replace(query, from_position=position, to_position=position)
        return _with(query, (Field.ID, named_))
    if key == "EventSource":
        service, _, rest = value.partition(".")
        if service == "signin":  # our own actions, under the names that AWS gives them
            return _with(query, (Field.ACTION, f"{OWN}:*"))
        return _with(query, (Field.ACTION, f"{service}:*")) if rest in ("", "amazonaws.com") else None
    if key == "ReadOnly":
        value = value.lower()
    return _with(query, (_INDEXED[key], value))


def _with(query: Query, term: Term) -> Query:
    return msgspec.structs.replace(query, attribute=term)


def _has(one: SeenEvent, account: str, looked_for: LookupAttribute | None) -> bool:
    """Whether an event that was proposed has the attribute: some terms mean more than AWS does."""
    if looked_for is None:
        return True
    value, event = looked_for.attribute_value, one.event
    match looked_for.attribute_key:
        case "EventId":
            return event_id(one.position, event, account) == value.lower()
        case "EventSource":
            return named(event.type)[0] == value
        case "AccessKeyId":
            return event.caller is not None and event.caller.access_key_id == value
        case _:
            return True


def found(one: SeenEvent, account: str) -> Found:
    """What is shown of an event."""
    event = one.event
    source, name = named(event.type)
    return Found(
        event_id=event_id(one.position, event, account),
        event_name=name,
        read_only="true" if read_only(event.type) else "false",
        access_key_id=(event.caller.access_key_id if event.caller is not None else "") or None,
        event_time=event.decided_at.replace(microsecond=0),
        event_source=source,
        username=user_name(event.caller) or None,
        resources=tuple(_shown(resource) for resource in resources_of(event)),
        cloud_trail_event=_ENCODE(record(one.position, event, account)).decode(),
    )


def _shown(resource: Resource) -> dict[str, Any]:
    return {"ResourceType": resource.type, "ResourceName": resource.name}
