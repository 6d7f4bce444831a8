"""A trust policy that was changed, and what came of it: the sessions issued while it was so, and because it was."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from authority.audit.answers import SeenEvent, SessionCaller
from authority.audit.terms import issued_by
from authority.model.account import Account
from authority.model.event import Event
from authority.model.roles import Role, Trust
from authority.model.state import State
from authority.policy.combine import Effect
from authority.replay.difference import in_words
from authority.replay.folding import Folded
from authority.replay.history import Who, who
from authority.replay.patch import Operation, patch
from authority.replay.plain import plain
from authority.replay.reweighing import Again, InForce, Sessions
from authority.replay.supposing import possible


class Issued(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A session of the role.  `only_because` says whether the trust policy before would have refused it.

    It is None where that depends on what the record lacks or withholds.
    """

    access_key_id: str
    position: int
    at: datetime
    caller: SessionCaller
    source_address: str = ""
    only_because: bool | None = None


class Window(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """The time from one change of a trust policy to the next; `closed` is left out while it is in force."""

    position: int
    at: datetime
    closed: int | None = None
    by: Who
    action: str
    words: tuple[str, ...]
    steps: tuple[Operation, ...] = ()
    sessions: tuple[Issued, ...] = ()


class Exposure(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The changes of a role's trust policy that were asked about, the oldest first."""

    role: str
    role_id: str
    windows: tuple[Window, ...]


class Turned(msgspec.Struct, frozen=True):
    """A change of a trust policy: where, and from what to what; None is before the role was there, or after it went."""

    position: int
    at: datetime
    body: bytes
    before: Trust | None
    after: Trust | None


def turned(folded: Folded, account_id: str, role_id: str) -> Turned | None:
    """How one entry changed the trust policy of a role, if it did."""
    before, after = (_trust(state, account_id, role_id) for state in (folded.before, folded.after))
    if before == after:
        return None
    return Turned(folded.entry.position, folded.entry.at, folded.entry.body, before, after)


def _trust(state: State, account_id: str, role_id: str) -> Trust | None:
    account = state.accounts.get(account_id)
    role = None if account is None else account.roles.get(role_id)
    return None if role is None else role.trust


def window(change: Turned, closed: int | None, event: Event, sessions: Iterable[Issued]) -> Window:
    """The time from *change* on, as it is shown."""
    steps = patch(plain(change.before), plain(change.after))
    return Window(
        position=change.position,
        at=change.at,
        closed=closed,
        by=who(event),
        action=event.type,
        words=tuple(map(in_words, steps)),
        steps=steps,
        sessions=tuple(sessions),
    )


class Unchanged:
    """The policies as they were but for one *change* of a trust policy, which is supposed never to have been made."""

    def __init__(self, change: Turned, of: tuple[Account, Role]) -> None:
        """Suppose it of a role, of an account: as they are or were at any time."""
        self.change = change
        self.role_id = of[1].id
        self._account_id = of[0].id
        self._last: tuple[State, InForce | None] | None = None

    def at(self, state: State) -> InForce | None:
        """What would have been in force in *state*; None where the role was not there.

        The last one is remembered: most sessions were issued in the same state as the one before.
        """
        if self._last is None or self._last[0] is not state:
            self._last = (state, self._supposed(state))
        return self._last[1]

    def _supposed(self, state: State) -> InForce | None:
        account = state.accounts.get(self._account_id)
        role = None if account is None else account.roles.get(self.role_id)
        if account is None or role is None or self.change.before is None:
            return None
        as_before = account.with_role(msgspec.structs.replace(role, trust=self.change.before))
        return InForce(msgspec.structs.replace(state, accounts=state.accounts.set(account.id, as_before)))


def issued(seen: SeenEvent, state: State, unchanged: Unchanged, sessions: Sessions) -> Issued | None:
    """The session that an entry issued, and whether it was only because of the change; *state* is as it was then."""
    session = issued_by(seen.event)
    if session is None or session.role_id != unchanged.role_id:
        return None
    return Issued(
        access_key_id=session.access_key_id,
        position=seen.position,
        at=session.issued_at,
        caller=SessionCaller(
            account="" if seen.event.caller is None else seen.event.caller.account,
            principal_id=session.caller_principal_id,
            arn=session.caller_arn,
            access_key_id=session.caller_access_key_id,
        ),
        source_address="" if seen.event.request is None else seen.event.request.source_address,
        only_because=_only_because(seen, state, unchanged, sessions),
    )


def _only_because(seen: SeenEvent, state: State, unchanged: Unchanged, sessions: Sessions) -> bool | None:
    if unchanged.change.before is None:
        return True  # there was no role to take on
    in_force = unchanged.at(state)
    if in_force is None:
        return None
    refused = False
    for decision in seen.event.decisions:
        question = in_force.again(seen.event, decision, sessions)
        if not isinstance(question, Again):
            return None
        found = possible(question.question, decision.missing, question.bound)
        if found.effect is None:
            return None
        refused = refused or found.effect is not Effect.ALLOWED
    return refused
