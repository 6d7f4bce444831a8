"""The checkpoints that were signed, as they were signed.

There is no way back: what was signed is never unsaid.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

APPEND_ONLY = [
    """CREATE TRIGGER signed_head_follows BEFORE INSERT ON signed_head
       WHEN NEW.number IS NOT (SELECT coalesce(max(number), 0) + 1 FROM signed_head)
         OR NEW.size <= (SELECT coalesce(max(size), 0) FROM signed_head)
       BEGIN SELECT RAISE(ABORT, 'signed_head: a checkpoint follows the last one'); END""",
    """CREATE TRIGGER signed_head_stays BEFORE UPDATE ON signed_head
       BEGIN SELECT RAISE(ABORT, 'signed_head: a checkpoint never changes'); END""",
    """CREATE TRIGGER signed_head_is_kept BEFORE DELETE ON signed_head
       BEGIN SELECT RAISE(ABORT, 'signed_head: a checkpoint is never deleted'); END""",
]


def upgrade() -> None:
    op.create_table(
        "signed_head",
        sa.Column("number", POSITION, primary_key=True, autoincrement=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("note", sa.LargeBinary, nullable=False),
    )
    op.create_index("signed_head_size", "signed_head", ["size"], unique=True)
    if op.get_bind().dialect.name == "sqlite":
        for trigger in APPEND_ONLY:
            op.execute(trigger)
