"""From an event, as somebody may see it, to the record that is shown."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any, Final

import msgspec

from authority.audit.answers import EventRecord, OutcomeRecord, SessionCaller, SessionRecord
from authority.audit.queries import Standing
from authority.audit.terms import ALLOWED, REFUSED, depth_of, partition, role_arn
from authority.kernel.arn import parse
from authority.model.authority import UnprovenRequestsSummarised
from authority.model.event import Event
from authority.model.sessions import SessionIssued, SessionKind


class End(msgspec.Struct, frozen=True):
    """How and where a session ended."""

    at: datetime
    cause: str
    position: int


def event_record(position: int, recorded_at: datetime, seen: Event, *, withheld: bool) -> EventRecord:
    """The record of what is *seen* of the event at *position*."""
    request = seen.request
    return EventRecord(
        position=position,
        id=request.id if request is not None and request.id else str(position),
        recorded_at=recorded_at,
        decided_at=seen.decided_at,
        action=seen.type,
        subject=seen.subject,
        caller=None if seen.caller is None else camel(seen.caller),
        request=None if request is None else camel(request),
        decisions=tuple(camel(decision) for decision in seen.decisions),
        outcome=_outcome(seen),
        facts=tuple(camel(fact) for fact in seen.facts),
        withheld=withheld,
    )


def _outcome(seen: Event) -> OutcomeRecord:
    for fact in seen.facts:
        if isinstance(fact, UnprovenRequestsSummarised):  # what nobody proved was refused, each for its own reason
            reasons = {one.reason for one in fact.requests}
            return OutcomeRecord(result=REFUSED, reason=reasons.pop() if len(reasons) == 1 else "")
    if not seen.outcome.refused:
        return OutcomeRecord(result=ALLOWED, warnings=seen.outcome.warnings)
    return OutcomeRecord(result=REFUSED, reason=seen.outcome.refused, message=seen.outcome.message)


def session_record(
    position: int, seen: Event, issued: SessionIssued, end: End | None, standing: Standing
) -> SessionRecord:
    """The record of a session that was *issued* by the event *seen*."""
    where = partition(seen)
    return SessionRecord(
        access_key_id=issued.access_key_id,
        account=issued.account,
        kind=str(issued.kind),
        arn=issued.arn(where),
        role_arn=role_arn(seen, issued),
        role_id=issued.role_id,
        user_arn="" if issued.kind is SessionKind.ROLE else issued.issuer_arn(where),
        user_id=issued.user_id,
        session_name=issued.session_name,
        position=position,
        issued_at=issued.issued_at,
        expires_at=issued.expires_at,
        status=str(standing),
        depth=depth_of(issued.ancestors),
        ended_at=None if end is None else end.at,
        ended_position=None if end is None else end.position,
        caller=_session_caller(seen, issued),
        ancestors=issued.ancestors,
        root_principal=issued.root_principal,
        source_identity=issued.source_identity,
        source_address="" if seen.request is None else seen.request.source_address,
        external_id=issued.external_id,
        tags=issued.tags,
        transitive_keys=issued.transitive_keys,
        policy=issued.policy,
        mfa_at=issued.mfa_at,
    )


def _session_caller(seen: Event, issued: SessionIssued) -> SessionCaller:
    parsed = parse(issued.caller_arn)
    account = parsed.account if parsed is not None else ("" if seen.caller is None else seen.caller.account)
    return SessionCaller(
        account=account,
        principal_id=issued.caller_principal_id,
        arn=issued.caller_arn,
        access_key_id=issued.caller_access_key_id,
    )


def camel(record: msgspec.Struct) -> dict[str, Any]:
    """*record* with its names in camel case and without what is empty or at its default; a tagged one says its type."""
    spelled: dict[str, Any] = {}
    tag = record.__struct_config__.tag
    if tag is not None:
        spelled["type"] = tag
    for name, shown, default in _fields(type(record)):
        value = getattr(record, name)
        if value == default or (not value and value in _EMPTY):
            continue
        spelled[shown] = value if type(value) in _PLAIN else _in_camel(value)
    return spelled


def _in_camel(value: Any) -> Any:
    """Structs are renamed, however deep; the keys of mappings are what somebody sent, and stay."""
    match value:
        case msgspec.Struct():
            return camel(value)
        case list() | tuple():
            return [one if type(one) in _PLAIN else _in_camel(one) for one in value]
        case dict():
            return {key: one if type(one) in _PLAIN else _in_camel(one) for key, one in value.items()}
        case _:
            return value


_PLAIN: Final = frozenset({str, int, bool, datetime})
_EMPTY: Final = ("", ())


@cache
def _fields(kind: type[msgspec.Struct]) -> tuple[tuple[str, str, Any], ...]:
    found = []
    for field in msgspec.structs.fields(kind):
        first, *rest = field.name.split("_")
        default = field.default if field.default is not msgspec.NODEFAULT else _nothing(field)
        found.append((field.name, first + "".join(word.title() for word in rest), default))
    return tuple(found)


def _nothing(field: msgspec.structs.FieldInfo) -> Any:
    return field.default_factory() if field.default_factory is not msgspec.NODEFAULT else msgspec.NODEFAULT
