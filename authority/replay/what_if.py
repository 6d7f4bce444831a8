"""Recorded decisions under other policies: newly denied, newly allowed, and undetermined.

A decision whose policies are the very same is the same.  Any other is weighed under those supposed; and where it would
be otherwise, under those that were in force too, which must come to what the record says.  A condition key that the
supposed policies read and the record lacks may have had any value, unless the record says that it was missed then:
where the outcome depends on it, it is undetermined, never allowed.

In a cascade what would have been refused leads to nothing: the sessions and keys that it brought never were, what they
asked for was never asked, and what all of that changed is not in the state that later requests are weighed in.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from authority.audit.answers import SeenEvent
from authority.kernel.ids import TEMPORARY_KEY
from authority.kernel.letters import folded
from authority.model.event import DecisionRecord, FoldedEvent
from authority.model.fact import Fact
from authority.model.principals import AccessKeyCreated
from authority.model.sessions import SessionIssued
from authority.model.state import State, evolve
from authority.policy.combine import Effect, Matched, Verdict, weigh
from authority.replay.overlay import Overlay
from authority.replay.reweighing import GONE, Again, InForce, Unanswerable
from authority.replay.supposing import possible

MOST_SESSIONS: Final = 100_000
"""Sessions that are kept in mind; others are looked up again."""
_OF_THE_RESOURCE: Final = frozenset({"resource", "trust", "rcp"})


class Otherwise(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One decision that would, or might, have been another.

    `because` are the statements that would determine it.  Where nothing can be told, `why` says so, and `unknown` are
    the keys that it depends on.
    """

    position: int
    at: datetime
    request: str
    """The action that was asked for; `action` is the permission that was weighed for it."""
    action: str
    resource: str
    principal: str
    access_key_id: str = ""
    was: str
    becomes: str = ""
    because: tuple[Matched, ...] = ()
    unknown: tuple[str, ...] = ()
    why: str = ""


