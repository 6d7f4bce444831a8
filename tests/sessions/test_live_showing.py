"""A session is shown whole to its own account: what led to it, what it carries, whether it counts and why not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner

from authority.cli.main import commands
from tests.live import MANAGEMENT, REGION, Keys
from tests.sessions.test_live_sessions import ALL, AUDIT, TRUST, Company, company

__all__ = ["company"]

NOBODY = "ASIANOBODYNOBODYNOBO"


def shown(company: Company, session: Keys, status: int = 200, keys: Keys | None = None) -> dict[str, Any]:
    answered, found = company.live.ask("GET", f"/v1/sessions/{session.access_key_id}", keys)
    assert answered == status, found
    return dict(found)


def listed(company: Company, **filters: str) -> set[str]:
    query = "&".join(f"{name}={value}" for name, value in filters.items())
    status, found = company.live.ask("GET", "/v1/sessions", query=f"maxResults=1000&{query}")
    assert status == 200, found
    return {one["accessKeyId"] for one in found["sessions"]}


def said(company: Company, *words: str) -> str:
    keys = company.live.administrator
    environment = {
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret,
        "AWS_ENDPOINT_URL": company.live.url,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }
    result = CliRunner().invoke(commands, words, env=environment, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_session_is_shown_with_all_that_led_to_it_and_all_that_it_carries(company: Company):
    tags = {"Tags": [{"Key": "Team", "Value": "a"}], "TransitiveTagKeys": ["Team"]}
    first = company.session(SourceIdentity="dev@corp", **tags)
    second = company.session(AUDIT, first)
    found = shown(company, second)
    session, lineage = found["session"], found["lineage"]
    assert (found["valid"], found["why"]) == (True, "counts")
    assert (session["status"], session["depth"], session["sourceIdentity"]) == ("active", 2, "dev@corp")
    assert session["caller"]["accessKeyId"] == first.access_key_id
    assert (session["tags"], session["transitiveKeys"]) == ([{"Key": "Team", "Value": "a"}], ["Team"])
    assert [one["accessKeyId"] for one in lineage["chain"]] == [
        company.developer.access_key_id,
        first.access_key_id,
        second.access_key_id,
    ]
    assert lineage["whole"]
    assert lineage["root"]["arn"] == f"arn:aws:iam::{MANAGEMENT}:user/dev"


def test_the_command_line_shows_the_same(company: Company):
    first = company.session(SourceIdentity="dev@corp")
    second = company.session(AUDIT, first)
    text = said(company, "sessions", "show", second.access_key_id)
    for expected in (AUDIT, "dev@corp", "user/dev", first.access_key_id, company.developer.access_key_id, "yes"):
        assert expected in text
    in_json = json.loads(said(company, "sessions", "show", second.access_key_id, "--output", "json"))
    assert in_json["session"] == shown(company, second)["session"]
    company.live.ask("POST", f"/v1/sessions/{second.access_key_id}/revoke")
    assert "no: revoked" in said(company, "sessions", "show", second.access_key_id)


def test_sessions_are_found_by_how_deep_their_chain_is(company: Company):
    first = company.session()
    second = company.session(AUDIT, first)
    third = company.session(keys=second)
    found = {depth: listed(company, minDepth=depth, status="active") for depth in "1234"}
    made = [first.access_key_id, second.access_key_id, third.access_key_id]
    assert [[key in found[depth] for key in made] for depth in "1234"] == [
        [True, True, True],
        [False, True, True],
        [False, False, True],
        [False, False, False],
    ]
    rows = said(company, "sessions", "list", "--min-depth", "3", "--output", "jsonl").splitlines()
    assert third.access_key_id in {json.loads(row)["accessKeyId"] for row in rows}
    assert company.live.ask("GET", "/v1/sessions", query="minDepth=0")[0] == 400


def test_a_session_whose_role_is_gone_is_not_listed_as_active(company: Company):
    iam = company.live.client("iam")
    iam.create_role(RoleName="Brief", AssumeRolePolicyDocument=TRUST)
    session = company.session(f"arn:aws:iam::{MANAGEMENT}:role/Brief")
    assert session.access_key_id in listed(company, status="active")
    iam.delete_role(RoleName="Brief")
    assert session.access_key_id not in listed(company, status="active")
    found = shown(company, session)
    assert (found["session"]["status"], found["valid"], found["why"]) == ("orphaned", False, "its role is deleted")
    iam.create_role(RoleName="Brief", AssumeRolePolicyDocument=TRUST)
    assert shown(company, session)["session"]["status"] == "orphaned"


@pytest.mark.parametrize("whole", [True, False], ids=["a role's", "all that a session led to"])
def test_what_was_revoked_together_is_listed_as_revoked_at_once(company: Company, whole: bool):
    first = company.session()
    second = company.session(AUDIT, first)
    path = "/v1/roles/Audit/revoke-sessions" if whole else f"/v1/keys/{first.access_key_id}/revoke-descendants"
    assert company.live.ask("POST", path)[0] == 200
    active = listed(company, status="active")
    assert (first.access_key_id in active, second.access_key_id in active) == (True, False)
    found = shown(company, second)
    assert (found["session"]["status"], found["why"]) == ("revoked", "revoked")


def test_t22_another_accounts_session_is_shown_like_one_that_never_was(company: Company):
    made = company.live.ask("POST", "/v1/accounts", body={"name": "Onlooker", "administrator": "Onlooker"})[1]
    other = Keys(made["administrator"]["accessKeyId"], made["administrator"]["secretAccessKey"])
    session = company.session()
    foreign = shown(company, session, 404, other)
    missing = shown(company, Keys(NOBODY, ""), 404, other)
    assert foreign["message"].replace(session.access_key_id, NOBODY) == missing["message"]


def test_a_session_is_shown_to_whoever_may_see_it(company: Company):
    session = company.session()
    iam = company.live.client("iam")
    iam.create_user(UserName="clerk")
    clerk = Keys.of(iam.create_access_key(UserName="clerk")["AccessKey"])
    assert shown(company, session, 403, clerk)["code"] == "AccessDenied"
    only = json.loads(ALL)
    only["Statement"][0] |= {
        "Action": "authority:GetSession",
        "Resource": f"arn:aws:authority:*:{MANAGEMENT}:session/{session.access_key_id}",
    }
    iam.put_user_policy(UserName="clerk", PolicyName="one", PolicyDocument=json.dumps(only))
    assert shown(company, session, 200, clerk)["valid"] is True
    assert shown(company, company.session(), 403, clerk)["code"] == "AccessDenied"


@pytest.mark.parametrize("name", ["AKIAAAAAAAAAAAAAAAAA", "x", "ASIA%00", "..%2Fevents"])
def test_what_is_no_session_is_said_so(company: Company, name: str):
    assert company.live.ask("GET", f"/v1/sessions/{name}")[0] in (400, 404)


def test_last_uses_follow_the_newest_request_of_key_or_session_and_write_nothing(company: Company):
    iam = company.live.client("iam")
    iam.create_role(RoleName="Used", AssumeRolePolicyDocument=TRUST)
    iam.create_user(UserName="user")
    iam.put_user_policy(UserName="user", PolicyName="all", PolicyDocument=ALL)
    key = Keys.of(iam.create_access_key(UserName="user")["AccessKey"])

    def last_uses() -> tuple[Any, Any]:
        of_key = iam.get_access_key_last_used(AccessKeyId=key.access_key_id)["AccessKeyLastUsed"]
        return of_key, iam.get_role(RoleName="Used")["Role"]["RoleLastUsed"]

    session = company.session(f"arn:aws:iam::{MANAGEMENT}:role/Used", key)
    of_key, of_role = last_uses()
    assert (of_key["ServiceName"], of_role) == ("sts", {})  # taking a role on is no use of it
    with pytest.raises(ClientError):
        company.live.client("iam", session, region="eu-west-1").list_users()
    used_with_role, of_role = last_uses()
    assert of_role["Region"] == "eu-west-1"
    assert used_with_role == of_key  # what its sessions do is no use of the key
    company.live.client("iam", key).list_users()
    before = company.live.ask("GET", "/v1/log")[1]["position"]
    assert last_uses()[0]["ServiceName"] == "iam"
    assert last_uses() == last_uses()
    entries = company.live.ask("GET", "/v1/events", query=f"fromPosition={before + 1}&maxResults=1000")[1]["events"]
    assert len([one for one in entries if "request" in one]) == 6 + 1  # one for each question, the last one included
