"""Users and groups as the caller names them: found by name, or who asks; and the words when there is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from authority.access.action import Decision, refuse
from authority.access.call import Call
from authority.access.context import Context
from authority.access.naming import account_of, existing, iam_arn
from authority.access.tagging import resource_tags
from authority.kernel.refusal import Reason, Refusal
from authority.model.account import Account
from authority.model.principals import User
from authority.model.state import State
from authority.policy.principal import PrincipalKind

NAME_NEEDED = Refusal(Reason.VALIDATION_ERROR, "Must specify userName when calling with non-User credentials")

named_user = existing("user", lambda asked: asked.user_name, Account.user_named)
named_group = existing("group", lambda asked: asked.group_name, Account.group_named)


def no_user(name: str) -> Decision:
    """There is no user called *name*."""
    return refuse(Reason.NO_SUCH_ENTITY, f"The user with name {name} cannot be found.")


def no_group(name: str) -> Decision:
    """There is no group called *name*."""
    return refuse(Reason.NO_SUCH_ENTITY, f"The group with name {name} cannot be found.")


def worn_by_user(state: State, call: Call[Any]) -> Context:
    """The condition keys of the tags of the user that the input names, or that asks."""
    found = user_or_caller(account_of(state, call), call)
    return resource_tags(found.tags) if isinstance(found, User) else {}


def user_or_caller(account: Account, call: Call[Any]) -> User | Account | Refusal:
    """The user that the input names; without a name the user that asks, or the account when its root asks."""
    name = call.input.user_name
    if name:
        return account.user_named(name) or Refusal(Reason.NO_SUCH_ENTITY, f"The user with name {name} cannot be found.")
    match call.caller.principal.kind:
        case PrincipalKind.ROOT:
            return account
        case PrincipalKind.USER if isinstance(call.caller.holder, User):
            return call.caller.holder
        case _:
            return NAME_NEEDED


def user_or_caller_arn(state: State, call: Call[Any]) -> str:
    """The ARN of the user that the input names, or of who asks."""
    if call.input.user_name:
        return named_user(state, call)
    principal = call.caller.principal
    return principal.arn if principal.kind in (PrincipalKind.ROOT, PrincipalKind.USER) else iam_arn(call, "user/")


def below(prefix: str) -> Callable[[Any], bool]:
    """Whether something in IAM lies under the path *prefix*."""
    return lambda one: str(one.path).startswith(prefix)
