"""Questions to the projections, as values.  A decision makes one; the rim has it answered off the committer."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import msgspec

from authority.audit.terms import ANY, ANY_SESSION, ENDED, LIVE, Field, Term
from authority.kernel.refusal import Refusal
from authority.model.sessions import SessionIssued

MOST_RESULTS: Final = 1000
DEFAULT_RESULTS: Final = 50


class Order(enum.StrEnum):
    """Which end of the log comes first."""

    NEWEST = "newest"
    OLDEST = "oldest"


class Status(enum.StrEnum):
    """Which sessions are asked for.

    A session is active while a request of its own would be served, and has ended when its end is in the log.  In the
    moment that the workers need between the two it is neither, and so is an orphan until its time is over.
    """

    ACTIVE = "active"
    ENDED = "ended"
    ALL = "all"


class Standing(enum.StrEnum):
    """How a session stands."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"
    ORPHANED = "orphaned"
    """Its role, user, account, or the key that it must not outlive is gone."""


class Range(msgspec.Struct, frozen=True):
    """Positions of the log, both ends included; empty when they have crossed."""

    low: int
    high: int


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """A question.  `shape` makes the operation's output of what was found; None leaves it as it is."""

    shape: Callable[[Any], object] | None = None


class _Paged(Query, frozen=True, kw_only=True):
    """A question whose answer comes in pages.

    `account` is whose trail is looked at, with its eyes; None sees everything, and may narrow it to one account's trail
    by `trail`.  `resume` is what is left of the log when earlier pages were read (`tokens.read`).
    """

    account: str | None
    trail: str = ""
    order: Order = Order.NEWEST
    max_results: int = DEFAULT_RESULTS
    resume: Range | None = None

    def conditions(self) -> frozenset[Term]:
        """The terms that all must hold of whatever is found."""
        raise NotImplementedError

    def scope(self) -> bytes:
        """What a token is good for: this question, asked with these eyes, and no other."""
        said = [type(self).__name__, self.account, self.trail, self.order, sorted(self.conditions()), self._bounds()]
        return hashlib.sha256(msgspec.json.encode(said)).digest()

    def _bounds(self) -> list[object]:
        return []


class FindEvents(_Paged, frozen=True, kw_only=True):
    """Entries of the log; an empty filter does not filter.

    Times are recorded times, `since` included and `until` not; positions are both included.  A `principal` is an ARN
    (of a role: every session of it), a `role` a unique id or an ARN, a `session` its access key id.  The answer is an
    `answers.Events`.
    """

    since: datetime | None = None
    until: datetime | None = None
    from_position: int = 1
    to_position: int | None = None
    principal: str = ""
    principal_id: str = ""
    access_key: str = ""
    session: str = ""
    session_name: str = ""
    role: str = ""
    action: str = ""
    outcome: str = ""
    source_address: str = ""

    def conditions(self) -> frozenset[Term]:
        """See `_Paged`."""
        asked = {
            (Field.PRINCIPAL, self.principal),
            (Field.PRINCIPAL_ID, self.principal_id),
            (Field.ACCESS_KEY, self.access_key),
            (Field.ACCESS_KEY, self.session),
            (Field.SESSION_NAME, self.session_name),
            (Field.ROLE, self.role),
            (Field.ACTION, self.action.lower()),
            (Field.OUTCOME, self.outcome),
            (Field.SOURCE_ADDRESS, self.source_address),
        }
        return frozenset(term for term in asked if term[1]) or frozenset({ANY})

    def _bounds(self) -> list[object]:
        return [self.since, self.until, self.from_position, self.to_position]


class SeeEvents(FindEvents, frozen=True, kw_only=True):
    """The same question by somebody who goes on working with the entries.  The answer is an `answers.SeenEvents`."""


class LookUpEvents(SeeEvents, frozen=True, kw_only=True):
    """The events that AWS's own search finds by one attribute (CloudTrail API, LookupEvents); None finds all.

    Only on the trail of an *account*.  The term proposes, and may propose more than what has the attribute.
    """

    attribute: Term | None = None

    def conditions(self) -> frozenset[Term]:
        """See `_Paged`."""
        return frozenset({ANY if self.attribute is None else self.attribute})


class FindSessions(_Paged, frozen=True, kw_only=True):
    """Sessions of an account's roles, in the order of their issue; an empty filter does not filter.

    `now` is the moment that activity is judged at.  A `principal` (ARN or unique id) took the role on or stands at the
    root of the chain; `descends_from` is a key anywhere in it, and `min_depth` how many sessions there are in it at
    least, itself included, as far as they may be seen.  The answer is a `answers.Sessions`.
    """

    now: datetime
    standing: Callable[[SessionIssued, int], Standing] | None = None
    """How a session stands that was issued at a position and of whose end the log says nothing; None asks no more."""
    status: Status = Status.ALL
    session: str = ""
    role: str = ""
    principal: str = ""
    descends_from: str = ""
    session_name: str = ""
    source_identity: str = ""
    source_address: str = ""
    min_depth: int = 1

    def conditions(self) -> frozenset[Term]:
        """See `_Paged`."""
        asked = {
            (Field.SESSION_DEPTH, str(self.min_depth) if self.min_depth > 1 else ""),
            (Field.ACCESS_KEY, self.session),
            (Field.SESSION_ROLE, self.role),
            (Field.SESSION_PRINCIPAL, self.principal),
            (Field.SESSION_ANCESTOR, self.descends_from),
            (Field.SESSION_SOURCE_IDENTITY, self.source_identity),
            (Field.SESSION_NAME, self.session_name),
            (Field.SOURCE_ADDRESS, self.source_address),
        }
        found = {term for term in asked if term[1]}
        found.add({Status.ACTIVE: LIVE, Status.ENDED: ENDED, Status.ALL: ANY_SESSION}[self.status])
        return frozenset(found)


class OneEvent(Query, frozen=True, kw_only=True):
    """The entry with the request id or the position *id*, as *account* sees it; None sees everything.

    The answer is an `answers.EventRecord`, or a `Refusal` in the same words whether it is missing or not to be seen:
    `missing`, if that is given.
    """

    id: str
    account: str | None
    missing: Refusal | None = None


class LastUsed(Query, frozen=True, kw_only=True):
    """When each of *ids* was last used: access key ids, and unique ids of roles.

    The answer is a mapping from id to `answers.LastUse`; what was never used is not in it.
    """

    ids: tuple[str, ...]


class AccessKeyLastUsed(Query, frozen=True, kw_only=True):
    """When a long-term access key was last used.  The answer is an `answers.LastUse`, or None."""

    access_key_id: str


class RoleLastUsed(Query, frozen=True, kw_only=True):
    """When a session of a role last asked for anything.  The answer is an `answers.LastUse`, or None."""

    role_id: str
