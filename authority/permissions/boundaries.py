"""Permissions boundaries of users and roles: set, and taken away (IAM API, Put- and Delete- with PermissionsBoundary).

Both are judged by the boundary that is asked for, or that is there, so that a delegate can be held to one.
"""

from __future__ import annotations

from authority.access.action import Action, Decision, Facts, refuse
from authority.access.boundaries import boundary_in_request, boundary_wanted
from authority.access.call import Call
from authority.access.context import Context
from authority.access.naming import account_of
from authority.kernel.refusal import Reason, Refusal
from authority.model.boundaries import BoundaryRemoved, BoundarySet
from authority.model.state import State
from authority.permissions.holding import ROLE, USER, HolderKind, OfHolder


class PutBoundary(OfHolder, frozen=True, kw_only=True, rename="pascal"):
    """Whom to limit, and the policy that does it."""

    permissions_boundary: str


def _asked_for(call: Call[PutBoundary]) -> Context:
    return boundary_in_request(call.input.permissions_boundary)


def _put(kind: HolderKind) -> Action:
    def put(state: State, call: Call[PutBoundary], _facts: Facts) -> Decision:
        """Let a managed policy limit the holder from here on, its sessions included."""
        account, holder = account_of(state, call), kind.changeable(state, call)
        if isinstance(holder, Refusal):
            return Decision(answer=holder)
        policy_id = boundary_wanted(state, account, call.input.permissions_boundary, call.partition)
        if isinstance(policy_id, Refusal):
            return Decision(answer=policy_id)
        if policy_id is None or holder.boundary == policy_id:
            return Decision()
        return Decision(facts=(BoundarySet(account=account.id, holder=holder.id, policy_id=policy_id),))

    name = f"Put{kind.word}PermissionsBoundary"
    return Action(f"iam:{name}", kind.shape(name, PutBoundary), put, kind.arn, kind.conditions(_asked_for))


class DeleteBoundary(OfHolder, frozen=True, kw_only=True, rename="pascal"):
    """Whose limit to take away."""


def _delete(kind: HolderKind) -> Action:
    def delete(state: State, call: Call[DeleteBoundary], _facts: Facts) -> Decision:
        """Take the limit away, which must be there."""
        account, holder = account_of(state, call), kind.changeable(state, call)
        if isinstance(holder, Refusal):
            return Decision(answer=holder)
        if holder.boundary is None:
            text = f"{kind.word} {holder.name} does not have a permissions boundary."
            return refuse(Reason.NO_SUCH_ENTITY, text)
        return Decision(facts=(BoundaryRemoved(account=account.id, holder=holder.id),))

    name = f"Delete{kind.word}PermissionsBoundary"
    return Action(f"iam:{name}", kind.shape(name, DeleteBoundary), delete, kind.arn, kind.conditions(bounded=True))


put_user_permissions_boundary, put_role_permissions_boundary = map(_put, (USER, ROLE))
delete_user_permissions_boundary, delete_role_permissions_boundary = map(_delete, (USER, ROLE))
