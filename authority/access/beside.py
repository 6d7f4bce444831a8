"""What follows from one state and from nothing else, kept beside it: worked out once, and forgotten with the state.

Most requests are decided from the very state that the one before them was decided from, and many by the same caller.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final, Generic, TypeVar

from authority.model.state import EMPTY, State

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

MOST_KEPT: Final = 10_000


class Beside(Generic[Key, Value]):
    """One table for each kind of thing that follows; `of` gives that of a state."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        """Begin with nothing."""
        self._kept: tuple[State, dict[Key, Value]] = (EMPTY, {})

    def of(self, state: State) -> dict[Key, Value]:
        """What was found out about *state*, to be read and added to; empty when another was asked about since.

        INVARIANT: told by identity, so that nothing found out about one state is ever believed of another.
        """
        kept = self._kept
        if kept[0] is not state or len(kept[1]) >= MOST_KEPT:
            kept = self._kept = (state, {})
        return kept[1]
