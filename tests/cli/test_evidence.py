"""The log as evidence on the command line: beside a running server, and offline."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest
from click.testing import CliRunner

from authority.cli.main import commands
from authority.ledger.note import Signer
from authority.ledger.port import BEGINNING
from authority.model.event import read_event
from tests.accounts.test_live_proofs import position_of, signed
from tests.forging import bodies, rewritten, unguarded
from tests.live import REGION, Live, made, running

NOBODY = Signer("log.example", bytes(32)).verifier


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with running(tmp_path_factory.mktemp("authority")) as live:
        signed(live, 1)
        yield live


def invoke(live, *words, status=0):
    """What a command prints, asked by the administrator where it asks anybody."""
    keys = live.administrator
    environment = {
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret,
        "AWS_ENDPOINT_URL": live.url,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AUTHORITY_DATA_DIR": str(live.settings.data_dir),
    }
    result = CliRunner().invoke(commands, [str(word) for word in words], env=environment, catch_exceptions=False)
    assert result.exit_code == status, result.output
    return result.output


@pytest.fixture(scope="module")
def key(live) -> str:
    return json.loads(invoke(live, "checkpoint", "get", "--output", "json"))["keys"][0]["verifierKey"]


def test_a_log_verifies_beside_the_server_that_writes_it(live, key):
    said = json.loads(invoke(live, "verify", "--key", key, "--output", "json"))
    assert said["verified"] is True
    assert said["found"]["evidence"]["given"] is True
    assert 0 < said["found"]["evidence"]["signed"] <= said["found"]["position"]
    words = invoke(live, "verify")
    assert "No key was given" in words
    assert key in words


def test_an_answer_is_proven_from_its_position(live, key, tmp_path):
    position = position_of(live.client("sts").get_caller_identity())
    words = invoke(live, "prove", position, "--key", key, "--save", tmp_path / "answer.tlog-proof")
    assert "sts:GetCallerIdentity" in words
    assert f"Position {position} is in the log of" in words
    kept = (tmp_path / "answer.tlog-proof").read_text()
    assert kept.startswith(f"c2sp.org/tlog-proof@v1\nindex {position - 1}\n")
    proven = json.loads(invoke(live, "prove", position, "--output", "json"))
    assert proven["entry"]["type"] == "sts:GetCallerIdentity"


def test_what_another_key_should_have_signed_is_not_proven(live):
    position = position_of(live.client("sts").get_caller_identity())
    assert "NOT proven" in invoke(live, "prove", position, "--key", NOBODY, status=1)
    assert "does NOT verify" in invoke(live, "verify", "--key", NOBODY, status=1)


def test_a_position_that_is_not_there_is_not_waited_for(live):
    assert "There is no event" in invoke(live, "prove", 10**9, "--wait", "60", status=1)


def test_a_checkpoint_is_kept_and_must_be_continued(live, key, tmp_path):
    kept = tmp_path / "checkpoint"
    for _ in range(2):
        invoke(live, "checkpoint", "get", "--key", key, "--keep", kept)
        signed(live, int(kept.read_text().split("\n")[1]) + 1)
    assert "verified" in invoke(live, "verify", "--key", key, "--checkpoint", kept)
    origin, size, root, *rest = kept.read_text().split("\n")
    kept.write_text("\n".join([origin, size, root[::-1].replace("=", "", 1) + "=", *rest]))
    assert "NOT verified" in invoke(live, "checkpoint", "get", "--keep", kept, status=1)
    assert "not over this text" in invoke(live, "verify", "--key", key, "--checkpoint", kept, status=2)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory) -> tuple[Live, str]:
    """An authority that was stopped in order, and the key that signed its log."""
    live = made(tmp_path_factory.mktemp("stopped"))
    live.start()
    live.client("iam").create_user(UserName="Zoe")
    signed(live, 1)
    (key,) = live.ask("GET", "/v1/log/checkpoint")[1]["keys"]
    invoke(live, "checkpoint", "rotate-key")
    live.stop()
    return live, key["verifierKey"]


def test_a_log_that_was_stopped_is_signed_to_its_end_and_needs_no_server(stopped):
    live, key = stopped
    found = json.loads(invoke(live, "verify", "--key", key, "--output", "json"))["found"]
    assert found["evidence"]["signed"] == found["position"]
    assert found["snapshots"] == 1
    assert key not in found["evidence"]["keys"]  # another signs now, and was found through this one


def test_a_bundle_verifies_elsewhere(stopped, tmp_path):
    live, key = stopped
    invoke(live, "export", "--output", tmp_path / "log.jsonl")
    (tmp_path / "key").write_text(f"# noted by hand\n{key}\n")
    found = json.loads(
        invoke(live, "verify", tmp_path / "log.jsonl", "--key-file", tmp_path / "key", "--output", "json")
    )
    whole = json.loads(invoke(live, "verify", "--key", key, "--output", "json"))
    assert found["found"]["root"] == whole["found"]["root"]
    spoilt = (tmp_path / "log.jsonl").read_bytes().replace(b'"Zoe"', b'"Eve"', 1)
    (tmp_path / "log.jsonl").write_bytes(spoilt)
    said = json.loads(invoke(live, "verify", tmp_path / "log.jsonl", "--key", key, "--output", "json", status=1))
    assert said["verified"] is False


def test_a_part_of_a_log_verifies_elsewhere_and_says_what_it_does_not_prove(stopped, tmp_path):
    live, key = stopped
    part = tmp_path / "part.jsonl"
    invoke(live, "export", "--from", 2, "--to", "4", "--output", part)
    words = invoke(live, "verify", part, "--key", key, status=1)
    assert "nobody who is trusted" in words  # another signs now: a part does not lead from key to key
    (now,) = json.loads(invoke(live, "verify", "--key", key, "--output", "json"))["found"]["evidence"]["keys"]
    assert "None between them is missing" in invoke(live, "verify", part, "--key", now)
    found = json.loads(invoke(live, "verify", part, "--key", now, "--output", "json"))["found"]
    assert (found["first"], found["last"], found["complete"]) == (2, 4, True)
    account = read_event(bodies(live.settings.database)[0]).facts[0].management_account
    invoke(live, "export", "--account", account, "--from", "2000-01-01", "--output", part)
    assert b'"Zoe"' in part.read_bytes()
    assert "nothing of the account's is missing" in invoke(live, "verify", part, "--key", now)
    assert "missing" in invoke(live, "verify", part, "--key", now, "--against-log")
    asked = ["export", "--account", account, "--root-key-file", tmp_path / "none", "--output", part]
    assert "Without the root key" in invoke(live, *asked)
    assert "NOT proven" in invoke(live, "verify", part, "--key", now)
    assert "nothing is stated" in invoke(live, "verify", part, "--key", now, "--against-log", status=2)
    assert "account's part" in invoke(live, "verify", "--against-log", status=2)
    part.write_bytes(part.read_bytes().replace(b'"Zoe"', b'"Eve"', 1))
    said = json.loads(invoke(live, "verify", part, "--key", now, "--output", "json", status=1))
    assert said["verified"] is False


def test_a_range_between_two_moments_takes_in_both(stopped, tmp_path):
    live, key = stopped
    part = tmp_path / "part.jsonl"
    (now,) = json.loads(invoke(live, "verify", "--key", key, "--output", "json"))["found"]["evidence"]["keys"]
    with closing(sqlite3.connect(live.settings.database)) as connection:
        recorded = [micros for (micros,) in connection.execute("SELECT at FROM event ORDER BY position")]
    moment = BEGINNING + timedelta(microseconds=recorded[3])
    invoke(live, "export", "--from", moment.isoformat(), "--to", moment.isoformat(), "--output", part)
    found = json.loads(invoke(live, "verify", part, "--key", now, "--output", "json"))["found"]
    same = [position for position, micros in enumerate(recorded, 1) if micros == recorded[3]]
    assert (found["first"], found["last"]) == (same[0], same[-1])
    assert "no part of" in invoke(live, "export", "--to", "0001-01-01", "--output", part, status=1)


def test_a_part_that_cannot_be_written_or_believed_is_a_mistake_of_the_caller(stopped, tmp_path):
    live, _ = stopped
    part = tmp_path / "part.jsonl"
    assert "no part of" in invoke(live, "export", "--to", 10**9, "--output", part, status=1)
    assert "no entry" in invoke(live, "export", "--account", "999999999999", "--output", part, status=1)
    assert "twelve digits" in invoke(live, "export", "--account", "me", "--output", part, status=2)
    assert "ISO 8601" in invoke(live, "export", "--from", "then", "--output", part, status=2)
    invoke(live, "export", "--to", 2, "--output", part)
    kept = tmp_path / "checkpoint"
    kept.write_text(json.loads(part.read_bytes().splitlines()[-2])["checkpoint"])
    assert "with --key" in invoke(live, "verify", part, status=2)
    assert "without --checkpoint" in invoke(live, "verify", part, "--checkpoint", kept, status=2)


def test_a_log_that_was_rewritten_is_named_by_position(stopped, tmp_path):
    live, key = stopped
    copy = tmp_path / "ledger.sqlite"
    copy.write_bytes(live.settings.database.read_bytes())
    rewritten(copy, lambda bodies: [body.replace(b'"Zoe"', b'"Eve"') for body in bodies])
    said = json.loads(invoke(live, "verify", "--database", copy, "--key", key, "--output", "json", status=1))
    assert "another history" in said["why"]
    with closing(unguarded(copy)) as connection:
        connection.execute("UPDATE event SET subject = 'nobody' WHERE position = 3")
        connection.commit()
    said = json.loads(invoke(live, "verify", "--database", copy, "--key", key, "--output", "json", status=1))
    assert said["position"] == 3
    assert "position 3" in invoke(live, "verify", "--database", copy, "--key", key, status=1)


def test_a_key_that_is_none_is_a_mistake_of_the_caller(stopped):
    assert "verifier key" in invoke(stopped[0], "verify", "--key", "AKIA", status=2)
