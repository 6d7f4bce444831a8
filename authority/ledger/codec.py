"""How an entry is read: its header, and the steps that bring an old body to the present form.

The law of stored formats.  Stored bytes are never rewritten: the tree is built over them.  Fields of a body are never
renamed, reordered or removed; a new one comes last and has a default.  A version is raised only when this cannot be
obeyed; then one upcaster, pure, from bytes to bytes, leads from the old version to the next and stays for ever.  Types
and versions are never used for something else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Final, Literal

import msgspec

from authority.ledger.port import MAX_BODY, Lane, NewEntry, PutSecret, SideRow

LANES: Final = {"session": Lane.SESSION, "config": Lane.CONFIG}
LONGEST_TYPE: Final = 128
LONGEST_SUBJECT: Final = 2_048
LAST_VERSION: Final = 0x7FFF


class Header(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What the top level of every body says, whatever else it holds.  The ledger's columns are derived from it.

    `once` are the keys that the entry claims.  `vault` names the secrets that it keeps, by their digests (`digest_of`),
    and those that it destroys, by null.  So nothing that lies beside the log can be another than the log says.
    """

    type: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_TYPE)]
    v: Annotated[int, msgspec.Meta(ge=1, le=LAST_VERSION)]
    decided_at: Annotated[datetime, msgspec.Meta(tz=True)]
    lane: Literal["session", "config"]
    subject: Annotated[str, msgspec.Meta(max_length=LONGEST_SUBJECT)]
    once: tuple[str, ...] = ()
    vault: dict[str, str | None] = {}


class _Beside(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The end of a body."""

    once: tuple[str, ...] = ()
    vault: dict[str, str | None] = {}


class _Read(NewEntry, frozen=True, kw_only=True, gc=False):
    """An entry that was made of its body, with what was read out of it: reading costs as much as hashing."""

    header: Header
    read: bytes
    """The very body that the header stands in.  An entry that was given another since is read again."""


_DECODER: Final = msgspec.json.Decoder(Header)
_ENCODER: Final = msgspec.json.Encoder()
_LONGEST_NAMED: Final = 80
"""Bytes that name one row beside its own name: a digest in hex, and signs; or the names of both fields."""
_NO_OFFSET: Final = timedelta(0)


def header_of(body: bytes) -> Header:
    """Read the header of *body*, or raise `ValueError`."""
    header = _DECODER.decode(body)
    moment = header.decided_at
    if moment.tzinfo is not UTC and moment.utcoffset() != _NO_OFFSET:
        raise ValueError(f"`decided_at` is not in UTC: {moment.isoformat()}")
    if "\x00" in header.type or "\x00" in header.subject:  # PostgreSQL's text holds every character but this one
        raise ValueError("a NUL stands in `type` or `subject`")
    return header


def _borne_out(header: Header, body: bytes) -> bool:
    """Whether *body* begins with *header*, spelled as we spell it, and `header_of` would have no word against it."""
    return (
        header.decided_at.tzinfo is UTC
        and 0 < len(header.type) <= LONGEST_TYPE
        and 0 < header.v <= LAST_VERSION
        and header.lane in LANES
        and len(header.subject) <= LONGEST_SUBJECT
        and "\x00" not in header.type
        and "\x00" not in header.subject
        and body.startswith(b"%b," % _ENCODER.encode(header)[:-1])
    )


def new_entry(
    body: bytes, *, once: tuple[str, ...] = (), rows: tuple[SideRow, ...] = (), written: Header | None = None
) -> NewEntry:
    """Make the entry that *body* says it is, with what it brings along named at its end; or raise `ValueError`.

    Who has just written *body* from a struct, in which no name comes twice, says what header was *written*: where body
    begins with that, to the byte, it need not be read again.
    """
    header = written if written is not None and _borne_out(written, body) else header_of(body)
    if header.once or header.vault:
        raise ValueError("the body names already what lies beside it")
    if once or rows:
        beside = _Beside(once, _named(rows))
        body = body.rstrip()[:-1] + b"," + _ENCODER.encode(beside)[1:]
        header = msgspec.structs.replace(header, once=beside.once, vault=beside.vault)
    return _Read(
        body=body,
        lane=LANES[header.lane],
        type=header.type,
        v=header.v,
        subject=header.subject,
        decided_at=header.decided_at,
        once=once,
        rows=rows,
        header=header,
        read=body,
    )


def room_beside(once: Sequence[str], rows: Sequence[str]) -> int:
    """Bytes that `new_entry` adds to a body at most, for keys and rows of these names."""
    names = (*once, *rows)
    if not names:  # nearly always
        return _LONGEST_NAMED
    return sum([len(msgspec.json.encode(name)) for name in names]) + _LONGEST_NAMED * (len(names) + 1)


def digest_of(purpose: str, sealed: bytes) -> str:
    """What names a sealed secret (SHA-256, in hex)."""
    return sha256(purpose.encode() + b"\n" + sealed).hexdigest()


def _named(rows: Sequence[SideRow]) -> dict[str, str | None]:
    """Of several rows with one id the last counts."""
    return {row.id: digest_of(row.purpose, row.sealed) if isinstance(row, PutSecret) else None for row in rows}


def check(entry: NewEntry) -> None:
    """Raise `ValueError` when *entry* may not be stored.

    It is too large, its header says something else than it does, or it claims what it cannot.  An entry that disagrees
    with its own body could never be taken back, and every audit would stop at it.
    """
    if len(entry.body) > MAX_BODY:
        raise ValueError(f"the body has {len(entry.body)} bytes, more than {MAX_BODY}")
    header = entry.header if isinstance(entry, _Read) and entry.read is entry.body else header_of(entry.body)
    if (
        entry.subject != header.subject
        or entry.type != header.type
        or entry.decided_at != header.decided_at
        or entry.lane is not LANES[header.lane]
        or entry.v != header.v
    ):
        raise ValueError("the entry and the header of its body disagree")
    if (entry.once or header.once or entry.rows or header.vault) and (
        entry.once != header.once or _named(entry.rows) != header.vault
    ):
        raise ValueError("the body does not name what lies beside it")
    if entry.rows and entry.lane is not Lane.CONFIG:
        raise ValueError("a secret is kept and destroyed by configuration only")
    for key in entry.once:
        if not key or "\x00" in key:
            raise ValueError("a once key is empty or holds a NUL")
    if len(entry.once) > 1 and len(set(entry.once)) < len(entry.once):
        raise ValueError("an entry claims a once key twice")


TypeAndVersion = tuple[str, int]
Upcaster = Callable[[bytes], bytes]

UPCASTERS: Final[Mapping[TypeAndVersion, Upcaster]] = {}
"""The step from each type and version that is no longer written."""


def upcast(body: bytes, upcasters: Mapping[TypeAndVersion, Upcaster] = UPCASTERS) -> bytes:
    """Bring *body* to the form that is written today.  A body in that form comes back as it is."""
    header = header_of(body)
    while step := upcasters.get((header.type, header.v)):
        body = step(body)
        before, header = header, header_of(body)
        if header.type == before.type and header.v <= before.v:
            raise ValueError(f"the upcaster of {before.type} {before.v} does not lead onwards")
    return body
