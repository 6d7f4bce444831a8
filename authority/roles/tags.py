"""Tags of roles: laid on, taken off, listed (IAM API, role tag actions)."""

from __future__ import annotations

from typing import Any

import msgspec

from authority.access.action import Decision, Facts, action
from authority.access.call import Call
from authority.access.context import Context
from authority.access.listing import Listing, listed
from authority.access.naming import account_of
from authority.access.tagging import QUOTA, request_tags, tag_keys, tags_refused
from authority.kernel.tags import Tag
from authority.model.holders import HolderTagged, HolderUntagged
from authority.model.state import State
from authority.roles.showing import TagsPage, named_role, no_role, worn_by_role


class TagRole(msgspec.Struct, frozen=True, rename="pascal"):
    """Which role, and the tags to lay over those it wears."""

    role_name: str
    tags: tuple[Tag, ...]


def _tagging(state: State, call: Call[Any]) -> Context:
    return {**worn_by_role(state, call), **request_tags(call.input.tags)}


@action("iam:TagRole", resource=named_role, conditions=_tagging)
def tag_role(state: State, call: Call[TagRole], _facts: Facts) -> Decision:
    """Lay tags over those of a role (IAM API, TagRole)."""
    account = account_of(state, call)
    role = account.role_named(call.input.role_name)
    if role is None:
        return no_role(call.input.role_name)
    refused = tags_refused(call.input.tags, role.tags, most=account.quota(QUOTA))
    if refused is not None:
        return Decision(answer=refused)
    return Decision(facts=(HolderTagged(account=account.id, holder=role.id, tags=call.input.tags),))


class UntagRole(msgspec.Struct, frozen=True, rename="pascal"):
    """Which role, and the tags to take off."""

    role_name: str
    tag_keys: tuple[str, ...]


def _untagging(state: State, call: Call[Any]) -> Context:
    return {**worn_by_role(state, call), **tag_keys(call.input.tag_keys)}


@action("iam:UntagRole", resource=named_role, conditions=_untagging)
def untag_role(state: State, call: Call[UntagRole], _facts: Facts) -> Decision:
    """Take tags off a role (IAM API, UntagRole)."""
    account = account_of(state, call)
    role = account.role_named(call.input.role_name)
    if role is None:
        return no_role(call.input.role_name)
    return Decision(facts=(HolderUntagged(account=account.id, holder=role.id, keys=call.input.tag_keys),))


class ListRoleTags(Listing, frozen=True, kw_only=True):
    """Whose tags to list."""

    role_name: str


@action("iam:ListRoleTags", resource=named_role, conditions=worn_by_role)
def list_role_tags(state: State, call: Call[ListRoleTags], _facts: Facts) -> Decision:
    """List the tags of a role, by key (IAM API, ListRoleTags)."""
    role = account_of(state, call).role_named(call.input.role_name)
    if role is None:
        return no_role(call.input.role_name)
    return listed(
        call,
        f"iam:ListRoleTags|{role.id}",
        lambda _: role.tags,
        lambda tag: tag.key,
        lambda page: TagsPage(page.items, page.is_truncated, page.marker),
    )
