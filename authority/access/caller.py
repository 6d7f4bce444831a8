"""Who asks.  A proof names an access key or a session; what that means is read from the state, in log order.

That it is read at the moment of deciding, and not when the signature was checked, is what makes revocation immediate.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from authority.kernel.ids import AccessKeyId, AccountId, RoleId, SealingKeyId
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.tags import Tag
from authority.model.holders import Holder
from authority.model.principals import KeyStatus
from authority.model.sessions import SessionIssued
from authority.model.state import State
from authority.policy.principal import Principal, PrincipalKind

INVALID_TOKEN = Refusal(Reason.INVALID_CLIENT_TOKEN_ID, "The security token included in the request is invalid.")
EXPIRED_TOKEN = Refusal(Reason.EXPIRED_TOKEN, "The security token included in the request is expired")


class SessionClaims(msgspec.Struct, frozen=True, array_like=True):
    """What a session token says of its session.  Sealed by us, so it is true; fields are only ever added at the end."""

    access_key_id: AccessKeyId
    account: AccountId
    role_id: RoleId
    session_name: str
    issued_at: datetime
    expires_at: datetime
    ancestors: tuple[AccessKeyId, ...]
    root_principal: str
    source_identity: str = ""
    tags: tuple[Tag, ...] = ()
    transitive_keys: tuple[str, ...] = ()
    policy: str = ""
    policy_arns: tuple[str, ...] = ()
    mfa_at: datetime | None = None
    sealing_key_id: SealingKeyId = SealingKeyId("")
    position: int = 0

    @classmethod
    def of(cls, session: SessionIssued, position: int) -> SessionClaims:
        """What the token of *session* says; its entry stands at *position*."""
        return cls(
            access_key_id=session.access_key_id,
            account=session.account,
            role_id=session.role_id,
            session_name=session.session_name,
            issued_at=session.issued_at,
            expires_at=session.expires_at,
            ancestors=session.ancestors,
            root_principal=session.root_principal,
            source_identity=session.source_identity,
            tags=session.tags,
            transitive_keys=session.transitive_keys,
            policy=session.policy,
            policy_arns=tuple(arn for arn, _ in session.policy_versions),
            mfa_at=session.mfa_at,
            sealing_key_id=session.sealing_key_id,
            position=position,
        )


class Credential(msgspec.Struct, frozen=True):
    """What a verified signature was made with: a long-term key, or the session whose token came along."""

    access_key_id: AccessKeyId
    session: SessionClaims | None = None


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """A proven caller, as the state knows it now.  `holder` is the user, or the role behind the session."""

    principal: Principal
    access_key_id: AccessKeyId
    account: AccountId
    holder: Holder | None = None
    session: SessionClaims | None = None

    @property
    def chained(self) -> bool:
        """Whether the caller is itself a role session."""
        return self.session is not None


def caller_of(state: State, credential: Credential, *, now: datetime, partition: str) -> Caller | Refusal:
    """Say who holds *credential* at this point of the log, or why it no longer counts."""
    if credential.session is not None:
        return _session_caller(state, credential.session, now=now, partition=partition)
    key = state.access_keys.get(credential.access_key_id)
    if key is None or key.status is not KeyStatus.ACTIVE:
        return INVALID_TOKEN
    account = state.accounts[key.account]
    if key.owner == key.account:
        arn = f"arn:{partition}:iam::{key.account}:root"
        root = Principal(PrincipalKind.ROOT, arn, key.account, key.account)
        return Caller(principal=root, access_key_id=key.id, account=key.account)
    user = account.users.get(key.owner)
    if user is None:
        return INVALID_TOKEN
    arn = f"arn:{partition}:iam::{key.account}:user{user.path}{user.name}"
    principal = Principal(PrincipalKind.USER, arn, key.account, user.id)
    return Caller(principal=principal, access_key_id=key.id, account=key.account, holder=user)


def _session_caller(state: State, session: SessionClaims, *, now: datetime, partition: str) -> Caller | Refusal:
    # INVARIANT: validity never waits for the entry that says a session expired.
    if now >= session.expires_at:
        return EXPIRED_TOKEN
    account = state.accounts.get(session.account)
    role = None if account is None else account.roles.get(session.role_id)
    if role is None:
        return INVALID_TOKEN
    principal = Principal(
        PrincipalKind.ASSUMED_ROLE,
        f"arn:{partition}:sts::{session.account}:assumed-role/{role.name}/{session.session_name}",
        session.account,
        role.id,
        issuer=f"arn:{partition}:iam::{session.account}:role{role.path}{role.name}",
    )
    return Caller(
        principal=principal, access_key_id=session.access_key_id, account=session.account, holder=role, session=session
    )
