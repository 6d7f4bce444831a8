"""The AWS CLI, as it is installed from the package index, through a long day of an administrator.

Its commands run in one process of their own, one after another, through the CLI's own entry point; one runs as the
program itself.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from authority.kernel.secret import Secret
from authority.outbound.clock import SystemClock
from authority.principals.totp import code_at, counter_at
from tests.federation.documents import metadata
from tests.iam.table import READ, TRUST, Place
from tests.live import REGION, Live

CHILD = """
import contextlib, io, json, sys
from awscli.clidriver import create_clidriver

driver = create_clidriver()
for line in sys.stdin:
    out, err = io.StringIO(), io.StringIO()
    out.buffer = io.BytesIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = driver.main(json.loads(line))
        except SystemExit as ended:
            code = ended.code
    said = out.getvalue() + out.buffer.getvalue().decode()
    print(json.dumps([code, said, err.getvalue()]), flush=True)
"""


class Shell:
    """A shell in which `aws` is the CLI; `$NAME` stands for what was kept, and files lie beside it."""

    def __init__(self, place: Place, folder: Path) -> None:
        keys = place.signers["boss"]
        self.folder = folder
        self.names = {"ACCOUNT": place.names["account"]}
        self.environment = {
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
            "HOME": str(folder),
            "AWS_ENDPOINT_URL": place.live.url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": keys.access_key_id,
            "AWS_SECRET_ACCESS_KEY": keys.secret,
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_PAGER": "",
        }
        self._child = subprocess.Popen(
            [sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder, env=self.environment
        )  # fmt: skip

    def filled(self, line: str) -> str:
        return re.sub(r"\$(\w+)", lambda found: self.names[found[1]], line)

    def run(self, line: str) -> tuple[int, str, str]:
        """The code, the output and the complaint of one command."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(json.dumps(shlex.split(self.filled(line))) + "\n")
        self._child.stdin.flush()
        code, out, err = json.loads(self._child.stdout.readline())
        return code, out, err

    def aws(self, line: str) -> Any:
        """What a command that must work says, read as JSON if it is that."""
        code, out, err = self.run(line)
        assert code == 0, (line, err)
        try:
            return json.loads(out) if out.strip() else None
        except json.JSONDecodeError:
            return out.strip()

    def refused(self, line: str) -> str:
        """How a command complains that must fail."""
        code, _, err = self.run(line)
        assert code != 0, line
        return err

    def close(self) -> None:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.close()
        self._child.stdout.close()
        self._child.wait(30)


