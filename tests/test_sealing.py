"""The sealer signs what continues the log that it signed last, and nothing else."""

from __future__ import annotations

import itertools
import sqlite3
from contextlib import closing

import pytest

from authority.accounts.checkpoint_keys import origin_of
from authority.ledger.note import Checkpoint, Signer, VerifierKey, read_note, signed_checkpoint, verified
from authority.ledger.port import LedgerCorrupt, SignedHead
from authority.ledger.tlog import check_consistency
from authority.model.checkpoints import CheckpointRefused
from authority.model.event import read_event
from tests.forging import rewritten, unguarded
from tests.sealed import ORIGIN, ROOT, begun, running


@pytest.fixture
async def path(tmp_path):
    """A log that has begun."""
    path = tmp_path / "ledger.sqlite"
    await begun(path)
    return path


def test_a_log_is_called_by_where_it_is_and_its_id():
    assert origin_of("https://authority.example", "l1") == ORIGIN
    assert origin_of("https://example.com:8443/iam", "l1") == "example.com:8443/iam/log/l1"


async def test_the_first_start_makes_a_key_and_the_first_turn_signs(path):
    async with running(path) as log:
        (key,) = log.keys()
        assert key.name == ORIGIN
        await log.sealer.seal()
        (note,) = await log.notes()
        assert verified(note, [key]) == (key,)
        head = await log.ledger.head()
        assert Checkpoint.unverified(note) == Checkpoint(ORIGIN, head.position, head.root)
        assert log.sealer.size == head.position


async def test_nothing_is_signed_where_nothing_grew(path):
    async with running(path) as log:
        await log.sealer.seal()
        await log.sealer.seal()
        assert len(await log.notes()) == 1
        await log.grow()
        await log.sealer.seal()
        assert len(await log.notes()) == 2


async def test_every_checkpoint_continues_the_one_before(path):
    async with running(path) as log:
        for count in (1, 2, 7, 300, 1):
            await log.grow(count)
            await log.sealer.seal()
        stated = [Checkpoint.unverified(note) for note in await log.notes()]
        for old, new in itertools.pairwise(stated):
            proof = await log.ledger.prove_consistency(old.size, new.size)
            check_consistency(old.size, new.size, proof, old.root, new.root)


async def test_a_restart_takes_up_the_last_checkpoint_and_its_key(path):
    async with running(path) as log:
        await log.sealer.seal()
        before, keys = log.sealer.last, log.keys()
    async with running(path) as log:
        assert (log.sealer.last, log.keys()) == (before, keys)
        await log.sealer.seal()
        assert len(await log.notes()) == 1


async def test_a_new_key_is_signed_for_by_the_old_one_which_is_then_destroyed(path):
    async with running(path) as log:
        await log.sealer.seal()
        (old,) = log.keys()
        (first,) = log.committer.version.state.checkpoint_keys
        made = await log.rotate()
        new = VerifierKey.parse(made.verifier)
        await log.sealer.seal()
        *_, note, last = await log.notes()
        assert verified(note, [old, new]) == (old, new)
        assert log.keys() == [new]
        assert await log.ledger.secret(first) is None
        assert await log.ledger.secret(made.key_id) is not None
        assert [signature.key_id for signature in last.signatures] == [new.id]
    async with running(path) as log:
        assert log.keys() == [new]
        assert log.sealer.alarms == 0


async def test_a_crash_before_the_old_key_is_retired_leaves_both_to_sign_again(path):
    async with running(path) as log:
        await log.sealer.seal()
        (old,) = log.keys()
        new = VerifierKey.parse((await log.rotate()).verifier)
    async with running(path) as log:
        assert log.keys() == [old, new]
        await log.sealer.seal()
        assert log.keys() == [new]


def other_reads(bodies):
    """The history as somebody would rather have it: one entry is about somebody else."""
    return [body.replace(b'"subject":"3"', b'"subject":"9"') for body in bodies]


async def test_a_log_that_was_rewritten_under_the_sealer_is_not_signed_and_everybody_is_told(path):
    async with running(path) as log:
        await log.grow(6)
        await log.sealer.seal()
        before = log.sealer.last
        rewritten(path, other_reads)
        for _ in range(3):
            await log.grow()
            await log.sealer.seal()
        assert len(await log.notes()) == 1
        assert (log.sealer.last, log.sealer.alarms) == (before, 3)
        said = [read_event(entry.body).facts for entry in await log.ledger.read(0, 1000)]
        alarms = [fact for facts in said for fact in facts if isinstance(fact, CheckpointRefused)]
        assert [(alarm.last_size, alarm.why) for alarm in alarms] == [(before.size, "the path leads to another root")]


