"""A service's own role is made for it, trusts it alone, and is deleted at once."""

from __future__ import annotations

import json
import re
from urllib.parse import unquote

import pytest

from authority.kernel.refusal import Reason
from authority.model import holders
from authority.model import roles as facts
from authority.policy.document import Document, Kind, parse
from authority.roles import linked, roles
from authority.roles.linked_services import SERVICES
from tests.principals.world import ACCOUNT, DANS, IAM, dan_may, refused
from tests.roles.world import World, made

SCALING = "autoscaling.amazonaws.com"


def linking(world: World, service: str = SCALING, **more):
    return world.asks(linked.create_service_linked_role, AWSServiceName=service, **more)


def test_the_role_lies_under_its_service_and_trusts_it_alone():
    world = World()
    role = linking(world, Description="d").role
    assert role.arn == f"{IAM}:role/aws-service-role/{SCALING}/AWSServiceRoleForAutoScaling"
    document = json.loads(unquote(role.assume_role_policy_document))
    assert document["Statement"][0]["Principal"] == {"Service": [SCALING]}
    assert world.asks(roles.get_role, RoleName=role.role_name).role.description == "d"


@pytest.mark.parametrize("service", SERVICES)
def test_every_known_service_gets_a_role_that_can_be_read(service):
    world = World()
    role = linking(world, service).role
    assert re.fullmatch(r"[\w+=,.@-]{1,64}", role.role_name, re.ASCII)
    assert isinstance(parse(unquote(role.assume_role_policy_document), Kind.TRUST), Document)


def test_names_of_roles_are_unique():
    assert len({service.role_name for service in SERVICES.values()}) == len(SERVICES)


@pytest.mark.parametrize(
    ("service", "more", "text"),
    [
        pytest.param(
            "nothing.amazonaws.com",
            {},
            "The service nothing.amazonaws.com is not known to have service-linked roles.",
            id="a service that is not known",
        ),
        pytest.param(
            "ecs.amazonaws.com",
            {"CustomSuffix": "x"},
            "Custom suffix is not allowed for ecs.amazonaws.com",
            id="a suffix that the service has no use for",
        ),
        pytest.param(SCALING, {"CustomSuffix": "x" * 64}, None, id="a name that gets too long"),
    ],
)
def test_what_is_refused(service, more, text):
    assert refused(linking(World(), service, **more), Reason.INVALID_INPUT, text)


def test_a_service_has_one_role_for_each_suffix():
    world = World()
    linking(world)
    text = (
        "Service role name AWSServiceRoleForAutoScaling has been taken in this account, please try a different suffix."
    )
    assert refused(linking(world), Reason.INVALID_INPUT, text)
    assert linking(world, CustomSuffix="blue").role.role_name == "AWSServiceRoleForAutoScaling_blue"


def test_an_account_holds_no_more_roles_than_its_quota():
    many = [
        facts.RoleCreated(account=ACCOUNT, role_id=f"AROA{n}", name=f"r{n}", path="/", trust=facts.Trust("{}"))
        for n in range(999)
    ]
    assert refused(linking(World(*many)), Reason.LIMIT_EXCEEDED)


def test_a_deletion_is_done_at_once_and_can_be_asked_about():
    world = World()
    role = linking(world).role
    world.take(holders.InlinePolicyPut(account=ACCOUNT, holder=role.role_id, name="p", document="{}"))
    task = world.asks(linked.delete_service_linked_role, RoleName=role.role_name).deletion_task_id
    assert task.startswith(f"task/aws-service-role/{SCALING}/{role.role_name}/")
    assert world.account.role_named(role.role_name) is None
    status = world.asks(linked.get_service_linked_role_deletion_status, DeletionTaskId=task)
    assert status.status == "SUCCEEDED"
    assert linking(world).role.role_id != role.role_id


def test_an_account_remembers_its_newest_hundred_deletions():
    world = World()
    tasks = []
    for _ in range(101):
        name = linking(world).role.role_name
        tasks.append(world.asks(linked.delete_service_linked_role, RoleName=name).deletion_task_id)
    first, second = (
        world.asks(linked.get_service_linked_role_deletion_status, DeletionTaskId=task) for task in tasks[:2]
    )
    assert refused(first, Reason.NO_SUCH_ENTITY, f"The deletion task {tasks[0]} cannot be found.")
    assert second.status == "SUCCEEDED"


@pytest.mark.parametrize(
    ("task", "reason"),
    [("task/aws-service-role/x/y/z", Reason.NO_SUCH_ENTITY), ("nonsense", Reason.INVALID_INPUT)],
)
def test_a_deletion_that_never_was(task, reason):
    assert refused(World().asks(linked.get_service_linked_role_deletion_status, DeletionTaskId=task), reason)


def test_only_a_service_s_role_is_deleted_this_way():
    world = World()
    made(world)
    text = "The role with name {} cannot be found."
    for name in ("App", "Nobody"):
        answer = world.asks(linked.delete_service_linked_role, RoleName=name)
        assert refused(answer, Reason.NO_SUCH_ENTITY, text.format(name))


@pytest.mark.parametrize(("service", "allowed"), [(SCALING, True), ("ecs.amazonaws.com", False)])
def test_a_delegate_makes_roles_for_the_services_he_may(service, allowed):
    only = {"Condition": {"StringEquals": {"iam:AWSServiceName": SCALING}}}
    resource = f"{IAM}:role/aws-service-role/*"
    world = World(dan_may({"Action": "iam:CreateServiceLinkedRole", "Resource": resource, **only}))
    answer = linking(world, service, who=DANS)
    assert allowed or refused(answer, Reason.ACCESS_DENIED)


def test_a_delegate_deletes_and_asks_about_the_roles_he_may():
    arn = f"{IAM}:role/aws-service-role/{SCALING}/AWSServiceRoleForAutoScaling"
    actions = ["iam:DeleteServiceLinkedRole", "iam:GetServiceLinkedRoleDeletionStatus"]
    world = World(dan_may({"Action": actions, "Resource": arn}))
    linking(world), linking(world, "ecs.amazonaws.com")
    asked = world.asks(linked.delete_service_linked_role, who=DANS, RoleName="AWSServiceRoleForAutoScaling")
    task = asked.deletion_task_id
    assert world.asks(linked.get_service_linked_role_deletion_status, who=DANS, DeletionTaskId=task).status
    answer = world.asks(linked.delete_service_linked_role, who=DANS, RoleName="AWSServiceRoleForECS")
    assert refused(answer, Reason.ACCESS_DENIED)
