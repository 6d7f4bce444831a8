"""What belongs to a whole account."""

from __future__ import annotations

import json

from tests.iam.rows.users import shown_group, shown_user
from tests.iam.table import A_DATE, ALL, READ, TAGS, TRUST, WHOLE, Fails, Like, call, kind, row

ALIAS = call("CreateAccountAlias", AccountAlias="corp-{account}")
NO_ALIAS = Fails("NoSuchEntity", "The account alias with name corp-{account} cannot be found.")
NO_RULES = Fails("NoSuchEntity", "The Password Policy with domain name {account} cannot be found.")
DEFAULTS = {
    "MinimumPasswordLength": 6,
    "RequireSymbols": False,
    "RequireNumbers": False,
    "RequireUppercaseCharacters": False,
    "RequireLowercaseCharacters": False,
    "AllowUsersToChangePassword": False,
    "ExpirePasswords": False,
}
STRICT = {
    "MinimumPasswordLength": 14,
    "RequireSymbols": True,
    "RequireNumbers": True,
    "RequireUppercaseCharacters": True,
    "RequireLowercaseCharacters": True,
    "AllowUsersToChangePassword": True,
    "MaxPasswordAge": 30,
    "PasswordReusePrevention": 5,
    "HardExpiry": True,
}
A_REPORT = Like("a report", lambda value: value.startswith(b"user,arn,") and b"<root_account>" in value)
SUMMARY = Like(
    "a summary",
    lambda value: (
        (value["Users"], value["Groups"], value["UsersQuota"], value["AccessKeysPerUserQuota"]) == (2, 1, 9, 2)
    ),
)
ARN = "arn:aws:iam::{account}:policy/Read"
OWNERS = TRUST.replace("{account}", "111122223333")


def in_details(name, trust, **more):
    return {
        "Path": "/",
        "RoleName": name,
        "RoleId": kind("AROA"),
        "Arn": f"arn:aws:iam::{{account}}:role/{name}",
        "CreateDate": A_DATE,
        "AssumeRolePolicyDocument": json.loads(trust),
        "InstanceProfileList": [],
        "RolePolicyList": [],
        "AttachedManagedPolicies": [],
        "Tags": [],
        "RoleLastUsed": {},
        **more,
    }


ATTACHED = [{"PolicyName": "Read", "PolicyArn": ARN}]
VERSION = {"Document": json.loads(READ), "VersionId": "v1", "IsDefaultVersion": True, "CreateDate": A_DATE}
SHOWN_POLICY = {
    "PolicyName": "Read",
    "PolicyId": kind("ANPA"),
    "Arn": ARN,
    "Path": "/",
    "DefaultVersionId": "v1",
    "AttachmentCount": 2,
    "PermissionsBoundaryUsageCount": 0,
    "IsAttachable": True,
    "CreateDate": A_DATE,
    "UpdateDate": A_DATE,
    "PolicyVersionList": [VERSION],
}
FURNISHED = [
    call("CreatePolicy", PolicyName="Read", PolicyDocument=READ),
    call("CreateUser", UserName="Ann", Tags=TAGS),
    call("CreateGroup", GroupName="Dev"),
    call("AddUserToGroup", GroupName="Dev", UserName="Ann"),
    call("AttachGroupPolicy", GroupName="Dev", PolicyArn=ARN),
    call("AttachUserPolicy", UserName="Ann", PolicyArn=ARN),
    call("PutUserPolicy", UserName="Ann", PolicyName="own", PolicyDocument=ALL),
]
EMPTY_DETAILS = {"UserDetailList": [], "GroupDetailList": [], "RoleDetailList": [], "Policies": [], **WHOLE}

