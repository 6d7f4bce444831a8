"""The tables of the projections.  They hold what finds an entry, never what it says: bodies are read from the log.

`VERSION` is raised whenever a table, a term or the way an entry is read changes: then all is built anew.
"""

from __future__ import annotations

import struct
from hashlib import blake2b
from typing import Final

from sqlalchemy import (
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

from authority.audit.terms import Term

VERSION: Final = 6

METADATA: Final = MetaData()

CHECKPOINT: Final = Table(
    "checkpoint",
    METADATA,
    Column("id", SmallInteger, CheckConstraint("id = 1", name="checkpoint_is_one"), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("leaf", LargeBinary, nullable=False, comment="of the entry at the position: tells one log from another"),
)

SEGMENT_BITS: Final = 12
"""The log is cut into segments of 4,096 positions."""

SEGMENT: Final = Table(
    "segment",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False, comment="its positions, shifted by SEGMENT_BITS"),
)
"""The segments that there are."""

BLOCK_BITS: Final = 5
"""A segment is cut into blocks of 32 positions."""

POSTING: Final = Table(
    "posting",
    METADATA,
    Column("segment", Integer, primary_key=True, autoincrement=False),
    Column("term", Integer, primary_key=True, autoincrement=False),
    Column("account", Integer, primary_key=True, autoincrement=False, comment="whose trail; -1 is the whole log"),
    Column("block", Integer, primary_key=True, autoincrement=False, comment="positions, shifted by BLOCK_BITS"),
    Column("bits", Integer, nullable=False, comment="which positions of the block: bit 0 is the first; never 0"),
    sqlite_with_rowid=False,
)
"""In each segment, for each term and each account that may find by it, every position: a row for each block of them.

The segment comes first, so that whatever an entry can be found by is written to the few pages at the end of the tree.
Without it every term would touch a page of its own, hundreds of kilobytes for each entry.
"""

PLACE: Final = Table(
    "place",
    METADATA,
    Column("bit", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, nullable=False, comment="of the bit, 0 to 31"),
)
"""The places within a block: statements join them to come from bits to positions."""

MOMENT: Final = Table(
    "moment",
    METADATA,
    Column("at", Integer, primary_key=True, autoincrement=False, comment="recorded time, in microseconds since 1970"),
    Column("position", Integer, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
"""When each entry was recorded."""

SESSION: Final = Table(
    "session",
    METADATA,
    Column("access_key_id", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("role_id", Text, nullable=False),
    Column("position", Integer, nullable=False, comment="where it was issued"),
    Column("expires_at", Integer, nullable=False, comment="microseconds since 1970"),
    Column("ended_at", Integer),
    Column("ended_position", Integer),
    Column("cause", Text),
    Column("loan", LargeBinary, comment="the id of the loan, where another account took the role on"),
    sqlite_with_rowid=False,
)
Index("session_due", SESSION.c.expires_at, sqlite_where=literal_column("ended_at IS NULL"))
"""What the expiry worker reads."""

Index(
    "session_of_loan",
    SESSION.c.loan,
    SESSION.c.expires_at,
    sqlite_where=literal_column("loan IS NOT NULL AND ended_at IS NULL"),
)
"""What others have of one's roles now."""

LOAN: Final = Table(
    "loan",
    METADATA,
    Column("account", Text, primary_key=True),
    Column("trusted", Text, primary_key=True),
    Column("external_id", Text, primary_key=True),
    Column("role", Text, primary_key=True, comment="its ARN"),
    Column("id", LargeBinary, nullable=False, comment="stands for the four before it"),
    Column("issued", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("last_at", Integer, nullable=False),
    Column("last_position", Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""How often one account asked for a role of another (`audit.lending`)."""

KEY: Final = Table(
    "key",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("account", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""The account of each long-term key that ever was."""

ACCESS: Final = Table(
    "access",
    METADATA,
    Column("who", Text, primary_key=True, comment="the unique id of a user or role"),
    Column("action", Text, primary_key=True),
    Column("at", Integer, nullable=False),
    Column("region", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""The newest use of each action by each user and role (`audit.accessing`)."""

USE: Final = Table(
    "last_use",
    METADATA,
    Column("id", Text, primary_key=True, comment="of a long-term access key or a role"),
    Column("at", Integer, nullable=False),
    Column("service", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("position", Integer, nullable=False),
    sqlite_with_rowid=False,
)

WHOLE_LOG: Final = -1
_number_in: Final = struct.Struct(">q").unpack


def trail_number(account: str | None) -> int:
    """How a trail is stored: twelve digits as a number, and the whole log as `WHOLE_LOG`."""
    return WHOLE_LOG if account is None else int(account)


def bit_of(position: int) -> int:
    """The bit that stands for *position* in its block."""
    return 1 << (position & ((1 << BLOCK_BITS) - 1))


def term_number(term: Term) -> int:
    """How a term is stored: 64 bits of a hash.

    Two terms may collide, by chance or because somebody looked for it.  Then an entry is proposed that does not
    belong; it is left out when its own terms are compared (`audit.terms`).
    """
    spelled = "\0".join(term).encode("utf-8", "surrogatepass")
    number: int = _number_in(blake2b(spelled, digest_size=8).digest())[0]
    return number
