"""A SQLite file that somebody or something changed: what is wrong is found, and the first position named."""

from __future__ import annotations

import os
import random
import sqlite3
from contextlib import closing, suppress

import pytest

from authority.ledger.port import Lane, LedgerCorrupt, LedgerUnavailable
from authority.ledger.sql.engines import PAGE
from authority.ledger.sql.sqlite import SqliteLedger
from authority.ledger.tlog import Frontier, leaf_hash

from .stores import body, config, entry

LAST = 700
CONFIGURED = 300, 301, 600


def whole_log():
    for number in range(1, LAST + 1):
        make = config if number in CONFIGURED else entry
        yield make(f"entry {number}", at=number, once=[f"key {number}"], pad=200)


@pytest.fixture(scope="module")
def original(template, tmp_path_factory):
    """A log of 700 entries, written as any, closed and in one file."""
    path = tmp_path_factory.mktemp("original") / "ledger.sqlite"
    path.write_bytes(template.read_bytes())
    new = list(whole_log())
    frontier, at = Frontier(), 0
    with closing(unguarded(path)) as connection:
        for position, one in enumerate(new, 1):
            leaf = leaf_hash(one.body)
            for subtree in frontier.append(leaf):
                connection.execute("INSERT INTO subtree VALUES (?, ?, ?)", subtree)
            at = int(one.decided_at.timestamp()) * 1_000_000
            row = (position, at, one.lane.value, one.type, one.v, one.subject, leaf, one.body)
            connection.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
            connection.execute("INSERT INTO once VALUES (?, ?)", (one.once[0], position))
        connection.execute("UPDATE tree SET size = ?, frontier = ?", (frontier.size, frontier.encode()))
        connection.commit()
    return path


@pytest.fixture
def path(original, tmp_path):
    copy = tmp_path / "ledger.sqlite"
    copy.write_bytes(original.read_bytes())
    return copy


def unguarded(path):
    """What an intruder does first: open the file and take the triggers away."""
    connection = sqlite3.connect(path)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    return connection


def tamper(path, *statements):
    with closing(unguarded(path)) as connection:
        for statement in statements:
            assert connection.execute(*statement).rowcount, f"nothing was changed: {statement}"
        connection.commit()


async def judged(path, **how):
    """What an audit says of the file: the head, or the position that it names."""
    try:
        ledger = await SqliteLedger.open(f"sqlite:///{path}")
    except LedgerCorrupt as found:
        return found
    try:
        return (await ledger.verify(**how)).position
    except LedgerCorrupt as found:
        return found
    finally:
        await ledger.close()


async def test_an_untouched_log_is_whole(path):
    assert await judged(path) == LAST


def in_place(position, **columns):
    names = ", ".join(f"{name} = ?" for name in columns)
    return (f"UPDATE event SET {names} WHERE position = ?", (*columns.values(), position))


OTHER = body("another", at=400)
EXCHANGED = in_place(400, subject="another", body=OTHER, leaf=leaf_hash(OTHER))


