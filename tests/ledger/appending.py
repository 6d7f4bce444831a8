"""A process that appends as fast as it can and says on its output what was acknowledged, until it is killed.

Called with the ledger's address and a number for the dice.  Each line is written after the answer to one append: its
first position, how many entries, and the name that their subjects, once keys and secrets begin with.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys

from authority.ledger.port import PutSecret, Snapshot
from authority.ledger.sql.sqlite import SqliteLedger

from .stores import config, entry

WRITERS = 6


async def write(ledger, name, dice):
    number = 0
    while True:
        number += 1
        stem = f"{name}.{number}"
        make, rows = (config, 1) if dice.random() < 0.1 else (entry, 0)
        batch = [
            make(
                f"{stem}.{at}",
                once=[f"{stem}.{at}"],
                rows=[PutSecret(f"{stem}.{at}", "p", b"s")] * rows,
                pad=dice.randrange(3000),
            )
            for at in range(dice.choice((1, 1, 2, 16, 64)))
        ]
        first = await ledger.append(batch, folded=(await ledger.head()).position)
        if isinstance(first, int):
            os.write(1, f"{first} {len(batch)} {stem}\n".encode())


async def keep_house(ledger):
    while True:
        head = await ledger.head()
        await ledger.wait(head.position + 50)
        await ledger.checkpoint()
        await ledger.put_snapshot(Snapshot(head.position, head.root, "state/1", bytes(50_000)))


async def main(url, seed):
    ledger = await SqliteLedger.open(url)
    async with asyncio.TaskGroup() as group:
        group.create_task(keep_house(ledger))
        for name in range(WRITERS):
            group.create_task(write(ledger, f"{seed}.{name}", random.Random(f"{seed}.{name}")))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
