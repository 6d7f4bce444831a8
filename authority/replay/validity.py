"""Whether a credential counts: judged as requests are, by `access.caller`, at any point of the log.

So what is said here to count would be answered, and what is said not to would be refused.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from authority.access.applicable import holder_arn
from authority.access.caller import Caller, Credential, SessionClaims, caller_of
from authority.kernel.ids import LONG_TERM_KEY, AccessKeyId
from authority.kernel.refusal import Refusal
from authority.model.principals import KeyStatus
from authority.model.sessions import SessionIssued, SessionKind
from authority.model.state import State

COUNTS: Final = "counts"


class Standing(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A credential, and whether it counts: `why` says what it is that counts, or why it does not."""

    access_key_id: str
    kind: str
    """`key`, or `session`."""
    account: str
    arn: str
    valid: bool
    why: str
    position: int | None = None
    """Where a session was issued."""
    issued_at: datetime | None = None
    expires_at: datetime | None = None
    parent: str = ""


def session_standing(state: State, issued: SessionIssued, position: int, at: datetime, partition: str) -> Standing:
    """How a session stands that was *issued* at *position*, in *state*, at the moment *at*."""
    claims = SessionClaims.of(issued, position)
    judged = caller_of(state, Credential(issued.access_key_id, claims), now=at, partition=partition)
    return Standing(
        access_key_id=issued.access_key_id,
        kind="session",
        account=issued.account,
        arn=issued.arn(partition),
        valid=isinstance(judged, Caller),
        why=COUNTS if isinstance(judged, Caller) else _session_ended(state, issued, at, judged),
        position=position,
        issued_at=issued.issued_at,
        expires_at=issued.expires_at,
        parent=issued.caller_access_key_id,
    )


def key_standing(state: State, access_key_id: str, at: datetime, partition: str) -> Standing | None:
    """How a long-term key stands in *state*; None where there never was one."""
    key = state.access_keys.get(access_key_id)
    if key is None:
        return None
    judged = caller_of(state, Credential(AccessKeyId(access_key_id)), now=at, partition=partition)
    return Standing(
        access_key_id=access_key_id,
        kind="key",
        account=key.account,
        arn=owner_arn(state, access_key_id, partition),
        valid=isinstance(judged, Caller),
        why=COUNTS if isinstance(judged, Caller) else _key_ended(state, access_key_id),
        issued_at=key.created_at,
    )


def owner_arn(state: State, access_key_id: str, partition: str) -> str:
    """The ARN of whose key it is; his unique id where he is gone."""
    key = state.access_keys[access_key_id]
    account = state.accounts.get(key.account)
    if key.owner == key.account:
        return f"arn:{partition}:iam::{key.account}:root"
    user = None if account is None else account.users.get(key.owner)
    return key.owner if account is None or user is None else holder_arn(account, user, partition)


def _session_ended(state: State, issued: SessionIssued, at: datetime, refusal: Refusal) -> str:
    """In words what `caller_of` refused for; it has the last word, so anything else is its own."""
    if at >= issued.expires_at:
        return "expired"
    ended = state.revocations.ended(issued.access_key_id, issued.role_id, issued.ancestors, issued.decided_from)
    if ended is not None:
        return "revoked"
    account = state.accounts.get(issued.account)
    if account is None or account.closed_at is not None:
        return "its account is closed"
    if issued.kind is SessionKind.ROLE and issued.role_id not in account.roles:
        return "its role is deleted"
    if issued.kind is not SessionKind.ROLE and issued.user_id not in (account.id, *account.users):
        return "its user is deleted"
    if issued.root_provider is not None:
        return "the provider that it came of is gone"
    if issued.ancestors and issued.ancestors[0].startswith(LONG_TERM_KEY):
        return "the key that it came of counts no more"
    return refusal.message


def _key_ended(state: State, access_key_id: str) -> str:
    key = state.access_keys[access_key_id]
    match key.status:
        case KeyStatus.DELETED:
            return "deleted"
        case KeyStatus.INACTIVE:
            return "inactive"
        case _:
            closed = state.accounts[key.account].closed_at is not None
            return "its account is closed" if closed else "its user is deleted"
