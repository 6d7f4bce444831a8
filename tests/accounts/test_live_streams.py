"""Events that go out as one stream, and go on while somebody listens: raw HTTP against a live authority."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlencode

import aiohttp
import pytest
from click.testing import CliRunner
from yarl import URL

from authority.cli.main import commands
from authority.kernel.secret import Secret
from authority.outbound.clock import SystemClock
from authority.wire.sigv4 import Credentials, sign
from tests.accounts.test_live import entered, made
from tests.live import MANAGEMENT, REGION, Keys, Live, running

PATIENCE = 20


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with running(tmp_path_factory.mktemp("authority")) as live:
        for number in range(230):  # more than one page of a stream
            live.client("iam").create_user(UserName=f"u{number}") if number < 3 else live.client("iam").list_users()
        yield live


def auditor(live, name) -> Keys:
    """A user who may read the trail and do nothing else."""
    iam = live.client("iam")
    iam.create_user(UserName=name)
    reading = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": "authority:ListEvents", "Resource": "*"},
    }
    iam.put_user_policy(UserName=name, PolicyName="read", PolicyDocument=json.dumps(reading))
    return Keys.of(iam.create_access_key(UserName=name)["AccessKey"])


def fetched(live, keys=None, **asked):
    status, headers, body = live.fetch("GET", "/v1/events", keys, query=urlencode(sorted(asked.items())))
    return status, headers, body


def positions(live, **asked):
    status, headers, body = fetched(live, **asked)
    assert status == 200, body
    assert headers["Content-Type"] == "application/x-ndjson"
    return [json.loads(line)["position"] for line in body.splitlines()]


def test_a_stream_holds_everything_oldest_first_in_one_answer(live):
    found = positions(live, format="jsonl", account="*")
    assert found == list(range(1, found[-1] + 1))
    assert len(found) > 230
    newest = positions(live, format="jsonl", account="*", order="newest", maxResults="5")
    assert newest == list(range(newest[0], newest[0] - 5, -1))


def test_filters_and_bounds_hold_for_streams_as_for_pages(live):
    status, _, body = fetched(live, format="jsonl", action="iam:CreateUser", toPosition="60")
    names = [json.loads(line)["request"]["parameters"]["UserName"] for line in body.splitlines()]
    assert status == 200
    assert names[:3] == ["u0", "u1", "u2"]
    found = positions(live, format="jsonl", account="*", fromPosition="5", toPosition="9")
    assert found == [5, 6, 7, 8, 9]
    assert positions(live, format="jsonl", account="*", fromPosition="5", maxResults="3") == [5, 6, 7]
    assert positions(live, format="jsonl", action="iam:DeleteSAMLProvider") == []


def test_a_stream_of_cloudtrail_records_is_a_document_like_its_log_files(live):
    status, headers, body = fetched(live, format="cloudtrail")
    assert (status, headers["Content-Type"]) == (200, "application/json")
    records = json.loads(body)["Records"]
    assert len(records) > 230
    assert {one["eventVersion"] for one in records} == {"1.11"}
    assert {one["recipientAccountId"] for one in records} == {MANAGEMENT}
    found = [one["additionalEventData"]["position"] for one in records]
    assert found == sorted(found)
    empty = fetched(live, format="cloudtrail", action="iam:DeleteSAMLProvider")[2]
    assert json.loads(empty) == {"Records": []}


def test_a_stream_of_ocsf_is_one_event_a_line(live):
    status, headers, body = fetched(live, format="ocsf", action="iam:CreateUser")
    assert (status, headers["Content-Type"]) == (200, "application/x-ndjson")
    events = [json.loads(line) for line in body.splitlines()]
    assert {(one["class_uid"], one["activity_id"]) for one in events} == {(6003, 1)}
    assert events[0]["actor"]["user"]["name"] == "Administrator"


def test_the_whole_log_in_each_form_names_the_account_of_each_event(live):
    account = made(live, "other")
    entered(live, account)
    records = json.loads(fetched(live, format="cloudtrail", account="*")[2])["Records"]
    assert MANAGEMENT in {one["recipientAccountId"] for one in records}
    assert all(len(one["recipientAccountId"]) == 12 for one in records)
    theirs = json.loads(fetched(live, format="cloudtrail", account=account)[2])["Records"]
    assert 0 < len(theirs) < len(records)


@pytest.mark.parametrize(
    "asked",
    [
        {"format": "xml"},
        {"format": "jsonl", "nextToken": "x"},
        {"format": "jsonl", "maxResults": "0"},
        {"follow": "true", "order": "newest"},
        {"follow": "true", "until": "2030-01-01T00:00:00Z"},
        {"follow": "true", "toPosition": "9"},
        {"follow": "perhaps"},
        {"maxResults": "1001"},
    ],
)
def test_what_cannot_be_streamed_is_refused_before_it_begins(live, asked):
    status, _, body = fetched(live, **asked)
    assert status == 400
    assert json.loads(body)["message"]


def test_nobody_streams_without_permission(live):
    iam = live.client("iam")
    iam.create_user(UserName="Nobody")
    nobody = Keys.of(iam.create_access_key(UserName="Nobody")["AccessKey"])
    assert fetched(live, nobody, format="jsonl")[0] == 403
    outside = entered(live, made(live, "outside"))
    assert fetched(live, outside, format="jsonl")[0] == 200
    assert fetched(live, outside, format="jsonl", account="*")[0] == 403


# --- what is followed --------------------------------------------------------------------------


class Listener:
    """Reads server-sent events as they come."""

    def __init__(self, response):
        self.response = response
        self.buffer = b""

    async def event(self):
        """The next event: its fields, or None when the stream has ended."""
        while True:
            async with asyncio.timeout(PATIENCE):
                while b"\n\n" not in self.buffer:
                    piece = await self.response.content.readany()
                    if not piece:
                        return None
                    self.buffer += piece
            block, _, self.buffer = self.buffer.partition(b"\n\n")
            fields = dict(line.split(": ", 1) for line in block.decode().split("\n") if not line.startswith(":"))
            if fields:
                return fields


@asynccontextmanager
async def listening(live, keys=None, **asked):
    keys = keys or live.administrator
    url = f"{live.url}/v1/events?{urlencode(sorted({'follow': 'true', **asked}.items()))}"
    credentials = Credentials(keys.access_key_id, Secret(keys.secret), keys.token and Secret(keys.token))
    headers = sign(
        "GET", url, {}, b"", credentials=credentials, region=REGION, service="authority", now=SystemClock().now()
    )
    async with aiohttp.ClientSession() as session, session.get(URL(url, encoded=True), headers=headers) as response:
        assert response.status == 200, await response.read()
        assert response.headers["Content-Type"] == "text/event-stream"
        assert response.headers["Cache-Control"] == "no-store"
        yield Listener(response)


async def off(call, /, **wanted):
    return await asyncio.to_thread(call, **wanted)


async def test_what_is_followed_comes_as_it_happens(live):
    iam = live.client("iam")
    async with listening(live, action="iam:CreateUser") as listener:
        for name in ("Ann", "Ben"):
            await off(iam.create_user, UserName=name)
            event = await listener.event()
            said = json.loads(event["data"])
            assert said["request"]["parameters"]["UserName"] == name
            assert event["id"] == str(said["position"])


async def test_following_goes_on_from_where_somebody_stopped_without_a_gap(live):
    iam = live.client("iam")
    await off(iam.create_user, UserName="Cleo")
    async with listening(live, action="iam:CreateUser", fromPosition="1") as listener:
        seen = []
        while not seen or json.loads(seen[-1]["data"])["request"]["parameters"]["UserName"] != "Cleo":
            seen.append(await listener.event())
        last = seen[-1]["id"]
    await off(iam.create_user, UserName="Dora")
    async with listening(live, action="iam:CreateUser", fromPosition=str(int(last) + 1)) as listener:
        assert json.loads((await listener.event())["data"])["request"]["parameters"]["UserName"] == "Dora"


@pytest.mark.parametrize(("form", "name"), [("cloudtrail", "eventName"), ("ocsf", "class_name")])
async def test_what_is_followed_can_be_in_each_form(live, form, name):
    async with listening(live, format=form, fromPosition="1", maxResults="2") as listener:
        assert name in json.loads((await listener.event())["data"])
        assert name in json.loads((await listener.event())["data"])
        assert await listener.event() is None


async def test_many_events_at_once_are_followed_each_once(live):
    iam = live.client("iam")
    async with listening(live, action="iam:CreateGroup") as listener:
        names = [f"g{number}" for number in range(30)]
        await asyncio.gather(*(off(iam.create_group, GroupName=name) for name in names))
        heard = [json.loads((await listener.event())["data"]) for _ in names]
        assert sorted(one["request"]["parameters"]["GroupName"] for one in heard) == sorted(names)
        assert [one["position"] for one in heard] == sorted(one["position"] for one in heard)


async def test_a_stream_ends_with_the_permission_that_it_began_with(live):
    keys = auditor(live, "Leaving")
    iam = live.client("iam")
    async with listening(live, keys, action="iam:*") as listener:
        await off(iam.create_group, GroupName="before")
        assert json.loads((await listener.event())["data"])["action"] == "iam:CreateGroup"
        await off(iam.delete_user_policy, UserName="Leaving", PolicyName="read")
        await off(iam.create_group, GroupName="after")
        assert (await listener.event())["event"] == "end"
        assert await listener.event() is None


async def test_a_stream_ends_with_the_key_that_it_began_with(live):
    keys = auditor(live, "Dropped")
    iam = live.client("iam")
    async with listening(live, keys, action="iam:*") as listener:
        await off(iam.update_access_key, UserName="Dropped", AccessKeyId=keys.access_key_id, Status="Inactive")
        assert (await listener.event())["event"] == "end"


def test_streams_end_when_the_authority_stops(tmp_path):
    async def listen(live):
        async with listening(live) as listener:
            await asyncio.to_thread(live.stop)
            events = []
            while (event := await listener.event()) is not None:
                events.append(event)
            return events

    with running(tmp_path) as live:
        assert asyncio.run(listen(live))[-1]["event"] == "end"


async def test_more_streams_than_may_be_followed_are_told_so_and_room_is_made_again(live):
    async def refused():
        status, _, body = await asyncio.to_thread(fetched, live, follow="true", maxResults="1", fromPosition="1")
        assert status == 200 or json.loads(body)["code"] == "Throttling"
        return status != 200

    async with AsyncExitStack() as stack, asyncio.timeout(60):
        count = 0
        while not await refused():
            await stack.enter_async_context(listening(live))
            count += 1
        assert 16 < count <= 32
    async with asyncio.timeout(60):
        while await refused():
            await asyncio.sleep(0.1)  # until it is noticed that the others left


# --- the command line --------------------------------------------------------------------------


def events(live, *words, status=0):
    environment = {
        "AWS_ACCESS_KEY_ID": live.administrator.access_key_id,
        "AWS_SECRET_ACCESS_KEY": live.administrator.secret,
        "AWS_ENDPOINT_URL": live.url,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }
    result = CliRunner().invoke(commands, ["events", *words], env=environment, catch_exceptions=False)
    assert result.exit_code == status, result.output
    return result.output


def test_the_command_line_streams_in_each_form(live):
    lines = events(live, "--output", "jsonl", "--account", "*").splitlines()
    assert [json.loads(line)["position"] for line in lines] == list(range(1, len(lines) + 1))
    assert len(json.loads(events(live, "--output", "cloudtrail", "--limit", "7"))["Records"]) == 7
    (line,) = events(live, "--output", "ocsf", "--limit", "1").splitlines()
    assert json.loads(line)["metadata"]["version"] == "1.5.0"
    assert "ValidationError" in events(live, "--output", "jsonl", "--action", "nonsense", status=1)


def test_the_command_line_follows(live):
    lines = events(live, "--follow", "--from-position", "3", "--account", "*", "--limit", "4").splitlines()
    assert [json.loads(line)["position"] for line in lines] == [3, 4, 5, 6]
