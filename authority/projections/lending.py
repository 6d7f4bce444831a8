"""The use of roles by other accounts: counted as the log is followed, each entry once, and read by account."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from authority.audit.lending import CountLent, FindLoans, Lent, Loan, Loans, Usage
from authority.projections.indexing import microseconds, moment
from authority.projections.reading import json_list, rows_of

_CHECKPOINT: Final = "SELECT position FROM checkpoint WHERE id = 1"
_COUNT: Final = (
    "INSERT INTO loan (account, trusted, external_id, role, id, issued, refused, last_at, last_position) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET issued = issued + excluded.issued, "
    "refused = refused + excluded.refused, last_at = excluded.last_at, last_position = excluded.last_position"
)
_LIVE: Final = (
    "session.loan = loan.id AND session.ended_at IS NULL AND session.expires_at > ? "
    "AND session.role_id IN (SELECT value FROM json_each(?))"
)
_ACTIVE: Final = f"(SELECT count(*) FROM session WHERE {_LIVE})"  # noqa: S608 - of our own words
_FIND: Final = (
    f"SELECT trusted, external_id, role, issued, refused, last_at, last_position, {_ACTIVE} FROM loan "  # noqa: S608
    "WHERE account = ? AND (trusted, external_id, role) > (?, ?, ?) "
    "ORDER BY trusted, external_id, role LIMIT ?"
)
_FIND_ONE: Final = _FIND.replace("WHERE account = ?", "WHERE account = ? AND trusted = ?")
_COUNT_LENT: Final = (
    "SELECT (SELECT coalesce(sum(issued), 0) FROM loan WHERE account = ?1 AND trusted = ?2), "
    "(SELECT count(*) FROM (SELECT 1 FROM loan JOIN session ON session.loan = loan.id AND session.ended_at IS NULL "
    "AND session.expires_at > ?3 AND session.role_id IN (SELECT value FROM json_each(?4)) "
    "WHERE loan.account = ?1 AND loan.trusted = ?2 LIMIT ?5))"
)


class Counted(msgspec.Struct):
    """What a page adds to one loan."""

    issued: int = 0
    refused: int = 0
    last_at: int = 0
    last_position: int = 0


def store_loans(connection: sqlite3.Connection, rows: Iterable[tuple[int, int, Loan, bool]]) -> None:
    """Count *rows*, each a position, a time, a loan and whether a session was issued.

    INVARIANT: within the transaction that moves the checkpoint, and only what lies beyond it, so that nothing is
    counted twice when a page is written again.
    """
    found = connection.execute(_CHECKPOINT).fetchone()
    known = 0 if found is None else found[0]
    counted: dict[Loan, Counted] = {}
    for position, at, loan, issued in rows:
        if position <= known:
            continue
        one = counted.setdefault(loan, Counted())
        one.issued += issued
        one.refused += not issued
        one.last_at, one.last_position = at, position
    for loan, one in counted.items():
        named = (loan.account, loan.trusted, loan.external_id, loan.role, loan.id)
        connection.execute(_COUNT, (*named, one.issued, one.refused, one.last_at, one.last_position))


async def find_loans(query: FindLoans, connection: AsyncConnection) -> Loans:
    """See `FindLoans`."""
    after = query.after
    beyond = ("", "", "") if after is None else (after.trusted, after.external_id, after.role)
    of_one: tuple[Any, ...] = (query.trusted,) if query.trusted else ()
    living = (microseconds(query.now), json_list(query.roles))
    values = (*living, query.account, *of_one, *beyond, query.max_results + 1)
    rows = await rows_of(connection, _FIND_ONE if query.trusted else _FIND, values)
    usages = tuple(
        Usage(
            loan=Loan(query.account, trusted, external_id, role),
            issued=issued,
            refused=refused,
            active=active,
            last_at=moment(last_at),
            last_position=last_position,
        )
        for trusted, external_id, role, issued, refused, last_at, last_position, active in rows
    )
    return Loans(usages[: query.max_results], len(usages) > query.max_results)


async def count_lent(query: CountLent, connection: AsyncConnection) -> Lent:
    """See `CountLent`."""
    values = (query.account, query.trusted, microseconds(query.now), json_list(query.roles), query.most)
    ((issued, active),) = await rows_of(connection, _COUNT_LENT, values)
    return Lent(issued, active)
