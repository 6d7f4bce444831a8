"""Whatever a stranger brings gets the error that AWS has for it, and is found in the log by that reason."""

from __future__ import annotations

import base64
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from aiohttp import web
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from joserfc import jwt
from lxml import etree

from tests.federation.issuers import https_server, rsa_key, tls
from tests.federation.responses import PROVIDER, ROLE, assertion, encoded, published, response, sign_assertion, signed
from tests.live import REGION, Live, running

INVALID, EXPIRED, CLAIM, UNREACHABLE = (
    "InvalidIdentityToken", "ExpiredTokenException", "IDPRejectedClaim", "IDPCommunicationError",
)  # fmt: skip
STATUS = {INVALID: 400, EXPIRED: 400, CLAIM: 403, UNREACHABLE: 400}
REASON = {
    INVALID: "invalid-identity-token", EXPIRED: "expired-identity-token", CLAIM: "idp-rejected-claim",
    UNREACHABLE: "idp-communication-error",
}  # fmt: skip
MINUTE = timedelta(minutes=1)


@dataclass
class Company:
    """An account that trusts an issuer, one that cannot be reached, and a SAML provider."""

    live: Live
    issuer: str
    probed: list[str]
    """What was asked of the server that tokens name and nobody trusts."""
    probe: str

    def says(self, operation: str, **asked: Any) -> str:
        """The code of the refusal; its status is the one that goes with it."""
        config = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
        sts = boto3.client("sts", endpoint_url=self.live.url, region_name=REGION, config=config)
        with pytest.raises(ClientError) as refused:
            getattr(sts, operation)(RoleArn=ROLE, **asked)
        error = refused.value.response
        code = str(error["Error"]["Code"])
        assert error["ResponseMetadata"]["HTTPStatusCode"] == STATUS[code]
        return code

    def counted(self, action: str) -> Counter[str]:
        """How many strangers were refused, by the reason, as an auditor finds them."""
        found: Counter[str] = Counter()
        for reason in REASON.values():
            query = f"outcome={reason}&account=*&order=oldest&maxResults=1000"
            status, answer = self.live.ask("GET", "/v1/events", query=query)
            assert status == 200, answer
            for event in answer["events"]:
                for one in (each for fact in event["facts"] for each in fact.get("requests", ())):
                    if (one["action"], one["reason"]) == (action, reason):
                        found[reason] += one["count"]
        return found


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    probed: list[str] = []

    async def publishing(request: web.BaseRequest) -> web.StreamResponse:
        issuer = f"https://{request.host}"
        if request.path == "/keys":
            return web.json_response({"keys": [rsa_key("first").as_dict(private=False)]})
        return web.json_response({"issuer": issuer, "jwks_uri": f"{issuer}/keys"})

    async def probe(request: web.BaseRequest) -> web.StreamResponse:
        probed.append(request.path)
        return web.json_response({"keys": [rsa_key("attacker").as_dict(private=False)]})

    with (
        https_server(publishing, tls()) as port,
        https_server(probe, tls()) as other,
        running(
            tmp_path_factory.mktemp("authority"), issuer_networks=("127.0.0.0/8", "::1/128"), summary_interval=0.1
        ) as live,
    ):
        iam, trusted = live.client("iam"), [PROVIDER]
        for url in (f"https://localhost:{port}", "https://localhost:1"):
            made = iam.create_open_id_connect_provider(Url=url, ClientIDList=["app"], ThumbprintList=[tls().thumbprint])
            trusted.append(made["OpenIDConnectProviderArn"])
        iam.create_saml_provider(Name="Corp", SAMLMetadataDocument=published())
        statement = {"Effect": "Allow", "Principal": {"Federated": trusted}, "Action": "sts:*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": statement})
        iam.create_role(RoleName="Staff", AssumeRolePolicyDocument=document)
        yield Company(live, f"https://localhost:{port}", probed, f"https://localhost:{other}")


