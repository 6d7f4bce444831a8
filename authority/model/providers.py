"""Identity providers that an account trusts, SAML and OpenID Connect, and the tokens that it vouches for itself.

What a sign-in depends on stands here taken apart; the metadata document is kept beside it as it was uploaded.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from authority.kernel.ids import ProviderId
from authority.kernel.tags import Tag
from authority.model.fact import AccountFact


class SamlMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """What a metadata document says of an identity provider.

    `certificates` are those that it signs with, in DER as base 64; `valid_until` is None where it names no end.
    `document` is the text in UTF-8, deflated (RFC 1950), since an entry of the log is small.
    """

    entity_id: str
    certificates: tuple[str, ...]
    document: bytes
    valid_until: datetime | None = None


class SamlProvider(msgspec.Struct, frozen=True, kw_only=True):
    """A SAML identity provider, known to roles by its ARN, which its name is part of."""

    id: ProviderId
    name: str
    created_at: datetime
    metadata: SamlMetadata
    tags: tuple[Tag, ...] = ()


class OidcProvider(msgspec.Struct, frozen=True, kw_only=True):
    """An OpenID Connect provider, known to roles by its ARN.

    `url` is its issuer without `https://`, as it stands in the ARN; the clients are those whose tokens count.
    """

    id: ProviderId
    url: str
    created_at: datetime
    client_ids: tuple[str, ...] = ()
    thumbprints: tuple[str, ...] = ()
    tags: tuple[Tag, ...] = ()


class OutboundIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """Whether an account's principals may get tokens for others from us, and the issuer that is named in them."""

    issuer: str
    enabled: bool = True


class SamlProviderCreated(AccountFact, frozen=True, kw_only=True, tag="saml-provider-created"):
    """An account trusts another SAML identity provider."""

    provider_id: ProviderId
    name: str
    metadata: SamlMetadata
    tags: tuple[Tag, ...] = ()


class SamlProviderUpdated(AccountFact, frozen=True, kw_only=True, tag="saml-provider-updated"):
    """A SAML identity provider has another metadata document."""

    provider_id: ProviderId
    metadata: SamlMetadata


class SamlProviderDeleted(AccountFact, frozen=True, kw_only=True, tag="saml-provider-deleted"):
    """A SAML identity provider is trusted no more."""

    provider_id: ProviderId


class OidcProviderCreated(AccountFact, frozen=True, kw_only=True, tag="oidc-provider-created"):
    """An account trusts another OpenID Connect provider."""

    provider_id: ProviderId
    url: str
    client_ids: tuple[str, ...] = ()
    thumbprints: tuple[str, ...] = ()
    tags: tuple[Tag, ...] = ()


class OidcClientAdded(AccountFact, frozen=True, kw_only=True, tag="oidc-client-added"):
    """Tokens for one more client count."""

    provider_id: ProviderId
    client_id: str


class OidcClientRemoved(AccountFact, frozen=True, kw_only=True, tag="oidc-client-removed"):
    """Tokens for a client count no more."""

    provider_id: ProviderId
    client_id: str


class OidcThumbprintsSet(AccountFact, frozen=True, kw_only=True, tag="oidc-thumbprints-set"):
    """The certificates of a provider's servers are others."""

    provider_id: ProviderId
    thumbprints: tuple[str, ...]


class OidcProviderDeleted(AccountFact, frozen=True, kw_only=True, tag="oidc-provider-deleted"):
    """An OpenID Connect provider is trusted no more."""

    provider_id: ProviderId


class ProviderTagged(AccountFact, frozen=True, kw_only=True, tag="provider-tagged"):
    """Tags were laid over those of an identity provider of either kind; keys keep their case."""

    provider_id: ProviderId
    tags: tuple[Tag, ...]


class ProviderUntagged(AccountFact, frozen=True, kw_only=True, tag="provider-untagged"):
    """Tags were taken off an identity provider of either kind."""

    provider_id: ProviderId
    keys: tuple[str, ...]


class OutboundIdentityEnabled(AccountFact, frozen=True, kw_only=True, tag="outbound-identity-enabled"):
    """The principals of an account may get tokens for others; *issuer* is named in them."""

    issuer: str


class OutboundIdentityDisabled(AccountFact, frozen=True, kw_only=True, tag="outbound-identity-disabled"):
    """The principals of an account get no tokens for others any more; those that they got stay as they are."""
