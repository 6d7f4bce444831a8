"""A broker signs people in at a real OpenLDAP directory and hands out credentials and links."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from authority.cli.broker import _escaped
from tests.debian import needed
from tests.live import MANAGEMENT, REGION, Keys, Live, running

ROOT = Path(__file__).resolve().parents[2]
PEOPLE = "ou=people,dc=example,dc=org"
CONFIG = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {place}/pid
database mdb
suffix "dc=example,dc=org"
rootdn "cn=admin,dc=example,dc=org"
directory {place}/data
"""
ENTRIES = f"""
dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: {PEOPLE}
objectClass: organizationalUnit
ou: people

dn: uid=ann,{PEOPLE}
objectClass: inetOrgPerson
uid: ann
cn: Ann
sn: Example
userPassword: right
"""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """OpenLDAP on loopback, with one person."""
    needed("slapd", found_by="slapd")
    slapd = shutil.which("slapd", path=f"{os.environ['PATH']}:/usr/sbin")
    assert slapd is not None
    place = tmp_path_factory.mktemp("ldap")
    (place / "data").mkdir()
    (place / "slapd.conf").write_text(CONFIG.format(place=place))
    (place / "people.ldif").write_text(ENTRIES)
    add = [str(Path(slapd).with_name("slapadd")), "-f", str(place / "slapd.conf"), "-l", str(place / "people.ldif")]
    subprocess.run(add, check=True, capture_output=True, timeout=30)
    url = f"ldap://127.0.0.1:{free_port()}"
    command = [slapd, "-f", str(place / "slapd.conf"), "-h", url, "-d", "0"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        port = int(url.rpartition(":")[2])
        while server.poll() is None:
            with socket.socket() as trying:
                if trying.connect_ex(("127.0.0.1", port)) == 0:
                    break
        yield url
        server.terminate()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with running(tmp_path_factory.mktemp("authority")) as live:
        yield live


@pytest.fixture(scope="module")
def broker(directory: str, live: Live, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker with a key of its own; says where it is."""
    place = tmp_path_factory.mktemp("broker")
    allowed = {"Effect": "Allow", "Action": ["sts:GetFederationToken", "iam:ListUsers"], "Resource": "*"}
    iam = live.client("iam")
    iam.create_user(UserName="broker")
    iam.put_user_policy(
        UserName="broker", PolicyName="all", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": allowed})
    )
    key = iam.create_access_key(UserName="broker")["AccessKey"]
    (place / "policy.json").write_text(json.dumps({"Version": "2012-10-17", "Statement": allowed}))
    command = [
        sys.executable, "-c", "from authority.cli import main; main()", "broker", "--directory", directory,
        "--people", f"uid={{}},{PEOPLE}", "--policy", str(place / "policy.json"), "--port", "0",
    ]  # fmt: skip
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "HOME": str(place),
        "AWS_ENDPOINT_URL": live.url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.terminate()


def asked(url: str, name: str, password: str) -> tuple[int, str]:
    """The status and body of an answer to somebody; redirects are followed."""
    proof = base64.b64encode(f"{name}:{password}".encode()).decode()
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, headers={"Authorization": f"Basic {proof}"}), timeout=30
        ) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, answer.read().decode()


def test_whoever_the_directory_knows_gets_credentials(broker: str, live: Live):
    status, body = asked(f"{broker}/credentials", "ann", "right")
    assert status == 200, body
    found = json.loads(body)
    keys = Keys(found["AccessKeyId"], found["SecretAccessKey"], found["Token"])
    arn = live.client("sts", keys).get_caller_identity()["Arn"]
    assert arn == f"arn:aws:sts::{MANAGEMENT}:federated-user/ann"


def test_and_a_link_that_signs_in(broker: str):
    status, page = asked(f"{broker}/console", "ann", "right")
    assert status == 200
    assert "federated-user/ann" in page


@pytest.mark.parametrize(
    ("name", "password"),
    [
        pytest.param("ann", "wrong", id="a wrong password"),
        pytest.param("ann", "", id="no password, with which a bind would succeed"),
        pytest.param("nobody", "right", id="nobody"),
        pytest.param("ann,ou=people", "right", id="a name that reaches beyond its part"),
        pytest.param("*", "right", id="a pattern"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_nobody_else_does(broker: str, name: str, password: str):
    assert asked(f"{broker}/credentials", name, password)[0] == 401


@pytest.mark.parametrize("name", ["a,b", "a=b", "a+b", 'a"b', "a\\b", "a b", " a", "#a", "a\x00", "ä"])
def test_a_name_stays_within_its_part_of_a_distinguished_name(name: str):
    escaped = _escaped(name)
    assert not set(escaped) & set(',=+"<>;# \x00')
    assert escaped.count("\\") == sum(len(letter.encode()) for letter in name if not letter.isalnum())
