"""Condition operators: one file per family, joined here with IfExists, the set operators and what an absent key means.

IAM User Guide, IAM JSON policy elements: condition operators; set operators for multivalued context keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from authority.kernel.letters import folded
from authority.policy import silences
from authority.policy.conditions import addresses, arns, binaries, booleans, dates, numbers, strings
from authority.policy.conditions.booleans import boolean
from authority.policy.conditions.comparison import Prepare, Satisfied
from authority.policy.variables import Context, names_in

Test: TypeAlias = Callable[[Context], bool]

NULL: Final = "Null"
ALL_VALUES: Final = "ForAllValues"
ANY_VALUE: Final = "ForAnyValue"
IF_EXISTS: Final = "IfExists"

FAMILIES: Final[Mapping[str, Prepare]] = {
    **strings.OPERATORS,
    **numbers.OPERATORS,
    **dates.OPERATORS,
    **booleans.OPERATORS,
    **binaries.OPERATORS,
    **addresses.OPERATORS,
    **arns.OPERATORS,
}
VARIABLES_IN: Final = frozenset(
    {*strings.OPERATORS, *arns.OPERATORS} | ({"Bool"} if silences.BOOL_TAKES_VARIABLES else set())
)
"""Operators whose values may hold variables."""


class Operator(msgspec.Struct, frozen=True):
    """An operator's name taken apart: `ForAnyValue:StringLikeIfExists`."""

    name: str
    over: str = ""
    if_exists: bool = False

    @property
    def negated(self) -> bool:
        """Whether it is satisfied by what differs."""
        return "Not" in self.name


def operator(text: str) -> Operator | None:
    """Take *text* apart, or say None when there is no such operator.  Names are exact, case included."""
    over, colon, rest = text.rpartition(":")
    if colon and over not in (ALL_VALUES, ANY_VALUE):
        return None
    if rest == NULL:
        # A key is there or not, whatever its values: neither sets nor IfExists mean anything to Null.
        return None if over else Operator(NULL)
    name = rest.removesuffix(IF_EXISTS)
    return Operator(name, over, name != rest) if name in FAMILIES else None


def known(text: str) -> Operator:
    """Take apart an operator that stands in a document, and so exists."""
    found = operator(text)
    if found is None:
        raise ValueError(f"there is no operator `{text}`")
    return found


def keys_read(name: str, key: str, values: Sequence[str], *, variables: bool) -> tuple[str, ...]:
    """The condition keys that one key under one operator depends on, as they are written."""
    if not variables or known(name).name not in VARIABLES_IN:
        return (key,)
    return (key, *(inner for value in values for inner in names_in(value)))


def test(named: Operator, key: str, values: Sequence[str], *, variables: bool) -> Test:
    """Prepare the test of one key under one operator."""
    key = folded(key)
    if named.name == NULL:
        return _null(key, values)
    satisfied = FAMILIES[named.name](values, variables)
    match named.over:
        case "ForAllValues":
            return _all_values(key, satisfied)
        case "ForAnyValue":
            return _any_value(key, satisfied, absent=named.if_exists and silences.ANY_VALUE_IF_EXISTS)
        case _:
            return _single(key, satisfied, absent=named.negated or named.if_exists)


def _single(key: str, satisfied: Satisfied, *, absent: bool) -> Test:
    def holds(context: Context) -> bool:
        value = context.get(key)
        if isinstance(value, str):
            return satisfied(value, context)
        if not value:  # no key, or a set of nothing
            return absent
        return silences.MULTIVALUED_ALONE and all(satisfied(each, context) for each in value)

    return holds


def _all_values(key: str, satisfied: Satisfied) -> Test:
    """True without a key, so Allow statements should pair it with Null (IAM User Guide warns of this)."""

    def holds(context: Context) -> bool:
        return all(satisfied(value, context) for value in _set(context.get(key)))

    return holds


def _any_value(key: str, satisfied: Satisfied, *, absent: bool) -> Test:
    def holds(context: Context) -> bool:
        value = context.get(key)
        if value is None or value == ():
            return absent
        return any(satisfied(each, context) for each in _set(value))

    return holds


def _null(key: str, values: Sequence[str]) -> Test:
    absences = frozenset(map(boolean, values))

    def holds(context: Context) -> bool:
        value = context.get(key)
        absent = value is None or value == () or (value == "" and silences.EMPTY_TEXT_IS_ABSENT)
        return absent in absences

    return holds


def _set(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    """Read a value as a set: a single value is a set of one."""
    if isinstance(value, str):
        return () if value == "" and silences.EMPTY_TEXT_IS_EMPTY_SET else (value,)
    return value or ()
