"""From the names and texts of a request to values of the model's types.

Knows the types and nothing of what is demanded of a value: `constraints` does.  Every value is text until its type
has read it, and a text has one reading or none: Python's own parsers take blanks, underscores, other scripts' digits.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NoReturn

from authority.kernel.refusal import Reason, Refusal
from authority.wire.constraints import refusal_of, violation
from authority.wire.description import SCALARS, Description, Shape, label_of, later
from authority.wire.query import UNSPEAKABLE

Read = Callable[[Any, str], Any]
"""Reads what stands at a path; raises `Unreadable`."""
ReadText = Callable[[str], Any]
"""Reads a scalar; raises `ValueError`."""

INTEGER: Final = re.compile(r"[-+]?[0-9]{1,19}")
DECIMAL: Final = re.compile(r"[-+]?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][-+]?[0-9]{1,3})?")
MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[-+][0-9]{2}:[0-9]{2})"
)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
BITS: Final = {"integer": 31, "long": 63}
MEANS: Final = {
    "integer": "Member must be an integer",
    "long": "Member must be an integer",
    "float": "Member must be a number",
    "double": "Member must be a number",
    "boolean": "Member must be 'true' or 'false'",
    "timestamp": "Member must be a time in ISO 8601 format",
    "blob": "Member must be in base64",
}
DEEPEST: Final = 32
"""Segments of one name; the deepest shape of any service needs a third of them."""
ENVELOPED: Final = frozenset({"Action", "Version"})
"""What every query has beside the parameters of its operation."""
ENVELOPE: Final = frozenset(name.lower() for name in ENVELOPED)


class Unreadable(Exception):  # noqa: N818 - it names what the input is
    """A request that has no meaning under the model."""

    def __init__(self, refusal: Refusal) -> None:
        """Carry the *refusal* to tell the caller."""
        super().__init__(refusal.reason.value)
        self.refusal = refusal


class QueryReader:
    """Readers of the query protocol's dotted names, each shape's built once (AWS query protocol, Smithy)."""

    def __init__(self, description: Description) -> None:
        """Read what *description* describes."""
        self._description = description
        self._built: dict[Shape, Read] = {}

    def of(self, shape: Shape, *, beside: frozenset[str] = frozenset()) -> Read:
        """The reader of *shape*; other spellings of the names in *beside* (in lower case) are refused too."""
        if shape not in self._built:
            self._built[shape] = later(self._built, shape)
            self._built[shape] = self._build(shape, beside)
        return self._built[shape]

    def texts(self, shape: Shape) -> Iterator[tuple[str, str, Shape, ReadText]]:
        """The members of *shape* that are no more than a text: what each is called in a form and in the model."""
        for name, member in self._description.members(shape).items():
            if member.type in SCALARS:
                yield _key_of(name, member, self._description), name, member, TEXTS.get(member.type, str)

    def _build(self, shape: Shape, beside: frozenset[str]) -> Read:
        match shape.type:
            case "structure":
                return self._structure(shape, beside)
            case "list":
                return self._list(shape)
            case "map":
                return self._map(shape)
            case _:
                return _scalar(shape)

    def _structure(self, shape: Shape, beside: frozenset[str]) -> Read:
        members = {
            _key_of(name, member, self._description): (name, label_of(name), self.of(member))
            for name, member in self._description.members(shape).items()
        }
        in_lower_case = {key.lower() for key in members}

        def read(node: str | dict[str, Any], at: str) -> dict[str, Any]:
            if isinstance(node, str):
                _misplaced(at)
            values: dict[str, Any] = {}
            for key, child in node.items():
                member = members.get(key)
                if member is not None:
                    name, label, read_member = member
                    values[name] = read_member(child, f"{at}.{label}" if at else label)
                elif (lower := key.lower()) in in_lower_case or (lower in beside and key not in ENVELOPED):
                    # One reader ignores it, another takes it for the parameter it resembles (CVE-2022-2385).
                    _malformed(f"The parameter '{key}' is not spelled as the service spells it.")
            return values

        return read

    def _list(self, shape: Shape) -> Read:
        item = self._description.member(shape)
        read_item = self.of(item)
        between = None if shape.flattened else (item.location_name or "member")

        def read(node: str | dict[str, Any], at: str) -> list[Any]:
            return [
                read_item(child, f"{at}.{index}.member") for index, child in enumerate(_numbered(node, between, at), 1)
            ]

        return read

    def _map(self, shape: Shape) -> Read:
        key, value = self._description.key(shape), self._description.value(shape)
        key_name, value_name = key.location_name or "key", value.location_name or "value"
        read_key, read_value = self.of(key), self.of(value)
        between = None if shape.flattened else "entry"

        def read(node: str | dict[str, Any], at: str) -> dict[str, Any]:
            values: dict[str, Any] = {}
            for index, child in enumerate(_numbered(node, between, at), 1):
                if isinstance(child, str) or child.keys() != {key_name, value_name}:
                    _misplaced(f"{at}.{index}")
                name = read_key(child[key_name], f"{at}.{index}.key")
                if name in values:
                    _malformed(f"The map at '{at}' has the same key twice.")
                values[name] = read_value(child[value_name], f"{at}.{name[:64]}.member")
            return values

        return read


def tree_of(form: Mapping[str, str]) -> dict[str, Any]:
    """Dotted names as nested tables: `Tags.member.1.Key` is `Key` in `1` in `member` in `Tags`."""
    tree: dict[str, Any] = {}
    for name, value in form.items():
        if "." not in name:
            if name in tree:
                _malformed(f"The parameter '{name}' occurs more than once.")
            tree[name] = value
            continue
        *above, last = name.split(".")
        if len(above) > DEEPEST:
            _malformed("A parameter is nested too deeply.")
        node = tree
        for segment in above:
            child = node.setdefault(segment, {})
            if isinstance(child, str):
                _misplaced(name)
            node = child
        if last in node:
            _malformed(f"The parameter '{name}' occurs more than once.")
        node[last] = value
    return tree


class JsonReader:
    """Readers of JSON 1.1 values, each shape's built once (AWS JSON 1.1 protocol, Smithy)."""

    def __init__(self, description: Description) -> None:
        """Read what *description* describes."""
        self._description = description
        self._built: dict[Shape, Read] = {}

    def of(self, shape: Shape) -> Read:
        """The reader of *shape*."""
        if shape not in self._built:
            self._built[shape] = later(self._built, shape)
            self._built[shape] = self._build(shape)
        return self._built[shape]

    def _build(self, shape: Shape) -> Read:
        match shape.type:
            case "structure":
                return self._structure(shape)
            case "list":
                read_item = self.of(self._description.member(shape))

                def read_list(value: object, at: str) -> list[Any]:
                    if not isinstance(value, list):
                        _mistyped(at, "a list")
                    # A null in a list means nothing that a handler could do.
                    return [read_item(item, f"{at}.{index}.member") for index, item in enumerate(value, 1)]

                return read_list
            case "map":
                read_value = self.of(self._description.value(shape))

                def read_map(value: object, at: str) -> dict[str, Any]:
                    if not isinstance(value, dict):
                        _mistyped(at, "an object")
                    return {name: read_value(item, f"{at}.{name[:64]}.member") for name, item in value.items()}

                return read_map
            case _:
                return _json_scalar(shape)

    def _structure(self, shape: Shape) -> Read:
        members = {
            member.location_name or name: (name, label_of(name), self.of(member))
            for name, member in self._description.members(shape).items()
        }
        in_lower_case = {key.lower() for key in members}

        def read(value: object, at: str) -> dict[str, Any]:
            if not isinstance(value, dict):
                _mistyped(at, "an object")
            values: dict[str, Any] = {}
            for key, item in value.items():
                member = members.get(key)
                if member is not None:
                    if item is not None:
                        name, label, read_member = member
                        values[name] = read_member(item, f"{at}.{label}" if at else label)
                elif key.lower() in in_lower_case:
                    _unreadable(f"The member '{key}' is not spelled as the service spells it.")
            return values

        return read


