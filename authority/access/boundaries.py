"""Permissions boundaries as requests name them, as conditions see them, and as answers show them.

A boundary gives nothing: it limits what identity policies can give (IAM User Guide, Permissions boundaries).
"""

from __future__ import annotations

from typing import Final

import msgspec

from authority.access.applicable import policy_by_arn
from authority.access.context import Context
from authority.kernel.arn import parse
from authority.kernel.ids import PolicyId
from authority.kernel.refusal import Reason, Refusal
from authority.model.account import Account
from authority.model.holders import Holder
from authority.model.state import State

KEY: Final = "iam:permissionsboundary"


class AttachedBoundary(msgspec.Struct, frozen=True, rename="pascal"):
    """A boundary on the wire (IAM API, AttachedPermissionsBoundary).

    The model's only word for its type is `PermissionsBoundaryPolicy`; AWS was recorded to answer `Policy`, as the text
    of its API says.
    """

    permissions_boundary_arn: str
    permissions_boundary_type: str = "Policy"


def boundary_wanted(state: State, account: Account, text: str, partition: str) -> PolicyId | Refusal | None:
    """The managed policy that the ARN *text* names, if it can be a boundary in *account*; None when it is empty."""
    if not text:
        return None
    arn = parse(text)
    if arn is None or arn.service != "iam" or arn.kind != "policy":
        return Refusal(Reason.INVALID_INPUT, f"ARN {text} is not valid.")
    policy = policy_by_arn(state, account, text, partition)
    if policy is None or policy.retired:
        return Refusal(Reason.NO_SUCH_ENTITY, f"Scope ARN: {text} does not exist or is not attachable.")
    return policy.id


def boundary_in_request(text: str) -> Context:
    """The condition key of a request that brings the boundary *text*; none when it brings none."""
    return {KEY: text} if text else {}


def boundary_worn(state: State, account: Account, holder: Holder | None, partition: str) -> Context:
    """The condition key of the boundary that somebody has; none when there is none."""
    arn = boundary_arn(state, account, holder, partition)
    return {} if arn is None else {KEY: arn}


def boundary_arn(state: State, account: Account, holder: Holder | None, partition: str) -> str | None:
    """The ARN of the boundary that somebody has."""
    if holder is None or holder.boundary is None:
        return None
    return state.managed(account, holder.boundary).arn(partition)


def boundary_shown(state: State, account: Account, holder: Holder, partition: str) -> AttachedBoundary | None:
    """The boundary that somebody has, as answers show it."""
    arn = boundary_arn(state, account, holder, partition)
    return None if arn is None else AttachedBoundary(arn)
