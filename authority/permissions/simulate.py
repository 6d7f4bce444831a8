"""The policy simulator: what policies that are there, or might be, come to (IAM API, Simulate- operations).

A simulation changes nothing and grants nothing: it may be told any condition key, and who the caller is to be.  In log
order only so much is done as tells whether it makes sense; texts are read and weighed afterwards, page by page.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec

from authority.access.action import Answer, Decision, Facts, action
from authority.access.applicable import holders_policies, managed_policy
from authority.access.call import Call
from authority.access.listing import Listing, scope_of
from authority.access.naming import account_of
from authority.kernel.arn import parse as parse_arn
from authority.kernel.paging import DEFAULT_ITEMS, page
from authority.kernel.refusal import Reason, Refusal
from authority.model.state import State
from authority.permissions.exclusions import PolicyIdentifier, excluding
from authority.permissions.identities import identity_arn, identity_named, worn_by
from authority.permissions.simulation import ALL_RESOURCES, EvaluationResult, Simulation
from authority.permissions.supposing import SESSION_NAME, ContextEntry, known_of, supposed, told
from authority.policy.compiled import Layer, Policy, Source, compile_policy
from authority.policy.document import Kind, parse
from authority.policy.principal import Principal, PrincipalKind
from authority.policy.variables import Context

WEIGHINGS: Final = 1_000
"""How often one page weighs an action on a resource; a page may be shorter than MaxItems for it (IAM API)."""
ACTION: Final = re.compile(r"[A-Za-z0-9-]+:[A-Za-z0-9]+", re.ASCII)
_MACHINE: Final = ("instance", "image", "security-group", "network-interface")
SCENARIOS: Final[Mapping[str, tuple[str, ...]]] = {
    "EC2-VPC-InstanceStore": _MACHINE,
    "EC2-VPC-InstanceStore-Subnet": (*_MACHINE, "subnet"),
    "EC2-VPC-EBS": (*_MACHINE, "volume"),
    "EC2-VPC-EBS-Subnet": (*_MACHINE, "subnet", "volume"),
}
"""The kinds of EC2 resource that each scenario demands (IAM API, ResourceHandlingOption)."""


class Question(Listing, frozen=True, kw_only=True):
    """What both simulations are asked."""

    action_names: tuple[str, ...]
    permissions_boundary_policy_input_list: tuple[str, ...] = ()
    resource_arns: tuple[str, ...] = ()
    resource_policy: str = ""
    resource_owner: str = ""
    caller_arn: str = ""
    context_entries: tuple[ContextEntry, ...] = ()
    resource_handling_option: str = ""


class OrganizationLevel(msgspec.Struct, frozen=True, rename="pascal"):
    """The service control policies of one level of an organisation."""

    service_control_policy_input_list: tuple[str, ...] = ()


class SimulateCustomPolicy(Question, frozen=True, kw_only=True):
    """Policies, and the question what they come to."""

    policy_input_list: tuple[str, ...]
    ordered_organization_policy_input_list: tuple[OrganizationLevel, ...] = ()


class SimulatePrincipalPolicy(Question, frozen=True, kw_only=True):
    """Somebody, policies to add and to leave out, and the question what that comes to."""

    policy_source_arn: str
    policy_input_list: tuple[str, ...] = ()
    policy_exclusion_list: tuple[PolicyIdentifier, ...] = ()


class Simulated(msgspec.Struct, frozen=True, rename="pascal"):
    """The answer: results for some of the actions, in the order they were asked in."""

    evaluation_results: tuple[EvaluationResult, ...]
    is_truncated: bool
    marker: str | None


@dataclass(frozen=True, slots=True)
class _Sense:
    """What a question says beside its policies, checked."""

    context: Context
    owner: str
    caller: tuple[Principal, Context] | None


class _Senseless(Exception):  # noqa: N818 - it becomes a refusal, not an error
    """Why a question has no answer.  Never leaves this module."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


Found = TypeVar("Found")
Asked = TypeVar("Asked", bound=Question)


def _must(found: Found | Refusal) -> Found:
    if isinstance(found, Refusal):
        raise _Senseless(found)
    return found


