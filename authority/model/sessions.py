"""Sessions: they are born and end in the log, but are not in the state; their tokens carry what they are."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import ClassVar

import msgspec

from authority.kernel.ids import AccessKeyId, AccountId, PolicyId, RoleId, SealingKeyId
from authority.kernel.tags import Tag
from authority.model.fact import AccountFact


class SessionKind(enum.StrEnum):
    """Whose permissions a session has."""

    ROLE = "role"
    """A role's (AssumeRole and its kin)."""
    USER = "user"
    """Those of the user, or root, who asked for it (GetSessionToken)."""
    FEDERATED_USER = "federated-user"
    """A part of those of the user, or root, who asked for it, for somebody else (GetFederationToken)."""


class SessionIssued(AccountFact, frozen=True, kw_only=True, tag="session-issued"):
    """A caller received temporary credentials.  *account* is the role's, or the user's.

    `access_key_id` names the session everywhere.  `ancestors` are the access keys that led here, the first a
    long-term key.  `decided_from` is the position of the newest configuration the decision saw.  `session_name` is
    the federated user's name in a session of that kind, and empty in a user's own.
    """

    CONFIG: ClassVar[bool] = False

    access_key_id: AccessKeyId
    role_id: RoleId = RoleId("")
    role_name: str = ""
    role_path: str = ""
    session_name: str = ""
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
    kind: SessionKind = SessionKind.ROLE
    user_id: str = ""
    """The unique id of the user behind a session that is no role's; the account id for root."""
    user_name: str = ""
    """The user's name with its path, when the session was issued; empty for root."""
    provider: str = ""
    """Who vouched for whoever received it: a provider's ARN or its well-known name; empty where a key was the proof."""
    vouched: dict[str, str | tuple[str, ...]] = msgspec.field(default_factory=dict)
    """What the provider said of him, by the condition keys that later requests have too."""
    evidence: str = ""
    """The digest of the token or assertion that it was issued for, or the assertion's id."""
    root_provider: tuple[AccountId, str] | None = None
    """The provider that its chain began with, by account and unique id; None for a key, or for a name known to all."""
    policy_ids: tuple[PolicyId, ...] = ()
    """The unique ids of the policies in `policy_versions`: whatever comes later with their names is another."""

    def arn(self, partition: str) -> str:
        """Who the session is, as AWS names it."""
        match self.kind:
            case SessionKind.ROLE:
                return f"arn:{partition}:sts::{self.account}:assumed-role/{self.role_name}/{self.session_name}"
            case SessionKind.FEDERATED_USER:
                return f"arn:{partition}:sts::{self.account}:federated-user/{self.session_name}"
            case SessionKind.USER:
                named = f"user{self.user_name}" if self.user_name else "root"
                return f"arn:{partition}:iam::{self.account}:{named}"

    def issuer_arn(self, partition: str) -> str:
        """Whose permissions the session has: the role, the user or root."""
        if self.kind is SessionKind.ROLE:
            return f"arn:{partition}:iam::{self.account}:role{self.role_path}{self.role_name}"
        return f"arn:{partition}:iam::{self.account}:{f'user{self.user_name}' if self.user_name else 'root'}"


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


def end_key(access_key_id: str) -> str:
    """What the end of a session claims, so that it ends once, whoever writes it."""
    return f"end:{access_key_id}"
