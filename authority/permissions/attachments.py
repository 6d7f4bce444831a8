"""Managed policies attached to users, groups and roles; each operation is written once and bound three times.

IAM API, Attach-, Detach- and ListAttached- with UserPolicy, GroupPolicy and RolePolicy; ListEntitiesForPolicy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from authority.access.action import Action, Decision, Facts, action, refuse
from authority.access.applicable import policy_by_arn
from authority.access.call import Call
from authority.access.context import Context
from authority.access.listing import PathListing, listed
from authority.access.naming import account_of
from authority.kernel.paging import Page
from authority.kernel.refusal import Reason, Refusal
from authority.model.account import Account
from authority.model.holders import Holder, PolicyAttached, PolicyDetached
from authority.model.policies import ManagedPolicy
from authority.model.state import State
from authority.permissions.holding import GROUP, KINDS, ROLE, USER, HolderKind, OfHolder
from authority.permissions.managed import asked_about, found, worn


class Attachment(OfHolder, frozen=True, kw_only=True, rename="pascal"):
    """A managed policy and who is to hold it."""

    policy_arn: str


def _arn_in_question(call: Call[Any]) -> Context:
    return {"iam:policyarn": call.input.policy_arn}


def _attach(kind: HolderKind) -> Action:
    def attach(state: State, call: Call[Attachment], _facts: Facts) -> Decision:
        """Attach the policy, once, if there is room for one more."""
        account, holder, policy = account_of(state, call), kind.changeable(state, call), found(state, call)
        if isinstance(holder, Refusal):
            return Decision(answer=holder)
        if isinstance(policy, Refusal):
            return Decision(answer=policy)
        if policy.id in holder.attached:
            return Decision()
        if policy.retired:
            text = f"Policy {call.input.policy_arn} does not exist or is not attachable."
            return refuse(Reason.NO_SUCH_ENTITY, text)
        most = account.quota(f"AttachedPoliciesPer{kind.word}Quota")
        if len(holder.attached) >= most:
            return refuse(Reason.LIMIT_EXCEEDED, f"Cannot exceed quota for PoliciesPer{kind.word}: {most}")
        return Decision(facts=(PolicyAttached(account=account.id, holder=holder.id, policy_id=policy.id),))

    name = f"Attach{kind.word}Policy"
    return Action(
        f"iam:{name}", kind.shape(name, Attachment), attach, kind.arn, kind.conditions(_arn_in_question, bounded=True)
    )


def _detach(kind: HolderKind) -> Action:
    def detach(state: State, call: Call[Attachment], _facts: Facts) -> Decision:
        """Detach the policy, which the holder must hold."""
        account, holder = account_of(state, call), kind.changeable(state, call)
        policy = found(state, call, "was not found.")
        if isinstance(holder, Refusal):
            return Decision(answer=holder)
        if isinstance(policy, Refusal):
            return Decision(answer=policy)
        if policy.id not in holder.attached:
            return refuse(Reason.NO_SUCH_ENTITY, f"Policy {call.input.policy_arn} was not found.")
        return Decision(facts=(PolicyDetached(account=account.id, holder=holder.id, policy_id=policy.id),))

    name = f"Detach{kind.word}Policy"
    return Action(
        f"iam:{name}", kind.shape(name, Attachment), detach, kind.arn, kind.conditions(_arn_in_question, bounded=True)
    )


class AttachedPolicy(msgspec.Struct, frozen=True, rename="pascal"):
    """A managed policy that somebody holds."""

    policy_name: str
    policy_arn: str


class AttachedPolicies(msgspec.Struct, frozen=True, rename="pascal"):
    """The answer: some of the policies a holder holds, by name."""

    attached_policies: tuple[AttachedPolicy, ...]
    is_truncated: bool
    marker: str | None


def _list(kind: HolderKind) -> Action:
    name = f"ListAttached{kind.word}Policies"

    def attached(state: State, call: Call[PathListing], _facts: Facts) -> Decision:
        """List the managed policies that the holder holds, below a path."""
        account_id, holder = account_of(state, call).id, kind.holder(state, call)
        if isinstance(holder, Refusal):
            return Decision(answer=holder)
        prefix = call.input.path_prefix

        def held(later: State) -> list[AttachedPolicy]:
            account = later.accounts[account_id]
            now = kind.find(account, holder.name)
            policies = [] if now is None else [later.managed(account, policy_id) for policy_id in now.attached]
            return [
                AttachedPolicy(policy.name, policy.arn(call.partition))
                for policy in policies
                if policy.path.startswith(prefix)
            ]

        return listed(call, f"iam:{name}|{holder.id}|{prefix}", held, _by_name, _attached)

    return Action(f"iam:{name}", kind.shape(name, PathListing), attached, kind.arn, kind.conditions())


def _by_name(policy: AttachedPolicy) -> str:
    return f"{policy.policy_name} {policy.policy_arn}"


def _attached(page: Page[AttachedPolicy]) -> AttachedPolicies:
    return AttachedPolicies(page.items, page.is_truncated, page.marker)


attach_user_policy, attach_group_policy, attach_role_policy = map(_attach, KINDS)
detach_user_policy, detach_group_policy, detach_role_policy = map(_detach, KINDS)
list_attached_user_policies, list_attached_group_policies, list_attached_role_policies = map(_list, KINDS)


class ListEntitiesForPolicy(PathListing, frozen=True, kw_only=True):
    """Which holders of which policy."""

    policy_arn: str
    entity_filter: str = ""
    policy_usage_filter: str = ""


class PolicyUser(msgspec.Struct, frozen=True, rename="pascal"):
    """A user who holds the policy."""

    user_name: str
    user_id: str


class PolicyGroup(msgspec.Struct, frozen=True, rename="pascal"):
    """A group that holds the policy."""

    group_name: str
    group_id: str


class PolicyRole(msgspec.Struct, frozen=True, rename="pascal"):
    """A role that holds the policy."""

    role_name: str
    role_id: str


class Entities(msgspec.Struct, frozen=True, rename="pascal"):
    """The answer: some of those who hold the policy."""

    policy_groups: tuple[PolicyGroup, ...]
    policy_users: tuple[PolicyUser, ...]
    policy_roles: tuple[PolicyRole, ...]
    is_truncated: bool
    marker: str | None


@action("iam:ListEntitiesForPolicy", resource=asked_about, conditions=worn)
def list_entities_for_policy(state: State, call: Call[ListEntitiesForPolicy], _facts: Facts) -> Decision:
    """List who holds a policy, or is bounded by it; the path narrows whom, not which policy."""
    wanted, account_id, policy = call.input, account_of(state, call).id, found(state, call)
    if isinstance(policy, Refusal):
        return Decision(answer=policy)

    def entities(later: State) -> list[tuple[HolderKind, Holder]]:
        account = later.accounts[account_id]
        policy = policy_by_arn(later, account, wanted.policy_arn, call.partition)
        return (
            []
            if policy is None
            else [
                (kind, holder)
                for kind, holders in _everybody(account)
                if wanted.entity_filter in (kind.word, "")
                for holder in holders
                if holder.path.startswith(wanted.path_prefix) and _uses(holder, policy, wanted.policy_usage_filter)
            ]
        )

    narrowed = f"{policy.id}|{wanted.entity_filter}|{wanted.path_prefix}|{wanted.policy_usage_filter}"
    return listed(
        call, f"iam:ListEntitiesForPolicy|{narrowed}", entities, lambda one: f"{one[0].word} {one[1].name}", _entities
    )


def _everybody(account: Account) -> tuple[tuple[HolderKind, Sequence[Holder]], ...]:
    return (
        (USER, tuple(account.users.values())),
        (GROUP, tuple(account.groups.values())),
        (ROLE, tuple(account.roles.values())),
    )


def _uses(holder: Holder, policy: ManagedPolicy, usage: str) -> bool:
    attached = policy.id in holder.attached
    bounded = policy.id == holder.boundary
    match usage:
        case "PermissionsPolicy":
            return attached
        case "PermissionsBoundary":
            return bounded
        case _:
            return attached or bounded


def _entities(page: Page[tuple[HolderKind, Holder]]) -> Entities:
    of = {kind.word: [holder for each, holder in page.items if each is kind] for kind in KINDS}
    return Entities(
        tuple(PolicyGroup(group.name, group.id) for group in of["Group"]),
        tuple(PolicyUser(user.name, user.id) for user in of["User"]),
        tuple(PolicyRole(role.name, role.id) for role in of["Role"]),
        page.is_truncated,
        page.marker,
    )
