"""JSON as policies need it (RFC 8259): every value knows where it stands, no key comes twice, nesting ends at 32.

`json` keeps the last of two equal keys, so `"Effect": "Deny"` could be overruled by an `"Effect": "Allow"` further
down the same object; it also forgets positions, which every matched statement must show.
"""

from __future__ import annotations

import bisect
import json
import re
from typing import Final, TypeAlias

import msgspec

MAX_DEPTH: Final = 32
NOT_JSON: Final = "This policy contains invalid Json"
SYNTAX: Final = "Syntax errors in policy."


class Fault(Exception):  # noqa: N818 - it becomes a refusal, not an error
    """What is wrong with a text, in AWS's words.  Never leaves this room: `document.parse` returns it as a refusal.

    `at` is the offset in the text, where that is known; `why` says in our own words what AWS's leave open.
    """

    def __init__(self, message: str, at: int | None = None, why: str = "") -> None:
        """Say what is wrong, where, and what exactly."""
        super().__init__(message)
        self.at = at
        self.why = why


class Text(msgspec.Struct, frozen=True):
    """A JSON string."""

    value: str
    start: int
    end: int


class Scalar(msgspec.Struct, frozen=True):
    """A number, `true` or `false`, as its own spelling."""

    value: str
    start: int
    end: int


class Nothing(msgspec.Struct, frozen=True):
    """`null`, which no element of a policy takes."""

    start: int
    end: int


class Array(msgspec.Struct, frozen=True):
    """A JSON array."""

    items: list[Node]
    start: int
    end: int


class Object(msgspec.Struct, frozen=True):
    """A JSON object whose keys are distinct; `places` says where each key stands."""

    members: dict[str, Node]
    places: dict[str, int]
    start: int
    end: int


Node: TypeAlias = Text | Scalar | Nothing | Array | Object

_SPACE = re.compile(r"[ \t\n\r]*+")
# No run ever gives back, so a missing quote costs one pass.
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"')
_WORD = re.compile(r"true|false|null|-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?")
_SURROGATE = re.compile("[\ud800-\udfff]")


def read(text: str) -> Node:
    """Read the one JSON value that *text* is, or raise `Fault`."""
    node, at = _value(text, _after_space(text, 0), 1)
    at = _after_space(text, at)
    if at != len(text):
        raise Fault(NOT_JSON, at, "something follows the end of the document")
    return node


class Lines:
    """Turns offsets into lines and columns, both counted from 1."""

    def __init__(self, text: str) -> None:
        """Remember where the lines of *text* begin."""
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def place(self, offset: int) -> tuple[int, int]:
        """Say line and column of the character at *offset*."""
        line = bisect.bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()


def _value(text: str, at: int, depth: int) -> tuple[Node, int]:
    if text.startswith("{", at):
        return _object(text, at, depth)
    if text.startswith("[", at):
        return _array(text, at, depth)
    if text.startswith('"', at):
        value, end = _string(text, at)
        return Text(value, at, end), end
    found = _WORD.match(text, at)
    if found is None:
        raise Fault(NOT_JSON, at, "here a JSON value should begin")
    if found[0] == "null":
        return Nothing(at, found.end()), found.end()
    return Scalar(found[0], at, found.end()), found.end()


def _object(text: str, start: int, depth: int) -> tuple[Object, int]:
    if depth > MAX_DEPTH:
        raise Fault(SYNTAX, start, f"nested deeper than {MAX_DEPTH} levels")
    members: dict[str, Node] = {}
    places: dict[str, int] = {}
    at = _after_space(text, start + 1)
    if text.startswith("}", at):
        return Object(members, places, start, at + 1), at + 1
    while True:
        place = at
        key, at = _string(text, at)
        at = _after_space(text, at)
        if not text.startswith(":", at):
            raise Fault(NOT_JSON, at, "here a colon should stand")
        node, at = _value(text, _after_space(text, at + 1), depth + 1)
        if key in members:
            raise Fault(SYNTAX, place, f"the key `{key}` comes twice")
        members[key] = node
        places[key] = place
        at, more = _next(text, at, "}")
        if not more:
            return Object(members, places, start, at), at


def _array(text: str, start: int, depth: int) -> tuple[Array, int]:
    if depth > MAX_DEPTH:
        raise Fault(SYNTAX, start, f"nested deeper than {MAX_DEPTH} levels")
    items: list[Node] = []
    at = _after_space(text, start + 1)
    if text.startswith("]", at):
        return Array(items, start, at + 1), at + 1
    while True:
        node, at = _value(text, at, depth + 1)
        items.append(node)
        at, more = _next(text, at, "]")
        if not more:
            return Array(items, start, at), at


def _next(text: str, at: int, close: str) -> tuple[int, bool]:
    """Step over a comma, to the next member, or over *close*, to the end."""
    at = _after_space(text, at)
    if text.startswith(close, at):
        return at + 1, False
    if text.startswith(",", at):
        return _after_space(text, at + 1), True
    raise Fault(NOT_JSON, at, f"here a comma or `{close}` should stand")


def _string(text: str, at: int) -> tuple[str, int]:
    found = _STRING.match(text, at)
    if found is None:
        raise Fault(NOT_JSON, at, "here a whole JSON string should stand")
    value = found[0][1:-1]
    if "\\" in value:
        value = json.loads(found[0])
        # Half a surrogate pair cannot be written into the log as UTF-8.
        if _SURROGATE.search(value):
            raise Fault(NOT_JSON, at, "half a surrogate pair is no character")
    return value, found.end()
