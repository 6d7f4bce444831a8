"""Requests that never proved who they are: counted by kind, so that strangers cannot make the log grow at will."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from authority.kernel.refusal import Reason
from authority.model.authority import UnprovenRequests, UnprovenRequestsSummarised

MOST_KINDS: Final = 256
"""Kinds that one summary lists: what fits into one entry with room to spare."""
LONGEST_WORD: Final = 64


class Unproven:
    """Counts until somebody takes the summary."""

    __slots__ = ("_kinds", "_unlisted")

    def __init__(self) -> None:
        """Begin with none."""
        self._kinds: dict[tuple[str, str, str, str], UnprovenRequests] = {}
        self._unlisted = 0

    def count(self, source: str, action: str, reason: Reason, access_key_id: str, at: datetime) -> None:
        """One more from *source*; *access_key_id* only when it is or ever was ours."""
        place = (source, action[:LONGEST_WORD], reason.value, access_key_id)
        known = self._kinds.get(place)
        if known is not None:
            self._kinds[place] = msgspec.structs.replace(known, count=known.count + 1, last=at)
        elif len(self._kinds) < MOST_KINDS:
            self._kinds[place] = UnprovenRequests(
                source=source, action=place[1], reason=place[2], count=1, first=at, last=at, access_key_id=access_key_id
            )
        else:
            self._unlisted += 1

    def take(self) -> UnprovenRequestsSummarised | None:
        """What was counted since the last time, and begin anew; None when there was nothing."""
        if not self._kinds and not self._unlisted:
            return None
        summary = UnprovenRequestsSummarised(requests=tuple(self._kinds.values()), unlisted=self._unlisted)
        self._kinds, self._unlisted = {}, 0
        return summary

    def put_back(self, summary: UnprovenRequestsSummarised) -> None:
        """Count *summary* again: it could not be written."""
        for one in summary.requests:
            place = (one.source, one.action, one.reason, one.access_key_id)
            known = self._kinds.get(place)
            self._kinds[place] = (
                one
                if known is None
                else msgspec.structs.replace(known, count=known.count + one.count, first=min(known.first, one.first))
            )
        self._unlisted += summary.unlisted