def token(company: Company, *, key: str = "first", header: Any = None, **claims: Any) -> str:
    now = int(time.time())
    said = {"iss": company.issuer, "aud": "app", "sub": "ann", "iat": now, "exp": now + 600, **claims}
    said = {name: value for name, value in said.items() if value is not None}
    registry = None if header is None else jwt.JWSRegistry(strict_check_header=False)
    return jwt.encode({"alg": "RS256", "kid": "first", **(header or {})}, said, rsa_key(key), registry=registry)


def headed(company: Company, **header: Any) -> str:
    """A good token under another header."""
    _, payload, signature = token(company).split(".")
    text = json.dumps({"alg": "RS256", "kid": "first", **header}).encode()
    return f"{base64.urlsafe_b64encode(text).rstrip(b'=').decode()}.{payload}.{signature}"


TOKENS: dict[str, tuple[str, Callable[[Company], str]]] = {
    "J01 no algorithm": (INVALID, lambda at: headed(at, alg="none")),
    "J02 a shared secret": (INVALID, lambda at: headed(at, alg="HS256")),
    "J03 a key in the token": (INVALID, lambda at: token(at, key="attacker", header={"jwk": rsa_key("attacker").as_dict(private=False)})),
    "J03 an address of keys": (INVALID, lambda at: token(at, key="attacker", header={"jku": f"{at.probe}/jku", "x5u": f"{at.probe}/x5u"})),
    "J04 a key that is a path": (INVALID, lambda at: token(at, header={"kid": "../../dev/null"})),
    "J05 something critical": (INVALID, lambda at: headed(at, crit=["exp"])),
    "J06 not in the compact form": (INVALID, lambda at: json.dumps({"payload": "x", "signatures": []})),
    "J07 encrypted": (INVALID, lambda at: ".".join(["abcd"] * 5)),
    "J07 too long": (INVALID, lambda at: token(at, sub="x" * 14_000)),
    "J09 another issuer": (INVALID, lambda at: token(at, iss=f"{at.issuer}/")),
    "J10 another client": (INVALID, lambda at: token(at, aud="other")),
    "J10 for another party": (INVALID, lambda at: token(at, azp="other")),
    "J12 expired": (EXPIRED, lambda at: token(at, exp=1)),
    "J12 without an end": (INVALID, lambda at: token(at, exp=None)),
    "J12 good for ten years": (INVALID, lambda at: token(at, exp=int(time.time()) + 10 * 365 * 86_400)),
    "J14 another spelling": (INVALID, lambda at: f"{token(at)}=="),
    "J15 an issuer that cannot be reached": (UNREACHABLE, lambda at: token(at, iss="https://localhost:1")),
    "J17 a key of somebody else": (INVALID, lambda at: token(at, key="attacker")),
    "tags that are none": (INVALID, lambda at: token(at, **{"https://aws.amazon.com/tags": 1})),
}  # fmt: skip


def said(**how: Any) -> str:
    """An assertion of this minute."""
    return assertion(now=datetime.now(UTC).replace(microsecond=0), **how)


def good(**how: Any) -> Any:
    return sign_assertion(response(said(**how)))


def text(root: Any) -> str:
    return etree.tostring(root).decode()


def wrapped() -> Any:
    """XSW: a forged assertion before the one that is signed."""
    root = good(identifier="_wrapped")
    root.insert(1, etree.fromstring(said(name="admin", identifier="_evil")))
    return root


