"""Managed policies and their versions, policies of holders' own, attachments, boundaries, and what policies come to."""

from __future__ import annotations

import json

from tests.iam.table import A_DATE, ALL, ANYTHING, READ, TAGS, TRUST, WHOLE, Fails, Like, call, kind, row

ARN = "arn:aws:iam::{account}:policy/Read"
MADE = call("CreatePolicy", PolicyName="Read", PolicyDocument=READ)
ANN = call("CreateUser", UserName="Ann")
HOLDERS = {
    "User": (ANN, {"UserName": "Ann"}, "The user with name Ann cannot be found."),
    "Group": (call("CreateGroup", GroupName="Dev"), {"GroupName": "Dev"}, "The group with name Dev cannot be found."),
    "Role": (call("CreateRole", RoleName="App", AssumeRolePolicyDocument=TRUST), {"RoleName": "App"}, "The role with name App cannot be found."),
}  # fmt: skip
NOT_THERE = Fails("NoSuchEntity", f"Policy {ARN} was not found.")
NOT_ATTACHABLE = Fails("NoSuchEntity", f"Policy {ARN} does not exist or is not attachable.")
UNREADABLE = Fails("ValidationError", "is not valid.")
NOT_OURS = Fails("AccessDenied")
AWS = "arn:aws:iam::aws:policy/ReadOnlyAccess"
OWN = policy_text = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::a/%3A\n${aws:username}"}}, indent=2)  # fmt: skip
BROKEN = "{}"
NO_GRAMMAR = Fails("MalformedPolicyDocument", "Syntax errors in policy.")


def shown(**more):
    return {
        "PolicyName": "Read",
        "PolicyId": kind("ANPA"),
        "Arn": ARN,
        "Path": "/",
        "DefaultVersionId": "v1",
        "AttachmentCount": 0,
        "PermissionsBoundaryUsageCount": 0,
        "IsAttachable": True,
        "CreateDate": A_DATE,
        "UpdateDate": A_DATE,
        **more,
    }


def version(number, default, **more):
    return {"VersionId": f"v{number}", "IsDefaultVersion": default, "CreateDate": A_DATE, **more}


def more_versions(count):
    return [call("CreatePolicyVersion", PolicyArn=ARN, PolicyDocument=ALL) for _ in range(count)]


