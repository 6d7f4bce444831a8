"""A log and its bundle verify with a public key alone, and nothing about them can be changed unseen."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from contextlib import closing
from hashlib import sha256

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authority.ledger.note import Checkpoint, Signer, VerifierKey, read_note, signed_checkpoint
from authority.ledger.port import LedgerCorrupt, LedgerUnavailable, Snapshot
from authority.ledger.sql.sqlite import SqliteLedger
from authority.ledger.tlog import leaf_hash
from authority.model.state import canonical, state_format
from authority.replay.bundle import Reader, exported
from authority.replay.evidence import Evidence
from authority.replay.verifying import verify
from tests.forging import rewritten, unguarded
from tests.sealed import ORIGIN, begun, running

often = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A log of some hundred entries, three checkpoints and two keys, one of which is retired; and both keys."""
    path = tmp_path_factory.mktemp("log") / "ledger.sqlite"

    async def build():
        await begun(path)
        async with running(path) as log:
            (first,) = log.keys()
            for count in (5, 280):
                await log.grow(count)
                await log.sealer.seal()
            second = VerifierKey.parse((await log.rotate()).verifier)
            await log.sealer.seal()
            await log.grow(20)
            await log.sealer.seal()
            head, version = await log.ledger.head(), log.committer.version
            snapshot = Snapshot(version.position, head.root, state_format(), canonical(version.state))
            await log.ledger.put_snapshot(snapshot)
            return path, first, second

    return asyncio.run(build())


def held(value, newline=b"\n"):
    """How many bytes of *value* must stay: of a note up to its first signature's end, since strangers may sign, too."""
    before, signature, under = value.partition(2 * newline + "\u2014 ".encode())
    return len(before) + len(signature) + under.index(newline) + len(newline) if signature else len(value)


@pytest.fixture
def log(original, tmp_path):
    """A copy of it, to be spoilt."""
    shutil.copy(original[0], tmp_path / "ledger.sqlite")
    return tmp_path / "ledger.sqlite"


@pytest.fixture(scope="module")
def keys(original):
    return original[1:]


class Spelled(bytes):
    """Bytes that are too many to be shown."""

    __slots__ = ()

    def __repr__(self):
        return f"<{len(self)} bytes>"


@pytest.fixture(scope="module")
def bundle(original):
    """It, as one file."""

    async def write():
        ledger = await SqliteLedger.open(f"sqlite:///{original[0]}", only_read=True)
        try:
            return b"".join([lines async for _, _, lines in exported(ledger)])
        finally:
            await ledger.close()

    return Spelled(asyncio.run(write()))


def verified(path, *keys, kept=None):
    async def run():
        ledger = await SqliteLedger.open(f"sqlite:///{path}", only_read=True)
        try:
            return await verify(ledger, Evidence(keys, kept), lambda *_: None)
        finally:
            await ledger.close()

    return asyncio.run(run())


def read(spelled, *keys, kept=None):
    reader = Reader(Evidence(keys, kept))
    for line in spelled.splitlines(keepends=True):
        reader.take(line)
    return reader.conclude()


def refused(call, *given, **more):
    with pytest.raises(LedgerCorrupt) as found:
        call(*given, **more)
    return found.value


# --- what holds --------------------------------------------------------------------------------


@pytest.mark.parametrize("which", [0, 1], ids=["the first key", "the key that followed it"])
def test_one_public_key_is_enough(original, keys, bundle, which):
    found = verified(original[0], keys[which])
    assert (found.position, found.evidence.signed, found.evidence.checkpoints) == (309, 309, 5)
    assert found.evidence.keys == (str(keys[1]),)
    assert (found.snapshots, found.unread, found.evidence.given) == (1, 0, True)
    from_bundle = read(bundle, keys[which])
    assert (from_bundle.root, from_bundle.evidence) == (found.root, found.evidence)


def test_without_a_key_the_first_that_the_log_names_is_taken_and_said_to_be(original, bundle):
    for found in (verified(original[0]), read(bundle)):
        assert (found.evidence.signed, found.evidence.given) == (309, False)


def test_a_bundle_is_json_lines_that_hold_the_stored_bytes(original, bundle):
    lines = bundle.splitlines()
    with closing(sqlite3.connect(original[0])) as connection:
        bodies = [body for (body,) in connection.execute("SELECT body FROM event ORDER BY position")]
    entries = [line for line in lines if line.startswith(b'{"position"')]
    assert entries == [b'{"position":%d,"entry":%b}' % (at, body) for at, body in enumerate(bodies, 1)]
    assert json.loads(lines[0]) == {"bundle": 1, "ledgerId": "l1", "origin": ORIGIN}
    end = {"entries": 309, "checkpoints": 5, "sha256": sha256(bundle[: bundle.rindex(b'{"end"')]).hexdigest()}
    assert json.loads(lines[-1]) == {"end": end}


