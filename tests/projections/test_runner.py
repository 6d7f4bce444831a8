"""The projections follow the log, in whatever pieces and however often they are cut off."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event as listening

from authority.audit.answers import Behind
from authority.audit.queries import FindEvents, FindSessions, LastUsed, OneEvent, Order, Status
from authority.audit.terms import LIVE, issued_by
from authority.ledger.codec import new_entry
from authority.ledger.port import LedgerCorrupt, LedgerUnavailable
from authority.projections.engines import ProjectionsInUse
from authority.projections.runner import Limits, Projections
from authority.projections.tables import BLOCK_BITS, bit_of, term_number
from tests.audit.stories import AT, DEV, MIA, PRODUCTION, SECOND, assumes, ends, histories, makes_user

from .conftest import append, contents, ledger_at, projecting


def users(count, first=0):
    return [makes_user(MIA, f"u{number}", at=AT + number * SECOND) for number in range(first, first + count)]


async def positions(projections, at, **query):
    answer = await projections.answer(FindEvents(account=PRODUCTION, max_results=1000, **query), at)
    return [record.position for record in answer.events]


async def test_what_was_acknowledged_is_never_missed(ledger, projections):
    """A query waits until the projections have come to the position at which it asked."""

    async def write_and_ask(number):
        async with writing:
            at = await append(ledger, *users(1, number))
        assert at in await positions(projections, at)

    writing = asyncio.Lock()
    await asyncio.gather(*(write_and_ask(number) for number in range(60)))


async def test_who_waits_too_long_is_told_so(ledger, tmp_path):
    projections = await Projections.open(tmp_path / "p.sqlite", ledger, limits=Limits(patience=0.01))
    at = await append(ledger, *users(3))
    with pytest.raises(Behind, match="projected up to 0 and not yet up to 3"):
        await projections.caught_up(at)
    with pytest.raises(Behind):
        await projections.answer(FindEvents(account=None), at)
    await projections.close()


async def test_who_waits_when_the_projections_close_waits_no_longer(ledger, tmp_path):
    projections = await Projections.open(tmp_path / "p.sqlite", ledger)
    waiting = asyncio.ensure_future(projections.caught_up(9))
    await asyncio.wait([waiting], timeout=0)
    await projections.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_the_projections_go_on_where_they_were(ledger, tmp_path):
    path = tmp_path / "p.sqlite"
    first = await append(ledger, *users(5))
    async with projecting(ledger, path) as projections:
        await projections.caught_up(first)
    last = await append(ledger, *users(5, 5))
    projections = await Projections.open(path, ledger)
    assert projections.position == first
    await projections.close()
    async with projecting(ledger, path) as projections:
        assert await positions(projections, last) == list(range(10, 0, -1))


@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(history=histories(), data=st.data())
def test_built_at_once_in_pieces_or_cut_off_it_is_the_same(template, tmp_path_factory, history, data):
    """Rebuilt from zero, followed entry by entry, or cancelled at any moment: the same rows."""
    cuts = data.draw(st.lists(st.integers(0, 40), max_size=6), label="turns of the event loop before each cut")
    pieces = data.draw(st.lists(st.integers(1, len(history)), max_size=4).map(sorted), label="pieces")

    async def compare():
        folder = tmp_path_factory.mktemp("pieces")
        async with ledger_at(template, folder) as ledger:
            written = 0
            for end in [*pieces, len(history)]:
                await append(ledger, *history[written:end])
                written = max(written, end)
                async with projecting(ledger, folder / "pieces.sqlite") as projections:
                    await projections.caught_up(written)
            for turns in cuts:
                projections = await Projections.open(folder / "cut.sqlite", ledger)
                running = asyncio.ensure_future(projections.run())
                for _ in range(turns):
                    await asyncio.wait([running], timeout=0)
                running.cancel()
                await asyncio.wait([running])
                await projections.close()
            for name in ("cut.sqlite", "once.sqlite"):
                async with projecting(ledger, folder / name) as projections:
                    await projections.caught_up(written)
        once = contents(folder / "once.sqlite")
        assert once == contents(folder / "pieces.sqlite")
        assert once == contents(folder / "cut.sqlite")

    asyncio.run(compare())


class Failing:
    """A real ledger that fails when it is read, as often as it is told to."""

    def __init__(self, ledger, *failures):
        self._ledger, self._failures = ledger, list(failures)

    def __getattr__(self, name):
        return getattr(self._ledger, name)

    async def read(self, after, limit, lane=None):
        if self._failures:
            raise self._failures.pop(0)
        return await self._ledger.read(after, limit, lane)


async def test_a_failure_is_told_and_tried_again(ledger, tmp_path):
    at = await append(ledger, *users(3))
    failing = Failing(ledger, LedgerUnavailable("the disk is away"), ZeroDivisionError("a fault"))
    with structlog.testing.capture_logs() as told:
        async with projecting(failing, tmp_path / "p.sqlite") as projections:
            await projections.caught_up(at)
    assert [(line["event"], line["log_level"]) for line in told] == [
        ("projections_wait", "warning"),
        ("projections_failed", "error"),
    ]
    assert told[1]["seconds"] > told[0]["seconds"]


async def test_a_log_that_does_not_fit_together_is_not_followed(ledger, tmp_path):
    projections = await Projections.open(tmp_path / "p.sqlite", Failing(ledger, LedgerCorrupt(3, "damaged")))
    with pytest.raises(LedgerCorrupt):
        await projections.run()
    await projections.close()


async def test_an_entry_that_cannot_be_read_holds_the_projections_and_is_told(ledger, tmp_path):
    """To pass over it would be to show a trail with a hole."""
    await append(ledger, *users(1))
    strange = (
        b'{"type":"x","v":1,"decided_at":"2026-01-02T03:04:05Z","lane":"session","subject":"","facts":[{"type":"?"}]}'
    )
    await ledger.append([new_entry(strange)], folded=1)
    with structlog.testing.capture_logs() as told:
        async with projecting(ledger, tmp_path / "p.sqlite", limits=Limits(patience=0.05)) as projections:
            with pytest.raises(Behind):
                await projections.caught_up(2)
    assert told[0]["event"] == "projections_failed"


# --- the file -------------------------------------------------------------------------------


async def test_a_second_process_is_refused(ledger, projections, tmp_path):
    with pytest.raises(ProjectionsInUse):
        await Projections.open(tmp_path / "projections.sqlite", ledger)


async def test_the_file_is_its_owners_only(ledger, projections, tmp_path):
    assert (tmp_path / "projections.sqlite").stat().st_mode & 0o777 == 0o600


def _spoil_version(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
        connection.execute("CREATE TABLE of_another_version (x)")
        connection.commit()


def _spoil_leaf(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE checkpoint SET leaf = x'00'")
        connection.commit()


def _spoil_position(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE checkpoint SET position = 999")
        connection.commit()


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(_spoil_version, id="another version"),
        pytest.param(_spoil_leaf, id="another log"),
        pytest.param(_spoil_position, id="a log that was cut"),
        pytest.param(lambda path: path.write_bytes(b"no database" * 1000), id="no database"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:5000]), id="a file cut short"),
        pytest.param(lambda path: path.unlink(), id="no file"),
    ],
)
async def test_what_is_not_ours_is_thrown_away_and_built_again(ledger, tmp_path, spoil):
    path = tmp_path / "p.sqlite"
    at = await append(ledger, *users(5), assumes(DEV, "UpdateAPP", PRODUCTION, "ASIA1"))
    async with projecting(ledger, path) as projections:
        await projections.caught_up(at)
    whole = contents(path)
    spoil(path)
    async with projecting(ledger, path) as projections:
        assert projections.position == 0
        await projections.caught_up(at)
    assert contents(path) == whole


CHILD = """
import asyncio, sys
from pathlib import Path
from authority.ledger.sql.sqlite import SqliteLedger
from authority.projections.runner import Projections