MANAGED = [
    row("a policy is made and shown as AWS shows it", call("CreatePolicy", PolicyName="Read", PolicyDocument=OWN, Path="/a/b/", Description="what it does", Tags=TAGS), {"Policy": shown(Path="/a/b/", Arn="arn:aws:iam::{account}:policy/a/b/Read", Tags=TAGS)}, then=[
        (call("GetPolicy", PolicyArn="arn:aws:iam::{account}:policy/a/b/Read"), {"Policy": shown(Path="/a/b/", Arn="arn:aws:iam::{account}:policy/a/b/Read", Tags=TAGS, Description="what it does")}),
        (call("GetPolicyVersion", PolicyArn="arn:aws:iam::{account}:policy/a/b/Read", VersionId="v1"), {"PolicyVersion": version(1, True, Document=json.loads(OWN))}),
        (call("ListPolicies", Scope="Local", PathPrefix="/a/"), {"Policies": [shown(Path="/a/b/", Arn="arn:aws:iam::{account}:policy/a/b/Read")], **WHOLE}),
    ]),
    row("no two policies differ by case alone", call("CreatePolicy", PolicyName="READ", PolicyDocument=READ), Fails("EntityAlreadyExists", "A policy called READ already exists. Duplicate names are not allowed."), given=[MADE]),
    row("a policy keeps to the grammar", call("CreatePolicy", PolicyName="Read", PolicyDocument=BROKEN), NO_GRAMMAR),
    row("a policy has no principal", call("CreatePolicy", PolicyName="Read", PolicyDocument=TRUST), Fails("MalformedPolicyDocument", "Policy document should not specify a principal.")),
    row("a policy's characters are counted without blanks", call("CreatePolicy", PolicyName="Read", PolicyDocument=READ + " " * 9000), {"Policy": shown()}),
    row("a policy is no longer than the quota", call("CreatePolicy", PolicyName="Read", PolicyDocument=READ), Fails("LimitExceeded", "Cannot exceed quota for PolicySize: 20"), PolicySizeQuota=20),
    row("the account's policies are counted", call("CreatePolicy", PolicyName="Other", PolicyDocument=READ), Fails("LimitExceeded", "PoliciesPerAccount: 1"), given=[MADE], PoliciesQuota=1),
    row("a policy has no two tags of one key", call("CreatePolicy", PolicyName="Read", PolicyDocument=READ, Tags=[TAGS[0], TAGS[0]]), Fails("InvalidInput", "Duplicate")),
    row("a policy's first tags are counted", call("CreatePolicy", PolicyName="Read", PolicyDocument=READ, Tags=TAGS), Fails("LimitExceeded", "The number of tags has reached the maximum limit."), TagsPerEntityQuota=1),
    row("a policy shows how many hold it", call("GetPolicy", PolicyArn=ARN), {"Policy": shown(AttachmentCount=1, PermissionsBoundaryUsageCount=1, Tags=[])}, given=[MADE, ANN, call("AttachUserPolicy", UserName="Ann", PolicyArn=ARN), call("PutUserPermissionsBoundary", UserName="Ann", PermissionsBoundary=ARN)]),
    row("a policy that is not there is not shown", call("GetPolicy", PolicyArn=ARN), NOT_THERE),
    row("what is no ARN is refused as AWS does", call("GetPolicy", PolicyArn="arn:aws:iam::{account}:polic"), Fails("InvalidInput")),
    row("what cannot be read as an ARN is refused as AWS does", call("GetPolicy", PolicyArn="not-an-arn-at-all-really"), UNREADABLE),
    row("AWS's policies are there", call("GetPolicy", PolicyArn=AWS), {"Policy": ANYTHING}),
    row("those that are used are told apart by how", call("ListPolicies", Scope="All", PolicyUsageFilter="PermissionsBoundary"), {"Policies": [shown(PermissionsBoundaryUsageCount=1)], **WHOLE}, given=[MADE, ANN, call("PutUserPermissionsBoundary", UserName="Ann", PermissionsBoundary=ARN), call("AttachUserPolicy", UserName="Ann", PolicyArn=AWS)]),
    row("those that are attached are listed alone", call("ListPolicies", OnlyAttached=True), {"Policies": [shown(AttachmentCount=1)], **WHOLE}, given=[MADE, ANN, call("AttachUserPolicy", UserName="Ann", PolicyArn=ARN)]),
    row("a policy that nobody holds is deleted", call("DeletePolicy", PolicyArn=ARN), given=[MADE], then=[(call("GetPolicy", PolicyArn=ARN), NOT_THERE)]),
    row("a policy that is not there is not deleted", call("DeletePolicy", PolicyArn=ARN), NOT_THERE),
    row("a policy that somebody holds stays", call("DeletePolicy", PolicyArn=ARN), Fails("DeleteConflict", "Cannot delete a policy attached to entities."), given=[MADE, ANN, call("AttachUserPolicy", UserName="Ann", PolicyArn=ARN)]),
    row("a policy that limits somebody stays", call("DeletePolicy", PolicyArn=ARN), Fails("DeleteConflict"), given=[MADE, ANN, call("PutUserPermissionsBoundary", UserName="Ann", PermissionsBoundary=ARN)]),
    row("a policy with other versions stays", call("DeletePolicy", PolicyArn=ARN), Fails("DeleteConflict", "more than one version"), given=[MADE, *more_versions(1)]),
    row("nobody deletes AWS's policies", call("DeletePolicy", PolicyArn=AWS), NOT_OURS),
    row("a policy is tagged, and case counts", call("TagPolicy", PolicyArn=ARN, Tags=[{"Key": "a", "Value": "1"}, {"Key": "A", "Value": ""}]), given=[MADE], then=[(call("ListPolicyTags", PolicyArn=ARN), {"Tags": [{"Key": "A", "Value": ""}, {"Key": "a", "Value": "1"}], **WHOLE})]),
    row("a policy's tags are counted", call("TagPolicy", PolicyArn=ARN, Tags=TAGS), Fails("LimitExceeded"), given=[MADE], TagsPerEntityQuota=1),
    row("a policy wears no tag of AWS's", call("TagPolicy", PolicyArn=ARN, Tags=[{"Key": "aws:a", "Value": ""}]), Fails("InvalidInput", "reserved"), given=[MADE]),
    row("a policy that is not there is not tagged", call("TagPolicy", PolicyArn=ARN, Tags=TAGS), NOT_THERE),
    row("tags are taken off a policy", call("UntagPolicy", PolicyArn=ARN, TagKeys=["Cost", "team"]), given=[MADE, call("TagPolicy", PolicyArn=ARN, Tags=TAGS)], then=[(call("ListPolicyTags", PolicyArn=ARN, MaxItems=5), {"Tags": TAGS[1:], **WHOLE})]),
    row("a policy that is not there has no tags to lose", call("UntagPolicy", PolicyArn=ARN, TagKeys=["a"]), NOT_THERE),
    row("a policy that is not there has no tags", call("ListPolicyTags", PolicyArn=ARN), NOT_THERE),
]  # fmt: skip

