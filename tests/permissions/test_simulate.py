"""The simulator: the engine's verdicts on policies that are there or might be, as IAM spells them."""

from __future__ import annotations

import json

import pytest

from authority.kernel.refusal import Reason, Refusal
from authority.kernel.tags import Tag
from authority.model import boundaries, holders, policies, principals
from authority.permissions import inline, simulate
from authority.permissions.simulate import simulate_custom_policy, simulate_principal_policy
from tests.permissions.asking import APP, BEN, HOME, MIA, ROOT, TEAM, World, denied, document, may, refused
from tests.permissions.test_managed import ADMIN_ID, PUBLISHED, attached, bounded, created

AS_BEN, AS_APP, AS_TEAM = f"{ROOT}user/staff/Ben", f"{ROOT}role/team/App", f"{ROOT}group/Team"
BOOKS, PENS = "arn:aws:s3:::books/a", "arn:aws:s3:::pens/a"
QUEUE = "arn:aws:sqs:us-east-1:444455556666:queue"
READS_BOOKS = document(action="s3:GetObject", resource="arn:aws:s3:::books/*")
DENIES_PENS = document("Deny", "s3:*", "arn:aws:s3:::pens/*")


def custom(*texts: str, action: str | list[str] = "s3:GetObject", **more):
    names = [action] if isinstance(action, str) else action
    return World().ask(simulate_custom_policy, PolicyInputList=list(texts), ActionNames=names, **more)


def only(answer) -> dict:
    (result,) = answer["EvaluationResults"]
    return result


def decision(*texts: str, **more) -> str:
    return only(custom(*texts, **more))["EvalDecision"]


def of(*facts, source: str = AS_BEN, action: str = "s3:GetObject", resource: str | None = BOOKS, **more):
    wanted = {"PolicySourceArn": source, "ActionNames": [action], **more}
    if resource is not None:
        wanted.setdefault("ResourceArns", [resource])
    answer = World(*facts).ask(simulate_principal_policy, **wanted)
    return answer if isinstance(answer, Refusal) else only(answer)


def sources(result: dict) -> list[str]:
    return [statement["SourcePolicyId"] for statement in result["MatchedStatements"]]


# --- what a result says ------------------------------------------------------------------------


def test_a_statement_is_shown_with_its_place_as_iam_counts():
    """The guide's own example: the statement's brace is character 37, its last is character 166."""
    condition = {"DateGreaterThan": {"aws:CurrentTime": "2018-08-16T12:00:00Z"}}
    statement = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*", "Condition": condition}
    text = json.dumps({"Version": "2012-10-17", "Statement": statement}, separators=(",", ":"))
    told = [
        {"ContextKeyName": "aws:CurrentTime", "ContextKeyValues": ["2019-04-25T11:00:00Z"], "ContextKeyType": "date"}
    ]
    result = only(custom(text, action="dynamodb:CreateBackup", ContextEntries=told))
    assert result == {
        "EvalActionName": "dynamodb:CreateBackup",
        "EvalResourceName": "*",
        "EvalDecision": "allowed",
        "MatchedStatements": [
            {
                "SourcePolicyId": "PolicyInputList.1",
                "SourcePolicyType": "IAM Policy",
                "StartPosition": {"Line": 1, "Column": 38},
                "EndPosition": {"Line": 1, "Column": 167},
            }
        ],
        "MissingContextValues": [],
        "OrganizationsDecisionDetail": None,
        "PermissionsBoundaryDecisionDetail": None,
        "EvalDecisionDetails": None,
        "ResourceSpecificResults": None,
    }


def test_lines_are_counted_too():
    text = '{\n"Version": "2012-10-17",\n  "Statement": {\n    "Effect": "Allow",\n    "Action": "s3:*",\n    "Resource": "*"\n  }\n}'
    (statement,) = only(custom(text))["MatchedStatements"]
    assert statement["StartPosition"] == {"Line": 3, "Column": 17}
    assert statement["EndPosition"] == {"Line": 7, "Column": 4}


