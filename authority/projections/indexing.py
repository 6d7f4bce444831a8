"""From a page of entries to the rows that they add and change.

Each body is read once.  What an account's rows say comes from the event as that account sees it (`audit.visibility`),
so that an index cannot know more than its reader.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from authority.audit.accessing import accesses
from authority.audit.lending import Loan, asked
from authority.audit.terms import (
    ENDED,
    FOR_ANY,
    LIVE,
    Made,
    Piece,
    Taken,
    issued_by,
    lookup_terms_in,
    pieces_of,
    session_terms_in,
    terms_in,
)
from authority.audit.visibility import accounts_of, keys_in, owner_of, view
from authority.kernel.ids import LONG_TERM_KEY, ROLE
from authority.ledger.codec import UPCASTERS, upcast
from authority.ledger.port import BEGINNING, Entry
from authority.model.event import Event, read_event
from authority.model.principals import AccessKeyCreated
from authority.model.sessions import SessionEnded, SessionIssued, SessionKind
from authority.projections.tables import BLOCK_BITS, SEGMENT_BITS, WHOLE_LOG, bit_of, term_number, trail_number

_replace = msgspec.structs.replace
_MICROSECOND: Final = timedelta(microseconds=1)
_ENDED: Final = term_number(ENDED)
MOST_KEPT: Final = 1 << 12
"""Pieces whose numbers are kept."""

_EVERYWHERE, _WITH_SESSIONS, _ON_TRAILS = range(3)
"""What is listed everywhere, what where the session of an event is too, and what on the trails of accounts only."""


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


Numbers: TypeAlias = list[tuple[int, int]]
"""The numbers of terms, each with where they are listed."""

Postings: TypeAlias = defaultdict[int, defaultdict[int, dict[int, int]]]
"""By block, trail and term, the bits of the positions."""


class _Listed(NamedTuple):
    """Where an event is listed: on a trail (and the whole log, if shared), with the session that it issued or not."""

    trail: int
    shared: bool
    with_session: bool


class Rows:
    """What one page adds and changes."""

    __slots__ = (
        "_block",
        "_found",
        "_sessions",
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
        "shared",
        "uses",
    )

    def __init__(self) -> None:
        """Begin with nothing."""
        self._whose: dict[str, str] = {}
        self._sessions: dict[str, Issued] = {}
        self.keys: list[tuple[str, str]] = []
        self.segments: set[int] = set()
        self.moments: list[tuple[int, int]] = []
        self._block = -1
        self._found: defaultdict[_Listed, dict[Piece, int]] = defaultdict(dict)
        """The bits of the positions in the block under way."""
        self.postings: Postings = _no_postings()
        self.shared: Postings = _no_postings()
        """What stands on the trail of an account, and in the whole log too."""
        self.over: defaultdict[tuple[int, int], int] = defaultdict(int)
        """By block and trail, the bits of where the sessions were issued that are live no more."""
        self.sessions: list[tuple[Any, ...]] = []
        self.ends: list[tuple[Any, ...]] = []
        self.uses: dict[str, tuple[Any, ...]] = {}
        self.accesses: dict[tuple[str, str], tuple[Any, ...]] = {}
        self.loans: list[tuple[int, int, Loan, bool]] = []

    def unknown(self, keys: Iterable[str]) -> list[str]:
        """Those of *keys* of which earlier pages must be asked."""
        return [key for key in keys if key not in self._whose]

    def know(self, known: Known) -> None:
        """Learn what earlier pages said."""
        self._whose.update(known.accounts)
        self._sessions.update(known.sessions)

    def add(self, entry: Entry, event: Event) -> None:
        """Take one entry into account."""
        position = entry.position
        self.segments.add(position >> SEGMENT_BITS)
        self.moments.append((microseconds(entry.at), position))
        wanted = asked(event)
        if wanted is not None:
            self.loans.append((position, microseconds(event.decided_at), wanted.loan, wanted.issued))
        issued: SessionIssued | None = None
        for fact in event.facts:
            match fact:
                case AccessKeyCreated():
                    self._whose[fact.access_key_id] = fact.account
                    self.keys.append((fact.access_key_id, fact.account))
                case SessionIssued():
                    issued = fact
                    self._issue(position, issued, None if wanted is None else wanted.loan.id)
                case SessionEnded():
                    self._end(position, fact)
                case _:
                    pass
        self._post(position, event, issued)
        self._use(position, event)

    def _post(self, position: int, event: Event, issued: SessionIssued | None) -> None:
        owner = owner_of(event, self._whose)
        if owner:
            self._find(position, event, _Listed(trail_number(owner), True, issued is not None))
            return
        self._find(position, event, _Listed(WHOLE_LOG, False, issued is not None))
        accounts = accounts_of(event, self._whose)
        bare = _bare(event)
        for account in accounts:
            seen = view(bare, account, accounts, self._whose)
            if seen is not None:
                shown = issued_by(seen)
                listed = shown is not None and shown.account == account
                self._find(position, seen, _Listed(trail_number(account), False, listed))

    def _find(self, position: int, event: Event, listed: _Listed) -> None:
        """Have the trails of *listed* find *event*."""
        if position >> BLOCK_BITS != self._block:
            self.spread()
            self._block = position >> BLOCK_BITS
        found, bit = self._found[listed], bit_of(position)
        for piece in pieces_of(event):
            found[piece] = found.get(piece, 0) | bit

    def spread(self) -> None:
        """Bring to the postings what was found in the block under way.  Call it after the last entry."""
        numbers: dict[Piece, Numbers] = {}
        nowhere: dict[int, int] = {}
        for (trail, shared, with_session), found in self._found.items():
            own = self.postings[self._block][trail]
            listed = self.shared[self._block][trail] if shared else own
            into = (listed, listed if with_session else nowhere, nowhere if trail == WHOLE_LOG else own)
            for piece, bits in found.items():
                by = numbers.get(piece)
                if by is None:
                    by = numbers[piece] = (_numbers if isinstance(piece, _OF_ONE) else _kept)(piece)
                for where, number in by:
                    here = into[where]
                    here[number] = here.get(number, 0) | bits
        self._found.clear()

    def _issue(self, position: int, issued: SessionIssued, loan: bytes | None) -> None:
        self._sessions[issued.access_key_id] = Issued(issued.account, issued.role_id, position)
        self._whose[issued.access_key_id] = issued.account
        self.sessions.append(
            (issued.access_key_id, issued.account, issued.role_id, position, microseconds(issued.expires_at), loan)
        )

    def _end(self, position: int, ended: SessionEnded) -> None:
        session = self._sessions.get(ended.access_key_id)
        if session is None:
            return
        self.ends.append((ended.access_key_id, microseconds(ended.effective_at), position, str(ended.cause)))
        for trail in (WHOLE_LOG, trail_number(session.account)):
            self.over[session.position >> BLOCK_BITS, trail] |= bit_of(session.position)
            listed = self.postings[session.position >> BLOCK_BITS][trail]
            listed[_ENDED] = listed.get(_ENDED, 0) | bit_of(session.position)

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
            session = self._sessions.get(decision.judged)
            used = decision.judged if session is None else session.role_id
            if used.startswith((LONG_TERM_KEY, ROLE)):
                self.uses[used] = (used, at, decision.action.partition(":")[0], request.region, position)


def _bare(event: Event) -> Event:
    """*event* without what no term says, which would only be cut down for each account."""
    return _replace(event, decisions=tuple(_replace(one, context={}, determined_by=()) for one in event.decisions))


def _no_postings() -> Postings:
    return defaultdict(lambda: defaultdict(dict))


def _numbers(piece: Piece) -> Numbers:
    """What *piece* is found by."""
    if isinstance(piece, tuple):
        return [(_EVERYWHERE, term_number(piece))] if piece[1] else []
    of_sessions = (*session_terms_in(piece), LIVE) if isinstance(piece, Taken) else session_terms_in(piece)
    listed = ((_EVERYWHERE, terms_in(piece)), (_WITH_SESSIONS, of_sessions), (_ON_TRAILS, lookup_terms_in(piece)))
    return [(where, term_number(term)) for where, terms in listed for term in terms if term[1] or term in FOR_ANY]


_kept = lru_cache(maxsize=MOST_KEPT)(_numbers)
_OF_ONE: Final = (tuple, Made)
"""Pieces that mostly are of one entry alone: their numbers are not kept."""


def named_in(events: Iterable[Event]) -> set[str]:
    """The keys that must be known before *events* can be indexed."""
    found: set[str] = set()
    for event in events:
        found |= keys_in(event)
        for fact in event.facts:
            if isinstance(fact, SessionEnded):
                found.add(fact.access_key_id)
        for one in event.decisions:
            if one.judged:
                found.add(one.judged)
    return found
