"""Lines of a file that holds a log or a part of one: JSON of one spelling, so that no byte can be another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec

LONGEST_LINE: Final = 262_144
ENCODE: Final = msgspec.json.Encoder().encode


class EntryLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry, byte for byte as it was stored and hashed."""

    position: int
    entry: msgspec.Raw


class CheckpointLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A checkpoint as it was signed."""

    checkpoint: str


Line = TypeVar("Line")


def entry_line(position: int, body: bytes) -> bytes:
    """The line of the entry at *position*, without its end; `ValueError` where it would be more than one."""
    if b"\n" in body:
        raise ValueError("the body has more than one line")
    return b'{"position":%d,"entry":%b}' % (position, body)


def read_line(line: bytes, kinds: Mapping[bytes, type[Line]]) -> Line:
    """Read *line* as the kind that it starts like; `ValueError` says what is wrong with one that is none of them."""
    kind = next((kind for start, kind in kinds.items() if line.startswith(start)), None)
    if kind is None or len(line) > LONGEST_LINE:
        raise ValueError("is none of a bundle")
    try:
        found = msgspec.json.decode(line, type=kind)
        spelled = entry_line(found.position, bytes(found.entry)) if isinstance(found, EntryLine) else ENCODE(found)
    except (ValueError, RecursionError) as fault:
        raise ValueError(f"cannot be read: {fault}") from fault
    if spelled + b"\n" != line:
        raise ValueError("is not spelled as a bundle is")
    return found
