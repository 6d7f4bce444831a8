"""The log folded into state again, from any version on, entry by entry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from authority.ledger.port import Entry, Lane
from authority.model.event import FoldedEvent, read_folded
from authority.model.state import EMPTY, State, evolve


@dataclass(frozen=True, slots=True)
class Version:
    """A state, and the position of the log that it is the fold of.  `configured` is its newest configuration entry."""

    position: int
    configured: int
    state: State


BEGINNING = Version(0, 0, EMPTY)
"""Before anything happened."""


def refolded(version: Version, entries: Iterable[Entry]) -> Version:
    """Take *entries*, which follow *version* in order, into account."""
    position, configured, state = version.position, version.configured, version.state
    for entry in entries:
        position = entry.position
        if entry.lane is Lane.CONFIG:
            event = read_folded(entry.body)
            state, configured = evolve(state, event.facts, event.decided_at), position
    return Version(position, configured, state)


@dataclass(frozen=True, slots=True)
class Folded:
    """One entry of configuration, and the state before and after it."""

    entry: Entry
    event: FoldedEvent
    before: State
    after: State


def one_by_one(state: State, entries: Iterable[Entry]) -> Iterator[Folded]:
    """Fold *entries* of configuration, which follow *state* in order, and show what each of them changed."""
    for entry in entries:
        event = read_folded(entry.body)
        after = evolve(state, event.facts, event.decided_at)
        yield Folded(entry, event, state, after)
        state = after
