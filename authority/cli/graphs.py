"""Answers that are graphs, as graphs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any, Final

from authority.replay.graph import Edge, Graph, Node, dot, mermaid

Answer = Mapping[str, Any]

FORMS: Final[Mapping[str, Callable[[Graph], str]]] = {"dot": dot, "mermaid": mermaid}


def of_lineage(answer: Answer) -> Graph:
    """From the root to the credential."""
    root = answer["root"].get("principalId") or "root"
    said = [answer["root"].get("arn", ""), answer["root"].get("sourceIdentity", "")]
    nodes = [Node(root, _lines(root, *said))]
    edges, before = [], root
    for link in answer["chain"]:
        named = link["accessKeyId"]
        nodes.append(Node(named, _lines(named, link.get("arn", link["kind"]), link.get("status", ""))))
        if "madeWith" in link:
            nodes.append(Node(link["madeWith"], link["madeWith"]))
            edges.append(Edge(link["madeWith"], named, "made"))
        edges.append(Edge(before, named, link.get("sourceAddress", "")))
        before = named
    return Graph(nodes, edges)


def of_radius(answer: Answer) -> Graph:
    """From each credential to those that it led to."""
    nodes, edges = [], []
    for one in answer["credentials"]:
        named = one["accessKeyId"]
        used = f"{one.get('uses', 0)} uses, {one.get('refused', 0)} refused"
        nodes.append(Node(named, _lines(named, one.get("roleArn") or one.get("arn", ""), used)))
        if one.get("parent"):
            edges.append(Edge(one["parent"], named, _when(one)))
    return Graph(nodes, edges)


def of_validity(answer: Answer) -> Graph:
    """From each credential to those that it led to, with how they stand."""
    listed = {one["accessKeyId"] for one in answer["credentials"]}
    nodes = [
        Node(one["accessKeyId"], _lines(one["accessKeyId"], one["arn"], one["why"])) for one in answer["credentials"]
    ]
    edges = [Edge(one["parent"], one["accessKeyId"]) for one in answer["credentials"] if one.get("parent") in listed]
    return Graph(nodes, edges)


def of_sources(answer: Answer) -> Graph:
    """From addresses to the credentials that were used from there."""
    found = answer["sources"]
    names = dict.fromkeys(name for one in found for name in (one["sourceAddress"], one["accessKeyId"]))
    edges = []
    for one in found:
        used = f"{one['count']} uses, {one['refused']} refused"
        edges.append(Edge(one["sourceAddress"], one["accessKeyId"], _lines(one.get("userAgent", ""), used)))
    return Graph([Node(name, name) for name in names], edges)


def of_chains(answer: Answer) -> Graph:
    """From root principals through roles, with how often each step was gone."""
    steps: dict[tuple[str, str], int] = {}
    for chain in answer["chains"]:
        path = [chain["rootPrincipal"], *chain["path"]]
        for start, end in pairwise(path):
            steps[start, end] = steps.get((start, end), 0) + chain["count"]
    names = dict.fromkeys(name for step in steps for name in step)
    return Graph([Node(name, name) for name in names], [Edge(*step, str(count)) for step, count in steps.items()])


def of_first_seen(answer: Answer) -> Graph:
    """From principals to what was new about them."""
    found = answer["firstSeen"]
    names = {one["principalId"]: _lines(one["principalId"], one.get("principal", "")) for one in found}
    names |= {one["value"]: one["value"] for one in found}
    return Graph(
        [Node(name, label) for name, label in names.items()],
        [Edge(one["principalId"], one["value"], one["kind"]) for one in found],
    )


def of_who_can(answer: Answer) -> Graph:
    """From everybody who could to the role."""
    able = answer["able"]
    names = dict.fromkeys([answer["role"], *(one["principal"] for one in able)])
    edges = [Edge(one["principal"], answer["role"], _conditions(one)) for one in able]
    return Graph([Node(name, name) for name in names], edges)


def of_openings(answer: Answer) -> Graph:
    """From those beyond an account to its roles."""
    found = answer["openings"]
    names = dict.fromkeys([*(one["principal"] for one in found), *(one["role"] for one in found)])
    return Graph(
        [Node(name, name) for name in names],
        [Edge(one["principal"], one["role"], _lines(one["what"], _conditions(one))) for one in found],
    )


def of_exposure(answer: Answer) -> Graph:
    """From changes of a trust policy to the sessions that were issued while it was so."""
    nodes, edges = [Node(answer["role"], answer["role"])], []
    for window in answer["windows"]:
        change = f"position {window['position']}"
        nodes.append(Node(change, _lines(change, window["action"], window["by"].get("arn", ""))))
        edges.append(Edge(change, answer["role"], "changed"))
        for one in window.get("sessions", ()):
            nodes.append(Node(one["accessKeyId"], _lines(one["accessKeyId"], one["caller"].get("arn", ""))))
            edges.append(Edge(change, one["accessKeyId"], "made possible" if one.get("onlyBecause") else ""))
    return Graph(nodes, edges)


def _conditions(one: Answer) -> str:
    return ", ".join(one.get("ifKeys", ()))


def _when(one: Answer) -> str:
    return str(one.get("issuedAt", ""))[:19].replace("T", " ")


def _lines(*lines: str) -> str:
    return "\n".join(_distinct(lines))


def _distinct(lines: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(line for line in lines if line))
