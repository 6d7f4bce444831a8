"""How the facts about identity providers change what an account trusts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from authority.kernel.tags import merged, without
from authority.model import providers
from authority.model.account import Account
from authority.model.fact import AccountFact
from authority.model.providers import OidcProvider, OutboundIdentity, SamlProvider

_replace = msgspec.structs.replace


def _saml_created(account: Account, fact: providers.SamlProviderCreated, at: datetime) -> Account:
    return account.with_saml_provider(
        SamlProvider(id=fact.provider_id, name=fact.name, created_at=at, metadata=fact.metadata, tags=fact.tags)
    )


def _saml_updated(account: Account, fact: providers.SamlProviderUpdated, _: datetime) -> Account:
    return account.with_saml_provider(_replace(account.saml_providers[fact.provider_id], metadata=fact.metadata))


def _saml_deleted(account: Account, fact: providers.SamlProviderDeleted, _: datetime) -> Account:
    return _replace(account, saml_providers=account.saml_providers.delete(fact.provider_id))


def _oidc_created(account: Account, fact: providers.OidcProviderCreated, at: datetime) -> Account:
    return account.with_oidc_provider(
        OidcProvider(
            id=fact.provider_id,
            url=fact.url,
            created_at=at,
            client_ids=fact.client_ids,
            thumbprints=fact.thumbprints,
            tags=fact.tags,
        )
    )


def _client_added(account: Account, fact: providers.OidcClientAdded, _: datetime) -> Account:
    provider = account.oidc_providers[fact.provider_id]
    if fact.client_id in provider.client_ids:
        return account
    return account.with_oidc_provider(_replace(provider, client_ids=(*provider.client_ids, fact.client_id)))


def _client_removed(account: Account, fact: providers.OidcClientRemoved, _: datetime) -> Account:
    provider = account.oidc_providers[fact.provider_id]
    kept = tuple(client for client in provider.client_ids if client != fact.client_id)
    return account.with_oidc_provider(_replace(provider, client_ids=kept))


def _thumbprints_set(account: Account, fact: providers.OidcThumbprintsSet, _: datetime) -> Account:
    return account.with_oidc_provider(_replace(account.oidc_providers[fact.provider_id], thumbprints=fact.thumbprints))


def _oidc_deleted(account: Account, fact: providers.OidcProviderDeleted, _: datetime) -> Account:
    return _replace(account, oidc_providers=account.oidc_providers.delete(fact.provider_id))


def _tagged(account: Account, fact: providers.ProviderTagged, _: datetime) -> Account:
    return _retag(account, fact.provider_id, lambda worn: merged(worn, fact.tags, ignore_case=False))


def _untagged(account: Account, fact: providers.ProviderUntagged, _: datetime) -> Account:
    return _retag(account, fact.provider_id, lambda worn: without(worn, fact.keys, ignore_case=False))


def _retag(account: Account, provider_id: str, change: Callable[[Any], Any]) -> Account:
    saml = account.saml_providers.get(provider_id)
    if saml is not None:
        return account.with_saml_provider(_replace(saml, tags=change(saml.tags)))
    oidc = account.oidc_providers[provider_id]
    return account.with_oidc_provider(_replace(oidc, tags=change(oidc.tags)))


def _enabled(account: Account, fact: providers.OutboundIdentityEnabled, _: datetime) -> Account:
    return _replace(account, outbound_identity=OutboundIdentity(issuer=fact.issuer))


def _disabled(account: Account, _fact: providers.OutboundIdentityDisabled, _: datetime) -> Account:
    known = account.outbound_identity
    return account if known is None else _replace(account, outbound_identity=_replace(known, enabled=False))


FOLDS: Final[Mapping[type[AccountFact], Callable[[Account, Any, datetime], Account]]] = {
    providers.SamlProviderCreated: _saml_created,
    providers.SamlProviderUpdated: _saml_updated,
    providers.SamlProviderDeleted: _saml_deleted,
    providers.OidcProviderCreated: _oidc_created,
    providers.OidcClientAdded: _client_added,
    providers.OidcClientRemoved: _client_removed,
    providers.OidcThumbprintsSet: _thumbprints_set,
    providers.OidcProviderDeleted: _oidc_deleted,
    providers.ProviderTagged: _tagged,
    providers.ProviderUntagged: _untagged,
    providers.OutboundIdentityEnabled: _enabled,
    providers.OutboundIdentityDisabled: _disabled,
}
