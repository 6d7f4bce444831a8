"""Identities that others take on: roles, whom they trust, and what hands them to services."""

from __future__ import annotations