VERSIONS = [
    row("a version is kept beside the one in force", call("CreatePolicyVersion", PolicyArn=ARN, PolicyDocument=ALL), {"PolicyVersion": version(2, False)}, given=[MADE], then=[(call("ListPolicyVersions", PolicyArn=ARN), {"Versions": [version(2, False), version(1, True)], **WHOLE}), (call("GetPolicyVersion", PolicyArn=ARN, VersionId="v2"), {"PolicyVersion": version(2, False, Document=json.loads(ALL))})]),
    row("a version is in force at once when that is asked", call("CreatePolicyVersion", PolicyArn=ARN, PolicyDocument=ALL, SetAsDefault=True), {"PolicyVersion": version(2, True)}, given=[MADE], then=[(call("GetPolicy", PolicyArn=ARN), {"Policy": shown(DefaultVersionId="v2", Tags=[])})]),
    row("a policy has five versions", call("CreatePolicyVersion", PolicyArn=ARN, PolicyDocument=ALL), Fails("LimitExceeded", "A managed policy can have up to 5 versions."), given=[MADE, *more_versions(4)]),
    row("all texts of all policies are counted", call("CreatePolicyVersion", PolicyArn=ARN, PolicyDocument=ALL), Fails("LimitExceeded", "Cannot exceed quota for PolicyVersionsInUse: 2"), given=[MADE, *more_versions(1)], PolicyVersionsInUseQuota=2),
    row("a first text counts like any other", call("CreatePolicy", PolicyName="B", PolicyDocument=ALL), Fails("LimitExceeded", "Cannot exceed quota for PolicyVersionsInUse: 1"), given=[MADE], PolicyVersionsInUseQuota=1),
    row("a number is never given twice", call("CreatePolicyVersion", PolicyArn=ARN, PolicyDocument=ALL), {"PolicyVersion": version(3, False)}, given=[MADE, *more_versions(1), call("DeletePolicyVersion", PolicyArn=ARN, VersionId="v2")]),
    row("a version keeps to the grammar", call("CreatePolicyVersion", PolicyArn=ARN, PolicyDocument=BROKEN), NO_GRAMMAR, given=[MADE]),
    row("a version is no longer than the quota", call("CreatePolicyVersion", PolicyArn=ARN, PolicyDocument=ALL + "1"), Fails("MalformedPolicyDocument"), given=[MADE]),
    row("a policy that is not there gets no version", call("CreatePolicyVersion", PolicyArn=ARN, PolicyDocument=ALL), NOT_ATTACHABLE),
    row("an unreadable ARN gets no version", call("CreatePolicyVersion", PolicyArn="not-an-arn-at-all-really", PolicyDocument=ALL), UNREADABLE),
    row("nobody gives AWS's policies a version", call("CreatePolicyVersion", PolicyArn=AWS, PolicyDocument=ALL), NOT_OURS),
    row("a version that is not there is not shown", call("GetPolicyVersion", PolicyArn=ARN, VersionId="v2"), Fails("NoSuchEntity", f"Policy {ARN} version v2 does not exist or is not attachable."), given=[MADE]),
    row("a policy that is not there has no versions", call("ListPolicyVersions", PolicyArn=ARN), NOT_ATTACHABLE),
    row("a version is deleted", call("DeletePolicyVersion", PolicyArn=ARN, VersionId="v2"), given=[MADE, *more_versions(1)], then=[(call("ListPolicyVersions", PolicyArn=ARN), {"Versions": [version(1, True)], **WHOLE})]),
    row("the version in force is not deleted", call("DeletePolicyVersion", PolicyArn=ARN, VersionId="v1"), Fails("DeleteConflict", "Cannot delete the default version of a policy."), given=[MADE]),
    row("a version that is not there is not deleted", call("DeletePolicyVersion", PolicyArn=ARN, VersionId="v7"), Fails("NoSuchEntity", "version v7"), given=[MADE]),
    row("another version is put in force", call("SetDefaultPolicyVersion", PolicyArn=ARN, VersionId="v2"), given=[MADE, *more_versions(1)], then=[(call("ListPolicyVersions", PolicyArn=ARN), {"Versions": [version(2, True), version(1, False)], **WHOLE})]),
    row("a version that is not there is not put in force", call("SetDefaultPolicyVersion", PolicyArn=ARN, VersionId="v7"), Fails("NoSuchEntity", "version v7"), given=[MADE]),
]  # fmt: skip


