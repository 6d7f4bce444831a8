"""Tags of roles: laid on, taken off, listed (IAM API, role tag actions)."""

from __future__ import annotations

import msgspec

from authority.access.action import Decision, Facts, action
from authority.access.call import Call
from authority.access.listing import Listing
from authority.access.naming import account_of
from authority.access.wearing import tagged, tagging, tags_listed, untagging
from authority.kernel.tags import Tag
from authority.model.holders import HolderTagged, HolderUntagged
from authority.model.state import State
from authority.roles.showing import named_role, no_role, worn_by_role


class TagRole(msgspec.Struct, frozen=True, rename="pascal"):
    """Which role, and the tags to lay over those it wears."""

    role_name: str
    tags: tuple[Tag, ...]


@action("iam:TagRole", resource=named_role, conditions=tagging(worn_by_role))
def tag_role(state: State, call: Call[TagRole], _facts: Facts) -> Decision:
    """Lay tags over those of a role (IAM API, TagRole)."""
    account = account_of(state, call)
    role = account.role_named(call.input.role_name)
    if role is None:
        return no_role(call.input.role_name)
    laid_on = HolderTagged(account=account.id, holder=role.id, tags=call.input.tags)
    return tagged(account, role, call.input.tags, laid_on, ignore_case=True)


class UntagRole(msgspec.Struct, frozen=True, rename="pascal"):
    """Which role, and the tags to take off."""

    role_name: str
    tag_keys: tuple[str, ...]


@action("iam:UntagRole", resource=named_role, conditions=untagging(worn_by_role))
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
    return tags_listed(call, "iam:ListRoleTags", role)
