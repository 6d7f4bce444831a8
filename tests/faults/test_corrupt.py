"""A log that does not fit together is not served from: the first bad position is named."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.process import Process, authority
from tests.forging import rewritten


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    with Process(tmp_path / "authority") as process:
        process.start()
        iam = process.client("iam")
        for count in range(5):
            iam.create_user(UserName=f"user-{count}")
        process.kill()
        yield process


def spoilt(process: Process, *statements: str) -> None:
    """What somebody with the file can do to it, the triggers taken away first."""
    connection = sqlite3.connect(process.settings.database)
    triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for (name,) in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def position_of(process: Process, name: str) -> int:
    """Where the user called *name* was made."""
    connection = sqlite3.connect(process.settings.database)
    ((position,),) = connection.execute(
        "SELECT min(position) FROM event WHERE lane = 1 AND instr(body, CAST(? AS BLOB)) > 0", (name,)
    )
    connection.close()
    return int(position)


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(
            "UPDATE event SET body = CAST(replace(CAST(body AS TEXT), 'user-2', 'user-9') AS BLOB) WHERE position = {}",
            id="a changed body",
        ),
        pytest.param("DELETE FROM event WHERE position = {}", id="an entry taken out"),
        pytest.param("DELETE FROM event WHERE position >= {}", id="the end cut off"),
    ],
)
def test_a_spoilt_log_is_not_served_from(process: Process, statement: str):
    position = position_of(process, "user-2")
    spoilt(process, statement.format(position))
    refused = authority("serve", "--data-dir", str(process.place), "--port", "0", "--admin-port", "0")
    assert refused.returncode == 4, refused.stderr
    assert "does not fit together" in refused.stderr
    assert f"position {position}" in refused.stderr


@pytest.mark.parametrize("kept", [0.5, 0.75, 0.99])
def test_a_truncated_file_is_not_served_from(process: Process, kept: float):
    spoilt(process)  # the write-ahead log is folded in when the last connection closes
    database = process.settings.database
    with database.open("r+b") as file:
        file.truncate(int(database.stat().st_size * kept))
    refused = authority("serve", "--data-dir", str(process.place), "--port", "0", "--admin-port", "0")
    assert refused.returncode == 4, refused.stderr
    assert re.search(r"position [1-9]\d*", refused.stderr), refused.stderr


def test_two_servers_do_not_serve_one_ledger(process: Process):
    process.start()
    refused = authority("serve", "--data-dir", str(process.place), "--port", "0", "--admin-port", "0")
    assert refused.returncode == 3
    assert process.stop() == 0


def test_a_root_key_that_others_can_read_is_refused(process: Process):
    process.settings.root_key_file.chmod(0o644)
    refused = authority("serve", "--data-dir", str(process.place), "--port", "0")
    assert refused.returncode == 2
    assert "root" in refused.stderr


# --- somebody with the file and everything but the root key --------------------------------------


def forged_user(bodies: list[bytes]) -> list[bytes]:
    """One more user, as if an administrator had made it: everything fits together."""
    made = next(body for body in reversed(bodies) if b"user-created" in body)
    return [*bodies, made.replace(b"user-4", b"intruder")]


def test_what_is_forged_behind_the_last_checkpoint_is_not_served_from_unless_somebody_answers_for_it(process: Process):
    spoilt(process)
    rewritten(process.settings.database, forged_user)
    serve = ("serve", "--data-dir", str(process.place), "--port", "0", "--admin-port", "0")
    refused = authority(*serve)
    assert refused.returncode == 4, refused.stderr
    assert re.search(r"position \d+: what stands after the last checkpoint was not written by this", refused.stderr)
    assert "authority verify --checkpoint" in refused.stderr
    assert authority("verify", "--data-dir", str(process.place)).returncode == 0  # by itself it is whole
    trusted = authority("db", "trust", "--data-dir", str(process.place))
    assert trusted.returncode == 0, trusted.stderr
    process.start()
    process.stop()


def test_a_forged_snapshot_is_not_served_from(process: Process):
    process.start()
    process.stop()
    spoilt(process, "UPDATE snapshot SET body = CAST(replace(CAST(body AS TEXT), 'user-3', 'user-8') AS BLOB)")
    refused = authority("serve", "--data-dir", str(process.place), "--port", "0", "--admin-port", "0")
    assert refused.returncode == 4, refused.stderr
    assert re.search(r"position \d+: the snapshot .* was not written by this authority", refused.stderr)


def test_a_checkpoint_that_was_taken_away_is_missed(process: Process):
    process.start()
    process.stop()
    spoilt(process, "DELETE FROM signed_head WHERE number = (SELECT max(number) FROM signed_head)")
    refused = authority("serve", "--data-dir", str(process.place), "--port", "0", "--admin-port", "0")
    assert refused.returncode == 4, refused.stderr
    assert "the newest checkpoint should be of" in refused.stderr


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        pytest.param("DELETE FROM vault WHERE purpose = 'access-key'", "in the vault", id="a secret taken out"),
        pytest.param("INSERT INTO once VALUES ('end:ASIA', 2)", "position 2: the once key", id="a claim put in"),
    ],
)
def test_what_lies_beside_the_log_is_verified_with_it(process: Process, statement: str, named: str):
    process.start()
    process.stop()
    assert authority("verify", "--data-dir", str(process.place)).returncode == 0
    spoilt(process, statement)
    found = authority("verify", "--data-dir", str(process.place))
    assert (found.returncode, named in found.stderr) == (1, True), found.stderr
