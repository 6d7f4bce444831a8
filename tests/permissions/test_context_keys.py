"""Which condition keys policies read, and which policies speak of a service."""

from __future__ import annotations

import pytest

from authority.kernel.refusal import Reason
from authority.model import principals
from authority.permissions.context_keys import (
    get_context_keys_for_custom_policy,
    get_context_keys_for_principal_policy,
)
from authority.permissions.granting import list_policies_granting_service_access
from tests.permissions.asking import BEN, HOME, ROOT, TEAM, World, denied, document, may, refused
from tests.permissions.test_managed import ADMIN, ADMIN_ID, PUBLISHED, attached, created

AS_BEN, AS_APP = f"{ROOT}user/staff/Ben", f"{ROOT}role/team/App"
ASKING = document(
    resource="arn:aws:sqs:*:*:${aws:username}-${aws:PrincipalTag/team, 'none'}",
    Condition={"StringEquals": {"aws:SourceIp": "x", "AWS:SourceIP": "y"}, "Bool": {"aws:SecureTransport": "true"}},
)


def keys(*texts: str):
    return World().ask(get_context_keys_for_custom_policy, PolicyInputList=list(texts))


def test_each_key_is_named_once_conditions_and_variables_alike():
    named = keys(ASKING, document(Condition={"Null": {"s3:prefix": "true", "aws:sourceip": "true"}}))["ContextKeyNames"]
    assert sorted(named, key=str.lower) == [
        "aws:PrincipalTag/team",
        "aws:SecureTransport",
        "aws:SourceIp",
        "aws:username",
        "s3:prefix",
    ]


def test_a_resource_s_policy_may_be_among_them():
    assert keys(document(Principal="*", Condition={"Bool": {"aws:SecureTransport": "true"}}))["ContextKeyNames"] == [
        "aws:SecureTransport"
    ]


def test_variables_mean_nothing_in_the_old_language():
    assert keys(ASKING.replace("2012-10-17", "2008-10-17"))["ContextKeyNames"] == [
        "aws:SourceIp",
        "aws:SecureTransport",
    ]


def test_what_is_no_policy_is_refused():
    answer = keys(ASKING, "{")
    assert answer.reason is Reason.INVALID_INPUT
    assert answer.message.startswith("The policy policyInputList.2 is not valid: ")


def reads(key: str) -> dict:
    return {"Condition": {"Null": {key: "true"}}}


def test_somebody_s_policies_are_read_with_those_of_his_groups_and_those_added():
    world = World(
        created("Reads", "/", document=document(**reads("a:managed"))),
        principals.GroupJoined(account=HOME, group_id=TEAM, user_id=BEN),
        attached("ANPAREADS", TEAM),
        may(BEN, **reads("a:inline")),
    )
    asked = {"PolicySourceArn": AS_BEN, "PolicyInputList": [document(**reads("a:added"))]}
    named = world.ask(get_context_keys_for_principal_policy, **asked)["ContextKeyNames"]
    assert sorted(named) == ["a:added", "a:inline", "a:managed"]
    assert world.ask(get_context_keys_for_principal_policy, PolicySourceArn=AS_APP)["ContextKeyNames"] == []


def test_somebody_who_is_not_there_has_no_keys():
    answer = World().ask(get_context_keys_for_principal_policy, PolicySourceArn=f"{ROOT}user/Nobody")
    assert answer == refused(Reason.NO_SUCH_ENTITY, "The user with name Nobody cannot be found.")
    broken = {"PolicySourceArn": AS_BEN, "PolicyInputList": ["{"]}
    assert World().ask(get_context_keys_for_principal_policy, **broken).reason is Reason.INVALID_INPUT


def test_asking_for_keys_is_authorised_like_a_simulation():
    action = get_context_keys_for_principal_policy
    assert denied(World(may(BEN, action.name, AS_APP)).as_ben(action, PolicySourceArn=AS_BEN))
    assert not denied(World(may(BEN, action.name, AS_BEN)).as_ben(action, PolicySourceArn=AS_BEN))
    custom = get_context_keys_for_custom_policy
    assert denied(World().as_ben(custom, PolicyInputList=[ASKING]))
    assert not denied(World(may(BEN, custom.name)).as_ben(custom, PolicyInputList=[ASKING]))


