"""Tests of the words that every room shares."""

from __future__ import annotations
