"""Graphs as texts that other programs draw: DOT (Graphviz) and Mermaid.  Labels hold whatever they hold, escaped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

_STRANGE: Final = re.compile(r"[^\x20-\x7e]")


class Node(msgspec.Struct, frozen=True):
    """Something in a graph; `label` may have several lines."""

    id: str
    label: str


class Edge(msgspec.Struct, frozen=True):
    """From one node to another."""

    start: str
    end: str
    label: str = ""


class Graph(msgspec.Struct, frozen=True):
    """Nodes and edges, in the order in which they are written."""

    nodes: Sequence[Node]
    edges: Sequence[Edge]


def dot(graph: Graph) -> str:
    """The graph in the language of Graphviz."""
    lines = ["digraph authority {", "  rankdir=LR;", '  node [shape=box, fontname="sans-serif"];']
    lines += [f"  {_quoted(node.id)} [label={_quoted(node.label)}];" for node in graph.nodes]
    for edge in graph.edges:
        said = f" [label={_quoted(edge.label)}]" if edge.label else ""
        lines.append(f"  {_quoted(edge.start)} -> {_quoted(edge.end)}{said};")
    return "\n".join([*lines, "}", ""])


def mermaid(graph: Graph) -> str:
    """The graph in the language of Mermaid; its nodes are numbered, since their names may hold anything."""
    numbers: dict[str, str] = {}
    lines = ["flowchart LR"]
    lines += [f"  {_number(numbers, node.id)}[{_entities(node.label)}]" for node in graph.nodes]
    for edge in graph.edges:
        said = f"|{_entities(edge.label)}|" if edge.label else ""
        lines.append(f"  {_number(numbers, edge.start)} -->{said} {_number(numbers, edge.end)}")
    return "\n".join([*lines, ""])


def _number(numbers: dict[str, str], name: str) -> str:
    return numbers.setdefault(name, f"n{len(numbers)}")


def _quoted(text: str) -> str:
    """A quoted text of DOT: only quotes and backslashes mean anything in it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", " ").replace("\n", "\\n")
    return f'"{escaped}"'


def _entities(text: str) -> str:
    """A quoted text of Mermaid: what could mean anything is written as the number of its character."""
    lines = ("".join(_entity(character) for character in line) for line in text.split("\n"))
    return f'"{"<br>".join(lines)}"'


def _entity(character: str) -> str:
    plain = character.isalnum() or character in " .:/_-+=,@"
    return character if plain and not _STRANGE.match(character) else f"#{ord(character)};"
