"""The ledger in one SQLite file: the port, its threads, and what waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Concatenate, Final, ParamSpec, Self, TypeVar

from sqlalchemy import Connection, Engine

from authority.ledger.port import Claimed, Entry, Head, Lane, LedgerUnavailable, Moved, NewEntry, Snapshot
from authority.ledger.sql import reading, writing
from authority.ledger.sql.engines import READERS, database_path, reader_engine, writer_engine
from authority.ledger.sql.faults import told_apart
from authority.ledger.sql.ownership import Ownership
from authority.ledger.sql.schema import require_current
from authority.ledger.tlog import consistency_ranges, inclusion_ranges

T = TypeVar("T")
P = ParamSpec("P")

POLL_SECONDS: Final = 1.0
"""How long `wait` relies on hints; a commit whose answer was lost is noticed by then."""

WAL_PAGES_LEFT: Final = 2048
"""Once the write-ahead log has this many pages (8 MB), `checkpoint` holds the writer up for the rest of it."""


class SqliteLedger:
    """A `Ledger` (see there for what it promises) of one process.

    One thread writes, so transactions queue in the order of the calls; a few read beside it.
    """

    def __init__(self, path: Path, ownership: Ownership | None, writer: Engine | None) -> None:
        """Use `open`."""
        self._ownership = ownership
        self._writer = writer
        self._reader = reader_engine(path)
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="ledger-writing")
        self._reading = ThreadPoolExecutor(READERS, thread_name_prefix="ledger-reading")
        self._grown = asyncio.Event()
        self._closed = False

    @classmethod
    async def open(cls, url: str, *, only_read: bool = False) -> Self:
        """Open the ledger at *url*, which must have the present schema.

        Raises `LedgerInUse` when another process writes it, unless it is opened *only_read*, and `SchemaDiffers`.
        """
        path = database_path(url)
        if not path.is_file():
            raise LedgerUnavailable(f"there is no ledger at `{path}`")
        ownership = None if only_read else Ownership(path)
        ledger = cls(path, ownership, None if only_read else writer_engine(path))
        try:
            await ledger._in(ledger._reading, partial(require_current, ledger._reader))
        except BaseException:
            await ledger.close()
            raise
        return ledger

    async def append(self, entries: Sequence[NewEntry], *, folded: int) -> int | Moved | Claimed:
        """See `Ledger.append`."""
        if not entries:
            raise ValueError("nothing to append")
        return await self._write(writing.append, writing.Batch(entries), folded)

    async def append_fresh(self, entries: Sequence[NewEntry]) -> tuple[int | None, ...]:
        """See `Ledger.append_fresh`."""
        writing.require_sessions_only(entries)
        return await self._write(writing.append_fresh, writing.Batch(entries))

    async def read(self, after: int, limit: int, lane: Lane | None = None) -> list[Entry]:
        """See `Ledger.read`."""
        return await self._read(reading.entries, after, limit, lane)

    async def entries_at(self, positions: Sequence[int]) -> list[Entry]:
        """See `Ledger.entries_at`."""
        return await self._read(reading.entries_at, positions)

    async def head(self) -> Head:
        """See `Ledger.head`."""
        return await self._read(reading.head)

    async def root_at(self, position: int) -> bytes:
        """See `Ledger.root_at`."""
        return (await self._read(reading.frontier_over, 0, position)).root()

    async def position_at(self, moment: datetime) -> int:
        """See `Ledger.position_at`."""
        return await self._read(reading.position_at, moment)

    async def wait(self, after: int) -> None:
        """See `Ledger.wait`."""
        while True:
            grown = self._grown  # taken before the head is read: what is appended in between sets it
            if (await self.head()).position > after:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await grown.wait()

    async def secret(self, id: str) -> tuple[str, bytes] | None:  # noqa: A002 - the word of the house
        """See `Ledger.secret`."""
        return await self._read(reading.secret, id)

    async def secrets(self, purpose: str) -> list[tuple[str, bytes]]:
        """See `Ledger.secrets`."""
        return await self._read(reading.secrets, purpose)

    async def put_snapshot(self, snapshot: Snapshot) -> None:
        """See `Ledger.put_snapshot`."""
        try:
            root = await self.root_at(snapshot.position)
        except LookupError as fault:
            raise ValueError(f"a snapshot cannot be ahead of its log: {fault}") from fault
        if root != snapshot.root:
            raise ValueError(f"the snapshot at {snapshot.position} is of another history")
        await self._write(writing.put_snapshot, snapshot)

    async def latest_snapshot(self) -> Snapshot | None:
        """See `Ledger.latest_snapshot`."""
        return await self._read(reading.latest_snapshot)

    async def prove_inclusion(self, position: int, size: int) -> list[bytes]:
        """See `Ledger.prove_inclusion`."""
        return await self._roots(inclusion_ranges(position - 1, size), size)

    async def prove_consistency(self, old: int, new: int) -> list[bytes]:
        """See `Ledger.prove_consistency`."""
        return await self._roots(consistency_ranges(old, new), new)

    async def verify(self, after: int = 0, *, root: bytes | None = None, to: int | None = None) -> Head:
        """See `Ledger.verify`."""
        audit = await self._read(reading.Audit, after, root, to)
        while await self._read(audit.go_on):
            pass
        return await self._read(audit.conclude)

    async def checkpoint(self) -> None:
        """Copy the write-ahead log into the file beside the appends (SQLite, PRAGMA wal_checkpoint: PASSIVE).

        Appends that never pause would keep it from starting over, so a long one is finished while the writer waits;
        there is little left to copy then.
        """
        if await self._read(_checkpoint) > WAL_PAGES_LEFT and self._writer is not None:
            await self._write(lambda _: self._with_reader(_checkpoint))

    async def close(self) -> None:
        """See `Ledger.close`."""
        self._closed = True
        await asyncio.to_thread(self._release)

    async def _roots(self, ranges: Sequence[tuple[int, int]], size: int) -> list[bytes]:
        await self.root_at(size)  # a size that the log never had is a `LookupError`, as everywhere
        return [(await self._read(reading.frontier_over, start, end)).root() for start, end in ranges]

    async def _read(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._in(self._reading, partial(self._with_reader, work, *args, **kwargs))

    def _with_reader(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        with self._reader.connect() as connection:
            return work(connection, *args, **kwargs)

    async def _write(self, work: Callable[Concatenate[Engine, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a transaction.  One that has begun is waited for, even by a caller who is cancelled.

        Otherwise the caller could read the head, go on from it, and be overtaken by its own commit.
        """
        if self._writer is None:
            raise LedgerUnavailable("the ledger was opened for reading only")
        try:
            return await self._in(self._writing, partial(work, self._writer, *args, **kwargs))
        finally:  # also after a failure: what was reported lost may be there
            self._grown.set()
            self._grown = asyncio.Event()

    async def _in(self, threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        if self._closed:
            raise LedgerUnavailable("the ledger is closed")
        begun = threads.submit(_told_apart, work)
        outcome = asyncio.wrap_future(begun)
        try:
            return await asyncio.shield(outcome)
        except asyncio.CancelledError:
            if not begun.cancel():
                while not outcome.done():
                    with suppress(asyncio.CancelledError):
                        await asyncio.wait([outcome])
                outcome.exception()  # nobody is left to hear of it
            raise

    def _release(self) -> None:
        self._writing.shutdown()
        self._reading.shutdown()
        if self._writer is not None:
            self._writer.dispose()
        self._reader.dispose()
        if self._ownership is not None:
            self._ownership.release()


def _told_apart(work: Callable[[], T]) -> T:
    with told_apart():
        return work()


def _checkpoint(connection: Connection) -> int:
    """Copy what can be copied; say how many pages the write-ahead log has while some are left, else 0."""
    _, pages, copied = connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").one()
    return pages if copied < pages else 0
