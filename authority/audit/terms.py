"""What an entry can be found by: pairs of a field and a value, read off the event and off nothing else.

An index may hold them in any form it likes; it only proposes.  Whether an entry belongs into an answer is decided by
the terms of the event *as whoever asks may see it*, so that no filter tells more than the record would.

An event is taken apart into pieces, each of which is found by terms of its own.  Events that lie near each other have
most of their pieces in common, so that an index works out the terms of each piece once.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, TypeAlias, assert_never

import msgspec

from authority.audit.attributes import (
    ASSUMED_ROLE_TYPE,
    KEY_TYPE,
    Resource,
    asked_for,
    assumed_role,
    named,
    read_only,
    user_name,
)
from authority.kernel.arn import parse, partition_of
from authority.kernel.ids import ROLE, TEMPORARY_KEY, AccessKeyId
from authority.model.authority import UnprovenRequestsSummarised
from authority.model.event import CallerRecord, Event
from authority.model.fact import Fact
from authority.model.principals import AccessKeyCreated
from authority.model.sessions import SessionIssued, SessionKind


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
FOR_ANY: Final = (ANY, ANY_SESSION)
"""The only terms that find anything without a value."""


class Happened(msgspec.Struct, frozen=True, gc=False):
    """What was asked for or done, and what came of it.  What strangers *tried* says that of each of their requests."""

    type: str
    refused: str
    tried: bool


class Weighed(msgspec.Struct, frozen=True, gc=False):
    """A question that was put to the policy engine."""

    action: str
    resource: str
    judged: str


class Issuer(msgspec.Struct, frozen=True, gc=False):
    """Whose permissions a session has: ARN and unique id of the role, or of another."""

    arn: str
    id: str
    kind: SessionKind


class Made(msgspec.Struct, frozen=True, gc=False):
    """What a session that was issued brought about, each of it once: its key, and the role as it was taken on."""

    key: str
    assumed_role: str


class Taken(msgspec.Struct, frozen=True, gc=False):
    """The role of a session that was issued."""

    id: str
    arn: str


class Chain(msgspec.Struct, frozen=True, gc=False):
    """How a session that was issued came about."""

    caller_key: str
    caller_arn: str
    caller_id: str
    root_principal: str
    source_identity: str
    ancestors: tuple[AccessKeyId, ...]


Piece: TypeAlias = Term | Happened | CallerRecord | Issuer | Weighed | Resource | Made | Taken | Chain
"""A part of an event; pieces that are equal are found by the same terms."""


def pieces_of(event: Event) -> list[Piece]:
    """*event* taken apart."""
    request, caller = event.request, event.caller
    pieces: list[Piece] = []
    tried = False
    for fact in event.facts:
        pieces += _became_true(event, fact)
        tried = tried or isinstance(fact, UnprovenRequestsSummarised)
    pieces.append(Happened(event.type, event.outcome.refused, tried))
    if request is not None:
        pieces += ((Field.ID, request.id), (Field.SOURCE_ADDRESS, request.source_address), *asked_for(request))
    if caller is not None:
        pieces.append(caller)
        if caller.session is not None:
            pieces.append(Issuer(caller.session.issuer_arn, caller.session.issuer_id, caller.session.kind))
    for decision in event.decisions:
        pieces.append(Weighed(decision.action, decision.resource, decision.judged))
    return pieces


def terms_in(piece: Piece) -> Sequence[Term]:
    """What *piece* is found by.  A value that is empty finds nothing, but for that of `ANY`."""
    match piece:
        case Made():
            return ((Field.ACCESS_KEY, piece.key),)
        case Happened():
            return _happened(piece)
        case CallerRecord():
            return _asked(piece)
        case Weighed():
            return _weighed(piece)
        case Taken():
            return ((Field.ROLE, piece.id), (Field.ROLE, piece.arn))
        case Chain():
            return ((Field.ACCESS_KEY, piece.caller_key),)
        case Resource():
            return ()
        case Issuer():
            return _had_permissions(piece)
        case tuple():
            return (piece,)
        case _:
            assert_never(piece)


def session_terms_in(piece: Piece) -> Sequence[Term]:
    """What a session is found by, where sessions are listed, of which *piece* is a part."""
    match piece:
        case Taken():
            return (ANY_SESSION, (Field.SESSION_ROLE, piece.id), (Field.SESSION_ROLE, piece.arn))
        case Chain():
            return (
                (Field.SESSION_PRINCIPAL, piece.caller_arn),
                (Field.SESSION_PRINCIPAL, piece.caller_id),
                (Field.SESSION_PRINCIPAL, piece.root_principal),
                (Field.SESSION_SOURCE_IDENTITY, piece.source_identity),
                *((Field.SESSION_ANCESTOR, key) for key in piece.ancestors),
                *((Field.SESSION_DEPTH, str(depth)) for depth in range(2, depth_of(piece.ancestors) + 1)),
            )
        case _:
            return ()


def lookup_terms_in(piece: Piece) -> Sequence[Term]:
    """What AWS's own search finds by *piece*."""
    match piece:
        case Made():
            return ((Field.RESOURCE_NAME, piece.key), (Field.RESOURCE_NAME, piece.assumed_role))
        case Happened():
            return (
                (Field.EVENT_NAME, named(piece.type)[1]),
                (Field.READ_ONLY, "true" if read_only(piece.type) else "false"),
            )
        case CallerRecord():
            return ((Field.USER_NAME, user_name(piece)),)
        case Resource():
            return ((Field.RESOURCE_TYPE, piece.type), (Field.RESOURCE_NAME, piece.name))
        case Taken():
            return (
                (Field.RESOURCE_TYPE, KEY_TYPE),
                (Field.RESOURCE_TYPE, ASSUMED_ROLE_TYPE if piece.arn else ""),
            )
        case _:
            return ()


