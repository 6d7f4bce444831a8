"""Roles, roles of services, and instance profiles."""

from __future__ import annotations

import json

from tests.iam.table import A_DATE, NOTHING, READ, TAGS, TRUST, WHOLE, Fails, Like, call, kind, policy, row

APP = call("CreateRole", RoleName="App", AssumeRolePolicyDocument=TRUST)
ANN = call("CreateUser", UserName="Ann")
NO_ROLE = Fails("NoSuchEntity", "The role with name App cannot be found.")
LIMIT = "arn:aws:iam::{account}:policy/Limit"
BOUNDARY = call("CreatePolicy", PolicyName="Limit", PolicyDocument=READ)
TRUSTS_ANN = policy({"Principal": {"AWS": "arn:aws:iam::{account}:user/Ann"}, "Action": "sts:AssumeRole"})
OWNERS = TRUST.replace("{account}", "111122223333")
BROKEN = Fails("MalformedPolicyDocument")
ARN = "arn:aws:iam::{account}:role/App"
USE = call("AssumeRole", RoleArn=ARN, RoleSessionName="s1").keeping(sessionsecret="Credentials.SecretAccessKey")
TWICE = [{"Key": "Team", "Value": "a"}, {"Key": "team", "Value": "b"}]


def shown(name="App", path="/", trust=TRUST, **more):
    return {
        "Path": path,
        "RoleName": name,
        "RoleId": kind("AROA"),
        "Arn": f"arn:aws:iam::{{account}}:role{path}{name}",
        "CreateDate": A_DATE,
        "AssumeRolePolicyDocument": json.loads(trust),
        **more,
    }


WHOLE_ROLE = {"MaxSessionDuration": 3600, "RoleLastUsed": {}}
SET = {"PermissionsBoundaryArn": LIMIT, "PermissionsBoundaryType": "Policy"}
LINKED = call("CreateServiceLinkedRole", AWSServiceName="autoscaling.amazonaws.com", CustomSuffix="x")
LINKED_NAME = "AWSServiceRoleForAutoScaling_x"
PROTECTED = Fails("UnmodifiableEntity", f"Cannot perform the operation on the protected role '{LINKED_NAME}' - this role is only modifiable by AWS")  # fmt: skip
SERVICE_TRUST = policy({"Action": ["sts:AssumeRole"], "Principal": {"Service": ["autoscaling.amazonaws.com"]}})
A_TASK = Like("a task", lambda value: value.startswith("task/aws-service-role/autoscaling.amazonaws.com/"))

