"""Sessions and third parties on the command line, asked by an administrator against a live authority."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from click import unstyle
from click.testing import CliRunner

from authority.cli.main import commands
from tests.live import MANAGEMENT, REGION, Keys, Live
from tests.sessions.test_live_sessions import ALL, policy

PARTNER = "333344445555"
LENT = f"arn:aws:iam::{MANAGEMENT}:role/Lent"


def run(live: Live, *words: str, **more: str) -> str:
    """What a command prints."""
    keys = live.administrator
    environment = {
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret,
        "AWS_ENDPOINT_URL": live.url,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        **more,
    }
    result = CliRunner().invoke(commands, words, env=environment, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def partner(live: Live) -> Keys:
    status, made = live.ask(
        "POST", "/v1/accounts", body={"name": "Partner", "accountId": PARTNER, "administrator": "Partner"}
    )
    assert status == 200
    trust = {"Principal": {"AWS": f"arn:aws:iam::{PARTNER}:root"}, "Action": "sts:AssumeRole"}
    own = {"Principal": {"AWS": f"arn:aws:iam::{MANAGEMENT}:root"}, "Action": "sts:AssumeRole"}
    iam = live.client("iam")
    iam.create_role(RoleName="Lent", AssumeRolePolicyDocument=policy(trust, own))
    iam.put_role_policy(RoleName="Lent", PolicyName="all", PolicyDocument=ALL)
    return Keys(made["administrator"]["accessKeyId"], made["administrator"]["secretAccessKey"])


def assume(live: Live, keys: Keys) -> Keys:
    answer = live.client("sts", keys).assume_role(RoleArn=LENT, RoleSessionName="cli", ExternalId="order-7")
    return Keys.of(answer["Credentials"])


def status_of(live: Live, session: Keys) -> str:
    (found,) = lines(run(live, "sessions", "list", "--session", session.access_key_id, "--output", "jsonl"))
    return str(found["status"])


def test_the_use_of_a_lent_role_is_shown_and_limited(live: Live, partner: Keys):
    assume(live, partner)
    listed = ("third-parties", "list", "--trusted-account", PARTNER, "--output", "jsonl")
    (before,) = lines(run(live, *listed))  # other tests of this module may have gone first
    most = before["active"]
    said = run(live, "third-parties", "limit", PARTNER, str(most))
    assert said == f"{PARTNER} may have at most {most} active sessions.\n"
    with pytest.raises(ClientError):
        assume(live, partner)
    (found,) = lines(run(live, *listed))
    assert (found["externalId"], found["roleArn"]) == ("order-7", LENT)
    assert (found["issued"], found["refused"]) == (before["issued"], before["refused"] + 1)
    assert (found["active"], found["activeLimit"]) == (most, most)
    assert PARTNER in run(live, "third-parties", "list")
    said = run(live, "third-parties", "limit", PARTNER, "none")
    assert said == f"{PARTNER} may have any number of active sessions.\n"
    assume(live, partner)


def test_a_narrow_terminal_shows_whole_what_is_to_be_typed(live: Live, partner: Keys):
    session = assume(live, partner)
    terminal = {"TTY_COMPATIBLE": "1", "NO_COLOR": "1", "TERM": "xterm", "COLUMNS": "80"}
    listed = run(live, "sessions", "list", "--session", session.access_key_id, **terminal)
    assert session.access_key_id in listed
    assert max(map(len, unstyle(listed).splitlines())) <= 80
    for said in (listed, run(live, "third-parties", "list", **terminal), run(live, "events", **terminal)):
        assert "…" not in said
    assert PARTNER in run(live, "third-parties", "list", **terminal)


@pytest.mark.parametrize("words", [(), ("-1",), ("any",)])
def test_no_limit_is_lifted_by_leaving_it_out(words: tuple[str, ...]):
    result = CliRunner().invoke(commands, ("third-parties", "limit", PARTNER, "--", *words))
    assert result.exit_code == 2


def test_a_session_is_ended_alone_or_with_what_it_led_to(live: Live, partner: Keys):
    first = assume(live, partner)
    chained = assume(live, first)
    run(live, "sessions", "revoke", first.access_key_id)
    assert (status_of(live, first), status_of(live, chained)) == ("revoked", "active")
    said = run(live, "sessions", "revoke", "--descendants", first.access_key_id)
    assert said == f"{first.access_key_id} is revoked, and everything that came of it.\n"
    with pytest.raises(ClientError) as error:
        live.client("sts", chained).get_caller_identity()
    assert error.value.response["Error"]["Code"] == "ExpiredToken"


def test_sessions_are_found_by_who_took_them(live: Live, partner: Keys):
    session = assume(live, partner)
    (found,) = lines(run(live, "sessions", "list", "--session", session.access_key_id, "--output", "jsonl"))
    taker = found["caller"]["principalId"]
    listed = lines(run(live, "sessions", "list", "--principal", taker, "--output", "jsonl"))
    assert session.access_key_id in {one["accessKeyId"] for one in listed}
    assert {one["caller"]["principalId"] for one in listed} == {taker}
