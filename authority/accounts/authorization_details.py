"""iam:GetAccountAuthorizationDetails - everything that an account holds, in pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

import msgspec

from authority.access.action import Decision, Facts, action
from authority.access.call import Call
from authority.access.listing import Listing, scope_of
from authority.access.naming import account_of
from authority.accounts.details import Detailer, GroupDetail, PolicyDetail, RoleDetail, UserDetail
from authority.accounts.naming import the_account
from authority.audit.answers import LastUse
from authority.audit.queries import LastUsed
from authority.kernel.paging import page
from authority.kernel.refusal import Refusal
from authority.model.account import Account
from authority.model.policies import ManagedPolicy
from authority.model.principals import Group, User
from authority.model.roles import Role
from authority.model.state import State

KINDS: Final = ("User", "Group", "Role", "LocalManagedPolicy", "AWSManagedPolicy")
"""What can be asked for, in the order in which it is answered."""

Thing: TypeAlias = User | Group | Role | ManagedPolicy


class GetAccountAuthorizationDetails(Listing, frozen=True):
    """Which kinds of things, and which page; without a filter, all kinds."""

    filter: tuple[str, ...] = ()


class AuthorizationDetails(msgspec.Struct, frozen=True, rename="pascal", kw_only=True):
    """Some of what the account holds, each thing whole."""

    user_detail_list: tuple[UserDetail, ...]
    group_detail_list: tuple[GroupDetail, ...]
    role_detail_list: tuple[RoleDetail, ...]
    policies: tuple[PolicyDetail, ...]
    is_truncated: bool
    marker: str | None


@action("iam:GetAccountAuthorizationDetails", resource=the_account)
def get_account_authorization_details(
    state: State, call: Call[GetAccountAuthorizationDetails], _facts: Facts
) -> Decision:
    """Show all users, groups, roles and policies with what hangs on them (IAM API, same name).

    Of the catalogue that all accounts share, those policies that somebody in the account holds.
    """
    kinds = frozenset(call.input.filter or KINDS)
    scope = scope_of(call, f"iam:GetAccountAuthorizationDetails|{','.join(sorted(kinds))}")
    marker, most = call.input.marker, call.input.max_items
    checked = page((), str, marker=marker, max_items=most, scope=scope)
    if isinstance(checked, Refusal):
        return Decision(answer=checked)
    account, partition = account_of(state, call), call.partition

    def shape(last_uses: Mapping[str, LastUse]) -> AuthorizationDetails | Refusal:
        detailer = Detailer(state, account, partition)
        things = _things(state, account, kinds, detailer)
        cut = page(things, lambda thing: thing[0], marker=marker, max_items=most, scope=scope)
        if isinstance(cut, Refusal):
            return cut
        shown = [thing for _, thing in cut.items]
        return AuthorizationDetails(
            user_detail_list=tuple(detailer.user(one) for one in shown if isinstance(one, User)),
            group_detail_list=tuple(detailer.group(one) for one in shown if isinstance(one, Group)),
            role_detail_list=tuple(detailer.role(one, last_uses) for one in shown if isinstance(one, Role)),
            policies=tuple(detailer.policy(one) for one in shown if isinstance(one, ManagedPolicy)),
            is_truncated=cut.is_truncated,
            marker=cut.marker,
        )

    # All roles are asked about, not those of the page: sorting is work for later, off the committer.
    return Decision(query=LastUsed(ids=tuple(account.roles) if "Role" in kinds else (), shape=shape))


def _things(state: State, account: Account, kinds: frozenset[str], detailer: Detailer) -> list[tuple[str, Thing]]:
    """Everything of these *kinds*, with a text that orders it."""
    held = detailer.attached.keys() | detailer.bounding.keys()
    found: dict[str, list[Thing]] = {
        "User": list(account.users.values()),
        "Group": list(account.groups.values()),
        "Role": list(account.roles.values()),
        "LocalManagedPolicy": list(account.policies.values()),
        "AWSManagedPolicy": [policy for policy_id, policy in state.catalogue.items() if policy_id in held],
    }
    return [
        (f"{rank} {thing.name} {thing.id}", thing)
        for rank, kind in enumerate(KINDS)
        if kind in kinds
        for thing in found[kind]
    ]
