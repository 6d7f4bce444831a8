"""An authority, a home directory with AWS configuration, and commands that run in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live import MANAGEMENT, Keys, Live, running

ROLE = f"arn:aws:iam::{MANAGEMENT}:role"
ROOT = Path(__file__).resolve().parents[2]


class Home:
    """Somebody's machine."""

    def __init__(self, place: Path, live: Live) -> None:
        self.place, self.live = place, live
        (place / ".aws").mkdir(parents=True)
        self.variables = {
            "HOME": str(place),
            "PATH": os.pathsep.join((str(place / "bin"), str(Path(sys.executable).parent), os.environ["PATH"])),
            "PYTHONPATH": str(ROOT),
            "AWS_ENDPOINT_URL": live.url,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": str(place / ".aws/config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(place / ".aws/credentials"),
        }
        command = place / "bin/authority"
        command.parent.mkdir()
        command.write_text(f'#!/bin/sh\nexec {sys.executable} -c "from authority.cli import main; main()" "$@"\n')
        command.chmod(0o755)

    def configure(self, config: str, **credentials: Keys) -> None:
        lines = []
        for name, keys in credentials.items():
            lines += [
                f"[{name}]",
                f"aws_access_key_id = {keys.access_key_id}",
                f"aws_secret_access_key = {keys.secret}",
            ]
        (self.place / ".aws/credentials").write_text("\n".join(lines))
        (self.place / ".aws/config").write_text(config)

    def run(self, *command: str, **more: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            timeout=240,
            start_new_session=True,  # no terminal: what is asked for is read from standard input
            env={**self.variables, **more.pop("env", {})},
            **more,
        )

    def json(self, *command: str, **more: Any) -> Any:
        done = self.run(*command, **more)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with running(tmp_path_factory.mktemp("authority")) as live:
        iam = live.client("iam")

        def trust(arn: str, **condition: Any) -> str:
            statement = {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "sts:AssumeRole", **condition}
            return json.dumps({"Version": "2012-10-17", "Statement": statement})

        everybody = f"arn:aws:iam::{MANAGEMENT}:root"
        iam.create_role(RoleName="First", AssumeRolePolicyDocument=trust(everybody))
        iam.put_role_policy(
            RoleName="First",
            PolicyName="on",
            PolicyDocument=json.dumps(
                {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}}
            ),
        )
        iam.create_role(
            RoleName="Guarded",
            AssumeRolePolicyDocument=trust(everybody, Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
        )
        iam.create_role(RoleName="Second", AssumeRolePolicyDocument=trust(f"{ROLE}/First"))
        iam.create_role(
            RoleName="Partner",
            AssumeRolePolicyDocument=trust(everybody, Condition={"StringEquals": {"sts:ExternalId": "contract-7"}}),
        )
        yield live


@pytest.fixture
def home(tmp_path: Path, live: Live) -> Home:
    return Home(tmp_path / "home", live)
