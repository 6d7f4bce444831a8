"""Sessions end by the clock, and the log says so once, also after a restart."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from authority.compose.configured import ledger_url
from authority.ledger.sql.sqlite import SqliteLedger
from tests.live import MANAGEMENT, Keys, Live, made


class Later:
    """A clock that can be put forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


TRUST = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{MANAGEMENT}:root"}, "Action": "sts:AssumeRole"}


def session(live: Live) -> Keys:
    answer = live.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{MANAGEMENT}:role/App", RoleSessionName="short", DurationSeconds=900
    )
    return Keys.of(answer["Credentials"])


def ends(live: Live, keys: Keys) -> list[dict]:
    """The entries that say that the session of *keys* ended."""

    async def read() -> list[dict]:
        ledger = await SqliteLedger.open(ledger_url(live.settings), only_read=True)
        try:
            bodies = [json.loads(entry.body) for entry in await ledger.read(0, 10_000)]
        finally:
            await ledger.close()
        facts = [(body, fact) for body in bodies for fact in body.get("facts", ())]
        return [
            body
            for body, fact in facts
            if fact["type"] == "session-ended" and fact["access_key_id"] == keys.access_key_id
        ]

    return asyncio.run(read())


def until_ended(live: Live, keys: Keys) -> list[dict]:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = ends(live, keys)
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("nobody noticed that the session ended")


def test_a_session_ends_once_whether_we_serve_at_that_moment_or_not(tmp_path: Path):
    clock = Later()
    live = made(tmp_path, clock=clock)
    live.start()
    live.client("iam").create_role(
        RoleName="App", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": TRUST})
    )
    watched, slept = session(live), session(live)
    assert live.client("sts", watched).get_caller_identity()["Account"] == MANAGEMENT
    assert ends(live, watched) == []

    clock.ahead = timedelta(minutes=15, seconds=1)
    (end,) = until_ended(live, watched)
    assert end["type"] == "authority:SessionExpired"
    live.stop()

    clock.ahead = timedelta(minutes=16)
    live.start()
    assert len(until_ended(live, slept)) == 1
    assert len(ends(live, watched)) == 1
    clock.ahead = timedelta()
    live.stop()
    asyncio.run(live.check_ledger())
