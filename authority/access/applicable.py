"""Which policies speak about a caller, compiled.

What is compiled is a cache beside the state, keyed by its text; what a holder has, by the parts of the state it is
gathered from, which never change.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final, TypeVar

from authority.access.caller import Caller
from authority.kernel.arn import parse as parse_arn
from authority.kernel.refusal import Refusal
from authority.model.account import Account
from authority.model.holders import Holder
from authority.model.policies import CATALOGUE, ManagedPolicy, catalogue_id
from authority.model.principals import User
from authority.model.roles import Role
from authority.model.state import State
from authority.policy.compiled import Layer, Policy, Source, compile_policy
from authority.policy.document import Kind, parse
from authority.policy.principal import PrincipalKind

Key = TypeVar("Key")
Made = TypeVar("Made")

EVERYTHING: Final = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}'
NOTHING: Final = '{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}'
NOBODY: Final = '{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"sts:*"}}'
"""What a policy counts as that was stored by an older release, and that the grammar of today refuses."""
SETS: Final = 8192
"""Holders whose policies are remembered; the table is emptied when full."""
_held: Final[dict[tuple[str | int, ...], tuple[object, tuple[Policy, ...]]]] = {}
_trusted: Final[dict[tuple[int, str, str], tuple[object, Policy]]] = {}
"""As many trust policies, kept alike."""


@lru_cache(maxsize=16384)
def compiled(text: str, kind: Kind, source: Source, bound: tuple[tuple[str, str], ...] = ()) -> Policy:
    """The policy that *text* is, kept for the next who asks.

    What is stored was parsed when it was written.  A text that no longer parses may have denied something, so it denies
    everything until it is written anew; decisions name it as what determined them.
    """
    document = parse(text, kind)
    if isinstance(document, Refusal):
        document = parse(NOBODY if kind is Kind.TRUST else NOTHING, kind)
    if isinstance(document, Refusal):
        raise TypeError(f"there is no policy of kind {kind.value} that denies everything")
    return compile_policy(document, source, {arn: unique_id or None for arn, unique_id in bound})


def identity_policies(state: State, caller: Caller) -> tuple[Policy, ...]:
    """The identity policies of a caller: its own, and those of its groups.  The root has none and needs none."""
    if caller.holder is None:
        # A federated user of root has what its session policies leave of everything.
        federated = caller.principal.kind is PrincipalKind.FEDERATED_USER
        return (compiled(EVERYTHING, Kind.IDENTITY, Source("identity", "root")),) if federated else ()
    return holders_policies(state, state.accounts[caller.account], caller.holder, partition_of(caller))


def holders_policies(state: State, account: Account, holder: Holder, partition: str) -> tuple[Policy, ...]:
    """The identity policies of a holder: its own, and those of its groups."""
    sources = (holder, account.policies, account.groups, state.catalogue)
    key: tuple[str | int, ...] = (partition, *map(id, sources))
    known = _held.get(key)
    if known is not None:
        return known[1]
    return _remembered(_held, key, sources, tuple(_gathered(state, account, holder, partition)))


def _remembered(memory: dict[Key, tuple[object, Made]], key: Key, sources: object, made: Made) -> Made:
    """Keep *made* under *key*, with the *sources* that the key tells by their identity.

    INVARIANT: an entry keeps what it was made of, so no other object can come to have its id.
    """
    if len(memory) >= SETS:
        memory.clear()
    memory[key] = (sources, made)
    return made


def _gathered(state: State, account: Account, holder: Holder, partition: str) -> Iterator[Policy]:
    yield from _of_one(state, account, holder, partition)
    if isinstance(holder, User):
        for group_id in holder.groups:
            yield from _of_one(state, account, account.groups[group_id], partition)


def partition_of(caller: Caller) -> str:
    """The partition a caller is known in."""
    return caller.principal.arn.split(":", 2)[1]


def _of_one(state: State, account: Account, holder: Holder, partition: str) -> Iterator[Policy]:
    owner = holder_arn(account, holder, partition)
    for inline in holder.inline:
        yield compiled(inline.document, Kind.IDENTITY, Source("identity", inline.name, owner=owner))
    for policy_id in holder.attached:
        yield managed_policy(state.managed(account, policy_id), partition)


def managed_policy(policy: ManagedPolicy, partition: str, layer: Layer = "identity") -> Policy:
    """A managed policy, by the text in force."""
    text = policy.text_in(partition, policy.document)
    return compiled(text, Kind.IDENTITY, Source(layer, policy.arn(partition), f"v{policy.default}"))


def trust_policy(account: Account, role: Role, partition: str) -> Policy:
    """The trust policy of *role*, matching principals by the unique ids they had when it was written."""
    key = (id(role), account.id, partition)
    known = _trusted.get(key)
    if known is not None:
        return known[1]
    source = Source("trust", holder_arn(account, role, partition))
    return _remembered(_trusted, key, role, compiled(role.trust.document, Kind.TRUST, source, role.trust.bound))


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


def boundary_policies(state: State, caller: Caller) -> tuple[Policy, ...] | None:
    """The permissions boundary of a user, or of the role behind a session; None where there is none.

    A boundary that is gone, which nobody can bring about, would allow nothing.
    """
    holder = caller.holder
    if holder is None or holder.boundary is None:
        return None
    account = state.accounts[caller.account]
    policy = account.policies.get(holder.boundary) or state.catalogue.get(holder.boundary)
    return () if policy is None else (managed_policy(policy, partition_of(caller), "boundary"),)


def session_policies(state: State, caller: Caller) -> tuple[Policy, ...] | None:
    """The session policies that came with a session, which limit it; None where it has none.

    A managed policy that is gone since allows nothing: it must not widen the session.  Nor must one that came later
    with its name.
    """
    session = caller.session
    if session is None or not (session.policy or session.policy_arns):
        return None
    found: list[Policy] = []
    if session.policy:
        found.append(compiled(session.policy, Kind.SESSION, Source("session", "inline")))
    account, partition = state.accounts[caller.account], partition_of(caller)
    for arn in session.policy_arns:
        policy = policy_by_arn(state, account, arn, partition)
        if policy is not None and (not session.policy_ids or policy.id in session.policy_ids):
            found.append(managed_policy(policy, partition, "session"))
    return tuple(found)


def policy_by_arn(state: State, account: Account, text: str, partition: str) -> ManagedPolicy | None:
    """The managed policy that an ARN names, with path, partition and all: the account's own or the catalogue's."""
    arn = parse_arn(text)
    if arn is None or arn.service != "iam" or arn.region or arn.kind != "policy":
        return None
    if arn.account == CATALOGUE:
        policy = state.catalogue.get(catalogue_id(arn.path, arn.name))
    else:
        policy = account.policy_named(arn.name) if arn.account == account.id else None
    return policy if policy is not None and policy.arn(partition) == text else None
