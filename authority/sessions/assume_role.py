"""sts:AssumeRole - trade a caller's identity for a role's, for a while.

Gathered: `Brought`, what a one-time code is worth and, where the role's account limits the sessions of the caller's,
how many there were and are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

import msgspec

from authority.access.action import Decision, Facts, action
from authority.access.applicable import trust_policy
from authority.access.call import Call
from authority.access.caller import Caller
from authority.access.issuing import (
    AssumedRoleUser,
    TokenSize,
    Wanted,
    assumed_role_user,
    depth_refused,
    duration_refused,
    lineage_of,
    minted,
    role_session,
)
from authority.access.mfa import Compared, judge_mfa
from authority.access.naming import role_wanted
from authority.access.session_contents import (
    NO_TAGS,
    PolicyDescriptor,
    SessionTags,
    inline_session_policy,
    packed_size,
    session_policies,
    session_tags,
    too_large,
)
from authority.access.tagging import resource_tags
from authority.access.weighing import Weighed, weigh
from authority.audit.lending import Lent
from authority.kernel.arn import parse
from authority.kernel.letters import folded
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.tags import Tag
from authority.model.account import Account
from authority.model.roles import Role
from authority.model.sessions import SessionKind
from authority.model.state import State
from authority.policy.principal import PrincipalKind

DEFAULT_DURATION: Final = 3_600
ROOT: Final = Refusal(Reason.ACCESS_DENIED, "Roles may not be assumed by root accounts.")
CONTEXTS: Final = Refusal(
    Reason.INVALID_PARAMETER_VALUE, "The parameter ProvidedContexts of AssumeRole is not supported."
)


class ProvidedContext(msgspec.Struct, frozen=True, rename="pascal"):
    """What a trusted provider says of the caller; read, so that it is refused and never ignored."""

    provider_arn: str = ""
    context_assertion: str = ""


class AssumeRole(msgspec.Struct, frozen=True, rename="pascal", gc=False):
    """What a caller asks for."""

    role_arn: str
    role_session_name: str
    duration_seconds: int = DEFAULT_DURATION
    external_id: str = ""
    policy: str | None = None
    policy_arns: tuple[PolicyDescriptor, ...] | None = None
    tags: tuple[Tag, ...] = ()
    transitive_tag_keys: tuple[str, ...] = ()
    serial_number: str = ""
    token_code: str = ""
    source_identity: str = ""
    provided_contexts: tuple[ProvidedContext, ...] | None = None
    minimum_session_token_size: int = 0


class Brought(msgspec.Struct, frozen=True, gc=False):
    """What was found out before the decision; None of what was not asked for."""

    code: Compared | None = None
    lent: Lent | None = None


NOTHING_BROUGHT: Final = Brought()


class AssumedRole(msgspec.Struct, frozen=True, rename="pascal", gc=False):
    """The answer: temporary credentials, and whose they are."""

    credentials: Mapping[str, object]
    assumed_role_user: AssumedRoleUser
    session_token_size: int
    session_token_utilization: int
    packed_policy_size: int | None = None
    source_identity: str | None = None


class Asked(msgspec.Struct, frozen=True, gc=False):
    """What of the input was read, whatever the role may be."""

    tags: SessionTags
    policy: str
    source_identity: str


@action("sts:AssumeRole", resource=None)
def assume_role(state: State, call: Call[AssumeRole], facts: Facts) -> Decision:
    """Issue a session of the role, or refuse as AWS does (STS API, AssumeRole).

    1. the ARN can be read, the caller is no root, and what is packed into the session can be read;
    2. a one-time code is used up, whatever happens next;
    3. the role exists, its trust policy admits the caller, and so does the caller's own account where that counts;
       a role that does not exist is refused in the same words;
    4. tags and a source identity, brought or carried, need permissions of their own, on both sides too;
    5. the session policies exist, and all of it fits into a token;
    6. the duration fits the role, and one hour when chained, and the chain is no deeper than the authority allows;
    7. another account has no more sessions at a time than it may.
    """
    asked = read(call)
    if isinstance(asked, Refusal):
        return Decision(answer=asked)
    wanted, brought = call.input, _brought(call)
    judged = judge_mfa(
        state,
        call.caller,
        serial=wanted.serial_number,
        code=wanted.token_code,
        gathered=brought.code,
        facts=facts,
    )
    if judged.refusal is not None:
        decision = Decision(answer=judged.refusal, subject=wanted.role_arn)
    else:
        decision = _decided(state, call, facts, asked, lent=brought.lent, with_mfa=judged.mfa_at is not None)
    if not judged.facts and not judged.once:
        return decision
    return msgspec.structs.replace(
        decision, facts=(*judged.facts, *decision.facts), once=(*judged.once, *decision.once)
    )


def read(call: Call[AssumeRole]) -> Asked | Refusal:
    """What the caller asks for beside the role itself, or what is wrong with it."""
    wanted, caller = call.input, call.caller
    if parse(wanted.role_arn) is None:
        return Refusal(Reason.VALIDATION_ERROR, f"{wanted.role_arn} is invalid")
    if caller.principal.kind is PrincipalKind.ROOT:
        return ROOT
    if wanted.provided_contexts is not None:
        return CONTEXTS
    tags = session_tags(wanted.tags, wanted.transitive_tag_keys, passed_on(caller))
    if isinstance(tags, Refusal):
        return tags
    policy = inline_session_policy(wanted.policy)
    if isinstance(policy, Refusal):
        return policy
    carried = "" if caller.session is None else caller.session.source_identity
    if carried and wanted.source_identity not in ("", carried):
        # Once set it stays, to the end of the chain (IAM User Guide, source identity).
        return Refusal(Reason.ACCESS_DENIED, _denial(caller, "sts:SetSourceIdentity", wanted.role_arn))
    return Asked(tags, policy, wanted.source_identity or carried)


def passed_on(caller: Caller) -> tuple[Tag, ...]:
    """The tags of the calling session that go on to the next one."""
    if caller.session is None:
        return ()
    keys = {folded(key) for key in caller.session.transitive_keys}
    return tuple(tag for tag in caller.session.tags if folded(tag.key) in keys)


def _decided(
    state: State, call: Call[AssumeRole], facts: Facts, asked: Asked, *, lent: Lent | None, with_mfa: bool
) -> Decision:
    wanted, caller = call.input, call.caller
    found = role_wanted(state, call, wanted.role_arn)
    weighed: list[Weighed] = []
    for one in _weighings(state, call, facts, asked, found, with_mfa=with_mfa):
        weighed.append(one)
        if found is None or not one.verdict.allowed:
            # One wording for both, so that nobody learns which roles exist.
            text = _denial(caller, one.question.action, wanted.role_arn)
            denied = Refusal(Reason.ACCESS_DENIED, text)
            return Decision(answer=denied, weighed=tuple(weighed), subject=wanted.role_arn)
    if found is None:
        raise TypeError("what does not exist cannot be allowed")
    account, role = found

    def refused(refusal: Refusal) -> Decision:
        return Decision(answer=refusal, weighed=tuple(weighed), subject=wanted.role_arn)

    policies = session_policies(state, account, call.partition, asked.policy, wanted.policy_arns)
    if isinstance(policies, Refusal):
        return refused(policies)
    lineage, percent = lineage_of(caller), packed_size(policies, asked.tags.all)
    refusal = (
        too_large(percent, policies)
        or duration_refused(role, wanted.duration_seconds, chained=caller.chained)
        or depth_refused(state, lineage)
    )
    if refusal is not None:
        return refused(refusal)
    place = _place(account, caller, lent, facts)
    if isinstance(place, Refusal):
        return refused(place)
    contents = Wanted(
        name=wanted.role_session_name,
        seconds=wanted.duration_seconds,
        policies=policies,
        tags=asked.tags,
        source_identity=asked.source_identity,
        external_id=wanted.external_id,
        mfa_at=_kept_mfa(caller),
    )
    session = role_session(state, facts, (account, role), lineage, contents)
    if isinstance(session, Refusal):
        return refused(session)

    def answer(credentials: Mapping[str, object], token: TokenSize) -> AssumedRole:
        return AssumedRole(
            credentials,
            assumed_role_user(session, call.partition),
            token.session_token_size,
            token.session_token_utilization,
            percent or None,
            asked.source_identity or None,
        )

    return Decision(
        facts=(session,),
        answer=minted(session, wanted.minimum_session_token_size, answer),
        weighed=tuple(weighed),
        once=place,
        subject=wanted.role_arn,
    )


def _weighings(
    state: State,
    call: Call[AssumeRole],
    facts: Facts,
    asked: Asked,
    found: tuple[Account, Role] | None,
    *,
    with_mfa: bool,
) -> Iterator[Weighed]:
    """Every permission that is needed, one after the other."""
    wanted = call.input
    conditions: dict[str, str | tuple[str, ...]] = {"sts:rolesessionname": wanted.role_session_name}
    if wanted.external_id:
        conditions["sts:externalid"] = wanted.external_id
    if asked.source_identity:
        conditions["sts:sourceidentity"] = asked.source_identity
    if with_mfa:
        # For this call only: the session that comes of it does not say so (IAM User Guide, MFA-protected API access).
        conditions |= {"aws:multifactorauthpresent": "true", "aws:multifactorauthage": "0"}
    tags = asked.tags
    if tags is not NO_TAGS:
        conditions |= tags.conditions()
    if found is not None and found[1].tags:
        conditions |= resource_tags(found[1].tags)
    policies = () if found is None else (trust_policy(*found, call.partition),)
    names = ["sts:AssumeRole"]
    if tags.passed or tags.inherited:
        names.append("sts:TagSession")
    if asked.source_identity:
        names.append("sts:SetSourceIdentity")
    for name in names:
        yield weigh(
            state,
            call,
            facts.now,
            name,
            wanted.role_arn,
            conditions=conditions,
            resource_policies=policies,
            trust=True,
        )


def _brought(call: Call[AssumeRole]) -> Brought:
    return call.gathered if isinstance(call.gathered, Brought) else NOTHING_BROUGHT


def limit_for(account: Account, caller_account: str) -> int | None:
    """How many active sessions of *account*'s roles the other account may have; None where there is no limit."""
    return None if account.id == caller_account else account.session_limits.get(caller_account)


