"""Time travel: which versions a question needs, and what is read beside them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from authority.accounts.inquiry import when
from authority.accounts.travelling import CompareStates, GetHistory, GetRestoreCommands, GetStateAsOf
from authority.answering.reach import Point, Reach, Refused, breathing, missing
from authority.audit.answers import SessionRecord
from authority.audit.queries import Range
from authority.kernel.paging import page
from authority.kernel.refusal import Refusal
from authority.model.account import Account
from authority.model.event import Event, read_event
from authority.model.sessions import EndCause
from authority.model.state import EMPTY, State
from authority.replay.difference import Change, difference
from authority.replay.folding import one_by_one
from authority.replay.history import Following, Lives, Touched, told
from authority.replay.restoring import Restoring, restoring
from authority.replay.things import PLURALS, arn_of, described, find, held, name_of, thing

LONGEST_SESSION: Final = timedelta(hours=36)
"""GetFederationToken and GetSessionToken credentials live longest (STS API, DurationSeconds)."""
CHECKED: Final = 64
"""Sessions that are looked at for each that is wanted, before a page is given as it is."""


class StateAsOf(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What was true at *position*; `configured` is the newest entry that had changed it.

    Without a kind, `counts` says how many things of each kind there were; else `items` are the things.
    """

    position: int
    at: datetime
    configured: int
    counts: dict[str, int] | None = None
    items: tuple[Any, ...] | None = None
    next_token: str | None = None


class Differences(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What changed from the one point of the log to the other."""

    before: Point
    after: Point
    changes: tuple[Change, ...]
    words: tuple[str, ...]


async def state_as_of(reach: Reach, asked: GetStateAsOf) -> StateAsOf | Refusal:
    """What was true."""
    point = await reach.point(asked.when)
    version = await reach.version(point.position)
    state, accounts = version.state, _accounts(version.state, reach.whose)
    shown = StateAsOf(position=point.position, at=point.at, configured=version.configured)
    if asked.kind is None:
        counts = {plural: len(held(state, accounts, kind)) for plural, kind in PLURALS.items()}
        return msgspec.structs.replace(shown, counts=counts)
    if asked.kind == "sessions":
        return await _sessions(reach, asked, point, shown)
    kind, partition = PLURALS[asked.kind], reach.inquiry.partition
    if asked.name is not None:
        found = [(one, named) for one in accounts if (named := find(state, one, kind, asked.name)) is not None]
        if not found:
            raise missing(f"There was no {kind} {asked.name} at position {point.position}.")
        those = tuple(described(state, one, thing(state, one.id, kind, id_), partition) for one, id_ in found)
        return msgspec.structs.replace(shown, items=those)

    def order(pair: tuple[Account, Any]) -> str:
        return f"{pair[0].id} {arn_of(pair[0], pair[1], partition) or name_of(pair[1])} {pair[1].id}"

    cut = await asyncio.to_thread(
        page,
        held(state, accounts, kind),
        order,
        marker=asked.next_token,
        max_items=asked.max_results,
        scope=f"as-of|{reach.inquiry.eyes}|{reach.whose}|{asked.kind}",
    )
    if isinstance(cut, Refusal):
        return cut
    listed = tuple([described(state, one, value, partition) async for one, value in breathing(cut.items)])
    return msgspec.structs.replace(shown, items=listed, next_token=cut.marker)


async def _sessions(reach: Reach, asked: GetStateAsOf, point: Point, shown: StateAsOf) -> StateAsOf:
    """The sessions that had begun and not ended.  None lasts longer than `LONGEST_SESSION`."""
    within = await reach.range((point.at - LONGEST_SESSION).isoformat(), None)
    start = when(asked.next_token)
    if isinstance(start, Refusal):
        raise Refused(start)
    left = Range(max(within.low, start.position or 1), point.position)
    filters = {name: given for name in ("role", "principal") if (given := getattr(asked, name)) is not None}
    if asked.name is not None:
        filters["session"] = asked.name
    found: list[SessionRecord] = []
    looked, token = 0, None
    async for some in reach.sessions(left, **filters):
        for one in some:
            if len(found) == asked.max_results:
                token = str(one.position)
                break
            if counted(one, point):
                found.append(as_it_was(one, point))
        looked += len(some)
        if token is None and some and looked >= CHECKED * asked.max_results:
            token = str(some[-1].position + 1)
        if token is not None:
            break
    return msgspec.structs.replace(shown, items=tuple(found), next_token=token)


def counted(session: SessionRecord, point: Point) -> bool:
    """Whether a session had begun at *point* and had neither expired nor been ended."""
    if session.position > point.position or point.at >= session.expires_at:
        return False
    if session.ended_position is None:
        return True
    revoked = session.status == EndCause.REVOKED and session.ended_at is not None and session.ended_at <= point.at
    return session.ended_position > point.position and not revoked


def as_it_was(session: SessionRecord, point: Point) -> SessionRecord:
    """A session without what became of it after *point*."""
    if session.ended_position is None or session.ended_position <= point.position:
        return session
    return msgspec.structs.replace(session, status="active", ended_at=None, ended_position=None)


async def differences(reach: Reach, asked: CompareStates) -> Differences:
    """What changed between two points of the log."""
    before, after = await reach.point(asked.before), await reach.point(asked.after)
    old, new = await reach.version(before.position), await reach.version(after.position)
    changes = await asyncio.to_thread(difference, old.state, new.state, reach.whose)
    return Differences(
        before=before,
        after=after,
        changes=changes,
        words=tuple(sentence for change in changes for sentence in change.words),
    )


async def history(reach: Reach, asked: GetHistory) -> Lives:
    """The lives of what bore a name."""
    following = Following(PLURALS[asked.kind], asked.name, reach.whose)
    state = EMPTY
    async for entries in reach.configuration():
        async for folded in breathing(one_by_one(state, entries)):
            following.take(folded)
            state = folded.after
    if not following.touched:
        raise missing(f"There never was a {PLURALS[asked.kind]} {asked.name}.")
    return Lives(position=reach.position, lives=told(_seen(reach, following.touched)))


def _seen(reach: Reach, touched: Sequence[Touched]) -> list[tuple[Touched, Event]]:
    seen = [(one, reach.seen(read_event(one.entry.body))) for one in touched]
    return [(one, event) for one, event in seen if event is not None]


async def restore(reach: Reach, asked: GetRestoreCommands) -> Restoring:
    """The commands that make something again."""
    point = await reach.point(asked.as_of)
    then, now = await reach.version(point.position), await reach.version(reach.position)
    kind = PLURALS[asked.kind]
    for account in _accounts(then.state, reach.whose):
        named = find(then.state, account, kind, asked.name)
        if named is not None:
            value = thing(then.state, account.id, kind, named)
            before, everywhere = (then.state, point.position), reach.inquiry.eyes is None
            return restoring(before, now.state, account.id, value, reach.inquiry.partition, everywhere=everywhere)
    raise missing(f"There was no {kind} {asked.name} at position {point.position}.")


def _accounts(state: State, whose: str) -> list[Account]:
    """The account that is asked about, where it was there; or all of them, in order."""
    if whose:
        return [state.accounts[whose]] if whose in state.accounts else []
    return [state.accounts[named] for named in sorted(state.accounts)]
