"""What a decision may not fetch for itself: the time and chance.  Adapters live in `outbound`."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time of day, in UTC, aware."""

    def now(self) -> datetime:
        """The present moment; may step backwards, so nothing may rely on order."""
        ...


class Entropy(Protocol):
    """Draws bytes that nobody can guess."""

    def draw(self, count: int) -> bytes:
        """Return *count* fresh random bytes."""
        ...
