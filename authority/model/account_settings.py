"""What an account is set to: its alias, quotas, tags and properties, and whether it is open: the facts."""

from __future__ import annotations

from datetime import datetime

import msgspec

from authority.kernel.ids import AccountId
from authority.kernel.tags import Tag
from authority.model.fact import AccountFact, Fact


class AccountCreation(msgspec.Struct, frozen=True, kw_only=True):
    """A request for an account, and what came of it: *account*, or the reason of its *failure*."""

    id: str
    name: str
    requested_at: datetime
    account: AccountId | None = None
    failure: str = ""


class AccountRequested(Fact, frozen=True, kw_only=True, tag="account-requested"):
    """Somebody asked for an account through Organizations."""

    request_id: str
    name: str
    account: AccountId | None = None
    failure: str = ""


class AccountClosed(AccountFact, frozen=True, kw_only=True, tag="account-closed"):
    """An account is closed: what it holds is kept, and nothing of it counts."""


class AccountReopened(AccountFact, frozen=True, kw_only=True, tag="account-reopened"):
    """A closed account is open again, with all that it held."""


class AccountTagged(AccountFact, frozen=True, kw_only=True, tag="account-tagged"):
    """Tags were laid over those of an account; keys keep their case."""

    tags: tuple[Tag, ...]


class AccountUntagged(AccountFact, frozen=True, kw_only=True, tag="account-untagged"):
    """Tags were taken off an account."""

    keys: tuple[str, ...]


class QuotaSet(AccountFact, frozen=True, kw_only=True, tag="quota-set"):
    """An account may hold another number of something; None is the default again."""

    name: str
    value: int | None


class AccountAliasCreated(AccountFact, frozen=True, kw_only=True, tag="account-alias-created"):
    """An account has a name that people can sign in by."""

    alias: str


class AccountAliasDeleted(AccountFact, frozen=True, kw_only=True, tag="account-alias-deleted"):
    """An account has that name no more."""

    alias: str


class AccountPropertiesSet(AccountFact, frozen=True, kw_only=True, tag="account-properties-set"):
    """Some properties of an account, by `Namespace/PropertyName`, have other values."""

    properties: dict[str, str]


class TokenVersionSet(AccountFact, frozen=True, kw_only=True, tag="token-version-set"):
    """The version of session tokens that the account prefers at the global endpoint."""

    version: int


class CredentialReportRequested(AccountFact, frozen=True, kw_only=True, tag="credential-report-requested"):
    """A credential report may be fetched for some hours."""