def test_a_missing_key_is_named_as_the_policy_spells_it():
    text = document(action="s3:*", Condition={"StringEquals": {"AWS:userAgent": "x", "s3:Prefix": "${aws:UserName}"}})
    result = only(custom(text))
    assert result["EvalDecision"] == "implicitDeny"
    assert result["MissingContextValues"] == ["AWS:userAgent", "s3:Prefix", "aws:UserName"]


def test_what_is_told_is_no_longer_missing():
    text = document(action="s3:*", Condition={"StringEquals": {"aws:UserAgent": "x"}})
    told = [{"ContextKeyName": "AWS:useragent", "ContextKeyValues": ["x"], "ContextKeyType": "string"}]
    result = only(custom(text, ContextEntries=told))
    assert (result["EvalDecision"], result["MissingContextValues"]) == ("allowed", [])


def test_one_resource_is_named_and_has_a_result_of_its_own():
    result = only(custom(READS_BOOKS, ResourceArns=[BOOKS]))
    assert (result["EvalResourceName"], result["EvalDecision"]) == (BOOKS, "allowed")
    assert result["EvalDecisionDetails"] == {}
    (alone,) = result["ResourceSpecificResults"]
    assert alone == {
        "EvalResourceName": BOOKS,
        "EvalResourceDecision": "allowed",
        "MatchedStatements": result["MatchedStatements"],
        "MissingContextValues": [],
        "EvalDecisionDetails": None,
        "PermissionsBoundaryDecisionDetail": None,
    }


@pytest.mark.parametrize(
    ("resources", "whole", "each"),
    [
        pytest.param([BOOKS, PENS], "explicitDeny", ["allowed", "explicitDeny"], id="one is denied"),
        pytest.param([BOOKS, QUEUE], "implicitDeny", ["allowed", "implicitDeny"], id="one is not allowed"),
        pytest.param([QUEUE, PENS, BOOKS], "explicitDeny", ["implicitDeny", "explicitDeny", "allowed"], id="all three"),
        pytest.param([BOOKS, f"{BOOKS}b"], "allowed", ["allowed", "allowed"], id="all are allowed"),
    ],
)
def test_several_resources_come_to_the_most_restrictive(resources, whole, each):
    result = only(custom(READS_BOOKS, DENIES_PENS, ResourceArns=resources))
    assert (result["EvalResourceName"], result["EvalDecision"]) == ("*", whole)
    assert [one["EvalResourceDecision"] for one in result["ResourceSpecificResults"]] == each
    assert [one["EvalResourceName"] for one in result["ResourceSpecificResults"]] == resources


def test_only_statements_that_brought_the_result_about_are_shown_each_once():
    result = only(custom(READS_BOOKS, DENIES_PENS, ResourceArns=[BOOKS, PENS, f"{PENS}b"]))
    assert sources(result) == ["PolicyInputList.2"]
    assert [sources(one) for one in result["ResourceSpecificResults"]] == [
        ["PolicyInputList.1"],
        ["PolicyInputList.2"],
        ["PolicyInputList.2"],
    ]


def test_a_deny_is_the_only_statement_of_its_result():
    result = only(custom(document(action="*"), DENIES_PENS, ResourceArns=[PENS]))
    assert (result["EvalDecision"], sources(result)) == ("explicitDeny", ["PolicyInputList.2"])


# --- custom policies ---------------------------------------------------------------------------


def test_a_boundary_gives_nothing_and_limits_what_is_given():
    more = {"PermissionsBoundaryPolicyInputList": [READS_BOOKS]}
    inside = only(custom(document(action="*"), ResourceArns=[BOOKS], **more))
    outside = only(custom(document(action="*"), ResourceArns=[PENS], **more))
    nothing = only(custom(document(), ResourceArns=[BOOKS], **more))
    assert [one["EvalDecision"] for one in (inside, outside, nothing)] == ["allowed", "implicitDeny", "implicitDeny"]
    said = [
        one["PermissionsBoundaryDecisionDetail"]["AllowedByPermissionsBoundary"] for one in (inside, outside, nothing)
    ]
    assert said == [True, False, True]
    assert sources(inside) == ["PolicyInputList.1"]
    assert outside["ResourceSpecificResults"][0]["PermissionsBoundaryDecisionDetail"] == {
        "AllowedByPermissionsBoundary": False
    }