@action("iam:SimulateCustomPolicy", resource=lambda _state, _call: "*")
def simulate_custom_policy(_state: State, call: Call[SimulateCustomPolicy], _facts: Facts) -> Decision:
    """Say what policies given as texts come to (IAM API, SimulateCustomPolicy)."""
    asked = call.input

    def sense() -> _Sense:
        found = _sense(asked)
        if asked.resource_policy and found.caller is None:
            raise _Senseless(_senseless("CallerArn is required when a ResourcePolicy is given."))
        return found

    def simulation(_: State, sense: _Sense) -> Simulation:
        levels = tuple(
            _read(level.service_control_policy_input_list, "serviceControlPolicyInputList", "scp")
            for level in asked.ordered_organization_policy_input_list
        )
        arn = f"arn:{call.partition}:iam::{call.caller.account}:user/{SESSION_NAME}"
        nobody = Principal(PrincipalKind.USER, arn, call.caller.account, "")
        principal, known = sense.caller or (nobody, {})
        return Simulation(
            principal=principal,
            identity=_read(asked.policy_input_list, "policyInputList", "identity"),
            boundary=_boundary(asked) or None,
            context={**known, **sense.context},
            scps=levels,
            resource_policy=_resource_policy(asked),
            owner=sense.owner,
            organised=bool(levels),
        )

    return _answered(call, sense, simulation)


@action(
    "iam:SimulatePrincipalPolicy",
    resource=lambda _, call: call.input.policy_source_arn,
    conditions=worn_by(lambda asked: asked.policy_source_arn),
)
def simulate_principal_policy(state: State, call: Call[SimulatePrincipalPolicy], _facts: Facts) -> Decision:
    """Say what the policies of a user, group or role come to, with others added or some left out.

    Of whom the policies are taken, what is known is part of the question: name, unique id, tags.  Of a *CallerArn* that
    is somebody else only what its ARN says, so that nobody learns of one identity by asking about another.
    """
    asked = call.input

    def sense() -> _Sense:
        _must(identity_named(account_of(state, call), asked.policy_source_arn, call.partition))
        _must(excluding(asked.policy_exclusion_list))
        return _sense(asked)

    def simulation(later: State, sense: _Sense) -> Simulation:
        account = later.accounts[call.caller.account]
        holder = _must(identity_named(account, asked.policy_source_arn, call.partition))
        excludes = _must(excluding(asked.policy_exclusion_list))
        limits = _boundary(asked)
        if not limits and holder.boundary is not None:
            limits = (managed_policy(later.managed(account, holder.boundary), call.partition, "boundary"),)
        held = holders_policies(later, account, holder, call.partition)
        added = _read(asked.policy_input_list, "policyInputList", "identity")
        himself = asked.caller_arn in ("", asked.policy_source_arn)
        source = _must(identity_arn(asked.policy_source_arn))
        as_known = (supposed(source, holder.id), known_of(source, holder))
        principal, known = as_known if himself or sense.caller is None else sense.caller
        return Simulation(
            principal=principal,
            identity=(*(policy for policy in held if not excludes(policy.source)), *added),
            boundary=tuple(policy for policy in limits if not excludes(policy.source)) or None,
            context={**known, **sense.context},
            resource_policy=_resource_policy(asked),
            owner=sense.owner,
            organised=True,
        )

    return _answered(call, sense, simulation)


def _senseless(message: str) -> Refusal:
    return Refusal(Reason.INVALID_INPUT, message)


def _sense(asked: Question) -> _Sense:
    for name in asked.action_names:
        if ACTION.fullmatch(name) is None:
            text = f"The action name '{name}' must name one action with its service, as iam:CreateUser does."
            raise _Senseless(_senseless(text))
    for resource in asked.resource_arns:
        if resource != ALL_RESOURCES and parse_arn(resource) is None:
            raise _Senseless(_senseless(f"ARN {resource} is not valid."))
    if len(asked.permissions_boundary_policy_input_list) > 1:
        text = "An entity has one permissions boundary; PermissionsBoundaryPolicyInputList takes one policy."
        raise _Senseless(_senseless(text))
    refusal = _scenario(asked)
    if refusal is not None:
        raise _Senseless(refusal)
    caller = _must(identity_arn(asked.caller_arn)) if asked.caller_arn else None
    if caller is not None and caller.kind == "group":
        raise _Senseless(
            _senseless(f"CallerArn must be the ARN of a user or role, since a group makes no calls: {asked.caller_arn}")
        )
    return _Sense(
        _must(told(asked.context_entries)),
        _must(_owner(asked.resource_owner)),
        None if caller is None else (supposed(caller), known_of(caller)),
    )


