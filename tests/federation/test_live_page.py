"""docs/FEDERATION.md takes an operator from nothing to working: its commands are typed in, word by word.

Only names of hosts lead elsewhere: Google, GitHub and the cluster are servers on loopback that publish keys of ours.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from aiohttp import web
from aiohttp.resolver import ThreadedResolver
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.debian import needed
from tests.federation.documents import descriptor, key, metadata
from tests.federation.issuers import https_server, rsa_key, tls
from tests.federation.responses import OURS, assertion, attribute, der, encoded, response, sign_assertion
from tests.live import MANAGEMENT, REGION, Live, running

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "FEDERATION.md").read_text("utf-8")
ROLE = f"arn:aws:iam::{MANAGEMENT}:role"
GITHUB, GOOGLE = "token.actions.githubusercontent.com", "accounts.google.com"
CLUSTER = "kubernetes.default.svc.cluster.local"
HERE = "https://authority.example"


def section(title: str) -> str:
    """What the page says under *title*."""
    found = re.search(rf"^###? {title}\n(.*?)(?=^##)", PAGE, re.DOTALL | re.MULTILINE)
    assert found is not None, title
    return found[1]


def commands(title: str) -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```", section(title), re.DOTALL | re.MULTILINE)


@dataclass
class Operator:
    """Somebody with the administrator's keys, a shell and an empty directory."""

    live: Live
    place: Path

    def command(self, name: str, script: str) -> None:
        """Have a command called *name*."""
        (self.place / "bin").mkdir(exist_ok=True)
        (self.place / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.place / "bin" / name).chmod(0o755)

    def types(self, text: str, *, keys: bool = True) -> str:
        """What a shell says to *text*."""
        who = self.live.administrator
        self.command(
            "authority", f'exec {shlex.quote(sys.executable)} -c "from authority.cli import main; main()" "$@"'
        )
        signing = {"AWS_ACCESS_KEY_ID": who.access_key_id, "AWS_SECRET_ACCESS_KEY": who.secret} if keys else {}
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=self.place,
            env={
                "PATH": os.pathsep.join(
                    (str(self.place / "bin"), str(Path(sys.executable).parent), os.environ["PATH"])
                ),
                "PYTHONPATH": str(ROOT),
                "HOME": str(self.place),
                "AWS_ENDPOINT_URL": self.live.url,
                "AWS_DEFAULT_REGION": REGION,
                "AWS_EC2_METADATA_DISABLED": "true",
                **signing,
            },
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def sts(self) -> Any:
        config = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
        return boto3.client("sts", endpoint_url=self.live.url, region_name=REGION, config=config)

    def taken(self, role: str, token: str, of: str = ROLE) -> str:
        """Whom a token makes of its bearer, or the code of the refusal."""
        try:
            answer = self.sts().assume_role_with_web_identity(
                RoleArn=f"{of}/{role}", RoleSessionName="page", WebIdentityToken=token
            )
        except ClientError as refused:
            return str(refused.response["Error"]["Code"])
        return str(answer["AssumedRoleUser"]["Arn"])


def became(role: str, name: str = "page") -> str:
    return f"arn:aws:sts::{MANAGEMENT}:assumed-role/{role}/{name}"


def token(issuer: str, **claims: Any) -> str:
    now = int(time.time())
    said = {"iss": f"https://{issuer}", "iat": now, "nbf": now, "exp": now + 3600, **claims}
    return jwt.encode({"alg": "RS256", "kid": "first"}, said, rsa_key("first"))


async def publishing(request: web.BaseRequest) -> web.StreamResponse:
    """What an issuer publishes, by the name that it is asked by."""
    issuer = f"https://{request.host}"
    if request.path == "/keys":
        return web.json_response({"keys": [rsa_key("first").as_dict(private=False)]})
    return web.json_response({"issuer": issuer, "jwks_uri": f"{issuer}/keys"})


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    place, vouched = tmp_path_factory.mktemp("operator"), tls(GITHUB, GOOGLE)
    (place / "web.pem").write_text(vouched.certificate)
    with (
        https_server(publishing, vouched) as world,
        https_server(publishing, tls(CLUSTER)) as cluster,
        pytest.MonkeyPatch.context() as patched,
    ):
        ports = {GITHUB: world, GOOGLE: world, CLUSTER: cluster}

        async def resolve(_: Any, host: str, port: int = 0, __: Any = 0) -> list[dict[str, Any]]:
            there = {"host": "127.0.0.1", "port": ports[host], "family": socket.AF_INET}
            return [{"hostname": host, **there, "proto": 0, "flags": 0}]

        patched.setattr(ThreadedResolver, "resolve", resolve)
        patched.setenv(
            "SSL_CERT_FILE", str(place / "web.pem")
        )  # who vouches for GitHub and Google, not for the cluster
        with running(
            tmp_path_factory.mktemp("authority"),
            issuer_networks=("127.0.0.0/8",),
            public_url=HERE,
            hosts=("127.0.0.1",),
        ) as live:
            yield Operator(live, place)


