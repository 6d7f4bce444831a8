"""Identity pools as their operators make, change and list them (Amazon Cognito Federated Identities API)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from authority.access.action import Answer, Decision, Facts, action, refuse
from authority.access.call import Call
from authority.access.listing import scope_of
from authority.access.naming import account_of
from authority.access.tagging import QUOTA, request_tags, tags_refused
from authority.access.weighing import Weighed, refusal_of, weigh
from authority.federation import own_tokens, providers
from authority.federation.introspection import AMAZON, FACEBOOK
from authority.federation.oidc_providers import SCHEME, unschemed
from authority.identity_pools.naming import named, own_pool, pool_arn, worn, worn_by_named
from authority.kernel.ids import random_uuid
from authority.kernel.paging import page
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.tags import Tag, as_mapping
from authority.model.identity_pools import (
    IdentityPool,
    IdentityPoolCreated,
    IdentityPoolDeleted,
    IdentityPoolTagged,
    IdentityPoolUpdated,
    PoolSettings,
    UserPool,
)
from authority.model.state import State

GOOGLE: Final = "accounts.google.com"
KNOWN: Final = frozenset({GOOGLE, AMAZON, FACEBOOK})
"""Providers that everybody knows by their names."""
_APPLICATIONS: Final = re.compile(r"[\w./-]+(;[\w./-]+)*", re.ASCII)


class CognitoIdentityProvider(msgspec.Struct, frozen=True, rename="pascal", omit_defaults=True):
    """An issuer that is trusted by its URL alone, for one client."""

    provider_name: str = ""
    client_id: str = ""
    server_side_token_check: bool | None = None


class _Asked(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """What a pool is to be."""

    identity_pool_name: str
    allow_unauthenticated_identities: bool
    allow_classic_flow: bool = False
    supported_login_providers: dict[str, str] = {}
    developer_provider_name: str = ""
    open_id_connect_providers: tuple[str, ...] = msgspec.field(name="OpenIdConnectProviderARNs", default=())
    cognito_identity_providers: tuple[CognitoIdentityProvider, ...] = ()
    saml_providers: tuple[str, ...] = msgspec.field(name="SamlProviderARNs", default=())
    identity_pool_tags: dict[str, str] = {}

    @property
    def tags(self) -> tuple[Tag, ...]:
        """The tags, one by one."""
        return tuple(Tag(key, value) for key, value in self.identity_pool_tags.items())

    @property
    def settings(self) -> PoolSettings:
        """What it says of who may come."""
        return PoolSettings(
            name=self.identity_pool_name,
            guests=self.allow_unauthenticated_identities,
            classic=self.allow_classic_flow,
            logins=tuple(sorted(self.supported_login_providers.items())),
            developer=self.developer_provider_name,
            oidc_providers=tuple(dict.fromkeys(self.open_id_connect_providers)),
            user_pools=tuple(
                UserPool(one.provider_name, one.client_id, one.server_side_token_check or False)
                for one in dict.fromkeys(self.cognito_identity_providers)
            ),
            saml_providers=tuple(dict.fromkeys(self.saml_providers)),
        )


class CreateIdentityPool(_Asked, frozen=True, kw_only=True, rename="pascal"):
    """A new pool."""


class UpdateIdentityPool(_Asked, frozen=True, kw_only=True, rename="pascal"):
    """Which pool, and all that it is to be from now on."""

    identity_pool_id: str


class NamedPool(msgspec.Struct, frozen=True, rename="pascal"):
    """Which pool."""

    identity_pool_id: str


class ShownPool(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A pool, as every answer shows it."""

    identity_pool_id: str
    identity_pool_name: str
    allow_unauthenticated_identities: bool
    allow_classic_flow: bool
    supported_login_providers: Mapping[str, str] | None = None
    developer_provider_name: str | None = None
    open_id_connect_providers: tuple[str, ...] | None = msgspec.field(name="OpenIdConnectProviderARNs", default=None)
    cognito_identity_providers: tuple[CognitoIdentityProvider, ...] | None = None
    saml_providers: tuple[str, ...] | None = msgspec.field(name="SamlProviderARNs", default=None)
    identity_pool_tags: Mapping[str, str]


