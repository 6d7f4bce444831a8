"""Users, passwords and MFA devices with real clients against a live server."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from authority.kernel.secret import Secret
from authority.outbound.clock import SystemClock
from authority.principals.totp import STEP, code_at, counter_at
from tests.live import MANAGEMENT, Keys, Live, made, running

ALL = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{MANAGEMENT}:root"},
            "Action": "sts:AssumeRole",
            "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
        },
    }
)
ROLE = f"arn:aws:iam::{MANAGEMENT}:role/Guarded"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with running(tmp_path_factory.mktemp("principals")) as running_one:
        running_one.client("iam").create_role(RoleName="Guarded", AssumeRolePolicyDocument=TRUST)
        yield running_one


def person(live: Live, name: str) -> Keys:
    iam = live.client("iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=ALL)
    return Keys.of(iam.create_access_key(UserName=name)["AccessKey"])


def refusal(call: Any, **wanted: Any) -> str:
    """The code of the error that a call is answered with; empty when it succeeds."""
    try:
        call(**wanted)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


class Phone:
    """A virtual device in somebody's pocket."""

    def __init__(self, live: Live, name: str) -> None:
        made_one = live.client("iam").create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]
        self.serial = made_one["SerialNumber"]
        self.seed = Secret(base64.b32decode(made_one["Base32StringSeed"]))

    def code(self, step: int = 0) -> str:
        return code_at(self.seed, counter_at(SystemClock().now()) + step)

    def wrong(self) -> str:
        right = {self.code(step) for step in range(-3, 4)}
        return next(code for code in (f"{number:06}" for number in range(9)) if code not in right)

    def enabled_for(self, live: Live, name: str) -> Phone:
        # The present step and the one before: should the next begin meanwhile, the device lags by no more than people do.
        codes = {"AuthenticationCode1": self.code(-1), "AuthenticationCode2": self.code()}
        live.client("iam").enable_mfa_device(UserName=name, SerialNumber=self.serial, **codes)
        return self

    def assumes(self, live: Live, keys: Keys, code: str) -> str:
        return self.answers(live.client("sts", keys), code)

    def answers(self, sts: Any, code: str) -> str:
        wanted = {"RoleArn": ROLE, "RoleSessionName": "session", "SerialNumber": self.serial, "TokenCode": code}
        return refusal(sts.assume_role, **wanted)


def test_a_role_that_asks_for_a_second_factor_opens_to_a_code_and_to_none_twice(live: Live):
    keys, phone = person(live, "mia"), Phone(live, "mias").enabled_for(live, "mia")
    plain = {"RoleArn": ROLE, "RoleSessionName": "session"}
    assert refusal(live.client("sts", keys).assume_role, **plain) == "AccessDenied"
    code = phone.code(1)
    assert phone.assumes(live, keys, phone.wrong()) == "AccessDenied"
    assert phone.assumes(live, keys, code) == ""
    assert phone.assumes(live, keys, code) == "AccessDenied"
    assert live.client("iam").list_mfa_devices(UserName="mia")["MFADevices"][0]["SerialNumber"] == phone.serial


# F01, CVE-2025-6015: one code, fifty requests at once.
def test_fifty_who_use_one_code_at_once_are_one_who_succeeds(live: Live):
    keys, phone = person(live, "race"), Phone(live, "races").enabled_for(live, "race")
    code, sts = phone.code(1), live.client("sts", keys, max_pool_connections=16)
    with ThreadPoolExecutor(16) as pool:
        came_of_it = Counter(pool.map(lambda _: phone.answers(sts, code), range(50)))
    assert came_of_it == {"": 1, "AccessDenied": 49}


# F04: the failures of requests that were refused are there after a restart, and lock.
def test_failures_are_counted_across_a_restart(tmp_path: Path):
    live = made(tmp_path)
    live.start()
    try:
        live.client("iam").create_role(RoleName="Guarded", AssumeRolePolicyDocument=TRUST)
        keys, phone = person(live, "guess"), Phone(live, "guesss").enabled_for(live, "guess")
        for _ in range(3):
            assert phone.assumes(live, keys, phone.wrong()) == "AccessDenied"
        live.stop()
        live.start()
        for _ in range(2):
            assert phone.assumes(live, keys, phone.wrong()) == "AccessDenied"
        assert phone.assumes(live, keys, phone.code(1)) == "AccessDenied"
        (user,) = live.serving.version().state.accounts[MANAGEMENT].mfa_devices.values()
        assert user.attempts.failures == 5
    finally:
        live.stop()


