"""ARN operators: six fields compared one by one, each with wildcards.  Values take variables."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from authority.policy import silences
from authority.policy.conditions.comparison import Prepare, Satisfied
from authority.policy.match import Glob, Token, Tokens, glob
from authority.policy.variables import Context, fixed, resolve, template

FIELDS: Final = 6
Fields: TypeAlias = tuple[Glob, ...]


@functools.lru_cache(maxsize=1024)
def fields(row: Tokens) -> Fields | None:
    """Prepare a test per field, or say None when there are not six of them."""
    parts: list[list[Token]] = [[]]
    for token in row:
        if not isinstance(token, str):
            parts[-1].append(token)
            continue
        # Only the first five colons separate.
        first, *rest = token.split(":", FIELDS - len(parts))
        parts[-1].append(first)
        parts.extend([text] for text in rest)
    if len(parts) != FIELDS:
        return None
    return tuple(glob(_tidy(part)) for part in parts)


def _tidy(part: Sequence[Token]) -> Tokens:
    return tuple(token for token in part if token != "")


def _alike(asked: Sequence[str], written: Fields) -> bool:
    return all(matches(text) for matches, text in zip(written, asked, strict=True))


def _prepared(judge: Callable[[Sequence[str] | None, Sequence[Fields | None]], bool]) -> Prepare:
    def prepare(values: Sequence[str], variables: bool) -> Satisfied:
        templates = [template(value, variables=variables, wildcards=True) for value in values]
        plain = [fields(row) for row in map(fixed, templates) if row is not None]
        moving = [parts for parts in templates if fixed(parts) is None]

        def satisfied(value: str, context: Context) -> bool:
            split = value.split(":", FIELDS - 1)
            asked = split if len(split) == FIELDS else None
            if not moving:
                return judge(asked, plain)
            # A variable without value matches nothing: true to a negated operator, false to a positive one.
            rows = [row for row in (resolve(parts, context) for parts in moving) if row is not None]
            return judge(asked, plain + [fields(row) for row in rows])

        return satisfied

    return prepare


def _one(asked: Sequence[str] | None, written: Sequence[Fields | None]) -> bool:
    return asked is not None and any(target is not None and _alike(asked, target) for target in written)


def _none(asked: Sequence[str] | None, written: Sequence[Fields | None]) -> bool:
    return all(
        silences.INCOMPARABLE_DIFFERS if asked is None or target is None else not _alike(asked, target)
        for target in written
    )


OPERATORS: Mapping[str, Prepare] = {
    "ArnEquals": _prepared(_one),
    "ArnLike": _prepared(_one),
    "ArnNotEquals": _prepared(_none),
    "ArnNotLike": _prepared(_none),
}
