"""The end of a log and its snapshots are bound to the root key: whoever has only the file cannot go on in its name."""

from __future__ import annotations

import asyncio
import hmac
import shutil
import sqlite3
from contextlib import closing

import pytest

from authority.ledger.port import LedgerCorrupt, PutSecret, SignedHead, Snapshot
from authority.ledger.sql.sqlite import SqliteLedger
from tests.forging import rewritten, unguarded

from .stores import body, config, entries, entry

NEXT = "authority verify --checkpoint"


def mac(message):
    return hmac.digest(b"the root key's", message, "sha256")


async def opened(path, by=mac):
    return await SqliteLedger.open(f"sqlite:///{path}", mac=by)


@pytest.fixture(scope="module")
def original(template, tmp_path_factory):
    """300 entries, of which 297 are signed for, and a snapshot of 290."""
    path = tmp_path_factory.mktemp("bound") / "ledger.sqlite"
    shutil.copy(template, path)

    async def build():
        ledger = await opened(path)
        await ledger.bind(await ledger.head())
        await ledger.append([config(once=["a"], rows=[PutSecret("s", "p", b"1")]), *entries(296)], folded=0)
        await ledger.put_signed_head(SignedHead(297, b"a note"))
        await ledger.append([entry(once=["b"]), *entries(2)], folded=297)
        await ledger.put_snapshot(Snapshot(290, await ledger.root_at(290), "1", b"a state"))
        await ledger.verify()
        await ledger.close()

    asyncio.run(build())
    return path


@pytest.fixture
def path(original, tmp_path):
    shutil.copy(original, tmp_path / "ledger.sqlite")
    return tmp_path / "ledger.sqlite"


async def refused(path, work, by=mac):
    ledger = await opened(path, by)
    try:
        with pytest.raises(LedgerCorrupt) as found:
            await work(ledger)
    finally:
        await ledger.close()
    return found.value


WAYS = [
    pytest.param(lambda ledger: ledger.verify(), id="a start"),
    pytest.param(lambda ledger: ledger.verify(200), id="a start from a snapshot"),
    pytest.param(lambda ledger: ledger.append([entry()], folded=299), id="an append"),
    pytest.param(lambda ledger: ledger.append_fresh([entry(once=["c"])]), id="an end"),
    pytest.param(lambda ledger: ledger.put_signed_head(SignedHead(299, b"new")), id="a checkpoint"),
]


@pytest.mark.parametrize("work", WAYS)
@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(lambda bodies: [*bodies, body("forged", lane="config")], id="an entry added"),
        pytest.param(lambda bodies: [*bodies[:-1], body("forged", lane="config")], id="the last one exchanged"),
        pytest.param(lambda bodies: bodies[:-1], id="the last one cut off"),
    ],
)
async def test_what_is_forged_after_the_last_checkpoint_is_not_gone_on_from(path, forge, work):
    rewritten(path, forge)
    corrupt = await refused(path, work)
    assert (corrupt.position, NEXT in corrupt.what) == (298, True)


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("UPDATE tree SET mac = NULL", id="no code"),
        pytest.param("UPDATE tree SET mac = zeroblob(32)", id="another code"),
        pytest.param("UPDATE tree SET mac = (SELECT mac FROM snapshot)", id="the code of something else"),
        pytest.param("UPDATE tree SET mac = 'text'", id="text"),
        pytest.param("UPDATE tree SET signed = 0", id="a checkpoint forgotten"),
    ],
)
async def test_an_end_that_is_not_bound_is_refused(path, statement):
    with closing(unguarded(path)) as connection:
        connection.execute(statement)
        connection.commit()
    assert NEXT in (await refused(path, lambda ledger: ledger.verify())).what


async def test_another_root_key_binds_nothing(path):
    corrupt = await refused(path, lambda ledger: ledger.verify(), lambda message: hmac.digest(b"k", message, "sha256"))
    assert corrupt.position == 298


@pytest.mark.parametrize("column", ["body", "format", "mac"])
async def test_a_snapshot_that_is_not_bound_is_not_read(path, column):
    with closing(unguarded(path)) as connection:
        forged = {"body": b"another state", "format": "2", "mac": None}[column]
        connection.execute(f"UPDATE snapshot SET {column} = ?", (forged,))
        connection.commit()
    corrupt = await refused(path, lambda ledger: ledger.latest_snapshot())
    assert (corrupt.position, NEXT in corrupt.what) == (290, True)


async def test_a_snapshot_of_another_moment_is_not_that_of_this_one(path):
    ledger = await opened(path)
    await ledger.put_snapshot(Snapshot(295, await ledger.root_at(295), "1", b"a later state"))
    await ledger.close()
    with closing(unguarded(path)) as connection:
        connection.execute(
            "UPDATE snapshot SET body = old.body, mac = old.mac "
            "FROM (SELECT body, mac FROM snapshot WHERE position = 290) AS old"
        )
        connection.commit()
    assert (await refused(path, lambda ledger: ledger.latest_snapshot())).position == 295


async def test_the_newest_checkpoint_is_missed(path):
    with closing(unguarded(path)) as connection:
        connection.execute("DELETE FROM signed_head")
        connection.commit()
    corrupt = await refused(path, lambda ledger: ledger.latest_signed_head())
    assert "of 297 entries, and is missing" in corrupt.what


async def test_a_log_that_is_rewritten_under_its_owner_is_not_bound_by_the_next_append(path):
    ledger = await opened(path)
    await ledger.append([entry()], folded=300)
    rewritten(path, lambda bodies: [*bodies[:-1], body("forged", lane="config")])
    with pytest.raises(LedgerCorrupt):
        await ledger.append([entry()], folded=301)
    await ledger.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM event").fetchone() == (301,)


async def test_who_writes_without_the_key_leaves_a_log_that_is_refused(path):
    ledger = await opened(path, None)
    await ledger.append([entry()], folded=300)
    await ledger.close()
    assert (await refused(path, lambda ledger: ledger.verify())).position == 298


async def test_a_log_that_somebody_answers_for_is_bound_as_it_is_without_its_snapshots(path):
    rewritten(path, lambda bodies: [*bodies, body("restored")])
    ledger = await opened(path)
    try:
        end = await ledger.head()
        await ledger.bind(end)
        assert await ledger.verify() == end
        assert await ledger.latest_snapshot() is None
        await ledger.append([entry()], folded=301)
        with pytest.raises(LedgerCorrupt):
            await ledger.bind(end)  # it is not the log that was verified any more
    finally:
        await ledger.close()


async def test_without_a_key_nothing_is_bound(path):
    ledger = await opened(path, None)
    with pytest.raises(ValueError, match="nothing binds"):
        await ledger.bind(await ledger.head())
    await ledger.close()


# --- what lies beside the log ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "position"),
    [
        pytest.param("DELETE FROM once WHERE key = 'b'", 298, id="a claim that was taken back"),
        pytest.param("UPDATE once SET key = 'c' WHERE key = 'a'", 1, id="another key"),
        pytest.param("UPDATE once SET position = 297 WHERE key = 'b'", 297, id="another position"),
        pytest.param("INSERT INTO once VALUES ('end:ASIA', 7)", 7, id="a claim that nobody made"),
    ],
)
async def test_once_keys_are_those_that_entries_claim(path, statement, position):
    with closing(unguarded(path)) as connection:
        connection.execute(statement)
        connection.commit()
    assert (await refused(path, lambda ledger: ledger.verify())).position == position
