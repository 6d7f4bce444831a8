"""The README's tour, word by word: a shell, the AWS CLI and our own command against an authority that serves."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live import Keys, Live

ROOT = Path(__file__).resolve().parents[2]
TOUR = re.compile(r"(?:As (?P<who>[^,:\n]+)[,:][^\n]*(?:\n[^\n]+)*\n\n)?```bash\n(?P<commands>.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def shell(live: Live, tmp_path_factory: pytest.TempPathFactory):
    """Runs commands of the README as somebody."""
    place = tmp_path_factory.mktemp("newcomer")
    command = place / "authority"
    command.write_text(
        f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c "from authority.cli import main; main()" "$@"\n'
    )
    command.chmod(0o755)

    def run(commands: str, keys: Keys) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands.replace(".venv/bin/authority", str(command))],
            cwd=place,
            env={
                "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
                "HOME": str(place),
                "PYTHONPATH": str(ROOT),
                "AUTHORITY_DATA_DIR": str(live.settings.data_dir),
                "AWS_CONFIG_FILE": str(place / "none"),
                "AWS_SHARED_CREDENTIALS_FILE": str(place / "none"),
                "AWS_ENDPOINT_URL": live.url,
                "AWS_DEFAULT_REGION": "us-east-1",
                "AWS_REGION": "us-east-1",
                "AWS_ACCESS_KEY_ID": keys.access_key_id,
                "AWS_SECRET_ACCESS_KEY": keys.secret,
                **({"AWS_SESSION_TOKEN": keys.token} if keys.token else {}),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.mark.timeout(300)
def test_the_tour_of_the_readme_can_be_walked(shell, live: Live):
    blocks = [(found["who"], found["commands"]) for found in TOUR.finditer((ROOT / "README.md").read_text("utf-8"))]
    assert [who for who, _ in blocks] == [
        None,
        "Production's administrator",
        "Development's administrator",
        "David",
        "David",
        "David",
        "Production's administrator",
        "Development's administrator",
        "the first administrator",
    ]
    making, lending, taking, assuming, configuring, switching, ending, ending_all, replaying = (
        one for _, one in blocks
    )

    said = shell(making, live.administrator)
    assert ":user/Administrator" in said
    shown = re.findall(r"export AWS_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY)=(\S+)", said)
    production, development = Keys(*shown[:2]), Keys(*shown[2:])
    shell(lending, production)
    made = shell(taking, development)
    david = Keys.of(json.loads(made[made.index('{\n    "AccessKey"') :])["AccessKey"])
    session = json.loads(shell(assuming, david))
    assert session["AssumedRoleUser"]["Arn"] == "arn:aws:sts::222233334444:assumed-role/UpdateAPP/david"

    assert ":assumed-role/UpdateAPP/" in shell(configuring, david)
    switched = shell(switching, david)
    assert switched.index(":assumed-role/UpdateAPP/David") < switched.index(":user/David")

    taken = session["Credentials"]["AccessKeyId"]
    with pytest.raises(AssertionError, match="AccessDenied"):
        shell(assuming, production)
    found = shell(ending.replace("ASIA...", taken), production)
    assert f"{taken} is revoked." in found
    with pytest.raises(AssertionError, match="ExpiredToken"):
        shell("aws sts get-caller-identity", Keys.of(session["Credentials"]))
    again = Keys.of(json.loads(shell(assuming, david))["Credentials"])
    said = shell(ending_all.replace("AKIA...", david.access_key_id), development)
    assert f"Everything that came of {david.access_key_id} is revoked." in said
    with pytest.raises(AssertionError, match="ExpiredToken"):
        shell("aws sts get-caller-identity", again)
    found = shell(replaying, live.administrator)
    assert "access-denied" in found
    assert "The replayed state equals the state that is served" in found
