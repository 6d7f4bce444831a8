"""Access keys of users and of the root: made, listed, turned on and off, deleted (IAM API, access key actions).

A secret is answered once, by the call that makes it; after that only the vault has it.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from authority.access.action import Decision, Facts, NewSecret, action, refuse
from authority.access.call import Call
from authority.access.listing import Listing, listed
from authority.access.naming import account_of
from authority.kernel.ids import LONG_TERM_KEY, AccessKeyId
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.secret import Secret
from authority.model.account import Account
from authority.model.principals import (
    ACCESS_KEY_PURPOSE,
    AccessKey,
    AccessKeyCreated,
    AccessKeyDeleted,
    AccessKeyStatusChanged,
    KeyStatus,
    User,
)
from authority.model.state import State
from authority.principals.naming import user_or_caller, user_or_caller_arn, worn_by_user


class NewAccessKey(msgspec.Struct, frozen=True, rename="pascal", kw_only=True):
    """An access key with its secret, which nobody sees again (IAM API, AccessKey).  The root has no name."""

    user_name: str | None
    access_key_id: str
    status: str
    secret_access_key: Secret
    create_date: datetime


class CreatedAccessKey(msgspec.Struct, frozen=True, rename="pascal"):
    """The answer to CreateAccessKey."""

    access_key: NewAccessKey


class AccessKeyMetadata(msgspec.Struct, frozen=True, rename="pascal", kw_only=True):
    """An access key as listings show it (IAM API, AccessKeyMetadata)."""

    user_name: str | None
    access_key_id: str
    status: str
    create_date: datetime


class CreateAccessKey(msgspec.Struct, frozen=True, rename="pascal"):
    """Whose key; without a name, who asks."""

    user_name: str = ""


@action("iam:CreateAccessKey", resource=user_or_caller_arn, conditions=worn_by_user)
def create_access_key(state: State, call: Call[CreateAccessKey], facts: Facts) -> Decision:
    """Make an access key, two at most, and say its secret this once (IAM API, CreateAccessKey)."""
    account = account_of(state, call)
    owner = user_or_caller(account, call)
    if isinstance(owner, Refusal):
        return Decision(answer=owner)
    most = account.quota("AccessKeysPerUserQuota")
    if len(state.keys_of(owner.id)) >= most:
        return refuse(Reason.LIMIT_EXCEEDED, f"Cannot exceed quota for AccessKeysPerUser: {most}")
    key_id, secret = AccessKeyId(facts.new_id(LONG_TERM_KEY)), facts.new_secret_key()
    answer = NewAccessKey(
        user_name=_name_of(owner),
        access_key_id=key_id,
        status=KeyStatus.ACTIVE,
        secret_access_key=secret,
        create_date=facts.now,
    )
    return Decision(
        facts=(AccessKeyCreated(account=account.id, access_key_id=key_id, owner=owner.id),),
        answer=CreatedAccessKey(answer),
        secrets=(NewSecret(key_id, ACCESS_KEY_PURPOSE, secret),),
    )


def _name_of(owner: User | Account) -> str | None:
    return owner.name if isinstance(owner, User) else None


class AccessKeys(msgspec.Struct, frozen=True, rename="pascal"):
    """A page of access keys."""

    access_key_metadata: tuple[AccessKeyMetadata, ...]
    is_truncated: bool
    marker: str | None = None


class ListAccessKeys(Listing, frozen=True):
    """Whose keys; without a name, those of who asks."""

    user_name: str = ""


@action("iam:ListAccessKeys", resource=user_or_caller_arn, conditions=worn_by_user)
def list_access_keys(state: State, call: Call[ListAccessKeys], _facts: Facts) -> Decision:
    """List the access keys of a user, by id (IAM API, ListAccessKeys)."""
    owner = user_or_caller(account_of(state, call), call)
    if isinstance(owner, Refusal):
        return Decision(answer=owner)
    name = _name_of(owner)
    keys = [
        AccessKeyMetadata(user_name=name, access_key_id=key.id, status=key.status, create_date=key.created_at)
        for key in state.keys_of(owner.id)
    ]
    return listed(
        call,
        f"iam:ListAccessKeys|{owner.id}",
        lambda _: keys,
        lambda key: key.access_key_id,
        lambda page: AccessKeys(page.items, page.is_truncated, page.marker),
    )


def _named_key(state: State, call: Call[UpdateAccessKey] | Call[DeleteAccessKey]) -> AccessKey | Refusal:
    owner = user_or_caller(account_of(state, call), call)
    if isinstance(owner, Refusal):
        return owner
    key = state.access_keys.get(call.input.access_key_id)
    if key is None or key.owner != owner.id or key.status is KeyStatus.DELETED:
        text = f"The Access Key with id {call.input.access_key_id} cannot be found."
        return Refusal(Reason.NO_SUCH_ENTITY, text)
    return key


class UpdateAccessKey(msgspec.Struct, frozen=True, rename="pascal", kw_only=True):
    """Which key, and whether it may be used from now on."""

    access_key_id: str
    status: str
    user_name: str = ""


@action("iam:UpdateAccessKey", resource=user_or_caller_arn, conditions=worn_by_user)
def update_access_key(state: State, call: Call[UpdateAccessKey], _facts: Facts) -> Decision:
    """Turn an access key on or off, from the next request on (IAM API, UpdateAccessKey)."""
    key = _named_key(state, call)
    if isinstance(key, Refusal):
        return Decision(answer=key)
    if call.input.status not in (KeyStatus.ACTIVE, KeyStatus.INACTIVE):
        return refuse(Reason.INVALID_INPUT, f"An access key cannot be made {call.input.status}.")
    status = KeyStatus(call.input.status)
    if status is key.status:
        return Decision()
    return Decision(facts=(AccessKeyStatusChanged(account=key.account, access_key_id=key.id, status=status),))


class DeleteAccessKey(msgspec.Struct, frozen=True, rename="pascal", kw_only=True):
    """Which key to delete."""

    access_key_id: str
    user_name: str = ""


@action("iam:DeleteAccessKey", resource=user_or_caller_arn, conditions=worn_by_user)
def delete_access_key(state: State, call: Call[DeleteAccessKey], _facts: Facts) -> Decision:
    """Delete an access key, and its secret with it (IAM API, DeleteAccessKey)."""
    key = _named_key(state, call)
    if isinstance(key, Refusal):
        return Decision(answer=key)
    return Decision(facts=(AccessKeyDeleted(account=key.account, access_key_id=key.id),), dropped=(key.id,))
