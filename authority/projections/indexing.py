"""From a page of entries to the rows that they add and change.

Each body is read once.  What an account's rows say comes from the event as that account sees it (`audit.visibility`),
so that an index cannot know more than its reader.
"""

from __future__ import annotations

from collections import ChainMap, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

import msgspec

from authority.audit.accessing import accesses
from authority.audit.attributes import lookup_terms
from authority.audit.lending import Loan, asked
from authority.audit.terms import ENDED, LIVE, ended_by, issued_by, terms_of, terms_of_session
from authority.audit.visibility import accounts_of, keys_in, view
from authority.kernel.ids import LONG_TERM_KEY, ROLE
from authority.ledger.codec import UPCASTERS, upcast
from authority.ledger.port import BEGINNING, Entry
from authority.model.event import Event, read_event
from authority.model.principals import AccessKeyCreated
from authority.model.sessions import SessionEnded, SessionIssued, SessionKind
from authority.projections.tables import BLOCK_BITS, SEGMENT_BITS, WHOLE_LOG, bit_of, term_number, trail_number

_MICROSECOND: Final = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """How *moment* is stored."""
    return (moment - BEGINNING) // _MICROSECOND


def moment(stored: int) -> datetime:
    """The moment that is stored as *stored*."""
    return BEGINNING + timedelta(microseconds=stored)


def event_of(entry: Entry) -> Event:
    """The event in *entry*, in the form that is written today."""
    body = upcast(entry.body) if (entry.type, entry.v) in UPCASTERS else entry.body
    return read_event(body)


class Issued(msgspec.Struct, frozen=True):
    """What is kept of a session that some page must know again."""

    account: str
    role_id: str
    position: int


class Known(msgspec.Struct, frozen=True):
    """What earlier pages said of the keys that this one names."""

    accounts: dict[str, str] = {}
    """The account of each key."""
    sessions: dict[str, Issued] = {}


Postings: TypeAlias = defaultdict[int, defaultdict[int, defaultdict[int, int]]]
"""By block, trail and term, the bits of the positions."""


class Rows:
    """What one page adds and changes."""

    __slots__ = (
        "_known",
        "_own",
        "_whose",
        "accesses",
        "ends",
        "keys",
        "loans",
        "moments",
        "over",
        "postings",
        "segments",
        "sessions",
        "uses",
    )

    def __init__(self, known: Known) -> None:
        """Begin with what is *known* from earlier pages."""
        self._known = known
        self._own: dict[str, Issued] = {}
        self._whose = ChainMap({}, known.accounts)
        self.keys: list[tuple[str, str]] = []
        self.segments: set[int] = set()
        self.moments: list[tuple[int, int]] = []
        self.postings: Postings = defaultdict(lambda: defaultdict(lambda: defaultdict(int)))
        self.over: defaultdict[tuple[int, int], int] = defaultdict(int)
        """By block and trail, the bits of where the sessions were issued that are live no more."""
        self.sessions: list[tuple[Any, ...]] = []
        self.ends: list[tuple[Any, ...]] = []
        self.uses: dict[str, tuple[Any, ...]] = {}
        self.accesses: dict[tuple[str, str], tuple[Any, ...]] = {}
        self.loans: list[tuple[int, int, Loan, bool]] = []

    def add(self, entry: Entry, event: Event) -> None:
        """Take one entry into account."""
        position = entry.position
        self.segments.add(position >> SEGMENT_BITS)
        self.moments.append((microseconds(entry.at), position))
        for fact in event.facts:
            if isinstance(fact, AccessKeyCreated):
                self._whose[fact.access_key_id] = fact.account
                self.keys.append((fact.access_key_id, fact.account))
        wanted = asked(event)
        if wanted is not None:
            self.loans.append((position, microseconds(event.decided_at), wanted.loan, wanted.issued))
        self._post(position, event, None if wanted is None else wanted.loan.id)
        for fact in ended_by(event):
            self._end(position, fact)
        self._use(position, event)

    def _post(self, position: int, event: Event, loan: bytes | None) -> None:
        issued = issued_by(event)
        if issued is not None:
            self._issue(position, issued, loan)
        numbers = _numbers(event, issued)
        self._list(position, WHOLE_LOG, numbers)
        accounts = accounts_of(event, self._whose)
        looked_up = [term_number(term) for term in lookup_terms(event)] if accounts else []
        for account in accounts:
            seen = view(event, account, accounts, self._whose)
            if seen is None:
                continue
            if seen is not event:
                shown = issued_by(seen)
                numbers = _numbers(seen, shown if shown is not None and shown.account == account else None)
                looked_up = [term_number(term) for term in lookup_terms(seen)]
            self._list(position, trail_number(account), numbers)
            self._list(position, trail_number(account), looked_up)

    def _list(self, position: int, trail: int, numbers: list[int]) -> None:
        listed, bit = self.postings[position >> BLOCK_BITS][trail], bit_of(position)
        for number in numbers:
            listed[number] |= bit

    def _issue(self, position: int, issued: SessionIssued, loan: bytes | None) -> None:
        self._own[issued.access_key_id] = Issued(issued.account, issued.role_id, position)
        self._whose[issued.access_key_id] = issued.account
        self.sessions.append(
            (issued.access_key_id, issued.account, issued.role_id, position, microseconds(issued.expires_at), loan)
        )

    def _end(self, position: int, ended: SessionEnded) -> None:
        session = self._session(ended.access_key_id)
        if session is None:
            return
        self.ends.append((ended.access_key_id, microseconds(ended.effective_at), position, str(ended.cause)))
        for trail in (WHOLE_LOG, trail_number(session.account)):
            self.over[session.position >> BLOCK_BITS, trail] |= bit_of(session.position)
            self._list(session.position, trail, [term_number(ENDED)])

    def _use(self, position: int, event: Event) -> None:
        """Note what was used.  A signature that did not count is no use of the key that it names."""
        caller, request = event.caller, event.request
        if caller is None or request is None:
            return
        at = microseconds(event.decided_at)
        for one in accesses(event):
            self.accesses[one.who, one.action] = (one.who, one.action, at, one.region)
        if caller.access_key_id.startswith(LONG_TERM_KEY):
            self.uses[caller.access_key_id] = (caller.access_key_id, at, request.service, request.region, position)
        if caller.session is not None and caller.session.kind is SessionKind.ROLE:
            role = caller.session.issuer_id
            self.uses[role] = (role, at, request.service, request.region, position)
        for decision in event.decisions:
            if not decision.judged or decision.unproven:
                continue
            session = self._session(decision.judged)
            used = decision.judged if session is None else session.role_id
            if used.startswith((LONG_TERM_KEY, ROLE)):
                self.uses[used] = (used, at, decision.action.partition(":")[0], request.region, position)

    def _session(self, access_key_id: str) -> Issued | None:
        return self._own.get(access_key_id) or self._known.sessions.get(access_key_id)


def _numbers(event: Event, issued: SessionIssued | None) -> list[int]:
    """What *event* is found by, and the session that it issued, if that is listed too."""
    numbers = [term_number(term) for term in terms_of(event)]
    if issued is not None:
        numbers += [term_number(term) for term in terms_of_session(event, issued)]
        numbers.append(term_number(LIVE))
    return numbers


def named_in(events: Iterable[Event]) -> frozenset[str]:
    """The keys of which earlier pages must be asked before *events* can be indexed."""
    found: set[str] = set()
    for event in events:
        found |= keys_in(event)
        found.update(fact.access_key_id for fact in ended_by(event))
        found.update(one.judged for one in event.decisions if one.judged)
    return frozenset(found)
