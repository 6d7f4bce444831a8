"""Events in OCSF: the attributes that each class requires and no others, telling what the trail tells."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given

from authority.audit.cloudtrail import record
from authority.audit.ocsf import event
from authority.audit.visibility import seen_by

from .stories import (
    ACCOUNTS,
    AT,
    DEV,
    DEVELOPMENT,
    MIA,
    PRODUCTION,
    asked,
    assumes,
    ends,
    histories,
    in_session,
    key_of,
    makes_user,
    refused_role,
)

# OCSF 1.5.0, the attributes of the base event and of each class that are used here.
BASE = {
    "class_uid", "class_name", "category_uid", "category_name", "activity_id", "activity_name", "type_uid", "type_name",
    "time", "severity_id", "severity", "status_id", "status", "status_code", "status_detail", "metadata", "cloud",
    "actor", "api", "src_endpoint", "http_request",
}  # fmt: skip
MORE = {6003: {"resources"}, 3003: {"user", "session", "privileges"}, 3002: {"user", "service"}}
REQUIRED = {
    "class_uid", "category_uid", "activity_id", "type_uid", "time", "severity_id", "metadata", "actor", "api",
    "src_endpoint", "cloud",
}  # fmt: skip
REQUIRED_MORE = {6003: set(), 3003: {"user", "privileges"}, 3002: {"user", "service"}}
ACROSS = assumes(DEV, "UpdateAPP", PRODUCTION, "ASIA1", request_id="0f5c9d52-7c0e-4a8e-9d10-6a2a9ad1c8a1")
(ISSUED,) = ACROSS.facts
WHOSE = {key_of("dev"): DEVELOPMENT, key_of("mia"): PRODUCTION}
MILLISECONDS = 1767323045000


def told(happened, account, position=7):
    seen = seen_by(happened, account, WHOSE)
    made = json.loads(msgspec.json.encode(event(position, AT, seen, account)))
    kind = made["class_uid"]
    assert set(made) <= BASE | MORE[kind]
    assert set(made) >= REQUIRED | REQUIRED_MORE[kind]
    assert made["type_uid"] == kind * 100 + made["activity_id"]
    assert made["category_uid"] == kind // 1000
    return made


@pytest.mark.parametrize(
    ("happened", "account", "type_uid"),
    [
        (makes_user(MIA, "x"), PRODUCTION, 600301),
        (asked("iam:ListUsers", MIA), PRODUCTION, 600302),
        (asked("iam:UpdateRole", MIA), PRODUCTION, 600303),
        (asked("iam:DeleteRole", MIA), PRODUCTION, 600304),
        (asked("iam:RemoveUserFromGroup", MIA), PRODUCTION, 600304),
        (refused_role(DEV, "UpdateAPP", PRODUCTION), DEVELOPMENT, 600302),
        (ACROSS, PRODUCTION, 300301),
        (asked("authority:SignIn", MIA), PRODUCTION, 300201),
        (ends(ISSUED), PRODUCTION, 600303),
    ],
)
def test_each_event_is_of_a_class_and_an_activity(happened, account, type_uid):
    assert told(happened, account)["type_uid"] == type_uid


def test_a_call_tells_who_did_what_from_where():
    made = told(makes_user(MIA, "zoe"), PRODUCTION)
    assert made["time"] == made["metadata"]["logged_time"] == MILLISECONDS
    assert made["metadata"]["sequence"] == 7
    assert made["actor"]["user"] == {
        "type_id": 1,
        "type": "User",
        "uid": "AIDAMIA",
        "name": "mia",
        "account": {"uid": PRODUCTION},
        "uid_alt": "arn:aws:iam::111122223333:user/mia",
        "credential_uid": "AKIAMIA",
    }
    assert made["src_endpoint"] == {"ip": "192.0.2.7"}
    assert made["api"]["request"] == {"uid": "r1", "data": {"userName": "zoe"}}
    assert made["resources"] == [{"type": "AWS::IAM::User", "uid": "zoe"}]
    assert (made["status"], made["severity"]) == ("Success", "Informational")


def test_a_refusal_is_a_failure_with_its_reason():
    made = told(refused_role(DEV, "UpdateAPP", PRODUCTION), DEVELOPMENT)
    assert (made["status"], made["status_code"]) == ("Failure", "AccessDenied")
    assert "is not authorized" in made["status_detail"]
    assert made["api"]["response"]["error"] == "AccessDenied"


def test_an_issued_session_says_whose_permissions_it_has_and_until_when():
    made = told(ACROSS, PRODUCTION)
    assert made["privileges"] == ["arn:aws:iam::111122223333:role/UpdateAPP"]
    assert made["session"] == {
        "uid": "ASIA1",
        "issuer": "arn:aws:iam::111122223333:role/UpdateAPP",
        "created_time": MILLISECONDS,
        "expiration_time": MILLISECONDS + 3_600_000,
        "is_mfa": False,
    }
    assert made["user"]["uid_alt"] == "arn:aws:sts::111122223333:assumed-role/UpdateAPP/as-UpdateAPP"
    assert made["metadata"]["correlation_uid"] == told(ACROSS, DEVELOPMENT)["metadata"]["correlation_uid"]
    foreign = made["actor"]["user"]
    assert (foreign["type"], foreign["uid"], "uid_alt" in foreign) == ("AWSAccount", "AIDADEV", False)


def test_whoever_asks_with_a_session_shows_it():
    made = told(asked("iam:ListUsers", in_session(ISSUED)), PRODUCTION)
    assert made["actor"]["session"]["uid"] == "ASIA1"
    assert made["actor"]["user"]["name"] == "as-UpdateAPP"


@given(histories())
def test_every_entry_reads_as_one_event_on_each_trail_that_it_is_on(history):
    for position, happened in enumerate(history, 1):
        for account in ACCOUNTS:
            seen = seen_by(happened, account, WHOSE)
            if seen is not None:
                made = told(happened, account, position)
                assert made["metadata"]["uid"] == record(position, seen, account)["eventID"]
