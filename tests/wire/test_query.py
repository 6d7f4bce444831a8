"""The form of the Query protocol, read strictly."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authority.kernel.refusal import Reason, Refusal
from authority.wire.query import FORM, LONGEST_NAME, MOST_FIELDS, UNSPEAKABLE, read_form, read_parameters
from authority.wire.request import Received

from .requests import changed, presigned_by_botocore, signed_by_botocore

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).filter(lambda s: UNSPEAKABLE.search(s) is None)


@settings(max_examples=150)
@given(st.dictionaries(text.filter(bool), text, max_size=6))
def test_a_form_is_read_as_python_writes_it(fields):
    assert read_form(urlencode(fields).encode(), f"{FORM}; charset=utf-8") == fields


@pytest.mark.parametrize(
    ("body", "form"),
    [
        pytest.param(b"", {}, id="nothing"),
        pytest.param(b"a=", {"a": ""}, id="a blank value is kept: an empty external id is not an absent one"),
        pytest.param(b"a", {"a": ""}, id="a name alone"),
        pytest.param(b"a=b=c", {"a": "b=c"}, id="an equals sign in a value"),
        pytest.param(b"a=b+c%2B", {"a": "b c+"}, id="a plus is a blank"),
        pytest.param(b"Action=a;Action=b", {"Action": "a;Action=b"}, id="a semicolon separates nothing"),
        pytest.param("a=é".encode(), {"a": "é"}, id="UTF-8 as it is"),
        pytest.param(b"a=%C3%a9%0A%0d%09", {"a": "é\n\r\t"}, id="escapes in either case, and the blanks XML has"),
        pytest.param(b"a=%26%3D%3d%25&b=1", {"a": "&==%", "b": "1"}, id="escaped separators separate nothing"),
        pytest.param(b"a=%253A+%3a", {"a": "%3A :"}, id="what was escaped twice is read once"),
        pytest.param(b"a=_=_&b=x=", {"a": "_=_", "b": "x="}, id="what quoted-printable text would read otherwise"),
        pytest.param(b"a=%F0%9F%98%80", {"a": "😀"}, id="a character of four bytes"),
    ],
)
def test_a_form_has_one_reading(body, form):
    assert read_form(body, FORM) == form


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"Action=a&Action=b", id="CVE-2022-2385 the same name twice"),
        pytest.param(b"Action=a&Act%69on=b", id="CVE-2022-2385 the same name twice, once escaped"),
        pytest.param(b"a=%ff", id="escaped bytes that are not UTF-8"),
        pytest.param(b"a=\xff", id="bytes that are not UTF-8"),
        pytest.param(b"a=\xc3%A9", id="an escape that completes a character"),
        pytest.param(b"a=%C3\xa9", id="a byte that completes an escaped character"),
        pytest.param(b"a=%C0%AF", id="an overlong slash"),
        pytest.param(b"a=%ED%A0%80", id="half a surrogate pair"),
        pytest.param(b"a=%", id="a lone percent sign"),
        pytest.param(b"a=%4", id="half an escape"),
        pytest.param(b"a=%zz", id="an escape without digits"),
        pytest.param("a=%٤٤".encode(), id="an escape in other digits"),
        pytest.param(b"a=%u0041", id="an escape of another language"),
        pytest.param(b"a=%00", id="a NUL"),
        pytest.param(b"a=x%1Bx", id="a terminal escape"),
        pytest.param(b"a%01=x", id="a control character in a name"),
        pytest.param(b"a=%EF%BF%BE", id="a code point that XML cannot carry"),
        pytest.param(b"=b", id="no name"),
        pytest.param(b"a=b&", id="an empty field at the end"),
        pytest.param(b"a=b&&c=d", id="an empty field"),
        pytest.param(b"x" * 513 + b"=1", id="an endless name"),
    ],
)
def test_a_form_with_two_readings_is_refused(body):
    refusal = read_form(body, FORM)
    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.MALFORMED_QUERY_STRING


@pytest.mark.parametrize(
    ("content_type", "accepted"),
    [
        (FORM, True),
        (f"{FORM}; charset=utf-8", True),
        (f"{FORM};charset=UTF-8", True),
        ('Application/X-WWW-Form-Urlencoded ; Charset="UTF-8"', True),
        (f"{FORM}; charset=utf-7", False),
        (f"{FORM}; charset=iso-8859-1", False),
        (f"{FORM}; charset=nonsense", False),
        (f"{FORM}; charset=", False),
        (f"{FORM}; charset", False),
        (f"{FORM}; charset=utf-8; charset=utf-7", False),
        (f"{FORM}; charset=utf-8; charset=utf-8", False),
        (f"{FORM}; boundary=x", False),
        (f"{FORM};", False),
        (f"{FORM}x", False),
        ("multipart/form-data; boundary=x", False),
        ("text/plain", False),
        ("application/json", False),
        ("", False),
    ],
)
def test_only_forms_in_utf_8_are_read(content_type, accepted):
    # A server that honours `charset=utf-7` reads `a%2BAGE-bb` as `aabb`.
    assert isinstance(read_form(b"a=b", content_type), dict) is accepted


@pytest.mark.parametrize("letter", ["x", "\u00e9"])
def test_a_name_may_have_so_many_characters_and_no_more(letter):
    longest = letter * LONGEST_NAME
    assert read_form(f"{longest}=1".encode(), FORM) == {longest: "1"}
    assert isinstance(read_form(f"{longest}x=1".encode(), FORM), Refusal)


def test_the_number_of_fields_is_bounded():
    fields = [f"k{number}=" for number in range(MOST_FIELDS + 1)]
    assert isinstance(read_form("&".join(fields[:-1]).encode(), FORM), dict)
    refusal = read_form("&".join(fields).encode(), FORM)
    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.REQUEST_TOO_LARGE


def test_parameters_come_from_the_body():
    assert read_parameters(signed_by_botocore()) == {"Action": "GetCallerIdentity", "Version": "2011-06-15"}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_parameters_come_from_the_query_without_those_that_sign_it(method):
    assert read_parameters(presigned_by_botocore(method)) == {
        "Action": "GetCallerIdentity",
        "Version": "2011-06-15",
    }


def test_parameters_in_body_and_query_are_refused():
    both = changed(signed_by_botocore(), target=b"/?Action=DeleteUser")
    assert isinstance(read_parameters(both), Refusal)


@pytest.mark.parametrize("name", ["X-Amz-Credential", "x-amz-signature", "X%2DAmz-Date"])
def test_cve_2026_41145_a_body_holds_no_credentials(name):
    request = signed_by_botocore(body=f"Action=GetCallerIdentity&{name}=x".encode())
    assert isinstance(read_parameters(request), Refusal)


pieces = [b"%26", b"%3D", b"%3d", b"%25", b"%2B", b"%C3", b"%A9", b"%0A", b"%00", b"+", b"=", b"&", b"_", b"a", b"3D", b"\n", b"\xa9"]  # fmt: skip


@settings(max_examples=300)
@given(st.lists(st.sampled_from(pieces), max_size=12).map(b"".join))
def test_a_form_is_read_as_field_by_field(body):
    fields = (
        [tuple(map(unquote_plus_to_bytes, field.partition(b"=")[::2])) for field in body.split(b"&")] if body else []
    )
    form = read_form(body, FORM)
    if not isinstance(form, Refusal):
        assert [(name.encode(), value.encode()) for name, value in form.items()] == fields


def unquote_plus_to_bytes(text: bytes) -> bytes:
    return unquote_to_bytes(text.replace(b"+", b" "))


@settings(max_examples=200)
@given(
    body=st.binary(max_size=40)
    | st.lists(st.sampled_from([b"%", b"a", b"=", b"&", b"4", b"\xc3", b"%C3", b"+"])).map(b"".join),
    content_type=st.just(FORM) | st.text(max_size=20),
    query=st.binary(max_size=20),
)
def test_any_bytes_are_pairs_or_a_refusal(body, content_type, query):
    assert isinstance(read_form(body, content_type), dict | Refusal)
    lines = ((b"content-type", content_type.encode("latin-1", "replace")),)
    assert isinstance(read_parameters(Received("POST", b"/?" + query, lines, body, "")), dict | Refusal)
