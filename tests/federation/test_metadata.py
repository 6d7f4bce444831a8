"""What metadata may say, and how every document that says something else is refused."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authority.federation.metadata import LARGEST_DOCUMENT, document_of, read_metadata
from authority.kernel.refusal import Reason, Refusal
from authority.model.providers import SamlMetadata
from tests.federation.documents import ENTITY, certificate, descriptor, key, metadata


def read(text: str) -> SamlMetadata:
    found = read_metadata(text)
    assert isinstance(found, SamlMetadata), found
    return found


def test_a_document_says_who_the_provider_is_and_what_it_signs_with():
    found = read(metadata())
    assert (found.entity_id, found.certificates, found.valid_until) == (ENTITY, (certificate(),), None)


def test_the_document_comes_back_character_for_character():
    text = metadata(before='<?xml version="1.0" encoding="UTF-8"?>\r\n<!-- für uns -->\n')
    assert document_of(read(text)) == text


@pytest.mark.parametrize(
    ("text", "certificates"),
    [
        pytest.param(metadata(descriptor(key(use=None))), [certificate()], id="a key without a use has every use"),
        pytest.param(
            metadata(descriptor(key(), key(certificate(serial=2), "encryption"))),
            [certificate()],
            id="a key for encryption signs nothing",
        ),
        pytest.param(
            metadata(descriptor(key(), key(certificate(serial=2)))),
            [certificate(), certificate(serial=2)],
            id="two keys while they are rotated",
        ),
        pytest.param(metadata(descriptor(key(), key())), [certificate()], id="one key written twice"),
        pytest.param(
            metadata(descriptor(key(f"\n  {certificate()[:64]}\n  {certificate()[64:]}\n"))),
            [certificate()],
            id="a certificate in lines",
        ),
        pytest.param(
            metadata(descriptor(key(certificate("p-256")))), [certificate("p-256")], id="an elliptic curve of NIST"
        ),
        pytest.param(
            metadata(before='<?xml version="1.0" encoding="utf-16"?>'),
            [certificate()],
            id="a declared encoding that was the file's",
        ),
        pytest.param(
            metadata('<SPSSODescriptor protocolSupportEnumeration="x"/>', descriptor(key())),
            [certificate()],
            id="a provider that plays other parts too",
        ),
    ],
)
def test_certificates(text, certificates):
    assert read(text).certificates == tuple(certificates)


@pytest.mark.parametrize(
    ("root", "inner", "end"),
    [
        ("2030-01-02T03:04:05Z", None, datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2030-01-02T03:04:05+02:00", None, datetime(2030, 1, 2, 1, 4, 5, tzinfo=UTC)),
        ("2030-01-02T03:04:05", None, datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2030-01-02T00:00:00Z", "2029-01-02T00:00:00Z", datetime(2029, 1, 2, tzinfo=UTC)),
        (None, "2031-01-02T00:00:00Z", datetime(2031, 1, 2, tzinfo=UTC)),
    ],
)
def test_the_end_is_the_earlier_of_those_that_are_stated(root, inner, end):
    def stated(value: str | None) -> str:
        return "" if value is None else f' validUntil="{value}"'

    text = metadata(descriptor(key(), more=stated(inner)), more=stated(root))
    assert read(text).valid_until == end


BOMB = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>'
)


@pytest.mark.parametrize(
    ("text", "because"),
    [
        pytest.param("a" * 1024, "it is not well-formed XML.", id="no XML"),
        pytest.param(metadata()[:-5], "it is not well-formed XML.", id="XML that ends early"),
        pytest.param(metadata(before="\x00"), "it is not well-formed XML.", id="a null character"),
        pytest.param(metadata(before="\ud800"), "it is not well-formed XML.", id="half a character"),
        pytest.param(
            metadata(before='<!DOCTYPE x SYSTEM "file:///etc/passwd">'),
            "it declares a document type or entities.",
            id="CVE-2016-10127 an external document type",
        ),
        pytest.param(metadata(before=BOMB), "it declares a document type or entities.", id="a billion laughs"),
        pytest.param(metadata(entity="&xxe;"), "it is not well-formed XML.", id="an entity that is declared nowhere"),
        pytest.param(
            metadata(f"<!--{'x' * LARGEST_DOCUMENT}-->", descriptor(key())),
            f"it is larger than {LARGEST_DOCUMENT} bytes.",
            id="CVE-2025-25293 more than is ever parsed",
        ),
        pytest.param(
            metadata("<a>" * 300 + "</a>" * 300, descriptor(key())), "it is not well-formed XML.", id="too deep"
        ),
        pytest.param(
            metadata().replace("EntityDescriptor", "EntitiesDescriptor"),
            "it is not an EntityDescriptor of SAML 2.0 metadata.",
            id="a federation of many",
        ),
        pytest.param(
            metadata().replace("SAML:2.0:metadata", "SAML:1.0:metadata"),
            "it is not an EntityDescriptor of SAML 2.0 metadata.",
            id="another namespace",
        ),
        pytest.param(metadata(entity=" "), "its entityID is missing or too long.", id="no entity id"),
        pytest.param(metadata(entity="x" * 1025), "its entityID is missing or too long.", id="too long an entity id"),
        pytest.param(
            metadata('<SPSSODescriptor protocolSupportEnumeration="x"/>'),
            "it must describe one identity provider of SAML 2.0, no more and no less.",
            id="no identity provider",
        ),
        pytest.param(
            metadata(descriptor(key()), descriptor(key(certificate(serial=2)))),
            "it must describe one identity provider of SAML 2.0, no more and no less.",
            id="two identity providers",
        ),
        pytest.param(
            metadata(descriptor(key(), protocol="urn:oasis:names:tc:SAML:1.1:protocol")),
            "it must describe one identity provider of SAML 2.0, no more and no less.",
            id="an identity provider of SAML 1.1",
        ),
        pytest.param(
            metadata(f"<Extensions>{descriptor(key())}</Extensions>"),
            "it must describe one identity provider of SAML 2.0, no more and no less.",
            id="an identity provider in the wrong place",
        ),
        pytest.param(
            metadata(descriptor()),
            "it has no certificate to verify signatures with.",
            id="CVE-2026-16443 no certificate at all",
        ),
        pytest.param(
            metadata(descriptor(key(use="encryption"))),
            "it has no certificate to verify signatures with.",
            id="a certificate for encryption only",
        ),
        pytest.param(
            metadata(descriptor(key("!!!!"))), "a certificate cannot be read.", id="a certificate that is no base 64"
        ),
        pytest.param(
            metadata(descriptor(key(base64.b64encode(b"nothing").decode()))),
            "a certificate cannot be read.",
            id="a certificate that is none",
        ),
        pytest.param(
            metadata(descriptor(key(f"{certificate()[:40]}<!-- -->{certificate()[40:]}"))),
            "a certificate is more than text.",
            id="CVE-2018-0489 a comment inside a certificate",
        ),
        *(
            pytest.param(
                metadata(descriptor(key(certificate(kind)))),
                "the key of a certificate is neither RSA of 2048 bits or more nor on a NIST curve.",
                id=f"a key of kind {kind}",
            )
            for kind in ("rsa-1024", "k-256", "ed25519")
        ),
        pytest.param(
            metadata(descriptor(*(key(certificate("p-256", n)) for n in range(1, 12)))),
            "it has more than 10 certificates.",
            id="too many certificates",
        ),
        pytest.param(metadata(more=' validUntil="soon"'), "its validUntil is not a time.", id="an end that is no time"),
        pytest.param(
            metadata(more=' validUntil="0001-01-01T00:00:00+14:00"'),
            "its validUntil is not a time.",
            id="an end before all time",
        ),
    ],
)
def test_documents_that_are_refused(text, because):
    assert read_metadata(text) == Refusal(Reason.INVALID_INPUT, f"Could not parse metadata: {because}")


def test_a_document_that_does_not_deflate_is_refused_before_the_log_overflows():
    noise = "".join(chr(0x4E00 + (n * 7919) % 20000) for n in range(60_000))
    answer = read_metadata(metadata(f"<!--{noise}-->", descriptor(key())))
    assert isinstance(answer, Refusal)
    assert "larger than this authority can keep" in answer.message


@given(st.text(max_size=300))
def test_no_text_raises(noise):
    for text in (
        noise,
        metadata(noise),
        metadata(descriptor(key(noise))),
        metadata(entity=noise),
        metadata(before=noise),
    ):
        assert isinstance(read_metadata(text), SamlMetadata | Refusal)
