"""The shape of the house, judged."""

from __future__ import annotations
