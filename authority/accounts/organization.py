"""The organisation that an authority is, in the words of AWS Organizations: one root, and every account right below it.

Everything here is derived: there is nothing to make or delete but accounts.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from authority.access.context import Context
from authority.access.organized import organization_id, root_id
from authority.access.tagging import tags_refused
from authority.kernel.letters import folded
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.tags import Tag
from authority.model.account import Account
from authority.model.state import State

ACTIVE: Final = "ACTIVE"
SUSPENDED: Final = "SUSPENDED"
CLOSED: Final = "CLOSED"
DEFAULT_RESULTS: Final = 20
"""What a listing of Organizations returns at most."""


class TokenListing(msgspec.Struct, frozen=True, rename="pascal"):
    """What a listing of Organizations may be asked for."""

    next_token: str | None = None
    max_results: int | None = None

    @property
    def marker(self) -> str | None:
        """Where to go on, in the words of IAM."""
        return self.next_token

    @property
    def max_items(self) -> int:
        """How many at most, in the words of IAM."""
        return self.max_results or DEFAULT_RESULTS


class AccountShown(msgspec.Struct, frozen=True, rename="pascal", kw_only=True):
    """An account as Organizations shows it (Organizations API, Account)."""

    id: str
    arn: str
    email: str | None
    name: str
    status: str
    state: str
    paths: tuple[str, ...]
    joined_method: str
    joined_timestamp: datetime


def organization_arn(state: State, partition: str) -> str:
    """The ARN of the organisation."""
    return f"{_prefix(state, partition)}:organization/{organization_id(state)}"


def root_arn(state: State, partition: str) -> str:
    """The ARN of its root."""
    return f"{_prefix(state, partition)}:root/{organization_id(state)}/{root_id(state)}"


def account_arn(state: State, account: str, partition: str) -> str:
    """The ARN of an account in it."""
    return f"{_prefix(state, partition)}:account/{organization_id(state)}/{account}"


def shown(state: State, account: Account, partition: str) -> AccountShown:
    """An account as every operation shows it."""
    is_open = account.closed_at is None
    return AccountShown(
        id=account.id,
        arn=account_arn(state, account.id, partition),
        email=account.email or None,
        name=account.name,
        status=ACTIVE if is_open else SUSPENDED,
        state=ACTIVE if is_open else CLOSED,
        paths=(f"{organization_id(state)}/{root_id(state)}/{account.id}/",),
        joined_method="INVITED" if account.id == state.management_account else "CREATED",
        joined_timestamp=account.created_at,
    )


def worn(account: Account | None) -> Context:
    """The condition keys of the tags that an account wears."""
    return {} if account is None else {f"aws:resourcetag/{folded(tag.key)}": tag.value for tag in account.tags}


def tags_unfit(new: Iterable[Tag], worn: Iterable[Tag] = ()) -> Refusal | None:
    """Why *new* tags may not be laid over those *worn* by an account, in the words of Organizations."""
    refused = tags_refused(new, worn, ignore_case=False)
    if refused is not None and refused.reason is Reason.LIMIT_EXCEEDED:
        return Refusal(Reason.CONSTRAINT_VIOLATION, "You have exceeded the number of tags allowed on this resource.")
    return refused


def _prefix(state: State, partition: str) -> str:
    return f"arn:{partition}:organizations::{state.management_account or ''}"
