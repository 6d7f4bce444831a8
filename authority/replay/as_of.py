"""The state as it was: folded from the nearest version that is known, from configuration alone."""

from __future__ import annotations

from typing import Final

from authority.ledger.port import Lane, Ledger
from authority.replay.folding import BEGINNING, Version, refolded

PAGE: Final = 256
"""Entries that are folded before others have their turn: reading the next page waits for the store."""


async def as_of(ledger: Ledger, position: int, known: Version = BEGINNING) -> Version:
    """The fold of the first *position* entries of *ledger*, which has as many; *known* is no later version of it."""
    if known.position > position:
        raise ValueError(f"a version of {known.position} cannot be folded back to {position}")
    version = known
    while version.position < position:
        page = await ledger.read(version.position, PAGE, Lane.CONFIG)
        wanted = [entry for entry in page if entry.position <= position]
        version = refolded(version, wanted)
        if len(wanted) < PAGE:
            return Version(position, version.configured, version.state)
    return version


class Versions:
    """The versions that were asked for last: a later one is folded from the nearest before it."""

    def __init__(self, most: int = 6) -> None:
        """Keep *most* of them; they share what did not change between them."""
        self._most = most
        self._kept: dict[int, Version] = {}

    def nearest(self, position: int, known: Version = BEGINNING) -> Version:
        """The last version up to *position* that is kept, or *known*."""
        earlier = [kept for kept in (*self._kept.values(), known) if kept.position <= position]
        return max(earlier, key=lambda version: version.position, default=BEGINNING)

    async def at(self, ledger: Ledger, position: int, known: Version = BEGINNING) -> Version:
        """See `as_of`; *known* is used where nothing nearer is kept."""
        version = await as_of(ledger, position, self.nearest(position, known))
        self._kept.pop(position, None)
        self._kept[position] = version
        while len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]
        return version
