"""`cloudtrail:LookupEvents` by real clients: boto3 and the AWS CLI, unmodified."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from tests.accounts.test_live import entered, made
from tests.live import MANAGEMENT, REGION, Keys, Live, running


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with running(tmp_path_factory.mktemp("authority")) as live:
        yield live


@pytest.fixture(scope="module")
def story(live) -> dict:
    """Somebody is made, given a role, takes it on, and is refused something."""
    iam = live.client("iam")
    iam.create_user(UserName="Zoe")
    iam.put_user_policy(
        UserName="Zoe",
        PolicyName="take",
        PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}}
        ),
    )
    zoe = Keys.of(iam.create_access_key(UserName="Zoe")["AccessKey"])
    role = iam.create_role(
        RoleName="Builder",
        Path="/team/",
        AssumeRolePolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": {
                    "Effect": "Allow",
                    "Action": ["sts:AssumeRole"],
                    "Principal": {"AWS": f"arn:aws:iam::{MANAGEMENT}:user/Zoe"},
                },
            }
        ),
    )["Role"]
    taken = live.client("sts", zoe).assume_role(RoleArn=role["Arn"], RoleSessionName="zoes-session")
    session = Keys.of(taken["Credentials"])
    with pytest.raises(ClientError):
        live.client("iam", session).delete_user(UserName="Zoe")
    with pytest.raises(ClientError):
        iam.get_role(RoleName="Nobody")
    return {"zoe": zoe, "role": role, "session": session}


def looked_up(live, key=None, value=None, keys=None, **more):
    trail = live.client("cloudtrail", keys)
    if key is not None:
        more["LookupAttributes"] = [{"AttributeKey": key, "AttributeValue": value}]
    return [event for page in trail.get_paginator("lookup_events").paginate(**more) for event in page["Events"]]


def names(events):
    return {event["EventName"] for event in events}


def test_an_event_shows_what_aws_shows(live, story):
    (event,) = looked_up(live, "ResourceName", story["session"].access_key_id)
    record = json.loads(event["CloudTrailEvent"])
    assert event["EventId"] == record["eventID"]
    assert (event["EventSource"], event["Username"], event["ReadOnly"]) == ("sts.amazonaws.com", "Zoe", "true")
    assert event["AccessKeyId"] == story["zoe"].access_key_id
    assert {"ResourceType": "AWS::IAM::Role", "ResourceName": story["role"]["Arn"]} in event["Resources"]
    assert abs(event["EventTime"] - datetime.now(UTC)) < timedelta(minutes=5)
    assert record["userIdentity"]["userName"] == "Zoe"
    assert record["requestParameters"] == {"roleArn": story["role"]["Arn"], "roleSessionName": "zoes-session"}
    assert record["responseElements"]["credentials"]["accessKeyId"] == story["session"].access_key_id
    assert story["session"].token not in event["CloudTrailEvent"]
    assert story["session"].secret not in event["CloudTrailEvent"]


def test_each_of_the_eight_attributes_finds(live, story):
    (event,) = looked_up(live, "ResourceName", story["session"].access_key_id)
    assert event["EventId"] in {one["EventId"] for one in looked_up(live, "EventName", "AssumeRole")}
    assert [one["EventId"] for one in looked_up(live, "EventId", event["EventId"])] == [event["EventId"]]
    assert looked_up(live, "EventId", event["EventId"].upper()) != []
    assert names(looked_up(live, "EventSource", "sts.amazonaws.com")) == {"AssumeRole"}
    assert {"CreateUser", "CreateRole"} <= names(looked_up(live, "ReadOnly", "false"))
    assert "CreateUser" not in names(looked_up(live, "ReadOnly", "true"))
    assert names(looked_up(live, "Username", "Zoe")) - {"LookupEvents"} == {"AssumeRole"}
    assert names(looked_up(live, "Username", "zoes-session")) == {"DeleteUser"}
    assert "CreateRole" in names(looked_up(live, "ResourceType", "AWS::IAM::Role"))
    assert names(looked_up(live, "ResourceName", "Builder")) - {"ListRolePolicies"} == {"CreateRole"}
    assert names(looked_up(live, "ResourceName", story["session"].access_key_id)) == {"AssumeRole"}
    assert names(looked_up(live, "AccessKeyId", story["zoe"].access_key_id)) - {"LookupEvents"} == {"AssumeRole"}
    assert names(looked_up(live, "AccessKeyId", story["session"].access_key_id)) == {"DeleteUser"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("EventId", "0f5c9d52-7c0e-4a8e-9d10-6a2a9ad1c8a1"),
        ("EventId", "nonsense"),
        ("EventName", "assumerole"),
        ("EventSource", "s3.amazonaws.com"),
        ("EventSource", "sts.example.com"),
        ("Username", "' OR 1=1 --"),
        ("ResourceName", "%"),
        ("AccessKeyId", "ASIANOBODY"),
        ("ReadOnly", "perhaps"),
    ],
)
def test_what_nothing_has_finds_nothing(live, story, key, value):
    assert looked_up(live, key, value) == []


def test_acts_of_the_authority_are_found_by_their_ids(live, story):
    acts = [event for event in looked_up(live, "EventSource", "authority") if "Username" not in event]
    for event in acts:
        assert [one["EventId"] for one in looked_up(live, "EventId", event["EventId"])] == [event["EventId"]]


def test_a_refusal_is_in_the_record_in_awss_words(live, story):
    (missing,) = looked_up(live, "EventName", "GetRole")
    record = json.loads(missing["CloudTrailEvent"])
    assert (record["errorCode"], record["errorMessage"]) == (
        "NoSuchEntityException",
        "The role with name Nobody cannot be found.",
    )
    denied = json.loads(looked_up(live, "Username", "zoes-session")[0]["CloudTrailEvent"])
    assert denied["errorCode"] == "AccessDenied"
    assert "is not authorized to perform: iam:DeleteUser" in denied["errorMessage"]
    assert denied["userIdentity"]["type"] == "AssumedRole"
    assert denied["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] == story["role"]["Arn"]


def test_the_newest_event_comes_first_and_pages_miss_nothing(live, story):
    iam = live.client("iam")
    for number in range(7):
        iam.list_role_policies(RoleName="Builder", MaxItems=number + 1)
    trail = live.client("cloudtrail")
    found, token = [], {}
    while True:
        page = trail.lookup_events(
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "ListRolePolicies"}],
            MaxResults=3,
            **token,
        )
        assert len(page["Events"]) <= 3
        found += page["Events"]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    items = [json.loads(one["CloudTrailEvent"])["requestParameters"]["maxItems"] for one in found]
    assert items == [7, 6, 5, 4, 3, 2, 1]


def test_times_bound_what_is_found(live, story):
    now = datetime.now(UTC)
    assert looked_up(live, "EventName", "CreateRole", StartTime=now + timedelta(hours=1)) == []
    assert looked_up(live, "EventName", "CreateRole", EndTime=now - timedelta(days=1)) == []
    (event,) = looked_up(live, "EventName", "CreateRole")
    at = event["EventTime"]
    assert looked_up(live, "EventName", "CreateRole", StartTime=at, EndTime=at) == [event]


def refused(call, **wanted):
    with pytest.raises(ClientError) as found:
        call(**wanted)
    return found.value.response["Error"]["Code"]


def test_what_cannot_be_asked_is_refused_as_in_aws(live, story):
    trail, now = live.client("cloudtrail", parameter_validation=False), datetime.now(UTC)
    one = {"AttributeKey": "EventName", "AttributeValue": "CreateUser"}
    assert refused(trail.lookup_events, LookupAttributes=[one, one]) == "InvalidLookupAttributesException"
    later = {"StartTime": now, "EndTime": now - timedelta(hours=1)}
    assert refused(trail.lookup_events, **later) == "InvalidTimeRangeException"
    assert refused(trail.lookup_events, NextToken="x") == "InvalidNextTokenException"
    page = trail.lookup_events(LookupAttributes=[{"AttributeKey": "ReadOnly", "AttributeValue": "false"}], MaxResults=1)
    assert refused(trail.lookup_events, NextToken=page["NextToken"]) == "InvalidNextTokenException"
    assert refused(trail.lookup_events, MaxResults=51) == "ValidationException"
    assert refused(trail.lookup_events, LookupAttributes=[{**one, "AttributeKey": "Colour"}]) == "ValidationException"
    assert refused(trail.describe_trails) == "UnknownOperationException"
    assert trail.lookup_events(EventCategory="insight")["Events"] == []


def test_nobody_reads_the_trail_without_permission(live, story):
    trail = live.client("cloudtrail", story["zoe"])
    assert refused(trail.lookup_events) == "AccessDeniedException"


def test_an_account_sees_its_own_side_of_what_it_shares(live, story):
    account = made(live, "beside")
    inside = entered(live, account)
    (ours,) = looked_up(live, "ResourceName", inside.access_key_id)
    (theirs,) = looked_up(live, "ResourceName", inside.access_key_id, inside)
    ours, theirs = json.loads(ours["CloudTrailEvent"]), json.loads(theirs["CloudTrailEvent"])
    assert ours["sharedEventID"] == theirs["sharedEventID"]
    assert ours["eventID"] != theirs["eventID"]
    assert (ours["recipientAccountId"], theirs["recipientAccountId"]) == (MANAGEMENT, account)
    assert set(theirs["userIdentity"]) == {"type", "principalId", "accountId"}
    assert looked_up(live, "EventId", ours["eventID"], inside) == []
    assert names(looked_up(live, keys=inside)) <= {
        "AssumeRole",
        "CreateAccountResult",
        "CreateAccount",
        "LookupEvents",
        "CreateUser",
    }


def test_looking_is_itself_looked_up(live, story):
    looked_up(live, "EventName", "CreateUser")
    events = looked_up(live, "EventName", "LookupEvents")
    assert json.loads(events[0]["CloudTrailEvent"])["eventSource"] == "cloudtrail.amazonaws.com"


def test_the_aws_cli_reads_the_trail_unmodified(live, story):
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "AWS_ACCESS_KEY_ID": live.administrator.access_key_id,
        "AWS_SECRET_ACCESS_KEY": live.administrator.secret,
        "AWS_ENDPOINT_URL": live.url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    command = [
        sys.executable, "-m", "awscli", "cloudtrail", "lookup-events",
        "--lookup-attributes", "AttributeKey=EventName,AttributeValue=CreateRole",
        "--start-time", "2020-01-01T00:00:00Z", "--max-items", "5", "--output", "json",
    ]  # fmt: skip
    said = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    (event,) = json.loads(said.stdout)["Events"]
    assert json.loads(event["CloudTrailEvent"])["responseElements"]["role"]["arn"] == story["role"]["Arn"]
