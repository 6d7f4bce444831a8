"""The projections over a real ledger."""

from __future__ import annotations
