"""Identity pools: who comes, by what, and which role he gets."""

from __future__ import annotations
