"""How the facts about identity pools change what an account holds; identities are no part of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from authority.kernel.tags import merged, without
from authority.model import identity_pools as pools
from authority.model.account import Account
from authority.model.fact import AccountFact
from authority.model.identity_pools import IdentityPool

_replace = msgspec.structs.replace


def _with(account: Account, pool: IdentityPool) -> Account:
    return _replace(account, identity_pools=account.identity_pools.set(pool.id, pool))


def _created(account: Account, fact: pools.IdentityPoolCreated, at: datetime) -> Account:
    return _with(account, IdentityPool(id=fact.pool, created_at=at, settings=fact.settings, tags=fact.tags))


def _updated(account: Account, fact: pools.IdentityPoolUpdated, _: datetime) -> Account:
    return _with(account, _replace(account.identity_pools[fact.pool], settings=fact.settings))


def _roles_set(account: Account, fact: pools.IdentityPoolRolesSet, _: datetime) -> Account:
    pool = _replace(
        account.identity_pools[fact.pool],
        authenticated_role=fact.authenticated_role,
        guest_role=fact.guest_role,
        mappings=fact.mappings,
    )
    return _with(account, pool)


def _tagged(account: Account, fact: pools.IdentityPoolTagged, _: datetime) -> Account:
    pool = account.identity_pools[fact.pool]
    return _with(account, _replace(pool, tags=merged(pool.tags, fact.tags, ignore_case=False)))


def _untagged(account: Account, fact: pools.IdentityPoolUntagged, _: datetime) -> Account:
    pool = account.identity_pools[fact.pool]
    return _with(account, _replace(pool, tags=without(pool.tags, fact.keys, ignore_case=False)))


def _deleted(account: Account, fact: pools.IdentityPoolDeleted, _: datetime) -> Account:
    return _replace(account, identity_pools=account.identity_pools.delete(fact.pool))


FOLDS: Final[Mapping[type[AccountFact], Callable[[Account, Any, datetime], Account]]] = {
    pools.IdentityPoolCreated: _created,
    pools.IdentityPoolUpdated: _updated,
    pools.IdentityPoolRolesSet: _roles_set,
    pools.IdentityPoolTagged: _tagged,
    pools.IdentityPoolUntagged: _untagged,
    pools.IdentityPoolDeleted: _deleted,
}
