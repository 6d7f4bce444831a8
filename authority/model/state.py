"""The state: every fact so far, folded.  `evolve` takes one fact into account and never refuses: it happened.

The state is immutable and shares structure, so a batch works on a new version while readers keep the old one.  It
holds configuration and never sessions, which grow without bound.  `canonical` spells it so that equal states are
equal bytes, in any process, Python version and hash seed.
"""

from __future__ import annotations

import functools
import hashlib
import types
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final, get_args

import msgspec
from immutables import Map

from authority.kernel.ids import AccessKeyId, AccountId
from authority.kernel.tags import merged, without
from authority.model import (
    account_folds,
    account_settings,
    boundaries,
    checkpoints,
    holders,
    identity_pool_folds,
    identity_pools,
    lending,
    policies,
    policy_folds,
    principals,
    provider_folds,
    revocations,
    role_folds,
    sign_in_folds,
    signing_keys,
)
from authority.model import authority as authorities
from authority.model.account import Account
from authority.model.account_settings import AccountCreation
from authority.model.authority import SealingKey, Settings
from authority.model.checkpoints import CheckpointKey
from authority.model.fact import AccountFact, Fact
from authority.model.holders import Holder
from authority.model.identity_pools import Identities
from authority.model.policies import ManagedPolicy
from authority.model.policy_folds import Catalogue
from authority.model.principals import AccessKey, KeyStatus
from authority.model.revocations import Revocations
from authority.model.signing_keys import SigningKey


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What is true now."""

    ledger_id: str = ""
    management_account: AccountId | None = None
    settings: Settings | None = None
    accounts: Map[str, Account] = Map()
    access_keys: Map[str, AccessKey] = Map()
    owned_keys: Map[str, tuple[AccessKeyId, ...]] = Map()
    """The living access keys by whose they are."""
    sealing_keys: Map[str, SealingKey] = Map()
    catalogue: Map[str, ManagedPolicy] = Map()
    creations: Map[str, AccountCreation] = Map()
    """Accounts that were asked for through Organizations, by the request's id."""
    revocations: Revocations = revocations.NONE
    signing_keys: Map[str, SigningKey] = Map()
    checkpoint_keys: Map[str, CheckpointKey] = Map()
    identities: Identities = identity_pools.NOBODY

    def signers_of_checkpoints(self) -> list[CheckpointKey]:
        """The keys that sign checkpoints, oldest first."""
        return sorted(self.checkpoint_keys.values(), key=lambda key: (key.created_at, key.id))

    def signing_keys_for(self, algorithm: str) -> list[SigningKey]:
        """The keys of web identity tokens that are signed like this, oldest first."""
        keys = (key for key in self.signing_keys.values() if key.algorithm == algorithm)
        return sorted(keys, key=lambda key: (key.created_at, key.id))

    def managed(self, account: Account, policy_id: str) -> ManagedPolicy:
        """The managed policy with this unique id, the account's own or the catalogue's, which must be there."""
        own = account.policies.get(policy_id)
        return self.catalogue[policy_id] if own is None else own

    def keys_of(self, owner: str) -> list[AccessKey]:
        """The living access keys of a user, oldest first."""
        living = (self.access_keys[key_id] for key_id in self.owned_keys.get(owner, ()))
        return sorted(living, key=lambda key: (key.created_at, key.id))

    def newest_sealing_key(self) -> SealingKey | None:
        """The daily key in use."""
        return max(self.sealing_keys.values(), key=lambda key: (key.created_at, key.id), default=None)


EMPTY: Final = State()
FOLDING: Final = 1
"""Raised when a fold comes to mean something else, so that no snapshot of the old meaning is used."""

_replace = msgspec.structs.replace


def _initialised(state: State, fact: authorities.AuthorityInitialised, _: datetime) -> State:
    return _replace(state, ledger_id=fact.ledger_id, management_account=fact.management_account)


def _settings_changed(state: State, fact: authorities.SettingsChanged, _: datetime) -> State:
    return _replace(state, settings=fact.settings)


def _sealing_key_created(state: State, fact: authorities.SealingKeyCreated, at: datetime) -> State:
    return _replace(state, sealing_keys=state.sealing_keys.set(fact.key_id, SealingKey(fact.key_id, at)))