def test_a_boundary_s_deny_shows_in_its_detail_and_not_among_the_statements():
    result = only(custom(document(action="*"), PermissionsBoundaryPolicyInputList=[DENIES_PENS], ResourceArns=[PENS]))
    assert (result["EvalDecision"], result["MatchedStatements"]) == ("explicitDeny", [])
    assert result["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}


EVERYTHING = document(action="*")


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        pytest.param([[EVERYTHING]], ("allowed", True), id="a level that allows"),
        pytest.param([[EVERYTHING], [READS_BOOKS]], ("allowed", True), id="every level allows"),
        pytest.param([[EVERYTHING], [document()]], ("implicitDeny", False), id="one level does not"),
        pytest.param([[EVERYTHING], [EVERYTHING, document("Deny", "s3:*")]], ("explicitDeny", False), id="one denies"),
        pytest.param([[EVERYTHING], []], ("implicitDeny", False), id="a level without policies"),
    ],
)
def test_every_level_of_an_organisation_must_allow(levels, expected):
    given = [{"ServiceControlPolicyInputList": level} for level in levels]
    result = only(custom(EVERYTHING, ResourceArns=[BOOKS], OrderedOrganizationPolicyInputList=given))
    assert (result["EvalDecision"], result["OrganizationsDecisionDetail"]["AllowedByOrganizations"]) == expected
    assert set(sources(result)) <= {"PolicyInputList.1"}


def test_control_policies_tell_nothing_of_the_keys_they_read():
    level = document(action="*", Condition={"StringEquals": {"aws:RequestedRegion": "us-east-1"}})
    result = only(custom(EVERYTHING, OrderedOrganizationPolicyInputList=[{"ServiceControlPolicyInputList": [level]}]))
    assert (result["EvalDecision"], result["MissingContextValues"]) == ("implicitDeny", [])


def theirs(**principal) -> str:
    return document(action="sqs:*", resource=QUEUE, Principal=principal)


def asked_across(policy: str, *, identity: str = EVERYTHING, caller: str = f"{ROOT}user/Zoe", **more) -> dict:
    more = {"ResourcePolicy": policy, "CallerArn": caller, "ResourceArns": [QUEUE], **more}
    return only(custom(identity, action="sqs:SendMessage", **more))


@pytest.mark.parametrize(
    ("policy", "identity", "expected", "details"),
    [
        pytest.param(theirs(AWS=HOME), EVERYTHING, "allowed", ("allowed", "allowed"), id="both sides allow"),
        pytest.param(
            theirs(AWS="444455556666"), EVERYTHING, "implicitDeny", ("allowed", "implicitDeny"), id="theirs not"
        ),
        pytest.param(theirs(AWS=HOME), READS_BOOKS, "implicitDeny", ("implicitDeny", "allowed"), id="ours not"),
        pytest.param(
            theirs(AWS=f"{ROOT}user/Zoe"),
            READS_BOOKS,
            "implicitDeny",
            ("implicitDeny", "allowed"),
            id="named, but not ours",
        ),
        pytest.param(
            document("Deny", "sqs:*", QUEUE, Principal="*"),
            EVERYTHING,
            "explicitDeny",
            ("allowed", "explicitDeny"),
            id="theirs denies",
        ),
    ],
)
def test_across_accounts_both_sides_must_allow_and_each_says_what_it_says(policy, identity, expected, details):
    result = asked_across(policy, identity=identity)
    assert result["EvalDecision"] == expected
    assert result["EvalDecisionDetails"] == dict(zip(("IAM Policy", "Resource Policy"), details, strict=True))
    assert result["ResourceSpecificResults"][0]["EvalDecisionDetails"] == result["EvalDecisionDetails"]