def of_holders():
    for word, (made, whom, nobody) in HOLDERS.items():
        missing = Fails("NoSuchEntity", nobody)
        lower = word.lower()
        attach, detach = (
            call(f"Attach{word}Policy", **whom, PolicyArn=ARN),
            call(f"Detach{word}Policy", **whom, PolicyArn=ARN),
        )
        attached = f"ListAttached{word}Policies"
        held = {"AttachedPolicies": [{"PolicyName": "Read", "PolicyArn": ARN}], **WHOLE}
        put = call(f"Put{word}Policy", **whom, PolicyName="own", PolicyDocument=OWN)
        yield from (
            row(f"a policy is attached to a {lower} once, however often", attach, given=[made, MADE, attach], then=[(call(attached, **whom), held), (call("ListEntitiesForPolicy", PolicyArn=ARN), {"PolicyGroups": [], "PolicyUsers": [], "PolicyRoles": [], **WHOLE, f"Policy{word}s": [{f"{word}Name": ANYTHING, f"{word}Id": ANYTHING}]})]),
            row(f"no policy that is not there is attached to a {lower}", attach, NOT_ATTACHABLE, given=[made]),
            row(f"what is no ARN is attached to no {lower}", call(f"Attach{word}Policy", **whom, PolicyArn="arn:aws:iam::{account}:user/Ann"), Fails("InvalidInput"), given=[made]),
            row(f"no policy is attached to a {lower} that is not there", attach, missing, given=[MADE]),
            row(f"the policies of a {lower} are counted", call(f"Attach{word}Policy", **whom, PolicyArn=AWS), Fails("LimitExceeded", f"Cannot exceed quota for PoliciesPer{word}: 1"), given=[made, MADE, attach], **{f"AttachedPoliciesPer{word}Quota": 1}),
            row(f"a policy is detached from a {lower}", detach, given=[made, MADE, attach], then=[(call(attached, **whom), {"AttachedPolicies": [], **WHOLE})]),
            row(f"what a {lower} does not hold is not detached", detach, NOT_THERE, given=[made, MADE]),
            row(f"nothing is detached from a {lower} that is not there", detach, missing, given=[MADE]),
            row(f"what is no ARN is detached from no {lower}", call(f"Detach{word}Policy", **whom, PolicyArn="arn:aws:iam::{account}:user/Ann"), Fails("InvalidInput"), given=[made]),
            row(f"a {lower}'s policies are listed below a path", call(attached, **whom, PathPrefix="/x/"), {"AttachedPolicies": [], **WHOLE}, given=[made, MADE, attach]),
            row(f"a {lower} that is not there holds nothing", call(attached, **whom), missing),
            row(f"a policy of a {lower}'s own comes back to the letter", put, given=[made], then=[(call(f"Get{word}Policy", **whom, PolicyName="own"), {**whom, "PolicyName": "own", "PolicyDocument": json.loads(OWN)}), (call(f"List{word}Policies", **whom), {"PolicyNames": ["own"], **WHOLE})]),
            row(f"a policy of a {lower}'s own is written anew", call(f"Put{word}Policy", **whom, PolicyName="own", PolicyDocument=ALL), given=[made, put], then=[(call(f"Get{word}Policy", **whom, PolicyName="own"), {**whom, "PolicyName": "own", "PolicyDocument": json.loads(ALL)})]),
            row(f"a policy of a {lower}'s own keeps to the grammar", call(f"Put{word}Policy", **whom, PolicyName="own", PolicyDocument=BROKEN), NO_GRAMMAR, given=[made]),
            row(f"all of a {lower}'s own policies together keep to the quota", call(f"Put{word}Policy", **whom, PolicyName="more", PolicyDocument=ALL), Fails("LimitExceeded", f"Maximum policy size of 140 bytes exceeded for {lower}"), given=[made, put], **{f"{word}PolicySizeQuota": 140}),
            row(f"no policy is written for a {lower} that is not there", put, missing),
            row(f"a {lower} has no policy that nobody wrote", call(f"Get{word}Policy", **whom, PolicyName="own"), Fails("NoSuchEntity", f"The {lower} policy with name own cannot be found."), given=[made]),
            row(f"a {lower} loses a policy of its own", call(f"Delete{word}Policy", **whom, PolicyName="own"), given=[made, put], then=[(call(f"List{word}Policies", **whom), {"PolicyNames": [], **WHOLE})]),
            row(f"a {lower} loses no policy that nobody wrote", call(f"Delete{word}Policy", **whom, PolicyName="own"), Fails("NoSuchEntity", f"The {lower} policy with name own cannot be found."), given=[made]),
            row(f"the policies of a {lower} are listed a page at a time", call(f"List{word}Policies", **whom, MaxItems=1).keeping(next="Marker"), {"PolicyNames": ["a"], "IsTruncated": True, "Marker": "{next}"}, given=[made, call(f"Put{word}Policy", **whom, PolicyName="a", PolicyDocument=READ), put], then=[(call(f"List{word}Policies", **whom, Marker="{next}"), {"PolicyNames": ["own"], **WHOLE})]),
            row(f"a {lower} that is not there has no policies", call(f"List{word}Policies", **whom), missing),
        )  # fmt: skip
        if word == "Group":
            continue
        bound = call(f"Put{word}PermissionsBoundary", **whom, PermissionsBoundary=ARN)
        yield from (
            row(f"a boundary is set for a {lower}", bound, given=[made, MADE], then=[(call("ListEntitiesForPolicy", PolicyArn=ARN, PolicyUsageFilter="PermissionsBoundary"), {"PolicyGroups": [], "PolicyUsers": [], "PolicyRoles": [], **WHOLE, f"Policy{word}s": [{f"{word}Name": ANYTHING, f"{word}Id": ANYTHING}]})]),
            row(f"no boundary is set for a {lower} that is not there", bound, missing, given=[MADE]),
            row(f"a policy that is not there bounds no {lower}", bound, Fails("NoSuchEntity", f"Scope ARN: {ARN}"), given=[made]),
            row(f"what is no policy bounds no {lower}", call(f"Put{word}PermissionsBoundary", **whom, PermissionsBoundary="arn:aws:iam::{account}:user/Ann"), Fails("InvalidInput", "ARN arn:aws:iam::{account}:user/Ann is not valid."), given=[made]),
            row(f"a {lower}'s boundary is taken away", call(f"Delete{word}PermissionsBoundary", **whom), given=[made, MADE, bound], then=[(call("DeletePolicy", PolicyArn=ARN), {})]),
            row(f"a {lower} without a boundary has none to lose", call(f"Delete{word}PermissionsBoundary", **whom), Fails("NoSuchEntity", "does not have a permissions boundary"), given=[made]),
        )  # fmt: skip


