"""Answers that are as long as they are: all events of a question, and those that come, while somebody listens.

Nothing is kept of them but the page that goes out.  Before each page whoever listens is judged again by the newest
state, so that a stream ends with the permission or the credentials that it began with: an export is cut short, so that
nobody takes it for whole, and what is followed says that it ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Final, NamedTuple, TypeAlias

import msgspec
import structlog

from authority.audit import ocsf, tokens
from authority.audit.answers import Behind, EventRecord, Events, SeenEvent, SeenEvents
from authority.audit.cloudtrail import record
from authority.audit.queries import FindEvents, Query, Range, SeeEvents
from authority.audit.streams import Form, StreamEvents
from authority.kernel.refusal import Reason, Refusal
from authority.ledger.port import Ledger, LedgerUnavailable
from authority.model.event import Event
from authority.model.fact import AccountFact
from authority.wire.dialects import CutShort, Pieces, Stream

log = structlog.get_logger()

Ask: TypeAlias = Callable[[Query, int], Awaitable[object]]
"""Answers a query from projections that have come to a position."""
Still: TypeAlias = Callable[[], bool]
"""Whether whoever listens may still have it."""

PAGE: Final = 200
AT_ONCE: Final = 16
"""Events that are spelled before others have their turn on the event loop."""
MOST_FOLLOWING: Final = 32
"""Streams that are followed at a time; each looks for what came whenever the log grew."""
HEARTBEAT: Final = 15.0
"""Seconds after which a stream that has nothing to say says so, and whoever listens is judged again."""
GATHERED: Final = 0.1
"""Seconds in which what comes together goes out together."""
TRIED_AGAIN: Final = 1.0
"""Seconds until a page that failed is asked for again."""
TYPES: Final = {
    Form.JSON: "application/x-ndjson",
    Form.JSONL: "application/x-ndjson",
    Form.CLOUDTRAIL: "application/json",
    Form.OCSF: "application/x-ndjson",
}
EVENTS: Final = "text/event-stream"
TOO_MANY: Final = Refusal(Reason.THROTTLING, "As many streams are followed as may be; try again later.")
ENDED: Final = b"event: end\ndata: {}\n\n"
"""The last words of what is followed: the authority stops, or whoever listens may do so no more."""
_ENCODE: Final = msgspec.json.Encoder().encode


class _Page(NamedTuple):
    """Events as they are spelled, with their positions, and how far the log was looked at."""

    events: list[tuple[int, bytes]]
    covered: int


class Streams:
    """Makes streams of one log."""

    def __init__(self, ledger: Ledger, ask: Ask, stopping: asyncio.Event) -> None:
        """Find events through *ask*; what is followed ends when *stopping* is set."""
        self._ledger = ledger
        self._ask = ask
        self._stopping = stopping
        self._following = 0

    def answer(self, query: StreamEvents, position: int) -> Stream | Refusal:
        """The stream that *query* asks for at *position*."""
        if not query.follow:
            return Stream(TYPES[query.form], lambda still: self._export(query, position, still))
        if self._following >= MOST_FOLLOWING:
            return TOO_MANY
        return Stream(EVENTS, lambda still: self._follow(query, position, still))

    async def _export(self, query: StreamEvents, position: int, still: Still) -> Pieces:
        """Everything up to *position*.  Raises `CutShort` when it may not be finished."""
        document = query.form is Form.CLOUDTRAIL
        begun, left = False, query.most
        if document:
            yield b'{"Records":[\n'
        async for page in self._pages(query, query.of, position):
            if not still():
                raise CutShort
            events, left = _first(page.events, left)
            if events and document:
                yield (b",\n" if begun else b"") + b",\n".join(spelled for _, spelled in events)
            elif events:
                yield b"".join(b"%b\n" % spelled for _, spelled in events)
            begun = begun or bool(events)
            if left == 0:
                break
        if document:
            yield b"\n]}\n"

    async def _follow(self, query: StreamEvents, position: int, still: Still) -> Pieces:
        """What is asked for up to *position*, then what comes; as server-sent events (HTML Standard, section 9.2)."""
        self._following += 1
        try:
            yield b": following\n\n"
            question, end, left = query.of, position, query.most
            done = position if query.from_now else None
            while True:
                failed = False
                try:
                    async for page in self._pages(query, _after(question, done, end), end):
                        if not still():
                            yield ENDED
                            return
                        events, left = _first(page.events, left)
                        if events:
                            yield b"".join(b"id: %d\ndata: %b\n\n" % event for event in events)
                        done = page.covered
                        if left == 0:
                            return
                except (Behind, LedgerUnavailable) as failure:
                    log.warning("stream_waits", position=done, reason=str(failure))
                    failed = True
                while not await self._grown(0 if failed else end):
                    if self._stopping.is_set() or not still():
                        yield ENDED
                        return
                    yield b": still here\n\n"
                await asyncio.sleep(TRIED_AGAIN if failed else GATHERED)
                end = (await self._ledger.head()).position
        finally:
            self._following -= 1

    async def _grown(self, after: int) -> bool:
        """Whether the log grew past *after*; False when it did not for a while, or when we are stopping."""
        growing = asyncio.ensure_future(self._ledger.wait(after))
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({growing, stopping}, timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED)
            return growing.done() and not stopping.done()
        finally:
            growing.cancel()
            stopping.cancel()

    async def _pages(self, query: StreamEvents, question: FindEvents, position: int) -> AsyncGenerator[_Page, None]:
        """What *question* finds up to *position*, page by page."""
        kind = FindEvents if query.form in (Form.JSON, Form.JSONL) else SeeEvents
        asked = kind(**{name: getattr(question, name) for name in kind.__struct_fields__})
        asked = msgspec.structs.replace(asked, max_results=PAGE)
        token: str | None = ""
        while token is not None:
            found = await self._ask(asked, position)
            if not isinstance(found, Events | SeenEvents):
                raise TypeError("events were asked for")
            events: list[tuple[int, bytes]] = []
            those: Sequence[EventRecord | SeenEvent] = found.events
            for number, event in enumerate(those, 1):
                events.append((event.position, _spelled(query, event)))
                if number % AT_ONCE == 0:
                    await asyncio.sleep(0)
            token = found.next_token
            left = Range(position + 1, position) if token is None else tokens.read(asked, token)
            if not isinstance(left, Range):
                raise TypeError("a token of ours reads as a range")
            yield _Page(events, left.low - 1)
            asked = msgspec.structs.replace(asked, resume=left)


def _after(question: FindEvents, done: int | None, end: int) -> FindEvents:
    """*question* about what was not looked at yet."""
    return question if done is None else msgspec.structs.replace(question, resume=Range(done + 1, end))


def _first(events: list[tuple[int, bytes]], most: int | None) -> tuple[list[tuple[int, bytes]], int | None]:
    """As many of *events* as may be, and how many more."""
    if most is None:
        return events, None
    return events[:most], max(most - len(events), 0)


def _spelled(query: StreamEvents, found: EventRecord | SeenEvent) -> bytes:
    if isinstance(found, EventRecord):
        return _ENCODE(found)
    account = query.of.account or _owner(found.event) or query.management
    if query.form is Form.OCSF:
        return _ENCODE(ocsf.event(found.position, found.recorded_at, found.event, account))
    return _ENCODE(record(found.position, found.event, account))


def _owner(event: Event) -> str:
    """Whose an event is, for somebody who sees all accounts'; empty where it is nobody's."""
    if event.caller is not None and event.caller.account:
        return event.caller.account
    return next((fact.account for fact in event.facts if isinstance(fact, AccountFact)), "")
