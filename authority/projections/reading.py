"""Small reads that indexing and answering share."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from authority.projections.indexing import Issued, Known

_SESSIONS: Final = (
    "SELECT access_key_id, account, role_id, position FROM session "
    "WHERE access_key_id IN (SELECT value FROM json_each(?))"
)
_KEYS: Final = "SELECT id, account FROM key WHERE id IN (SELECT value FROM json_each(?))"


def json_list(values: Iterable[object]) -> str:
    """A list as one bound value."""
    return msgspec.json.encode(list(values)).decode()


async def rows_of(connection: AsyncConnection, statement: str, values: tuple[object, ...] = ()) -> Sequence[Any]:
    """The rows that *statement* reads; *values* are bound."""
    return (await connection.exec_driver_sql(statement, values)).all()


async def known_of(connection: AsyncConnection, keys: Iterable[str]) -> Known:
    """What is projected of *keys*."""
    asked = json_list(keys)
    if asked == "[]":
        return Known({}, {})
    return _known(await rows_of(connection, _SESSIONS, (asked,)), await rows_of(connection, _KEYS, (asked,)))


def known_to(connection: sqlite3.Connection, keys: Iterable[str]) -> Known:
    """What is projected of *keys*, in one call of the driver's thread."""
    asked = (json_list(keys),)
    return _known(connection.execute(_SESSIONS, asked).fetchall(), connection.execute(_KEYS, asked).fetchall())


def _known(sessions: Iterable[Sequence[Any]], keys: Iterable[Sequence[Any]]) -> Known:
    issued = {key: Issued(account, role_id, position) for key, account, role_id, position in sessions}
    accounts = {key: one.account for key, one in issued.items()}
    accounts.update((key, account) for key, account in keys)
    return Known(accounts, issued)
