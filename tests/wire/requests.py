"""Requests as botocore signs them, and what becomes of them here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials

from authority.kernel.refusal import Reason, Refusal
from authority.kernel.secret import Secret
from authority.wire.request import Received
from authority.wire.sigv4 import Unproven, unverified_proof, verify

KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
REGIONS = frozenset({"us-east-1", "eu-west-1"})
FORM = "application/x-www-form-urlencoded; charset=utf-8"
WHOAMI = b"Action=GetCallerIdentity&Version=2011-06-15"


def received(method: str, url: str, headers: dict[str, str], body: bytes) -> Received:
    """What a server sees of a request that a client sent to *url*."""
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [("Host", parts.netloc), *((k, v) for k, v in headers.items() if k.lower() != "host")]
    return Received(method, target.encode(), tuple((k.encode(), v.encode()) for k, v in lines), body, "127.0.0.1")


def bytes_of(request: Received) -> tuple[object, ...]:
    """All that came of *request*."""
    return request.method, request.target, request.headers, request.body


def changed(request: Received, **changes: Any) -> Received:
    """*request* with something else in its place."""
    kept = {name: getattr(request, name) for name in ("method", "target", "headers", "body", "peer", "secure")}
    return Received(**{**kept, **changes})


def signed_by_botocore(
    method: str = "POST",
    url: str = "http://sts.example:8080/",
    *,
    headers: dict[str, str] | None = None,
    body: bytes = WHOAMI,
    token: str | None = None,
    service: str = "sts",
    region: str = "us-east-1",
) -> Received:
    """A request signed in its Authorization header."""
    default = {"Content-Type": FORM} if body else {}
    request = AWSRequest(method, url, headers=default if headers is None else headers, data=body)
    SigV4Auth(BotocoreCredentials(KEY_ID, SECRET, token), service, region).add_auth(request)
    sent = request.prepare()
    return received(
        method, sent.url, {k: v if isinstance(v, str) else v.decode() for k, v in sent.headers.items()}, body
    )


def presigned_by_botocore(
    method: str = "GET",
    url: str = f"http://sts.example:8080/?{WHOAMI.decode()}",
    *,
    headers: dict[str, str] | None = None,
    expires: int = 60,
    token: str | None = None,
    service: str = "sts",
    region: str = "us-east-1",
) -> Received:
    """A request signed in its query string."""
    request = AWSRequest(method, url, headers=headers or {})
    SigV4QueryAuth(BotocoreCredentials(KEY_ID, SECRET, token), service, region, expires=expires).add_auth(request)
    sent = request.prepare()
    return received(method, sent.url, {k: v for k, v in sent.headers.items() if k.lower() != "content-length"}, b"")


def signing_time(request: Received) -> datetime:
    """When *request* says that it was signed."""
    text = (request.header(b"x-amz-date") or request.query.partition(b"X-Amz-Date=")[2][:16]).decode()
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def judged(request: Received, now: datetime, *, service: str = "sts", secret: str = SECRET) -> str | Reason:
    """The access key id that signed *request*, or the reason why nobody is believed to have."""
    proof = unverified_proof(request)
    if proof is None:
        return Reason.MISSING_AUTHENTICATION_TOKEN
    if isinstance(proof, Refusal):
        return proof.reason
    if proof.access_key_id != KEY_ID:
        return Reason.INVALID_CLIENT_TOKEN_ID
    try:
        verify(proof, Secret(secret), now=now, service=service, regions=REGIONS)
    except Unproven as unproven:
        return unproven.refusal.reason
    return proof.access_key_id


def with_header(request: Received, name: str, value: str | None, *, also: bool = False) -> Received:
    """*request* with a header replaced, removed (None) or (*also*) repeated."""
    key = name.lower().encode()
    kept = tuple(line for line in request.headers if also or line[0].lower() != key)
    added = () if value is None else ((name.encode(), value.encode("latin-1")),)
    return changed(request, headers=kept + added)


def with_target(request: Received, old: str, new: str) -> Received:
    """*request* with a piece of its target replaced."""
    assert old.encode() in request.target
    return changed(request, target=request.target.replace(old.encode(), new.encode("latin-1"), 1))


def with_authorization(request: Received, old: str, new: str) -> Received:
    """*request* with a piece of its Authorization header replaced."""
    value = (request.header(b"authorization") or b"").decode()
    assert old in value
    return with_header(request, "Authorization", value.replace(old, new, 1))
