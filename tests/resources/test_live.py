"""Deciding for a resource server, over HTTP: proofs are verified, and the log says who was judged and no secret."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Iterator

import msgspec
import pytest

from authority.compose.configured import ledger_url
from authority.ledger.sql.sqlite import SqliteLedger
from authority.model.authority import Settings
from authority.model.event import Event, read_event
from authority.model.state import EMPTY
from authority.resources.discovery import DISCOVERY, published
from tests.live import MANAGEMENT, Keys, Live, running
from tests.story.resource_server import asked_by

OBJECT = "arn:aws:s3:::bucket/key"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with running(tmp_path_factory.mktemp("authority")) as live:
        yield live


@pytest.fixture(scope="module")
def client(live: Live) -> Keys:
    """A session that may read one object."""
    iam = live.client("iam")
    statement = {"Effect": "Allow", "Principal": {"AWS": MANAGEMENT}, "Action": "sts:AssumeRole"}
    iam.create_role(
        RoleName="Reader", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    )
    reading = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": OBJECT}
    document = json.dumps({"Version": "2012-10-17", "Statement": [reading]})
    iam.put_role_policy(RoleName="Reader", PolicyName="reading", PolicyDocument=document)
    arn = f"arn:aws:iam::{MANAGEMENT}:role/Reader"
    return Keys.of(live.client("sts").assume_role(RoleArn=arn, RoleSessionName="reader")["Credentials"])


def question(client: Keys, action: str = "s3:GetObject", resource: str = OBJECT, **changes) -> dict:
    proof = asked_by(client, action.partition(":")[0])
    token = {} if proof.session_token is None else {"sessionToken": proof.session_token}
    signed = {
        "accessKeyId": proof.access_key_id,
        "stringToSign": proof.string_to_sign.decode(),
        "credentialScope": f"{proof.date}/{proof.region}/{proof.service}/aws4_request",
        "signature": proof.signature,
        **token,
        **changes,
    }
    return {
        "subject": {"type": "client", "id": proof.access_key_id, "properties": signed},
        "action": {"name": action},
        "resource": {"type": "object", "id": resource},
        "context": {"aws:SourceIp": "203.0.113.9"},
    }


def last_event(live: Live, kind: str) -> tuple[Event, bytes]:
    async def read() -> tuple[Event, bytes]:
        ledger = await SqliteLedger.open(ledger_url(live.settings), only_read=True)
        try:
            head = await ledger.head()
            bodies = [entry.body for entry in await ledger.read(0, head.position) if entry.type == kind]
            return read_event(bodies[-1]), bodies[-1]
        finally:
            await ledger.close()

    return asyncio.run(read())


def test_a_batch_is_judged_proof_by_proof(live, client):
    stolen = question(client, signature="0" * 64)
    other = question(client, "s3:PutObject")
    unknown = question(Keys("AKIAUNKNOWNUNKNOWN00", "secret"))
    body = {"evaluations": [question(client), other, stolen, unknown]}
    status, answer = live.ask("POST", "/access/v1/evaluations", body=body)
    assert status == 200, answer
    judged = [(one["decision"], one["context"].get("code")) for one in answer["evaluations"]]
    assert judged == [
        (True, None),
        (False, "AccessDenied"),
        (False, "SignatureDoesNotMatch"),
        (False, "InvalidClientTokenId"),
    ]


def test_the_log_tells_who_was_judged_and_nothing_to_sign_with(live, client):
    status, answer = live.ask("POST", "/access/v1/evaluation", body=question(client))
    assert (status, answer["decision"]) == (200, True)
    event, body = last_event(live, "authority:Evaluate")
    judging = event.decisions[-1]
    assert event.request is not None
    assert event.request.id == answer["context"]["authorizationId"]
    assert (judging.judged, judging.asserted) == (client.access_key_id, ("aws:sourceip",))
    assert judging.context["aws:sourceip"] == "203.0.113.9"
    assert client.token is not None
    shown = question(client)["subject"]["properties"]["signature"]
    recorded = event.request.parameters["subject"]["properties"]
    assert (recorded["signature"], recorded["sessionToken"]) == ("***", "***")
    assert shown.encode() not in body
    assert client.token.encode() not in body
    assert client.secret.encode() not in body


def test_everybody_may_read_where_to_ask(live):
    with urllib.request.urlopen(f"{live.url}/.well-known/authzen-configuration") as answer:
        assert answer.headers["Content-Type"] == "application/json"
        found = json.load(answer)
    base = live.settings.public_url
    assert found.pop("policy_decision_point") == base
    assert found == {
        "access_evaluation_endpoint": f"{base}/access/v1/evaluation",
        "access_evaluations_endpoint": f"{base}/access/v1/evaluations",
    }
    for endpoint in found.values():  # something answers there, and wants a signature
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(live.url + endpoint.removeprefix(base), data=b"{}")
        with refused.value as answer:
            assert answer.status == 403


def test_a_url_with_a_path_has_its_own_place_for_that():
    settings = Settings(engine="1", regions=("us-east-1",), public_url="https://x.example/a/b")
    state = msgspec.structs.replace(EMPTY, settings=settings)
    assert published(state, DISCOVERY) is None
    found = msgspec.json.decode(published(state, f"{DISCOVERY}/a/b"))
    assert found["access_evaluation_endpoint"] == "https://x.example/a/b/access/v1/evaluation"


def test_a_revoked_role_is_a_no_at_once(live, client):
    iam = live.client("iam")
    assert live.ask("POST", "/access/v1/evaluation", body=question(client))[1]["decision"] is True
    iam.delete_role_policy(RoleName="Reader", PolicyName="reading")
    assert live.ask("POST", "/access/v1/evaluation", body=question(client))[1]["decision"] is False
    reading = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": OBJECT}
    document = json.dumps({"Version": "2012-10-17", "Statement": [reading]})
    iam.put_role_policy(RoleName="Reader", PolicyName="reading", PolicyDocument=document)


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"subject": None, "action": None, "resource": None},
        {"evaluations": [{}]},
        {"evaluations": "all"},
        {"evaluations": [], "options": {"evaluations_semantic": "sometimes"}},
    ],
)
def test_whatever_is_no_question_is_refused_in_words(live, body):
    for path in ("/access/v1/evaluation", "/access/v1/evaluations"):
        status, answer = live.ask("POST", path, body=body)
        assert status == 400
        assert answer["message"]


def test_a_batch_larger_than_an_entry_is_refused_and_decides_nothing(live, client):
    crowded = {f"s3:key{number}": "x" * 2_000 for number in range(40)}
    body = {"evaluations": [{**question(client), "context": crowded}] * 2}
    status, answer = live.ask("POST", "/access/v1/evaluations", body=body)
    assert (status, "evaluations" in answer) == (413, False)
