"""Published weaknesses of HTTP endpoints, tried here on the socket; each by its number."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from authority.kernel.secret import Secret
from authority.outbound.clock import SystemClock
from authority.settings import load
from authority.wire.sigv4 import Credentials, sign
from tests.live import Keys, Live, running
from tests.web.conftest import FORM, Raw
from tests.web.test_rim import said_until_closed
from tests.web.test_signatures import WHO, code

# --- S29, MinIO CVE-2022-31028 ---------------------------------------------------------------------


def test_s29_nobody_is_waited_for_longer_than_it_takes():
    waits = load({}, {})
    assert (waits.header_timeout, waits.body_timeout, waits.keepalive_timeout) == (10, 30, 75)
    assert waits.connection_limit < 1024  # of the files that a process may have open


@pytest.mark.parametrize(
    "begun",
    [
        pytest.param(b"", id="the first head"),
        pytest.param(b"GET /nothing HTTP/1.1\r\nHost: {host}\r\n\r\n", id="the second head"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 100000\r\n\r\n", id="a body"),
    ],
)
def test_s29_what_comes_byte_by_byte_is_not_waited_for_either(tmp_path: Path, begun: bytes):
    with running(tmp_path, header_timeout=0.5, body_timeout=0.5, keepalive_timeout=0.5) as live:
        host = urlsplit(live.url)
        with socket.create_connection((host.hostname, host.port), 10) as connection:
            connection.sendall(begun.replace(b"{host}", host.netloc.encode()))
            connection.settimeout(0.02)
            assert is_closed_while_dripping(connection)


def is_closed_while_dripping(connection: socket.socket) -> bool:
    """Whether the other end closes a connection on which a byte comes now and then, within a while."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            connection.sendall(b"G")
            if not connection.recv(65_536):
                return True
        except TimeoutError:
            pass
        except ConnectionError:
            return True
    return False


# --- S30, MinIO CVE-2022-35919 ---------------------------------------------------------------------

FILES = ("/etc/passwd", "file:///etc/passwd", "../root.key", "../../../../../../proc/self/environ", "@/etc/passwd")
PLACES = [
    ("iam", "CreateRole", {"RoleName": "x", "AssumeRolePolicyDocument": "{}"}),
    ("iam", "PutUserPolicy", {"UserName": "Administrator", "PolicyName": "{}", "PolicyDocument": "{}"}),
    ("iam", "CreateSAMLProvider", {"Name": "x", "SAMLMetadataDocument": "{}"}),
    ("iam", "CreateOpenIDConnectProvider", {"Url": "{}"}),
    ("iam", "GetUser", {"UserName": "{}"}),
    ("iam", "GetPolicy", {"PolicyArn": "{}"}),
    ("iam", "ListUsers", {"Marker": "{}"}),
    ("iam", "SimulateCustomPolicy", {"PolicyInputList.member.1": "{}", "ActionNames.member.1": "s3:GetObject"}),
    ("sts", "AssumeRole", {"RoleArn": "{}", "RoleSessionName": "{}"}),
    ("sts", "AssumeRoleWithSAML", {"RoleArn": "{}", "PrincipalArn": "{}", "SAMLAssertion": "{}"}),
    ("sts", "AssumeRoleWithWebIdentity", {"RoleArn": "{}", "RoleSessionName": "x", "WebIdentityToken": "{}"}),
    ("sts", "DecodeAuthorizationMessage", {"EncodedMessage": "{}"}),
    ("sts", "{}", {}),
]


@pytest.mark.parametrize(("service", "action", "given"), PLACES, ids=[place[1] for place in PLACES])
@pytest.mark.parametrize("file", FILES)
def test_s30_a_name_of_a_file_is_a_name_and_no_file(
    raw: Raw, live: Live, service: str, action: str, given: dict[str, str], file: str
):
    form = {name: value.replace("{}", file) for name, value in given.items()}
    version = "2010-05-08" if service == "iam" else "2011-06-15"
    form |= {"Action": action.replace("{}", file), "Version": version}
    status, text, _ = raw.send(*raw.signed(form, service=service))
    assert 400 <= status < 500, text
    tells_nothing_of_the_machine(live, text)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/as-of/%2e%2e%2froot.key"), ("GET", "/v1/sessions/%2fetc%2fpasswd")]
)
def test_s30_nor_does_a_path_of_ours_lead_to_a_file(live: Live, method: str, path: str):
    status, _, body = live.fetch(method, path)
    assert 400 <= status < 500
    tells_nothing_of_the_machine(live, body.decode())


def tells_nothing_of_the_machine(live: Live, text: str) -> None:
    assert "root:" not in text
    assert "PATH=" not in text
    assert str(live.settings.data_dir) not in text
    assert live.settings.root_key_file.read_text().strip() not in text


# --- S35, RustFS CVE-2026-21862 --------------------------------------------------------------------

CLAIMED = [
    ("X-Forwarded-For", "10.0.0.1"),
    ("X-Real-IP", "10.0.0.1"),
    ("Forwarded", "for=10.0.0.1;proto=https"),
    ("X-Forwarded-For", "::ffff:10.0.0.1"),
    ("CF-Connecting-IP", "10.0.0.1"),
    ("True-Client-IP", "10.0.0.1"),
]


