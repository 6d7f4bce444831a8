"""What the model demands of values, and AWS's words for what it does not get.

Reads values that have their types already; says everything that is wrong with a request in one message.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec

from authority.kernel.refusal import Reason, Refusal
from authority.wire.description import SCALARS, Description, Shape, label_of
from authority.wire.patterns import compiled, wanders

Item = TypeVar("Item")
Check = Callable[[Any, str, list[str]], None]
"""Looks at a value that stands at a path, and appends what it violates."""

LONGEST_SHOWN: Final = 1024
"""A message that repeats a whole policy helps nobody, and every refusal is recorded."""
LONGEST_MATCHED: Final = 2048
"""What a pattern that wanders is tried on where the model sets no bound; no ARN is longer."""
MOST_REPORTED: Final = 20
NOT_NULL: Final = "Member must not be null"
NO_MATCH: Final = "Member must satisfy regular expression pattern: "
UNFIT: Final = re.compile(r"Expected `str` matching regex (?P<pattern>.+) - at `\$\.(?P<at>.+)`", re.DOTALL)
"""What msgspec says of a text that does not fit its pattern."""


class Rule(msgspec.Struct, frozen=True):
    """One demand: the sentence that states it, the test that a value breaks it, and the pattern if it is one."""

    sentence: str
    broken: Callable[[Any], bool]
    pattern: str = ""


class Wording(msgspec.Struct, frozen=True):
    """How a service words what it does not take: whether it repeats values, and its own sentences for some patterns.

    In such a sentence `{label}` stands for the member.  *never_null* are the shapes of which it says, in a list, that
    they must not be null either.
    """

    repeats: bool = True
    own: Mapping[str, str] = {}
    never_null: frozenset[str] = frozenset()


class Own(str):
    """A sentence of the service's own: it stands alone, and only where no other demand is broken."""

    __slots__ = ()


class Constraints:
    """The checks of one service's shapes, each built once."""

    def __init__(self, description: Description, wording: Wording) -> None:
        """Check against *description*; say so as *wording* has it."""
        self._description = description
        self._wording = wording
        self._built: dict[str, Check | None] = {}
        self._under_way: set[str] = set()

    def of(self, shape: Shape) -> Check | None:
        """The check of *shape*, or None when any value of its type will do."""
        if shape.name in self._under_way:  # a shape within itself: its check is known by the time that it runs
            return lambda value, at, found: self._later(shape.name, value, at, found)
        if shape.name not in self._built:
            self._under_way.add(shape.name)
            self._built[shape.name] = self._build(shape)
            self._under_way.discard(shape.name)
        return self._built[shape.name]

    def _later(self, name: str, value: object, at: str, found: list[str]) -> None:
        check = self._built[name]
        if check is not None:
            check(value, at, found)

    def _build(self, shape: Shape) -> Check | None:
        match shape.type:
            case "structure":
                return self._structure(shape)
            case "list":
                return self._list(shape)
            case "map":
                return self._map(shape)
            case _:
                return self._scalar(shape, rules_of(shape))

    def _structure(self, shape: Shape) -> Check | None:
        members = self._description.members(shape)
        rows = [(name, label_of(name), self.of(member), name in shape.required) for name, member in members.items()]
        rows = as_told([row for row in rows if row[2] is not None or row[3]], lambda row: row[1])
        if not rows:
            return None

        def check(value: Mapping[str, Any], at: str, found: list[str]) -> None:
            for name, label, check_member, required in rows:
                item = value.get(name)
                if item is None:
                    if required:
                        found.append(f"Value null at '{_path(at, label)}' failed to satisfy constraint: {NOT_NULL}")
                elif check_member is not None:
                    check_member(item, _path(at, label), found)

        return check

    def _list(self, shape: Shape) -> Check | None:
        item = self._description.member(shape)
        check_self = self._scalar(shape, rules_of(shape), sensitive=self._description.hides(shape, blobs=True))
        if item.type in SCALARS:
            return _both(check_self, self._each(item, "Member must satisfy constraint", list))
        check_item = self.of(item)
        if check_item is None:
            return check_self

        def check(value: Sequence[Any], at: str, found: list[str]) -> None:
            for index, element in enumerate(value, 1):
                check_item(element, f"{at}.{index}.member", found)

        return _both(check_self, check)

    def _map(self, shape: Shape) -> Check | None:
        key, item = self._description.key(shape), self._description.value(shape)
        checks = self._scalar(shape, rules_of(shape), sensitive=self._description.hides(shape, blobs=True))
        checks = _both(checks, self._each(key, "Map keys must satisfy constraint", list))
        if item.type in SCALARS:
            return _both(
                checks, self._each(item, "Map value must satisfy constraint", lambda value: list(value.values()))
            )
        check_item = self.of(item)
        if check_item is None:
            return checks

        def check(value: Mapping[str, Any], at: str, found: list[str]) -> None:
            for name, element in value.items():
                check_item(element, f"{at}.{name[:64]}.member", found)

        return _both(checks, check)

    def _scalar(self, shape: Shape, rules: tuple[Rule, ...], *, sensitive: bool = False) -> Check | None:
        if not rules:
            return None
        shape, own = self._as_shown(shape, sensitive=sensitive), self._wording.own

        def check(value: object, at: str, found: list[str]) -> None:
            for rule in rules:
                if rule.broken(value):
                    said = own.get(rule.pattern)
                    label = at.rpartition(".")[2]
                    found.append(
                        violation(shape, value, at, rule.sentence) if said is None else Own(said.format(label=label))
                    )

        return check

    def _each(self, part: Shape, demand: str, parts_of: Callable[[Any], list[Any]]) -> Check | None:
        """Check scalars that stand in a list or map: AWS names the whole and repeats every rule of its parts."""
        rules = rules_of(part)
        if not rules:
            return None
        demands = [rule.sentence for rule in rules] + [NOT_NULL] * (part.name in self._wording.never_null)
        part = self._as_shown(part, sensitive=False)
        sentence = f"{demand}: [{', '.join(demands)}]"

        def check(value: Any, at: str, found: list[str]) -> None:
            values = parts_of(value)
            if any(rule.broken(element) for element in values for rule in rules):
                found.append(violation(part, values, at, sentence))

        return check

    def _as_shown(self, shape: Shape, *, sensitive: bool) -> Shape:
        """*shape* with what hides its values: what it is, what it holds, or that the service never repeats any."""
        hidden = shape.sensitive or sensitive or not self._wording.repeats
        return msgspec.structs.replace(shape, sensitive=hidden)