def _shown(pool_id: str, settings: PoolSettings, tags: tuple[Tag, ...]) -> ShownPool:
    return ShownPool(
        identity_pool_id=pool_id,
        identity_pool_name=settings.name,
        allow_unauthenticated_identities=settings.guests,
        allow_classic_flow=settings.classic,
        supported_login_providers=dict(settings.logins) or None,
        developer_provider_name=settings.developer or None,
        open_id_connect_providers=settings.oidc_providers or None,
        cognito_identity_providers=tuple(
            CognitoIdentityProvider(one.name, one.client_id, one.checked) for one in settings.user_pools
        )
        or None,
        saml_providers=settings.saml_providers or None,
        identity_pool_tags=as_mapping(tags),
    )


def _invalid(why: str) -> Refusal:
    return Refusal(Reason.INVALID_PARAMETER_VALUE, why)


def _unfit(state: State, call: Call[Any], settings: PoolSettings) -> Refusal | None:
    """Why nobody could come to a pool like this, or why it is not clear who could."""
    for name, applications in settings.logins:
        if name not in KNOWN:
            return _invalid(f"{name} is not a supported login provider; there are {', '.join(sorted(KNOWN))}.")
        if _APPLICATIONS.fullmatch(applications) is None:
            return _invalid(f"The application ids of {name} are malformed.")
    account = call.caller.account
    for arn in settings.oidc_providers:
        found = providers.oidc_provider(state, arn)
        if found is None or found[0].id != account:
            return _invalid(f"There is no OpenID Connect provider {arn} in the account.")
    for arn in settings.saml_providers:
        trusted = providers.saml_provider(state, arn)
        if trusted is None or trusted[0].id != account:
            return _invalid(f"There is no SAML provider {arn} in the account.")
    for one in settings.user_pools:
        if not one.client_id or unschemed(SCHEME + one.name) is None:
            return _invalid("A Cognito identity provider needs the URL of its issuer, without https://, and a client.")
        if one.checked:
            return _invalid("ServerSideTokenCheck is not supported.")
    if settings.developer == own_tokens.ISSUER or settings.developer in KNOWN:
        return _invalid(f"{settings.developer} cannot be the name of a developer provider.")
    return None


def _tagging(
    state: State, call: Call[CreateIdentityPool] | Call[UpdateIdentityPool], facts: Facts, pool: IdentityPool | None
) -> tuple[Weighed, ...]:
    """The permission that tags need beside the one to make or change a pool (Service Authorization Reference)."""
    if not call.input.tags:
        return ()
    resource = pool_arn(call, f"{call.origin.region}:*" if pool is None else pool.id)
    tags = {**worn(pool), **request_tags(call.input.tags)}
    return (weigh(state, call, facts.now, "cognito-identity:TagResource", resource, conditions=tags),)


@action(
    "cognito-identity:CreateIdentityPool",
    resource=lambda _state, _call: "*",
    conditions=lambda _state, call: request_tags(call.input.tags),
)
def create_identity_pool(state: State, call: Call[CreateIdentityPool], facts: Facts) -> Decision:
    """Make a pool; its id begins with the region of the request (API, CreateIdentityPool)."""
    account, wanted = account_of(state, call), call.input
    weighed = _tagging(state, call, facts, None)
    if weighed and not weighed[0].verdict.allowed:
        return Decision(answer=refusal_of(weighed[0]), weighed=weighed)
    settings = wanted.settings
    unfit = _unfit(state, call, settings) or tags_refused(wanted.tags, ignore_case=False, most=account.quota(QUOTA))
    if unfit is not None:
        return Decision(answer=unfit, weighed=weighed)
    most = account.quota("IdentityPoolsQuota")
    if len(account.identity_pools) >= most:
        text = f"Cannot exceed quota for IdentityPoolsPerAccount: {most}"
        return refuse(Reason.LIMIT_EXCEEDED, text, weighed=weighed)
    pool = f"{call.origin.region}:{random_uuid(facts.draw(16))}"
    made = IdentityPoolCreated(account=account.id, pool=pool, settings=settings, tags=wanted.tags)
    return Decision(facts=(made,), answer=_shown(pool, settings, wanted.tags), weighed=weighed)


