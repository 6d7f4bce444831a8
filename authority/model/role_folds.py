"""How the facts about roles, and about the profiles that hand them to machines, change what an account holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from authority.kernel.tags import merged, without
from authority.model import instance_profiles as profiles
from authority.model import roles
from authority.model.account import Account
from authority.model.fact import AccountFact
from authority.model.instance_profiles import InstanceProfile
from authority.model.roles import Role

REMEMBERED: Final = 100
"""Deletions of service-linked roles that an account remembers."""

_replace = msgspec.structs.replace


def _created(account: Account, fact: roles.RoleCreated, at: datetime) -> Account:
    return account.with_role(
        Role(
            id=fact.role_id,
            name=fact.name,
            path=fact.path,
            created_at=at,
            trust=fact.trust,
            description=fact.description,
            max_session_duration=fact.max_session_duration,
            tags=fact.tags,
            linked_to=fact.linked_to,
        )
    )


def _trust_updated(account: Account, fact: roles.RoleTrustUpdated, _: datetime) -> Account:
    return account.with_role(_replace(account.roles[fact.role_id], trust=fact.trust))


def _updated(account: Account, fact: roles.RoleUpdated, _: datetime) -> Account:
    changes = {"description": fact.description, "max_session_duration": fact.max_session_duration}
    return account.with_role(_replace(account.roles[fact.role_id], **changes))


def _deleted(account: Account, fact: roles.RoleDeleted, _: datetime) -> Account:
    return account.without_role(fact.role_id)


def _linked_deleted(account: Account, fact: roles.LinkedRoleDeleted, _: datetime) -> Account:
    remembered = (*account.linked_role_deletions, fact.task)[-REMEMBERED:]
    return _replace(account.without_role(fact.role_id), linked_role_deletions=remembered)


def _profile_created(account: Account, fact: profiles.InstanceProfileCreated, at: datetime) -> Account:
    return account.with_instance_profile(
        InstanceProfile(id=fact.profile_id, name=fact.name, path=fact.path, created_at=at, tags=fact.tags)
    )


def _profile_deleted(account: Account, fact: profiles.InstanceProfileDeleted, _: datetime) -> Account:
    return account.without_instance_profile(fact.profile_id)


def _role_added(account: Account, fact: profiles.RoleAddedToProfile, _: datetime) -> Account:
    return _changing(account, fact.profile_id, lambda profile: _replace(profile, role_id=fact.role_id))


def _role_removed(account: Account, fact: profiles.RoleRemovedFromProfile, _: datetime) -> Account:
    return _changing(account, fact.profile_id, lambda profile: _replace(profile, role_id=None))


def _profile_tagged(account: Account, fact: profiles.InstanceProfileTagged, _: datetime) -> Account:
    return _changing(
        account,
        fact.profile_id,
        lambda profile: _replace(profile, tags=merged(profile.tags, fact.tags, ignore_case=False)),
    )


def _profile_untagged(account: Account, fact: profiles.InstanceProfileUntagged, _: datetime) -> Account:
    return _changing(
        account,
        fact.profile_id,
        lambda profile: _replace(profile, tags=without(profile.tags, fact.keys, ignore_case=False)),
    )


def _changing(account: Account, profile_id: str, change: Callable[[InstanceProfile], InstanceProfile]) -> Account:
    return account.with_instance_profile(change(account.instance_profiles[profile_id]))


FOLDS: Final[Mapping[type[AccountFact], Callable[[Account, Any, datetime], Account]]] = {
    roles.RoleCreated: _created,
    roles.RoleTrustUpdated: _trust_updated,
    roles.RoleUpdated: _updated,
    roles.RoleDeleted: _deleted,
    roles.LinkedRoleDeleted: _linked_deleted,
    profiles.InstanceProfileCreated: _profile_created,
    profiles.InstanceProfileDeleted: _profile_deleted,
    profiles.RoleAddedToProfile: _role_added,
    profiles.RoleRemovedFromProfile: _role_removed,
    profiles.InstanceProfileTagged: _profile_tagged,
    profiles.InstanceProfileUntagged: _profile_untagged,
}
