"""Auditors of two accounts read what their accounts share, over the wire, while everything goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from tests.accounts.test_live import entered, made
from tests.live import MANAGEMENT, Keys, Live, running


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with running(tmp_path_factory.mktemp("authority")) as live:
        yield live


@pytest.fixture(scope="module")
def member(live) -> tuple[str, Keys]:
    """Another account, and its administrator."""
    account = made(live, "member")
    iam = live.client("iam", entered(live, account))
    iam.create_user(UserName="Auditor")
    everything = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    iam.put_user_policy(UserName="Auditor", PolicyName="all", PolicyDocument=json.dumps(everything))
    return account, Keys.of(iam.create_access_key(UserName="Auditor")["AccessKey"])


def get(live, path, keys=None, **filters):
    status, answer = live.ask("GET", path, keys, query=urlencode(sorted(filters.items())))
    assert status == 200, answer
    return answer


def test_a_role_taken_on_across_accounts_is_on_both_trails_under_one_id(live, member):
    account, auditor = member
    visit = entered(live, account)
    (ours,) = get(live, "/v1/events", accessKeyId=visit.access_key_id)["events"]
    theirs = get(live, "/v1/events", auditor, session=visit.access_key_id)["events"][-1]
    assert (ours["id"], ours["position"]) == (theirs["id"], theirs["position"])
    assert ours["caller"]["arn"] == f"arn:aws:iam::{MANAGEMENT}:user/Administrator"
    assert ours["caller"]["accessKeyId"] == live.administrator.access_key_id
    assert theirs["caller"] == {
        "kind": "user",
        "account": MANAGEMENT,
        "principalId": ours["caller"]["principalId"],
    }
    assert live.administrator.access_key_id not in json.dumps(theirs)
    assert theirs["withheld"]
    (session,) = get(live, "/v1/sessions", auditor, session=visit.access_key_id)["sessions"]
    assert (session["status"], session["caller"]["account"]) == ("active", MANAGEMENT)


def test_what_was_just_answered_is_found_at_once(live, member):
    _, auditor = member
    iam = live.client("iam", auditor)
    for number in range(20):
        answer = iam.create_user(UserName=f"user-{number}")["ResponseMetadata"]
        record = get(live, f"/v1/events/{answer['RequestId']}", auditor)
        assert str(record["position"]) == answer["HTTPHeaders"]["x-authority-position"]
        assert record["request"]["parameters"] == {"UserName": f"user-{number}"}


def test_pages_hold_while_reading_them_makes_the_log_grow(live, member):
    """Reading the trail is itself on the trail."""
    _, auditor = member
    for _ in range(8):
        get(live, "/v1/events", auditor, maxResults=1)
    seen, token = [], {}
    first = get(live, "/v1/events", auditor, maxResults=1)["events"][0]["position"]
    while True:
        page = get(live, "/v1/events", auditor, maxResults=7, **token)
        seen += [event["position"] for event in page["events"]]
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    whole = [event["position"] for event in get(live, "/v1/events", auditor, maxResults=1000)["events"]]
    assert seen == [position for position in whole if position <= seen[0]]
    assert seen[0] > first
    assert len(set(seen)) == len(seen) > 7


@pytest.mark.parametrize("path", ["/v1/events", "/v1/sessions"])
def test_nobody_but_the_management_account_sees_the_whole_log(live, member, path):
    account, auditor = member
    status, answer = live.ask("GET", path, auditor, query="account=%2A")
    assert (status, answer["code"]) == (403, "AccessDenied")
    assert get(live, path, account="*")
    assert get(live, path, account=account)


def test_a_bad_filter_is_refused_and_recorded(live, member):
    _, auditor = member
    status, answer = live.ask("GET", "/v1/events", auditor, query="since=yesterday")
    assert (status, answer["code"]) == (400, "ValidationError")
    assert "2026-01-31T12:00:00Z" in answer["message"]
    status, answer = live.ask("GET", "/v1/events", auditor, query="colour=red")
    assert status == 400
    refused = get(live, "/v1/events", auditor, outcome="validation-error")["events"]
    assert refused[0]["request"]["parameters"] == {"since": "yesterday"}


def test_anothers_event_and_one_that_never_was_answer_alike(live, member):
    _, auditor = member
    theirs = live.client("iam").list_users()["ResponseMetadata"]["RequestId"]
    for name in (theirs, "00000000-0000-4000-8000-000000000000", "999999999"):
        status, answer = live.ask("GET", f"/v1/events/{name}", auditor)
        assert (status, answer["message"]) == (404, f"There is no event {name} on this trail.")
