"""Users, groups and roles named by ARN, as the operations that ask about somebody's policies name them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from authority.access.applicable import holder_arn
from authority.access.call import Call
from authority.access.context import Context
from authority.access.naming import account_of
from authority.access.tagging import resource_tags
from authority.kernel.arn import ACCOUNT_ID, Arn, parse
from authority.kernel.refusal import Reason, Refusal
from authority.model.account import Account
from authority.model.holders import Holder
from authority.model.state import State
from authority.permissions.holding import KINDS

UNREADABLE: Final = Refusal(Reason.VALIDATION_ERROR, "Invalid ARN:  Could not be parsed!")


def identity_arn(text: str) -> Arn | Refusal:
    """*text* as the ARN of a user, group or role, whether or not there is one."""
    arn = parse(text)
    if arn is None:
        return UNREADABLE
    known = arn.kind in {kind.lower for kind in KINDS} and "/" in arn.resource and arn.name
    if arn.service != "iam" or arn.region or not known or ACCOUNT_ID.fullmatch(arn.account) is None:
        text = f"Invalid Entity Arn: {text} does not clearly define entity type and name."
        return Refusal(Reason.INVALID_INPUT, text)
    return arn


def identity_named(account: Account, text: str, partition: str) -> Holder | Refusal:
    """The user, group or role of *account* that an ARN names, with path and all."""
    arn = identity_arn(text)
    if isinstance(arn, Refusal):
        return arn
    kind = next(kind for kind in KINDS if kind.lower == arn.kind)
    found = kind.find(account, arn.name)
    if found is None or holder_arn(account, found, partition) != text:
        return Refusal(Reason.NO_SUCH_ENTITY, f"The {kind.lower} with name {arn.name} cannot be found.")
    return found


def worn_by(arn_of: Callable[[Any], str]) -> Callable[[State, Call[Any]], Context]:
    """The condition keys of the tags that the identity carries which a call names."""

    def context(state: State, call: Call[Any]) -> Context:
        found = identity_named(account_of(state, call), arn_of(call.input), call.partition)
        return resource_tags(() if isinstance(found, Refusal) else found.tags)

    return context
