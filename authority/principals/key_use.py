"""When an access key was last used: read from the log, so that using a key writes nothing more than its entry."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from authority.access.action import Decision, Facts, action, refuse
from authority.access.applicable import holder_arn
from authority.access.call import Call
from authority.access.context import Context
from authority.access.naming import account_of, iam_arn
from authority.access.tagging import resource_tags
from authority.audit import queries
from authority.audit.answers import LastUse
from authority.kernel.refusal import Reason
from authority.model.principals import AccessKey, KeyStatus, User
from authority.model.state import State

NEVER: Final = "N/A"
"""The service and region of a key that was never used (IAM API, AccessKeyLastUsed)."""


class GetAccessKeyLastUsed(msgspec.Struct, frozen=True, rename="pascal"):
    """Which key."""

    access_key_id: str


class LastUseShown(msgspec.Struct, frozen=True, rename="pascal"):
    """When, for which service and where (IAM API, AccessKeyLastUsed)."""

    service_name: str
    region: str
    last_used_date: datetime | None = None


class LastUsedAnswer(msgspec.Struct, frozen=True, rename="pascal"):
    """Whose key it is, and its last use.  The root has no name."""

    user_name: str | None
    access_key_last_used: LastUseShown


def _own_key(state: State, call: Call[GetAccessKeyLastUsed]) -> AccessKey | None:
    key = state.access_keys.get(call.input.access_key_id)
    if key is None or key.account != call.caller.account or key.status is KeyStatus.DELETED:
        return None
    return key


def _owner(state: State, call: Call[GetAccessKeyLastUsed]) -> User | None:
    key = _own_key(state, call)
    return None if key is None else account_of(state, call).users.get(key.owner)


def _owner_arn(state: State, call: Call[GetAccessKeyLastUsed]) -> str:
    owner = _owner(state, call)
    if owner is not None:
        return holder_arn(account_of(state, call), owner, call.partition)
    return iam_arn(call, "user/" if _own_key(state, call) is None else "root")


def _worn(state: State, call: Call[GetAccessKeyLastUsed]) -> Context:
    owner = _owner(state, call)
    return {} if owner is None else resource_tags(owner.tags)


@action("iam:GetAccessKeyLastUsed", resource=_owner_arn, conditions=_worn)
def get_access_key_last_used(state: State, call: Call[GetAccessKeyLastUsed], _facts: Facts) -> Decision:
    """Say when a key was last used (IAM API, GetAccessKeyLastUsed).

    A key of another account and one that nobody has answer alike.
    """
    key = _own_key(state, call)
    if key is None:
        who, which = call.caller.principal.arn, call.input.access_key_id
        text = f"User: {who} is not authorized to perform iam:GetAccessKeyLastUsed on resource: access key {which}"
        return refuse(Reason.ACCESS_DENIED, text)
    owner = _owner(state, call)
    name = None if owner is None else owner.name

    def shape(use: LastUse | None) -> LastUsedAnswer:
        if use is None:
            return LastUsedAnswer(name, LastUseShown(NEVER, NEVER))
        return LastUsedAnswer(name, LastUseShown(use.service, use.region, use.at))

    return Decision(query=queries.AccessKeyLastUsed(access_key_id=key.id, shape=shape))
