"""Chains of roles: which paths were gone, how often, across which accounts, and which came back to where they were."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from authority.audit.answers import SessionRecord
from authority.audit.terms import depth_of
from authority.kernel.arn import parse
from authority.kernel.ids import TEMPORARY_KEY


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


def needed(sessions: Iterable[SessionRecord], min_depth: int) -> set[str]:
    """The sessions that stand in chains of at least *min_depth*."""
    return {
        key
        for session in sessions
        if depth_of(session.ancestors) >= min_depth
        for key in session.ancestors
        if key.startswith(TEMPORARY_KEY)
    }


def chains(
    ends: Iterable[SessionRecord], known: Mapping[str, SessionRecord], *, min_depth: int, cycles: bool
) -> tuple[Chain, ...]:
    """The chains that end in *ends*, of which *known* are the sessions before; with *cycles*, no others."""
    found: dict[tuple[str, tuple[str, ...]], Chain] = {}
    for end in ends:
        if depth_of(end.ancestors) < min_depth:
            continue
        before = (known.get(key) for key in end.ancestors if key.startswith(TEMPORARY_KEY))
        path = (*("?" if one is None else _step(one) for one in before), _step(end))
        cycle = _comes_back(path)
        if cycles and not cycle:
            continue
        place = (end.root_principal, path)
        old = found.get(place)
        found[place] = Chain(
            root_principal=end.root_principal,
            path=path,
            depth=len(path),
            accounts=tuple(dict.fromkeys(_account(step) for step in path if step != "?")),
            cycle=cycle,
            count=1 if old is None else old.count + 1,
            first=end.issued_at if old is None else min(old.first, end.issued_at),
            last=end.issued_at if old is None else max(old.last, end.issued_at),
            sample=end.access_key_id if old is None or end.issued_at >= old.last else old.sample,
        )
    return tuple(sorted(found.values(), key=lambda one: (-one.depth, -one.count, one.path)))


def _step(session: SessionRecord) -> str:
    return session.role_arn or session.arn


def _comes_back(path: tuple[str, ...]) -> bool:
    told = [step for step in path if step != "?"]
    return len(set(told)) < len(told)


def _account(arn: str) -> str:
    parsed = parse(arn)
    return "" if parsed is None else parsed.account
