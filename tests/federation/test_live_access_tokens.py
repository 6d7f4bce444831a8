"""Tokens of Login with Amazon and of Facebook, judged by small servers that speak as they do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from aiohttp import web
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.federation.issuers import https_server, tls
from tests.live import MANAGEMENT, REGION, Live, running

ROLE = f"arn:aws:iam::{MANAGEMENT}:role"
AMAZON = {
    "iss": "https://www.amazon.com",
    "user_id": "amzn1.account.ANN",
    "app_id": "amzn1.application.1",
    "aud": "c",
    "exp": 60,
}
FACEBOOK = {"app_id": "123", "user_id": "456", "is_valid": True, "expires_at": 4_000_000_000}


@dataclass
class Judge:
    """Answers what it was told to, and remembers what it was asked."""

    url: str = ""
    says: dict[str, Any] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    status: int = 400
    """Of the answer, where it was told nothing to say."""

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(dict(request.query))
        said = self.says.get(request.path)
        return web.Response(status=self.status) if said is None else web.json_response(said)


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    found = Judge()
    with https_server(found.serve, tls()) as port:
        found.url = f"https://localhost:{port}"
        yield found


@pytest.fixture(scope="module")
def live(judge: Judge, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    place: Path = tmp_path_factory.mktemp("authority")
    (place / "app-token").write_text("123|secret\n")
    (place / "ca.pem").write_text(tls().certificate)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SSL_CERT_FILE", str(place / "ca.pem"))  # as an operator would trust his own
        with running(
            place / "data",
            issuer_networks=("127.0.0.0/8", "::1/128"),
            amazon_tokeninfo=f"{judge.url}/tokeninfo",
            facebook_debug_token=f"{judge.url}/debug_token",
            facebook_app_token_file=str(place / "app-token"),
        ) as live:
            iam = live.client("iam")
            for name, provider, keys in (
                ("Amazon", "www.amazon.com", {"www.amazon.com:app_id": AMAZON["app_id"]}),
                (
                    "Facebook",
                    "graph.facebook.com",
                    {"graph.facebook.com:app_id": "123", "graph.facebook.com:id": "456"},
                ),
            ):
                statement = {
                    "Effect": "Allow",
                    "Principal": {"Federated": provider},
                    "Action": "sts:AssumeRoleWithWebIdentity",
                    "Condition": {"StringEquals": keys},
                }
                document = json.dumps({"Version": "2012-10-17", "Statement": statement})
                iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)
            yield live


def assume(live: Live, role: str, provider: str, token: str = "Atza|token") -> dict[str, Any]:
    sts = boto3.client(
        "sts",
        endpoint_url=live.url,
        region_name=REGION,
        config=Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}),
    )
    answer: dict[str, Any] = sts.assume_role_with_web_identity(
        RoleArn=f"{ROLE}/{role}", RoleSessionName="app", WebIdentityToken=token, ProviderId=provider
    )
    return answer


def code(live: Live, role: str, provider: str, token: str = "Atza|token") -> str:
    with pytest.raises(ClientError) as refused:
        assume(live, role, provider, token)
    return str(refused.value.response["Error"]["Code"])


def test_login_with_amazon(live: Live, judge: Judge):
    judge.says = {"/tokeninfo": AMAZON}
    answer = assume(live, "Amazon", "www.amazon.com")
    assert (answer["Provider"], answer["Audience"]) == ("www.amazon.com", AMAZON["app_id"])
    assert answer["SubjectFromWebIdentityToken"] == AMAZON["user_id"]
    assert judge.asked[-1] == {"access_token": "Atza|token"}


def test_facebook(live: Live, judge: Judge):
    judge.says = {"/debug_token": {"data": FACEBOOK}}
    assert assume(live, "Facebook", "graph.facebook.com")["SubjectFromWebIdentityToken"] == "456"
    assert judge.asked[-1] == {"input_token": "Atza|token", "access_token": "123|secret"}


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (None, "InvalidIdentityToken"),
        ({}, "InvalidIdentityToken"),
        ([], "InvalidIdentityToken"),
        ({**AMAZON, "iss": "https://evil.example"}, "InvalidIdentityToken"),
        ({**AMAZON, "user_id": ""}, "InvalidIdentityToken"),
        ({**AMAZON, "exp": "60"}, "InvalidIdentityToken"),
        ({**AMAZON, "exp": 0}, "ExpiredTokenException"),
        ({**AMAZON, "app_id": "amzn1.application.2"}, "AccessDenied"),
    ],
)
def test_what_amazon_does_not_vouch_for_counts_for_nothing(live: Live, judge: Judge, said: Any, wanted: str):
    judge.says = {} if said is None else {"/tokeninfo": said}
    assert code(live, "Amazon", "www.amazon.com") == wanted


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (FACEBOOK, "InvalidIdentityToken"),
        ({"data": {**FACEBOOK, "is_valid": False}}, "InvalidIdentityToken"),
        ({"data": {**FACEBOOK, "is_valid": "true"}}, "InvalidIdentityToken"),
        ({"data": {**FACEBOOK, "expires_at": 1}}, "ExpiredTokenException"),
        ({"data": {**FACEBOOK, "user_id": "789"}}, "AccessDenied"),
    ],
)
def test_what_facebook_does_not_vouch_for_counts_for_nothing(live: Live, judge: Judge, said: Any, wanted: str):
    judge.says = {"/debug_token": said}
    assert code(live, "Facebook", "graph.facebook.com") == wanted


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        (400, "InvalidIdentityToken"),
        (401, "InvalidIdentityToken"),
        (404, "InvalidIdentityToken"),
        (302, "IDPCommunicationError"),
        (408, "IDPCommunicationError"),
        (429, "IDPCommunicationError"),
        (500, "IDPCommunicationError"),
        (503, "IDPCommunicationError"),
    ],
)
def test_a_judge_that_says_no_and_one_that_says_nothing_are_told_apart(
    live: Live, judge: Judge, monkeypatch: pytest.MonkeyPatch, status: int, wanted: str
):
    monkeypatch.setattr(judge, "says", {})
    monkeypatch.setattr(judge, "status", status)
    assert code(live, "Amazon", "www.amazon.com") == code(live, "Facebook", "graph.facebook.com") == wanted


@pytest.mark.parametrize(
    ("role", "provider", "token"),
    [
        ("Nobody", "www.amazon.com", "Atza|token"),
        ("Facebook", "www.amazon.com", "Atza|token"),
        ("Amazon", "www.amazon.com", "a b c d"),
        ("Amazon", "www.amazon.com", "x" * 2_049),
        ("Amazon", "www.evil.example", "Atza|token"),
    ],
)
def test_strangers_cannot_make_us_ask(live: Live, judge: Judge, role: str, provider: str, token: str):
    before = len(judge.asked)
    assert code(live, role, provider, token) in ("InvalidIdentityToken", "ValidationError")
    assert len(judge.asked) == before
