"""The statements of many policies at once: those that speak of an action, found by how their resources begin.

What a principal has costs one look-up, however many policies it is spread over.  Refuses to know whom a statement
names and what it asks of a request; `evaluate` does.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Final, TypeAlias

from authority.policy.compiled import REMEMBERED, Policy, Rule

SETS: Final = 4096
"""Sets of policies that are remembered, with the statements that were looked for in each."""

Placed: TypeAlias = tuple[int, Rule]
"""A statement and its place among all that speak of an action."""
_PLACE: Final = itemgetter(0)


class Choice:
    """The statements that speak of one action, in the order of the policies."""

    __slots__ = ("_anyhow", "_lengths", "_open", "_whole")

    def __init__(self, rules: Iterable[Rule]) -> None:
        """Sort *rules* by how the resources they name begin."""
        self._anyhow: list[Placed] = []
        self._whole: dict[str, list[Placed]] = {}
        self._open: dict[str, list[Placed]] = {}
        for placed in enumerate(rules):
            begins = placed[1].begins
            if begins is None:
                self._anyhow.append(placed)
            for text, goes_on in begins or ():
                (self._open if goes_on else self._whole).setdefault(text, []).append(placed)
        self._lengths = sorted({len(text) for text in self._open})

    def near(self, resource: str) -> Sequence[Placed]:
        """Those that may reach *resource*: all whose `reach` is None do.  One that names it twice may come twice."""
        if not self._whole and not self._lengths:
            return self._anyhow
        found = [*self._anyhow, *self._whole.get(resource, ())]
        most = len(resource)
        for length in self._lengths:
            if length > most:
                break
            found += self._open.get(resource[:length], ())
        if len(found) > 1:
            found.sort(key=_PLACE)
        return found


class Gathered:
    """A set of policies, which remembers what it was asked for."""

    __slots__ = ("_choices", "_policies")

    def __init__(self, policies: tuple[Policy, ...]) -> None:
        """Remember nothing yet."""
        self._policies = policies
        self._choices: dict[str, Choice] = {}

    def about(self, action: str) -> Choice:
        """The statements that speak of *action*, which is in lower case."""
        found = self._choices.get(action)
        if found is None:
            if len(self._choices) >= REMEMBERED:
                self._choices.clear()
            spoken = (rule for policy in self._policies for rule in policy.concerning(action))
            found = self._choices[action] = Choice(spoken)
        return found


@functools.lru_cache(maxsize=SETS)
def gathered(policies: tuple[Policy, ...]) -> Gathered:
    """The set that *policies* are: the same again while they are asked about, and dropped when they are not."""
    return Gathered(policies)
