"""Roles: made, shown, changed, and deleted once nothing hangs on them (IAM API, role actions)."""

from __future__ import annotations

from typing import Final

import msgspec

from authority.access.action import Decision, Facts, action, refuse
from authority.access.boundaries import boundary_in_request, boundary_wanted
from authority.access.call import Call
from authority.access.context import Context
from authority.access.listing import PathListing, listed
from authority.access.naming import account_of, iam_arn, linked_role_protected, listing
from authority.access.tagging import QUOTA, request_tags, tags_refused
from authority.audit import queries
from authority.kernel.ids import ROLE, AccountId, RoleId
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.tags import Tag
from authority.model.account import Account
from authority.model.boundaries import BoundarySet
from authority.model.roles import Role, RoleCreated, RoleDeleted, RoleTrustUpdated, RoleUpdated
from authority.model.state import State
from authority.roles import trust
from authority.roles.showing import (
    LINKED,
    RoleAnswer,
    RoleDetail,
    as_created,
    as_described,
    as_listed,
    changed_role,
    last_used,
    named_role,
    no_role,
    whole,
)

HOUR: Final = 3600


class CreateRole(msgspec.Struct, frozen=True, rename="pascal"):
    """What a new role shall be."""

    role_name: str
    assume_role_policy_document: str
    path: str = "/"
    description: str = ""
    max_session_duration: int = HOUR
    permissions_boundary: str = ""
    tags: tuple[Tag, ...] = ()


def _new_role_arn(_state: State, call: Call[CreateRole]) -> str:
    return iam_arn(call, f"role{call.input.path}{call.input.role_name}")


def _new_role(_state: State, call: Call[CreateRole]) -> Context:
    return {**request_tags(call.input.tags), **boundary_in_request(call.input.permissions_boundary)}


@action("iam:CreateRole", resource=_new_role_arn, conditions=_new_role, tagging="iam:TagRole")
def create_role(state: State, call: Call[CreateRole], facts: Facts) -> Decision:
    """Make a role (IAM API, CreateRole)."""
    account, wanted = account_of(state, call), call.input
    refused = tags_refused(wanted.tags, most=account.quota(QUOTA))
    if refused is not None:
        return Decision(answer=refused)
    if wanted.path.startswith(LINKED):
        return refuse(Reason.INVALID_INPUT, f"Only service-linked roles lie under {LINKED}.")
    if account.role_named(wanted.role_name) is not None:
        text = f"Role with name {wanted.role_name} already exists."
        return refuse(Reason.ENTITY_ALREADY_EXISTS, text)
    most = account.quota("RolesQuota")
    if len(account.roles) >= most:
        return refuse(Reason.LIMIT_EXCEEDED, f"Cannot exceed quota for RolesPerAccount: {most}")
    trusted = trust.written(state, account, wanted.assume_role_policy_document, call.partition)
    if isinstance(trusted, Refusal):
        return Decision(answer=trusted)
    boundary = boundary_wanted(state, account, wanted.permissions_boundary, call.partition)
    if isinstance(boundary, Refusal):
        return Decision(answer=boundary)
    role_id = RoleId(facts.new_id(ROLE))
    made = RoleCreated(
        account=account.id,
        role_id=role_id,
        name=wanted.role_name,
        path=wanted.path,
        trust=trusted,
        description=wanted.description,
        max_session_duration=wanted.max_session_duration,
        tags=wanted.tags,
    )
    role = Role(
        id=made.role_id,
        name=made.name,
        path=made.path,
        created_at=facts.now,
        trust=made.trust,
        tags=made.tags,
        boundary=boundary,
    )
    limited = () if boundary is None else (BoundarySet(account=account.id, holder=role_id, policy_id=boundary),)
    answer = RoleAnswer(as_created(state, account, role, call.partition))
    remarks = trust.warnings(wanted.assume_role_policy_document)
    return Decision(facts=(made, *limited), answer=answer, warnings=remarks)


class GetRole(msgspec.Struct, frozen=True, rename="pascal"):
    """Which role."""

    role_name: str


@action("iam:GetRole", resource=named_role, conditions=changed_role)
def get_role(state: State, call: Call[GetRole], _facts: Facts) -> Decision:
    """Show all of a role (IAM API, GetRole)."""
    account = account_of(state, call)
    role = account.role_named(call.input.role_name)
    if role is None:
        return no_role(call.input.role_name)
    shown = whole(state, account, role, call.partition)
    return Decision(query=queries.RoleLastUsed(role_id=role.id, shape=lambda use: last_used(shown, use)))


class Roles(msgspec.Struct, frozen=True, rename="pascal"):
    """A page of roles."""

    roles: tuple[RoleDetail, ...]
    is_truncated: bool
    marker: str | None = None


class ListRoles(PathListing, frozen=True):
    """Which roles to list."""


