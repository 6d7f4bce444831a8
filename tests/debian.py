"""Packages of Debian that tests need, installed when they are missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from fcntl import LOCK_EX, flock
from pathlib import Path

import pytest


def needed(*packages: str, found_by: str) -> None:
    """Have *packages* installed; *found_by* is a file, or a command, that is there when they are.

    What cannot be installed fails where CI is set, and is skipped loudly elsewhere.
    """
    if _there(found_by):
        return
    with (Path(tempfile.gettempdir()) / "authority-apt.lock").open("w") as one_at_a_time:
        flock(one_at_a_time, LOCK_EX)
        for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", *packages]):
            if _there(found_by):
                return
            try:
                subprocess.run(
                    command,
                    check=True,
                    capture_output=True,
                    timeout=600,
                    env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"},
                )
            except (OSError, subprocess.SubprocessError) as failure:
                why = f"{' '.join(packages)} could not be installed: {failure}"
                if os.environ.get("CI"):
                    pytest.fail(why)
                pytest.skip(why)


def _there(found_by: str) -> bool:
    return Path(found_by).exists() or shutil.which(found_by, path=f"{os.environ['PATH']}:/usr/sbin") is not None