def as_told(members: list[Item], called: Callable[[Item], str]) -> list[Item]:
    """*members* in the order in which AWS names those that are wrong: that of the hash table that it keeps them in.

    Recorded of IAM, and the same of every other service of AWS that was looked at; Java's tables are meant.
    """
    slots = 16
    while len(members) > slots * 3 // 4:
        slots *= 2
    return sorted(members, key=lambda member: _hash(called(member)) % slots)


def _hash(text: str) -> int:
    """What Java's hash tables make of *text*."""
    code = 0
    for letter in text:
        code = (31 * code + ord(letter)) & 0xFFFFFFFF
    return code ^ code >> 16


def rules_of(shape: Shape) -> tuple[Rule, ...]:
    """The demands on a value of *shape* itself, without those on its parts."""
    rules: list[Rule] = []
    low, high = shape.min, shape.max
    if shape.type in {"integer", "long", "float", "double"}:
        if low is not None:
            rules.append(Rule(f"Member must have value greater than or equal to {low}", _below(low)))
        if high is not None:
            rules.append(Rule(f"Member must have value less than or equal to {high}", _above(high)))
        return tuple(rules)
    if high is not None:
        rules.append(Rule(f"Member must have length less than or equal to {high}", _longer(high)))
    if low:
        rules.append(Rule(f"Member must have length greater than or equal to {low}", _shorter(low)))
    if shape.pattern is not None:
        sentence = f"{NO_MATCH}{shape.pattern}"
        rules.append(Rule(sentence, _unlike(shape.pattern, high), shape.pattern))
    if shape.enum:
        words = frozenset(shape.enum)
        rules.append(
            Rule(f"Member must satisfy enum value set: [{', '.join(shape.enum)}]", lambda text: text not in words)
        )
    return tuple(rules)


def refusal_of(found: Sequence[str]) -> Refusal:
    """One refusal that says everything that was *found*; what a service says in its own words it says alone."""
    common = [sentence for sentence in found if not isinstance(sentence, Own)]
    if not common:
        return Refusal(Reason.VALIDATION_ERROR, str(found[0]))
    errors = "1 validation error" if len(common) == 1 else f"{len(common)} validation errors"
    return Refusal(Reason.VALIDATION_ERROR, f"{errors} detected: {'; '.join(common[:MOST_REPORTED])}")


def violation(shape: Shape, value: object, at: str, sentence: str) -> str:
    """The sentence for one *value* that stands at a path and breaks a rule."""
    shown = "" if shape.sensitive or shape.type == "blob" else f" '{_shown(value)}'"
    return f"Value{shown} at '{at}' failed to satisfy constraint: {sentence}"


def _both(first: Check | None, second: Check | None) -> Check | None:
    if first is None or second is None:
        return first or second

    def check(value: object, at: str, found: list[str]) -> None:
        first(value, at, found)
        second(value, at, found)

    return check


def _path(at: str, label: str) -> str:
    return f"{at}.{label}" if at else label


def _below(bound: float) -> Callable[[Any], bool]:
    return lambda value: bool(value < bound)


def _above(bound: float) -> Callable[[Any], bool]:
    return lambda value: bool(value > bound)


def _shorter(bound: float) -> Callable[[Any], bool]:
    return lambda value: len(value) < bound


def _longer(bound: float) -> Callable[[Any], bool]:
    return lambda value: len(value) > bound


def _unlike(pattern: str, longest: float | None) -> Callable[[Any], bool]:
    matches = compiled(pattern).fullmatch
    if longest is not None:
        # A text that is too long is refused already, and some patterns would wander through it for seconds.
        return lambda text: len(text) <= longest and matches(text) is None
    if wanders(pattern):
        return lambda text: len(text) > LONGEST_MATCHED or matches(text) is None
    return lambda text: matches(text) is None


def _shown(value: object) -> str:
    text = _spelled(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def _spelled(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.isoformat()
        case dict():
            return "{" + ", ".join(f"{name}={_spelled(item)}" for name, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(_spelled(item) for item in value) + "]"
        case _:
            return str(value)


def worded(fault: str) -> str:
    """*fault*, as msgspec found it, as AWS says it where a text does not fit its pattern; as it is otherwise."""
    found = UNFIT.fullmatch(fault)
    if found is None:
        return fault
    pattern = ast.literal_eval(found["pattern"]).removeprefix("^").removesuffix(r"(?![\s\S])")
    return f"Value at '{found['at']}' failed to satisfy constraint: {NO_MATCH}{pattern}"
