"""Trust policies as they are written and read back: the principals that they name are bound to unique ids.

Who is named by an ARN is looked up when the policy is written, and never again: a namesake made later is a stranger,
and a policy that names somebody who is gone shows the id that is left of him (IAM User Guide, Principal).
"""

from __future__ import annotations

from authority.access.applicable import trust_policy
from authority.access.naming import role_by_arn, user_by_arn
from authority.kernel.arn import parse as parse_arn
from authority.kernel.refusal import Reason, Refusal
from authority.model.account import Account
from authority.model.roles import Role, Trust
from authority.model.state import State
from authority.policy.document import Kind, parse, size_of

NOBODY = ""
"""What a principal is bound to whom no policy of ours can know; it never matches."""


def written(state: State, account: Account, text: str, partition: str) -> Trust | Refusal:
    """Read *text* as a trust policy of a role in *account*, and bind whom it names.

    A user or role of the own account must exist.  One of another account need not: the answer is the same whether it
    exists or not, so that nobody learns who is there, and who does not exist stays a stranger for ever.
    """
    document = parse(text, Kind.TRUST)
    if isinstance(document, Refusal):
        return document
    most = account.quota("AssumeRolePolicySizeQuota")
    if size_of(text) > most:
        return Refusal(Reason.LIMIT_EXCEEDED, f"Cannot exceed quota for ACLSizePerRole: {most}")
    bound: list[tuple[str, str]] = []
    for name in document.named_principals:
        unique_id = _unique_id(state, name, partition)
        if unique_id == NOBODY and _is_of(account, name, partition):
            return Refusal(Reason.MALFORMED_POLICY_DOCUMENT, f'Invalid principal in policy: "AWS":"{name}"')
        bound.append((name, unique_id))
    return Trust(text, tuple(bound))


def shown(state: State, account: Account, role: Role, partition: str) -> str:
    """The trust policy of *role* as IAM gives it back: who is gone stands there by the id that he had.

    Whoever was renamed since stands there by the ARN that he has now.
    """
    names = {
        name: _spelled(state, name, unique_id, partition)
        for name, unique_id in role.trust.bound
        if unique_id != NOBODY and _unique_id(state, name, partition) != unique_id
    }
    return trust_policy(account, role, partition).document.shown(names)


def _is_of(account: Account, name: str, partition: str) -> bool:
    arn = parse_arn(name)
    return arn is not None and (arn.partition, arn.account) == (partition, account.id)


def _unique_id(state: State, name: str, partition: str) -> str:
    """The unique id of the user or role that an ARN names now, in our own partition; else nobody."""
    if not name.startswith(f"arn:{partition}:"):
        return NOBODY
    found = user_by_arn(state, name) or role_by_arn(state, name)
    return NOBODY if found is None else found[1].id


def _spelled(state: State, name: str, unique_id: str, partition: str) -> str:
    arn = parse_arn(name)
    account = None if arn is None else state.accounts.get(arn.account)
    user = None if account is None else account.users.get(unique_id)
    if account is None or user is None:
        # A role is never renamed, so one that is not found by its name is gone.
        return unique_id
    return f"arn:{partition}:iam::{account.id}:user{user.path}{user.name}"
