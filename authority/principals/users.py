"""Users: made, shown, renamed, tagged, and deleted once nothing hangs on them (IAM API, user actions)."""

from __future__ import annotations

from datetime import datetime

import msgspec

from authority.access.action import Decision, Facts, action, refuse
from authority.access.applicable import holder_arn
from authority.access.boundaries import AttachedBoundary, boundary_in_request, boundary_shown, boundary_wanted
from authority.access.call import Call
from authority.access.context import Context
from authority.access.listing import Listing, PathListing, listed
from authority.access.naming import account_of, iam_arn, listing
from authority.access.tagging import QUOTA, request_tags, resource_tags, tags_refused
from authority.access.wearing import tagged, tagging, tags_listed, untagging
from authority.access.weighing import refusal_of, weigh
from authority.kernel.ids import USER, UserId
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.tags import Tag
from authority.model.account import Account
from authority.model.boundaries import BoundarySet
from authority.model.holders import HolderTagged, HolderUntagged
from authority.model.principals import User, UserCreated, UserDeleted, UserRenamed
from authority.model.state import State
from authority.principals.naming import (
    below,
    named_user,
    no_user,
    user_or_caller,
    user_or_caller_arn,
    worn_by_user,
)


class UserDetail(msgspec.Struct, frozen=True, rename="pascal", kw_only=True):
    """A user as IAM shows it (IAM API, User).  The root has neither name nor path."""

    user_id: str
    arn: str
    create_date: datetime
    path: str | None = None
    user_name: str | None = None
    password_last_used: datetime | None = None
    permissions_boundary: AttachedBoundary | None = None
    tags: tuple[Tag, ...] | None = None


def shown(account: Account, user: User, partition: str) -> UserDetail:
    """A user as listings show it: without tags."""
    return UserDetail(
        user_id=user.id,
        arn=holder_arn(account, user, partition),
        create_date=user.created_at,
        path=user.path,
        user_name=user.name,
    )


def shown_whole(state: State, account: Account, user: User, partition: str) -> UserDetail:
    """A user with all that belongs to it."""
    return msgspec.structs.replace(
        shown(account, user, partition),
        permissions_boundary=boundary_shown(state, account, user, partition),
        tags=user.tags or None,
    )


class UserAnswer(msgspec.Struct, frozen=True, rename="pascal"):
    """One user."""

    user: UserDetail


class CreateUser(msgspec.Struct, frozen=True, rename="pascal"):
    """What a new user shall be."""

    user_name: str
    path: str = "/"
    permissions_boundary: str = ""
    tags: tuple[Tag, ...] = ()


def _new_user_arn(_state: State, call: Call[CreateUser]) -> str:
    return iam_arn(call, f"user{call.input.path}{call.input.user_name}")


def _new_user(_state: State, call: Call[CreateUser]) -> Context:
    return {**request_tags(call.input.tags), **boundary_in_request(call.input.permissions_boundary)}


@action("iam:CreateUser", resource=_new_user_arn, conditions=_new_user, tagging="iam:TagUser")
def create_user(state: State, call: Call[CreateUser], facts: Facts) -> Decision:
    """Make a user (IAM API, CreateUser)."""
    account, wanted = account_of(state, call), call.input
    refused = tags_refused(wanted.tags, most=account.quota(QUOTA))
    if refused is not None:
        return Decision(answer=refused)
    if account.user_named(wanted.user_name) is not None:
        text = f"User with name {wanted.user_name} already exists."
        return refuse(Reason.ENTITY_ALREADY_EXISTS, text)
    most = account.quota("UsersQuota")
    if len(account.users) >= most:
        return refuse(Reason.LIMIT_EXCEEDED, f"Cannot exceed quota for UsersPerAccount: {most}")
    user_id = UserId(facts.new_id(USER))
    boundary = boundary_wanted(state, account, wanted.permissions_boundary, call.partition)
    if isinstance(boundary, Refusal):
        return Decision(answer=boundary)
    made = UserCreated(
        account=account.id,
        user_id=user_id,
        name=wanted.user_name,
        path=wanted.path,
        tags=wanted.tags,
    )
    user = User(id=user_id, name=made.name, path=made.path, created_at=facts.now, tags=made.tags, boundary=boundary)
    limited = () if boundary is None else (BoundarySet(account=account.id, holder=user_id, policy_id=boundary),)
    answer = UserAnswer(shown_whole(state, account, user, call.partition))
    return Decision(facts=(made, *limited), answer=answer)


class GetUser(msgspec.Struct, frozen=True, rename="pascal"):
    """Which user; without a name, who asks."""

    user_name: str = ""


@action("iam:GetUser", resource=user_or_caller_arn, conditions=worn_by_user)
def get_user(state: State, call: Call[GetUser], _facts: Facts) -> Decision:
    """Show a user, or who asks, who may be the root (IAM API, GetUser)."""
    account = account_of(state, call)
    found = user_or_caller(account, call)
    match found:
        case Refusal():
            return Decision(answer=found)
        case User():
            return Decision(answer=UserAnswer(shown_whole(state, account, found, call.partition)))
        case Account():
            root = UserDetail(user_id=account.id, arn=iam_arn(call, "root"), create_date=account.created_at)
            return Decision(answer=UserAnswer(root))


class Users(msgspec.Struct, frozen=True, rename="pascal"):
    """A page of users."""

    users: tuple[UserDetail, ...]
    is_truncated: bool
    marker: str | None = None