async def main(folder):
    ledger = await SqliteLedger.open(f"sqlite+aiosqlite:///{folder}/ledger.sqlite", only_read=True)
    projections = await Projections.open(folder / "p.sqlite", ledger)
    print("running", flush=True)
    await projections.run()

asyncio.run(main(Path(sys.argv[1])))
"""


@pytest.mark.parametrize("rounds", [3, pytest.param(40, marks=[pytest.mark.deep, pytest.mark.timeout(900)])])
async def test_killed_at_any_moment_it_goes_on_from_a_whole_page(template, tmp_path, rounds):
    chance = random.Random(rounds)
    history = [event for number in range(1500) for event in ended(number)]
    async with ledger_at(template, tmp_path) as ledger:
        at = await append(ledger, *history)
        for _ in range(rounds):
            with subprocess.Popen(
                [sys.executable, "-c", CHILD, str(tmp_path)],
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            ) as child:
                assert await asyncio.to_thread(child.stdout.readline) == b"running\n"
                with pytest.raises(subprocess.TimeoutExpired):
                    await asyncio.to_thread(child.wait, chance.uniform(0, 0.4))
                child.send_signal(signal.SIGKILL)
        for name in ("p.sqlite", "fresh.sqlite"):
            async with projecting(ledger, tmp_path / name, limits=Limits(patience=60)) as projections:
                await projections.caught_up(at)
    assert contents(tmp_path / "p.sqlite") == contents(tmp_path / "fresh.sqlite")


def ended(number):
    event = assumes(DEV, "UpdateAPP", PRODUCTION, f"ASIA{number:06}", at=AT + number * SECOND, request_id=f"r{number}")
    return event, ends(issued_by(event))


async def test_blocks_in_which_no_session_is_live_are_gone(ledger, projections, tmp_path):
    """Whoever looks for what is live passes over nothing that is over."""
    at = await append(ledger, *(event for number in range(40) for event in ended(number)))
    await projections.caught_up(at)
    live = await append(ledger, ended(40)[0])
    await projections.caught_up(live)
    with closing(sqlite3.connect(tmp_path / "projections.sqlite")) as connection:
        listed = "SELECT DISTINCT block, bits FROM posting WHERE term = ? OR bits = 0"
        assert connection.execute(listed, (term_number(LIVE),)).fetchall() == [(live >> BLOCK_BITS, bit_of(live))]


# --- plans ----------------------------------------------------------------------------------


async def test_every_statement_goes_by_an_index(ledger, projections, tmp_path):
    """What is read of a trail or of the sessions never grows with the log."""
    statements: list[tuple[str, tuple]] = []

    def note(_connection, _cursor, statement, parameters, _context, _many):
        statements.append((statement, parameters))

    listening.listen(projections._files.reader.sync_engine, "before_cursor_execute", note)
    at = await append(ledger, *ended(1), *users(3))
    await projections.caught_up(at)
    await everything_asked(projections, at)
    assert len(statements) > 20
    with closing(sqlite3.connect(tmp_path / "projections.sqlite")) as connection:
        for statement, parameters in statements:
            for *_, detail in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters):
                assert not detail.startswith(
                    (
                        "SCAN posting",
                        "SCAN session",
                        "SCAN sought",
                        "SCAN found",
                        "SCAN part",
                        "SCAN key",
                        "SCAN moment",
                    )
                )
                assert "TEMP B-TREE" not in detail


async def everything_asked(projections, at):
    filters = {"principal": MIA.arn, "access_key": "ASIA000001", "role": "AROAUPDATEAPP", "action": "sts:AssumeRole"}
    for order in Order:
        for account in (PRODUCTION, None):
            for more in ({}, *({name: value} for name, value in filters.items()), filters):
                await projections.answer(FindEvents(account=account, order=order, **more), at)
            for status in Status:
                query = FindSessions(account=account, order=order, status=status, now=AT)
                await projections.answer(query, at)
        await projections.answer(FindEvents(account=None, trail=PRODUCTION, order=order, since=AT), at)
    await projections.answer(OneEvent(id="r1", account=PRODUCTION), at)
    await projections.answer(LastUsed(ids=("AROAUPDATEAPP", MIA.access_key_id)), at)
    await projections.due_sessions(AT + timedelta(days=9), 10)
