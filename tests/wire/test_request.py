"""A request, from raw bytes to what it asks for."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authority.kernel.refusal import Reason, Refusal
from authority.wire.request import Received, examine

from .requests import signed_by_botocore, with_header

OURS = frozenset({"sts.example:8080", "sts.example"})
GOOD = signed_by_botocore()


def at(target: bytes) -> Received:
    return msgspec.structs.replace(GOOD, target=target)


def raw(*lines: tuple[bytes, bytes]) -> Received:
    return msgspec.structs.replace(GOOD, headers=GOOD.headers + lines)


@pytest.mark.parametrize(
    "good",
    [
        pytest.param(GOOD, id="what botocore sends"),
        pytest.param(at(b"/?Action=GetCallerIdentity&x=%2F..%2F&y=/../"), id="dots and slashes in the query"),
        pytest.param(at(b"/a%20b/c.d/..e/.f"), id="dots inside names"),
        pytest.param(with_header(GOOD, "Host", "STS.example"), id="a host in upper case"),
        pytest.param(raw((b"X-Two", b"1"), (b"X-Two", b"2")), id="a header that decides nothing, twice"),
        pytest.param(raw((b"X-Utf8", "é\t".encode())), id="a value that is not ASCII"),
    ],
)
def test_an_ordinary_request_is_examined_and_let_pass(good):
    assert examine(good, OURS) is None


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(at(b"http://sts.example/"), id="PYSEC-2026-4369 the absolute form names a second host"),
        pytest.param(at(b"//evil/x"), id="an empty first segment"),
        pytest.param(at(b"*"), id="the asterisk form"),
        pytest.param(at(b"sts.example:80"), id="the authority form"),
        pytest.param(at(b""), id="no target"),
        pytest.param(at(b"/#x"), id="a fragment"),
        pytest.param(at(b"/?a=b#x"), id="a fragment after the query"),
        pytest.param(at(b"/a b"), id="a blank in the target"),
        pytest.param(at("/é".encode()), id="a target that is not ASCII"),
        pytest.param(at(b"/\x00"), id="a NUL in the target"),
        pytest.param(at(b"/\n"), id="a line feed at the end of the target"),
        pytest.param(at(b"/a/../b"), id="two dots"),
        pytest.param(at(b"/a/./b"), id="a dot"),
        pytest.param(at(b"/a/.."), id="two dots at the end"),
        pytest.param(at(b"/.."), id="two dots only"),
        pytest.param(at(b"/."), id="a dot only"),
        pytest.param(at(b"/a//b"), id="an empty segment"),
        pytest.param(msgspec.structs.replace(GOOD, method="post"), id="a method in lower case"),
        pytest.param(msgspec.structs.replace(GOOD, method=""), id="no method"),
        pytest.param(msgspec.structs.replace(GOOD, method="GET\n"), id="a line feed after the method"),
        *(
            pytest.param(raw((name, b"x")), id=f"a second {name.decode()}")
            for name in (b"host", b"AUTHORIZATION", b"X-Amz-Date", b"content-Type", b"Content-Length")
        ),
        pytest.param(raw((b"x-amz-target", b"1"), (b"X-Amz-Target", b"2")), id="a second X-Amz-Target in another case"),
        pytest.param(raw((b"Transfer-Encoding", b"chunked"), (b"transfer-encoding", b"x")), id="a second Transfer-Encoding"),
        pytest.param(raw((b"Content-Encoding", b"gzip")), id="a compressed body"),
        pytest.param(with_header(GOOD, "Content-Type", "multipart/form-data; boundary=x"), id="CVE-2025-69228 a multipart body"),
        pytest.param(with_header(GOOD, "Content-Type", " Multipart/mixed"), id="a multipart body in other words"),
        pytest.param(raw((b"X-A ", b"1")), id="a blank in a header name"),
        pytest.param(raw((b"", b"1")), id="no header name"),
        pytest.param(raw((b"X-A", b"1\r\nX-B: 2")), id="a header inside a header"),
        pytest.param(raw((b"X-A", b"1\x00")), id="a NUL in a header"),
        pytest.param(raw((b"X-A", b"1\n")), id="a line feed at the end of a header"),
        pytest.param(with_header(GOOD, "Host", None), id="no host"),
        *(
            pytest.param(with_header(GOOD, "Host", host), id=f"CVE-2020-16250 the host {host!r}")
            for host in ("sts.example.evil", "xsts.example", "sts.example@evil", "sts.example.", "sts.example:80", "sts.example:8080:1", "", " ", "sts.example/")
        ),
    ],
)  # fmt: skip
def test_a_request_with_two_readings_is_refused(bad):
    refusal = examine(bad, OURS)
    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.MALFORMED_REQUEST


def test_no_host_is_ours_until_one_is_named():
    assert examine(GOOD, frozenset()) is not None


def test_path_and_query_are_cut_at_the_first_question_mark():
    request = at(b"/a?b=?c")
    assert (request.path, request.query) == (b"/a", b"b=?c")


def test_a_received_request_does_not_show_what_it_carries():
    request = msgspec.structs.replace(GOOD, body=b"NewPassword=hunter2", target=b"/?X-Amz-Security-Token=hunter2")
    assert "hunter2" not in repr(request)
    assert "Signature" not in repr(request)


@settings(max_examples=200)
@given(
    method=st.text(max_size=6),
    target=st.binary(max_size=30),
    headers=st.lists(st.tuples(st.binary(max_size=12), st.binary(max_size=12)), max_size=5),
)
def test_any_bytes_are_examined_without_a_fault(method, target, headers):
    examine(Received(method, target, tuple(headers), b"", "127.0.0.1"), OURS)