ROLES = [
    row("a role is made and answered as AWS does", APP, {"Role": shown()}, then=[(call("GetRole", RoleName="App"), {"Role": shown(**WHOLE_ROLE)}), (call("ListRoles", PathPrefix="/x"), {"Roles": [], **WHOLE})]),
    row("what a role is made with comes back, here and there as AWS shows it", call("CreateRole", RoleName="App", AssumeRolePolicyDocument=TRUST, Path="/a/b/", Description="does\nthings", MaxSessionDuration=7200, PermissionsBoundary=LIMIT, Tags=TAGS), {"Role": shown(path="/a/b/", Tags=TAGS, PermissionsBoundary=SET)}, given=[BOUNDARY], then=[
        (call("GetRole", RoleName="app"), {"Role": shown(path="/a/b/", Tags=TAGS, Description="does\nthings", MaxSessionDuration=7200, PermissionsBoundary=SET, RoleLastUsed={})}),
        (call("ListRoles", PathPrefix="/a/"), {"Roles": [shown(path="/a/b/", Description="does\nthings", MaxSessionDuration=7200)], **WHOLE}),
        (call("ListRoleTags", RoleName="App"), {"Tags": TAGS, **WHOLE}),
    ]),
    row("no two roles differ by case alone", call("CreateRole", RoleName="APP", AssumeRolePolicyDocument=TRUST), Fails("EntityAlreadyExists", "Role with name APP already exists."), given=[APP]),
    row("the account's roles are counted", call("CreateRole", RoleName="Other", AssumeRolePolicyDocument=TRUST), Fails("LimitExceeded", "Cannot exceed quota for RolesPerAccount: 2"), given=[APP], RolesQuota=2),
    row("a trust policy keeps to the grammar", call("CreateRole", RoleName="App", AssumeRolePolicyDocument=READ), BROKEN),
    row("a trust policy names nobody who is not there", call("CreateRole", RoleName="App", AssumeRolePolicyDocument=TRUSTS_ANN), Fails("MalformedPolicyDocument", 'Invalid principal in policy: "AWS":"arn:aws:iam::{account}:user/Ann"')),
    row("a trust policy is no longer than the quota", APP, Fails("LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 50"), AssumeRolePolicySizeQuota=50),
    row("a role has no two tags of one key", call("CreateRole", RoleName="App", AssumeRolePolicyDocument=TRUST, Tags=TWICE), Fails("InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")),
    row("only services' roles lie where services' roles lie", call("CreateRole", RoleName="App", Path="/aws-service-role/x/", AssumeRolePolicyDocument=TRUST), Fails("InvalidInput")),
    row("a role is not limited by a policy that is not there", call("CreateRole", RoleName="App", AssumeRolePolicyDocument=TRUST, PermissionsBoundary=LIMIT), Fails("NoSuchEntity", f"Scope ARN: {LIMIT} does not exist or is not attachable.")),
    row("a role shows its last use", call("GetRole", RoleName="App"), {"Role": shown(MaxSessionDuration=3600, RoleLastUsed={"LastUsedDate": A_DATE, "Region": "us-east-1"})}, given=[APP, USE, call("GetCallerIdentity").signed_by("session")]),
    row("a role that is not there is not shown", call("GetRole", RoleName="App"), NO_ROLE),
    row("who is gone stands in a trust policy by the id that he had", call("GetRole", RoleName="App"), {"Role": shown(trust=TRUSTS_ANN.replace("arn:aws:iam::{account}:user/Ann", "{ann}"), **WHOLE_ROLE)}, given=[ANN.keeping(ann="User.UserId"), call("CreateRole", RoleName="App", AssumeRolePolicyDocument=TRUSTS_ANN), call("DeleteUser", UserName="Ann")]),
    row("roles are listed by name, a page at a time", call("ListRoles", MaxItems=1).keeping(next="Marker"), {"Roles": [shown(MaxSessionDuration=3600)], "IsTruncated": True, "Marker": "{next}"}, given=[APP, call("CreateRole", RoleName="B", AssumeRolePolicyDocument=TRUST)], then=[(call("ListRoles", Marker="{next}"), {"Roles": [shown("B", MaxSessionDuration=3600), shown("OrganizationAccountAccessRole", trust=OWNERS, MaxSessionDuration=3600)], **WHOLE})]),
    row("a role is described and its sessions last longer", call("UpdateRole", RoleName="App", Description="new", MaxSessionDuration=43200), given=[APP], then=[(call("GetRole", RoleName="App"), {"Role": shown(Description="new", MaxSessionDuration=43200, RoleLastUsed={})})]),
    row("what is not given stays as it is", call("UpdateRole", RoleName="App"), given=[APP, call("UpdateRole", RoleName="App", Description="new", MaxSessionDuration=43200)], then=[(call("GetRole", RoleName="App"), {"Role": shown(Description="new", MaxSessionDuration=43200, RoleLastUsed={})})]),
    row("a role that is not there is not changed", call("UpdateRole", RoleName="App"), NO_ROLE),
    row("a role is described", call("UpdateRoleDescription", RoleName="App", Description="new"), {"Role": shown(Description="new")}, given=[APP]),
    row("a role that is not there is not described", call("UpdateRoleDescription", RoleName="App", Description="new"), NO_ROLE),
    row("a trust policy is written anew", call("UpdateAssumeRolePolicy", RoleName="App", PolicyDocument=TRUSTS_ANN), given=[APP, ANN], then=[(call("GetRole", RoleName="App"), {"Role": shown(trust=TRUSTS_ANN, **WHOLE_ROLE)})]),
    row("a trust policy is not written anew as nonsense", call("UpdateAssumeRolePolicy", RoleName="App", PolicyDocument="{}"), BROKEN, given=[APP]),
    row("a new trust policy is no longer than the quota", call("UpdateAssumeRolePolicy", RoleName="App", PolicyDocument=TRUSTS_ANN), Fails("LimitExceeded", "ACLSizePerRole: 138"), given=[ANN, APP], AssumeRolePolicySizeQuota=138),
    row("a role that is not there trusts nobody", call("UpdateAssumeRolePolicy", RoleName="App", PolicyDocument=TRUST), NO_ROLE),
    row("a role on which nothing hangs is deleted", call("DeleteRole", RoleName="App"), given=[APP], then=[(call("GetRole", RoleName="App"), NO_ROLE)]),
    row("a role that is not there is not deleted", call("DeleteRole", RoleName="App"), NO_ROLE),
    *(
        row(f"a role stays that {says}", call("DeleteRole", RoleName="App"), Fails("DeleteConflict", f"Cannot delete entity, must {must} first."), given=[APP, *had])
        for says, must, had in (
            ("holds a managed policy", "detach all policies", [BOUNDARY, call("AttachRolePolicy", RoleName="App", PolicyArn=LIMIT)]),
            ("has a policy of its own", "delete policies", [call("PutRolePolicy", RoleName="App", PolicyName="p", PolicyDocument=READ)]),
            ("is in an instance profile", "remove roles from instance profile", [call("CreateInstanceProfile", InstanceProfileName="Web"), call("AddRoleToInstanceProfile", InstanceProfileName="Web", RoleName="App")]),
        )
    ),
    row("a role is tagged whatever the case of its keys", call("TagRole", RoleName="App", Tags=[{"Key": "TEAM", "Value": "b"}]), given=[APP, call("TagRole", RoleName="App", Tags=TAGS)], then=[(call("ListRoleTags", RoleName="App"), {"Tags": [TAGS[0], {"Key": "TEAM", "Value": "b"}], **WHOLE})]),
    row("a role's tags are counted", call("TagRole", RoleName="App", Tags=TAGS), Fails("LimitExceeded", "The number of tags has reached the maximum limit."), given=[APP], TagsPerEntityQuota=1),
    row("a role wears no tag of AWS's", call("TagRole", RoleName="App", Tags=[{"Key": "aws:a", "Value": ""}]), Fails("InvalidInput", "reserved"), given=[APP]),
    row("a role that is not there is not tagged", call("TagRole", RoleName="App", Tags=TAGS), NO_ROLE),
    row("tags are taken off a role", call("UntagRole", RoleName="App", TagKeys=["COST"]), given=[APP, call("TagRole", RoleName="App", Tags=TAGS)], then=[(call("ListRoleTags", RoleName="App", MaxItems=1), {"Tags": TAGS[1:], **WHOLE})]),
    row("a role that is not there has no tags to lose", call("UntagRole", RoleName="App", TagKeys=["a"]), NO_ROLE),
    row("a role that is not there has no tags", call("ListRoleTags", RoleName="App"), NO_ROLE),
]  # fmt: skip

