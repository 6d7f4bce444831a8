"""What policies come to for actions on resources, said as IAM's simulator says it (IAM API, EvaluationResult).

The engine is the one that decides requests; here its verdicts are spelled with places in texts, keys that were missing
and the part of boundaries and organisations.  Knows neither callers nor accounts: `simulate` brings everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from authority.kernel.arn import parse as parse_arn
from authority.kernel.letters import folded
from authority.policy.combine import Effect, Question, Verdict, weigh
from authority.policy.compiled import Layer, Matched, Policy
from authority.policy.principal import Principal
from authority.policy.variables import Context

ALL_RESOURCES: Final = "*"
_TYPES: Final[Mapping[Layer, str]] = {"identity": "IAM Policy", "resource": "Resource Policy"}
"""The policies whose statements are shown; what of the others limits an answer has members of its own."""
_KINDS: Final[Mapping[Layer, str]] = {**_TYPES, "boundary": "Permissions Boundary"}
"""What takes part in an answer across accounts."""
_SEVERITY: Final = (Effect.ALLOWED, Effect.IMPLICIT_DENY, Effect.EXPLICIT_DENY)


class Position(msgspec.Struct, frozen=True, rename="pascal"):
    """A place in the text of a policy."""

    line: int
    column: int


class Statement(msgspec.Struct, frozen=True, rename="pascal"):
    """A statement that determined a result.  It begins and ends just behind its braces, as IAM counts."""

    source_policy_id: str
    source_policy_type: str
    start_position: Position
    end_position: Position


class OrganizationsDetail(msgspec.Struct, frozen=True, rename="pascal"):
    """Whether the service control policies of every level allow it."""

    allowed_by_organizations: bool


class BoundaryDetail(msgspec.Struct, frozen=True, rename="pascal"):
    """Whether the permissions boundary allows it."""

    allowed_by_permissions_boundary: bool


class ResourceResult(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """What an action comes to on one resource."""

    eval_resource_name: str
    eval_resource_decision: str
    matched_statements: tuple[Statement, ...]
    missing_context_values: tuple[str, ...]
    eval_decision_details: Mapping[str, str] | None = None
    permissions_boundary_decision_detail: BoundaryDetail | None = None


class EvaluationResult(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """What an action comes to on all resources together: the most restrictive of what it comes to on each."""

    eval_action_name: str
    eval_resource_name: str
    eval_decision: str
    matched_statements: tuple[Statement, ...]
    missing_context_values: tuple[str, ...]
    organizations_decision_detail: OrganizationsDetail | None = None
    permissions_boundary_decision_detail: BoundaryDetail | None = None
    eval_decision_details: Mapping[str, str] | None = None
    resource_specific_results: tuple[ResourceResult, ...] | None = None


@dataclass(frozen=True, slots=True)
class _Weighed:
    """One resource, what the action comes to on it, and whether it belongs to another account than the caller."""

    resource: str
    verdict: Verdict
    across: bool


@dataclass(frozen=True, slots=True)
class Simulation:
    """Everything but the action and the resources.

    *owner* is the account of resources whose ARN names none.  Without it, and without a resource's policy, every
    resource counts as the caller's own: what its owner would say is not part of the question.  *organised* says that
    control policies are.
    """

    principal: Principal
    identity: tuple[Policy, ...]
    boundary: tuple[Policy, ...] | None
    context: Context
    scps: tuple[tuple[Policy, ...], ...] = ()
    resource_policy: Policy | None = None
    owner: str = ""
    organised: bool = False

    def result(self, action: str, resources: Sequence[str]) -> EvaluationResult:
        """Weigh *action* on each of *resources*; none, or `*`, asks about all there are."""
        if not resources or tuple(resources) == (ALL_RESOURCES,):
            return self._together(action, ALL_RESOURCES, [self._weigh(action, ALL_RESOURCES)])
        weighed = [self._weigh(action, resource) for resource in resources]
        whole = self._together(action, resources[0] if len(resources) == 1 else ALL_RESOURCES, weighed)
        return msgspec.structs.replace(
            whole,
            eval_decision_details=self._details(weighed) or {},
            resource_specific_results=tuple(map(self._alone, weighed)),
        )

    def _weigh(self, action: str, resource: str) -> _Weighed:
        arn = parse_arn(resource)
        alone = self.resource_policy is None and not self.owner
        owner = ("" if alone or arn is None else arn.account) or self.owner or self.principal.account
        question = Question(
            principal=self.principal,
            action=action,
            resource=resource,
            resource_account=owner,
            context={"aws:resourceaccount": owner, **self.context},
            identity=self.identity,
            boundary=self.boundary,
            resource_policies=() if self.resource_policy is None else (self.resource_policy,),
            scps=self.scps,
        )
        return _Weighed(resource, weigh(question), owner != self.principal.account)

    def _together(self, action: str, resource: str, weighed: Sequence[_Weighed]) -> EvaluationResult:
        effect = _strictest(one.verdict.effect for one in weighed)
        matched = dict.fromkeys(
            statement for one in weighed if one.verdict.effect is effect for statement in _statements(one.verdict)
        )
        missing = dict.fromkeys(key for one in weighed for key in self._missing(one.verdict))
        return EvaluationResult(
            eval_action_name=action,
            eval_resource_name=resource,
            eval_decision=effect.value,
            matched_statements=tuple(matched),
            missing_context_values=tuple(missing),
            organizations_decision_detail=OrganizationsDetail(_allowed("scp", weighed)) if self.organised else None,
            permissions_boundary_decision_detail=self._bounded(weighed),
        )

    def _alone(self, one: _Weighed) -> ResourceResult:
        return ResourceResult(
            eval_resource_name=one.resource,
            eval_resource_decision=one.verdict.effect.value,
            matched_statements=_statements(one.verdict),
            missing_context_values=self._missing(one.verdict),
            eval_decision_details=self._details([one]),
            permissions_boundary_decision_detail=self._bounded([one]),
        )

    def _missing(self, verdict: Verdict) -> tuple[str, ...]:
        """The keys that were read and not there, as the policies spell them; control policies tell none of theirs."""
        shown = (*self.identity, *(self.boundary or ()))
        if self.resource_policy is not None:
            shown = (*shown, self.resource_policy)
        spelled: dict[str, str] = {}
        for policy in shown if verdict.missing else ():
            for key in policy.document.context_keys:
                spelled.setdefault(folded(key), key)
        return tuple(spelled[key] for key in verdict.missing if key in spelled)

    def _bounded(self, weighed: Sequence[_Weighed]) -> BoundaryDetail | None:
        return None if self.boundary is None else BoundaryDetail(_allowed("boundary", weighed))

    def _details(self, weighed: Sequence[_Weighed]) -> Mapping[str, str] | None:
        """What each kind of policy says across accounts, at its strictest; nothing once an organisation denies."""
        across = [one.verdict for one in weighed if one.across]
        if not across or not _allowed("scp", weighed):
            return None
        words: dict[str, str] = {}
        for layer, word in _KINDS.items():
            said = [check.result for verdict in across for check in verdict.checks if check.layer == layer]
            if said or layer == "resource":
                words[word] = _strictest(said or [Effect.IMPLICIT_DENY]).value
        return words


def _strictest(effects: Iterable[Effect]) -> Effect:
    return max(effects, key=_SEVERITY.index)


def _allowed(layer: Layer, weighed: Iterable[_Weighed]) -> bool:
    """Whether every policy set of *layer* allowed every resource; so it does where there is none."""
    said = (check.result for one in weighed for check in one.verdict.checks if check.layer == layer)
    return all(result is Effect.ALLOWED for result in said)


def _statements(verdict: Verdict) -> tuple[Statement, ...]:
    return tuple(_statement(matched) for matched in verdict.determined_by if matched.layer in _TYPES)


def _statement(matched: Matched) -> Statement:
    return Statement(
        _source(matched),
        _TYPES[matched.layer],
        Position(matched.line, matched.column + 1),
        Position(matched.end_line, matched.end_column + 1),
    )


def _source(matched: Matched) -> str:
    """The name of a managed policy; an inline one's with whose it is: `role_App_may`."""
    if not matched.owner:
        return matched.policy.rpartition("/")[2]
    owner = parse_arn(matched.owner)
    return matched.policy if owner is None else f"{owner.kind}_{owner.name}_{matched.policy}"
