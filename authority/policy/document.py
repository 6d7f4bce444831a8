"""A policy document: what its text says, and how it is read.

`parse` takes any text and gives a document or the refusal AWS words it with; `grammar` judges each element.
Whether a named principal exists, and whether the text fits a quota, is for the caller to know.
IAM User Guide, Grammar of the IAM JSON policy language.
"""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

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


def parse(text: str, kind: Kind) -> Document | Refusal:
    """Read *text* as a document of *kind*.  Never raises, whatever the text."""
    if len(text) > MAX_TEXT:
        return Refusal(
            Reason.VALIDATION_ERROR,
            "1 validation error detected: Value at 'policyDocument' failed to satisfy constraint: "
            f"Member must have length less than or equal to {MAX_TEXT}",
        )
    try:
        return _document(text, kind)
    except Fault as fault:
        return Refusal(Reason.MALFORMED_POLICY_DOCUMENT, str(fault))


def size_of(text: str) -> int:
    """Count the characters of *text* without white space, as the quotas do (IAM and AWS STS quotas)."""
    return len(text) - sum(map(text.count, " \t\n\r"))


def _document(text: str, kind: Kind) -> Document:
    if _STRANGE.search(text):
        raise Fault(SYNTAX)
    if not text.strip(" \t\n\r"):
        raise Fault(NOT_JSON)
    rules, lines = _RULES[kind], Lines(text)
    top = grammar.members(read(text), {"Version", "Id", "Statement"})
    if "Id" in top and (rules is Rules.IDENTITY or not isinstance(top["Id"], Text)):
        raise Fault(SYNTAX)
    version = grammar.version(top.get("Version"), absent=OLD, known=(OLD, CURRENT))
    nodes = _statement_nodes(top.get("Statement"), rules)
    statements = tuple(_statement(index, node, rules, lines) for index, node in enumerate(nodes))
    sids = [statement.sid for statement in statements if statement.sid]
    if len(set(sids)) != len(sids):
        raise Fault("Statement IDs (SID) in a single policy must be unique.")
    return Document(text, kind, version, statements)


def _statement_nodes(node: Node | None, rules: Rules) -> list[Node]:
    match node:
        case Object():
            return [node]
        case Array(items=[]) if rules is Rules.TRUST:
            raise Fault("Could not parse the policy: Statement is empty!")
        case Array(items=[_, *_] as items) if len(items) <= MAX_STATEMENTS:
            return items
        case _:
            raise Fault(SYNTAX)


def _statement(index: int, node: Node, rules: Rules, lines: Lines) -> Statement:
    found = grammar.members(node, _ELEMENTS)
    principal, not_principal = grammar.one_of_pair(found, "Principal")
    action, not_action = grammar.one_of_pair(found, "Action")
    resource, not_resource = grammar.one_of_pair(found, "Resource")
    effect = grammar.effect(found.get("Effect"))
    _principals_belong(effect, principal, not_principal, rules)
    _resources_belong(resource, not_resource, rules)
    if action is None and not_action is None:
        raise Fault("Policy statement must contain actions.")
    if not_action is not None and rules is Rules.TRUST:
        raise Fault("AssumeRole policy may only specify STS AssumeRole actions.")
    line, column = lines.place(node.start)
    end_line, end_column = lines.place(node.end - 1)
    return Statement(
        index=index,
        sid=grammar.sid(found.get("Sid"), rules),
        effect=effect,
        principals=grammar.principals(principal, rules),
        not_principals=grammar.principals(not_principal, rules),
        actions=grammar.actions(action, rules),
        not_actions=grammar.actions(not_action, rules),
        resources=grammar.resources(resource),
        not_resources=grammar.resources(not_resource),
        conditions=grammar.condition_block(found.get("Condition")),
        line=line,
        column=column,
        end_line=end_line,
        end_column=end_column,
    )


def _principals_belong(effect: str, principal: Node | None, not_principal: Node | None, rules: Rules) -> None:
    named = principal is not None or not_principal is not None
    if rules is Rules.IDENTITY and named:
        raise Fault("Policy document should not specify a principal.")
    if rules is not Rules.IDENTITY and not named:
        raise Fault("Missing required field Principal")
    if rules is Rules.TRUST and not_principal is not None:
        raise Fault("Allow with NotPrincipal is not allowed." if effect == "Allow" else SYNTAX)


def _resources_belong(resource: Node | None, not_resource: Node | None, rules: Rules) -> None:
    if rules is Rules.IDENTITY and resource is None and not_resource is None:
        raise Fault("Policy statement must contain resources.")
    if rules is Rules.TRUST and resource is not None:
        raise Fault("Has prohibited field Resource")
    if rules is Rules.TRUST and not_resource is not None:
        raise Fault("AssumeRole policy must not contain resources.")


def _keys_of(statement: Statement, *, variables: bool) -> Iterator[str]:
    for condition in statement.conditions:
        yield from conditions.keys_read(condition.operator, condition.key, condition.values, variables=variables)
    if variables:
        for resource in (*statement.resources, *statement.not_resources):
            yield from names_in(resource_tail(resource))
