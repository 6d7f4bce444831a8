"""A request, from raw bytes to what it asks for."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authority.kernel.refusal import Reason, Refusal
from authority.wire import request
from authority.wire.request import Names, Received, examine

from .requests import changed, signed_by_botocore, with_header

OURS = frozenset({"sts.example:8080", "sts.example"})
GOOD = signed_by_botocore()


def at(target: bytes) -> Received:
    return changed(GOOD, target=target)


def raw(*lines: tuple[bytes, bytes]) -> Received:
    return changed(GOOD, headers=GOOD.headers + lines)


@pytest.mark.parametrize(
    "good",
    [
        pytest.param(GOOD, id="what botocore sends"),
        pytest.param(at(b"/?Action=GetCallerIdentity&x=%2F..%2F&y=/../"), id="dots and slashes in the query"),
        pytest.param(at(b"/a%20b/c.d/..e/.f"), id="dots inside names"),
        pytest.param(with_header(GOOD, "Host", "STS.example"), id="a host in upper case"),
        pytest.param(raw((b"X-Two", b"1"), (b"X-Two", b"2")), id="a header that decides nothing, twice"),
        pytest.param(raw((b"X-Utf8", "é\t".encode())), id="a value that is not ASCII"),
        pytest.param(
            raw((b"X-All", bytes((9, *range(0x20, 0x7F), *range(0x80, 0x100))))), id="a value of all that may be in one"
        ),
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
        pytest.param(changed(GOOD, method="post"), id="a method in lower case"),
        pytest.param(changed(GOOD, method=""), id="no method"),
        pytest.param(changed(GOOD, method="GET\n"), id="a line feed after the method"),
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
        *(pytest.param(raw((b"X-A", bytes((control,)))), id=f"control {control} in a header") for control in (0x01, 0x0B, 0x1F, 0x7F)),
        pytest.param(raw((b"X-Two", b"1\x00"), (b"X-Two", b"2")), id="a NUL in the first of two headers"),
        pytest.param(raw((b"X-Two", b"1"), (b"X-Two", b"2\x00")), id="a NUL in the second of two headers"),
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


def test_of_headers_that_are_repeated_the_same_one_is_named_each_time():
    letters = "abcdefghij"
    twice = raw(*((b"X-Amz-" + letter.encode(), b"1") for letter in reversed(letters * 2)))
    assert examine(twice, OURS) == Refusal(Reason.MALFORMED_REQUEST, "The header x-amz-a occurs more than once.")


def test_no_host_is_ours_until_one_is_named():
    assert examine(GOOD, frozenset()) is not None


def test_path_and_query_are_cut_at_the_first_question_mark():
    request = at(b"/a?b=?c")
    assert (request.path, request.query) == (b"/a", b"b=?c")


@pytest.mark.parametrize(
    ("headers", "fields", "repeated"),
    [
        pytest.param((), {}, [], id="none"),
        pytest.param(((b"A", b"1"), (b"b", b"2"), (b"a", b"3")), {b"a": b"1", b"b": b"2"}, [b"a"], id="the first of two counts"),
        pytest.param(((b"a\nb", b"1"), (b"c", b"2")), {b"a\nb": b"1", b"c": b"2"}, [], id="a line feed in a name"),
        pytest.param(((b"a\na", b"1"),), {b"a\na": b"1"}, [], id="a line feed in the only name"),
        pytest.param(((b"X" * 3000, b"1"), (b"y", b"2")), {b"x" * 3000: b"1", b"y": b"2"}, [], id="an endless name"),
    ],
)  # fmt: skip
def test_headers_are_found_by_their_names_in_lower_case(headers, fields, repeated):
    for _ in range(2):  # as if for the first time, and as it is remembered
        request = changed(GOOD, headers=headers)
        assert request.fields == fields
        assert request.repeated == set(repeated)


@given(st.lists(st.tuples(st.sampled_from([b"A", b"a", b"a\nb", b"b", b"B\n", b"\n", b""]), st.binary(max_size=2)), max_size=5))  # fmt: skip
def test_what_is_remembered_of_names_is_what_they_say(headers):
    names = {name.lower() for name, _ in headers}
    assert changed(GOOD, headers=tuple(headers)).names == Names.of(names)


def test_endless_names_of_headers_are_read_and_not_remembered():
    request._remembered.cache_clear()
    endless = tuple((b"X-Amz-Meta-%d" % number, b"1") for number in range(200))
    assert changed(GOOD, headers=endless).names == Names.of({name.lower() for name, _ in endless})
    assert not request._remembered.cache_info().currsize


def test_a_received_request_does_not_show_what_it_carries():
    request = changed(GOOD, body=b"NewPassword=hunter2", target=b"/?X-Amz-Security-Token=hunter2")
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
