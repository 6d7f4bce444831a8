"""Policies given, taken and asked about."""

from __future__ import annotations
