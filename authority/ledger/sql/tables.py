"""The tables of the ledger and the way between their rows and entries.

The same tables serve every database.  What cannot be said in all of them (triggers that keep the log append-only,
partitions) stands in the migrations.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    literal_column,
)

from authority.ledger.port import BEGINNING, Entry, Lane, LedgerCorrupt

METADATA: Final = MetaData()

VERSION_TABLE: Final = "schema_version"
"""Where the migrations write which of them ran."""

Position: Final = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite makes only an INTEGER primary key the row's own number; it holds 64 bits there all the same."""

EVENT: Final = Table(
    "event",
    METADATA,
    Column("position", Position, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False, comment="recorded time, in microseconds since 1970"),
    Column("lane", SmallInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("v", SmallInteger, nullable=False),
    Column("subject", Text, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
Index(
    "event_config",
    EVENT.c.position,
    sqlite_where=literal_column("lane = 1"),
    postgresql_where=literal_column("lane = 1"),
)
"""What an append's condition and a fold of the configuration read, and nothing else."""

ONCE: Final = Table(
    "once",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Index("once_position", "position"),
    sqlite_with_rowid=False,
)

VAULT: Final = Table(
    "vault",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("vault_purpose", "purpose", "id"),
)

TREE: Final = Table(
    "tree",
    METADATA,
    Column("id", SmallInteger, CheckConstraint("id = 1", name="tree_is_one"), primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    Column("signed", BigInteger, nullable=False, server_default="0", comment="entries under the last checkpoint"),
    Column("mac", LargeBinary, comment="by the root key, over the rest of the row (ledger.binding)"),
)

SUBTREE: Final = Table(
    "subtree",
    METADATA,
    Column("height", SmallInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""Roots of whole subtrees of 256, 65,536, ... leaves; one row for every 255 entries or so."""

SNAPSHOT: Final = Table(
    "snapshot",
    METADATA,
    Column("position", Position, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
    Column("format", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("mac", LargeBinary, comment="by the root key, over the rest of the row (ledger.binding)"),
)

SIGNED_HEAD: Final = Table(
    "signed_head",
    METADATA,
    Column("number", Position, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("note", LargeBinary, nullable=False),
    Index("signed_head_size", "size", unique=True),
)
"""Every checkpoint as it was signed; numbered without gaps, so that one that is taken out is missed."""

_TYPES: Final = (int, int, int, str, int, str, bytes, bytes)
_LANES: Final = {lane.value: lane for lane in Lane}
_MICROSECOND: Final = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """How *moment* is stored."""
    return (moment - BEGINNING) // _MICROSECOND


def moment(microseconds: int) -> datetime:
    """The moment that is stored as *microseconds*."""
    return BEGINNING + timedelta(0, 0, microseconds)


def recorded_at(position: int, at: object) -> datetime:
    """The recorded time in a column, or `LedgerCorrupt` when it can be none."""
    try:
        if isinstance(at, int):
            return BEGINNING + timedelta(0, 0, at)
    except OverflowError:
        pass
    raise LedgerCorrupt(position, "the recorded time cannot be read")


def entry_of(row: Sequence[Any]) -> Entry:
    """The entry in *row*, or `LedgerCorrupt` when its columns cannot be an entry's.

    SQLite keeps any type in any column, so a row that somebody touched may hold anything.
    """
    position, at, lane, type_, v, subject, leaf, body = row
    if tuple(map(type, row)) != _TYPES:
        recorded_at(position, at)
        raise LedgerCorrupt(position, "a column holds another type than was written")
    if lane not in _LANES:
        raise LedgerCorrupt(position, f"there is no lane {lane}")
    return Entry(
        position=position,
        at=recorded_at(position, at),
        lane=_LANES[lane],
        type=type_,
        v=v,
        subject=subject,
        body=body,
        leaf=leaf,
    )
