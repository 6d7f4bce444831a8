"""Web identity tokens, held against everything that a forger could vary (RFC 7519, RFC 8725, OpenID Connect Core 1.0).

    1. form      compact, three parts, each spelled in the one canonical way, bounded before anything is decoded
    2. header    no member twice, an algorithm that counts, nothing critical; keys that it brings are never looked at
    3. issuer    byte for byte that of a provider of the account
    4. key       from that provider's published set only, by its name, with an algorithm of that key
    5. signature
    6. times     exp, with five minutes for clocks that differ; nbf and iat not ahead by more than that; not for years
    7. audience  every reading of `aud` and `azp` leads to a registered client

The order of 3 and 5 is forced: who says he is the issuer decides whose keys are tried, and until 5 has passed every
value is called unverified.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry, deserialize_compact

from authority.federation.keysets import ALGORITHMS, LONGEST_KEY_ID, KeySet
from authority.kernel.refusal import Reason, Refusal
from authority.wire.reading import Unreadable, json_of

LONGEST_TOKEN: Final = 16_384
SKEW: Final = 300
"""Seconds that an issuer's clock may differ from ours (IAM User Guide, OIDC federation)."""
LONGEST_LIFE: Final = 400 * 86_400
"""Seconds for which a token may say that it is good: a cluster gives its pods some of a year, and nobody needs more."""
LONGEST_SUBJECT: Final = 255
LATEST: Final = 253_402_300_799
"""The last second that a date can be written for."""

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)


def invalid(why: str) -> Refusal:
    """A token that does not count."""
    return Refusal(Reason.INVALID_IDENTITY_TOKEN, why)


MALFORMED: Final = invalid("The ID Token provided is not a valid JWT.")
NOT_VERIFIED: Final = invalid("Couldn't retrieve verification key from your identity provider.")
BAD_SIGNATURE: Final = invalid("The signature of the token could not be verified.")
AUDIENCE: Final = invalid("Incorrect token audience")
NO_SUBJECT: Final = invalid("The token has no subject, or one that is too long.")
EXPIRED: Final = Refusal(Reason.EXPIRED_IDENTITY_TOKEN, "Token expired: the token has expired.")
TOO_LONG: Final = invalid("The token is valid for more than 400 days.")
NOT_YET: Final = invalid("The token is not valid yet.")
TIMES: Final = invalid("The token does not say until when it is valid, in seconds since 1970.")


class Unverified(msgspec.Struct, frozen=True):
    """A token that was taken apart and not verified: good for finding out whose keys to hold it against, no more."""

    token: str
    unverified_issuer: str
    unverified_key: str | None
    unverified_algorithm: str
    unverified_audience: str = ""
    """The one it is for; empty where it is for several."""


class Claims(msgspec.Struct, frozen=True):
    """What an issuer says, signed by it, now, for a client that counts.  Made by `verified` only."""

    issuer: str
    subject: str
    audience: str
    """The client: `azp` where it is set, as in AWS, else `aud`."""
    audiences: tuple[str, ...]
    said: Mapping[str, Any]
    digest: str
    """SHA-256 of what was signed, in hexadecimal digits: the same token gives the same, however often it comes."""


def taken_apart(token: str) -> Unverified | Refusal:
    """Read *token* as far as it takes to find its issuer's keys, or say why it cannot be a token."""
    if len(token) > LONGEST_TOKEN or _TOKEN.fullmatch(token) is None:
        return MALFORMED
    parts = [_decoded(part) for part in token.split(".")]
    if any(part is None for part in parts):
        return MALFORMED
    header, payload = _object(parts[0]), _object(parts[1])
    if header is None or payload is None:
        return MALFORMED
    algorithm, key, issuer, audience = header.get("alg"), header.get("kid"), payload.get("iss"), payload.get("aud")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        return invalid("The token is signed with an algorithm that does not count.")
    # What is critical must be understood, and nothing is; `b64` and `zip` would change what was signed.
    if not {"crit", "b64", "zip", "enc"}.isdisjoint(header):
        return invalid("The header of the token asks for what is not supported.")
    if key is not None and (not isinstance(key, str) or len(key) > LONGEST_KEY_ID):
        return MALFORMED
    if not isinstance(issuer, str):
        return invalid("The token does not say who issued it.")
    return Unverified(token, issuer, key, algorithm, audience if isinstance(audience, str) else "")


