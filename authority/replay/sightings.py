"""From where credentials are used, what nobody did before, and who still tries what counts no more."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from authority.audit.answers import SeenEvent
from authority.kernel.ids import AccessKeyId
from authority.model.authority import UnprovenRequests, UnprovenRequestsSummarised
from authority.model.event import Event
from authority.model.principals import KeyStatus
from authority.model.sessions import SessionIssued
from authority.model.state import State

FORMER: Final = "former"
"""The kind of a caller whose credentials were right and counted no more."""


# --- sources --------------------------------------------------------------------------------


class Source(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Uses of one credential from one address by one program.

    `seconds_after_first` is how long after the credential's first sighting this source came; the first has none.
    `proven` is False where the signature was wrong or the credential counted no more.
    """

    access_key_id: str
    principal: str = ""
    source_address: str
    user_agent: str = ""
    proven: bool
    count: int
    refused: int
    first: datetime
    last: datetime
    first_position: int
    seconds_after_first: float | None = None


class Sources(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All sources, each credential's in the order in which they came."""

    sources: tuple[Source, ...]


class Sighting:
    """Takes note of where credentials are used from."""

    def __init__(self, only: str = "") -> None:
        """Of every credential, or of *only* one."""
        self._only = only
        self._found: dict[tuple[str, str, str, bool], Source] = {}

    def take(self, seen: SeenEvent) -> None:
        """Take one entry into account."""
        event = seen.event
        for fact in event.facts:
            if isinstance(fact, UnprovenRequestsSummarised):
                for one in fact.requests:
                    if one.access_key_id:
                        self._note(one.access_key_id, one.source, "", one, seen, proven=False)
        if event.caller is not None and event.request is not None and event.caller.access_key_id:
            request = event.request
            proven = event.caller.kind != FORMER
            self._note(
                event.caller.access_key_id, request.source_address, request.user_agent, None, seen, proven=proven
            )

    def answer(self) -> Sources:
        """All that was seen."""
        first: dict[str, datetime] = {}
        for source in self._found.values():
            known = first.get(source.access_key_id)
            first[source.access_key_id] = source.first if known is None else min(known, source.first)
        told = []
        for source in self._found.values():
            later = (source.first - first[source.access_key_id]).total_seconds()
            told.append(msgspec.structs.replace(source, seconds_after_first=later or None))
        return Sources(
            sources=tuple(
                sorted(told, key=lambda one: (one.access_key_id, one.first, one.source_address, one.user_agent))
            )
        )

    def _note(
        self, key: str, address: str, agent: str, tried: UnprovenRequests | None, seen: SeenEvent, *, proven: bool
    ) -> None:
        if self._only and key != self._only:
            return
        event = seen.event
        first, last = (event.decided_at, event.decided_at) if tried is None else (tried.first, tried.last)
        count = 1 if tried is None else tried.count
        refused = count if tried is not None or event.outcome.refused else 0
        place = (key, address, agent, proven)
        known = self._found.get(place)
        if known is None:
            self._found[place] = Source(
                access_key_id=key,
                principal=event.caller.arn if event.caller is not None and tried is None else "",
                source_address=address,
                user_agent=agent,
                proven=proven,
                count=count,
                refused=refused,
                first=first,
                last=last,
                first_position=seen.position,
            )
            return
        self._found[place] = msgspec.structs.replace(
            known,
            count=known.count + count,
            refused=known.refused + refused,
            first=min(known.first, first),
            last=max(known.last, last),
            principal=known.principal or (event.caller.arn if event.caller is not None and tried is None else ""),
        )


# --- what nobody did before -----------------------------------------------------------------


class Edge(NamedTuple):
    """Who did something: the unique id of who asked, the kind of what is new about it, and what it is."""

    principal_id: str
    kind: str
    """`role`, `source-address` or `action`."""
    value: str


class Novelty(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Something that somebody did for the first time in the whole log."""

    kind: str
    value: str
    principal_id: str
    principal: str = ""
    position: int
    at: datetime
    count: int
    access_key_id: str = ""


class Novelties(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was new between two points of the log."""

    since: int
    until: int
    first_seen: tuple[Novelty, ...]


class Edges:
    """Gathers who did what in a part of the log; whether it was new is then asked of the part before."""

    def __init__(self) -> None:
        """Begin with none."""
        self.found: dict[Edge, Novelty] = {}

    def take(self, seen: SeenEvent) -> None:
        """Take one entry into account; what was refused was not done."""
        event = seen.event
        caller, request = event.caller, event.request
        if caller is None or request is None or caller.kind == FORMER or not caller.principal_id:
            return
        self._note(Edge(caller.principal_id, "source-address", request.source_address), seen)
        if event.outcome.refused:
            return
        self._note(Edge(caller.principal_id, "action", event.type), seen)
        for fact in event.facts:
            if isinstance(fact, SessionIssued) and fact.role_id:
                self._note(Edge(caller.principal_id, "role", fact.role_id), seen)

    def _note(self, edge: Edge, seen: SeenEvent) -> None:
        if not edge.value:
            return
        known = self.found.get(edge)
        if known is not None:
            self.found[edge] = msgspec.structs.replace(known, count=known.count + 1)
            return
        caller = seen.event.caller
        self.found[edge] = Novelty(
            kind=edge.kind,
            value=edge.value,
            principal_id=edge.principal_id,
            principal="" if caller is None else caller.arn,
            position=seen.position,
            at=seen.event.decided_at,
            count=1,
            access_key_id="" if caller is None else caller.access_key_id,
        )


def earlier(edge: Edge) -> dict[str, Any]:
    """The filters that find entries in which *edge* was there already."""
    field = {"role": "role", "source-address": "source_address", "action": "action"}[edge.kind]
    return {"principal_id": edge.principal_id, field: edge.value}


def holds(edge: Edge, event: Event) -> bool:
    """Whether *edge* is among what *event* tells."""
    edges = Edges()
    edges.take(SeenEvent(position=0, recorded_at=event.decided_at, event=event))
    return edge in edges.found


# --- dead keys ------------------------------------------------------------------------------


class DeadUse(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Attempts with a credential that counted no more, or with a key of ours and a wrong signature."""

    access_key_id: str
    status: str
    """Of the key now: `Active`, `Inactive`, `Deleted`; of a session `session`."""
    account: str = ""
    owner: str = ""
    source_address: str
    action: str
    reason: str
    count: int
    first: datetime
    last: datetime


class DeadUses(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All of them, the newest first."""

    uses: tuple[DeadUse, ...]


class DeadKeys:
    """Gathers attempts with what counts no more."""

    def __init__(self, state: State) -> None:
        """Say of keys what *state* knows of them."""
        self._state = state
        self._found: dict[tuple[str, str, str, str], DeadUse] = {}

    def take(self, seen: SeenEvent) -> None:
        """Take one entry into account."""
        event = seen.event
        for fact in event.facts:
            if isinstance(fact, UnprovenRequestsSummarised):
                for one in fact.requests:
                    if one.access_key_id:
                        place = (one.access_key_id, one.source, one.action, one.reason)
                        self._note(place, one.count, one.first, one.last)
        if event.caller is not None and event.caller.kind == FORMER and event.request is not None:
            place = (event.caller.access_key_id, event.request.source_address, event.type, event.outcome.refused)
            if place[0]:
                self._note(place, 1, event.decided_at, event.decided_at)

    def answer(self) -> DeadUses:
        """All that was found."""
        return DeadUses(uses=tuple(sorted(self._found.values(), key=lambda one: one.last, reverse=True)))

    def _note(self, place: tuple[str, str, str, str], count: int, first: datetime, last: datetime) -> None:
        known = self._found.get(place)
        if known is not None:
            self._found[place] = msgspec.structs.replace(
                known, count=known.count + count, first=min(known.first, first), last=max(known.last, last)
            )
            return
        key = self._state.access_keys.get(AccessKeyId(place[0]))
        self._found[place] = DeadUse(
            access_key_id=place[0],
            status="session" if key is None else KeyStatus(key.status).value,
            account="" if key is None else key.account,
            owner="" if key is None else key.owner,
            source_address=place[1],
            action=place[2],
            reason=place[3],
            count=count,
            first=first,
            last=last,
        )
