"""Proofs that the log holds what it is said to hold, and that it only grew: what may be asked, and by whom.

Hashes tell nothing of anybody, so that whoever may read its own trail can be allowed to prove what is on it; the
management account asks on the log itself.  Entries as they are stored are everybody's, and only the management account
may have them.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

import msgspec

from authority.access.action import Decision, Facts, action
from authority.access.call import Call
from authority.access.naming import own_arn
from authority.accounts.log import log_arn
from authority.accounts.naming import outsider
from authority.audit.queries import Query
from authority.kernel.refusal import Reason, Refusal
from authority.ledger.tlog import TILE_WIDTH
from authority.model.state import State

NOTE: Final = "note"
JSON: Final = "json"
ENTRIES: Final = "entries"
HIGHEST: Final = 63
"""The highest level that a tile can have (C2SP tlog-tiles, Merkle Tree)."""
NO_TILE: Final = Refusal(Reason.NOT_FOUND, "There is no such tile.")

Position = Annotated[int, msgspec.Meta(ge=1, le=2**53)]
Spelling = Literal["json", "note"]
_LEVEL: Final = re.compile(r"0|[1-9][0-9]?", re.ASCII)
_TILE: Final = re.compile(r"((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII)
_MOST_PARTS: Final = 6


class GetCheckpoint(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The newest checkpoint; `format` is `json`, or `note` for the note alone."""

    format: Spelling = "json"


class GetInclusionProof(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """That the entry at *position* is in the log of *size* entries, by default that of the newest checkpoint.

    `format` `note` asks for a document that proves it offline (C2SP tlog-proof).
    """

    position: Position
    size: Position | None = None
    format: Spelling = "json"


class GetConsistencyProof(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """That the log of *new* entries, by default that of the newest checkpoint, continues the one of *old*."""

    old: Position
    new: Position | None = None


class GetTile(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Part of the tree, or of its entries (C2SP tlog-tiles, APIs)."""

    level: Annotated[str, msgspec.Meta(max_length=7)]
    tile: Annotated[str, msgspec.Meta(max_length=40)]


class CheckpointQuery(Query, frozen=True, kw_only=True):
    """The newest checkpoint."""

    note: bool


class InclusionQuery(Query, frozen=True, kw_only=True):
    """An audit path, for an entry that *account* may see; None sees everything."""

    position: int
    size: int | None
    account: str | None
    note: bool


class ConsistencyQuery(Query, frozen=True, kw_only=True):
    """A proof that joins two sizes."""

    old: int
    new: int | None


class TileQuery(Query, frozen=True, kw_only=True):
    """*width* hashes of whole subtrees from one level of tiles; or as many entries, when *level* is None."""

    level: int | None
    first: int
    width: int


Evidence = CheckpointQuery | InclusionQuery | ConsistencyQuery | TileQuery


class KeyShown(msgspec.Struct, frozen=True, rename="camel"):
    """A key that signs; `verifier_key` is what others verify with (C2SP signed-note)."""

    key_id: str
    verifier_key: str


class CheckpointShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A checkpoint; `root` is base 64, and `note` is all that anybody needs who has a verifier key."""

    origin: str
    size: int
    root: str
    note: str
    keys: tuple[KeyShown, ...]


class InclusionShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An audit path in base 64, lowest hash first (RFC 6962, section 2.1.1), the leaf being number `position - 1`.

    `entry` is the stored entry, of which `leaf` is the hash; it is left out where something of it is withheld.
    `note` is the checkpoint of `size` entries, where there is one.
    """

    position: int
    size: int
    leaf: str
    path: tuple[str, ...]
    root: str
    entry: str | None = None
    note: str | None = None


class ConsistencyShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A proof in base 64 (RFC 6962, section 2.1.2), and both roots."""

    old: int
    new: int
    old_root: str
    new_root: str
    path: tuple[str, ...]


def evidence_arn(state: State, call: Call[Any]) -> str:
    """The log for the management account, and its own trail for any other."""
    if outsider(state, call) is None:
        return log_arn(state, call)
    return own_arn(call, "trail")


@action("authority:GetCheckpoint", resource=evidence_arn)
def get_checkpoint(_state: State, call: Call[GetCheckpoint], _facts: Facts) -> Decision:
    """Show what was signed last."""
    return Decision(query=CheckpointQuery(note=call.input.format == NOTE))


@action("authority:GetInclusionProof", resource=evidence_arn)
def get_inclusion_proof(state: State, call: Call[GetInclusionProof], _facts: Facts) -> Decision:
    """Prove that an entry is in the log."""
    wanted = call.input
    if wanted.size is not None and wanted.size < wanted.position:
        return Decision(answer=_invalid("The position must not lie past the size."))
    account = None if outsider(state, call) is None else call.caller.account
    query = InclusionQuery(position=wanted.position, size=wanted.size, account=account, note=wanted.format == NOTE)
    return Decision(query=query)


@action("authority:GetConsistencyProof", resource=evidence_arn)
def get_consistency_proof(_state: State, call: Call[GetConsistencyProof], _facts: Facts) -> Decision:
    """Prove that the log only grew."""
    wanted = call.input
    if wanted.new is not None and wanted.new < wanted.old:
        return Decision(answer=_invalid("The size old must not be larger than new; swap them."))
    return Decision(query=ConsistencyQuery(old=wanted.old, new=wanted.new))


@action("authority:GetTile", resource=log_arn)
def get_tile(state: State, call: Call[GetTile], _facts: Facts) -> Decision:
    """Hand out part of the tree or of the entries, as they are."""
    # INVARIANT: beside the permission on the log, for a policy of another account could name its ARN.
    refusal = outsider(state, call)
    query = None if refusal is not None else tile_query(call.input.level, call.input.tile)
    return Decision(answer=refusal or NO_TILE) if query is None else Decision(query=query)


def tile_query(level: str, tile: str) -> TileQuery | None:
    """What a path of tlog-tiles names; None when it names nothing.  Only the one spelling of a tile names it."""
    named = _TILE.fullmatch(tile)
    if named is None or (level != ENTRIES and (_LEVEL.fullmatch(level) is None or int(level) > HIGHEST)):
        return None
    width = TILE_WIDTH if named[2] is None else int(named[2])
    parts = named[1].replace("x", "").split("/")
    whole = named[2] is None
    if len(parts) > _MOST_PARTS or (not whole and width >= TILE_WIDTH) or (len(parts) > 1 and parts[0] == "000"):
        return None
    return TileQuery(
        level=None if level == ENTRIES else int(level), first=int("".join(parts)) * TILE_WIDTH, width=width
    )


def _invalid(text: str) -> Refusal:
    return Refusal(Reason.VALIDATION_ERROR, text)
