"""`ops/bench` measures what it says it does, and what cannot be measured hides nothing of the rest."""

from __future__ import annotations

import asyncio
import importlib
import re
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from urllib.error import HTTPError

import pytest

from tests.policy import reference
from tests.policy.engine import Compiler

ROWS = Path(__file__).resolve().parents[1] / "ops" / "bench_rows"
ANSWER = b"HTTP/1.1 200 OK\r\n%sContent-Length: 2\r\n\r\nok"


def test_the_policies_that_are_measured_are_policies(monkeypatch):
    monkeypatch.syspath_prepend(ROWS)
    decisions = importlib.import_module("decisions")
    asked = decisions._questions(reference, policies=10, statements=20)
    compiler = Compiler()
    assert len(compiler.all(asked[0].identity)) == 10
    decide, resources = decisions._whole(policies=8, statements=2)
    decide(resources[0])


def test_what_cannot_be_measured_is_said_and_hides_nothing(tmp_path):
    for path in (ROWS / "__main__.py", ROWS / "load.py"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "first.py").write_text("def rows():\n    raise ValueError('no peer here')\n")
    given = [
        {"what": "a thing", "seconds": 1.0, "at_most": 2},
        {"what": "our own rate", "per_second": 10},
        {"what": "a peer's", "per_second": 5, "ratio": 2.0, "target": 1.5},
    ]
    (tmp_path / "second.py").write_text(f"def rows():\n    return {given}\n")
    done = subprocess.run([sys.executable, str(tmp_path)], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    said = done.stdout
    assert "no peer here" in said
    assert "first could not be measured" in said
    assert re.search(r"a thing +1.00 s +<= 2 s +met", said)
    assert re.search(r"our own rate +10/s", said)
    assert re.search(r"beside a peer's +10/s +5/s +2.00 +>= 1.5 +met", said)


@pytest.mark.parametrize(
    "ending", [b"Connection: close\r\n", b""], ids=["each answer ends its connection", "none does"]
)
async def test_the_load_goes_on_to_its_end(monkeypatch, ending):
    monkeypatch.syspath_prepend(ROWS)
    load = importlib.import_module("load")
    met = 0

    async def answer(reader, writer):
        nonlocal met
        met += 1
        while await reader.read(1024):
            writer.write(ANSWER % ending)
            await writer.drain()
            if ending:
                await reader.read()  # what werkzeug does: waits for the client to end what it said has ended
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        found = await load.loaded("127.0.0.1", port, [b"POST / HTTP/1.1\r\n\r\n"], connections=2, seconds=0.2)
    assert found.refused == 0
    assert found.answered > 2
    assert (met == found.answered) is bool(ending)


def test_a_server_that_says_much_is_not_held_up(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(ROWS)
    assume_role = importlib.import_module("assume_role")
    said = tmp_path / "said"
    code = f"""
import pathlib, time
print("port 1", flush=True)
print("x" * 1_000_000, flush=True)
pathlib.Path({str(said)!r}).touch()
time.sleep(60)
"""
    with assume_role.started(sys.executable, "-c", code, ready=r"port (\d+)") as (_, found):
        assert found[1] == "1"
        threshold = time.monotonic() + 30
        while not said.exists() and time.monotonic() < threshold:
            time.sleep(0.01)
    assert said.exists()


def test_the_least_that_an_assume_role_can_be_looks_at_the_signature(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(ROWS)
    assume_role = importlib.import_module("assume_role")
    command = [sys.executable, str(ROWS / "handlers.py"), "least", "1000", "secret", str(tmp_path)]
    form = {"Action": "AssumeRole", "RoleArn": "arn:aws:iam::111122223333:role/App", "RoleSessionName": "bench"}
    with assume_role.started(*command, ready=r"port (\d+)") as (_, found):
        port = int(found[1])
        answer = assume_role.answer_to(port, assume_role.signed(port, "AKIAEXAMPLE", "secret", "sts", form))
        assert len(answer) == 1000
        assert b"/App/bench</Arn>" in answer
        with pytest.raises(HTTPError):
            assume_role.answer_to(port, assume_role.signed(port, "AKIAEXAMPLE", "another", "sts", form))
    with closing(sqlite3.connect(tmp_path / "least.sqlite")) as kept:
        assert kept.execute("SELECT position, length(body) FROM event").fetchall() == [(1, 2250)]
        assert kept.execute("SELECT name, position FROM session").fetchall() == [("bench", 1)]
