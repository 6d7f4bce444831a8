"""Patterns in which `*` is any run of characters and `?` exactly one (IAM User Guide, Action and Resource elements).

A pattern is a row of tokens, not a string, so that text put in by a variable can never act as a wildcard.
Matching never backtracks over a run: the cost grows with pattern and text, not with the number of wildcards.
"""

from __future__ import annotations

import enum
import functools
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias


class Wild(enum.Enum):
    """The two characters that stand for others."""

    ANY = "*"
    ONE = "?"


Token: TypeAlias = str | Wild
Tokens: TypeAlias = tuple[Token, ...]
Glob: TypeAlias = Callable[[str], bool]

_WILDCARDS = re.compile(r"([*?])")


def tokens(text: str) -> Tokens:
    """Read `*` and `?` in *text* as wildcards, the rest as it stands."""
    return tuple(Wild(part) if part in ("*", "?") else part for part in _WILDCARDS.split(text) if part)


def everything(text: str) -> bool:  # noqa: ARG001 - the shape of a glob
    """Match whatever comes."""
    return True


@functools.lru_cache(maxsize=4096)
def glob(pattern: Tokens) -> Glob:
    """Prepare a test for whole texts; remembered, since variables produce the same rows again and again."""
    segments = _segments(pattern)
    if Wild.ONE in pattern:
        return _with_single_characters(segments)
    literals = ["".join(str(token) for token in segment) for segment in segments]
    if len(literals) == 1:
        return literals[0].__eq__
    prefix, *middle, suffix = literals
    if any(middle) or (prefix and suffix):
        return _with_runs(prefix, [literal for literal in middle if literal], suffix)
    if prefix:
        return lambda text: text.startswith(prefix)
    return (lambda text: text.endswith(suffix)) if suffix else everything


def any_of(patterns: Iterable[Tokens]) -> Glob | None:
    """Prepare one test for a list of patterns; None says that everything matches."""
    exact: set[str] = set()
    prefixes: list[str] = []
    others: list[Glob] = []
    for pattern in patterns:
        match pattern:
            case (Wild.ANY,):
                return None
            case (str(text),):
                exact.add(text)
            case (str(text), Wild.ANY):
                prefixes.append(text)
            case _:
                others.append(glob(pattern))
    return _united(frozenset(exact), tuple(prefixes), others)


def _united(exact: frozenset[str], prefixes: tuple[str, ...], others: Sequence[Glob]) -> Glob:
    if not others and not prefixes:
        return exact.__contains__
    if not others and not exact:
        return lambda text: text.startswith(prefixes)
    if len(others) == 1 and not prefixes and not exact:
        return others[0]
    return lambda text: text in exact or text.startswith(prefixes) or any(other(text) for other in others)


def _segments(pattern: Tokens) -> list[list[Token]]:
    """What stands between the runs; `**` is one run."""
    segments: list[list[Token]] = [[]]
    for index, token in enumerate(pattern):
        if token is not Wild.ANY:
            segments[-1].append(token)
        elif index == 0 or pattern[index - 1] is not Wild.ANY:
            segments.append([])
    return segments


def _with_runs(prefix: str, middle: Sequence[str], suffix: str) -> Glob:
    """Find each literal at its first place after the one before: no later place can do better."""
    ends = len(prefix) + len(suffix)

    def matches(text: str) -> bool:
        if len(text) < ends or not text.startswith(prefix) or not text.endswith(suffix):
            return False
        at, last = len(prefix), len(text) - len(suffix)
        for literal in middle:
            found = text.find(literal, at, last)
            if found < 0:
                return False
            at = found + len(literal)
        return True

    return matches


def _with_single_characters(segments: Sequence[Sequence[Token]]) -> Glob:
    """Leave `?` to a regular expression whose runs are atomic: what was matched is never tried again."""
    spelled = [
        "".join("." if token is Wild.ONE else re.escape(str(token)) for token in segment) for segment in segments
    ]
    first, *middle = spelled
    last = ".*" + middle.pop() if middle else ""
    expression = re.compile(first + "".join(f"(?>.*?{literal})" for literal in middle) + last, re.DOTALL)
    return lambda text: expression.fullmatch(text) is not None
