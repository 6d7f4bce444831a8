"""Inquiries about credentials: which entries are read, by which index, before `replay` tells what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from authority.accounts.inquiry import when
from authority.accounts.investigating import (
    AssessBlastRadius,
    GetSession,
    GetTimeline,
    ListChains,
    ListDeadKeyUse,
    ListFirstSeen,
    ListSources,
    ListValidCredentials,
    TraceLineage,
    filters_of,
)
from authority.answering.reach import Reach, Refused, breathing, missing
from authority.audit.answers import SeenEvent, SessionRecord
from authority.audit.queries import Range
from authority.kernel.ids import LONG_TERM_KEY, TEMPORARY_KEY, AccessKeyId
from authority.kernel.refusal import Reason, Refusal
from authority.model.principals import AccessKeyCreated
from authority.model.state import State
from authority.replay.chains import UNTOLD, Chains, Paths, sessions_before, step_of
from authority.replay.lineage import Lineage, Link, lineage, made_by, of_key, session_link
from authority.replay.reaching import ISSUING, MAKING, Radius, Reaching, led_to
from authority.replay.sightings import DeadKeys, DeadUses, Edge, Edges, Novelties, Sighting, Sources, earlier, holds
from authority.replay.timeline import Timeline, timeline
from authority.replay.validity import Standing, key_standing, owner_arn, session_standing

MOST_CREDENTIALS: Final = 10_000
"""Credentials that one inquiry follows."""
MOST_EDGES: Final = 10_000
"""Different chains, or new things, that one question is asked about."""
MOST_SESSIONS: Final = 1_000_000
"""Sessions of which it is remembered, while chains are told, what role they are of: some 150 bytes each."""
DEAD: Final = tuple(
    reason.value for reason in (Reason.INVALID_CLIENT_TOKEN_ID, Reason.EXPIRED_TOKEN, Reason.SIGNATURE_DOES_NOT_MATCH)
)


class Validity(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How a credential and all that it led to stand at a point of the log; `valid` counts those that count."""

    access_key_id: str
    position: int
    valid: int
    credentials: tuple[Standing, ...]
    cut: bool = False


