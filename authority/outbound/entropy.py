"""Chance, from the operating system."""

from __future__ import annotations

import os


class SystemEntropy:
    """Draws from the generator of the operating system, which blocks until it is seeded."""

    def draw(self, count: int) -> bytes:
        """Return *count* bytes that nobody can guess."""
        return os.urandom(count)