SERVICES = [
    row("a service gets a role of its own", call("CreateServiceLinkedRole", AWSServiceName="autoscaling.amazonaws.com", Description="d", CustomSuffix="x"), {"Role": shown(LINKED_NAME, "/aws-service-role/autoscaling.amazonaws.com/", SERVICE_TRUST)}, then=[(call("GetRole", RoleName=LINKED_NAME), {"Role": shown(LINKED_NAME, "/aws-service-role/autoscaling.amazonaws.com/", SERVICE_TRUST, Description="d", **WHOLE_ROLE)})]),
    row("a service has one role of a name", LINKED, Fails("InvalidInput", f"Service role name {LINKED_NAME} has been taken in this account"), given=[LINKED]),
    row("a service that nobody knows gets none", call("CreateServiceLinkedRole", AWSServiceName="mine.example.com"), Fails("InvalidInput")),
    row("services' roles are counted with the others", LINKED, Fails("LimitExceeded", "RolesPerAccount: 2"), given=[APP], RolesQuota=2),
    row("a service's role is deleted", call("DeleteServiceLinkedRole", RoleName=LINKED_NAME).keeping(task="DeletionTaskId"), {"DeletionTaskId": A_TASK}, given=[LINKED], then=[(call("GetServiceLinkedRoleDeletionStatus", DeletionTaskId="{task}"), {"Status": "SUCCEEDED"})]),
    row("a role that is no service's is not found as one", call("DeleteServiceLinkedRole", RoleName="App"), NO_ROLE, given=[APP]),
    row("a deletion that nobody asked for is not known", call("GetServiceLinkedRoleDeletionStatus", DeletionTaskId="task/aws-service-role/a.amazonaws.com/b/c"), Fails("NoSuchEntity")),
    row("what is no deletion is told so", call("GetServiceLinkedRoleDeletionStatus", DeletionTaskId="deletion"), Fails("InvalidInput")),
    *(
        row("nobody changes a service's role", call(operation, **wanted), PROTECTED, given=[LINKED, BOUNDARY, call("CreateInstanceProfile", InstanceProfileName="Web")])
        for operation, wanted in (
            ("DeleteRole", {"RoleName": LINKED_NAME}),
            ("UpdateAssumeRolePolicy", {"RoleName": LINKED_NAME, "PolicyDocument": TRUST}),
            ("UpdateRole", {"RoleName": LINKED_NAME, "MaxSessionDuration": 7200}),
            ("AttachRolePolicy", {"RoleName": LINKED_NAME, "PolicyArn": LIMIT}),
            ("DetachRolePolicy", {"RoleName": LINKED_NAME, "PolicyArn": LIMIT}),
            ("PutRolePolicy", {"RoleName": LINKED_NAME, "PolicyName": "p", "PolicyDocument": READ}),
            ("DeleteRolePolicy", {"RoleName": LINKED_NAME, "PolicyName": "p"}),
            ("PutRolePermissionsBoundary", {"RoleName": LINKED_NAME, "PermissionsBoundary": LIMIT}),
            ("DeleteRolePermissionsBoundary", {"RoleName": LINKED_NAME}),
            ("AddRoleToInstanceProfile", {"RoleName": LINKED_NAME, "InstanceProfileName": "Web"}),
        )
    ),
    row("a service's role is tagged like any other", call("TagRole", RoleName=LINKED_NAME, Tags=TAGS), given=[LINKED]),
]  # fmt: skip

