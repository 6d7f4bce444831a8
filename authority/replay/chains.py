"""Chains of roles: which paths were gone, how often, across which accounts, and which came back to where they were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

import msgspec

from authority.audit.answers import SessionRecord
from authority.audit.terms import depth_of
from authority.kernel.arn import parse
from authority.kernel.ids import TEMPORARY_KEY

UNTOLD: Final = "?"


class Chain(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One path that sessions took, from the root principal on; `?` is a step that may not be seen.

    A path that comes to a role twice is a cycle: a session can be kept alive beyond its time by it.
    """

    root_principal: str
    path: tuple[str, ...]
    depth: int
    accounts: tuple[str, ...]
    cycle: bool = False
    count: int
    first: datetime
    last: datetime
    sample: str
    """The access key id of the newest session at its end."""


class Chains(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All of them, the deepest first."""

    chains: tuple[Chain, ...]


class Paths:
    """The paths of sessions that are taken in one by one; of each only its path stays, and the count of who went it."""

    def __init__(self, *, min_depth: int, cycles: bool) -> None:
        """Tell of chains of at least *min_depth*; with *cycles*, of no others than those that come to a role twice."""
        self._min_depth = min_depth
        self._cycles = cycles
        self._found: dict[tuple[str, tuple[str, ...]], Chain] = {}

    def __len__(self) -> int:
        """How many different ones there are."""
        return len(self._found)

    def take(self, end: SessionRecord, steps: Mapping[str, str]) -> None:
        """Take in the chain that ends in *end*; *steps* say what sessions before it are of, as far as that is told."""
        if depth_of(end.ancestors) < self._min_depth:
            return
        path = (*(steps.get(key, UNTOLD) for key in sessions_before(end)), step_of(end))
        cycle = _comes_back(path)
        if self._cycles and not cycle:
            return
        place = (end.root_principal, path)
        old = self._found.get(place)
        self._found[place] = Chain(
            root_principal=end.root_principal,
            path=path,
            depth=len(path),
            accounts=tuple(dict.fromkeys(_account(step) for step in path if step != UNTOLD)),
            cycle=cycle,
            count=1 if old is None else old.count + 1,
            first=end.issued_at if old is None else min(old.first, end.issued_at),
            last=end.issued_at if old is None else max(old.last, end.issued_at),
            sample=end.access_key_id if old is None or end.issued_at >= old.last else old.sample,
        )

    def answer(self) -> Chains:
        """All that was told."""
        found = sorted(self._found.values(), key=lambda one: (-one.depth, -one.count, one.path))
        return Chains(chains=tuple(found))


def sessions_before(end: SessionRecord) -> Iterator[str]:
    """The sessions that led to *end*, the first of the chain first."""
    return (key for key in end.ancestors if key.startswith(TEMPORARY_KEY))


def step_of(session: SessionRecord) -> str:
    """What a session is in the path of a chain: its role, or itself where it has none."""
    return session.role_arn or session.arn


def _comes_back(path: tuple[str, ...]) -> bool:
    told = [step for step in path if step != UNTOLD]
    return len(set(told)) < len(told)


def _account(arn: str) -> str:
    parsed = parse(arn)
    return "" if parsed is None else parsed.account
