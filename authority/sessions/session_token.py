"""sts:GetSessionToken - temporary credentials for one's own permissions, with a second factor or without."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from authority.access.action import Decision, Facts, action
from authority.access.call import Call
from authority.access.issuing import TokenSize, Wanted, minted, user_session
from authority.access.mfa import judge_mfa
from authority.kernel.refusal import Refusal
from authority.model.sessions import SessionKind
from authority.model.state import State
from authority.policy.principal import PrincipalKind

DEFAULT_DURATION: Final = 43_200
ROOT_LIMIT: Final = 3_600
"""Seconds that root's own sessions and those of its federated users last at most, whatever is asked for."""


class GetSessionToken(msgspec.Struct, frozen=True, rename="pascal"):
    """What a user, or root, asks for."""

    duration_seconds: int = DEFAULT_DURATION
    serial_number: str = ""
    token_code: str = ""
    minimum_session_token_size: int = 0


class SessionToken(msgspec.Struct, frozen=True, rename="pascal"):
    """The answer."""

    credentials: Mapping[str, object]
    session_token_size: int
    session_token_utilization: int


def lasting(call: Call[Any], seconds: int) -> int:
    """How long a session that somebody takes for himself lasts, of the *seconds* that are asked for."""
    return min(seconds, ROOT_LIMIT) if call.caller.principal.kind is PrincipalKind.ROOT else seconds


@action("sts:GetSessionToken", resource=None)
def get_session_token(state: State, call: Call[GetSessionToken], facts: Facts) -> Decision:
    """Issue a session of the caller's own permissions (STS API, GetSessionToken).

    No policy can allow or forbid it: it gives nothing that the caller has not got.  Sessions cannot ask for it.
    """
    wanted = call.input
    judged = judge_mfa(
        state,
        call.caller,
        serial=wanted.serial_number,
        code=wanted.token_code,
        gathered=call.gathered,
        facts=facts,
    )
    if judged.refusal is not None:
        return Decision(answer=judged.refusal, facts=judged.facts, once=judged.once)
    seconds = lasting(call, wanted.duration_seconds)
    contents = Wanted(name="", seconds=seconds, mfa_at=judged.mfa_at)
    session = user_session(state, facts, call.caller, SessionKind.USER, contents)
    if isinstance(session, Refusal):
        return Decision(answer=session, facts=judged.facts, once=judged.once)

    def answer(credentials: Mapping[str, object], token: TokenSize) -> SessionToken:
        return SessionToken(credentials, token.session_token_size, token.session_token_utilization)

    return Decision(
        facts=(*judged.facts, session),
        answer=minted(session, wanted.minimum_session_token_size, answer),
        once=judged.once,
        subject=call.caller.principal.arn,
    )
