"""Logins: what somebody brings who comes to a pool, whose word it is, and what became of it when it was verified.

    1. the pool is there, and of an account that is open
    2. nobody without a login, unless guests may come; an identity that a provider knows is no guest's
    3. each login is of a provider that the pool names, and each is held against that provider's keys

A login that is not verified lets nobody in, whatever the others are worth.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import msgspec

from authority.access.vouched import Vouched
from authority.federation import claims as claims_of
from authority.federation import own_tokens, providers, saml, tokens, web_identity
from authority.federation.introspection import AMAZON, FACEBOOK
from authority.federation.keysets import Issuer
from authority.federation.saml import SamlIdentity
from authority.federation.web_identity import Sought, WebIdentity
from authority.identity_pools.naming import no_identity, no_pool
from authority.identity_pools.pools import GOOGLE
from authority.identity_pools.roles import Carries, texts
from authority.kernel.refusal import Reason, Refusal
from authority.model.identity_pools import Identity, IdentityPool, Login, PoolSettings
from authority.model.state import State
from authority.policy.principal import PrincipalKind

ROLES: Final = "cognito:roles"
PREFERRED: Final = "cognito:preferred_role"
GUESTS_KEPT_OUT: Final = Refusal(
    Reason.NOT_AUTHORIZED, "Unauthenticated access is not supported for this identity pool."
)
CHANGED: Final = Refusal(Reason.NOT_AUTHORIZED, "The identity pool, or who is trusted there, was changed; try again.")
FULL: Final = Refusal(Reason.LIMIT_EXCEEDED, "The identity pool has as many identities as it may.")


def forbidden(identity_id: str) -> Refusal:
    """Whoever asks brought nothing that leads to the identity."""
    return Refusal(Reason.NOT_AUTHORIZED, f"Access to Identity '{identity_id}' is forbidden.")


class ByToken(msgspec.Struct, frozen=True):
    """A JWT, and what it must be held against."""

    name: str
    sought: Sought
    names: tuple[str, ...]


class ByAccessToken(msgspec.Struct, frozen=True):
    """A token of one of those who must be asked what theirs are worth, and the applications whose tokens count."""

    name: str
    token: str
    applications: tuple[str, ...]

    def __repr__(self) -> str:
        """Show whose, and never the token."""
        return f"ByAccessToken({self.name!r})"


class ByAssertion(msgspec.Struct, frozen=True):
    """An assertion of a SAML provider, by its ARN."""

    name: str
    assertion: str

    def __repr__(self) -> str:
        """Show whose, and never the assertion."""
        return f"ByAssertion({self.name!r})"


Brought: TypeAlias = ByToken | ByAccessToken | ByAssertion


class Coming(msgspec.Struct, frozen=True):
    """Somebody who comes to a pool, and what he brings: nothing of it is verified."""

    pool: IdentityPool
    unverified: tuple[Brought, ...]


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A login that holds: who it is, in the words of his provider, and what roles may be chosen by."""

    name: str
    who: WebIdentity | SamlIdentity
    carries: Carries

    @property
    def login(self) -> Login:
        """What leads to an identity."""
        return Login(self.name, self.who.subject)


class Identified(Vouched, frozen=True, kw_only=True):
    """Whoever comes to a pool: by logins that were verified, or as a guest who brings none.

    `settings` are those of the pool by which they were verified.
    """

    pool: str
    settings: PoolSettings
    logins: tuple[Shown, ...] = ()
    signer: object = None
    """The `Signer` of tokens, where one is asked for and there is a key."""


def coming(state: State, pool_id: str, given: Mapping[str, str], identity_id: str | None = None) -> Coming | Refusal:
    """Who comes to the pool, with what, for which identity; or why he may not, before anything is verified."""
    pool = own_tokens.pool_of(state, pool_id)
    if pool is None:
        return no_pool(pool_id)
    if not given:
        kept_out = guest_refused(state, pool, identity_id)
        return Coming(pool, ()) if kept_out is None else kept_out
    found: list[Brought] = []
    for name, proof in given.items():
        one = _brought(state, pool, name, proof)
        if isinstance(one, Refusal):
            return one
        found.append(one)
    return Coming(pool, tuple(found))


def place_of(state: State, identity_id: str) -> str | Refusal:
    """The pool that an identity is in."""
    identity = state.identities.known.get(identity_id)
    return no_identity(identity_id) if identity is None else identity.pool


def guest_refused(state: State, pool: IdentityPool, identity_id: str | None) -> Refusal | None:
    """Why somebody without a login may not come to a pool, be it as somebody new or as an identity."""
    if not pool.settings.guests:
        return GUESTS_KEPT_OUT
    if identity_id is None:
        return None
    identity = own_tokens.known_in(state, pool.id, identity_id)
    if identity is None:
        return no_identity(identity_id)
    return None if identity.guest else forbidden(identity_id)


def full(state: State, pool: IdentityPool) -> Refusal | None:
    """Why there may be nobody new in a pool."""
    place = state.identities.pools[pool.id]
    return FULL if place.size >= state.accounts[place.account].quota("IdentitiesPerPoolQuota") else None


