"""The life of one thing, told by the entries that changed it: who, when, what.

A name may be borne by several things one after the other; each has a life of its own, known by its unique id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Literal

import msgspec

from authority.ledger.port import Entry
from authority.model.event import Event
from authority.model.fact import AccountFact
from authority.model.state import State
from authority.replay.difference import Change, changed
from authority.replay.folding import Folded
from authority.replay.patch import Operation, patched
from authority.replay.plain import Plain
from authority.replay.things import find, thing


class Who(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Whoever asked for a change; nothing of it where the authority acted of its own accord."""

    account: str = ""
    arn: str = ""
    principal_id: str = ""
    access_key_id: str = ""
    source_identity: str = ""
    source_address: str = ""


class Turn(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One entry that changed a thing, with the change in steps and in words."""

    position: int
    at: datetime
    action: str
    request_id: str = ""
    by: Who
    what: Literal["added", "removed", "changed"]
    words: tuple[str, ...]
    steps: tuple[Operation, ...] = ()
    before: Plain = None
    after: Plain = None


class Life(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """All that became of one thing; `ended` is where it went, and is left out while it is there."""

    account: str
    kind: str
    id: str
    name: str
    began: int
    ended: int | None = None
    turns: tuple[Turn, ...]


class Lives(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The lives of what bore a name, the oldest first, up to *position*."""

    position: int
    lives: tuple[Life, ...]


class Touched(msgspec.Struct, frozen=True):
    """An entry that changed a thing that is followed."""

    entry: Entry
    change: Change


class Following:
    """Follows what bears a name, or has it for its id, through the log."""

    def __init__(self, kind: str, name: str, account: str = "") -> None:
        """Follow things of *kind* called *name*, of *account* or of every one."""
        self._kind, self._name, self._account = kind, name, account
        self._ids: set[tuple[str, str]] = set()
        self.touched: list[Touched] = []

    def take(self, folded: Folded) -> None:
        """Take one more entry into account."""
        for account in self._accounts(folded):
            for state in (folded.before, folded.after):
                self._meet(state, account)
        for account, named in sorted(self._ids):
            before, after = (thing(state, account, self._kind, named) for state in (folded.before, folded.after))
            change = changed(account, self._kind, named, before, after)
            if change is not None:
                self.touched.append(Touched(folded.entry, change))

    def _accounts(self, folded: Folded) -> Iterable[str]:
        of = {fact.account for fact in folded.event.facts if isinstance(fact, AccountFact)}
        return sorted(of & {self._account} if self._account else of)

    def _meet(self, state: State, account_id: str) -> None:
        account = state.accounts.get(account_id)
        named = None if account is None else find(state, account, self._kind, self._name)
        if named is not None:
            self._ids.add((account_id, named))


def told(touched: Iterable[tuple[Touched, Event]]) -> tuple[Life, ...]:
    """The lives that entries and their events, as they may be seen, tell of."""
    lives: dict[tuple[str, str], list[tuple[Change, Turn]]] = {}
    for one, event in touched:
        lives.setdefault((one.change.account, one.change.id), []).append((one.change, _turn(one, event)))
    return tuple(_life(turns) for turns in lives.values())


def who(event: Event) -> Who:
    """Whoever asked, as far as it may be seen."""
    caller, request = event.caller, event.request
    if caller is None:
        return Who()
    return Who(
        account=caller.account,
        arn=caller.arn,
        principal_id=caller.principal_id,
        access_key_id=caller.access_key_id,
        source_identity=caller.session.source_identity if caller.session is not None else "",
        source_address=request.source_address if request is not None else "",
    )


def _turn(one: Touched, event: Event) -> Turn:
    change = one.change
    return Turn(
        position=one.entry.position,
        at=one.entry.at,
        action=event.type,
        request_id=event.request.id if event.request is not None else "",
        by=who(event),
        what=change.what,
        words=change.words,
        steps=change.steps,
        before=change.before,
        after=change.after,
    )


def _life(turns: list[tuple[Change, Turn]]) -> Life:
    last_change, last = turns[-1]
    return Life(
        account=last_change.account,
        kind=last_change.kind,
        id=last_change.id,
        name=last_change.name,
        began=turns[0][1].position,
        ended=last.position if last.what == "removed" else None,
        turns=tuple(turn for _, turn in turns),
    )


def replayed(life: Life) -> Iterator[Any]:
    """What the thing was after each turn, worked out from the turns alone; None where it was not."""
    value: Any = None
    for turn in life.turns:
        match turn.what:
            case "added":
                value = turn.after
            case "removed":
                value = None
            case _:
                value = patched(value, turn.steps)
        yield value