def test_what_is_not_signed_for_yet_is_said(original, log, keys):
    with closing(unguarded(log)) as connection:
        connection.execute("DELETE FROM signed_head WHERE number = 5")
        connection.execute("UPDATE tree SET signed = 289")
        connection.commit()
    found = verified(log, keys[0])
    assert (found.position, found.evidence.signed) == (309, 289)


def test_a_checkpoint_that_was_put_aside_finds_the_log_that_was_cut_off_behind_it(log, keys):
    with closing(sqlite3.connect(log)) as connection:
        (note,) = connection.execute("SELECT note FROM signed_head ORDER BY number DESC").fetchone()
    kept = Checkpoint.unverified(read_note(note))
    assert verified(log, keys[0], kept={kept.size: kept.root}).position == kept.size
    rewritten(log, lambda bodies: bodies[:289])
    with closing(unguarded(log)) as connection:
        connection.execute("DELETE FROM signed_head WHERE number = 5")
        connection.execute("UPDATE tree SET signed = 289")
        connection.execute("DELETE FROM snapshot")
        connection.commit()
    assert verified(log, keys[0]).position == 289  # by itself it is whole
    assert refused(verified, log, keys[0], kept={kept.size: kept.root}).position == 290


# --- what does not -----------------------------------------------------------------------------


def exchanged(path, position):
    """Put in the place of an entry another that agrees with itself, and leave the tree alone."""
    with closing(unguarded(path)) as connection:
        ((body,),) = connection.execute("SELECT body FROM event WHERE position = ?", (position,)).fetchall()
        other = body[:-1] + b',"more":1}'
        connection.execute(
            "UPDATE event SET body = ?, leaf = ? WHERE position = ?", (other, leaf_hash(other), position)
        )
        connection.commit()


@pytest.mark.parametrize("position", [1, 2, 100, 255, 256, 257, 300, 309])
def test_an_entry_exchanged_for_one_that_agrees_with_itself_is_named_as_near_as_checkpoints_tell(log, keys, position):
    with closing(sqlite3.connect(log)) as connection:
        sizes = [size for (size,) in connection.execute("SELECT size FROM signed_head ORDER BY size")]
    exchanged(log, position)
    fits = max((size for size in sizes if size < position), default=0)
    until = min(size for size in sizes if size >= position)
    whole = max(first for first in (1, 257, 289, 305, 309) if first <= position)  # the trees that 309 leaves make
    found = refused(verified, log, keys[0])
    assert found.position == max(fits + 1, whole)
    if fits >= whole:
        assert found.what == f"an entry from here to {until} is not the one that was signed for"


def test_where_no_checkpoint_can_be_read_it_is_named_as_near_as_the_tree_tells(log, keys):
    with closing(unguarded(log)) as connection:
        connection.execute("UPDATE signed_head SET note = 'none' WHERE number = 1")
        connection.commit()
    exchanged(log, 300)
    assert refused(verified, log, keys[0]).position == 289


def test_a_tree_that_was_changed_beside_entries_that_all_checkpoints_fit_is_named_itself(log, keys):
    with closing(unguarded(log)) as connection:
        connection.execute("UPDATE subtree SET root = zeroblob(32)")
        connection.commit()
    found = refused(verified, log, keys[0])
    assert (found.position, "is not theirs" in found.what) == (1, True)


def test_a_stranger_key_verifies_nothing(original, bundle):
    stranger = Signer(ORIGIN, bytes(32)).verifier
    assert "nobody who is trusted" in refused(verified, original[0], stranger).what
    assert "nobody who is trusted" in refused(read, bundle, stranger).what


def other(bodies):
    return [body.replace(b'"subject":"7"', b'"subject":"8"') for body in bodies]


def test_a_history_that_was_rewritten_whole_is_found_by_the_first_checkpoint(log, keys):
    rewritten(log, other)
    corrupt = refused(verified, log, keys[0])
    assert corrupt.position == 8  # seven entries were signed for first
    assert "another history" in corrupt.what


def test_a_history_that_was_rewritten_and_signed_anew_by_somebody_is_found(log, keys):
    """Whoever has the database and no key makes checkpoints of his own, under a key that he writes into the log."""
    mine = [Signer(ORIGIN, bytes(31) + bytes([number])) for number in range(2)]

    def forged(bodies):
        for body in other(bodies):
            for key, signer in zip(keys, mine, strict=True):
                body = body.replace(str(key).encode(), str(signer.verifier).encode())  # noqa: PLW2901
            yield body

    rewritten(log, forged)
    resigned(log, *mine)
    assert "nobody who is trusted" in refused(verified, log, keys[0]).what
    assert verified(log).evidence.signed == 309  # without a key nobody could know


