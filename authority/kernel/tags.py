"""Tags as IAM keeps them: a key, a value, and a rule about case that differs by what is tagged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from authority.kernel.letters import folded


class Tag(msgspec.Struct, frozen=True, rename="pascal"):
    """One tag, as IAM and STS spell it on the wire."""

    key: str
    value: str


def merged(old: Iterable[Tag], new: Iterable[Tag], *, ignore_case: bool) -> tuple[Tag, ...]:
    """Overlay *new* on *old*.  A tag whose key is equal (ignoring case if so asked) is replaced, key and all."""
    key_of = folded if ignore_case else str
    tags = {key_of(tag.key): tag for tag in old}
    tags.update((key_of(tag.key), tag) for tag in new)
    return tuple(tags.values())


def without(tags: Iterable[Tag], keys: Iterable[str], *, ignore_case: bool) -> tuple[Tag, ...]:
    """Drop the tags with these *keys*; keys that are not there do no harm, as in IAM."""
    key_of = folded if ignore_case else str
    gone = {key_of(key) for key in keys}
    return tuple(tag for tag in tags if key_of(tag.key) not in gone)


def as_mapping(tags: Iterable[Tag]) -> Mapping[str, str]:
    """Tags by key, in the order they stand in."""
    return {tag.key: tag.value for tag in tags}
