"""Everything that an account holds, each thing whole, as GetAccountAuthorizationDetails shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

import msgspec

from authority.access.applicable import holder_arn
from authority.access.boundaries import AttachedBoundary, boundary_shown
from authority.access.trusting import shown_trust
from authority.audit.answers import LastUse
from authority.kernel.tags import Tag
from authority.model.account import Account
from authority.model.holders import Holder
from authority.model.policies import ManagedPolicy
from authority.model.principals import Group, User
from authority.model.roles import Role
from authority.model.state import State


class InlineShown(msgspec.Struct, frozen=True, rename="pascal"):
    """An inline policy (IAM API, PolicyDetail)."""

    policy_name: str
    policy_document: str


class AttachedShown(msgspec.Struct, frozen=True, rename="pascal"):
    """An attached managed policy (IAM API, AttachedPolicy)."""

    policy_name: str
    policy_arn: str


class UserDetail(msgspec.Struct, frozen=True, rename="pascal", kw_only=True):
    """A user and all that it holds (IAM API, UserDetail)."""

    path: str
    user_name: str
    user_id: str
    arn: str
    create_date: datetime
    user_policy_list: tuple[InlineShown, ...] | None
    group_list: tuple[str, ...]
    attached_managed_policies: tuple[AttachedShown, ...]
    permissions_boundary: AttachedBoundary | None
    tags: tuple[Tag, ...]


class GroupDetail(msgspec.Struct, frozen=True, rename="pascal", kw_only=True):
    """A group and all that it holds (IAM API, GroupDetail)."""

    path: str
    group_name: str
    group_id: str
    arn: str
    create_date: datetime
    group_policy_list: tuple[InlineShown, ...]
    attached_managed_policies: tuple[AttachedShown, ...]


class RoleInProfile(msgspec.Struct, frozen=True, rename="pascal", kw_only=True):
    """A role as an instance profile shows it (IAM API, Role)."""

    path: str
    role_name: str
    role_id: str
    arn: str
    create_date: datetime
    assume_role_policy_document: str


class ProfileDetail(msgspec.Struct, frozen=True, rename="pascal", kw_only=True):
    """An instance profile that hands a role out (IAM API, InstanceProfile)."""

    path: str
    instance_profile_name: str
    instance_profile_id: str
    arn: str
    create_date: datetime
    roles: tuple[RoleInProfile, ...]


class RoleLastUsed(msgspec.Struct, frozen=True, rename="pascal"):
    """When and where a role was last used; empty when it never was (IAM API, RoleLastUsed)."""

    last_used_date: datetime | None = None
    region: str | None = None


class RoleDetail(msgspec.Struct, frozen=True, rename="pascal", kw_only=True):
    """A role and all that it holds (IAM API, RoleDetail)."""

    path: str
    role_name: str
    role_id: str
    arn: str
    create_date: datetime
    assume_role_policy_document: str
    instance_profile_list: tuple[ProfileDetail, ...]
    role_policy_list: tuple[InlineShown, ...]
    attached_managed_policies: tuple[AttachedShown, ...]
    permissions_boundary: AttachedBoundary | None
    tags: tuple[Tag, ...]
    role_last_used: RoleLastUsed


class VersionDetail(msgspec.Struct, frozen=True, rename="pascal", kw_only=True):
    """A version with its text (IAM API, PolicyVersion)."""

    document: str
    version_id: str
    is_default_version: bool
    create_date: datetime


class PolicyDetail(msgspec.Struct, frozen=True, rename="pascal", kw_only=True):
    """A managed policy with all its texts (IAM API, ManagedPolicyDetail)."""

    policy_name: str
    policy_id: str
    arn: str
    path: str
    default_version_id: str
    attachment_count: int
    permissions_boundary_usage_count: int
    is_attachable: bool
    description: str | None
    create_date: datetime
    update_date: datetime
    policy_version_list: tuple[VersionDetail, ...]


class Detailer:
    """Shows the things of one account; counts the uses of its policies once."""

    def __init__(self, state: State, account: Account, partition: str) -> None:
        """Look at *account* as it is in *state*."""
        self._state = state
        self._account = account
        self._partition = partition
        everybody: tuple[Holder, ...] = (*account.users.values(), *account.groups.values(), *account.roles.values())
        self.attached = Counter(policy for holder in everybody for policy in holder.attached)
        self.bounding = Counter(holder.boundary for holder in everybody if holder.boundary is not None)

    def user(self, user: User) -> UserDetail:
        """One user."""
        return UserDetail(
            path=user.path,
            user_name=user.name,
            user_id=user.id,
            arn=holder_arn(self._account, user, self._partition),
            create_date=user.created_at,
            user_policy_list=_inline(user) or None,
            group_list=tuple(sorted(self._account.groups[group].name for group in user.groups)),
            attached_managed_policies=self._attached(user),
            permissions_boundary=boundary_shown(self._state, self._account, user, self._partition),
            tags=user.tags,
        )

    def group(self, group: Group) -> GroupDetail:
        """One group."""
        return GroupDetail(
            path=group.path,
            group_name=group.name,
            group_id=group.id,
            arn=holder_arn(self._account, group, self._partition),
            create_date=group.created_at,
            group_policy_list=_inline(group),
            attached_managed_policies=self._attached(group),
        )

    def role(self, role: Role, last_uses: Mapping[str, LastUse]) -> RoleDetail:
        """One role."""
        used = last_uses.get(role.id)
        return RoleDetail(
            path=role.path,
            role_name=role.name,
            role_id=role.id,
            arn=holder_arn(self._account, role, self._partition),
            create_date=role.created_at,
            assume_role_policy_document=self._trust(role),
            instance_profile_list=self._profiles(role),
            role_policy_list=_inline(role),
            attached_managed_policies=self._attached(role),
            permissions_boundary=boundary_shown(self._state, self._account, role, self._partition),
            tags=role.tags,
            role_last_used=RoleLastUsed() if used is None else RoleLastUsed(used.at, used.region or None),
        )

    def policy(self, policy: ManagedPolicy) -> PolicyDetail:
        """One managed policy."""
        return PolicyDetail(
            policy_name=policy.name,
            policy_id=policy.id,
            arn=policy.arn(self._partition),
            path=policy.path,
            default_version_id=f"v{policy.default}",
            attachment_count=self.attached[policy.id],
            permissions_boundary_usage_count=self.bounding[policy.id],
            is_attachable=not policy.retired,
            description=policy.description or None,
            create_date=policy.created_at,
            update_date=policy.updated_at,
            policy_version_list=tuple(
                VersionDetail(
                    document=_on_the_wire(policy.text_in(self._partition, version.document)),
                    version_id=f"v{version.number}",
                    is_default_version=version.number == policy.default,
                    create_date=version.created_at,
                )
                for version in sorted(policy.versions, key=lambda version: -version.number)
            ),
        )

    def _attached(self, holder: Holder) -> tuple[AttachedShown, ...]:
        held = (self._state.managed(self._account, policy_id) for policy_id in holder.attached)
        return tuple(AttachedShown(policy.name, policy.arn(self._partition)) for policy in held)

    def _trust(self, role: Role) -> str:
        return _on_the_wire(shown_trust(self._state, self._account, role, self._partition))

    def _profiles(self, role: Role) -> tuple[ProfileDetail, ...]:
        inside = RoleInProfile(
            path=role.path,
            role_name=role.name,
            role_id=role.id,
            arn=holder_arn(self._account, role, self._partition),
            create_date=role.created_at,
            assume_role_policy_document=self._trust(role),
        )
        return tuple(
            ProfileDetail(
                path=profile.path,
                instance_profile_name=profile.name,
                instance_profile_id=profile.id,
                arn=f"arn:{self._partition}:iam::{self._account.id}:instance-profile{profile.path}{profile.name}",
                create_date=profile.created_at,
                roles=(inside,),
            )
            for profile in self._account.profiles_with(role.id)
        )


def _inline(holder: Holder) -> tuple[InlineShown, ...]:
    return tuple(InlineShown(policy.name, _on_the_wire(policy.document)) for policy in holder.inline)


def _on_the_wire(document: str) -> str:
    return quote(document, safe="")
