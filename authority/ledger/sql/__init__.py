"""The ledger in a relational database, through SQLAlchemy Core.  Only `compose` and the tools of the store name it."""

from __future__ import annotations
