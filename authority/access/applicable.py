"""Which policies speak about a caller, compiled.  What is compiled is a cache beside the state, keyed by its text."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from authority.access.caller import Caller
from authority.kernel.refusal import Refusal
from authority.model.account import Account
from authority.model.holders import Holder
from authority.model.principals import User
from authority.model.roles import Role
from authority.model.state import State
from authority.policy.compiled import Policy, Source, compile_policy
from authority.policy.document import Kind, parse


@lru_cache(maxsize=16384)
def _compiled(text: str, kind: Kind, source: Source, bound: tuple[tuple[str, str], ...] = ()) -> Policy:
    document = parse(text, kind)
    if isinstance(document, Refusal):
        # What is stored was parsed when it was written; a text that no longer parses must not be passed over.
        raise TypeError(f"a stored policy does not parse: {document.message}")
    return compile_policy(document, source, {arn: unique_id or None for arn, unique_id in bound})


def identity_policies(state: State, caller: Caller) -> tuple[Policy, ...]:
    """The identity policies of a caller: its own, and those of its groups.  The root has none and needs none."""
    if caller.holder is None:
        return ()
    account = state.accounts[caller.account]
    partition = caller.principal.arn.split(":", 2)[1]
    found = list(_held(account, caller.holder, partition))
    if isinstance(caller.holder, User):
        for group_id in caller.holder.groups:
            found.extend(_held(account, account.groups[group_id], partition))
    return tuple(found)


def _held(account: Account, holder: Holder, partition: str) -> Iterator[Policy]:
    owner = holder_arn(account, holder, partition)
    for inline in holder.inline:
        yield _compiled(inline.document, Kind.IDENTITY, Source("identity", inline.name, owner=owner))
    for policy_id in holder.attached:
        policy = account.policies[policy_id]
        arn = f"arn:{partition}:iam::{account.id}:policy{policy.path}{policy.name}"
        yield _compiled(policy.document, Kind.IDENTITY, Source("identity", arn, f"v{policy.default}"))


def trust_policy(account: Account, role: Role, partition: str) -> Policy:
    """The trust policy of *role*, matching principals by the unique ids they had when it was written."""
    source = Source("trust", holder_arn(account, role, partition))
    return _compiled(role.trust.document, Kind.TRUST, source, role.trust.bound)


def holder_arn(account: Account, holder: Holder, partition: str) -> str:
    """The ARN of a user, group or role."""
    match holder:
        case User():
            kind = "user"
        case Role():
            kind = "role"
        case _:
            kind = "group"
    return f"arn:{partition}:iam::{account.id}:{kind}{holder.path}{holder.name}"


def session_policies(state: State, caller: Caller) -> tuple[Policy, ...] | None:
    """The session policies that came with a session, which limit it; None where it has none.

    A managed policy that is gone since allows nothing: it must not widen the session.
    """
    session = caller.session
    if session is None or not (session.policy or session.policy_arns):
        return None
    found: list[Policy] = []
    if session.policy:
        found.append(_compiled(session.policy, Kind.SESSION, Source("session", "inline")))
    account = state.accounts[caller.account]
    for arn in session.policy_arns:
        policy = account.policy_named(arn.rpartition("/")[2])
        if policy is not None:
            found.append(_compiled(policy.document, Kind.IDENTITY, Source("session", arn, f"v{policy.default}")))
    return tuple(found)
