"""Roles lent to other accounts: how many sessions at a time each of them may have."""

from __future__ import annotations

from authority.kernel.ids import AccountId
from authority.model.fact import AccountFact


class SessionLimitSet(AccountFact, frozen=True, kw_only=True, tag="session-limit-set"):
    """A trusted account may have this many active sessions of the account's roles at a time; None is no limit."""

    trusted: AccountId
    most: int | None = None
