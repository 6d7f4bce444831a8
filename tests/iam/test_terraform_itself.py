"""Terraform and its AWS provider, unmodified, where a machine has them: what is planned is made, stays, changes and goes.

`plan.tf` is the configuration.  The provider comes from a mirror on the machine, for nothing is fetched.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from tests.federation.documents import metadata
from tests.iam.table import Place
from tests.live import Live

COMMAND: Final = shutil.which("terraform")
PROVIDER: Final = "registry.terraform.io/hashicorp/aws"
MIRRORS: Final = [
    place
    for above in (
        Path("/usr/share/terraform"),
        Path("/usr/local/share/terraform"),
        Path("/opt"),
        Path.home() / ".terraform.d",
    )
    for place in above.glob("*")
    if (place / PROVIDER).is_dir()
]
pytestmark = [
    pytest.mark.skipif(COMMAND is None or not MIRRORS, reason="no Terraform with its AWS provider on this machine"),
    pytest.mark.timeout(600),
]
QUIET: Final = ("-no-color", "-input=false")
CLEAN, CHANGES = 0, 2
"""What `plan -detailed-exitcode` ends with."""
IMPORTED: Final = {
    "aws_iam_policy.read": "arn:aws:iam::{account}:policy/p/read",
    "aws_iam_role_policy.own": "app:own",
    "aws_iam_openid_connect_provider.idp": "arn:aws:iam::{account}:oidc-provider/idp.example.com/realm",
    "aws_iam_saml_provider.corp": "arn:aws:iam::{account}:saml-provider/corp",
    "aws_iam_account_password_policy.rules": "iam-account-password-policy",
}


class Terraform:
    """A working directory with the configuration, and an account."""

    def __init__(self, directory: Path, place: Place) -> None:
        self.directory, self.place, self.stage = directory, place, "first"
        shutil.copy(Path(__file__).with_name("plan.tf"), directory)
        (directory / "metadata.xml").write_text(metadata())
        (directory / "rc").write_text(
            f'provider_installation {{\n  filesystem_mirror {{ path = "{MIRRORS[0]}" }}\n}}\n'
        )
        keys = place.signers["boss"]
        self.variables = {
            "PATH": os.environ["PATH"],
            "HOME": str(directory),
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
            "TF_CLI_CONFIG_FILE": str(directory / "rc"),
            "TF_VAR_metadata": str(directory / "metadata.xml"),
            "AWS_ENDPOINT_URL": place.live.url,
            "AWS_ACCESS_KEY_ID": keys.access_key_id,
            "AWS_SECRET_ACCESS_KEY": keys.secret,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        self.run("init", *QUIET)

    def run(self, *command: str, ends: int = 0) -> str:
        """Run one command, and hold it to how it *ends*."""
        done = subprocess.run(
            [str(COMMAND), *command],
            cwd=self.directory,
            env=self.variables | {"TF_VAR_stage": self.stage},
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == ends, done.stdout + done.stderr
        return done.stdout

    def apply(self) -> dict[str, Any]:
        """Make it so; say what was read."""
        self.run("apply", *QUIET, "-auto-approve")
        read: dict[str, Any] = json.loads(self.run("output", "-json", "read"))
        return read

    def forget(self, address: str) -> None:
        """Take something out of Terraform's own state; it stays where it is."""
        self.run("state", "rm", address)

    def plan(self, ends: int = CLEAN) -> str:
        return self.run("plan", *QUIET, "-detailed-exitcode", ends=ends)


def test_what_is_planned_is_made_and_stays_and_changes_and_goes(live: Live, tmp_path: Path):
    place = Place(live, {})
    iam, account = place.client("iam"), place.names["account"]
    terraform = Terraform(tmp_path, place)

    assert terraform.apply() == {
        "members": ["ann", "bob"],
        "roles": ["app"],
        "issuer": f"arn:aws:iam::{account}:user/boss",
        "may": {"s3:ListBucket": True, "iam:CreateUser": False},
    }
    terraform.plan()

    for address, name in IMPORTED.items():
        terraform.forget(address)
        terraform.run("import", *QUIET, address, name.format(account=account))
    terraform.plan()

    terraform.stage = "second"
    assert terraform.apply()["members"] == ["ann"]
    terraform.plan()
    assert iam.get_role(RoleName="app")["Role"]["MaxSessionDuration"] == 3600
    assert {tag["Key"] for tag in iam.list_user_tags(UserName="ann")["Tags"]} == {"Stage", "new/key", "Managed"}

    document = iam.get_role_policy(RoleName="app", PolicyName="own")["PolicyDocument"]
    reordered = json.dumps({**document, "Statement": document["Statement"]}, indent=3, sort_keys=True)
    iam.put_role_policy(RoleName="app", PolicyName="own", PolicyDocument=reordered)
    terraform.plan()
    iam.untag_role(RoleName="app", TagKeys=["Stage"])
    iam.delete_user_policy(UserName="ann", PolicyName="own")
    iam.attach_role_policy(RoleName="app", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    told = terraform.plan(CHANGES)
    for address in ("aws_iam_role.app", "aws_iam_user_policy.own", "aws_iam_role_policy_attachments_exclusive.app"):
        assert f"# {address} will be" in told
    terraform.apply()
    assert {"Key": "Stage", "Value": "second"} in iam.list_role_tags(RoleName="app")["Tags"]
    assert iam.list_user_policies(UserName="ann")["PolicyNames"] == ["own"]
    attached = {policy["PolicyName"] for policy in iam.list_attached_role_policies(RoleName="app")["AttachedPolicies"]}
    assert attached == {"SecurityAudit", "read"}

    iam.create_access_key(UserName="ann")  # nobody planned it, but the user is to go whatever he has
    terraform.run("destroy", *QUIET, "-auto-approve")
    assert [user["UserName"] for user in iam.list_users()["Users"]] == ["boss"]
    assert [role["RoleName"] for role in iam.list_roles()["Roles"]] == ["OrganizationAccountAccessRole"]
    assert iam.list_policies(Scope="Local")["Policies"] == []
    assert iam.get_account_summary()["SummaryMap"]["Providers"] == 0
