"""Signature Version 4 over raw bytes: who claims to have signed a request, whether it is true, and how to sign one.

Knows no keys and no clock: secrets and the time are handed in.  Works on the bytes that arrived, never on anything a
framework decoded, so that what was signed and what is acted upon are the same (IAM User Guide, Create a signed AWS
API request).  Verification raises; there is no result that could be taken for a yes.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import itertools
import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, TypeAlias, TypeVar
from urllib.parse import unquote_to_bytes, urlsplit

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from authority.kernel.refusal import Reason, Refusal
from authority.kernel.secret import Secret
from authority.wire.canonical import ALGORITHM, SignedHeaders, canonical_request, hash_of, string_to_sign
from authority.wire.request import Received

Read = TypeVar("Read")

TERMINATOR: Final = "aws4_request"
WINDOW: Final = timedelta(minutes=5)
PRESIGNED_WINDOW: Final = timedelta(minutes=15)
"""How long STS honours a presigned request, counted from X-Amz-Date whatever X-Amz-Expires says."""
STS: Final = "sts"
MISMATCH: Final = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)

# `strptime` also takes `2026111T1111Z` and `fromisoformat` week dates: one moment must have one spelling.
MOMENT: Final = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})Z")
ACCESS_KEY_ID: Final = re.compile(r"[A-Za-z0-9_]{1,128}")
HEADER_NAMES: Final = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+(?:;[a-z0-9!#$%&'*+.^_`|~-]+)*")
SIGNATURE: Final = re.compile(r"[0-9a-f]{64}")
EXPIRES: Final = re.compile(r"[0-9]{1,6}")
LONGEST_EXPIRES: Final = 604_800
LONGEST_REMEMBERED: Final = 1_024
"""Characters of what a client says the same of each time; an Authorization header has a quarter of them."""
WORD: Final = re.compile(r"[^\s,=]+")
BEFORE_SIGNATURE: Final = re.compile(rf"{ALGORITHM} +Credential=([^\s,=]+) *, *SignedHeaders=([^\s,=]+) *, *")
DECISIVE: Final = frozenset({b"host", b"authorization", b"content-type"})
QUERY_NAMES: Final = frozenset(
    {
        b"X-Amz-Algorithm",
        b"X-Amz-Credential",
        b"X-Amz-Date",
        b"X-Amz-Expires",
        b"X-Amz-SignedHeaders",
        b"X-Amz-Security-Token",
        b"X-Amz-Signature",
    }
)


class Credentials(msgspec.Struct, frozen=True):
    """What a client signs with."""

    access_key_id: str
    secret: Secret
    session_token: Secret | None = None


class Proof(msgspec.Struct, frozen=True):
    """What a request says about its signer; nothing of it is true before `verify` has returned."""

    form: Literal["header", "query"]
    access_key_id: str
    date: str
    region: str
    service: str
    terminator: str
    signed_at: datetime
    expires: int | None
    session_token: str | None
    signature: str
    string_to_sign: bytes

    def __repr__(self) -> str:
        """Show whose proof it claims to be, and neither the token nor the signature."""
        return f"Proof({self.form}, {self.access_key_id}, {self.date}/{self.region}/{self.service})"


class Unproven(Exception):  # noqa: N818 - it names what the request is
    """The request does not prove who sent it."""

    def __init__(self, refusal: Refusal) -> None:
        """Carry the *refusal* to tell the caller."""
        super().__init__(refusal.reason.value)
        self.refusal = refusal


def unverified_proof(received: Received) -> Proof | Refusal | None:
    """Read who claims to have signed *received*; None when it carries no credentials anywhere.

    1. credentials stand in exactly one place, the Authorization header or the query string (CVE-2026-40344);
    2. every part has its one spelling, so that no byte of it can be changed without notice;
    3. `host`, every `x-amz-*` header that is there and the content type are signed (CVE-2026-97731, CVE-2026-115374);
    4. a declared body hash is the true one: no unsigned payload, no stream (CVE-2025-31489).
    """
    headers, repeated = received.fields, received.repeated
    if repeated and any(name in DECISIVE or name.startswith(b"x-amz-") for name in repeated):
        return _malformed("A header that decides who asks for what occurs more than once.")
    query = received.query
    parameters = [pair.partition(b"=")[::2] for pair in query.split(b"&")] if query else []
    signing = [pair for pair in parameters if _is_signing_name(pair[0])]

    if b"authorization" in headers:
        if signing:
            return _malformed("Credentials must stand in the Authorization header or in the query string, not in both.")
        claim = _claim_of_header(headers)
    elif signing:
        if b"x-amz-security-token" in headers or b"x-amz-date" in headers:
            return _malformed("Credentials must stand in the Authorization header or in the query string, not in both.")
        claim = _claim_of_query(signing)
    elif b"x-amz-security-token" in headers:
        return _incomplete("A security token needs a signature.")
    else:
        return None
    if isinstance(claim, Refusal):
        return claim

    scope, signed = claim.lasting
    if scope is None:
        return _incomplete(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term."
        )
    signed_at = _moment(claim.moment)
    if signed_at is None:
        return _incomplete("Date must be in ISO-8601 'basic format', like 20260131T235959Z.")
    if signed is None:
        return _incomplete("SignedHeaders must be a list of lower-case header names, sorted, each name once.")

    if b"host" not in signed.names:
        return _incomplete("'Host' must be a 'SignedHeader' in the AWS Authorization.")
    if not received.names.bound <= signed.names:
        # An intermediary could have added it; a signature that does not cover it says nothing about it.
        name = next(name for name in headers if name in received.names.bound - signed.names)
        return _unlike(f"The header {name.decode('latin-1')!r} is present but not signed.")
    if repeated and not signed.names.isdisjoint(repeated):
        return _malformed("A header that is signed occurs more than once.")
    if not signed.names <= headers.keys():
        return _unlike("A header that was signed is missing.")

    body_hash = hash_of(received.body)
    if headers.get(b"x-amz-content-sha256", body_hash) != body_hash:
        return _malformed("X-Amz-Content-Sha256 must be the SHA-256 of the body, in lower-case hexadecimal digits.")

    method = received.method.encode("latin-1", "replace")
    canonical = canonical_request(method, received.path, parameters, signed.with_values(headers), body_hash)
    return Proof(
        form=claim.form,
        access_key_id=scope.access_key_id,
        date=scope.date,
        region=scope.region,
        service=scope.service,
        terminator=scope.terminator,
        signed_at=signed_at,
        expires=claim.expires,
        session_token=claim.session_token,
        signature=claim.signature,
        string_to_sign=string_to_sign(claim.moment, scope.text, canonical),
    )


def verify(proof: Proof, secret: Secret, *, now: datetime, service: str, regions: Collection[str]) -> None:
    """Return if whoever holds *secret* signed this request, for this service, lately; raise `Unproven` otherwise.

    1. the scope is ours: a signature for another service or region says nothing here (CVE-2025-65073);
    2. the date of the scope is the date of the signature, so that the key is the one of that day;
    3. the signature is recent (CVE-2020-12692);
    4. the signature is right, compared in constant time.
    """
    if proof.region not in regions:
        raise Unproven(_unlike("Credential should be scoped to a valid region."))
    if proof.service != service:
        raise Unproven(_unlike(f"Credential should be scoped to correct service: '{service}'."))
    if proof.terminator != TERMINATOR:
        raise Unproven(_unlike(f"Credential should be scoped with a valid terminator: '{TERMINATOR}'."))
    if proof.date != _date_of(proof.signed_at):
        raise Unproven(
            _unlike("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.")
        )
    _check_window(proof.signed_at, now, past=_honoured(proof))
    code = KEYS.of(proof.access_key_id, secret, proof.date, proof.region, proof.service)
    code.update(proof.string_to_sign)
    _check_signature(proof.signature, code.finalize())


def verify_delegated(
    string_to_sign: bytes,
    scope: str,
    signature: str,
    secret: Secret,
    *,
    now: datetime,
    service: str,
    window: timedelta = PRESIGNED_WINDOW,
) -> datetime:
    """Return when *string_to_sign* was signed by the holder of *secret*; raise `Unproven` if it was not, or not lately.

    For resource servers, which build the canonical request themselves and pass on what their client signed.
    *scope* is `date/region/service/aws4_request`, and must be the scope inside the string to sign.
    """
    lines = string_to_sign.decode("latin-1").split("\n")
    parts = scope.split("/")
    if len(lines) != 4 or len(parts) != 4 or lines[0] != ALGORITHM or lines[2] != scope:
        raise Unproven(
            _incomplete("The string to sign does not have the form of Signature Version 4, or another scope.")
        )
    date, region, scope_service, terminator = parts
    signed_at = _moment(lines[1])
    if signed_at is None or SIGNATURE.fullmatch(lines[3]) is None:
        raise Unproven(_incomplete("The string to sign does not have the form of Signature Version 4."))
    if not region or scope_service != service:
        raise Unproven(_unlike(f"Credential should be scoped to correct service: '{service}'."))
    if terminator != TERMINATOR:
        raise Unproven(_unlike(f"Credential should be scoped with a valid terminator: '{TERMINATOR}'."))
    if date != _date_of(signed_at):
        raise Unproven(
            _unlike("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.")
        )
    _check_window(signed_at, now, past=window)
    _check_signature(signature, hmac.digest(signing_key(secret, date, region, scope_service), string_to_sign, "sha256"))
    return signed_at


def signing_key(secret: Secret, date: str, region: str, service: str) -> bytes:
    """The key of one day, region and service."""
    # Revealed here because the scheme begins with the secret itself.
    key = hmac.digest(b"AWS4" + secret.reveal(), date.encode(), "sha256")
    for word in (region, service, TERMINATOR):
        key = hmac.digest(key, word.encode(), "sha256")
    return key


def sign(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    credentials: Credentials,
    region: str,
    service: str,
    now: datetime,
) -> dict[str, str]:
    """The headers to send with a request: *headers* and those that prove who sends it, all of them signed."""
    parts = urlsplit(url)
    moment = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    sent = {name: value for name, value in headers.items() if name.lower() not in {"host", "authorization"}}
    sent["Host"] = parts.netloc.rpartition("@")[2]
    sent["X-Amz-Date"] = moment
    if credentials.session_token is not None:
        sent["X-Amz-Security-Token"] = credentials.session_token.reveal().decode("ascii")
    values = {name.lower().encode("ascii"): value.encode("utf-8") for name, value in sent.items()}
    signed = SignedHeaders.of(tuple(sorted(values)))
    query = parts.query.encode("ascii")
    canonical = canonical_request(
        method.encode("ascii"),
        (parts.path or "/").encode("ascii"),
        [pair.partition(b"=")[::2] for pair in query.split(b"&")] if query else [],
        signed.with_values(values),
        hash_of(body),
    )
    scope = f"{moment[:8]}/{region}/{service}/{TERMINATOR}"
    key = signing_key(credentials.secret, moment[:8], region, service)
    signature = hmac.digest(key, string_to_sign(moment, scope, canonical), "sha256").hex()
    sent["Authorization"] = (
        f"{ALGORITHM} Credential={credentials.access_key_id}/{scope}, "
        f"SignedHeaders={b';'.join(signed.order).decode('ascii')}, Signature={signature}"
    )
    return sent


class SigningKeys:
    """The signing keys used lately, so that a request costs one HMAC and not five; at most *most* of them.

    A key is found again only with the secret that made it: a changed secret never verifies with an old key.
    """

    __slots__ = ("_codes", "_most")

    def __init__(self, most: int = 4096) -> None:
        """Begin with none."""
        self._most = most
        self._codes: dict[tuple[str, str, str, str], tuple[bytes, HMAC]] = {}

    def of(self, access_key_id: str, secret: Secret, date: str, region: str, service: str) -> HMAC:
        """A code under the signing key of *secret* for that day, region and service, over nothing yet."""
        place = (access_key_id, date, region, service)
        # Revealed to be compared, and only its digest is kept.
        digest = hashlib.sha256(secret.reveal()).digest()
        known = self._codes.get(place)
        if known is not None and hmac.compare_digest(known[0], digest):
            return known[1].copy()
        code = HMAC(signing_key(secret, date, region, service), SHA256())
        if len(self._codes) >= self._most:
            del self._codes[next(iter(self._codes))]
        self._codes[place] = (digest, code)
        return code.copy()


KEYS: Final = SigningKeys()


class _Scope(msgspec.Struct, frozen=True):
    """What a credential names: a key, and what it may sign for."""

    access_key_id: str
    date: str
    region: str
    service: str
    terminator: str
    text: str
    """All but the key, as a string to sign has it."""


_Lasting: TypeAlias = tuple[_Scope | None, SignedHeaders | None]
"""What a client says the same of each request: None where it cannot be read."""


class _Claim(msgspec.Struct, frozen=True):
    """The parts of a signature, wherever they stood."""

    form: Literal["header", "query"]
    lasting: _Lasting
    moment: str
    signature: str
    session_token: str | None
    expires: int | None = None


def _claim_of_header(headers: Mapping[bytes, bytes]) -> _Claim | Refusal:
    beginning, _, signature = headers[b"authorization"].decode("latin-1").rpartition("Signature=")
    lasting = _recalled(_beginning, beginning)
    if lasting is None or not (signature.isalnum() or WORD.fullmatch(signature)):
        return _incomplete(
            f"Authorization header requires '{ALGORITHM}', then 'Credential', 'SignedHeaders' and 'Signature'."
        )
    moment = headers.get(b"x-amz-date")
    if moment is None:
        return _incomplete("Authorization header requires existence of a 'X-Amz-Date' header.")
    token = headers.get(b"x-amz-security-token")
    session_token = None if token is None else token.decode("latin-1")
    return _Claim("header", lasting, moment.decode("latin-1"), signature, session_token)


def _claim_of_query(signing: list[tuple[bytes, bytes]]) -> _Claim | Refusal:
    values: dict[bytes, str] = {}
    for name, raw_value in signing:
        # Another case or an escape in the name is another name to one reader and the same to the next (CVE-2022-2385).
        if name not in QUERY_NAMES or name in values:
            return _malformed("The query string contains a signature parameter twice, misspelt or unknown.")
        # The signature itself is not covered by the signature, so it has no second spelling.
        value = raw_value if name == b"X-Amz-Signature" else unquote_to_bytes(raw_value)
        values[name] = value.decode("latin-1")
    missing = QUERY_NAMES - values.keys() - {b"X-Amz-Security-Token", b"X-Amz-Expires"}
    if missing:
        return _incomplete(f"AWS query-string parameters must include '{min(missing).decode('ascii')}'.")
    if values[b"X-Amz-Algorithm"] != ALGORITHM:
        return _incomplete(f"AWS query-string parameter 'X-Amz-Algorithm' must be '{ALGORITHM}'.")
    expires = values.get(b"X-Amz-Expires")
    if expires is not None and (EXPIRES.fullmatch(expires) is None or not 1 <= int(expires) <= LONGEST_EXPIRES):
        return _incomplete(f"X-Amz-Expires must be a number of seconds from 1 to {LONGEST_EXPIRES}.")
    return _Claim(
        form="query",
        lasting=_lasting(values[b"X-Amz-Credential"], values[b"X-Amz-SignedHeaders"]),
        moment=values[b"X-Amz-Date"],
        signature=values[b"X-Amz-Signature"],
        session_token=values.get(b"X-Amz-Security-Token"),
        expires=None if expires is None else int(expires),
    )


def _is_signing_name(name: bytes) -> bool:
    return (unquote_to_bytes(name) if b"%" in name else name)[:6].lower() == b"x-amz-"


def _recalled(memory: functools._lru_cache_wrapper[Read], text: str) -> Read:
    """What *memory* makes of *text*.  It keeps nothing endless: strangers would fill it."""
    return memory(text) if len(text) <= LONGEST_REMEMBERED else memory.__wrapped__(text)


# A server sees few clients, scopes, lists of names and seconds at a time; the memories are small.
@functools.lru_cache(maxsize=1024)
def _beginning(text: str) -> _Lasting | None:
    """The credential and the list of signed headers in all of an Authorization header before its signature."""
    match = BEFORE_SIGNATURE.fullmatch(text)
    return None if match is None else _lasting(match[1], match[2])


def _lasting(credential: str, signed_headers: str) -> _Lasting:
    return _scope_of(credential), _recalled(_signed_headers, signed_headers)


def _scope_of(credential: str) -> _Scope | None:
    parts = credential.split("/")
    if len(parts) != 5 or ACCESS_KEY_ID.fullmatch(parts[0]) is None:
        return None
    access_key_id, date, region, service, terminator = parts
    return _Scope(access_key_id, date, region, service, terminator, credential.partition("/")[2])


@functools.lru_cache(maxsize=64)
def _signed_headers(text: str) -> SignedHeaders | None:
    if HEADER_NAMES.fullmatch(text) is None:
        return None
    order = tuple(text.encode("ascii").split(b";"))
    return SignedHeaders.of(order) if all(left < right for left, right in itertools.pairwise(order)) else None


@functools.lru_cache(maxsize=64)
def _moment(text: str) -> datetime | None:
    match = MOMENT.fullmatch(text)
    if match is None:
        return None
    try:
        year, month, day, hour, minute, second = map(int, match.groups())
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


@functools.lru_cache(maxsize=64)
def _date_of(moment: datetime) -> str:
    return f"{moment.year:04}{moment.month:02}{moment.day:02}"


def _spelled(moment: datetime) -> str:
    return f"{moment:%Y%m%dT%H%M%SZ}"


def _honoured(proof: Proof) -> timedelta:
    """How long a signature counts: others than STS honour a presigned request as any, and no longer than it says."""
    if proof.form == "header":
        return WINDOW
    if proof.service == STS:
        return PRESIGNED_WINDOW
    return WINDOW if proof.expires is None else min(WINDOW, timedelta(seconds=proof.expires))


def _check_window(signed_at: datetime, now: datetime, *, past: timedelta) -> None:
    age = now - signed_at
    if age > past:
        minutes = past / timedelta(minutes=1)
        raise Unproven(
            _unlike(
                f"Signature expired: {_spelled(signed_at)} is now earlier than {_spelled(now - past)} "
                f"({_spelled(now)} - {minutes:g} min.)"
            )
        )
    if age < -WINDOW:
        raise Unproven(
            _unlike(
                f"Signature not yet current: {_spelled(signed_at)} is still later than {_spelled(now + WINDOW)} "
                f"({_spelled(now)} + 5 min.)"
            )
        )


def _check_signature(signature: str, expected: bytes) -> None:
    # As lower-case digits, so that a signature has one spelling, and as bytes, because `compare_digest` raises for text
    # that is not ASCII.
    if not hmac.compare_digest(signature.encode("utf-8", "replace"), expected.hex().encode("ascii")):
        raise Unproven(_unlike(MISMATCH))


def _malformed(message: str) -> Refusal:
    return Refusal(Reason.MALFORMED_REQUEST, message)


def _incomplete(message: str) -> Refusal:
    return Refusal(Reason.INCOMPLETE_SIGNATURE, message)


def _unlike(message: str) -> Refusal:
    return Refusal(Reason.SIGNATURE_DOES_NOT_MATCH, message)
