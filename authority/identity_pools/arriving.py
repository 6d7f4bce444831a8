"""Whoever came to a pool, and the identity that he has there from now on."""

from __future__ import annotations

from typing import Final

import msgspec

from authority.access.action import Facts
from authority.federation import own_tokens
from authority.federation.web_identity import WebIdentity
from authority.identity_pools.logins import CHANGED, Identified, forbidden, full, guest_refused, stands
from authority.identity_pools.naming import no_identity, no_pool
from authority.kernel.ids import random_uuid
from authority.kernel.refusal import Reason, Refusal
from authority.model.fact import Fact
from authority.model.identity_pools import Identities, Identity, IdentityCreated, IdentityPool, Login, LoginsLinked
from authority.model.state import State

TWO_IDENTITIES: Final = Refusal(Reason.RESOURCE_CONFLICT, "The logins lead to different identities.")


class Arrived(msgspec.Struct, frozen=True):
    """A pool, who came there, as he is once *facts* are true, and the ways in which he came."""

    pool: IdentityPool
    identity: Identity
    facts: tuple[Fact, ...]
    methods: tuple[str, ...]


def arrived(state: State, came: object, facts: Facts, identity_id: str | None = None) -> Arrived | Refusal:
    """Who it is that came, or why he may not.

    1. the pool is there as it was when the logins were verified, and so is everybody who vouched;
    2. without logins he is a guest: a new one, or the one whose id he knows;
    3. else every login leads to one identity, the one that is named where one is; a login that leads nowhere is
       linked to it, and where none leads anywhere he is somebody new.
    """
    if not isinstance(came, Identified):
        raise TypeError("nobody vouches for whoever asks")
    pool = own_tokens.pool_of(state, came.pool)
    if pool is None:
        return no_pool(came.pool)
    if not stands(state, pool, came):
        return CHANGED
    named = None if identity_id is None else own_tokens.known_in(state, pool.id, identity_id)
    if identity_id is not None and named is None:
        return no_identity(identity_id)
    if not came.logins:
        refusal = guest_refused(state, pool, identity_id)
        if refusal is not None:
            return refusal
        return _somebody_new(state, pool, came, facts) if named is None else _as_he_is(pool, named)
    developed = [one for one in came.logins if one.name == own_tokens.ISSUER]
    if developed:
        return _by_application(pool, came, named, identity_id or "")
    logins = tuple(one.login for one in came.logins)
    behind = {found for login in logins if (found := state.identities.behind(pool.id, login)) is not None}
    if named is not None:
        behind.add(named.id)
        # A stranger who learns the id of somebody whom providers know does not become him by a login of his own.
        if not named.guest and not any(login in named.logins for login in logins):
            return forbidden(named.id)
    if len(behind) > 1:
        return TWO_IDENTITIES
    if not behind:
        return _somebody_new(state, pool, came, facts)
    identity = state.identities.known[behind.pop()]
    new = tuple(login for login in logins if login not in identity.logins)
    if not new:
        return _as_he_is(pool, identity)
    linked = LoginsLinked(account=came.account, pool=pool.id, identity=identity.id, logins=new)
    return _after(state, pool, linked, facts, identity.id)


def somebody_new(state: State, pool: IdentityPool, logins: tuple[Login, ...], facts: Facts) -> Arrived | Refusal:
    """A new identity, for whom *logins* lead to it."""
    refusal = full(state, pool)
    if refusal is not None:
        return refusal
    identity_id = f"{pool.id.partition(':')[0]}:{random_uuid(facts.draw(16))}"
    account = state.identities.pools[pool.id].account
    made = IdentityCreated(account=account, pool=pool.id, identity=identity_id, logins=logins)
    return _after(state, pool, made, facts, identity_id)


def _somebody_new(state: State, pool: IdentityPool, came: Identified, facts: Facts) -> Arrived | Refusal:
    return somebody_new(state, pool, tuple(one.login for one in came.logins), facts)


def _as_he_is(pool: IdentityPool, identity: Identity) -> Arrived:
    return Arrived(pool, identity, (), own_tokens.methods(identity))


def _after(state: State, pool: IdentityPool, fact: IdentityCreated | LoginsLinked, facts: Facts, who: str) -> Arrived:
    identities: Identities = state.identities.taking(fact, facts.now)
    identity = identities.known[who]
    return Arrived(pool, identity, (fact,), own_tokens.methods(identity))


def _by_application(pool: IdentityPool, came: Identified, named: Identity | None, asked: str) -> Arrived | Refusal:
    """Who comes by a token of ours, which the pool's own application got for a user of its.

    It counts for the identity in it, alone, and for as long as that user is linked to it.
    """
    (first, *others) = came.logins
    if others or named is None or first.who.subject != named.id:
        return forbidden(asked)
    said = first.who.said.get("amr", ()) if isinstance(first.who, WebIdentity) else ()
    users = [login for login in named.logins if login.provider == pool.settings.developer]
    if not any(by_user(pool, login) in said for login in users):
        return forbidden(asked)
    return Arrived(pool, named, (), tuple(said))


def by_user(pool: IdentityPool, login: Login) -> str:
    """How a token names a user of the pool's own application."""
    return f"{login.provider}:{pool.id}:{login.subject}"
