"""Managed policies: made, shown, listed, tagged, deleted (IAM API, CreatePolicy and its kin).

An account reads the catalogue as it reads its own, and can change nothing in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from authority.access.action import Answer, Decision, Facts, action, refuse
from authority.access.applicable import policy_by_arn
from authority.access.call import Call
from authority.access.context import Context
from authority.access.listing import Listing, PathListing, listed
from authority.access.naming import account_of, iam_arn, listing
from authority.access.tagging import QUOTA, request_tags, resource_tags, tags_refused
from authority.access.wearing import tagged, tagging, tags_listed, untagging
from authority.kernel.arn import parse as parse_arn
from authority.kernel.ids import POLICY, PolicyId
from authority.kernel.paging import Page
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.tags import Tag
from authority.model.account import Account
from authority.model.holders import Holder
from authority.model.policies import (
    CATALOGUE,
    ManagedPolicy,
    PolicyCreated,
    PolicyDeleted,
    PolicyTagged,
    PolicyUntagged,
)
from authority.model.state import State
from authority.permissions.holding import readable_identity
from authority.policy.document import Document, size_of


class OfPolicy(msgspec.Struct, frozen=True, rename="pascal"):
    """What every operation on one managed policy says: its ARN."""

    policy_arn: str


class PolicyListing(Listing, frozen=True, kw_only=True):
    """A listing of something that one policy has."""

    policy_arn: str


class PolicyShown(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A managed policy as IAM shows it, its document aside.  What an operation leaves out is None."""

    policy_name: str
    policy_id: str
    arn: str
    path: str
    default_version_id: str
    attachment_count: int
    permissions_boundary_usage_count: int
    is_attachable: bool
    create_date: datetime
    update_date: datetime
    description: str | None = None
    tags: tuple[Tag, ...] | None = None


def everybody_in(account: Account) -> tuple[Holder, ...]:
    """Users, groups and roles."""
    return (*account.users.values(), *account.groups.values(), *account.roles.values())


class Usage:
    """How many hold each managed policy of an account or the catalogue, and how many it bounds."""

    def __init__(self, account: Account) -> None:
        """Count once, for any number of questions."""
        everybody = everybody_in(account)
        self.attached = Counter(policy for holder in everybody for policy in holder.attached)
        self.bounding = Counter(holder.boundary for holder in everybody if holder.boundary is not None)


def shown(policy: ManagedPolicy, usage: Usage, partition: str) -> PolicyShown:
    """*policy* with what all operations show of it."""
    return PolicyShown(
        policy_name=policy.name,
        policy_id=policy.id,
        arn=policy.arn(partition),
        path=policy.path,
        default_version_id=f"v{policy.default}",
        attachment_count=usage.attached[policy.id],
        permissions_boundary_usage_count=usage.bounding[policy.id],
        is_attachable=not policy.retired,
        create_date=policy.created_at,
        update_date=policy.updated_at,
    )


def asked_about(_: State, call: Call[Any]) -> str:
    """What an operation on one managed policy is authorised on: the ARN as it was given."""
    arn: str = call.input.policy_arn
    return arn


def worn(state: State, call: Call[Any]) -> Context:
    """The condition keys of the tags that the policy carries."""
    policy = policy_by_arn(state, account_of(state, call), call.input.policy_arn, call.partition)
    return resource_tags(() if policy is None else policy.tags)


def found(
    state: State, call: Call[Any], missing: str = "does not exist or is not attachable."
) -> ManagedPolicy | Refusal:
    """The policy that a call names, or why there is none; *missing* ends the sentence that says so."""
    text = call.input.policy_arn
    arn = parse_arn(text)
    if arn is None:
        return Refusal(Reason.VALIDATION_ERROR, f"ARN {text} is not valid.")
    if arn.service != "iam" or arn.kind != "policy":
        return Refusal(Reason.INVALID_INPUT, f"ARN {text} is not valid.")
    policy = policy_by_arn(state, account_of(state, call), text, call.partition)
    return Refusal(Reason.NO_SUCH_ENTITY, f"Policy {text} {missing}") if policy is None else policy


def own(
    state: State, call: Call[Any], operation: str, missing: str = "does not exist or is not attachable."
) -> ManagedPolicy | Refusal:
    """Like `found`, for an *operation* that changes the policy: what belongs to all accounts, none may change."""
    policy = found(state, call, missing)
    if isinstance(policy, ManagedPolicy) and policy.owner == CATALOGUE:
        text = (
            f"User: {call.caller.principal.arn} is not authorized to perform: iam:{operation} on resource: policy "
            f"{call.input.policy_arn}"
        )
        return Refusal(Reason.ACCESS_DENIED, text)
    return policy


