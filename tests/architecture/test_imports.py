"""Who may know whom, as pyproject.toml says."""

from __future__ import annotations

import subprocess
import sys
import tomllib

from . import checkout

LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"


def contracts():
    return tomllib.loads(checkout.text(checkout.Path("pyproject.toml")))["tool"]["importlinter"]["contracts"]


def lint(folder):
    return subprocess.run(
        [sys.executable, "-c", LINT],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_import_contracts_hold():
    judged = lint(checkout.ROOT)
    assert judged.returncode == 0, judged.stdout + judged.stderr
    assert f"{len(contracts())} kept, 0 broken" in judged.stdout


def test_the_contracts_can_be_broken(tmp_path):
    """One house in which each contract is broken once."""
    written = {
        "authority/__init__.py": "",
        "authority/settings.py": "",
        "authority/kernel/__init__.py": "import authority.wire",
        "authority/policy/__init__.py": "import os.path",
        "authority/wire/__init__.py": "",
        "authority/outbound/__init__.py": "",
        "authority/sqlite/__init__.py": "",
        "authority/model/__init__.py": "import authority.sqlite",
        "authority/web/__init__.py": "import asyncio, authority.outbound",
        "authority/compose.py": "import authority.outbound, authority.web",
        "pyproject.toml": checkout.text(checkout.Path("pyproject.toml")),
    }
    for name, content in written.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    judged = lint(tmp_path)
    assert "0 kept, 4 broken" in judged.stdout, judged.stdout + judged.stderr
    for broken in (
        "authority.kernel -> authority.wire",
        "authority.policy -> os",
        "authority.web -> authority.outbound",
        "authority.model -> authority.sqlite",
    ):
        assert broken in judged.stdout
    assert "authority.web -> asyncio" not in judged.stdout
    assert "authority.compose -> authority.outbound" not in judged.stdout


def test_every_room_has_its_layer():
    (layers,) = [contract for contract in contracts() if contract["type"] == "layers"]
    assert layers["exhaustive"]
    named = {word.strip("() ") for line in layers["layers"] for word in line.split("|")}
    there = {file.parts[1].removesuffix(".py") for file in checkout.MODULES} - {"__init__"}
    assert there <= named
