"""Inline policies of users, groups and roles: they hang on one holder and die with it.

Every operation is written once and bound three times; IAM API, Put-, Get-, Delete- and List- with UserPolicy,
GroupPolicy and RolePolicy.
"""

from __future__ import annotations

import msgspec

from authority.access.action import Action, Decision, Facts, refuse
from authority.access.call import Call
from authority.access.listing import Listing, listed
from authority.access.naming import account_of
from authority.kernel.paging import Page
from authority.kernel.refusal import Reason, Refusal
from authority.model.holders import InlinePolicyDeleted, InlinePolicyPut
from authority.model.state import State
from authority.permissions.holding import KINDS, HolderKind, OfHolder, on_the_wire, readable_identity
from authority.policy.document import size_of


class PutPolicy(OfHolder, frozen=True, kw_only=True, rename="pascal"):
    """A policy to write, or to write anew."""

    policy_name: str
    policy_document: str


class NamedPolicy(OfHolder, frozen=True, kw_only=True, rename="pascal"):
    """One inline policy."""

    policy_name: str


class HeldPolicy(OfHolder, frozen=True, kw_only=True, rename="pascal"):
    """The answer: one inline policy, its document percent-encoded."""

    policy_name: str
    policy_document: str


class PolicyNames(msgspec.Struct, frozen=True, rename="pascal"):
    """The answer: some of the names, in order."""

    policy_names: tuple[str, ...]
    is_truncated: bool
    marker: str | None


def _put(kind: HolderKind) -> Action:
    def put(state: State, call: Call[PutPolicy], _facts: Facts) -> Decision:
        """Write the policy, if it keeps to the grammar and all the holder's together to the quota."""
        account, wanted, holder = account_of(state, call), call.input, kind.changeable(state, call)
        if isinstance(holder, Refusal):
            return Decision(answer=holder)
        document = readable_identity(wanted.policy_document)
        if isinstance(document, Refusal):
            return Decision(answer=document)
        others = sum(size_of(policy.document) for policy in holder.inline if policy.name != wanted.policy_name)
        most = account.quota(f"{kind.word}PolicySizeQuota")
        if others + size_of(wanted.policy_document) > most:
            text = f"Maximum policy size of {most} bytes exceeded for {kind.lower} {holder.name}"
            return refuse(Reason.LIMIT_EXCEEDED, text)
        written = InlinePolicyPut(
            account=account.id, holder=holder.id, name=wanted.policy_name, document=wanted.policy_document
        )
        return Decision(facts=(written,))

    name = f"Put{kind.word}Policy"
    return Action(f"iam:{name}", kind.shape(name, PutPolicy), put, kind.arn, kind.conditions(bounded=True))


def _missing(kind: HolderKind, name: str) -> Refusal:
    return Refusal(Reason.NO_SUCH_ENTITY, f"The {kind.lower} policy with name {name} cannot be found.")


def _get(kind: HolderKind) -> Action:
    answer = kind.shape(f"Get{kind.word}PolicyAnswer", HeldPolicy)

    def get(state: State, call: Call[NamedPolicy], _facts: Facts) -> Decision:
        """Show one policy."""
        holder = kind.holder(state, call)
        if isinstance(holder, Refusal):
            return Decision(answer=holder)
        policy = holder.inline_named(call.input.policy_name)
        if policy is None:
            return Decision(answer=_missing(kind, call.input.policy_name))
        document = on_the_wire(policy.document)
        return Decision(answer=answer(holder_name=holder.name, policy_name=policy.name, policy_document=document))

    name = f"Get{kind.word}Policy"
    return Action(f"iam:{name}", kind.shape(name, NamedPolicy), get, kind.arn, kind.conditions())


def _delete(kind: HolderKind) -> Action:
    def delete(state: State, call: Call[NamedPolicy], _facts: Facts) -> Decision:
        """Take one policy away."""
        account, holder = account_of(state, call), kind.changeable(state, call)
        if isinstance(holder, Refusal):
            return Decision(answer=holder)
        if holder.inline_named(call.input.policy_name) is None:
            return Decision(answer=_missing(kind, call.input.policy_name))
        return Decision(facts=(InlinePolicyDeleted(account=account.id, holder=holder.id, name=call.input.policy_name),))

    name = f"Delete{kind.word}Policy"
    return Action(f"iam:{name}", kind.shape(name, NamedPolicy), delete, kind.arn, kind.conditions(bounded=True))


def _list(kind: HolderKind) -> Action:
    name = f"List{kind.word}Policies"

    def names(state: State, call: Call[Listing], _facts: Facts) -> Decision:
        """List the names of the holder's inline policies."""
        account, holder = account_of(state, call), kind.holder(state, call)
        if isinstance(holder, Refusal):
            return Decision(answer=holder)

        def held(later: State) -> list[str]:
            found = kind.find(later.accounts[account.id], holder.name)
            return [] if found is None else [policy.name for policy in found.inline]

        return listed(call, f"iam:{name}|{holder.id}", held, str, _names)

    return Action(f"iam:{name}", kind.shape(name, Listing), names, kind.arn, kind.conditions())


def _names(page: Page[str]) -> PolicyNames:
    return PolicyNames(page.items, page.is_truncated, page.marker)


put_user_policy, put_group_policy, put_role_policy = map(_put, KINDS)
get_user_policy, get_group_policy, get_role_policy = map(_get, KINDS)
delete_user_policy, delete_group_policy, delete_role_policy = map(_delete, KINDS)
list_user_policies, list_group_policies, list_role_policies = map(_list, KINDS)
