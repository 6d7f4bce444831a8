"""What the ledger promises, and the words it is spoken to in.

Knows order, durability and once keys.  Refuses to know what an entry says beyond its header: bodies are bytes.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Protocol

import msgspec

MAX_BODY: Final = 0xFFFF
"""Bytes of the largest body: an entry bundle counts them in sixteen bits (C2SP tlog-tiles, entry bundles)."""

BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""The recorded time of an empty ledger; recorded times never fall below it."""


class Lane(enum.IntEnum):
    """What an entry may change.  The values are stored and never change."""

    SESSION = 0
    """Issues, ends, reads and refusals: no decision depends on them."""
    CONFIG = 1
    """Configuration and every revocation: what decisions are made from."""


class PutSecret(msgspec.Struct, frozen=True):
    """Keep a sealed secret beside the log; one that has the same id is replaced."""

    id: str
    purpose: str
    sealed: bytes


class DropSecret(msgspec.Struct, frozen=True):
    """Destroy a sealed secret; one that is not there does no harm."""

    id: str


SideRow = PutSecret | DropSecret


class NewEntry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is to be appended: the bytes, what their header says, and what must become durable with them."""

    body: bytes
    """A JSON object whose top level holds the header (`codec.Header`); at most `MAX_BODY` bytes."""
    lane: Lane
    type: str
    v: int
    subject: str
    decided_at: datetime
    once: tuple[str, ...] = ()
    """What this entry claims for ever: no other entry may claim it again."""
    rows: tuple[SideRow, ...] = ()


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What was appended, and where it stands."""

    position: int
    at: datetime
    """The recorded time: the latest `decided_at` of all entries up to this one."""
    lane: Lane
    type: str
    v: int
    subject: str
    body: bytes
    leaf: bytes
    """The hash under which the tree knows the body (`tlog.leaf_hash`)."""


class Head(msgspec.Struct, frozen=True):
    """Where the log ends."""

    position: int
    """The last position; 0 when nothing was appended."""
    root: bytes
    """The root of the tree over all entries (RFC 6962, section 2.1)."""
    at: datetime
    """The recorded time of the last entry; `BEGINNING` when there is none."""


class Moved(msgspec.Struct, frozen=True):
    """Nothing was appended: configuration moved past what the caller had folded."""

    by: int
    """How many configuration entries the caller has not seen."""


class Claimed(msgspec.Struct, frozen=True):
    """Nothing was appended: once keys were taken, by earlier entries or twice within the batch."""

    keys: frozenset[str]


class Snapshot(msgspec.Struct, frozen=True):
    """A state that was folded from the first *position* entries, so that nobody need fold them again."""

    position: int
    root: bytes
    """The root of the tree at that position: a snapshot of another history is known by it."""
    format: str
    """Which code can read the body."""
    body: bytes


class SignedHead(msgspec.Struct, frozen=True):
    """A checkpoint of the log as it was signed (`ledger.note`)."""

    size: int
    note: bytes


class Vault(msgspec.Struct, frozen=True):
    """What the vault held when the log ended at *position*: the digest of each secret (`codec.digest_of`) by its id."""

    position: int
    digests: dict[str, str]


class LedgerCorrupt(Exception):  # noqa: N818 - what happened, in the words of the house
    """What is stored cannot be what was appended.  Nothing may be decided from it."""

    def __init__(self, position: int, what: str) -> None:
        """Name the first *position* that does not fit (0: the store as a whole) and say *what* is wrong with it."""
        super().__init__(f"position {position}: {what}" if position else what)
        self.position = position
        self.what = what


class TreeDiffers(LedgerCorrupt):
    """The entries agree with themselves, and the tree over some of them, the first at `position`, is not theirs."""


class LedgerUnavailable(Exception):  # noqa: N818
    """The store cannot be written or read now: nothing may be issued and nothing answered."""


