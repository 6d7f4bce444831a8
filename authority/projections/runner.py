"""The runner: follows the log, and moves all projections and their checkpoint in one transaction.

What a crash leaves: the projections at some checkpoint, whole.  A file that is of another version, of another log or
damaged is thrown away and built again; where one was built beside it (`rebuild`), that takes its place.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Final, Self

import msgspec
import structlog
from sqlalchemy.exc import DatabaseError

from authority.audit.answers import Behind, Due
from authority.audit.queries import Query
from authority.kernel.ids import AccessKeyId, AccountId
from authority.kernel.refusal import Refusal
from authority.ledger.port import Entry, Ledger, LedgerCorrupt, LedgerUnavailable
from authority.projections.answering import Sources, answer
from authority.projections.engines import (
    Files,
    ProjectionsInUse,
    building,
    discard,
    make_tables,
    own,
    put_in_place,
    reader_engine,
    rebuilt,
    writer_engine,
)
from authority.projections.indexing import Rows, event_of, microseconds, moment, named_in
from authority.projections.reading import known_to, rows_of
from authority.projections.seeking import Effort
from authority.projections.tables import VERSION
from authority.projections.writing import store
from authority.sqlite.engines import Writer

log = structlog.get_logger()

PAGE: Final = 2048
AT_ONCE: Final = 16
"""Entries that are taken in before others have their turn on the event loop."""
LINGER: Final = 0.5
"""Seconds that entries may wait for a page of their own while no query asks for them."""
FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 30.0
"""Seconds until a page that failed is tried again; doubled each time."""

_DUE: Final = (
    "SELECT account, access_key_id, expires_at FROM session "
    "WHERE ended_at IS NULL AND expires_at <= ? ORDER BY expires_at LIMIT ?"
)


class Limits(msgspec.Struct, frozen=True):
    """How long a query waits for its position, in seconds, and how much work one page may be."""

    patience: float = 5.0
    effort: Effort = Effort()


USUAL: Final = Limits()


class Projections:
    """All projections of one log, in one file of their own."""

    def __init__(self, files: Files, ledger: Ledger, position: int, limits: Limits) -> None:
        """Use `open`."""
        self._files = files
        self._ledger = ledger
        self._limits = limits
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._number = count()
        self._asked = asyncio.Event()
        self.position = position
        """The last position that every projection has taken in."""

    @classmethod
    async def open(cls, database: Path, ledger: Ledger, limits: Limits = USUAL) -> Self:
        """Open the projections of *ledger* at *database*: those rebuilt beside it, or those there, or new ones.

        Raises `ProjectionsInUse` when another process has them.
        """
        ownership = own(database)
        try:
            if await _switch(database, ledger):
                log.info("projections_switched")
            position = await _position_in(database, ledger)
            if position is None:
                discard(database)
                await make_tables(database)
                position = 0
            files = Files(reader_engine(database), await Writer.over(writer_engine(database)), ownership)
            return cls(files, ledger, position, limits)
        except BaseException:
            ownership.release()
            raise

    async def close(self) -> None:
        """Let go of the file.  Call it when `run` has ended."""
        for *_, arrived in self._waiting:
            arrived.cancel()
        self._waiting.clear()
        await self._files.close()

    async def run(self) -> None:
        """Follow the log until cancelled.

        What fails is said and tried again, ever more seldom; only a log that does not fit together ends it.
        """
        pause = FIRST_PAUSE
        while True:
            try:
                taken = await self._advance()
                if not taken:
                    await self._ledger.wait(self.position)
                if taken < PAGE:
                    await self._linger()
                pause = FIRST_PAUSE
            except LedgerCorrupt:
                raise
            except Exception as failure:
                if isinstance(failure, LedgerUnavailable):
                    log.warning("projections_wait", position=self.position, reason=str(failure), seconds=pause)
                else:
                    log.exception("projections_failed", position=self.position, seconds=pause)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)

    async def come_to(self, position: int, told: Callable[[int], None]) -> None:
        """Take in the log up to *position*, which it has, while nobody runs these; say after each page how far it is.

        Raises what a ledger raises.  What was taken in stays so.
        """
        while self.position < position and await self._advance():
            told(self.position)

    async def caught_up(self, position: int) -> None:
        """Return when *position* is projected; raise `Behind` when that takes too long."""
        if self.position >= position:
            return
        arrived: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (position, next(self._number), arrived))
        self._asked.set()
        try:
            async with asyncio.timeout(self._limits.patience):
                await arrived
        except TimeoutError:
            raise Behind(self.position, position) from None

    async def answer(self, query: Query, at: int) -> object:
        """Answer *query* from projections that have come to the position *at*, in the shape that it asks for.

        A `Refusal` says that there is no such thing.  Raises `Behind` when the projections do not come to *at* in time.
        """
        await self.caught_up(at)
        async with self._files.reader.connect() as connection:
            found = await answer(query, Sources(connection, self._ledger, self.position, self._limits.effort))
        return found if query.shape is None or isinstance(found, Refusal) else query.shape(found)

    async def due_sessions(self, now: datetime, limit: int) -> list[Due]:
        """The first *limit* sessions whose time has passed at *now* and of whose end nothing is projected."""
        async with self._files.reader.connect() as connection:
            rows = await rows_of(connection, _DUE, (microseconds(now), limit))
        return [Due(AccountId(account), AccessKeyId(key), moment(expires)) for account, key, expires in rows]

    async def _linger(self) -> None:
        """Let entries come together while nobody asks for them: a page costs little more than an entry."""
        self._asked.clear()
        if not self._waiting:
            with suppress(TimeoutError):
                async with asyncio.timeout(LINGER):
                    await self._asked.wait()

    async def _advance(self) -> int:
        """Take in the next page, and say how many entries it had."""
        entries = await self._ledger.read(self.position, PAGE)
        if not entries:
            return 0
        rows = Rows()
        for start in range(0, len(entries), AT_ONCE):
            await (asyncio.sleep(0) if self._waiting else self._ledger.beside_append())
            await self._take_in(rows, entries[start : start + AT_ONCE])
        rows.spread()
        last = entries[-1]
        await self._files.writer.run(partial(store, rows=rows, position=last.position, leaf=last.leaf))
        self.position = last.position
        while self._waiting and self._waiting[0][0] <= self.position:
            *_, arrived = heapq.heappop(self._waiting)
            if not arrived.done():
                arrived.set_result(None)
        return len(entries)

    async def _take_in(self, rows: Rows, entries: Sequence[Entry]) -> None:
        """Add *entries* to *rows*: few at once, so that they are added while they are still near at hand."""
        events = [event_of(entry) for entry in entries]
        if unknown := rows.unknown(named_in(events)):
            rows.know(await self._files.writer.run(known_to, unknown))
        for entry, event in zip(entries, events, strict=True):
            rows.add(entry, event)


async def rebuild(database: Path, ledger: Ledger, told: Callable[[int], None]) -> tuple[int, bool]:
    """Build the projections of *ledger* beside those in *database*, and have them take their place.

    Gives the position that they have come to, and whether they are in place; otherwise somebody has *database* open,
    and they take its place when it is opened next.  What was cut off goes on where it was.  Raises `ProjectionsInUse`
    when somebody else is building them.
    """
    place = building(database)
    beside = await Projections.open(place, ledger)
    try:
        while beside.position < (head := (await ledger.head()).position):
            await beside.come_to(head, told)
    finally:
        await beside.close()
    # INVARIANT: renamed only when whole and closed, and while nobody goes on in it.
    with own(place):
        place.replace(rebuilt(database))
    try:
        ownership = own(database)
    except ProjectionsInUse:
        return beside.position, False
    with ownership:
        await _switch(database, ledger)
    return beside.position, True


async def _switch(database: Path, ledger: Ledger) -> bool:
    """Put what was rebuilt beside *database*, which is ours, in its place; if it is not of *ledger*, throw it away."""
    if not rebuilt(database).exists():
        return False
    if await _position_in(rebuilt(database), ledger) is None:
        discard(rebuilt(database))
        return False
    put_in_place(database)
    return True


async def _position_in(database: Path, ledger: Ledger) -> int | None:
    """How far what lies at *database* has come; None when it is of another version or another log, or damaged."""
    reader = reader_engine(database)
    try:
        async with reader.connect() as connection:
            if await rows_of(connection, "PRAGMA user_version") != [(VERSION,)]:
                return None
            rows = await rows_of(connection, "SELECT position, leaf FROM checkpoint")
    except DatabaseError as fault:
        log.warning("projections_damaged", reason=str(fault.orig))
        return None
    finally:
        await reader.dispose()
    if not rows:
        return 0
    ((position, leaf),) = rows
    try:
        (entry,) = await ledger.entries_at([position])
    except LookupError:
        return None
    return entry.position if entry.leaf == leaf else None
