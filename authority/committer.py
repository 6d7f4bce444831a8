"""Decisions in log order, one group commit at a time.

    1. take what is waiting;
    2. decide each in order, against the published state, until one changes the configuration;
    3. append the group in one transaction, under the condition that no configuration moved past that state;
    4. on a conflict fold in what others wrote, and decide again;
    5. publish the new state, then tell those who wait.

A group holds any number of entries that configure nothing and at most one that does, at its end.  So every decision of
a group was made from exactly the state it names, and that state is always one that was published.

What a crash leaves: before 3 nothing; after 3 the whole group, which the next start folds.  When an append fails or is
cut off it may still be durable: those who wait are told that nothing is known, and nothing is decided again before the
log has been read.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

import msgspec
import structlog

from authority.ledger.port import Claimed, Lane, Ledger, LedgerCorrupt, LedgerUnavailable, Moved, NewEntry
from authority.model.fact import Fact
from authority.model.state import evolve
from authority.replay.folding import Version, refolded

log = structlog.get_logger()

Outcome_co = TypeVar("Outcome_co", covariant=True)

PAGE = 1024
"""Entries that are folded in one step when others wrote."""


ROUNDS_WITHOUT_ARRIVALS = 2
"""Turns of the event loop without an arrival before a group is committed: what has come in needs as many to join."""


class Unavailable(Exception):  # noqa: N818 - what is said to those who wait
    """Nothing can be promised: the log cannot be written, or more waits than may.  Try again."""


class Proposal(msgspec.Struct, Generic[Outcome_co], frozen=True):
    """What an act would write, and what became of it."""

    entry: NewEntry
    facts: Sequence[Fact]
    outcome: Outcome_co


Act: TypeAlias = Callable[[Version, frozenset[str]], Proposal[Outcome_co]]
"""Decides, purely.  May be asked again with another version, and with once keys that turned out to be taken.

