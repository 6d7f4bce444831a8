"""OpenID Connect providers of an account, by the URL of their issuer (IAM API, OpenID Connect provider actions).

Nothing is fetched here: what a provider's servers say is asked for when a token of theirs is judged.
"""

from __future__ import annotations

import base64
import re
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from authority.access.action import Decision, Facts, action, refuse
from authority.access.call import Call
from authority.access.context import Context
from authority.access.listing import Listing
from authority.access.naming import account_of, iam_arn
from authority.access.tagging import QUOTA, request_tags, tags_refused
from authority.access.wearing import tagging, untagging
from authority.federation import providers
from authority.federation.providers import OIDC, own
from authority.kernel.ids import ProviderId
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.tags import Tag
from authority.model.providers import (
    OidcClientAdded,
    OidcClientRemoved,
    OidcProvider,
    OidcProviderCreated,
    OidcProviderDeleted,
    OidcThumbprintsSet,
)
from authority.model.state import State

MOST_CLIENTS: Final = 100
MOST_THUMBPRINTS: Final = 5
ID_BYTES: Final = 15
SCHEME: Final = "https://"

_THUMBPRINT = re.compile(r"[0-9A-Fa-f]{40}")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
# What stands in an ARN and in a trust policy: no space, no wildcard, nothing beyond ASCII.
_WRITABLE = re.compile(r"[!-)+->@-~]+")


def _resource(_state: State, call: Call[Any]) -> str:
    arn: str = call.input.open_id_connect_provider_arn
    return arn


def _worn(state: State, call: Call[Any]) -> Context:
    return providers.worn(state, call.input.open_id_connect_provider_arn)


def _find(state: State, call: Call[Any], text: str) -> OidcProvider | Refusal:
    arn = own(call, text, OIDC)
    if isinstance(arn, Refusal):
        return arn
    found = providers.oidc_provider(state, text)
    missing = Refusal(Reason.NO_SUCH_ENTITY, f"OpenIDConnect Provider not found for arn {text}")
    return missing if found is None else found[1]


def unschemed(url: str) -> str | None:
    """*url* without its scheme, if it can be the issuer of tokens: https, a host, a path, and nothing else.

    INVARIANT: never one bare word, as services are called: the claims of an issuer `https://aws` would be keys of ours.
    """
    if not url.startswith(SCHEME) or not _WRITABLE.fullmatch(url):
        return None
    try:
        parts = urlsplit(url)
        fits = parts.port != 0 and _HOST.fullmatch(parts.hostname or "") is not None
    except ValueError:
        return None
    bare = url.removeprefix(SCHEME)
    if not fits or any(letter in bare for letter in "?#@\\[]") or ".." in bare or bare.replace("-", "").isalnum():
        return None
    return bare


def _thumbprints_refused(thumbprints: tuple[str, ...]) -> Refusal | None:
    if len(thumbprints) > MOST_THUMBPRINTS:
        return Refusal(Reason.INVALID_INPUT, "Thumbprint list must contain fewer than 5 entries.")
    for thumbprint in thumbprints:
        if not _THUMBPRINT.fullmatch(thumbprint):
            return Refusal(Reason.INVALID_INPUT, f"{thumbprint} is not a thumbprint: forty hexadecimal digits.")
    return None


class CreateOpenIDConnectProvider(msgspec.Struct, frozen=True, rename="pascal"):
    """The issuer, the clients whose tokens count, and the certificates of the issuer's servers."""

    url: str
    client_ids: tuple[str, ...] = msgspec.field(name="ClientIDList", default=())
    thumbprint_list: tuple[str, ...] = ()
    tags: tuple[Tag, ...] = ()


class Made(msgspec.Struct, frozen=True, rename="pascal"):
    """The ARN of the provider, and its tags."""

    open_id_connect_provider_arn: str = msgspec.field(name="OpenIDConnectProviderArn")
    tags: tuple[Tag, ...] | None = None


def _new_arn(_state: State, call: Call[CreateOpenIDConnectProvider]) -> str:
    return iam_arn(call, f"{OIDC}/{call.input.url.removeprefix(SCHEME)}")


