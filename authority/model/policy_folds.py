"""How the facts about managed policies change what an account, or the catalogue, holds."""

from __future__ import annotations

from datetime import datetime
from typing import Final, TypeAlias

import msgspec
from immutables import Map

from authority.kernel.tags import merged, without
from authority.model import policies
from authority.model.account import Account
from authority.model.policies import CATALOGUE, ManagedPolicy, PolicyVersion

Catalogue: TypeAlias = Map[str, ManagedPolicy]
"""Managed policies of all accounts, by unique id."""
VERSIONS: Final = 5
"""Texts of one catalogue policy that are kept."""

_replace = msgspec.structs.replace


def policy_created(account: Account, fact: policies.PolicyCreated, at: datetime) -> Account:
    """A policy with its first text."""
    return account.with_policy(
        ManagedPolicy(
            id=fact.policy_id,
            owner=account.id,
            name=fact.name,
            path=fact.path,
            description=fact.description,
            tags=fact.tags,
            created_at=at,
            updated_at=at,
            versions=(PolicyVersion(1, fact.document, at),),
        )
    )


def version_created(account: Account, fact: policies.PolicyVersionCreated, at: datetime) -> Account:
    """Another text, in force or not."""
    policy = account.policies[fact.policy_id]
    versions = (*policy.versions, PolicyVersion(fact.number, fact.document, at))
    default = fact.number if fact.default else policy.default
    return account.with_policy(_replace(policy, versions=versions, default=default, last=fact.number, updated_at=at))


def version_deleted(account: Account, fact: policies.PolicyVersionDeleted, _: datetime) -> Account:
    """One text less."""
    policy = account.policies[fact.policy_id]
    versions = tuple(version for version in policy.versions if version.number != fact.number)
    return account.with_policy(_replace(policy, versions=versions))


def default_set(account: Account, fact: policies.DefaultPolicyVersionSet, _: datetime) -> Account:
    """Another text in force."""
    return account.with_policy(_replace(account.policies[fact.policy_id], default=fact.number))


def tagged(account: Account, fact: policies.PolicyTagged, _: datetime) -> Account:
    """Tags laid over."""
    policy = account.policies[fact.policy_id]
    return account.with_policy(_replace(policy, tags=merged(policy.tags, fact.tags, ignore_case=False)))


def untagged(account: Account, fact: policies.PolicyUntagged, _: datetime) -> Account:
    """Tags taken off."""
    policy = account.policies[fact.policy_id]
    return account.with_policy(_replace(policy, tags=without(policy.tags, fact.keys, ignore_case=False)))


def published(catalogue: Catalogue, fact: policies.CataloguePolicyPublished, at: datetime) -> Catalogue:
    """A catalogue policy, new or with another text; only the newest few texts are kept."""
    version = PolicyVersion(fact.number, fact.document, at)
    old = catalogue.get(fact.policy_id)
    earlier = () if old is None else old.versions[1 - VERSIONS :]
    policy = ManagedPolicy(
        id=fact.policy_id,
        owner=CATALOGUE,
        name=fact.name,
        path=fact.path,
        description=fact.description,
        created_at=at if old is None else old.created_at,
        updated_at=at,
        versions=(*earlier, version),
        default=fact.number,
        last=fact.number,
    )
    return catalogue.set(policy.id, policy)


def retired(catalogue: Catalogue, fact: policies.CataloguePolicyRetired, _: datetime) -> Catalogue:
    """A catalogue policy that can be attached no more."""
    return catalogue.set(fact.policy_id, _replace(catalogue[fact.policy_id], retired=True))
