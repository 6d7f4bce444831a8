"""A recorded decision, put to the policy engine again: who asked and under which policies, read off the state then.

The context is the recorded one, whole.  What the record does not hold (the policy that a resource server brought
along, what another account withholds) cannot be weighed again, and is said to be so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias

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
MOST_KEPT: Final = 20_000
"""Callers whose policies are kept at hand."""

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


class _Limits(NamedTuple):
    """Whoever asks, and the policies that speak about him."""

    caller: Caller
    identity: tuple[Policy, ...]
    boundary: tuple[Policy, ...] | None
    session: tuple[Policy, ...] | None


NO_CONTROLS: Final[Controls] = {}
NO_LEVELS: Final[tuple[tuple[Policy, ...], ...]] = ()
UNPROVEN: Final = Unanswerable("the signature did not count")
_Trusted: TypeAlias = tuple[tuple[Policy, ...], Mapping[Source, Bound]]
NO_TRUST: Final[_Trusted] = ((), {})


class InForce:
    """The policies of one state, each looked up once however many decisions it is asked about."""

    __slots__ = ("_controls", "_limits", "_trusted", "state")

    def __init__(self, state: State, controls: Controls = NO_CONTROLS) -> None:
        """Ask under the policies of *state*, and under *controls*."""
        self.state = state
        self._controls = controls
        self._limits: dict[tuple[str, str, str], _Limits | Unanswerable] = {}
        self._trusted: dict[str, _Trusted] = {}

    def again(self, event: Event, decision: DecisionRecord, sessions: Sessions) -> Again | Unanswerable:
        """The question that *decision* answered, asked under these policies."""
        if decision.unproven:
            return UNPROVEN
        limits = self._of_caller(event, decision, sessions)
        if isinstance(limits, Unanswerable):
            return limits
        trust = decision.action.lower() in TRUST_ACTIONS and event.type.startswith("sts:AssumeRole")
        resource_policies, bound = self._of_role(decision.resource) if trust else NO_TRUST
        question = Question(
            principal=limits.caller.principal,
            action=decision.action,
            resource=decision.resource,
            resource_account=decision.resource_account,
            context=decision.context,
            identity=limits.identity,
            boundary=limits.boundary,
            session=limits.session,
            resource_policies=resource_policies,
            trust=trust,
            scps=self._controls.get(limits.caller.account, NO_LEVELS),
        )
        return Again(question, bound)

    def _of_caller(self, event: Event, decision: DecisionRecord, sessions: Sessions) -> _Limits | Unanswerable:
        key_id = decision.judged or ("" if event.caller is None else event.caller.access_key_id)
        if not key_id:  # whoever a provider vouches for: each is somebody else
            return self._looked_up(event, decision, sessions)
        place = (key_id, decision.principal, decision.judged)
        found = self._limits.get(place)
        if found is None:
            if len(self._limits) >= MOST_KEPT:
                self._limits.clear()
            found = self._limits[place] = self._looked_up(event, decision, sessions)
        return found

    def _looked_up(self, event: Event, decision: DecisionRecord, sessions: Sessions) -> _Limits | Unanswerable:
        state, caller = self.state, caller_then(self.state, event, decision, sessions)
        if isinstance(caller, Unanswerable):
            return caller
        outside = caller.principal.kind in (PrincipalKind.WEB_IDENTITY, PrincipalKind.SAML)
        identity = () if outside else identity_policies(state, caller)
        return _Limits(caller, identity, boundary_policies(state, caller), session_policies(state, caller))

    def _of_role(self, arn: str) -> _Trusted:
        known = self._trusted.get(arn)
        if known is None:
            found = role_by_arn(self.state, arn)
            if found is None:
                known = NO_TRUST
            else:
                policy = trust_policy(*found, partition_in(arn))
                known = ((policy,), {policy.source: found[1].trust.bound})
            self._trusted[arn] = known
        return known


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
