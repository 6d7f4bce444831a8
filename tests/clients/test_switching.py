"""Switching roles from the command line: by link or by name, always as whoever began, and back again."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from html import unescape
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

import pytest

from tests.clients.conftest import ROLE, Home
from tests.live import MANAGEMENT, Keys, Live

WHO = "aws sts get-caller-identity --query Arn --output text"
MAY = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}}'


@pytest.fixture(scope="module")
def begun(live: Live) -> Keys:
    """The keys of a developer, where there are roles for him and the account has an alias."""
    iam = live.client("iam")
    developer = iam.create_user(UserName="David")["User"]["Arn"]
    iam.put_user_policy(UserName="David", PolicyName="may", PolicyDocument=MAY)
    trust = {"Effect": "Allow", "Principal": {"AWS": developer}, "Action": "sts:AssumeRole"}
    for path, name in (("/", "Sole"), ("/ops/eu/", "Deep"), ("/", "Other")):
        document = json.dumps({"Version": "2012-10-17", "Statement": trust})
        iam.create_role(Path=path, RoleName=name, AssumeRolePolicyDocument=document)
    iam.create_account_alias(AccountAlias="example-corp")
    return Keys.of(iam.create_access_key(UserName="David")["AccessKey"])


Shell = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def shell(home: Home, begun: Keys) -> Shell:
    """David's shell: what it prints when it is given lines."""
    mine = {"AWS_ACCESS_KEY_ID": begun.access_key_id, "AWS_SECRET_ACCESS_KEY": begun.secret, "SHELL": "/bin/sh"}

    def run(*lines: str, **more: str) -> subprocess.CompletedProcess[str]:
        return home.run("/bin/sh", input="\n".join(lines) + "\n", env={**mine, **more})

    return run