def readable(account: Account, text: str) -> Document | Refusal:
    """The document of a managed policy, or why it cannot be one (IAM and AWS STS quotas)."""
    document = readable_identity(text, current=True)
    if isinstance(document, Refusal):
        return document
    most = account.quota("PolicySizeQuota")
    if size_of(text) > most:
        return Refusal(Reason.LIMIT_EXCEEDED, f"Cannot exceed quota for PolicySize: {most}")
    return document


def no_more_versions(account: Account) -> Refusal | None:
    """Why *account* may have no further text of a policy, if all its policies together have as many as they may."""
    most = account.quota("PolicyVersionsInUseQuota")
    if sum(len(policy.versions) for policy in account.policies.values()) < most:
        return None
    return Refusal(Reason.LIMIT_EXCEEDED, f"Cannot exceed quota for PolicyVersionsInUse: {most}")


class CreatePolicy(msgspec.Struct, frozen=True, rename="pascal"):
    """A policy to make."""

    policy_name: str
    policy_document: str
    path: str = "/"
    description: str = ""
    tags: tuple[Tag, ...] = ()


class Shown(msgspec.Struct, frozen=True, rename="pascal"):
    """The answer: one policy."""

    policy: PolicyShown


@action(
    "iam:CreatePolicy",
    resource=lambda _, call: iam_arn(call, f"policy{call.input.path}{call.input.policy_name}"),
    conditions=lambda _, call: request_tags(call.input.tags),
    tagging="iam:TagPolicy",
)
def create_policy(state: State, call: Call[CreatePolicy], facts: Facts) -> Decision:
    """Make a policy whose text is its version 1, or refuse as AWS does (IAM API, CreatePolicy)."""
    account, wanted = account_of(state, call), call.input
    document = readable(account, wanted.policy_document)
    if isinstance(document, Refusal):
        return Decision(answer=document)
    if account.policy_named(wanted.policy_name) is not None:
        text = f"A policy called {wanted.policy_name} already exists. Duplicate names are not allowed."
        return refuse(Reason.ENTITY_ALREADY_EXISTS, text)
    refusal = tags_refused(wanted.tags, ignore_case=False, most=account.quota(QUOTA))
    if refusal is not None:
        return Decision(answer=refusal)
    most = account.quota("PoliciesQuota")
    if len(account.policies) >= most:
        return refuse(Reason.LIMIT_EXCEEDED, f"Cannot exceed quota for PoliciesPerAccount: {most}")
    full = no_more_versions(account)
    if full is not None:
        return Decision(answer=full)
    created = PolicyCreated(
        account=account.id,
        policy_id=PolicyId(facts.new_id(POLICY)),
        name=wanted.policy_name,
        path=wanted.path,
        document=wanted.policy_document,
        description=wanted.description,
        tags=wanted.tags,
    )
    answer = PolicyShown(
        policy_name=created.name,
        policy_id=created.policy_id,
        arn=iam_arn(call, f"policy{created.path}{created.name}"),
        path=created.path,
        default_version_id="v1",
        attachment_count=0,
        permissions_boundary_usage_count=0,
        is_attachable=True,
        create_date=facts.now,
        update_date=facts.now,
        tags=created.tags or None,
    )
    return Decision(facts=(created,), answer=Shown(answer))


class GetPolicy(OfPolicy, frozen=True):
    """Which policy."""


@action("iam:GetPolicy", resource=asked_about, conditions=worn)
def get_policy(state: State, call: Call[GetPolicy], _facts: Facts) -> Decision:
    """Show a policy, its description and tags included (IAM API, GetPolicy)."""
    account_id, policy = account_of(state, call).id, found(state, call, "was not found.")
    if isinstance(policy, Refusal):
        return Decision(answer=policy)

    def then(later: State) -> Answer:
        # Counting who holds it takes a look at everybody, which no other decision should wait for.
        plain = shown(policy, Usage(later.accounts[account_id]), call.partition)
        return Shown(msgspec.structs.replace(plain, description=policy.description or None, tags=policy.tags))

    return Decision(then=then)


class ListPolicies(PathListing, frozen=True):
    """Which policies."""

    scope: str = "All"
    only_attached: bool = False
    policy_usage_filter: str = ""


class Policies(msgspec.Struct, frozen=True, rename="pascal"):
    """The answer: some of the policies, by name."""

    policies: tuple[PolicyShown, ...]
    is_truncated: bool
    marker: str | None