def granting(*facts, arn: str = AS_BEN, services: tuple[str, ...] = ("s3",), **more):
    return World(*facts).ask(list_policies_granting_service_access, Arn=arn, ServiceNamespaces=list(services), **more)


@pytest.mark.parametrize(
    ("statement", "granted"),
    [
        pytest.param({"action": "s3:GetObject"}, True, id="one action of the service"),
        pytest.param({"action": ["sqs:*", "S3:Get*"]}, True, id="among others, in another case"),
        pytest.param({"action": "*"}, True, id="everything"),
        pytest.param({"action": "s3-object-lambda:*"}, False, id="a service whose name begins alike"),
        pytest.param({"effect": "Deny", "action": "s3:*"}, False, id="a deny"),
    ],
)
def test_a_policy_that_allows_anything_of_a_service_grants_access_to_it(statement, granted):
    policy = created("P", "/", document=document(**statement))
    (entry,) = granting(policy, attached("ANPAP"))["PoliciesGrantingServiceAccess"]
    assert entry["ServiceNamespace"] == "s3"
    assert bool(entry["Policies"]) is granted


@pytest.mark.parametrize(
    ("excepted", "granted"), [("iam:*", True), ("s3:DeleteBucket", True), ("S3:*", False), ("*", False)]
)
def test_everything_but_some_grants_access_to_what_is_not_excepted_whole(excepted, granted):
    text = document().replace('"Action": "sqs:ListQueues"', f'"NotAction": "{excepted}"')
    (entry,) = granting(created("P", "/", document=text), attached("ANPAP"))["PoliciesGrantingServiceAccess"]
    assert bool(entry["Policies"]) is granted


def test_an_inline_policy_says_whose_it_is_and_a_managed_one_its_arn():
    answer = granting(
        PUBLISHED,
        attached(ADMIN_ID),
        principals.GroupJoined(account=HOME, group_id=TEAM, user_id=BEN),
        may(TEAM, "s3:*"),
        services=("s3", "ec2"),
    )
    managed = {
        "PolicyName": "Admin",
        "PolicyType": "MANAGED",
        "PolicyArn": ADMIN,
        "EntityType": None,
        "EntityName": None,
    }
    inline = {
        "PolicyName": "may",
        "PolicyType": "INLINE",
        "PolicyArn": None,
        "EntityType": "GROUP",
        "EntityName": "Team",
    }
    assert answer["PoliciesGrantingServiceAccess"] == [
        {"ServiceNamespace": "s3", "Policies": [managed, inline]},
        {"ServiceNamespace": "ec2", "Policies": [managed]},
    ]


def test_services_come_in_pages_in_the_order_they_were_asked_in():
    services = tuple(f"s{number}" for number in range(150, 0, -1))
    first = granting(services=services)
    assert [one["ServiceNamespace"] for one in first["PoliciesGrantingServiceAccess"]] == list(services[:100])
    rest = granting(services=services, Marker=first["Marker"])
    assert [one["ServiceNamespace"] for one in rest["PoliciesGrantingServiceAccess"]] == list(services[100:])
    assert rest["IsTruncated"] is False
    assert granting(services=("s3",), Marker=first["Marker"]).reason is Reason.VALIDATION_ERROR


def test_asking_who_grants_is_authorised_on_the_identity():
    action = list_policies_granting_service_access
    wanted = {"Arn": AS_BEN, "ServiceNamespaces": ["s3"]}
    assert denied(World(may(BEN, action.name, AS_APP)).as_ben(action, **wanted))
    assert not denied(World(may(BEN, action.name, AS_BEN)).as_ben(action, **wanted))
    assert granting(arn=f"{ROOT}user/Nobody").reason is Reason.NO_SUCH_ENTITY
