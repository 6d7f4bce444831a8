"""What the SQLite store refuses: changes to what is written, a second writer, another schema."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from authority.ledger.port import LedgerUnavailable, PutSecret, SignedHead
from authority.ledger.sql.migrating import newest
from authority.ledger.sql.owning import LedgerInUse
from authority.ledger.sql.schema import PRESENT, SchemaDiffers, check, migrate
from authority.ledger.sql.sqlite import SqliteLedger
from authority.ledger.sql.tables import METADATA, VERSION_TABLE

from .stores import config, entries, entry

ROOT = Path(__file__).resolve().parents[2]

# --- what is written stays ---------------------------------------------------------------------


@pytest.fixture
async def path(store, tmp_path):
    """A closed ledger of 300 entries."""
    ledger = await store.open(store.make(tmp_path))
    await ledger.append([config(once=["a"]), *entries(299)], folded=0)
    await ledger.put_signed_head(SignedHead(299, b"a note"))
    await ledger.close()
    return tmp_path / "ledger.sqlite"


COPY = "SELECT {}, at, lane, type, v, subject, leaf, body FROM event WHERE position = 1"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event SET body = x'00' WHERE position = 1",
        "UPDATE event SET at = at",
        "UPDATE OR REPLACE event SET position = 2 WHERE position = 1",
        "DELETE FROM event WHERE position = 300",
        "DELETE FROM event",
        "INSERT INTO event " + COPY.format(302),
        "INSERT INTO event " + COPY.format(0),
        "INSERT INTO event " + COPY.format("NULL"),
        "INSERT OR REPLACE INTO event " + COPY.format(300),
        "REPLACE INTO event " + COPY.format(1),
        "UPDATE once SET position = 2",
        "DELETE FROM once",
        "INSERT OR REPLACE INTO once VALUES ('a', 2)",
        "UPDATE subtree SET root = x'00'",
        "DELETE FROM subtree",
        "INSERT OR REPLACE INTO subtree VALUES (8, 0, x'00')",
        "UPDATE tree SET size = 299",
        "UPDATE tree SET frontier = x'00'",
        "UPDATE tree SET id = 2, size = 301",
        "DELETE FROM tree",
        "INSERT OR REPLACE INTO tree VALUES (1, 301, x'00', 0, NULL)",
        "INSERT INTO tree VALUES (2, 0, x'00', 0, NULL)",
        "UPDATE signed_head SET note = x'00'",
        "UPDATE signed_head SET size = 300",
        "DELETE FROM signed_head",
        "INSERT OR REPLACE INTO signed_head VALUES (1, 300, x'00')",
        "INSERT INTO signed_head VALUES (3, 300, x'00')",
        "INSERT INTO signed_head VALUES (2, 10, x'00')",
    ],
)
async def test_the_database_refuses_to_change_what_was_written(path, statement):
    with closing(sqlite3.connect(path)) as connection:
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute(statement)
        connection.commit()
    ledger = await SqliteLedger.open(f"sqlite:///{path}")
    assert (await ledger.verify()).position == 300
    await ledger.close()


def test_every_table_of_the_log_is_guarded_against_every_change(template):
    with closing(sqlite3.connect(template)) as connection:
        triggers = [sql for (sql,) in connection.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger'")]
    for table in ("event", "once", "subtree", "tree", "signed_head"):
        for change in ("INSERT", "UPDATE", "DELETE"):
            assert any(f"BEFORE {change} ON {table}" in sql for sql in triggers), (table, change)


# --- one writer --------------------------------------------------------------------------------


async def python(source, *arguments):
    """Run *source* in another process, and say how it ended and what it printed."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        source,
        *arguments,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await child.communicate()
    return child.returncode, said.decode().strip().splitlines()[-1:]


OPEN = """
import asyncio, sys
from authority.ledger.sql.sqlite import SqliteLedger
async def main():
    ledger = await SqliteLedger.open(sys.argv[1])
    await ledger.close()
asyncio.run(main())
"""
MIGRATE = "import asyncio, sys; from authority.ledger.sql.schema import migrate; asyncio.run(migrate(sys.argv[1]))"


@pytest.mark.parametrize("source", [OPEN, MIGRATE], ids=["a second ledger", "a migration"])
async def test_another_process_is_refused_while_one_writes(store, tmp_path, source):
    url = store.make(tmp_path)
    ledger = await store.open(url)
    code, said = await python(source, url)
    assert code != 0
    assert "LedgerInUse" in said[0]
    assert "one process at a time may write it" in said[0]
    await ledger.append(entries(1), folded=0)
    await ledger.close()
    assert await python(source, url) == (0, [])


async def test_a_second_ledger_in_one_process_is_refused(store, tmp_path):
    url = store.make(tmp_path)
    ledger = await store.open(url)
    for call in (store.open(url), migrate(url)):
        with pytest.raises(LedgerInUse):
            await call
    await ledger.close()
    again = await store.open(url)
    await again.close()


