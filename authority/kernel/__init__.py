"""Words that every room shares: names, ids, secrets, refusals.  Standard library and msgspec only."""

from __future__ import annotations
