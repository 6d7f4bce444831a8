"""People sign in at SimpleSAMLphp and take roles on with the AWS CLI and boto3."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.federation.saml_idp import SamlIdp, saml_idp
from tests.live import MANAGEMENT, REGION, Keys, Live, running

PROVIDER = f"arn:aws:iam::{MANAGEMENT}:saml-provider/Corp"
ROLE = f"arn:aws:iam::{MANAGEMENT}:role"


@dataclass
class Company:
    """An account whose people are known to their company's own identity provider."""

    live: Live
    idp: SamlIdp

    def assume(self, encoded: str, role: str = "Staff") -> dict[str, Any]:
        sts = boto3.client(
            "sts",
            endpoint_url=self.live.url,
            region_name=REGION,
            config=Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}),
        )
        answer: dict[str, Any] = sts.assume_role_with_saml(
            RoleArn=f"{ROLE}/{role}", PrincipalArn=PROVIDER, SAMLAssertion=encoded
        )
        return answer


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    place = tmp_path_factory.mktemp("idp")
    with saml_idp(place) as idp, running(tmp_path_factory.mktemp("authority")) as live:
        iam = live.client("iam")
        assert iam.create_saml_provider(Name="Corp", SAMLMetadataDocument=idp.metadata)["SAMLProviderArn"] == PROVIDER
        statement = {
            "Effect": "Allow",
            "Principal": {"Federated": PROVIDER},
            "Action": ["sts:AssumeRoleWithSAML", "sts:TagSession", "sts:SetSourceIdentity"],
            "Condition": {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}},
        }
        for name in ("Staff", "Admins"):
            document = json.dumps({"Version": "2012-10-17", "Statement": statement})
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)
        yield Company(live, idp)


def test_whoever_signs_in_takes_the_role_on(company: Company):
    _, encoded = company.idp.sign_in("ann")
    answer = company.assume(encoded)
    assert (answer["Subject"], answer["SubjectType"], answer["SourceIdentity"]) == ("ann", "persistent", "ann")
    assert answer["Issuer"] == f"{company.idp.url}/saml2/idp/metadata.php"
    arn = company.live.client("sts", Keys.of(answer["Credentials"])).get_caller_identity()["Arn"]
    assert arn == f"arn:aws:sts::{MANAGEMENT}:assumed-role/Staff/ann@corp"


def test_one_assertion_is_good_for_each_of_the_roles_once(company: Company):
    _, encoded = company.idp.sign_in("ann")
    assert company.assume(encoded, "Staff")
    assert company.assume(encoded, "Admins")
    with pytest.raises(ClientError) as refused:
        company.assume(encoded, "Staff")
    assert refused.value.response["Error"]["Code"] == "InvalidIdentityToken"


def test_nobody_gets_a_role_that_the_provider_does_not_name(company: Company):
    _, encoded = company.idp.sign_in("bob")
    with pytest.raises(ClientError) as refused:
        company.assume(encoded, "Admins")
    assert refused.value.response["Error"]["Code"] == "AccessDenied"
    assert company.assume(encoded, "Staff")


def test_the_aws_cli_does_it_from_a_file(company: Company, tmp_path: Path):
    _, encoded = company.idp.sign_in("ann")
    (tmp_path / "assertion").write_text(encoded + "\n")
    command = [
        str(Path(sys.executable).parent / "aws"), "sts", "assume-role-with-saml",
        "--role-arn", f"{ROLE}/Staff", "--principal-arn", PROVIDER,
        "--saml-assertion", f"file://{tmp_path}/assertion", "--endpoint-url", company.live.url,
    ]  # fmt: skip
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_DEFAULT_REGION": REGION}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["AssumedRoleUser"]["Arn"].endswith("assumed-role/Staff/ann@corp")


def test_the_log_says_who_and_never_what_was_brought(company: Company):
    _, encoded = company.idp.sign_in("ann")
    company.assume(encoded)
    _, answer = company.live.ask("GET", "/v1/events", query="action=sts:AssumeRoleWithSAML&order=newest&maxResults=1")
    (event,) = answer["events"]
    assert event["caller"]["kind"] == "saml"
    assert event["caller"]["principalId"].endswith(":ann")
    assert event["request"]["parameters"]["SAMLAssertion"] == "***"
    assert event["decisions"][0]["context"]["saml:edupersonaffiliation"] == ["staff"]
