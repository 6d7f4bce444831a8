"""What evidence costs: verifying a log and a bundle of it, proofs, a checkpoint.

The tree grows inside each append; what its hashes cost is measured alone, by the processor, beside whole appends of the
same entries.  A checkpoint is made once a second, so that its milliseconds are its share of a thousand.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from authority.ledger.note import Checkpoint, Signer, signed_checkpoint
from authority.ledger.port import SignedHead
from authority.ledger.sql.schema import migrate
from authority.ledger.sql.sqlite import SqliteLedger
from authority.ledger.tlog import Frontier, check_consistency, check_inclusion, leaf_hash
from authority.replay.bundle import Reader, exported
from authority.replay.evidence import Evidence
from authority.replay.verifying import verify

HERE = Path(__file__).resolve().parent
ENTRIES = int(os.environ.get("BENCH_PROVEN", "100000"))
PAGE = 256
PROOFS = 200
ROUNDS, COMMITS = 5, 100
TREE_OVER_APPEND = 4.0
"""The tree may cost a quarter of an append."""
SIGNER = Signer("authority.example/log/bench", bytes(32))


def rows() -> list[dict]:
    """Measure."""
    sys.path.insert(0, str(HERE))
    import entries  # noqa: PLC0415 - this folder is no package

    with tempfile.TemporaryDirectory() as place:
        return entries.run(_rows(entries, f"sqlite:///{Path(place) / 'ledger.sqlite'}"))


async def _rows(entries, url: str) -> list[dict]:
    await migrate(url)
    ledger = await SqliteLedger.open(url)
    whole = await _grow(ledger, entries)
    began = time.perf_counter()
    await verify(ledger, Evidence(), lambda *_: None)
    verified = ENTRIES / (time.perf_counter() - began)
    began = time.perf_counter()
    lines = [lines async for _, _, lines in exported(ledger)]
    wrote = ENTRIES / (time.perf_counter() - began)
    reader = Reader(Evidence())
    began = time.perf_counter()
    for line in b"".join(lines).splitlines(keepends=True):
        reader.take(line)
    read = ENTRIES / (time.perf_counter() - began)
    tree = _tree(entries)
    found = [
        {"what": f"the tree alone, {PAGE} entries in a commit", "per_second": tree, "ratio": 1.0},
        {
            "what": "whole appends of the same, by the processor",
            "per_second": whole,
            "ratio": tree / whole,
            "target": TREE_OVER_APPEND,
        },
        {"what": f"verifying a log of {ENTRIES:,} entries, a second", "per_second": verified, "ratio": 1.0},
        {"what": "writing a bundle of it, entries a second", "per_second": wrote, "ratio": 1.0},
        {"what": "verifying the bundle, entries a second", "per_second": read, "ratio": 1.0},
        {"what": "an inclusion proof, made and checked", "seconds": await _each(ledger, _included), "at_most": 0.1},
        {"what": "a consistency proof, made and checked", "seconds": await _each(ledger, _continued), "at_most": 0.1},
        {"what": "a checkpoint: proof, signature, kept", "seconds": await _sealed(ledger, entries), "at_most": 0.05},
    ]
    await ledger.close()
    return found


async def _grow(ledger: SqliteLedger, entries) -> float:
    """Write the log; say how many entries that are ready a second of the processor takes."""
    await ledger.append([entries.written(event) for event in entries.founding()], folded=0)
    first = position = (await ledger.head()).position
    spent = 0.0
    while position < ENTRIES:
        batch = [
            entries.written(entries.session(number), f"session:{number}")
            for number in range(position, min(position + PAGE, ENTRIES))
        ]
        began = time.process_time()
        await ledger.append(batch, folded=position)
        spent += time.process_time() - began
        position += len(batch)
    return (position - first) / spent


def _tree(entries) -> float:
    """Leaves hashed, the edge of the tree moved and written down, as an append does: entries a second."""
    bodies = [entries.written(entries.session(number)).body for number in range(PAGE)]
    rates = []
    for _ in range(ROUNDS):
        frontier, began = Frontier(), time.process_time()
        for _ in range(COMMITS):
            for body in bodies:
                frontier.append(leaf_hash(body))
            frontier.encode()
        rates.append(COMMITS * PAGE / (time.process_time() - began))
    return statistics.median(rates)


async def _each(ledger: SqliteLedger, work: Callable[[SqliteLedger, int], Awaitable[None]]) -> float:
    seconds = []
    for number in range(PROOFS):
        position = 1 + number * 7919 % (ENTRIES - 1)
        began = time.perf_counter()
        await work(ledger, position)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


async def _included(ledger: SqliteLedger, position: int) -> None:
    (entry,) = await ledger.entries_at([position])
    path = await ledger.prove_inclusion(position, ENTRIES)
    check_inclusion(entry.leaf, position - 1, ENTRIES, path, await ledger.root_at(ENTRIES))


async def _continued(ledger: SqliteLedger, position: int) -> None:
    path = await ledger.prove_consistency(position, ENTRIES)
    roots = [await ledger.root_at(size) for size in (position, ENTRIES)]
    check_consistency(position, ENTRIES, path, *roots)


async def _sealed(ledger: SqliteLedger, entries) -> float:
    seconds, last = [], await ledger.head()
    for number in range(20):
        batch = [
            entries.written(entries.session(at), f"session:{at}")
            for at in range(ENTRIES + number * PAGE, ENTRIES + (number + 1) * PAGE)
        ]
        await ledger.append(batch, folded=last.position)
        began = time.perf_counter()
        head = await ledger.head()
        path = await ledger.prove_consistency(last.position, head.position)
        check_consistency(last.position, head.position, path, last.root, head.root)
        stated = Checkpoint(SIGNER.verifier.name, head.position, head.root)
        await ledger.put_signed_head(SignedHead(head.position, bytes(signed_checkpoint(stated, [SIGNER]))))
        seconds.append(time.perf_counter() - began)
        last = head
    return statistics.median(seconds)
