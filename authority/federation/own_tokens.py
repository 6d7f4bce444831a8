"""Tokens that say who somebody in an identity pool is: issued here, and held against our own keys when they come back.

They are what Amazon Cognito's are: the pool is the audience, the identity the subject, and `amr` tells guests from
those whom a provider knows (IAM User Guide, keys for Amazon Cognito identity pools).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from authority.federation.keysets import KeySet, read_keys
from authority.model.identity_pools import Identity, IdentityPool
from authority.model.state import State

ISSUER: Final = "cognito-identity.amazonaws.com"
"""Without its scheme, as trust policies and condition keys spell it."""
AUTHENTICATED: Final = "authenticated"
UNAUTHENTICATED: Final = "unauthenticated"


def keys(state: State) -> KeySet:
    """The keys that tokens of ours are signed with."""
    known = [
        {**msgspec.json.decode(key.public), "kid": key.id, "alg": key.algorithm} for key in state.signing_keys.values()
    ]
    return read_keys(msgspec.json.encode({"keys": known}))


def pool_of(state: State, pool_id: str) -> IdentityPool | None:
    """The pool with this id, whosever it is, if its account is open."""
    place = state.identities.pools.get(pool_id)
    account = None if place is None else state.accounts[place.account]
    return None if account is None or account.closed_at is not None else account.identity_pools[pool_id]


def known_in(state: State, pool_id: str, identity_id: str) -> Identity | None:
    """The identity with this id, if it is one of the pool's."""
    identity = state.identities.known.get(identity_id)
    return None if identity is None or identity.pool != pool_id else identity


def methods(identity: Identity) -> tuple[str, ...]:
    """How somebody came to a pool: as a guest, or by which providers (`amr`).

    Who is known to the pool's own application is told apart by the name that it gave him.
    """
    if identity.guest:
        return (UNAUTHENTICATED,)
    return (AUTHENTICATED, *dict.fromkeys(login.provider for login in identity.logins))


def stands(state: State, pool_id: str, identity_id: str, conditions: Mapping[str, Any]) -> bool:
    """Whether a token that was issued for an identity still counts where its holder chooses the role himself.

    The pool and the identity are there, whoever comes may choose, and guests may come if it is a guest's.
    """
    pool, identity = pool_of(state, pool_id), known_in(state, pool_id, identity_id)
    if pool is None or identity is None or not pool.settings.classic:
        return False
    came = conditions.get(f"{ISSUER}:amr", ())
    return AUTHENTICATED in came or (UNAUTHENTICATED in came and identity.guest and pool.settings.guests)