@pytest.fixture(scope="module")
def shell(live: Live, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    folder = tmp_path_factory.mktemp("home")
    place = Place(live, {})
    (folder / "trust.json").write_text(place.filled(TRUST))
    (folder / "read.json").write_text(READ)
    (folder / "metadata.xml").write_text(metadata())
    with contextlib.closing(Shell(place, folder)) as shell:
        yield shell


def test_the_program_itself_asks_who_it_is(shell: Shell):
    command = ["aws", "sts", "get-caller-identity", "--query", "Arn", "--output", "text"]
    said = subprocess.run(command, env=shell.environment, capture_output=True, text=True, check=True, cwd=shell.folder)
    assert said.stdout.strip() == shell.filled("arn:aws:iam::$ACCOUNT:user/boss")


def test_a_long_day(shell: Shell):
    aws, of = shell.aws, shell.filled("arn:aws:iam::$ACCOUNT")

    # users, groups, keys
    made = aws("iam create-user --user-name ann --path /dev/ --tags Key=Team,Value='röd team' Key=Cost,Value=7")
    assert made["User"]["Arn"] == f"{of}:user/dev/ann"
    assert aws("iam get-user --user-name ann --query 'User.Tags[?Key==`Team`].Value' --output text") == "röd team"
    assert aws("iam create-group --group-name dev")["Group"]["GroupName"] == "dev"
    assert aws("iam add-user-to-group --group-name dev --user-name ann") is None
    assert aws("iam get-group --group-name dev --query 'Users[].UserName'") == ["ann"]
    assert aws("iam list-groups-for-user --user-name ann --query 'Groups[].GroupName' --output text") == "dev"
    shell.names["KEY"] = aws("iam create-access-key --user-name ann --query AccessKey.AccessKeyId --output text")
    assert aws("iam update-access-key --user-name ann --access-key-id $KEY --status Inactive") is None
    assert aws("iam list-access-keys --user-name ann --query 'AccessKeyMetadata[].Status'") == ["Inactive"]
    assert aws("iam get-access-key-last-used --access-key-id $KEY")["AccessKeyLastUsed"]["ServiceName"] == "N/A"
    assert aws("iam delete-access-key --user-name ann --access-key-id $KEY") is None
    for number in range(5):
        aws(f"iam create-user --user-name more{number}")
    assert len(aws("iam list-users --page-size 2")["Users"]) == 7
    first = aws("iam list-users --max-items 3")
    shell.names["NEXT"] = first["NextToken"]
    assert len(aws("iam list-users --max-items 10 --starting-token $NEXT")["Users"]) == 4
    assert "NoSuchEntity" in shell.refused("iam get-user --user-name nobody")
    assert "EntityAlreadyExists" in shell.refused("iam create-user --user-name ANN")
    assert aws("iam tag-user --user-name ann --tags Key=Env,Value=prod") is None
    assert aws("iam untag-user --user-name ann --tag-keys Cost") is None
    assert aws("iam list-user-tags --user-name ann --query 'Tags[].Key'") == ["Env", "Team"]
    assert aws("iam update-user --user-name more0 --new-user-name eve --new-path /x/") is None
    assert aws("iam get-user --user-name eve --query User.Path --output text") == "/x/"

    # policies
    shell.names["POLICY"] = aws("iam create-policy --policy-name read --policy-document file://read.json --description 'reads all' --tags Key=a,Value=b --query Policy.Arn --output text")  # fmt: skip
    assert aws("iam attach-user-policy --user-name ann --policy-arn $POLICY") is None
    assert aws("iam list-attached-user-policies --user-name ann --query 'AttachedPolicies[].PolicyName'") == ["read"]
    assert aws("iam list-entities-for-policy --policy-arn $POLICY --query 'PolicyUsers[].UserName'") == ["ann"]
    assert "DeleteConflict" in shell.refused("iam delete-policy --policy-arn $POLICY")
    second = aws("iam create-policy-version --policy-arn $POLICY --policy-document file://read.json --set-as-default")
    assert second["PolicyVersion"]["VersionId"] == "v2"
    shown = aws("iam get-policy-version --policy-arn $POLICY --version-id v2")
    assert shown["PolicyVersion"]["Document"] == json.loads(READ)
    assert aws("iam set-default-policy-version --policy-arn $POLICY --version-id v1") is None
    assert aws("iam delete-policy-version --policy-arn $POLICY --version-id v2") is None
    assert aws("iam list-policies --scope Local --only-attached --query 'Policies[].PolicyName'") == ["read"]
    assert aws("iam get-policy --policy-arn arn:aws:iam::aws:policy/ReadOnlyAccess --query Policy.Path") == "/"
    assert aws("iam put-user-policy --user-name ann --policy-name own --policy-document file://read.json") is None
    own = aws("iam get-user-policy --user-name ann --policy-name own")
    assert own["PolicyDocument"] == json.loads(READ)
    assert aws("iam put-user-permissions-boundary --user-name ann --permissions-boundary $POLICY") is None
    assert "MalformedPolicyDocument" in shell.refused("iam put-user-policy --user-name ann --policy-name bad --policy-document '{}'")  # fmt: skip
    simulated = aws(f"iam simulate-principal-policy --policy-source-arn {of}:user/dev/ann --action-names s3:GetObject s3:PutObject")  # fmt: skip
    assert [one["EvalDecision"] for one in simulated["EvaluationResults"]] == ["allowed", "implicitDeny"]
    keys = aws(f"iam get-context-keys-for-custom-policy --policy-input-list {shlex.quote(READ)}")
    assert keys == {"ContextKeyNames": []}

    # roles, sessions, profiles
    role = aws(
        "iam create-role --role-name app --assume-role-policy-document file://trust.json --max-session-duration 7200"
    )
    assert "MaxSessionDuration" not in role["Role"]
    assert aws("iam get-role --role-name app --query Role.MaxSessionDuration") == 7200
    assert aws("iam attach-role-policy --role-name app --policy-arn arn:aws:iam::aws:policy/ReadOnlyAccess") is None
    session = aws(f"sts assume-role --role-arn {of}:role/app --role-session-name day --duration-seconds 900")
    assert session["AssumedRoleUser"]["Arn"] == shell.filled("arn:aws:sts::$ACCOUNT:assumed-role/app/day")
    assert aws("iam update-role --role-name app --description 'all day'") is None
    assert aws("iam get-role --role-name app --query 'Role.[Description,MaxSessionDuration]'") == ["all day", 7200]
    assert aws("iam update-assume-role-policy --role-name app --policy-document file://trust.json") is None
    assert aws("iam create-instance-profile --instance-profile-name web")["InstanceProfile"]["Roles"] == []
    assert aws("iam add-role-to-instance-profile --instance-profile-name web --role-name app") is None
    assert aws("iam list-instance-profiles-for-role --role-name app --query 'InstanceProfiles[].Path'") == ["/"]
    aws("iam wait role-exists --role-name app")
    aws("iam wait instance-profile-exists --instance-profile-name web")
    shell.names["TASK"] = aws("iam create-service-linked-role --aws-service-name ecs.amazonaws.com --query Role.RoleName --output text")  # fmt: skip
    deleted = aws("iam delete-service-linked-role --role-name $TASK")
    assert aws(f"iam get-service-linked-role-deletion-status --deletion-task-id {deleted['DeletionTaskId']}") == {"Status": "SUCCEEDED"}  # fmt: skip
    assert len(aws("sts get-session-token --duration-seconds 900")["Credentials"]["SessionToken"]) > 100
    federated = aws("sts get-federation-token --name eve --policy file://read.json")
    assert federated["FederatedUser"]["Arn"].endswith(":federated-user/eve")
    info = aws(f"sts get-access-key-info --access-key-id {session['Credentials']['AccessKeyId']}")
    assert info["Account"] == shell.names["ACCOUNT"]

    # a second factor, its seed and its picture in files
    device = aws("iam create-virtual-mfa-device --virtual-mfa-device-name phone --outfile seed.txt --bootstrap-method Base32StringSeed")  # fmt: skip
    serial = device["VirtualMFADevice"]["SerialNumber"]
    seed = Secret(base64.b32decode((shell.folder / "seed.txt").read_bytes()))
    now = counter_at(SystemClock().now())
    codes = f"--authentication-code1 {code_at(seed, now - 1)} --authentication-code2 {code_at(seed, now)}"
    assert aws(f"iam enable-mfa-device --user-name ann --serial-number {serial} {codes}") is None
    assert aws("iam list-mfa-devices --user-name ann --query 'MFADevices[].SerialNumber'") == [serial]
    assert aws(f"iam deactivate-mfa-device --user-name ann --serial-number {serial}") is None
    assert aws(f"iam delete-virtual-mfa-device --serial-number {serial}") is None
    aws("iam create-virtual-mfa-device --virtual-mfa-device-name other --outfile code.png --bootstrap-method QRCodePNG")
    assert (shell.folder / "code.png").read_bytes().startswith(b"\x89PNG")

    # providers
    saml = aws("iam create-saml-provider --name corp --saml-metadata-document file://metadata.xml")["SAMLProviderArn"]
    assert aws(f"iam get-saml-provider --saml-provider-arn {saml}")["SAMLMetadataDocument"] == metadata()
    assert aws("iam list-saml-providers --query 'SAMLProviderList[].Arn'") == [saml]
    oidc = aws("iam create-open-id-connect-provider --url https://idp.example.com --client-id-list a b")
    shell.names["OIDC"] = oidc["OpenIDConnectProviderArn"]
    assert aws("iam get-open-id-connect-provider --open-id-connect-provider-arn $OIDC")["ClientIDList"] == ["a", "b"]
    assert aws("iam enable-outbound-web-identity-federation")["IssuerIdentifier"]

    # the account
    assert aws("iam create-account-alias --account-alias day-$ACCOUNT") is None
    assert aws("iam list-account-aliases --query 'AccountAliases[0]' --output text") == shell.filled("day-$ACCOUNT")
    assert aws("iam update-account-password-policy --minimum-password-length 12 --require-symbols") is None
    assert aws("iam get-account-password-policy --query PasswordPolicy.RequireSymbols") is True
    assert aws("iam get-account-summary --query SummaryMap.Users") == 7
    assert aws("iam generate-credential-report")["State"] == "STARTED"
    assert aws("iam get-credential-report --query ReportFormat --output text") == "text/csv"
    details = aws("iam get-account-authorization-details --filter User Role")
    assert {one["UserName"] for one in details["UserDetailList"]} >= {"ann", "boss", "eve"}
    job = aws(f"iam generate-service-last-accessed-details --arn {of}:user/boss")["JobId"]
    report = aws(f"iam get-service-last-accessed-details --job-id {job}")
    used = {one["ServiceNamespace"]: one.get("LastAuthenticatedEntity") for one in report["ServicesLastAccessed"]}
    assert used["iam"] == f"{of}:user/boss"
    assert aws("organizations describe-organization --query Organization.FeatureSet --output text") == "ALL"
    assert "AccessDenied" in shell.refused("organizations list-accounts")
    assert "InvalidAction" in shell.refused("iam upload-signing-certificate --certificate-body x --user-name ann")

    # and everything away again
    for line in (
        "iam remove-user-from-group --group-name dev --user-name ann",
        "iam delete-user-policy --user-name ann --policy-name own",
        "iam detach-user-policy --user-name ann --policy-arn $POLICY",
        "iam delete-user-permissions-boundary --user-name ann",
        "iam delete-user --user-name ann",
        "iam delete-group --group-name dev",
        "iam delete-policy --policy-arn $POLICY",
        "iam remove-role-from-instance-profile --instance-profile-name web --role-name app",
        "iam delete-instance-profile --instance-profile-name web",
        "iam detach-role-policy --role-name app --policy-arn arn:aws:iam::aws:policy/ReadOnlyAccess",
        "iam delete-role --role-name app",
        f"iam delete-saml-provider --saml-provider-arn {saml}",
        "iam delete-open-id-connect-provider --open-id-connect-provider-arn $OIDC",
        "iam disable-outbound-web-identity-federation",
        "iam delete-account-password-policy",
        "iam delete-account-alias --account-alias day-$ACCOUNT",
    ):
        assert aws(line) is None, line
    assert "AccessDenied" in shell.refused(f"sts assume-role --role-arn {of}:role/app --role-session-name day")
