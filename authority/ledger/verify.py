"""Holding stored entries against themselves: the checks that name the first position which does not fit.

Knows no store: it is fed entries in order and keeps the edge of the tree they make.
"""

from __future__ import annotations

from datetime import datetime

from authority.ledger.codec import LANES, header_of
from authority.ledger.port import Entry, LedgerCorrupt, TreeDiffers
from authority.ledger.tlog import Frontier, Subtree, leaf_hash


class Verifier:
    """Accepts entries one after the other, or raises `LedgerCorrupt` at the first that cannot be what was appended."""

    __slots__ = ("at", "claims", "frontier")

    def __init__(self, frontier: Frontier, at: datetime) -> None:
        """Go on after the entries that *frontier* stands for, the last of which was recorded *at*."""
        self.frontier = frontier
        self.at = at
        self.claims: tuple[str, ...] = ()
        """The once keys of the last entry."""

    def accept(self, entry: Entry) -> list[Subtree]:
        """Check *entry* as the next one, and say which whole subtrees it completes.

        1. it stands at the next position: nothing is missing and nothing was put in between;
        2. its leaf is the hash of its body;
        3. its columns say what its body says;
        4. its recorded time is the running maximum of the times of decision.
        """
        expected = self.frontier.size + 1
        if entry.position != expected:
            raise LedgerCorrupt(expected, f"the next entry stored is {entry.position}")
        if entry.leaf != leaf_hash(entry.body):
            raise LedgerCorrupt(expected, "the leaf is not the hash of the body")
        try:
            header = header_of(entry.body)
        except ValueError as fault:
            raise LedgerCorrupt(expected, f"the body has no header: {fault}") from fault
        self.claims = header.once
        columns = (entry.type, entry.v, entry.lane, entry.subject)
        if columns != (header.type, header.v, LANES[header.lane], header.subject):
            raise LedgerCorrupt(expected, "the columns disagree with the body")
        self.at = max(self.at, header.decided_at)
        if entry.at != self.at:
            raise LedgerCorrupt(expected, "the recorded time is not the running maximum")
        return self.frontier.append(entry.leaf)

    def conclude(self, stored: Frontier) -> None:
        """Hold the tree of all that was accepted against the one that is *stored*, which should be the same.

        5. the tree ends where the entries end: the tail was not cut off;
        6. and it has the same edge.  When it has not, the damage lies under the first peak that differs: an entry
           there was exchanged for another that agrees with itself.
        """
        if stored.size != self.frontier.size:
            raise LedgerCorrupt(
                min(stored.size, self.frontier.size) + 1,
                f"the entries end at {self.frontier.size} and the tree at {stored.size}",
            )
        if damaged := self.frontier.first_difference(stored):
            first, end = damaged
            raise TreeDiffers(first + 1, f"the tree over {first + 1} to {end} is not that of the entries")