def test_within_an_account_a_resource_s_policy_is_enough_and_there_are_no_details():
    mine = document(action="sqs:*", resource="*", Principal={"AWS": f"{ROOT}user/Zoe"})
    result = asked_across(mine, identity=READS_BOOKS, ResourceArns=[QUEUE.replace("444455556666", HOME)])
    assert (result["EvalDecision"], result["EvalDecisionDetails"]) == ("allowed", {})
    assert [(one["SourcePolicyId"], one["SourcePolicyType"]) for one in result["MatchedStatements"]] == [
        ("ResourcePolicy", "Resource Policy")
    ]


def test_who_owns_what_names_no_account_can_be_said():
    bucket = document(action="s3:*", resource="arn:aws:s3:::books/*", Principal={"AWS": HOME})
    asked = {"ResourcePolicy": bucket, "CallerArn": f"{ROOT}user/Zoe", "ResourceArns": [BOOKS]}
    owned = {"ResourceOwner": "arn:aws:iam::444455556666:root"}
    assert only(custom(document(), **asked, **owned))["EvalDecisionDetails"] == {
        "IAM Policy": "implicitDeny",
        "Resource Policy": "allowed",
    }
    assert only(custom(READS_BOOKS, **asked, **owned))["EvalDecision"] == "allowed"
    assert only(custom(READS_BOOKS, **asked))["EvalDecisionDetails"] == {}
    assert decision(READS_BOOKS, ResourceArns=[BOOKS], ResourceOwner="444455556666") == "implicitDeny"


def test_without_its_policy_a_foreign_resource_is_asked_about_as_if_it_were_ours():
    assert decision(EVERYTHING, action="sqs:SendMessage", ResourceArns=[QUEUE]) == "allowed"


def test_a_role_that_calls_is_known_to_a_resource_s_policy_by_its_own_arn():
    role = f"{ROOT}role/team/App"
    mine = document(action="sqs:*", resource="*", Principal={"AWS": role})
    more = {"identity": READS_BOOKS, "ResourceArns": [QUEUE.replace("444455556666", HOME)]}
    assert asked_across(mine, caller=role, **more)["EvalDecision"] == "allowed"
    assert asked_across(mine, caller=f"{ROOT}role/App", **more)["EvalDecision"] == "implicitDeny"


@pytest.mark.parametrize(
    ("caller", "key", "value"),
    [
        (f"{ROOT}user/staff/Ben", "aws:username", "Ben"),
        (f"{ROOT}user/staff/Ben", "aws:PrincipalArn", f"{ROOT}user/staff/Ben"),
        (f"{ROOT}role/team/App", "aws:PrincipalArn", f"{ROOT}role/team/App"),
        (f"{ROOT}role/team/App", "aws:PrincipalType", "AssumedRole"),
    ],
)
def test_a_caller_brings_what_its_arn_says(caller, key, value):
    text = document(action="s3:*", Condition={"StringEquals": {key: value}})
    assert decision(text, CallerArn=caller) == "allowed"
    assert decision(text) == "implicitDeny"


