"""Chance, from the operating system."""

from __future__ import annotations

import os
from io import BytesIO
from typing import Final

POOL: Final = 2048
"""Bytes that are asked for at once: a request draws some sixty, and the system lets another thread go on each time."""


class SystemEntropy:
    """Draws from the generator of the operating system, which blocks until it is seeded."""

    def __init__(self) -> None:
        """Draw nothing yet."""
        self._pool = BytesIO()
        os.register_at_fork(after_in_child=self._forget)

    def draw(self, count: int) -> bytes:
        """Return *count* bytes that nobody can guess, and that nobody else was given."""
        # INVARIANT: a read moves the pool on in the same step, so no two threads are given the same bytes.
        drawn = self._pool.read(count)
        if len(drawn) == count:
            return drawn
        pool = BytesIO(os.urandom(max(POOL, count)))
        drawn = pool.read(count)
        self._pool = pool
        return drawn

    def _forget(self) -> None:
        """Give away nothing that another process has too."""
        self._pool = BytesIO()