async def test_a_log_of_the_same_size_with_another_root_is_not_signed(path):
    async with running(path) as log:
        await log.grow(6)
        await log.sealer.seal()
        rewritten(path, other_reads)
        await log.sealer.seal()
        assert (log.sealer.alarms, len(await log.notes())) == (1, 1)


async def test_a_checkpoint_that_somebody_else_put_there_stops_the_sealer(path):
    async with running(path) as log:
        await log.sealer.seal()
        await log.grow(3)
        head = await log.ledger.head()
        forged = signed_checkpoint(Checkpoint(ORIGIN, head.position, head.root), [Signer(ORIGIN, bytes(32))])
        await log.ledger.put_signed_head(SignedHead(head.position, bytes(forged)))
        await log.sealer.seal()
        assert log.sealer.alarms == 1


async def test_a_checkpoint_whose_answer_was_lost_is_taken_up(path):
    async with running(path) as log:
        await log.sealer.seal()
        before = log.sealer.last
        await log.grow()
        await log.sealer.seal()
        after, log.sealer.last = log.sealer.last, before  # as if the answer had not come
        await log.sealer.seal()
        assert (log.sealer.last, log.sealer.alarms) == (after, 0)


# --- what a start refuses ----------------------------------------------------------------------


@pytest.fixture
async def signed(path):
    """A log of some hundred entries with a few checkpoints, closed."""
    async with running(path) as log:
        for count in (5, 290, 10):
            await log.grow(count)
            await log.sealer.seal()
    return path


async def refused(path, root=ROOT):
    with pytest.raises(LedgerCorrupt) as found:
        async with running(path, root):
            pass
    return found.value


async def test_a_rewritten_log_is_refused_by_the_first_checkpoint_that_it_does_not_keep(signed):
    def later(bodies):
        return [*bodies[:100], *other_reads(bodies[100:])]

    rewritten(signed, later)
    corrupt = await refused(signed)
    assert corrupt.position == 298  # of the first 297 two checkpoints say that nothing happened to them
    assert "not the one that was signed for" in corrupt.what


async def test_a_log_whose_end_was_cut_off_is_refused(signed):
    rewritten(signed, lambda bodies: bodies[:-3])
    corrupt = await refused(signed)
    assert "they were signed for" in corrupt.what
    assert corrupt.position == 305


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        pytest.param(
            "UPDATE signed_head SET note = CAST(replace(note, '— ', '- ') AS BLOB) WHERE number = 3",
            "a dash",
            id="no note any more",
        ),
        pytest.param("UPDATE signed_head SET size = size - 1 WHERE number = 3", "should be of", id="another size"),
        pytest.param("DELETE FROM vault WHERE purpose = 'checkpoint-signing'", "gone from the vault", id="no key"),
    ],
)
async def test_evidence_that_was_touched_is_refused(signed, statement, why):
    with closing(unguarded(signed)) as connection:
        connection.execute(statement)
        connection.commit()
    assert why in (await refused(signed)).what


async def test_a_checkpoint_under_a_key_that_the_log_does_not_name_is_refused(signed):
    with closing(unguarded(signed)) as connection:
        size, note = connection.execute("SELECT size, note FROM signed_head ORDER BY size DESC").fetchone()
        stated = Checkpoint.unverified(read_note(note))
        forged = bytes(signed_checkpoint(stated, [Signer(ORIGIN, bytes(32))]))
        connection.execute("UPDATE signed_head SET note = ? WHERE size = ?", (forged, size))
        connection.commit()
    assert "nobody who is trusted signed" in (await refused(signed)).what


async def test_a_log_that_names_another_key_than_the_vault_holds_is_refused(signed):
    other = str(Signer(ORIGIN, bytes(32)).verifier).encode()
    with closing(sqlite3.connect(signed)) as connection:
        bodies = [body for (body,) in connection.execute("SELECT body FROM event ORDER BY position")]
    ours = next(
        fact.verifier for body in bodies for fact in read_event(body).facts if hasattr(fact, "verifier")
    ).encode()
    rewritten(signed, lambda bodies: [body.replace(ours, other) for body in bodies])
    assert "is not the one that the log names" in (await refused(signed)).what


async def test_a_log_that_forgot_its_keys_is_refused(signed):
    rewritten(signed, lambda bodies: [body for body in bodies if b"checkpoint-key-created" not in body])
    assert "no entry says with which key" in (await refused(signed)).what
