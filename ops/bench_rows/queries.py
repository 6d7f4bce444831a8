"""How long a query of the trail takes, of a long log: each indexed filter, and filters together.

The projection follows the log as it does beside a server.  Pages of fifty, newest first, as the API gives them.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from authority.audit.queries import FindEvents, FindSessions
from authority.ledger.sql.sqlite import SqliteLedger
from authority.projections.runner import Limits, Projections

HERE = Path(__file__).resolve().parent
ENTRIES = int(os.environ.get("BENCH_ENTRIES", "1000000"))
PATIENT = Limits(patience=3600.0)
ROUNDS = 21
LIMIT = 0.02


def rows() -> list[dict]:
    """Measure; the limit is that of a query in a log of a million entries."""
    sys.path.insert(0, str(HERE))
    import entries  # noqa: PLC0415 - this folder is no package
    import replay  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as place:
        url = f"sqlite:///{Path(place) / 'ledger.sqlite'}"
        entries.run(replay._build_long(entries, url))  # noqa: SLF001 - the same log as there
        return entries.run(_rows(entries, url, Path(place)))


async def _rows(entries, url: str, place: Path) -> list[dict]:
    ledger = await SqliteLedger.open(url)
    projections = await Projections.open(place / "projections.sqlite", ledger, PATIENT)
    running = asyncio.ensure_future(projections.run())
    began = time.perf_counter()
    await projections.caught_up(ENTRIES)
    per_second = ENTRIES / (time.perf_counter() - began)
    found = [{"what": f"indexing a log of {ENTRIES:,} entries for the trail", "per_second": per_second, "ratio": 1.0}]
    for what, query in _queries(entries).items():
        seconds = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            await projections.answer(query, ENTRIES)
            seconds.append(time.perf_counter() - began)
        found.append({"what": f"query: {what}", "seconds": statistics.median(seconds), "at_most": LIMIT})
    running.cancel()
    await asyncio.wait([running])
    await projections.close()
    await ledger.close()
    return found


def _queries(entries) -> dict[str, FindEvents | FindSessions]:
    late = entries.session(ENTRIES - 2)
    early = entries.session(ENTRIES // 2 + 1).facts[0]
    account = entries.account(1)
    return {
        "the newest events of an account": FindEvents(account=account),
        "by action": FindEvents(account=None, action="iam:CreateRole"),
        "by the key that signed": FindEvents(account=None, access_key="AKIA0000000000000001"),
        "by a session in the middle of the log": FindEvents(account=None, session=early.access_key_id),
        "by a role of an account": FindEvents(account=account, role=early.role_id),
        "by action, address and time": FindEvents(
            account=None, action="sts:AssumeRole", source_address="192.0.2.17", until=early.issued_at
        ),
        "sessions of a role": FindSessions(account=None, role=early.role_id, now=late.decided_at),
    }


if __name__ == "__main__":
    for row in rows():
        print(row)
