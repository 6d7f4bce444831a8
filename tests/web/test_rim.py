"""Any bytes get a well-formed answer or a closed connection: never a 500, never a traceback."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authority.web.endpoint import LARGE_AT_ONCE, STRANGER_BODY
from tests.live import Live, running
from tests.web.conftest import Raw


def test_a_strangers_body_is_bounded(raw):
    status, text, _ = raw.send({"Content-Type": "text/plain", "Content-Length": str(STRANGER_BODY + 1)}, b"x")
    assert status == 413
    assert "RequestEntityTooLarge" in text


def test_a_strangers_body_without_a_length_is_bounded(raw):
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    head = f"POST / HTTP/1.1\r\nHost: {raw.host}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    answer = raw.say(head + chunk * 8 + b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_few_large_bodies_are_read_at_a_time(raw):
    """Whoever knows the id of a key could fill the memory with them, and prove nothing."""
    headers, body = raw.signed({"Action": "GetCallerIdentity", "Version": "2011-06-15", "X": "x" * STRANGER_BODY})
    head = "".join(f"{name}: {value}\r\n" for name, value in {**headers, "Content-Length": str(len(body))}.items())
    request = f"POST / HTTP/1.1\r\n{head}\r\n".encode() + body
    with contextlib.ExitStack() as begun:
        held = [begun.enter_context(raw.connected()) for _ in range(LARGE_AT_ONCE)]
        for one in held:
            one.sendall(request[:-1])
        last = begun.enter_context(raw.connected())
        last.sendall(request)
        last.settimeout(0.5)
        with pytest.raises(TimeoutError):
            last.recv(1)
        held[0].sendall(request[-1:])
        last.settimeout(20)
        assert last.recv(12) == b"HTTP/1.1 200"


@pytest.mark.parametrize(
    ("coding", "read"),
    [
        pytest.param("chunked", True, id="chunks"),
        pytest.param("CHUNKED", True, id="chunks in upper case"),
        pytest.param("gzip, chunked", False, id="chunks of something compressed"),
        pytest.param("identity, chunked", False, id="chunks of the same"),
        pytest.param(",chunked", False, id="chunks of nothing that is named"),
    ],
)
def test_chunks_are_the_only_coding_of_a_body(raw, whoami, coding, read):
    """Another server that knows another coding would see another body (RFC 9112, section 6.1)."""
    headers, body = whoami()
    head = "".join(f"{name}: {value}\r\n" for name, value in {**headers, "Transfer-Encoding": coding}.items())
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    answer = raw.say(f"POST / HTTP/1.1\r\n{head}\r\n".encode() + chunks)
    assert answer.startswith(b"HTTP/1.1 200 " if read else b"HTTP/1.1 400 ")


def test_what_does_not_come_is_given_up_on_either_listener(hasty: Live):
    status, text, _ = Raw(hasty, hasty.url).send({"Content-Length": "10"}, b"x")
    assert status == 400
    assert "in time" in text
    for url in (hasty.url, hasty.admin_url):
        for begun in (b"", b"GET /metrics HTTP/1.1\r\nHost: "):
            assert Raw(hasty, url).is_dropped(begun), (url, begun)


@pytest.mark.parametrize(
    "spoilt",
    [
        pytest.param(b"Authorization : hunter2", id="a space before the colon"),
        pytest.param(b"Authorization: a\r\n hunter2", id="a folded header"),
        pytest.param(b"Content-Length: 1\r\nContent-Length: 1\r\nhunter2: a", id="two lengths"),
        pytest.param(b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\nhunter2: a", id="a length and chunks"),
        pytest.param(b"Authorization: hunter2" + b"a" * 20_000, id="a header that is too long"),
    ],
)
def test_what_is_no_request_is_refused_in_our_words_and_repeated_nowhere(raw, spoilt, caplog):
    answer = raw.say(f"POST / HTTP/1.1\r\nHost: {raw.host}\r\n".encode() + spoilt + b"\r\n\r\n")
    assert b" 400 Bad Request" in answer.splitlines()[0]
    assert b"<Code>MalformedHttpRequestException</Code>" in answer
    for said in (answer.decode(), caplog.text):
        assert "hunter2" not in said
        assert "aiohttp" not in said


def test_one_connection_too_many_is_told_to_try_again_and_the_others_go_on(tmp_path):
    with running(tmp_path, connection_limit=2) as live:
        address = (urlsplit(live.url).hostname, urlsplit(live.url).port)
        with socket.create_connection(address, 5) as first, socket.create_connection(address, 5):
            with socket.create_connection(address, 5) as third:
                assert said_until_closed(third).startswith(b"HTTP/1.1 503 ")
            first.sendall(b"GET /nothing HTTP/1.1\r\nHost: " + urlsplit(live.url).netloc.encode() + b"\r\n\r\n")
            assert first.recv(12) == b"HTTP/1.1 404"


def said_until_closed(connection):
    return b"".join(iter(lambda: connection.recv(1024), b""))


@pytest.mark.parametrize("host", [True, False], ids=["with a host", "without one"])
@pytest.mark.parametrize("path", ["/", "/federation", "/.well-known/authzen-configuration"])
def test_http_1_0_is_refused(raw, path, host):
    answer = raw.say(f"GET {path} HTTP/1.0\r\n{f'Host: {raw.host}' if host else 'X-A: a'}\r\n\r\n".encode())
    assert answer.startswith((b"HTTP/1.0 400 ", b"HTTP/1.1 400 "))


def test_the_absolute_form_of_a_target_is_refused(raw):
    answer = raw.say(f"GET http://{raw.host}/ HTTP/1.1\r\nHost: {raw.host}\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 400 ")


@given(st.binary(max_size=400))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_noise_is_answered_or_dropped(raw, noise):
    answer = raw.say(noise, 0.1)
    assert not answer or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4"))
    assert b"Traceback" not in answer


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=60)), max_size=8))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_signed_noise_is_never_our_fault(raw, pairs):
    form = {"Action": "CreateUser", "Version": "2010-05-08", **dict(pairs)}
    try:
        headers, body = raw.signed(form, service="iam")
    except UnicodeEncodeError:
        return
    status, text, _ = raw.send(headers, body)
    assert 200 <= status < 500, text


def test_health_and_metrics_are_on_a_listener_of_their_own(live: Live):
    assert json.loads(urllib.request.urlopen(f"{live.admin_url}/health/live").read())["status"] == "live"
    assert json.loads(urllib.request.urlopen(f"{live.admin_url}/health/ready").read())["status"] == "ready"
    metrics = urllib.request.urlopen(f"{live.admin_url}/metrics").read().decode()
    assert "authority_log_position" in metrics
    assert live.administrator.secret not in metrics
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"{live.url}/metrics")


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"\x16\x03\x01hunter2", id="the beginning of TLS"),
        pytest.param(b"hunter2 / HTTP/1.1\r\nAuthorization : hunter2", id="a header that cannot be read"),
        pytest.param(b"GET /hunter2" + b"a" * 20_000 + b" HTTP/1.1", id="a path that is too long"),
        pytest.param(
            b"POST /metrics HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nhunter2", id="a bad chunk"
        ),
        pytest.param(b"GET //[hunter2 HTTP/1.1\r\nHost: a", id="a path that is no URL's"),
    ],
)
def test_the_operators_listener_repeats_nothing_either(raw_admin, said, caplog):
    answer = raw_admin.say(said + b"\r\n\r\n")
    assert re.match(rb"HTTP/1\.[01] 40[045] ", answer)
    for words in (answer.decode(), caplog.text):
        assert "hunter2" not in words
        assert "aiohttp" not in words


@pytest.mark.parametrize(
    ("method", "path", "status"), [("HEAD", "/health/ready", 200), ("POST", "/metrics", 405), ("GET", "/", 404)]
)
def test_the_operators_listener_has_three_pages_to_read(raw_admin, method, path, status):
    answered, text, headers = raw_admin.send({}, b"", method=method, target=path)
    assert (answered, headers["Server"]) == (status, "Authority")
    assert ("Allow" in headers) is (status == 405)
    assert bool(text) is (method != "HEAD")


@pytest.mark.parametrize(
    ("path", "allowed"), [("/", "GET, POST"), ("/access/v1/evaluation", "POST"), ("/v1/sessions/x/revoke", "POST")]
)
def test_whoever_asks_with_the_wrong_method_is_told_the_right_ones(raw, path, allowed):
    status, _, headers = raw.send({}, b"", method="DELETE", target=path)
    assert (status, headers["Allow"]) == (405, allowed)


@pytest.mark.parametrize(
    ("name", "comes_back"),
    [
        pytest.param("bfe9eb29-ab87-4ca3-be83-a1d5d8305716", True, id="a name"),
        pytest.param("two words", False, id="more than a word"),
        pytest.param("x" * 129, False, id="an endless name"),
    ],
)
def test_a_clients_own_name_for_its_request_comes_back(raw, name, comes_back):
    status, _, headers = raw.send({"X-Request-ID": name}, b"", target="/access/v1/evaluation")
    assert status == 403
    assert (headers.get("X-Request-ID") == name) is comes_back


def test_strangers_are_counted_and_summarised_by_what_they_tried(raw, live: Live):
    for _ in range(3):
        raw.send({"Content-Type": "application/x-www-form-urlencoded"}, b"Action=GetCallerIdentity&Version=2011-06-15")
    deadline = time.monotonic() + 10
    counted = 0
    while counted < 3 and time.monotonic() < deadline:
        status, found = live.ask("GET", "/v1/events", query="account=%2A&action=authority%3AUnprovenRequests")
        assert status == 200, found
        kinds = [kind for event in found["events"] for fact in event["facts"] for kind in fact["requests"]]
        counted = sum(
            kind["count"]
            for kind in kinds
            if (kind.get("action"), kind["reason"]) == ("GetCallerIdentity", "missing-authentication-token")
        )
    assert counted >= 3
