"""Who asks.  A proof names an access key or a session; what that means is read from the state, in log order.

That it is read at the moment of deciding, and not when the signature was checked, is what makes revocation immediate.
"""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Final

import msgspec

from authority.access.beside import Beside
from authority.kernel.ids import LONG_TERM_KEY, AccessKeyId, AccountId, PolicyId, RoleId, SealingKeyId
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.tags import Tag
from authority.model.account import Account
from authority.model.event import CallerRecord, SessionRecord
from authority.model.holders import Holder
from authority.model.principals import KeyStatus, User
from authority.model.sessions import SessionIssued, SessionKind
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
    kind: SessionKind = SessionKind.ROLE
    user_id: str = ""
    """The user behind a session that is no role's; the account id for root."""
    decided_from: int = 0
    """The newest configuration that issuing it saw."""
    padding: bytes = b""
    """Says nothing: it makes the token as long as somebody wished (STS API, MinimumSessionTokenSize)."""
    provider: str = ""
    """Who vouched for whoever holds it; empty where a key led here."""
    vouched: dict[str, str | tuple[str, ...]] = {}
    """Condition keys that the provider's word has become."""
    root_provider: tuple[AccountId, str] | None = None
    """The provider that its chain began with, where an account keeps it."""
    policy_ids: tuple[PolicyId, ...] = ()
    """The unique ids of its managed policies; empty in tokens of before they were said."""

    @property
    def owner(self) -> str:
        """The unique id of whose permissions it has: a role, a user, or an account for its root."""
        return self.user_id or self.role_id

    @classmethod
    def of(cls, session: SessionIssued, position: int) -> SessionClaims:
        """What the token of *session* says; its entry stands at *position*."""
        # By place, as the token has them: of so many keywords CPython would make a dictionary first.
        return cls(
            session.access_key_id,
            session.account,
            session.role_id,
            session.session_name,
            session.issued_at,
            session.expires_at,
            session.ancestors,
            session.root_principal,
            session.source_identity,
            session.tags,
            session.transitive_keys,
            session.policy,
            tuple([arn for arn, _ in session.policy_versions]),
            session.mfa_at,
            session.sealing_key_id,
            position,
            session.kind,
            session.user_id,
            session.decided_from,
            provider=session.provider,
            vouched=session.vouched,
            root_provider=session.root_provider,
            policy_ids=session.policy_ids,
        )


class Credential(msgspec.Struct, frozen=True):
    """What a verified signature was made with: a long-term key, or the session whose token came along."""

    access_key_id: AccessKeyId
    session: SessionClaims | None = None


def account_of(state: State, credential: Credential) -> AccountId | None:
    """The account of whoever holds *credential*, whether or not it still counts; None when nobody does."""
    if credential.session is not None:
        return credential.session.account
    key = state.access_keys.get(credential.access_key_id)
    return None if key is None else key.account


def owner_of(state: State, credential: Credential) -> str | None:
    """The unique id of whose permissions *credential* gives, whether or not it still counts; None when nobody's."""
    if credential.session is not None:
        return credential.session.owner
    key = state.access_keys.get(credential.access_key_id)
    return None if key is None else key.owner


