"""From values to the documents that clients read: XML of the query protocol and JSON 1.1.

Knows the model's types.  What it is given comes from us, so a value that does not fit the model is a fault, not a
refusal; what is inside a text comes from strangers, so every text is escaped.
"""

from __future__ import annotations

import base64
import functools
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, NoReturn

import msgspec

from authority.kernel.secret import Secret
from authority.wire.description import Description, Shape, later
from authority.wire.text import escaped

Put = Callable[[str], None]
WriteXml = Callable[[Any, Put], None]
WriteJson = Callable[[Any], Any]


class XmlWriter:
    """Writers of XML elements, one for each shape and name, each built once."""

    def __init__(self, description: Description) -> None:
        """Write what *description* describes."""
        self._description = description
        self._built: dict[tuple[Shape, str], WriteXml] = {}

    def of(self, shape: Shape, tag: str) -> WriteXml:
        """The writer of *shape* as an element named *tag*."""
        place = (shape, tag)
        if place not in self._built:
            self._built[place] = later(self._built, place)
            self._built[place] = self._build(shape, tag)
        return self._built[place]

    def _build(self, shape: Shape, tag: str) -> WriteXml:
        match shape.type:
            case "structure":
                return self._structure(shape, tag)
            case "list":
                return self._list(shape, tag)
            case "map":
                return self._map(shape, tag)
            case "string":

                def write_text(value: str | Secret, put: Put) -> None:
                    put(f"<{tag}>{escaped(value if isinstance(value, str) else _revealed(value))}</{tag}>")

                return write_text
            case kind:
                spell = SPELLINGS[kind]

                def write(value: Any, put: Put) -> None:
                    put(f"<{tag}>{spell(value)}</{tag}>")

                return write

    def _structure(self, shape: Shape, tag: str) -> WriteXml:
        members: dict[str, WriteXml] = {}
        for name, member in self._description.members(shape).items():
            element = member.location_name or name
            if member.type == "list" and member.flattened:
                element = self._description.member(member).location_name or element
            members[name] = self.of(member, element)

        def write(value: Any, put: Put) -> None:
            put(f"<{tag}>")
            for name, item in _items(value):
                if item is not None:
                    members[name](item, put)
            put(f"</{tag}>")

        return write

    def _list(self, shape: Shape, tag: str) -> WriteXml:
        item = self._description.member(shape)
        if shape.flattened:
            write_one = self.of(item, tag)

            def write_flat(value: Iterable[Any], put: Put) -> None:
                for element in value:
                    write_one(element, put)

            return write_flat
        write_item = self.of(item, item.location_name or "member")

        def write(value: Iterable[Any], put: Put) -> None:
            put(f"<{tag}>")
            for element in value:
                write_item(element, put)
            put(f"</{tag}>")

        return write

    def _map(self, shape: Shape, tag: str) -> WriteXml:
        key, item = self._description.key(shape), self._description.value(shape)
        write_key = self.of(key, key.location_name or "key")
        write_value = self.of(item, item.location_name or "value")
        entry = tag if shape.flattened else "entry"

        def write(value: Any, put: Put) -> None:
            if not shape.flattened:
                put(f"<{tag}>")
            for name, element in _items(value):
                put(f"<{entry}>")
                write_key(name, put)
                write_value(element, put)
                put(f"</{entry}>")
            if not shape.flattened:
                put(f"</{tag}>")

        return write


class JsonWriter:
    """Writers of plain values that JSON can carry, each shape's built once."""

    def __init__(self, description: Description) -> None:
        """Write what *description* describes."""
        self._description = description
        self._built: dict[Shape, WriteJson] = {}

    def of(self, shape: Shape) -> WriteJson:
        """The writer of *shape*."""
        if shape not in self._built:
            self._built[shape] = later(self._built, shape)
            self._built[shape] = self._build(shape)
        return self._built[shape]

    def _build(self, shape: Shape) -> WriteJson:
        match shape.type:
            case "structure":
                members = {
                    name: (member.location_name or name, self.of(member))
                    for name, member in self._description.members(shape).items()
                }

                def write_structure(value: Any) -> dict[str, Any]:
                    written: dict[str, Any] = {}
                    for name, item in _items(value):
                        if item is not None:
                            key, write = members[name]
                            written[key] = write(item)
                    return written

                return write_structure
            case "list":
                write_item = self.of(self._description.member(shape))
                return lambda value: [write_item(item) for item in value]
            case "map":
                write_value = self.of(self._description.value(shape))
                return lambda value: {name: write_value(item) for name, item in _items(value)}
            case "string":
                return lambda value: value if isinstance(value, str) else _revealed(value)
            case "timestamp":
                return _seconds
            case "blob":
                return _base64
            case "boolean":
                return lambda value: value if isinstance(value, bool) else _misfit(value, "a boolean")
            case _:
                return lambda value: (
                    value
                    if isinstance(value, int | float) and not isinstance(value, bool)
                    else _misfit(value, "a number")
                )


def iso_8601(moment: datetime) -> str:
    """A time as IAM and STS write it: UTC, with Z, to the second."""
    if moment.tzinfo is not UTC:
        if moment.tzinfo is None:
            _misfit(moment, "a time with its zone")
        moment = moment.astimezone(UTC)
    return f"{moment.replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def _seconds(moment: datetime) -> float:
    if moment.tzinfo is None:
        _misfit(moment, "a time with its zone")
    seconds = moment.timestamp()
    return int(seconds) if seconds.is_integer() else seconds


def _boolean(value: object) -> str:
    if not isinstance(value, bool):
        _misfit(value, "a boolean")
    return "true" if value else "false"


def _number(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        _misfit(value, "a number")
    return str(value)


def _base64(value: bytes | Secret) -> str:
    return base64.b64encode(value.reveal() if isinstance(value, Secret) else value).decode("ascii")


SPELLINGS: dict[str, Callable[[Any], str]] = {
    "integer": _number,
    "long": _number,
    "float": _number,
    "double": _number,
    "boolean": _boolean,
    "timestamp": iso_8601,
    "blob": _base64,
}


def _items(value: Any) -> Iterable[tuple[str, Any]]:
    """The members of a table, or of a struct of ours under its wire names."""
    if isinstance(value, msgspec.Struct):
        return [(wire_name, getattr(value, name)) for name, wire_name in _names_in(type(value))]
    items: Iterable[tuple[str, Any]] = value.items()
    return items


@functools.cache
def _names_in(struct: type[msgspec.Struct]) -> tuple[tuple[str, str], ...]:
    return tuple(zip(struct.__struct_fields__, struct.__struct_encode_fields__, strict=True))


def _revealed(value: object) -> str:
    if not isinstance(value, Secret):
        _misfit(value, "a string")
    # The one answer in which a secret leaves: the caller just made it.
    return value.reveal().decode("utf-8")


def _misfit(value: object, expected: str) -> NoReturn:
    # Only its type: an answer may hold a secret.
    raise TypeError(f"the model expects {expected}, and the answer has a `{type(value).__name__}`")
