"""What was answered is in the log, and the log only grew: proven over the wire with nothing but a public key."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Iterator
from hashlib import sha256

import pytest

from authority.compose.configured import ledger_url
from authority.ledger.note import Checkpoint, VerifierKey, read_note, verified
from authority.ledger.sql.sqlite import SqliteLedger
from authority.ledger.tlog import check_consistency, check_inclusion, leaf_hash
from tests.accounts.test_live import entered, made
from tests.accounts.test_live_trail import get
from tests.live import Keys, Live, running

PATIENCE = 20.0


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server whose first checkpoint is signed."""
    with running(tmp_path_factory.mktemp("authority")) as live:
        signed(live, 1)
        yield live


@pytest.fixture(scope="module")
def key(live) -> VerifierKey:
    """The public key, as it was noted once by somebody careful."""
    (shown,) = get(live, "/v1/log/checkpoint")["keys"]
    return VerifierKey.parse(shown["verifierKey"])


@pytest.fixture(scope="module")
def member(live) -> tuple[str, Keys]:
    """Another account and its administrator."""
    account = made(live, "member")
    iam = live.client("iam", entered(live, account))
    iam.create_user(UserName="Auditor")
    everything = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    iam.put_user_policy(UserName="Auditor", PolicyName="all", PolicyDocument=json.dumps(everything))
    return account, Keys.of(iam.create_access_key(UserName="Auditor")["AccessKey"])


def position_of(answer) -> int:
    return int(answer["ResponseMetadata"]["HTTPHeaders"]["x-authority-position"])


def signed(live, position: int) -> None:
    """Return once *position* lies under a checkpoint."""
    deadline = time.monotonic() + PATIENCE
    while True:
        status, answer = live.ask("GET", "/v1/log/checkpoint")
        if status == 200 and answer["size"] >= position:
            return
        assert time.monotonic() < deadline, answer
        time.sleep(0.1)


def spelled(values) -> list[bytes]:
    return [base64.b64decode(value) for value in values]


def test_whoever_was_given_a_session_can_prove_that_it_was_logged(live, key):
    live.client("iam").create_role(
        RoleName="proven",
        AssumeRolePolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": {
                    "Effect": "Allow",
                    "Action": "sts:AssumeRole",
                    "Principal": {"AWS": live.founding.account},
                },
            }
        ),
    )
    arn = f"arn:aws:iam::{live.founding.account}:role/proven"
    issued = live.client("sts").assume_role(RoleArn=arn, RoleSessionName="session")
    position = position_of(issued)
    signed(live, position)
    proof = get(live, "/v1/log/proof/inclusion", position=position)
    note = read_note(proof["note"].encode())
    assert verified(note, [key]) == (key,)
    stated = Checkpoint.unverified(note)
    assert stated.size == proof["size"]
    leaf = leaf_hash(proof["entry"].encode())
    check_inclusion(leaf, position - 1, stated.size, spelled(proof["path"]), stated.root)
    assert issued["Credentials"]["AccessKeyId"] in proof["entry"]
    assert issued["Credentials"]["SecretAccessKey"] not in proof["entry"]


def test_what_was_signed_first_is_continued_by_what_is_signed_last(live, key):
    first = Checkpoint.unverified(read_note(get(live, "/v1/log/checkpoint")["note"].encode()))
    signed(live, first.size + 2)
    last = Checkpoint.unverified(read_note(get(live, "/v1/log/checkpoint")["note"].encode()))
    proof = get(live, "/v1/log/proof/consistency", old=first.size, new=last.size)
    check_consistency(first.size, last.size, spelled(proof["path"]), first.root, last.root)
    assert spelled([proof["oldRoot"], proof["newRoot"]]) == [first.root, last.root]


