"""AssumeRole over HTTP: signed, authorised, durable, projected; beside a bare aiohttp handler and moto's server.

Each server is a process of its own; the load comes from this one, over loopback.  No two requests in a row are alike:
each asks for a session of another name.  The bare handler reads bodies of the same size as AssumeRole's and answers one
of the same size, on the same event loop; another one does the least that an AssumeRole can be (`handlers`), and its row
says how much of our time is our own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from authority.kernel.secret import Secret
from authority.outbound.clock import SystemClock
from authority.wire.sigv4 import Credentials, sign

SECONDS = 3.0
ROUNDS = 3
REQUESTS = 512
IN_FLIGHT = (1, 16, 64)
FORM = "application/x-www-form-urlencoded; charset=utf-8"
HANDLERS = Path(__file__).with_name("handlers.py")


class Figures(NamedTuple):
    """Requests a second, p50 and p99 in milliseconds, and microseconds of processor time a request."""

    rate: float
    half: float
    most: float
    spent: float

    def __str__(self) -> str:
        return f"p50 {self.half:.1f} ms, p99 {self.most:.1f} ms, {self.spent:.0f} us of a processor each"


@contextlib.contextmanager
def started(*command: str, ready: str, env: dict[str, str] | None = None) -> Iterator[tuple[int, re.Match]]:
    """A server process and the line that matches *ready*, once it was said; it is ended with the body.

    What it says afterwards is read too: a server that says much would wait for ever to be heard.
    """
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **(env or {})}
    )
    hearing = None
    try:
        seen = []
        for line in process.stdout:
            seen.append(line)
            found = re.search(ready, line)
            if found is not None:
                hearing = threading.Thread(target=deque, args=(process.stdout, 0))
                hearing.start()
                yield process.pid, found
                break
        else:
            raise RuntimeError("".join(seen))
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
        if hearing is not None:
            hearing.join()
        process.stdout.close()


def post(port: int, body: bytes, headers: dict[str, str]) -> bytes:
    """The bytes of one POST to the root of a server on loopback."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if name.lower() != "host")
    head = f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def signed(port: int, key: str, secret: str, service: str, form: dict[str, str]) -> bytes:
    """One signed call of the query protocol."""
    body = urlencode(form).encode()
    headers = sign(
        "POST",
        f"http://127.0.0.1:{port}/",
        {"Content-Type": FORM},
        body,
        credentials=Credentials(key, Secret(secret)),
        region="us-east-1",
        service=service,
        now=SystemClock().now(),
    )
    return post(port, body, headers)


def answer_to(port: int, request: bytes) -> bytes:
    """The body of the answer to one request, which must be a 200."""
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")[1:]
    headers = dict(line.split(": ", 1) for line in lines)
    with urllib.request.urlopen(
        urllib.request.Request(f"http://127.0.0.1:{port}/", body, headers), timeout=30
    ) as answer:
        return answer.read()


def each(make: Callable[[dict[str, str]], bytes], form: dict[str, str]) -> list[bytes]:
    """The requests of a load: *form* for sessions of many names."""
    return [make({**form, "RoleSessionName": f"bench-{number:04}"}) for number in range(REQUESTS)]


def measured(servers: dict[str, tuple[int, int, list[bytes]]], connections: int) -> dict[str, Figures]:
    """Medians of several runs of each of *servers*, a process, a port and requests, in turns: a machine has moods."""
    from load import loaded  # noqa: PLC0415 - this folder is no package

    runs: dict[str, list[Figures]] = {name: [] for name in servers}
    for _ in range(ROUNDS):
        for name, (process, port, requests) in servers.items():
            began = processor_seconds(process)
            load = asyncio.run(loaded("127.0.0.1", port, requests, connections=connections, seconds=SECONDS))
            if load.refused:
                raise RuntimeError(f"{load.refused} of {load.refused + load.answered} requests were refused")
            spent = (processor_seconds(process) - began) / load.answered
            runs[name].append(Figures(load.per_second, load.percentile(0.5), load.percentile(0.99), 1e6 * spent))
    return {name: Figures(*map(statistics.median, zip(*run, strict=True))) for name, run in runs.items()}