class OneSession(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A session; `why` says that it counts, or why it does not."""

    session: SessionRecord
    valid: bool
    why: str
    lineage: Lineage


async def trace(reach: Reach, asked: TraceLineage) -> Lineage:
    """The way back from a credential to its root."""
    state = (await reach.version(reach.position)).state
    if asked.id.startswith(LONG_TERM_KEY):
        link = await _made(reach, state, asked.id)
        if link is None:
            raise _unknown(asked.id)
        return of_key(link, state.access_keys[link.access_key_id].owner)
    session = await reach.session(asked.id)
    if session is None:
        raise _unknown(asked.id)
    return await _lineage(reach, session)


async def _lineage(reach: Reach, session: SessionRecord) -> Lineage:
    state = (await reach.version(reach.position)).state
    known: dict[str, Link] = {}
    for key in (*session.ancestors, session.caller.access_key_id):
        link = await _made(reach, state, key)
        if link is None and key.startswith(TEMPORARY_KEY):
            before = await reach.session(key)
            link = None if before is None else session_link(before)
        if link is not None:
            known[key] = link
    return lineage(session, known)


async def session(reach: Reach, asked: GetSession) -> OneSession:
    """A session with its lineage, and how it stands."""
    found = await reach.session(asked.id)
    if found is None:
        raise _unknown(asked.id)
    (issued,) = (await reach.issued([found.position])).values()
    state = (await reach.version(reach.position)).state
    stands = session_standing(state, issued, found.position, reach.inquiry.now, reach.inquiry.partition)
    return OneSession(session=found, valid=stands.valid, why=stands.why, lineage=await _lineage(reach, found))


def _key(reach: Reach, state: State, access_key_id: str) -> Link | None:
    """A long-term key as part of a chain, if it may be seen."""
    key = state.access_keys.get(AccessKeyId(access_key_id))
    if key is None or reach.inquiry.eyes not in (None, key.account):
        return None
    arn = owner_arn(state, access_key_id, reach.inquiry.partition)
    return Link(
        access_key_id=access_key_id,
        kind="key",
        account=key.account,
        arn=arn,
        issued_at=key.created_at,
        status=key.status.value,
    )


async def _made(reach: Reach, state: State, access_key_id: str) -> Link | None:
    """The same, with where it was made, from where and with what, as far as that may be seen."""
    link = _key(reach, state, access_key_id)
    if link is None:
        return None
    everything = Range(1, reach.position)
    for action in MAKING:
        async for page in reach.events(everything, access_key=access_key_id, action=action):
            for seen in page:
                if any(
                    isinstance(fact, AccessKeyCreated) and fact.access_key_id == access_key_id
                    for fact in seen.event.facts
                ):
                    return made_by(link, seen)
    return link


def _unknown(access_key_id: str) -> Refused:
    return missing(f"There is no key or session {access_key_id} that may be looked at.")


async def followed(reach: Reach, start: str, within: Range, actions: Sequence[str] = ("",)) -> tuple[Reaching, bool]:
    """Everything that *start* led to *within* a part of the log, and whether there was too much of it.

    With *actions* no other entries are read: enough to know the credentials, and not what was done with them.
    """
    reaching = Reaching(start)
    pending = [start]
    while pending:
        named = pending.pop()
        if len(reaching.credentials) > MOST_CREDENTIALS:
            return reaching, True
        for action in actions:
            async for page in reach.events(within, access_key=named, action=action):
                async for seen in breathing(page):
                    pending += reaching.take(named, seen)
    return reaching, False


async def radius(reach: Reach, asked: AssessBlastRadius) -> Radius:
    """What a credential led to."""
    await _require_known(reach, asked.id)
    reaching, cut = await followed(reach, asked.id, await reach.range(asked.since, asked.until))
    return reaching.answer(cut=cut)


async def _require_known(reach: Reach, access_key_id: str) -> None:
    state = (await reach.version(reach.position)).state
    if _key(reach, state, access_key_id) is None and not await reach.some_events(
        Range(1, reach.position), 1, access_key=access_key_id
    ):
        raise _unknown(access_key_id)


async def valid(reach: Reach, asked: ListValidCredentials) -> Validity:
    """Which of them count, at a point of the log."""
    await _require_known(reach, asked.id)
    return await standing(reach, (asked.id,), asked.since, asked.at)


async def standing(reach: Reach, starts: Sequence[str], since: str | None, at: str) -> Validity:
    """How credentials and all that they led to stand at a point of the log."""
    point = await reach.point(at)
    low = (await reach.range(since, None)).low
    state = (await reach.version(point.position)).state
    found: dict[str, int | None] = {}
    parents: dict[str, str] = {}
    cut = False
    for start in starts:
        reaching, more = await followed(reach, start, Range(low, point.position), ISSUING)
        cut = cut or more
        found |= {one.access_key_id: one.position for one in reaching.credentials.values()}
        parents |= {child: parent for parent, child in led_to(reaching.answer())}
    for named, position in found.items():
        if position is None and named.startswith(TEMPORARY_KEY):
            session = await reach.session(named)
            found[named] = None if session is None else session.position
    sessions = [position for named, position in found.items() if position and named.startswith(TEMPORARY_KEY)]
    issued = await reach.issued([position for position in sessions if position <= point.position])
    partition, told = reach.inquiry.partition, []
    async for named, position in breathing(sorted(found.items(), key=lambda item: (item[1] or 0, item[0]))):
        if named in issued and position is not None:
            told.append(session_standing(state, issued[named], position, point.at, partition))
        elif (known := key_standing(state, named, point.at, partition)) is not None:
            told.append(msgspec.structs.replace(known, parent=parents.get(named, "")))
    return Validity(
        access_key_id=starts[0],
        position=point.position,
        valid=sum(one.valid for one in told),
        credentials=tuple(told),
        cut=cut,
    )


async def sources(reach: Reach, asked: ListSources) -> Sources:
    """From where credentials were used."""
    filters: dict[str, Any] = filters_of(asked.id)
    sighting = Sighting(filters.get("access_key", ""))
    async for page in reach.events(await reach.range(asked.since, asked.until), **filters):
        async for seen in breathing(page):
            sighting.take(seen)
    return sighting.answer()


async def paths(reach: Reach, asked: ListChains) -> Chains:
    """The paths that were gone from role to role.

    Whatever led to a session was issued before it, so one look over the sessions tells nearly all of every path.
    """
    found = Paths(min_depth=asked.min_depth, cycles=asked.cycles)
    steps, shared = dict[str, str](), dict[str, str]()
    async for page in reach.sessions(await reach.range(asked.since, asked.until)):
        async for end in breathing(page):
            for key in sessions_before(end):
                if key not in steps:
                    before = await reach.session(key)
                    steps[key] = UNTOLD if before is None else step_of(before)
            step = step_of(end)
            steps[end.access_key_id] = shared.setdefault(step, step)
            found.take(end, steps)
        if len(found) > MOST_EDGES:
            raise _too_much(f"{MOST_EDGES} different chains")
        if len(steps) > MOST_SESSIONS:
            raise _too_much(f"{MOST_SESSIONS} sessions")
    return found.answer()


async def first_seen(reach: Reach, asked: ListFirstSeen) -> Novelties:
    """What nobody did before."""
    within = await reach.range(asked.since, asked.until)
    edges = Edges()
    async for page in reach.everything(within):
        async for seen in breathing(page):
            edges.take(seen)
        if len(edges.found) > MOST_EDGES:
            raise _too_much(f"{MOST_EDGES} different things")
    new = [novelty for edge, novelty in edges.found.items() if not await _was_there(reach, edge, within.low)]
    found = sorted(new, key=lambda one: (one.position, one.kind, one.value))
    return Novelties(since=within.low, until=within.high, first_seen=tuple(found))


def _too_much(what: str) -> Refused:
    return Refused(Refusal(Reason.LIMIT_EXCEEDED, f"There are more than {what}; ask about a shorter part of the log."))


async def _was_there(reach: Reach, edge: Edge, before: int) -> bool:
    """Whether any entry *before* a position tells *edge* already."""
    async for page in reach.events(Range(1, before - 1), **earlier(edge)):
        if any(holds(edge, seen.event) for seen in page):
            return True
    return False


async def told(reach: Reach, asked: GetTimeline) -> Timeline:
    """What somebody did, in order."""
    within = await reach.range(asked.since, asked.until)
    start = when(asked.next_token)
    if isinstance(start, Refusal):
        raise Refused(start)
    left = Range(max(within.low, start.position or 1), within.high)
    found: list[SeenEvent] = await reach.some_events(left, asked.max_results + 1, **filters_of(asked.id))
    more = str(found[asked.max_results].position) if len(found) > asked.max_results else None
    return Timeline(moments=timeline(found[: asked.max_results], denials=asked.with_denials), next_token=more)


async def dead(reach: Reach, asked: ListDeadKeyUse) -> DeadUses:
    """Attempts with what counts no more."""
    within = await reach.range(asked.since, asked.until)
    keys = DeadKeys((await reach.version(reach.position)).state)
    met: set[int] = set()
    for reason in DEAD:
        async for page in reach.events(within, outcome=reason):
            async for seen in breathing(page):
                if seen.position not in met:
                    met.add(seen.position)
                    keys.take(seen)
    return keys.answer()
