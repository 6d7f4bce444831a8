"""Profiles with a role, chains of them, external ids, durations, processes and shells."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import boto3
import pytest

from tests.clients.conftest import ROLE, Home
from tests.live import MANAGEMENT
from tests.npm import installed

HERE = Path(__file__).parent

CONFIG = f"""
[profile first]
role_arn = {ROLE}/First
source_profile = base
duration_seconds = 900

[profile second]
role_arn = {ROLE}/Second
source_profile = first
role_session_name = chained

[profile partner]
role_arn = {ROLE}/Partner
source_profile = base
external_id = contract-7

[profile stranger]
role_arn = {ROLE}/Partner
source_profile = base
external_id = contract-8

[profile process]
credential_process = authority credential-process --role-arn {ROLE}/First --source-profile base
"""
BOTO3 = 'import boto3, json; print(json.dumps({"Arn": boto3.client("sts").get_caller_identity()["Arn"]}))'
EXPECTED = {
    "first": "assumed-role/First/",
    "second": "assumed-role/Second/chained",
    "partner": "assumed-role/Partner/",
    "process": "assumed-role/First/authority-cli",
}


@pytest.fixture
def configured(home: Home) -> Home:
    home.configure(CONFIG, base=home.live.administrator)
    return home


@pytest.mark.parametrize("profile", EXPECTED)
def test_the_aws_cli_takes_roles_on_by_profile(configured: Home, profile: str):
    who = configured.json("aws", "sts", "get-caller-identity", "--profile", profile)
    assert who["Account"] == MANAGEMENT
    assert EXPECTED[profile] in who["Arn"]


@pytest.mark.parametrize("profile", EXPECTED)
def test_boto3_takes_roles_on_by_profile(configured: Home, profile: str, monkeypatch: pytest.MonkeyPatch):
    for name, value in configured.variables.items():
        monkeypatch.setenv(name, value)
    who = boto3.session.Session(profile_name=profile).client("sts").get_caller_identity()
    assert EXPECTED[profile] in who["Arn"]


def test_a_wrong_external_id_is_refused(configured: Home):
    refused = configured.run("aws", "sts", "get-caller-identity", "--profile", "stranger")
    assert refused.returncode != 0
    assert "AccessDenied" in refused.stderr


@pytest.mark.parametrize("client", ["aws-cli", "boto3", "javascript"])
@pytest.mark.parametrize("profile", ["base", "first"])
def test_a_shell_takes_a_role_on(configured: Home, client: str, profile: str):
    """Whatever is run in it has the role, though the shell had a profile before."""
    if client == "javascript":
        script = installed(HERE) / "whoami.mjs"
        script.write_text((HERE / "whoami.mjs").read_text())
        who = f"node {script}"
    elif client == "boto3":
        who = f"{sys.executable} -W ignore -c '{BOTO3}'"
    else:
        who = "aws sts get-caller-identity --output json"
    role = "First" if profile == "base" else "Second"
    line = f"authority env --role-arn {ROLE}/{role} --source-profile {profile} --duration-seconds 900"
    said = configured.json("bash", "-c", f'eval "$({line})" && {who}', env={"AWS_PROFILE": "partner"})
    assert said["Arn"].endswith(f"assumed-role/{role}/authority-cli")


def test_a_profile_that_asks_itself_is_told_so_and_not_asked_again(home: Home):
    """A tool passes AWS_PROFILE on to the process that the profile names, which would ask that profile again."""
    started = home.place / "started"
    once = f"sh -c 'echo >> {started}; test $(wc -l < {started}) -lt 5 && exec authority credential-process \"$@\"' -"
    home.configure(f"[profile circle]\ncredential_process = {once} --role-arn {ROLE}/First\n")
    done = home.run("aws", "sts", "get-caller-identity", env={"AWS_PROFILE": "circle"})
    assert "the profile 'circle' asks itself for credentials; name another --source-profile" in done.stderr
    assert len(started.read_text().splitlines()) == 2


def test_a_process_may_begin_from_another_process(configured: Home):
    more = f"[profile next]\ncredential_process = authority credential-process --role-arn {ROLE}/Second"
    configured.configure(f"{CONFIG}\n{more} --source-profile process\n", base=configured.live.administrator)
    who = configured.json("aws", "sts", "get-caller-identity", env={"AWS_PROFILE": "next"})
    assert "assumed-role/Second/" in who["Arn"]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        pytest.param(f"authority env --role-arn {ROLE}/Second --source-profile first", "export", id="a role"),
        pytest.param(f"authority switch --print {MANAGEMENT} Second --source-profile first", "export", id="a switch"),
        pytest.param("authority sessions list --profile first", "assumed-role/First", id="the log"),
    ],
)
@pytest.mark.parametrize("other", [None, "http://127.0.0.1:9"])
def test_a_profile_takes_its_role_on_where_the_flag_says(configured: Home, command: str, said: str, other: str | None):
    """Nobody but the authority is told whose key it is: not Amazon, nor whoever the environment names."""
    live, variables = configured.live, configured.variables
    for name in ("AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION"):
        del variables[name]
    if other is not None:
        variables["AWS_ENDPOINT_URL_STS"] = other
    done = configured.run(*command.split(), "--endpoint-url", live.url)
    assert said in done.stdout + done.stderr
    if said == "export":
        where = configured.run("sh", "-c", f"{done.stdout}\nenv | grep ^AWS_ENDPOINT").stdout
        assert where == f"AWS_ENDPOINT_URL={live.url}\n"


@pytest.mark.parametrize(
    ("command", "address"),
    [
        *(
            (f"env --role-arn {ROLE}/First", bad)
            for bad in ("ftp://x", "http://", "http://[x", "http://a:b", "http://x y")
        ),
        *((one, "nonsense") for one in (f"switch {MANAGEMENT} First", "sessions list", f"role link {MANAGEMENT} x")),
        (f"login saml --role-arn {ROLE}/First --principal-arn {ROLE}/x --assertion -", "nonsense"),
        ("broker --directory ldap://127.0.0.1:9 --people uid={},dc=x", "nonsense"),
    ],
)
def test_what_is_no_address_is_one_line(configured: Home, command: str, address: str):
    done = configured.run(
        "authority", *command.split(), "--endpoint-url", address, env={"AWS_PROFILE": "base"}, input=""
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"Error: {address!r} is no address of an authority, such as http://127.0.0.1:8600\n"


def test_a_role_that_refuses_is_one_line(configured: Home):
    done = configured.run("authority", "credential-process", "--role-arn", f"{ROLE}/None", "--source-profile", "base")
    assert done.returncode == 1
    assert "AccessDenied" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_log_is_asked_from_the_command_line(configured: Home):
    configured.json("aws", "sts", "get-caller-identity", "--profile", "first")
    done = configured.run(
        "authority", "events", "--profile", "base", "--action", "sts:AssumeRole", "--limit", "3", "--output", "jsonl"
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[0])["action"] == "sts:AssumeRole"
    listed = configured.run("authority", "sessions", "list", "--profile", "base", "--status", "active")
    assert listed.returncode == 0, listed.stderr
    assert "ASIA" in listed.stdout


@pytest.mark.parametrize("profile", ["first", "second", "partner", "process"])
def test_the_sdk_for_javascript_takes_roles_on_by_profile(configured: Home, profile: str):
    folder = installed(HERE)
    script = folder / "whoami.mjs"
    script.write_text((HERE / "whoami.mjs").read_text())
    who = configured.json("node", str(script), env={"AWS_PROFILE": profile})
    assert EXPECTED[profile] in who["Arn"]
