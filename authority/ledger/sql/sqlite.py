"""The ledger in one SQLite file: the port, whose turn it is to write, and what waits for it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, Self, TypeVar

from authority.ledger.binding import Mac
from authority.ledger.port import (
    Claimed,
    Entry,
    Head,
    Lane,
    LedgerCorrupt,
    LedgerUnavailable,
    Moved,
    NewEntry,
    SignedHead,
    Snapshot,
    Vault,
)
from authority.ledger.sql import reading, writing
from authority.ledger.sql.auditing import Audit, Search
from authority.ledger.sql.engines import database_path, reader_engine, writer_engine
from authority.ledger.sql.faults import told_apart
from authority.ledger.sql.owning import own
from authority.ledger.sql.schema import require_current
from authority.ledger.tlog import consistency_ranges, inclusion_ranges
from authority.sqlite.engines import Readers, Writer
from authority.sqlite.ownership import Ownership

T = TypeVar("T")
P = ParamSpec("P")

POLL_SECONDS: Final = 1.0
"""How long `wait` relies on hints; a commit whose answer was lost is noticed by then."""

LULL_SECONDS: Final = 0.05
"""So long after a write `beside_append` expects another one."""

WAL_PAGES_LEFT: Final = 1024
"""Once the write-ahead log has this many pages (8 MB), `checkpoint` holds the writer up for the rest of it."""


class SqliteLedger:
    """A `Ledger` (see there for what it promises) of one process.

    One connection writes, so transactions queue in the order of the calls; a few read beside it.
    """

    def __init__(self, path: Path, ownership: Ownership | None, mac: Mac | None) -> None:
        """Use `open`."""
        self._path = path
        self._mac = mac
        self._ownership = ownership
        self._writer: Writer | None = None
        self._readers = Readers(reader_engine(path))
        self._turn = asyncio.Lock()
        self._under_way: set[asyncio.Future[Any]] = set()
        self._grown = asyncio.Event()
        self._writing = asyncio.Event()
        self._wrote = float("-inf")
        self._closed = False

    @classmethod
    async def open(cls, url: str, *, only_read: bool = False, mac: Mac | None = None) -> Self:
        """Open the ledger at *url*, which must have the present schema.

        With *mac* what is written is bound to the root key, and what is not bound to it is not gone on from.

        Raises `LedgerInUse` when another process writes it, unless it is opened *only_read*, and `SchemaDiffers`.
        """
        path = database_path(url)
        if not path.is_file():
            raise LedgerUnavailable(f"there is no ledger at `{path}`")
        ledger = cls(path, None if only_read else own(path), mac)
        try:
            with told_apart():
                await require_current(ledger._readers)
                if not only_read:
                    ledger._writer = await Writer.over(writer_engine(path))
        except LedgerCorrupt as fault:
            await ledger.close()
            raise await located(path, fault) from fault
        except BaseException:
            await ledger.close()
            raise
        return ledger

    async def append(self, entries: Sequence[NewEntry], *, folded: int) -> int | Moved | Claimed:
        """See `Ledger.append`."""
        if not entries:
            raise ValueError("nothing to append")
        return await self._write(writing.append, writing.Batch(entries), folded, self._mac)

    async def append_fresh(self, entries: Sequence[NewEntry]) -> tuple[int | None, ...]:
        """See `Ledger.append_fresh`."""
        writing.require_sessions_only(entries)
        return await self._write(writing.append_fresh, writing.Batch(entries), self._mac)

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

    async def configured_at(self, position: int) -> int:
        """See `Ledger.configured_at`."""
        return await self._read(reading.configured_at, position)

    async def wait(self, after: int) -> None:
        """See `Ledger.wait`."""
        while True:
            grown = self._grown  # taken before the head is read: what is appended in between sets it
            if (await self.head()).position > after:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await grown.wait()

    async def beside_append(self) -> None:
        """See `Ledger.beside_append`."""
        await asyncio.sleep(0)
        if not self._writing.is_set() and asyncio.get_running_loop().time() < self._wrote + LULL_SECONDS:
            with suppress(TimeoutError):
                async with asyncio.timeout(LULL_SECONDS):
                    await self._writing.wait()

    async def secret(self, id: str) -> tuple[str, bytes] | None:  # noqa: A002 - the word of the house
        """See `Ledger.secret`."""
        return await self._read(reading.secret, id)

    async def secrets(self, purpose: str) -> list[tuple[str, bytes]]:
        """See `Ledger.secrets`."""
        return await self._read(reading.secrets, purpose)

    async def vault(self) -> Vault:
        """See `Ledger.vault`."""
        return await self._read(reading.vault)

    async def put_snapshot(self, snapshot: Snapshot) -> None:
        """See `Ledger.put_snapshot`."""
        try:
            root = await self.root_at(snapshot.position)
        except LookupError as fault:
            raise ValueError(f"a snapshot cannot be ahead of its log: {fault}") from fault
        if root != snapshot.root:
            raise ValueError(f"the snapshot at {snapshot.position} is of another history")
        await self._write(writing.put_snapshot, snapshot, self._mac)

    async def latest_snapshot(self, to: int | None = None) -> Snapshot | None:
        """See `Ledger.latest_snapshot`."""
        return await self._read(reading.latest_snapshot, to, self._mac)

    async def snapshots(self) -> list[Snapshot]:
        """See `Ledger.snapshots`."""
        return await self._read(reading.snapshots)

    async def put_signed_head(self, signed: SignedHead) -> None:
        """See `Ledger.put_signed_head`."""
        await self._write(writing.put_signed_head, signed, self._mac)

    async def latest_signed_head(self) -> SignedHead | None:
        """See `Ledger.latest_signed_head`."""
        return await self._read(reading.latest_signed_head)

    async def signed_heads(self, after: int, limit: int) -> list[SignedHead]:
        """See `Ledger.signed_heads`."""
        return await self._read(reading.signed_heads, after, limit)

    async def subtrees(self, height: int, first: int, count: int) -> list[bytes]:
        """See `Ledger.subtrees`."""
        return await self._read(reading.subtrees, height, first, count)

    async def prove_inclusion(self, position: int, size: int) -> list[bytes]:
        """See `Ledger.prove_inclusion`."""
        return await self._read(reading.roots, inclusion_ranges(position - 1, size), size)

    async def prove_consistency(self, old: int, new: int) -> list[bytes]:
        """See `Ledger.prove_consistency`."""
        return await self._read(reading.roots, consistency_ranges(old, new), new)

    async def verify(self, after: int = 0, *, root: bytes | None = None, to: int | None = None) -> Head:
        """See `Ledger.verify`."""
        try:
            audit = await self._read(Audit, after, root, to, self._mac)
            while await self._read(audit.go_on):
                pass
            return await self._read(audit.conclude)
        except LedgerCorrupt as fault:
            raise await located(self._path, fault) from fault

    async def bind(self, end: Head) -> None:
        """Bind the log, verified up to its *end*, to the root key as it is, and drop its snapshots."""
        if self._mac is None:
            raise ValueError("nothing binds this ledger")
        await self._write(writing.bind, end, self._mac)

    async def checkpoint(self) -> None:
        """Copy the write-ahead log into the file beside the appends (SQLite, PRAGMA wal_checkpoint: PASSIVE).

        Appends that never pause would keep it from starting over, so a long one is finished while the writer waits;
        there is little left to copy then.
        """
        if await self._read(_checkpoint) > WAL_PAGES_LEFT and self._writer is not None:
            async with self._turn:
                await self._read(_checkpoint)

    async def close(self) -> None:
        """See `Ledger.close`."""
        self._closed = True
        while self._under_way:
            await asyncio.wait(self._under_way)
        writer, self._writer = self._writer, None
        if writer is not None:
            await writer.close()
        await self._readers.close()
        if self._ownership is not None:
            self._ownership.release()

    async def _read(
        self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return await self._to_its_end(self._readers.run(work, *args, **kwargs))

    async def _write(
        self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a transaction.  One that has begun is waited for, even by a caller who is cancelled.

        Otherwise the caller could read the head, go on from it, and be overtaken by its own commit.
        """
        async with self._turn:
            if self._writer is None:
                raise LedgerUnavailable("the ledger is not open for writing")
            self._writing.set()
            try:
                return await self._to_its_end(self._writer.run(work, *args, **kwargs))
            finally:  # also after a failure: what was reported lost may be there
                self._writing.clear()
                self._wrote = asyncio.get_running_loop().time()
                self._grown.set()
                self._grown = asyncio.Event()

    async def _to_its_end(self, work: Coroutine[Any, Any, T]) -> T:
        """Await *work*, and go on awaiting it when the caller is cancelled; then the caller is."""
        if self._closed:
            work.close()
            raise LedgerUnavailable("the ledger is closed")
        begun = asyncio.ensure_future(work)
        self._under_way.add(begun)
        begun.add_done_callback(self._under_way.discard)
        try:
            with told_apart():
                return await asyncio.shield(begun)
        except asyncio.CancelledError:
            while not begun.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([begun])
            if not begun.cancelled():
                begun.exception()  # nobody is left to hear of it
            raise


async def located(path: Path, fault: LedgerCorrupt) -> LedgerCorrupt:
    """*fault* as it is when it names a position; else the first entry of the damaged file that cannot be read.

    Where every entry can, the damage lies beside them, and the last that is whole is named.
    """
    if fault.position:
        return fault
    readers = Readers(reader_engine(path, damaged=True))
    try:
        with told_apart():
            search = await readers.run(Search)
            while await readers.run(search.go_on):
                pass
            head = await readers.run(search.conclude)
    except (LedgerCorrupt, LedgerUnavailable) as found:
        return found if isinstance(found, LedgerCorrupt) and found.position else fault
    finally:
        await readers.close()
    return LedgerCorrupt(
        0, f"{fault.what}; the entries up to position {head.position} are whole, what is beside them is not"
    )


def _checkpoint(connection: sqlite3.Connection) -> int:
    """Copy what can be copied; say how many pages the write-ahead log has while some are left, else 0."""
    _, pages, copied = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return pages if copied < pages else 0
