"""Who is in a pool, as its operator sees it (Amazon Cognito Federated Identities API)."""

from __future__ import annotations

from datetime import datetime

import msgspec

from authority.access.action import Answer, Decision, Facts, action
from authority.access.call import Call
from authority.access.listing import scope_of
from authority.identity_pools.naming import named, own_identity, own_pool, worn_by_named
from authority.kernel.paging import page
from authority.kernel.refusal import Refusal
from authority.model.identity_pools import Identity, IdentityDeleted
from authority.model.state import State


class ListIdentities(msgspec.Struct, frozen=True, rename="pascal"):
    """Which pool, how many at most, and where to go on.  None is ever disabled here, so that none is hidden."""

    identity_pool_id: str
    max_results: int
    next_token: str | None = None
    hide_disabled: bool = False


class DescribeIdentity(msgspec.Struct, frozen=True, rename="pascal"):
    """Whom."""

    identity_id: str


class DeleteIdentities(msgspec.Struct, frozen=True, rename="pascal"):
    """Whom."""

    identity_ids_to_delete: tuple[str, ...]


class ShownIdentity(msgspec.Struct, frozen=True, rename="pascal"):
    """Somebody, and the providers that know him."""

    identity_id: str
    logins: tuple[str, ...]
    creation_date: datetime
    last_modified_date: datetime


class Identities(msgspec.Struct, frozen=True, rename="pascal"):
    """A page of those who are in a pool."""

    identity_pool_id: str
    identities: tuple[ShownIdentity, ...]
    next_token: str | None = None


class Unprocessed(msgspec.Struct, frozen=True, rename="pascal"):
    """Somebody who could not be forgotten."""

    identity_id: str
    error_code: str


class Deleted(msgspec.Struct, frozen=True, rename="pascal"):
    """Those who could not be forgotten."""

    unprocessed_identity_ids: tuple[Unprocessed, ...]


def _shown(identity: Identity) -> ShownIdentity:
    names = tuple(dict.fromkeys(login.provider for login in identity.logins))
    return ShownIdentity(identity.id, names, identity.created_at, identity.modified_at)


@action("cognito-identity:ListIdentities", resource=named, conditions=worn_by_named)
def list_identities(state: State, call: Call[ListIdentities], _facts: Facts) -> Decision:
    """List who is in a pool, by id (API, ListIdentities)."""
    wanted = call.input
    pool = own_pool(state, call, wanted.identity_pool_id)
    if isinstance(pool, Refusal):
        return Decision(answer=pool)
    scope = scope_of(call, f"cognito-identity:ListIdentities|{pool.id}")

    def order(identity: Identity) -> str:
        return identity.id

    checked = page((), order, marker=wanted.next_token, max_items=wanted.max_results, scope=scope)
    if isinstance(checked, Refusal):
        return Decision(answer=checked)

    def answer(later: State) -> Answer:
        everybody = later.identities.in_pool(pool.id)
        cut = page(everybody, order, marker=wanted.next_token, max_items=wanted.max_results, scope=scope)
        if isinstance(cut, Refusal):
            return cut
        return Identities(pool.id, tuple(map(_shown, cut.items)), cut.marker)

    return Decision(then=answer)


@action("cognito-identity:DescribeIdentity", resource=lambda _state, _call: "*")
def describe_identity(state: State, call: Call[DescribeIdentity], _facts: Facts) -> Decision:
    """Show somebody in a pool of the account (API, DescribeIdentity)."""
    found = own_identity(state, call, call.input.identity_id)
    return Decision(answer=found if isinstance(found, Refusal) else _shown(found))


@action("cognito-identity:DeleteIdentities", resource=lambda _state, _call: "*")
def delete_identities(state: State, call: Call[DeleteIdentities], _facts: Facts) -> Decision:
    """Forget people in pools of the account; those who are in none are not processed (API, DeleteIdentities).

    Credentials that they have live to their end, as in AWS: revoke the sessions of the role to end them.
    """
    gone: list[IdentityDeleted] = []
    left: list[Unprocessed] = []
    for identity_id in dict.fromkeys(call.input.identity_ids_to_delete):
        found = own_identity(state, call, identity_id)
        if isinstance(found, Refusal):
            left.append(Unprocessed(identity_id, "AccessDenied"))
        else:
            gone.append(IdentityDeleted(account=found.account, pool=found.pool, identity=found.id))
    return Decision(facts=tuple(gone), answer=Deleted(tuple(left)))
