"""Published weaknesses of servers as a whole, tried here on a process of its own; each by its number."""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import json
import os
import re
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from botocore.exceptions import ClientError

from authority.registry import ROUTES
from tests.faults.process import COMMAND, Process
from tests.live import MANAGEMENT
from tests.web.conftest import Raw

GUESSED = [
    "/",
    "/health",
    "/healthz",
    "/health/live",
    "/health/ready",
    "/metrics",
    "/debug",
    "/debug/pprof",
    "/debug/vars",
    "/bootstrap",
    "/env",
    "/actuator",
    "/actuator/env",
    "/actuator/heapdump",
    "/minio/bootstrap/v1/verify",
    "/v1",
    "/v1/",
    "/v1/sys/health",
    "/v1/sys/init",
    "/v1/sys/seal",
    "/config",
    "/admin",
    "/status",
    "/robots.txt",
    "/.env",
    "/.git/config",
    "/root.key",
    "/ledger.sqlite",
    "/favicon.ico",
    "/saml",
    "/federation",
    "/.well-known/openid-configuration",
    "/.well-known/authzen-configuration",
]


def test_s26_no_path_shows_a_secret_to_whoever_crawls(process: Process):
    """MinIO CVE-2023-28432: `/minio/bootstrap/v1/verify` answered the whole environment."""
    process.start()
    key = process.settings.root_key_file.read_text().strip()
    drawn = base64.b64decode(key)
    secrets = (key, drawn.hex(), quote(key, safe=""), process.keys.secret, os.environ["PATH"], str(process.place))
    paths = {*GUESSED, *(re.sub(r"\{[^}]*\}", "x", route.path) for route in ROUTES)}
    for at in (process.live.url, process.live.admin_url):
        for path in sorted(paths):
            for method in ("GET", "POST"):
                said = crawled(f"{at}{path}", method)
                assert not [secret for secret in secrets if secret in said], (method, path)


