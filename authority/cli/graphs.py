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


def of_timeline(answer: Answer) -> Graph:
    """From what was done to what was done next, and to the sessions that it led to."""
    nodes, edges, before = [], [], ""
    for one in answer["moments"]:
        moment = f"position {one['position']}"
        refused = "" if one["outcome"] == "allowed" else one["outcome"]
        nodes.append(Node(moment, _lines(moment, one["action"], one.get("about", ""), refused)))
        if before:
            edges.append(Edge(before, moment))
        for named in one.get("ledTo", ()):
            nodes.append(Node(named, named))
            edges.append(Edge(moment, named, "led to"))
        before = moment
    return Graph(nodes, edges)


def of_dead_keys(answer: Answer) -> Graph:
    """From addresses to the credentials that were tried from there in vain."""
    nodes, edges = dict[str, str](), []
    for one in answer["uses"]:
        nodes[one["sourceAddress"]] = one["sourceAddress"]
        nodes[one["accessKeyId"]] = _lines(one["accessKeyId"], one["status"])
        tried = f"{one['count']} of {one['action']}"
        edges.append(Edge(one["sourceAddress"], one["accessKeyId"], _lines(tried, one["reason"])))
    return Graph([Node(name, label) for name, label in nodes.items()], edges)


def of_least_privilege(answer: Answer) -> Graph:
    """From somebody to what he used, by what he did with it; and to the statements that he did not need."""
    whoever = answer["principal"]
    steps = [Edge(whoever, resource, one["action"]) for one in answer["used"] for resource in one["resources"]]
    steps += [Edge(whoever, f"{one['policy']} line {one.get('line', 0)}", "not needed") for one in answer["unneeded"]]
    names = dict.fromkeys([whoever, *(step.end for step in steps)])
    return Graph([Node(name, name) for name in names], steps)


def of_unused(answer: Answer) -> Graph:
    """From accounts, and whoever has it, to what nobody used."""
    nodes, edges = dict[str, str](), []
    for one in answer["unused"]:
        owner = one.get("owner") or one["account"]
        named = f"{one['what']} {owner} {one['name']} {one.get('detail', '')}"
        nodes[owner] = owner
        nodes[named] = _lines(one["name"], one.get("detail", ""))
        edges.append(Edge(owner, named, one["what"]))
    return Graph([Node(name, label) for name, label in nodes.items()], edges)


def of_history(answer: Answer) -> Graph:
    """From whoever changed something to what bears the name, with what he did; each life is a node of its own."""
    nodes, edges = dict[str, str](), []
    for life in answer["lives"]:
        span = f"positions {life['began']} to {life.get('ended', 'now')}"
        nodes[life["id"]] = _lines(f"{life['kind']} {life['name']}", life["id"], span)
        for turn in life["turns"]:
            by = turn["by"].get("arn") or turn["by"].get("principalId") or "the authority itself"
            nodes.setdefault(by, by)
            edges.append(Edge(by, life["id"], _lines(f"position {turn['position']}", turn["action"])))
    return Graph([Node(name, label) for name, label in nodes.items()], edges)


def of_what_if(answer: Answer) -> Graph:
    """From whoever asked to what would come out otherwise; and from there to all that would never have been."""
    nodes, edges = dict[str, str](), []
    for kind, said in (("newlyDenied", "denied"), ("newlyAllowed", "allowed"), ("undetermined", "cannot be told")):
        for one in answer[kind]:
            place = f"position {one['position']}"
            nodes[one["principal"]] = one["principal"]
            nodes[place] = _lines(place, one["action"], one["resource"])
            edges.append(Edge(one["principal"], place, said))
    for one in answer["never"]:
        place = f"position {one['position']}"
        nodes.setdefault(place, _lines(place, one["request"], one.get("about", "")))
        if "because" in one and one["because"] != one["position"]:
            edges.append(Edge(f"position {one['because']}", place, "leads to nothing"))
        for named in one.get("sessions", ()):
            nodes[named] = named
            edges.append(Edge(place, named, "never issued"))
    return Graph([Node(name, label) for name, label in nodes.items()], edges)


def _conditions(one: Answer) -> str:
    return ", ".join(one.get("ifKeys", ()))


def _when(one: Answer) -> str:
    return str(one.get("issuedAt", ""))[:19].replace("T", " ")


def _lines(*lines: str) -> str:
    return "\n".join(_distinct(lines))


def _distinct(lines: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(line for line in lines if line))