NO_POLICY = "arn:aws:iam::{account}:user/Ann"
ELSEWHERE = [
    row("what is no policy's ARN is told so", call(operation, PolicyArn=NO_POLICY, **wanted), Fails("InvalidInput", f"ARN {NO_POLICY} is not valid."))
    for operation, wanted in (
        ("CreatePolicyVersion", {"PolicyDocument": ALL}),
        ("DeletePolicy", {}),
        ("DeletePolicyVersion", {"VersionId": "v1"}),
        ("GetPolicyVersion", {"VersionId": "v1"}),
        ("ListPolicyTags", {}),
        ("ListPolicyVersions", {}),
        ("SetDefaultPolicyVersion", {"VersionId": "v1"}),
        ("UntagPolicy", {"TagKeys": ["a"]}),
    )
]  # fmt: skip
ATTACH_ALL = [made for made, *_ in HOLDERS.values()] + [call(f"Attach{word}Policy", **whom, PolicyArn=ARN) for word, (_, whom, _) in HOLDERS.items()]  # fmt: skip
NOBODY_ELSE = {"PolicyGroups": [], "PolicyUsers": [], "PolicyRoles": [], **WHOLE}
ENTITIES = [
    row("only roles are listed when roles are asked for", call("ListEntitiesForPolicy", PolicyArn=ARN, EntityFilter="Role"), {**NOBODY_ELSE, "PolicyRoles": [{"RoleName": "App", "RoleId": kind("AROA")}]}, given=[MADE, *ATTACH_ALL]),
    row("whoever holds a policy is listed by kind", call("ListEntitiesForPolicy", PolicyArn=ARN), {**NOBODY_ELSE, "PolicyRoles": [{"RoleName": "App", "RoleId": kind("AROA")}], "PolicyUsers": [{"UserName": "Ann", "UserId": kind("AIDA")}], "PolicyGroups": [{"GroupName": "Dev", "GroupId": kind("AGPA")}]}, given=[MADE, *ATTACH_ALL]),
    row("nobody holds a policy that is not there", call("ListEntitiesForPolicy", PolicyArn=ARN), Fails("NoSuchEntity")),
    row("nobody holds what is no policy", call("ListEntitiesForPolicy", PolicyArn="arn:aws:iam::{account}:user/x"), Fails("InvalidInput")),
]  # fmt: skip