def json_of(body: bytes) -> Any:
    """The JSON value of *body*: no name twice, no number that is none, no text that could not be written again."""
    try:
        text = body.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_number)
    except (ValueError, RecursionError):
        _unreadable("The body is not a JSON document in UTF-8.")
    # An escape may spell what the bytes could not: a control character, half of a surrogate pair.
    if "\\u" in text or not text.isprintable():
        _check_texts(value)
    return value


def _check_texts(value: object) -> None:
    pending = [value]
    while pending:
        match pending.pop():
            case str() as text:
                if UNSPEAKABLE.search(text) is not None:
                    _unreadable("A string contains a control character.")
            case list() as items:
                pending.extend(items)
            case dict() as members:
                pending.extend(members)
                pending.extend(members.values())
            case _:
                pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):  # every JSON library lets one of two win, and they disagree on which
        _unreadable("An object has the same member twice.")
    return members


def _no_number(word: str) -> NoReturn:
    _unreadable(f"{word} is not a JSON value.")


def _key_of(name: str, member: Shape, description: Description) -> str:
    """What a member is called in a form: a flattened list goes by the name of its members."""
    if member.type == "list" and member.flattened:
        return description.member(member).location_name or member.location_name or name
    return member.location_name or name


def _numbered(node: str | dict[str, Any], between: str | None, at: str) -> list[Any]:
    """The members of a list in order: numbered from 1 without a gap, or an empty text for an empty list."""
    if isinstance(node, str):
        if node:
            _misplaced(at)
        return []
    numbered: Any = node
    if between is not None:
        numbered = node.get(between)
        if len(node) != 1 or not isinstance(numbered, dict):
            _misplaced(at)
    members: list[Any] = []
    for index in range(1, len(numbered) + 1):
        child = numbered.get(str(index))
        if child is None:
            _malformed(f"The members of '{at}' must be numbered 1, 2, 3 and so on.")
        members.append(child)
    return members


