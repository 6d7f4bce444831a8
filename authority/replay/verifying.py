"""A whole ledger held against itself, against its checkpoints and against keys: what `authority verify` does.

1. every entry, its hash, its columns and the tree over all of them (`Ledger.verify`), a stretch at a time;
2. every checkpoint against the tree, and its signatures against keys that are trusted (`Evidence`);
3. every snapshot against the fold of the entries before it;
4. every secret of the vault against the entries that say which are kept.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Final

import msgspec

from authority.ledger.codec import header_of
from authority.ledger.note import Checkpoint, NoteRefused, read_note
from authority.ledger.port import Entry, Head, Lane, Ledger, LedgerCorrupt, Snapshot, TreeDiffers
from authority.ledger.tlog import Frontier, leaf_hash
from authority.model.state import canonical, state_format
from authority.replay.evidence import Evidence, Proven
from authority.replay.folding import BEGINNING, refolded

STRETCH: Final = 4_096
PAGE: Final = 512

Tell = Callable[[int, int], None]
"""Is told how many entries were verified, and of how many."""


class Verified(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A log that fits together: its end, the root of its tree (hex), and what was signed for.

    `snapshots` were folded again and are equal; `unread` are of another release, and were not.  `secrets` are in the
    vault, each as the log says; of a bundle nobody sees them.
    """

    position: int
    root: str
    evidence: Proven
    snapshots: int = 0
    unread: int = 0
    secrets: int = 0


async def verify(ledger: Ledger, evidence: Evidence, tell: Tell) -> Verified:
    """Verify all of *ledger* as it stands now; raise `LedgerCorrupt` for the first place that does not fit."""
    # What is there before the end is read lies before it, whatever is appended meanwhile.
    last, snapshots = await ledger.latest_signed_head(), await ledger.snapshots()
    try:
        head = await _entries(ledger, tell)
    except TreeDiffers as differs:
        raise await _nearer(ledger, differs) from differs
    async for configuration in _until_each_checkpoint(ledger, evidence, head, 0 if last is None else last.size):
        evidence.learn(configuration)
    for size in evidence.sizes:
        if size <= head.position:
            evidence.compare(size, await ledger.root_at(size))
    proven = evidence.conclude(head.position)
    for snapshot in snapshots:
        if snapshot.position > head.position or snapshot.root != await ledger.root_at(snapshot.position):
            raise LedgerCorrupt(0, f"the snapshot at {snapshot.position} is of another history")
    known = [snapshot for snapshot in snapshots if snapshot.format == state_format()]
    await _folds(ledger, known)
    return Verified(
        position=head.position,
        root=head.root.hex(),
        evidence=proven,
        snapshots=len(known),
        unread=len(snapshots) - len(known),
        secrets=await verify_vault(ledger),
    )


async def verify_vault(ledger: Ledger) -> int:
    """Hold the vault against the entries that keep and destroy secrets; say how many there are."""
    vault, named = await ledger.vault(), dict[str, tuple[int, str | None]]()
    async for entry in _configuration(ledger):
        if entry.position > vault.position:
            break
        named |= {id_: (entry.position, digest) for id_, digest in header_of(entry.body).vault.items()}
    for id_ in sorted(named.keys() | vault.digests.keys()):
        position, digest = named.get(id_, (0, None))
        if vault.digests.get(id_) != digest:
            raise LedgerCorrupt(position, f"the secret `{id_}` in the vault is not as the log says")
    return len(vault.digests)


async def _entries(ledger: Ledger, tell: Tell) -> Head:
    """Verify the entries and the tree, a stretch at a time, and say where they end."""
    end = (await ledger.head()).position
    if not end:
        return await ledger.verify()
    at, root = 0, None
    while at < end:
        to = min(at + STRETCH, end)
        head = await ledger.verify(at, root=root, to=to)
        at, root = head.position, head.root
        tell(at, end)
    return head


async def _nearer(ledger: Ledger, differs: TreeDiffers) -> LedgerCorrupt:
    """The place as near as checkpoints tell it, where an entry was exchanged for another that agrees with itself.

    The tree only says under which subtree that lies; what a checkpoint of before still fits is as it was.  Where all
    fit, it is the tree that was changed.
    """
    frontier = Frontier()
    try:
        while page := await ledger.signed_heads(frontier.size, PAGE):
            for signed in page:
                before = frontier.size
                while frontier.size < signed.size:
                    at = frontier.size
                    for entry in await ledger.read(at, min(PAGE, signed.size - at)):
                        frontier.append(leaf_hash(entry.body))
                    if frontier.size == at:
                        return differs
                if frontier.root() != Checkpoint.unverified(read_note(signed.note)).root:
                    what = f"an entry from here to {signed.size} is not the one that was signed for"
                    return LedgerCorrupt(before + 1, what) if before >= differs.position else differs
    except (LedgerCorrupt, NoteRefused):
        pass
    return differs


async def _until_each_checkpoint(ledger: Ledger, evidence: Evidence, head: Head, last: int) -> AsyncIterator[Entry]:
    """The configuration, entry by entry; every checkpoint up to *last* is held against the tree when its turn comes."""
    after, configured = 0, _configuration(ledger)
    waiting: Entry | None = await anext(configured, None)
    while after < last and (page := await ledger.signed_heads(after, PAGE)):
        for signed in page:
            if signed.size > last:
                break
            while waiting is not None and waiting.position <= signed.size:
                yield waiting
                waiting = await anext(configured, None)
            if signed.size > head.position:
                what = f"the log ends at {head.position}, and {signed.size} entries were signed for"
                raise LedgerCorrupt(head.position + 1, what)
            evidence.checkpoint(signed, await ledger.root_at(signed.size))
            after = signed.size
    while waiting is not None and waiting.position <= head.position:
        yield waiting
        waiting = await anext(configured, None)


async def _configuration(ledger: Ledger) -> AsyncIterator[Entry]:
    after = 0
    while page := await ledger.read(after, PAGE, Lane.CONFIG):
        for entry in page:
            yield entry
        after = page[-1].position


async def _folds(ledger: Ledger, snapshots: list[Snapshot]) -> None:
    """Fold the log up to each snapshot, and compare."""
    version, waiting = BEGINNING, sorted(snapshots, key=lambda snapshot: snapshot.position)
    configured = _configuration(ledger)
    entry: Entry | None = await anext(configured, None)
    for snapshot in waiting:
        while entry is not None and entry.position <= snapshot.position:
            version = refolded(version, (entry,))
            entry = await anext(configured, None)
        if canonical(version.state) != snapshot.body:
            raise LedgerCorrupt(0, f"the snapshot at {snapshot.position} is not the fold of the entries before it")
