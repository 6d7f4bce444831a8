"""What a credential led to: the sessions it was traded for, the keys made with them, and everything done with those.

Told by the entries that name each credential.  An edge leads from a credential to one that was issued, or made, by a
request that it signed; nothing is guessed from names.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import msgspec

from authority.audit.answers import SeenEvent
from authority.audit.terms import partition
from authority.kernel.ids import LONG_TERM_KEY
from authority.model.event import DecisionRecord
from authority.model.fact import AccountFact, Fact
from authority.model.principals import AccessKeyCreated
from authority.model.sessions import SessionIssued

MOST_ACTS: Final = 1_000
"""Kinds of acts that are listed; what comes after them is counted."""
MOST_CHANGES: Final = 1_000
MAKING: Final = ("iam:createaccesskey", "authority:createaccount")
"""Actions that make long-term keys."""
ISSUING: Final = ("sts:*", *MAKING)
"""Actions by which a credential leads to another."""


class Reached(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One credential that was led to (the first: the one that was asked about), and what became of it."""

    access_key_id: str
    kind: str
    """`key`, or `session`."""
    parent: str = ""
    account: str = ""
    arn: str = ""
    role_arn: str = ""
    depth: int = 0
    position: int | None = None
    """Where it was issued or made."""
    issued_at: datetime | None = None
    expires_at: datetime | None = None
    uses: int = 0
    refused: int = 0
    first_used: datetime | None = None
    last_used: datetime | None = None


