"""Instance profiles: made, shown, filled with a role, emptied, deleted (IAM API, instance profile actions).

To put a role into one is to hand it to every machine that has the profile, so it takes the permission to pass the role.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from authority.access.action import Answer, Decision, Facts, action, refuse
from authority.access.call import Call
from authority.access.context import Context
from authority.access.listing import Listing, PathListing, listed
from authority.access.naming import account_of, iam_arn, linked_role_protected, listing
from authority.access.tagging import QUOTA, request_tags, resource_tags, tags_refused
from authority.access.wearing import tagged, tagging, tags_listed, untagging
from authority.access.weighing import refusal_of, weigh
from authority.kernel.ids import INSTANCE_PROFILE, InstanceProfileId, RoleId
from authority.kernel.paging import Page
from authority.kernel.refusal import Reason
from authority.kernel.tags import Tag
from authority.model.account import Account
from authority.model.instance_profiles import (
    InstanceProfile,
    InstanceProfileCreated,
    InstanceProfileDeleted,
    InstanceProfileTagged,
    InstanceProfileUntagged,
    RoleAddedToProfile,
    RoleRemovedFromProfile,
)
from authority.model.state import State
from authority.roles.showing import RoleDetail, as_held, named_role, no_role, worn_by_role

MACHINES: Final = "ec2.amazonaws.com"
"""The service that takes on the roles of instance profiles."""


class ProfileDetail(msgspec.Struct, frozen=True, rename="pascal", kw_only=True):
    """An instance profile as IAM shows it (IAM API, InstanceProfile)."""

    path: str
    instance_profile_name: str
    instance_profile_id: str
    arn: str
    create_date: datetime
    roles: tuple[RoleDetail, ...]
    tags: tuple[Tag, ...] | None = None


class ProfileAnswer(msgspec.Struct, frozen=True, rename="pascal"):
    """One instance profile."""

    instance_profile: ProfileDetail


def _arn(account: Account, profile: InstanceProfile, partition: str) -> str:
    return f"arn:{partition}:iam::{account.id}:instance-profile{profile.path}{profile.name}"


def _shown(state: State, account: Account, profile: InstanceProfile, partition: str) -> ProfileDetail:
    """A profile as listings show it: with its role, without tags."""
    role = None if profile.role_id is None else account.roles[profile.role_id]
    return ProfileDetail(
        path=profile.path,
        instance_profile_name=profile.name,
        instance_profile_id=profile.id,
        arn=_arn(account, profile, partition),
        create_date=profile.created_at,
        roles=() if role is None else (as_held(state, account, role, partition),),
    )


def _whole(state: State, account: Account, profile: InstanceProfile, partition: str) -> ProfileDetail:
    """A profile as GetInstanceProfile shows it: with its tags, even when there are none."""
    return msgspec.structs.replace(_shown(state, account, profile, partition), tags=profile.tags)


def _named(state: State, call: Call[Any]) -> str:
    """The ARN of the profile that the input names; where there is none, the one it would have at the root path."""
    account, name = account_of(state, call), call.input.instance_profile_name
    profile = account.instance_profile_named(name)
    return iam_arn(call, f"instance-profile/{name}") if profile is None else _arn(account, profile, call.partition)


def _worn(state: State, call: Call[Any]) -> Context:
    profile = account_of(state, call).instance_profile_named(call.input.instance_profile_name)
    return {} if profile is None else resource_tags(profile.tags)


def _no_profile(name: str) -> Decision:
    return refuse(Reason.NO_SUCH_ENTITY, f"Instance Profile {name} cannot be found.")


class CreateInstanceProfile(msgspec.Struct, frozen=True, rename="pascal"):
    """What a new instance profile shall be."""

    instance_profile_name: str
    path: str = "/"
    tags: tuple[Tag, ...] = ()


def _new_arn(_state: State, call: Call[CreateInstanceProfile]) -> str:
    return iam_arn(call, f"instance-profile{call.input.path}{call.input.instance_profile_name}")


@action(
    "iam:CreateInstanceProfile",
    resource=_new_arn,
    conditions=lambda _, call: request_tags(call.input.tags),
    tagging="iam:TagInstanceProfile",
)
def create_instance_profile(state: State, call: Call[CreateInstanceProfile], facts: Facts) -> Decision:
    """Make an instance profile with no role in it (IAM API, CreateInstanceProfile)."""
    account, wanted = account_of(state, call), call.input
    refused = tags_refused(wanted.tags, ignore_case=False, most=account.quota(QUOTA))
    if refused is not None:
        return Decision(answer=refused)
    if account.instance_profile_named(wanted.instance_profile_name) is not None:
        text = f"Instance Profile {wanted.instance_profile_name} already exists."
        return refuse(Reason.ENTITY_ALREADY_EXISTS, text)
    most = account.quota("InstanceProfilesQuota")
    if len(account.instance_profiles) >= most:
        text = f"Cannot exceed quota for InstanceProfilesPerAccount: {most}"
        return refuse(Reason.LIMIT_EXCEEDED, text)
    made = InstanceProfileCreated(
        account=account.id,
        profile_id=InstanceProfileId(facts.new_id(INSTANCE_PROFILE)),
        name=wanted.instance_profile_name,
        path=wanted.path,
        tags=wanted.tags,
    )
    profile = InstanceProfile(id=made.profile_id, name=made.name, path=made.path, created_at=facts.now, tags=made.tags)
    shown = msgspec.structs.replace(_shown(state, account, profile, call.partition), tags=made.tags or None)
    return Decision(facts=(made,), answer=ProfileAnswer(shown))


class GetInstanceProfile(msgspec.Struct, frozen=True, rename="pascal"):
    """Which instance profile."""

    instance_profile_name: str


@action("iam:GetInstanceProfile", resource=_named, conditions=_worn)
def get_instance_profile(state: State, call: Call[GetInstanceProfile], _facts: Facts) -> Decision:
    """Show an instance profile with the role in it (IAM API, GetInstanceProfile)."""
    account = account_of(state, call)
    profile = account.instance_profile_named(call.input.instance_profile_name)
    if profile is None:
        return _no_profile(call.input.instance_profile_name)
    return Decision(answer=ProfileAnswer(_whole(state, account, profile, call.partition)))


class Profiles(msgspec.Struct, frozen=True, rename="pascal"):
    """A page of instance profiles."""

    instance_profiles: tuple[ProfileDetail, ...]
    is_truncated: bool
    marker: str | None = None


def _page_of(call: Call[Any]) -> Any:
    def shape(page: Page[tuple[State, InstanceProfile]]) -> Answer:
        shown = (
            _shown(state, state.accounts[call.caller.account], profile, call.partition) for state, profile in page.items
        )
        return Profiles(tuple(shown), page.is_truncated, page.marker)

    return shape


def _by_name(found: tuple[State, InstanceProfile]) -> str:
    return found[1].name.lower()


class ListInstanceProfiles(PathListing, frozen=True):
    """Which instance profiles to list."""


@action("iam:ListInstanceProfiles", resource=listing("instance-profile"))
def list_instance_profiles(_state: State, call: Call[ListInstanceProfiles], _facts: Facts) -> Decision:
    """List the instance profiles of the account under a path, by name (IAM API, ListInstanceProfiles)."""
    prefix, account_id = call.input.path_prefix, call.caller.account

    def items(state: State) -> Sequence[tuple[State, InstanceProfile]]:
        profiles = state.accounts[account_id].instance_profiles.values()
        return [(state, profile) for profile in profiles if profile.path.startswith(prefix)]

    return listed(call, f"iam:ListInstanceProfiles|{prefix}", items, _by_name, _page_of(call))


class ListInstanceProfilesForRole(Listing, frozen=True, kw_only=True):
    """Which role."""

    role_name: str


@action("iam:ListInstanceProfilesForRole", resource=named_role, conditions=worn_by_role)
def list_instance_profiles_for_role(state: State, call: Call[ListInstanceProfilesForRole], _facts: Facts) -> Decision:
    """List the instance profiles that a role is in (IAM API, ListInstanceProfilesForRole)."""
    role = account_of(state, call).role_named(call.input.role_name)
    if role is None:
        return no_role(call.input.role_name)

    def items(state: State) -> Sequence[tuple[State, InstanceProfile]]:
        return [(state, profile) for profile in state.accounts[call.caller.account].profiles_with(role.id)]

    return listed(call, f"iam:ListInstanceProfilesForRole|{role.id}", items, _by_name, _page_of(call))


class AddRoleToInstanceProfile(msgspec.Struct, frozen=True, rename="pascal"):
    """Which role to put into which profile."""

    instance_profile_name: str
    role_name: str


@action("iam:AddRoleToInstanceProfile", resource=_named, conditions=_worn)
def add_role_to_instance_profile(state: State, call: Call[AddRoleToInstanceProfile], facts: Facts) -> Decision:
    """Hand a role to the machines that have the profile (IAM API, AddRoleToInstanceProfile).

    The caller must be allowed to pass the role to the service that runs machines; the role's tags are no condition
    for it (IAM User Guide, Granting a user permissions to pass a role).
    """
    account, wanted = account_of(state, call), call.input
    profile = account.instance_profile_named(wanted.instance_profile_name)
    if profile is None:
        return _no_profile(wanted.instance_profile_name)
    role = account.role_named(wanted.role_name)
    if role is None:
        return no_role(wanted.role_name)
    passed = weigh(
        state,
        call,
        facts.now,
        "iam:PassRole",
        named_role(state, call),
        conditions={
            "iam:passedtoservice": MACHINES,
            "iam:associatedresourcearn": _arn(account, profile, call.partition),
        },
    )
    if not passed.verdict.allowed:
        return Decision(answer=refusal_of(passed), weighed=(passed,))
    protected = linked_role_protected(role)
    if protected is not None:
        return Decision(answer=protected, weighed=(passed,))
    if profile.role_id is not None:
        text = "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1"
        return refuse(Reason.LIMIT_EXCEEDED, text, weighed=(passed,))
    added = RoleAddedToProfile(account=account.id, profile_id=profile.id, role_id=RoleId(role.id))
    return Decision(facts=(added,), weighed=(passed,))


class RemoveRoleFromInstanceProfile(msgspec.Struct, frozen=True, rename="pascal"):
    """Which role to take out of which profile."""

    instance_profile_name: str
    role_name: str


@action("iam:RemoveRoleFromInstanceProfile", resource=_named, conditions=_worn)
def remove_role_from_instance_profile(
    state: State, call: Call[RemoveRoleFromInstanceProfile], _facts: Facts
) -> Decision:
    """Take a role out of a profile (IAM API, RemoveRoleFromInstanceProfile)."""
    account, wanted = account_of(state, call), call.input
    profile = account.instance_profile_named(wanted.instance_profile_name)
    if profile is None:
        return _no_profile(wanted.instance_profile_name)
    role = account.role_named(wanted.role_name)
    if role is None:
        return no_role(wanted.role_name)
    if profile.role_id != role.id:
        text = f"Role {role.name} in Instance Profile {profile.name} cannot be found."
        return refuse(Reason.NO_SUCH_ENTITY, text)
    removed = RoleRemovedFromProfile(account=account.id, profile_id=profile.id, role_id=RoleId(role.id))
    return Decision(facts=(removed,))


class DeleteInstanceProfile(msgspec.Struct, frozen=True, rename="pascal"):
    """Which instance profile to delete."""

    instance_profile_name: str


@action("iam:DeleteInstanceProfile", resource=_named, conditions=_worn)
def delete_instance_profile(state: State, call: Call[DeleteInstanceProfile], _facts: Facts) -> Decision:
    """Delete an instance profile with no role in it (IAM API, DeleteInstanceProfile)."""
    account = account_of(state, call)
    profile = account.instance_profile_named(call.input.instance_profile_name)
    if profile is None:
        return _no_profile(call.input.instance_profile_name)
    if profile.role_id is not None:
        text = "Cannot delete entity, must remove roles from instance profile first."
        return refuse(Reason.DELETE_CONFLICT, text)
    return Decision(facts=(InstanceProfileDeleted(account=account.id, profile_id=profile.id),))


class TagInstanceProfile(msgspec.Struct, frozen=True, rename="pascal"):
    """Which instance profile, and the tags to lay over those it wears."""

    instance_profile_name: str
    tags: tuple[Tag, ...]


@action("iam:TagInstanceProfile", resource=_named, conditions=tagging(_worn))
def tag_instance_profile(state: State, call: Call[TagInstanceProfile], _facts: Facts) -> Decision:
    """Lay tags over those of an instance profile; keys keep their case (IAM API, TagInstanceProfile)."""
    account, wanted = account_of(state, call), call.input
    profile = account.instance_profile_named(wanted.instance_profile_name)
    if profile is None:
        return _no_profile(wanted.instance_profile_name)
    laid_on = InstanceProfileTagged(account=account.id, profile_id=profile.id, tags=wanted.tags)
    return tagged(account, profile, wanted.tags, laid_on)


class UntagInstanceProfile(msgspec.Struct, frozen=True, rename="pascal"):
    """Which instance profile, and the tags to take off."""

    instance_profile_name: str
    tag_keys: tuple[str, ...]


@action("iam:UntagInstanceProfile", resource=_named, conditions=untagging(_worn))
def untag_instance_profile(state: State, call: Call[UntagInstanceProfile], _facts: Facts) -> Decision:
    """Take tags off an instance profile (IAM API, UntagInstanceProfile)."""
    account, wanted = account_of(state, call), call.input
    profile = account.instance_profile_named(wanted.instance_profile_name)
    if profile is None:
        return _no_profile(wanted.instance_profile_name)
    return Decision(facts=(InstanceProfileUntagged(account=account.id, profile_id=profile.id, keys=wanted.tag_keys),))


class ListInstanceProfileTags(Listing, frozen=True, kw_only=True):
    """Whose tags to list."""

    instance_profile_name: str


@action("iam:ListInstanceProfileTags", resource=_named, conditions=_worn)
def list_instance_profile_tags(state: State, call: Call[ListInstanceProfileTags], _facts: Facts) -> Decision:
    """List the tags of an instance profile, by key (IAM API, ListInstanceProfileTags)."""
    profile = account_of(state, call).instance_profile_named(call.input.instance_profile_name)
    if profile is None:
        return _no_profile(call.input.instance_profile_name)
    return tags_listed(call, "iam:ListInstanceProfileTags", profile)
