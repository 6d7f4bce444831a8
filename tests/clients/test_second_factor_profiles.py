"""Profiles with an MFA device: each client asks for a code and takes a role on that wants one, for as long as it says."""

from __future__ import annotations

import base64
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from authority.kernel.secret import Secret
from authority.outbound.clock import SystemClock
from authority.principals.totp import code_at, counter_at
from tests.clients.conftest import ROLE, Home
from tests.live import MANAGEMENT, Keys
from tests.npm import installed

HERE = Path(__file__).parent
ALL = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'
BOTO3 = """
import boto3, json
found = boto3.session.Session(profile_name="guarded").client("sts").get_caller_identity()
print(json.dumps({"Arn": found["Arn"]}))
"""


READ = "import json, sys; print(json.load(sys.stdin)[sys.argv[1]])"


@pytest.fixture(params=["aws-cli", "boto3", "javascript", "env", "process", "switch"])
def guarded(request: pytest.FixtureRequest, home: Home) -> tuple[str, Home, str]:
    """Somebody with a device of his own, on his machine, and the code that it shows now."""
    client, iam = request.param, home.live.client("iam")
    iam.create_user(UserName=client)
    iam.put_user_policy(UserName=client, PolicyName="all", PolicyDocument=ALL)
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName=client)["VirtualMFADevice"]
    spelled = device["Base32StringSeed"]
    seed = Secret(base64.b32decode(spelled + b"=" * (-len(spelled) % 8)))
    counter = counter_at(SystemClock().now())
    iam.enable_mfa_device(
        UserName=client,
        SerialNumber=device["SerialNumber"],
        AuthenticationCode1=code_at(seed, counter - 2),
        AuthenticationCode2=code_at(seed, counter - 1),
    )
    config = f"""
[profile guarded]
role_arn = {ROLE}/Guarded
source_profile = base
mfa_serial = {device["SerialNumber"]}
role_session_name = {client}
duration_seconds = 1800
"""
    home.configure(config, base=Keys.of(iam.create_access_key(UserName=client)["AccessKey"]))
    return client, home, code_at(seed, counter)


def asked(client: str, home: Home, code: str) -> Any:
    """Who the client says that it is, when it is told this code."""
    role = f"--role-arn {ROLE}/Guarded --source-profile base --duration-seconds 1800 --role-session-name {client}"
    serial = home.run("aws", "configure", "get", "profile.guarded.mfa_serial").stdout.strip()
    match client:
        case "aws-cli":
            return home.run("aws", "sts", "get-caller-identity", "--profile", "guarded", input=code + "\n")
        case "boto3":
            return home.run(sys.executable, "-W", "ignore", "-c", BOTO3, input=code + "\n")
        case "javascript":
            script = installed(HERE) / "whoami.mjs"
            script.write_text((HERE / "whoami.mjs").read_text())
            return home.run("node", str(script), env={"AWS_PROFILE": "guarded", "MFA_CODE": code})
        case "env":
            line = f'eval "$(authority env {role} --serial-number {serial})" && aws sts get-caller-identity'
            return home.run("bash", "-c", line, input=code + "\n")
        case "switch":
            # The session is named like whoever switches, here by the client.
            line = f"authority switch --print {MANAGEMENT} Guarded --source-profile base --duration-seconds 1800"
            line = f'eval "$({line} --serial-number {serial})" && aws sts get-caller-identity'
            return home.run("bash", "-c", line, input=code + "\n")
        case _:
            # A tool that calls a process gives it no terminal: the credentials are taken by hand, as a script does.
            line = (
                f"found=$(authority credential-process {role} --serial-number {serial}) && "
                "AWS_ACCESS_KEY_ID=$(jq -r .AccessKeyId <<<$found) AWS_SESSION_TOKEN=$(jq -r .SessionToken <<<$found) "
                "AWS_SECRET_ACCESS_KEY=$(jq -r .SecretAccessKey <<<$found) aws sts get-caller-identity"
            )
            return home.run("bash", "-c", line.replace("jq -r .", f"{sys.executable} -c '{READ}' "), input=code + "\n")


def test_a_profile_with_a_device_asks_for_its_code(guarded: tuple[str, Home, str]):
    client, home, code = guarded
    wrong = asked(client, home, f"{(int(code) + 1) % 1_000_000:06d}")
    assert wrong.returncode != 0
    assert "MultiFactorAuthentication failed" in wrong.stderr
    done = asked(client, home, code)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout[done.stdout.index("{") :])["Arn"].endswith(f"assumed-role/Guarded/{client}")
    status, found = home.live.ask("GET", "/v1/sessions", query=f"sessionName={client}")
    assert status == 200
    lasts = [
        datetime.fromisoformat(one["expiresAt"]) - datetime.fromisoformat(one["issuedAt"]) for one in found["sessions"]
    ]
    assert [int(one.total_seconds()) for one in lasts] == [1_800]


@pytest.mark.parametrize("guarded", ["twice"], indirect=True)
def test_a_switch_from_a_profile_with_a_device_asks_for_one_code(guarded: tuple[str, Home, str]):
    """Who switches, what account an alias means and the role itself are asked as the one session that a code led to."""
    _, home, code = guarded
    iam = home.live.client("iam")
    iam.create_account_alias(AccountAlias="asks-once")
    iam.put_role_policy(RoleName="Guarded", PolicyName="all", PolicyDocument=ALL)
    line = 'eval "$(authority switch --print asks-once First --source-profile guarded)" && aws sts get-caller-identity'
    done = home.run("bash", "-c", line, input=code + "\n")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["Arn"].endswith("assumed-role/First/twice")
