"""Histories made by real decisions: each request is decided, recorded as the pipeline does, and read back."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec

from authority.access.action import Action, Decision, Facts
from authority.access.call import Call
from authority.access.caller import Credential, caller_of
from authority.access.recording import Asked, act_of_authority, former_caller_record, record
from authority.audit.answers import SeenEvent
from authority.kernel.refusal import Refusal
from authority.model.event import FoldedEvent, read_event
from authority.model.state import EMPTY, State, evolve
from authority.replay.overlay import Overlay
from authority.replay.what_if import Supposed, Supposing
from tests.access.test_action import OFFICE
from tests.model.test_state import AT
from tests.sessions.world import ANNS, GIVEN, World


class Recorded(World):
    """A world whose every request is an entry."""

    def __init__(self, *facts: Any) -> None:
        self.log: list[SeenEvent] = []
        super().__init__()
        self.log = []
        self.position = self.configured = 0
        self.state = EMPTY
        self.act(*GIVEN)
        if facts:
            self.act(*facts)

    def act(self, *facts: Any) -> None:
        """Something that nobody asked for."""
        self._append(act_of_authority("Act", tuple(facts), self.now), facts)

    def decide(
        self, what: Action, wanted: Any, *, who: Credential = ANNS, gathered: Any = None, claimed: Any = frozenset()
    ) -> Decision:
        origin = msgspec.structs.replace(OFFICE, request_id=f"r{self.position}")
        caller = caller_of(self.state, who, now=self.now, partition="aws")
        given = wanted if isinstance(wanted, msgspec.Struct) else msgspec.convert(wanted, what.input)
        if isinstance(caller, Refusal):
            decision, whom = Decision(answer=caller), former_caller_record(self.state, who)
        else:
            facts = Facts(self.now, self.position.to_bytes(4, "big"), self.configured, claimed)
            decision, whom = (
                what.decide(self.state, Call(caller, given, origin, gathered), facts),
                caller.record,
            )
        body, _, decision = record(Asked(what.service, what.operation, True, origin), whom, decision, self.now)
        self._append(body, decision.facts)
        return decision

    def _append(self, body: bytes, facts: Any) -> None:
        self.position += 1
        if any(fact.CONFIG for fact in facts):
            self.configured = self.position
        self.log.append(SeenEvent(position=self.position, recorded_at=self.now, event=read_event(body)))
        self.state = evolve(self.state, facts, self.now)


def supposed(
    log: list[SeenEvent], *replacements: Any, absent: Any = (), cascade: bool = False, since: int = 1
) -> Supposed:
    """What the whole *log* comes to under *replacements*, in force from *since* on."""
    supposing = Supposing(Overlay(replacements, "", "aws"), absent, cascade=cascade, most=1000)
    state: State = EMPTY
    for seen in log:
        if seen.position >= since:
            assert not supposing.strange([seen])
            supposing.take(seen, state)
        else:
            supposing.strange([seen])
            supposing.meet(fact for fact in seen.event.facts if type(fact).__name__ == "SessionIssued")
        if any(fact.CONFIG for fact in seen.event.facts):
            supposing.became(seen.position, FoldedEvent(seen.event.decided_at, seen.event.facts))
            state = evolve(state, seen.event.facts, seen.event.decided_at)
    return supposing.answer(since, len(log), len(log))


def numbered(prefix: str) -> Any:
    """Names that nobody had before."""
    return (f"{prefix}{number}" for number in itertools.count(1))


__all__ = ["AT", "Recorded", "numbered", "supposed"]
