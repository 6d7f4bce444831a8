"""People sign in at a real OpenID Connect provider and take roles on with real clients; hostile tokens get nowhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.federation.issuers import Issuer, OidcProvider, mock_issuer, oidc_provider
from tests.live import MANAGEMENT, REGION, Keys, Live, running

ROLE = f"arn:aws:iam::{MANAGEMENT}:role"
LOOPBACK = ("127.0.0.0/8", "::1/128")


@dataclass
class Company:
    """An account that trusts a provider of people's identities and an issuer that signs anything."""

    live: Live
    people: OidcProvider
    anything: Issuer

    def sts(self) -> Any:
        return boto3.client(
            "sts",
            endpoint_url=self.live.url,
            region_name=REGION,
            config=Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}),
        )

    def assume(self, token: str, role: str = "Web", **more: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.sts().assume_role_with_web_identity(
            RoleArn=f"{ROLE}/{role}", RoleSessionName="web", WebIdentityToken=token, **more
        )
        return answer

    def says(self, token: str, role: str = "Web", **more: Any) -> str:
        """The code of the error that a token gets."""
        with pytest.raises(ClientError) as refused:
            self.assume(token, role, **more)
        return str(refused.value.response["Error"]["Code"])

    def token(self, **claims: Any) -> str:
        """A token of the issuer that signs anything."""
        header, kid = claims.pop("header", {}), claims.pop("kid", None)
        claims = {"aud": "app", "sub": "mallory", **claims}
        return str(self.anything.tell(kid=kid, claims=claims, header=header, lifetime=600)["token"])

    def events(self, **filters: str) -> list[dict[str, Any]]:
        query = "&".join(f"{name}={value}" for name, value in filters.items())
        status, answer = self.live.ask("GET", "/v1/events", query=query)
        assert status == 200, answer
        return list(answer["events"])


def trust(issuer: str, actions: Any = "sts:*", **conditions: Any) -> str:
    url = issuer.removeprefix("https://")
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:aws:iam::{MANAGEMENT}:oidc-provider/{url}"},
        "Action": actions,
        "Condition": {"StringEquals": {f"{url}:{name}": value for name, value in conditions.items()}},
    }
    if not conditions:
        del statement["Condition"]
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    folder = tmp_path_factory.mktemp("authority")
    with (
        oidc_provider() as people,
        mock_issuer() as anything,
        running(folder, issuer_networks=LOOPBACK, summary_interval=0.1) as live,
    ):
        iam = live.client("iam")
        for issuer in (people, anything):
            iam.create_open_id_connect_provider(
                Url=issuer.issuer, ClientIDList=["app"], ThumbprintList=[issuer.tls.thumbprint]
            )
        iam.create_role(RoleName="Web", AssumeRolePolicyDocument=trust(people.issuer, aud="app", sub="ann"))
        iam.create_role(
            RoleName="Plain", AssumeRolePolicyDocument=trust(people.issuer, "sts:AssumeRoleWithWebIdentity")
        )
        iam.create_role(RoleName="Anything", AssumeRolePolicyDocument=trust(anything.issuer))
        read = {"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*"}
        iam.put_role_policy(
            RoleName="Web",
            PolicyName="read",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": read}),
        )
        yield Company(live, people, anything)


def test_whoever_signs_in_at_the_provider_takes_the_role_on(company: Company):
    answer = company.assume(company.people.sign_in("ann"))
    assert answer["SubjectFromWebIdentityToken"] == "ann"
    assert (answer["Audience"], answer["Provider"]) == ("app", company.people.issuer)
    assert answer["SourceIdentity"] == "ann@corp"
    keys = Keys.of(answer["Credentials"])
    arn = company.live.client("sts", keys).get_caller_identity()["Arn"]
    assert arn == answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{MANAGEMENT}:assumed-role/Web/web"
    assert company.live.client("iam", keys).list_users()["Users"]
    with pytest.raises(ClientError):
        company.live.client("iam", keys).list_roles()


def test_boto3_finds_the_token_in_its_file_by_itself(company: Company, tmp_path: Path):
    (tmp_path / "token").write_text(company.people.sign_in("ann"))
    program = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_ENDPOINT_URL": company.live.url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ROLE_ARN": f"{ROLE}/Web",
        "AWS_ROLE_SESSION_NAME": "pod",
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"),
    }
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.strip() == f"arn:aws:sts::{MANAGEMENT}:assumed-role/Web/pod", done.stderr


def test_j18_the_same_token_comes_again_until_it_expires(company: Company):
    token = company.people.sign_in("ann")
    assert company.assume(token)["Credentials"] != company.assume(token)["Credentials"]


def test_the_trust_policy_decides_who(company: Company):
    assert company.says(company.people.sign_in("bob")) == "AccessDenied"


def test_tags_need_a_permission_of_their_own(company: Company):
    with pytest.raises(ClientError, match="sts:TagSession"):
        company.assume(company.people.sign_in("ann"), "Plain")


