"""A policy document: what its text says, and how it is read.

`parse` takes any text and gives a document or the refusal AWS words it with; `grammar` judges each element.
Whether a named principal exists, and whether the text fits a quota, is for the caller to know.
IAM User Guide, Grammar of the IAM JSON policy language.
"""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NoReturn, TypeVar

import msgspec

from authority.kernel.letters import folded
from authority.kernel.refusal import Reason, Refusal
from authority.policy import conditions, grammar
from authority.policy.grammar import Condition, Named, Rules
from authority.policy.text import NOT_JSON, SYNTAX, Array, Fault, Lines, Node, Object, Text, read
from authority.policy.variables import names_in, resource_tail

MAX_TEXT: Final = 131_072
MAX_STATEMENTS: Final = 200
OLD: Final = "2008-10-17"
CURRENT: Final = "2012-10-17"

_STRANGE = re.compile(r"[^\t\n\r\x20-\xff]")
_TOO_LONG: Final = (
    "1 validation error detected: Value at 'policyDocument' failed to satisfy constraint: "
    f"Member must have length less than or equal to {MAX_TEXT}"
)
_SIDS_DIFFER: Final = "Statement IDs (SID) in a single policy must be unique."
_PRINCIPAL: Final = "Policy document should not specify a principal."
_TURNS: Final = (
    SYNTAX, grammar.NOT_CURRENT, grammar.LEGACY, _SIDS_DIFFER, _PRINCIPAL, grammar.NO_ACTIONS, grammar.NO_RESOURCES
)  # fmt: skip
Read = TypeVar("Read")


class Kind(enum.Enum):
    """What a document is for; a managed policy is an identity policy, wherever it is attached."""

    IDENTITY = "identity"
    BOUNDARY = "boundary"
    SESSION = "session"
    RESOURCE = "resource"
    TRUST = "trust"


