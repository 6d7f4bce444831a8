"""Service-linked roles: they belong to a service, which alone may take them on and change them (IAM User Guide)."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec

from authority.access.action import Decision, Facts, action, refuse
from authority.access.call import Call
from authority.access.naming import account_of, iam_arn
from authority.kernel.ids import ROLE, RoleId
from authority.kernel.refusal import Reason
from authority.model.roles import LinkedRoleDeleted, Role, RoleCreated, Trust
from authority.model.state import State
from authority.roles.linked_services import SERVICES
from authority.roles.showing import LINKED, RoleAnswer, as_created, named_role, no_role, worn_by_role

LONGEST_NAME: Final = 64
TASK: Final = f"task{LINKED}"
"""How the names of deletions begin; the service, the role's name and something unique follow."""


class CreateServiceLinkedRole(msgspec.Struct, frozen=True, rename="pascal"):
    """Which service shall have a role of its own."""

    aws_service_name: str = msgspec.field(name="AWSServiceName")
    description: str = ""
    custom_suffix: str = ""


def _name(wanted: CreateServiceLinkedRole) -> str:
    service = SERVICES.get(wanted.aws_service_name)
    # An unknown service has no role; its ARN is only ever refused.
    name = "AWSServiceRole" if service is None else service.role_name
    return f"{name}_{wanted.custom_suffix}" if wanted.custom_suffix else name


def _new_arn(_state: State, call: Call[CreateServiceLinkedRole]) -> str:
    return iam_arn(call, f"role{LINKED}{call.input.aws_service_name}/{_name(call.input)}")


@action(
    "iam:CreateServiceLinkedRole",
    resource=_new_arn,
    conditions=lambda _, call: {"iam:awsservicename": call.input.aws_service_name},
)
def create_service_linked_role(state: State, call: Call[CreateServiceLinkedRole], facts: Facts) -> Decision:
    """Make the role of a service, which that service alone is trusted with (IAM API, CreateServiceLinkedRole)."""
    account, wanted = account_of(state, call), call.input
    service = SERVICES.get(wanted.aws_service_name)
    if service is None:
        text = f"The service {wanted.aws_service_name} is not known to have service-linked roles."
        return refuse(Reason.INVALID_INPUT, text)
    if wanted.custom_suffix and not service.suffixed:
        return refuse(Reason.INVALID_INPUT, f"Custom suffix is not allowed for {wanted.aws_service_name}")
    name = _name(wanted)
    if len(name) > LONGEST_NAME:
        return refuse(Reason.INVALID_INPUT, f"The role name {name} is longer than {LONGEST_NAME} characters.")
    if account.role_named(name) is not None:
        text = f"Service role name {name} has been taken in this account, please try a different suffix."
        return refuse(Reason.INVALID_INPUT, text)
    most = account.quota("RolesQuota")
    if len(account.roles) >= most:
        return refuse(Reason.LIMIT_EXCEEDED, f"Cannot exceed quota for RolesPerAccount: {most}")
    made = RoleCreated(
        account=account.id,
        role_id=RoleId(facts.new_id(ROLE)),
        name=name,
        path=f"{LINKED}{service.principal}/",
        trust=Trust(_trusting(service.principal)),
        description=wanted.description,
        linked_to=service.principal,
    )
    role = Role(id=made.role_id, name=name, path=made.path, created_at=facts.now, trust=made.trust)
    return Decision(facts=(made,), answer=RoleAnswer(as_created(state, account, role, call.partition)))


def _trusting(principal: str) -> str:
    statement = {"Action": ["sts:AssumeRole"], "Effect": "Allow", "Principal": {"Service": [principal]}}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))


class DeleteServiceLinkedRole(msgspec.Struct, frozen=True, rename="pascal"):
    """Which role to delete."""

    role_name: str


class Deletion(msgspec.Struct, frozen=True, rename="pascal"):
    """The name under which the deletion can be asked about."""

    deletion_task_id: str


@action("iam:DeleteServiceLinkedRole", resource=named_role, conditions=worn_by_role)
def delete_service_linked_role(state: State, call: Call[DeleteServiceLinkedRole], facts: Facts) -> Decision:
    """Delete a service's role with all that hangs on it; it is done at once (IAM API, DeleteServiceLinkedRole)."""
    account = account_of(state, call)
    role = account.role_named(call.input.role_name)
    if role is None or not role.linked_to:
        return no_role(call.input.role_name)
    task = f"{TASK}{role.linked_to}/{role.name}/{facts.draw(16).hex()}"
    gone = LinkedRoleDeleted(account=account.id, role_id=RoleId(role.id), task=task)
    return Decision(facts=(gone,), answer=Deletion(task))


class GetServiceLinkedRoleDeletionStatus(msgspec.Struct, frozen=True, rename="pascal"):
    """Which deletion."""

    deletion_task_id: str


class DeletionStatus(msgspec.Struct, frozen=True, rename="pascal"):
    """How far a deletion is."""

    status: str


def _role_of_task(_state: State, call: Call[Any]) -> str:
    task = call.input.deletion_task_id.removeprefix(TASK).rpartition("/")[0]
    return iam_arn(call, f"role{LINKED}{task}")


@action("iam:GetServiceLinkedRoleDeletionStatus", resource=_role_of_task)
def get_service_linked_role_deletion_status(
    state: State, call: Call[GetServiceLinkedRoleDeletionStatus], _facts: Facts
) -> Decision:
    """Say that a deletion is done, as each is at once (IAM API, GetServiceLinkedRoleDeletionStatus)."""
    task = call.input.deletion_task_id
    if not task.startswith(TASK):
        return refuse(Reason.INVALID_INPUT, f"{task} is not the id of a deletion task.")
    if task not in account_of(state, call).linked_role_deletions:
        return refuse(Reason.NO_SUCH_ENTITY, f"The deletion task {task} cannot be found.")
    return Decision(answer=DeletionStatus("SUCCEEDED"))