def test_github_actions(operator: Operator):
    (making,) = commands("GitHub Actions")
    operator.types(making)
    told = {"aud": "sts.amazonaws.com", "repository": "my-org/my-app", "ref": "refs/heads/main"}
    ours = token(GITHUB, sub="repo:my-org/my-app:ref:refs/heads/main", **told)
    assert operator.taken("Deploy", ours) == became("Deploy")
    theirs = token(GITHUB, sub="repo:their-org/my-app:ref:refs/heads/main", **told)
    assert operator.taken("Deploy", theirs) == "AccessDenied"
    _, answer = operator.live.ask("GET", "/v1/events", query="action=iam:CreateRole&order=newest&maxResults=1")
    assert "warnings" not in answer["events"][0]["outcome"]


def test_google(operator: Operator):
    making, using = commands("Google")
    operator.types(making)
    number = "104029301234567890123"
    brought = token(GOOGLE, aud=HERE, azp=number, sub=number, email="batch@project.iam.gserviceaccount.com")
    operator.command("curl", f"printf %s {brought}")
    said = operator.types(
        using.replace(f"AWS_ENDPOINT_URL={HERE}", f"AWS_ENDPOINT_URL={operator.live.url}"), keys=False
    )
    assert f"arn:aws:sts::{MANAGEMENT}:assumed-role/Batch/" in said
    another = token(GOOGLE, aud=HERE, azp="2", sub="2", email="other@project.iam.gserviceaccount.com")
    assert operator.taken("Batch", another) == "AccessDenied"
    assert operator.taken("Batch", brought, "arn:aws:iam::999999999999:role") == "AccessDenied"


def test_kubernetes(operator: Operator):
    needed("openssl", found_by="openssl")
    (making,) = commands("Kubernetes service accounts")
    shown = base64.b64encode(tls(CLUSTER).certificate.encode()).decode()
    described = f'{{"issuer":"https://{CLUSTER}","jwks_uri":"https://{CLUSTER}/keys"}}'
    operator.command("kubectl", f"case $1 in get) echo '{described}';; *) echo {shown};; esac")
    operator.types(making)
    pod = {"namespace": "production", "pod": {"name": "app-1"}, "serviceaccount": {"name": "app"}}
    for name, comes_to in (("app", became("App")), ("other", "AccessDenied")):
        projected = token(
            CLUSTER,
            aud=["sts.amazonaws.com"],
            sub=f"system:serviceaccount:production:{name}",
            **{"kubernetes.io": pod},
        )
        assert operator.taken("App", projected) == comes_to


def test_tokens_that_others_read(operator: Operator):
    (making,) = commands("The other way round: tokens that others read")
    found = re.search(rf"{HERE}(/\S+)/.well-known/openid-configuration", operator.types(making))
    assert found is not None
    with urllib.request.urlopen(f"{operator.live.url}{found[1]}/.well-known/jwks.json", timeout=10) as published:
        keys = KeySet.import_key_set(json.load(published))
    read = jwt.decode((operator.place / "token.jwt").read_text().strip(), keys, algorithms=["ES384"]).claims
    assert (read["iss"], read["aud"]) == (HERE + found[1], "https://shop.example")
    assert read["sub"] == f"arn:aws:iam::{MANAGEMENT}:user/Administrator"


def test_okta(operator: Operator):
    (making,) = commands("Okta, from nothing")
    told = dict(
        re.findall(
            r"^\| Attribute statement `([^`]+)`[^|]*\| `([^`]+)` \|$", section("Okta, from nothing"), re.MULTILINE
        )
    )
    issuer = "http://www.okta.com/exk1"
    (operator.place / "metadata.xml").write_text(metadata(descriptor(key(der())), entity=issuer))
    operator.types(making)
    assert told.keys() == {f"{OURS}Role", f"{OURS}RoleSessionName", f"{OURS}SessionDuration"}

    def brought(identifier: str) -> str:
        said = assertion(
            now=datetime.now(UTC).replace(microsecond=0),
            identifier=identifier,
            issuer=issuer,
            name="ann@example.com",
            recipient=f"{HERE}/saml",
            roles=(told[f"{OURS}Role"],),
            session_name=("ann@example.com",),
            more=attribute(f"{OURS}SessionDuration", told[f"{OURS}SessionDuration"]),
        )
        return encoded(sign_assertion(response(said, more=f' Destination="{HERE}/saml"')))

    answer = operator.sts().assume_role_with_saml(
        RoleArn=f"{ROLE}/Staff",
        PrincipalArn=f"arn:aws:iam::{MANAGEMENT}:saml-provider/Okta",
        SAMLAssertion=brought("_one"),
    )
    assert answer["AssumedRoleUser"]["Arn"] == became("Staff", "ann@example.com")
    form = urllib.parse.urlencode({"SAMLResponse": brought("_two")}).encode()
    with urllib.request.urlopen(f"{operator.live.url}/saml", form, timeout=30) as page:
        assert "assumed-role/Staff/ann@example.com" in page.read().decode()