_ELEMENTS: Final = frozenset(
    {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
)
_RULES: Final[Mapping[Kind, Rules]] = {
    Kind.IDENTITY: Rules.IDENTITY,
    Kind.BOUNDARY: Rules.IDENTITY,
    Kind.SESSION: Rules.IDENTITY,
    Kind.RESOURCE: Rules.RESOURCE,
    Kind.TRUST: Rules.TRUST,
}


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One statement; of each pair (principals and not_principals, ...) the one that was not written is empty.

    Lines and columns count from 1 and name the first and the last character of the statement in the text.
    """

    index: int
    sid: str
    effect: str
    principals: tuple[Named, ...] = ()
    not_principals: tuple[Named, ...] = ()
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    line: int
    column: int
    end_line: int
    end_column: int


class Document(msgspec.Struct, frozen=True):
    """A document that keeps to the grammar of its kind; `text` is every character as it was written."""

    text: str
    kind: Kind
    version: str
    statements: tuple[Statement, ...]

    @property
    def named_principals(self) -> tuple[str, ...]:
        """User and role ARNs that stand as AWS principals, once each: what must be bound to unique ids."""
        return tuple(dict.fromkeys(named.name for named in self._names() if named.is_user_or_role))

    @property
    def federated_principals(self) -> tuple[str, ...]:
        """Identity providers that are named, once each: the caller knows which of them exist."""
        return tuple(dict.fromkeys(named.name for named in self._names() if named.word == "Federated"))

    @property
    def context_keys(self) -> tuple[str, ...]:
        """Condition keys that the document reads, as first written (GetContextKeysForCustomPolicy)."""
        keys: dict[str, str] = {}
        for statement in self.statements:
            for key in _keys_of(statement, variables=self.has_variables):
                keys.setdefault(folded(key), key)
        return tuple(keys.values())

    @property
    def has_variables(self) -> bool:
        """Whether `${...}` means anything here; in the older version it is plain text."""
        return self.version == CURRENT

    def shown(self, names: Mapping[str, str]) -> str:
        """The text as IAM gives it back: AWS principals in *names* replaced, account ids spelled as root ARNs.

        Every other character stays as it was written.
        """
        pieces: list[str] = []
        at = 0
        for named in sorted(self._names(), key=lambda named: named.start):
            spelled = f"arn:aws:iam::{named.account}:root" if named.account == named.name else names.get(named.name)
            if named.word == "AWS" and spelled is not None:
                # A path may hold quotes and backslashes (IAM API, Path).
                pieces += [self.text[at : named.start], json.dumps(spelled)]
                at = named.end
        return "".join([*pieces, self.text[at:]])

    def _names(self) -> Iterator[Named]:
        for statement in self.statements:
            yield from statement.principals
            yield from statement.not_principals


def parse(text: str, kind: Kind, *, current: bool = False) -> Document | Refusal:
    """Read *text* as a document of *kind*, and of no older version if it is to be *current*.

    Never raises, whatever the text.  Of several faults it tells the one that IAM comes to first.
    """
    if len(text) > MAX_TEXT:
        return Refusal(Reason.VALIDATION_ERROR, _TOO_LONG)
    judge = _Judge()
    try:
        document = _document(text, kind, judge, current=current)
    except Fault as fault:
        return Refusal(Reason.MALFORMED_POLICY_DOCUMENT, str(fault))
    if judge.faults:
        return Refusal(Reason.MALFORMED_POLICY_DOCUMENT, str(min(judge.faults, key=_turn)))
    return document


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One fault of a text: where, AWS's words for it, and our own where AWS's leave open what is meant."""

    line: int
    column: int
    message: str
    why: str = ""


def problems(text: str, kind: Kind) -> tuple[Problem, ...]:
    """All that keeps *text* from being a document of *kind*, in the order of the text; nothing when it is one.

    What `parse` refuses it for is among them; faults of JSON hide what comes after them.
    """
    if len(text) > MAX_TEXT:
        return (Problem(1, 1, _TOO_LONG),)
    judge = _Judge()
    try:
        _document(text, kind, judge)
    except Fault as fault:
        judge.faults.append(fault)
    lines = Lines(text)
    found = (Problem(*lines.place(fault.at or 0), str(fault), fault.why) for fault in judge.faults)
    return tuple(sorted(found, key=lambda problem: (problem.line, problem.column)))


class _Judge:
    """Takes note of a fault and goes on with *otherwise*; a fault that knows no place stands *at* its element."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def attempt(self, read: Callable[[], Read], otherwise: Read, at: int) -> Read:
        try:
            return read()
        except Fault as fault:
            fault.at = at if fault.at is None else fault.at
            self.faults.append(fault)
            return otherwise


def _turn(fault: Fault) -> int:
    """When IAM comes to a fault: it reads a document several times over, each time for other faults."""
    message = str(fault)
    return _TURNS.index(message) if message in _TURNS else len(_TURNS)


def size_of(text: str) -> int:
    """Count the characters of *text* without white space, as the quotas do (IAM and AWS STS quotas)."""
    return len(text) - sum(map(text.count, " \t\n\r"))


def _document(text: str, kind: Kind, judge: _Judge, *, current: bool = False) -> Document:
    if strange := _STRANGE.search(text):
        raise Fault(SYNTAX, strange.start(), f"the character U+{ord(strange[0]):04X} is none of a policy's")
    if not text.strip(" \t\n\r"):
        raise Fault(NOT_JSON, 0, "the text is empty")
    rules, lines = _RULES[kind], Lines(text)
    node = read(text)
    top = grammar.members(node, {"Version", "Id", "Statement"})
    judge.attempt(lambda: _id_is_text(top.get("Id")), None, node.start)
    version = judge.attempt(
        lambda: grammar.version(top.get("Version"), absent=OLD, known=(OLD, CURRENT)), CURRENT, node.start
    )
    if current and version != CURRENT:
        judge.attempt(_not_current, None, node.start)
    none: list[Node] = []
    nodes = judge.attempt(lambda: _statement_nodes(top.get("Statement"), rules), none, node.start)
    statements = tuple(_statement(index, each, rules, lines, judge) for index, each in enumerate(nodes))
    judge.attempt(lambda: _sids_differ(statements, nodes), None, node.start)
    return Document(text, kind, version, statements)


def _not_current() -> NoReturn:
    raise Fault(grammar.NOT_CURRENT)


def _id_is_text(node: Node | None) -> None:
    if node is not None and not isinstance(node, Text):
        raise Fault(SYNTAX, node.start, "Id is text")


def _statement_nodes(node: Node | None, rules: Rules) -> list[Node]:
    match node:
        case Object():
            return [node]
        case Array(items=[]) if rules is Rules.TRUST:
            raise Fault("Could not parse the policy: Statement is empty!", node.start)
        case Array(items=[_, *_] as items) if len(items) <= MAX_STATEMENTS:
            return items
        case Array(items=[_, *_]):
            raise Fault(SYNTAX, node.start, f"there are more than {MAX_STATEMENTS} statements")
        case None:
            raise Fault(SYNTAX, why="Statement is missing")
        case _:
            raise Fault(SYNTAX, node.start, "Statement is an object or a list of them")


def _sids_differ(statements: tuple[Statement, ...], nodes: list[Node]) -> None:
    seen: set[str] = set()
    for statement, node in zip(statements, nodes, strict=True):
        if statement.sid and statement.sid in seen:
            raise Fault(_SIDS_DIFFER, node.start)
        seen.add(statement.sid)


def _statement(index: int, node: Node, rules: Rules, lines: Lines, judge: _Judge) -> Statement:
    def told(read: Callable[[], Read], otherwise: Read) -> Read:
        return judge.attempt(read, otherwise, node.start)

    def pair(name: str) -> tuple[Node | None, Node | None]:
        plain: tuple[Node | None, Node | None] = (found.get(name), None)
        return told(lambda: grammar.one_of_pair(found, name), plain)

    line, column = lines.place(node.start)
    end_line, end_column = lines.place(node.end - 1)
    nothing: Mapping[str, Node] = {}
    if not isinstance(node, Object):
        told(lambda: grammar.members(node, _ELEMENTS), nothing)
        return Statement(
            index=index, sid="", effect="", line=line, column=column, end_line=end_line, end_column=end_column
        )
    known: Mapping[str, Node] = {name: each for name, each in node.members.items() if name in _ELEMENTS}
    found = told(lambda: grammar.members(node, _ELEMENTS), known)
    principal, not_principal = pair("Principal")
    action, not_action = pair("Action")
    resource, not_resource = pair("Resource")
    effect = told(lambda: grammar.effect(found.get("Effect")), "")
    told(lambda: _principals_belong(effect, principal, not_principal, rules), None)
    told(lambda: _no_resources(resource, not_resource, rules), None)
    # IAM judges what is there in this order.
    statement = Statement(
        index=index,
        sid=told(lambda: grammar.sid(found.get("Sid"), rules), ""),
        effect=effect,
        principals=told(lambda: grammar.principals(principal, rules), ()),
        not_principals=told(lambda: grammar.principals(not_principal, rules), ()),
        conditions=told(lambda: grammar.condition_block(found.get("Condition")), ()),
        resources=told(lambda: grammar.resources(resource), ()),
        not_resources=told(lambda: grammar.resources(not_resource), ()),
        actions=told(lambda: grammar.actions(action, rules), ()),
        not_actions=told(lambda: grammar.actions(not_action, rules), ()),
        line=line,
        column=column,
        end_line=end_line,
        end_column=end_column,
    )
    told(lambda: _actions_belong(action, not_action, rules), None)
    told(lambda: _some_resources(resource, not_resource, rules), None)
    return statement


def _principals_belong(effect: str, principal: Node | None, not_principal: Node | None, rules: Rules) -> None:
    named = principal if not_principal is None else not_principal
    if rules is Rules.IDENTITY and named is not None:
        raise Fault(_PRINCIPAL, named.start)
    if rules is not Rules.IDENTITY and named is None:
        raise Fault("Missing required field Principal")
    if rules is Rules.TRUST and not_principal is not None:
        allow = effect == "Allow"
        why = "" if allow else "a trust policy takes no NotPrincipal"
        raise Fault("Allow with NotPrincipal is not allowed." if allow else SYNTAX, not_principal.start, why)


def _actions_belong(action: Node | None, not_action: Node | None, rules: Rules) -> None:
    if action is None and not_action is None:
        raise Fault(grammar.NO_ACTIONS)
    if not_action is not None and rules is Rules.TRUST:
        raise Fault("AssumeRole policy may only specify STS AssumeRole actions.", not_action.start)


def _some_resources(resource: Node | None, not_resource: Node | None, rules: Rules) -> None:
    if rules is Rules.IDENTITY and resource is None and not_resource is None:
        raise Fault(grammar.NO_RESOURCES)


def _no_resources(resource: Node | None, not_resource: Node | None, rules: Rules) -> None:
    if rules is Rules.TRUST and resource is not None:
        raise Fault("Has prohibited field Resource", resource.start)
    if rules is Rules.TRUST and not_resource is not None:
        raise Fault("AssumeRole policy must not contain resources.", not_resource.start)


def _keys_of(statement: Statement, *, variables: bool) -> Iterator[str]:
    for condition in statement.conditions:
        yield from conditions.keys_read(condition.operator, condition.key, condition.values, variables=variables)
    if variables:
        for resource in (*statement.resources, *statement.not_resources):
            yield from names_in(resource_tail(resource))