def mth(leaves):
    """RFC 6962, section 2.1, word for word, over hashes of leaves."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return sha256(b"\1" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def test_the_tree_can_be_built_again_from_tiles(live, key):
    signed(live, 3)
    status, headers, note = live.fetch("GET", "/checkpoint")
    assert (status, headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert verified(read_note(note), [key]) == (key,)
    stated = Checkpoint.unverified(read_note(note))
    bundles = b""
    hashes = b""
    for first in range(0, stated.size, 256):
        width = min(256, stated.size - first)
        name = f"{first // 256:03}" + ("" if width == 256 else f".p/{width}")
        status, headers, entries = live.fetch("GET", f"/tile/entries/{name}")
        assert (status, headers["Content-Type"]) == (200, "application/octet-stream")
        bundles += entries
        hashes += live.fetch("GET", f"/tile/0/{name}")[2]
    leaves = []
    while bundles:
        length = int.from_bytes(bundles[:2], "big")
        leaves.append(sha256(b"\0" + bundles[2 : 2 + length]).digest())
        bundles = bundles[2 + length :]
    assert len(leaves) == stated.size
    assert b"".join(leaves) == hashes
    assert mth(leaves) == stated.root


@pytest.mark.parametrize(
    "path",
    [
        "/tile/0/999",
        "/tile/0/000.p/0",
        "/tile/0/000.p/256",
        "/tile/0/000.p/01",
        "/tile/00/000.p/1",
        "/tile/64/000",
        "/tile/0/x000/000.p/1",
        "/tile/0/0",
        "/tile/0/000.p/1/2",
        "/tile/entries/x001/000",
        "/tile/data/000.p/1",
    ],
)
def test_what_names_no_tile_is_not_there(live, path):
    assert live.ask("GET", path)[0] == 404


def test_a_proof_for_offline_use_is_the_checkpoint_with_a_path(live, key):
    signed(live, 2)
    status, headers, proof = live.fetch("GET", "/v1/log/proof/inclusion", query="format=note&position=2")
    assert (status, headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    head, _, note = proof.decode().partition("\n\n")
    first, index, *path = head.split("\n")
    assert (first, index) == ("c2sp.org/tlog-proof@v1", "index 1")
    stated = Checkpoint.unverified(read_note(note.encode()))
    leaf = base64.b64decode(get(live, "/v1/log/proof/inclusion", position=2)["leaf"])
    check_inclusion(leaf, 1, stated.size, spelled(path), stated.root)


def test_another_account_proves_what_is_on_its_trail_and_nothing_else(live, member, key):
    _, auditor = member
    answer = live.client("iam", auditor).list_roles()
    position = position_of(answer)
    signed(live, position)
    proof = get(live, "/v1/log/proof/inclusion", auditor, position=position)
    stated = Checkpoint.unverified(read_note(proof["note"].encode()))
    check_inclusion(leaf_hash(proof["entry"].encode()), position - 1, stated.size, spelled(proof["path"]), stated.root)
    for foreign in (1, position + 1_000_000):
        status, refused = live.ask(
            "GET", "/v1/log/proof/inclusion", auditor, query=f"position={foreign}&size={foreign}"
        )
        assert status in (400, 404), refused
        assert "entry" not in refused
    status, refused = live.ask("GET", "/v1/log/proof/inclusion", auditor, query="position=1")
    assert (status, refused["message"]) == (404, "There is no event 1 on this trail.")


def test_of_what_two_accounts_share_the_bytes_are_withheld_and_the_proof_is_not(live, member, key):
    account, auditor = member
    visit = entered(live, account)
    (event,) = [
        one for one in get(live, "/v1/events", auditor, session=visit.access_key_id)["events"] if one["withheld"]
    ]
    signed(live, event["position"])
    proof = get(live, "/v1/log/proof/inclusion", auditor, position=event["position"])
    assert "entry" not in proof
    stated = Checkpoint.unverified(read_note(proof["note"].encode()))
    leaf = base64.b64decode(proof["leaf"])
    check_inclusion(leaf, event["position"] - 1, stated.size, spelled(proof["path"]), stated.root)


@pytest.mark.parametrize("path", ["/tile/0/000.p/1", "/tile/entries/000.p/1"])
def test_entries_and_tiles_are_the_management_accounts(live, member, path):
    assert live.ask("GET", path, member[1])[0] == 403


def test_only_the_management_account_changes_the_key(live, member):
    assert live.ask("POST", "/v1/log/checkpoint-key/rotate", member[1], body={})[0] == 403


@pytest.mark.parametrize(
    "query",
    ["position=0", "position=-1", "position=x", "", "position=3&size=2", "position=1&size=99999999", "position=1&by=2"],
)
def test_a_proof_of_nothing_is_refused(live, query):
    assert live.ask("GET", "/v1/log/proof/inclusion", query=query)[0] == 400


@pytest.mark.parametrize("query", ["old=0", "old=3&new=2", "old=1&new=99999999", "old=99999999", "new=3"])
def test_a_proof_between_sizes_that_never_were_is_refused(live, query):
    assert live.ask("GET", "/v1/log/proof/consistency", query=query)[0] == 400


def until(live, path, done):
    deadline = time.monotonic() + PATIENCE
    while not done(found := get(live, path)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


async def notes_of(live):
    ledger = await SqliteLedger.open(ledger_url(live.settings), only_read=True)
    try:
        return [read_note(signed.note) for signed in await ledger.signed_heads(0, 1000)]
    finally:
        await ledger.close()


def test_a_new_key_is_found_through_the_old_one(tmp_path):
    with running(tmp_path) as live:
        signed(live, 1)
        (shown,) = get(live, "/v1/log/checkpoint")["keys"]
        status, rotated = live.ask("POST", "/v1/log/checkpoint-key/rotate", body={})
        assert status == 200
        status, again = live.ask("POST", "/v1/log/checkpoint-key/rotate", body={})
        assert (status, again.get("code")) in ((200, None), (409, "ConcurrentModification"))
        expected = rotated["verifierKey"] if status == 409 else again["verifierKey"]
        until(live, "/v1/log/checkpoint", lambda found: [one["verifierKey"] for one in found["keys"]] == [expected])
    old, new = VerifierKey.parse(shown["verifierKey"]), VerifierKey.parse(expected)
    notes = asyncio.run(notes_of(live))
    assert verified(notes[0], [old]) == (old,)
    assert verified(notes[-1], [new]) == (new,)
    assert any(len(note.signatures) == 2 for note in notes)
