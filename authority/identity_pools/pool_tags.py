"""Tags of identity pools (Amazon Cognito Federated Identities API)."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from authority.access.action import Decision, Facts, action
from authority.access.call import Call
from authority.access.naming import account_of
from authority.access.tagging import QUOTA, request_tags, tag_keys, tags_refused
from authority.identity_pools.naming import named_by_arn, pool_at, worn_by_arn
from authority.kernel.refusal import Refusal
from authority.kernel.tags import Tag, as_mapping
from authority.model.identity_pools import IdentityPoolTagged, IdentityPoolUntagged
from authority.model.state import State


class TagResource(msgspec.Struct, frozen=True, rename="pascal"):
    """Which pool, and the tags to lay over those it wears."""

    resource_arn: str
    brought: dict[str, str] = msgspec.field(name="Tags")

    @property
    def tags(self) -> tuple[Tag, ...]:
        """The tags, one by one."""
        return tuple(Tag(key, value) for key, value in self.brought.items())


class UntagResource(msgspec.Struct, frozen=True, rename="pascal"):
    """Which pool, and the tags to take off."""

    resource_arn: str
    tag_keys: tuple[str, ...]


class ListTagsForResource(msgspec.Struct, frozen=True, rename="pascal"):
    """Which pool."""

    resource_arn: str


class Nothing(msgspec.Struct, frozen=True):
    """An empty answer."""


class Worn(msgspec.Struct, frozen=True, rename="pascal"):
    """What it wears."""

    tags: Mapping[str, str]


@action(
    "cognito-identity:TagResource",
    resource=named_by_arn,
    conditions=lambda state, call: {**worn_by_arn(state, call), **request_tags(call.input.tags)},
)
def tag_resource(state: State, call: Call[TagResource], _facts: Facts) -> Decision:
    """Lay tags over those of a pool (API, TagResource)."""
    pool, tags = pool_at(state, call, call.input.resource_arn), call.input.tags
    if isinstance(pool, Refusal):
        return Decision(answer=pool)
    most = account_of(state, call).quota(QUOTA)
    refused = tags_refused(tags, pool.tags, ignore_case=False, most=most)
    if refused is not None:
        return Decision(answer=refused)
    tagged = IdentityPoolTagged(account=call.caller.account, pool=pool.id, tags=tags)
    return Decision(facts=(tagged,), answer=Nothing())


@action(
    "cognito-identity:UntagResource",
    resource=named_by_arn,
    conditions=lambda state, call: {**worn_by_arn(state, call), **tag_keys(call.input.tag_keys)},
)
def untag_resource(state: State, call: Call[UntagResource], _facts: Facts) -> Decision:
    """Take tags off a pool (API, UntagResource)."""
    pool = pool_at(state, call, call.input.resource_arn)
    if isinstance(pool, Refusal):
        return Decision(answer=pool)
    untagged = IdentityPoolUntagged(account=call.caller.account, pool=pool.id, keys=call.input.tag_keys)
    return Decision(facts=(untagged,), answer=Nothing())


@action("cognito-identity:ListTagsForResource", resource=named_by_arn, conditions=worn_by_arn)
def list_tags_for_resource(state: State, call: Call[ListTagsForResource], _facts: Facts) -> Decision:
    """Show the tags of a pool (API, ListTagsForResource)."""
    pool = pool_at(state, call, call.input.resource_arn)
    return Decision(answer=pool if isinstance(pool, Refusal) else Worn(as_mapping(pool.tags)))
