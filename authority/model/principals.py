"""Users, groups and access keys: the facts about them and what they are."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Final

import msgspec

from authority.kernel.ids import AccessKeyId, AccountId, GroupId, UserId
from authority.kernel.tags import Tag
from authority.model.attempts import NONE, Attempts
from authority.model.fact import AccountFact
from authority.model.holders import Holder
from authority.model.passwords import LoginProfile

ACCESS_KEY_PURPOSE: Final = "access-key"
"""What the secrets of access keys are sealed for."""


class User(Holder, frozen=True, kw_only=True):
    """A person or program with long-term credentials of its own."""

    groups: tuple[GroupId, ...] = ()
    login: LoginProfile | None = None
    password_attempts: Attempts = NONE


class Group(Holder, frozen=True, kw_only=True):
    """A set of users that policies can be given to at once.  Never a principal."""


class KeyStatus(enum.StrEnum):
    """Whether an access key may be used; a deleted key's id stays known for ever."""

    ACTIVE = "Active"
    INACTIVE = "Inactive"
    DELETED = "Deleted"


class AccessKey(msgspec.Struct, frozen=True, kw_only=True):
    """A long-term credential.  *owner* is a user's unique id, or the account id for the root."""

    id: AccessKeyId
    account: AccountId
    owner: str
    status: KeyStatus
    created_at: datetime


class UserCreated(AccountFact, frozen=True, kw_only=True, tag="user-created"):
    """An account got a user."""

    user_id: UserId
    name: str
    path: str
    tags: tuple[Tag, ...] = ()


class UserDeleted(AccountFact, frozen=True, kw_only=True, tag="user-deleted"):
    """A user is gone; one of the same name will be a stranger."""

    user_id: UserId


class GroupCreated(AccountFact, frozen=True, kw_only=True, tag="group-created"):
    """An account got a group."""

    group_id: GroupId
    name: str
    path: str


class GroupDeleted(AccountFact, frozen=True, kw_only=True, tag="group-deleted"):
    """A group is gone."""

    group_id: GroupId


class GroupJoined(AccountFact, frozen=True, kw_only=True, tag="group-joined"):
    """A user was added to a group."""

    group_id: GroupId
    user_id: UserId


class GroupLeft(AccountFact, frozen=True, kw_only=True, tag="group-left"):
    """A user was removed from a group."""

    group_id: GroupId
    user_id: UserId


class AccessKeyCreated(AccountFact, frozen=True, kw_only=True, tag="access-key-created"):
    """A user, or the root, got a long-term credential.  Its secret is a sealed row beside the log."""

    access_key_id: AccessKeyId
    owner: str


class AccessKeyStatusChanged(AccountFact, frozen=True, kw_only=True, tag="access-key-status-changed"):
    """A key was activated or deactivated."""

    access_key_id: AccessKeyId
    status: KeyStatus


class AccessKeyDeleted(AccountFact, frozen=True, kw_only=True, tag="access-key-deleted"):
    """A key is gone and its secret destroyed; the id will never name another."""

    access_key_id: AccessKeyId


class UserRenamed(AccountFact, frozen=True, kw_only=True, tag="user-renamed"):
    """A user has another name or path, and is the same user."""

    user_id: UserId
    name: str
    path: str


class GroupRenamed(AccountFact, frozen=True, kw_only=True, tag="group-renamed"):
    """A group has another name or path, and is the same group."""

    group_id: GroupId
    name: str
    path: str
