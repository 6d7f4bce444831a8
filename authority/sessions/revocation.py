"""Sessions ended before their time: one, all of a role, all that a key or a session led to.

What was issued before the answer counts no more after it, wherever it is presented; what is issued after it does.
AWS has no such calls: there a Deny on aws:TokenIssueTime takes a role's permissions away, which works here too.

Gathered for RevokeSession and RevokeDescendants: the session of the caller's account that the id names, as `Known`;
None where there is none, which is how another account's answers too.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec

from authority.access.action import Decision, Facts, action, refuse
from authority.access.call import Call
from authority.access.naming import own_arn
from authority.kernel.ids import TEMPORARY_KEY, AccessKeyId, RoleId
from authority.kernel.refusal import Reason
from authority.model.account import Account
from authority.model.fact import Fact
from authority.model.revocations import DescendantsRevoked, RoleSessionsRevoked, SessionRevoked
from authority.model.roles import Role
from authority.model.sessions import EndCause, SessionEnded, end_key
from authority.model.state import State

KeyIdText = Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9]{16,128}(?![\s\S])", description="AKIA... or ASIA...")]
RoleNameText = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_+=,.@-]{1,64}(?![\s\S])")]

NO_SESSION: Final = "There is no session {} in this account."
NO_KEY: Final = "There is no key or session {} in this account."


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A session that was issued, and whether its end is in the log."""

    access_key_id: str
    account: str
    ended: bool = False


class RevokeSession(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Which session, by its access key id; with *descendants*, every session that it led to as well."""

    id: KeyIdText
    descendants: bool = False


class SessionWasRevoked(msgspec.Struct, frozen=True, rename="camel"):
    """The answer."""

    access_key_id: str
    revoked_at: datetime
    descendants: bool


@action("authority:RevokeSession", resource=lambda _, call: own_arn(call, f"session/{call.input.id}"))
def revoke_session(_state: State, call: Call[RevokeSession], facts: Facts) -> Decision:
    """End one session of the caller's account.  To end one twice does no harm."""
    session = _gathered(call)
    if session is None:
        return refuse(Reason.NO_SUCH_ENTITY, NO_SESSION.format(call.input.id))
    account, key_id = call.caller.account, AccessKeyId(session.access_key_id)
    made: list[Fact] = [SessionRevoked(account=account, access_key_id=key_id)]
    if call.input.descendants:
        made.append(DescendantsRevoked(account=account, ancestor=key_id, through=facts.decided_from))
    once = end_key(key_id)
    # Each session ends once: whoever wrote its end before us was first.
    first = not session.ended and once not in facts.claimed
    if first:
        made.append(SessionEnded(account=account, access_key_id=key_id, effective_at=facts.now, cause=EndCause.REVOKED))
    answer = SessionWasRevoked(key_id, facts.now, call.input.descendants)
    return Decision(facts=tuple(made), answer=answer, once=(once,) if first else ())


class RevokeRoleSessions(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Which role, by its name."""

    name: RoleNameText


class RoleSessionsWereRevoked(msgspec.Struct, frozen=True, rename="camel"):
    """The answer: every session of the role that was issued before it is over."""

    role_name: str
    role_id: str
    revoked_at: datetime


def _role(state: State, call: Call[RevokeRoleSessions]) -> tuple[Account, Role | None]:
    account = state.accounts[call.caller.account]
    return account, account.role_named(call.input.name)


def role_arn(state: State, call: Call[RevokeRoleSessions]) -> str:
    """The sessions of a role; where there is none of this name, of the one that would be at the root path."""
    role = _role(state, call)[1]
    return own_arn(call, f"role/{call.input.name}" if role is None else f"role{role.path}{role.name}")


@action("authority:RevokeRoleSessions", resource=role_arn)
def revoke_role_sessions(state: State, call: Call[RevokeRoleSessions], facts: Facts) -> Decision:
    """End every session of a role of the caller's account."""
    account, role = _role(state, call)
    if role is None:
        text = f"The role with name {call.input.name} cannot be found."
        return refuse(Reason.NO_SUCH_ENTITY, text)
    revoked = RoleSessionsRevoked(account=account.id, role_id=RoleId(role.id), through=facts.decided_from)
    return Decision(facts=(revoked,), answer=RoleSessionsWereRevoked(role.name, role.id, facts.now))


class RevokeDescendants(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What the sessions descend from: a long-term key, or a session."""

    id: KeyIdText


class DescendantsWereRevoked(msgspec.Struct, frozen=True, rename="camel"):
    """The answer: every session that it led to before, in whatever account, at any depth, is over."""

    access_key_id: str
    revoked_at: datetime


@action("authority:RevokeDescendants", resource=lambda _, call: own_arn(call, f"key/{call.input.id}"))
def revoke_descendants(state: State, call: Call[RevokeDescendants], facts: Facts) -> Decision:
    """End every session that a key, or a session, of the caller's account led to.  It itself stays as it is."""
    ancestor, account = AccessKeyId(call.input.id), call.caller.account
    if ancestor.startswith(TEMPORARY_KEY):
        known = _gathered(call) is not None
    else:
        key = state.access_keys.get(ancestor)
        known = key is not None and key.account == account
    if not known:
        return refuse(Reason.NO_SUCH_ENTITY, NO_KEY.format(ancestor))
    revoked = DescendantsRevoked(account=account, ancestor=ancestor, through=facts.decided_from)
    return Decision(facts=(revoked,), answer=DescendantsWereRevoked(ancestor, facts.now))


def _gathered(call: Call[Any]) -> Known | None:
    """The session that was found, if it is the one that is asked for and the caller's account has it."""
    session = call.gathered
    if session is None:
        return None
    if not isinstance(session, Known) or session.access_key_id != call.input.id:
        raise TypeError("what was gathered is another session")
    return session if session.account == call.caller.account else None
