"""Signature Version 4, over the bytes as they came."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import msgspec
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given, settings
from hypothesis import strategies as st

from authority.kernel.refusal import Reason, Refusal
from authority.kernel.secret import Secret
from authority.wire import sigv4
from authority.wire.canonical import SignedHeaders
from authority.wire.request import Received
from authority.wire.sigv4 import (
    Credentials,
    Proof,
    SigningKeys,
    Unproven,
    sign,
    signing_key,
    unverified_proof,
    verify,
    verify_delegated,
)

from .requests import (
    FORM,
    KEY_ID,
    REGIONS,
    SECRET,
    WHOAMI,
    bytes_of,
    changed,
    judged,
    presigned_by_botocore,
    received,
    signed_by_botocore,
    signing_time,
    with_authorization,
    with_header,
    with_target,
)

IS = Reason.INCOMPLETE_SIGNATURE
SDNM = Reason.SIGNATURE_DOES_NOT_MATCH
BAD = Reason.MALFORMED_REQUEST
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
EMPTY_HASH = hashlib.sha256(b"").hexdigest()

bounded = settings(max_examples=60)
segments = st.text(min_size=1, max_size=8).filter(lambda text: text not in {".", ".."} and text.isprintable())
paths = st.lists(segments, max_size=4).map(lambda parts: "/" + "/".join(quote(part, safe="~") for part in parts))
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
queries = st.lists(st.tuples(words.filter(lambda w: w[:6].lower() != "x-amz-"), words), max_size=4).map(
    lambda pairs: "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in pairs)
)
tokens = st.none() | st.text("ABCabc0123+/=", min_size=1, max_size=80)


# --- what clients sign is believed -----------------------------------------------------


@bounded
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    path=paths,
    query=queries,
    body=st.binary(max_size=60),
    token=tokens,
    extra=st.dictionaries(
        st.from_regex(r"X-[A-Z][a-z]{1,6}", fullmatch=True).filter(lambda name: not name.startswith("X-Amz")),
        st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E) | st.just("\t"), max_size=12),
        max_size=3,
    ),
)
def test_what_botocore_signs_in_the_header_is_believed(method, path, query, body, token, extra):
    url = f"http://sts.example:8080{path}" + (f"?{query}" if query else "")
    request = signed_by_botocore(method, url, headers={"Content-Type": FORM, **extra}, body=body, token=token)
    assert judged(request, signing_time(request)) == KEY_ID
    proof = unverified_proof(request)
    assert isinstance(proof, Proof)
    assert proof.session_token == token


@bounded
@given(method=st.sampled_from(["GET", "HEAD", "POST"]), path=paths, query=queries, token=tokens)
def test_what_botocore_signs_in_the_query_is_believed(method, path, query, token):
    url = f"http://sts.example:8080{path}" + (f"?{query}" if query else "")
    request = presigned_by_botocore(method, url, token=token, headers={"x-k8s-aws-id": "cluster"})
    assert judged(request, signing_time(request)) == KEY_ID
    proof = unverified_proof(request)
    assert isinstance(proof, Proof)
    assert (proof.form, proof.session_token, proof.expires) == ("query", token, 60)


@pytest.mark.parametrize("sign_it", [signed_by_botocore, presigned_by_botocore])
def test_a_list_of_signed_headers_without_end_is_read_and_not_remembered(sign_it):
    request = sign_it(headers={f"X-Amz-Meta-{number}": "1" for number in range(90)})
    sigv4._signed_headers.cache_clear()
    remembered = sigv4._beginning.cache_info().currsize
    assert judged(request, signing_time(request)) == KEY_ID
    assert sigv4._beginning.cache_info().currsize == remembered
    assert not sigv4._signed_headers.cache_info().currsize


@pytest.mark.parametrize("sign_it", [signed_by_botocore, presigned_by_botocore])
def test_a_scope_without_end_is_read_and_not_remembered(sign_it):
    request = sign_it(region="x" * 2_000)
    remembered = sigv4._beginning.cache_info().currsize
    assert judged(request, signing_time(request)) is SDNM
    assert sigv4._beginning.cache_info().currsize == remembered


@bounded
@given(
    path=paths,
    query=queries,
    body=st.binary(max_size=40),
    token=tokens,
    secret=st.text("abcXYZ09+/", min_size=16, max_size=40),
)
def test_what_our_own_client_signs_is_believed(path, query, body, token, secret):
    now = datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC)
    url = f"https://sts.example{path}" + (f"?{query}" if query else "")
    credentials = Credentials(KEY_ID, Secret(secret), None if token is None else Secret(token))
    headers = sign(
        "POST", url, {"Content-Type": FORM}, body, credentials=credentials, region="eu-west-1", service="sts", now=now
    )
    assert judged(received("POST", url, headers, body), now, secret=secret) == KEY_ID


def test_blanks_inside_a_signed_value_count_as_one():
    request = signed_by_botocore(headers={"X-Other": "\t a \t b  c\t"})
    assert judged(request, signing_time(request)) == KEY_ID
    assert judged(with_header(request, "X-Other", "a b\tc"), signing_time(request)) == KEY_ID
    assert judged(with_header(request, "X-Other", "ab c"), signing_time(request)) is SDNM
    assert judged(with_header(request, "X-Other", "a\u00a0b c"), signing_time(request)) is SDNM


@settings(max_examples=300)
@given(st.lists(st.text(" \ta:%", max_size=6).map(str.encode), min_size=2, max_size=2))
def test_the_lines_of_a_canonical_request_are_names_with_trimmed_values(given_values):
    names = (b"a%b", b"host")
    lines = b"".join(
        b"%b:%b\n" % (name, re.sub(rb"[ \t]+", b" ", value.strip(b" \t")))
        for name, value in zip(names, given_values, strict=True)
    )
    signed = SignedHeaders.of(names)
    assert signed.with_values(dict(zip(names, given_values, strict=True))) == lines + b"\na%b;host"


def test_our_signer_and_botocore_sign_alike():
    request = signed_by_botocore(url="http://sts.example:8080/a%20b?x=%2F&a=1", token="a+token/=")
    ours = sign(
        "POST", "http://sts.example:8080/a%20b?x=%2F&a=1", {"Content-Type": FORM}, WHOAMI,
        credentials=Credentials(KEY_ID, Secret(SECRET), Secret("a+token/=")), region="us-east-1", service="sts",
        now=signing_time(request),
    )  # fmt: skip
    assert ours["Authorization"].encode() == request.header(b"authorization")


def test_the_header_set_of_the_javascript_sdk_is_believed():
    # It signs its own bookkeeping, the content length and the hash of the body (AWS SDK for JavaScript v3).
    now = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "content-length": str(len(WHOAMI)),
        "amz-sdk-invocation-id": "0b0b",
        "amz-sdk-request": "attempt=1; max=3",
        "x-amz-user-agent": "aws-sdk-js/3",
        "x-amz-content-sha256": hashlib.sha256(WHOAMI).hexdigest(),
    }
    credentials = Credentials(KEY_ID, Secret(SECRET))
    url = "http://127.0.0.1:8080/"
    sent = sign("POST", url, headers, WHOAMI, credentials=credentials, region="us-east-1", service="sts", now=now)
    assert judged(received("POST", url, sent, WHOAMI), now) == KEY_ID


def test_a_presigned_request_without_an_expiry_is_believed_as_the_go_sdk_sends_it():
    now = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
    query = (
        "Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256"
        f"&X-Amz-Credential={KEY_ID}%2F20260301%2Fus-east-1%2Fsts%2Faws4_request"
        "&X-Amz-Date=20260301T120000Z&X-Amz-SignedHeaders=host"
    )
    canonical = f"GET\n/\n{query}\nhost:sts.example\n\nhost\n{EMPTY_HASH}"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"AWS4-HMAC-SHA256\n20260301T120000Z\n20260301/us-east-1/sts/aws4_request\n{digest}"
    signature = hmac.digest(
        signing_key(Secret(SECRET), "20260301", "us-east-1", "sts"), to_sign.encode(), "sha256"
    ).hex()
    request = received("GET", f"https://sts.example/?{query}&X-Amz-Signature={signature}", {}, b"")
    assert judged(request, now) == KEY_ID


def test_the_example_key_of_the_documentation_is_derived_as_documented():
    # IAM User Guide, "Create a signed AWS API request": the derivation, written out.
    key = b"AWS4" + SECRET.encode()
    for word in (b"20150830", b"us-east-1", b"iam", b"aws4_request"):
        key = hmac.new(key, word, hashlib.sha256).digest()
    assert signing_key(Secret(SECRET), "20150830", "us-east-1", "iam") == key


# --- nothing else is -------------------------------------------------------------------

HEADER = signed_by_botocore(
    token="a-session-token", headers={"Content-Type": FORM, "X-Amz-Extra": "1", "X-Other": "b c"}
)
QUERY = presigned_by_botocore(token="a-session-token", headers={"x-k8s-aws-id": "cluster"})
HEADER_NOW = signing_time(HEADER)
QUERY_NOW = signing_time(QUERY)
SIGNED_LINES = [i for i, (name, _) in enumerate(HEADER.headers) if name.lower() != b"content-length"]


def replaced(data: bytes, at: int, byte: int) -> bytes:
    at %= len(data)
    return data[:at] + bytes([byte]) + data[at + 1 :]


@settings(max_examples=300)
@given(
    where=st.sampled_from(["method", "target", "body", *(f"header {i}" for i in SIGNED_LINES)]),
    at=st.integers(0, 4000),
    byte=st.integers(0x21, 0xFF),
)
def test_no_byte_of_what_was_signed_in_the_header_can_be_changed(where, at, byte):
    match where.split():
        case ["method"]:
            mutant = changed(HEADER, method=replaced(b"POST", at, byte).decode("latin-1"))
        case ["target"]:
            mutant = changed(HEADER, target=replaced(HEADER.target, at, byte))
        case ["body"]:
            mutant = changed(HEADER, body=replaced(HEADER.body, at, byte))
        case [_, index]:
            lines = list(HEADER.headers)
            name, value = lines[int(index)]
            lines[int(index)] = (name, replaced(value, at, byte))
            mutant = changed(HEADER, headers=tuple(lines))
    assert bytes_of(mutant) == bytes_of(HEADER) or judged(mutant, HEADER_NOW) != KEY_ID


@settings(max_examples=400)
@given(at=st.integers(0, len(QUERY.target) - 1), byte=st.integers(0x21, 0x7E), delete=st.booleans())
def test_no_byte_of_what_was_signed_in_the_query_can_be_changed(at, byte, delete):
    target = QUERY.target[:at] + QUERY.target[at + 1 :] if delete else replaced(QUERY.target, at, byte)
    mutant = changed(QUERY, target=target)
    assert bytes_of(mutant) == bytes_of(QUERY) or judged(mutant, QUERY_NOW) != KEY_ID


def test_a_request_with_another_secret_is_not_believed():
    assert judged(HEADER, HEADER_NOW, secret=SECRET[:-1] + "Z") is SDNM


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        # Anything may be added by somebody between client and server, unless it had to be signed.
        pytest.param(lambda r: with_header(r, "X-Amz-Target", "x", also=True), SDNM, id="CVE-2026-97731 an unsigned x-amz-target is added"),
        pytest.param(lambda r: with_header(r, "x-aMz-anything", "x", also=True), SDNM, id="CVE-2026-115374 any unsigned x-amz header is added"),
        pytest.param(lambda r: with_header(r, "X-Amz-Security-Token", "t", also=True), BAD, id="a second security token is added"),
        pytest.param(lambda r: with_header(r, "X-Amz-Date", "20260101T000000Z", also=True), BAD, id="a second date is added"),
        pytest.param(lambda r: with_header(r, "Host", "evil", also=True), BAD, id="CVE-2026-34525 a second host is added"),
        pytest.param(lambda r: with_header(r, "Authorization", "x", also=True), BAD, id="a second authorization is added"),
        pytest.param(lambda r: with_header(r, "X-Other", "z", also=True), BAD, id="a signed header is repeated"),
        pytest.param(lambda r: with_header(r, "X-Other", None), SDNM, id="a signed header is removed"),
        pytest.param(lambda r: with_header(r, "X-Amz-Security-Token", None), SDNM, id="the security token is removed"),
        pytest.param(lambda r: with_authorization(r, "x-amz-extra;", ""), SDNM, id="an x-amz header is no longer named as signed"),
        pytest.param(lambda r: with_authorization(r, "content-type;", ""), SDNM, id="the content type is no longer named as signed"),
        pytest.param(lambda r: with_authorization(r, "host;", ""), IS, id="the host is no longer named as signed"),
        pytest.param(lambda r: with_authorization(r, "content-type;host", "host;content-type"), IS, id="signed names out of order"),
        pytest.param(lambda r: with_authorization(r, "host;", "host;host;"), IS, id="a signed name twice"),
        pytest.param(lambda r: with_authorization(r, "host;", "Host;"), IS, id="a signed name in upper case"),
        pytest.param(lambda r: with_authorization(r, "host;", ";host;"), IS, id="an empty signed name"),
        pytest.param(lambda r: with_header(r, "X-Amz-Date", None), IS, id="no X-Amz-Date"),
        pytest.param(lambda r: with_header(with_header(r, "X-Amz-Date", None), "Date", "Sat, 01 Jan 2026 00:00:00 GMT"), IS, id="a Date header only"),
        pytest.param(lambda r: with_header(r, "Authorization", "Bearer x"), IS, id="another scheme"),
        pytest.param(lambda r: with_header(r, "Authorization", ""), IS, id="an empty authorization"),
        pytest.param(lambda r: with_authorization(r, "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"), IS, id="another algorithm"),
        pytest.param(lambda r: with_authorization(r, "AWS4-HMAC-SHA256", "aws4-hmac-sha256"), IS, id="the algorithm in lower case"),
        pytest.param(lambda r: with_authorization(r, "/us-east-1/", "/us-east-1/x/"), IS, id="six fields in the credential"),
        pytest.param(lambda r: with_authorization(r, KEY_ID, ""), IS, id="no access key id"),
        pytest.param(lambda r: with_authorization(r, KEY_ID, KEY_ID[:-1] + "\u00c9"), IS, id="an access key id that is not ASCII"),
        pytest.param(lambda r: with_authorization(r, "Signature=", "Signature=\u00e9"), SDNM, id="a signature that is not ASCII"),
        pytest.param(lambda r: with_authorization(r, "Signature=", "Signature=-"), SDNM, id="a signature of more than letters and digits"),
        pytest.param(lambda r: with_authorization(r, "Signature=", "Signature=a "), IS, id="a signature of two words"),
        pytest.param(lambda r: with_authorization(r, "Signature=", "Signature=de ad"), IS, id="a blank in the signature"),
        pytest.param(lambda r: with_authorization(r, "Signature=", "Signature=x, Signature="), IS, id="a second signature"),
        pytest.param(lambda r: with_header(r, "Authorization", r.header(b"authorization").decode().replace(sig := r.header(b"authorization").decode()[-64:], sig.upper())), SDNM, id="the signature in upper case"),
        # Two places of credentials: one reader checks the one, another believes the other.
        pytest.param(lambda r: changed(r, target=b"/?X-Amz-Credential=AKIAOTHER"), BAD, id="CVE-2026-40344 a credential in the query too"),
        pytest.param(lambda r: changed(r, target=b"/?x%2damz-signature=1"), BAD, id="CVE-2026-41145 an escaped signature in the query too"),
        # RustFS GHSA-c667-rgrv-99vj: a signed body with another action beside it, or at another path.
        pytest.param(lambda r: changed(r, target=b"/?Action=DeleteUser"), SDNM, id="GHSA-c667 another action in the query"),
        pytest.param(lambda r: changed(r, target=b"/other"), SDNM, id="GHSA-c667 another path"),
        pytest.param(lambda r: changed(r, target=b"//"), SDNM, id="GHSA-c667 another spelling of the path"),
        pytest.param(lambda r: changed(r, method="GET"), SDNM, id="GHSA-c667 another method"),
        pytest.param(lambda r: changed(r, body=b""), SDNM, id="the body is removed"),
    ],
)  # fmt: skip
def test_changed_request_signed_in_the_header_is_refused(change, expected):
    assert judged(change(HEADER), HEADER_NOW) is expected


@pytest.mark.parametrize(
    "moment",
    ["2026111T1111Z", "20260101T000000", "20260101T000000z", "2026-01-01T00:00:00Z", "20260230T000000Z", "20260101T240000Z",
     "20260101T000000Z ", "", "99999999T999999Z", "00000101T000000Z", "٢٠٢٦٠١٠١T000000Z".encode().decode("latin-1"), "Sat, 01 Jan 2026 00:00:00 GMT"],
)  # fmt: skip
def test_a_moment_has_one_spelling(moment):
    mutant = with_header(HEADER, "X-Amz-Date", moment)
    assert judged(mutant, HEADER_NOW) is IS


@pytest.mark.parametrize(
    "declared",
    ["UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", EMPTY_HASH, "",
     hashlib.sha256(WHOAMI).hexdigest().upper(), hashlib.sha256(WHOAMI).hexdigest()[:-1]],
)  # fmt: skip
def test_cve_2025_31489_the_declared_hash_is_absent_or_the_true_one(declared):
    # Signed with the declared hash in the canonical request too, as a client would that wants its payload unsigned.
    url = "http://sts.example:8080/"
    request = AWSRequest("POST", url, headers={"Content-Type": FORM, "X-Amz-Content-Sha256": declared}, data=WHOAMI)
    SigV4Auth(BotocoreCredentials(KEY_ID, SECRET), "sts", "us-east-1").add_auth(request)
    sent = received("POST", url, dict(request.prepare().headers.items()), WHOAMI)
    assert judged(sent, signing_time(sent)) is BAD


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param("X-Amz-Credential=", "X-Amz-Credential=x&X-Amz-Credential=", BAD, id="CVE-2022-2385 a second credential"),
        pytest.param("X-Amz-Credential=", "x-amz-credential=x&X-Amz-Credential=", BAD, id="CVE-2022-2385 a credential in lower case too"),
        pytest.param("X-Amz-Credential=", "x-amz-credential=", BAD, id="CVE-2022-2385 a credential in lower case only"),
        pytest.param("X-Amz-Credential=", "X%2DAmz-Credential=", BAD, id="an escaped name"),
        pytest.param("X-Amz-Credential=", "X-Amz-Other=", BAD, id="an unknown signature parameter"),
        pytest.param("&X-Amz-Signature=", "&X-Other=", IS, id="no signature"),
        pytest.param("&X-Amz-SignedHeaders=", "&X-Other=", IS, id="no signed headers"),
        pytest.param("&X-Amz-Date=", "&X-Other=", IS, id="no date"),
        pytest.param("X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256", IS, id="another algorithm"),
        pytest.param("X-Amz-Expires=60", "X-Amz-Expires=0", IS, id="CVE-2020-12692 an expiry of nothing"),
        pytest.param("X-Amz-Expires=60", "X-Amz-Expires=-1", IS, id="CVE-2020-12692 a negative expiry"),
        pytest.param("X-Amz-Expires=60", "X-Amz-Expires=604801", IS, id="CVE-2020-12692 an expiry of more than a week"),
        pytest.param("X-Amz-Expires=60", "X-Amz-Expires=+60", IS, id="an expiry with a sign"),
        pytest.param("X-Amz-Expires=60", "X-Amz-Expires=6_0", IS, id="an expiry with an underscore"),
        pytest.param("X-Amz-Expires=60", "X-Amz-Expires=%D9%A6%D9%A0", IS, id="an expiry in other digits"),
        pytest.param("X-Amz-Expires=60", "X-Amz-Expires=61", SDNM, id="a longer expiry"),
        pytest.param("X-Amz-Expires=60&", "", SDNM, id="the expiry removed"),
        pytest.param("&X-Amz-Security-Token=a-session-token", "", SDNM, id="the token removed"),
        pytest.param("Action=GetCallerIdentity", "Action=GetCallerIdentity%26x", SDNM, id="a delimiter hidden in a value"),
        pytest.param("&Version=2011-06-15", "%26Version=2011-06-15", SDNM, id="SigV1: two parameters become one"),
        pytest.param("Action=", "Act%69on=", SDNM, id="another spelling of a name"),
        pytest.param("%2Fsts%2F", "%2fsts%2f", SDNM, id="another spelling of an escape"),
    ],
)  # fmt: skip
def test_changed_request_signed_in_the_query_is_refused(old, new, expected):
    assert judged(with_target(QUERY, old, new), QUERY_NOW) is expected


def test_the_signature_in_the_query_has_no_second_spelling():
    signature = QUERY.target.partition(b"X-Amz-Signature=")[2][:64].decode()
    escaped = f"%{ord(signature[0]):02x}{signature[1:]}"
    assert judged(with_target(QUERY, signature, escaped), QUERY_NOW) is SDNM


@pytest.mark.parametrize("header", ["X-Amz-Security-Token", "X-Amz-Date", "Authorization"])
def test_cve_2026_40344_a_presigned_request_has_no_credentials_in_its_headers(header):
    assert judged(with_header(QUERY, header, "x"), QUERY_NOW) in {BAD, IS}


def test_a_header_of_another_kind_may_accompany_a_presigned_request():
    assert judged(with_header(QUERY, "User-Agent", "kubectl"), QUERY_NOW) == KEY_ID


def test_no_credentials_anywhere_is_no_proof_and_no_mistake():
    assert (
        unverified_proof(received("POST", "http://sts.example/", {"Content-Type": FORM}, b"Action=AssumeRoleWithSAML"))
        is None
    )


def test_a_content_type_that_nobody_signed_is_refused():
    # Whoever adds it decides how the body is read.
    bare = signed_by_botocore(headers={}, body=b"a=b")
    assert judged(with_header(bare, "Content-Type", None), signing_time(bare)) == KEY_ID
    assert judged(with_header(bare, "Content-Type", FORM), signing_time(bare)) is SDNM


def test_a_token_without_a_signature_is_not_anonymous():
    bare = received("POST", "http://sts.example/", {"X-Amz-Security-Token": "t"}, b"")
    assert judged(bare, HEADER_NOW) is IS


# --- scope and time --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        pytest.param(signed_by_botocore(service="s3"), "correct service", id="CVE-2025-65073 a signature for s3"),
        pytest.param(presigned_by_botocore(service="s3"), "correct service", id="CVE-2025-65073 a presigned URL for s3"),
        pytest.param(signed_by_botocore(service="iam"), "correct service", id="a signature for iam"),
        pytest.param(signed_by_botocore(region="mars-1"), "valid region", id="a region that is not ours"),
        pytest.param(with_authorization(signed_by_botocore(), "/aws4_request", "/aws5_request"), "valid terminator", id="another terminator"),
    ],
)  # fmt: skip
def test_a_signature_for_another_place_says_nothing_here(request_, reason):
    proof = unverified_proof(request_)
    assert isinstance(proof, Proof)
    with pytest.raises(Unproven) as unproven:
        verify(proof, Secret(SECRET), now=proof.signed_at, service="sts", regions=REGIONS)
    assert unproven.value.refusal.reason is SDNM
    assert reason in unproven.value.refusal.message


def test_the_date_of_the_scope_is_the_date_of_the_signature():
    # The key of another day signs a request that claims to be of today.
    now = datetime(2026, 3, 1, 0, 0, 30, tzinfo=UTC)
    yesterday = "20260228"
    canonical = f"POST\n/\n\nhost:sts.example\nx-amz-date:20260301T000030Z\n\nhost;x-amz-date\n{EMPTY_HASH}"
    scope = f"{yesterday}/us-east-1/sts/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n20260301T000030Z\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = signing_key(Secret(SECRET), yesterday, "us-east-1", "sts")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={KEY_ID}/{scope}, SignedHeaders=host;x-amz-date, Signature={signature}"
    )
    headers = {"X-Amz-Date": "20260301T000030Z", "Authorization": authorization}
    proof = unverified_proof(received("POST", "http://sts.example/", headers, b""))
    assert isinstance(proof, Proof)
    with pytest.raises(Unproven, match="signature-does-not-match") as unproven:
        verify(proof, Secret(SECRET), now=now, service="sts", regions=REGIONS)
    assert "Date in Credential scope does not match" in unproven.value.refusal.message


@pytest.mark.parametrize(
    ("request_", "age", "expected"),
    [
        pytest.param(HEADER, timedelta(0), KEY_ID, id="header, now"),
        pytest.param(HEADER, 5 * MINUTE, KEY_ID, id="header, five minutes old"),
        pytest.param(HEADER, 5 * MINUTE + SECOND, SDNM, id="CVE-2020-12692 header, a second older"),
        pytest.param(HEADER, -5 * MINUTE, KEY_ID, id="header, five minutes ahead"),
        pytest.param(HEADER, -5 * MINUTE - SECOND, SDNM, id="header, a second further ahead"),
        pytest.param(QUERY, 15 * MINUTE, KEY_ID, id="presigned, fifteen minutes old although it said sixty seconds"),
        pytest.param(QUERY, 15 * MINUTE + SECOND, SDNM, id="CVE-2020-12692 presigned, a second older"),
        pytest.param(presigned_by_botocore(expires=604_800), 15 * MINUTE + SECOND, SDNM, id="presigned for a week, a second older"),
        pytest.param(QUERY, -5 * MINUTE, KEY_ID, id="presigned, five minutes ahead"),
        pytest.param(QUERY, -5 * MINUTE - SECOND, SDNM, id="presigned, a second further ahead"),
        pytest.param(HEADER, timedelta(days=36500), SDNM, id="header, a century old"),
    ],
)  # fmt: skip
def test_a_signature_is_good_for_a_while(request_, age, expected):
    assert judged(request_, signing_time(request_) + age) == expected


@pytest.mark.parametrize(
    ("expires", "age", "expected"),
    [
        pytest.param(60, 60 * SECOND, KEY_ID, id="for a minute, a minute old"),
        pytest.param(60, 61 * SECOND, SDNM, id="for a minute, a second older"),
        pytest.param(900, 5 * MINUTE, KEY_ID, id="for longer than any signature counts, five minutes old"),
        pytest.param(900, 5 * MINUTE + SECOND, SDNM, id="for longer than any signature counts, a second older"),
        pytest.param(60, -5 * MINUTE, KEY_ID, id="five minutes ahead"),
    ],
)
def test_cve_2020_12692_what_changes_something_is_not_replayed_for_as_long_as_sts_is_asked_who_signed(
    expires, age, expected
):
    request = presigned_by_botocore(url="http://iam.example/?Action=CreateAccessKey", expires=expires, service="iam")
    assert judged(request, signing_time(request) + age, service="iam") == expected


def test_an_expired_signature_is_refused_in_the_words_of_aws():
    proof = unverified_proof(HEADER)
    assert isinstance(proof, Proof)
    late = msgspec.structs.replace(proof, signed_at=datetime(2026, 1, 1, tzinfo=UTC), date="20260101")
    with pytest.raises(Unproven) as unproven:
        verify(late, Secret(SECRET), now=datetime(2026, 1, 1, 0, 20, tzinfo=UTC), service="sts", regions=REGIONS)
    assert unproven.value.refusal.message == (
        "Signature expired: 20260101T000000Z is now earlier than 20260101T001500Z (20260101T002000Z - 5 min.)"
    )


# --- secrets stay ----------------------------------------------------------------------


def test_neither_a_proof_nor_an_error_shows_what_would_prove_something():
    proof = unverified_proof(HEADER)
    assert isinstance(proof, Proof)
    with pytest.raises(Unproven) as unproven:
        verify(proof, Secret("wrong"), now=HEADER_NOW, service="sts", regions=REGIONS)
    shown = f"{proof!r} {unproven.value!r} {unproven.value.refusal!r} {Credentials(KEY_ID, Secret(SECRET), Secret('tok'))!r}"
    expected = hmac.digest(
        signing_key(Secret("wrong"), proof.date, proof.region, "sts"), proof.string_to_sign, "sha256"
    ).hex()
    for secret in ("a-session-token", proof.signature, expected, SECRET, "'tok'", "wrong"):
        assert secret not in shown


def test_a_changed_secret_is_not_verified_with_the_key_of_the_old_one():
    keys = SigningKeys()
    place = ("AKIA", "20260101", "us-east-1", "sts")
    for secret in (Secret("old"), Secret("new"), Secret("new"), Secret("old")):
        code = keys.of(place[0], secret, *place[1:])
        code.update(b"text")
        assert code.finalize() == hmac.digest(signing_key(secret, *place[1:]), b"text", "sha256")


def test_a_key_is_found_again_for_the_same_day_region_and_service_only():
    keys, secret = SigningKeys(), Secret("s")
    for place in itertools.product(("20260101", "20260102"), ("us-east-1", "eu-west-1"), ("sts", "iam")):
        code = keys.of("AKIA", secret, *place)
        code.update(b"text")
        assert code.finalize() == hmac.digest(signing_key(secret, *place), b"text", "sha256")


def test_the_keys_that_are_remembered_are_bounded():
    keys = SigningKeys(most=3)
    for number in range(10):
        code = keys.of(f"AKIA{number}", Secret("s"), "20260101", "us-east-1", "sts")
        key = signing_key(Secret("s"), "20260101", "us-east-1", "sts")
        assert code.finalize() == hmac.digest(key, b"", "sha256")
    assert len(keys._codes) == 3


# --- what a resource server passes on --------------------------------------------------

SIGNED_AT = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
SCOPE = "20260504/eu-west-1/s3/aws4_request"
TO_SIGN = f"AWS4-HMAC-SHA256\n20260504T030201Z\n{SCOPE}\n{EMPTY_HASH}".encode()


def delegated(to_sign=TO_SIGN, scope=SCOPE, signature=None, now=SIGNED_AT, service="s3", secret=SECRET, **kwargs):
    """What a resource server learns; signed by the holder of the secret unless a signature is given."""
    date, region, name, *_ = [*scope.split("/"), "", "", ""]
    if signature is None:
        signature = hmac.digest(signing_key(Secret(secret), date, region, name), to_sign, "sha256").hex()
    return verify_delegated(to_sign, scope, signature, Secret(SECRET), now=now, service=service, **kwargs)


def test_what_a_resource_server_passes_on_is_believed():
    assert delegated() == SIGNED_AT
    assert delegated(now=SIGNED_AT + 15 * MINUTE) == SIGNED_AT
    assert delegated(now=SIGNED_AT - 5 * MINUTE) == SIGNED_AT


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"secret": "other"}, id="signed with another secret"),
        pytest.param({"now": SIGNED_AT + 15 * MINUTE + SECOND}, id="too old"),
        pytest.param({"now": SIGNED_AT - 5 * MINUTE - SECOND}, id="too far ahead"),
        pytest.param({"now": SIGNED_AT + 6 * MINUTE, "window": 5 * MINUTE}, id="too old for a narrower window"),
        pytest.param({"service": "sts"}, id="for another service"),
        pytest.param({"scope": SCOPE.replace("eu-west-1", "us-east-1")}, id="a scope that is not in the string"),
        pytest.param({"to_sign": TO_SIGN.replace(b"20260504/", b"20260505/"), "scope": SCOPE.replace("20260504", "20260505")}, id="a scope of another day"),
        pytest.param({"to_sign": TO_SIGN.replace(b"/aws4_request", b"/aws5_request"), "scope": SCOPE.replace("aws4", "aws5")}, id="another terminator"),
        pytest.param({"to_sign": TO_SIGN.replace(b"AWS4-HMAC-SHA256", b"AWS4-HMAC-SHA256-PAYLOAD")}, id="the signature of a chunk"),
        pytest.param({"to_sign": TO_SIGN + b"\n"}, id="a line too many"),
        pytest.param({"to_sign": TO_SIGN[:-1]}, id="a hash too short"),
        pytest.param({"to_sign": b""}, id="nothing"),
        pytest.param({"to_sign": TO_SIGN.replace(b"T030201Z", b"T030201")}, id="a moment without its zone"),
        pytest.param({"scope": "20260504//s3/aws4_request", "to_sign": TO_SIGN.replace(b"eu-west-1", b"")}, id="no region"),
        pytest.param({"signature": "0" * 64}, id="a signature of zeros"),
        pytest.param({"signature": "\u00e9" * 64}, id="a signature that is not ASCII"),
        pytest.param({"signature": "\ud800" * 64}, id="a signature that is no text"),
        pytest.param({"signature": ""}, id="no signature"),
        pytest.param({"scope": "", "to_sign": b"AWS4-HMAC-SHA256\n20260504T030201Z\n\n" + EMPTY_HASH.encode()}, id="no scope"),
    ],
)  # fmt: skip
def test_what_a_resource_server_cannot_prove_is_refused(changed):
    with pytest.raises(Unproven):
        delegated(**changed)


@settings(max_examples=200)
@given(to_sign=st.binary(max_size=200), scope=st.text(max_size=60), signature=st.text(max_size=70))
def test_no_delegated_proof_is_a_fault(to_sign, scope, signature):
    with pytest.raises(Unproven):
        verify_delegated(to_sign, scope, signature, Secret(SECRET), now=SIGNED_AT, service="s3")


# --- any bytes -------------------------------------------------------------------------

fragments = st.sampled_from(
    [b"X-Amz-Signature", b"X-Amz-Credential", b"=", b"&", b"%", b"%2F", b"?", b"AWS4-HMAC-SHA256 ", b"/"]
)
noise = st.lists(st.binary(max_size=6) | fragments, max_size=12).map(b"".join)
names = st.sampled_from(
    [b"Authorization", b"Host", b"X-Amz-Date", b"X-Amz-Security-Token", b"content-type", b"X-Amz-Content-Sha256"]
)
authorizations = st.tuples(st.text(max_size=30), st.text(max_size=10), st.text(max_size=10)).map(
    lambda t: f"AWS4-HMAC-SHA256 Credential={t[0]}, SignedHeaders={t[1]}, Signature={t[2]}".encode()
)


@settings(max_examples=300)
@given(
    method=st.text(max_size=5),
    target=noise,
    headers=st.lists(st.tuples(names | noise, noise | authorizations), max_size=6),
    body=st.binary(max_size=20),
)
def test_any_bytes_are_a_proof_a_refusal_or_nothing(method, target, headers, body):
    request = Received(method, target, tuple(headers), body, "127.0.0.1")
    proof = unverified_proof(request)
    assert proof is None or isinstance(proof, Proof | Refusal)
    if isinstance(proof, Proof):
        with pytest.raises(Unproven):
            verify(proof, Secret(SECRET), now=HEADER_NOW, service="sts", regions=REGIONS)
