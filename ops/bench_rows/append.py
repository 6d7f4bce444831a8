"""Appends a second: the ledger with group commit, beside the `eventsourcing` library on SQLite.

Both begin with values, spell them as JSON and end with a durable commit in a file of their own (write-ahead log,
synchronous FULL).  The ledger hashes each entry, grows its tree, claims a once key and keeps two indexes; the library
keeps its primary key.  A second row shows the library's recorder alone, given bytes that are ready.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import msgspec

from authority.compose.parts import CHECKPOINTED
from authority.ledger.sql.schema import migrate
from authority.ledger.sql.sqlite import SqliteLedger

SECONDS = 1.5
"""Long enough for the housekeeping beside the appends, as often as the authority does it, to be part of every round."""
ROUNDS = 5
BATCHES = (1, 16, 64)
IN_ONE_COMMIT = 64


def rows() -> list[dict]:
    """Measure, all in turns; the ratio of a row is ours over it, at the same number in a commit."""
    sys.path.insert(0, str(Path(__file__).parent))
    import entries  # noqa: PLC0415 - this folder is no package

    with tempfile.TemporaryDirectory() as place:
        ways = {f"append, {batch} in a commit, {entries.LOOP}": _ours(entries, batch) for batch in BATCHES}
        ours = list(ways)[-1]
        peers = _eventsourcing(entries)
        measured: dict[str, list[float]] = {what: [] for what in [*ways, *peers]}
        for number in range(ROUNDS):
            for index, (what, way) in enumerate([*ways.items(), *peers.items()]):
                at = Path(place, f"{number}-{index}")
                at.mkdir()
                measured[what].append(way(at))
    rates = {what: statistics.median(rounds) for what, rounds in measured.items()}
    found = [{"what": what, "per_second": rates[what], "ratio": 1.0} for what in ways]
    for what in peers:
        row = {"what": what, "per_second": rates[what], "ratio": rates[ours] / rates[what]}
        if "Application.save" in what:
            row["target"] = 3.0
        found.append(row)
    return found


def _ours(entries, batch: int) -> Callable[[Path], float]:
    values = [entries.session(number) for number in range(batch)]

    async def append(place: Path) -> float:
        url = f"sqlite:///{place / 'ledger.sqlite'}"
        await migrate(url)
        ledger = await SqliteLedger.open(url)
        house = asyncio.ensure_future(_keep_house(ledger))
        appended = 0
        began = time.perf_counter()
        while (passed := time.perf_counter() - began) < SECONDS:
            new = [entries.written(value, f"session:{appended + at}") for at, value in enumerate(values)]
            await ledger.append(new, folded=appended)
            appended += batch
        house.cancel()
        await asyncio.gather(house, return_exceptions=True)
        await ledger.close()
        return appended / passed

    return lambda place: entries.run(append(place))


async def _keep_house(ledger: SqliteLedger) -> None:
    while True:
        await asyncio.sleep(CHECKPOINTED)
        await ledger.checkpoint()


def _eventsourcing(entries) -> dict[str, Callable[[Path], float]]:
    try:
        from eventsourcing.application import Application  # noqa: PLC0415 - measured where it is installed
        from eventsourcing.domain import Aggregate, event  # noqa: PLC0415
        from eventsourcing.persistence import StoredEvent  # noqa: PLC0415
    except ImportError:
        return {}

    class Session(Aggregate):
        @event("Issued")
        def __init__(self, entry: dict) -> None:
            self.entry = entry

    def application(place: Path) -> Application:
        return Application(
            env={"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(place / "peer.sqlite")}
        )

    values = [msgspec.to_builtins(entries.session(number)) for number in range(IN_ONE_COMMIT)]

    def save(place: Path) -> float:
        app = application(place)
        saved = 0
        began = time.perf_counter()
        while (passed := time.perf_counter() - began) < SECONDS:
            app.save(*[Session(entry=value) for value in values])
            saved += IN_ONE_COMMIT
        app.close()
        return saved / passed

    def insert(place: Path) -> float:
        app = application(place)
        body = entries.written(entries.session(0)).body
        saved = 0
        began = time.perf_counter()
        while (passed := time.perf_counter() - began) < SECONDS:
            app.recorder.insert_events(
                [StoredEvent(uuid.uuid4(), 1, "m:Session.Issued", body) for _ in range(IN_ONE_COMMIT)]
            )
            saved += IN_ONE_COMMIT
        app.close()
        return saved / passed

    return {
        f"eventsourcing, Application.save of {IN_ONE_COMMIT}": save,
        f"eventsourcing, its recorder alone, {IN_ONE_COMMIT} ready rows": insert,
    }


if __name__ == "__main__":
    for row in rows():
        print(f"{row['per_second']:12,.0f}/s  x{row['ratio']:8.1f}  {row['what']}")
