"""SAML identity providers of an account: made from metadata, shown, renewed, deleted (IAM API, SAML provider actions).

Assertions are taken as they are signed.  No provider has private keys, so encrypted ones are not: they may come, as AWS
says of a provider without keys, and cannot be read.
"""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from authority.access.action import Decision, Facts, action, refuse
from authority.access.call import Call
from authority.access.context import Context
from authority.access.listing import Listing
from authority.access.naming import account_of, iam_arn
from authority.access.tagging import QUOTA, request_tags, tags_refused
from authority.access.wearing import tagging, untagging
from authority.federation import providers
from authority.federation.metadata import document_of, read_metadata
from authority.federation.providers import SAML, own
from authority.kernel.ids import ProviderId
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.tags import Tag
from authority.model.providers import (
    SamlMetadata,
    SamlProvider,
    SamlProviderCreated,
    SamlProviderDeleted,
    SamlProviderUpdated,
)
from authority.model.state import State

ENDLESS: Final = timedelta(days=36_525)
"""How long metadata that states no end counts as good, from when the provider was made: a hundred years."""
ENCRYPTED: Final = Refusal(
    Reason.INVALID_INPUT,
    "Encrypted SAML assertions are not supported here; AssertionEncryptionMode is Allowed, and no private key is kept.",
)
ALLOWED: Final = "Allowed"
"""The one mode that there is: assertions need not be encrypted."""
ID_BYTES: Final = 15


def _resource(_state: State, call: Call[Any]) -> str:
    arn: str = call.input.saml_provider_arn
    return arn


def _worn(state: State, call: Call[Any]) -> Context:
    return providers.worn(state, call.input.saml_provider_arn)


def _find(state: State, call: Call[Any], text: str) -> SamlProvider | Refusal:
    arn = own(call, text, SAML)
    if isinstance(arn, Refusal):
        return arn
    found = providers.saml_provider(state, text)
    return Refusal(Reason.NO_SUCH_ENTITY, f"Manifest not found for arn {text}") if found is None else found[1]


def _ends(provider: SamlProvider) -> datetime:
    stated = provider.metadata.valid_until
    return provider.created_at + ENDLESS if stated is None else stated


class CreateSAMLProvider(msgspec.Struct, frozen=True, rename="pascal"):
    """What the provider shall be called, and the metadata that it publishes."""

    name: str
    saml_metadata_document: str = msgspec.field(name="SAMLMetadataDocument")
    tags: tuple[Tag, ...] = ()
    assertion_encryption_mode: str = ALLOWED
    add_private_key: str = ""


class Made(msgspec.Struct, frozen=True, rename="pascal"):
    """The ARN of the provider, and its tags."""

    saml_provider_arn: str = msgspec.field(name="SAMLProviderArn")
    tags: tuple[Tag, ...] | None = None


def _new_arn(_state: State, call: Call[CreateSAMLProvider]) -> str:
    return iam_arn(call, f"{SAML}/{call.input.name}")


@action(
    "iam:CreateSAMLProvider",
    resource=_new_arn,
    conditions=lambda _, call: request_tags(call.input.tags),
    tagging="iam:TagSAMLProvider",
)
def create_saml_provider(state: State, call: Call[CreateSAMLProvider], facts: Facts) -> Decision:
    """Trust an identity provider by its metadata (IAM API, CreateSAMLProvider)."""
    account, wanted = account_of(state, call), call.input
    if wanted.assertion_encryption_mode != ALLOWED or wanted.add_private_key:
        return Decision(answer=ENCRYPTED)
    refused = tags_refused(wanted.tags, ignore_case=False, most=account.quota(QUOTA))
    if refused is not None:
        return Decision(answer=refused)
    if account.saml_provider_named(wanted.name) is not None:
        text = f"Provider with name {wanted.name} already exists."
        return refuse(Reason.ENTITY_ALREADY_EXISTS, text)
    most = account.quota("SAMLProvidersQuota")
    if len(account.saml_providers) >= most:
        text = f"Cannot exceed quota for SAMLProvidersPerAccount: {most}"
        return refuse(Reason.LIMIT_EXCEEDED, text)
    metadata = read_metadata(wanted.saml_metadata_document)
    if isinstance(metadata, Refusal):
        return Decision(answer=metadata)
    made = SamlProviderCreated(
        account=account.id,
        provider_id=ProviderId(f"SAML{base64.b32encode(facts.draw(ID_BYTES)).decode('ascii')}"),
        name=wanted.name,
        metadata=metadata,
        tags=wanted.tags,
    )
    return Decision(facts=(made,), answer=Made(_new_arn(state, call), wanted.tags or None))


class GetSAMLProvider(msgspec.Struct, frozen=True, rename="pascal"):
    """Which provider."""

    saml_provider_arn: str = msgspec.field(name="SAMLProviderArn")


class ShownProvider(msgspec.Struct, frozen=True, rename="pascal", kw_only=True):
    """A provider with the document as it was uploaded."""

    saml_provider_uuid: str = msgspec.field(name="SAMLProviderUUID")
    saml_metadata_document: str = msgspec.field(name="SAMLMetadataDocument")
    create_date: datetime
    valid_until: datetime
    tags: tuple[Tag, ...]
    assertion_encryption_mode: str = ALLOWED
    private_key_list: tuple[str, ...] = ()


@action("iam:GetSAMLProvider", resource=_resource, conditions=_worn)
def get_saml_provider(state: State, call: Call[GetSAMLProvider], _facts: Facts) -> Decision:
    """Show a provider and its metadata (IAM API, GetSAMLProvider)."""
    provider = _find(state, call, call.input.saml_provider_arn)
    if isinstance(provider, Refusal):
        return Decision(answer=provider)
    answer = ShownProvider(
        saml_provider_uuid=provider.id,
        saml_metadata_document=document_of(provider.metadata),
        create_date=provider.created_at,
        valid_until=_ends(provider),
        tags=tuple(sorted(provider.tags, key=lambda tag: tag.key)),
    )
    return Decision(answer=answer)


