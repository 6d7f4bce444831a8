"""Our witness at the other end of a socket, asked by our sealer and by whoever else."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
from base64 import b64encode
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientSession

from authority.compose.watching import cosigner_in, watch
from authority.ledger.note import Checkpoint, Signer, VerifierKey, read_note, signed_checkpoint, verified
from authority.ledger.tlog import Frontier, leaf_hash
from authority.ledger.watching import MOST_HASHES
from authority.outbound.clock import SystemClock
from authority.outbound.witnesses import HttpWitness
from authority.witnessing import Witness
from tests.sealed import ORIGIN, begun, running

NAME = "witness.example/w1"
LOG = Signer(ORIGIN, bytes(32))
STRANGER = Signer(ORIGIN, bytes([1]) * 32)
ELSEWHERE = Signer("elsewhere.example", bytes(32))


@asynccontextmanager
async def watching(folder, *keys):
    """A witness of the logs with *keys*; his address and his own key."""
    cosigner, stop = cosigner_in(folder, NAME), asyncio.Event()
    where = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        group.create_task(watch(folder, cosigner, keys, place=("127.0.0.1", 0), ready=where.set_result, stop=stop))
        try:
            yield await where, cosigner.verifier
        finally:
            stop.set()


def root(*bodies):
    frontier = Frontier()
    for body in bodies:
        frontier.append(leaf_hash(body))
    return frontier.root()


def submission(old, proof, checkpoint, *signers):
    hashes = "".join(f"{b64encode(one).decode()}\n" for one in proof)
    return f"old {old}\n{hashes}\n".encode() + bytes(signed_checkpoint(checkpoint, signers))


async def submitted(url, body):
    async with ClientSession() as session, session.post(f"{url}/add-checkpoint", data=body) as response:
        return response.status, response.content_type, await response.read()


ONE = Checkpoint(ORIGIN, 1, root(b"a"))
TWO = Checkpoint(ORIGIN, 2, root(b"a", b"b"))
OTHER = Checkpoint(ORIGIN, 2, root(b"x", b"b"))
FIRST = submission(0, [], ONE, LOG)
SECOND = submission(1, [leaf_hash(b"b")], TWO, LOG)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        pytest.param(b"", 400, id="nothing"),
        pytest.param(b"old 1\n\nnonsense", 400, id="no checkpoint"),
        pytest.param(SECOND.replace(b"old 1", b"old 01"), 400, id="an old size that is none"),
        pytest.param(SECOND.replace(b"old 1\n", b"old 1\nAAAA\n"), 400, id="a hash that is none"),
        pytest.param(SECOND.replace(b"old 1\n", b"old 1\n\xff\n"), 400, id="a hash that is not text"),
        pytest.param(
            submission(1, [bytes(32)] * (MOST_HASHES + 1), TWO, LOG), 400, id="more hashes than any proof has"
        ),
        pytest.param(submission(3, [leaf_hash(b"b")], TWO, LOG), 400, id="a proof that begins after its end"),
        pytest.param(
            submission(0, [], Checkpoint(ELSEWHERE.verifier.name, 1, ONE.root), ELSEWHERE), 404, id="an unknown log"
        ),
        pytest.param(submission(1, [leaf_hash(b"b")], TWO, STRANGER), 403, id="an unknown key of a known log"),
        pytest.param(submission(0, [], TWO, LOG), 409, id="a proof that begins where we did not stop"),
        pytest.param(
            submission(1, [], Checkpoint(ORIGIN, 1, root(b"x")), LOG), 409, id="another root of the same size"
        ),
        pytest.param(submission(1, [leaf_hash(b"b")], OTHER, LOG), 422, id="another history"),
        pytest.param(submission(1, [], TWO, LOG), 422, id="no proof"),
        pytest.param(b"old 0\n" + b"x" * 70_000, 413, id="more than anybody reads"),
    ],
)
async def test_what_does_not_continue_what_was_signed_is_not_signed_and_changes_nothing(tmp_path, asked, status):
    async with watching(tmp_path, LOG.verifier) as (url, key):
        assert (await submitted(url, FIRST))[0] == 200
        found = await submitted(url, asked)
        assert found[0] == status
        if status == 409:
            assert found[1:] == ("text/x.tlog.size", b"1\n")
        status, _, said = await submitted(url, SECOND)
        assert status == 200
        note = read_note(bytes(signed_checkpoint(TWO, [LOG])) + said)
        assert verified(note, [key]) == (key,)


async def test_nothing_is_proven_of_a_log_that_was_never_seen(tmp_path):
    async with watching(tmp_path, LOG.verifier) as (url, _):
        assert (await submitted(url, SECOND))[0] == 409
        assert (await submitted(url, submission(0, [bytes(32)], ONE, LOG)))[0] == 422
        assert (await submitted(url, submission(0, [], TWO, LOG)))[0] == 200


async def test_the_same_checkpoint_is_signed_as_often_as_it_is_asked_for(tmp_path):
    async with watching(tmp_path, LOG.verifier) as (url, _):
        for body in (FIRST, submission(1, [], ONE, LOG)):
            assert (await submitted(url, body))[0] == 200


async def test_of_two_histories_that_come_at_once_one_is_signed(tmp_path):
    async with watching(tmp_path, LOG.verifier) as (url, _):
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(submitted(url, submission(0, [], one, LOG))) for one in (TWO, OTHER) * 8]
        assert sorted({task.result()[0] for task in asked}) == [200, 409]
        assert len({task.result()[2] for task in asked if task.result()[0] == 200}) == 1


async def test_what_was_signed_is_known_after_a_restart_under_the_same_key(tmp_path):
    async with watching(tmp_path, LOG.verifier) as (url, key):
        await submitted(url, FIRST)
    async with watching(tmp_path, LOG.verifier) as (url, again):
        assert again == key
        assert (await submitted(url, submission(0, [], OTHER, LOG)))[0] == 409
        assert (await submitted(url, SECOND))[0] == 200


async def test_two_witnesses_never_sign_from_one_folder(tmp_path):
    async with watching(tmp_path, LOG.verifier):
        with pytest.raises(BlockingIOError):
            await watch(
                tmp_path, cosigner_in(tmp_path, NAME), [], place=("127.0.0.1", 0), ready=print, stop=asyncio.Event()
            )
    async with watching(tmp_path, LOG.verifier) as (url, _):
        assert (await submitted(url, FIRST))[0] == 200


async def test_our_sealer_and_our_witness_understand_each_other(tmp_path):
    path = tmp_path / "ledger.sqlite"
    await begun(path)
    async with running(path) as log:
        keys = log.keys()
    async with watching(tmp_path / "w", *keys) as (url, key):
        witness = Witness(key, HttpWitness(url).submit, SystemClock())
        for _ in range(2):
            async with running(path, witness=witness) as log:
                for count in (1, 300):
                    await log.grow(count)
                    await log.sealer.seal()
                *_, last = await log.notes()
                assert verified(last, [key]) == (key,)
                assert (log.sealer.alarms, witness.seen) == (0, log.sealer.size)
            witness = Witness(key, HttpWitness(url).submit, SystemClock())  # knows nothing, and is told


def test_the_command_shows_its_key_and_signs_until_it_is_stopped(tmp_path):
    words = ["witness", "--name", NAME, "--data-dir", tmp_path / "w", "--log", LOG.verifier, "--port", 0]
    command = [sys.executable, "-c", "import sys; from authority.cli import main; sys.exit(main())"]
    with subprocess.Popen([*command, *map(str, words)], stdout=subprocess.PIPE, text=True) as process:
        try:
            key = VerifierKey.parse(process.stdout.readline())
            url = re.fullmatch(r"The witness signs at (http://127\.0\.0\.1:\d+)\.\n", process.stdout.readline())[1]
            second = subprocess.run([*command, *map(str, words)], capture_output=True, text=True, check=False)
            status, _, said = asyncio.run(submitted(url, FIRST))
        finally:
            process.send_signal(signal.SIGTERM)
    assert (second.returncode, "another witness" in second.stderr) == (1, True)
    assert (status, process.returncode) == (200, 0)
    assert verified(read_note(bytes(signed_checkpoint(ONE, [LOG])) + said), [key]) == (key,)
