"""What was used, and by whom, is read from the log: our own actions, and those that resource servers asked about."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.iam.table import ALL, READ, TRUST, Place, call
from tests.live import Live
from tests.story.resource_server import evaluated

ANN = "arn:aws:iam::{account}:user/Ann"
LISTS = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:List*","sts:*","myapp:Read"],"Resource":"*"}]}'
KEY = call("CreateAccessKey", UserName="Ann").keeping(
    key="AccessKey.AccessKeyId", annsecret="AccessKey.SecretAccessKey"
)


@pytest.fixture
def place(live: Live) -> Place:
    place = Place(live, {})
    place.does(
        call("CreateUser", UserName="Ann"),
        call("CreateUser", UserName="Bob"),
        call("CreateGroup", GroupName="Dev"),
        call("AddUserToGroup", GroupName="Dev", UserName="Ann"),
        call("AddUserToGroup", GroupName="Dev", UserName="Bob"),
        call("CreatePolicy", PolicyName="Lists", PolicyDocument=LISTS),
        call("AttachGroupPolicy", GroupName="Dev", PolicyArn="arn:aws:iam::{account}:policy/Lists"),
        KEY,
    )
    return place


def report(place: Place, arn: str, granularity: str = "SERVICE_LEVEL", **more):
    job = place.does(call("GenerateServiceLastAccessedDetails", Arn=arn, Granularity=granularity))
    place.names["job"] = job["JobId"]
    found = place.does(call("GetServiceLastAccessedDetails", JobId="{job}", **more))
    assert found["JobCreationDate"] <= datetime.now(UTC)
    return found


def services(found):
    return {one["ServiceNamespace"]: one for one in found["ServicesLastAccessed"]}


def test_a_user_sees_what_he_may_use_and_what_he_used(place):
    place.does(call("ListUsers").signed_by("ann"))
    found = report(place, ANN)
    assert (found["JobStatus"], found["JobType"], found["IsTruncated"]) == ("COMPLETED", "SERVICE_LEVEL", False)
    used = services(found)
    assert list(used) == ["iam", "myapp", "sts"]
    iam = used["iam"]
    assert iam["ServiceName"] == "AWS Identity and Access Management"
    assert (iam["LastAuthenticatedEntity"], iam["LastAuthenticatedRegion"], iam["TotalAuthenticatedEntities"]) == (
        place.filled(ANN), "us-east-1", 1,
    )  # fmt: skip
    assert iam["LastAuthenticated"] <= datetime.now(UTC)
    assert used["sts"] == {
        "ServiceName": "AWS Security Token Service", "ServiceNamespace": "sts", "TotalAuthenticatedEntities": 0,
    }  # fmt: skip


def test_actions_are_told_one_by_one_and_those_that_were_refused_too(place):
    place.does(call("ListUsers").signed_by("ann"))
    assert place.fails(call("CreateUser", UserName="Eve").signed_by("ann")).code == "AccessDenied"
    actions = services(report(place, ANN, "ACTION_LEVEL"))["iam"]["TrackedActionsLastAccessed"]
    assert [one["ActionName"] for one in actions] == ["CreateUser", "ListUsers"]
    assert {one["LastAccessedEntity"] for one in actions} == {place.filled(ANN)}
    assert {one["LastAccessedRegion"] for one in actions} == {"us-east-1"}


def test_a_group_and_a_policy_show_who_of_those_who_have_them_used_what(place):
    place.does(call("ListUsers").signed_by("ann"))
    for arn in ("arn:aws:iam::{account}:group/Dev", "arn:aws:iam::{account}:policy/Lists"):
        assert services(report(place, arn))["iam"]["TotalAuthenticatedEntities"] == 1
        found = place.does(call("GetServiceLastAccessedDetailsWithEntities", JobId="{job}", ServiceNamespace="iam"))
        ann, bob = found["EntityDetailsList"]
        assert ann["EntityInfo"]["Arn"] == place.filled(ANN)
        assert (ann["EntityInfo"]["Name"], ann["EntityInfo"]["Type"], ann["EntityInfo"]["Path"]) == ("Ann", "USER", "/")
        assert ann["LastAuthenticated"] <= datetime.now(UTC)
        assert (bob["EntityInfo"]["Name"], "LastAuthenticated" in bob) == ("Bob", False)


def test_the_sessions_of_a_role_are_its_use(place):
    place.does(call("CreateRole", RoleName="App", AssumeRolePolicyDocument=TRUST))
    place.does(call("PutRolePolicy", RoleName="App", PolicyName="all", PolicyDocument=ALL))
    place.does(
        call("AssumeRole", RoleArn="arn:aws:iam::{account}:role/App", RoleSessionName="s1").keeping(
            sessionsecret="Credentials.SecretAccessKey"
        )
    )
    place.does(call("ListRoles").signed_by("session"))
    used = services(report(place, "arn:aws:iam::{account}:role/App"))
    assert used["iam"]["LastAuthenticatedEntity"] == place.filled("arn:aws:iam::{account}:role/App")
    assert "LastAuthenticated" not in used["s3"]
    assert len(used) > 40


def test_what_resource_servers_asked_about_is_use(place):
    place.does(call("PutUserPolicy", UserName="Ann", PolicyName="read", PolicyDocument=READ))
    server = place.signers["boss"]
    evaluated(place.live, server, place.signers["ann"], "s3:GetObject", "arn:aws:s3:::bucket/key")
    used = services(report(place, ANN, "ACTION_LEVEL"))["s3"]
    assert [one["ActionName"] for one in used["TrackedActionsLastAccessed"]] == ["GetObject"]


def test_reports_come_in_pages_whose_markers_are_good_for_them_alone(place):
    first = report(place, ANN, MaxItems=2)
    assert (len(first["ServicesLastAccessed"]), first["IsTruncated"]) == (2, True)
    place.names["next"] = first["Marker"]
    rest = place.does(call("GetServiceLastAccessedDetails", JobId="{job}", Marker="{next}"))
    assert [one["ServiceNamespace"] for one in rest["ServicesLastAccessed"]] == ["sts"]
    report(place, "arn:aws:iam::{account}:group/Dev")
    other = place.fails(call("GetServiceLastAccessedDetails", JobId="{job}", Marker="{next}"))
    assert other.code == "ValidationError"


def test_who_has_a_policy_is_told_in_pages_and_every_entity_once(place):
    place.does(call("AttachUserPolicy", UserName="Ann", PolicyArn="arn:aws:iam::{account}:policy/Lists"))
    report(place, "arn:aws:iam::{account}:policy/Lists")
    wanted = {"JobId": "{job}", "ServiceNamespace": "IAM"}
    first = place.does(call("GetServiceLastAccessedDetailsWithEntities", **wanted, MaxItems=1))
    place.names["next"] = first["Marker"]
    rest = place.does(call("GetServiceLastAccessedDetailsWithEntities", **wanted, Marker="{next}"))
    entities = [*first["EntityDetailsList"], *rest["EntityDetailsList"]]
    assert [one["EntityInfo"]["Name"] for one in entities] == ["Ann", "Bob"]
    assert rest["IsTruncated"] is False
    other = {**wanted, "ServiceNamespace": "sts", "Marker": "{next}"}
    assert place.fails(call("GetServiceLastAccessedDetailsWithEntities", **other)).code == "ValidationError"


def test_a_report_on_a_policy_that_is_gone_has_failed(place):
    place.does(call("CreatePolicy", PolicyName="Old", PolicyDocument=READ))
    report(place, "arn:aws:iam::{account}:policy/Old")
    place.does(call("DeletePolicy", PolicyArn="arn:aws:iam::{account}:policy/Old"))
    for asked in (
        call("GetServiceLastAccessedDetails", JobId="{job}"),
        call("GetServiceLastAccessedDetailsWithEntities", JobId="{job}", ServiceNamespace="s3"),
    ):
        found = place.does(asked)
        assert (found["JobStatus"], found["Error"]["Code"]) == ("FAILED", "NoSuchEntity")


def test_a_report_on_who_is_gone_has_failed(place):
    report(place, "arn:aws:iam::{account}:user/Bob")
    place.does(call("RemoveUserFromGroup", GroupName="Dev", UserName="Bob"))
    place.does(call("DeleteUser", UserName="Bob"))
    found = place.does(call("GetServiceLastAccessedDetails", JobId="{job}"))
    assert (found["JobStatus"], found["Error"]["Code"], found["ServicesLastAccessed"]) == ("FAILED", "NoSuchEntity", [])


def test_a_report_is_its_account_s_and_needs_its_own_permission(place, live):
    report(place, ANN)
    refused = place.fails(call("GetServiceLastAccessedDetails", JobId="{job}").signed_by("ann"))
    assert refused.code == "AccessDenied"
    assert "iam:GetServiceLastAccessedDetails on resource: *" in refused.says
    other = Place(live, {})
    other.names["job"] = place.names["job"]
    assert other.fails(call("GetServiceLastAccessedDetails", JobId="{job}")).code == "NoSuchEntity"
    asking = call("GenerateServiceLastAccessedDetails", Arn="arn:aws:iam::{account}:user/Bob").signed_by("ann")
    assert place.filled("on resource: arn:aws:iam::{account}:user/Bob") in place.fails(asking).says