# --- what makes no sense -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param({"ActionNames": ["s3:*"]}, id="a pattern of actions"),
        pytest.param({"ActionNames": ["GetObject"]}, id="an action without its service"),
        pytest.param({"ActionNames": ["s3:Get:Object"]}, id="an action with two colons"),
        pytest.param({"PolicyInputList": ["{"]}, id="a policy that is no JSON"),
        pytest.param({"PolicyInputList": [document(Principal="*")]}, id="a resource's policy as an identity's"),
        pytest.param({"PermissionsBoundaryPolicyInputList": ["[]"]}, id="a boundary that is no policy"),
        pytest.param({"PermissionsBoundaryPolicyInputList": [EVERYTHING] * 2}, id="two boundaries"),
        pytest.param(
            {"OrderedOrganizationPolicyInputList": [{"ServiceControlPolicyInputList": ["1"]}]},
            id="a level of no policy",
        ),
        pytest.param({"ResourceArns": ["books"]}, id="a resource that is no ARN"),
        pytest.param({"ResourcePolicy": theirs(AWS=HOME)}, id="a resource's policy and no caller"),
        pytest.param({"ResourcePolicy": "{}", "CallerArn": AS_BEN}, id="a resource's policy that is none"),
        pytest.param({"ResourceOwner": "me"}, id="an owner that is no account"),
        pytest.param({"ResourceOwner": f"{ROOT}user/Ben"}, id="an owner that is a user"),
        pytest.param({"CallerArn": f"arn:aws:sts::{HOME}:assumed-role/App/s"}, id="a session as the caller"),
        pytest.param({"CallerArn": f"{ROOT}root"}, id="root as the caller"),
        pytest.param({"CallerArn": f"{ROOT}group/Team"}, id="a group as the caller"),
        pytest.param({"ContextEntries": [{"ContextKeyValues": ["x"]}]}, id="a key without a name"),
        pytest.param(
            {"ContextEntries": [{"ContextKeyName": name, "ContextKeyValues": ["x"]} for name in ("aws:a", "AWS:A")]},
            id="a key twice",
        ),
        pytest.param({"ResourceHandlingOption": "EC2-Classic"}, id="a scenario that there is not"),
        pytest.param({"ResourceHandlingOption": "EC2-VPC-EBS", "ResourceArns": [BOOKS]}, id="a scenario half equipped"),
        *(
            pytest.param(
                {"ContextEntries": [{"ContextKeyName": "a:bcd", "ContextKeyType": kind, "ContextKeyValues": values}]},
                id=f"{kind} {' '.join(values)}",
            )
            for kind, values in [
                ("string", ["a", "b"]),
                ("numeric", ["one"]),
                ("numericList", ["1", "two"]),
                ("boolean", ["yes"]),
                ("ip", ["10.0.0.300"]),
                ("binary", ["?"]),
                ("date", ["tomorrow"]),
            ]
        ),
    ],
)
def test_what_makes_no_sense_is_refused(wanted):
    given = {"PolicyInputList": [EVERYTHING], "ActionNames": ["s3:GetObject"], **wanted}
    assert World().ask(simulate_custom_policy, **given).reason is Reason.INVALID_INPUT


def test_a_refused_policy_is_named_with_what_is_wrong():
    given = {"PolicyInputList": [EVERYTHING, document(Sid="a b")], "ActionNames": ["s3:GetObject"]}
    answer = World().ask(simulate_custom_policy, **given)
    assert answer.message.startswith("The policy policyInputList.2 is not valid: ")


def test_a_scenario_with_all_its_resources_is_weighed():
    kinds = ("instance", "image", "security-group", "network-interface")
    arns = [f"arn:aws:ec2:us-east-1:{HOME}:{kind}/x" for kind in kinds]
    more = {"ResourceArns": arns, "ResourceHandlingOption": "EC2-VPC-InstanceStore"}
    assert (
        decision(document(action="ec2:RunInstances", resource=arns[:3]), action="ec2:RunInstances", **more)
        == "implicitDeny"
    )
    assert decision(document(action="ec2:RunInstances", resource=arns), action="ec2:RunInstances", **more) == "allowed"


@pytest.mark.parametrize(
    ("operator", "value", "kind", "values"),
    [
        ("NumericLessThan", "5", "numeric", ["4"]),
        ("Bool", "true", "boolean", ["TRUE"]),
        ("IpAddress", "10.0.0.0/8", "ip", ["10.1.2.3"]),
        ("BinaryEquals", "QmFu", "binary", ["QmFu"]),
        ("DateLessThan", "2030-01-01", "date", ["2029-12-31"]),
        ("ForAnyValue:StringEquals", "b", "stringList", ["a", "b"]),
        ("ForAllValues:StringEquals", "a", "stringList", ["a"]),
        ("StringEquals", "a", "", ["a"]),
        ("ForAnyValue:StringEquals", "b", "", ["a", "b"]),
    ],
)
def test_keys_are_told_in_the_form_of_their_type(operator, value, kind, values):
    text = document(action="s3:*", Condition={operator: {"s3:some": value}})
    told = {"ContextKeyName": "s3:some", "ContextKeyValues": values, **({"ContextKeyType": kind} if kind else {})}
    assert decision(text, ContextEntries=[told]) == "allowed"


