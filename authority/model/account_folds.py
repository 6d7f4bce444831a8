"""How the facts about accounts as a whole change the state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from authority.kernel.tags import merged, without
from authority.model import account_settings as settings
from authority.model.account import Account
from authority.model.fact import AccountFact

_replace: Final = msgspec.structs.replace


def closed(account: Account, _: settings.AccountClosed, at: datetime) -> Account:
    """See `AccountClosed`."""
    return _replace(account, closed_at=at)


def reopened(account: Account, _fact: settings.AccountReopened, _at: datetime) -> Account:
    """See `AccountReopened`."""
    return _replace(account, closed_at=None)


def tagged(account: Account, fact: settings.AccountTagged, _: datetime) -> Account:
    """See `AccountTagged`."""
    return _replace(account, tags=merged(account.tags, fact.tags, ignore_case=False))


def untagged(account: Account, fact: settings.AccountUntagged, _: datetime) -> Account:
    """See `AccountUntagged`."""
    return _replace(account, tags=without(account.tags, fact.keys, ignore_case=False))


def quota_set(account: Account, fact: settings.QuotaSet, _: datetime) -> Account:
    """See `QuotaSet`."""
    if fact.value is not None:
        return _replace(account, quotas=account.quotas.set(fact.name, fact.value))
    return _replace(account, quotas=account.quotas.delete(fact.name)) if fact.name in account.quotas else account


def alias_created(account: Account, fact: settings.AccountAliasCreated, _: datetime) -> Account:
    """See `AccountAliasCreated`."""
    return _replace(account, aliases=(*account.aliases, fact.alias))


def alias_deleted(account: Account, fact: settings.AccountAliasDeleted, _: datetime) -> Account:
    """See `AccountAliasDeleted`."""
    return _replace(account, aliases=tuple(alias for alias in account.aliases if alias != fact.alias))


def properties_set(account: Account, fact: settings.AccountPropertiesSet, _: datetime) -> Account:
    """See `AccountPropertiesSet`."""
    return _replace(account, properties=account.properties.update(fact.properties))


def token_version_set(account: Account, fact: settings.TokenVersionSet, _: datetime) -> Account:
    """See `TokenVersionSet`."""
    return _replace(account, token_version=fact.version)


def report_requested(account: Account, _: settings.CredentialReportRequested, at: datetime) -> Account:
    """See `CredentialReportRequested`."""
    return _replace(account, report_requested_at=at)


FOLDS: Final[Mapping[type[AccountFact], Callable[[Account, Any, datetime], Account]]] = {
    settings.AccountClosed: closed,
    settings.AccountReopened: reopened,
    settings.AccountTagged: tagged,
    settings.AccountUntagged: untagged,
    settings.QuotaSet: quota_set,
    settings.AccountAliasCreated: alias_created,
    settings.AccountAliasDeleted: alias_deleted,
    settings.AccountPropertiesSet: properties_set,
    settings.TokenVersionSet: token_version_set,
    settings.CredentialReportRequested: report_requested,
}
"""How each of them changes its account."""


def requested(fact: settings.AccountRequested, at: datetime) -> settings.AccountCreation:
    """See `AccountRequested`."""
    return settings.AccountCreation(
        id=fact.request_id, name=fact.name, requested_at=at, account=fact.account, failure=fact.failure
    )
