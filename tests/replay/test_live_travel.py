"""Time travel over the wire and on the command line, with real clients against a live authority."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from authority.cli.main import commands
from tests.accounts.test_live import entered, made
from tests.live import REGION, Live, running

OPEN = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
}


def trusting(principal: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with running(tmp_path_factory.mktemp("authority")) as live:
        yield live


def get(live, path, keys=None, query=""):
    status, answer = live.ask("GET", path, keys, query=query)
    assert status == 200, answer
    return answer


def head(live) -> int:
    return get(live, "/v1/log")["position"]


def run(live, *words: str) -> str:
    """What a command prints, asked by the administrator."""
    keys = live.administrator
    environment = {
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret,
        "AWS_ENDPOINT_URL": live.url,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }
    result = CliRunner().invoke(commands, words, env=environment, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def role(live) -> dict:
    """A role with all that can hang on one, changed, deleted; and where the log stood in between."""
    iam = live.client("iam")
    account = live.founding.account
    before = head(live)
    boundary = iam.create_policy(
        PolicyName="Limit", Path="/limits/", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
        ),
    )["Policy"]["Arn"]  # fmt: skip
    iam.create_role(
        RoleName="Deploy",
        Path="/team/",
        AssumeRolePolicyDocument=trusting(f"arn:aws:iam::{account}:root"),
        Description="for 'releases' $(only)",
        MaxSessionDuration=7200,
        PermissionsBoundary=boundary,
        Tags=[{"Key": "team", "Value": "a b=c"}],
    )
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
    iam.put_role_policy(RoleName="Deploy", PolicyName="read", PolicyDocument=json.dumps(document))
    iam.attach_role_policy(RoleName="Deploy", PolicyArn="arn:aws:iam::aws:policy/AmazonSQSFullAccess")
    iam.create_instance_profile(InstanceProfileName="Machines")
    iam.add_role_to_instance_profile(InstanceProfileName="Machines", RoleName="Deploy")
    good = head(live)
    whole = iam.get_role(RoleName="Deploy")["Role"]
    iam.update_assume_role_policy(RoleName="Deploy", PolicyDocument=json.dumps(OPEN))
    wide = head(live)
    iam.remove_role_from_instance_profile(InstanceProfileName="Machines", RoleName="Deploy")
    iam.delete_instance_profile(InstanceProfileName="Machines")
    iam.detach_role_policy(RoleName="Deploy", PolicyArn="arn:aws:iam::aws:policy/AmazonSQSFullAccess")
    iam.delete_role_policy(RoleName="Deploy", PolicyName="read")
    iam.delete_role(RoleName="Deploy")
    iam.delete_policy(PolicyArn=boundary)
    return {"before": before, "good": good, "wide": wide, "gone": head(live), "whole": whole}


def test_what_was_is_shown_as_it_was(live, role):
    assert get(live, f"/v1/as-of/{role['before']}")["counts"]["roles"] == 0
    (shown,) = get(live, f"/v1/as-of/{role['good']}/roles/deploy")["items"]
    assert shown["arn"] == role["whole"]["Arn"]
    assert shown["trust"]["document"] == role["whole"]["AssumeRolePolicyDocument"]
    assert shown["tags"] == {"team": "a b=c"}
    assert shown["attached"] == ["arn:aws:iam::aws:policy/AmazonSQSFullAccess"]
    (shown,) = get(live, f"/v1/as-of/{role['wide']}/roles/Deploy")["items"]
    assert shown["trust"]["document"] == OPEN
    status, answer = live.ask("GET", f"/v1/as-of/{role['gone']}/roles/Deploy")
    assert (status, answer["code"]) == (404, "NoSuchEntity")


def test_now_is_what_is_served(live, role):
    now = get(live, "/v1/as-of/now/users")["items"]
    served = live.client("iam").list_users()["Users"]
    assert [one["arn"] for one in now] == sorted(one["Arn"] for one in served)
    assert now[0]["accessKeys"][0]["id"] == live.administrator.access_key_id


def test_what_changed_is_said_in_words_and_in_steps(live, role):
    changed = get(live, "/v1/diff", query=f"after={role['wide']}&before={role['good']}")
    (change,) = changed["changes"]
    assert (change["kind"], change["name"], change["what"]) == ("role", "Deploy", "changed")
    assert "trust.document.Statement[0].Principal.AWS" in changed["words"][0]
    same = get(live, "/v1/diff", query=f"after={role['wide']}&before={role['wide']}")
    assert (same["changes"], same["words"]) == ([], [])


def test_a_history_names_who_changed_what(live, role):
    life = get(live, "/v1/history/roles/Deploy")["lives"][0]
    assert life["turns"][-1]["position"] == life["ended"]
    assert {turn["by"]["arn"] for turn in life["turns"]} == {f"arn:aws:iam::{live.founding.account}:user/Administrator"}
    actions = [turn["action"] for turn in life["turns"]]
    assert actions == [
        "iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:UpdateAssumeRolePolicy",
        "iam:DetachRolePolicy", "iam:DeleteRolePolicy", "iam:DeleteRole",
    ]  # fmt: skip


def test_an_account_travels_in_its_own_past_only(live, role):
    keys = entered(live, made(live, "traveller"))
    assert get(live, "/v1/as-of/now", keys)["counts"]["accounts"] == 1
    assert [one["name"] for one in get(live, "/v1/as-of/now/roles", keys)["items"]] == ["OrganizationAccountAccessRole"]
    status, answer = live.ask("GET", "/v1/as-of/now", keys, query="account=%2A")
    assert (status, answer["code"]) == (403, "AccessDenied")
    status, answer = live.ask("GET", "/v1/history/roles/Deploy", keys)
    assert (status, answer["code"]) == (404, "NoSuchEntity")
    assert get(live, "/v1/as-of/now", query="account=%2A")["counts"]["accounts"] >= 2


@pytest.mark.parametrize(
    ("path", "query", "says"),
    [
        ("/v1/as-of/yesterday", "", "must be a position"),
        ("/v1/as-of/0", "", "must be 1 or more"),
        ("/v1/as-of/now/dreams", "", "must be one of"),
        ("/v1/as-of/now/roles", "role=AROAX", "narrow sessions only"),
        ("/v1/as-of/now/roles", "maxResults=0", "from 1 to 1000"),
        ("/v1/diff", "before=99999999", "The log ends at"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_can(live, role, path, query, says):
    status, answer = live.ask("GET", path, query=query)
    assert status in (400, 404)
    assert says in answer["message"]


def test_sessions_are_shown_as_they_were(live, role):
    before = head(live)
    account = made(live, "sessions")
    session = entered(live, account)
    during = head(live)
    live.ask("POST", f"/v1/sessions/{session.access_key_id}/revoke", session, body={})
    query = "account=%2A"
    then = get(live, f"/v1/as-of/{during}/sessions", query=query)["items"]
    assert session.access_key_id in {one["accessKeyId"] for one in then if one["status"] == "active"}
    for when in (before, "now"):
        shown = get(live, f"/v1/as-of/{when}/sessions", query=query)["items"]
        assert session.access_key_id not in {one["accessKeyId"] for one in shown}


def test_listings_come_in_pages(live, role):
    made(live, "another")
    first = get(live, "/v1/as-of/now/accounts", query="account=%2A&maxResults=1")
    second = get(live, "/v1/as-of/now/accounts", query=f"account=%2A&maxResults=1&nextToken={first['nextToken']}")
    assert first["items"] != second["items"]


def test_the_commands_say_it_too(live, role):
    assert "Nothing differs" in run(live, "diff", str(role["good"]), str(role["good"]))
    assert "trust.document" in run(live, "diff", str(role["good"]), str(role["wide"]))
    assert "Deploy" in run(live, "as-of", str(role["good"]), "roles")
    assert json.loads(run(live, "as-of", str(role["good"]), "roles", "Deploy", "--output", "json"))["items"]
    assert "iam:UpdateAssumeRolePolicy" in run(live, "history", "roles", "Deploy")


def test_a_deleted_role_comes_back_by_the_commands_that_are_printed(live, role):
    script = run(live, "restore", "roles", "Deploy", "--as-of", str(role["good"]))
    answer = json.loads(run(live, "restore", "roles", "Deploy", "--as-of", str(role["good"]), "--output", "json"))
    lines = [shlex.split(line) for line in script.splitlines() if not line.startswith("#")]
    assert lines == answer["commands"]
    for command in lines:
        called(live, command)
    iam = live.client("iam")
    again = iam.get_role(RoleName="Deploy")["Role"]
    for name in ("Arn", "AssumeRolePolicyDocument", "Description", "MaxSessionDuration", "PermissionsBoundary", "Tags"):
        assert again[name] == role["whole"][name], name
    assert again["RoleId"] != role["whole"]["RoleId"]
    assert iam.list_role_policies(RoleName="Deploy")["PolicyNames"] == ["read"]
    (attached,) = iam.list_attached_role_policies(RoleName="Deploy")["AttachedPolicies"]
    assert attached["PolicyName"] == "AmazonSQSFullAccess"
    profile = iam.get_instance_profile(InstanceProfileName="Machines")["InstanceProfile"]
    assert [one["RoleName"] for one in profile["Roles"]] == ["Deploy"]
    assert run(live, "restore", "roles", "Deploy", "--as-of", "now").startswith("# a role Deploy is there")


def called(live, command: list[str]) -> None:
    """Run one printed command by the real AWS CLI."""
    keys = live.administrator
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret,
        "AWS_ENDPOINT_URL": live.url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_PAGER": "",
    }
    program = [sys.executable, "-m", "awscli", *command[1:]]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, (command, done.stderr)