@action("iam:ListRoles", resource=listing("role"))
def list_roles(_state: State, call: Call[ListRoles], _facts: Facts) -> Decision:
    """List the roles of the account under a path, by name (IAM API, ListRoles)."""
    prefix, account_id = call.input.path_prefix, call.caller.account

    def items(state: State) -> list[tuple[State, Role]]:
        roles = state.accounts[account_id].roles.values()
        return [(state, role) for role in roles if role.path.startswith(prefix)]

    def shown(found: tuple[State, Role]) -> RoleDetail:
        state, role = found
        return as_listed(state, state.accounts[account_id], role, call.partition)

    return listed(
        call,
        f"iam:ListRoles|{prefix}",
        items,
        lambda found: found[1].name.lower(),
        lambda page: Roles(tuple(map(shown, page.items)), page.is_truncated, page.marker),
    )


class UpdateRole(msgspec.Struct, frozen=True, rename="pascal"):
    """Which role, and what it shall be; what is not given stays as it is."""

    role_name: str
    description: str | None = None
    max_session_duration: int | None = None


@action("iam:UpdateRole", resource=named_role, conditions=changed_role)
def update_role(state: State, call: Call[UpdateRole], _facts: Facts) -> Decision:
    """Set a role's longest session, its description, or both (IAM API, UpdateRole)."""
    account, wanted = account_of(state, call), call.input
    role = account.role_named(wanted.role_name)
    if role is None:
        return no_role(wanted.role_name)
    description = role.description if wanted.description is None else wanted.description
    duration = role.max_session_duration if wanted.max_session_duration is None else wanted.max_session_duration
    protected = linked_role_protected(role)
    if protected is not None and duration != role.max_session_duration:
        # Anybody who may can describe such a role; nothing else of it changes.
        return Decision(answer=protected)
    return Decision(facts=(_updated(account.id, role, description, duration),))


class UpdateRoleDescription(msgspec.Struct, frozen=True, rename="pascal"):
    """Which role, and its description."""

    role_name: str
    description: str


@action("iam:UpdateRoleDescription", resource=named_role, conditions=changed_role)
def update_role_description(state: State, call: Call[UpdateRoleDescription], _facts: Facts) -> Decision:
    """Describe a role anew, and show it (IAM API, UpdateRoleDescription)."""
    account, wanted = account_of(state, call), call.input
    role = account.role_named(wanted.role_name)
    if role is None:
        return no_role(wanted.role_name)
    described = msgspec.structs.replace(role, description=wanted.description)
    return Decision(
        facts=(_updated(account.id, role, wanted.description, role.max_session_duration),),
        answer=RoleAnswer(as_described(state, account, described, call.partition)),
    )


class UpdateAssumeRolePolicy(msgspec.Struct, frozen=True, rename="pascal"):
    """Which role, and whom it shall trust."""

    role_name: str
    policy_document: str


@action("iam:UpdateAssumeRolePolicy", resource=named_role, conditions=changed_role)
def update_assume_role_policy(state: State, call: Call[UpdateAssumeRolePolicy], _facts: Facts) -> Decision:
    """Write a role's trust policy anew (IAM API, UpdateAssumeRolePolicy)."""
    account, wanted = account_of(state, call), call.input
    role = account.role_named(wanted.role_name)
    if role is None:
        return no_role(wanted.role_name)
    protected = linked_role_protected(role)
    if protected is not None:
        return Decision(answer=protected)
    trusted = trust.written(state, account, wanted.policy_document, call.partition)
    if isinstance(trusted, Refusal):
        return Decision(answer=trusted)
    updated = RoleTrustUpdated(account=account.id, role_id=RoleId(role.id), trust=trusted)
    return Decision(facts=(updated,), warnings=trust.warnings(wanted.policy_document))


class DeleteRole(msgspec.Struct, frozen=True, rename="pascal"):
    """Which role to delete."""

    role_name: str


@action("iam:DeleteRole", resource=named_role, conditions=changed_role)
def delete_role(state: State, call: Call[DeleteRole], _facts: Facts) -> Decision:
    """Delete a role on which nothing hangs any more; its sessions end at once (IAM API, DeleteRole)."""
    account = account_of(state, call)
    role = account.role_named(call.input.role_name)
    if role is None:
        return no_role(call.input.role_name)
    protected = linked_role_protected(role)
    if protected is not None:
        return Decision(answer=protected)
    hindrance = _hindrance(account, role)
    if hindrance:
        return refuse(Reason.DELETE_CONFLICT, f"Cannot delete entity, must {hindrance} first.")
    return Decision(facts=(RoleDeleted(account=account.id, role_id=RoleId(role.id)),))


def _updated(account_id: AccountId, role: Role, description: str, duration: int) -> RoleUpdated:
    return RoleUpdated(
        account=account_id, role_id=RoleId(role.id), description=description, max_session_duration=duration
    )


def _hindrance(account: Account, role: Role) -> str:
    if account.profiles_with(role.id):
        return "remove roles from instance profile"
    if role.attached:
        return "detach all policies"
    if role.inline:
        return "delete policies"
    return ""