def test_a_role_that_is_not_there_is_refused_in_the_same_words(company: Company):
    token = company.people.sign_in("bob")
    said = []
    for role in ("Web", "Nobody"):
        with pytest.raises(ClientError) as refused:
            company.assume(token, role)
        said.append(refused.value.response["Error"])
    assert said[0] == said[1]


def test_keys_are_rotated_and_the_new_ones_are_asked_for(company: Company, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("authority.outbound.issuers.ASKED_AGAIN", timedelta(0))
    before = company.people.sign_in("ann")
    company.people.rotate("second", "first")
    after = company.people.sign_in("ann")
    assert company.assume(after)
    assert company.assume(before)
    company.people.rotate("first")


def test_the_log_says_who_it_was_on_the_trail_of_the_account(company: Company):
    company.assume(company.people.sign_in("ann"))
    (event,) = company.events(action="sts:AssumeRoleWithWebIdentity", maxResults="1", order="newest")
    url = company.people.issuer.removeprefix("https://")
    provider = f"arn:aws:iam::{MANAGEMENT}:oidc-provider/{url}"
    assert event["caller"]["principalId"] == f"{provider}:app:ann"
    assert event["request"]["parameters"]["WebIdentityToken"] == "***"
    context = event["decisions"][0]["context"]
    assert context[f"{url}:sub"] == "ann"
    assert context[f"{url}:department"] == "research"
    assert context["aws:federatedprovider"] == provider
    (session,) = (fact for fact in event["facts"] if fact["type"] == "session-issued")
    assert session["provider"] == provider
    assert session["vouched"] == {f"{url}:aud": "app", f"{url}:sub": "ann"}
    assert {tag["key"] for tag in session["tags"]} == {"Project", "Team"}


def test_who_brings_a_bad_token_is_a_stranger_and_is_counted(company: Company):
    before = len(company.events(action="sts:AssumeRoleWithWebIdentity"))
    for _ in range(20):
        assert company.says("a.b.c") == "InvalidIdentityToken"
    assert len(company.events(action="sts:AssumeRoleWithWebIdentity")) == before
    counted = 0
    while counted < 20:  # the summary is written every tenth of a second
        counted = sum(
            one["count"]
            for event in company.events(outcome="invalid-identity-token", account="*")
            for fact in event["facts"]
            for one in fact["requests"]
            if one["action"] == "AssumeRoleWithWebIdentity"
        )


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        pytest.param({"aud": "another"}, "InvalidIdentityToken", id="for another client"),
        pytest.param({"aud": ["app", "another"]}, "InvalidIdentityToken", id="for several, and nobody says for whom"),
        pytest.param({"azp": "another"}, "InvalidIdentityToken", id="obtained by another client"),
        pytest.param({"aud": []}, "InvalidIdentityToken", id="for nobody"),
        pytest.param({"sub": ""}, "InvalidIdentityToken", id="of nobody"),
        pytest.param({"exp": 1}, "ExpiredTokenException", id="expired"),
        pytest.param({"exp": None}, "InvalidIdentityToken", id="without an end"),
        pytest.param({"exp": "9999999999"}, "InvalidIdentityToken", id="with an end in text"),
        pytest.param({"exp": 10**30}, "InvalidIdentityToken", id="with an end beyond all dates"),
        pytest.param({"nbf": 9_999_999_999}, "InvalidIdentityToken", id="not valid yet"),
        pytest.param({"iat": 9_999_999_999}, "InvalidIdentityToken", id="issued tomorrow"),
        pytest.param({"iss": "https://elsewhere.example"}, "InvalidIdentityToken", id="of another issuer"),
        pytest.param(
            {"header": {"kid": "../../dev/null"}}, "InvalidIdentityToken", id="with a key's name that is a path"
        ),
    ],
)
def test_a_token_that_does_not_count(company: Company, claims: dict[str, Any], code: str):
    assert company.says(company.token(**claims), "Anything") == code


def test_a_token_of_the_other_issuer_is_good_for_its_own_role_only(company: Company):
    token = company.token()
    assert company.assume(token, "Anything")
    assert company.says(token, "Web") == "AccessDenied"


def test_a_provider_that_is_deleted_vouches_for_nobody_any_more(company: Company):
    iam, token = company.live.client("iam"), company.token()
    arn = f"arn:aws:iam::{MANAGEMENT}:oidc-provider/{company.anything.issuer.removeprefix('https://')}"
    iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="app")
    assert company.says(token, "Anything") == "InvalidIdentityToken"
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="app")
    assert company.assume(token, "Anything")
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert company.says(token, "Anything") == "InvalidIdentityToken"
    iam.create_open_id_connect_provider(
        Url=company.anything.issuer, ClientIDList=["app"], ThumbprintList=[company.anything.tls.thumbprint]
    )
    assert company.assume(token, "Anything")
