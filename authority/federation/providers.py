"""Identity providers by their ARNs, and what both kinds have in common: tags, and the words when there is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from authority.access import wearing
from authority.access.action import Decision
from authority.access.call import Call
from authority.access.context import Context
from authority.access.naming import account_of
from authority.access.tagging import resource_tags
from authority.kernel.arn import Arn, parse, partition_of
from authority.kernel.refusal import Reason, Refusal
from authority.model.account import Account
from authority.model.providers import OidcProvider, ProviderTagged, ProviderUntagged, SamlProvider
from authority.model.state import State

SAML: Final = "saml-provider"
OIDC: Final = "oidc-provider"

Provider: TypeAlias = SamlProvider | OidcProvider
Find: TypeAlias = Callable[[State, Call[Any], str], Provider | Refusal]
"""The provider of one kind that an ARN names in the caller's account, or why there is none."""


def saml_provider(state: State, text: str) -> tuple[Account, SamlProvider] | None:
    """The SAML provider that an ARN names, in whatever account."""
    account, arn = _place(state, text, SAML)
    provider = None if account is None else account.saml_provider_named(arn)
    return None if account is None or provider is None or provider.name != arn else (account, provider)


def oidc_provider(state: State, text: str) -> tuple[Account, OidcProvider] | None:
    """The OpenID Connect provider that an ARN names, in whatever account."""
    account, arn = _place(state, text, OIDC)
    provider = None if account is None else account.oidc_provider_at(arn)
    return None if account is None or provider is None or provider.url != arn else (account, provider)


def _place(state: State, text: str, kind: str) -> tuple[Account | None, str]:
    """The account that an ARN of this *kind* lies in, and what it is called there.

    INVARIANT: a provider has one ARN, since policies compare it and whoever it vouches for brings it: it lies in the
    partition of the regions that are served.
    """
    arn = parse(text)
    if arn is None or arn.service != "iam" or arn.region or not arn.resource.startswith(f"{kind}/"):
        return None, ""
    regions = () if state.settings is None else state.settings.regions
    if any(partition_of(region) != arn.partition for region in regions):
        return None, ""
    return state.accounts.get(arn.account), arn.resource.removeprefix(f"{kind}/")


def own(call: Call[Any], text: str, kind: str) -> Arn | Refusal:
    """The ARN *text*, if it can be that of a provider of this *kind* in the caller's account."""
    arn = parse(text)
    if arn is None:
        return Refusal(Reason.VALIDATION_ERROR, "Invalid ARN:  Could not be parsed!")
    here = (call.partition, "iam", "", call.caller.account)
    if (arn.partition, arn.service, arn.region, arn.account) != here or arn.kind != kind:
        return Refusal(Reason.INVALID_INPUT, f"Invalid ARN: {text}")
    return arn


def worn(state: State, text: str) -> Context:
    """The condition keys of the tags that the provider of an ARN wears."""
    found = saml_provider(state, text) or oidc_provider(state, text)
    return {} if found is None else resource_tags(found[1].tags)


def tagged(state: State, call: Call[Any], text: str, find: Find) -> Decision:
    """Lay the tags of the input over those of the provider; keys keep their case."""
    account, provider = account_of(state, call), find(state, call, text)
    if isinstance(provider, Refusal):
        return Decision(answer=provider)
    laid_on = ProviderTagged(account=account.id, provider_id=provider.id, tags=call.input.tags)
    return wearing.tagged(account, provider, call.input.tags, laid_on)


def untagged(state: State, call: Call[Any], text: str, find: Find) -> Decision:
    """Take the tags that the input names off the provider."""
    provider = find(state, call, text)
    if isinstance(provider, Refusal):
        return Decision(answer=provider)
    gone = ProviderUntagged(account=call.caller.account, provider_id=provider.id, keys=call.input.tag_keys)
    return Decision(facts=(gone,))


def tags_listed(state: State, call: Call[Any], listing: str, text: str, find: Find) -> Decision:
    """List the tags of the provider, by key."""
    provider = find(state, call, text)
    if isinstance(provider, Refusal):
        return Decision(answer=provider)
    return wearing.tags_listed(call, listing, provider)
