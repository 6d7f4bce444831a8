"""Instance profiles, which hand a role to a machine: the facts about them and what they are."""

from __future__ import annotations

from datetime import datetime

import msgspec

from authority.kernel.ids import InstanceProfileId, RoleId
from authority.kernel.tags import Tag
from authority.model.fact import AccountFact


class InstanceProfile(msgspec.Struct, frozen=True, kw_only=True):
    """What a machine is given so that it can take a role on.  It holds one role at most."""

    id: InstanceProfileId
    name: str
    path: str
    created_at: datetime
    role_id: RoleId | None = None
    tags: tuple[Tag, ...] = ()


class InstanceProfileCreated(AccountFact, frozen=True, kw_only=True, tag="instance-profile-created"):
    """An account got an instance profile, with no role in it yet."""

    profile_id: InstanceProfileId
    name: str
    path: str
    tags: tuple[Tag, ...] = ()


class InstanceProfileDeleted(AccountFact, frozen=True, kw_only=True, tag="instance-profile-deleted"):
    """An instance profile is gone."""

    profile_id: InstanceProfileId


class RoleAddedToProfile(AccountFact, frozen=True, kw_only=True, tag="role-added-to-profile"):
    """Machines with this profile may take the role on."""

    profile_id: InstanceProfileId
    role_id: RoleId


class RoleRemovedFromProfile(AccountFact, frozen=True, kw_only=True, tag="role-removed-from-profile"):
    """Machines with this profile may take no role on any more."""

    profile_id: InstanceProfileId
    role_id: RoleId


class InstanceProfileTagged(AccountFact, frozen=True, kw_only=True, tag="instance-profile-tagged"):
    """Tags were laid over those of an instance profile; keys keep their case."""

    profile_id: InstanceProfileId
    tags: tuple[Tag, ...]


class InstanceProfileUntagged(AccountFact, frozen=True, kw_only=True, tag="instance-profile-untagged"):
    """Tags were taken off an instance profile."""

    profile_id: InstanceProfileId
    keys: tuple[str, ...]
