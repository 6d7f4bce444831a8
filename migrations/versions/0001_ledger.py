"""The ledger: events, once keys, the vault, the tree and snapshots.

There is no way back: a log is never unmade.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

APPEND_ONLY = [
    # INSERT OR REPLACE takes rows away without asking a DELETE trigger, hence the conditions on INSERT.
    """CREATE TRIGGER event_follows BEFORE INSERT ON event
       WHEN NEW.position IS NOT (SELECT coalesce(max(position), 0) + 1 FROM event)
       BEGIN SELECT RAISE(ABORT, 'event: an entry follows the last one'); END""",
    """CREATE TRIGGER event_stays BEFORE UPDATE ON event
       BEGIN SELECT RAISE(ABORT, 'event: an entry never changes'); END""",
    """CREATE TRIGGER event_is_kept BEFORE DELETE ON event
       BEGIN SELECT RAISE(ABORT, 'event: an entry is never deleted'); END""",
    """CREATE TRIGGER once_is_claimed_once BEFORE INSERT ON once
       WHEN EXISTS (SELECT 1 FROM once WHERE key = NEW.key)
       BEGIN SELECT RAISE(ABORT, 'once: the key is taken'); END""",
    """CREATE TRIGGER once_stays BEFORE UPDATE ON once
       BEGIN SELECT RAISE(ABORT, 'once: a key never changes'); END""",
    """CREATE TRIGGER once_is_kept BEFORE DELETE ON once
       BEGIN SELECT RAISE(ABORT, 'once: a key is never deleted'); END""",
    """CREATE TRIGGER subtree_is_made_once BEFORE INSERT ON subtree
       WHEN EXISTS (SELECT 1 FROM subtree WHERE height = NEW.height AND number = NEW.number)
       BEGIN SELECT RAISE(ABORT, 'subtree: it was made already'); END""",
    """CREATE TRIGGER subtree_stays BEFORE UPDATE ON subtree
       BEGIN SELECT RAISE(ABORT, 'subtree: it never changes'); END""",
    """CREATE TRIGGER subtree_is_kept BEFORE DELETE ON subtree
       BEGIN SELECT RAISE(ABORT, 'subtree: it is never deleted'); END""",
    """CREATE TRIGGER tree_is_one_row BEFORE INSERT ON tree
       WHEN EXISTS (SELECT 1 FROM tree)
       BEGIN SELECT RAISE(ABORT, 'tree: there is one'); END""",
    """CREATE TRIGGER tree_grows BEFORE UPDATE ON tree
       WHEN NEW.id IS NOT OLD.id OR NEW.size <= OLD.size
       BEGIN SELECT RAISE(ABORT, 'tree: it only grows'); END""",
    """CREATE TRIGGER tree_is_kept BEFORE DELETE ON tree
       BEGIN SELECT RAISE(ABORT, 'tree: it is never deleted'); END""",
]


def upgrade() -> None:
    op.create_table(
        "event",
        sa.Column("position", POSITION, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False, comment="recorded time, in microseconds since 1970"),
        sa.Column("lane", sa.SmallInteger, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("v", sa.SmallInteger, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("leaf", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    config = sa.text("lane = 1")
    op.create_index("event_config", "event", ["position"], sqlite_where=config, postgresql_where=config)
    op.create_table(
        "once",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "vault",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_index("vault_purpose", "vault", ["purpose", "id"])
    tree = op.create_table(
        "tree",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("frontier", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("id = 1", name="tree_is_one"),
    )
    op.create_table(
        "subtree",
        sa.Column("height", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "snapshot",
        sa.Column("position", POSITION, primary_key=True, autoincrement=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("format", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.bulk_insert(tree, [{"id": 1, "size": 0, "frontier": bytes(8)}])
    if op.get_bind().dialect.name == "sqlite":
        for trigger in APPEND_ONLY:
            op.execute(trigger)