def resigned(path, *signers):
    async def roots():
        ledger = await SqliteLedger.open(f"sqlite:///{path}", only_read=True)
        try:
            return [(one.size, await ledger.root_at(one.size)) for one in await ledger.signed_heads(0, 100)]
        finally:
            await ledger.close()

    found = asyncio.run(roots())
    with closing(unguarded(path)) as connection:
        for size, root in found:
            note = bytes(signed_checkpoint(Checkpoint(ORIGIN, size, root), signers))
            connection.execute("UPDATE signed_head SET note = ? WHERE size = ?", (note, size))
        connection.execute("DELETE FROM snapshot")
        connection.commit()


def test_a_tail_that_is_signed_with_a_key_that_was_retired_is_found(log, keys, original):
    """The old private key leaked after it was retired; whoever has it may not go on in the log's name."""
    stolen = Signer(ORIGIN, bytes(32))
    retired = str(keys[0]).encode()
    rewritten(log, lambda bodies: [body.replace(retired, str(stolen.verifier).encode()) for body in bodies])
    resigned(log, stolen)
    assert "retired before" in refused(verified, log, stolen.verifier).what


ROWS = {
    "event": ("position", ["position", "at", "lane", "type", "v", "subject", "leaf", "body"]),
    "tree": ("id", ["size", "frontier", "signed"]),
    "once": ("position", ["position", "key"]),
    "vault": ("rowid", ["id", "purpose", "sealed"]),
    "subtree": ("number", ["height", "number", "root"]),
    "signed_head": ("number", ["number", "size", "note"]),
    "snapshot": ("position", ["position", "root", "body"]),
}
COLUMNS = [(table, column) for table, (_, columns) in ROWS.items() for column in columns]


def changed(value, dice):
    """*value* with one unit, one letter or one byte changed."""
    match value:
        case int():
            return value + dice.draw(st.sampled_from([-1, 1, 256]))
        case str():
            return value[:-1] + chr(ord(value[-1]) ^ 1) if value else "x"
        case bytes():
            at = dice.draw(st.integers(0, held(value) - 1))
            return value[:at] + bytes([value[at] ^ dice.draw(st.integers(1, 255))]) + value[at + 1 :]


def unwelcome(path, *keys):
    """The file does not verify: it is corrupt, or no file that can be opened."""
    with pytest.raises((LedgerCorrupt, LedgerUnavailable)) as found:
        verified(path, *keys)
    return found.value


@often
@given(st.data())
def test_no_value_in_the_database_can_be_another(original, keys, tmp_path, data):
    path = tmp_path / "spoilt.sqlite"
    shutil.copy(original[0], path)
    table, column = data.draw(st.sampled_from(COLUMNS))
    with closing(unguarded(path)) as connection:
        connection.execute("DROP INDEX signed_head_size")
        numbers = [number for (number,) in connection.execute(f"SELECT {ROWS[table][0]} FROM {table}")]
        number = data.draw(st.sampled_from(numbers))
        named = f"{ROWS[table][0]} = {number}"
        (value,) = connection.execute(f"SELECT {column} FROM {table} WHERE {named}").fetchone()
        wanted = changed(value, data)
        if column in ("position", "number") and wanted in numbers:
            connection.execute(f"UPDATE {table} SET {column} = -999 WHERE {column} = {wanted}")
        connection.execute(f"UPDATE {table} SET {column} = ? WHERE {named}", (wanted,))
        connection.commit()
    corrupt = unwelcome(path, keys[0])
    if table == "event" and column in ("body", "leaf"):
        assert corrupt.position == number


@often
@given(st.data())
def test_no_row_of_the_database_can_be_taken_out_or_exchanged(original, keys, tmp_path, data):
    path = tmp_path / "spoilt.sqlite"
    shutil.copy(original[0], path)
    table = data.draw(st.sampled_from(["event", "subtree", "signed_head", "vault"]))
    key, columns = ROWS[table]
    rest = [column for column in columns if column != key]
    with closing(unguarded(path)) as connection:
        numbers = [number for (number,) in connection.execute(f"SELECT {key} FROM {table} ORDER BY 1")]
        if len(numbers) > 1 and data.draw(st.booleans()):
            one, two = data.draw(st.permutations(numbers))[:2]
            fetch = f"SELECT {', '.join(rest)} FROM {table} WHERE {key} = ?"
            held = {number: connection.execute(fetch, (number,)).fetchone() for number in (one, two)}
            connection.execute("DROP INDEX IF EXISTS signed_head_size")
            store = f"UPDATE {table} SET {', '.join(f'{column} = ?' for column in rest)} WHERE {key} = ?"
            connection.execute(store, (*held[two], one))
            connection.execute(store, (*held[one], two))
        else:
            number = data.draw(st.sampled_from(numbers))
            connection.execute(f"DELETE FROM {table} WHERE {key} = {number}")
        connection.commit()
    unwelcome(path, keys[0])