def _scenario(asked: Question) -> Refusal | None:
    """Why the resources are not those of the scenario, if one is named."""
    if not asked.resource_handling_option:
        return None
    demanded = SCENARIOS.get(asked.resource_handling_option)
    if demanded is None:
        return _senseless(f"The resource handling option must be one of {', '.join(SCENARIOS)}.")
    arns = [arn for resource in asked.resource_arns if (arn := parse_arn(resource)) is not None]
    given = {arn.kind for arn in arns if arn.service == "ec2"}
    missing = [kind for kind in demanded if kind not in given]
    if missing:
        return _senseless(f"{asked.resource_handling_option} needs resources of these kinds too: {', '.join(missing)}.")
    return None


def _owner(text: str) -> str | Refusal:
    """The account that ResourceOwner names: twelve digits, or the ARN of its root."""
    arn = parse_arn(text)
    account = text if arn is None else arn.account if arn.resource == "root" else ""
    if text and re.fullmatch(r"[0-9]{12}", account, re.ASCII) is None:
        return _senseless(
            f"ResourceOwner must be the ARN of an account, such as arn:aws:iam::111122223333:root: {text}"
        )
    return account


def _read(texts: Sequence[str], where: str, layer: Layer) -> tuple[Policy, ...]:
    """Policies given as texts.  Nothing of them is kept: strangers' texts must not fill what is remembered of ours."""
    found: list[Policy] = []
    for number, text in enumerate(texts, 1):
        document = parse(text, Kind.BOUNDARY if layer == "boundary" else Kind.IDENTITY)
        if isinstance(document, Refusal):
            raise _Senseless(_senseless(f"The policy {where}.{number} is not valid: {document.message}"))
        found.append(compile_policy(document, Source(layer, f"{where[0].upper()}{where[1:]}.{number}")))
    return tuple(found)


def _boundary(asked: Question) -> tuple[Policy, ...]:
    return _read(asked.permissions_boundary_policy_input_list, "permissionsBoundaryPolicyInputList", "boundary")


def _resource_policy(asked: Question) -> Policy | None:
    if not asked.resource_policy:
        return None
    document = parse(asked.resource_policy, Kind.RESOURCE)
    if isinstance(document, Refusal):
        raise _Senseless(_senseless(f"The resource policy is not valid: {document.message}"))
    return compile_policy(document, Source("resource", "ResourcePolicy"))


def _answered(
    call: Call[Asked], sense: Callable[[], _Sense], simulation: Callable[[State, _Sense], Simulation]
) -> Decision:
    """Weigh one page of the actions once the request is recorded; a marker fits the same question only."""
    asked = call.input
    try:
        sensed = sense()
    except _Senseless as fault:
        return Decision(answer=fault.refusal)
    question = msgspec.json.encode(msgspec.structs.replace(asked, marker=None, max_items=None))
    scope = scope_of(call, f"{type(asked).__name__}|{hashlib.sha256(question).hexdigest()}")
    most = max(1, min(asked.max_items or DEFAULT_ITEMS, WEIGHINGS // max(1, len(asked.resource_arns))))
    numbered = [f"{number:06d} {name}" for number, name in enumerate(asked.action_names)]
    cut = page(numbered, str, marker=asked.marker, max_items=most, scope=scope)
    if isinstance(cut, Refusal):
        return Decision(answer=cut)

    def then(state: State) -> Answer:
        try:
            ready = simulation(state, sensed)
        except _Senseless as fault:
            return fault.refusal
        results = tuple(ready.result(item.partition(" ")[2], asked.resource_arns) for item in cut.items)
        return Simulated(results, cut.is_truncated, cut.marker)

    return Decision(then=then)
