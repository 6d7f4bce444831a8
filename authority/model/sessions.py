"""Sessions: they are born and end in the log, but are not in the state; their tokens carry what they are."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import ClassVar

from authority.kernel.ids import AccessKeyId, RoleId, SealingKeyId
from authority.kernel.tags import Tag
from authority.model.fact import AccountFact


class SessionIssued(AccountFact, frozen=True, kw_only=True, tag="session-issued"):
    """A caller took on a role and received temporary credentials.  *account* is the role's.

    `access_key_id` names the session everywhere.  `ancestors` are the access keys that led here, the first a
    long-term key.  `decided_from` is the position of the newest configuration the decision saw.
    """

    CONFIG: ClassVar[bool] = False

    access_key_id: AccessKeyId
    role_id: RoleId
    role_name: str
    role_path: str
    session_name: str
    issued_at: datetime
    expires_at: datetime
    caller_access_key_id: AccessKeyId
    caller_arn: str
    caller_principal_id: str
    ancestors: tuple[AccessKeyId, ...]
    root_principal: str
    decided_from: int
    sealing_key_id: SealingKeyId
    source_identity: str = ""
    external_id: str = ""
    tags: tuple[Tag, ...] = ()
    transitive_keys: tuple[str, ...] = ()
    policy: str = ""
    policy_versions: tuple[tuple[str, str], ...] = ()
    mfa_at: datetime | None = None


class EndCause(enum.StrEnum):
    """What ended a session."""

    EXPIRED = "expired"
    REVOKED = "revoked"


class SessionEnded(AccountFact, frozen=True, kw_only=True, tag="session-ended"):
    """A session is over.  There is one such fact for each session, whoever notices first."""

    CONFIG: ClassVar[bool] = False

    access_key_id: AccessKeyId
    effective_at: datetime
    cause: EndCause
