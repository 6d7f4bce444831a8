"""Groups, and who is in them (IAM API, group actions)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from authority.access.action import Decision, Facts, action, refuse
from authority.access.applicable import holder_arn
from authority.access.call import Call
from authority.access.listing import Listing, PathListing, listed
from authority.access.naming import account_of, iam_arn, listing
from authority.access.weighing import refusal_of, weigh
from authority.kernel.ids import GROUP, GroupId, UserId
from authority.kernel.refusal import Reason
from authority.model.account import Account
from authority.model.principals import Group, GroupCreated, GroupDeleted, GroupJoined, GroupLeft, GroupRenamed, User
from authority.model.state import State
from authority.principals.naming import below, named_group, named_user, no_group, no_user, worn_by_user
from authority.principals.users import UserDetail, shown


class GroupDetail(msgspec.Struct, frozen=True, rename="pascal"):
    """A group as IAM shows it (IAM API, Group)."""

    path: str
    group_name: str
    group_id: str
    arn: str
    create_date: datetime


def shown_group(account: Account, group: Group, partition: str) -> GroupDetail:
    """A group as every answer shows it."""
    return GroupDetail(
        path=group.path,
        group_name=group.name,
        group_id=group.id,
        arn=holder_arn(account, group, partition),
        create_date=group.created_at,
    )


class GroupAnswer(msgspec.Struct, frozen=True, rename="pascal"):
    """One group."""

    group: GroupDetail


class CreateGroup(msgspec.Struct, frozen=True, rename="pascal"):
    """What a new group shall be."""

    group_name: str
    path: str = "/"


@action("iam:CreateGroup", resource=lambda _, call: iam_arn(call, f"group{call.input.path}{call.input.group_name}"))
def create_group(state: State, call: Call[CreateGroup], facts: Facts) -> Decision:
    """Make a group (IAM API, CreateGroup)."""
    account, wanted = account_of(state, call), call.input
    if account.group_named(wanted.group_name) is not None:
        return refuse(Reason.ENTITY_ALREADY_EXISTS, f"Group with name {wanted.group_name} already exists.")
    most = account.quota("GroupsQuota")
    if len(account.groups) >= most:
        return refuse(Reason.LIMIT_EXCEEDED, f"Cannot exceed quota for GroupsPerAccount: {most}")
    made = GroupCreated(
        account=account.id, group_id=GroupId(facts.new_id(GROUP)), name=wanted.group_name, path=wanted.path
    )
    group = Group(id=made.group_id, name=made.name, path=made.path, created_at=facts.now)
    return Decision(facts=(made,), answer=GroupAnswer(shown_group(account, group, call.partition)))


class GroupWithUsers(msgspec.Struct, frozen=True, rename="pascal"):
    """A group and a page of its users."""

    group: GroupDetail
    users: tuple[UserDetail, ...]
    is_truncated: bool
    marker: str | None = None


class GetGroup(Listing, frozen=True, kw_only=True):
    """Which group to show."""

    group_name: str


@action("iam:GetGroup", resource=named_group)
def get_group(state: State, call: Call[GetGroup], _facts: Facts) -> Decision:
    """Show a group and who is in it, by name (IAM API, GetGroup)."""
    account = account_of(state, call)
    group = account.group_named(call.input.group_name)
    if group is None:
        return no_group(call.input.group_name)
    detail = shown_group(account, group, call.partition)

    def members(published: State) -> list[UserDetail]:
        now = published.accounts[account.id]
        return [shown(now, user, call.partition) for user in now.members_of(group.id)]

    return listed(
        call,
        f"iam:GetGroup|{group.id}",
        members,
        lambda user: (user.user_name or "").lower(),
        lambda page: GroupWithUsers(detail, page.items, page.is_truncated, page.marker),
    )


class Groups(msgspec.Struct, frozen=True, rename="pascal"):
    """A page of groups."""

    groups: tuple[GroupDetail, ...]
    is_truncated: bool
    marker: str | None = None


class ListGroups(PathListing, frozen=True):
    """Which groups to list."""


@action("iam:ListGroups", resource=listing("group"))
def list_groups(_state: State, call: Call[ListGroups], _facts: Facts) -> Decision:
    """List the groups of the account under a path, by name (IAM API, ListGroups)."""
    prefix, account_id = call.input.path_prefix, call.caller.account

    def items(state: State) -> list[GroupDetail]:
        account = state.accounts[account_id]
        return [shown_group(account, group, call.partition) for group in filter(below(prefix), account.groups.values())]

    return listed(
        call,
        f"iam:ListGroups|{prefix}",
        items,
        lambda group: group.group_name.lower(),
        lambda page: Groups(page.items, page.is_truncated, page.marker),
    )


class ListGroupsForUser(Listing, frozen=True, kw_only=True):
    """Whose groups to list."""

    user_name: str


@action("iam:ListGroupsForUser", resource=named_user, conditions=worn_by_user)
def list_groups_for_user(state: State, call: Call[ListGroupsForUser], _facts: Facts) -> Decision:
    """List the groups that a user is in, by name (IAM API, ListGroupsForUser)."""
    account = account_of(state, call)
    user = account.user_named(call.input.user_name)
    if user is None:
        return no_user(call.input.user_name)
    groups = [shown_group(account, account.groups[group_id], call.partition) for group_id in user.groups]
    return listed(
        call,
        f"iam:ListGroupsForUser|{user.id}",
        lambda _: groups,
        lambda group: group.group_name.lower(),
        lambda page: Groups(page.items, page.is_truncated, page.marker),
    )


class DeleteGroup(msgspec.Struct, frozen=True, rename="pascal"):
    """Which group to delete."""

    group_name: str


@action("iam:DeleteGroup", resource=named_group)
def delete_group(state: State, call: Call[DeleteGroup], _facts: Facts) -> Decision:
    """Delete a group without members and policies (IAM API, DeleteGroup)."""
    account = account_of(state, call)
    group = account.group_named(call.input.group_name)
    if group is None:
        return no_group(call.input.group_name)
    if account.members_of(group.id):
        return refuse(Reason.DELETE_CONFLICT, "Cannot delete entity, must remove users from group first.")
    if group.attached:
        return refuse(Reason.DELETE_CONFLICT, "Cannot delete entity, must detach all policies first.")
    if group.inline:
        return refuse(Reason.DELETE_CONFLICT, "Cannot delete entity, must delete policies first.")
    return Decision(facts=(GroupDeleted(account=account.id, group_id=GroupId(group.id)),))


class UpdateGroup(msgspec.Struct, frozen=True, rename="pascal"):
    """Which group, and what it shall be called."""

    group_name: str
    new_path: str = ""
    new_group_name: str = ""


@action("iam:UpdateGroup", resource=named_group)
def update_group(state: State, call: Call[UpdateGroup], facts: Facts) -> Decision:
    """Give a group another name or path (IAM API, UpdateGroup).  The caller needs permission on the old and the new."""
    account, wanted = account_of(state, call), call.input
    group = account.group_named(wanted.group_name)
    if group is None:
        return no_group(wanted.group_name)
    name, path = wanted.new_group_name or group.name, wanted.new_path or group.path
    renamed = weigh(state, call, facts.now, "iam:UpdateGroup", iam_arn(call, f"group{path}{name}"))
    if not renamed.verdict.allowed:
        return Decision(answer=refusal_of(renamed), weighed=(renamed,))
    other = account.group_named(name)
    if other is not None and other.id != group.id:
        return refuse(Reason.ENTITY_ALREADY_EXISTS, f"Group with name {name} already exists.", weighed=(renamed,))
    if (name, path) == (group.name, group.path):
        return Decision(weighed=(renamed,))
    fact = GroupRenamed(account=account.id, group_id=GroupId(group.id), name=name, path=path)
    return Decision(facts=(fact,), weighed=(renamed,))


class Membership(msgspec.Struct, frozen=True, rename="pascal"):
    """Which user, and which group."""

    group_name: str
    user_name: str


def _both(state: State, call: Call[Any]) -> tuple[Group, User] | Decision:
    """The group and the user that the input names, or which of them there is none of."""
    account, wanted = account_of(state, call), call.input
    group, user = account.group_named(wanted.group_name), account.user_named(wanted.user_name)
    if user is None:
        return no_user(wanted.user_name)
    return no_group(wanted.group_name) if group is None else (group, user)


class AddUserToGroup(Membership, frozen=True):
    """Who shall be in which group."""


@action("iam:AddUserToGroup", resource=named_group)
def add_user_to_group(state: State, call: Call[AddUserToGroup], _facts: Facts) -> Decision:
    """Put a user into a group; one who is in it already stays in it (IAM API, AddUserToGroup)."""
    found = _both(state, call)
    if isinstance(found, Decision):
        return found
    group, user = found
    if group.id in user.groups:
        return Decision()
    account = account_of(state, call)
    most = account.quota("GroupsPerUserQuota")
    if len(user.groups) >= most:
        return refuse(Reason.LIMIT_EXCEEDED, f"Cannot exceed quota for GroupsPerUser: {most}")
    return Decision(facts=(GroupJoined(account=account.id, group_id=GroupId(group.id), user_id=UserId(user.id)),))


class RemoveUserFromGroup(Membership, frozen=True):
    """Who shall be in which group no longer."""


@action("iam:RemoveUserFromGroup", resource=named_group)
def remove_user_from_group(state: State, call: Call[RemoveUserFromGroup], _facts: Facts) -> Decision:
    """Take a user out of a group; one who is not in it stays out of it (IAM API, RemoveUserFromGroup)."""
    found = _both(state, call)
    if isinstance(found, Decision):
        return found
    group, user = found
    if group.id not in user.groups:
        return Decision()
    return Decision(
        facts=(GroupLeft(account=call.caller.account, group_id=GroupId(group.id), user_id=UserId(user.id)),)
    )
