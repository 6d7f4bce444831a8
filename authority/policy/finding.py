"""What a reader of policies remarks on, and where: the shape that all rules of `lint` share."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from authority.kernel.letters import folded
from authority.policy import conditions
from authority.policy.document import Document, Statement
from authority.policy.text import Array, Lines, Node, Object, Scalar, Text, read


class Level(enum.StrEnum):
    """How much it matters."""

    WARNING = "warning"
    """The statement most likely does not do what its author means."""
    NOTE = "note"
    """Right as it stands, and good to know."""


class Finding(msgspec.Struct, frozen=True):
    """One remark on a document that keeps to the grammar; `rule` is its name for those who filter."""

    level: Level
    rule: str
    line: int
    column: int
    message: str


class Tried(msgspec.Struct, frozen=True):
    """One condition key under one operator; `place` is the offset of the key."""

    operator: conditions.Operator
    key: str
    place: int
    values: Sequence[Text | Scalar]

    @property
    def folded_key(self) -> str:
        """The key as contexts spell it."""
        return folded(self.key)


class Written(msgspec.Struct, frozen=True):
    """A statement beside the text it was read from, so that every word of it has a place."""

    document: Document
    statement: Statement
    node: Object
    lines: Lines

    @property
    def allows(self) -> bool:
        """Whether the statement allows."""
        return self.statement.effect == "Allow"

    def texts(self, *elements: str) -> Iterator[Text]:
        """The texts of these elements, as far as they are there."""
        nodes = [node for name, node in self.node.members.items() if name in elements]
        yield from (each for node in nodes for each in _listed(node) if isinstance(each, Text))

    def named(self) -> Iterator[tuple[str, Text]]:
        """Each entry of Principal, or of NotPrincipal, with the word it stands under; `*` stands under `*`."""
        node = self.node.members.get("Principal", self.node.members.get("NotPrincipal"))
        if isinstance(node, Text):
            yield "*", node
        for word, listed in _members(node).items():
            yield from ((word, each) for each in _listed(listed) if isinstance(each, Text))

    def tries(self) -> Iterator[Tried]:
        """Each key under each operator of the Condition."""
        for name, keys in _members(self.node.members.get("Condition")).items():
            for key, node in _members(keys).items():
                values = [each for each in _listed(node) if isinstance(each, Text | Scalar)]
                yield Tried(conditions.known(name), key, _places(keys)[key], values)

    def offset(self, element: str) -> int:
        """Where *element* stands, or the statement where it is not written."""
        return self.node.places.get(element, self.node.start)

    def warn(self, rule: str, offset: int, message: str) -> Finding:
        """A warning about what stands at *offset*."""
        return Finding(Level.WARNING, rule, *self.lines.place(offset), message)

    def remark(self, rule: str, offset: int, message: str) -> Finding:
        """A note about what stands at *offset*."""
        return Finding(Level.NOTE, rule, *self.lines.place(offset), message)


def written(document: Document) -> Iterator[Written]:
    """The statements of *document* with their places."""
    lines = Lines(document.text)
    nodes = _listed(_members(read(document.text))["Statement"])
    pairs = zip(document.statements, nodes, strict=True)
    yield from (Written(document, statement, node, lines) for statement, node in pairs if isinstance(node, Object))


def _listed(node: Node) -> Sequence[Node]:
    return node.items if isinstance(node, Array) else [node]


def _members(node: Node | None) -> Mapping[str, Node]:
    return node.members if isinstance(node, Object) else {}


def _places(node: Node) -> Mapping[str, int]:
    return node.places if isinstance(node, Object) else {}
