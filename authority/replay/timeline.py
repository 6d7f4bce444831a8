"""What somebody did, and what was tried and refused before it worked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from authority.audit.answers import SeenEvent
from authority.audit.records import camel
from authority.model.event import Event
from authority.model.revocations import SessionRevoked
from authority.model.sessions import SessionEnded, SessionIssued
from authority.replay.reaching import fact_name


class Moment(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One entry.  `refused_before` counts how often the same was refused since it last worked.

    `because` are the statements that determined the decisions, `silent` the permissions that nothing gave.
    """

    position: int
    at: datetime
    action: str
    about: str = ""
    outcome: str
    message: str = ""
    principal: str = ""
    access_key_id: str = ""
    source_address: str = ""
    refused_before: int = 0
    because: tuple[Any, ...] = ()
    silent: tuple[str, ...] = ()
    made: tuple[str, ...] = ()
    led_to: tuple[str, ...] = ()


class Timeline(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Entries in order.  `next_token` is the position at which it goes on."""

    moments: tuple[Moment, ...]
    next_token: str | None = None


def timeline(entries: Iterable[SeenEvent], *, denials: bool) -> tuple[Moment, ...]:
    """*entries* told one by one; without *denials*, what was refused is only counted."""
    refused: dict[tuple[str, str], int] = {}
    told = []
    for seen in entries:
        event = seen.event
        place = (event.type, about(event))
        if event.outcome.refused:
            refused[place] = refused.get(place, 0) + 1
            if denials:
                told.append(_moment(seen, 0))
            continue
        told.append(_moment(seen, refused.pop(place, 0)))
    return tuple(told)


def about(event: Event) -> str:
    """What an entry is about: the first resource that was weighed, else its subject."""
    return next((one.resource for one in event.decisions if not one.judged), event.subject)


def _moment(seen: SeenEvent, refused_before: int) -> Moment:
    event = seen.event
    caller, request = event.caller, event.request
    return Moment(
        position=seen.position,
        at=event.decided_at,
        action=event.type,
        about=about(event),
        outcome=event.outcome.refused or "allowed",
        message=event.outcome.message,
        principal="" if caller is None else caller.arn,
        access_key_id="" if caller is None else caller.access_key_id,
        source_address="" if request is None else request.source_address,
        refused_before=refused_before,
        because=tuple(camel(one) for decision in event.decisions for one in decision.determined_by),
        silent=tuple(
            f"{one.action} on {one.resource}" for one in event.decisions if one.effect.value == "implicitDeny"
        ),
        made=tuple(fact_name(fact) for fact in event.facts),
        led_to=tuple(
            fact.access_key_id
            for fact in event.facts
            if isinstance(fact, (SessionIssued, SessionEnded, SessionRevoked))
        ),
    )