@pytest.mark.parametrize(
    ("statements", "position", "reason"),
    [
        pytest.param([in_place(1, body=OTHER)], 1, "not the hash", id="the first body"),
        pytest.param([in_place(LAST, body=OTHER)], LAST, "not the hash", id="the last body"),
        pytest.param(
            [("UPDATE event SET body = CAST(replace(body, 'xxx', 'yyy') AS BLOB) WHERE position = 9",)],
            9,
            "not the hash",
            id="some bytes of a body",
        ),
        pytest.param([in_place(9, body="text")], 9, "another type", id="a body that is text"),
        pytest.param([in_place(9, leaf=bytes(32))], 9, "not the hash", id="a leaf"),
        pytest.param([in_place(9, leaf=7)], 9, "another type", id="a leaf that is a number"),
        pytest.param([in_place(9, type="other")], 9, "columns disagree", id="a type"),
        pytest.param([in_place(9, v=2)], 9, "columns disagree", id="a version"),
        pytest.param([in_place(9, v="one")], 9, "another type", id="a version that is text"),
        pytest.param([in_place(9, lane=1)], 9, "columns disagree", id="a lane"),
        pytest.param([in_place(9, lane=7)], 9, "no lane 7", id="a lane that is not there"),
        pytest.param([in_place(9, subject="nobody")], 9, "columns disagree", id="a subject"),
        pytest.param([in_place(9, at=1)], 9, "running maximum", id="a recorded time"),
        pytest.param([in_place(9, at="noon")], 9, "recorded time", id="a recorded time that is text"),
        pytest.param([in_place(LAST, at=1 << 62)], LAST, "recorded time", id="a recorded time past all calendars"),
        pytest.param([EXCHANGED], 257, "tree over the 256 entries from 257", id="an entry that agrees with itself"),
        pytest.param(
            [EXCHANGED, ("UPDATE subtree SET root = x'00' WHERE number = 1",)],
            257,
            "tree over the 256 entries from 257",
            id="an entry and the tree over it",
        ),
        pytest.param(
            [in_place(690, subject="another", body=OTHER, leaf=leaf_hash(OTHER))],
            690,
            "running maximum",
            id="a late entry that goes back in time",
        ),
        pytest.param(
            [
                in_place(
                    690,
                    subject="another",
                    body=body("another", at=690, once=["key 690"]),
                    leaf=leaf_hash(body("another", at=690, once=["key 690"])),
                )
            ],
            689,
            "tree over 689 to 696 is not that of the entries",
            id="a late entry that agrees with itself",
        ),
        pytest.param([("DELETE FROM event WHERE position = 1",)], 1, "next entry stored is 2", id="the first row gone"),
        pytest.param([("DELETE FROM event WHERE position = 9",)], 9, "next entry stored is 10", id="a row gone"),
        pytest.param([("DELETE FROM event WHERE position > 650",)], 651, "end at 650", id="the tail gone"),
        pytest.param([("DELETE FROM event",)], 1, "end at 0", id="every row gone"),
        pytest.param(
            [
                ("UPDATE event SET position = -9 WHERE position = 9",),
                ("UPDATE event SET position = 9 WHERE position = 10",),
                ("UPDATE event SET position = 10 WHERE position = -9",),
            ],
            10,
            "running maximum",
            id="two rows in the other order",
        ),
        pytest.param(
            [("UPDATE event SET position = position + 1000 WHERE position > 500",)], 501, "1501", id="rows moved on"
        ),
        pytest.param(
            [("INSERT INTO event SELECT 701, at, lane, type, v, subject, leaf, body FROM event WHERE position = 700",)],
            701,
            "after the end of the tree",
            id="a row too many",
        ),
        pytest.param(
            [("INSERT INTO event SELECT 0, at, lane, type, v, subject, leaf, body FROM event WHERE position = 1",)],
            1,
            "before the first",
            id="a row before the first",
        ),
        pytest.param([("DELETE FROM subtree WHERE number = 1",)], 257, "from 257", id="a subtree gone"),
        pytest.param([("UPDATE subtree SET root = x'00' WHERE number = 0",)], 1, "from 1 is not", id="a subtree"),
        pytest.param([("DELETE FROM tree",)], 1, "tree is gone", id="the tree gone"),
        pytest.param([("UPDATE tree SET size = 699",)], 1, "has the edge of", id="the size of the tree"),
        pytest.param([("UPDATE tree SET frontier = x'00'",)], 1, "cannot be read", id="a tree cut short"),
        pytest.param([("UPDATE tree SET frontier = 'text'",)], 1, "cannot be read", id="a tree that is text"),
        pytest.param(
            [("UPDATE tree SET frontier = CAST(substr(frontier, 1, 8) || zeroblob(length(frontier) - 8) AS BLOB)",)],
            1,
            "the tree over 1 to 512",
            id="the edge of the tree",
        ),
    ],
)
async def test_whatever_is_changed_is_found_and_named(path, statements, position, reason):
    tamper(path, *statements)
    found = await judged(path)
    assert isinstance(found, LedgerCorrupt), found
    assert found.position == position
    assert reason in found.what


async def test_a_part_is_judged_by_itself(path):
    tamper(path, in_place(9, type="other"), in_place(650, type="other"))
    assert (await judged(path, to=8)) == 8
    assert (await judged(path, after=9, to=649)) == 649
    assert (await judged(path, after=9)).position == 650


