"""Rows by noun."""

from __future__ import annotations
