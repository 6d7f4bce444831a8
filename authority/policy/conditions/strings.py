"""String operators: exact, ignoring case, or with wildcards; values take variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from authority.kernel.letters import folded
from authority.policy.conditions.comparison import Prepare, Satisfied
from authority.policy.match import any_of, everything, glob
from authority.policy.variables import Context, fixed, resolve, resolve_text, template


def _equals(values: Sequence[str], variables: bool) -> Satisfied:
    return _exact(values, variables, str)


def _equals_ignoring_case(values: Sequence[str], variables: bool) -> Satisfied:
    return _exact(values, variables, folded)


def _exact(values: Sequence[str], variables: bool, spelled: Callable[[str], str]) -> Satisfied:
    templates = [template(value, variables=variables, wildcards=False) for value in values]
    plain = frozenset(spelled(str(row[0]) if row else "") for row in map(fixed, templates) if row is not None)
    moving = [parts for parts in templates if fixed(parts) is None]
    if not moving and spelled is str:
        return lambda value, _: value in plain

    def satisfied(value: str, context: Context) -> bool:
        asked = spelled(value)
        if asked in plain:
            return True
        for parts in moving:
            text = resolve_text(parts, context)
            if text is not None and spelled(text) == asked:
                return True
        return False

    return satisfied


def _like(values: Sequence[str], variables: bool) -> Satisfied:
    templates = [template(value, variables=variables, wildcards=True) for value in values]
    plain = any_of(row for row in map(fixed, templates) if row is not None) or everything
    moving = [parts for parts in templates if fixed(parts) is None]
    if not moving:
        return lambda value, _: plain(value)

    def satisfied(value: str, context: Context) -> bool:
        if plain(value):
            return True
        for parts in moving:
            row = resolve(parts, context)
            if row is not None and glob(row)(value):
                return True
        return False

    return satisfied


def _negated(prepare: Prepare) -> Prepare:
    """Turn "one value matches" into "no value matches"; a variable without value matches nothing."""

    def prepared(values: Sequence[str], variables: bool) -> Satisfied:
        matches = prepare(values, variables)
        return lambda value, context: not matches(value, context)

    return prepared


OPERATORS: Mapping[str, Prepare] = {
    "StringEquals": _equals,
    "StringNotEquals": _negated(_equals),
    "StringEqualsIgnoreCase": _equals_ignoring_case,
    "StringNotEqualsIgnoreCase": _negated(_equals_ignoring_case),
    "StringLike": _like,
    "StringNotLike": _negated(_like),
}
