"""Roles: made, shown, changed, deleted; whom they trust."""

from __future__ import annotations