class Act(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Something that was done, or tried, with one of the credentials, as often as it was.

    `judged` says that a resource server asked about it, so that what it did itself is not known here.
    """

    action: str
    resource: str
    outcome: str
    judged: bool = False
    count: int
    first: datetime
    last: datetime
    access_key_ids: tuple[str, ...]


class Made(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A change that was made: one fact of one entry."""

    position: int
    at: datetime
    action: str
    access_key_id: str
    account: str
    fact: str
    about: str


class Radius(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All that a credential led to: credentials, what was done with them, what they changed, and whom that concerns.

    `cut` says that there are more credentials than were followed; `unlisted` counts what the lists leave out.
    """

    access_key_id: str
    credentials: tuple[Reached, ...]
    accounts: tuple[str, ...]
    roles: tuple[str, ...]
    acts: tuple[Act, ...]
    changes: tuple[Made, ...]
    source_addresses: tuple[str, ...]
    unlisted_acts: int = 0
    unlisted_changes: int = 0
    cut: bool = False


class Reaching:
    """Follows credentials, each by the entries that name it."""

    def __init__(self, start: str) -> None:
        """Begin with the credential *start*."""
        self.start = start
        self.credentials: dict[str, Reached] = {
            start: Reached(access_key_id=start, kind="key" if start.startswith(LONG_TERM_KEY) else "session")
        }
        self._acts: dict[tuple[str, str, str, bool], Act] = {}
        self._changes: list[Made] = []
        self._accounts: set[str] = set()
        self._sources: set[str] = set()
        self._unlisted_acts = self._unlisted_changes = 0
        self._positions: set[tuple[str, int]] = set()

    def take(self, named: str, seen: SeenEvent) -> list[str]:
        """Take in an entry that names the credential *named*; say to which others it leads that are new."""
        event = seen.event
        if event.caller is not None and event.caller.access_key_id == named:
            return self._asked(named, seen)
        for fact in event.facts:
            if isinstance(fact, (SessionIssued, AccessKeyCreated)) and fact.access_key_id == named == self.start:
                self.credentials[named] = _born(self.credentials[named], fact, seen)
        for decision in event.decisions:
            if decision.judged == named and not decision.unproven:
                self._use(named, seen, refused=decision.effect.value != "allowed")
                self._count(named, decision.action, decision.resource, decision, seen, judged=True)
        return []

    def answer(self, *, cut: bool = False) -> Radius:
        """All that is known so far."""
        credentials = sorted(
            self.credentials.values(), key=lambda one: (one.depth, one.position or 0, one.access_key_id)
        )
        acts = sorted(self._acts.values(), key=lambda act: (act.first, act.action, act.resource, act.outcome))
        return Radius(
            access_key_id=self.start,
            credentials=tuple(credentials),
            accounts=tuple(sorted(self._accounts | {one.account for one in credentials if one.account})),
            roles=tuple(sorted({one.role_arn for one in credentials if one.role_arn})),
            acts=tuple(acts),
            changes=tuple(sorted(self._changes, key=lambda one: one.position)),
            source_addresses=tuple(sorted(self._sources)),
            unlisted_acts=self._unlisted_acts,
            unlisted_changes=self._unlisted_changes,
            cut=cut,
        )

    def _asked(self, named: str, seen: SeenEvent) -> list[str]:
        event = seen.event
        if (named, seen.position) in self._positions:
            return []
        self._positions.add((named, seen.position))
        self._use(named, seen, refused=bool(event.outcome.refused))
        if event.caller is not None:
            one = self.credentials[named]
            known = {"account": one.account or event.caller.account, "arn": one.arn or event.caller.arn}
            self.credentials[named] = msgspec.structs.replace(one, **known)
        if event.request is not None and event.request.source_address:
            self._sources.add(event.request.source_address)
        asked = next((one for one in event.decisions if not one.judged), None)
        resource = asked.resource if asked is not None else event.subject
        self._count(named, event.type, resource, asked, seen, judged=False)
        new: list[str] = []
        for fact in event.facts:
            if fact.CONFIG:
                self._change(named, fact, seen)
            if isinstance(fact, (SessionIssued, AccessKeyCreated)) and fact.access_key_id not in self.credentials:
                parent = self.credentials[named]
                reached = Reached(access_key_id=fact.access_key_id, kind="", parent=named, depth=parent.depth + 1)
                self.credentials[fact.access_key_id] = _born(reached, fact, seen)
                new.append(fact.access_key_id)
        return new

    def _use(self, named: str, seen: SeenEvent, *, refused: bool) -> None:
        one, at = self.credentials[named], seen.event.decided_at
        self.credentials[named] = msgspec.structs.replace(
            one,
            uses=one.uses + 1,
            refused=one.refused + refused,
            first_used=at if one.first_used is None else min(one.first_used, at),
            last_used=at if one.last_used is None else max(one.last_used, at),
        )

    def _count(
        self, named: str, action: str, resource: str, decision: DecisionRecord | None, seen: SeenEvent, *, judged: bool
    ) -> None:
        if decision is not None:
            self._accounts.add(decision.resource_account)
        said = seen.event.outcome.refused or "allowed"
        outcome = decision.effect.value if judged and decision is not None else said
        place, at = (action, resource, outcome, judged), seen.event.decided_at
        known = self._acts.get(place)
        if known is None:
            if len(self._acts) >= MOST_ACTS:
                self._unlisted_acts += 1
                return
            self._acts[place] = Act(
                action=action, resource=resource, outcome=outcome, judged=judged, count=1, first=at, last=at,
                access_key_ids=(named,),
            )  # fmt: skip
            return
        keys = known.access_key_ids if named in known.access_key_ids else (*known.access_key_ids, named)
        self._acts[place] = msgspec.structs.replace(
            known, count=known.count + 1, first=min(known.first, at), last=max(known.last, at), access_key_ids=keys
        )

    def _change(self, named: str, fact: Fact, seen: SeenEvent) -> None:
        if len(self._changes) >= MOST_CHANGES:
            self._unlisted_changes += 1
            return
        account = fact.account if isinstance(fact, AccountFact) else ""
        self._accounts.add(account)
        self._accounts.discard("")
        self._changes.append(
            Made(
                position=seen.position,
                at=seen.event.decided_at,
                action=seen.event.type,
                access_key_id=named,
                account=account,
                fact=fact_name(fact),
                about=seen.event.subject,
            )
        )


def fact_name(fact: Fact) -> str:
    """What the log calls a fact: `role-created`."""
    return str(fact.__struct_config__.tag)


def led_to(radius: Radius) -> Iterator[tuple[str, str]]:
    """The edges of a radius, from the parent to what it led to."""
    for one in radius.credentials:
        if one.parent:
            yield one.parent, one.access_key_id


def _born(one: Reached, fact: SessionIssued | AccessKeyCreated, seen: SeenEvent) -> Reached:
    told: dict[str, Any] = {"account": fact.account, "position": seen.position, "issued_at": seen.event.decided_at}
    if isinstance(fact, SessionIssued):
        where = partition(seen.event)
        told |= {"kind": "session", "arn": fact.arn(where), "expires_at": fact.expires_at}
        if fact.role_id:
            told["role_arn"] = fact.issuer_arn(where)
    else:
        told |= {"kind": "key", "arn": fact.owner}
    return msgspec.structs.replace(one, **told)