@action(
    "cognito-identity:UpdateIdentityPool",
    resource=named,
    conditions=lambda state, call: {**worn_by_named(state, call), **request_tags(call.input.tags)},
)
def update_identity_pool(state: State, call: Call[UpdateIdentityPool], facts: Facts) -> Decision:
    """Say anew who may come to a pool; what is left out is no more (API, UpdateIdentityPool).  Tags are laid over."""
    account, wanted = account_of(state, call), call.input
    pool = own_pool(state, call, wanted.identity_pool_id)
    if isinstance(pool, Refusal):
        return Decision(answer=pool)
    weighed = _tagging(state, call, facts, pool)
    if weighed and not weighed[0].verdict.allowed:
        return Decision(answer=refusal_of(weighed[0]), weighed=weighed)
    settings = wanted.settings
    unfit = _unfit(state, call, settings) or tags_refused(
        wanted.tags, pool.tags, ignore_case=False, most=account.quota(QUOTA)
    )
    if unfit is not None:
        return Decision(answer=unfit, weighed=weighed)
    updated = IdentityPoolUpdated(account=account.id, pool=pool.id, settings=settings)
    tagged = IdentityPoolTagged(account=account.id, pool=pool.id, tags=wanted.tags)

    def answer(later: State) -> Answer:
        worn = later.accounts[account.id].identity_pools.get(pool.id, pool).tags
        return _shown(pool.id, settings, worn)

    return Decision(facts=(updated, tagged) if wanted.tags else (updated,), then=answer, weighed=weighed)


@action("cognito-identity:DescribeIdentityPool", resource=named, conditions=worn_by_named)
def describe_identity_pool(state: State, call: Call[NamedPool], _facts: Facts) -> Decision:
    """Show a pool (API, DescribeIdentityPool)."""
    pool = own_pool(state, call, call.input.identity_pool_id)
    return Decision(answer=pool if isinstance(pool, Refusal) else _shown(pool.id, pool.settings, pool.tags))


@action("cognito-identity:DeleteIdentityPool", resource=named, conditions=worn_by_named)
def delete_identity_pool(state: State, call: Call[NamedPool], _facts: Facts) -> Decision:
    """Delete a pool and everybody in it: nobody comes by it any more (API, DeleteIdentityPool)."""
    pool = own_pool(state, call, call.input.identity_pool_id)
    if isinstance(pool, Refusal):
        return Decision(answer=pool)
    return Decision(facts=(IdentityPoolDeleted(account=call.caller.account, pool=pool.id),))


class ListIdentityPools(msgspec.Struct, frozen=True, rename="pascal"):
    """How many at most, and where to go on."""

    max_results: int
    next_token: str | None = None


class ListedPool(msgspec.Struct, frozen=True, rename="pascal"):
    """One pool of a list."""

    identity_pool_id: str
    identity_pool_name: str


class Pools(msgspec.Struct, frozen=True, rename="pascal"):
    """A page of pools."""

    identity_pools: tuple[ListedPool, ...]
    next_token: str | None = None


@action("cognito-identity:ListIdentityPools", resource=lambda _state, _call: "*")
def list_identity_pools(_state: State, call: Call[ListIdentityPools], _facts: Facts) -> Decision:
    """List the pools of the account, by name (API, ListIdentityPools)."""
    wanted, scope = call.input, scope_of(call, "cognito-identity:ListIdentityPools")

    def order(pool: IdentityPool) -> str:
        return f"{pool.name}\n{pool.id}"

    checked = page((), order, marker=wanted.next_token, max_items=wanted.max_results, scope=scope)
    if isinstance(checked, Refusal):
        return Decision(answer=checked)

    def answer(state: State) -> Answer:
        held = tuple(account_of(state, call).identity_pools.values())
        cut = page(held, order, marker=wanted.next_token, max_items=wanted.max_results, scope=scope)
        if isinstance(cut, Refusal):
            return cut
        return Pools(tuple(ListedPool(pool.id, pool.name) for pool in cut.items), cut.marker)

    return Decision(then=answer)
