"""Many clients at once do what comes to their minds; afterwards the log's fold is what was served, in any process."""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode

import pytest
from aiohttp import ClientSession, TCPConnector

from authority.kernel.secret import Secret
from authority.outbound.clock import SystemClock
from authority.wire.sigv4 import Credentials, sign
from tests.live import MANAGEMENT, REGION, Keys, Live, made

NAMES = ("Ann", "ann", "Bob", "Cem", "Dia")
PATHS = ("/", "/team/", "/team/app/")
DOCUMENTS = (
    {"Effect": "Allow", "Action": "*", "Resource": "*"},
    {"Effect": "Deny", "Action": "iam:Delete*", "Resource": "*"},
    {"Effect": "Allow", "Action": ["iam:Get*", "iam:List*"], "Resource": "*"},
)
SERVICES = {"iam": "2010-05-08", "sts": "2011-06-15"}


def policy(statement: dict) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


class Client:
    """Somebody with the administrator's key, and sometimes with what it was given."""

    def __init__(self, live: Live, draw: random.Random) -> None:
        self.live, self.draw = live, draw
        self.keys = [live.administrator]
        self.statuses: dict[int, int] = {}

    def form(self) -> tuple[str, dict[str, str]]:
        """One request, as often as not one that must be refused."""
        draw = self.draw
        name, other = draw.choice(NAMES), draw.choice(NAMES)
        path, document = draw.choice(PATHS), policy(draw.choice(DOCUMENTS))
        arn = f"arn:aws:iam::{MANAGEMENT}:user{draw.choice(PATHS)}{name}"
        trust = policy({"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "sts:AssumeRole"})
        everybody = policy(
            {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{MANAGEMENT}:root"}, "Action": "sts:AssumeRole"}
        )
        role = f"arn:aws:iam::{MANAGEMENT}:role{path}{other}"
        managed = f"arn:aws:iam::{MANAGEMENT}:policy/{other}"
        kind = draw.choice(("User", "Group", "Role"))
        return draw.choice(
            (
                ("iam", {"Action": "CreateUser", "UserName": name, "Path": path}),
                ("iam", {"Action": "DeleteUser", "UserName": name}),
                ("iam", {"Action": "UpdateUser", "UserName": name, "NewUserName": other}),
                ("iam", {"Action": "TagUser", "UserName": name, "Tags.member.1.Key": "k", "Tags.member.1.Value": path}),
                ("iam", {"Action": "CreateAccessKey", "UserName": name}),
                ("iam", {"Action": "CreateGroup", "GroupName": name}),
                ("iam", {"Action": "DeleteGroup", "GroupName": name}),
                ("iam", {"Action": "AddUserToGroup", "UserName": name, "GroupName": other}),
                ("iam", {"Action": "RemoveUserFromGroup", "UserName": name, "GroupName": other}),
                (
                    "iam",
                    {"Action": "CreateRole", "RoleName": name, "Path": path, "AssumeRolePolicyDocument": everybody},
                ),
                ("iam", {"Action": "CreateRole", "RoleName": name, "Path": path, "AssumeRolePolicyDocument": trust}),
                ("iam", {"Action": "UpdateAssumeRolePolicy", "RoleName": name, "PolicyDocument": trust}),
                ("iam", {"Action": "DeleteRole", "RoleName": name}),
                (
                    "iam",
                    {
                        "Action": f"Put{kind}Policy",
                        f"{kind}Name": name,
                        "PolicyName": other,
                        "PolicyDocument": document,
                    },
                ),
                ("iam", {"Action": f"Delete{kind}Policy", f"{kind}Name": name, "PolicyName": other}),
                ("iam", {"Action": "CreatePolicy", "PolicyName": name, "PolicyDocument": document}),
                ("iam", {"Action": "CreatePolicyVersion", "PolicyArn": managed, "PolicyDocument": document}),
                ("iam", {"Action": "DeletePolicy", "PolicyArn": managed}),
                ("iam", {"Action": f"Attach{kind}Policy", f"{kind}Name": name, "PolicyArn": managed}),
                ("iam", {"Action": f"Detach{kind}Policy", f"{kind}Name": name, "PolicyArn": managed}),
                ("iam", {"Action": "ListUsers", "MaxItems": "2"}),
                ("iam", {"Action": "GetAccountAuthorizationDetails"}),
                ("sts", {"Action": "AssumeRole", "RoleArn": role, "RoleSessionName": "load"}),
                ("sts", {"Action": "AssumeRole", "RoleArn": role, "RoleSessionName": "load", "DurationSeconds": "900"}),
                ("sts", {"Action": "GetCallerIdentity"}),
                ("iam", {"Action": "NoSuchAction"}),
                ("iam", {"Action": "CreateUser", "UserName": "no spaces allowed"}),
            )
        )

    async def ask(self, session: ClientSession) -> None:
        service, form = self.form()
        keys = self.draw.choice(self.keys[:1] * 3 + self.keys[-2:])
        body = urlencode({**form, "Version": SERVICES[service]}).encode()
        headers = sign(
            "POST",
            f"{self.live.url}/",
            {"Content-Type": "application/x-www-form-urlencoded"},
            body,
            credentials=Credentials(keys.access_key_id, Secret(keys.secret), keys.token and Secret(keys.token)),
            region=REGION,
            service=service,
            now=SystemClock().now(),
        )
        async with session.post(f"{self.live.url}/", data=body, headers=headers) as answer:
            text = await answer.text()
        self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
        assert answer.status < 500, (form, text)
        if answer.status == 200 and "<SecretAccessKey>" in text:
            found = [text.partition(f"<{name}>")[2].partition("<")[0] for name in ("AccessKeyId", "SecretAccessKey")]
            token = text.partition("<SessionToken>")[2].partition("<")[0]
            self.keys.append(Keys(*found, token or None))


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("seed", "requests"), [(1, 2_400), pytest.param(2, 40_000, marks=pytest.mark.deep, id="long")])
def test_replay_equals_live_after_whatever_many_clients_did(tmp_path: Path, seed: int, requests: int):
    live = made(tmp_path, snapshot_every=500)
    live.start()
    clients = [Client(live, random.Random(f"{seed}/{number}")) for number in range(8)]

    async def play(client: Client) -> None:
        async with ClientSession(connector=TCPConnector(limit=1)) as session:
            for _ in range(requests // len(clients)):
                await client.ask(session)

    async def everybody() -> None:
        await asyncio.gather(*(play(client) for client in clients))

    asyncio.run(everybody())
    live.stop()
    answered = sum(client.statuses.get(200, 0) for client in clients)
    asked = sum(sum(client.statuses.values()) for client in clients)
    # A load that is nearly all refused, or never is, would say little.
    assert 0.15 < answered / asked < 0.9
    version = asyncio.run(live.check_ledger())
    assert version.position >= asked

    hashes = set()
    for hash_seed in ("1", "2"):
        replayed = subprocess.run(
            [sys.executable, "-c", "from authority.cli import main; main()", "replay", "--output", "json",
             "--data-dir", str(tmp_path)],
            check=True, capture_output=True, text=True, timeout=120,
            env={"PATH": os.environ["PATH"], "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(Path(__file__).parents[1])},
        )  # fmt: skip
        found = json.loads(replayed.stdout)
        assert found["position"] == version.position
        hashes.add(found["stateHash"])
    assert len(hashes) == 1