def _sealing_key_destroyed(state: State, fact: authorities.SealingKeyDestroyed, _: datetime) -> State:
    living = state.sealing_keys.delete(fact.key_id)
    return _replace(state, sealing_keys=living, revocations=state.revocations.without_keys_but(living))


def _signing_key_created(state: State, fact: signing_keys.SigningKeyCreated, at: datetime) -> State:
    key = SigningKey(id=fact.key_id, algorithm=fact.algorithm, public=fact.public, created_at=at)
    return _replace(state, signing_keys=state.signing_keys.set(key.id, key))


def _signing_key_destroyed(state: State, fact: signing_keys.SigningKeyDestroyed, _: datetime) -> State:
    return _replace(state, signing_keys=state.signing_keys.delete(fact.key_id))


def _session_limit_set(account: Account, fact: lending.SessionLimitSet, _: datetime) -> Account:
    limits = account.session_limits
    if fact.most is not None:
        return _replace(account, session_limits=limits.set(fact.trusted, fact.most))
    return _replace(account, session_limits=limits.delete(fact.trusted)) if fact.trusted in limits else account


def _checkpoint_key_created(state: State, fact: checkpoints.CheckpointKeyCreated, at: datetime) -> State:
    key = CheckpointKey(id=fact.key_id, origin=fact.origin, verifier=fact.verifier, created_at=at)
    return _replace(state, checkpoint_keys=state.checkpoint_keys.set(key.id, key))


def _checkpoint_key_retired(state: State, fact: checkpoints.CheckpointKeyRetired, _: datetime) -> State:
    return _replace(state, checkpoint_keys=state.checkpoint_keys.delete(fact.key_id))


def _revoked(state: State, fact: Any, at: datetime) -> State:
    return _replace(state, revocations=state.revocations.taking(fact, at, state.sealing_keys))


def _identities(state: State, fact: Any, at: datetime) -> State:
    return _replace(state, identities=state.identities.taking(fact, at))


def _pools(state: State, fact: Any, at: datetime) -> State:
    return _in_account(identity_pool_folds.FOLDS[type(fact)])(_identities(state, fact, at), fact, at)


def _account_created(state: State, fact: authorities.AccountCreated, at: datetime) -> State:
    account = Account(id=fact.account, name=fact.name, email=fact.email, created_at=at)
    return _replace(state, accounts=state.accounts.set(account.id, account))


def _account_requested(state: State, fact: account_settings.AccountRequested, at: datetime) -> State:
    return _replace(state, creations=state.creations.set(fact.request_id, account_folds.requested(fact, at)))


def _key_created(state: State, fact: principals.AccessKeyCreated, at: datetime) -> State:
    key = AccessKey(
        id=fact.access_key_id, account=fact.account, owner=fact.owner, status=KeyStatus.ACTIVE, created_at=at
    )
    owned = (*state.owned_keys.get(key.owner, ()), key.id)
    return _replace(
        state, access_keys=state.access_keys.set(key.id, key), owned_keys=state.owned_keys.set(key.owner, owned)
    )


def _key_turned(state: State, key_id: AccessKeyId, status: KeyStatus) -> State:
    key = _replace(state.access_keys[key_id], status=status)
    return _replace(state, access_keys=state.access_keys.set(key_id, key))


def _key_deleted(state: State, fact: principals.AccessKeyDeleted, _: datetime) -> State:
    owner = state.access_keys[fact.access_key_id].owner
    living = tuple(key_id for key_id in state.owned_keys.get(owner, ()) if key_id != fact.access_key_id)
    owned = state.owned_keys.set(owner, living) if living else state.owned_keys.delete(owner)
    return _replace(_key_turned(state, fact.access_key_id, KeyStatus.DELETED), owned_keys=owned)


def _user_created(account: Account, fact: principals.UserCreated, at: datetime) -> Account:
    return account.with_user(
        principals.User(id=fact.user_id, name=fact.name, path=fact.path, created_at=at, tags=fact.tags)
    )


def _group_created(account: Account, fact: principals.GroupCreated, at: datetime) -> Account:
    return account.with_group(principals.Group(id=fact.group_id, name=fact.name, path=fact.path, created_at=at))


def _group_joined(account: Account, fact: principals.GroupJoined, _: datetime) -> Account:
    user = account.users[fact.user_id]
    if fact.group_id in user.groups:
        return account
    return account.with_user(_replace(user, groups=(*user.groups, fact.group_id)))


