"""Replay of the log into state, beside decoding alone and the `eventsourcing` library; and start by snapshot.

Replay is what every start does: the ledger is read by its lane of configuration, and what the state is folded from is
decoded and folded.  Decoding alone reads and decodes the same and keeps no state; another row takes the bodies straight
out of the database.  The library reads its notifications, makes its events and applies each to its aggregate; its
events are the facts alone.  Of a log as authorities have it, one entry in a hundred is configuration.  The library has
no lanes and reads all; another row gives it the configuration only.  Seconds here are the processor's, for replay waits
for nobody.

The start is a process of its own: it opens a ledger of a million entries, the last ones written after the snapshot,
holds those against the tree and folds them.
"""

from __future__ import annotations

import functools
import gc
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from authority.committer import folded
from authority.ledger.port import Lane, Snapshot
from authority.ledger.sql.schema import migrate
from authority.ledger.sql.sqlite import SqliteLedger
from authority.model.event import read_folded
from authority.model.state import canonical, state_format
from authority.replay.folding import BEGINNING

HERE = Path(__file__).resolve().parent
ROUNDS = 7
CONFIGURED = 12_000
MIXED = 50_000
SHARE = 100
"""One entry in so many is configuration."""
ENTRIES = int(os.environ.get("BENCH_ENTRIES", "1000000"))
AFTER_THE_SNAPSHOT = 9_999
"""A snapshot is taken every 10,000 entries unless the settings say otherwise."""
PAGE = 1024

START = """
import asyncio, json, resource, sys, time
from pathlib import Path
born = time.perf_counter()
from authority import compose
from authority.ledger.sql.sqlite import SqliteLedger

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6

async def main():
    before, began = resident(), time.perf_counter()
    ledger = await SqliteLedger.open(sys.argv[1])
    version, snapshot = await compose.load_version(ledger)
    seconds = time.perf_counter() - began
    print(json.dumps({
        "seconds": seconds, "imports": began - born, "megabytes": resident(), "before": before,
        "position": version.position, "snapshot": snapshot,
        "roles": sum(len(account.roles) for account in version.state.accounts.values()),
    }))
    await ledger.close()

compose.run(main())
"""


def rows() -> list[dict]:
    """Measure; the ratio of a row is ours over it, and a limit in seconds is one that must not be passed."""
    sys.path.insert(0, str(HERE))
    import entries  # noqa: PLC0415 - this folder is no package

    with tempfile.TemporaryDirectory() as place:
        found = _replay(entries, Path(place))
    with tempfile.TemporaryDirectory() as place:
        return [*found, *_start(entries, Path(place))]