def test_s35_whoever_asks_comes_from_where_the_socket_says(raw: Raw, live: Live):
    iam = live.client("iam")
    networks = {"near": "127.0.0.0/8", "far": "10.0.0.0/8"}
    keys = {}
    for name, network in networks.items():
        iam.create_user(UserName=name)
        only = {"IpAddress": {"aws:SourceIp": network}}
        allowed = {"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*", "Condition": only}
        document = json.dumps({"Version": "2012-10-17", "Statement": allowed})
        iam.put_user_policy(UserName=name, PolicyName="only", PolicyDocument=document)
        keys[name] = Keys.of(iam.create_access_key(UserName=name)["AccessKey"])
    asked = {"Action": "ListUsers", "Version": "2010-05-08"}
    for claimed, address in CLAIMED:
        for name, expected in (("near", 200), ("far", 403)):
            headers, body = raw.signed(asked, keys=keys[name], service="iam")
            assert raw.send({**headers, claimed: address}, body)[0] == expected, (claimed, name)
    _, found = live.ask("GET", "/v1/events", query=f"accessKeyId={keys['far'].access_key_id}&action=iam:ListUsers")
    assert len(found["events"]) == len(CLAIMED)
    assert "10.0.0.1" not in json.dumps(found)


# --- H: one reading of a request -------------------------------------------------------------------


@pytest.mark.parametrize("signed", ["/v1/%65vents", "/v1%2fevents", "/V1/events", "/v1/events/", "/v1//events"])
def test_h05_a_path_is_signed_as_the_bytes_that_came(raw: Raw, live: Live, signed: str):
    """aiohttp's own path is decoded: what was signed for one path would be good for another."""
    who, now = live.administrator, SystemClock().now()
    credentials = Credentials(who.access_key_id, Secret(who.secret))
    for path, status in (("/v1/events", 200), (signed, 403)):
        headers = sign(
            "GET",
            f"{live.url}{path}",
            {},
            b"",
            credentials=credentials,
            region="us-east-1",
            service="authority",
            now=now,
        )
        assert raw.send(headers, b"", method="GET", target="/v1/events")[0] == status


@pytest.mark.parametrize(
    "target", ["/v1/x/../events", "/v1/./events", "/v1//events", "//v1/events", "/v1/events#x", "/v1/events?a=b#x"]
)
def test_h05_a_path_that_others_shorten_is_refused(raw: Raw, target: str):
    status, text, _ = raw.send({}, b"", method="GET", target=target)
    assert (status, json.loads(text)["code"]) == (400, "MalformedHttpRequestException")


@pytest.mark.parametrize(
    "trailer",
    [
        b"",
        b"X-Amz-Security-Token: x\r\n",
        b"Host: evil\r\n",
        b"Authorization: AWS4-HMAC-SHA256 x\r\n",
        b"Action: x\r\n",
    ],
)
def test_h07_what_follows_the_last_chunk_says_nothing(raw: Raw, trailer: bytes):
    headers, body = raw.signed(WHO)
    head = "".join(f"{name}: {value}\r\n" for name, value in {"Host": raw.host, **headers}.items())
    chunks = b"%x\r\n%b\r\n0\r\n%b\r\n" % (len(body), body, trailer)
    head += "Connection: close\r\nTransfer-Encoding: chunked\r\n"
    answer = said_to_its_end(raw, f"POST / HTTP/1.1\r\n{head}\r\n".encode() + chunks)
    assert answer.count(b"HTTP/1.1 ") == 1
    if answer.startswith(b"HTTP/1.1 200 "):
        assert raw.live.administrator.access_key_id.encode() not in answer
        assert b":user/Administrator</Arn>" in answer
    else:
        assert trailer
        assert answer.startswith(b"HTTP/1.1 400 ")


def said_to_its_end(raw: Raw, text: bytes) -> bytes:
    """All that comes back to *text*, which asks for the connection to be closed."""
    host = urlsplit(raw.live.url)
    with socket.create_connection((host.hostname, host.port), 60) as connection:
        connection.sendall(text)
        return said_until_closed(connection)


def test_h09_a_thousand_requests_at_once_are_a_thousand_answers(raw: Raw):
    one = f"GET /nothing HTTP/1.1\r\nHost: {raw.host}\r\n\r\n".encode()
    last = one.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    answer = said_to_its_end(raw, one * 999 + last)
    assert answer.count(b"HTTP/1.1 404 ") == 1000


def test_h09_a_hundred_thousand_chunks_are_one_body(raw: Raw, whoami):
    """CVE-2025-69229: each chunk cost as much as all before it."""
    head = f"POST / HTTP/1.1\r\nHost: {raw.host}\r\nContent-Type: {FORM}\r\nTransfer-Encoding: chunked\r\n"
    answer = raw.say(head.encode() + b"Connection: close\r\n\r\n" + b"1\r\na\r\n" * 100_000 + b"0\r\n\r\n", 20)
    assert answer.startswith(b"HTTP/1.1 4")
    assert raw.send(*whoami())[0] == 200


def test_h09_a_line_break_in_what_is_asked_begins_no_header(raw: Raw):
    form = urlencode({"Action": "x\r\nSet-Cookie: a=b", "Version": "2011-06-15"}).encode()
    status, text, headers = raw.send(*raw.signed(form))
    assert (status, code(text)) == (400, "InvalidAction")
    assert "Set-Cookie" not in headers
    status, _, headers = raw.send({"X-Request-ID": "a\tSet-Cookie: a=b"}, b"", target="/access/v1/evaluation")
    assert "X-Request-ID" not in headers
