"""Which policies let somebody use a service (IAM API, ListPoliciesGrantingServiceAccess).

Only permissions policies are looked at, and only what they allow: nothing is weighed.
"""

from __future__ import annotations

import msgspec

from authority.access.action import Answer, Decision, Facts, action
from authority.access.applicable import holders_policies
from authority.access.call import Call
from authority.access.listing import scope_of
from authority.access.naming import account_of
from authority.kernel.arn import parse as parse_arn
from authority.kernel.letters import folded
from authority.kernel.paging import page
from authority.kernel.refusal import Refusal
from authority.model.state import State
from authority.permissions.identities import identity_named, worn_by
from authority.policy.compiled import Policy
from authority.policy.document import Statement


class ListPoliciesGrantingServiceAccess(msgspec.Struct, frozen=True, rename="pascal"):
    """Whose policies, and which services by their prefixes: `s3`."""

    arn: str
    service_namespaces: tuple[str, ...]
    marker: str | None = None


class Granting(msgspec.Struct, frozen=True, rename="pascal"):
    """A policy that lets somebody use a service.  An inline one says whose it is, a managed one its ARN."""

    policy_name: str
    policy_type: str
    policy_arn: str | None = None
    entity_type: str | None = None
    entity_name: str | None = None


class Entry(msgspec.Struct, frozen=True, rename="pascal"):
    """One service and the policies that let somebody use it."""

    service_namespace: str
    policies: tuple[Granting, ...]


class Entries(msgspec.Struct, frozen=True, rename="pascal"):
    """The answer: some of the services, in the order they were asked about in."""

    policies_granting_service_access: tuple[Entry, ...]
    is_truncated: bool
    marker: str | None


@action(
    "iam:ListPoliciesGrantingServiceAccess",
    resource=lambda _, call: call.input.arn,
    conditions=worn_by(lambda asked: asked.arn),
)
def list_policies_granting_service_access(
    state: State, call: Call[ListPoliciesGrantingServiceAccess], _facts: Facts
) -> Decision:
    """List for each service the policies of a user, with those of its groups, of a group, or of a role."""
    account_id, wanted = account_of(state, call).id, call.input
    holder = identity_named(account_of(state, call), wanted.arn, call.partition)
    if isinstance(holder, Refusal):
        return Decision(answer=holder)

    numbered = [f"{number:03d} {service}" for number, service in enumerate(wanted.service_namespaces)]
    narrowed = f"{holder.id}|{','.join(wanted.service_namespaces)}"
    scope = scope_of(call, f"iam:ListPoliciesGrantingServiceAccess|{narrowed}")
    cut = page(numbered, str, marker=wanted.marker, max_items=None, scope=scope)
    if isinstance(cut, Refusal):
        return Decision(answer=cut)

    def then(later: State) -> Answer:
        account = later.accounts[account_id]
        now = identity_named(account, wanted.arn, call.partition)
        held = () if isinstance(now, Refusal) else holders_policies(later, account, now, call.partition)
        services = [item.partition(" ")[2] for item in cut.items]
        entries = tuple(
            Entry(service, tuple(_shown(policy) for policy in held if grants(policy, folded(service))))
            for service in services
        )
        return Entries(entries, cut.is_truncated, cut.marker)

    return Decision(then=then)


def grants(policy: Policy, service: str) -> bool:
    """Whether *policy* allows any action of *service*, a prefix in lower case, whatever denies it."""
    allowing = (statement for statement in policy.document.statements if statement.effect == "Allow")
    return any(_speaks_of(statement, service) for statement in allowing)


def _speaks_of(statement: Statement, service: str) -> bool:
    """Whether a statement takes in any action of *service*."""
    if statement.not_actions:
        return not {"*", f"{service}:*"} & {folded(name) for name in statement.not_actions}
    return any(name == "*" or name.partition(":")[0] == service for name in map(folded, statement.actions))


def _shown(policy: Policy) -> Granting:
    source = policy.source
    if not source.owner:
        return Granting(source.policy.rpartition("/")[2], "MANAGED", policy_arn=source.policy)
    owner = parse_arn(source.owner)
    kind, name = ("", "") if owner is None else (owner.kind.upper(), owner.name)
    return Granting(source.policy, "INLINE", entity_type=kind, entity_name=name)