def processor_seconds(process: int) -> float:
    """What all threads of a process have used; not a number where the system does not tell (Linux, proc(5))."""
    try:
        told = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def rows() -> list[dict]:
    """Measure; the ratio of a row is ours over it, at the same number in flight."""
    sys.path.insert(0, str(Path(__file__).parent))
    found = []
    command = [sys.executable, "-c", "from authority.cli import main; main()"]
    assume = {"Action": "AssumeRole", "Version": "2011-06-15", "RoleSessionName": "bench-0000"}
    with tempfile.TemporaryDirectory() as place:
        made = subprocess.run(
            [*command, "init", "--data-dir", place, "--account-id", "111122223333", "--output", "json"],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        keys = json.loads(made.stdout)["environment"]
        key, secret = keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"]
        serve = [*command, "serve", "--data-dir", place, "--port", "0", "--admin-port", "0", "--log-level", "warning"]
        with started(*serve, ready=r"serves at http://127\.0\.0\.1:(\d+)") as (process, line):
            port = int(line[1])
            trust = {
                "Version": "2012-10-17",
                "Statement": {
                    "Effect": "Allow",
                    "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
                    "Action": "sts:AssumeRole",
                },
            }  # fmt: skip
            create = {"Action": "CreateRole", "Version": "2010-05-08", "RoleName": "App"}
            create["AssumeRolePolicyDocument"] = json.dumps(trust)
            answer_to(port, signed(port, key, secret, "iam", create))
            form = {**assume, "RoleArn": "arn:aws:iam::111122223333:role/App"}
            answer = answer_to(port, signed(port, key, secret, "sts", form))
            handler = [sys.executable, str(HANDLERS)]
            size, listening = str(len(answer)), r"port (\d+) (\S+)"
            with (
                started(*handler, "bare", size, ready=listening) as (other, said),
                started(*handler, "least", size, secret, place, ready=listening) as (third, heard),
            ):
                loop, bare_port, least_port = said[2].split(".")[0], int(said[1]), int(heard[1])
                bare = each(lambda form: post(bare_port, urlencode(form).encode(), {"Content-Type": FORM}), form)
                least = each(lambda form: signed(least_port, key, secret, "sts", form), form)
                asked = each(lambda form: signed(port, key, secret, "sts", form), form)
                servers = {
                    "ours": (process, port, asked),
                    "bare": (other, bare_port, bare),
                    "least": (third, least_port, least),
                }
                figures = {count: measured(servers, count) for count in IN_FLIGHT}
    for count in IN_FLIGHT:
        ours, peer = figures[count]["ours"], figures[count]["bare"]
        found.append({
            "what": f"AssumeRole, {count} in flight, projections on, {loop} ({ours})",
            "per_second": ours.rate, "ratio": 1.0,
        })  # fmt: skip
        row = {
            "what": f"bare aiohttp handler, {count} in flight, {loop} ({peer})",
            "per_second": peer.rate, "ratio": ours.rate / peer.rate,
        }  # fmt: skip
        if count == 64:
            row["target"] = 0.25
        found.append(row)
        bound = figures[count]["least"]
        found.append({
            "what": f"the least that it can be, {count} in flight, {loop} ({bound})",
            "per_second": bound.rate, "ratio": ours.rate / bound.rate,
        })  # fmt: skip
    with contextlib.suppress(ImportError):
        found.append(_moto(figures[64]["ours"].rate, assume))
    return found


def _moto(ours: float, assume: dict[str, str]) -> dict:
    import moto.server  # noqa: F401, PLC0415 - measured where it is installed

    with started(
        sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0", ready=r"http://127\.0\.0\.1:(\d+)"
    ) as (process, line):
        port = int(line[1])
        form = {**assume, "RoleArn": "arn:aws:iam::123456789012:role/App"}
        asked = each(lambda form: signed(port, "AKIAEXAMPLE", "secret", "sts", form), form)
        theirs = measured({"moto": (process, port, asked)}, 64)["moto"]
    what = f"moto_server's AssumeRole, 64 in flight ({theirs})"
    return {"what": what, "per_second": theirs.rate, "ratio": ours / theirs.rate, "target": 12.0}


if __name__ == "__main__":
    for row in rows():
        print(row)
