"""Containment: everything that a credential led to counts no more, and is shown not to; and whose a leaked text is.

Gathered for Contain: what the credential led to, as far as it may be seen (`Closure`); None where there is no such
credential.  Gathered for IdentifyCredential: the credentials that the text is or names (`Identified`s).
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec

from authority.access.action import Decision, Facts, action, refuse
from authority.access.call import Call
from authority.access.naming import own_arn
from authority.accounts.inquiry import Asking, Inquiry, inquiry
from authority.accounts.investigating import KeyIdText, ListValidCredentials
from authority.accounts.log import log_arn
from authority.accounts.trail import asks_for_own, outside
from authority.kernel.ids import LONG_TERM_KEY, AccessKeyId, AccountId
from authority.kernel.refusal import Reason
from authority.model.fact import Fact
from authority.model.principals import AccessKeyStatusChanged, KeyStatus
from authority.model.revocations import DescendantsRevoked, SessionRevoked
from authority.model.sessions import EndCause, SessionEnded, end_key
from authority.model.state import State

MOST_KEYS: Final = 100
"""Keys that one entry ends, since an entry has a largest size; whoever asks again ends those that are left."""
LeakedText = Annotated[str, msgspec.Meta(min_length=1, max_length=16_384)]


class Led(msgspec.Struct, frozen=True, kw_only=True):
    """A credential that was led to: a long-term key, or a session and whether its end is in the log."""

    access_key_id: str
    account: str
    ended: bool = False


class Closure(msgspec.Struct, frozen=True, kw_only=True):
    """A credential, first, and all that it led to."""

    credentials: tuple[Led, ...]


class Contain(Asking, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Which key or session.  Long-term keys that it led to are made inactive, and it itself, if it is one."""

    id: KeyIdText


def contained_arn(state: State, call: Call[Any]) -> str:
    """The key or session, or the log when it is another account's."""
    if not asks_for_own(call):
        return log_arn(state, call)
    return own_arn(call, f"key/{call.input.id}")


@action("authority:Contain", resource=contained_arn)
def contain(state: State, call: Call[Contain], facts: Facts) -> Decision:
    """End a credential and all that it led to, in whatever account, and say how each of them stands then.

    What was issued or made while this was being decided, and keys beyond `MOST_KEYS`, are ended by asking again: the
    answer names what still counts.
    """
    refusal = outside(state, call)
    if refusal is not None:
        return Decision(answer=refusal)
    closure = call.gathered
    if closure is None:
        return refuse(Reason.NO_SUCH_ENTITY, f"There is no key or session {call.input.id} that may be contained.")
    if not isinstance(closure, Closure) or closure.credentials[0].access_key_id != call.input.id:
        raise TypeError("what was gathered is another credential's")
    first, *others = closure.credentials
    made, once = _ended(state, first, facts)
    keys = sorted((led for led in others if _is_key(led)), key=lambda led: _urgency(state, led))
    for led in keys[: MOST_KEYS - 1]:
        made += _ended(state, led, facts)[0]
    return Decision(facts=tuple(made), query=shown(call, facts), once=once)


def _is_key(led: Led) -> bool:
    return led.access_key_id.startswith(LONG_TERM_KEY)


def _urgency(state: State, led: Led) -> tuple[bool, int]:
    """What is ended first where there is too much for one entry: keys that count, then what was ended longest ago."""
    before = state.revocations.ancestors.get(led.access_key_id)
    active = state.access_keys[AccessKeyId(led.access_key_id)].status is KeyStatus.ACTIVE
    return not active, -1 if before is None else before.through


def _ended(state: State, led: Led, facts: Facts) -> tuple[list[Fact], tuple[str, ...]]:
    """What ends a credential and all that it led to; and what the end of a session claims."""
    key_id, account = AccessKeyId(led.access_key_id), AccountId(led.account)
    descendants = DescendantsRevoked(account=account, ancestor=key_id, through=facts.decided_from)
    if _is_key(led):
        if state.access_keys[key_id].status is not KeyStatus.ACTIVE:
            return [descendants], ()
        off = AccessKeyStatusChanged(account=account, access_key_id=key_id, status=KeyStatus.INACTIVE)
        return [off, descendants], ()
    revoked: list[Fact] = [SessionRevoked(account=account, access_key_id=key_id), descendants]
    end = end_key(key_id)
    if led.ended or end in facts.claimed:
        return revoked, ()
    over = SessionEnded(account=account, access_key_id=key_id, effective_at=facts.now, cause=EndCause.REVOKED)
    return [*revoked, over], (end,)


def shown(call: Call[Contain], facts: Facts) -> Inquiry:
    """The question how all that was contained stands now."""
    asked = ListValidCredentials(id=call.input.id, account=call.input.account)
    return msgspec.structs.replace(inquiry(call, facts), of=asked)


class IdentifyCredential(Asking, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A text that was found where it should not be: an access key id, a secret key, a session token, or all in one.

    `secret` is never recorded.  A session's secret key and token can only be told beside its access key id.
    """

    secret: LeakedText
    access_key_id: KeyIdText | None = None


class Identified(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A credential of ours, and what of it the text is or holds: `access-key-id`, `secret-key` or `session-token`."""

    what: str
    access_key_id: str
    account: str
    principal: str = ""
    valid: bool
    why: str


class WhoseItIs(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Everything that was recognised; nothing is none of ours, as far as may be seen."""

    found: tuple[Identified, ...]


def _identified_arn(state: State, call: Call[Any]) -> str:
    if not asks_for_own(call):
        return log_arn(state, call)
    return own_arn(call, "trail")


@action("authority:IdentifyCredential", resource=_identified_arn)
def identify_credential(state: State, call: Call[IdentifyCredential], _facts: Facts) -> Decision:
    """Say whether a text is, or holds, a credential of ours.  The text is not kept."""
    refusal = outside(state, call)
    if refusal is not None:
        return Decision(answer=refusal)
    if not isinstance(call.gathered, WhoseItIs):
        raise TypeError("whose it is was not gathered")
    return Decision(answer=call.gathered)