USER_ARN = "arn:aws:iam::{account}:user/Ann"
ASKED = {"ActionNames": ["s3:GetObject"], "ResourceArns": ["arn:aws:s3:::b/k"]}
GRANTS = call("PutUserPolicy", UserName="Ann", PolicyName="p", PolicyDocument=READ)
WHAT_IF = [
    row("a policy that might be is simulated", call("SimulateCustomPolicy", PolicyInputList=[READ], **ASKED), None, then=[]),
    row("what is no policy is not simulated", call("SimulateCustomPolicy", PolicyInputList=["{}"], **ASKED), Fails("InvalidInput")),
    row("a user's policies are simulated", call("SimulatePrincipalPolicy", PolicySourceArn=USER_ARN, **ASKED), None, given=[ANN, GRANTS]),
    row("nobody's policies are not simulated", call("SimulatePrincipalPolicy", PolicySourceArn=USER_ARN, **ASKED), Fails("NoSuchEntity")),
    row("what is nobody's ARN is not simulated", call("SimulatePrincipalPolicy", PolicySourceArn="arn:aws:s3:::bucket-of-mine", **ASKED), Fails("InvalidInput")),
    row("the keys of a policy are told", call("GetContextKeysForCustomPolicy", PolicyInputList=[OWN]), {"ContextKeyNames": ["aws:username"]}),
    row("what is no policy has no keys", call("GetContextKeysForCustomPolicy", PolicyInputList=["{}"]), Fails("InvalidInput")),
    row("the keys of a user's policies are told", call("GetContextKeysForPrincipalPolicy", PolicySourceArn=USER_ARN, PolicyInputList=[OWN]), {"ContextKeyNames": ["aws:username"]}, given=[ANN, GRANTS]),
    row("nobody's policies have no keys", call("GetContextKeysForPrincipalPolicy", PolicySourceArn=USER_ARN), Fails("NoSuchEntity")),
    row("what is nobody's ARN has no keys", call("GetContextKeysForPrincipalPolicy", PolicySourceArn="arn:aws:s3:::bucket-of-mine"), Fails("InvalidInput")),
    row("the policies that open a service are told", call("ListPoliciesGrantingServiceAccess", Arn=USER_ARN, ServiceNamespaces=["s3", "iam"]), {"PoliciesGrantingServiceAccess": [{"ServiceNamespace": "s3", "Policies": [{"PolicyName": "p", "PolicyType": "INLINE", "EntityType": "USER", "EntityName": "Ann"}]}, {"ServiceNamespace": "iam", "Policies": []}], **WHOLE}, given=[ANN, GRANTS]),
    row("nobody's policies open nothing", call("ListPoliciesGrantingServiceAccess", Arn=USER_ARN, ServiceNamespaces=["s3"]), Fails("NoSuchEntity")),
    row("what is nobody's ARN opens nothing", call("ListPoliciesGrantingServiceAccess", Arn="arn:aws:s3:::bucket-of-mine", ServiceNamespaces=["s3"]), Fails("InvalidInput")),
]  # fmt: skip