class ListUsers(PathListing, frozen=True):
    """Which users to list."""


@action("iam:ListUsers", resource=listing("user"))
def list_users(_state: State, call: Call[ListUsers], _facts: Facts) -> Decision:
    """List the users of the account under a path, by name (IAM API, ListUsers)."""
    prefix = call.input.path_prefix
    account_id = call.caller.account

    def items(state: State) -> list[UserDetail]:
        account = state.accounts[account_id]
        return [shown(account, user, call.partition) for user in filter(below(prefix), account.users.values())]

    return listed(
        call,
        f"iam:ListUsers|{prefix}",
        items,
        lambda user: (user.user_name or "").lower(),
        lambda page: Users(page.items, page.is_truncated, page.marker),
    )


class DeleteUser(msgspec.Struct, frozen=True, rename="pascal"):
    """Which user to delete."""

    user_name: str


@action("iam:DeleteUser", resource=named_user, conditions=worn_by_user)
def delete_user(state: State, call: Call[DeleteUser], _facts: Facts) -> Decision:
    """Delete a user on whom nothing hangs any more (IAM API, DeleteUser)."""
    account = account_of(state, call)
    user = account.user_named(call.input.user_name)
    if user is None:
        return no_user(call.input.user_name)
    hindrance = _hindrance(state, account, user)
    if hindrance:
        return refuse(Reason.DELETE_CONFLICT, f"Cannot delete entity, must {hindrance} first.")
    return Decision(facts=(UserDeleted(account=account.id, user_id=UserId(user.id)),))


def _hindrance(state: State, account: Account, user: User) -> str:
    if user.attached:
        return "detach all policies"
    if user.inline:
        return "delete policies"
    if user.groups:
        return "remove users from group"
    if user.login is not None:
        return "delete login profile"
    if state.keys_of(user.id):
        return "delete access keys"
    if account.mfa_devices_of(user.id):
        return "delete MFA device"
    return ""


class UpdateUser(msgspec.Struct, frozen=True, rename="pascal"):
    """Which user, and what it shall be called."""

    user_name: str
    new_path: str = ""
    new_user_name: str = ""


@action("iam:UpdateUser", resource=named_user, conditions=worn_by_user)
def update_user(state: State, call: Call[UpdateUser], facts: Facts) -> Decision:
    """Give a user another name or path (IAM API, UpdateUser).  The caller needs permission on the old and the new."""
    account, wanted = account_of(state, call), call.input
    user = account.user_named(wanted.user_name)
    if user is None:
        return no_user(wanted.user_name)
    name, path = wanted.new_user_name or user.name, wanted.new_path or user.path
    renamed = weigh(
        state,
        call,
        facts.now,
        "iam:UpdateUser",
        iam_arn(call, f"user{path}{name}"),
        conditions=resource_tags(user.tags),
    )
    if not renamed.verdict.allowed:
        return Decision(answer=refusal_of(renamed), weighed=(renamed,))
    other = account.user_named(name)
    if other is not None and other.id != user.id:
        return refuse(Reason.ENTITY_ALREADY_EXISTS, f"User with name {name} already exists.", weighed=(renamed,))
    if (name, path) == (user.name, user.path):
        return Decision(weighed=(renamed,))
    fact = UserRenamed(account=account.id, user_id=UserId(user.id), name=name, path=path)
    return Decision(facts=(fact,), weighed=(renamed,))


class TagUser(msgspec.Struct, frozen=True, rename="pascal"):
    """Which user, and the tags to lay over those it wears."""

    user_name: str
    tags: tuple[Tag, ...]


@action("iam:TagUser", resource=named_user, conditions=tagging(worn_by_user))
def tag_user(state: State, call: Call[TagUser], _facts: Facts) -> Decision:
    """Lay tags over those of a user (IAM API, TagUser)."""
    account = account_of(state, call)
    user = account.user_named(call.input.user_name)
    if user is None:
        return no_user(call.input.user_name)
    laid_on = HolderTagged(account=account.id, holder=user.id, tags=call.input.tags)
    return tagged(account, user, call.input.tags, laid_on, ignore_case=True)


class UntagUser(msgspec.Struct, frozen=True, rename="pascal"):
    """Which user, and the tags to take off."""

    user_name: str
    tag_keys: tuple[str, ...]


@action("iam:UntagUser", resource=named_user, conditions=untagging(worn_by_user))
def untag_user(state: State, call: Call[UntagUser], _facts: Facts) -> Decision:
    """Take tags off a user (IAM API, UntagUser)."""
    account = account_of(state, call)
    user = account.user_named(call.input.user_name)
    if user is None:
        return no_user(call.input.user_name)
    return Decision(facts=(HolderUntagged(account=account.id, holder=user.id, keys=call.input.tag_keys),))


class ListUserTags(Listing, frozen=True, kw_only=True):
    """Whose tags to list."""

    user_name: str


@action("iam:ListUserTags", resource=named_user, conditions=worn_by_user)
def list_user_tags(state: State, call: Call[ListUserTags], _facts: Facts) -> Decision:
    """List the tags of a user, by key (IAM API, ListUserTags)."""
    user = account_of(state, call).user_named(call.input.user_name)
    if user is None:
        return no_user(call.input.user_name)
    return tags_listed(call, "iam:ListUserTags", user)