async def test_a_reader_beside_the_writer_sees_what_is_committed_and_writes_nothing(store, tmp_path):
    url = store.make(tmp_path)
    ledger = await store.open(url)
    reader = await SqliteLedger.open(url, only_read=True)
    await ledger.append([entry(rows=[PutSecret("a", "p", b"1")])], folded=0)
    assert (await reader.head()) == (await ledger.head())
    assert await reader.secret("a") == ("p", b"1")
    waiting = asyncio.ensure_future(reader.wait(1))
    await ledger.append(entries(1), folded=1)
    async with asyncio.timeout(10):
        await waiting  # it polls: no commit of another process can wake it
    for call in (reader.append(entries(1), folded=0), reader.append_fresh(entries(1))):
        with pytest.raises(LedgerUnavailable, match="not open for writing"):
            await call
    await reader.checkpoint()
    await reader.close()
    await ledger.close()


HEAD = """
import asyncio, sys
from authority.ledger.sql.sqlite import SqliteLedger
async def main():
    ledger = await SqliteLedger.open(sys.argv[1], only_read=True)
    print((await ledger.head()).position)
    await ledger.close()
asyncio.run(main())
"""
FOREIGN = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1].removeprefix("sqlite:///"))
print(connection.execute("SELECT max(position) FROM event").fetchone()[0])
connection.close()
"""


@pytest.mark.parametrize("source", [HEAD, FOREIGN], ids=["a reader of ours", "a tool that may write"])
async def test_another_process_that_lets_go_of_the_file_leaves_the_write_ahead_log_to_us(store, tmp_path, source):
    """It would remove it if it believed to be the last; then what we acknowledge lies in a file without a name."""
    url = store.make(tmp_path)
    ledger = await store.open(url)
    for position in range(1, 4):
        assert await ledger.append(entries(1), folded=position - 1) == position
        assert await python(source, url) == (0, [str(position)])
        assert (tmp_path / "ledger.sqlite-wal").exists()
    await ledger.close()


async def test_a_ledger_that_fails_to_open_leaves_the_lock(store, tmp_path):
    path = tmp_path / "ledger.sqlite"
    path.touch()
    for _ in range(2):
        with pytest.raises(SchemaDiffers):
            await SqliteLedger.open(f"sqlite:///{path}")
    await migrate(f"sqlite:///{path}")
    ledger = await store.open(f"sqlite:///{path}")
    await ledger.close()


# --- the schema --------------------------------------------------------------------------------


async def test_a_new_file_is_its_owners_only(tmp_path):
    path = tmp_path / "new.sqlite"
    await migrate(f"sqlite:///{path}")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_migrating_again_changes_nothing(store, tmp_path):
    url = store.make(tmp_path)
    ledger = await store.open(url)
    await ledger.append(entries(3), folded=0)
    head = await ledger.head()
    await ledger.close()
    await migrate(url)
    assert await check(url) == "0003"
    ledger = await store.open(url)
    assert await ledger.verify() == head
    await ledger.close()


async def test_a_log_of_the_first_schema_goes_on_with_the_present_one(tmp_path):
    path = tmp_path / "old.sqlite"
    url = f"sqlite:///{path}"
    await migrate(url)
    ledger = await SqliteLedger.open(url)
    await ledger.append([config(), *entries(299)], folded=0)
    head = await ledger.head()
    await ledger.close()
    with closing(sqlite3.connect(path)) as connection:  # as 0001 left it
        connection.execute("DROP TABLE signed_head")
        connection.execute("DROP INDEX once_position")
        connection.execute("DROP TRIGGER tree_grows")
        for table, column in (("tree", "mac"), ("tree", "signed"), ("snapshot", "mac")):
            connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        connection.execute("CREATE TRIGGER tree_grows BEFORE UPDATE ON tree BEGIN SELECT RAISE(ABORT, 'no'); END")
        connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = '0001'")
        connection.commit()
    with pytest.raises(SchemaDiffers, match="`0001` and should be `0003`"):
        await SqliteLedger.open(url)
    await migrate(url)
    ledger = await SqliteLedger.open(url)
    assert await ledger.verify() == head
    assert await ledger.latest_signed_head() is None
    await ledger.put_signed_head(SignedHead(300, b"a note"))
    await ledger.close()


def test_the_present_schema_is_that_of_the_last_migration():
    assert newest() == PRESENT


async def test_whoever_only_opens_a_ledger_does_not_load_the_migrations(store, tmp_path):
    source = OPEN + "print('alembic' in sys.modules)"
    assert await python(source, store.make(tmp_path)) == (0, ["False"])


def test_the_migrations_make_the_tables_that_the_code_knows(template):
    engine = create_engine(f"sqlite:///{template}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


async def test_a_schema_of_another_version_is_named(store, tmp_path):
    url = store.make(tmp_path)
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as connection:
        connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
        connection.commit()
    for call in (store.open(url), check(url)):
        with pytest.raises(SchemaDiffers, match="`9999` and should be `0003`"):
            await call


@pytest.mark.parametrize("call", [SqliteLedger.open, check], ids=["opening", "checking"])
async def test_nothing_is_made_where_nothing_is(tmp_path, call):
    with pytest.raises(LedgerUnavailable, match="there is no ledger"):
        await call(f"sqlite:///{tmp_path / 'absent'}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "postgresql://here/log", "sqlite:///"])
async def test_an_address_that_is_no_file_is_a_mistake(url):
    for call in (SqliteLedger.open(url), migrate(url), check(url)):
        with pytest.raises(ValueError, match="names no SQLite file"):
            await call


async def test_a_folder_that_is_not_there_is_unavailable(tmp_path):
    with pytest.raises(LedgerUnavailable, match="No such file"):
        await migrate(f"sqlite:///{tmp_path / 'absent' / 'ledger.sqlite'}")
