"""The newest entries as they were appended, so that whoever follows the log closely need not read them back.

It knows only what an append acknowledged, in one piece without a gap, and nothing of what lies beside the entries.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from authority.ledger.port import Entry
from authority.ledger.sql.writing import Batch

MOST_BYTES: Final = 1 << 23
"""Of bodies that are kept for a follower who does not come."""


class Newest:
    """Batches that stand one after the other, and the entry from which somebody goes on."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._batches: deque[tuple[int, Batch, int]] = deque()
        """The position of the first entry, the entries, the bytes of their bodies."""
        self._bytes = 0
        self._next = 0
        self._last_read: Entry | None = None

    def appended(self, first: int, batch: Batch) -> None:
        """Keep what stands from the position *first* on, if somebody follows."""
        beside = any(entry.rows for entry in batch.entries)
        if first != self._next or beside:  # a gap was not acknowledged here; and no secret is kept
            self._batches.clear()
            self._bytes = 0
        self._next = first + len(batch.entries)
        if self._last_read is None or beside:
            return
        size = sum(len(entry.body) for entry in batch.entries)
        self._batches.append((first, batch, size))
        self._bytes += size
        while self._bytes > MOST_BYTES:
            self._forget_oldest()

    def was_read(self, last: Entry) -> None:
        """Somebody has read up to *last*, and goes on from its recorded time."""
        self._last_read = last

    def after(self, position: int, limit: int) -> list[Entry]:
        """The first *limit* entries after *position* that are here, as they are stored; none when that is unsure."""
        last, found = self._last_read, list[Entry]()
        if last is None or last.position != position:
            return found
        while self._batches and self._batches[0][0] + len(self._batches[0][1].entries) <= position + 1:
            self._forget_oldest()
        if not self._batches or self._batches[0][0] > position + 1:
            return found
        at = last.at
        for first, batch, _ in self._batches:
            skipped = max(position + 1 - first, 0)
            taken = slice(skipped, skipped + limit - len(found))
            for number, (entry, leaf) in enumerate(
                zip(batch.entries[taken], batch.leaves[taken], strict=True), first + skipped
            ):
                at = max(at, entry.decided_at)
                found.append(
                    Entry(
                        position=number,
                        at=at,
                        lane=entry.lane,
                        type=entry.type,
                        v=entry.v,
                        subject=entry.subject,
                        body=entry.body,
                        leaf=leaf,
                    )
                )
        return found

    def _forget_oldest(self) -> None:
        *_, size = self._batches.popleft()
        self._bytes -= size
