"""`authority login` as a credential process: people sign in at real providers and every AWS tool gets credentials."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click import ClickException

from authority.cli import login
from tests.federation.issuers import Browser, OidcProvider, oidc_provider
from tests.federation.saml_idp import SamlIdp, saml_idp
from tests.live import MANAGEMENT, REGION, Live, running
from tests.npm import installed
from tests.pieces import answering

ROOT = Path(__file__).resolve().parents[2]
ROLE = f"arn:aws:iam::{MANAGEMENT}:role/Staff"
SAML = f"arn:aws:iam::{MANAGEMENT}:saml-provider/Corp"
COMMAND = [sys.executable, "-c", "from authority.cli import main; main()"]


@pytest.fixture(scope="module")
def idp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SamlIdp]:
    with saml_idp(tmp_path_factory.mktemp("idp")) as idp:
        yield idp


@pytest.fixture(scope="module")
def people() -> Iterator[OidcProvider]:
    with oidc_provider() as people:
        yield people


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, idp: SamlIdp, people: OidcProvider) -> Iterator[Live]:
    with running(tmp_path_factory.mktemp("authority"), issuer_networks=("127.0.0.0/8", "::1/128")) as live:
        iam = live.client("iam")
        iam.create_saml_provider(Name="Corp", SAMLMetadataDocument=idp.metadata)
        made = iam.create_open_id_connect_provider(
            Url=people.issuer, ClientIDList=["app"], ThumbprintList=[people.tls.thumbprint]
        )
        statement = {
            "Effect": "Allow",
            "Principal": {"Federated": [SAML, made["OpenIDConnectProviderArn"]]},
            "Action": [
                "sts:AssumeRoleWithSAML",
                "sts:AssumeRoleWithWebIdentity",
                "sts:TagSession",
                "sts:SetSourceIdentity",
            ],
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": statement})
        iam.create_role(RoleName="Staff", AssumeRolePolicyDocument=document)
        yield live


def environment(live: Live, home: Path, **more: str) -> dict[str, str]:
    return {
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
        "PYTHONPATH": str(ROOT),
        "HOME": str(home),
        "AWS_ENDPOINT_URL": live.url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        **more,
    }


def ran(command: list[str], live: Live, home: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=environment(live, home, **more), capture_output=True, text=True, timeout=90, check=False
    )


def test_saml_as_a_credential_process_of_a_profile(live: Live, idp: SamlIdp, tmp_path: Path):
    shim = tmp_path / "authority"
    shim.write_text(f'#!/bin/sh\nexec {sys.executable} -c "from authority.cli import main; main()" "$@"\n')
    shim.chmod(0o755)
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/config").write_text(
        f"[profile staff]\nregion = {REGION}\n"
        f"credential_process = {shim} login saml --role-arn {ROLE} --principal-arn {SAML}"
        f" --url {idp.url}/saml2/idp/SSOService.php?spentityid=urn:amazon:webservices\n"
    )
    program = "import boto3; print(boto3.Session(profile_name='staff').client('sts').get_caller_identity()['Arn'])"
    who = {"AUTHORITY_LOGIN_USERNAME": "ann", "AUTHORITY_LOGIN_PASSWORD": "secret"}
    done = ran([sys.executable, "-c", program], live, tmp_path, **who)
    assert done.stdout.strip() == f"arn:aws:sts::{MANAGEMENT}:assumed-role/Staff/ann@corp", done.stderr


def test_saml_with_a_wrong_password_says_so_in_a_line(live: Live, idp: SamlIdp, tmp_path: Path):
    place = f"{idp.url}/saml2/idp/SSOService.php?spentityid=urn:amazon:webservices"
    command = [*COMMAND, "login", "saml", "--role-arn", ROLE, "--principal-arn", SAML, "--url", place]
    done = ran(command, live, tmp_path, AUTHORITY_LOGIN_USERNAME="ann", AUTHORITY_LOGIN_PASSWORD="wrong")
    assert (done.returncode, done.stdout) == (1, "")
    assert "does not know this user name" in done.stderr


def test_saml_from_a_response_that_somebody_has(live: Live, idp: SamlIdp, tmp_path: Path):
    (tmp_path / "response").write_text(idp.sign_in("bob")[1])
    file = str(tmp_path / "response")
    command = [*COMMAND, "login", "saml", "--role-arn", ROLE, "--principal-arn", SAML, "--assertion", file]
    done = ran(command, live, tmp_path)
    assert json.loads(done.stdout)["AccessKeyId"].startswith("ASIA"), done.stderr


def test_oidc_with_a_browser(live: Live, people: OidcProvider, tmp_path: Path):
    (tmp_path / "ca.pem").write_text(people.tls.certificate)
    command = [
        *COMMAND, "login", "oidc", "--role-arn", ROLE, "--issuer", people.issuer, "--client-id", "cli",
        "--no-browser", "--ca-file", str(tmp_path / "ca.pem"),
    ]  # fmt: skip
    live.client("iam").add_client_id_to_open_id_connect_provider(
        OpenIDConnectProviderArn=f"arn:aws:iam::{MANAGEMENT}:oidc-provider/{people.issuer.removeprefix('https://')}",
        ClientID="cli",
    )
    with subprocess.Popen(
        command, env=environment(live, tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running_command:
        assert running_command.stderr is not None
        found = re.search(r"https://\S+", running_command.stderr.readline())
        assert found is not None
        browser = Browser(people.tls)
        page = browser.submit(browser.open(found[0]), login="ann", password="any")
        assert "signed in" in browser.submit(page).body
        answer, complaint = running_command.communicate(timeout=60)
    assert json.loads(answer)["AccessKeyId"].startswith("ASIA"), complaint


def test_the_sdk_for_javascript_finds_the_token_in_its_file(live: Live, people: OidcProvider, tmp_path: Path):
    clients = ROOT / "tests/clients"
    folder = installed(clients)
    (folder / "whoami.mjs").write_text((clients / "whoami.mjs").read_text())
    (tmp_path / "token").write_text(people.sign_in("ann"))
    web: dict[str, Any] = {
        "AWS_ROLE_ARN": ROLE,
        "AWS_ROLE_SESSION_NAME": "js",
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"),
    }
    done = ran(["node", "--no-warnings", str(folder / "whoami.mjs")], live, tmp_path, **web)
    assert json.loads(done.stdout)["Arn"] == f"arn:aws:sts::{MANAGEMENT}:assumed-role/Staff/js", done.stderr


def test_the_aws_cli_finds_the_token_in_its_file(live: Live, people: OidcProvider, tmp_path: Path):
    (tmp_path / "token").write_text(people.sign_in("ann"))
    web = {"AWS_ROLE_ARN": ROLE, "AWS_ROLE_SESSION_NAME": "cli", "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token")}
    done = ran(["aws", "sts", "get-caller-identity"], live, tmp_path, **web)
    assert json.loads(done.stdout)["Arn"] == f"arn:aws:sts::{MANAGEMENT}:assumed-role/Staff/cli", done.stderr


async def test_a_page_of_a_provider_is_read_to_its_end():
    page = f'<p>{"x" * 500_000}</p><form action="/next"><input name="SAMLResponse" value="{"A" * 20_000}"></form>'
    async with answering(page.encode()) as url:
        assert await login._saml_response(url, "ann", "secret", None) == "A" * 20_000


async def test_and_no_further_than_a_page_can_be_long():
    async with answering(b"x" * (login.LARGEST_PAGE + 1)) as url:
        with pytest.raises(ClickException, match="more than a page"):
            await login._saml_response(url, "ann", "secret", None)


@pytest.mark.parametrize(
    ("said", "told", "asked"),
    [
        (None, {}, "http://127.0.0.1:8600"),
        (None, {"AWS_ENDPOINT_URL": "http://any.example"}, "http://any.example"),
        (
            None,
            {"AWS_ENDPOINT_URL": "http://any.example", "AWS_ENDPOINT_URL_STS": "http://sts.example"},
            "http://sts.example",
        ),
        ("http://said.example", {"AWS_ENDPOINT_URL_STS": "http://sts.example"}, "http://said.example"),
    ],
)
def test_the_token_service_is_where_other_tools_look_for_it(
    monkeypatch: pytest.MonkeyPatch, said: str | None, told: dict[str, str], asked: str
):
    for name in ("AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    assert login._sts(said, "us-east-1").meta.endpoint_url == asked
