"""A real ledger for each test, migrated once, whole at the end."""

from __future__ import annotations

from tests.projections.conftest import ledger, template

__all__ = ["ledger", "template"]