@action(
    "iam:CreateOpenIDConnectProvider",
    resource=_new_arn,
    conditions=lambda _, call: request_tags(call.input.tags),
    tagging="iam:TagOpenIDConnectProvider",
)
def create_open_id_connect_provider(state: State, call: Call[CreateOpenIDConnectProvider], facts: Facts) -> Decision:
    """Trust the tokens of an issuer (IAM API, CreateOpenIDConnectProvider)."""
    account, wanted = account_of(state, call), call.input
    url = unschemed(wanted.url)
    if url is None:
        return refuse(Reason.VALIDATION_ERROR, "Invalid Open ID Connect Provider URL")
    refused = tags_refused(wanted.tags, ignore_case=False, most=account.quota(QUOTA)) or _thumbprints_refused(
        wanted.thumbprint_list
    )
    if refused is not None:
        return Decision(answer=refused)
    clients = tuple(dict.fromkeys(wanted.client_ids))
    if len(clients) > MOST_CLIENTS:
        text = f"Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {MOST_CLIENTS}"
        return refuse(Reason.LIMIT_EXCEEDED, text)
    if account.oidc_provider_at(url) is not None:
        text = f"Provider with url {wanted.url} already exists."
        return refuse(Reason.ENTITY_ALREADY_EXISTS, text)
    most = account.quota("OIDCProvidersQuota")
    if len(account.oidc_providers) >= most:
        text = f"Cannot exceed quota for OpenIdConnectProvidersPerAccount: {most}"
        return refuse(Reason.LIMIT_EXCEEDED, text)
    made = OidcProviderCreated(
        account=account.id,
        provider_id=ProviderId(f"OIDC{base64.b32encode(facts.draw(ID_BYTES)).decode('ascii')}"),
        url=url,
        client_ids=clients,
        thumbprints=wanted.thumbprint_list,
        tags=wanted.tags,
    )
    return Decision(facts=(made,), answer=Made(_new_arn(state, call), wanted.tags or None))


class GetOpenIDConnectProvider(msgspec.Struct, frozen=True):
    """Which provider."""

    open_id_connect_provider_arn: str = msgspec.field(name="OpenIDConnectProviderArn")


class ShownProvider(msgspec.Struct, frozen=True, rename="pascal", kw_only=True):
    """A provider; its URL stands there without the scheme, as AWS shows it."""

    url: str
    client_ids: tuple[str, ...] = msgspec.field(name="ClientIDList")
    thumbprint_list: tuple[str, ...]
    create_date: datetime
    tags: tuple[Tag, ...]


@action("iam:GetOpenIDConnectProvider", resource=_resource, conditions=_worn)
def get_open_id_connect_provider(state: State, call: Call[GetOpenIDConnectProvider], _facts: Facts) -> Decision:
    """Show a provider (IAM API, GetOpenIDConnectProvider)."""
    provider = _find(state, call, call.input.open_id_connect_provider_arn)
    if isinstance(provider, Refusal):
        return Decision(answer=provider)
    answer = ShownProvider(
        url=provider.url,
        client_ids=provider.client_ids,
        thumbprint_list=provider.thumbprints,
        create_date=provider.created_at,
        tags=tuple(sorted(provider.tags, key=lambda tag: tag.key)),
    )
    return Decision(answer=answer)


class ListOpenIDConnectProviders(msgspec.Struct, frozen=True):
    """Nothing needs to be said."""


class ListedProvider(msgspec.Struct, frozen=True, rename="pascal"):
    """One provider of a list."""

    arn: str


class OidcProviders(msgspec.Struct, frozen=True):
    """All providers of the account."""

    providers: tuple[ListedProvider, ...] = msgspec.field(name="OpenIDConnectProviderList")


@action("iam:ListOpenIDConnectProviders", resource=lambda _, call: iam_arn(call, f"{OIDC}/*"))
def list_open_id_connect_providers(_state: State, call: Call[ListOpenIDConnectProviders], _facts: Facts) -> Decision:
    """List the providers of the account, by URL (IAM API, ListOpenIDConnectProviders)."""

    def answer(state: State) -> OidcProviders:
        urls = sorted(provider.url for provider in account_of(state, call).oidc_providers.values())
        return OidcProviders(tuple(ListedProvider(iam_arn(call, f"{OIDC}/{url}")) for url in urls))

    return Decision(then=answer)


class UpdateOpenIDConnectProviderThumbprint(msgspec.Struct, frozen=True, rename="pascal"):
    """Which provider, and all the certificates of its servers."""

    open_id_connect_provider_arn: str = msgspec.field(name="OpenIDConnectProviderArn")
    thumbprint_list: tuple[str, ...]


@action("iam:UpdateOpenIDConnectProviderThumbprint", resource=_resource, conditions=_worn)
def update_open_id_connect_provider_thumbprint(
    state: State, call: Call[UpdateOpenIDConnectProviderThumbprint], _facts: Facts
) -> Decision:
    """Replace the thumbprints of a provider (IAM API, UpdateOpenIDConnectProviderThumbprint)."""
    wanted = call.input
    provider = _find(state, call, wanted.open_id_connect_provider_arn)
    if isinstance(provider, Refusal):
        return Decision(answer=provider)
    refused = _thumbprints_refused(wanted.thumbprint_list)
    if refused is not None:
        return Decision(answer=refused)
    account_id = call.caller.account
    changed = OidcThumbprintsSet(account=account_id, provider_id=provider.id, thumbprints=wanted.thumbprint_list)
    return Decision(facts=(changed,))