def arns(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.returncode == 0, done.stderr
    return [line.rpartition(":")[2] for line in done.stdout.splitlines()]


@pytest.mark.parametrize("account", [MANAGEMENT, "example-corp"])
def test_a_switch_opens_a_shell_and_leaving_it_is_being_oneself_again(shell: Shell, account: str):
    done = shell(f"authority switch {account} ops/eu/Deep <<'INNER'", WHO, "echo : $AUTHORITY_ROLE", "INNER", WHO)
    assert arns(done) == ["assumed-role/Deep/David", f" ops/eu/Deep @ {account}", "user/David"]


def test_exports_switch_the_shell_and_exit_gives_it_back(shell: Shell):
    done = shell(
        f'eval "$(authority switch --print {MANAGEMENT} Sole)"',
        WHO,
        'eval "$(authority exit)"',
        WHO,
        "env | grep -c _FROM",
    )
    assert [line.rpartition(":")[2] for line in done.stdout.splitlines()] == [
        "assumed-role/Sole/David",
        "user/David",
        "0",
    ]


def test_a_switch_inside_a_role_is_authorised_as_whoever_began(shell: Shell):
    """Sole may assume nothing, and Other trusts David alone: as Sole it would be refused."""
    done = shell(
        f'eval "$(authority switch --print {MANAGEMENT} Sole)"',
        f"aws sts assume-role --role-arn {ROLE}/Other --role-session-name xx 2>&1 | grep -o AccessDenied",
        f'eval "$(authority switch --print {MANAGEMENT} Other)"',
        WHO,
        'eval "$(authority exit)"',
        WHO,
    )
    assert arns(done) == ["AccessDenied", "assumed-role/Other/David", "user/David"]


def test_a_profile_is_left_for_the_role_and_found_again(home: Home, begun: Keys):
    home.configure("[profile dev]\nregion = eu-west-1\n", dev=begun)
    lines = [
        f'eval "$(authority switch --print {MANAGEMENT} Sole --region us-east-1)"',
        'echo "profile:${AWS_PROFILE-none}"',
        WHO,
        'eval "$(authority exit)"',
        'echo "profile:$AWS_PROFILE key:${AWS_ACCESS_KEY_ID-none}"',
    ]
    done = home.run("/bin/sh", input="\n".join(lines) + "\n", env={"AWS_PROFILE": "dev"})
    assert arns(done) == ["none", "assumed-role/Sole/David", "none"]
    assert "profile:dev" in done.stdout


def test_a_link_says_which_role_and_leads_to_it(home: Home, shell: Shell):
    made = home.run(
        *("authority", "role", "link", "example-corp", "ops/eu/Deep"),
        *("--display-name", "Deploy & more", "--color", "b7ca9d"),
    )
    link = made.stdout.strip()
    assert link.startswith(f"{home.live.url}/switchrole?")
    assert parse_qs(urlsplit(link).query) == {
        "account": ["example-corp"],
        "roleName": ["ops/eu/Deep"],
        "displayName": ["Deploy & more"],
        "color": ["b7ca9d"],
    }
    done = shell(f"authority switch '{link}' <<'INNER'", "echo : $AUTHORITY_ROLE", WHO, "INNER")
    assert arns(done) == [" Deploy & more", "assumed-role/Deep/David"]


def followed(link: str, **headers: str) -> tuple[int, str]:
    """The page that a browser gets."""
    try:
        with urlopen(Request(link, headers=headers), timeout=30) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as refused:
        return refused.code, refused.read().decode()


def test_whoever_follows_a_link_is_told_how_to_switch(home: Home, shell: Shell):
    made = home.run("authority", "role", "link", "example-corp", "ops/eu/Deep", "--display-name", "<b>Deploy</b>")
    status, page = followed(made.stdout.strip())
    assert status == 200
    assert "<h1>Switch to &lt;b&gt;Deploy&lt;/b&gt;</h1>" in page
    command = unescape(page[page.index("<pre>") + 5 : page.index("</pre>")])
    assert arns(shell(f"{command} <<'INNER'", WHO, "INNER")) == ["assumed-role/Deep/David"]


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        pytest.param(f"account={MANAGEMENT}", {}, id="no role"),
        pytest.param(f"account={MANAGEMENT}&roleName=a&more=1", {}, id="more than is understood"),
        pytest.param("account=--endpoint-url%3Dhttp://x&roleName=a", {}, id="an option for an account"),
        pytest.param(f"account={MANAGEMENT}&roleName=a%0Aid", {}, id="a line feed"),
        pytest.param(f"account={MANAGEMENT}&roleName=Sole", {"Host": "elsewhere"}, id="another host"),
    ],
)
def test_a_page_that_names_no_role_shows_no_command(home: Home, query: str, headers: dict[str, str]):
    status, page = followed(f"{home.live.url}/switchrole?{query}", **headers)
    assert status == 400
    assert "<pre>" not in page


def test_a_command_that_is_shown_is_one_command(home: Home):
    """A path of a role may hold anything but a space: what a shell would act upon is quoted."""
    _, page = followed(f"{home.live.url}/switchrole?account={MANAGEMENT}&roleName=$(id);%60id%60/--print")
    command = unescape(page[page.index("<pre>") + 5 : page.index("</pre>")])
    assert command == f"authority switch -- {MANAGEMENT} '$(id);`id`/--print'"