class Never(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A request that would never have been made, or would have led to nothing: what it asked with was never there."""

    position: int
    at: datetime
    request: str
    about: str = ""
    access_key_id: str = ""
    because: int | None = None
    """The position of the refusal that it follows from."""
    sessions: tuple[str, ...] = ()
    """The sessions and keys that it brought, which never were."""


class Supposed(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What would have been otherwise between two positions, both included.

    Counts are of decisions; `reweighed` are those whose policies would have been others.  `unlisted` counts the rows
    that the lists leave out.  `unreproduced` decisions do not come to what the record says under the policies that were
    in force: the record lacks something that they depended on.
    """

    since: int
    until: int
    last: int
    """Where all that was asked about ends, when this is a part of it."""
    requests: int
    decisions: int
    reweighed: int
    unreproduced: int = 0
    newly_denied_count: int = 0
    newly_allowed_count: int = 0
    undetermined_count: int = 0
    never_count: int = 0
    newly_denied: tuple[Otherwise, ...] = ()
    newly_allowed: tuple[Otherwise, ...] = ()
    undetermined: tuple[Otherwise, ...] = ()
    never: tuple[Never, ...] = ()
    unlisted: int = 0
    next_token: str | None = None


class _Rows:
    """The first rows of a kind, and how many there are."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.rows: list[Otherwise] = []
        self.count = 0

    def add(self, row: Otherwise) -> None:
        self.count += 1
        if len(self.rows) < self._most:
            self.rows.append(row)

    @property
    def unlisted(self) -> int:
        return self.count - len(self.rows)


class Supposing:
    """Takes entries in order and weighs their decisions again."""

    def __init__(
        self, overlay: Overlay, absent: Iterable[str], *, cascade: bool, most: int, eyes: str | None = None
    ) -> None:
        """Suppose what *overlay* says; list at most *most* rows of each kind, as the account *eyes* may see them."""
        self._eyes = eyes
        self._overlay, self._cascade, self._most = overlay, cascade, most
        self._absent = frozenset(map(folded, absent))
        self._denied, self._allowed, self._open = _Rows(most), _Rows(most), _Rows(most)
        self._never: list[Never] = []
        self._never_count = self._requests = self._decisions = self._reweighed = self._unreproduced = 0
        self._gone: dict[str, int] = {}
        """Keys and sessions that never were, and the position of the refusal that each follows from."""
        self._skipped: set[int] = set()
        self._base: State | None = None
        self._real: InForce | None = None
        self._other: tuple[State, InForce] | None = None
        self.sessions: OrderedDict[str, SessionIssued] = OrderedDict()

    # --- what is needed beforehand ----------------------------------------------------------

    def strange(self, page: Iterable[SeenEvent]) -> set[str]:
        """The sessions that *page* asks with, or asks about, of which it does not say what they are."""
        known, needed = set(self.sessions), set()
        for seen in page:
            keys = [one.judged for one in seen.event.decisions]
            if seen.event.caller is not None:
                keys.append(seen.event.caller.access_key_id)
            needed |= {key for key in keys if key.startswith(TEMPORARY_KEY) and key not in known}
            known |= {fact.access_key_id for fact in seen.event.facts if isinstance(fact, SessionIssued)}
        return needed

    def meet(self, sessions: Iterable[SessionIssued]) -> None:
        """Be told of sessions."""
        for issued in sessions:
            self.sessions[issued.access_key_id] = issued
        while len(self.sessions) > MOST_SESSIONS:
            self.sessions.popitem(last=False)

    # --- entries ----------------------------------------------------------------------------

    def take(self, seen: SeenEvent, real: State) -> None:
        """Weigh the decisions of one entry again; *real* is the state that they were made from."""
        event = seen.event
        base = self._supposed(real)
        self.meet(fact for fact in event.facts if isinstance(fact, SessionIssued))
        if not event.decisions:
            if self._cascade:
                self._follows(seen)
            return
        self._requests += 1
        self._decisions += len(event.decisions)
        if self._cascade and self._follows(seen):
            return
        before, after = self._in_force(real, base)
        refused = False
        for decision in event.decisions:
            if decision.judged in self._gone:
                self._never_count += 1
                continue
            instead = after.again(event, decision, self.sessions)
            question = instead if before is after else before.again(event, decision, self.sessions)
            if not isinstance(question, Again) or not isinstance(instead, Again):
                if self._cascade and isinstance(instead, Unanswerable) and instead.why == GONE and not decision.judged:
                    self._lead_to_nothing(seen, seen.position, row=True)
                    return
                self._unanswered(seen, decision, question, instead)
                continue
            if self._overlay.anything and question.same_policies(instead):
                continue
            self._reweighed += 1
            refused = self._weigh(seen, decision, question, instead) or refused
        if refused and self._cascade:
            self._lead_to_nothing(seen, seen.position, row=False)

    def became(self, position: int, event: FoldedEvent) -> None:
        """Take in what an entry of configuration changed, once its own decisions were taken."""
        if self._base is None or not self._cascade:
            return
        if position in self._skipped:
            return
        try:
            self._base = evolve(self._base, event.facts, event.decided_at)
        except KeyError:
            # It changed what never was, so that it changed nothing.
            self._skipped.add(position)
            self._forget(event.facts, position)

    def answer(self, since: int, until: int, last: int, next_token: str | None = None) -> Supposed:
        """What would have been otherwise."""
        return Supposed(
            since=since,
            until=until,
            last=last,
            requests=self._requests,
            decisions=self._decisions,
            reweighed=self._reweighed,
            unreproduced=self._unreproduced,
            newly_denied_count=self._denied.count,
            newly_allowed_count=self._allowed.count,
            undetermined_count=self._open.count,
            never_count=self._never_count,
            newly_denied=tuple(self._denied.rows),
            newly_allowed=tuple(self._allowed.rows),
            undetermined=tuple(self._open.rows),
            never=tuple(self._never),
            unlisted=self._denied.unlisted
            + self._allowed.unlisted
            + self._open.unlisted
            + self._never_count
            - len(self._never),
            next_token=next_token,
        )

    def _supposed(self, real: State) -> State:
        """The state that there would be, before the replacements are laid over it."""
        if not self._cascade:
            return real
        if self._base is None:
            self._base = real
        return self._base

    def _in_force(self, real: State, base: State) -> tuple[InForce, InForce]:
        """The policies that were in force, and those supposed; one and the same where nothing differs."""
        if self._real is None or self._real.state is not real:
            self._real = InForce(real)
        if not self._overlay.anything and base is real:
            return self._real, self._real
        if self._other is None or self._other[0] is not base:
            supposed = self._overlay.over(base)
            self._other = (base, InForce(supposed, self._overlay.controls(supposed)))
        return self._real, self._other[1]

    def _weigh(self, seen: SeenEvent, decision: DecisionRecord, question: Again, instead: Again) -> bool:
        """Weigh one decision; say whether the request would have been refused for it."""
        found = possible(instead.question, {*self._absent, *decision.missing}, instead.bound)
        if found.effect is decision.effect:
            return False
        # What would be otherwise must be so for the policies' sake, and not because the record lacks something.
        if weigh(question.question).effect is not decision.effect:
            self._unreproduced += 1
            why = "the policies that were in force do not come to what the record says; it lacks something"
            self._open.add(_row(seen, decision, why=why))
            return False
        if found.effect is None:
            self._open.add(_row(seen, decision, unknown=found.unknown, why="the record lacks keys that decide"))
            return False
        was, now = decision.effect is Effect.ALLOWED, found.effect is Effect.ALLOWED
        if was and not now:
            self._denied.add(self._decided(seen, decision, found.verdict))
        elif now and not was:
            self._allowed.add(self._decided(seen, decision, found.verdict))
        return was and not now and not decision.judged

    def _decided(self, seen: SeenEvent, decision: DecisionRecord, verdict: Verdict) -> Otherwise:
        """The row of a decision that would be another; what another account wrote is not shown with it."""
        row = _row(seen, decision, verdict)
        if self._eyes in (None, decision.resource_account):
            return row
        own = tuple(one for one in row.because if one.layer not in _OF_THE_RESOURCE)
        return msgspec.structs.replace(row, because=own)

    def _unanswered(
        self, seen: SeenEvent, decision: DecisionRecord, question: Again | Unanswerable, instead: Again | Unanswerable
    ) -> None:
        if decision.unproven:
            return
        why = next(one.why for one in (question, instead) if isinstance(one, Unanswerable))
        self._open.add(_row(seen, decision, why=why))

    # --- what never was ---------------------------------------------------------------------

    def _follows(self, seen: SeenEvent) -> bool:
        """Whether an entry was asked for with what never was."""
        caller = seen.event.caller
        cause = None if caller is None else self._gone.get(caller.access_key_id)
        if cause is None:
            return False
        self._lead_to_nothing(seen, cause, row=True)
        return True

    def _lead_to_nothing(self, seen: SeenEvent, cause: int, *, row: bool) -> None:
        event = seen.event
        self._skipped.add(seen.position)
        brought = self._forget(event.facts, cause)
        if not row and not brought:
            return
        self._never_count += 1
        if len(self._never) < self._most:
            self._never.append(
                Never(
                    position=seen.position,
                    at=event.decided_at,
                    request=event.type,
                    about=event.subject,
                    access_key_id="" if event.caller is None else event.caller.access_key_id,
                    because=None if cause == seen.position else cause,
                    sessions=brought,
                )
            )

    def _forget(self, facts: Iterable[Fact], cause: int) -> tuple[str, ...]:
        brought = tuple(fact.access_key_id for fact in facts if isinstance(fact, (SessionIssued, AccessKeyCreated)))
        for key in brought:
            self._gone.setdefault(key, cause)
        return brought


def _row(
    seen: SeenEvent,
    decision: DecisionRecord,
    verdict: Verdict | None = None,
    unknown: tuple[str, ...] = (),
    why: str = "",
) -> Otherwise:
    caller = seen.event.caller
    return Otherwise(
        position=seen.position,
        at=seen.event.decided_at,
        request=seen.event.type,
        action=decision.action,
        resource=decision.resource,
        principal=decision.principal,
        access_key_id=decision.judged or ("" if caller is None else caller.access_key_id),
        was=decision.effect.value,
        becomes="" if verdict is None else verdict.effect.value,
        because=() if verdict is None else verdict.determined_by,
        unknown=unknown,
        why=why,
    )
