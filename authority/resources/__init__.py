"""Deciding for resource servers: whether what their own client asked of them may be done."""

from __future__ import annotations