@action("iam:ListPolicies", resource=listing("policy"))
def list_policies(state: State, call: Call[ListPolicies], _facts: Facts) -> Decision:
    """List the account's policies, the catalogue's, or both (IAM API, ListPolicies).

    A usage filter leaves those that are used that way; descriptions and tags are not shown.
    """
    wanted, account_id = call.input, account_of(state, call).id

    def items(later: State) -> list[PolicyShown]:
        account = later.accounts[account_id]
        usage = Usage(account)
        scopes: dict[str, Iterable[ManagedPolicy]] = {
            "Local": account.policies.values(),
            "AWS": later.catalogue.values(),
        }
        return [
            shown(policy, usage, call.partition)
            for scope, policies in scopes.items()
            if wanted.scope in (scope, "All")
            for policy in policies
            if policy.path.startswith(wanted.path_prefix)
            and (not policy.retired or usage.attached[policy.id])
            and _used(policy, usage, wanted)
        ]

    narrowed = f"{wanted.scope}|{wanted.only_attached}|{wanted.path_prefix}|{wanted.policy_usage_filter}"
    return listed(call, f"iam:ListPolicies|{narrowed}", items, lambda one: f"{one.policy_name} {one.arn}", _policies)


def _used(policy: ManagedPolicy, usage: Usage, wanted: ListPolicies) -> bool:
    attached, bounding = usage.attached[policy.id] > 0, usage.bounding[policy.id] > 0
    match wanted.policy_usage_filter:
        case "PermissionsPolicy":
            return attached
        case "PermissionsBoundary":
            return bounding
        case _:
            return attached or bounding or not wanted.only_attached


def _policies(page: Page[PolicyShown]) -> Policies:
    return Policies(page.items, page.is_truncated, page.marker)


class DeletePolicy(OfPolicy, frozen=True):
    """Which policy."""


@action("iam:DeletePolicy", resource=asked_about, conditions=worn)
def delete_policy(state: State, call: Call[DeletePolicy], _facts: Facts) -> Decision:
    """Delete a policy that nobody holds and whose only text is the one in force (IAM API, DeletePolicy)."""
    account, policy = account_of(state, call), own(state, call, "DeletePolicy", "was not found.")
    if isinstance(policy, Refusal):
        return Decision(answer=policy)
    if any(policy.id in holder.attached or policy.id == holder.boundary for holder in everybody_in(account)):
        return refuse(Reason.DELETE_CONFLICT, "Cannot delete a policy attached to entities.")
    if len(policy.versions) > 1:
        text = (
            "This policy has more than one version. Before you delete a policy, you must delete the policy's "
            "versions. The default version is deleted with the policy."
        )
        return refuse(Reason.DELETE_CONFLICT, text)
    return Decision(facts=(PolicyDeleted(account=account.id, policy_id=policy.id),))


class TagPolicy(OfPolicy, frozen=True):
    """Tags to lay over those a policy carries."""

    tags: tuple[Tag, ...]


@action("iam:TagPolicy", resource=asked_about, conditions=tagging(worn))
def tag_policy(state: State, call: Call[TagPolicy], _facts: Facts) -> Decision:
    """Tag a policy; keys that differ by case are different keys (IAM API, TagPolicy)."""
    account, policy = account_of(state, call), own(state, call, "TagPolicy", "was not found.")
    if isinstance(policy, Refusal):
        return Decision(answer=policy)
    laid_on = PolicyTagged(account=account.id, policy_id=policy.id, tags=call.input.tags)
    return tagged(account, policy, call.input.tags, laid_on)


class UntagPolicy(OfPolicy, frozen=True):
    """Keys of tags to take off."""

    tag_keys: tuple[str, ...]


@action("iam:UntagPolicy", resource=asked_about, conditions=untagging(worn))
def untag_policy(state: State, call: Call[UntagPolicy], _facts: Facts) -> Decision:
    """Take tags off a policy; keys that it does not carry do no harm (IAM API, UntagPolicy)."""
    account, policy = account_of(state, call), own(state, call, "UntagPolicy", "was not found.")
    if isinstance(policy, Refusal):
        return Decision(answer=policy)
    if not call.input.tag_keys:
        return Decision()
    return Decision(facts=(PolicyUntagged(account=account.id, policy_id=policy.id, keys=call.input.tag_keys),))


class ListPolicyTags(PolicyListing, frozen=True):
    """Which page of a policy's tags."""


@action("iam:ListPolicyTags", resource=asked_about, conditions=worn)
def list_policy_tags(state: State, call: Call[ListPolicyTags], _facts: Facts) -> Decision:
    """List what a policy is tagged with (IAM API, ListPolicyTags)."""
    policy = found(state, call, "was not found.")
    if isinstance(policy, Refusal):
        return Decision(answer=policy)
    return tags_listed(call, "iam:ListPolicyTags", policy, _shorter_first)


def _shorter_first(tag: Tag) -> str:
    """The order in which AWS was recorded to list the tags of a policy: short keys before long ones."""
    return f"{len(tag.key):03}{tag.key}"
