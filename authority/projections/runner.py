"""The runner: follows the log, and moves all projections and their checkpoint in one transaction.

What a crash leaves: the projections at some checkpoint, whole.  A file that is of another version, of another log or
damaged is thrown away and built again.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Sequence
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any, Final, Self

import structlog
from sqlalchemy.exc import DatabaseError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from authority.audit.answers import Behind, Due
from authority.audit.queries import Query
from authority.kernel.ids import AccessKeyId, AccountId
from authority.kernel.refusal import Refusal
from authority.ledger.port import Ledger, LedgerCorrupt, LedgerUnavailable
from authority.model.event import Event
from authority.projections.answering import Sources, answer
from authority.projections.engines import Ownership, discard, make_tables, reader_engine, writer_engine
from authority.projections.indexing import Rows, event_of, microseconds, moment, named_in
from authority.projections.reading import known_of, rows_of
from authority.projections.seeking import Effort
from authority.projections.tables import VERSION

log = structlog.get_logger()

PAGE: Final = 1024
AT_ONCE: Final = 32
"""Entries that are read before others have their turn on the event loop."""
PATIENCE: Final = 5.0
"""Seconds that a query waits for its position."""
FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 30.0
"""Seconds until a page that failed is tried again; doubled each time."""
USUAL_EFFORT: Final = Effort()

_POST: Final = "INSERT OR IGNORE INTO posting (term, account, position) VALUES (?, ?, ?)"
_TAKE_BACK: Final = "DELETE FROM posting WHERE term = ? AND account = ? AND position = ?"
_ISSUE: Final = (
    "INSERT OR IGNORE INTO session (access_key_id, account, role_id, position, expires_at) VALUES (?, ?, ?, ?, ?)"
)
_END: Final = (
    "UPDATE session SET ended_at = ?, ended_position = ?, cause = ? WHERE access_key_id = ? AND ended_at IS NULL"
)
_KEY: Final = "INSERT OR IGNORE INTO key (id, account) VALUES (?, ?)"
_USE: Final = "INSERT OR REPLACE INTO last_use (id, at, service, region, position) VALUES (?, ?, ?, ?, ?)"
_CHECKPOINT: Final = "INSERT OR REPLACE INTO checkpoint (id, position, leaf) VALUES (1, ?, ?)"
_DUE: Final = (
    "SELECT account, access_key_id, expires_at FROM session "
    "WHERE ended_at IS NULL AND expires_at <= ? ORDER BY expires_at LIMIT ?"
)


class Projections:
    """All projections of one log, in one file of their own."""

    def __init__(
        self, database: Path, ledger: Ledger, ownership: Ownership, *, patience: float, effort: Effort
    ) -> None:
        """Use `open`."""
        self._database = database
        self._ledger = ledger
        self._ownership = ownership
        self._patience = patience
        self._effort = effort
        self._writer: AsyncEngine = writer_engine(database)
        self._reader: AsyncEngine = reader_engine(database)
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._number = count()
        self.position = 0
        """The last position that every projection has taken in."""

    @classmethod
    async def open(
        cls, database: Path, ledger: Ledger, *, patience: float = PATIENCE, effort: Effort = USUAL_EFFORT
    ) -> Self:
        """Open the projections of *ledger* at *database*, made anew when what lies there is not theirs.

        Raises `ProjectionsInUse` when another process has them.
        """
        ownership = Ownership(database)
        try:
            projections = cls(database, ledger, ownership, patience=patience, effort=effort)
            if not await projections._goes_on():
                await projections._dispose()
                discard(database)
                projections = cls(database, ledger, ownership, patience=patience, effort=effort)
                await make_tables(projections._writer)
        except BaseException:
            ownership.release()
            raise
        return projections

    async def close(self) -> None:
        """Let go of the file.  Call it when `run` has ended."""
        for *_, arrived in self._waiting:
            arrived.cancel()
        self._waiting.clear()
        await self._dispose()
        self._ownership.release()

    async def run(self) -> None:
        """Follow the log until cancelled.

        What fails is said and tried again, ever more seldom; only a log that does not fit together ends it.
        """
        pause = FIRST_PAUSE
        while True:
            try:
                if not await self._advance():
                    await self._ledger.wait(self.position)
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

    async def caught_up(self, position: int) -> None:
        """Return when *position* is projected; raise `Behind` when that takes too long."""
        if self.position >= position:
            return
        arrived: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (position, next(self._number), arrived))
        try:
            async with asyncio.timeout(self._patience):
                await arrived
        except TimeoutError:
            raise Behind(self.position, position) from None

    async def answer(self, query: Query, at: int) -> object:
        """Answer *query* from projections that have come to the position *at*, in the shape that it asks for.

        A `Refusal` says that there is no such thing.  Raises `Behind` when the projections do not come to *at* in time.
        """
        await self.caught_up(at)
        async with self._reader.connect() as connection:
            found = await answer(query, Sources(connection, self._ledger, self.position, self._effort))
        return found if query.shape is None or isinstance(found, Refusal) else query.shape(found)

    async def due_sessions(self, now: datetime, limit: int) -> list[Due]:
        """The first *limit* sessions whose time has passed at *now* and of whose end nothing is projected."""
        async with self._reader.connect() as connection:
            rows = await rows_of(connection, _DUE, (microseconds(now), limit))
        return [Due(AccountId(account), AccessKeyId(key), moment(expires)) for account, key, expires in rows]

    async def _goes_on(self) -> bool:
        """Whether the file can be gone on with: it is of this version and of this log."""
        try:
            async with self._reader.connect() as connection:
                version = (await connection.exec_driver_sql("PRAGMA user_version")).scalar()
                if version != VERSION:
                    return False
                rows = await rows_of(connection, "SELECT position, leaf FROM checkpoint")
        except DatabaseError as fault:
            log.warning("projections_damaged", reason=str(fault.orig))
            return False
        if not rows:
            return True
        ((position, leaf),) = rows
        try:
            (entry,) = await self._ledger.entries_at([position])
        except LookupError:
            return False
        if entry.leaf != leaf:
            return False
        self.position = entry.position
        return True

    async def _advance(self) -> bool:
        """Take in the next page; False when there was none."""
        entries = await self._ledger.read(self.position, PAGE)
        if not entries:
            return False
        events: list[Event] = []
        for number, entry in enumerate(entries, 1):
            events.append(event_of(entry))
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
        async with self._writer.begin() as connection:
            rows = Rows(await known_of(connection, named_in(events)))
            for number, (entry, event) in enumerate(zip(entries, events, strict=True), 1):
                rows.add(entry.position, event)
                if number % AT_ONCE == 0:
                    await asyncio.sleep(0)
            last = entries[-1]
            await _store(connection, rows)
            await connection.exec_driver_sql(_CHECKPOINT, (last.position, last.leaf))
        self.position = last.position
        while self._waiting and self._waiting[0][0] <= self.position:
            *_, arrived = heapq.heappop(self._waiting)
            if not arrived.done():
                arrived.set_result(None)
        return True

    async def _dispose(self) -> None:
        await self._writer.dispose()
        await self._reader.dispose()


async def _store(connection: AsyncConnection, rows: Rows) -> None:
    """Write *rows*, in the order of the trees that they go into."""
    statements: tuple[tuple[str, Sequence[tuple[Any, ...]]], ...] = (
        (_POST, sorted(rows.postings)),
        (_TAKE_BACK, sorted(rows.moved)),
        (_ISSUE, sorted(rows.sessions)),
        (_END, rows.ends),
        (_KEY, rows.keys),
        (_USE, sorted(rows.uses.values())),
    )
    for statement, values in statements:
        if values:
            await connection.exec_driver_sql(statement, list(values))
