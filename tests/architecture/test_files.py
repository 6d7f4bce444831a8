"""What every file owes its reader, and what no file may carry."""

from __future__ import annotations

import ast
import os
import re

import pytest

from . import checkout

LONGEST = 500
ADDRESSES = {
    "the address of an archive": re.compile(
        r"(?:https?|ftp|git\+\w+)://[^\s'\"<>)]+\.(?:whl|tar\.\w+|tgz|zip|deb|rpm|jar|exe|dmg)\b"
    ),
    "the address of a package registry": re.compile(
        r"://[^/\s'\"]*(?:pypi|pythonhosted|npm|crates|rubygems|registry)[^/\s'\"]*"
    ),
    "an index for an installer": re.compile(
        r"(?:index-url|find-links|trusted-host)['\"]?[ =:]+['\"]?(?:[^\s'\"]*:/|\.{0,2})/+\w"
    ),
}
MACHINES = re.compile(r"(?<![\w.$}~*-])/(?:root|work|tmp|home/\w+|Users/\w+|opt/\w+)/\w[^\s'\"]*")


def found(pattern, files=checkout.FILES):
    return [f"{file}: {match[0]}" for file in files for match in pattern.finditer(checkout.text(file))]


@pytest.mark.parametrize("kind", ADDRESSES)
def test_no_file_says_where_to_download_from(kind):
    """Each machine installs from the index that it trusts."""
    assert found(ADDRESSES[kind]) == []


def test_no_file_knows_the_machine_it_was_written_on():
    assert found(MACHINES) == []


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        ("the address of an archive", "https" + "://example.com/a/b-1.0-py3-none-any.whl"),
        ("the address of an archive", "https" + "://example.com/b.tar.gz"),
        ("the address of a package registry", "https:/" + "/registry.example/simple"),
        ("an index for an installer", "--index-url" + " file:///srv/index"),
        ("an index for an installer", "find-links" + " = ./wheels"),
    ],
)
def test_an_address_would_be_found(kind, written):
    assert ADDRESSES[kind].search(written)


@pytest.mark.parametrize("written", ["/tmp" + "/x", "path=/root" + "/a", '"/home' + '/me/x"', "file:///work" + "/x"])
def test_a_machine_would_be_found(written):
    assert MACHINES.search(written)


@pytest.mark.parametrize("written", ["role/work" + "/x", "arn:aws:iam::1:role/tmp" + "/x", "$HOME/tmp" + "/x"])
def test_paths_of_other_things_are_not_machines(written):
    assert not MACHINES.search(written)


def test_every_python_file_says_what_it_knows():
    assert [str(file) for file in checkout.PYTHON if not ast.get_docstring(ast.parse(checkout.text(file)))] == []


def test_every_python_file_reads_its_annotations_late():
    """Otherwise a name used before its class would mean another thing on another Python."""
    assert [str(file) for file in checkout.PYTHON if not reads_annotations_late(ast.parse(checkout.text(file)))] == []


def reads_annotations_late(tree):
    return any(
        isinstance(node, ast.ImportFrom) and node.module == "__future__" and node.names[0].name == "annotations"
        for node in tree.body
    )


def test_a_module_is_one_idea():
    counted = {str(file): len(checkout.text(file).splitlines()) for file in checkout.MODULES}
    assert {file: count for file, count in counted.items() if count > LONGEST} == {}


@pytest.mark.parametrize("command", ["ops/serve", "ops/test", "ops/bench", "ops/lock", "ops/api-page", ".ci/run"])
def test_a_command_can_be_run_and_stops_at_the_first_fault(command):
    file = checkout.ROOT / command
    assert os.access(file, os.X_OK)
    said = file.read_text()
    assert said.startswith("#!/usr/bin/env bash\n# ")
    assert "\nset -euo pipefail\n" in said