ASSERTIONS: dict[str, tuple[str, Callable[[], Any]]] = {
    "M01 to M08 wrapped": (INVALID, wrapped),
    "M09 an id twice": (INVALID, lambda: text(good()).replace("<samlp:Status>", '<samlp:Status ID="_a1">').encode()),
    "M10 a comment": (INVALID, lambda: text(good()).replace(">ann<", ">ann<!-- -->.evil<").encode()),
    "M13 a key of its own": (INVALID, lambda: sign_assertion(response(said()), name="attacker")),
    "M14 void canonicalisation": (INVALID, lambda: text(good()).replace("<saml:Subject>", '<saml:Subject xmlns:q="1">').encode()),
    "M16 a document type": (INVALID, lambda: b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + etree.tostring(good())),
    "M16 a bomb": (INVALID, lambda: b"<a>" * 9_000),
    "M18 something encrypted": (INVALID, lambda: text(good()).replace("<samlp:Status>", "<saml:EncryptedAssertion xmlns:saml='urn:oasis:names:tc:SAML:2.0:assertion'/><samlp:Status>").encode()),
    "M21 a holder of a key": (CLAIM, lambda: good(method="urn:oasis:names:tc:SAML:2.0:cm:holder-of-key")),
    "M24 too old": (EXPIRED, lambda: good(issued=-6 * MINUTE)),
    "M24 from tomorrow": (INVALID, lambda: good(issued=1440 * MINUTE)),
    "M24 too late": (EXPIRED, lambda: good(until=-2 * MINUTE)),
    "M24 for another audience": (CLAIM, lambda: good(audiences="<saml:AudienceRestriction><saml:Audience>x</saml:Audience></saml:AudienceRestriction>")),
    "M24 sent elsewhere": (CLAIM, lambda: good(recipient="https://elsewhere.example/saml")),
    "M25 not signed": (INVALID, lambda: response(said())),
    "M25 changed": (INVALID, lambda: text(good()).replace(">ann<", ">admin<").encode()),
    "M25 a response that is signed and then changed": (INVALID, lambda: text(signed(response(said()))).replace(">ann<", ">admin<").encode()),
    "M26 no pair": (CLAIM, lambda: good(roles=(ROLE,))),
    "another issuer": (INVALID, lambda: good(issuer="https://elsewhere.example")),
    "no name of a session": (CLAIM, lambda: good(session_name=())),
}  # fmt: skip


def test_every_hostile_token_gets_its_error_and_is_found_in_the_log(company: Company):
    before = company.counted("AssumeRoleWithWebIdentity")
    wanted: Counter[str] = Counter()
    for what, (code, make) in TOKENS.items():
        brought = make(company)
        assert (
            company.says("assume_role_with_web_identity", RoleSessionName="hostile", WebIdentityToken=brought) == code
        ), what
        wanted[REASON[code]] += 1
    assert company.probed == []
    found: Counter[str] = Counter()
    while found.total() < wanted.total():  # a summary is written every tenth of a second
        found = company.counted("AssumeRoleWithWebIdentity") - before
    assert found == wanted


def test_every_hostile_assertion_gets_its_error_and_is_found_in_the_log(company: Company):
    before = company.counted("AssumeRoleWithSAML")
    wanted: Counter[str] = Counter()
    for what, (code, make) in ASSERTIONS.items():
        assert company.says("assume_role_with_saml", PrincipalArn=PROVIDER, SAMLAssertion=encoded(make())) == code, what
        wanted[REASON[code]] += 1
    found: Counter[str] = Counter()
    while found.total() < wanted.total():
        found = company.counted("AssumeRoleWithSAML") - before
    assert found == wanted


def test_what_was_made_hostile_is_good_without_it(company: Company):
    """So that no refusal above has another cause."""
    config = Config(signature_version=UNSIGNED)
    sts = boto3.client("sts", endpoint_url=company.live.url, region_name=REGION, config=config)
    assert sts.assume_role_with_web_identity(RoleArn=ROLE, RoleSessionName="hostile", WebIdentityToken=token(company))
    assert sts.assume_role_with_saml(
        RoleArn=ROLE, PrincipalArn=PROVIDER, SAMLAssertion=encoded(good(identifier="_good"))
    )


def test_m23_an_assertion_that_was_redeemed_is_known_after_a_restart(tmp_path: Path):
    with running(tmp_path) as live:
        iam = live.client("iam")
        iam.create_saml_provider(Name="Corp", SAMLMetadataDocument=published())
        statement = {"Effect": "Allow", "Principal": {"Federated": PROVIDER}, "Action": "sts:*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": statement})
        iam.create_role(RoleName="Staff", AssumeRolePolicyDocument=document)
        once = {"RoleArn": ROLE, "PrincipalArn": PROVIDER, "SAMLAssertion": encoded(good())}
        assert live.client("sts").assume_role_with_saml(**once)
        live.stop()
        live.start()
        with pytest.raises(ClientError, match="used already"):
            live.client("sts").assume_role_with_saml(**once)
