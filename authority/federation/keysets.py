"""The keys that an issuer signs its tokens with, as it publishes them (OpenID Connect Discovery 1.0; RFC 7517).

What is fetched comes from a stranger: it is bounded and read strictly, and a key that could not be relied on is left
out.  A set in which two keys bear one name is refused whole, since nobody can say which is meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.util import urlsafe_b64decode

from authority.wire.reading import Unreadable, json_of

LARGEST_DOCUMENT: Final = 65_536
"""Bytes."""
MOST_KEYS: Final = 64
LONGEST_KEY_ID: Final = 256
RSA_BITS: Final = range(2048, 8193)
DISCOVERY: Final = "/.well-known/openid-configuration"
RSA: Final = frozenset({"RS256", "RS384", "RS512"})
CURVES: Final[Mapping[str, str]] = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
ALGORITHMS: Final = RSA | frozenset(CURVES.values())
"""Every algorithm that counts: asymmetric, and none that takes a public key for a shared secret (RFC 8725, 3.1)."""


class Unusable(Exception):  # noqa: N818 - what an issuer published cannot be relied on
    """Why what an issuer published is of no use, in words of our own."""


class Issuer(msgspec.Struct, frozen=True):
    """An issuer by its URL without the scheme, and the certificates that its servers may show beside those of the web.

    `thumbprints` are SHA-1 digests in lower case.  They count only where no authority of this machine vouches for the
    server's certificate, as in AWS (IAM User Guide, Obtain the thumbprint for an OpenID Connect provider).
    """

    url: str
    thumbprints: tuple[str, ...] = ()


class Fetch(Protocol):
    """Brings a document from an https URL.

    Nothing is followed or guessed: no redirects, and no address that the operator did not allow.  At most
    `LARGEST_DOCUMENT` bytes come back, within seconds; whatever is in the way is an `OSError`, and `Declined` where the
    server answers that it will not.
    """

    async def __call__(self, url: str, thumbprints: tuple[str, ...]) -> bytes:
        """The body of a 200 answer; *thumbprints* as in `Issuer`."""
        ...


class IssuerKey(msgspec.Struct, frozen=True):
    """A public key and the algorithms that it may be used with."""

    key: RSAKey | ECKey
    algorithms: frozenset[str]


class KeySet(msgspec.Struct, frozen=True):
    """What one issuer signs with now.  A key without a name is found only where it is the only one."""

    named: Mapping[str, IssuerKey]
    unnamed: tuple[IssuerKey, ...] = ()

    def find(self, name: str | None) -> IssuerKey | None:
        """The key that a token names; without a name, the only key there is (J04)."""
        if name is not None:
            return self.named.get(name)
        every = (*self.named.values(), *self.unnamed)
        return every[0] if len(every) == 1 else None


async def published_keys(fetch: Fetch, issuer: Issuer) -> KeySet:
    """Ask *issuer* for its keys.  Raises `OSError` when it cannot be reached, `Unusable` when it makes no sense."""
    base = f"https://{issuer.url}"
    keys_at = read_discovery(await fetch(base.removesuffix("/") + DISCOVERY, issuer.thumbprints), base)
    return read_keys(await fetch(keys_at, issuer.thumbprints))


def read_discovery(document: bytes, issuer: str) -> str:
    """Where the keys of *issuer* lie, as its discovery document says (OpenID Connect Discovery 1.0, section 4.3)."""
    described = _object(document)
    if described.get("issuer") != issuer:
        raise Unusable("the discovery document names another issuer")
    keys_at = described.get("jwks_uri")
    if not isinstance(keys_at, str) or not keys_at.startswith("https://") or len(keys_at) > 2048:
        raise Unusable("the discovery document does not say where the keys are")
    return keys_at


def read_keys(document: bytes) -> KeySet:
    """The keys in a JWK set that can be relied on; raises `Unusable` for a set that cannot."""
    listed = _object(document).get("keys")
    if not isinstance(listed, list) or len(listed) > MOST_KEYS:
        raise Unusable("the key set is no list of keys, or too long a one")
    named: dict[str, IssuerKey] = {}
    unnamed: list[IssuerKey] = []
    for described in listed:
        key = _key(described) if isinstance(described, dict) else None
        if key is None:
            continue
        name = described.get("kid")
        if name is None:
            unnamed.append(key)
        elif not isinstance(name, str) or len(name) > LONGEST_KEY_ID:
            continue
        elif name in named:
            raise Unusable("two keys bear the same name")
        else:
            named[name] = key
    return KeySet(named, tuple(unnamed))


def _key(described: Mapping[str, Any]) -> IssuerKey | None:
    """A key that may sign tokens; None for one that may not, is too weak, or should never have been published."""
    if "d" in described or described.get("use", "sig") != "sig":
        return None
    operations = described.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        return None
    try:
        match described.get("kty"):
            case "RSA" if _bits(described["n"]) in RSA_BITS:  # asked before the library would warn of a short one
                key: RSAKey | ECKey = RSAKey.import_key({name: described[name] for name in ("kty", "n", "e")})
                usable = RSA
            case "EC":
                key = ECKey.import_key({name: described[name] for name in ("kty", "crv", "x", "y")})
                usable = frozenset({CURVES[described["crv"]]})
            case _:
                return None
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        return None
    stated = described.get("alg")
    if stated is not None:
        usable &= {stated} if isinstance(stated, str) else frozenset()
    return IssuerKey(key, usable) if usable else None


def _bits(modulus: str) -> int:
    """How long a modulus is (RFC 7518, section 6.3.1.1)."""
    return int.from_bytes(urlsafe_b64decode(modulus.encode("ascii"))).bit_length()


def _object(document: bytes) -> dict[str, Any]:
    if len(document) > LARGEST_DOCUMENT:
        raise Unusable("the document is too large")
    try:
        value = json_of(document)
    except Unreadable:
        raise Unusable("the document is no JSON that can be read in one way only") from None
    if not isinstance(value, dict):
        raise Unusable("the document is no JSON object")
    return value
