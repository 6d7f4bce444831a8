"""Two states held against each other: what came, what went, what changed, in steps and in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal

import msgspec
from immutables import Map

from authority.model.state import State
from authority.replay.patch import Operation, parts, patch
from authority.replay.plain import Plain
from authority.replay.things import alike, as_plain, collections, name_of, owner_of

LONGEST_WORD: Final = 120


class Change(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What became of one thing.

    `before` and `after` are the whole thing where there is only one of them; else `steps` lead from one to the other.
    """

    account: str
    kind: str
    id: str
    name: str
    what: Literal["added", "removed", "changed"]
    before: Any = None
    after: Any = None
    steps: tuple[Operation, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """The change in sentences."""
        named = (
            f"{self.kind} {self.name} ({self.id})" if self.name and self.name != self.id else f"{self.kind} {self.id}"
        )
        whose = f" of {self.account}" if self.account and self.kind != "account" else ""
        if self.what != "changed":
            came = "was added" if self.what == "added" else "was removed"
            return (f"{named}{whose} {came}",)
        return tuple(f"{named}{whose}: {step}" for step in map(in_words, self.steps))


def difference(before: State, after: State, account: str = "") -> tuple[Change, ...]:
    """All that differs, in the order of accounts, kinds and names; with *account*, what is that account's."""
    changes = sorted(_changes(before, after, account), key=lambda one: (one.account, one.kind, one.name, one.id))
    return tuple(changes)


def _changes(before: State, after: State, account: str) -> Iterator[Change]:
    if before is after:
        return
    old = {(whose, kind): held for whose, kind, held in collections(before)}
    new = {(whose, kind): held for whose, kind, held in collections(after)}
    nothing: Mapping[str, Any] = Map()
    for place in old.keys() | new.keys():
        there, here = old.get(place, nothing), new.get(place, nothing)
        if there is here:
            continue
        for named in {*there, *here}:
            change = changed(place[0], place[1], named, there.get(named), here.get(named))
            if change is not None and (not account or change.account == account):
                yield change


def changed(account: str, kind: str, named: str, before: Any, after: Any) -> Change | None:
    """What became of one thing that is *before* and *after*, or None where it is nothing; None is not there."""
    if alike(kind, before, after):
        return None
    known = before if after is None else after
    whose, name = owner_of(account, kind, known), name_of(known)
    if before is None:
        return Change(whose, kind, named, name, "added", after=as_plain(after))
    if after is None:
        return Change(whose, kind, named, name, "removed", before=as_plain(before))
    steps = patch(as_plain(before), as_plain(after))
    return Change(whose, kind, named, name, "changed", steps=steps) if steps else None


def in_words(step: Operation) -> str:
    """One step as people say it: `trust.document.Statement[0].Effect was Allow and is Deny`."""
    place = _place(parts(step.path))
    match step.op:
        case "add":
            return f"{place} came: {_said(step.value)}"
        case "remove":
            return f"{place} went: {_said(step.old)}"
        case _:
            return f"{place} was {_said(step.old)} and is {_said(step.value)}"


def _place(names: Iterable[str]) -> str:
    said = ""
    for name in names:
        if name.isdecimal():
            said += f"[{name}]"
        else:
            said += f".{name}" if said else name
    return said or "it"


def _said(value: Plain) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= LONGEST_WORD else f"{text[:LONGEST_WORD]}..."
