"""Proofs from the log: checkpoints as they were signed, paths through the tree, tiles."""

from __future__ import annotations

import base64
import struct
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias, assert_never

from authority.accounts.proofs import (
    CheckpointQuery,
    CheckpointShown,
    ConsistencyQuery,
    ConsistencyShown,
    Evidence,
    InclusionQuery,
    InclusionShown,
    KeyShown,
    TileQuery,
)
from authority.audit.answers import EventRecord
from authority.audit.queries import OneEvent, Query
from authority.kernel.refusal import Reason, Refusal
from authority.ledger.note import Checkpoint, read_note
from authority.ledger.port import Ledger, SignedHead
from authority.ledger.tlog import TILE_HEIGHT
from authority.model.state import State
from authority.wire.dialects import Document

Ask: TypeAlias = Callable[[Query, int], Awaitable[object]]
"""Answers a query from projections that have come to a position."""

PLAIN: Final = "text/plain; charset=utf-8"
BYTES: Final = "application/octet-stream"
NOTHING_SIGNED: Final = Refusal(Reason.NO_SUCH_ENTITY, "No checkpoint was signed yet; try again in a second.")
NO_TILE: Final = Refusal(Reason.NOT_FOUND, "There is no such tile, or it is not whole yet.")
_LENGTH: Final = struct.Struct(">H")


async def proven(ledger: Ledger, ask: Ask, state: State, query: Evidence, position: int) -> object:
    """Answer *query*, which was asked at *position*."""
    match query:
        case CheckpointQuery():
            return await _checkpoint(ledger, state, query)
        case InclusionQuery():
            return await _inclusion(ledger, ask, query, position)
        case ConsistencyQuery():
            return await _consistency(ledger, query)
        case TileQuery():
            return await _tile(ledger, query)
        case _:
            assert_never(query)


async def _checkpoint(ledger: Ledger, state: State, query: CheckpointQuery) -> CheckpointShown | Document | Refusal:
    signed = await ledger.latest_signed_head()
    if signed is None:
        return NOTHING_SIGNED
    if query.note:
        return Document(PLAIN, signed.note)
    stated = Checkpoint.unverified(read_note(signed.note))
    return CheckpointShown(
        origin=stated.origin,
        size=stated.size,
        root=_spelled(stated.root),
        note=signed.note.decode(),
        keys=tuple(KeyShown(key.id, key.verifier) for key in state.signers_of_checkpoints()),
    )


async def _inclusion(
    ledger: Ledger, ask: Ask, query: InclusionQuery, position: int
) -> InclusionShown | Document | Refusal:
    signed = await ledger.latest_signed_head()
    if query.size is not None and (signed is None or query.size != signed.size):
        signed = next(iter(await ledger.signed_heads(query.size - 1, 1)), None)
        signed = signed if signed is not None and signed.size == query.size else None
    size = query.size or (0 if signed is None else signed.size)
    if query.size is None and size < query.position <= position:
        text = f"Position {query.position} is not under a checkpoint yet; try again in a second."
        return Refusal(Reason.NO_SUCH_ENTITY, text)
    if size > position:
        return _past(size, position)
    seen = await ask(OneEvent(id=str(query.position), account=query.account), position)
    if not isinstance(seen, EventRecord):
        return seen if isinstance(seen, Refusal) else NOTHING_SIGNED
    (entry,) = await ledger.entries_at([query.position])
    path = await ledger.prove_inclusion(query.position, size)
    if query.note:
        return NOTHING_SIGNED if signed is None else Document(PLAIN, tlog_proof(query.position, path, signed))
    return InclusionShown(
        position=query.position,
        size=size,
        leaf=_spelled(entry.leaf),
        path=tuple(map(_spelled, path)),
        root=_spelled(await ledger.root_at(size)),
        entry=None if seen.withheld else entry.body.decode(),
        note=None if signed is None else signed.note.decode(),
    )


def tlog_proof(position: int, path: Sequence[bytes], signed: SignedHead) -> bytes:
    """A proof that is verified offline (C2SP tlog-proof)."""
    hashes = "".join(f"{_spelled(one)}\n" for one in path)
    return f"c2sp.org/tlog-proof@v1\nindex {position - 1}\n{hashes}\n".encode() + signed.note


async def _consistency(ledger: Ledger, query: ConsistencyQuery) -> ConsistencyShown | Refusal:
    head, signed = await ledger.head(), await ledger.latest_signed_head()
    new = query.new
    if new is None:
        if signed is None:
            return NOTHING_SIGNED
        new = signed.size
    if max(query.old, new) > head.position or query.old > new:
        return _past(max(query.old, new), min(head.position, new))
    return ConsistencyShown(
        old=query.old,
        new=new,
        old_root=_spelled(await ledger.root_at(query.old)),
        new_root=_spelled(await ledger.root_at(new)),
        path=tuple(map(_spelled, await ledger.prove_consistency(query.old, new))),
    )


async def _tile(ledger: Ledger, query: TileQuery) -> Document | Refusal:
    try:
        if query.level is not None:
            hashes = await ledger.subtrees(query.level * TILE_HEIGHT, query.first, query.width)
            return Document(BYTES, b"".join(hashes))
        entries = await ledger.entries_at(range(query.first + 1, query.first + query.width + 1))
    except LookupError:
        return NO_TILE
    return Document(BYTES, b"".join(_LENGTH.pack(len(entry.body)) + entry.body for entry in entries))


def _past(size: int, end: int) -> Refusal:
    return Refusal(Reason.VALIDATION_ERROR, f"The log had {end} entries when this was asked, not {size}.")


def _spelled(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")
