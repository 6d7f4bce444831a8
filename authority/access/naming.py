"""ARNs of what IAM holds, found by name: the resource that an action is authorised on, whether or not it exists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from authority.access.applicable import holder_arn
from authority.access.beside import Beside
from authority.access.call import Call
from authority.kernel.arn import Arn, parse
from authority.kernel.refusal import Reason, Refusal
from authority.model.account import Account
from authority.model.holders import Holder
from authority.model.principals import User
from authority.model.roles import Role
from authority.model.state import State


def account_of(state: State, call: Call[Any]) -> Account:
    """The caller's account."""
    return state.accounts[call.caller.account]


def iam_arn(call: Call[Any], resource: str) -> str:
    """The ARN of something in the caller's account."""
    return str(Arn(call.partition, "iam", "", call.caller.account, resource))


def own_arn(call: Call[Any], resource: str) -> str:
    """The ARN of something of our own service in the caller's account.

    INVARIANT: no region, as in the ARNs of IAM: whoever chose it by what he signs would choose which Deny holds.
    """
    return str(Arn(call.partition, "authority", "", call.caller.account, resource))


def managements_arn(state: State, call: Call[Any], resource: str) -> str:
    """The ARN of something of our own service that belongs to the management account."""
    return str(Arn(call.partition, "authority", "", state.management_account or "", resource))


def existing(
    kind: str, name_of: Callable[[Any], str], find: Callable[[Account, str], Holder | None]
) -> Callable[[State, Call[Any]], str]:
    """The ARN of a user, group or role by its name; where there is none, the ARN it would have at the root path."""

    def resource(state: State, call: Call[Any]) -> str:
        account, name = account_of(state, call), name_of(call.input)
        holder = find(account, name)
        return iam_arn(call, f"{kind}/{name}") if holder is None else holder_arn(account, holder, call.partition)

    return resource


def listing(kind: str) -> Callable[[State, Call[Any]], str]:
    """What a List action is authorised on: the kind and the path prefix that was asked for."""
    return lambda _, call: iam_arn(call, f"{kind}{call.input.path_prefix}")


def linked_role_protected(role: Role) -> Refusal | None:
    """Why *role* may not be changed, if it belongs to a service (IAM User Guide, Service-linked roles)."""
    if not role.linked_to:
        return None
    text = f"Cannot perform the operation on the protected role '{role.name}' - this role is only modifiable by AWS"
    return Refusal(Reason.UNMODIFIABLE_ENTITY, text)


def _open_account(state: State, account_id: str) -> Account | None:
    account = state.accounts.get(account_id)
    return None if account is None or account.closed_at is not None else account


_ROLES: Final[Beside[str, tuple[Account, Role] | None]] = Beside()


def role_by_arn(state: State, text: str) -> tuple[Account, Role] | None:
    """The role that an ARN names, with path and all, in whatever account that is open."""
    known = _ROLES.of(state)
    if text not in known:
        known[text] = _role_by_arn(state, text)
    return known[text]


def role_wanted(state: State, call: Call[Any], text: str) -> tuple[Account, Role] | None:
    """The role that an ARN names in the partition of the request; under the name of another it is not there.

    INVARIANT: a role has one name, since policies compare it and the log keeps it as who asks spells it.
    """
    arn = parse(text)
    return role_by_arn(state, text) if arn is not None and arn.partition == call.partition else None


def _role_by_arn(state: State, text: str) -> tuple[Account, Role] | None:
    arn = parse(text)
    if arn is None or arn.service != "iam" or arn.region or arn.kind != "role":
        return None
    account = _open_account(state, arn.account)
    role = None if account is None else account.role_named(arn.name)
    if account is None or role is None or (role.name, role.path) != (arn.name, arn.path):
        return None
    return account, role


def user_by_arn(state: State, text: str) -> tuple[Account, User] | None:
    """The user that an ARN names, with path and all, in whatever account that is open."""
    arn = parse(text)
    if arn is None or arn.service != "iam" or arn.region or arn.kind != "user":
        return None
    account = _open_account(state, arn.account)
    user = None if account is None else account.user_named(arn.name)
    if account is None or user is None or (user.name, user.path) != (arn.name, arn.path):
        return None
    return account, user
