"""How an entry is read: its header, and the steps that bring an old body to the present form.

The law of stored formats.  Stored bytes are never rewritten: the tree is built over them.  Fields of a body are never
renamed, reordered or removed; a new one comes last and has a default.  A version is raised only when this cannot be
obeyed; then one upcaster, pure, from bytes to bytes, leads from the old version to the next and stays for ever.  Types
and versions are never used for something else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal

import msgspec

from authority.ledger.port import MAX_BODY, Lane, NewEntry, SideRow

LANES: Final = {"session": Lane.SESSION, "config": Lane.CONFIG}


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What the top level of every body says, whatever else it holds.  The ledger's columns are derived from it."""

    type: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    v: Annotated[int, msgspec.Meta(ge=1, le=0x7FFF)]
    decided_at: Annotated[datetime, msgspec.Meta(tz=True)]
    lane: Literal["session", "config"]
    subject: Annotated[str, msgspec.Meta(max_length=2048)]


_DECODER: Final = msgspec.json.Decoder(Header)
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


def new_entry(body: bytes, *, once: tuple[str, ...] = (), rows: tuple[SideRow, ...] = ()) -> NewEntry:
    """Make the entry that *body* says it is, or raise `ValueError`."""
    header = header_of(body)
    return NewEntry(
        body=body,
        lane=LANES[header.lane],
        type=header.type,
        v=header.v,
        subject=header.subject,
        decided_at=header.decided_at,
        once=once,
        rows=rows,
    )


def check(entry: NewEntry) -> None:
    """Raise `ValueError` when *entry* may not be stored.

    It is too large, its header says something else than it does, or it claims what it cannot.  An entry that disagrees
    with its own body could never be taken back, and every audit would stop at it.
    """
    if len(entry.body) > MAX_BODY:
        raise ValueError(f"the body has {len(entry.body)} bytes, more than {MAX_BODY}")
    header = header_of(entry.body)
    if (
        entry.subject != header.subject
        or entry.type != header.type
        or entry.decided_at != header.decided_at
        or entry.lane is not LANES[header.lane]
        or entry.v != header.v
    ):
        raise ValueError("the entry and the header of its body disagree")
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
