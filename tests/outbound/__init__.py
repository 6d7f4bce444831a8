"""The adapters to time, chance and keys."""

from __future__ import annotations
