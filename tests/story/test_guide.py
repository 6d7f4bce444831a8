"""The IAM guide's story: Production lends UpdateAPP to Development's developers, and to nobody else."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.live import MANAGEMENT, Keys, Live
from tests.story.resource_server import evaluated

PRODUCTION, DEVELOPMENT = "222233334444", "444455556666"
ROLE = f"arn:aws:iam::{PRODUCTION}:role/UpdateAPP"
BUCKET = "arn:aws:s3:::productionapp"


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **one} for one in statements]})


@dataclass
class World:
    """Who is there after the administrators did what the guide says."""

    live: Live
    production: Keys
    development: Keys
    developer: Keys
    tester: Keys
    server: Keys

    def assume(self, keys: Keys, role: str = ROLE, **more: Any) -> Keys:
        answer = self.live.client("sts", keys, parameter_validation=False).assume_role(
            RoleArn=role, RoleSessionName="story", **more
        )
        return Keys.of(answer["Credentials"])

    def decides(self, keys: Keys, action: str, resource: str) -> bool:
        return evaluated(self.live, self.server, keys, action, resource)["decision"]


def account(live: Live, name: str, account_id: str) -> Keys:
    status, made = live.ask(
        "POST", "/v1/accounts", body={"name": name, "accountId": account_id, "administrator": "Administrator"}
    )
    assert status == 200, made
    who = made["administrator"]
    return Keys(who["accessKeyId"], who["secretAccessKey"])


def user(iam: Any, name: str, *statements: dict[str, Any]) -> Keys:
    iam.create_user(UserName=name)
    if statements:
        iam.put_user_policy(UserName=name, PolicyName="may", PolicyDocument=policy(*statements))
    return Keys.of(iam.create_access_key(UserName=name)["AccessKey"])


@pytest.fixture(scope="module")
def world(live: Live) -> World:
    production = account(live, "Production", PRODUCTION)
    development = account(live, "Development", DEVELOPMENT)

    iam = live.client("iam", production)
    iam.create_role(
        RoleName="UpdateAPP",
        AssumeRolePolicyDocument=policy(
            {"Principal": {"AWS": f"arn:aws:iam::{DEVELOPMENT}:root"}, "Action": "sts:AssumeRole"}
        ),
    )
    made = iam.create_policy(
        PolicyName="read-write-app-bucket",
        PolicyDocument=policy(
            {"Action": ["s3:ListAllMyBuckets", "s3:GetBucketLocation"], "Resource": "*"},
            {"Action": ["s3:ListBucket"], "Resource": BUCKET},
            {"Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], "Resource": f"{BUCKET}/*"},
        ),
    )
    iam.attach_role_policy(RoleName="UpdateAPP", PolicyArn=made["Policy"]["Arn"])
    server = user(iam, "StorageServer", {"Action": "authority:Evaluate", "Resource": "*"})

    iam = live.client("iam", development)
    iam.create_group(GroupName="Developers")
    iam.put_group_policy(
        GroupName="Developers", PolicyName="take", PolicyDocument=policy({"Action": "sts:AssumeRole", "Resource": ROLE})
    )
    iam.create_group(GroupName="Testers")
    developer, tester = user(iam, "David"), user(iam, "Theresa", {"Action": "s3:*", "Resource": "*"})
    iam.add_user_to_group(GroupName="Developers", UserName="David")
    iam.add_user_to_group(GroupName="Testers", UserName="Theresa")
    return World(live, production, development, developer, tester, server)


def test_a_developer_takes_the_role_on_and_has_its_permissions_and_no_others(world: World):
    session = world.assume(world.developer)
    assert world.live.client("sts", session).get_caller_identity()["Arn"] == (
        f"arn:aws:sts::{PRODUCTION}:assumed-role/UpdateAPP/story"
    )
    assert world.decides(session, "s3:GetObject", f"{BUCKET}/release.tar")
    assert world.decides(session, "s3:PutObject", f"{BUCKET}/release.tar")
    assert world.decides(session, "s3:ListBucket", BUCKET)
    assert not world.decides(session, "s3:GetObject", "arn:aws:s3:::payroll/all.csv")
    assert not world.decides(session, "s3:DeleteBucket", BUCKET)
    assert not world.decides(session, "ec2:TerminateInstances", f"arn:aws:ec2:us-east-1:{PRODUCTION}:instance/i-1")


def test_whoever_took_a_role_on_gave_up_their_own_permissions_and_has_them_again_on_leaving(world: World):
    session = world.assume(world.developer)
    with pytest.raises(ClientError) as refused:
        world.assume(session)
    assert refused.value.response["Error"]["Code"] == "AccessDenied"
    assert world.assume(world.developer)


def test_a_tester_is_refused_and_cannot_tell_whether_the_role_exists(world: World):
    said = []
    for role in (ROLE, f"arn:aws:iam::{PRODUCTION}:role/NoSuchRole"):
        with pytest.raises(ClientError) as refused:
            world.assume(world.tester, role)
        error = refused.value.response["Error"]
        assert (error["Code"], refused.value.response["ResponseMetadata"]["HTTPStatusCode"]) == ("AccessDenied", 403)
        said.append(error["Message"].replace(role, "ROLE"))
    assert said[0] == said[1]


def test_the_developers_own_key_opens_nothing_in_production(world: World):
    assert not world.decides(world.developer, "s3:GetObject", f"{BUCKET}/release.tar")
    # Across accounts the identity's own side is not enough: the bucket's owner granted her nothing.
    assert not world.decides(world.tester, "s3:GetObject", f"{BUCKET}/release.tar")


def test_credentials_that_were_tampered_with_open_nothing(world: World):
    session = world.assume(world.developer)
    other = Keys(session.access_key_id, session.secret, session.token[:-8] + "AAAAAAA=")
    answer = evaluated(world.live, world.server, other, "s3:GetObject", f"{BUCKET}/x")
    assert (answer["decision"], answer["context"]["code"]) == (False, "InvalidClientTokenId")


def test_no_session_outlives_what_was_asked_for_or_the_role(world: World):
    with pytest.raises(ClientError) as refused:
        world.assume(world.developer, DurationSeconds=899)
    assert refused.value.response["Error"]["Code"] == "ValidationError"
    with pytest.raises(ClientError) as refused:
        world.assume(world.developer, DurationSeconds=3601)
    assert "MaxSessionDuration" in refused.value.response["Error"]["Message"]


def test_taking_the_permission_away_takes_effect_on_the_next_request(world: World):
    iam = world.live.client("iam", world.development)
    iam.remove_user_from_group(GroupName="Developers", UserName="David")
    with pytest.raises(ClientError):
        world.assume(world.developer)
    iam.add_user_to_group(GroupName="Developers", UserName="David")
    assert world.assume(world.developer)


def test_the_audit_trail_tells_it_all_to_both_accounts(world: World):
    session = world.assume(world.developer)
    with pytest.raises(ClientError):
        world.assume(world.tester)
    for keys in (world.production, world.development):
        status, trail = world.live.ask("GET", "/v1/events", keys, query="action=sts%3AAssumeRole&maxResults=100")
        assert status == 200, trail
        issued = [event for event in trail["events"] if session.access_key_id in json.dumps(event)]
        assert issued, trail
    status, trail = world.live.ask(
        "GET", "/v1/events", world.development, query="action=sts%3AAssumeRole&outcome=refused&maxResults=100"
    )
    assert any(event["caller"]["arn"].endswith("user/Theresa") for event in trail["events"]), trail


def test_a_disabled_key_is_refused_and_its_use_is_found_by_its_id(world: World):
    iam = world.live.client("iam", world.development)
    keys = Keys.of(iam.create_access_key(UserName="Theresa")["AccessKey"])
    iam.update_access_key(UserName="Theresa", AccessKeyId=keys.access_key_id, Status="Inactive")
    with pytest.raises(ClientError) as refused:
        world.live.client("sts", keys).get_caller_identity()
    assert refused.value.response["Error"]["Code"] == "InvalidClientTokenId"
    status, trail = world.live.ask(
        "GET", "/v1/events", world.development, query=f"accessKeyId={keys.access_key_id}&outcome=refused"
    )
    assert status == 200, trail
    assert [event["outcome"]["reason"] for event in trail["events"]] == ["invalid-client-token-id"]


def test_the_management_account_enters_a_member_account_through_its_role(world: World):
    role = f"arn:aws:iam::{PRODUCTION}:role/OrganizationAccountAccessRole"
    session = world.assume(world.live.administrator, role)
    assert world.live.client("iam", session).get_role(RoleName="UpdateAPP")["Role"]["Arn"] == ROLE
    assert MANAGEMENT not in world.live.client("sts", session).get_caller_identity()["Arn"]


def test_a_second_example_instances_are_terminated_only_through_a_role(world: World):
    iam = world.live.client("iam", world.production)
    operator = user(
        iam, "Olga", {"Action": "ec2:Describe*", "Resource": "*"}, {"Action": "sts:AssumeRole", "Resource": "*"}
    )
    arn = iam.get_user(UserName="Olga")["User"]["Arn"]
    iam.create_role(
        RoleName="Terminator",
        AssumeRolePolicyDocument=policy({"Principal": {"AWS": arn}, "Action": "sts:AssumeRole"}),
    )
    iam.put_role_policy(
        RoleName="Terminator",
        PolicyName="end",
        PolicyDocument=policy({"Action": "ec2:TerminateInstances", "Resource": "*"}),
    )
    instance = f"arn:aws:ec2:us-east-1:{PRODUCTION}:instance/i-0abc"
    assert world.decides(operator, "ec2:DescribeInstances", "*")
    assert not world.decides(operator, "ec2:TerminateInstances", instance)
    session = world.assume(operator, f"arn:aws:iam::{PRODUCTION}:role/Terminator")
    assert world.decides(session, "ec2:TerminateInstances", instance)
    assert not world.decides(session, "ec2:DescribeInstances", "*")


def test_a_table_of_another_service_is_guarded_alike(world: World):
    iam = world.live.client("iam", world.production)
    table = f"arn:aws:dynamodb:us-east-1:{PRODUCTION}:table/Orders"
    clerk = user(iam, "Clara", {"Action": ["dynamodb:GetItem", "dynamodb:Query"], "Resource": table})
    assert world.decides(clerk, "dynamodb:GetItem", table)
    assert not world.decides(clerk, "dynamodb:PutItem", table)
    assert not world.decides(clerk, "dynamodb:GetItem", f"{table}Archive")


def test_the_end_of_a_session_is_in_the_log_once(world: World):
    # The shortest session lasts fifteen minutes, so this one is found ended by nobody yet.
    session = world.assume(world.developer, DurationSeconds=900)
    status, found = world.live.ask("GET", "/v1/sessions", world.production, query="status=active&maxResults=100")
    assert status == 200, found
    mine = [one for one in found["sessions"] if one["accessKeyId"] == session.access_key_id]
    assert len(mine) == 1
