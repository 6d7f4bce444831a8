"""From values to the documents that clients read: XML of the query protocol and JSON 1.1.

Knows the model's types.  What it is given comes from us, so a value that does not fit the model is a fault, not a
refusal; what is inside a text comes from strangers, so every text is escaped.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NoReturn

import msgspec

from authority.kernel.secret import Secret
from authority.wire.description import Description, Shape, later
from authority.wire.text import escaped

WriteXml = Callable[[Any], str]
Element = tuple[str, WriteXml, str]
"""What stands before a content, what writes that, and what stands behind."""
WriteJson = Callable[[Any], Any]

_ENCODER: Final = msgspec.json.Encoder()


class XmlWriter:
    """Writers of what stands inside an XML element, one for each shape, each built once."""

    def __init__(self, description: Description) -> None:
        """Write what *description* describes."""
        self._description = description
        self._built: dict[Shape, WriteXml] = {}

    def of(self, shape: Shape) -> WriteXml:
        """The writer of the content of *shape*."""
        if shape not in self._built:
            self._built[shape] = later(self._built, shape)
            self._built[shape] = self._build(shape)
        return self._built[shape]

    def _build(self, shape: Shape) -> WriteXml:
        match shape.type:
            case "structure":
                return self._structure(shape)
            case "list":
                return self._list(shape, self._description.member(shape).location_name or "member")
            case "map":
                return self._map(shape, "entry")
            case kind:
                return SPELLINGS[kind]

    def _element(self, shape: Shape, tag: str) -> Element:
        """*shape* under the name *tag*, which each of its own elements has where it is flattened."""
        if shape.type == "list" and shape.flattened:
            return "", self._list(shape, tag), ""
        if shape.type == "map" and shape.flattened:
            return "", self._map(shape, tag), ""
        return f"<{tag}>", self.of(shape), f"</{tag}>"

    def _structure(self, shape: Shape) -> WriteXml:
        members: dict[str, Element] = {}
        for name, member in self._description.members(shape).items():
            tag = member.location_name or name
            if member.type == "list" and member.flattened:
                tag = self._description.member(member).location_name or tag
            members[name] = self._element(member, tag)

        def write(value: Any) -> str:
            parts: list[str] = []
            for name, item in _items(value):
                if item is not None:
                    before, spell, behind = members[name]
                    parts.append(f"{before}{spell(item)}{behind}")
            return "".join(parts)

        return write

    def _list(self, shape: Shape, tag: str) -> WriteXml:
        before, spell, behind = self._element(self._description.member(shape), tag)
        return lambda value: "".join([f"{before}{spell(item)}{behind}" for item in value])

    def _map(self, shape: Shape, tag: str) -> WriteXml:
        key, item = self._description.key(shape), self._description.value(shape)
        before_key, spell_key, behind_key = self._element(key, key.location_name or "key")
        before, spell, behind = self._element(item, item.location_name or "value")

        def write(value: Any) -> str:
            return "".join(
                f"<{tag}>{before_key}{spell_key(name)}{behind_key}{before}{spell(element)}{behind}</{tag}>"
                for name, element in _items(value)
            )

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
    return f"{_ENCODER.encode(moment)[1:20].decode()}Z"  # without its quotation mark and what is less than a second


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


def _text(value: str | Secret) -> str:
    return escaped(value if isinstance(value, str) else _revealed(value))


def _base64(value: bytes | Secret) -> str:
    return base64.b64encode(value.reveal() if isinstance(value, Secret) else value).decode("ascii")


SPELLINGS: Final[Mapping[str, WriteXml]] = {
    "string": _text,
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
        return zip(value.__struct_encode_fields__, msgspec.structs.astuple(value), strict=True)
    items: Iterable[tuple[str, Any]] = value.items()
    return items


def _revealed(value: object) -> str:
    if not isinstance(value, Secret):
        _misfit(value, "a string")
    # The one answer in which a secret leaves: the caller just made it.
    return value.reveal().decode("utf-8")


def _misfit(value: object, expected: str) -> NoReturn:
    # Only its type: an answer may hold a secret.
    raise TypeError(f"the model expects {expected}, and the answer has a `{type(value).__name__}`")
