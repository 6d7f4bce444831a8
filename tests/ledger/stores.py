"""The stores that keep the promise, and the entries that the tests write."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from authority.ledger.codec import new_entry
from authority.ledger.sql.sqlite import SqliteLedger

EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def body(subject="somebody", *, at=0, lane="session", type="happened", v=1, pad=0, **more):  # noqa: A002 - the header's word
    """An entry's bytes, decided *at* seconds after the tests' epoch."""
    said = {"type": type, "v": v, "decided_at": (EPOCH + at * SECOND).isoformat(), "lane": lane, "subject": subject}
    return json.dumps(said | more | {"pad": "x" * pad}).encode()


def entry(subject="somebody", *, once=(), rows=(), **said):
    lane = {"lane": "config"} if rows else {}  # only configuration keeps secrets
    return new_entry(body(subject, **lane | said), once=tuple(once), rows=tuple(rows))


def config(subject="a policy", **said):
    return entry(subject, lane="config", **said)


def entries(count, **said):
    return [entry(f"somebody {number}", **said) for number in range(count)]


@dataclass(frozen=True)
class Sqlite:
    """Makes and opens ledgers in SQLite files.  A store to come needs the same three words."""

    template: Path
    """An empty ledger of the present schema, to copy."""

    def make(self, directory):
        path = directory / "ledger.sqlite"
        shutil.copy(self.template, path)
        return f"sqlite:///{path}"

    async def open(self, url):
        return await SqliteLedger.open(url)

    async def read_all(self, ledger):
        found = []
        while more := await ledger.read(len(found), 1000):
            found += more
        return found