def verified(
    unverified: Unverified, keys: KeySet, *, clients: Collection[str] | None, now: datetime
) -> Claims | Refusal | None:
    """The claims of a token that counts *now*; a refusal if it does not; None when *keys* have no such key.

    *clients* are those that are registered with the provider; None for a provider that everybody knows by its name,
    where only policies say which clients count.
    """
    found = keys.find(unverified.unverified_key)
    if found is None:
        return None
    if unverified.unverified_algorithm not in found.algorithms:
        return BAD_SIGNATURE
    registry = JWSRegistry(algorithms=[unverified.unverified_algorithm], strict_check_header=False)
    registry.max_header_length = LONGEST_TOKEN
    try:
        payload = deserialize_compact(unverified.token, found.key, registry=registry).payload
    except (JoseError, ValueError, TypeError, KeyError):
        return BAD_SIGNATURE
    said = _object(payload)
    if said is None or said.get("iss") != unverified.unverified_issuer:
        return MALFORMED
    late = _untimely(said, int(now.timestamp()))
    if late is not None:
        return late
    subject = said.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT:
        return NO_SUBJECT
    audience = audience_of(said, clients)
    if audience is None:
        return AUDIENCE
    digest = hashlib.sha256(unverified.token.rpartition(".")[0].encode()).hexdigest()
    return Claims(unverified.unverified_issuer, subject, audience, tuple(_audiences(said)), said, digest)


def _untimely(said: Mapping[str, Any], now: int) -> Refusal | None:
    """Why a token does not count at this second; its times are numbers, and finite ones (J12)."""
    times: dict[str, float] = {}
    for name in ("exp", "nbf", "iat"):
        stated = said.get(name)
        if stated is None and name != "exp":
            continue
        if isinstance(stated, bool) or not isinstance(stated, int | float) or not math.isfinite(stated):
            return TIMES
        if not 0 <= stated <= LATEST:
            return TIMES
        times[name] = stated
    if times["exp"] + SKEW <= now:
        return EXPIRED
    if any(times.get(name, now) > now + SKEW for name in ("nbf", "iat")):
        return NOT_YET
    # What never ends is a key that nobody changes (T15), whatever it calls itself.
    return TOO_LONG if times["exp"] - times.get("iat", now) > LONGEST_LIFE else None


def _audiences(said: Mapping[str, Any]) -> Sequence[str]:
    """The values of `aud`; none where it is malformed."""
    stated = said.get("aud")
    listed = [stated] if isinstance(stated, str) else stated
    if not isinstance(listed, list) or not all(isinstance(one, str) and one for one in listed):
        return ()
    return listed


def audience_of(said: Mapping[str, Any], clients: Collection[str] | None) -> str | None:
    """The client whom the token is for, if it counts (OpenID Connect Core 1.0, section 3.1.3.7)."""
    audiences, party = _audiences(said), said.get("azp")
    if not audiences or (party is not None and (not isinstance(party, str) or not party)):
        return None
    if party is None and len(audiences) > 1:
        return None
    if clients is not None:
        if party is not None and party not in clients:
            return None
        if not any(one in clients for one in audiences):
            return None
    return audiences[0] if party is None else party


def _decoded(part: str) -> bytes | None:
    """The bytes that *part* spells, if it is the one way to spell them: two spellings would be two tokens (J14)."""
    try:
        decoded = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        return None
    return decoded if base64.urlsafe_b64encode(decoded).rstrip(b"=") == part.encode() else None


def _object(text: bytes | None) -> dict[str, Any] | None:
    """A JSON object with no member twice (J13)."""
    try:
        value = json_of(text or b"")
    except Unreadable:
        return None
    return value if isinstance(value, dict) else None
