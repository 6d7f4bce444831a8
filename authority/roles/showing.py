"""A role as IAM shows it: CreateRole says little, GetRole everything, ListRoles something else (IAM API, Role)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

import msgspec

from authority.access.action import Decision, refuse
from authority.access.applicable import holder_arn
from authority.access.boundaries import AttachedBoundary, boundary_shown, boundary_worn
from authority.access.call import Call
from authority.access.context import Context
from authority.access.naming import account_of, existing
from authority.access.tagging import resource_tags
from authority.access.trusting import shown_trust
from authority.audit.answers import LastUse
from authority.kernel.refusal import Reason
from authority.kernel.tags import Tag
from authority.model.account import Account
from authority.model.roles import Role
from authority.model.state import State

LINKED: Final = "/aws-service-role/"
"""The path of the roles that belong to services."""


class RoleLastUsed(msgspec.Struct, frozen=True, rename="pascal"):
    """When and where a role was last used; empty when it never was."""

    last_used_date: datetime | None = None
    region: str | None = None


class RoleDetail(msgspec.Struct, frozen=True, rename="pascal", kw_only=True):
    """A role on the wire; what an operation leaves out is None."""

    path: str
    role_name: str
    role_id: str
    arn: str
    create_date: datetime
    assume_role_policy_document: str
    description: str | None = None
    max_session_duration: int | None = None
    permissions_boundary: AttachedBoundary | None = None
    tags: tuple[Tag, ...] | None = None
    role_last_used: RoleLastUsed | None = None


class RoleAnswer(msgspec.Struct, frozen=True, rename="pascal"):
    """One role."""

    role: RoleDetail


def as_created(state: State, account: Account, role: Role, partition: str) -> RoleDetail:
    """A role as CreateRole answers it: what IAM added, the trust policy, the boundary and the tags."""
    return RoleDetail(
        path=role.path,
        role_name=role.name,
        role_id=role.id,
        arn=holder_arn(account, role, partition),
        create_date=role.created_at,
        assume_role_policy_document=quote(shown_trust(state, account, role, partition), safe=""),
        permissions_boundary=boundary_shown(state, account, role, partition),
        tags=role.tags or None,
    )


def as_held(state: State, account: Account, role: Role, partition: str) -> RoleDetail:
    """A role as its instance profile shows it: no tags, no boundary, none of its settings."""
    return msgspec.structs.replace(as_created(state, account, role, partition), permissions_boundary=None, tags=None)


def as_described(state: State, account: Account, role: Role, partition: str) -> RoleDetail:
    """A role as UpdateRoleDescription answers it."""
    return msgspec.structs.replace(as_created(state, account, role, partition), description=role.description or None)


def as_listed(state: State, account: Account, role: Role, partition: str) -> RoleDetail:
    """A role as ListRoles answers it: with its settings, without tags, boundary and last use."""
    return msgspec.structs.replace(
        as_created(state, account, role, partition),
        description=role.description or None,
        max_session_duration=role.max_session_duration,
        permissions_boundary=None,
        tags=None,
    )


def whole(state: State, account: Account, role: Role, partition: str) -> RoleDetail:
    """A role as GetRole answers it, but for its last use, which is read from the log."""
    return msgspec.structs.replace(
        as_listed(state, account, role, partition),
        permissions_boundary=boundary_shown(state, account, role, partition),
        tags=role.tags or None,
    )


def last_used(role: RoleDetail, use: LastUse | None) -> RoleAnswer:
    """*role* with its last use (IAM API, RoleLastUsed)."""
    shown = RoleLastUsed() if use is None else RoleLastUsed(use.at, use.region or None)
    return RoleAnswer(msgspec.structs.replace(role, role_last_used=shown))


named_role = existing("role", lambda asked: asked.role_name, Account.role_named)
"""The ARN of the role that the input names."""


def worn_by_role(state: State, call: Call[Any]) -> Context:
    """The condition keys of the tags of the role that the input names."""
    role = account_of(state, call).role_named(call.input.role_name)
    return {} if role is None else resource_tags(role.tags)


def changed_role(state: State, call: Call[Any]) -> Context:
    """The condition keys of an operation that shows or changes what a role is: its tags and its boundary."""
    account = account_of(state, call)
    role = account.role_named(call.input.role_name)
    return {**worn_by_role(state, call), **boundary_worn(state, account, role, call.partition)}


def no_role(name: str) -> Decision:
    """There is no role called *name*."""
    return refuse(Reason.NO_SUCH_ENTITY, f"The role with name {name} cannot be found.")
