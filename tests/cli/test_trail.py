"""What the commands show of a log is what is in it, whatever clients called their things."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from authority.cli.main import commands
from authority.cli.showing import show_json, show_table
from tests.live import MANAGEMENT, running

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{MANAGEMENT}:root"},
            "Action": "sts:AssumeRole",
        },
    }
)
PATH = "/[conceal]/[/x]/" + "long/" * 30
ARN = f"arn:aws:iam::{MANAGEMENT}:role{PATH}Odd"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    with running(tmp_path_factory.mktemp("authority")) as live:
        live.client("iam").create_role(RoleName="Odd", Path=PATH, AssumeRolePolicyDocument=TRUST)
        live.client("sts").assume_role(RoleArn=ARN, RoleSessionName="someone")
        assert live.ask("POST", "/v1/accounts", body={"name": "[/x]"})[0] == 200
        keys = {
            "AWS_ACCESS_KEY_ID": live.administrator.access_key_id,
            "AWS_SECRET_ACCESS_KEY": live.administrator.secret,
        }

        def call(*words):
            result = CliRunner(env={**keys, "AWS_ENDPOINT_URL": live.url}).invoke(commands, words)
            assert result.exit_code == 0, result.output
            return result.stdout

        yield call


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        pytest.param(("events", "--action", "iam:CreateRole"), ARN, id="the trail"),
        pytest.param(("sessions", "list"), ARN, id="sessions"),
        pytest.param(("account", "list"), "[/x]", id="accounts"),
    ],
)
def test_a_name_is_shown_as_it_is_and_whole(run, words, shown):
    """Read as markup it would hide its line, or the whole table."""
    assert shown in run(*words)


@pytest.mark.parametrize("show", [lambda said: show_table(("Said",), [[said]]), lambda said: show_json({"said": said})])
def test_l03_nothing_that_is_shown_does_anything_to_a_terminal(show, capsys):
    show("é \x1b[2J\x9b2J\u202ea\u2028b\U000e0001")
    shown = capsys.readouterr().out
    assert "é \\u001b[2J\\u009b2J\\u202ea\\u2028b\\udb40\\udc01" in shown
    assert shown.replace("\n", "").isprintable()