def _place(account: Account, caller: Caller, lent: Lent | None, facts: Facts) -> tuple[str, ...] | Refusal:
    """The once key of one session among those that the caller's account may have; none where there is no limit.

    INVARIANT: sessions under way at one moment take different places, so that no more than the limit are ever active.
    A place lies below the number of those that ended by then and the limit together, and no two sessions have the same:
    so no more were issued than have ended and may be active.
    """
    most = limit_for(account, caller.account)
    if most is None:
        return ()
    if lent is None:
        return Refusal(Reason.SERVICE_UNAVAILABLE, "The limit of sessions has just been set; try again.")
    for number in range(lent.issued, lent.issued + most - lent.active):
        place = f"lent:{account.id}:{caller.account}:{number}"
        if place not in facts.claimed:
            return (place,)
    return Refusal(Reason.LIMIT_EXCEEDED, f"Cannot exceed quota for ActiveSessionsPerTrustedAccount: {most}")


def _kept_mfa(caller: Caller) -> datetime | None:
    """When the caller proved his second factor, where that stays known: in a session of GetSessionToken."""
    session = caller.session
    return session.mfa_at if session is not None and session.kind is SessionKind.USER else None


def _denial(caller: Caller, name: str, arn: str) -> str:
    return f"User: {caller.principal.arn} is not authorized to perform: {name} on resource: {arn}"
