"""What is not signed as it should be is refused in AWS's words, and never acted upon."""

from __future__ import annotations

import gzip
import hashlib
import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from authority.credentials import DECOY
from authority.kernel.secret import Secret
from authority.outbound.clock import SystemClock
from authority.wire.sigv4 import Credentials, sign, verify
from tests.live import Keys

MISMATCH = "SignatureDoesNotMatch"
WHO = {"Action": "GetCallerIdentity", "Version": "2011-06-15"}


def code(text: str) -> str:
    return text.partition("<Code>")[2].partition("</Code>")[0]


def test_what_is_signed_well_is_answered(raw, whoami):
    status, text, headers = raw.send(*whoami())
    assert (status, headers["Content-Type"]) == (200, "text/xml")
    assert "<Account>111122223333</Account>" in text
    assert int(headers["x-authority-position"]) > 0


def test_every_header_that_is_changed_or_added_after_signing_is_noticed(raw, whoami):
    headers, body = whoami(x_amz_extra="x")
    for name in headers:
        if name != "Host":
            assert raw.send({**headers, name: headers[name] + "0"}, body)[0] in (400, 403), name
    for name in ("X-Amz-Security-Token", "X-Amz-Anything"):
        status, text, _ = raw.send({**headers, name: "added"}, body)
        assert (status, code(text)) in ((403, MISMATCH), (403, "InvalidClientTokenId")), name


def test_a_body_that_was_changed_is_noticed(raw, whoami):
    headers, body = whoami()
    status, text, _ = raw.send(headers, body.replace(b"GetCallerIdentity", b"GetSessionToken"))
    assert (status, code(text)) == (403, MISMATCH)


def test_a_query_string_added_to_a_signed_post_is_noticed(raw, whoami):
    headers, body = whoami()
    status, text, _ = raw.send(headers, body, target="/?Action=GetSessionToken")
    assert (status, code(text)) in ((403, MISMATCH), (400, "MalformedQueryString"))


@pytest.mark.parametrize("host", ["sts.ours.evil", "127.0.0.1.evil", "127.0.0.1:1", "127.0.0.1.", "user@127.0.0.1"])
def test_a_request_for_another_host_is_refused(raw, whoami, host):
    headers, body = whoami()
    status, text, _ = raw.send({**headers, "Host": host}, body)
    assert (status, code(text)) == (400, "MalformedHttpRequestException")


def test_a_second_host_header_is_refused(raw, whoami):
    headers, body = whoami()
    status, _, _ = raw.send([*headers.items(), ("Host", "elsewhere.test")], body)
    assert status == 400


def test_two_authorization_headers_are_refused(raw, whoami):
    headers, body = whoami()
    status, _, _ = raw.send([*headers.items(), ("Authorization", headers["Authorization"])], body)
    assert status == 400


@pytest.mark.parametrize("service", ["s3", "iam", "authority", "ec2"])
def test_a_signature_for_another_service_says_nothing_here(raw, whoami, service):
    status, text, _ = raw.send(*whoami(service=service))
    assert (status, code(text)) == (403, MISMATCH)


def test_a_signature_for_a_region_that_is_not_served_is_refused(raw, whoami):
    status, text, _ = raw.send(*whoami(region="mars-north-1"))
    assert (status, code(text)) == (403, MISMATCH)


@pytest.mark.parametrize("shift", [timedelta(minutes=-6), timedelta(minutes=6), timedelta(days=-1)])
def test_a_signature_from_another_time_is_refused(raw, shift):
    keys, body = raw.live.administrator, urlencode(WHO).encode()
    headers = sign(
        "POST",
        f"{raw.live.url}/",
        {"Content-Type": "application/x-www-form-urlencoded"},
        body,
        credentials=Credentials(keys.access_key_id, Secret(keys.secret)),
        region="us-east-1",
        service="sts",
        now=SystemClock().now() + shift,
    )
    status, text, _ = raw.send(headers, body)
    assert (status, code(text)) == (403, MISMATCH)
    assert "Signature" in text


