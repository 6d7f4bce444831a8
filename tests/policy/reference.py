"""A second evaluator: slow, obvious, over raw JSON, with nothing of the engine in it.

It walks the documents again for every question and follows the written rules of the language one by one, so that a
disagreement with the engine is a defect of one of the two.  It takes documents that keep to the grammar.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from functools import lru_cache

ANY, ONE = object(), object()  # wildcards, told apart from the characters `*` and `?`

MEMBERS = {"root", "user", "assumed-role", "federated-user"}


@dataclass(frozen=True)
class Paper:
    """One policy as written, where it stands, and what its user and role ARNs were bound to."""

    layer: str
    name: str
    text: str
    bound: dict[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Caller:
    kind: str
    arn: str
    account: str
    unique_id: str
    issuer: str = ""


@dataclass(frozen=True)
class Asked:
    """One question, in plain data."""

    caller: Caller
    action: str
    resource: str
    owner: str
    context: dict[str, str | tuple[str, ...]]
    identity: tuple[Paper, ...] = ()
    boundary: tuple[Paper, ...] | None = None
    session: tuple[Paper, ...] | None = None
    resource_policies: tuple[Paper, ...] = ()
    trust: bool = False
    scps: tuple[tuple[Paper, ...], ...] = ()
    rcps: tuple[tuple[Paper, ...], ...] = ()


def decide(asked: Asked) -> tuple[str, frozenset[tuple[str, str, int]]]:
    """The effect, and the statements (layer, policy, index) that determined it."""
    session = asked.session
    if asked.caller.kind == "federated-user" and session is None:
        session = ()
    everything = [*asked.identity, *(asked.boundary or ()), *(session or ()), *asked.resource_policies]
    outsider = asked.caller.kind not in MEMBERS
    linked = asked.caller.kind == "assumed-role" and ":role/aws-service-role/" in asked.caller.issuer
    scps = () if outsider or linked else asked.scps
    rcps = () if linked else asked.rcps
    for level in (*scps, *rcps):
        everything += level

    found = {id(paper): list(applying(paper, asked)) for paper in everything}
    denies = {where for paper in everything for effect, where, _ in found[id(paper)] if effect == "Deny"}
    if denies:
        return "explicitDeny", frozenset(denies)

    def allows(papers):
        return {where for paper in papers for effect, where, _ in found[id(paper)] if effect == "Allow"}

    reasons: set[tuple[str, str, int]] = set()
    for level in (*scps, *rcps):
        if not allows(level):
            return "implicitDeny", frozenset()
        reasons |= allows(level)

    kinds = {kind for paper in asked.resource_policies for effect, _, kind in found[id(paper)] if effect == "Allow"}
    by_identity = allows(asked.identity)
    by_boundary = allows(asked.boundary) if asked.boundary is not None else {"no boundary"}
    by_session = allows(session) if session is not None else {"no session policy"}
    by_resource = allows(asked.resource_policies)
    limited = bool(by_boundary) and bool(by_session)
    same = asked.caller.account == asked.owner
    key = bool(asked.resource_policies) and re.match(r"arn:[^:]*:kms:[^:]*:[^:]*:key/", asked.resource) is not None

    def answer(yes, *parts):
        if not yes:
            return "implicitDeny", frozenset()
        grounds = set().union(reasons, *parts)
        return "allowed", frozenset(each for each in grounds if isinstance(each, tuple))

    if asked.caller.kind == "root":
        if asked.trust:
            return answer(False)
        return answer(True) if same and not key else answer(bool(kinds), by_resource)
    if outsider:
        return answer(bool(kinds), by_resource)
    if not same:
        everywhere = bool(kinds) and bool(by_identity) and limited
        return answer(everywhere, by_resource, by_identity, by_boundary, by_session)
    if "direct" in kinds and not asked.trust:
        return answer(True, by_resource)
    if "direct" in kinds or "role" in kinds:
        return answer(limited, by_resource, by_boundary, by_session)
    if asked.trust or key:
        return answer(bool(kinds) and bool(by_identity) and limited, by_resource, by_identity, by_boundary, by_session)
    return answer(bool(by_identity) and limited, by_identity, by_boundary, by_session)


def applying(paper: Paper, asked: Asked):
    """The statements that apply to the question: effect, where, and how they name the caller."""
    document = loaded(paper.text)
    variables = document.get("Version") == "2012-10-17"
    for index, statement in enumerate(listed(document["Statement"])):
        kind = named_as(statement, paper, asked)
        if (
            kind != "not"
            and takes_in_action(statement, asked.action)
            and reaches(statement, asked, variables)
            and conditions_hold(statement.get("Condition", {}), asked.context, variables)
        ):
            yield statement["Effect"], (paper.layer, paper.name, index), kind


@lru_cache(maxsize=4096)
def loaded(text: str) -> dict:
    # Numbers are read as their text.
    return json.loads(text, parse_int=str, parse_float=str)


def listed(value):
    return value if isinstance(value, list) else [value]


# --- principals


def named_as(statement, paper: Paper, asked: Asked) -> str:
    """`direct`, `role`, `account`, or `not` at all."""
    if "Principal" in statement:
        kinds = entries(statement["Principal"], paper, asked.caller)
        return next((kind for kind in ("direct", "role", "account") if kind in kinds), "not")
    if "NotPrincipal" in statement:
        kinds = entries(statement["NotPrincipal"], paper, asked.caller)
        if statement["Effect"] == "Allow":
            return "not" if kinds else "direct"
        if asked.boundary is not None:
            return "direct"
        return "not" if exempted(statement["NotPrincipal"], kinds, asked.caller) else "direct"
    return "direct"


def exempted(element, kinds, caller: Caller) -> bool:
    """A user needs itself and its account in the list, a session its role as well."""
    if element == "*" or (isinstance(element, dict) and "*" in listed(element.get("AWS", []))):
        return True
    needed = {
        "user": {"direct", "account"},
        "assumed-role": {"direct", "role", "account"},
        "federated-user": {"direct", "role", "account"},
    }.get(caller.kind)
    return kinds >= needed if needed else bool(kinds)


def entries(element, paper: Paper, caller: Caller) -> set[str]:
    if element == "*":
        return {"direct"}
    kinds = set()
    for word, names in element.items():
        for name in listed(names):
            kind = entry(word, name, paper, caller)
            if kind:
                kinds.add(kind)
    return kinds


def entry(word: str, name: str, paper: Paper, caller: Caller) -> str | None:
    if word == "Service":
        return "direct" if caller.kind == "service" and caller.arn == name else None
    if word == "Federated":
        return "direct" if caller.kind in ("saml", "web-identity") and caller.issuer == name else None
    if word != "AWS":
        return None
    if name == "*":
        return "direct"
    account = name if re.fullmatch(r"\d{12}", name) else name.split(":")[4] if name.endswith(":root") else None
    if account:
        return "account" if caller.kind in MEMBERS and caller.account == account else None
    identity = ":user/" in name or ":role/" in name
    if identity and name in paper.bound:
        named_self = named_issuer = paper.bound[name] is not None and paper.bound[name] == caller.unique_id
    else:
        named_self, named_issuer = name == caller.arn, name == caller.issuer
    if caller.kind == "user":
        return "direct" if named_self else None
    if caller.kind in ("assumed-role", "federated-user"):
        if not identity and name == caller.arn:
            return "direct"
        return "role" if named_issuer else None
    return None


# --- actions and resources


def takes_in_action(statement, action: str) -> bool:
    def taken(patterns):
        return any(fits(wild(pattern.lower()), action.lower()) for pattern in listed(patterns))

    return taken(statement["Action"]) if "Action" in statement else not taken(statement["NotAction"])


def reaches(statement, asked: Asked, variables: bool) -> bool:
    def reached(patterns):
        for pattern in listed(patterns):
            fields = pattern.split(":", 5)
            if pattern[-1] != "*":
                fields += ["*"] * (6 - len(fields))
            head = ":".join(fields[:5]) + (":" if len(fields) == 6 else "")
            tail = fields[5] if len(fields) == 6 else ""
            filled = fill(tail, asked.context, variables)
            if filled is not None and fits((*wild(head), *filled), asked.resource):
                return True
        return False

    if "Resource" in statement:
        return reached(statement["Resource"])
    if "NotResource" in statement:
        return not reached(statement["NotResource"])
    return True


@lru_cache(maxsize=65_536)
def wild(text: str) -> tuple:
    return tuple(ANY if letter == "*" else ONE if letter == "?" else letter for letter in text)


def fits(pattern: tuple, text: str) -> bool:
    return expression(pattern).fullmatch(text) is not None


@lru_cache(maxsize=65_536)
def expression(pattern: tuple) -> re.Pattern:
    spelled = (".*" if each is ANY else "." if each is ONE else re.escape(each) for each in pattern)
    return re.compile("".join(spelled), re.DOTALL)


def fill(text: str, context, variables: bool) -> tuple | None:
    """Put values where variables stand; None when one has no value."""
    if "$" not in text:
        return wild(text)
    row: list = []
    while text:
        if variables and text.startswith("${"):
            found = variable(text)
            if found is not None:
                name, default, length = found
                text = text[length:]
                if name in ("*", "?", "$"):
                    row.append(name)
                    continue
                value = context.get(name.lower())
                if not isinstance(value, str):
                    value = default
                if value is None:
                    return None
                row += list(value)
                continue
        row += wild(text[0])
        text = text[1:]
    return tuple(row)


def variable(text: str) -> tuple[str, str | None, int] | None:
    """Read the variable that *text* begins with: name, default, length."""
    at = 2
    if text[at : at + 2] in ("*}", "?}", "$}"):
        return text[at], None, at + 2
    while at < len(text) and text[at] not in "${}'*?,":
        at += 1
    name = text[2:at]
    if not name:
        return None
    if text.startswith("}", at):
        return name, None, at + 1
    if text.startswith(", '", at):
        end = text.find("'", at + 3)
        if end >= 0 and text.startswith("'}", end):
            return name, text[at + 3 : end], end + 2
    return None


# --- conditions


def conditions_hold(block, context, variables: bool) -> bool:
    return all(
        condition_holds(operator, key.lower(), [spelled(value) for value in listed(values)], context, variables)
        for operator, keys in block.items()
        for key, values in keys.items()
    )


def spelled(value) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else value


def condition_holds(operator: str, key: str, values: list[str], context, variables: bool) -> bool:
    over, _, operator = operator.rpartition(":")
    if operator == "Null":
        absent = context.get(key) in (None, ())
        return any(value.lower() == ("true" if absent else "false") for value in values)
    if_exists = operator.endswith("IfExists")
    operator = operator.removesuffix("IfExists")
    value = context.get(key)
    absent = value in (None, ())

    if over == "ForAllValues":
        asked = () if absent or value == "" else (value,) if isinstance(value, str) else value
        return all(satisfies(operator, each, values, context, variables) for each in asked)
    if over == "ForAnyValue":
        if absent:
            return if_exists
        asked = () if value == "" else (value,) if isinstance(value, str) else value
        return any(satisfies(operator, each, values, context, variables) for each in asked)
    if absent:
        return if_exists or "Not" in operator
    if not isinstance(value, str):
        return False
    return satisfies(operator, value, values, context, variables)


def satisfies(operator: str, value: str, written: list[str], context, variables: bool) -> bool:
    """One value of the request against the values of the statement."""
    negated = "Not" in operator
    positive = operator.replace("Not", "")
    answers = [compare(positive, value, each, context, variables) for each in written]
    if not negated:
        return True in answers
    # "different" has to be shown for each; a variable without value equals nothing
    return all(answer is False or answer == "no value" for answer in answers)


def compare(operator: str, value: str, written: str, context, variables: bool):
    """True or False, None when the two cannot be compared, `no value` when a variable has none."""
    if operator.startswith(("String", "Arn")) or operator == "Bool":
        row = fill(written, context, variables)
        if row is None:
            return "no value"
        text = "".join("*" if each is ANY else "?" if each is ONE else each for each in row)
    match operator:
        case "StringEquals":
            return value == text
        case "StringEqualsIgnoreCase":
            return value.lower() == text.lower()
        case "StringLike":
            return fits(row, value)
        case "Bool":
            known = {"true", "false"}
            return value.lower() == text.lower() if value.lower() in known and text.lower() in known else None
        case "ArnEquals" | "ArnLike":
            return same_arn(value, row)
        case "BinaryEquals":
            return order(operator, octets(value), octets(written))
        case "IpAddress":
            return inside(value, written)
    read = number if operator.startswith("Numeric") else moment
    return order(operator, read(value), read(written))


def order(operator: str, value, written):
    if value is None or written is None:
        return None
    if operator.endswith("LessThanEquals"):
        return value <= written
    if operator.endswith("GreaterThanEquals"):
        return value >= written
    if operator.endswith("LessThan"):
        return value < written
    if operator.endswith("GreaterThan"):
        return value > written
    return value == written


def same_arn(value: str, row: tuple):
    asked = value.split(":", 5)
    fields: list[list] = [[]]
    for each in row:
        if each == ":" and len(fields) < 6:
            fields.append([])
        else:
            fields[-1].append(each)
    if len(asked) != 6 or len(fields) != 6:
        return None
    return all(fits(tuple(pattern), part) for pattern, part in zip(fields, asked, strict=True))


def number(text: str) -> Fraction | None:
    return Fraction(text) if re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", text) else None


def moment(text: str) -> Fraction | None:
    if re.fullmatch(r"-?[0-9]+(\.[0-9]{1,9})?", text):
        return Fraction(text) if abs(int(Fraction(text))) < 2**63 else None
    if re.fullmatch(r"\d{4}-\d\d", text, re.ASCII):
        text += "-01"
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        text += "T00:00"
    if not re.search(r"[Zz]$|[Tt].*[+-]", text):
        text += "Z"
    text = re.sub(r"T(\d):", r"T0\1:", text.upper())
    text = re.sub(r"(T.*[+-]\d\d)$", r"\1:00", text)
    found = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d)(:\d\d)?(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", text, re.ASCII)
    if not found or (found[3] and not found[2]):
        return None
    try:
        whole = datetime.fromisoformat(found[1] + (found[2] or ":00") + found[4].replace("Z", "+00:00"))
    except ValueError:
        return None
    since = whole - datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    return Fraction(since.days * 86400 + since.seconds) + Fraction("0" + (found[3] or ".0"))


def octets(text: str) -> bytes | None:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return data if base64.b64encode(data).decode() == text else None


def inside(value: str, written: str):
    try:
        address = ipaddress.ip_address(value)
        network = ipaddress.ip_network(written, strict=False)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None:
        address = mapped
    base = getattr(network.network_address, "ipv4_mapped", None)
    if base is not None and network.prefixlen >= 96:
        network = ipaddress.ip_network(f"{base}/{network.prefixlen - 96}")
    return address in network
