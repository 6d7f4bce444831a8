"""Runs the migrations on the connection that `authority.ledger.sql.schema` brings, in its transaction."""

from __future__ import annotations

from alembic import context

from authority.ledger.sql.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=context.config.attributes["version_table"],
)
with context.begin_transaction():
    context.run_migrations()
