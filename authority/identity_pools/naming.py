"""Identity pools by their ids and ARNs, and the words when there is none."""

from __future__ import annotations

from typing import Any

from authority.access.call import Call
from authority.access.context import Context
from authority.access.naming import account_of
from authority.access.tagging import resource_tags
from authority.kernel.arn import Arn, parse
from authority.kernel.refusal import Reason, Refusal
from authority.model.identity_pools import Identity, IdentityPool
from authority.model.state import State

KIND = "identitypool"


def no_pool(pool_id: str) -> Refusal:
    """There is no such pool, for all that whoever asks may know."""
    return Refusal(Reason.NO_SUCH_ENTITY, f"IdentityPool '{pool_id}' not found.")


def no_identity(identity_id: str) -> Refusal:
    """There is no such identity, for all that whoever asks may know."""
    return Refusal(Reason.NO_SUCH_ENTITY, f"Identity '{identity_id}' not found.")


def pool_arn(call: Call[Any], pool_id: str) -> str:
    """The ARN of a pool in the caller's account, which lies in the region that its id begins with."""
    region = pool_id.partition(":")[0]
    return str(Arn(call.partition, "cognito-identity", region, call.caller.account, f"{KIND}/{pool_id}"))


def named(_state: State, call: Call[Any]) -> str:
    """What an action on the pool of the input is authorised on, whether or not it is there."""
    return pool_arn(call, call.input.identity_pool_id)


def named_by_arn(_state: State, call: Call[Any]) -> str:
    """What an action on the pool whose ARN the input gives is authorised on."""
    arn: str = call.input.resource_arn
    return arn


def worn(pool: IdentityPool | None) -> Context:
    """The condition keys of the tags that a pool wears."""
    found = () if pool is None else pool.tags
    return {key: value for key, value in resource_tags(found).items() if key.startswith("aws:")}


def worn_by_named(state: State, call: Call[Any]) -> Context:
    """The tags of the pool that the input names."""
    return worn(account_of(state, call).identity_pools.get(call.input.identity_pool_id))


def worn_by_arn(state: State, call: Call[Any]) -> Context:
    """The tags of the pool whose ARN the input gives."""
    found = pool_at(state, call, call.input.resource_arn)
    return {} if isinstance(found, Refusal) else worn(found)


def own_pool(state: State, call: Call[Any], pool_id: str) -> IdentityPool | Refusal:
    """The pool with this id in the caller's account."""
    found = account_of(state, call).identity_pools.get(pool_id)
    return no_pool(pool_id) if found is None else found


def pool_at(state: State, call: Call[Any], text: str) -> IdentityPool | Refusal:
    """The pool that an ARN names in the caller's account."""
    arn = parse(text)
    pool_id = "" if arn is None else arn.resource.removeprefix(f"{KIND}/")
    if pool_arn(call, pool_id) != text:
        return Refusal(Reason.INVALID_PARAMETER_VALUE, f"Invalid ARN: {text}")
    return own_pool(state, call, pool_id)


def own_identity(state: State, call: Call[Any], identity_id: str, pool_id: str | None = None) -> Identity | Refusal:
    """The identity with this id, in a pool of the caller's account; in that one, where a pool is named."""
    found = state.identities.known.get(identity_id)
    if found is None or found.account != call.caller.account or pool_id not in (None, found.pool):
        return no_identity(identity_id)
    return found