def test_a_key_without_values_is_absent():
    text = document(action="s3:*", Condition={"Null": {"s3:some": "true"}})
    told = {"ContextKeyName": "s3:some", "ContextKeyValues": [], "ContextKeyType": "string"}
    assert decision(text, ContextEntries=[told]) == "allowed"


# --- pages -------------------------------------------------------------------------------------


def test_results_come_in_the_order_that_was_asked_and_in_pages():
    actions = ["s3:PutObject", "s3:GetObject", "s3:GetObject", "ec2:RunInstances"]
    seen, more = [], {}
    for _ in range(2):
        answer = custom(READS_BOOKS, action=actions, ResourceArns=[BOOKS], MaxItems=2, **more)
        seen += [(one["EvalActionName"], one["EvalDecision"]) for one in answer["EvaluationResults"]]
        more = {"Marker": answer["Marker"]}
    assert seen == [
        ("s3:PutObject", "implicitDeny"),
        ("s3:GetObject", "allowed"),
        ("s3:GetObject", "allowed"),
        ("ec2:RunInstances", "implicitDeny"),
    ]
    assert (answer["IsTruncated"], answer["Marker"]) == (False, None)


def test_a_marker_fits_no_other_question():
    marker = custom(EVERYTHING, action=["s3:A", "s3:B"], MaxItems=1)["Marker"]
    assert (
        custom(EVERYTHING, action=["s3:A", "s3:B"], Marker=marker)["EvaluationResults"][0]["EvalActionName"] == "s3:B"
    )
    assert custom(READS_BOOKS, action=["s3:A", "s3:B"], Marker=marker).reason is Reason.VALIDATION_ERROR


def test_a_page_weighs_no_more_than_so_often_whatever_was_asked():
    resources = [f"arn:aws:s3:::books/{number}" for number in range(600)]
    answer = custom(READS_BOOKS, action=["s3:GetObject", "s3:PutObject"], ResourceArns=resources, MaxItems=1000)
    assert (len(answer["EvaluationResults"]), answer["IsTruncated"]) == (1, True)
    assert simulate.WEIGHINGS // 600 == 1


# --- whose policies ----------------------------------------------------------------------------


def test_a_user_has_its_own_policies_and_those_of_its_groups():
    given = (
        created("Reads", "/", document=READS_BOOKS),
        principals.GroupJoined(account=HOME, group_id=TEAM, user_id=BEN),
        attached("ANPAREADS", TEAM),
        attached(ADMIN_ID),
        may(BEN, "s3:Get*"),
        may(TEAM, "s3:*", name="most"),
    )
    assert sources(of(PUBLISHED, *given)) == ["user_Ben_may", "Admin", "group_Team_most", "Reads"]
    assert sources(of(PUBLISHED, *given, source=AS_TEAM)) == ["group_Team_most", "Reads"]


def test_a_role_s_policies_are_its_own():
    result = of(may(APP, "s3:*", name="most"), source=AS_APP)
    assert (result["EvalDecision"], sources(result)) == ("allowed", ["role_App_most"])
    assert result["OrganizationsDecisionDetail"] == {"AllowedByOrganizations": True}


def test_policies_can_be_added():
    result = of(PolicyInputList=[READS_BOOKS])
    assert (result["EvalDecision"], sources(result)) == ("allowed", ["PolicyInputList.1"])
    assert of(may(BEN, "s3:*"), PolicyInputList=[document("Deny", "s3:*")])["EvalDecision"] == "explicitDeny"


