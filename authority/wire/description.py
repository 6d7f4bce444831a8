"""A service model as data: the shapes that botocore's `service-2.json` describes, looked up by name.

Knows what a description says, not how anything is read or written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import msgspec

SCALARS: Final = frozenset({"string", "integer", "long", "float", "double", "boolean", "timestamp", "blob"})
Place = TypeVar("Place")
Result = TypeVar("Result")
COLLECTIONS: Final = frozenset({"structure", "list", "map"})


class Shape(msgspec.Struct, frozen=True):
    """One shape as a member refers to it: the reference may rename or flatten what it refers to."""

    name: str
    type: str
    required: frozenset[str] = frozenset()
    min: float | None = None
    max: float | None = None
    pattern: str | None = None
    enum: tuple[str, ...] = ()
    sensitive: bool = False
    flattened: bool = False
    location_name: str | None = None
    timestamp_format: str | None = None


class Description:
    """The shapes of one service."""

    def __init__(self, shapes: Mapping[str, Mapping[str, Any]]) -> None:
        """Look up in *shapes*, as the service model has them."""
        self._shapes = shapes

    def shape(self, reference: Mapping[str, Any]) -> Shape:
        """The shape that *reference* names, with what the reference adds to it."""
        name: str = reference["shape"]
        described = {**self._shapes[name], **reference}
        kind: str = described["type"]
        if kind not in SCALARS | COLLECTIONS:
            raise ValueError(f"the model has a shape of an unknown type: `{name}` is a `{kind}`")
        return Shape(
            name=name,
            type=kind,
            required=frozenset(described.get("required", ())),
            min=described.get("min"),
            max=described.get("max"),
            pattern=described.get("pattern"),
            enum=tuple(described.get("enum", ())),
            sensitive=described.get("sensitive", False),
            flattened=described.get("flattened", False),
            location_name=described.get("locationName"),
            timestamp_format=described.get("timestampFormat"),
        )

    def members(self, shape: Shape) -> dict[str, Shape]:
        """The members of a structure by name, in the model's order."""
        return {name: self.shape(reference) for name, reference in self._shapes[shape.name]["members"].items()}

    def member(self, shape: Shape) -> Shape:
        """What a list holds."""
        return self.shape(self._shapes[shape.name]["member"])

    def key(self, shape: Shape) -> Shape:
        """What the keys of a map are."""
        return self.shape(self._shapes[shape.name]["key"])

    def value(self, shape: Shape) -> Shape:
        """What the values of a map are."""
        return self.shape(self._shapes[shape.name]["value"])

    def hides(self, shape: Shape, *, blobs: bool = False, above: frozenset[str] = frozenset()) -> bool:
        """Whether a value of *shape* may hold what must not be shown, at any depth; *blobs* are such, where asked."""
        if shape.sensitive or (blobs and shape.type == "blob"):
            return True
        within = above | {shape.name}
        return shape.name not in above and any(
            self.hides(part, blobs=blobs, above=within) for part in self.parts(shape)
        )

    def parts(self, shape: Shape) -> tuple[Shape, ...]:
        """Everything that *shape* is made of."""
        match shape.type:
            case "structure":
                return tuple(self.members(shape).values())
            case "list":
                return (self.member(shape),)
            case "map":
                return (self.key(shape), self.value(shape))
            case _:
                return ()


def later(built: Mapping[Place, Callable[..., Result]], place: Place) -> Callable[..., Result]:
    """Stand in for what is being built at *place*: a shape may lie within itself."""

    def stand_in(*given: Any) -> Result:
        return built[place](*given)

    return stand_in


def label_of(name: str) -> str:
    """A member's name as AWS's messages have it: `RoleName` is `roleName`, and `SAMLAssertion` is `sAMLAssertion`."""
    return name[:1].lower() + name[1:]
