"""A whole authority in a process of its own, and what may happen to it."""

from __future__ import annotations
