"""Accounts, as the clients of AWS Organizations know them; asked by who administers all of them."""

from __future__ import annotations

from tests.iam.table import A_DATE, A_LIST, A_TEXT, Fails, Like, call, row

OWNER = "111122223333"


def by_owner(operation, **wanted):
    return call(operation, **wanted).signed_by("owner")


NEW = by_owner("CreateAccount", Email="a-{account}@example.com", AccountName="New").keeping(
    request="CreateAccountStatus.Id", new="CreateAccountStatus.AccountId"
)
A_ROOT = by_owner("ListRoots").keeping(root="Roots.0.Id")
DONE = {"Id": "{request}", "AccountName": "New", "State": "SUCCEEDED", "RequestedTimestamp": A_DATE, "CompletedTimestamp": A_DATE, "AccountId": "{new}"}  # fmt: skip
ORG, ROOT = Like("o-...", lambda value: value.startswith("o-")), Like("r-...", lambda value: value.startswith("r-"))
SHOWN = {"Id": "{new}", "Arn": A_TEXT, "Email": "a-{account}@example.com", "Name": "New", "Status": "ACTIVE", "State": "ACTIVE", "Paths": A_LIST, "JoinedMethod": "CREATED", "JoinedTimestamp": A_DATE}  # fmt: skip
CLOSED = {**SHOWN, "Status": "SUSPENDED", "State": "CLOSED"}
NOBODY = "999999999999"
TAG = [{"Key": "Cost", "Value": "7"}]


STRANGER = [
    row(f"{operation} is not for members", call(operation, **wanted), Fails("AccessDeniedException"))
    for operation, wanted in (
        ("CreateAccount", {"Email": "b@example.com", "AccountName": "B"}),
        ("DescribeCreateAccountStatus", {"CreateAccountRequestId": "car-" + "a" * 32}),
        ("ListCreateAccountStatus", {}),
        ("ListAccounts", {}),
        ("ListAccountsForParent", {"ParentId": "r-abcd"}),
        ("DescribeAccount", {"AccountId": OWNER}),
        ("CloseAccount", {"AccountId": OWNER}),
        ("ListRoots", {}),
        ("ListParents", {"ChildId": OWNER}),
        ("ListChildren", {"ParentId": "r-abcd", "ChildType": "ACCOUNT"}),
        ("ListOrganizationalUnitsForParent", {"ParentId": "r-abcd"}),
        ("ListAWSServiceAccessForOrganization", {}),
        ("ListDelegatedAdministrators", {}),
        ("organizations:ListPolicies", {"Filter": "TAG_POLICY"}),
        ("ListPoliciesForTarget", {"TargetId": OWNER, "Filter": "TAG_POLICY"}),
        ("TagResource", {"ResourceId": OWNER, "Tags": TAG}),
        ("UntagResource", {"ResourceId": OWNER, "TagKeys": ["a"]}),
        ("ListTagsForResource", {"ResourceId": OWNER}),
    )
]

UNREADABLE = [
    row(
        "what does not fit is refused as Organizations does",
        by_owner(operation, **wanted),
        Fails("InvalidInputException"),
    )
    for operation, wanted in (
        ("CreateAccount", {"Email": "", "AccountName": "B"}),
        ("DescribeCreateAccountStatus", {"CreateAccountRequestId": "x"}),
        ("ListCreateAccountStatus", {"NextToken": "x"}),
        ("ListAccounts", {"NextToken": "x"}),
        ("ListAccounts", {"MaxResults": 21}),
        ("ListAccountsForParent", {"ParentId": "x"}),
        ("DescribeAccount", {"AccountId": "x"}),
        ("CloseAccount", {"AccountId": "x"}),
        ("ListRoots", {"NextToken": "x"}),
        ("ListParents", {"ChildId": "x"}),
        ("ListChildren", {"ParentId": "x", "ChildType": "ACCOUNT"}),
        ("ListOrganizationalUnitsForParent", {"ParentId": "x"}),
        ("ListAWSServiceAccessForOrganization", {"NextToken": "x"}),
        ("ListDelegatedAdministrators", {"ServicePrincipal": "*"}),
        ("organizations:ListPolicies", {"Filter": "x"}),
        ("ListPoliciesForTarget", {"TargetId": "x", "Filter": "TAG_POLICY"}),
        ("UntagResource", {"ResourceId": "x", "TagKeys": ["a"]}),
        ("ListTagsForResource", {"ResourceId": "{account}", "NextToken": "x"}),
    )
]
FIFTY_ONE = [{"Key": str(number), "Value": ""} for number in range(51)]