WEB = call("CreateInstanceProfile", InstanceProfileName="Web")
ADD = call("AddRoleToInstanceProfile", InstanceProfileName="Web", RoleName="App")
NO_PROFILE = Fails("NoSuchEntity", "Instance Profile Web cannot be found.")


def profile(name="Web", path="/", roles=(), **more):
    return {
        "Path": path,
        "InstanceProfileName": name,
        "InstanceProfileId": kind("AIPA"),
        "Arn": f"arn:aws:iam::{{account}}:instance-profile{path}{name}",
        "CreateDate": A_DATE,
        "Roles": list(roles),
        **more,
    }


PROFILES = [
    row("a profile is made with nothing in it", call("CreateInstanceProfile", InstanceProfileName="Web", Path="/a/", Tags=TAGS), {"InstanceProfile": profile(path="/a/", Tags=TAGS)}, then=[(call("GetInstanceProfile", InstanceProfileName="web"), {"InstanceProfile": profile(path="/a/", Tags=TAGS)}), (call("ListInstanceProfiles", PathPrefix="/a/"), {"InstanceProfiles": [profile(path="/a/")], **WHOLE}), (call("ListInstanceProfileTags", InstanceProfileName="Web"), {"Tags": TAGS, **WHOLE})]),
    row("no two profiles differ by case alone", call("CreateInstanceProfile", InstanceProfileName="WEB"), Fails("EntityAlreadyExists", "Instance Profile WEB already exists."), given=[WEB]),
    row("the account's profiles are counted", call("CreateInstanceProfile", InstanceProfileName="B"), Fails("LimitExceeded", "InstanceProfilesPerAccount: 1"), given=[WEB], InstanceProfilesQuota=1),
    row("a profile has no tag of AWS's", call("CreateInstanceProfile", InstanceProfileName="B", Tags=[{"Key": "aws:a", "Value": ""}]), Fails("InvalidInput")),
    row("a profile that is not there is not shown", call("GetInstanceProfile", InstanceProfileName="Web"), NO_PROFILE),
    row("a role is put into a profile", ADD, given=[WEB, APP], then=[(call("GetInstanceProfile", InstanceProfileName="Web"), {"InstanceProfile": profile(roles=[shown()], Tags=[])}), (call("ListInstanceProfilesForRole", RoleName="App"), {"InstanceProfiles": [profile(roles=[shown()])], **WHOLE})]),
    row("a profile holds one role", call("AddRoleToInstanceProfile", InstanceProfileName="Web", RoleName="B"), Fails("LimitExceeded", "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1"), given=[WEB, APP, ADD, call("CreateRole", RoleName="B", AssumeRolePolicyDocument=TRUST)]),
    row("no role is put into a profile that is not there", ADD, NO_PROFILE, given=[APP]),
    row("a role that is not there is put into no profile", ADD, NO_ROLE, given=[WEB]),
    row("a role is taken out of a profile", call("RemoveRoleFromInstanceProfile", InstanceProfileName="Web", RoleName="App"), given=[WEB, APP, ADD], then=[(call("GetInstanceProfile", InstanceProfileName="Web"), {"InstanceProfile": profile(Tags=[])}), (call("DeleteRole", RoleName="App"), NOTHING)]),
    row("a role that is not in it is not taken out", call("RemoveRoleFromInstanceProfile", InstanceProfileName="Web", RoleName="App"), Fails("NoSuchEntity", "Role App in Instance Profile Web cannot be found."), given=[WEB, APP]),
    row("a role that is not there is in no profile", call("ListInstanceProfilesForRole", RoleName="App"), NO_ROLE),
    row("an empty profile is deleted", call("DeleteInstanceProfile", InstanceProfileName="Web"), given=[WEB], then=[(call("ListInstanceProfiles"), {"InstanceProfiles": [], **WHOLE})]),
    row("a profile with a role stays", call("DeleteInstanceProfile", InstanceProfileName="Web"), Fails("DeleteConflict", "Cannot delete entity, must remove roles from instance profile first."), given=[WEB, APP, ADD]),
    row("a profile that is not there is not deleted", call("DeleteInstanceProfile", InstanceProfileName="Web"), NO_PROFILE),
    row("case counts in the tags of a profile", call("TagInstanceProfile", InstanceProfileName="Web", Tags=[{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]), given=[WEB], then=[(call("GetInstanceProfile", InstanceProfileName="Web"), {"InstanceProfile": profile(Tags=[{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}])})]),
    row("a profile's tags are counted", call("TagInstanceProfile", InstanceProfileName="Web", Tags=TAGS), Fails("LimitExceeded"), given=[WEB], TagsPerEntityQuota=1),
    row("a profile has no two tags of one key", call("TagInstanceProfile", InstanceProfileName="Web", Tags=[TAGS[0], TAGS[0]]), Fails("InvalidInput"), given=[WEB]),
    row("a profile that is not there is not tagged", call("TagInstanceProfile", InstanceProfileName="Web", Tags=TAGS), NO_PROFILE),
    row("tags are taken off a profile", call("UntagInstanceProfile", InstanceProfileName="Web", TagKeys=["Cost", "team"]), given=[WEB, call("TagInstanceProfile", InstanceProfileName="Web", Tags=TAGS)], then=[(call("ListInstanceProfileTags", InstanceProfileName="Web"), {"Tags": TAGS[1:], **WHOLE})]),
    row("a profile that is not there has no tags to lose", call("UntagInstanceProfile", InstanceProfileName="Web", TagKeys=["a"]), NO_PROFILE),
    row("a profile that is not there has no tags", call("ListInstanceProfileTags", InstanceProfileName="Web"), NO_PROFILE),
]  # fmt: skip

ROWS = [*ROLES, *SERVICES, *PROFILES]
