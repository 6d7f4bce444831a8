"""SAML metadata as identity providers publish it: read once, when it is uploaded (SAML 2.0 Metadata, section 2).

The document comes from a stranger.  It is bounded before it is parsed, nothing in it is ever fetched or expanded, and
only what verification needs is taken out: who the provider is, what it signs with, and until when that is so.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from authority.federation.strict_xml import NotWellFormed, parsed
from authority.kernel.refusal import Reason, Refusal
from authority.model.providers import SamlMetadata

LARGEST_DOCUMENT: Final = 262_144
"""Bytes; the model of the service allows more than any provider publishes."""
LARGEST_KEPT: Final = 40_000
"""Bytes of the deflated document: what fits into one entry of the log with room to spare."""
LONGEST_ENTITY_ID: Final = 1024
MOST_CERTIFICATES: Final = 10
SMALLEST_RSA_BITS: Final = 2048
CURVES: Final = frozenset({"secp256r1", "secp384r1", "secp521r1"})

METADATA: Final = "{urn:oasis:names:tc:SAML:2.0:metadata}"
SIGNATURE: Final = "{http://www.w3.org/2000/09/xmldsig#}"
PROTOCOL: Final = "urn:oasis:names:tc:SAML:2.0:protocol"

_DECLARATION = re.compile(r"<!(?:DOCTYPE|ENTITY|ELEMENT|ATTLIST|NOTATION)", re.IGNORECASE)
_SPACES = re.compile(r"[ \t\r\n]+")


class _Unfit(Exception):  # noqa: N818 - what is wrong with a document, in words
    """Why a document is refused."""


def read_metadata(text: str) -> SamlMetadata | Refusal:
    """What the metadata document *text* says, or why it is refused.  Never raises, whatever the text."""
    try:
        return _read(text)
    except _Unfit as unfit:
        return Refusal(Reason.INVALID_INPUT, f"Could not parse metadata: {unfit}")


def document_of(metadata: SamlMetadata) -> str:
    """The document as it was uploaded, character for character."""
    return zlib.decompress(metadata.document).decode()


def _read(text: str) -> SamlMetadata:
    raw = text.encode("utf-8", "surrogatepass")
    if len(raw) > LARGEST_DOCUMENT:
        raise _Unfit(f"it is larger than {LARGEST_DOCUMENT} bytes.")
    root = _parsed(text, raw)
    if root.tag != f"{METADATA}EntityDescriptor":
        raise _Unfit("it is not an EntityDescriptor of SAML 2.0 metadata.")
    entity_id = root.get("entityID", "")
    if not entity_id.strip() or len(entity_id) > LONGEST_ENTITY_ID:
        raise _Unfit("its entityID is missing or too long.")
    descriptor = _descriptor(root)
    certificates = tuple(dict.fromkeys(_certificates(descriptor)))
    if not certificates:
        # Without one, nothing the provider says could be verified.
        raise _Unfit("it has no certificate to verify signatures with.")
    if len(certificates) > MOST_CERTIFICATES:
        raise _Unfit(f"it has more than {MOST_CERTIFICATES} certificates.")
    ends = [end for end in (_end(root), _end(descriptor)) if end is not None]
    kept = zlib.compress(raw, 9)
    if len(kept) > LARGEST_KEPT:
        raise _Unfit("it is larger than this authority can keep; leave out what is not about signing in.")
    return SamlMetadata(
        entity_id=entity_id, certificates=certificates, document=kept, valid_until=min(ends, default=None)
    )


def _parsed(text: str, raw: bytes) -> Any:
    if _DECLARATION.search(text):
        raise _Unfit("it declares a document type or entities.")
    try:
        return parsed(raw)
    except NotWellFormed:
        raise _Unfit("it is not well-formed XML.") from None


def _descriptor(root: Any) -> Any:
    """The one part that speaks of an identity provider of SAML 2.0."""
    found = [
        child
        for child in root.iterchildren(f"{METADATA}IDPSSODescriptor")
        if PROTOCOL in child.get("protocolSupportEnumeration", "").split()
    ]
    if len(found) != 1:
        raise _Unfit("it must describe one identity provider of SAML 2.0, no more and no less.")
    return found[0]


def _certificates(descriptor: Any) -> Iterator[str]:
    """The certificates to verify signatures with, in base 64; one without a stated use has every use."""
    for key in descriptor.iterchildren(f"{METADATA}KeyDescriptor"):
        if key.get("use", "signing") != "signing":
            continue
        for info in key.iterchildren(f"{SIGNATURE}KeyInfo"):
            for data in info.iterchildren(f"{SIGNATURE}X509Data"):
                for certificate in data.iterchildren(f"{SIGNATURE}X509Certificate"):
                    yield _certificate(certificate)


def _certificate(element: Any) -> str:
    if len(element):
        # A comment in the middle would make two readers see two certificates.
        raise _Unfit("a certificate is more than text.")
    try:
        der = base64.b64decode(_SPACES.sub("", element.text or ""), validate=True)
        key = x509.load_der_x509_certificate(der).public_key()
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        raise _Unfit("a certificate cannot be read.") from None
    match key:
        case RSAPublicKey() if key.key_size >= SMALLEST_RSA_BITS:
            pass
        case EllipticCurvePublicKey() if key.curve.name in CURVES:
            pass
        case _:
            raise _Unfit(
                f"the key of a certificate is neither RSA of {SMALLEST_RSA_BITS} bits or more nor on a NIST curve."
            )
    return base64.b64encode(der).decode("ascii")


def _end(element: Any) -> datetime | None:
    stated = element.get("validUntil")
    if stated is None:
        return None
    try:
        moment = datetime.fromisoformat(stated.strip())
        # SAML 2.0 Core, section 1.3.3: without a zone, it is UTC.
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _Unfit("its validUntil is not a time.") from None
