"""Tests of users, groups, access keys and MFA devices."""

from __future__ import annotations
