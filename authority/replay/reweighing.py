"""A recorded decision, put to the policy engine again: who asked and under which policies, read off the state then.

The context is the recorded one, whole.  What the record does not hold (the policy that a resource server brought
along, what another account withholds) cannot be weighed again, and is said to be so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from authority.access.applicable import boundary_policies, identity_policies, session_policies, trust_policy
from authority.access.caller import Caller, SessionClaims
from authority.access.naming import role_by_arn
from authority.kernel.arn import parse
from authority.kernel.ids import AccessKeyId, AccountId
from authority.model.event import DecisionRecord, Event
from authority.model.holders import Holder
from authority.model.sessions import SessionIssued, SessionKind
from authority.model.state import State
from authority.policy.combine import Question
from authority.policy.compiled import Policy, Source
from authority.policy.principal import Principal, PrincipalKind
from authority.replay.supposing import Bound

TRUST_ACTIONS: Final = frozenset(
    {
        "sts:assumerole",
        "sts:assumerolewithsaml",
        "sts:assumerolewithwebidentity",
        "sts:tagsession",
        "sts:setsourceidentity",
    }
)
PROVIDER: Final = "aws:federatedprovider"
GONE: Final = "who asked is not there"

Sessions = Mapping[str, SessionIssued]
Controls = Mapping[str, tuple[tuple[Policy, ...], ...]]
"""The levels of control policies by account."""


class Again(msgspec.Struct, frozen=True):
    """A question as it was put, or would be; `bound` are the bindings of the trust policy in it."""

    question: Question
    bound: Mapping[Source, Bound]

    def same_policies(self, other: Again) -> bool:
        """Whether another question is asked under the very same policies."""
        mine, theirs = self.question, other.question
        return (
            _alike(mine.identity, theirs.identity)
            and _alike(mine.boundary, theirs.boundary)
            and _alike(mine.session, theirs.session)
            and _alike(mine.resource_policies, theirs.resource_policies)
            and mine.scps is theirs.scps
        )


class Unanswerable(msgspec.Struct, frozen=True):
    """Why a recorded decision cannot be weighed again."""

    why: str


NO_CONTROLS: Final[Controls] = {}
NO_LEVELS: Final[tuple[tuple[Policy, ...], ...]] = ()


def again(
    state: State, event: Event, decision: DecisionRecord, sessions: Sessions, controls: Controls = NO_CONTROLS
) -> Again | Unanswerable:
    """The question that *decision* answered, asked under the policies of *state*."""
    if decision.unproven:
        return Unanswerable("the signature did not count")
    caller = caller_then(state, event, decision, sessions)
    if isinstance(caller, Unanswerable):
        return caller
    resource_policies: tuple[Policy, ...] = ()
    bound: dict[Source, Bound] = {}
    trust = decision.action.lower() in TRUST_ACTIONS and event.type.startswith("sts:AssumeRole")
    if trust:
        found = role_by_arn(state, decision.resource)
        if found is not None:
            policy = trust_policy(*found, partition_in(decision.resource))
            resource_policies, bound = (policy,), {policy.source: found[1].trust.bound}
    outside = caller.principal.kind in (PrincipalKind.WEB_IDENTITY, PrincipalKind.SAML)
    return Again(
        Question(
            principal=caller.principal,
            action=decision.action,
            resource=decision.resource,
            resource_account=decision.resource_account,
            context=decision.context,
            identity=() if outside else identity_policies(state, caller),
            boundary=boundary_policies(state, caller),
            session=session_policies(state, caller),
            resource_policies=resource_policies,
            trust=trust,
            scps=controls.get(caller.account, NO_LEVELS),
        ),
        bound,
    )


def caller_then(state: State, event: Event, decision: DecisionRecord, sessions: Sessions) -> Caller | Unanswerable:
    """Whoever was judged, with the permissions that he has in *state*."""
    record = event.caller
    key_id = decision.judged or ("" if record is None else record.access_key_id)
    if not key_id:
        vouched = record is not None and record.kind in (PrincipalKind.WEB_IDENTITY, PrincipalKind.SAML)
        provider = decision.context.get(PROVIDER)
        if record is None or not vouched or not isinstance(provider, str):
            return Unanswerable("who asked may not be seen")
        principal = Principal(PrincipalKind(record.kind), decision.principal, "", "", issuer=provider)
        return Caller(principal=principal, access_key_id=AccessKeyId(""), account=AccountId(record.account))
    key = state.access_keys.get(AccessKeyId(key_id))
    if key is not None:
        return _user_or_root(state, decision, AccessKeyId(key_id), key.account, key.owner)
    issued = sessions.get(key_id)
    if issued is None:
        return Unanswerable("the session that asked may not be seen" if decision.judged or record else GONE)
    return _in_session(state, decision, issued)


def _user_or_root(
    state: State, decision: DecisionRecord, key_id: AccessKeyId, account_id: AccountId, owner: str
) -> Caller | Unanswerable:
    holder: Holder | None = None
    kind = PrincipalKind.ROOT
    if owner != account_id:
        account = state.accounts.get(account_id)
        holder = None if account is None else account.users.get(owner)
        if holder is None:
            return Unanswerable(GONE)
        kind = PrincipalKind.USER
    principal = Principal(kind, decision.principal, account_id, owner)
    return Caller(principal=principal, access_key_id=key_id, account=account_id, holder=holder)


def _in_session(state: State, decision: DecisionRecord, issued: SessionIssued) -> Caller | Unanswerable:
    account = state.accounts.get(issued.account)
    if account is None:
        return Unanswerable(GONE)
    unique_id = issued.user_id or issued.role_id
    holder: Holder | None = (
        account.roles.get(unique_id) if issued.kind is SessionKind.ROLE else account.users.get(unique_id)
    )
    if holder is None and unique_id != account.id:
        return Unanswerable(GONE)
    issuer = issued.issuer_arn(partition_in(decision.principal))
    match issued.kind:
        case SessionKind.ROLE:
            principal = Principal(PrincipalKind.ASSUMED_ROLE, decision.principal, account.id, unique_id, issuer)
        case SessionKind.FEDERATED_USER:
            principal = Principal(PrincipalKind.FEDERATED_USER, decision.principal, account.id, unique_id, issuer)
        case SessionKind.USER:
            kind = PrincipalKind.ROOT if unique_id == account.id else PrincipalKind.USER
            principal = Principal(kind, decision.principal, account.id, unique_id)
    return Caller(
        principal=principal,
        access_key_id=issued.access_key_id,
        account=account.id,
        holder=holder,
        session=SessionClaims.of(issued, 0),
    )


def partition_in(arn: str) -> str:
    """The partition that an ARN names."""
    parsed = parse(arn)
    return "aws" if parsed is None else parsed.partition


def _alike(mine: tuple[Policy, ...] | None, theirs: tuple[Policy, ...] | None) -> bool:
    if mine is None or theirs is None:
        return mine is theirs
    return len(mine) == len(theirs) and all(one is other for one, other in zip(mine, theirs, strict=True))