class ClientOfProvider(msgspec.Struct, frozen=True):
    """A provider, and a client that its tokens may be for."""

    open_id_connect_provider_arn: str = msgspec.field(name="OpenIDConnectProviderArn")
    client_id: str = msgspec.field(name="ClientID")


@action("iam:AddClientIDToOpenIDConnectProvider", resource=_resource, conditions=_worn)
def add_client_id_to_open_id_connect_provider(state: State, call: Call[ClientOfProvider], _facts: Facts) -> Decision:
    """Let tokens for one more client count (IAM API, AddClientIDToOpenIDConnectProvider)."""
    wanted = call.input
    provider = _find(state, call, wanted.open_id_connect_provider_arn)
    if isinstance(provider, Refusal):
        return Decision(answer=provider)
    if wanted.client_id in provider.client_ids:
        return Decision()
    if len(provider.client_ids) >= MOST_CLIENTS:
        text = f"Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {MOST_CLIENTS}"
        return refuse(Reason.LIMIT_EXCEEDED, text)
    added = OidcClientAdded(account=call.caller.account, provider_id=provider.id, client_id=wanted.client_id)
    return Decision(facts=(added,))


@action("iam:RemoveClientIDFromOpenIDConnectProvider", resource=_resource, conditions=_worn)
def remove_client_id_from_open_id_connect_provider(
    state: State, call: Call[ClientOfProvider], _facts: Facts
) -> Decision:
    """Let tokens for a client count no more (IAM API, RemoveClientIDFromOpenIDConnectProvider)."""
    wanted = call.input
    provider = _find(state, call, wanted.open_id_connect_provider_arn)
    if isinstance(provider, Refusal):
        return Decision(answer=provider)
    if wanted.client_id not in provider.client_ids:
        return Decision()
    removed = OidcClientRemoved(account=call.caller.account, provider_id=provider.id, client_id=wanted.client_id)
    return Decision(facts=(removed,))


class DeleteOpenIDConnectProvider(msgspec.Struct, frozen=True):
    """Which provider."""

    open_id_connect_provider_arn: str = msgspec.field(name="OpenIDConnectProviderArn")


@action("iam:DeleteOpenIDConnectProvider", resource=_resource, conditions=_worn)
def delete_open_id_connect_provider(state: State, call: Call[DeleteOpenIDConnectProvider], _facts: Facts) -> Decision:
    """Trust an issuer no more; one that is not trusted is none the less (IAM API, DeleteOpenIDConnectProvider)."""
    provider = _find(state, call, call.input.open_id_connect_provider_arn)
    match provider:
        case Refusal(reason=Reason.NO_SUCH_ENTITY):
            return Decision()
        case Refusal():
            return Decision(answer=provider)
        case OidcProvider():
            return Decision(facts=(OidcProviderDeleted(account=call.caller.account, provider_id=provider.id),))


class TagOpenIDConnectProvider(msgspec.Struct, frozen=True, rename="pascal"):
    """Which provider, and the tags to lay over those it wears."""

    open_id_connect_provider_arn: str = msgspec.field(name="OpenIDConnectProviderArn")
    tags: tuple[Tag, ...]


@action("iam:TagOpenIDConnectProvider", resource=_resource, conditions=tagging(_worn))
def tag_open_id_connect_provider(state: State, call: Call[TagOpenIDConnectProvider], _facts: Facts) -> Decision:
    """Lay tags over those of a provider (IAM API, TagOpenIDConnectProvider)."""
    return providers.tagged(state, call, call.input.open_id_connect_provider_arn, _find)


class UntagOpenIDConnectProvider(msgspec.Struct, frozen=True, rename="pascal"):
    """Which provider, and the tags to take off."""

    open_id_connect_provider_arn: str = msgspec.field(name="OpenIDConnectProviderArn")
    tag_keys: tuple[str, ...]


@action("iam:UntagOpenIDConnectProvider", resource=_resource, conditions=untagging(_worn))
def untag_open_id_connect_provider(state: State, call: Call[UntagOpenIDConnectProvider], _facts: Facts) -> Decision:
    """Take tags off a provider (IAM API, UntagOpenIDConnectProvider)."""
    return providers.untagged(state, call, call.input.open_id_connect_provider_arn, _find)


class ListOpenIDConnectProviderTags(Listing, frozen=True, kw_only=True):
    """Whose tags to list."""

    open_id_connect_provider_arn: str = msgspec.field(name="OpenIDConnectProviderArn")


@action("iam:ListOpenIDConnectProviderTags", resource=_resource, conditions=_worn)
def list_open_id_connect_provider_tags(
    state: State, call: Call[ListOpenIDConnectProviderTags], _facts: Facts
) -> Decision:
    """List the tags of a provider, by key (IAM API, ListOpenIDConnectProviderTags)."""
    arn = call.input.open_id_connect_provider_arn
    return providers.tags_listed(state, call, "iam:ListOpenIDConnectProviderTags", arn, _find)
