"""Errors: every reason has a status, and is spelled as AWS spells it."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest
from botocore.loaders import Loader
from botocore.parsers import create_parser
from hypothesis import given, settings
from hypothesis import strategies as st

from authority.kernel.refusal import Reason, Refusal
from authority.wire.errors import SPELLINGS, render_json, render_query_json, render_xml
from authority.wire.query import UNSPEAKABLE

NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"


def test_every_reason_has_a_status():
    assert SPELLINGS.keys() == set(Reason)
    assert all(400 <= spelling.status <= 503 for spelling in SPELLINGS.values())


@pytest.mark.parametrize("service", ["iam", "sts"])
def test_codes_that_the_model_knows_have_the_status_it_says(service):
    shapes = Loader().load_service_model(service, "service-2")["shapes"].values()
    modelled = {s["error"]["code"]: s["error"]["httpStatusCode"] for s in shapes if "error" in s}
    ours = {spelling.code: spelling.status for spelling in SPELLINGS.values() if spelling.code in modelled}
    assert ours
    assert ours == {code: modelled[code] for code in ours}


@pytest.mark.parametrize(
    ("reason", "code", "status"),
    [
        (Reason.EXPIRED_TOKEN, "ExpiredToken", 403),
        (Reason.INVALID_CLIENT_TOKEN_ID, "InvalidClientTokenId", 403),
        (Reason.SIGNATURE_DOES_NOT_MATCH, "SignatureDoesNotMatch", 403),
        (Reason.INCOMPLETE_SIGNATURE, "IncompleteSignature", 400),
        (Reason.MISSING_AUTHENTICATION_TOKEN, "MissingAuthenticationToken", 403),
        (Reason.ACCESS_DENIED, "AccessDenied", 403),
        (Reason.VALIDATION_ERROR, "ValidationError", 400),
        (Reason.THROTTLING, "Throttling", 400),
        (Reason.INVALID_ACTION, "InvalidAction", 400),
        (Reason.UNSUPPORTED_OPERATION, "InvalidAction", 400),
    ],
)
def test_clients_act_upon_the_code(reason, code, status):
    assert (SPELLINGS[reason].code, SPELLINGS[reason].status) == (code, status)


def test_a_refusal_has_the_envelope_of_the_query_protocol():
    status, document = render_xml(Refusal(Reason.NO_SUCH_ENTITY, "No <such> role."), "id-1", NAMESPACE)
    assert status == 404
    assert document.decode() == (
        f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>Sender</Type><Code>NoSuchEntity</Code>'
        "<Message>No &lt;such&gt; role.</Message></Error><RequestId>id-1</RequestId></ErrorResponse>"
    )


def test_whoever_accepts_json_reads_the_same_refusal():
    status, document = render_query_json(Refusal(Reason.NO_SUCH_ENTITY, "No <such> \ud800 role."), "id-1")
    assert (status, b"<" in document) == (404, False)
    assert json.loads(document) == {
        "Error": {"Code": "NoSuchEntity", "Message": "No <such> ? role.", "Type": "Sender"},
        "RequestId": "id-1",
    }


def test_a_failure_of_ours_is_not_blamed_on_the_sender():
    status, document = render_xml(Refusal(Reason.INTERNAL_FAILURE, ""), "id-1", NAMESPACE)
    assert status == 500
    assert b"<Type>Receiver</Type>" in document


@settings(max_examples=100)
@given(reason=st.sampled_from(Reason), message=st.text(st.characters(exclude_categories=["Cs"])))
def test_botocore_reads_every_refusal(reason, message):
    status, document = render_xml(Refusal(reason, message), "id-1", NAMESPACE)
    parsed = create_parser("query").parse({"status_code": status, "headers": {}, "body": document}, None)
    assert parsed["Error"]["Code"] == SPELLINGS[reason].code
    assert (parsed["Error"]["Message"] or "") == UNSPEAKABLE.sub("\ufffd", message)
    assert parsed["ResponseMetadata"]["RequestId"] == "id-1"

    status, headers, document = render_json(Refusal(reason, message), "id-1")
    parsed = create_parser("json").parse({"status_code": status, "headers": headers, "body": document}, None)
    assert parsed["Error"] == {"Code": SPELLINGS[reason].json_code, "Message": message}
    assert parsed["ResponseMetadata"]["HTTPStatusCode"] == (status if status >= 500 or status == 413 else 400)


def test_half_a_surrogate_pair_in_a_message_is_no_fault():
    _, xml = render_xml(Refusal(Reason.VALIDATION_ERROR, "\ud800"), "id-1", NAMESPACE)
    _, _, document = render_json(Refusal(Reason.VALIDATION_ERROR, "\ud800"), "id-1")
    assert ET.fromstring(xml) is not None
    assert json.loads(document)["message"] == "?"