def terms_of(event: Event) -> set[Term]:
    """Everything that *event* can be found by, but what AWS's own search finds it by."""
    found: list[Term] = []
    for piece in pieces_of(event):
        if isinstance(piece, tuple):
            found.append(piece)
        else:
            found += terms_in(piece)
    return {term for term in found if term[1] or term in FOR_ANY}


def lookup_terms(event: Event) -> set[Term]:
    """What AWS's own search finds *event* by, beside `terms_of`."""
    return {term for piece in pieces_of(event) for term in lookup_terms_in(piece) if term[1]}


def terms_of_session(event: Event, issued: SessionIssued) -> set[Term]:
    """Everything but its status that the session *issued* by *event* can be found by, beside the terms of the event."""
    return {
        term for piece in _became_true(event, issued) for term in session_terms_in(piece) if term[1] or term in FOR_ANY
    }


def depth_of(ancestors: Iterable[str]) -> int:
    """How many sessions there are in the chain of one that came by *ancestors*, itself included."""
    return 1 + sum(key.startswith(TEMPORARY_KEY) for key in ancestors)


def issued_by(event: Event) -> SessionIssued | None:
    """The session that *event* issued; an entry issues one at most."""
    for fact in event.facts:
        if isinstance(fact, SessionIssued):
            return fact
    return None


def partition(event: Event) -> str:
    """The partition that *event* happened in."""
    return partition_of(event.request.region if event.request is not None else "")


def role_arn(event: Event, issued: SessionIssued) -> str:
    """The ARN that the role of a session had when it was issued; empty where it is a user's."""
    return issued.issuer_arn(partition(event)) if issued.kind is SessionKind.ROLE else ""


def _happened(what: Happened) -> Sequence[Term]:
    found = (ANY, *_action(what.type))
    if what.refused:
        return (*found, (Field.OUTCOME, REFUSED), (Field.OUTCOME, what.refused))
    return found if what.tried else (*found, (Field.OUTCOME, ALLOWED))


@lru_cache(maxsize=4096)
def _action(name: str) -> tuple[Term, ...]:
    lowered = name.lower()
    return (Field.ACTION, lowered), (Field.ACTION, f"{lowered.partition(':')[0]}:*")


def _asked(caller: CallerRecord) -> Sequence[Term]:
    return (
        (Field.PRINCIPAL, caller.arn),
        (Field.PRINCIPAL_ID, caller.principal_id),
        (Field.ACCESS_KEY, caller.access_key_id),
        (Field.SESSION_NAME, "" if caller.session is None else caller.session.name),
    )


def _had_permissions(issuer: Issuer) -> Sequence[Term]:
    principal = (Field.PRINCIPAL, issuer.arn)
    if issuer.kind is SessionKind.ROLE:
        return (principal, (Field.ROLE, issuer.arn), (Field.ROLE, issuer.id))
    return (principal,)


def _weighed(question: Weighed) -> Sequence[Term]:
    found = (*_action(question.action), (Field.ACCESS_KEY, question.judged))
    if ":role/" in question.resource:
        resource = parse(question.resource)
        if resource is not None and resource.service == "iam" and resource.kind == "role":
            return (*found, (Field.ROLE, question.resource))
    return found


def _became_true(event: Event, fact: Fact) -> Sequence[Piece]:
    match fact:
        case SessionIssued():
            return (
                Made(fact.access_key_id, assumed_role(fact)),
                (Field.SESSION_NAME, fact.session_name),
                Taken(fact.role_id, role_arn(event, fact)),
                Chain(
                    fact.caller_access_key_id,
                    fact.caller_arn,
                    fact.caller_principal_id,
                    fact.root_principal,
                    fact.source_identity,
                    fact.ancestors,
                ),
            )
        case UnprovenRequestsSummarised():
            found: list[Piece] = []
            for one in fact.requests:
                found += (
                    (Field.ACCESS_KEY, one.access_key_id),
                    (Field.SOURCE_ADDRESS, one.source),
                    (Field.OUTCOME, REFUSED),
                    (Field.OUTCOME, one.reason),
                )
            return found
        case AccessKeyCreated():
            return ((Field.ACCESS_KEY, fact.access_key_id), Resource(KEY_TYPE, fact.access_key_id))
        case _:
            holder: str = getattr(fact, "holder", "")
            return (
                (Field.ACCESS_KEY, getattr(fact, "access_key_id", "")),
                (Field.ACCESS_KEY, getattr(fact, "ancestor", "")),
                (Field.ROLE, getattr(fact, "role_id", "")),
                (Field.ROLE, holder if holder.startswith(ROLE) else ""),
            )