def test_a_device_is_made_by_its_name_and_gone_with_its_seed(live: Live):
    iam, phone = live.client("iam"), Phone(live, "spare")
    tagged = iam.create_virtual_mfa_device(VirtualMFADeviceName="other", Path="/a/", Tags=[{"Key": "k", "Value": "v"}])
    assert iam.list_mfa_device_tags(SerialNumber=tagged["VirtualMFADevice"]["SerialNumber"])["Tags"]
    assert tagged["VirtualMFADevice"]["QRCodePNG"].startswith(b"\x89PNG")
    assert refusal(iam.create_virtual_mfa_device, VirtualMFADeviceName="spare") == "EntityAlreadyExists"
    pair = {"AuthenticationCode1": phone.code(-1), "AuthenticationCode2": phone.wrong()}
    whose = {"UserName": "Administrator", "SerialNumber": phone.serial}
    assert refusal(iam.enable_mfa_device, **whose, **pair) == "InvalidAuthenticationCode"
    assert refusal(iam.delete_virtual_mfa_device, SerialNumber=phone.serial) == ""
    assert refusal(iam.delete_virtual_mfa_device, SerialNumber=phone.serial) == "NoSuchEntity"


# F02, CVE-2025-55000.
@pytest.mark.parametrize("dressed", [" 12345", "12345 ", "+12345", "1_2345", "１２３４５６", "١٢٣٤٥٦"])
def test_what_is_no_code_never_comes_near_a_device(live: Live, dressed: str):
    wanted = {"RoleArn": ROLE, "RoleSessionName": "session", "SerialNumber": f"arn:aws:iam::{MANAGEMENT}:mfa/x"}
    assert refusal(live.client("sts").assume_role, **wanted, TokenCode=dressed) == "ValidationError"


def test_a_password_is_given_changed_held_to_the_rules_and_never_written_down(live: Live):
    keys, iam = person(live, "pam"), live.client("iam")
    first, second = "Aa1!first-one", "Aa1!second-one"
    iam.update_account_password_policy(PasswordReusePrevention=2, MinimumPasswordLength=12)
    assert refusal(iam.create_login_profile, UserName="pam", Password="short") == "PasswordPolicyViolation"
    shown = iam.create_login_profile(UserName="pam", Password=first, PasswordResetRequired=True)["LoginProfile"]
    assert (shown["UserName"], shown["PasswordResetRequired"]) == ("pam", True)
    change = live.client("iam", keys).change_password
    assert refusal(change, OldPassword=second, NewPassword=second) == "AccessDenied"
    assert refusal(change, OldPassword=first, NewPassword=second) == ""
    assert refusal(change, OldPassword=second, NewPassword=first) == "PasswordPolicyViolation"
    assert refusal(change, OldPassword=second, NewPassword=second) == "PasswordPolicyViolation"
    assert not iam.get_login_profile(UserName="pam")["LoginProfile"]["PasswordResetRequired"]
    iam.delete_account_password_policy()
    iam.delete_login_profile(UserName="pam")
    assert refusal(iam.get_login_profile, UserName="pam") == "NoSuchEntity"
    written = b"".join(path.read_bytes() for path in live.settings.data_dir.rglob("*") if path.is_file())
    for secret in (first, second, keys.secret, "$argon2id$"):
        assert secret.encode() not in written
    assert keys.access_key_id.encode() in written


def test_the_use_of_a_key_is_known_at_once(live: Live):
    keys, iam = person(live, "ken"), live.client("iam")
    never = iam.get_access_key_last_used(AccessKeyId=keys.access_key_id)
    assert (never["UserName"], never["AccessKeyLastUsed"]["ServiceName"]) == ("ken", "N/A")
    live.client("sts", keys).get_caller_identity()
    used = iam.get_access_key_last_used(AccessKeyId=keys.access_key_id)["AccessKeyLastUsed"]
    assert (used["ServiceName"], used["Region"]) == ("sts", "us-east-1")
    assert (SystemClock().now() - used["LastUsedDate"]).total_seconds() < 2 * STEP


def test_fifty_at_once_make_no_user_twice_and_no_third_key(live: Live):
    iam = live.client("iam", max_pool_connections=16)
    with ThreadPoolExecutor(16) as pool:
        names = ["Twin", "twin", "TWIN", "tWin", "twiN"] * 10
        users = Counter(pool.map(lambda name: refusal(iam.create_user, UserName=name), names))
        assert users == {"": 1, "EntityAlreadyExists": 49}
        keys = Counter(pool.map(lambda _: refusal(iam.create_access_key, UserName="twin"), range(50)))
        assert keys == {"": 2, "LimitExceeded": 48}
    assert len(iam.list_access_keys(UserName="twin")["AccessKeyMetadata"]) == 2


def test_users_are_listed_whole_by_a_paginator_while_they_come_and_go(live: Live):
    iam = live.client("iam")
    for number in range(25):
        iam.create_user(UserName=f"page{number:02}", Path="/pages/")
    pages = iam.get_paginator("list_users").paginate(PathPrefix="/pages/", PaginationConfig={"PageSize": 7})
    seen = []
    for page in pages:
        seen += [user["UserName"] for user in page["Users"]]
        iam.delete_user(UserName=seen[-1])
        iam.create_user(UserName=f"{seen[-1]}b", Path="/pages/")
    assert [name for name in seen if not name.endswith("b")] == [f"page{number:02}" for number in range(25)]
    assert len(seen) == len(set(seen))