Those that its own group claims count as taken, too: they are committed together with it, or it is asked again.
"""


class Committed(msgspec.Struct, Generic[Outcome_co], frozen=True):
    """An act that is in the log for good: where, what became of it, and the version that includes it."""

    position: int
    outcome: Outcome_co
    version: Version


@dataclass(slots=True, eq=False)
class _Waiting:
    act: Act[object]
    told: asyncio.Future[Committed[object]]
    claimed: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Group:
    waiting: list[_Waiting] = field(default_factory=list)
    proposals: list[Proposal[object]] = field(default_factory=list)
    once: set[str] = field(default_factory=set)


class Committer:
    """The one place where the log grows and the state changes."""

    def __init__(self, ledger: Ledger, version: Version, *, batch_limit: int, queue_limit: int) -> None:
        """Go on from *version*, which is the fold of the whole *ledger*."""
        self._ledger = ledger
        self._batch_limit = batch_limit
        self._queue_limit = queue_limit
        self._queue: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()
        self._certain = True
        self.version = version

    async def submit(self, act: Act[Outcome_co]) -> Committed[Outcome_co]:
        """Decide *act* in its turn and return when its entry is durable; raise `Unavailable` when that is not known."""
        if len(self._queue) >= self._queue_limit:
            raise Unavailable("more requests wait than may")
        waiting = _Waiting(act, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._arrived.set()
        committed: Committed[Outcome_co] = await waiting.told  # type: ignore[assignment]  # the act's own outcome
        return committed

    async def run(self) -> None:
        """Commit what arrives until cancelled; then finish the group under way and turn the rest away."""
        try:
            while True:
                await self._arrived.wait()
                self._arrived.clear()
                while self._queue:
                    await self._settled()
                    count = min(len(self._queue), self._batch_limit)
                    await self._commit(deque(self._queue.popleft() for _ in range(count)))
        finally:
            for waiting in self._queue:
                _tell(waiting, Unavailable("the authority is stopping"))
            self._queue.clear()

    async def _settled(self) -> None:
        """Let requests that are arriving right now join: a commit costs as much for one entry as for many."""
        seen, idle = 0, 0
        while idle < ROUNDS_WITHOUT_ARRIVALS and len(self._queue) < self._batch_limit:
            idle = idle + 1 if len(self._queue) == seen else 0
            seen = len(self._queue)
            await asyncio.sleep(0)

    async def _commit(self, batch: deque[_Waiting]) -> None:
        """Commit *batch*, group by group."""
        while batch:
            group = _Group()
            try:
                if not self._certain:
                    await self._catch_up()
                    self._certain = True
                self._gather(batch, group)
                if group.waiting:
                    batch.extendleft(reversed(await self._append(group)))
            except LedgerUnavailable as failure:
                log.warning("ledger_unavailable", reason=str(failure))
                self._fail([*group.waiting, *batch], Unavailable("the log cannot be written"))
                batch.clear()
            except BaseException:
                self._fail([*group.waiting, *batch], Unavailable("the log cannot be written"))
                raise

    def _fail(self, waiting: Sequence[_Waiting], why: Unavailable) -> None:
        # INVARIANT: what failed may be durable, so nothing is decided again before the log was read.
        self._certain = False
        for one in waiting:
            _tell(one, why)

    def _gather(self, batch: deque[_Waiting], group: _Group) -> None:
        """Move acts from *batch* to *group*, decided, up to and including the first that configures."""
        while batch:
            waiting = batch[0]
            if waiting.told.cancelled():
                # Who asked is gone before anything was decided; nobody was told anything.
                batch.popleft()
                continue
            try:
                proposal = waiting.act(self.version, waiting.claimed | group.once if group.once else waiting.claimed)
            except Exception as fault:  # one request's fault is not another's
                log.exception("decision_failed")
                batch.popleft()
                waiting.told.set_exception(fault)
                continue
            if not group.once.isdisjoint(proposal.entry.once):
                return
            batch.popleft()
            group.waiting.append(waiting)
            group.proposals.append(proposal)
            group.once.update(proposal.entry.once)
            if proposal.entry.lane is Lane.CONFIG:
                return

    async def _append(self, group: _Group) -> list[_Waiting]:
        """Append *group* and tell its members; return those that must be decided again."""
        entries = [proposal.entry for proposal in group.proposals]
        appended = await self._ledger.append(entries, folded=self.version.position)
        match appended:
            case Moved():
                await self._catch_up()
                return group.waiting
            case Claimed():
                for waiting in group.waiting:
                    waiting.claimed |= appended.keys
                return group.waiting
            case _:
                self._publish(group, appended)
                return []

    def _publish(self, group: _Group, first: int) -> None:
        last = first + len(group.proposals) - 1
        final = group.proposals[-1]
        if final.entry.lane is Lane.CONFIG:
            state = evolve(self.version.state, final.facts, final.entry.decided_at)
            self.version = Version(last, last, state)
        else:
            self.version = Version(last, self.version.configured, self.version.state)
        for position, (waiting, proposal) in enumerate(zip(group.waiting, group.proposals, strict=True), first):
            if not waiting.told.done():
                waiting.told.set_result(Committed(position, proposal.outcome, self.version))

    async def _catch_up(self) -> None:
        """Fold what the log holds beyond the published state."""
        self.version = await folded(self._ledger, self.version)


async def folded(ledger: Ledger, version: Version) -> Version:
    """Take *version* on to the head of *ledger*.  Only configuration is read: nothing else changes the state."""
    head = await ledger.head()
    if head.position < version.position:
        raise LedgerCorrupt(head.position, f"the log ends here, but position {version.position} was acknowledged")
    while True:
        page = await ledger.read(version.position, PAGE, Lane.CONFIG)
        version = refolded(version, (entry for entry in page if entry.position <= head.position))
        if len(page) < PAGE or page[-1].position >= head.position:
            return Version(head.position, version.configured, version.state)


def _tell(waiting: _Waiting, why: Exception) -> None:
    if not waiting.told.done():
        waiting.told.set_exception(why)
