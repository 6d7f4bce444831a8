"""SAML responses as a provider would make them, and as an attacker would change them."""

from __future__ import annotations

import base64
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.signer import XMLSigner

from tests.federation.documents import ENTITY, descriptor, key, metadata

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ACCOUNT = "111122223333"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:saml-provider/Corp"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/Staff"
RECIPIENT = "https://signin.aws.amazon.com/saml"
AUDIENCE = "urn:amazon:webservices"
P, A, D = (
    "urn:oasis:names:tc:SAML:2.0:protocol",
    "urn:oasis:names:tc:SAML:2.0:assertion",
    "http://www.w3.org/2000/09/xmldsig#",
)
OURS = "https://aws.amazon.com/SAML/Attributes/"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"


@cache
def pair(kind: str = "rsa", name: str = "idp") -> tuple[Any, x509.Certificate]:
    """A key and its certificate, the same each time."""
    private = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(named)
        .issuer_name(named)
        .public_key(private.public_key())
        .serial_number(7)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2021, 1, 1, tzinfo=UTC))  # keys out of metadata count as long as the metadata does
        .sign(private, hashes.SHA256())
    )
    return private, made


def der(kind: str = "rsa", name: str = "idp") -> str:
    return base64.b64encode(pair(kind, name)[1].public_bytes(Encoding.DER)).decode()


def published(kind: str = "rsa", name: str = "idp") -> str:
    """The metadata of the provider."""
    return metadata(descriptor(key(der(kind, name))))


def moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def attribute(name: str, *values: str) -> str:
    inside = "".join(f"<saml:AttributeValue>{value}</saml:AttributeValue>" for value in values)
    return f'<saml:Attribute Name="{name}">{inside}</saml:Attribute>'


def assertion(
    *,
    now: datetime = NOW,
    identifier: str = "_a1",
    issuer: str = ENTITY,
    name: str = "ann",
    recipient: str = RECIPIENT,
    until: timedelta = timedelta(minutes=5),
    audiences: str | None = None,
    method: str = BEARER,
    issued: timedelta = timedelta(0),
    conditions: str = "",
    session: str = "",
    roles: tuple[str, ...] = (f"{ROLE},{PROVIDER}",),
    session_name: tuple[str, ...] = ("ann@corp",),
    more: str = "",
    confirmation: str = "",
) -> str:
    """One assertion, not signed."""
    restricted = f"<saml:AudienceRestriction><saml:Audience>{AUDIENCE}</saml:Audience></saml:AudienceRestriction>"
    return (
        f'<saml:Assertion xmlns:saml="{A}" ID="{identifier}" Version="2.0" IssueInstant="{moment(now + issued)}">'
        f"<saml:Issuer>{issuer}</saml:Issuer>"
        f'<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">{name}</saml:NameID>'
        f'<saml:SubjectConfirmation Method="{method}"><saml:SubjectConfirmationData Recipient="{recipient}" '
        f'NotOnOrAfter="{moment(now + until)}"/></saml:SubjectConfirmation>{confirmation}</saml:Subject>'
        f'<saml:Conditions NotBefore="{moment(now - timedelta(minutes=1))}" NotOnOrAfter="{moment(now + until)}">'
        f"{restricted if audiences is None else audiences}{conditions}</saml:Conditions>"
        f'<saml:AuthnStatement AuthnInstant="{moment(now)}"{session}><saml:AuthnContext/></saml:AuthnStatement>'
        f"<saml:AttributeStatement>{attribute(OURS + 'Role', *roles)}"
        f"{attribute(OURS + 'RoleSessionName', *session_name)}{more}</saml:AttributeStatement></saml:Assertion>"
    )


def response(*inside: str, identifier: str = "_r1", more: str = "") -> Any:
    """A response around assertions, not signed."""
    text = (
        f'<samlp:Response xmlns:samlp="{P}" ID="{identifier}" Version="2.0" IssueInstant="{moment(NOW)}"{more}>'
        f'<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>'
        f"{''.join(inside)}</samlp:Response>"
    )
    return etree.fromstring(text)


class Signer(XMLSigner):
    """Signs what the library would not, too."""

    def check_deprecated_methods(self) -> None:
        """Let weak algorithms pass: that they do not count is what is tested."""


def signed(
    element: Any, *, kind: str = "rsa", name: str = "idp", method: Any = None, digest: Any = None, embed: str = ""
) -> Any:
    """*element* with its signature in it, where SAML wants it: after its Issuer, or first."""
    private, certificate = pair(kind, name)
    default = SignatureMethod.RSA_SHA256 if kind == "rsa" else SignatureMethod.ECDSA_SHA256
    signer = Signer(
        signature_algorithm=method or default,
        digest_algorithm=digest or DigestAlgorithm.SHA256,
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    place = etree.Element(f"{{{D}}}Signature", Id="placeholder", nsmap={"ds": D})
    element = deepcopy(element)
    element.insert(1 if element.tag == f"{{{A}}}Assertion" else 0, place)
    return signer.sign(element, key=private, cert=[certificate], reference_uri=element.get("ID"), id_attribute="ID")


def sign_assertion(root: Any, **how: Any) -> Any:
    """*root* with its assertion signed."""
    root = deepcopy(root)
    (inside,) = root.findall(f"{{{A}}}Assertion")
    root.replace(inside, signed(inside, **how))
    return root


def encoded(root: Any) -> str:
    text = root if isinstance(root, bytes) else etree.tostring(root)
    return base64.b64encode(text).decode()


def good(**how: Any) -> Any:
    """A response whose assertion is signed."""
    return sign_assertion(response(assertion(**how)))