def test_an_unknown_key_and_a_wrong_secret_are_told_apart_as_aws_does(raw, whoami):
    unknown = Keys("AKIAAAAAAAAAAAAAAAAA", "secret")
    assert code(raw.send(*whoami(keys=unknown))[1]) == "InvalidClientTokenId"
    wrong = Keys(raw.live.administrator.access_key_id, "secret")
    assert code(raw.send(*whoami(keys=wrong))[1]) == MISMATCH


def test_a_signature_by_an_unknown_key_is_worked_out_too_so_that_no_time_tells_which_keys_there_are(
    raw, whoami, monkeypatch
):
    held = []

    def noted(proof, secret, **more):
        held.append(secret)
        return verify(proof, secret, **more)

    monkeypatch.setattr("authority.pipeline.verify", noted)
    for keys in (
        Keys("AKIAAAAAAAAAAAAAAAAA", "secret"),
        Keys("ASIAAAAAAAAAAAAAAAAA", "secret", token="none of ours"),
    ):
        assert code(raw.send(*whoami(keys=keys))[1]) == "InvalidClientTokenId"
    assert held == [DECOY, DECOY]


def test_a_request_without_any_signature_is_refused(raw):
    status, text, _ = raw.send({"Content-Type": "application/x-www-form-urlencoded"}, urlencode(WHO).encode())
    assert (status, code(text)) == (403, "MissingAuthenticationToken")


@pytest.mark.parametrize(
    "declared",
    ["UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "0" * 64, "ab"],
)
def test_a_body_hash_that_is_not_the_bodys_is_refused(raw, whoami, declared):
    headers, body = whoami(x_amz_content_sha256=declared)
    status, _, _ = raw.send(headers, body)
    assert status == 400


def test_a_true_body_hash_is_accepted(raw, whoami):
    digest = hashlib.sha256(urlencode(WHO).encode()).hexdigest()
    assert raw.send(*whoami(x_amz_content_sha256=digest))[0] == 200


def test_a_compressed_body_is_refused(raw, whoami):
    headers, body = whoami()
    status, _, _ = raw.send({**headers, "Content-Encoding": "gzip"}, gzip.compress(body))
    assert status == 400


def test_a_parameter_that_occurs_twice_is_refused(raw):
    headers, body = raw.signed(b"Action=GetCallerIdentity&Version=2011-06-15&Action=AssumeRole")
    status, text, _ = raw.send(headers, body)
    assert status == 400
    assert code(text).startswith("Malformed")


def test_parameters_named_like_context_keys_have_no_effect(raw):
    form = {**WHO, "aws:MultiFactorAuthPresent": "true", "Account": "999999999999", "UserId": "AIDAOTHER"}
    status, text, _ = raw.send(*raw.signed(form))
    assert status == 200
    assert "999999999999" not in text


def test_names_and_values_that_come_back_are_escaped(raw):
    text = raw.send(*raw.signed({"Action": "</Code><Code>x", "Version": "2011-06-15"}))[1]
    assert "</Code><Code>x" not in text


@pytest.mark.parametrize(
    ("action", "version", "wanted"),
    [
        ("NoSuchAction", "2011-06-15", "InvalidAction"),
        ("GetCallerIdentity", "1999-01-01", "InvalidAction"),
        ("GetServerCertificate", "2010-05-08", "InvalidAction"),
        ("", "2011-06-15", "InvalidAction"),
    ],
)
def test_operations_that_are_not_known_or_not_supported_are_400(raw, action, version, wanted):
    service = "iam" if version == "2010-05-08" else "sts"
    form = {"Action": action, "Version": version, "ServerCertificateName": "x"}
    status, text, _ = raw.send(*raw.signed(form, service=service))
    assert (status, code(text)) == (400, wanted)


@pytest.mark.parametrize(
    "path", ["/v1/events", "/v1/accounts", "/v1/log", "/access/v1/evaluation", "/nothing", "/v1/%2e%2e"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_no_path_answers_whoever_did_not_sign(raw, path, method):
    status, text, _ = raw.send({}, b"", method=method, target=path)
    assert status in (400, 403, 404, 405)
    assert json.loads(text)["code"]
    forged = {"Authorization": "AWS4-HMAC-SHA256 Credential=AKIA/x", "X-Forwarded-User": "root"}
    assert raw.send(forged, b"", method=method, target=path)[0] in (400, 403, 404, 405)