def _group_left(account: Account, fact: principals.GroupLeft, _: datetime) -> Account:
    user = account.users[fact.user_id]
    return account.with_user(_replace(user, groups=tuple(group for group in user.groups if group != fact.group_id)))


def _user_renamed(account: Account, fact: principals.UserRenamed, _: datetime) -> Account:
    user = _replace(account.users[fact.user_id], name=fact.name, path=fact.path)
    return account.without_user(fact.user_id).with_user(user)


def _group_renamed(account: Account, fact: principals.GroupRenamed, _: datetime) -> Account:
    group = _replace(account.groups[fact.group_id], name=fact.name, path=fact.path)
    return account.without_group(fact.group_id).with_group(group)


def _inline_put(holder: Holder, fact: holders.InlinePolicyPut) -> Holder:
    kept = (policy for policy in holder.inline if policy.name != fact.name)
    return _replace(holder, inline=(*kept, holders.InlinePolicy(fact.name, fact.document)))


def _inline_deleted(holder: Holder, fact: holders.InlinePolicyDeleted) -> Holder:
    return _replace(holder, inline=tuple(policy for policy in holder.inline if policy.name != fact.name))


def _attached(holder: Holder, fact: holders.PolicyAttached) -> Holder:
    if fact.policy_id in holder.attached:
        return holder
    return _replace(holder, attached=(*holder.attached, fact.policy_id))


def _detached(holder: Holder, fact: holders.PolicyDetached) -> Holder:
    return _replace(holder, attached=tuple(policy for policy in holder.attached if policy != fact.policy_id))


def _tagged(holder: Holder, fact: holders.HolderTagged) -> Holder:
    return _replace(holder, tags=merged(holder.tags, fact.tags, ignore_case=True))


def _untagged(holder: Holder, fact: holders.HolderUntagged) -> Holder:
    return _replace(holder, tags=without(holder.tags, fact.keys, ignore_case=True))


def _bounded(holder: Holder, fact: boundaries.BoundarySet) -> Holder:
    return _replace(holder, boundary=fact.policy_id)


def _in_account(fold: Callable[[Account, Any, datetime], Account]) -> Callable[[State, Any, datetime], State]:
    def folded(state: State, fact: AccountFact, at: datetime) -> State:
        account = fold(state.accounts[fact.account], fact, at)
        return _replace(state, accounts=state.accounts.set(account.id, account))

    return folded


def _in_holder(fold: Callable[[Holder, Any], Holder]) -> Callable[[State, Any, datetime], State]:
    return _in_account(lambda account, fact, _: account.changing(fact.holder, lambda holder: fold(holder, fact)))


def _in_catalogue(fold: Callable[[Catalogue, Any, datetime], Catalogue]) -> Callable[[State, Any, datetime], State]:
    return lambda state, fact, at: _replace(state, catalogue=fold(state.catalogue, fact, at))


