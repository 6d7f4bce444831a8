"""Use of an account's roles by other accounts: what one event says of it, and the questions about it.

Whoever lends a role pays for its use, so it is counted: by the account that was trusted, the external id that it came
with, and the role.  A request counts when its permission was weighed; one that could not be read asked for nothing.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final

import msgspec

from authority.audit.queries import DEFAULT_RESULTS, Query
from authority.audit.terms import issued_by
from authority.model.event import Event

ASSUMED: Final = "sts:AssumeRole"
EXTERNAL_ID: Final = "sts:externalid"


class Loan(msgspec.Struct, frozen=True, order=True):
    """Who was lent what: the account of the role, the account that asked, its external id or none, the role's ARN."""

    account: str
    trusted: str
    external_id: str
    role: str

    @property
    def id(self) -> bytes:
        """Sixteen bytes that stand for it."""
        return hashlib.blake2b(msgspec.json.encode(self), digest_size=16).digest()


class Asked(msgspec.Struct, frozen=True):
    """A role was asked for from another account, and a session of it issued or not."""

    loan: Loan
    issued: bool


def asked(event: Event) -> Asked | None:
    """What *event* says of the use of a role by another account, if anything."""
    if event.type != ASSUMED or event.caller is None or not event.decisions:
        return None
    wanted = event.decisions[0]
    if wanted.resource_account == event.caller.account:
        return None
    external_id = wanted.context.get(EXTERNAL_ID, "")
    loan = Loan(
        account=wanted.resource_account,
        trusted=event.caller.account,
        external_id=external_id if isinstance(external_id, str) else "",
        role=wanted.resource,
    )
    return Asked(loan, issued_by(event) is not None)


class FindLoans(Query, frozen=True, kw_only=True):
    """The use of *account*'s roles by others, by *trusted* alone if it is given, in the order of `Loan`.

    `after` is the last one of an earlier page, `now` the moment that activity is judged at, `roles` the unique ids of
    the roles that there are: a session of any other is over.  The answer is `Loans`.
    """

    account: str
    now: datetime
    roles: tuple[str, ...]
    trusted: str = ""
    after: Loan | None = None
    max_results: int = DEFAULT_RESULTS


class CountLent(Query, frozen=True, kw_only=True):
    """How many sessions of *account*'s *roles* has *trusted* at *now*, counted up to *most*?  The answer is `Lent`."""

    account: str
    trusted: str
    now: datetime
    roles: tuple[str, ...]
    most: int


class Lent(msgspec.Struct, frozen=True):
    """The sessions that one account ever had of another's roles, and those of them that are active."""

    issued: int
    active: int


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """How a role was used: sessions issued, requests refused, sessions active, the last request of either kind."""

    loan: Loan
    issued: int
    refused: int
    active: int
    last_at: datetime
    last_position: int


class Loans(msgspec.Struct, frozen=True):
    """A page; `more` says that it is not the last."""

    usages: tuple[Usage, ...]
    more: bool