def _scalar(shape: Shape) -> Read:
    def read_string(node: object, at: str) -> str:
        return node if isinstance(node, str) else _misplaced(at)

    if shape.type == "string":
        return read_string
    read_text = TEXTS[shape.type]

    def read(node: object, at: str) -> Any:
        try:
            return read_text(read_string(node, at))
        except ValueError:
            raise Unreadable(refusal_of([violation(shape, node, at, MEANS[shape.type])])) from None

    return read


def _json_scalar(shape: Shape) -> Read:
    match shape.type:
        case "string":

            def read(value: object, at: str) -> Any:
                return value if isinstance(value, str) else _mistyped(at, "a string")

        case "boolean":

            def read(value: object, at: str) -> Any:
                return value if isinstance(value, bool) else _mistyped(at, "true or false")

        case "integer" | "long":
            bound = 1 << BITS[shape.type]

            def read(value: object, at: str) -> Any:
                if isinstance(value, bool) or not isinstance(value, int) or not -bound <= value < bound:
                    _mistyped(at, "an integer")
                return value

        case "float" | "double":

            def read(value: object, at: str) -> Any:
                if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e308:
                    _mistyped(at, "a number")
                return float(value)

        case "timestamp":

            def read(value: object, at: str) -> Any:
                if isinstance(value, bool) or not isinstance(value, int | float):
                    _mistyped(at, "a number of seconds")
                try:
                    return EPOCH + timedelta(seconds=value)
                except OverflowError:
                    _mistyped(at, "a time before the year 10000")

        case _:

            def read(value: object, at: str) -> Any:
                if not isinstance(value, str):
                    _mistyped(at, "a string in base64")
                try:
                    return _blob(value)
                except ValueError:
                    _mistyped(at, "a string in base64")

    return read


def _integer(text: str, bits: int) -> int:
    if INTEGER.fullmatch(text) is None or not -(1 << bits) <= (number := int(text)) < 1 << bits:
        raise ValueError
    return number


def _number(text: str) -> float:
    if DECIMAL.fullmatch(text) is None or not abs(number := float(text)) < 1e308:
        raise ValueError
    return number


def _boolean(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError
    return text == "true"


def _timestamp(text: str) -> datetime:
    if MOMENT.fullmatch(text) is None:
        raise ValueError
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except OverflowError:
        raise ValueError from None


def _blob(text: str) -> bytes:
    try:
        value = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError from None
    if base64.b64encode(value).decode("ascii") != text:  # the last bits and the padding have one spelling
        raise ValueError
    return value


TEXTS: Final[dict[str, ReadText]] = {
    "integer": lambda text: _integer(text, BITS["integer"]),
    "long": lambda text: _integer(text, BITS["long"]),
    "float": _number,
    "double": _number,
    "boolean": _boolean,
    "timestamp": _timestamp,
    "blob": _blob,
}


def _misplaced(at: str) -> NoReturn:
    _malformed(f"The parameter at '{at}' does not have the form that the service expects.")


def _malformed(message: str) -> NoReturn:
    raise Unreadable(Refusal(Reason.MALFORMED_QUERY_STRING, message))


def _mistyped(at: str, expected: str) -> NoReturn:
    _unreadable(f"The value at '{at}' must be {expected}." if at else f"The body must be {expected}.")


def _unreadable(message: str) -> NoReturn:
    raise Unreadable(Refusal(Reason.UNREADABLE_INPUT, message))