FOLDS: Final[dict[type[Fact], Callable[[State, Any, datetime], State]]] = {
    authorities.AuthorityInitialised: _initialised,
    authorities.SettingsChanged: _settings_changed,
    authorities.SealingKeyCreated: _sealing_key_created,
    authorities.SealingKeyDestroyed: _sealing_key_destroyed,
    authorities.AccountCreated: _account_created,
    principals.AccessKeyCreated: _key_created,
    principals.AccessKeyStatusChanged: lambda state, fact, _: _key_turned(state, fact.access_key_id, fact.status),
    principals.AccessKeyDeleted: _key_deleted,
    principals.UserCreated: _in_account(_user_created),
    principals.UserDeleted: _in_account(lambda account, fact, _: account.without_user(fact.user_id)),
    principals.GroupCreated: _in_account(_group_created),
    principals.GroupDeleted: _in_account(lambda account, fact, _: account.without_group(fact.group_id)),
    principals.GroupJoined: _in_account(_group_joined),
    principals.GroupLeft: _in_account(_group_left),
    principals.UserRenamed: _in_account(_user_renamed),
    principals.GroupRenamed: _in_account(_group_renamed),
    **{fact: _in_account(fold) for fact, fold in role_folds.FOLDS.items()},
    holders.InlinePolicyPut: _in_holder(_inline_put),
    holders.InlinePolicyDeleted: _in_holder(_inline_deleted),
    holders.PolicyAttached: _in_holder(_attached),
    holders.PolicyDetached: _in_holder(_detached),
    holders.HolderTagged: _in_holder(_tagged),
    holders.HolderUntagged: _in_holder(_untagged),
    boundaries.BoundarySet: _in_holder(_bounded),
    boundaries.BoundaryRemoved: _in_holder(lambda holder, _: _replace(holder, boundary=None)),
    policies.PolicyCreated: _in_account(policy_folds.policy_created),
    policies.PolicyVersionCreated: _in_account(policy_folds.version_created),
    policies.PolicyVersionDeleted: _in_account(policy_folds.version_deleted),
    policies.DefaultPolicyVersionSet: _in_account(policy_folds.default_set),
    policies.PolicyDeleted: _in_account(lambda account, fact, _: account.without_policy(fact.policy_id)),
    policies.PolicyTagged: _in_account(policy_folds.tagged),
    policies.PolicyUntagged: _in_account(policy_folds.untagged),
    policies.CataloguePolicyPublished: _in_catalogue(policy_folds.published),
    policies.CataloguePolicyRetired: _in_catalogue(policy_folds.retired),
    **{fact: _in_account(fold) for fact, fold in provider_folds.FOLDS.items()},
    **{fact: _in_account(fold) for fact, fold in sign_in_folds.FOLDS.items()},
    **{fact: _in_account(fold) for fact, fold in account_folds.FOLDS.items()},
    **{fact: _in_account(fold) for fact, fold in identity_pool_folds.FOLDS.items()},
    identity_pools.IdentityPoolCreated: _pools,
    identity_pools.IdentityPoolDeleted: _pools,
    identity_pools.IdentityCreated: _identities,
    identity_pools.LoginsLinked: _identities,
    identity_pools.LoginsUnlinked: _identities,
    identity_pools.IdentityDeleted: _identities,
    account_settings.AccountRequested: _account_requested,
    lending.SessionLimitSet: _in_account(_session_limit_set),
    revocations.SessionRevoked: _revoked,
    revocations.RoleSessionsRevoked: _revoked,
    revocations.DescendantsRevoked: _revoked,
    signing_keys.SigningKeyCreated: _signing_key_created,
    signing_keys.SigningKeyDestroyed: _signing_key_destroyed,
    checkpoints.CheckpointKeyCreated: _checkpoint_key_created,
    checkpoints.CheckpointKeyRetired: _checkpoint_key_retired,
}
"""How each fact of configuration changes the state; a test holds this table against the facts there are."""


def evolve(state: State, facts: Iterable[Fact], at: datetime) -> State:
    """Take *facts*, which became true at *at*, into account.  Facts that configure nothing leave no trace."""
    for fact in facts:
        if fact.CONFIG:
            state = FOLDS[type(fact)](state, fact, at)
    return state


def _plain(value: object) -> object:
    if isinstance(value, Map):
        return dict(value)
    raise NotImplementedError(type(value).__name__)


def _shared(kind: Any, value: Any) -> object:
    return Map(msgspec.convert(value, types.GenericAlias(dict, kind.__args__), dec_hook=_shared))


_ENCODER: Final = msgspec.json.Encoder(enc_hook=_plain, order="sorted")
_DECODER: Final = msgspec.json.Decoder(State, dec_hook=_shared)


def canonical(state: State) -> bytes:
    """Spell *state* as JSON with every key in order: the form of snapshots and of hashes."""
    return _ENCODER.encode(state)


def from_canonical(body: bytes) -> State:
    """Read what `canonical` wrote."""
    return _DECODER.decode(body)


@functools.cache
def state_format() -> str:
    """A name for the shape of the state and the version of its folds: what another one wrote is not read."""
    shapes: dict[str, list[str]] = {}
    pending: list[Any] = [State]
    while pending:
        kind = pending.pop()
        pending.extend(get_args(kind))
        if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)) or kind.__name__ in shapes:
            continue
        fields = msgspec.structs.fields(kind)
        shapes[kind.__name__] = [f"{field.encode_name}: {field.type!r}" for field in fields]
        pending.extend(field.type for field in fields)
    digest = hashlib.sha256(msgspec.json.encode(shapes, order="sorted")).hexdigest()
    return f"state/{FOLDING}/{digest[:16]}"


def state_hash(state: State) -> str:
    """SHA-256 over the canonical form, in hex."""
    return hashlib.sha256(canonical(state)).hexdigest()
