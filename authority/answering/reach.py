"""What an inquiry can look at: the log as it stands at the inquiry, with the eyes of whoever asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar

import msgspec

from authority.accounts.inquiry import Inquiry, When, when
from authority.accounts.trail import standing_of
from authority.audit import tokens
from authority.audit.answers import SeenEvent, SeenEvents, SessionRecord, Sessions
from authority.audit.queries import MOST_RESULTS, FindSessions, Order, Query, Range, SeeEvents
from authority.audit.terms import issued_by
from authority.audit.visibility import seen_by
from authority.kernel.refusal import Reason, Refusal
from authority.ledger.port import Entry, Lane, Ledger
from authority.model.event import Event, read_event
from authority.model.sessions import SessionIssued
from authority.model.state import from_canonical, state_format
from authority.replay.as_of import Versions
from authority.replay.folding import BEGINNING, Version

Ask: TypeAlias = Callable[[Query, int], Awaitable[object]]
"""Answers a query from projections that have come to a position."""
Item = TypeVar("Item")

PAGE: Final = 512
NEAR: Final = 20_000
"""Entries over which the state is rather folded than read from a snapshot."""
AT_ONCE: Final = 16
"""Entries that are worked on before others have their turn on the event loop."""


class Point(msgspec.Struct, frozen=True):
    """A point of the log that an inquiry names: the position, and the moment that is judged at."""

    position: int
    at: datetime


class Refused(Exception):  # noqa: N818 - carries a no from wherever it is noticed
    """What is asked about is not there."""

    def __init__(self, refusal: Refusal) -> None:
        """Say *refusal*."""
        super().__init__(refusal.message)
        self.refusal = refusal


def missing(text: str) -> Refused:
    """What is asked about is not there: *text* says what."""
    return Refused(Refusal(Reason.NO_SUCH_ENTITY, text))


class Sources(msgspec.Struct, frozen=True):
    """Where all answers come from; `live` is the newest version of the state that is known."""

    ledger: Ledger
    ask: Ask
    versions: Versions
    live: Callable[[], Version]


class Reach:
    """One inquiry's view of the log."""

    def __init__(self, sources: Sources, inquiry: Inquiry, position: int) -> None:
        """Look at the log up to *position*, as *inquiry* may."""
        self._ledger, self._ask, self._versions = sources.ledger, sources.ask, sources.versions
        self._live = sources.live()
        self.inquiry = inquiry
        self.position = position

    # --- points of the log ------------------------------------------------------------------

    async def point(self, text: str | None) -> Point:
        """The point that *text* names (`accounts.inquiry.when`)."""
        found = when(text)
        if isinstance(found, Refusal):
            raise Refused(found)
        return await self._point(found)

    async def _point(self, named: When) -> Point:
        if named.moment is not None:
            position = min(await self._ledger.position_at(named.moment), self.position)
            return Point(position, min(named.moment, self.inquiry.now))
        if named.position is None:
            return Point(self.position, self.inquiry.now)
        if named.position > self.position:
            raise missing(f"The log ends at {self.position}, before {named.position}.")
        (entry,) = await self._ledger.entries_at([named.position])
        return Point(named.position, entry.at)

    async def range(self, since: str | None, until: str | None) -> Range:
        """The positions from one point on up to another: a moment `since` is included, a moment `until` is not."""
        low, high = 1, self.position
        if since is not None:
            found = when(since)
            if isinstance(found, When) and found.moment is not None:
                low = await self._before(found.moment) + 1
            else:
                low = (await self.point(since)).position
        if until is not None:
            found = when(until)
            if isinstance(found, When) and found.moment is not None:
                high = min(high, await self._before(found.moment))
            else:
                high = (await self.point(until)).position
        return Range(low, high)

    async def moment(self, text: str) -> datetime:
        """The moment that *text* names."""
        found = when(text)
        if isinstance(found, When) and found.moment is not None:
            return found.moment
        return (await self.point(text)).at

    async def _before(self, moment: datetime) -> int:
        return await self._ledger.position_at(moment - datetime.resolution)

    async def version(self, position: int) -> Version:
        """The state as it was at *position*."""
        known = self._live if self._live.position <= position else BEGINNING
        if self._live.configured <= position <= self._live.position:
            return Version(position, self._live.configured, self._live.state)
        if position - self._versions.nearest(position, known).position > NEAR:
            known = await self._snapshot(position) or known
        return await self._versions.at(self._ledger, position, known)

    async def _snapshot(self, position: int) -> Version | None:
        """The newest snapshot up to *position* that this release can read."""
        snapshot = await self._ledger.latest_snapshot(position)
        if snapshot is None or snapshot.format != state_format():
            return None
        state = await asyncio.to_thread(from_canonical, snapshot.body)
        return Version(snapshot.position, await self._ledger.configured_at(snapshot.position), state)

    # --- entries ----------------------------------------------------------------------------

    async def configuration(self, after: int = 0, to: int | None = None) -> AsyncIterator[list[Entry]]:
        """Pages of the entries that changed the state, in order."""
        last = self.position if to is None else to
        while after < last:
            page = await self._ledger.read(after, PAGE, Lane.CONFIG)
            wanted = [entry for entry in page if entry.position <= last]
            if wanted:
                yield wanted
                after = wanted[-1].position
            if len(wanted) < PAGE:
                return

    async def everything(self, within: Range) -> AsyncIterator[Sequence[SeenEvent]]:
        """Pages of all events that may be seen and are asked about, oldest first."""
        inquiry = self.inquiry
        if inquiry.eyes is not None or inquiry.about:
            async for page in self.events(within):
                yield page
            return
        after = within.low - 1
        while after < within.high:
            entries = await self._ledger.read(after, min(PAGE, within.high - after))
            if not entries:
                return
            yield [
                SeenEvent(position=entry.position, recorded_at=entry.at, event=read_event(entry.body))
                async for entry in breathing(entries)
            ]
            after = entries[-1].position

    async def events(
        self, within: Range, *, order: Order = Order.OLDEST, **filters: Any
    ) -> AsyncIterator[Sequence[SeenEvent]]:
        """Pages of the events that match *filters* (fields of `FindEvents`), each as it may be seen."""
        question = SeeEvents(
            account=self.inquiry.eyes,
            trail="" if self.inquiry.eyes is not None else self.inquiry.about,
            order=order,
            max_results=PAGE,
            resume=within,
            **filters,
        )
        while question.resume is not None and question.resume.low <= question.resume.high:
            found = await self._ask(question, self.position)
            if not isinstance(found, SeenEvents):
                raise TypeError("events were asked for")
            yield found.events
            question = msgspec.structs.replace(question, resume=_left(question, found.next_token))

    async def all_events(self, within: Range, **filters: Any) -> list[SeenEvent]:
        """The events that match *filters*, oldest first."""
        return [event async for page in self.events(within, **filters) for event in page]

    async def some_events(self, within: Range, most: int, **filters: Any) -> list[SeenEvent]:
        """The first of them."""
        found: list[SeenEvent] = []
        async for page in self.events(within, **filters):
            found += page
            if len(found) >= most:
                break
        return found[:most]

    async def sessions(self, within: Range | None = None, **filters: Any) -> AsyncIterator[Sequence[SessionRecord]]:
        """Pages of the sessions that match *filters* (fields of `FindSessions`), oldest first."""
        question = FindSessions(
            account=self.inquiry.eyes,
            trail="" if self.inquiry.eyes is not None else self.inquiry.about,
            order=Order.OLDEST,
            max_results=MOST_RESULTS,
            now=self.inquiry.now,
            standing=partial(standing_of, self._live.state, self.inquiry.now, self.inquiry.partition),
            resume=within or Range(1, self.position),
            **filters,
        )
        while question.resume is not None and question.resume.low <= question.resume.high:
            found = await self._ask(question, self.position)
            if not isinstance(found, Sessions):
                raise TypeError("sessions were asked for")
            yield found.sessions
            question = msgspec.structs.replace(question, resume=_left(question, found.next_token))

    async def session(self, access_key_id: str) -> SessionRecord | None:
        """One session, if it may be seen."""
        async for page in self.sessions(session=access_key_id):
            for one in page:
                return one
        return None

    async def issued(self, positions: Sequence[int]) -> dict[str, SessionIssued]:
        """The sessions that were issued at *positions*, whole: what they are judged by, and never shown."""
        found: dict[str, SessionIssued] = {}
        for start in range(0, len(positions), PAGE):
            async for entry in breathing(await self._ledger.entries_at(positions[start : start + PAGE])):
                session = issued_by(read_event(entry.body))
                if session is not None:
                    found[session.access_key_id] = session
        return found

    async def answer(self, query: Query) -> Any:
        """Whatever else the projections know."""
        return await self._ask(query, self.position)

    def seen(self, event: Event) -> Event | None:
        """*event* as it may be seen; keys of whoever stands behind it are nobody's here."""
        return event if self.inquiry.eyes is None else seen_by(event, self.inquiry.eyes)

    @property
    def whose(self) -> str:
        """The account that is asked about; empty for all of them."""
        return self.inquiry.about


def _left(question: SeeEvents | FindSessions, token: str | None) -> Range | None:
    if token is None:
        return None
    left = tokens.read(question, token)
    return left if isinstance(left, Range) else None


async def breathing(values: Iterable[Item]) -> AsyncIterator[Item]:
    """*values*, and a turn for everybody else now and then."""
    for number, value in enumerate(values, 1):
        yield value
        if number % AT_ONCE == 0:
            await asyncio.sleep(0)