ROWS = [
    row("an account has an alias that no other has", ALIAS, then=[(call("ListAccountAliases"), {"AccountAliases": ["corp-{account}"], **WHOLE}), (call("CreateAccountAlias", AccountAlias="corp-{account}").signed_by("owner"), Fails("EntityAlreadyExists", "The account alias corp-{account} already exists."))]),
    row("a new alias takes the place of the old", call("CreateAccountAlias", AccountAlias="new-{account}"), given=[ALIAS], then=[(call("ListAccountAliases"), {"AccountAliases": ["new-{account}"], **WHOLE})]),
    row("an account id is no alias", call("CreateAccountAlias", AccountAlias="123456789012"), Fails("ValidationError")),
    row("an alias is taken away", call("DeleteAccountAlias", AccountAlias="corp-{account}"), given=[ALIAS], then=[(call("ListAccountAliases"), {"AccountAliases": [], **WHOLE})]),
    row("an alias that it has not is not taken away", call("DeleteAccountAlias", AccountAlias="corp-{account}"), NO_ALIAS),
    row("rules for passwords come back with what they come to", call("UpdateAccountPasswordPolicy", **STRICT), then=[(call("GetAccountPasswordPolicy"), {"PasswordPolicy": {**STRICT, "ExpirePasswords": True}})]),
    row("what is left out of the rules goes back to its default", call("UpdateAccountPasswordPolicy"), given=[call("UpdateAccountPasswordPolicy", **STRICT)], then=[(call("GetAccountPasswordPolicy"), {"PasswordPolicy": DEFAULTS})]),
    row("there may be no rules", call("GetAccountPasswordPolicy"), NO_RULES),
    row("rules are dropped", call("DeleteAccountPasswordPolicy"), given=[call("UpdateAccountPasswordPolicy")], then=[(call("GetAccountPasswordPolicy"), NO_RULES)]),
    row("rules that are not there are not dropped", call("DeleteAccountPasswordPolicy"), Fails("NoSuchEntity", "The account policy with name PasswordPolicy cannot be found.")),
    row("what is there is counted, and what may be", call("GetAccountSummary"), {"SummaryMap": SUMMARY}, given=[call("CreateUser", UserName="Ann"), call("CreateGroup", GroupName="Dev")], UsersQuota=9),
    row("a report is asked for", call("GenerateCredentialReport"), {"State": "STARTED", "Description": "No report exists. Starting a new report generation task"}, then=[(call("GenerateCredentialReport"), {"State": "COMPLETE"}), (call("GetCredentialReport"), {"Content": A_REPORT, "ReportFormat": "text/csv", "GeneratedTime": A_DATE})]),
    row("a report that nobody asked for is not there", call("GetCredentialReport"), Fails("ReportNotPresent")),
    row("everything is shown whole", call("GetAccountAuthorizationDetails"), {
        **EMPTY_DETAILS,
        "UserDetailList": [
            shown_user(UserPolicyList=[{"PolicyName": "own", "PolicyDocument": json.loads(ALL)}], GroupList=["Dev"], AttachedManagedPolicies=ATTACHED, Tags=TAGS),
            shown_user("boss", UserPolicyList=[{"PolicyName": "AdministratorAccess", "PolicyDocument": json.loads(ALL)}], GroupList=[], AttachedManagedPolicies=[], Tags=[]),
        ],
        "GroupDetailList": [{**shown_group(), "GroupPolicyList": [], "AttachedManagedPolicies": ATTACHED}],
        "RoleDetailList": [in_details("OrganizationAccountAccessRole", OWNERS, RolePolicyList=[{"PolicyName": "AdministratorAccess", "PolicyDocument": json.loads(ALL)}])],
        "Policies": [SHOWN_POLICY],
    }, given=FURNISHED),
    row("only what is asked for is shown", call("GetAccountAuthorizationDetails", Filter=["Group"]), {**EMPTY_DETAILS, "GroupDetailList": [{**shown_group(), "GroupPolicyList": [], "AttachedManagedPolicies": ATTACHED}]}, given=FURNISHED),
    row("properties are set and stay", call("PutAccountProperties", Properties={"Corp/Owner": "Ann"}), given=[call("PutAccountProperties", Properties={"Corp/Cost": "7"})], then=[(call("GetAccountProperties"), {"Properties": {"Corp/Cost": "7", "Corp/Owner": "Ann"}})]),
    row("properties have names in two parts", call("PutAccountProperties", Properties={"Owner": "Ann"}), Fails("InvalidInput")),
    row("there may be no properties", call("GetAccountProperties"), {"Properties": {}}),
    row("a version of session tokens is preferred", call("SetSecurityTokenServicePreferences", GlobalEndpointTokenVersion="v2Token")),
    row("there is no third version of session tokens", call("SetSecurityTokenServicePreferences", GlobalEndpointTokenVersion="v3Token"), Fails("ValidationError")),
]  # fmt: skip
