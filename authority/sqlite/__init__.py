"""SQLite files as an authority opens them: one process owns a file, one connection writes it, a few read beside it."""

from __future__ import annotations
