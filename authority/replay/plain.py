"""What is true, as plain values that people read and programs compare: mappings, lists, texts and numbers.

Names are in camel case.  Tags and inline policies stand by their keys and names, documents as what they say: two texts
of a policy that differ in blanks only are equal here.  What is kept of a metadata document is shown as its digest.
"""

from __future__ import annotations

import enum
from collections.abc import Container, Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from typing import Any, Final, TypeAlias

import msgspec
from immutables import Map

from authority.kernel.tags import Tag
from authority.model.holders import InlinePolicy
from authority.model.policies import PolicyVersion

Plain: TypeAlias = Any
"""None, a truth, a number, a text, a list of these, or a mapping from texts to these."""

_DOCUMENTS: Final = frozenset({"document"})
_PAIRED: Final = frozenset({"bound"})


def plain(value: object) -> Plain:
    """*value*, a part of the state, as it is shown."""
    match value:
        case msgspec.Struct():
            return members(value)
        case Mapping() | Map():
            return {str(key): plain(value[key]) for key in sorted(value)}
        case tuple() | list():
            return _several(value)
        case enum.Enum():
            return value.value
        case datetime():
            return spelled(value)
        case bytes():
            return {"bytes": len(value), "sha256": sha256(value).hexdigest()}
        case _:
            return value


def members(value: msgspec.Struct, without: Container[str] = frozenset()) -> Plain:
    """The fields of a part of the state, but those named in *without*."""
    return {
        shown: _document(held) if name in _DOCUMENTS else _member(name, held)
        for name, shown in _names(type(value))
        if name not in without
        for held in (getattr(value, name),)
    }


def spelled(moment: datetime) -> str:
    """A moment as answers spell it (RFC 3339)."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def document_of(text: str) -> Plain:
    """What a policy document says; the text itself where it is no JSON."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return text


def _document(held: object) -> Plain:
    return document_of(held) if isinstance(held, str) else plain(held)


def _member(name: str, held: Any) -> Plain:
    return {str(key): plain(value) for key, value in held} if name in _PAIRED else plain(held)


def _several(values: Iterable[Any]) -> Plain:
    listed = list(values)
    match listed:
        case [Tag(), *_]:
            return {tag.key: tag.value for tag in listed}
        case [InlinePolicy(), *_]:
            return {policy.name: document_of(policy.document) for policy in listed}
        case [PolicyVersion(), *_]:
            return {f"v{version.number}": plain(version) for version in listed}
        case _:
            return [plain(one) for one in listed]


@cache
def _names(kind: type[msgspec.Struct]) -> tuple[tuple[str, str], ...]:
    return tuple((name, camel(name)) for name in kind.__struct_fields__)


def camel(name: str) -> str:
    """A field's name as it is shown: `created_at` as `createdAt`."""
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)
