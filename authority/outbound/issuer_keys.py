"""Key pairs for web identity tokens: ECDSA on P-384 and RSA with 3,072 bits (RFC 7518; NIST SP 800-57 part 1)."""

from __future__ import annotations

import base64
import json
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from authority.kernel.secret import Secret
from authority.kernel.signing import Sign

ES384: Final = "ES384"
RS256: Final = "RS256"
RSA_BITS: Final = 3_072
HALF: Final = 48
"""Bytes of each half of an ES384 signature, and of each coordinate (RFC 7518, section 3.4)."""


class CryptographyIssuerKeys:
    """See `IssuerKeys`."""

    def generate(self, algorithm: str) -> tuple[Secret, str]:
        """See `IssuerKeys.generate`."""
        private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
        if algorithm == ES384:
            private = ec.generate_private_key(ec.SECP384R1())
            point = private.public_key().public_numbers()
            public = {"kty": "EC", "crv": "P-384", "x": _number(point.x, HALF), "y": _number(point.y, HALF)}
        elif algorithm == RS256:
            private = rsa.generate_private_key(public_exponent=65_537, key_size=RSA_BITS)
            numbers = private.public_key().public_numbers()
            public = {"kty": "RSA", "n": _number(numbers.n, RSA_BITS // 8), "e": _number(numbers.e, 3)}
        else:
            raise ValueError(f"nothing is signed with `{algorithm}`")
        der = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        return Secret(der), json.dumps(public, separators=(",", ":"), sort_keys=True)

    def signer(self, algorithm: str, private: Secret) -> Sign:
        """See `IssuerKeys.signer`."""
        key = load_der_private_key(private.reveal(), None)  # revealed to the library that signs
        if algorithm == ES384 and isinstance(key, ec.EllipticCurvePrivateKey):
            elliptic = key
            return lambda message: _es384(elliptic, message)
        if algorithm == RS256 and isinstance(key, rsa.RSAPrivateKey):
            rivest = key
            return lambda message: rivest.sign(message, padding.PKCS1v15(), SHA256())
        raise ValueError(f"the key is none for `{algorithm}`")


def _es384(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(SHA384())))
    return r.to_bytes(HALF, "big") + s.to_bytes(HALF, "big")


def _number(value: int, length: int) -> str:
    """A number as JWK spells it (RFC 7518, sections 6.2.1.2 and 6.3.1)."""
    return base64.urlsafe_b64encode(value.to_bytes(length, "big")).rstrip(b"=").decode("ascii")