def test_the_boundary_that_is_there_limits_unless_another_is_given():
    limited = (created("Limit", "/", document=DENIES_PENS), bounded("ANPALIMIT"), may(BEN, "s3:*"))
    assert of(*limited)["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
    other = of(*limited, PermissionsBoundaryPolicyInputList=[READS_BOOKS])
    assert (other["EvalDecision"], other["PermissionsBoundaryDecisionDetail"]) == (
        "allowed",
        {"AllowedByPermissionsBoundary": True},
    )
    assert of(may(BEN, "s3:*"))["PermissionsBoundaryDecisionDetail"] is None


@pytest.mark.parametrize(
    ("excluded", "left"),
    [
        pytest.param([], ["user_Ben_may", "Reads", "Admin"], id="nothing is left out"),
        pytest.param([{"PolicyType": "inline"}], ["Reads", "Admin"], id="inline policies"),
        pytest.param([{"PolicyType": "user-managed"}], ["user_Ben_may", "Admin"], id="the account's own"),
        pytest.param([{"PolicyType": "aws-managed"}], ["user_Ben_may", "Reads"], id="the catalogue's"),
        pytest.param([{"PolicyType": "rcp"}], ["user_Ben_may", "Reads", "Admin"], id="what is not there"),
        pytest.param([{"PolicyArn": f"{ROOT}policy/Reads"}], ["user_Ben_may", "Admin"], id="one by ARN"),
        pytest.param([{"PolicyArn": f"{ROOT}policy/R?a*"}], ["user_Ben_may", "Admin"], id="some by ARN"),
        pytest.param([{"PolicyArn": f"{ROOT}policy/Absent"}], ["user_Ben_may", "Reads", "Admin"], id="none by ARN"),
        pytest.param(
            [{"InlinePolicyIdentifier": {"PolicyName": "may", "AttachmentType": "user", "AttachmentName": "B*"}}],
            ["Reads", "Admin"],
            id="one inline",
        ),
        pytest.param(
            [{"InlinePolicyIdentifier": {"PolicyName": "may", "AttachmentType": "group", "AttachmentName": "Ben"}}],
            ["user_Ben_may", "Reads", "Admin"],
            id="one of somebody else",
        ),
    ],
)
def test_policies_can_be_left_out(excluded, left):
    given = (PUBLISHED, created("Reads", "/", document=READS_BOOKS), attached("ANPAREADS"), attached(ADMIN_ID))
    assert sources(of(*given, may(BEN, "s3:*"), PolicyExclusionList=excluded)) == left


def test_a_boundary_can_be_left_out():
    limited = (created("Limit", "/"), bounded("ANPALIMIT"), may(BEN, "s3:*"))
    assert of(*limited)["EvalDecision"] == "implicitDeny"
    without = of(*limited, PolicyExclusionList=[{"PolicyType": "permission-boundary"}])
    assert (without["EvalDecision"], without["PermissionsBoundaryDecisionDetail"]) == ("allowed", None)


@pytest.mark.parametrize(
    "identifier",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"PolicyType": "inline", "PolicyArn": f"{ROOT}policy/Reads"}, id="two ways at once"),
        pytest.param({"PolicyArn": "policy/Reads"}, id="no ARN"),
        pytest.param({"PolicyArn": AS_BEN}, id="a user's ARN"),
        pytest.param({"PolicyArn": "arn:aws:iam::*:policy/Reads"}, id="any account"),
        pytest.param({"PolicyArn": f"{ROOT}policy/*a*"}, id="two stars"),
        pytest.param(
            {"InlinePolicyIdentifier": {"PolicyName": "p", "AttachmentType": "user", "AttachmentName": "**"}},
            id="two stars in a name",
        ),
    ],
)
def test_what_does_not_identify_a_policy_is_refused(identifier):
    assert of(PolicyExclusionList=[identifier]).reason is Reason.INVALID_INPUT


@pytest.mark.parametrize(
    ("source", "reason", "message"),
    [
        pytest.param(
            f"{ROOT}user/staff/Nobody", Reason.NO_SUCH_ENTITY, "The user with name Nobody cannot be found.", id="nobody"
        ),
        pytest.param(
            f"{ROOT}user/Ben", Reason.NO_SUCH_ENTITY, "The user with name Ben cannot be found.", id="another path"
        ),
        pytest.param(
            f"{ROOT}policy/team/Books",
            Reason.INVALID_INPUT,
            f"Invalid Entity Arn: {ROOT}policy/team/Books does not clearly define entity type and name.",
            id="a policy",
        ),
        pytest.param(
            "not-an-arn-and-long-enough", Reason.VALIDATION_ERROR, "Invalid ARN:  Could not be parsed!", id="no ARN"
        ),
    ],
)
def test_whose_policies_cannot_be_found(source, reason, message):
    assert of(source=source) == refused(reason, message)