class ListSAMLProviders(msgspec.Struct, frozen=True):
    """Nothing needs to be said."""


class ListedProvider(msgspec.Struct, frozen=True, rename="pascal"):
    """One provider of a list."""

    arn: str
    valid_until: datetime
    create_date: datetime


class SamlProviders(msgspec.Struct, frozen=True, rename="pascal"):
    """All providers of the account."""

    saml_provider_list: tuple[ListedProvider, ...] = msgspec.field(name="SAMLProviderList")


@action("iam:ListSAMLProviders", resource=lambda _, call: iam_arn(call, f"{SAML}/*"))
def list_saml_providers(_state: State, call: Call[ListSAMLProviders], _facts: Facts) -> Decision:
    """List the providers of the account, by name (IAM API, ListSAMLProviders)."""

    def answer(state: State) -> SamlProviders:
        found = sorted(account_of(state, call).saml_providers.values(), key=lambda provider: provider.name.lower())
        return SamlProviders(
            tuple(
                ListedProvider(iam_arn(call, f"{SAML}/{provider.name}"), _ends(provider), provider.created_at)
                for provider in found
            )
        )

    return Decision(then=answer)


class UpdateSAMLProvider(msgspec.Struct, frozen=True, rename="pascal"):
    """Which provider, and the metadata that it publishes now."""

    saml_provider_arn: str = msgspec.field(name="SAMLProviderArn")
    saml_metadata_document: str = msgspec.field(name="SAMLMetadataDocument", default="")
    assertion_encryption_mode: str = ALLOWED
    add_private_key: str = ""
    remove_private_key: str = ""


class Updated(msgspec.Struct, frozen=True, rename="pascal"):
    """The ARN of the provider."""

    saml_provider_arn: str = msgspec.field(name="SAMLProviderArn")


@action("iam:UpdateSAMLProvider", resource=_resource, conditions=_worn)
def update_saml_provider(state: State, call: Call[UpdateSAMLProvider], _facts: Facts) -> Decision:
    """Take new metadata of a provider, whose ARN stays (IAM API, UpdateSAMLProvider)."""
    wanted = call.input
    provider = _find(state, call, wanted.saml_provider_arn)
    if isinstance(provider, Refusal):
        return Decision(answer=provider)
    if wanted.assertion_encryption_mode != ALLOWED or wanted.add_private_key or wanted.remove_private_key:
        return Decision(answer=ENCRYPTED)
    metadata: SamlMetadata | Refusal = provider.metadata
    if wanted.saml_metadata_document:
        metadata = read_metadata(wanted.saml_metadata_document)
    if isinstance(metadata, Refusal):
        return Decision(answer=metadata)
    changed = SamlProviderUpdated(account=call.caller.account, provider_id=provider.id, metadata=metadata)
    return Decision(facts=(changed,) if metadata != provider.metadata else (), answer=Updated(wanted.saml_provider_arn))


class DeleteSAMLProvider(msgspec.Struct, frozen=True, rename="pascal"):
    """Which provider."""

    saml_provider_arn: str = msgspec.field(name="SAMLProviderArn")


@action("iam:DeleteSAMLProvider", resource=_resource, conditions=_worn)
def delete_saml_provider(state: State, call: Call[DeleteSAMLProvider], _facts: Facts) -> Decision:
    """Trust a provider no more; roles that name it stay as they are (IAM API, DeleteSAMLProvider)."""
    provider = _find(state, call, call.input.saml_provider_arn)
    if isinstance(provider, Refusal):
        return Decision(answer=provider)
    return Decision(facts=(SamlProviderDeleted(account=call.caller.account, provider_id=provider.id),))


class TagSAMLProvider(msgspec.Struct, frozen=True, rename="pascal"):
    """Which provider, and the tags to lay over those it wears."""

    saml_provider_arn: str = msgspec.field(name="SAMLProviderArn")
    tags: tuple[Tag, ...]


@action("iam:TagSAMLProvider", resource=_resource, conditions=tagging(_worn))
def tag_saml_provider(state: State, call: Call[TagSAMLProvider], _facts: Facts) -> Decision:
    """Lay tags over those of a provider (IAM API, TagSAMLProvider)."""
    return providers.tagged(state, call, call.input.saml_provider_arn, _find)


class UntagSAMLProvider(msgspec.Struct, frozen=True, rename="pascal"):
    """Which provider, and the tags to take off."""

    saml_provider_arn: str = msgspec.field(name="SAMLProviderArn")
    tag_keys: tuple[str, ...]


@action("iam:UntagSAMLProvider", resource=_resource, conditions=untagging(_worn))
def untag_saml_provider(state: State, call: Call[UntagSAMLProvider], _facts: Facts) -> Decision:
    """Take tags off a provider (IAM API, UntagSAMLProvider)."""
    return providers.untagged(state, call, call.input.saml_provider_arn, _find)


class ListSAMLProviderTags(Listing, frozen=True, kw_only=True):
    """Whose tags to list."""

    saml_provider_arn: str = msgspec.field(name="SAMLProviderArn")


@action("iam:ListSAMLProviderTags", resource=_resource, conditions=_worn)
def list_saml_provider_tags(state: State, call: Call[ListSAMLProviderTags], _facts: Facts) -> Decision:
    """List the tags of a provider, by key (IAM API, ListSAMLProviderTags)."""
    return providers.tags_listed(state, call, "iam:ListSAMLProviderTags", call.input.saml_provider_arn, _find)
