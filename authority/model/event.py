"""What one entry of the log says: who asked what, what was decided and why, what came of it, what became true.

Formats are for ever: replay, lineage and what-if read every field.  Fields are never renamed, reordered or removed; a
new one comes last and has a default.  Secrets never enter.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, TypeAlias

import msgspec

from authority.kernel.ids import AccessKeyId
from authority.model.events import AnyFact
from authority.model.sessions import SessionKind
from authority.policy.combine import Effect, Matched

FORMAT: Final = 1
LARGEST: Final = 65_535
"""Bytes of one entry: a tile's bundle writes lengths in sixteen bits (C2SP tlog-tiles)."""

ContextValue: TypeAlias = str | tuple[str, ...]


class RequestRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What was asked, from where.  `parameters` are as sent, without secrets; long ones are cut and say so."""

    id: str
    service: str
    action: str
    parameters: dict[str, Any] = {}
    source_address: str = ""
    user_agent: str = ""
    secure: bool = False
    region: str = ""


class SessionRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The session somebody asked with: whose permissions it has, and the way back to a long-term key."""

    issuer_arn: str
    issuer_id: str
    name: str
    issued_at: datetime
    ancestors: tuple[AccessKeyId, ...]
    root_principal: str
    source_identity: str = ""
    mfa_at: datetime | None = None
    kind: SessionKind = SessionKind.ROLE


class CallerRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Who asked, proven."""

    kind: str
    arn: str
    principal_id: str
    account: str
    access_key_id: str
    session: SessionRecord | None = None


class DecisionRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One question put to the policy engine, with all that it knew, and the statements that determined the answer.

    `judged` is the access key of a caller that a resource server asked about; it is empty where the caller of this
    request was judged.  `asserted` are the context keys that only the resource server vouches for.  `unproven` is the
    reason for which that caller's signature did not count; then `principal` is nobody and the effect is no.
    """

    principal: str
    action: str
    resource: str
    resource_account: str
    effect: Effect
    context: dict[str, ContextValue]
    determined_by: tuple[Matched, ...] = ()
    missing: tuple[str, ...] = ()
    judged: str = ""
    asserted: tuple[str, ...] = ()
    unproven: str = ""


class Outcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What the caller was told; no refusal here means that it was done.  `warnings` are remarks on what was done."""

    refused: str = ""
    message: str = ""
    warnings: tuple[str, ...] = ()


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One request, or one act of the authority.

    `type` is the action (`sts:AssumeRole`) or the act (`authority:SessionExpired`), `subject` what it was about,
    `lane` `config` when a fact changes what later decisions see, else `session`.
    """

    type: str
    v: int
    decided_at: datetime
    lane: str
    subject: str
    facts: tuple[AnyFact, ...] = ()
    request: RequestRecord | None = None
    caller: CallerRecord | None = None
    decisions: tuple[DecisionRecord, ...] = ()
    outcome: Outcome = Outcome()


class FoldedEvent(msgspec.Struct, frozen=True, gc=False):
    """The part of an entry that the state is folded from; the rest is passed over unread."""

    decided_at: datetime
    facts: tuple[AnyFact, ...] = ()


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Event)
_FOLDED: Final = msgspec.json.Decoder(FoldedEvent)


def write_event(event: Event) -> bytes:
    """Spell *event* as the bytes that are stored and hashed."""
    return _ENCODER.encode(event)


def read_event(body: bytes) -> Event:
    """Read a whole entry."""
    return _DECODER.decode(body)


def read_folded(body: bytes) -> FoldedEvent:
    """Read no more of an entry than the state needs."""
    return _FOLDED.decode(body)
