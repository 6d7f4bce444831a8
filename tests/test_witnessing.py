"""A witness at the other end of a socket, as the specification has him (C2SP tlog-witness), and what he notices."""

from __future__ import annotations

import base64
from contextlib import asynccontextmanager, closing
from datetime import timedelta

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from authority.ledger.note import COSIGNATURE, Checkpoint, VerifierKey, key_id, read_note, verified
from authority.ledger.tlog import ProofRefused, check_consistency
from authority.outbound.clock import SystemClock
from authority.outbound.witnesses import HttpWitness
from authority.witnessing import LEFT_ALONE, Witness
from tests.forging import rewritten, unguarded
from tests.sealed import begun, running

NAME = "witness.example/w1"
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = PRIVATE.public_key().public_bytes_raw()
KEY = VerifierKey(NAME, COSIGNATURE, PUBLIC)
NOW = 1_767_323_045


class Server:
    """Remembers the last checkpoint that it signed; answers as it is told to in the tests of what goes wrong."""

    def __init__(self):
        self.size, self.root, self.asked = 0, b"", 0
        self.instead = None

    async def add_checkpoint(self, request):
        self.asked += 1
        body = (await request.read()).decode()
        if self.instead is not None:
            return web.Response(status=self.instead[0], body=self.instead[1])
        head, _, note = body.partition("\n\n")
        old, *proof = head.split("\n")
        assert old.startswith("old ")
        old = int(old.removeprefix("old "))
        text = note.rpartition("\n\n")[0] + "\n"
        _, size, root = text.split("\n")[:3]
        size, root = int(size), base64.b64decode(root)
        if old != self.size:
            return web.Response(status=409, text=f"{self.size}\n", content_type="text/x.tlog.size")
        if old == size and root != self.root:
            return web.Response(status=409)
        if old:
            try:
                check_consistency(old, size, [base64.b64decode(line) for line in proof], self.root, root)
            except ProofRefused:
                return web.Response(status=422)
        self.size, self.root = size, root
        signed = PRIVATE.sign(f"cosignature/v1\ntime {NOW}\n{text}".encode())
        blob = base64.b64encode(key_id(NAME, 4, PUBLIC) + NOW.to_bytes(8, "big") + signed).decode()
        return web.Response(text=f"— stranger.example AAAAAAA=\n— {NAME} {blob}\n")


@asynccontextmanager
async def serving():
    server = Server()
    application = web.Application()
    application.router.add_post("/w/add-checkpoint", server.add_checkpoint)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/w"
    try:
        yield server
    finally:
        await runner.cleanup()


class Later:
    """A clock that can be set on."""

    def __init__(self):
        self.by = timedelta(0)

    def now(self):
        return SystemClock().now() + self.by


@pytest.fixture
async def path(tmp_path):
    path = tmp_path / "ledger.sqlite"
    await begun(path)
    return path


@asynccontextmanager
async def witnessed(path, server):
    clock = Later()
    witness = Witness(KEY, HttpWitness(server.url).submit, clock)
    async with running(path, witness=witness) as log:
        log.clock, log.witness = clock, witness
        yield log


async def test_each_checkpoint_carries_the_witnesss_signature(path):
    async with serving() as server, witnessed(path, server) as log:
        for count in (0, 3, 300):
            await log.grow(count)
            await log.sealer.seal()
        for note in await log.notes():
            assert verified(note, [*log.keys(), KEY]) == (*log.keys(), KEY)
        assert server.size == log.sealer.size == log.witness.seen
        assert server.asked == 3


async def test_after_a_restart_the_witness_says_how_far_he_has_seen(path):
    async with serving() as server:
        async with witnessed(path, server) as log:
            await log.sealer.seal()
        async with witnessed(path, server) as log:
            await log.grow(5)
            await log.sealer.seal()
            assert KEY in verified((await log.notes())[-1], [KEY])
        assert server.asked == 3


@pytest.mark.parametrize(
    "instead",
    [
        pytest.param((500, b""), id="a fault"),
        pytest.param((404, b""), id="a log that he does not know"),
        pytest.param((403, b""), id="a key that he does not know"),
        pytest.param((200, b""), id="no signature"),
        pytest.param((200, b"nonsense\n"), id="nonsense"),
        pytest.param((200, "— witness.example/w1 AAAAAAA=\n".encode()), id="a signature with another key"),
        pytest.param((200, b"x" * 70_000), id="more than anybody reads"),
        pytest.param(
            (200, f"— {NAME} {base64.b64encode(KEY.id + bytes(72)).decode()}\n".encode()), id="a signature of nothing"
        ),
    ],
)
async def test_a_witness_that_does_not_sign_costs_his_signature_and_is_left_alone_for_a_while(path, instead):
    async with serving() as server, witnessed(path, server) as log:
        server.instead = instead
        await log.sealer.seal()
        await log.grow()
        await log.sealer.seal()
        assert (server.asked, log.sealer.alarms, len(await log.notes())) == (1, 0, 2)
        server.instead, log.clock.by = None, LEFT_ALONE + timedelta(seconds=1)
        await log.grow()
        await log.sealer.seal()
        *others, last = await log.notes()
        assert verified(last, [KEY]) == (KEY,)
        assert all(len(note.signatures) == 1 for note in others)


async def test_a_witness_that_cannot_be_reached_is_no_alarm(path):
    async with serving() as server:
        pass
    async with witnessed(path, server) as log:
        await log.sealer.seal()
        assert (log.sealer.alarms, len(await log.notes())) == (0, 1)


async def test_a_log_that_was_set_back_to_a_backup_is_noticed_by_the_witness(path):
    async with serving() as server:
        async with witnessed(path, server) as log:
            await log.sealer.seal()
            await log.ledger.checkpoint()
            backup = path.read_bytes()
            await log.grow(5)
            await log.sealer.seal()
        for rest in path.parent.glob("ledger.sqlite-*"):
            rest.unlink()
        path.write_bytes(backup)
        async with witnessed(path, server) as log:
            await log.grow()
            await log.sealer.seal()
            assert log.sealer.alarms == 1  # by itself the backup is whole


async def test_a_history_that_was_rewritten_with_all_its_keys_is_noticed_by_the_witness(path):
    """Whoever has the root key, too, can sign anything; but the witness has seen what was there."""
    async with serving() as server:
        async with witnessed(path, server) as log:
            await log.grow(5)
            await log.sealer.seal()
        rewritten(path, lambda bodies: [body.replace(b'"subject":"3"', b'"subject":"8"') for body in bodies])
        forget_checkpoints(path)
        async with witnessed(path, server) as log:
            await log.grow()
            await log.sealer.seal()
            assert log.sealer.alarms == 1
            assert await log.notes() == []


def forget_checkpoints(path):
    with closing(unguarded(path)) as connection:
        connection.execute("DELETE FROM signed_head")
        connection.execute("UPDATE tree SET signed = 0")
        connection.commit()


async def test_what_the_witness_signed_verifies_offline_with_his_key_alone(path):
    async with serving() as server, witnessed(path, server) as log:
        await log.grow(2)
        await log.sealer.seal()
        (note,) = await log.notes()
    assert verified(read_note(bytes(note)), [KEY]) == (KEY,)
    assert Checkpoint.unverified(note).size == 4