@often
@given(at=st.integers(0, 10**6), by=st.integers(1, 255))
def test_no_byte_of_a_bundle_can_be_another(bundle, keys, at, by):
    spoilt = bytearray(bundle)
    spoilt[at % len(bundle)] ^= by
    refused(read, bytes(spoilt), keys[0])


def resealed(lines):
    """A bundle with an end that fits, as whoever changed it would write."""
    before = b"".join(lines[:-1])
    counts = [sum(line.startswith(start) for line in lines) for start in (b'{"position"', b'{"checkpoint"')]
    end = {"end": {"entries": counts[0], "checkpoints": counts[1], "sha256": sha256(before).hexdigest()}}
    return before + json.dumps(end, separators=(",", ":")).encode() + b"\n"


@often
@given(st.data())
def test_no_line_of_a_bundle_can_be_another_even_with_an_end_that_fits(bundle, keys, data):
    lines = bundle.splitlines(keepends=True)
    at = data.draw(st.integers(0, len(lines) - 2))
    line = bytearray(lines[at])
    line[data.draw(st.integers(0, held(line, rb"\n") - 1))] ^= data.draw(st.integers(1, 255))
    refused(read, resealed([*lines[:at], bytes(line), *lines[at + 1 :]]), keys[0])


@often
@given(st.data())
def test_no_line_of_a_bundle_can_be_missing_doubled_or_elsewhere(bundle, keys, data):
    lines = bundle.splitlines(keepends=True)
    # What comes after the last checkpoint nobody signed for yet; here that is the end and nothing else.
    at = data.draw(st.integers(0, len(lines) - 2))
    match data.draw(st.sampled_from(["missing", "doubled", "elsewhere"])):
        case "missing":
            while lines[at].startswith(b'{"checkpoint"'):  # a later one signs for the same entries
                at -= 1
            changed = [*lines[:at], *lines[at + 1 :]]
        case "doubled":
            changed = [*lines[:at], lines[at], *lines[at:]]
        case _:
            to = data.draw(st.integers(0, len(lines) - 2).filter(lambda to: to != at))
            changed = [line for line in lines if line is not lines[at]]
            changed.insert(to, lines[at])
    refused(read, resealed(changed), keys[0])


@pytest.mark.parametrize("lines", [0, 1, 2, -1, -2, -20])
def test_a_bundle_that_was_cut_off_is_known(bundle, keys, lines):
    cut = b"".join(bundle.splitlines(keepends=True)[:lines])
    assert "cut off" in refused(read, cut, keys[0]).what


def test_a_bundle_of_another_form_or_log_is_refused(bundle, keys):
    lines = bundle.splitlines(keepends=True)
    for spoilt, why in (
        (lines[0].replace(b"1", b"2", 1), "form 2"),
        (lines[0].replace(b'"l1"', b'"l2"'), "another one than the bundle says"),
        (lines[0].replace(ORIGIN.encode(), b"elsewhere"), "its keys do not"),
    ):
        assert why in refused(read, resealed([spoilt, *lines[1:]]), keys[0]).what


def test_a_snapshot_that_is_not_the_fold_is_found(log, keys):
    with closing(unguarded(log)) as connection:
        connection.execute("UPDATE snapshot SET body = CAST(replace(body, 'Management', 'management') AS BLOB)")
        connection.commit()
    assert "not the fold" in refused(verified, log, keys[0]).what


def test_a_snapshot_of_another_release_is_passed_over_and_counted(log, keys):
    with closing(unguarded(log)) as connection:
        connection.execute("UPDATE snapshot SET format = 'state/0/x'")
        connection.commit()
    found = verified(log, keys[0])
    assert (found.snapshots, found.unread) == (0, 1)


async def test_what_does_not_fit_together_is_not_exported(log):
    with closing(unguarded(log)) as connection:
        connection.execute(
            "UPDATE event SET body = CAST(replace(body, 'test:Read', 'test:Dead') AS BLOB) WHERE position = 9"
        )
        connection.commit()
    ledger = await SqliteLedger.open(f"sqlite:///{log}", only_read=True)
    try:
        with pytest.raises(LedgerCorrupt) as found:
            async for _ in exported(ledger):
                pass
        assert found.value.position == 9
    finally:
        await ledger.close()
