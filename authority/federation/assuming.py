"""A role for whoever a provider vouches for: what AssumeRoleWithWebIdentity and AssumeRoleWithSAML have in common.

Nobody's identity policies are asked, since whoever asks has none here: the role's trust policy decides alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from authority.access.action import Decision, Facts
from authority.access.applicable import trust_policy
from authority.access.call import Call
from authority.access.issuing import Lineage, TokenSize, Wanted, depth_refused, duration_refused, minted, role_session
from authority.access.naming import role_wanted
from authority.access.session_contents import (
    PolicyDescriptor,
    SessionTags,
    inline_session_policy,
    packed_size,
    session_policies,
    session_tags,
    too_large,
)
from authority.access.tagging import resource_tags
from authority.access.vouched import Vouched
from authority.access.weighing import Weighed, weigh
from authority.kernel.arn import parse
from authority.kernel.ids import AccessKeyId, AccountId
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.tags import Tag
from authority.model.account import Account
from authority.model.roles import Role
from authority.model.sessions import SessionIssued
from authority.model.state import State


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody who is vouched for asks for, whichever way."""

    action: str
    role_arn: str
    session_name: str
    seconds: int
    policy: str | None = None
    policy_arns: tuple[PolicyDescriptor, ...] | None = None
    minimum_token: int = 0
    once: tuple[str, ...] = ()
    """What the proof's use claims, where it may not come again."""


class Issued(msgspec.Struct, frozen=True):
    """A session that was issued, as its answer tells of it."""

    session: SessionIssued
    credentials: Mapping[str, object]
    token: TokenSize
    packed_size: int | None


def trusting_account(state: State, role_arn: str) -> Account | Refusal | None:
    """The account that a role would lie in; None where there is none, or none that is open."""
    arn = parse(role_arn)
    if arn is None or arn.service != "iam" or arn.region or arn.kind != "role":
        return Refusal(Reason.VALIDATION_ERROR, f"{role_arn} is invalid")
    account = state.accounts.get(AccountId(arn.account))
    return None if account is None or account.closed_at is not None else account


def issue(
    state: State, call: Call[Any], facts: Facts, vouched: Vouched, *, asked: Asked, shape: Callable[[Issued], object]
) -> Decision:
    """Issue a session of the role, or refuse as AWS does.

    1. what is packed into the session can be read;
    2. the role exists and its trust policy admits whom the provider vouches for; a role that does not exist is
       refused in the same words;
    3. tags and a source identity, which the provider sets, need permissions of their own;
    4. the session policies exist, and all of it fits into a token;
    5. the duration fits the role.
    """
    tags = session_tags(vouched.tags, vouched.transitive_keys)
    policy = inline_session_policy(asked.policy)
    if isinstance(tags, Refusal):
        return Decision(answer=tags, subject=asked.role_arn)
    if isinstance(policy, Refusal):
        return Decision(answer=policy, subject=asked.role_arn)
    found = role_wanted(state, call, asked.role_arn)
    weighed: list[Weighed] = []

    def refused(refusal: Refusal) -> Decision:
        return Decision(answer=refusal, weighed=tuple(weighed), subject=asked.role_arn)

    for one in _weighings(state, call, facts, vouched, asked=asked, tags=tags, found=found):
        weighed.append(one)
        if found is None or not one.verdict.allowed:
            return refused(Refusal(Reason.ACCESS_DENIED, f"Not authorized to perform {one.question.action}"))
    if found is None:
        raise TypeError("what does not exist cannot be allowed")

    policies = session_policies(state, found[0], call.partition, policy, asked.policy_arns)
    if isinstance(policies, Refusal):
        return refused(policies)
    percent = packed_size(policies, (*tags.all, *_packed(vouched)))
    lineage = Lineage(
        access_key_id=AccessKeyId(""),
        arn="",
        principal_id=vouched.principal_id,
        ancestors=(),
        root_principal=vouched.principal_id,
        root_provider=(vouched.account, vouched.provider_id) if vouched.provider_id else None,
    )
    refusal = (
        too_large(percent, policies)
        or duration_refused(found[1], asked.seconds, chained=False)
        or depth_refused(state, lineage)
    )
    if refusal is not None:
        return refused(refusal)
    contents = Wanted(
        name=asked.session_name,
        seconds=asked.seconds,
        policies=policies,
        tags=tags,
        source_identity=vouched.source_identity,
        provider=vouched.provider,
        vouched=vouched.lasting,
        evidence=vouched.evidence,
    )
    session = role_session(state, facts, found, lineage, contents)
    if isinstance(session, Refusal):
        return refused(session)
    shown_size = percent if policies or tags.all else None

    def answer(credentials: Mapping[str, object], token: TokenSize) -> object:
        return shape(Issued(session, credentials, token, shown_size))

    return Decision(
        facts=(session,),
        answer=minted(session, asked.minimum_token, answer),
        weighed=tuple(weighed),
        once=asked.once,
        subject=asked.role_arn,
    )


def _weighings(
    state: State,
    call: Call[Any],
    facts: Facts,
    vouched: Vouched,
    *,
    asked: Asked,
    tags: SessionTags,
    found: tuple[Account, Role] | None,
) -> Iterator[Weighed]:
    """Every permission that is needed, one after the other."""
    conditions: dict[str, str | tuple[str, ...]] = {
        **vouched.conditions,
        "aws:federatedprovider": vouched.provider,
        "sts:rolesessionname": asked.session_name,
    }
    if vouched.source_identity:
        conditions["sts:sourceidentity"] = vouched.source_identity
    conditions |= tags.conditions()
    if found is not None:
        conditions |= resource_tags(found[1].tags)
    policies = () if found is None else (trust_policy(*found, call.partition),)
    names = [asked.action]
    if tags.all:
        names.append("sts:TagSession")
    if vouched.source_identity:
        names.append("sts:SetSourceIdentity")
    asking = Call(vouched.caller(), call.input, call.origin)
    for name in names:
        yield weigh(
            state,
            asking,
            facts.now,
            name,
            asked.role_arn,
            conditions=conditions,
            resource_policies=policies,
            trust=True,
        )


def _packed(vouched: Vouched) -> Iterator[Tag]:
    """What the provider's word takes of a token's room."""
    for key, value in vouched.lasting.items():
        for one in (value,) if isinstance(value, str) else value:
            yield Tag(key, one)
