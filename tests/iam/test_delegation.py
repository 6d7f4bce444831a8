"""Delegated administration, as tables: who may do a part of an administrator's work, what he asks for, what comes of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.iam.table import ALL, READ, TRUST, Call, Fails, Place, call, policy
from tests.live import Live

OF = "arn:aws:iam::{account}"
EDGE, OTHER, TEAM = f"{OF}:policy/Edge", f"{OF}:policy/Other", f"{OF}:policy/team/Read"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
TAG = [{"Key": "Team", "Value": "a"}]
OTHERS_TAG = [{"Key": "Team", "Value": "b"}]


def new_role(name: str = "App", path: str = "/team/", **more: Any) -> Call:
    return call("CreateRole", RoleName=name, Path=path, AssumeRolePolicyDocument=TRUST, **more)


def new_user(name: str, **more: Any) -> Call:
    return call("CreateUser", UserName=name, **more)


BOUNDED = policy(
    {
        "Action": ["iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:AttachRolePolicy", "iam:DetachRolePolicy", "iam:PutRolePolicy", "iam:DeleteRolePolicy"],
        "Resource": f"{OF}:role/team/*",
        "Condition": {"StringEquals": {"iam:PermissionsBoundary": EDGE}},
    },
    {"Action": ["iam:DeleteRole", "iam:GetRole", "iam:UpdateAssumeRolePolicy"], "Resource": f"{OF}:role/team/*"},
    {"Effect": "Deny", "Action": "iam:DeleteRolePermissionsBoundary", "Resource": "*"},
    {"Effect": "Deny", "Action": ["iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:SetDefaultPolicyVersion"], "Resource": EDGE},
)  # fmt: skip
"""Whoever has this makes roles that can never do more than the boundary lets them."""

PASSING = policy(
    {"Action": "iam:AddRoleToInstanceProfile", "Resource": "*"},
    {
        "Action": "iam:PassRole",
        "Resource": f"{OF}:role/team/*",
        "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
    },
)
PASSING_ELSEWHERE = PASSING.replace("ec2.amazonaws.com", "lambda.amazonaws.com")

TAGGED = policy(
    {
        "Action": ["iam:Create*", "iam:Tag*"],
        "Resource": "*",
        "Condition": {
            "StringEquals": {"aws:RequestTag/Team": "a"},
            "ForAllValues:StringEquals": {"aws:TagKeys": ["Team", "Cost"]},
        },
    },
    {
        "Action": ["iam:Delete*", "iam:Update*", "iam:Get*", "iam:Put*", "iam:List*Tags", "iam:Untag*", "iam:Deactivate*"],
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:ResourceTag/Team": "a"}},
    },
    {"Effect": "Deny", "Action": "iam:Tag*", "Resource": "*", "Condition": {"StringNotEquals": {"aws:ResourceTag/Team": ["a"]}, "Null": {"aws:ResourceTag/Team": "false"}}},
    {"Effect": "Deny", "Action": "iam:Untag*", "Resource": "*", "Condition": {"ForAnyValue:StringEquals": {"aws:TagKeys": "Team"}}},
)  # fmt: skip

SELF = policy(
    {
        "Action": ["iam:*AccessKey*", "iam:*LoginProfile", "iam:ChangePassword", "iam:EnableMFADevice", "iam:DeactivateMFADevice", "iam:ListMFADevices", "iam:ResyncMFADevice", "iam:GetUser"],
        "Resource": f"{OF}:user/${{aws:username}}",
    },
    {"Action": ["iam:CreateVirtualMFADevice", "iam:DeleteVirtualMFADevice"], "Resource": f"{OF}:mfa/${{aws:username}}"},
)  # fmt: skip

ATTACHING = policy(
    {
        "Action": ["iam:AttachUserPolicy", "iam:DetachUserPolicy"],
        "Resource": "*",
        "Condition": {"ArnLike": {"iam:PolicyARN": f"{OF}:policy/team/*"}},
    },
    {"Action": ["iam:CreatePolicy", "iam:CreatePolicyVersion", "iam:DeletePolicy"], "Resource": f"{OF}:policy/team/*"},
)
LINKING = policy(
    {
        "Action": "iam:CreateServiceLinkedRole",
        "Resource": f"{OF}:role/aws-service-role/*",
        "Condition": {"StringLike": {"iam:AWSServiceName": "autoscaling.amazonaws.com"}},
    }
)
READING = policy({"Action": ["iam:Get*", "iam:List*"], "Resource": "*"})

GIVEN = (
    call("CreatePolicy", PolicyName="Edge", PolicyDocument=READ),
    call("CreatePolicy", PolicyName="Other", PolicyDocument=ALL),
    call("CreatePolicy", PolicyName="Read", Path="/team/", PolicyDocument=READ),
    new_role("Bounded", PermissionsBoundary=EDGE),
    new_role("Loose"),
    new_role("Far", path="/"),
    new_role("Mine", path="/", Tags=TAG),
    new_role("Theirs", path="/", Tags=OTHERS_TAG),
    new_user("Hers", Tags=TAG),
    new_user("His", Tags=OTHERS_TAG),
    call("CreateInstanceProfile", InstanceProfileName="Web"),
    call("CreateInstanceProfile", InstanceProfileName="Mine", Tags=TAG),
    call("CreateVirtualMFADevice", VirtualMFADeviceName="mine", Tags=TAG),
    call("CreateVirtualMFADevice", VirtualMFADeviceName="theirs", Tags=OTHERS_TAG),
)

MAY, MAY_NOT = "may", "may not"
Table = tuple[tuple[Call, str], ...]

TABLES: dict[str, tuple[str, Table]] = {
    "makes roles with a given boundary": (BOUNDED, (
        (new_role(PermissionsBoundary=EDGE), MAY),
        (new_role("Free"), MAY_NOT),
        (new_role("Wide", PermissionsBoundary=OTHER), MAY_NOT),
        (new_role("Out", path="/", PermissionsBoundary=EDGE), MAY_NOT),
        (new_role("Deep", path="/team/x/", PermissionsBoundary=EDGE), MAY),
        (new_role("Near", path="/teamx/", PermissionsBoundary=EDGE), MAY_NOT),
        (new_role("Tagged", PermissionsBoundary=EDGE, Tags=TAG), MAY_NOT),
        (call("AttachRolePolicy", RoleName="Bounded", PolicyArn=ADMIN), MAY),
        (call("AttachRolePolicy", RoleName="Loose", PolicyArn=ADMIN), MAY_NOT),
        (call("DetachRolePolicy", RoleName="Bounded", PolicyArn=ADMIN), MAY),
        (call("PutRolePolicy", RoleName="Bounded", PolicyName="p", PolicyDocument=ALL), MAY),
        (call("PutRolePolicy", RoleName="Loose", PolicyName="p", PolicyDocument=ALL), MAY_NOT),
        (call("DeleteRolePolicy", RoleName="Bounded", PolicyName="p"), MAY),
        (call("PutRolePermissionsBoundary", RoleName="Loose", PermissionsBoundary=EDGE), MAY),
        (call("PutRolePermissionsBoundary", RoleName="Bounded", PermissionsBoundary=OTHER), MAY_NOT),
        (call("DeleteRolePermissionsBoundary", RoleName="Bounded"), MAY_NOT),
        (call("CreatePolicyVersion", PolicyArn=EDGE, PolicyDocument=ALL, SetAsDefault=True), MAY_NOT),
        (call("UpdateAssumeRolePolicy", RoleName="Bounded", PolicyDocument=TRUST), MAY),
        (call("UpdateAssumeRolePolicy", RoleName="Far", PolicyDocument=TRUST), MAY_NOT),
        (call("AttachUserPolicy", UserName="delegate", PolicyArn=ADMIN), MAY_NOT),
        (call("PutUserPolicy", UserName="delegate", PolicyName="p", PolicyDocument=ALL), MAY_NOT),
        (call("DeleteRole", RoleName="Bounded"), MAY),
        (call("DeleteRole", RoleName="Far"), MAY_NOT),
    )),
    "passes the team's roles to machines": (PASSING, (
        (call("AddRoleToInstanceProfile", InstanceProfileName="Web", RoleName="Far"), MAY_NOT),
        (call("AddRoleToInstanceProfile", InstanceProfileName="Web", RoleName="Loose"), MAY),
        (call("RemoveRoleFromInstanceProfile", InstanceProfileName="Web", RoleName="Loose"), MAY_NOT),
    )),
    "passes the team's roles to another service": (PASSING_ELSEWHERE, (
        (call("AddRoleToInstanceProfile", InstanceProfileName="Web", RoleName="Loose"), MAY_NOT),
    )),
    "touches only what carries his tag": (TAGGED, (
        (new_user("New", Tags=TAG), MAY),
        (new_user("None"), MAY_NOT),
        (new_user("Wrong", Tags=OTHERS_TAG), MAY_NOT),
        (new_user("More", Tags=[*TAG, {"Key": "Admin", "Value": "1"}]), MAY_NOT),
        (new_user("Cost", Tags=[*TAG, {"Key": "Cost", "Value": "1"}]), MAY),
        (new_role("New", Tags=TAG), MAY),
        (new_role("None"), MAY_NOT),
        (call("CreatePolicy", PolicyName="New", PolicyDocument=READ, Tags=TAG), MAY),
        (call("CreatePolicy", PolicyName="None", PolicyDocument=READ), MAY_NOT),
        (call("CreateInstanceProfile", InstanceProfileName="New", Tags=TAG), MAY),
        (call("CreateInstanceProfile", InstanceProfileName="None"), MAY_NOT),
        (call("CreateVirtualMFADevice", VirtualMFADeviceName="new", Tags=TAG), MAY),
        (call("CreateVirtualMFADevice", VirtualMFADeviceName="none"), MAY_NOT),
        (call("CreateOpenIDConnectProvider", Url="https://a.example.com", Tags=TAG), MAY),
        (call("CreateOpenIDConnectProvider", Url="https://b.example.com"), MAY_NOT),
        (call("GetUser", UserName="Hers"), MAY),
        (call("GetUser", UserName="His"), MAY_NOT),
        (call("UpdateRole", RoleName="Mine", Description="d"), MAY),
        (call("UpdateRole", RoleName="Theirs", Description="d"), MAY_NOT),
        (call("UpdateRole", RoleName="Far", Description="d"), MAY_NOT),
        (call("PutRolePolicy", RoleName="Mine", PolicyName="p", PolicyDocument=READ), MAY),
        (call("PutRolePolicy", RoleName="Theirs", PolicyName="p", PolicyDocument=READ), MAY_NOT),
        (call("TagRole", RoleName="Theirs", Tags=TAG), MAY_NOT),
        (call("TagRole", RoleName="Mine", Tags=OTHERS_TAG), MAY_NOT),
        (call("UntagRole", RoleName="Mine", TagKeys=["Team"]), MAY_NOT),
        (call("UntagRole", RoleName="Mine", TagKeys=["Cost"]), MAY),
        (call("UntagRole", RoleName="Theirs", TagKeys=["Cost"]), MAY_NOT),
        (call("TagUser", UserName="Hers", Tags=[*TAG, {"Key": "Cost", "Value": "2"}]), MAY),
        (call("ListInstanceProfileTags", InstanceProfileName="Mine"), MAY),
        (call("ListInstanceProfileTags", InstanceProfileName="Web"), MAY_NOT),
        (call("DeleteInstanceProfile", InstanceProfileName="Mine"), MAY),
        (call("DeleteInstanceProfile", InstanceProfileName="Web"), MAY_NOT),
        (call("DeleteVirtualMFADevice", SerialNumber=f"{OF}:mfa/mine"), MAY),
        (call("DeleteVirtualMFADevice", SerialNumber=f"{OF}:mfa/theirs"), MAY_NOT),
        (call("GetOpenIDConnectProvider", OpenIDConnectProviderArn=f"{OF}:oidc-provider/a.example.com"), MAY),
        (call("DeletePolicy", PolicyArn=f"{OF}:policy/New"), MAY),
        (call("DeletePolicy", PolicyArn=OTHER), MAY_NOT),
        (call("DeleteUser", UserName="Hers"), MAY),
        (call("DeleteUser", UserName="His"), MAY_NOT),
    )),
    "looks after his own credentials": (SELF, (
        (call("CreateAccessKey", UserName="delegate").keeping(second="AccessKey.AccessKeyId"), MAY),
        (call("ListAccessKeys"), MAY),
        (call("UpdateAccessKey", UserName="delegate", AccessKeyId="{second}", Status="Inactive"), MAY),
        (call("DeleteAccessKey", UserName="delegate", AccessKeyId="{second}"), MAY),
        (call("CreateAccessKey", UserName="His"), MAY_NOT),
        (call("ListAccessKeys", UserName="His"), MAY_NOT),
        (call("CreateAccessKey", UserName="boss"), MAY_NOT),
        (call("CreateLoginProfile", UserName="delegate", Password="Aa1!aaaaaaaa"), MAY),
        (call("GetLoginProfile"), MAY),
        (call("CreateLoginProfile", UserName="His", Password="Aa1!aaaaaaaa"), MAY_NOT),
        (call("UpdateLoginProfile", UserName="boss", PasswordResetRequired=True), MAY_NOT),
        (call("GetUser"), MAY),
        (call("GetUser", UserName="DELEGATE"), MAY),
        (call("GetUser", UserName="His"), MAY_NOT),
        (call("CreateVirtualMFADevice", VirtualMFADeviceName="delegate"), MAY),
        (call("CreateVirtualMFADevice", VirtualMFADeviceName="other"), MAY_NOT),
        (call("DeleteVirtualMFADevice", SerialNumber=f"{OF}:mfa/theirs"), MAY_NOT),
        (call("DeleteVirtualMFADevice", SerialNumber=f"{OF}:mfa/delegate"), MAY),
        (call("ListMFADevices"), MAY),
        (call("ListMFADevices", UserName="His"), MAY_NOT),
        (call("UpdateUser", UserName="delegate", NewUserName="boss2"), MAY_NOT),
        (call("TagUser", UserName="delegate", Tags=TAG), MAY_NOT),
    )),
    "gives out the team's policies": (ATTACHING, (
        (call("AttachUserPolicy", UserName="His", PolicyArn=TEAM), MAY),
        (call("AttachUserPolicy", UserName="delegate", PolicyArn=ADMIN), MAY_NOT),
        (call("AttachUserPolicy", UserName="delegate", PolicyArn=OTHER), MAY_NOT),
        (call("DetachUserPolicy", UserName="His", PolicyArn=TEAM), MAY),
        (call("CreatePolicyVersion", PolicyArn=TEAM, PolicyDocument=READ), MAY),
        (call("CreatePolicyVersion", PolicyArn=EDGE, PolicyDocument=ALL), MAY_NOT),
        (call("CreatePolicy", PolicyName="Mine", Path="/team/", PolicyDocument=READ), MAY),
        (call("CreatePolicy", PolicyName="Out", PolicyDocument=READ), MAY_NOT),
        (call("CreatePolicy", PolicyName="Tagged", Path="/team/", PolicyDocument=READ, Tags=TAG), MAY_NOT),
    )),
    "lets one service have a role": (LINKING, (
        (call("CreateServiceLinkedRole", AWSServiceName="autoscaling.amazonaws.com", CustomSuffix="x"), MAY),
        (call("CreateServiceLinkedRole", AWSServiceName="ecs.amazonaws.com"), MAY_NOT),
    )),
    "reads everything and changes nothing": (READING, (
        (call("ListUsers"), MAY),
        (call("GetAccountSummary"), MAY),
        (call("GetAccountAuthorizationDetails"), MAY),
        (call("GetRole", RoleName="Far"), MAY),
        (call("CreateUser", UserName="New"), MAY_NOT),
        (call("DeleteRole", RoleName="Far"), MAY_NOT),
        (call("TagRole", RoleName="Far", Tags=TAG), MAY_NOT),
        (call("GenerateCredentialReport"), MAY_NOT),
        (call("UpdateAccountPasswordPolicy"), MAY_NOT),
        (call("CreateAccountAlias", AccountAlias="mine"), MAY_NOT),
    )),
}  # fmt: skip


@pytest.fixture
def place(live: Live) -> Place:
    place = Place(live, {})
    place.does(*GIVEN)
    return place


def delegate(place: Place, document: str) -> None:
    """Let `delegate` do what *document* says, and nothing else."""
    place.does(
        call("CreateUser", UserName="delegate"),
        call("PutUserPolicy", UserName="delegate", PolicyName="may", PolicyDocument=document),
        call("CreateAccessKey", UserName="delegate").keeping(delegatesecret="AccessKey.SecretAccessKey"),
    )


@pytest.mark.parametrize("who", TABLES)
def test_whoever(place: Place, who: str):
    document, table = TABLES[who]
    delegate(place, document)
    for asked, outcome in table:
        answer = place.says(asked.signed_by("delegate"))
        denied = isinstance(answer, Fails) and answer.code == "AccessDenied"
        assert denied is (outcome == MAY_NOT), (who, asked.operation, asked.wanted, answer)
        assert denied or not isinstance(answer, Fails), (who, asked.operation, asked.wanted, answer)


def test_who_may_create_a_role_only_with_a_boundary_never_gets_beyond_it(place: Place):
    """However the role's own permissions read: its sessions are held to the boundary."""
    delegate(place, BOUNDED)
    place.does(
        new_role(PermissionsBoundary=EDGE).signed_by("delegate"),
        call("AttachRolePolicy", RoleName="App", PolicyArn=ADMIN).signed_by("delegate"),
        call("AssumeRole", RoleArn=f"{OF}:role/team/App", RoleSessionName="s1").keeping(sessionsecret="Credentials.SecretAccessKey"),
    )  # fmt: skip
    for asked in (call("ListUsers"), call("PutUserPolicy", UserName="delegate", PolicyName="p", PolicyDocument=ALL)):
        refused = place.fails(asked.signed_by("session"))
        assert refused.code == "AccessDenied"
        assert "because no permissions boundary allows" in refused.says


def test_the_refusal_names_who_what_and_on_what(place: Place):
    delegate(place, READING)
    refused = place.fails(call("DeleteRole", RoleName="Loose").signed_by("delegate"))
    assert refused.says == place.filled(
        "User: arn:aws:iam::{account}:user/delegate is not authorized to perform: iam:DeleteRole on resource: "
        "arn:aws:iam::{account}:role/team/Loose because no identity-based policy allows the iam:DeleteRole action"
    )
