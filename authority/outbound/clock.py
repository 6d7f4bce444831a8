"""The time of day, from the machine."""

from __future__ import annotations

from datetime import UTC, datetime


class SystemClock:
    """Tells what the machine's clock tells, steps backwards included."""

    def now(self) -> datetime:
        """The present moment, in UTC."""
        return datetime.now(UTC)
