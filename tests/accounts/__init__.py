"""Accounts: how they begin."""

from __future__ import annotations
