"""Policies made ready for many decisions: statements by action, patterns and conditions prepared once.

A compiled policy is derived from its document and can be thrown away; it remembers which statements concern an
action, and nothing else changes in it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Final, Literal, TypeAlias

import msgspec

from authority.kernel.letters import folded
from authority.policy import conditions
from authority.policy.conditions import Test
from authority.policy.document import Document, Statement
from authority.policy.match import Glob, any_of, everything, glob, tokens
from authority.policy.variables import Context, Template, fixed, keys_of, resolve, resource_template
from authority.policy.whom import Whom

REMEMBERED: Final = 512
"""Actions whose statements a policy remembers; callers may ask for any name, so the table is emptied when full."""

Reach: TypeAlias = Callable[[str, Context], bool]
"""Does a statement reach this resource, in this request?"""


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


class Matched(msgspec.Struct, frozen=True, omit_defaults=True):
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
    """One statement, ready to be asked."""

    __slots__ = ("allows", "keys", "matched", "negated_whom", "prefixes", "reach", "reach_keys", "tests", "whom")

    def __init__(
        self, statement: Statement, source: Source, bound: Mapping[str, str | None], *, variables: bool
    ) -> None:
        """Prepare *statement*; *variables* says whether its document has any."""
        self.allows = statement.effect == "Allow"
        self.negated_whom = bool(statement.not_principals)
        names = statement.principals or statement.not_principals
        self.whom = Whom(names, bound) if names else None
        self.reach, self.reach_keys = _reach(statement, variables=variables)
        self.prefixes = _prefixes(statement, variables=variables)
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


@functools.lru_cache(maxsize=REMEMBERED * 8)
def concerning(policies: tuple[Policy, ...], action: str) -> tuple[Rule, ...]:
    """The statements of all *policies* that concern *action*, in order: many policies cost one look-up."""
    return tuple(rule for policy in policies for rule in policy.concerning(action))


def _unless(listed: Glob) -> Glob:
    return lambda action: not listed(action)


def _reach(statement: Statement, *, variables: bool) -> tuple[Reach | None, tuple[str, ...]]:
    """The test of a statement's resources, and the keys its variables read; None says that it reaches them all."""
    written = statement.resources or statement.not_resources
    if not written:
        # A trust policy speaks of the role it hangs on.
        return None, ()
    templates = [resource_template(name, variables=variables) for name in written]
    plain = any_of(row for row in map(fixed, templates) if row is not None)
    moving = [parts for parts in templates if fixed(parts) is None]
    keys = tuple(key for parts in moving for key in keys_of(parts))
    if statement.not_resources:
        covered = _covered(plain or everything, moving)
        return (lambda resource, context: not covered(resource, context)), keys
    if plain is None:
        return None, ()
    return _covered(plain, moving), keys


def _prefixes(statement: Statement, *, variables: bool) -> tuple[str, ...] | None:
    """What the resources of a statement begin with, one for each; None where that tells nothing apart.

    Most statements that name an action name another resource, and one look at these sets them aside.
    """
    found = []
    for name in statement.resources:
        first = resource_template(name, variables=variables)[:1]
        if not first or not isinstance(first[0], str):
            return None
        found.append(first[0])
    return tuple(found) or None


def _covered(plain: Glob, moving: list[Template]) -> Reach:
    if not moving:
        return lambda resource, _: plain(resource)

    # What stands before the first variable or wildcard tells most resources apart, for less than filling in does.
    guarded = [(parts[0] if isinstance(parts[0], str) else "", parts) for parts in moving]

    def covered(resource: str, context: Context) -> bool:
        if plain(resource):
            return True
        for prefix, parts in guarded:
            if not resource.startswith(prefix):
                continue
            row = resolve(parts, context)
            if row is not None and glob(row)(resource):
                return True
        return False

    return covered
