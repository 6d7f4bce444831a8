"""The ledger's promises, and attempts to break them."""

from __future__ import annotations
