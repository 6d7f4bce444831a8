"""The lock files: names, versions and hashes, one version of each package, and no address."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from . import checkout

NAMES = ("serve", "test", "bench")
PINNED = re.compile(r"([a-z0-9][a-z0-9-]*)(?:\[[a-z,-]+\])?==([0-9][0-9A-Za-z.+!]*)(?: ; [^\\/:]+)? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")


def lines(name):
    return checkout.text(checkout.Path(f"requirements/{name}.lock")).splitlines()


def pinned(name):
    return {match[1]: match[2] for line in lines(name) if (match := PINNED.fullmatch(line))}


@pytest.mark.parametrize("name", NAMES)
def test_a_lock_holds_nothing_but_versions_and_hashes(name):
    strange = [line for line in lines(name) if not PINNED.fullmatch(line) and not HASH.fullmatch(line)]
    assert strange == []
    assert pinned(name)


@pytest.mark.parametrize("name", NAMES)
def test_every_package_has_a_hash(name):
    pairs = zip(lines(name), [*lines(name)[1:], ""], strict=True)
    assert [line for line, after in pairs if PINNED.fullmatch(line) and not HASH.fullmatch(after)] == []


@pytest.mark.parametrize("name", ["test", "bench"])
def test_what_serves_is_what_is_tested(name):
    serving, other = pinned("serve"), pinned(name)
    assert {package: other.get(package) for package in serving} == serving


def test_no_package_has_two_versions():
    versions = {}
    for name in NAMES:
        for package, version in pinned(name).items():
            versions.setdefault(package, set()).add(version)
    assert {package: found for package, found in versions.items() if len(found) > 1} == {}


@pytest.mark.parametrize("name", NAMES)
def test_the_lock_satisfies_what_the_project_asks_for(name):
    project = tomllib.loads(checkout.text(checkout.Path("pyproject.toml")))["project"]
    extras = {"test": ("test", "lint")}.get(name, (name,))
    asked = project["dependencies"] + [
        each for extra in extras for each in project["optional-dependencies"].get(extra, [])
    ]
    locked = pinned(name)
    for requirement in map(Requirement, asked):
        version = locked.get(canonicalize_name(requirement.name))
        assert version is not None, f"run ops/lock: {requirement} is not in {name}.lock"
        assert requirement.specifier.contains(version, prereleases=True), (
            f"run ops/lock: {requirement}, locked is {version}"
        )
