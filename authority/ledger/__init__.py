"""The append-only log: what it promises, how an entry is read, and the tree that proves it whole.  `sql` keeps it."""

from __future__ import annotations
