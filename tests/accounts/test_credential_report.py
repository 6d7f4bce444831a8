"""The credential report: asked for, then fetched; a line for the root and for every user."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest

from authority.accounts.credential_report import COLUMNS, generate_credential_report, get_credential_report
from authority.audit.answers import LastUse
from authority.audit.queries import LastUsed
from authority.kernel.ids import AccessKeyId
from authority.kernel.refusal import Reason
from authority.model import passwords, principals
from authority.model.mfa import MfaDeviceCreated, MfaDeviceEnabled
from tests.accounts.world import ADMIN, CLERK, CLERK_IS_THERE, CLERKS, MANAGEMENT, World, may, reason
from tests.model.test_state import AT

SECOND, ROOTS = AccessKeyId("AKIASECOND"), AccessKeyId("AKIAROOT")
HELD = (
    *CLERK_IS_THERE,
    principals.AccessKeyCreated(account=MANAGEMENT, access_key_id=SECOND, owner=CLERK),
    principals.AccessKeyStatusChanged(account=MANAGEMENT, access_key_id=SECOND, status=principals.KeyStatus.INACTIVE),
    principals.AccessKeyCreated(account=MANAGEMENT, access_key_id=ROOTS, owner=MANAGEMENT),
)
USED = {CLERKS.access_key_id: LastUse(AT + timedelta(days=1), "s3", "eu-west-1", 7)}
THEN = "2026-01-02T03:04:05+00:00"


def rows(world: World, found=USED) -> dict[str, dict[str, str]]:
    world.ask(generate_credential_report)
    report = world.ask(get_credential_report, found=found)
    assert report["ReportFormat"] == "text/csv"
    return {row["user"]: row for row in csv.DictReader(io.StringIO(report["Content"].decode()))}


def test_a_report_is_asked_for_once_in_four_hours():
    world = World()
    assert world.ask(generate_credential_report)["State"] == "STARTED"
    assert world.ask(generate_credential_report) == {"State": "COMPLETE"}
    world.now = AT + timedelta(hours=4)
    assert world.ask(generate_credential_report)["State"] == "STARTED"


@pytest.mark.parametrize(
    ("asked", "after", "expected"),
    [
        pytest.param(False, timedelta(), Reason.REPORT_NOT_PRESENT, id="never asked for"),
        pytest.param(True, timedelta(hours=4), Reason.REPORT_EXPIRED, id="asked for too long ago"),
        pytest.param(True, timedelta(hours=4, seconds=-1), None, id="asked for lately"),
    ],
)
def test_a_report_is_fetched_after_it_was_asked_for(asked, after, expected):
    world = World()
    if asked:
        world.ask(generate_credential_report)
    world.now = AT + after
    assert reason(world.ask(get_credential_report, found={})) is expected


def test_there_is_a_line_for_the_root_and_for_each_user_in_awss_columns():
    world = World(*HELD)
    world.ask(generate_credential_report)
    content = world.ask(get_credential_report, found={})["Content"].decode()
    lines = list(csv.reader(io.StringIO(content)))
    assert tuple(lines[0]) == COLUMNS
    assert {len(line) for line in lines} == {22}
    assert [line[0] for line in lines[1:]] == ["<root_account>", "Clerk", "admin"]


def test_keys_are_shown_with_their_last_use():
    clerk = rows(World(*HELD))["Clerk"]
    assert clerk["arn"] == f"arn:aws:iam::{MANAGEMENT}:user/staff/Clerk"
    assert (clerk["access_key_1_active"], clerk["access_key_1_last_rotated"]) == ("true", THEN)
    assert clerk["access_key_1_last_used_date"] == "2026-01-03T03:04:05+00:00"
    assert (clerk["access_key_1_last_used_region"], clerk["access_key_1_last_used_service"]) == ("eu-west-1", "s3")
    assert (clerk["access_key_2_active"], clerk["access_key_2_last_rotated"]) == ("false", THEN)
    assert clerk["access_key_2_last_used_date"] == "N/A"


def test_the_root_has_no_password_and_may_have_a_key():
    root = rows(World(*HELD))["<root_account>"]
    assert (root["password_enabled"], root["mfa_active"], root["access_key_1_active"]) == (
        "not_supported", "false", "true"
    )  # fmt: skip
    assert root["access_key_2_active"] == "false"


def test_passwords_and_devices_are_shown():
    world = World(
        *HELD,
        passwords.LoginProfileCreated(account=MANAGEMENT, user_id=CLERK, password_id="p"),
        passwords.PasswordPolicySet(account=MANAGEMENT, policy=passwords.PasswordPolicy(max_age=90)),
        MfaDeviceCreated(account=MANAGEMENT, device_id="AMFA1", name="one", path="/"),
        MfaDeviceEnabled(account=MANAGEMENT, device_id="AMFA1", owner=CLERK, counter=1),
    )
    clerk, admin = (rows(world)[name] for name in ("Clerk", "admin"))
    assert (clerk["password_enabled"], clerk["password_last_changed"]) == ("true", THEN)
    assert clerk["password_next_rotation"] == "2026-04-02T03:04:05+00:00"
    assert (clerk["password_last_used"], clerk["mfa_active"]) == ("no_information", "true")
    assert (admin["password_enabled"], admin["password_last_used"], admin["mfa_active"]) == ("false", "N/A", "false")


def test_the_keys_of_this_account_are_asked_about_and_no_others():
    deleted = principals.AccessKeyDeleted(account=MANAGEMENT, access_key_id=SECOND)
    world = World(*HELD, deleted)
    world.ask(generate_credential_report)
    query = world.decide(get_credential_report).query
    assert isinstance(query, LastUsed)
    assert set(query.ids) == {CLERKS.access_key_id, ROOTS, ADMIN.access_key_id}


def test_a_name_with_a_comma_stays_one_column():
    odd = principals.UserCreated(account=MANAGEMENT, user_id=principals.UserId("AIDAODD"), name="a,b=c", path="/")
    assert rows(World(odd))["a,b=c"]["user_creation_time"] == THEN


@pytest.mark.parametrize("action", [generate_credential_report, get_credential_report])
def test_each_needs_its_own_permission(action):
    assert reason(World(*CLERK_IS_THERE).ask(action, CLERKS)) is Reason.ACCESS_DENIED
    allowed = World(*CLERK_IS_THERE, may(action.name)).ask(action, CLERKS)
    assert reason(allowed) is not Reason.ACCESS_DENIED
