"""What if: the entries in order, the state that each was decided from, and the sessions that asked."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

from authority.accounts.what_if import MOST_ROWS, AskWhatIf
from authority.answering.reach import Reach, breathing
from authority.audit.answers import SeenEvent
from authority.audit.queries import Range
from authority.ledger.port import Entry
from authority.model.event import FoldedEvent
from authority.model.state import State
from authority.replay.folding import one_by_one
from authority.replay.overlay import Overlay
from authority.replay.what_if import Supposed, Supposing

MOST_AT_ONCE: Final = 20_000
"""Positions that one answer goes through, unless it is a cascade."""


class Walk:
    """The state before each entry, for whoever goes through them in order."""

    def __init__(self, reach: Reach, became: Callable[[int, FoldedEvent], None] | None = None) -> None:
        """Walk from wherever `begin` says; *became* is told of every entry of configuration on the way."""
        self._reach, self._became = reach, became
        self._pages: AsyncIterator[list[Entry]] | None = None
        self._waiting: deque[Entry] = deque()
        self._ended = False
        self._state: State | None = None

    async def begin(self, position: int, to: int) -> None:
        """Stand after *position*, to go no further than *to*."""
        self._state = (await self._reach.version(position)).state
        self._pages = aiter(self._reach.configuration(position, to))

    async def before(self, position: int) -> State:
        """The state before the entry at *position*."""
        if self._state is None or self._pages is None:
            raise TypeError("the walk has not begun")
        while True:
            while self._waiting and self._waiting[0].position < position:
                self._fold(self._waiting.popleft())
            if self._waiting or self._ended:
                return self._state
            page = await anext(self._pages, None)
            self._ended = page is None
            self._waiting.extend(page or ())

    def _fold(self, entry: Entry) -> None:
        if self._state is None:
            raise TypeError("the walk has not begun")
        (folded,) = one_by_one(self._state, [entry])
        self._state = folded.after
        if self._became is not None:
            self._became(entry.position, folded.event)


async def what_if(reach: Reach, asked: AskWhatIf) -> Supposed:
    """What would have been decided otherwise."""
    within = await reach.range(asked.next_token or asked.since, asked.until)
    token, last = None, within.high
    if not asked.cascade and within.high - within.low >= MOST_AT_ONCE:
        token = str(within.low + MOST_AT_ONCE)
        within = Range(within.low, within.low + MOST_AT_ONCE - 1)
    overlay = Overlay(asked.replacements, reach.whose, reach.inquiry.partition)
    most = min(asked.max_results, MOST_ROWS)
    supposing = Supposing(overlay, asked.absent, cascade=asked.cascade, most=most, eyes=reach.inquiry.eyes)
    walk = Walk(reach, supposing.became)
    await walk.begin(within.low - 1, within.high)
    pages = reach.everything(within) if asked.role is None else reach.events(within, role=asked.role)
    async for page in pages:
        await meet(reach, supposing, page)
        async for seen in breathing(page):
            supposing.take(seen, await walk.before(seen.position))
    return supposing.answer(within.low, within.high, last, token)


async def meet(reach: Reach, supposing: Supposing, page: Sequence[SeenEvent]) -> None:
    """Look up the sessions that asked, if they were issued before."""
    found = [await reach.session(key) for key in sorted(supposing.strange(page))]
    supposing.meet((await reach.issued([one.position for one in found if one is not None])).values())
