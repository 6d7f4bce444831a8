"""Node packages that tests need, installed once from their lock file and kept beside the virtual environment."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.debian import needed

OLDEST = 20
"""The version of Node from which on the packages run."""
PLACE = Path(__file__).resolve().parents[1] / ".venv" / "npm"


def installed(folder: Path) -> Path:
    """A folder whose `node_modules` holds what *folder*'s lock file names.

    What cannot be installed fails where CI is set, and is skipped loudly elsewhere.
    """
    lock = (folder / "package-lock.json").read_bytes()
    place = PLACE / hashlib.sha256(lock).hexdigest()[:16]
    place.mkdir(parents=True, exist_ok=True)
    with (place / ".lock").open("w") as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        if not (place / ".installed").exists():
            for name in ("package.json", "package-lock.json"):
                shutil.copy(folder / name, place / name)
            done = _install(place)
            if done is not None:
                if os.environ.get("CI"):
                    pytest.fail(done)
                pytest.skip(done)
            (place / ".installed").touch()
    return place


def _install(place: Path) -> str | None:
    """Install, or say why it could not be done."""
    needed("nodejs", "npm", found_by="npm")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0] or 0) < OLDEST:
        return f"Node {OLDEST} or later is needed, and here is `{version}`"
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        subprocess.run(command, cwd=place, check=True, capture_output=True, text=True, timeout=300)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as failure:
        return f"npm could not install what the tests need: {getattr(failure, 'stderr', failure)}"
    return None
