"""Policies made ready for many decisions: statements by action, patterns and conditions prepared once.

A compiled policy is derived from its document and can be thrown away; it remembers which statements concern an
action, and nothing else changes in it.  `choosing` finds statements in many policies at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, TypeAlias

import msgspec

from authority.kernel.letters import folded
from authority.policy import conditions
from authority.policy.conditions import Test
from authority.policy.document import Document, Statement
from authority.policy.match import Glob, Wild, any_of, everything, glob, tokens
from authority.policy.variables import (
    Context,
    Reference,
    Template,
    fixed,
    keys_of,
    resolve,
    resource_template,
    value_of,
)
from authority.policy.whom import Whom

REMEMBERED: Final = 512
"""Actions whose statements a policy remembers; callers may ask for any name, so the table is emptied when full."""

Reach: TypeAlias = Callable[[str, Context], bool]
"""Does a statement reach this resource, in this request?"""
Beginning: TypeAlias = tuple[str, bool]
"""What a resource begins with, and whether anything may follow."""


Layer: TypeAlias = Literal["identity", "boundary", "session", "resource", "trust", "scp", "rcp"]
"""The parts that policies play in a decision."""


class Source(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a policy comes from.

    `policy` is an ARN or a name, `version` that of a managed policy, `owner` the ARN of the user, group or role an
    inline policy hangs on.
    """

    layer: Layer
    policy: str
    version: str = ""
    owner: str = ""


