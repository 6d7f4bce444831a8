"""Wrong guesses: after five, each locks what was guessed at for twice as long as the one before.

Counted as facts, so that neither a refusal nor a restart forgets them; a success does.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import msgspec

FREE: Final = 4
"""Failures in a row that lock nothing."""
FIRST_LOCK: Final = timedelta(minutes=1)
LONGEST_LOCK: Final = timedelta(days=1)
MOST_DOUBLINGS: Final = 11


class Attempts(msgspec.Struct, frozen=True, kw_only=True):
    """Failures since the last success, and when the newest one was."""

    failures: int = 0
    last_failed_at: datetime | None = None

    def failed(self, at: datetime) -> Attempts:
        """One failure more."""
        return Attempts(failures=self.failures + 1, last_failed_at=at)

    @property
    def locked_until(self) -> datetime | None:
        """When the next guess is looked at; None when there is no lock."""
        if self.last_failed_at is None or self.failures <= FREE:
            return None
        doublings: int = 2 ** min(self.failures - FREE - 1, MOST_DOUBLINGS)
        return self.last_failed_at + min(FIRST_LOCK * doublings, LONGEST_LOCK)

    def locked(self, now: datetime) -> bool:
        """Whether guesses are not even looked at now."""
        until = self.locked_until
        return until is not None and now < until


NONE: Final = Attempts()
