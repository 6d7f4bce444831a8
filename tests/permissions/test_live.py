"""Policies with a real boto3 client against a live server: what is set comes back, and counts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from authority.compose.configured import catalogue_of
from authority.permissions.catalogue import CatalogueRefused
from authority.settings import SettingsRefused
from tests.live import MANAGEMENT, Keys, Live, made, running
from tests.permissions.asking import document

ADMINISTRATOR, READS_IAM = "arn:aws:iam::aws:policy/AdministratorAccess", "arn:aws:iam::aws:policy/IAMReadOnlyAccess"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"},
    }
)
STRANGE = document(resource=["arn:aws:s3:::a%3Ab+c d/é&<\"'>*", "arn:aws:s3:::ÿ"]).replace("], ", "],\r\n\t")


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with running(tmp_path_factory.mktemp("permissions")) as running_one:
        iam = running_one.client("iam")
        iam.create_user(UserName="Ben")
        iam.create_group(GroupName="Team")
        iam.create_role(RoleName="App", AssumeRolePolicyDocument=TRUST)
        yield running_one


def refusal(call: Any, **wanted: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as caught:
        call(**wanted)
    answer = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize(("word", "name"), [("User", "Ben"), ("Group", "Team"), ("Role", "App")])
def test_inline_policies_come_back_as_objects_equal_to_what_was_put(live, word, name):
    iam, whose, lower = live.client("iam"), {f"{word}Name": name}, word.lower()
    getattr(iam, f"put_{lower}_policy")(**whose, PolicyName="p", PolicyDocument=STRANGE)
    answer = getattr(iam, f"get_{lower}_policy")(**whose, PolicyName="p")
    assert (answer[f"{word}Name"], answer["PolicyName"], answer["PolicyDocument"]) == (name, "p", json.loads(STRANGE))
    assert getattr(iam, f"list_{lower}_policies")(**whose)["PolicyNames"] == ["p"]
    getattr(iam, f"delete_{lower}_policy")(**whose, PolicyName="p")
    assert refusal(getattr(iam, f"get_{lower}_policy"), **whose, PolicyName="p") == ("NoSuchEntity", 404)
    broken = {**whose, "PolicyName": "p", "PolicyDocument": "{}"}
    assert refusal(getattr(iam, f"put_{lower}_policy"), **broken) == ("MalformedPolicyDocument", 400)
    assert getattr(iam, f"list_{lower}_policies")(**whose)["PolicyNames"] == []


def test_a_managed_policy_lives_and_dies(live):
    iam = live.client("iam")
    tags = [{"Key": "Team", "Value": "a"}]
    made_one = iam.create_policy(
        PolicyName="Books", Path="/team/", PolicyDocument=STRANGE, Description="for readers", Tags=tags
    )["Policy"]
    arn = f"arn:aws:iam::{MANAGEMENT}:policy/team/Books"
    assert (made_one["Arn"], made_one["Tags"], made_one["IsAttachable"]) == (arn, tags, True)
    assert "Description" not in made_one
    shown = iam.get_policy(PolicyArn=arn)["Policy"]
    assert shown == {**made_one, "Description": "for readers"}
    assert iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"] == json.loads(STRANGE)

    for _ in range(4):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=document())
    assert refusal(iam.create_policy_version, PolicyArn=arn, PolicyDocument=document()) == ("LimitExceeded", 409)
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v5")
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert [(one["VersionId"], one["IsDefaultVersion"]) for one in versions][:2] == [("v5", True), ("v4", False)]
    assert "Document" not in versions[0]
    assert refusal(iam.delete_policy_version, PolicyArn=arn, VersionId="v5") == ("DeleteConflict", 409)

    for word, name in (("user", "Ben"), ("group", "Team"), ("role", "App")):
        whose = {f"{word.capitalize()}Name": name}
        getattr(iam, f"attach_{word}_policy")(**whose, PolicyArn=arn)
        attached = getattr(iam, f"list_attached_{word}_policies")(**whose)["AttachedPolicies"]
        assert attached == [{"PolicyName": "Books", "PolicyArn": arn}]
    holders = iam.list_entities_for_policy(PolicyArn=arn)
    assert [one["UserName"] for one in holders["PolicyUsers"]] == ["Ben"]
    assert [one["GroupName"] for one in holders["PolicyGroups"]] == ["Team"]
    assert [one["RoleName"] for one in holders["PolicyRoles"]] == ["App"]
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 3
    assert refusal(iam.delete_policy, PolicyArn=arn) == ("DeleteConflict", 409)
    for word, name in (("user", "Ben"), ("group", "Team"), ("role", "App")):
        getattr(iam, f"detach_{word}_policy")(**{f"{word.capitalize()}Name": name}, PolicyArn=arn)

    iam.tag_policy(PolicyArn=arn, Tags=[{"Key": "team", "Value": "é"}])
    iam.untag_policy(PolicyArn=arn, TagKeys=["Team"])
    assert iam.list_policy_tags(PolicyArn=arn)["Tags"] == [{"Key": "team", "Value": "é"}]
    for number in range(1, 5):
        iam.delete_policy_version(PolicyArn=arn, VersionId=f"v{number}")
    iam.delete_policy(PolicyArn=arn)
    assert refusal(iam.get_policy, PolicyArn=arn) == ("NoSuchEntity", 404)


def test_the_catalogue_is_listed_page_by_page_and_its_texts_can_be_read(live):
    iam = live.client("iam")
    pages = iam.get_paginator("list_policies").paginate(Scope="AWS", PaginationConfig={"PageSize": 50})
    listed = pages.build_full_result()["Policies"]
    assert len(listed) == len({policy["Arn"] for policy in listed}) > 100
    assert all(policy["PolicyId"].startswith("ANPA") for policy in listed)
    text = iam.get_policy_version(PolicyArn=ADMINISTRATOR, VersionId="v1")["PolicyVersion"]["Document"]
    assert text["Statement"] == [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
    assert refusal(iam.delete_policy, PolicyArn=ADMINISTRATOR) == ("AccessDenied", 403)


def test_what_the_catalogue_gives_counts_from_the_attachment_on(live):
    iam = live.client("iam")
    iam.create_user(UserName="Zoe")
    keys = Keys.of(iam.create_access_key(UserName="Zoe")["AccessKey"])
    hers = live.client("iam", keys)
    assert refusal(hers.list_users) == ("AccessDenied", 403)
    iam.attach_user_policy(UserName="Zoe", PolicyArn=READS_IAM)
    assert hers.list_users()["Users"]
    assert refusal(hers.create_user, UserName="Other") == ("AccessDenied", 403)
    iam.detach_user_policy(UserName="Zoe", PolicyArn=READS_IAM)
    assert refusal(hers.list_users) == ("AccessDenied", 403)


def test_the_simulator_answers_what_the_client_reads(live):
    iam = live.client("iam")
    iam.attach_role_policy(RoleName="App", PolicyArn=READS_IAM)
    role = f"arn:aws:iam::{MANAGEMENT}:role/App"
    answer = iam.simulate_principal_policy(
        PolicySourceArn=role, ActionNames=["iam:GetUser", "iam:CreateUser"], ResourceArns=[role]
    )
    first, second = answer["EvaluationResults"]
    assert (first["EvalDecision"], second["EvalDecision"]) == ("allowed", "implicitDeny")
    (statement,) = first["MatchedStatements"]
    assert (statement["SourcePolicyId"], statement["SourcePolicyType"]) == ("IAMReadOnlyAccess", "IAM Policy")
    assert statement["StartPosition"]["Line"] < statement["EndPosition"]["Line"]
    assert (first["EvalDecisionDetails"], first["MissingContextValues"]) == ({}, [])
    assert first["OrganizationsDecisionDetail"] == {"AllowedByOrganizations": True}
    assert first["ResourceSpecificResults"][0]["EvalResourceName"] == role

    condition = {"StringEquals": {"aws:SourceVpc": "vpc-1"}}
    text = document(action="s3:GetObject", Condition=condition)
    told = {"ContextKeyName": "aws:SourceVpc", "ContextKeyValues": ["vpc-1"], "ContextKeyType": "string"}
    pages = iam.get_paginator("simulate_custom_policy").paginate(
        PolicyInputList=[text],
        ActionNames=["s3:GetObject", "s3:PutObject", "s3:GetObject"],
        ContextEntries=[told],
        PaginationConfig={"PageSize": 1},
    )
    results = pages.build_full_result()["EvaluationResults"]
    assert [one["EvalDecision"] for one in results] == ["allowed", "implicitDeny", "allowed"]
    assert iam.get_context_keys_for_custom_policy(PolicyInputList=[text])["ContextKeyNames"] == ["aws:SourceVpc"]
    assert iam.get_context_keys_for_principal_policy(PolicySourceArn=role)["ContextKeyNames"] == []
    granting = iam.list_policies_granting_service_access(Arn=role, ServiceNamespaces=["iam", "s3"])
    assert [len(one["Policies"]) for one in granting["PoliciesGrantingServiceAccess"]] == [1, 0]
    broken = {"PolicyInputList": ["{"], "ActionNames": ["s3:GetObject"]}
    assert refusal(iam.simulate_custom_policy, **broken) == ("InvalidInput", 400)
    iam.detach_role_policy(RoleName="App", PolicyArn=READS_IAM)


def test_many_clients_attaching_at_once_never_pass_the_quota(live):
    iam = live.client("iam")
    iam.create_user(UserName="Crowded")
    arns = [iam.create_policy(PolicyName=f"Crowd{n}", PolicyDocument=document())["Policy"]["Arn"] for n in range(14)]

    def attach(arn: str) -> str:
        try:
            live.client("iam").attach_user_policy(UserName="Crowded", PolicyArn=arn)
        except ClientError as error:
            return error.response["Error"]["Code"]
        return ""

    with ThreadPoolExecutor(7) as pool:
        outcomes = list(pool.map(attach, arns))
    assert sorted(outcomes) == [""] * 10 + ["LimitExceeded"] * 4
    assert len(iam.list_attached_user_policies(UserName="Crowded")["AttachedPolicies"]) == 10


def operators(directory: Path, action: str) -> Path:
    file = directory / "policies.json"
    policy = {"name": "HouseRules", "path": "/house/", "document": json.loads(document(action=action))}
    file.write_text(json.dumps({"policies": [policy]}))
    return file


def test_an_operator_s_policies_are_taken_in_at_each_start(tmp_path):
    house = "arn:aws:iam::aws:policy/house/HouseRules"
    live = made(tmp_path / "a", catalogue=str(operators(tmp_path, "sqs:ListQueues")))
    seen = []
    for action in ("sqs:ListQueues", "sqs:SendMessage"):
        operators(tmp_path, action)
        live.start()
        seen.append(live.client("iam").get_policy(PolicyArn=house)["Policy"]["DefaultVersionId"])
        live.stop()
    assert seen == ["v1", "v2"]


def test_an_operator_s_file_that_cannot_be_used_stops_the_start(tmp_path):
    file = tmp_path / "policies.json"
    live = made(tmp_path / "a", catalogue=str(file))
    with pytest.raises(SettingsRefused, match="cannot be read"):
        catalogue_of(live.settings)
    file.write_text('{"policies": [{"name": "x", "document": {}}]}')
    with pytest.raises(CatalogueRefused, match="`x`"):
        catalogue_of(live.settings)