class Matched(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A statement that determined a decision.  Stored for ever: new fields come last and have a default."""

    layer: Layer
    policy: str
    version: str = ""
    owner: str = ""
    sid: str = ""
    index: int = 0
    line: int = 0
    column: int = 0
    end_line: int = 0
    end_column: int = 0


class Rule:
    """One statement, ready to be asked.

    A resource that begins as none of `begins` is not reached; None tells nothing.  `reach` tells the rest, and is None
    where nothing is left to tell.
    """

    __slots__ = ("allows", "begins", "keys", "matched", "negated_whom", "reach", "reach_keys", "tests", "whom")

    def __init__(
        self, statement: Statement, source: Source, bound: Mapping[str, str | None], *, variables: bool
    ) -> None:
        """Prepare *statement*; *variables* says whether its document has any."""
        self.allows = statement.effect == "Allow"
        self.negated_whom = bool(statement.not_principals)
        names = statement.principals or statement.not_principals
        self.whom = Whom(names, bound) if names else None
        named = [resource_template(name, variables=variables) for name in statement.resources]
        self.begins = _beginnings(named)
        spared = [resource_template(name, variables=variables) for name in statement.not_resources]
        self.reach = _unless_covered(spared) if spared else None if _settled(named) else _covered(named)
        self.reach_keys = tuple(key for parts in named or spared for key in keys_of(parts))
        self.tests: tuple[Test, ...] = tuple(
            conditions.test(conditions.known(condition.operator), condition.key, condition.values, variables=variables)
            for condition in statement.conditions
        )
        self.keys = tuple(
            folded(key)
            for condition in statement.conditions
            for key in conditions.keys_read(condition.operator, condition.key, condition.values, variables=variables)
        )
        self.matched = Matched(
            source.layer,
            source.policy,
            source.version,
            source.owner,
            statement.sid,
            statement.index,
            statement.line,
            statement.column,
            statement.end_line,
            statement.end_column,
        )


class Policy:
    """A document with its source, indexed by action."""

    __slots__ = ("_exact", "_patterns", "_remembered", "_rules", "document", "source")

    def __init__(self, document: Document, source: Source, bound: Mapping[str, str | None]) -> None:
        """Compile *document*."""
        self.document = document
        self.source = source
        self._rules = tuple(
            Rule(statement, source, bound, variables=document.has_variables) for statement in document.statements
        )
        self._exact: dict[str, set[int]] = {}
        self._patterns: dict[str, list[tuple[Glob, int]]] = {}
        for statement in document.statements:
            self._index(statement)
        self._remembered: dict[str, tuple[Rule, ...]] = {}

    def concerning(self, action: str) -> tuple[Rule, ...]:
        """The statements, in order, whose Action or NotAction takes in *action*, which is in lower case."""
        found = self._remembered.get(action)
        if found is None:
            if len(self._remembered) >= REMEMBERED:
                self._remembered.clear()
            found = self._remembered[action] = self._search(action)
        return found

    def _index(self, statement: Statement) -> None:
        if statement.not_actions:
            listed = any_of(tokens(folded(name)) for name in statement.not_actions) or everything
            self._patterns.setdefault("", []).append((_unless(listed), statement.index))
        for name in map(folded, statement.actions):
            if "*" not in name and "?" not in name:
                self._exact.setdefault(name, set()).add(statement.index)
            else:
                # A vendor holds no wildcard, so a pattern is only tried on actions of its own vendor.
                vendor = name.partition(":")[0] if ":" in name else ""
                self._patterns.setdefault(vendor, []).append((glob(tokens(name)), statement.index))

    def _search(self, action: str) -> tuple[Rule, ...]:
        found = set(self._exact.get(action, ()))
        for vendor in ("", action.partition(":")[0]):
            found.update(index for matches, index in self._patterns.get(vendor, ()) if matches(action))
        return tuple(self._rules[index] for index in sorted(found))


def compile_policy(document: Document, source: Source, bound: Mapping[str, str | None] | None = None) -> Policy:
    """Make *document* ready.

    *bound* maps user and role ARNs in it to the unique ids they had when it was written; None binds to nothing,
    which never matches.  An ARN that is not in *bound* is compared as an ARN, which only a simulation may do.
    """
    return Policy(document, source, bound or {})


def _unless(listed: Glob) -> Glob:
    return lambda action: not listed(action)


def _beginnings(templates: Sequence[Template]) -> tuple[Beginning, ...] | None:
    """How the resources of a statement begin; None where one may begin anyhow, or none is named."""
    found: list[Beginning] = []
    for parts in templates:
        if not parts or not isinstance(parts[0], str):
            return None
        found.append((parts[0], len(parts) > 1))
    return tuple(found) or None


def _settled(templates: Sequence[Template]) -> bool:
    """Whether nothing is left to tell once it is known how a resource begins; so it is where none is named.

    A trust policy names none: it speaks of the role it hangs on.
    """
    if any(parts == (Wild.ANY,) for parts in templates):
        return True
    return all(isinstance(parts[0], str) and parts[1:] in ((), (Wild.ANY,)) for parts in templates)


def _unless_covered(templates: Sequence[Template]) -> Reach:
    covered = _covered(templates)
    return lambda resource, context: not covered(resource, context)


def _covered(templates: Sequence[Template]) -> Reach:
    """The test of a list of resources."""
    plain = any_of(row for row in map(fixed, templates) if row is not None) or everything
    moving = [_filled(parts) for parts in templates if fixed(parts) is None]
    if not moving:
        return lambda resource, _: plain(resource)
    if len(moving) == len(templates) == 1:
        return moving[0]
    return lambda resource, context: plain(resource) or any(reaches(resource, context) for reaches in moving)


def _filled(parts: Template) -> Reach:
    """The test of one resource with variables, whose values are plain text."""
    goes_on = parts[-1] is Wild.ANY
    body = tuple(part for part in parts if not isinstance(part, Wild))
    if len(parts) - len(body) > goes_on:
        return lambda resource, context: (row := resolve(parts, context)) is not None and glob(row)(resource)

    def reaches(resource: str, context: Context) -> bool:
        at = 0
        for part in body:
            text = value_of(part, context) if isinstance(part, Reference) else part
            if text is None or not resource.startswith(text, at):
                return False
            at += len(text)
        return goes_on or at == len(resource)

    return reaches