ROWS = [
    *STRANGER,
    *UNREADABLE,
    row("an account's tags are counted", by_owner("TagResource", ResourceId="{account}", Tags=FIFTY_ONE), Fails("ConstraintViolationException")),
    row("a new account's tags are counted", by_owner("CreateAccount", Email="d-{account}@example.com", AccountName="D", Tags=FIFTY_ONE), Fails("ConstraintViolationException")),
    row("an account is there when it is asked for", NEW, {"CreateAccountStatus": DONE}, then=[(by_owner("DescribeCreateAccountStatus", CreateAccountRequestId="{request}"), {"CreateAccountStatus": DONE}), (by_owner("DescribeAccount", AccountId="{new}"), {"Account": SHOWN})]),
    row("an address is one account's", by_owner("CreateAccount", Email="A-{account}@example.com", AccountName="New"), {"CreateAccountStatus": {"Id": A_TEXT, "AccountName": "New", "State": "FAILED", "RequestedTimestamp": A_DATE, "CompletedTimestamp": A_DATE, "FailureReason": "EMAIL_ALREADY_EXISTS"}}, given=[NEW]),
    row("an account has no two tags of one key", by_owner("CreateAccount", Email="c-{account}@example.com", AccountName="C", Tags=[*TAG, *TAG]), Fails("InvalidInputException")),
    row("a request that nobody made is not found", by_owner("DescribeCreateAccountStatus", CreateAccountRequestId="car-" + "a" * 32), Fails("CreateAccountStatusNotFoundException")),
    row("requests are listed", by_owner("ListCreateAccountStatus", States=["IN_PROGRESS"]), {"CreateAccountStatuses": []}),
    row("accounts are listed a page at a time", by_owner("ListAccounts", MaxResults=1).keeping(next="NextToken"), {"Accounts": A_LIST, "NextToken": "{next}"}, then=[(by_owner("ListAccounts", NextToken="{next}", MaxResults=1), None)]),
    row("accounts are listed below the root", by_owner("ListAccountsForParent", ParentId="{root}"), None, given=[A_ROOT]),
    row("there is no other parent", by_owner("ListAccountsForParent", ParentId="r-zzzz"), Fails("ParentNotFoundException")),
    row("accounts are what lies below the root", by_owner("ListChildren", ParentId="{root}", ChildType="ACCOUNT", MaxResults=1).keeping(next="NextToken"), {"Children": [{"Id": A_TEXT, "Type": "ACCOUNT"}], "NextToken": "{next}"}, given=[A_ROOT]),
    row("no units lie below the root", by_owner("ListChildren", ParentId="{root}", ChildType="ORGANIZATIONAL_UNIT"), {"Children": []}, given=[A_ROOT]),
    row("nothing lies below another parent", by_owner("ListChildren", ParentId="r-zzzz", ChildType="ACCOUNT"), Fails("ParentNotFoundException")),
    row("there are no units", by_owner("ListOrganizationalUnitsForParent", ParentId="{root}"), {"OrganizationalUnits": []}, given=[A_ROOT]),
    row("there are no units elsewhere either", by_owner("ListOrganizationalUnitsForParent", ParentId="r-zzzz"), Fails("ParentNotFoundException")),
    row("no service acts for the organisation", by_owner("ListAWSServiceAccessForOrganization"), {"EnabledServicePrincipals": []}),
    row("no account administers for a service", by_owner("ListDelegatedAdministrators", ServicePrincipal="config.amazonaws.com"), {"DelegatedAdministrators": []}),
    row("the organisation has no policies", by_owner("organizations:ListPolicies", Filter="SERVICE_CONTROL_POLICY"), {"Policies": []}),
    row("no policy is on an account", by_owner("ListPoliciesForTarget", TargetId="{account}", Filter="SERVICE_CONTROL_POLICY"), {"Policies": []}),
    row("no policy is on the root", by_owner("ListPoliciesForTarget", TargetId="{root}", Filter="TAG_POLICY"), {"Policies": []}, given=[A_ROOT]),
    row("what is not there has no policies", by_owner("ListPoliciesForTarget", TargetId=NOBODY, Filter="TAG_POLICY"), Fails("TargetNotFoundException")),
    row("an account that is not there is not described", by_owner("DescribeAccount", AccountId=NOBODY), Fails("AccountNotFoundException")),
    row("an account is closed", by_owner("CloseAccount", AccountId="{new}"), given=[NEW], then=[(by_owner("DescribeAccount", AccountId="{new}"), {"Account": CLOSED}), (by_owner("CloseAccount", AccountId="{new}"), Fails("AccountAlreadyClosedException"))]),
    row("an account that is not there is not closed", by_owner("CloseAccount", AccountId=NOBODY), Fails("AccountNotFoundException")),
    row("the management account is never closed", by_owner("CloseAccount", AccountId=OWNER), Fails("ConstraintViolationException")),
    row("every account knows its organisation", call("DescribeOrganization"), {"Organization": {"Id": ORG, "Arn": A_TEXT, "FeatureSet": "ALL", "MasterAccountArn": A_TEXT, "MasterAccountId": OWNER, "AvailablePolicyTypes": []}}),
    row("there is one root", by_owner("ListRoots"), {"Roots": [{"Id": ROOT, "Arn": A_TEXT, "Name": "Root", "PolicyTypes": []}]}),
    row("an account lies below the root", by_owner("ListParents", ChildId="{account}"), {"Parents": [{"Id": ROOT, "Type": "ROOT"}]}),
    row("an account that is not there lies nowhere", by_owner("ListParents", ChildId=NOBODY), Fails("ChildNotFoundException")),
    row("an account is tagged", by_owner("TagResource", ResourceId="{account}", Tags=TAG), then=[(by_owner("ListTagsForResource", ResourceId="{account}"), {"Tags": TAG})]),
    row("an account wears no tag of AWS's", by_owner("TagResource", ResourceId="{account}", Tags=[{"Key": "aws:a", "Value": ""}]), Fails("InvalidInputException")),
    row("an account that is not there is not tagged", by_owner("TagResource", ResourceId=NOBODY, Tags=TAG), Fails("TargetNotFoundException")),
    row("tags are taken off an account", by_owner("UntagResource", ResourceId="{account}", TagKeys=["Cost"]), given=[by_owner("TagResource", ResourceId="{account}", Tags=TAG)], then=[(by_owner("ListTagsForResource", ResourceId="{account}"), {"Tags": []})]),
    row("an account that is not there has no tags to lose", by_owner("UntagResource", ResourceId=NOBODY, TagKeys=["a"]), Fails("TargetNotFoundException")),
    row("an account that is not there has no tags", by_owner("ListTagsForResource", ResourceId=NOBODY), Fails("TargetNotFoundException")),
]  # fmt: skip
