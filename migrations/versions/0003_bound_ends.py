"""The end of the log and its snapshots, bound to whoever holds the root key; and how far the log was signed for.

There is no way back: what nobody vouches for any more would be served from.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

GROWS = """CREATE TRIGGER tree_grows BEFORE UPDATE ON tree
    WHEN NEW.id IS NOT OLD.id OR NEW.size < OLD.size OR NEW.signed < OLD.signed
      OR (NEW.size = OLD.size AND NEW.frontier IS NOT OLD.frontier)
    BEGIN SELECT RAISE(ABORT, 'tree: it only grows'); END"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER tree_grows")
    op.add_column("tree", sa.Column("signed", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("tree", sa.Column("mac", sa.LargeBinary))
    op.add_column("snapshot", sa.Column("mac", sa.LargeBinary))
    op.create_index("once_position", "once", ["position"])
    op.execute("UPDATE tree SET signed = (SELECT coalesce(max(size), 0) FROM signed_head)")
    if op.get_bind().dialect.name == "sqlite":
        op.execute(GROWS)
