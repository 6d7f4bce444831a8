"""Making an authority, and what is said of its settings."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import authority
from authority.cli import options, trail
from authority.cli.main import COMMANDS, commands
from authority.compose import NotInitialised
from tests.live import made


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch, tmp_path):
    """No settings but those of the test."""
    monkeypatch.chdir(tmp_path)


def run(*words):
    return CliRunner().invoke(commands, [*map(str, words)], catch_exceptions=False)


def test_clients_are_shown_where_it_will_serve(tmp_path):
    place = ("--port", 9001, "--admin-port", 9002, "--regions", "eu-west-1", "--default-region", "eu-west-1")
    made = run("init", "--data-dir", tmp_path / "var", *place, "--output", "json")
    shown = json.loads(made.stdout)["environment"]
    assert shown["AWS_ENDPOINT_URL"] == "http://127.0.0.1:9001"
    assert shown["AWS_DEFAULT_REGION"] == shown["AWS_REGION"] == "eu-west-1"


def test_the_key_is_shown_once(tmp_path):
    made = run("init", "--data-dir", tmp_path / "var", "--output", "env")
    assert "AWS_SECRET_ACCESS_KEY" in made.stdout
    again = run("init", "--data-dir", tmp_path / "var", "--if-needed")
    assert (again.exit_code, again.output) == (0, "")
    refused = run("init", "--data-dir", tmp_path / "var")
    assert refused.exit_code == 1
    assert "there is an authority" in refused.stderr


def test_every_setting_and_every_filter_is_explained():
    assert set(options.ALL) == options.MEANING.keys()
    for command in (trail.events, trail.list_command):
        for option in command.params:
            if isinstance(option, click.Option) and option.name.startswith("filter_"):
                assert option.help, option.opts


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_list_of_commands_cuts_no_sentence(name):
    assert f"  {name} " in run("--help").stdout
    command = commands.get_command(click.Context(commands), name)
    assert command.name == name
    assert "..." not in command.get_short_help_str(200).removesuffix('--role-arn ...)".')


def test_serving_imports_no_client_of_aws():
    loaded = [sys.executable, "-c", "import sys; import authority.cli.owner; print(*sys.modules)"]
    root = Path(authority.__file__).parent.parent
    modules = subprocess.run(loaded, check=True, capture_output=True, text=True, cwd=root).stdout.split()
    assert "botocore.loaders" in modules
    assert {"botocore.session", "botocore.client", "authority.cli.client"}.isdisjoint(modules)


@pytest.mark.parametrize(
    ("option", "name"),
    [("--administrator", "two words"), ("--administrator", ""), ("--account-name", ""), ("--account-name", "x" * 51)],
)
def test_nobody_is_made_whom_the_api_could_not_name(tmp_path, option, name):
    refused = run("init", "--data-dir", tmp_path / "var", option, name)
    assert refused.exit_code == 2
    assert option in refused.stderr
    assert not (tmp_path / "var").exists()


def test_projections_are_built_anew_by_command_and_by_nobody_before_init(tmp_path):
    place = ("--data-dir", tmp_path / "var")
    with pytest.raises(NotInitialised, match="run `authority init` first"):
        run("db", "rebuild-projections", *place)
    run("init", *place)
    built = run("db", "rebuild-projections", *place)
    assert built.exit_code == 0
    assert built.stdout == "The projections were built up to position 1, and are in use.\n"
    assert built.stderr == "up to position 1\n"
    assert (tmp_path / "var" / "projections.sqlite").is_file()


def test_projections_built_beside_those_that_are_served_are_taken_at_the_next_start(tmp_path):
    live = made(tmp_path / "var")
    live.start()
    live.client("iam").create_user(UserName="Zoe")
    built = run("db", "rebuild-projections", "--data-dir", tmp_path / "var")
    assert "the next start takes them" in built.stdout
    waiting = live.settings.projections.with_name(f"{live.settings.projections.name}.rebuilt")
    assert waiting.is_file()
    live.stop()
    live.start()
    assert not waiting.exists()
    status, found = live.ask("GET", "/v1/events", query="action=iam%3ACreateUser")
    live.stop()
    assert (status, len(found["events"])) == (200, 1)