async def test_an_index_that_hides_configuration_is_found(path):
    """The fold of the configuration reads that index only: what it leaves out would be in force for nobody."""
    with closing(unguarded(path)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        shorter = "CREATE INDEX event_config ON event (position) WHERE lane = 1 AND position <> 301"
        connection.execute("DROP INDEX event_config")
        connection.execute(shorter)
        connection.execute(
            "UPDATE sqlite_master SET sql = ? WHERE name = 'event_config'", (shorter[: -len(" AND position <> 301")],)
        )
        connection.commit()
    ledger = await SqliteLedger.open(f"sqlite:///{path}", only_read=True)
    assert [found.position for found in await ledger.read(0, 9, Lane.CONFIG)] == [300, 600], "nothing is hidden"
    await ledger.close()
    assert (await judged(path)).position == 301


async def test_a_log_that_was_cut_back_whole_is_known_by_what_was_folded(path):
    """Entries, tree and once keys of the last 100 gone together: an earlier log, true in itself."""
    frontier = Frontier()
    for one in list(whole_log())[:600]:
        frontier.append(leaf_hash(one.body))
    tamper(
        path,
        ("DELETE FROM event WHERE position > 600",),
        ("DELETE FROM once WHERE position > 600",),
        ("UPDATE tree SET size = 600, frontier = ?", (frontier.encode(),)),
    )
    assert await judged(path) == 600
    assert (await judged(path, after=LAST)).position == 601
    ledger = await SqliteLedger.open(f"sqlite:///{path}")
    with pytest.raises(LedgerCorrupt) as told:
        await ledger.append([entry()], folded=LAST)
    assert told.value.position == 601
    await ledger.close()


@pytest.mark.parametrize(
    ("statement", "position"),
    [
        ("DELETE FROM event WHERE position > 650", 651),
        ("INSERT INTO event SELECT 701, at, lane, type, v, subject, leaf, body FROM event WHERE position = 7", 701),
        ("DELETE FROM tree", 1),
        ("UPDATE tree SET frontier = x''", 1),
        ("UPDATE event SET at = 'noon' WHERE position = 700", 700),
    ],
)
async def test_nothing_is_appended_to_a_log_that_does_not_end_where_it_should(path, statement, position):
    tamper(path, (statement,))
    ledger = await SqliteLedger.open(f"sqlite:///{path}")
    for call in (ledger.append([entry()], folded=0), ledger.append_fresh([entry()]), ledger.head()):
        with pytest.raises(LedgerCorrupt) as told:
            await call
        assert told.value.position == position
    await ledger.close()


async def test_nobody_folds_past_a_gap(path):
    tamper(path, ("DELETE FROM event WHERE position = 9",))
    ledger = await SqliteLedger.open(f"sqlite:///{path}")
    for call in (ledger.read(0, 20), ledger.read(8, 1), ledger.entries_at([3, 9]), ledger.entries_at([9])):
        with pytest.raises(LedgerCorrupt) as told:
            await call
        assert told.value.position == 9
    await ledger.close()


async def test_no_proof_is_made_over_a_gap(path):
    tamper(path, ("DELETE FROM event WHERE position = 600",), ("DELETE FROM subtree WHERE number = 0",))
    ledger = await SqliteLedger.open(f"sqlite:///{path}")
    for call in (ledger.root_at(650), ledger.root_at(300), ledger.prove_inclusion(600, 650)):
        with pytest.raises(LedgerCorrupt):
            await call
    await ledger.close()


async def test_a_moment_is_not_looked_up_among_what_is_no_time(path):
    tamper(path, ("UPDATE event SET at = 'noon' WHERE position BETWEEN 300 AND 400",))
    ledger = await SqliteLedger.open(f"sqlite:///{path}")
    with pytest.raises(LedgerCorrupt):
        await ledger.position_at(entry(at=350).decided_at)
    await ledger.close()


# --- the file itself ---------------------------------------------------------------------------


def page_of(path, number):
    """The leaf page of the table of entries that comes *number*-th, as the order of its bytes shows it."""
    data = path.read_bytes()
    pages = [
        at for at in range(0, len(data), PAGE) if data[at] == 0x0D and b'"subject": "entry' in data[at : at + PAGE]
    ]
    return pages[number], data[pages[number] : pages[number] + PAGE]


def first_entry_on(page):
    return int(page[page.rindex(b'"subject": "entry') :].split(b"entry ")[1].split(b'"')[0])


async def test_a_page_that_is_damaged_is_named_by_its_first_entry(path):
    at, page = page_of(path, 30)
    named = first_entry_on(page)
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xff" * 8)
    found = await judged(path)
    assert isinstance(found, LedgerCorrupt)
    assert (found.position, found.what) == (named, "the store is damaged: database disk image is malformed")
    ledger = await SqliteLedger.open(f"sqlite:///{path}")
    with pytest.raises(LedgerCorrupt):
        await ledger.read(named - 5, 50)
    await ledger.close()


@pytest.mark.parametrize("part", [0.15, 0.5, 0.9, 0.999])
async def test_a_file_that_was_cut_off_names_the_first_entry_it_lost(path, part):
    os.truncate(path, int(path.stat().st_size * part))
    found = await judged(path)
    assert isinstance(found, LedgerCorrupt), found
    assert found.position == first_lost(path)


def first_lost(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA writable_schema = ON")  # else nothing can be read of a file that was cut off
        for position, wanted in enumerate(whole_log(), 1):
            try:
                left = connection.execute("SELECT body FROM event WHERE position = ?", (position,)).fetchone()
            except sqlite3.DatabaseError:
                return position
            if left != (wanted.body,):
                return position
    return None


async def test_a_file_that_is_cut_off_under_an_open_ledger_is_found(path):
    ledger = await SqliteLedger.open(f"sqlite:///{path}")
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(LedgerCorrupt) as told:
        await ledger.verify()
    assert 1 < told.value.position < LAST
    await ledger.close()


@pytest.mark.parametrize("length", [0, 1, 99, 100, PAGE])
async def test_a_file_of_which_hardly_anything_is_left_is_not_opened(path, length):
    os.truncate(path, length)
    with pytest.raises((LedgerCorrupt, LedgerUnavailable)):
        await SqliteLedger.open(f"sqlite:///{path}")


async def test_a_file_that_is_no_database_is_corrupt(path):
    path.write_bytes(b"nothing of the kind" * 1000)
    with pytest.raises(LedgerCorrupt):
        await SqliteLedger.open(f"sqlite:///{path}")


async def test_a_schema_that_is_no_text_is_corrupt(path):
    """The database quotes it in its error, which the driver then cannot read."""
    data = path.read_bytes()
    path.write_bytes(data.replace(b"leaf BLOB NOT NULL", b"leaf BLOB NOT NU\xccL"))
    assert path.read_bytes() != data
    assert isinstance(await judged(path), LedgerCorrupt)


@pytest.mark.parametrize("rounds", [40, pytest.param(3000, marks=[pytest.mark.deep, pytest.mark.timeout(1_200)])])
async def test_no_flipped_bit_makes_another_log_look_whole(original, tmp_path, rounds):
    """What an audit passes is what was appended, wherever in the file the flip was."""
    dice = random.Random(rounds)
    data = original.read_bytes()
    with closing(sqlite3.connect(original)) as connection:
        before = [row for (row,) in connection.execute("SELECT body FROM event ORDER BY position")]
    path = tmp_path / "ledger.sqlite"
    named = 0
    for _ in range(rounds):
        at = dice.randrange(len(data))
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << dice.randrange(8)]) + data[at + 1 :])
        for beside in tmp_path.glob("ledger.sqlite-*"):
            beside.unlink()
        with suppress(LedgerCorrupt, LedgerUnavailable):
            ledger = await SqliteLedger.open(f"sqlite:///{path}")
            try:
                await ledger.verify()
                kept = await ledger.read(0, LAST)
                assert [one.body for one in kept] == before, at
                folded = await ledger.read(0, LAST, Lane.CONFIG)
                assert [one.position for one in folded] == list(CONFIGURED), at
            except LedgerCorrupt:
                named += 1
                raise
            finally:
                await ledger.close()
    assert named > rounds // 4
