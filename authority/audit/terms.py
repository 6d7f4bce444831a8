"""What an entry can be found by: pairs of a field and a value, read off the event and off nothing else.

An index may hold them in any form it likes; it only proposes.  Whether an entry belongs into an answer is decided by
the terms of the event *as whoever asks may see it*, so that no filter tells more than the record would.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, TypeAlias

from authority.kernel.arn import parse, partition_of
from authority.kernel.ids import ROLE, TEMPORARY_KEY
from authority.model.authority import UnprovenRequestsSummarised
from authority.model.event import CallerRecord, DecisionRecord, Event
from authority.model.fact import Fact
from authority.model.sessions import SessionEnded, SessionIssued, SessionKind


class Field(enum.StrEnum):
    """What a term says.  The values are stored in indexes: a changed one means another version of the projection."""

    ANY = "any"
    ID = "id"
    PRINCIPAL = "principal"
    """The ARN of who asked; for a session also that of the role or user whose permissions it has."""
    PRINCIPAL_ID = "principal-id"
    ACCESS_KEY = "access-key"
    """A key, long-term or a session's, that asked, was issued, ended, judged, changed, or tried in vain."""
    SESSION_NAME = "session-name"
    ROLE = "role"
    """The unique id or the ARN of a role that asked, was taken on, was asked for, or changed."""
    ACTION = "action"
    """Of the request and of every permission that it needed, in lower case; `iam:*` is the whole service."""
    OUTCOME = "outcome"
    """`allowed`, or `refused` and the reason."""
    SOURCE_ADDRESS = "source-address"

    EVENT_NAME = "lookup/event-name"
    READ_ONLY = "lookup/read-only"
    USER_NAME = "lookup/user-name"
    RESOURCE_TYPE = "lookup/resource-type"
    RESOURCE_NAME = "lookup/resource-name"
    """What AWS's trail is searched by (`audit.attributes`); kept for accounts, not for the whole log."""

    SESSION_ANY = "session/any"
    SESSION_ROLE = "session/role"
    SESSION_PRINCIPAL = "session/principal"
    """The ARN or the unique id of who took the role on, and of whoever stands at the root of the chain."""
    SESSION_ANCESTOR = "session/ancestor"
    """A key that the session descends from."""
    SESSION_DEPTH = "session/depth"
    """Every depth from 2 on that the chain has come to; a session that none came before has no such term."""
    SESSION_SOURCE_IDENTITY = "session/source-identity"
    SESSION_STATUS = "session/status"
    """`live` until the end is in the log, then `ended`.  Read off the log, not off the entry that issued it."""


Term: TypeAlias = tuple[Field, str]

ALLOWED: Final = "allowed"
REFUSED: Final = "refused"
LIVE: Final[Term] = (Field.SESSION_STATUS, "live")
ENDED: Final[Term] = (Field.SESSION_STATUS, "ended")
ANY: Final[Term] = (Field.ANY, "")
ANY_SESSION: Final[Term] = (Field.SESSION_ANY, "")


def terms_of(event: Event) -> set[Term]:
    """Everything that *event* can be found by.  A value that is empty finds nothing."""
    found: list[Term] = [*_action(event.type)]
    if event.outcome.refused:
        found += ((Field.OUTCOME, REFUSED), (Field.OUTCOME, event.outcome.refused))
    elif not any(isinstance(fact, UnprovenRequestsSummarised) for fact in event.facts):
        found.append((Field.OUTCOME, ALLOWED))
    if event.request is not None:
        found += ((Field.ID, event.request.id), (Field.SOURCE_ADDRESS, event.request.source_address))
    if event.caller is not None:
        found += _asked(event.caller)
    for decision in event.decisions:
        found += _decided(decision)
    for fact in event.facts:
        found += _became_true(event, fact)
    terms = {term for term in found if term[1]}
    terms.add(ANY)
    return terms


