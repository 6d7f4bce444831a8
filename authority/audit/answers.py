"""What is answered: records that our own JSON API shows as they are, and other rooms bring into their own shape."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from authority.kernel.ids import AccessKeyId, AccountId
from authority.kernel.tags import Tag
from authority.model.event import Event


class Behind(Exception):  # noqa: N818 - what is the matter
    """A projection has not come to the position that was asked for in the time that may be waited.  Try again."""

    def __init__(self, position: int, wanted: int) -> None:
        """Say how far it has come, and how far it should have."""
        super().__init__(f"projected up to {position} and not yet up to {wanted}")
        self.position = position
        self.wanted = wanted


class OutcomeRecord(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What the caller was told: `allowed`, or `refused` with the reason by which it can be filtered."""

    result: str
    reason: str = ""
    message: str = ""
    warnings: tuple[str, ...] = ()


class EventRecord(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One entry as whoever asked may see it.

    `id` is the request's, else the position; the same event has the same id on every trail.  The nested records are
    those of the log (`model.event`) with names in camel case; what is empty or withheld is left out.  `withheld` says
    that something was.
    """

    position: int
    id: str
    recorded_at: datetime
    decided_at: datetime
    action: str
    subject: str = ""
    caller: Mapping[str, Any] | None = None
    request: Mapping[str, Any] | None = None
    decisions: tuple[Mapping[str, Any], ...] = ()
    outcome: OutcomeRecord
    facts: tuple[Mapping[str, Any], ...] = ()
    withheld: bool = False


class Events(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A page of events.  It may be short, even empty, while `next_token` asks for more.

    `position` is how far the log was looked at: everything up to there that was asked for is in this page or another.
    """

    events: tuple[EventRecord, ...]
    position: int
    next_token: str | None = None


class SeenEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One entry as whoever asked may see it, for those who go on working with it."""

    position: int
    recorded_at: datetime
    event: Event


class SeenEvents(msgspec.Struct, frozen=True, kw_only=True):
    """A page of them.  It may be short, even empty, while `next_token` asks for more."""

    events: tuple[SeenEvent, ...]
    position: int
    next_token: str | None = None


class SessionCaller(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Who took a role on."""

    account: str
    principal_id: str
    arn: str = ""
    access_key_id: str = ""


class SessionRecord(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One session: what was issued, to whom, and whether it still counts."""

    access_key_id: str
    account: str
    kind: str
    """`role`, `user` or `federated-user` (`model.sessions.SessionKind`)."""
    arn: str
    role_arn: str = ""
    role_id: str = ""
    user_arn: str = ""
    user_id: str = ""
    session_name: str = ""
    position: int
    """Where it was issued; its event says all the rest."""
    issued_at: datetime
    expires_at: datetime
    status: str
    """How it stands (`queries.Standing`)."""
    ended_at: datetime | None = None
    ended_position: int | None = None
    caller: SessionCaller
    depth: int
    """Sessions in its chain, itself included, as far as they may be seen."""
    ancestors: tuple[str, ...] = ()
    root_principal: str = ""
    source_identity: str = ""
    source_address: str = ""
    external_id: str = ""
    tags: tuple[Tag, ...] = ()
    transitive_keys: tuple[str, ...] = ()
    policy: str = ""
    mfa_at: datetime | None = None


class Sessions(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A page of sessions.  It may be short, even empty, while `next_token` asks for more."""

    sessions: tuple[SessionRecord, ...]
    position: int
    next_token: str | None = None


class LastUse(msgspec.Struct, frozen=True, rename="camel"):
    """The newest request proven with a key, or made by a session of a role; refused ones count too.

    IAM API, AccessKeyLastUsed and RoleLastUsed.
    """

    at: datetime
    service: str
    region: str
    position: int


class Due(msgspec.Struct, frozen=True):
    """A session whose time has passed and whose end is not recorded."""

    account: AccountId
    access_key_id: AccessKeyId
    expires_at: datetime
