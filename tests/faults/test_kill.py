"""Killed at any moment under load: what was acknowledged is in the log, and what is not in the log is worth nothing."""

from __future__ import annotations

import json
import random
import threading
import time
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.faults.process import Process
from tests.live import MANAGEMENT, Keys

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{MANAGEMENT}:root"},
            "Action": "sts:AssumeRole",
        },
    }
)
ROLE = f"arn:aws:iam::{MANAGEMENT}:role/App"


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.deep), pytest.param(3, marks=pytest.mark.deep)])
async def test_killed_under_load_nothing_acknowledged_is_lost(process: Process, seed: int):
    draw = random.Random(seed)
    process.start("--snapshot-every", "40")
    process.client("iam").create_role(RoleName="App", AssumeRolePolicyDocument=TRUST)
    sessions: list[Keys] = []
    users: list[str] = []
    for round_ in range(3):
        stopping = threading.Event()

        def issue(sts: Any, stopping: threading.Event = stopping) -> None:
            while not stopping.is_set():
                try:
                    answer = sts.assume_role(RoleArn=ROLE, RoleSessionName="load")
                    sessions.append(Keys.of(answer["Credentials"]))
                except (BotoCoreError, ClientError):
                    return

        def change(iam: Any, stopping: threading.Event = stopping, round_: int = round_) -> None:
            for count in range(10_000):
                name = f"user-{round_}-{count}"
                try:
                    iam.create_user(UserName=name)
                    users.append(name)
                except (BotoCoreError, ClientError):
                    return
                if stopping.is_set():
                    return

        threads = [threading.Thread(target=issue, args=(process.client("sts"),)) for _ in range(3)]
        threads.append(threading.Thread(target=change, args=(process.client("iam"),)))
        for thread in threads:
            thread.start()
        time.sleep(draw.uniform(1.0, 2.5))
        process.kill()
        stopping.set()
        for thread in threads:
            thread.join(30)
        process.start("--snapshot-every", "40")

    assert len(sessions) > 10
    assert len(users) > 3
    text = b"\n".join(await process.bodies()).decode()
    missing = [keys.access_key_id for keys in sessions if f'"access_key_id":"{keys.access_key_id}"' not in text]
    assert missing == []
    kept = {user.name for user in (await process.replayed()).state.accounts[MANAGEMENT].users.values()}
    assert set(users) <= kept
    # Issued before a crash, good after it: nothing about a session lies in the memory of a process.
    for keys in (sessions[0], sessions[-1]):
        arn = process.client("sts", keys).get_caller_identity()["Arn"]
        assert arn.endswith("assumed-role/App/load")
    assert process.stop() == 0


async def test_a_restart_in_order_goes_on_where_it_stopped(process: Process):
    process.start()
    process.client("iam").create_user(UserName="Bob")
    assert process.stop() == 0
    before = await process.replayed()
    process.start()
    assert process.client("iam").get_user(UserName="Bob")["User"]["UserName"] == "Bob"
    assert process.stop() == 0
    after = await process.replayed()
    assert after.position > before.position
    text = b"\n".join(await process.bodies()).decode()
    assert text.count('"authority:Started"') == 2
    assert text.count('"authority:Stopped"') == 2