def crawled(url: str, method: str) -> str:
    """All that an answer says, headers and body."""
    request = urllib.request.Request(url, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return f"{answer.headers}{answer.read().decode('latin-1')}"
    except urllib.error.HTTPError as answer:
        with answer:
            return f"{answer.headers}{answer.read().decode('latin-1')}"


def listening(pid: int) -> set[tuple[str, int]]:
    """The addresses that a process listens on (proc(5), net/tcp)."""
    sockets = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            sockets.add(str(entry.readlink()))
    found = set()
    for table in Path(f"/proc/{pid}/net").glob("tcp*"):
        for line in table.read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                address, port = fields[1].split(":")
                words = [bytes.fromhex(address[at : at + 8])[::-1] for at in range(0, len(address), 8)]
                found.add((str(ipaddress.ip_address(b"".join(words))), int(port, 16)))
    return found


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux says who listens where in files")
def test_s31_every_listener_asks_for_a_signature_or_is_on_loopback(process: Process):
    """SeaweedFS CVE-2026-72920: one of its listeners asked nobody who he was."""
    process.start("--host", "0.0.0.0", "--hosts", "127.0.0.1")
    public, admin = (urlsplit(url).port for url in (process.live.url, process.live.admin_url))
    assert listening(process.pid) == {("0.0.0.0", public), ("127.0.0.1", admin)}
    raw = Raw(process.live, f"http://127.0.0.1:{public}")
    for route in ROUTES:
        path = re.sub(r"\{[^}]*\}", "x", route.path)
        status, said, _ = raw.send({}, b"", method=route.method, target=path)
        assert status in (400, 403, 404), (path, said)


TWO_READINGS = {
    "a length and chunks": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "the same length twice": b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "two lengths": b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "a length with a sign": b"Content-Length: +5\r\n\r\nhello",
    "a length below nothing": b"Content-Length: -1\r\n\r\n",
    "a length in other digits": "Content-Length: ٥\r\n\r\nhello".encode(),
    "a length with an underscore": b"Content-Length: 1_0\r\n\r\nhellohello",
    "a coding that there is not": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked twice": b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "chunked before another": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "chunked in two headers": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a vertical tab before chunked": b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "a size of a chunk with a sign": b"Transfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n",
    "a size of a chunk with a prefix": b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
    "a chunk that is longer than it says": b"Transfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n",
    "a folded header": b"X-A: a\r\n b\r\n\r\n",
    "a space before the colon": b"X-A : a\r\n\r\n",
    "a line that ends in a line feed only": b"X-A: a\nX-B: b\r\n\r\n",
    "a carriage return in a value": b"X-A: a\rb\r\n\r\n",
    "a NUL in a value": b"X-A: a\x00b\r\n\r\n",
    "a NUL in a name": b"X-\x00A: a\r\n\r\n",
    "no name": b": a\r\n\r\n",
    "no colon": b"X-A\r\n\r\n",
    "a long header": b"X-A: " + b"a" * 17_000 + b"\r\n\r\n",
    "hundreds of headers": b"".join(b"X-%d: a\r\n" % number for number in range(300)) + b"\r\n",
}
LINES = {
    "a target that is not ASCII": "POST /é HTTP/1.1".encode(),
    "a blank in the target": b"POST /a b HTTP/1.1",
    "a tab": b"POST\t/\tHTTP/1.1",
    "a later version": b"POST / HTTP/2.0",
    "a version that there is not": b"POST / HTTP/1.10",
    "a version in lower case": b"POST / http/1.1",
    "no version": b"POST /",
    "a method of other letters": b"P(ST / HTTP/1.1",
}


@pytest.mark.parametrize("extensions", [True, False], ids=["the parser in C", "the parser in Python"])
def test_h08_a_request_with_two_readings_has_none(process: Process, extensions: bool):
    """Two servers in a row that read it differently let one request pass inside another."""
    process.start(command=COMMAND if extensions else ["env", "AIOHTTP_NO_EXTENSIONS=1", *COMMAND])
    raw = Raw(process.live, process.live.url)
    host = f"\r\nHost: {raw.host}\r\n".encode()
    said = {name: b"POST / HTTP/1.1" + host + rest for name, rest in TWO_READINGS.items()}
    said |= {name: line + host + b"Content-Length: 0\r\n\r\n" for name, line in LINES.items()}
    wrong = {}
    for name, text in said.items():
        answer = raw.say(text)
        if re.match(rb"HTTP/[0-9]\.[0-9] 400 ", answer) is None or answer.count(b" 400 Bad Request") != 1:
            wrong[name] = answer
    assert not wrong


# --- L: the log ------------------------------------------------------------------------------------


async def test_l03_nothing_that_a_terminal_acts_upon_gets_into_the_log(process: Process):
    """A line break begins an event of its own, an escape hides one, and a change of direction turns one round."""
    process.start()
    raw = Raw(process.live, process.live.url)
    for agent in ("ours/1 \u2028{}", "ours/2 \x85x", "ours/3 \x9b2J", "ours/4 \u202etxt.exe"):
        form = {"Action": "GetCallerIdentity", "Version": "2011-06-15"}
        headers, body = raw.signed(form, keys=process.keys)
        status, _, _ = raw.send({**headers, "User-Agent": agent.encode()}, body)  # type: ignore[dict-item]
        assert status == 200
    for refused in ("ours/5 \x1b[2J", "ours/6 \x00", "ours/7 \r\r"):
        said = f"GET /v1/events HTTP/1.1\r\nHost: {raw.host}\r\nUser-Agent: {refused}\r\n\r\n".encode()
        assert re.match(rb"HTTP/1\.[01] 400 ", raw.say(said)) is not None, refused
    iam = process.client("iam")
    for name in ("a\u2028b", "a\u202eb", "a\x85b", "a\x9bb", "a\nb", "a\x1bb"):
        with pytest.raises(ClientError):
            iam.create_user(UserName=name)
    assert process.stop() == 0
    bodies = [body.decode() for body in await process.bodies()]
    assert [number for number in range(1, 5) if not any(f"ours/{number} \ufffd" in body for body in bodies)] == []
    assert [body for body in bodies if not body.isprintable()] == []
    log = (process.place / "log").read_text()
    assert all(json.loads(line) for line in log.splitlines())


TRUST = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{MANAGEMENT}:root"}, "Action": "sts:*"}


def test_l01_no_file_holds_a_secret_that_was_given_or_taken(process: Process):
    """OpenBao CVE-2025-62513, CVE-2025-62705, CVE-2026-46358: some kinds of fields were not redacted."""
    process.start("--log-level", "debug")
    iam, sts = process.client("iam"), process.client("sts")
    iam.create_user(UserName="ann")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="anns")["VirtualMFADevice"]
    iam.create_role(RoleName="R", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": TRUST}))
    session = sts.assume_role(RoleArn=f"arn:aws:iam::{MANAGEMENT}:role/R", RoleSessionName="ann")["Credentials"]
    iam.create_login_profile(UserName="ann", Password="first-Hunter2!")
    iam.update_login_profile(UserName="ann", Password="second-Hunter2!")
    jwt = "eyJhbGciOiJub25lIn0.eyJodW50ZXIiOiJodW50ZXIyIn0.c2lnbmVk"
    failing = [
        (iam.create_login_profile, {"UserName": "ann", "Password": "third-Hunter2!"}),
        (iam.create_login_profile, {"UserName": "nobody", "Password": "fourth-Hunter2!"}),
        (iam.update_login_profile, {"UserName": "ann", "Password": "no"}),
        (iam.change_password, {"OldPassword": "fifth-Hunter2!", "NewPassword": "sixth-Hunter2!"}),
        (iam.create_user, {"UserName": "ann:", "Tags": [{"Key": "k", "Value": "v"}]}),
        (
            sts.assume_role_with_web_identity,
            {"RoleArn": f"arn:aws:iam::{MANAGEMENT}:role/R", "RoleSessionName": "ann", "WebIdentityToken": jwt},
        ),
        (sts.decode_authorization_message, {"EncodedMessage": "aHVudGVyMiBodW50ZXIy"}),
    ]
    for call, given in failing:
        with pytest.raises(ClientError):
            call(**given)
    status, link = process.live.ask(
        "POST",
        "/v1/sign-in/token",
        process.keys,
        body={
            "accessKeyId": session["AccessKeyId"],
            "secretAccessKey": session["SecretAccessKey"],
            "sessionToken": session["SessionToken"],
        },
    )
    assert status == 200, link
    assert process.stop() == 0

    secrets = [
        process.keys.secret,
        key["SecretAccessKey"],
        device["Base32StringSeed"].decode(),
        session["SecretAccessKey"],
        session["SessionToken"],
        link["signinToken"],
        "Hunter2!",
        jwt,
        process.settings.root_key_file.read_text().strip(),
    ]
    for path in process.place.rglob("*"):
        if path.is_file() and path != process.settings.root_key_file:
            held = path.read_bytes()
            assert not [secret for secret in secrets if secret.encode() in held], path.name
