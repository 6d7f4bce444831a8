"""Sessions as they are issued: where they come from, how long a chain may be, and what the answer says of the token."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from authority.access.action import Facts, Minted
from authority.access.beside import Beside
from authority.access.caller import Caller
from authority.access.session_contents import SessionPolicies, SessionTags
from authority.kernel.ids import TEMPORARY_KEY, AccessKeyId, AccountId, RoleId
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.secret import Secret
from authority.model.account import Account
from authority.model.authority import SealingKey
from authority.model.roles import Role
from authority.model.sessions import SessionIssued, SessionKind
from authority.model.state import State

CHAINED_LIMIT: Final = 3_600
"""Seconds that a role assumed by a role session may last (IAM User Guide, role chaining)."""
LONGEST_TOKEN: Final = 8_000
"""Characters of a session token; one of the most that anybody can pack is a little shorter."""
TOO_LONG: Final = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
TOO_LONG_CHAINED: Final = (
    "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
)
NOT_YET: Final = Refusal(Reason.SERVICE_UNAVAILABLE, "There is no sealing key yet; try again.")


class Lineage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Who a session is issued to, and by which keys he came: the first of `ancestors` is a long-term key.

    Whoever a provider vouches for comes by no key: then `ancestors` are empty and `root_principal` says who it is.
    """

    access_key_id: AccessKeyId
    arn: str
    principal_id: str
    ancestors: tuple[AccessKeyId, ...]
    root_principal: str
    root_provider: tuple[AccountId, str] | None = None


def lineage_of(caller: Caller) -> Lineage:
    """The lineage of what *caller* is issued."""
    session = caller.session
    return Lineage(
        access_key_id=caller.access_key_id,
        arn=caller.principal.arn,
        principal_id=caller.principal.unique_id,
        ancestors=(caller.access_key_id,) if session is None else (*session.ancestors, caller.access_key_id),
        root_principal=caller.principal.unique_id if session is None else session.root_principal,
        root_provider=None if session is None else session.root_provider,
    )


class Wanted(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A session that somebody may have: what it carries, and for how many seconds."""

    name: str
    seconds: int
    policies: SessionPolicies = SessionPolicies()
    tags: SessionTags = SessionTags()
    source_identity: str = ""
    external_id: str = ""
    mfa_at: datetime | None = None
    provider: str = ""
    vouched: dict[str, str | tuple[str, ...]] = {}
    evidence: str = ""


class _Whose(msgspec.Struct, frozen=True, gc=False):
    """Whose permissions a session has."""

    account: AccountId
    role_id: RoleId = RoleId("")
    role_name: str = ""
    role_path: str = ""
    kind: SessionKind = SessionKind.ROLE
    user_id: str = ""
    user_name: str = ""


def duration_refused(role: Role, seconds: int, *, chained: bool) -> Refusal | None:
    """AWS's words when a session of *role* cannot last for *seconds*."""
    if seconds > role.max_session_duration:
        return Refusal(Reason.VALIDATION_ERROR, TOO_LONG)
    if chained and seconds > CHAINED_LIMIT:
        return Refusal(Reason.VALIDATION_ERROR, TOO_LONG_CHAINED)
    return None


def depth_refused(state: State, lineage: Lineage) -> Refusal | None:
    """Why the chain may not grow by one more: ancestors travel in the token, so that there must be an end."""
    settings = state.settings
    if settings is None or len(lineage.ancestors) <= settings.max_chain_depth:
        return None
    text = f"The chain of roles is deeper than {settings.max_chain_depth}, the most this authority allows."
    return Refusal(Reason.VALIDATION_ERROR, text)


def role_session(
    state: State, facts: Facts, whose: tuple[Account, Role], lineage: Lineage, wanted: Wanted
) -> SessionIssued | Refusal:
    """A session of a role, which is an account's."""
    account, role = whose
    return _issued(state, facts, lineage, wanted, _Whose(account.id, RoleId(role.id), role.name, role.path))


def user_session(
    state: State, facts: Facts, caller: Caller, kind: SessionKind, wanted: Wanted
) -> SessionIssued | Refusal:
    """A session of the user or root who asks for it."""
    holder = caller.holder
    whose = _Whose(
        caller.account,
        kind=kind,
        user_id=caller.principal.unique_id,
        user_name="" if holder is None else f"{holder.path}{holder.name}",
    )
    return _issued(state, facts, lineage_of(caller), wanted, whose)


_NEWEST: Final[Beside[None, SealingKey | None]] = Beside()


def _sealing_key(state: State) -> SealingKey | None:
    """The daily key in use: the same for as long as the state is."""
    known = _NEWEST.of(state)
    if None not in known:
        known[None] = state.newest_sealing_key()
    return known[None]


def _issued(state: State, facts: Facts, lineage: Lineage, wanted: Wanted, whose: _Whose) -> SessionIssued | Refusal:
    key = _sealing_key(state)
    if key is None:
        return NOT_YET
    # Fifteen keywords at most: of more, CPython makes a dictionary first, and the call costs three times as much.
    session = SessionIssued(
        account=whose.account,
        access_key_id=AccessKeyId(facts.new_id(TEMPORARY_KEY)),
        role_id=whose.role_id,
        role_name=whose.role_name,
        role_path=whose.role_path,
        session_name=wanted.name,
        issued_at=facts.now,
        expires_at=facts.now + timedelta(0, wanted.seconds),
        caller_access_key_id=lineage.access_key_id,
        caller_arn=lineage.arn,
        caller_principal_id=lineage.principal_id,
        ancestors=lineage.ancestors,
        root_principal=lineage.root_principal,
        decided_from=facts.decided_from,
        sealing_key_id=key.id,
    )
    return msgspec.structs.replace(
        session,
        source_identity=wanted.source_identity,
        external_id=wanted.external_id,
        tags=wanted.tags.all,
        transitive_keys=wanted.tags.transitive,
        policy=wanted.policies.inline,
        policy_versions=wanted.policies.managed,
        mfa_at=wanted.mfa_at,
        kind=whose.kind,
        user_id=whose.user_id,
        user_name=whose.user_name,
        provider=wanted.provider,
        vouched=wanted.vouched,
        evidence=wanted.evidence,
        root_provider=lineage.root_provider,
        policy_ids=wanted.policies.ids,
    )


class AssumedRoleUser(msgspec.Struct, frozen=True, rename="pascal"):
    """Who the caller is now (STS API, AssumedRoleUser)."""

    assumed_role_id: str
    arn: str


def assumed_role_user(session: SessionIssued, partition: str) -> AssumedRoleUser:
    """How a role session is called."""
    return AssumedRoleUser(f"{session.role_id}:{session.session_name}", session.arn(partition))


class TokenSize(msgspec.Struct, frozen=True, rename="pascal"):
    """What the answer says of the token: its characters, and the percentage of the most there can be."""

    session_token_size: int
    session_token_utilization: int


def minted(session: SessionIssued, minimum: int, shape: Callable[[Mapping[str, object], TokenSize], object]) -> Minted:
    """An answer with the credentials of *session*, whose token has at least *minimum* characters."""

    def shaped(credentials: Mapping[str, object]) -> object:
        token = credentials.get("SessionToken")
        size = len(token.reveal()) if isinstance(token, Secret) else 0  # its length is no secret
        return shape(credentials, TokenSize(size, min(-(-100 * size // LONGEST_TOKEN), 100)))

    return Minted(session, shaped, minimum)