class Caller(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A proven caller, as the state knows it now.  `holder` is the user or role whose permissions it has."""

    principal: Principal
    access_key_id: AccessKeyId
    account: AccountId
    holder: Holder | None = None
    session: SessionClaims | None = None

    @property
    def chained(self) -> bool:
        """Whether the caller is itself a role session."""
        return self.session is not None and self.session.kind is SessionKind.ROLE

    @cached_property
    def record(self) -> CallerRecord:
        """Who asked, as the log says it: worked out once, since it follows from the rest."""
        principal, session = self.principal, self.session
        return CallerRecord(
            kind=principal.kind,
            arn=principal.arn,
            principal_id=principal.unique_id,
            account=principal.account,
            access_key_id=self.access_key_id,
            session=None
            if session is None
            else SessionRecord(
                issuer_arn=principal.issuer or principal.arn,
                issuer_id=session.owner,
                name=session.session_name,
                issued_at=session.issued_at,
                ancestors=session.ancestors,
                root_principal=session.root_principal,
                source_identity=session.source_identity,
                mfa_at=session.mfa_at,
                kind=session.kind,
            ),
        )


_CALLERS: Final[Beside[tuple[AccessKeyId, str], tuple[Credential, Caller | Refusal]]] = Beside()


def caller_of(state: State, credential: Credential, *, now: datetime, partition: str) -> Caller | Refusal:
    """Say who holds *credential* at this point of the log, or why it no longer counts.

    Whoever it is, is the same object as long as the state is.
    """
    session = credential.session
    # INVARIANT: validity never waits for the entry that says a session expired; what depends on the time is not kept.
    if session is not None and now >= session.expires_at:
        return EXPIRED_TOKEN
    known, place = _CALLERS.of(state), (credential.access_key_id, partition)
    found = known.get(place)
    if found is None or (found[0] is not credential and found[0] != credential):
        found = known[place] = (credential, _caller(state, credential, partition))
    return found[1]


def _caller(state: State, credential: Credential, partition: str) -> Caller | Refusal:
    if credential.session is not None:
        return _session_caller(state, credential.session, partition)
    key = state.access_keys.get(credential.access_key_id)
    if key is None or key.status is not KeyStatus.ACTIVE:
        return INVALID_TOKEN
    account = state.accounts[key.account]
    if account.closed_at is not None:
        return INVALID_TOKEN
    found = _user_or_root(account, key.owner, partition)
    if found is None:
        return INVALID_TOKEN
    principal, user = found
    return Caller(principal=principal, access_key_id=key.id, account=key.account, holder=user)


def _user_or_root(account: Account, owner: str, partition: str) -> tuple[Principal, User | None] | None:
    """Who has the permissions of *owner*, a user's unique id or the account's own; None when the user is gone."""
    if owner == account.id:
        arn = f"arn:{partition}:iam::{account.id}:root"
        return Principal(PrincipalKind.ROOT, arn, account.id, account.id), None
    user = account.users.get(owner)
    if user is None:
        return None
    arn = f"arn:{partition}:iam::{account.id}:user{user.path}{user.name}"
    return Principal(PrincipalKind.USER, arn, account.id, user.id), user


def _session_caller(state: State, session: SessionClaims, partition: str) -> Caller | Refusal:
    if _revoked(state, session):
        return EXPIRED_TOKEN
    account = state.accounts.get(session.account)
    if account is None or account.closed_at is not None or _orphaned(state, session):
        return INVALID_TOKEN
    found: tuple[Principal, Holder | None] | None
    match session.kind:
        case SessionKind.ROLE:
            found = _role_session(account, session, partition)
        case SessionKind.USER:
            found = _user_or_root(account, session.user_id, partition)
        case SessionKind.FEDERATED_USER:
            found = _federated_user(account, session, partition)
    if found is None:
        return INVALID_TOKEN
    principal, holder = found
    return Caller(
        principal=principal,
        access_key_id=session.access_key_id,
        account=session.account,
        holder=holder,
        session=session,
    )


def _role_session(account: Account, session: SessionClaims, partition: str) -> tuple[Principal, Holder] | None:
    role = account.roles.get(session.role_id)
    if role is None:
        return None
    arn = f"arn:{partition}:sts::{account.id}:assumed-role/{role.name}/{session.session_name}"
    issuer = f"arn:{partition}:iam::{account.id}:role{role.path}{role.name}"
    return Principal(PrincipalKind.ASSUMED_ROLE, arn, account.id, role.id, issuer), role


def _federated_user(account: Account, session: SessionClaims, partition: str) -> tuple[Principal, Holder | None] | None:
    behind = _user_or_root(account, session.user_id, partition)
    if behind is None:
        return None
    federating, user = behind
    arn = f"arn:{partition}:sts::{account.id}:federated-user/{session.session_name}"
    return Principal(PrincipalKind.FEDERATED_USER, arn, account.id, federating.unique_id, federating.arn), user


def _revoked(state: State, session: SessionClaims) -> bool:
    """Whether somebody ended the session before its time."""
    by = state.revocations.ended(session.access_key_id, session.role_id, session.ancestors, session.decided_from)
    return by is not None


def _orphaned(state: State, session: SessionClaims) -> bool:
    """Whether what led to the session, a long-term key or a provider, is no more, where sessions end with it."""
    settings = state.settings
    if settings is None:
        return False
    of_role = session.kind is SessionKind.ROLE
    if not (settings.role_sessions_end_with_parent if of_role else settings.federation_sessions_end_with_parent):
        return False
    if session.root_provider is not None:
        return not _vouches(state, *session.root_provider)
    first = session.ancestors[0] if session.ancestors else ""
    if not first.startswith(LONG_TERM_KEY):
        return False  # a provider vouched for whoever it was, by a name that everybody knows
    key = state.access_keys.get(first)
    if key is None or key.status is not KeyStatus.ACTIVE:
        return True
    account = state.accounts[key.account]
    return account.closed_at is not None or (key.owner != account.id and key.owner not in account.users)


def _vouches(state: State, account_id: AccountId, provider_id: str) -> bool:
    """Whether a provider is still one of the account's, or an identity pool one of its own account's.

    The roles of every account may trust a pool.
    """
    pool = state.identities.pools.get(provider_id)
    account = state.accounts.get(account_id if pool is None else pool.account)
    if account is None or account.closed_at is not None:
        return False
    return any(provider_id in kept for kept in (account.oidc_providers, account.saml_providers, account.identity_pools))