def test_a_link_never_says_where_credentials_are_sent(shell: Shell):
    """Somebody else's link leads to a role at one's own authority, or nowhere."""
    link = f"http://127.0.0.1:9/switchrole?account={MANAGEMENT}&roleName=Sole"
    assert arns(shell(f"eval \"$(authority switch --print '{link}')\"", WHO)) == ["assumed-role/Sole/David"]


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(f"http://x/switchrole?account={MANAGEMENT}", id="no role"),
        pytest.param("http://x/switchrole?roleName=Sole", id="no account"),
        pytest.param(f"http://x/switchrole?account={MANAGEMENT}&account=1&roleName=Sole", id="an account twice"),
        pytest.param(f"http://x/switchrole?account={MANAGEMENT}&roleName=Sole&more=1", id="more than is understood"),
        pytest.param(f"http://x/other?account={MANAGEMENT}&roleName=Sole", id="another page"),
        pytest.param(f"http://x/switchrole?account={MANAGEMENT}&roleName=a%0Ab", id="a line feed in the role"),
        pytest.param(f"http://x/switchrole?account={MANAGEMENT}&roleName=a&displayName=%1b[2J", id="an escape shown"),
        pytest.param(f"http://x/switchrole?account={MANAGEMENT}&roleName=a&color=red", id="a colour by name"),
        pytest.param("http://x/switchrole?account=../x&roleName=a", id="an account that is none"),
        pytest.param(f"http://[x/switchrole?account={MANAGEMENT}&roleName=a", id="half an address"),
        pytest.param("http://x/switchrole?account=nobody-here&roleName=a", id="an alias that nobody has"),
        pytest.param(f"http://x/switchrole?account={MANAGEMENT}&roleName=Nobody", id="a role that is not there"),
    ],
)
def test_a_link_that_leads_nowhere_is_one_line(shell: Shell, said: str):
    done = shell(f"authority switch '{said}'")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("Error: ")
    assert not done.stdout


def test_what_a_display_name_says_is_no_command(shell: Shell):
    link = f"http://x/switchrole?account={MANAGEMENT}&roleName=Sole&displayName=%27%24(echo%20pwned%3E%262)%60id%60"
    done = shell(f'eval "$(authority switch --print "{link}")"', "env | grep ^AUTHORITY_ROLE=")
    assert done.stdout == "AUTHORITY_ROLE='$(echo pwned>&2)`id`\n"
    assert "pwned" not in done.stderr


@pytest.mark.parametrize("kept", ["{}", "x", '{"environment": {"PATH": "/evil"}}'])
def test_a_memory_that_is_none_is_refused(shell: Shell, kept: str):
    for command in ("authority exit", f"authority switch --print {MANAGEMENT} Sole"):
        done = shell(command, AUTHORITY_SWITCHED_FROM=kept)
        assert done.returncode == 1
        assert "does not say who began" in done.stderr
        assert not done.stdout


def test_nobody_comes_back_who_never_left(shell: Shell):
    assert "nothing was switched here" in shell("authority exit").stderr


@pytest.mark.parametrize("command", ["authority sessions list --profile nobody", "authority events --profile refused"])
def test_a_profile_that_cannot_be_used_is_one_line(home: Home, begun: Keys, command: str):
    home.configure(f"[profile refused]\nrole_arn = {ROLE}/Nobody\nsource_profile = base\n", base=begun)
    done = home.run("/bin/sh", "-c", command)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("Error: ")


def test_a_profile_that_was_begun_from_is_who_switches_again(home: Home, begun: Keys):
    """What the first switch was told, where and as whom, counts for those after it."""
    home.configure("", dev=begun)
    del home.variables["AWS_ENDPOINT_URL"]
    where = f"--source-profile dev --endpoint-url {home.live.url}"
    lines = [
        f'eval "$(authority switch --print {MANAGEMENT} Sole {where})"',
        WHO,
        f'eval "$(authority switch --print {MANAGEMENT} Other)"',
        WHO,
        'eval "$(authority exit)"',
        "env | grep -c ^AWS_ENDPOINT_URL",
    ]
    done = home.run("/bin/sh", input="\n".join(lines) + "\n")
    assert [line.rpartition(":")[2] for line in done.stdout.splitlines()] == [
        "assumed-role/Sole/David",
        "assumed-role/Other/David",
        "0",
    ]


def test_an_endpoint_of_the_profile_is_where_roles_are_taken(home: Home, begun: Keys):
    home.configure(f"[profile dev]\nregion = us-east-1\nendpoint_url = {home.live.url}\n", dev=begun)
    bare = {
        name: value for name, value in home.variables.items() if not name.startswith(("AWS_ENDPOINT", "AWS_REGION"))
    }
    home.variables = bare
    line = f'eval "$(authority env --role-arn {ROLE}/Sole --source-profile dev)" && {WHO}'
    assert arns(home.run("/bin/sh", "-c", line, env={"AWS_PROFILE": "dev"})) == ["assumed-role/Sole/authority-cli"]
