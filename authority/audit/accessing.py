"""Which services and actions a user or role used, and when last: what one event says of it, and the question about it.

What was refused counts too; a signature that did not count does not.  A federated user is nobody that IAM knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import msgspec

from authority.audit.queries import Query
from authority.kernel.ids import ROLE, USER
from authority.model.event import CallerRecord, DecisionRecord, Event
from authority.model.sessions import SessionKind

USER_ID: Final = "aws:userid"
LONGEST_ACTION: Final = 256
"""Characters of an action's name; what resource servers make up beyond that is not kept here."""


class Access(msgspec.Struct, frozen=True):
    """A user or role, by its unique id, used an action (`s3:GetObject`) in a region."""

    who: str
    action: str
    region: str


def accesses(event: Event) -> Iterator[Access]:
    """What *event* says of the use of actions: of ours by who asked, of others' by whom their servers asked about."""
    if event.caller is None or event.request is None:
        return
    who = _asker(event.caller)
    if who and event.request.action in event.type:
        yield Access(who, event.type, event.request.region)
    for decision in event.decisions:
        who = _judged(decision)
        if who and ":" in decision.action and len(decision.action) <= LONGEST_ACTION:
            yield Access(who, decision.action, event.request.region)


def _asker(caller: CallerRecord) -> str:
    session = caller.session
    if session is None:
        return caller.principal_id if caller.principal_id.startswith(USER) else ""
    return "" if session.kind is SessionKind.FEDERATED_USER else session.issuer_id


def _judged(decision: DecisionRecord) -> str:
    if not decision.judged or decision.unproven:
        return ""
    named = decision.context.get(USER_ID, "")
    who = named.partition(":")[0] if isinstance(named, str) else ""
    return who if who.startswith((USER, ROLE)) else ""


class FindAccesses(Query, frozen=True, kw_only=True):
    """What each of *ids*, unique ids of users and roles, used.  The answer is a tuple of `Accessed`."""

    ids: tuple[str, ...]


class Accessed(msgspec.Struct, frozen=True):
    """The newest use of an action by somebody."""

    who: str
    action: str
    at: datetime
    region: str

    @property
    def service(self) -> str:
        """The service prefix, in lower case."""
        return self.action.partition(":")[0].lower()
