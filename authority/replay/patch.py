"""How one plain value becomes another: operations of a JSON patch (RFC 6902), each with what stood there before.

Applied in order to the one they give the other; there are none between equals.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from difflib import SequenceMatcher
from typing import Any, Final, Literal

import msgspec

from authority.replay.plain import Plain

MOST_COMPARED: Final = 1_000_000
"""Pairs of items that are compared to align two lists; beyond it the whole list is replaced."""

Path = tuple[str | int, ...]


class Operation(msgspec.Struct, frozen=True, omit_defaults=True):
    """One step.  `path` is a JSON pointer (RFC 6901); `old` is what is replaced or removed."""

    op: Literal["add", "remove", "replace"]
    path: str
    value: Any = msgspec.UNSET
    old: Any = msgspec.UNSET


def patch(before: Plain, after: Plain) -> tuple[Operation, ...]:
    """What leads from *before* to *after*."""
    return tuple(_steps((), before, after))


def patched(value: Plain, steps: Iterable[Operation]) -> Plain:
    """*value* after *steps*, which are a `patch` from it."""
    root = {"": deepcopy(value)}
    for step in steps:
        place: Any = root
        names = _parts(step.path)
        for name in names[:-1]:
            place = place[_within(place, name)]
        last = names[-1]
        if isinstance(place, list):
            index = int(last)
            if step.op == "add":
                place.insert(index, deepcopy(step.value))
            elif step.op == "remove":
                del place[index]
            else:
                place[index] = deepcopy(step.value)
        elif step.op == "remove":
            del place[last]
        else:
            place[last] = deepcopy(step.value)
    return root[""]


def pointer(path: Path) -> str:
    """*path* as a JSON pointer."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def parts(path: str) -> tuple[str, ...]:
    """The names in a JSON pointer."""
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:])


def _parts(path: str) -> tuple[str, ...]:
    return ("", *parts(path))


def _within(place: Any, name: str) -> str | int:
    return int(name) if isinstance(place, list) else name


def _steps(path: Path, before: Plain, after: Plain) -> Iterator[Operation]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            here = (*path, name)
            if name not in after:
                yield Operation("remove", pointer(here), old=before[name])
            elif name not in before:
                yield Operation("add", pointer(here), value=after[name])
            else:
                yield from _steps(here, before[name], after[name])
    elif isinstance(before, list) and isinstance(after, list) and len(before) * len(after) <= MOST_COMPARED:
        yield from _items(path, before, after)
    elif type(before) is not type(after) or before != after:
        yield Operation("replace", pointer(path), value=after, old=before)


def _items(path: Path, before: Sequence[Plain], after: Sequence[Plain]) -> Iterator[Operation]:
    """The steps between two lists: at each moment what was walked over is as it shall be."""
    matcher = SequenceMatcher(None, [*map(_spelled, before)], [*map(_spelled, after)], autojunk=False)
    at = 0
    for kind, low, high, first, last in matcher.get_opcodes():
        if kind == "equal":
            at += high - low
            continue
        common = min(high - low, last - first)
        for offset in range(common):
            yield from _steps((*path, at), before[low + offset], after[first + offset])
            at += 1
        for old in before[low + common : high]:
            yield Operation("remove", pointer((*path, at)), old=old)
        for new in after[first + common : last]:
            yield Operation("add", pointer((*path, at)), value=new)
            at += 1


def _spelled(value: Plain) -> bytes:
    return msgspec.json.encode(value, order="sorted")
