"""sts:GetCallerIdentity - say who is asking."""

from __future__ import annotations

from typing import Any

import msgspec

from authority.access.action import Decision, Facts, action
from authority.access.call import Call
from authority.access.context import user_id
from authority.model.state import State


class GetCallerIdentity(msgspec.Struct, frozen=True):
    """Nothing needs to be said."""


class CallerIdentity(msgspec.Struct, frozen=True, rename="pascal"):
    """Who the caller is: unique id, account, ARN."""

    user_id: str
    account: str
    arn: str


@action("sts:GetCallerIdentity", resource=None)
def get_caller_identity(_state: State, call: Call[GetCallerIdentity], _facts: Facts) -> Decision:
    """Say who the caller is.  No policy can forbid it (STS API, GetCallerIdentity)."""
    principal = call.caller.principal
    answer: Any = CallerIdentity(user_id(call.caller), principal.account, principal.arn)
    return Decision(answer=answer, subject=principal.arn)