def _brought(state: State, pool: IdentityPool, name: str, proof: str) -> Brought | Refusal:
    """What a login is, by the provider that it names; the pool must name the provider, too."""
    settings, account = pool.settings, state.identities.pools[pool.id].account
    applications = dict(settings.logins).get(name, "")
    if applications and name in (AMAZON, FACEBOOK):
        return ByAccessToken(name, proof, tuple(applications.split(";")))
    if name in settings.saml_providers:
        return ByAssertion(name, proof)
    if name == settings.developer:
        return Refusal(
            Reason.NOT_AUTHORIZED, "Users of a developer provider come by GetOpenIdTokenForDeveloperIdentity."
        )
    unverified = tokens.taken_apart(proof)
    if isinstance(unverified, Refusal):
        return refused(unverified)
    issuer = unverified.unverified_issuer
    sought: Sought | None = None
    names: tuple[str, ...] = (name,)
    if name == own_tokens.ISSUER:
        own = own_tokens.keys(state)
        sought = Sought(unverified, Issuer(name), account, name, name, pool.id, clients=(pool.id,), keys=own)
        if not settings.developer or issuer != web_identity.SCHEME + name:
            sought = None
    elif applications and name == GOOGLE and web_identity.KNOWN.get(issuer) == GOOGLE:
        sought = Sought(unverified, Issuer(name), account, name, name, clients=tuple(applications.split(";")))
    elif clients := tuple(one.client_id for one in settings.user_pools if one.name == name):
        if issuer == web_identity.SCHEME + name:
            sought = Sought(unverified, Issuer(name), account, name, name, clients=clients)
            names = (name, *(f"{name}:{client}" for client in clients if client == unverified.unverified_audience))
    else:
        for arn in settings.oidc_providers:
            found = providers.oidc_provider(state, arn)
            if found is not None and found[0].id == account and found[1].url == name:
                sought = web_identity.registered(unverified, account, found[1], arn.split(":")[1])
                names = (name, arn)
    if sought is None:
        return Refusal(Reason.NOT_AUTHORIZED, "Token is not from a supported provider of this identity pool.")
    return ByToken(name, sought, names)


def refused(why: Refusal) -> Refusal:
    """What STS would say of a token, in the words of identity pools."""
    if why.reason is Reason.IDP_COMMUNICATION_ERROR:
        return Refusal(Reason.EXTERNAL_SERVICE, why.message)
    return Refusal(Reason.NOT_AUTHORIZED, f"Invalid login token. {why.message}")


def shown_token(by: ByToken, who: WebIdentity) -> Shown | Refusal:
    """A login by a JWT that its issuer signed."""
    said = texts(who.said)
    if by.name == own_tokens.ISSUER and own_tokens.AUTHENTICATED not in said.get("amr", ()):
        return refused(tokens.invalid("A guest's token is no login."))
    preferred = said.get(PREFERRED, ())
    carries = Carries(
        names=by.names,
        claims=said,
        roles=said.get(ROLES, ()),
        preferred=preferred[0] if len(preferred) == 1 else "",
    )
    return Shown(name=by.name, who=who, carries=carries)


def shown_access_token(by: ByAccessToken, who: WebIdentity) -> Shown | Refusal:
    """A login by a token that its issuer says is worth something: to an application of the pool's, or it is not."""
    if who.audience not in by.applications:
        return refused(tokens.AUDIENCE)
    said = {key.removeprefix(f"{by.name}:"): value for key, value in who.conditions.items()}
    return Shown(name=by.name, who=who, carries=Carries(names=(by.name,), claims=texts(said)))


def shown_assertion(by: ByAssertion, who: SamlIdentity) -> Shown:
    """A login by an assertion."""
    roles = tuple(role for role, provider in who.roles if provider == by.name)
    carries = Carries(names=(by.name,), claims=texts(who.assertion.attributes), roles=roles)
    return Shown(name=by.name, who=who, carries=carries)


def identified(state: State, pool: IdentityPool, logins: tuple[Shown, ...], identity_id: str = "") -> Identified:
    """Whoever came to *pool* by these logins; the log names him as his provider does, or by the identity he has."""
    place = state.identities.pools[pool.id]
    first = logins[0].who if logins else None
    own = f"{own_tokens.ISSUER}:{pool.id}:{identity_id}"
    return Identified(
        kind=PrincipalKind.WEB_IDENTITY,
        account=place.account,
        provider=own_tokens.ISSUER,
        provider_id=pool.id,
        principal_id=own if first is None or identity_id else first.principal_id,
        subject=identity_id,
        conditions={},
        lasting={},
        evidence="" if first is None else first.evidence,
        pool=pool.id,
        settings=pool.settings,
        logins=logins,
    )


def stands(state: State, pool: IdentityPool, came: Identified) -> bool:
    """Whether what was verified is still trusted: by the pool, and by its account."""
    if pool.settings != came.settings:
        return False
    return all(
        saml.trusted(state, one.who)
        if isinstance(one.who, SamlIdentity)
        else one.name == own_tokens.ISSUER or web_identity.trusted(state, one.who)
        for one in came.logins
    )


def as_session(pool: IdentityPool, identity: Identity, came: Identified, methods: tuple[str, ...]) -> Vouched | Refusal:
    """An identity as a role's trust policy sees it: the pool vouches, as its tokens would.

    Tags are those that the pool's own application gave.
    """
    keys: dict[str, str | tuple[str, ...]] = {
        f"{own_tokens.ISSUER}:aud": pool.id,
        f"{own_tokens.ISSUER}:sub": identity.id,
        f"{own_tokens.ISSUER}:amr": methods,
    }
    carried: Any = claims_of.Carried()
    for one in came.logins:
        if one.name == own_tokens.ISSUER and isinstance(one.who, WebIdentity):
            carried = claims_of.carried(one.who.said)
    if isinstance(carried, Refusal):
        return refused(carried)
    return Vouched(
        kind=PrincipalKind.WEB_IDENTITY,
        account=came.account,
        provider=own_tokens.ISSUER,
        provider_id=pool.id,
        principal_id=f"{own_tokens.ISSUER}:{pool.id}:{identity.id}",
        subject=identity.id,
        conditions=keys,
        lasting=keys,
        evidence=came.evidence,
        tags=carried.tags,
        transitive_keys=carried.transitive_keys,
    )