OWN_TAG = {"Condition": {"StringEquals": {"aws:PrincipalTag/Team": "a"}}}


def test_what_is_known_of_somebody_is_part_of_the_question_and_can_be_told_otherwise():
    mias = f"{ROOT}user/Mia"
    by_tag = document(action="s3:*", **OWN_TAG)
    by_id = document(action="s3:*", Condition={"StringEquals": {"aws:userid": MIA, "aws:username": "Mia"}})
    without = [{"PolicyType": "inline"}]
    for text in (by_tag, by_id):
        assert of(source=mias, PolicyInputList=[text], PolicyExclusionList=without)["EvalDecision"] == "allowed"
    told = [{"ContextKeyName": "aws:PrincipalTag/team", "ContextKeyValues": ["b"], "ContextKeyType": "string"}]
    more = {"PolicyInputList": [by_tag], "PolicyExclusionList": without, "ContextEntries": told}
    assert of(source=mias, **more)["EvalDecision"] == "implicitDeny"


def test_nobody_learns_of_one_identity_by_asking_about_another():
    by_tag = document(action="s3:*", **OWN_TAG)
    asked = of(PolicyInputList=[by_tag], CallerArn=f"{ROOT}user/Mia")
    assert (asked["EvalDecision"], asked["MissingContextValues"]) == ("implicitDeny", ["aws:PrincipalTag/Team"])


def test_a_role_s_unique_id_comes_with_the_name_of_a_session():
    text = document(action="s3:*", Condition={"StringLike": {"aws:userid": f"{APP}:*"}})
    assert of(source=AS_APP, PolicyInputList=[text])["EvalDecision"] == "allowed"


def test_asking_about_somebody_is_authorised_on_him_and_by_his_tags():
    given = may(
        BEN, "iam:SimulatePrincipalPolicy", f"{ROOT}user/*", Condition={"StringEquals": {"iam:ResourceTag/Team": "a"}}
    )
    wanted = {"ActionNames": ["s3:GetObject"]}
    world = World(given)
    assert "EvaluationResults" in world.as_ben(simulate_principal_policy, PolicySourceArn=f"{ROOT}user/Mia", **wanted)
    assert denied(world.as_ben(simulate_principal_policy, PolicySourceArn=AS_BEN, **wanted))
    assert denied(world.as_ben(simulate_principal_policy, PolicySourceArn=AS_APP, **wanted))


def test_asking_about_texts_is_authorised_on_everything():
    wanted = {"PolicyInputList": [EVERYTHING], "ActionNames": ["s3:GetObject"]}
    assert denied(World(may(BEN, "iam:SimulateCustomPolicy", ROOT + "user/*")).as_ben(simulate_custom_policy, **wanted))
    assert "EvaluationResults" in World(may(BEN, "iam:SimulateCustomPolicy")).as_ben(simulate_custom_policy, **wanted)


def test_another_account_s_users_are_out_of_reach():
    answer = of(source="arn:aws:iam::444455556666:user/Theirs")
    assert denied(answer)


def test_a_simulation_answers_as_the_real_call_does():
    """What is simulated for Ben is what Ben gets."""
    given = (
        may(BEN, "iam:*", f"{ROOT}user/staff/*", name="most"),
        holders.InlinePolicyPut(account=HOME, holder=BEN, name="no", document=document("Deny", "iam:DeleteUserPolicy")),
        policies.PolicyCreated(
            account=HOME, policy_id="ANPALIMIT", name="Limit", path="/", document=document(action="iam:Get*")
        ),
        boundaries.BoundarySet(account=HOME, holder=BEN, policy_id="ANPALIMIT"),
        holders.HolderTagged(account=HOME, holder=BEN, tags=(Tag("a", "b"),)),
    )
    world = World(*given)
    asked = {"UserName": "Ben", "PolicyName": "most"}
    for action in (inline.get_user_policy, inline.delete_user_policy):
        simulated = of(*given, action=action.name, resource=AS_BEN)["EvalDecision"]
        assert (simulated == "allowed") is not denied(world.as_ben(action, **asked))
