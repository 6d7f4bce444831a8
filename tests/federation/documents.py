"""Metadata documents, made in the tests, with certificates made once."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

ENTITY = "https://idp.example.org/metadata"
MD, DS = "urn:oasis:names:tc:SAML:2.0:metadata", "http://www.w3.org/2000/09/xmldsig#"
PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"


@cache
def certificate(kind: str = "rsa-2048", serial: int = 1) -> str:
    """A self-signed certificate for a key of this kind, in DER as base 64."""
    key = {
        "rsa-1024": lambda: rsa.generate_private_key(65537, 1024),
        "rsa-2048": lambda: rsa.generate_private_key(65537, 2048),
        "p-256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "k-256": lambda: ec.generate_private_key(ec.SECP256K1()),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
    }[kind]()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp")])
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=365))
        .sign(key, None if kind == "ed25519" else hashes.SHA256())
    )
    return base64.b64encode(made.public_bytes(serialization.Encoding.DER)).decode()


def key(text: str | None = None, use: str | None = "signing") -> str:
    stated = "" if use is None else f' use="{use}"'
    text = certificate() if text is None else text
    return (
        f'<KeyDescriptor{stated}><ds:KeyInfo xmlns:ds="{DS}"><ds:X509Data><ds:X509Certificate>{text}'
        "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor>"
    )


def descriptor(*keys: str, protocol: str = PROTOCOL, more: str = "") -> str:
    return (
        f'<IDPSSODescriptor protocolSupportEnumeration="{protocol}"{more}>{"".join(keys)}'
        '<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"'
        ' Location="https://idp.example.org/sso"/></IDPSSODescriptor>'
    )


def metadata(*inside: str, entity: str = ENTITY, more: str = "", before: str = '<?xml version="1.0"?>') -> str:
    content = "".join(inside) if inside else descriptor(key())
    return f'{before}<EntityDescriptor xmlns="{MD}" entityID="{entity}"{more}>{content}</EntityDescriptor>'