def _replay(entries, place: Path) -> list[dict]:
    configuration = [*entries.founding(), *(entries.configuration(number) for number in range(CONFIGURED))]
    mixed = [
        entries.session(number) if number % SHARE else entries.configuration(number // SHARE) for number in range(MIXED)
    ]
    url, whole = f"sqlite:///{place / 'ledger.sqlite'}", f"sqlite:///{place / 'mixed.sqlite'}"
    entries.run(_build(entries, url, configuration))
    entries.run(_build(entries, whole, [*entries.founding(), *mixed]))
    count, all_of_it = len(configuration), MIXED + len(entries.founding())
    fold = f"replay of {count:,} entries, all configuration, into state"
    fold_whole = f"replay of {all_of_it:,} entries, 1 in {SHARE} configuration, into state"
    decode, straight = (
        "reading and decoding the same rows, no state",
        "decoding the same rows, straight from the database",
    )
    ways: dict[str, Callable[[], float]] = {
        fold: lambda: entries.run(_through_the_ledger(url, count, _fold)),
        decode: lambda: entries.run(_through_the_ledger(url, count, _decode)),
        straight: lambda: _decode_straight(place / "ledger.sqlite", count),
        fold_whole: lambda: entries.run(_through_the_ledger(whole, all_of_it, _fold)),
    }
    peer, peer_whole = _eventsourcing(place / "peer.sqlite", configuration), _eventsourcing(place / "2.sqlite", mixed)
    if peer and peer_whole:
        ways |= {"eventsourcing, the configuration alone": peer, "eventsourcing, that log": peer_whole}
    rates = _in_turns(ways)
    rows = [{"what": fold, "per_second": rates[fold], "ratio": 1.0}]
    rows += [{"what": decode, "per_second": rates[decode], "ratio": rates[fold] / rates[decode], "target": 0.5}]
    rows += [
        {"what": what, "per_second": rates[what], "ratio": rates[fold] / rates[what]}
        for what in (straight, "eventsourcing, the configuration alone")
        if what in rates
    ]
    rows.append({"what": fold_whole, "per_second": rates[fold_whole], "ratio": 1.0})
    if peer_whole:
        rate = rates["eventsourcing, that log"]
        ratio = rates[fold_whole] / rate
        rows.append({"what": "eventsourcing, that log", "per_second": rate, "ratio": ratio, "target": 8.0})
    return rows


def _in_turns(ways: dict[str, Callable[[], float]]) -> dict[str, float]:
    """The median of several runs of each way; nobody pays for looking at another's objects."""
    measured: dict[str, list[float]] = {what: [] for what in ways}
    gc.collect()
    gc.freeze()
    for _ in range(ROUNDS):
        for what, way in ways.items():
            measured[what].append(way())
    gc.unfreeze()
    return {what: statistics.median(rounds) for what, rounds in measured.items()}


async def _build(entries, url: str, events: list) -> None:
    await migrate(url)
    ledger = await SqliteLedger.open(url)
    for start in range(0, len(events), PAGE):
        await ledger.append([entries.written(event) for event in events[start : start + PAGE]], folded=start)
    await ledger.close()


async def _through_the_ledger(url: str, count: int, way: Callable) -> float:
    ledger = await SqliteLedger.open(url, only_read=True)
    began = time.process_time()
    await way(ledger)
    passed = time.process_time() - began
    await ledger.close()
    return count / passed


async def _fold(ledger: SqliteLedger) -> None:
    await folded(ledger, BEGINNING)


async def _decode(ledger: SqliteLedger) -> None:
    after = 0
    while page := await ledger.read(after, PAGE, Lane.CONFIG):
        for entry in page:
            read_folded(entry.body)
        after = page[-1].position


def _decode_straight(path: Path, count: int) -> float:
    with closing(sqlite3.connect(path)) as connection:
        began = time.process_time()
        for after in range(0, count, PAGE):
            for (body,) in connection.execute(
                "SELECT body FROM event WHERE lane = 1 AND position > ? ORDER BY position LIMIT ?", (after, PAGE)
            ).fetchall():
                read_folded(body)
        return count / (time.process_time() - began)


@functools.cache
def _library() -> tuple[type, type] | None:
    """The library's application, and an aggregate: a role, a user or a session, by what became true of it."""
    try:
        from eventsourcing.application import Application  # noqa: PLC0415 - measured where it is installed
        from eventsourcing.domain import Aggregate, event  # noqa: PLC0415
    except ImportError:
        return None

    class Thing(Aggregate):
        @event("Created")
        def __init__(self, fact: dict) -> None:
            self.facts = {fact["type"]: fact}

        @event("Changed")
        def change(self, fact: dict) -> None:
            self.facts[fact["type"]] = fact

    return Application, Thing


def _eventsourcing(path: Path, events: list) -> Callable[[], float] | None:
    library = _library()
    if library is None:
        return None
    application, thing = library
    app = application(env={"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(path)})
    things: dict[str, Any] = {}
    count = 0
    for one in events:
        for fact in msgspec.to_builtins(one.facts):
            named = (fact.get(key) for key in ("access_key_id", "role_id", "holder", "user_id", "account"))
            name = next(str(name) for name in named if name)
            if name in things:
                things[name].change(fact)
            else:
                things[name] = thing(fact=fact)
            count += 1
    app.save(*things.values())

    def replay() -> float:
        began = time.process_time()
        state: dict[uuid.UUID, Any] = {}
        seen = 0
        while page := app.recorder.select_notifications(start=seen + 1, limit=PAGE):
            for notification in page:
                happened = app.mapper.to_domain_event(notification)
                state[happened.originator_id] = happened.mutate(state.get(happened.originator_id))
            seen += len(page)
        if seen != count:
            raise RuntimeError("the library did not replay everything")
        return seen / (time.process_time() - began)

    return replay


def _start(entries, place: Path) -> list[dict]:
    url = f"sqlite:///{place / 'ledger.sqlite'}"
    appended = entries.run(_build_long(entries, url))
    told = []
    for _ in range(3):
        said = subprocess.run(
            [sys.executable, "-c", START, url], check=True, stdout=subprocess.PIPE, text=True, cwd=HERE.parents[1]
        )
        told.append(json.loads(said.stdout.splitlines()[-1]))
        if (told[-1]["position"], told[-1]["snapshot"]) != (ENTRIES, ENTRIES - AFTER_THE_SNAPSHOT):
            raise RuntimeError(f"it did not start where it should: {told[-1]}")
    one = {name: statistics.median(start[name] for start in told) for name in told[0]}
    size = (place / "ledger.sqlite").stat().st_size / 1e9
    what = f"{ENTRIES:,} entries ({size:.1f} GB), {one['roles']:,.0f} roles, {AFTER_THE_SNAPSHOT:,} after the snapshot"
    return [
        {"what": f"start: {what}", "seconds": one["seconds"], "at_most": 2.0},
        {"what": "the imports before it, on any ledger", "seconds": one["imports"]},
        {"what": "memory after that start, all of the process", "megabytes": one["megabytes"]},
        {"what": "memory before it, imports only", "megabytes": one["before"]},
        {"what": f"building that ledger, {PAGE:,} in a commit", "per_second": appended, "ratio": 1.0},
    ]


async def _build_long(entries, url: str) -> float:
    """Write all entries through the ledger; say how many a second."""
    await migrate(url)
    ledger = await SqliteLedger.open(url)
    first = [entries.written(event) for event in entries.founding()]
    await ledger.append(first, folded=0)
    position, changed, version = len(first), 0, BEGINNING
    began = time.perf_counter()
    while position < ENTRIES:
        end = ENTRIES - AFTER_THE_SNAPSHOT if position < ENTRIES - AFTER_THE_SNAPSHOT else ENTRIES
        batch = []
        for number in range(position, min(position + PAGE, end)):
            if number % SHARE:
                batch.append(entries.written(entries.session(number), f"session:{number}"))
            else:
                batch.append(entries.written(entries.configuration(changed)))
                changed += 1
        await ledger.append(batch, folded=position)
        position += len(batch)
        if position // PAGE % 64 == 0:
            await ledger.checkpoint()
        if position == ENTRIES - AFTER_THE_SNAPSHOT:
            version = await folded(ledger, version)
            root = await ledger.root_at(position)
            await ledger.put_snapshot(Snapshot(position, root, state_format(), canonical(version.state)))
    passed = time.perf_counter() - began
    await ledger.checkpoint()
    await ledger.close()
    return ENTRIES / passed


if __name__ == "__main__":
    for row in rows():
        print(row)
