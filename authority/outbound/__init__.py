"""What a decision may not do for itself: read the clock, draw entropy, keep keys."""

from __future__ import annotations
