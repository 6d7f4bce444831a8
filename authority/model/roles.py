"""Roles: the facts about them and what they are."""

from __future__ import annotations

import msgspec

from authority.kernel.ids import RoleId
from authority.kernel.tags import Tag
from authority.model.fact import AccountFact
from authority.model.holders import Holder


class Trust(msgspec.Struct, frozen=True):
    """A trust policy as written, and the unique id that each principal named in it had at that moment.

    `bound` pairs an ARN with an id; an empty id binds to nothing, and never matches.
    """

    document: str
    bound: tuple[tuple[str, str], ...] = ()


class Role(Holder, frozen=True, kw_only=True):
    """An identity that others may take on for a while, if its trust policy admits them."""

    trust: Trust
    description: str = ""
    max_session_duration: int = 3600
    """Seconds."""
    linked_to: str = ""
    """The service principal that the role belongs to, and that alone may change it; empty for every other role."""


class RoleCreated(AccountFact, frozen=True, kw_only=True, tag="role-created"):
    """An account got a role."""

    role_id: RoleId
    name: str
    path: str
    trust: Trust
    description: str = ""
    max_session_duration: int = 3600
    tags: tuple[Tag, ...] = ()
    linked_to: str = ""


class RoleTrustUpdated(AccountFact, frozen=True, kw_only=True, tag="role-trust-updated"):
    """Others may take the role on now."""

    role_id: RoleId
    trust: Trust


class RoleUpdated(AccountFact, frozen=True, kw_only=True, tag="role-updated"):
    """A role has another description or another longest session."""

    role_id: RoleId
    description: str
    max_session_duration: int


class LinkedRoleDeleted(AccountFact, frozen=True, kw_only=True, tag="linked-role-deleted"):
    """A service's own role is gone; *task* is the name under which its deletion can be asked about."""

    role_id: RoleId
    task: str


class RoleDeleted(AccountFact, frozen=True, kw_only=True, tag="role-deleted"):
    """A role is gone, and with it every session of it."""

    role_id: RoleId
