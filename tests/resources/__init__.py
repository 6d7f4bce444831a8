"""Decisions for resource servers."""

from __future__ import annotations
