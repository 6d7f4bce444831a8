"""sts:GetFederationToken - a part of one's permissions for somebody whom one has signed in oneself."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from authority.access.action import Decision, Facts, action
from authority.access.call import Call
from authority.access.issuing import TokenSize, Wanted, minted, user_session
from authority.access.session_contents import (
    PolicyDescriptor,
    inline_session_policy,
    packed_size,
    session_policies,
    session_tags,
    too_large,
)
from authority.access.weighing import Weighed, refusal_of, weigh
from authority.kernel.refusal import Refusal
from authority.kernel.tags import Tag
from authority.model.sessions import SessionIssued, SessionKind
from authority.model.state import State
from authority.sessions.session_token import DEFAULT_DURATION, lasting


class GetFederationToken(msgspec.Struct, frozen=True, rename="pascal"):
    """What a sign-on broker asks for, for one of its users."""

    name: str
    duration_seconds: int = DEFAULT_DURATION
    policy: str | None = None
    policy_arns: tuple[PolicyDescriptor, ...] | None = None
    tags: tuple[Tag, ...] = ()
    minimum_session_token_size: int = 0


class FederatedUser(msgspec.Struct, frozen=True, rename="pascal"):
    """Who the federated user is."""

    federated_user_id: str
    arn: str


class FederationToken(msgspec.Struct, frozen=True, rename="pascal"):
    """The answer."""

    credentials: Mapping[str, object]
    federated_user: FederatedUser
    packed_policy_size: int
    session_token_size: int
    session_token_utilization: int


def federated_user_arn(_state: State, call: Call[GetFederationToken]) -> str:
    """What it is authorised on: the session that is to be."""
    return f"arn:{call.partition}:sts::{call.caller.account}:federated-user/{call.input.name}"


@action("sts:GetFederationToken", resource=None)
def get_federation_token(state: State, call: Call[GetFederationToken], facts: Facts) -> Decision:
    """Issue a session with a part of the caller's permissions (STS API, GetFederationToken).

    Without a session policy it has none of its own: only what a resource grants it by name.  Sessions cannot ask.
    """
    subject = federated_user_arn(state, call)
    weighed: list[Weighed] = []
    issued = _issued(state, call, facts, weighed)
    if isinstance(issued, Refusal):
        return Decision(answer=issued, weighed=tuple(weighed), subject=subject)
    session, percent = issued

    def answer(credentials: Mapping[str, object], token: TokenSize) -> FederationToken:
        user = FederatedUser(f"{session.account}:{session.session_name}", session.arn(call.partition))
        return FederationToken(credentials, user, percent, token.session_token_size, token.session_token_utilization)

    return Decision(
        facts=(session,),
        answer=minted(session, call.input.minimum_session_token_size, answer),
        weighed=tuple(weighed),
        subject=subject,
    )


def _issued(
    state: State, call: Call[GetFederationToken], facts: Facts, weighed: list[Weighed]
) -> tuple[SessionIssued, int] | Refusal:
    """The session and how much of its token is taken; what was *weighed* on the way is added there."""
    wanted, caller = call.input, call.caller
    tags = session_tags(wanted.tags)
    if isinstance(tags, Refusal):
        return tags
    policy = inline_session_policy(wanted.policy)
    if isinstance(policy, Refusal):
        return policy
    for name in ("sts:GetFederationToken", "sts:TagSession") if tags.all else ("sts:GetFederationToken",):
        resource = federated_user_arn(state, call)
        weighed.append(weigh(state, call, facts.now, name, resource, conditions=tags.conditions()))
        if not weighed[-1].verdict.allowed:
            return refusal_of(weighed[-1])
    policies = session_policies(state, state.accounts[caller.account], call.partition, policy, wanted.policy_arns)
    if isinstance(policies, Refusal):
        return policies
    percent = packed_size(policies, tags.all)
    refusal = too_large(percent, policies)
    if refusal is not None:
        return refusal
    contents = Wanted(name=wanted.name, seconds=lasting(call, wanted.duration_seconds), policies=policies, tags=tags)
    session = user_session(state, facts, caller, SessionKind.FEDERATED_USER, contents)
    return session if isinstance(session, Refusal) else (session, percent)
