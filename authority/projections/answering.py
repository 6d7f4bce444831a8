"""Each query and how it is answered.

The projections propose positions; the bodies are read from the log; and the entry itself, as whoever asks may see it,
decides whether it belongs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final, assert_never

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from authority.audit import tokens
from authority.audit.accessing import Accessed, FindAccesses
from authority.audit.answers import EventRecord, Events, LastUse, SeenEvent, SeenEvents, SessionRecord, Sessions
from authority.audit.lending import CountLent, FindLoans
from authority.audit.queries import (
    AccessKeyLastUsed,
    FindEvents,
    FindSessions,
    LastUsed,
    LookUpEvents,
    OneEvent,
    Order,
    Query,
    Range,
    RoleLastUsed,
    SeeEvents,
    Standing,
    Status,
)
from authority.audit.records import End, event_record, session_record
from authority.audit.terms import (
    ANY,
    ANY_SESSION,
    ENDED,
    LIVE,
    Field,
    Term,
    issued_by,
    lookup_terms,
    terms_of,
    terms_of_session,
)
from authority.audit.visibility import Whose, accounts_of, keys_in, seen_by
from authority.kernel.refusal import Reason, Refusal
from authority.ledger.port import Entry, Ledger
from authority.model.event import Event
from authority.model.sessions import SessionIssued
from authority.projections.indexing import event_of, microseconds, moment
from authority.projections.lending import count_lent, find_loans
from authority.projections.reading import json_list, known_of, rows_of
from authority.projections.seeking import Effort, Search, seek
from authority.projections.tables import term_number, trail_number

_LAST_USES: Final = (
    "SELECT id, at, service, region, position FROM last_use WHERE id IN (SELECT value FROM json_each(?))"
)
_ACCESSES: Final = "SELECT who, action, at, region FROM access WHERE who IN (SELECT value FROM json_each(?))"
_ENDS: Final = (
    "SELECT access_key_id, ended_at, cause, ended_position FROM session "
    "WHERE access_key_id IN (SELECT value FROM json_each(?)) AND ended_at IS NOT NULL"
)
_LAST_BEFORE: Final = "SELECT position FROM moment WHERE at < ? ORDER BY at DESC, position DESC LIMIT 1"
_DIGITS: Final = 18
AT_ONCE: Final = 16
"""Records that are made before others have their turn on the event loop."""
NOTHING: Final[frozenset[Term]] = frozenset()
SAME_TERM: Final = 8
"""Entries that may be proposed for one id before it counts as missing: only a collision of hashes proposes others."""


class Sources(msgspec.Struct, frozen=True):
    """What answers are made from: projections that have come to `position`, and the log."""

    connection: AsyncConnection
    ledger: Ledger
    position: int
    effort: Effort


async def answer(query: Query, sources: Sources) -> object:
    """Answer *query*."""
    match query:
        case FindEvents():
            return await _events(query, sources)
        case FindSessions():
            return await _sessions(query, sources)
        case OneEvent():
            return await _one(query, sources)
        case LastUsed():
            return await _last_uses(sources.connection, query.ids)
        case AccessKeyLastUsed():
            return (await _last_uses(sources.connection, (query.access_key_id,))).get(query.access_key_id)
        case FindAccesses():
            return await _accesses(sources.connection, query.ids)
        case FindLoans():
            return await find_loans(query, sources.connection)
        case CountLent():
            return await count_lent(query, sources.connection)
        case RoleLastUsed():
            return (await _last_uses(sources.connection, (query.role_id,))).get(query.role_id)
        case _:
            raise TypeError(f"nobody answers {type(query).__name__}")


# --- events ---------------------------------------------------------------------------------


async def _events(query: FindEvents, sources: Sources) -> Events | SeenEvents:
    conditions = query.conditions()
    looking_up = isinstance(query, LookUpEvents)
    search = Search(_lists(query.account, query.trail, conditions, ANY), query.order, sources.effort.steps)
    left = await _range(query, sources)
    records: list[EventRecord] = []
    as_seen: list[SeenEvent] = []
    for _ in range(sources.effort.rounds):
        wanted = query.max_results - len(records) - len(as_seen)
        if not wanted or left.low > left.high:
            break
        found = await seek(sources.connection, search, left, wanted)
        left = found.left
        for number, (entry, event, whose) in enumerate(await _read(sources, found.positions), 1):
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
            seen = _as_seen(event, query.account, query.trail, whose)
            if seen is None or not conditions <= terms_of(seen) | (lookup_terms(seen) if looking_up else NOTHING):
                continue
            if isinstance(query, SeeEvents):
                as_seen.append(SeenEvent(position=entry.position, recorded_at=entry.at, event=seen))
            else:
                records.append(event_record(entry.position, entry.at, seen, withheld=seen != event))
    token = tokens.write(query, left)
    if isinstance(query, SeeEvents):
        return SeenEvents(events=tuple(as_seen), position=sources.position, next_token=token)
    return Events(events=tuple(records), position=sources.position, next_token=token)


async def _range(query: FindEvents, sources: Sources) -> Range:
    """The positions to look at: what earlier pages left, or what the question bounds."""
    position = sources.position
    if query.resume is not None:
        return Range(query.resume.low, min(query.resume.high, position))
    low = max(query.from_position, 1)
    high = position if query.to_position is None else min(query.to_position, position)
    if query.since is not None:
        low = max(low, await _last_before(sources.connection, query.since) + 1)
    if query.until is not None:
        high = min(high, await _last_before(sources.connection, query.until))
    return Range(low, high)


async def _last_before(connection: AsyncConnection, at: datetime) -> int:
    """The last position recorded before *at*; 0 when there is none."""
    rows = await rows_of(connection, _LAST_BEFORE, (microseconds(at),))
    return rows[0][0] if rows else 0


async def _one(query: OneEvent, sources: Sources) -> EventRecord | Refusal:
    if query.id.isascii() and query.id.isdigit():
        named = int(query.id[:_DIGITS])
        positions = [named] if 1 <= named <= sources.position and len(query.id) <= _DIGITS else []
    else:
        lists = _lists(query.account, "", frozenset({(Field.ID, query.id)}), ANY)
        found = await seek(sources.connection, Search(lists, Order.NEWEST, 1), Range(1, sources.position), SAME_TERM)
        positions = found.positions
    for entry, event, whose in await _read(sources, positions):
        seen = _as_seen(event, query.account, "", whose)
        if seen is None:
            continue
        record = event_record(entry.position, entry.at, seen, withheld=seen != event)
        if query.id in (record.id, str(record.position)):
            return record
    # One wording, so that nobody learns what is on another's trail.
    return query.missing or Refusal(Reason.NO_SUCH_ENTITY, f"There is no event {query.id} on this trail.")


# --- sessions -------------------------------------------------------------------------------


async def _sessions(query: FindSessions, sources: Sources) -> Sessions:
    lists = _lists(query.account, query.trail, query.conditions(), ANY_SESSION)
    search = Search(lists, query.order, sources.effort.steps)
    conditions = query.conditions() - {LIVE, ENDED}
    # LIVE and ENDED change after the entry was written, so they are read off the sessions' own rows.
    left = query.resume or Range(1, sources.position)
    left = Range(left.low, min(left.high, sources.position))
    if query.session:
        # Its own row says where it was issued; to look for it among all that it did might be given up too soon.
        issued_at = (await known_of(sources.connection, [query.session])).sessions.get(query.session)
        left = _only(left, 0 if issued_at is None else issued_at.position)
    records: list[SessionRecord] = []
    for _ in range(sources.effort.rounds):
        wanted = query.max_results - len(records)
        if not wanted or left.low > left.high:
            break
        found = await seek(sources.connection, search, left, wanted)
        left = found.left
        read = await _read(sources, found.positions)
        ends = await _ends(
            sources.connection, [issued.access_key_id for _, event, _ in read if (issued := issued_by(event))]
        )
        for number, (entry, event, whose) in enumerate(read, 1):
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
            seen = _as_seen(event, query.account, query.trail, whose)
            issued = None if seen is None else issued_by(seen)
            if seen is None or issued is None or issued.account != (query.account or query.trail or issued.account):
                continue
            end = ends.get(issued.access_key_id)
            if not conditions <= terms_of(seen) | terms_of_session(seen, issued):
                continue
            whole = issued_by(event) or issued  # what is withheld counts, and is not shown
            standing = _standing(query, whole, entry.position) if end is None else Standing(end.cause)
            if _is(query.status, standing, ended=end is not None):
                records.append(session_record(entry.position, seen, issued, end, standing))
    return Sessions(sessions=tuple(records), position=sources.position, next_token=tokens.write(query, left))


def _only(within: Range, position: int) -> Range:
    """Of *within* the one *position*; nothing when it is not there."""
    return Range(max(within.low, position), min(within.high, position))


def _standing(query: FindSessions, issued: SessionIssued, position: int) -> Standing:
    """How a session stands of whose end nothing is written."""
    if query.now >= issued.expires_at:
        return Standing.EXPIRED
    return Standing.ACTIVE if query.standing is None else query.standing(issued, position)


def _is(status: Status, standing: Standing, *, ended: bool) -> bool:
    match status:
        case Status.ACTIVE:
            return standing is Standing.ACTIVE
        case Status.ENDED:
            return ended
        case Status.ALL:
            return True
        case _:
            assert_never(status)


async def _ends(connection: AsyncConnection, keys: Sequence[str]) -> dict[str, End]:
    rows = await rows_of(connection, _ENDS, (json_list(keys),))
    return {key: End(moment(at), cause, position) for key, at, cause, position in rows}


# --- last use -------------------------------------------------------------------------------


async def _last_uses(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, LastUse]:
    rows = await rows_of(connection, _LAST_USES, (json_list(ids),))
    return {id_: LastUse(moment(at), service, region, position) for id_, at, service, region, position in rows}


async def _accesses(connection: AsyncConnection, ids: Sequence[str]) -> tuple[Accessed, ...]:
    rows = await rows_of(connection, _ACCESSES, (json_list(ids),))
    return tuple(Accessed(who, action, moment(at), region) for who, action, at, region in rows)


# --- what all share -------------------------------------------------------------------------


def _lists(account: str | None, trail: str, conditions: frozenset[Term], everything: Term) -> list[tuple[int, int]]:
    """The lists whose positions must all agree."""
    lists = [(trail_number(account), term_number(term)) for term in sorted(conditions)]
    if account is None and trail:
        lists.append((trail_number(trail), term_number(everything)))
    return lists


async def _read(sources: Sources, positions: Sequence[int]) -> list[tuple[Entry, Event, Whose]]:
    """The entries at *positions* with what must be known of the keys in them."""
    if not positions:
        return []
    read = [(entry, event_of(entry)) for entry in await sources.ledger.entries_at(positions)]
    known = await known_of(sources.connection, {key for _, event in read for key in keys_in(event)})
    return [(entry, event, known.accounts) for entry, event in read]


def _as_seen(event: Event, account: str | None, trail: str, whose: Whose) -> Event | None:
    """*event* as *account* may see it; who sees everything may look at one trail, and sees it whole."""
    if account is not None:
        return seen_by(event, account, whose)
    return event if not trail or trail in accounts_of(event, whose) else None