REPORT = call("GenerateServiceLastAccessedDetails", Arn=ARN).keeping(job="JobId")
NO_JOB = {"JobId": "0" * 36}
A_JOB = Like("a job", lambda value: len(value) == 36)
DONE = {"JobStatus": "COMPLETED", "JobCreationDate": A_DATE, "JobCompletionDate": A_DATE, **WHOLE}
S3 = {"ServiceName": "Amazon S3", "ServiceNamespace": "s3", "TotalAuthenticatedEntities": 0}
HELD = [MADE, ANN, call("AttachUserPolicy", UserName="Ann", PolicyArn=ARN)]
ANN_ALONE = [{"EntityInfo": {"Arn": USER_ARN, "Name": "Ann", "Type": "USER", "Id": kind("AIDA"), "Path": "/"}}]
LAST_ACCESSED = [
    row("a report is asked for", REPORT, {"JobId": A_JOB}, given=[MADE]),
    row("nobody's report is not asked for", call("GenerateServiceLastAccessedDetails", Arn=USER_ARN), Fails("NoSuchEntity", "The user with name Ann cannot be found.")),
    row("a policy that is not there has no report", REPORT, Fails("NoSuchEntity")),
    row("what is nobody's ARN has no report", call("GenerateServiceLastAccessedDetails", Arn="arn:aws:s3:::bucket-of-mine"), Fails("InvalidInput")),
    row("a report tells what may be used", call("GetServiceLastAccessedDetails", JobId="{job}"), {**DONE, "JobType": "SERVICE_LEVEL", "ServicesLastAccessed": [S3]}, given=[MADE, REPORT]),
    row("a report that nobody asked for is not there", call("GetServiceLastAccessedDetails", **NO_JOB), Fails("NoSuchEntity")),
    row("a report tells who has a policy", call("GetServiceLastAccessedDetailsWithEntities", JobId="{job}", ServiceNamespace="s3"), {**DONE, "EntityDetailsList": ANN_ALONE}, given=[*HELD, REPORT]),
    row("a report that nobody asked for tells nobody", call("GetServiceLastAccessedDetailsWithEntities", **NO_JOB, ServiceNamespace="s3"), Fails("NoSuchEntity")),
    row("a report on one user is about nobody else", call("GetServiceLastAccessedDetailsWithEntities", JobId="{job}", ServiceNamespace="s3"), Fails("InvalidInput"), given=[ANN, call("GenerateServiceLastAccessedDetails", Arn=USER_ARN).keeping(job="JobId")]),
]  # fmt: skip

ROWS = [*MANAGED, *VERSIONS, *of_holders(), *ELSEWHERE, *ENTITIES, *WHAT_IF, *LAST_ACCESSED]
