"""The page on investigating, walked command by command through a long log: each finds its part of what was planted."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from botocore.exceptions import ClientError
from click.testing import CliRunner

from authority.cli.main import commands
from tests.accounts.test_live_proofs import signed
from tests.forging import unguarded
from tests.live import REGION, Keys
from tests.replay.incident import (
    ATTIC,
    BUILD,
    BUILDING,
    DANA,
    DEPLOY,
    OFFICE,
    OUTSIDER,
    PEOPLE,
    PRODUCTION,
    RELEASE,
    Story,
    trusting,
    written,
)

PAGE = Path(__file__).parents[2] / "docs" / "INVESTIGATING.md"
NARROW = trusting(BUILDING, Condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}})
NOT_WITHOUT_MFA = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {
                "Effect": "Deny",
                "Action": "sts:AssumeRole",
                "Resource": "*",
                "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
            },
        ],
    }
)
ASKED_AGAIN = 500
"""How often the use of a dead key is asked for until its summary was written."""


@pytest.fixture(
    scope="module",
    params=[3_000, pytest.param(300_000, marks=[pytest.mark.deep, pytest.mark.timeout(3_600)])],
    ids="{:,} entries".format,
)
def story(request, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """The log, served, days after the night."""
    story = asyncio.run(written(tmp_path_factory.mktemp("incident") / "authority", request.param))
    with structlog.testing.capture_logs():  # what a server says of itself is no part of what a command says
        story.live.start()
        try:
            assert story.live.serving.version().position > request.param * 0.9
            signed(story.live, 1)
            yield story
        finally:
            story.live.stop()
    asyncio.run(story.live.check_ledger())


def run(story: Story, words: list[str], keys: Keys, text: str | None = None) -> str:
    """What a command says, asked with *keys*."""
    environment = {
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret,
        "AWS_ENDPOINT_URL": story.live.url,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    result = CliRunner().invoke(commands, words, env=environment, catch_exceptions=False, input=text)
    assert result.exit_code == 0, (words, result.output)
    return result.output


@dataclass
class Walked:
    """What the commands of the page said, by how the page spells them."""

    said: dict[str, str]

    def told(self, *words: str) -> Any:
        """The answer to the one command that is spelled with all of *words*."""
        (line,) = (line for line in self.said if all(word in line for word in words))
        return json.loads(self.said[line])


@pytest.fixture(scope="module")
def walked(story: Story, tmp_path_factory: pytest.TempPathFactory) -> Walked:
    """Every command of the page, in its order, as the one who would ask it."""
    files = tmp_path_factory.mktemp("files")
    (files / "narrow.json").write_text(NARROW)
    (files / "require-mfa.json").write_text(NOT_WITHOUT_MFA)
    found = f'aws_access_key_id = {story.leaked.access_key_id}\naws_secret_access_key = "{story.leaked.secret}"\n'
    said = {}
    lines = [line.strip() for line in PAGE.read_text("utf-8").splitlines() if line.startswith("    authority ")]
    for line in lines:
        words = shlex.split(line.partition(" | ")[0].partition(" < ")[0])[1:]
        words = [story.leaked.access_key_id if word == "AKIA..." else word for word in words]
        words = [word.replace("=narrow", f"={files}/narrow").replace("require-", f"{files}/require-") for word in words]
        keys = story.live.administrator if "*" in words else story.auditors[PRODUCTION]
        if "--control" in words:
            keys = story.auditors[PEOPLE]  # the account whose people would need a second factor
        if "--output" not in words and words[0] != "restore":
            words += ["--output", "json"]
        said[line] = run(story, words, keys, found if "found.txt" in line else None)
        if words[0] == "contain":
            with pytest.raises(ClientError, match="InvalidClientTokenId"):
                story.live.client("sts", story.leaked).get_caller_identity()
        if "dead-keys" in words:
            for _ in range(ASKED_AGAIN):
                if json.loads(said[line])["uses"]:
                    break
                said[line] = run(story, words, keys)
    return Walked(said)


def test_the_text_is_recognised_as_danas_key(story, walked):
    found = walked.told("whose")["found"]
    assert [(one["what"], one["accessKeyId"], one["principal"]) for one in found] == [
        ("access-key-id", story.leaked.access_key_id, DANA), ("secret-key", story.leaked.access_key_id, DANA),
    ]  # fmt: skip


def test_the_radius_is_what_was_planted_and_nothing_of_what_everybody_else_did(story, walked):
    assert walked.told("lineage")["root"]["arn"] == DANA
    told, made = walked.told("blast-radius", "--since"), story.made
    assert {one["accessKeyId"]: one.get("parent") for one in told["credentials"]} == {
        made["leaked"]: None,
        made["build"]: made["leaked"],
        made["deploy"]: made["build"],
        made["direct"]: made["leaked"],
        made["planted"]: made["direct"],
        made["again"]: made["planted"],
    }
    assert set(told["accounts"]) == {PEOPLE, BUILDING, PRODUCTION}
    assert set(told["roles"]) == {BUILD, DEPLOY}
    assert told["sourceAddresses"] == [ATTIC]
    assert [one["fact"] for one in told["changes"]] == [
        "role-trust-updated", "user-created", "inline-policy-put", "access-key-created", "role-trust-updated",
    ]  # fmt: skip
    drawn = next(said for line, said in walked.said.items() if "--output dot" in line)
    assert drawn.count(" -> ") == 5


def test_where_the_key_was_used_and_what_was_refused_first_is_told(story, walked):
    (source,) = walked.told("sources")["sources"]
    assert (source["sourceAddress"], source["count"], source["refused"]) == (ATTIC, 4, 2)
    moments = [one for one in walked.told("timeline")["moments"] if one["action"] == "sts:AssumeRole"]
    assert [(one["about"], one["outcome"]) for one in moments] == [
        (DEPLOY, "access-denied"), (DEPLOY, "access-denied"), (BUILD, "allowed"), (DEPLOY, "allowed"),
    ]  # fmt: skip


def test_what_was_new_in_the_night_is_the_address_and_danas_way(walked):
    new = walked.told("first-seen")["firstSeen"]
    assert (ATTIC, DANA) in {(one["value"], one["principal"]) for one in new if one["kind"] == "source-address"}
    assert OFFICE not in {one["value"] for one in new if one["kind"] == "source-address"}
    assert [one["principal"] for one in new if one["kind"] == "role"].count(DANA) == 2


def test_the_chain_of_the_night_stands_beside_that_of_every_day(walked):
    chains = {tuple(one["path"]): one["count"] for one in walked.told("chains")["chains"]}
    assert chains.keys() == {(BUILD, DEPLOY), (RELEASE, DEPLOY)}
    assert chains[BUILD, DEPLOY] == 1
    assert chains[RELEASE, DEPLOY] > 100


def test_contained_nothing_counts_that_counted_that_night_and_who_still_tries_is_found(story, walked):
    assert walked.told("contain")["valid"] == 0
    then = walked.told("valid")
    assert then["valid"] == 6
    assert then["position"] >= story.marks["again"]  # in a long log others ask within the same second
    assert {one["accessKeyId"] for one in then["credentials"]} == set(story.made.values())
    assert [one["accessKeyId"] for one in walked.told("dead-keys")["uses"]] == [story.leaked.access_key_id]


def test_the_door_was_opened_and_closed_again_and_only_the_history_shows_it(story, walked):
    (life,) = walked.told("history")["lives"]
    made, widened, covered = life["turns"]
    assert [turn["position"] for turn in (widened, covered)] == [story.marks["widened"], story.marks["covered"]]
    assert "after" in made
    for turn in (widened, covered):
        assert turn["action"] == "iam:UpdateAssumeRolePolicy"
        assert turn["by"]["accessKeyId"] == story.made["deploy"]
    differences = walked.told("diff")
    assert {(one["kind"], one["name"]) for one in differences["changes"]} == {("user", "backup"), ("access-key", "")}
    (role,) = walked.told("authority as-of")["items"]
    assert OUTSIDER not in json.dumps(role["trust"])
    (restoring,) = (said for line, said in walked.said.items() if "restore" in line)
    assert "update-assume-role-policy" not in restoring


def test_what_the_open_door_let_in_is_what_the_door_before_would_have_kept_out(story, walked):
    words = ["investigate", "exposure", DEPLOY, "--account", "*", "--output", "json"]
    everywhere = json.loads(run(story, words, story.live.administrator))
    for told, names in ((walked.told("exposure"), ["again"]), (everywhere, ["direct", "again"])):
        (opened,) = (one for one in told["windows"] if one["position"] == story.marks["widened"])
        assert opened["closed"] == story.marks["covered"]
        # Of who came from another account, the role's own account cannot tell.
        let_in = [one["accessKeyId"] for one in opened["sessions"] if one.get("onlyBecause")]
        assert let_in == [story.made[name] for name in names]
    able = {one["principal"] for one in walked.told("who-can-assume")["able"]}
    assert f"arn:aws:iam::{PRODUCTION}:user/backup" in able
    assert walked.told("external-access")["openings"][0]["principal"] == BUILDING
    words = ["external-access", "--as-of", "2026-01-31T02:14:00Z", "--account", "*", "--output", "json"]
    openings = json.loads(run(story, words, story.live.administrator))["openings"]
    assert (DEPLOY, OUTSIDER) in {(one["role"], one["principal"]) for one in openings}


def test_a_narrower_door_would_have_kept_out_the_night_and_nobody_else(story, walked):
    found = walked.told("what-if", "--replace")
    assert [one["position"] for one in found["newlyDenied"]] == [
        story.marks[name] for name in ("deploy", "direct", "again")
    ]
    assert (found["newlyAllowedCount"], found["undeterminedCount"], found["unreproduced"]) == (0, 0, 0)
    assert found["reweighed"] > 10
    found = walked.told("what-if", "--control")
    assert (found["newlyDeniedCount"], found["newlyAllowedCount"]) == (0, 0)
    assert found["undeterminedCount"] > 50
    assert {key for one in found["undetermined"] for key in one["unknown"]} == {"aws:multifactorauthpresent"}


def test_a_role_that_only_the_night_used_as_an_administrator_is_proposed_what_the_night_used(story, walked):
    policy = walked.told("least-privilege")
    assert {action for one in policy["Statement"] for action in one["Action"]} == {
        "iam:CreateAccessKey", "iam:CreateUser", "iam:PutUserPolicy", "iam:UpdateAssumeRolePolicy",
    }  # fmt: skip
    assert walked.told("unused")["unused"] == []  # all of it is younger than that
    words = ["unused", "--since", "2026-01-21T00:00:00Z", "--output", "json"]
    unused = json.loads(run(story, words, story.auditors[PRODUCTION]))["unused"]
    assert [one["name"] for one in unused if one["what"] == "role"] == [f"arn:aws:iam::{PRODUCTION}:role/Legacy"]


@pytest.mark.parametrize("account", [PEOPLE, BUILDING, PRODUCTION])
def test_an_accounts_part_of_the_log_is_its_trail_and_nothing_else(story, walked, tmp_path, account):
    (key,) = story.live.ask("GET", "/v1/log/checkpoint")[1]["keys"]
    part, place = tmp_path / "part.jsonl", {"AUTHORITY_DATA_DIR": str(story.live.settings.data_dir)}
    for words in (
        ["export", "--account", account, "--output", str(part)],
        ["verify", str(part), "--key", key["verifierKey"], "--against-log", "--output", "json"],
    ):
        result = CliRunner().invoke(commands, words, env=place)
        assert result.exit_code == 0, result.output
    found = json.loads(result.output)["found"]
    lines = [json.loads(line) for line in part.read_bytes().splitlines()]
    shown = [line["position"] for line in lines if "position" in line]
    shared = [line["shared"]["position"] for line in lines if "shared" in line]
    asked = ["events", "--output", "jsonl", "--to-position", str(found["last"])]
    trail = [json.loads(line)["position"] for line in run(story, asked, story.auditors[account]).splitlines()]
    assert sorted([*shown, *shared]) == trail
    assert found["complete"]
    assert (found["entries"], found["shared"]) == (len(shown), len(shared))
    assert shared


def test_whoever_takes_the_open_door_out_of_the_file_is_named_by_its_position(story, tmp_path):
    (key,) = story.live.ask("GET", "/v1/log/checkpoint")[1]["keys"]
    copy, widened = tmp_path / "ledger.sqlite", story.marks["widened"]
    with closing(unguarded_copy(story, copy)) as connection:
        ((body,),) = connection.execute("SELECT body FROM event WHERE position = ?", (widened,)).fetchall()
        assert OUTSIDER.encode() in body
        gone = body.replace(OUTSIDER.encode(), BUILDING.encode())
        connection.execute("UPDATE event SET body = ? WHERE position = ?", (gone, widened))
        connection.commit()
    words = ["verify", "--database", str(copy), "--key", key["verifierKey"], "--output", "json"]
    result = CliRunner().invoke(commands, words, env={"AUTHORITY_DATA_DIR": str(story.live.settings.data_dir)})
    told = json.loads(result.output)
    assert (result.exit_code, told["verified"], told["position"]) == (1, False, widened)


def unguarded_copy(story: Story, to: Path) -> sqlite3.Connection:
    """The log as it stands in another file, without what keeps it append-only."""
    with closing(sqlite3.connect(story.live.settings.database)) as served, closing(sqlite3.connect(to)) as copy:
        served.backup(copy)
    return unguarded(to)
