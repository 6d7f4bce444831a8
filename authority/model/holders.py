"""What users, groups and roles have in common: they hold inline policies, attachments and tags."""

from __future__ import annotations

from datetime import datetime

import msgspec

from authority.kernel.ids import PolicyId
from authority.kernel.tags import Tag
from authority.model.fact import AccountFact


class InlinePolicy(msgspec.Struct, frozen=True):
    """A policy that hangs on one holder and dies with it."""

    name: str
    document: str


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody that policies can be given to.  `attached` are managed policies, in the order they came."""

    id: str
    name: str
    path: str
    created_at: datetime
    inline: tuple[InlinePolicy, ...] = ()
    attached: tuple[PolicyId, ...] = ()
    tags: tuple[Tag, ...] = ()
    boundary: PolicyId | None = None
    """The managed policy that limits a user or role; a group has none."""

    def inline_named(self, name: str) -> InlinePolicy | None:
        """The inline policy called *name*; names of policies keep their case."""
        return next((policy for policy in self.inline if policy.name == name), None)


class InlinePolicyPut(AccountFact, frozen=True, kw_only=True, tag="inline-policy-put"):
    """An inline policy was written, or written anew."""

    holder: str
    name: str
    document: str


class InlinePolicyDeleted(AccountFact, frozen=True, kw_only=True, tag="inline-policy-deleted"):
    """An inline policy was taken away."""

    holder: str
    name: str


class PolicyAttached(AccountFact, frozen=True, kw_only=True, tag="policy-attached"):
    """A managed policy was attached to a user, group or role."""

    holder: str
    policy_id: PolicyId


class PolicyDetached(AccountFact, frozen=True, kw_only=True, tag="policy-detached"):
    """A managed policy was detached."""

    holder: str
    policy_id: PolicyId


class HolderTagged(AccountFact, frozen=True, kw_only=True, tag="holder-tagged"):
    """Tags were laid over those of a user or role; keys are compared without regard to case."""

    holder: str
    tags: tuple[Tag, ...]


class HolderUntagged(AccountFact, frozen=True, kw_only=True, tag="holder-untagged"):
    """Tags were taken off a user or role."""

    holder: str
    keys: tuple[str, ...]
