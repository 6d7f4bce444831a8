"""Trust policies as IAM gives them back: whom they name, by the names that are right now."""

from __future__ import annotations

from typing import Final

from authority.access.applicable import trust_policy
from authority.access.naming import role_by_arn, user_by_arn
from authority.kernel.arn import parse
from authority.model.account import Account
from authority.model.roles import Role
from authority.model.state import State

NOBODY: Final = ""
"""What a principal is bound to whom no policy of ours can know; it never matches."""


def shown_trust(state: State, account: Account, role: Role, partition: str) -> str:
    """The trust policy of *role* as IAM gives it back: who is gone stands there by the id that he had.

    Whoever was renamed since stands there by the ARN that he has now.
    """
    names = {
        name: _spelled(state, name, unique_id, partition)
        for name, unique_id in role.trust.bound
        if unique_id not in (NOBODY, bearer(state, name, partition))
    }
    return trust_policy(account, role, partition).document.shown(names)


def bearer(state: State, name: str, partition: str) -> str:
    """The unique id of the user or role that an ARN names now, in our own partition; else nobody."""
    if not name.startswith(f"arn:{partition}:"):
        return NOBODY
    found = user_by_arn(state, name) or role_by_arn(state, name)
    return NOBODY if found is None else found[1].id


def _spelled(state: State, name: str, unique_id: str, partition: str) -> str:
    arn = parse(name)
    account = None if arn is None else state.accounts.get(arn.account)
    user = None if account is None else account.users.get(unique_id)
    if account is None or user is None:
        # A role is never renamed, so one that is not found by its name is gone.
        return unique_id
    return f"arn:{partition}:iam::{account.id}:user{user.path}{user.name}"
