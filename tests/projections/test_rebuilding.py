"""Projections are built anew beside those that are served, and take their place whole or not at all."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing

import pytest

from authority.projections.engines import ProjectionsInUse, building, rebuilt
from authority.projections.runner import PAGE, Projections, rebuild
from tests.projections.conftest import append, contents, ledger_at, projecting
from tests.projections.test_runner import ended, users


def nobody(_position: int) -> None:
    """Who is told how far it is."""


def spoil(path) -> None:
    """Take the trail away and leave the checkpoint, as no crash does."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM posting")
        connection.commit()


async def projected(ledger, path, *events) -> dict[str, list]:
    """What projections at *path* hold after *events*."""
    at = await append(ledger, *events)
    async with projecting(ledger, path) as projections:
        await projections.caught_up(at)
    return contents(path)


async def test_what_was_spoiled_is_built_anew_and_put_in_its_place(ledger, tmp_path):
    path = tmp_path / "p.sqlite"
    whole = await projected(ledger, path, *users(5), *ended(1))
    spoil(path)
    assert contents(path) != whole
    assert await rebuild(path, ledger, nobody) == (7, True)
    assert contents(path) == whole
    assert not building(path).exists()
    assert not rebuilt(path).exists()


async def test_those_that_are_served_stay_until_the_next_start_and_then_the_new_ones_go_on(ledger, tmp_path):
    path = tmp_path / "p.sqlite"
    await projected(ledger, path, *users(5))
    spoil(path)
    served = contents(path)
    async with projecting(ledger, path):
        assert await rebuild(path, ledger, nobody) == (5, False)
    assert contents(path) == served
    assert rebuilt(path).exists()
    found = await projected(ledger, path, *users(3, 5))
    assert not rebuilt(path).exists()
    assert found == await projected(ledger, tmp_path / "fresh.sqlite")


async def test_what_was_cut_off_goes_on_where_it_was_and_nothing_of_it_is_served(ledger, tmp_path):
    path, told = tmp_path / "p.sqlite", []
    whole = await projected(ledger, path, *users(2 * PAGE + 10))

    def cut_off(position):
        told.append(position)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await rebuild(path, ledger, cut_off)
    assert contents(path) == whole
    assert not rebuilt(path).exists()
    assert await rebuild(path, ledger, told.append) == (2 * PAGE + 10, True)
    assert told == [PAGE, 2 * PAGE, 2 * PAGE + 10]
    assert contents(path) == whole


async def test_a_crash_between_leaving_the_old_and_taking_the_new_is_made_good(ledger, tmp_path):
    path = tmp_path / "p.sqlite"
    whole = await projected(ledger, path, *users(5))
    path.rename(rebuilt(path))
    projections = await Projections.open(path, ledger)
    assert projections.position == 5
    await projections.close()
    assert contents(path) == whole


async def test_what_was_rebuilt_from_another_log_is_thrown_away(template, ledger, tmp_path):
    path = tmp_path / "p.sqlite"
    whole = await projected(ledger, path, *users(5))
    (tmp_path / "other").mkdir()
    async with ledger_at(template, tmp_path / "other") as other:
        await projected(other, tmp_path / "other" / "p.sqlite", *users(5, 50))
    shutil.copy(tmp_path / "other" / "p.sqlite", rebuilt(path))
    projections = await Projections.open(path, ledger)
    assert projections.position == 5
    await projections.close()
    assert contents(path) == whole
    assert not rebuilt(path).exists()


async def test_two_do_not_build_at_once(ledger, tmp_path):
    path = tmp_path / "p.sqlite"
    await append(ledger, *users(3))
    other = await Projections.open(building(path), ledger)
    with pytest.raises(ProjectionsInUse, match="building"):
        await rebuild(path, ledger, nobody)
    await other.close()
    assert await rebuild(path, ledger, nobody) == (3, True)


async def test_entries_that_come_meanwhile_are_taken_in_too(ledger, tmp_path):
    path, arrived = tmp_path / "p.sqlite", []
    await append(ledger, *users(3))

    class Growing:
        """A real ledger that somebody else writes just after it was read, twice."""

        def __getattr__(self, name):
            return getattr(ledger, name)

        async def read(self, after, limit, lane=None):
            found = await ledger.read(after, limit, lane)
            if len(arrived) < 2:
                arrived.append(await append(ledger, *users(1, 10 + len(arrived))))
            return found

    assert await rebuild(path, Growing(), nobody) == (5, True)