class Ledger(Protocol):
    """An append-only log with one order and no gaps.

    1. Positions start at 1, grow by one and never change their entry.
    2. When an append returns a position, its entries, once keys and side rows are durable, all or none of them.
    3. When an append raises or is cancelled, the caller must assume that they may be, and read the head before it
       goes on.  By the time it raised, nothing of it is under way any more.
    4. What a read returns is durable.
    5. Every method may raise `LedgerUnavailable`, after which the same call may succeed later without repair, and
       `LedgerCorrupt`, after which nobody should try.  Nothing is retried in here.
    """

    async def append(self, entries: Sequence[NewEntry], *, folded: int) -> int | Moved | Claimed:
        """Append *entries* and say the first one's position.

        Refuses when a configuration entry stands after *folded*, or when a once key is taken.  *folded* is the
        position up to which the caller folded the state that it decided from.
        """
        ...

    async def append_fresh(self, entries: Sequence[NewEntry]) -> tuple[int | None, ...]:
        """Append those *entries* whose once keys are all free, and say the position of each, or None.

        For what several may propose and one must record, such as the end of a session: it depends on no
        configuration, so it never conflicts.  Only session entries.
        """
        ...

    async def read(self, after: int, limit: int, lane: Lane | None = None) -> list[Entry]:
        """The first *limit* entries after the position *after*, in order; only those of *lane* if it is given."""
        ...

    async def entries_at(self, positions: Sequence[int]) -> list[Entry]:
        """The entries at *positions*, in the order asked for; a position past the head is a `LookupError`."""
        ...

    async def head(self) -> Head:
        """Where the log ends now."""
        ...

    async def root_at(self, position: int) -> bytes:
        """The root of the tree when *position* was its head; past the head is a `LookupError`."""
        ...

    async def position_at(self, moment: datetime) -> int:
        """The last position recorded at *moment* or before it; 0 when there is none."""
        ...

    async def configured_at(self, position: int) -> int:
        """The last entry of the configuration up to *position*; 0 when there is none."""
        ...

    async def wait(self, after: int) -> None:
        """Return when the head is past *after*.  Hints make it quick; polling makes it certain."""
        ...

    async def beside_append(self) -> None:
        """Return while an append is under way, or when none is to be expected soon.

        For work that can wait a little: those who ask have to wait for the disk then, and leave the event loop to it.
        """
        ...

    async def secret(self, id: str) -> tuple[str, bytes] | None:  # noqa: A002 - the word of the house
        """The purpose and the sealed bytes of the secret *id*, while it is kept."""
        ...

    async def secrets(self, purpose: str) -> list[tuple[str, bytes]]:
        """The ids and sealed bytes of all secrets kept for *purpose*, in the order of their ids."""
        ...

    async def vault(self) -> Vault:
        """The digests of all secrets that are kept, and where the log ended at that moment."""
        ...

    async def put_snapshot(self, snapshot: Snapshot) -> None:
        """Keep *snapshot*, the few newest ones before it, and some of the others, spread over the log.

        `ValueError` when its root is not this log's.
        """
        ...

    async def latest_snapshot(self, to: int | None = None) -> Snapshot | None:
        """The newest snapshot, of positions up to *to*, whose root is this log's; others are passed over."""
        ...

    async def snapshots(self) -> list[Snapshot]:
        """All snapshots that are kept, whatever history they are of, oldest first: to be verified, not to be used."""
        ...

    async def put_signed_head(self, signed: SignedHead) -> None:
        """Keep *signed* for ever; who signed it is the caller's to know.

        `ValueError` when the log is shorter, or when a checkpoint of this size or of a larger one is kept.
        """
        ...

    async def latest_signed_head(self) -> SignedHead | None:
        """The checkpoint of the largest size."""
        ...

    async def signed_heads(self, after: int, limit: int) -> list[SignedHead]:
        """The first *limit* checkpoints of sizes past *after*, in order."""
        ...

    async def subtrees(self, height: int, first: int, count: int) -> list[bytes]:
        """The roots of *count* whole subtrees of `2 ** height` entries, from number *first* on.

        *height* is a multiple of `tlog.TILE_HEIGHT`; at height 0 they are the leaves.  One that is not whole yet is a
        `LookupError`.
        """
        ...

    async def prove_inclusion(self, position: int, size: int) -> list[bytes]:
        """The audit path of *position* in the tree of the first *size* entries (RFC 6962, section 2.1.1)."""
        ...

    async def prove_consistency(self, old: int, new: int) -> list[bytes]:
        """Proof that the tree of *new* entries continues that of *old* (RFC 6962, section 2.1.2)."""
        ...

    async def verify(self, after: int = 0, *, root: bytes | None = None, to: int | None = None) -> Head:
        """Hold the stored entries after *after*, up to *to* or the head, against their hashes and the tree.

        Raises `LedgerCorrupt` with the first position that does not fit.  The first *after* entries are not read:
        they are trusted to have *root*, if it is given, and the tree must agree.
        """
        ...

    async def checkpoint(self) -> None:
        """Do the store's housekeeping beside the appends, so that no append has to.  Call it now and then."""
        ...

    async def close(self) -> None:
        """Finish what is under way and let go of the store."""
        ...