def terms_of_session(event: Event, issued: SessionIssued) -> set[Term]:
    """Everything but its status that the session *issued* by *event* can be found by, beside the terms of the event."""
    found: set[Term] = {
        (Field.SESSION_ROLE, issued.role_id),
        (Field.SESSION_ROLE, role_arn(event, issued)),
        (Field.SESSION_PRINCIPAL, issued.caller_arn),
        (Field.SESSION_PRINCIPAL, issued.caller_principal_id),
        (Field.SESSION_PRINCIPAL, issued.root_principal),
        (Field.SESSION_SOURCE_IDENTITY, issued.source_identity),
        *((Field.SESSION_ANCESTOR, key) for key in issued.ancestors),
        *((Field.SESSION_DEPTH, str(depth)) for depth in range(2, depth_of(issued.ancestors) + 1)),
    }
    found = {term for term in found if term[1]}
    found.add(ANY_SESSION)
    return found


def depth_of(ancestors: Iterable[str]) -> int:
    """How many sessions there are in the chain of one that came by *ancestors*, itself included."""
    return 1 + sum(key.startswith(TEMPORARY_KEY) for key in ancestors)


def issued_by(event: Event) -> SessionIssued | None:
    """The session that *event* issued; an entry issues one at most."""
    return next((fact for fact in event.facts if isinstance(fact, SessionIssued)), None)


def partition(event: Event) -> str:
    """The partition that *event* happened in."""
    return partition_of(event.request.region if event.request is not None else "")


def role_arn(event: Event, issued: SessionIssued) -> str:
    """The ARN that the role of a session had when it was issued; empty where it is a user's."""
    return issued.issuer_arn(partition(event)) if issued.kind is SessionKind.ROLE else ""


@lru_cache(maxsize=4096)
def _action(name: str) -> tuple[Term, ...]:
    lowered = name.lower()
    return (Field.ACTION, lowered), (Field.ACTION, f"{lowered.partition(':')[0]}:*")


def _asked(caller: CallerRecord) -> list[Term]:
    found = [
        (Field.PRINCIPAL, caller.arn),
        (Field.PRINCIPAL_ID, caller.principal_id),
        (Field.ACCESS_KEY, caller.access_key_id),
    ]
    if caller.session is not None:
        found += ((Field.PRINCIPAL, caller.session.issuer_arn), (Field.SESSION_NAME, caller.session.name))
        if caller.session.kind is SessionKind.ROLE:
            found += ((Field.ROLE, caller.session.issuer_arn), (Field.ROLE, caller.session.issuer_id))
    return found


def _decided(decision: DecisionRecord) -> list[Term]:
    found = [*_action(decision.action), (Field.ACCESS_KEY, decision.judged)]
    if ":role/" in decision.resource:
        resource = parse(decision.resource)
        if resource is not None and resource.service == "iam" and resource.kind == "role":
            found.append((Field.ROLE, decision.resource))
    return found


def _became_true(event: Event, fact: Fact) -> list[Term]:
    found: list[Term] = [
        (Field.ACCESS_KEY, getattr(fact, "access_key_id", "")),
        (Field.ACCESS_KEY, getattr(fact, "ancestor", "")),
    ]
    match fact:
        case SessionIssued():
            found += (
                (Field.ACCESS_KEY, fact.caller_access_key_id),
                (Field.SESSION_NAME, fact.session_name),
                (Field.ROLE, fact.role_id),
                (Field.ROLE, role_arn(event, fact)),
            )
        case UnprovenRequestsSummarised():
            for one in fact.requests:
                found += (
                    (Field.ACCESS_KEY, one.access_key_id),
                    (Field.SOURCE_ADDRESS, one.source),
                    (Field.OUTCOME, REFUSED),
                    (Field.OUTCOME, one.reason),
                )
        case _:
            found.append((Field.ROLE, getattr(fact, "role_id", "")))
            holder: str = getattr(fact, "holder", "")
            if holder.startswith(ROLE):
                found.append((Field.ROLE, holder))
    return found


def ended_by(event: Event) -> tuple[SessionEnded, ...]:
    """The sessions whose end *event* records."""
    return tuple(fact for fact in event.facts if isinstance(fact, SessionEnded))
