"""Customer managed policies and their versions: the facts about them and what they are."""

from __future__ import annotations

from datetime import datetime

import msgspec

from authority.kernel.ids import PolicyId
from authority.kernel.tags import Tag
from authority.model.fact import AccountFact


class PolicyVersion(msgspec.Struct, frozen=True):
    """One text of a managed policy; `number` is the 1 of `v1` and is never used again."""

    number: int
    document: str
    created_at: datetime


class ManagedPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A policy with a life of its own, that can be attached to many.  At most five versions live at once."""

    id: PolicyId
    name: str
    path: str
    created_at: datetime
    updated_at: datetime
    versions: tuple[PolicyVersion, ...]
    default: int = 1
    last: int = 1
    """The highest number that any version ever had."""
    description: str = ""
    tags: tuple[Tag, ...] = ()

    def version(self, number: int) -> PolicyVersion | None:
        """The version with this *number*, if it still lives."""
        return next((version for version in self.versions if version.number == number), None)

    @property
    def document(self) -> str:
        """The text in force: the default version's."""
        return next(version.document for version in self.versions if version.number == self.default)


class PolicyCreated(AccountFact, frozen=True, kw_only=True, tag="policy-created"):
    """An account got a managed policy; its text is version 1 and the default."""

    policy_id: PolicyId
    name: str
    path: str
    document: str
    description: str = ""
    tags: tuple[Tag, ...] = ()


class PolicyVersionCreated(AccountFact, frozen=True, kw_only=True, tag="policy-version-created"):
    """A managed policy got another text."""

    policy_id: PolicyId
    number: int
    document: str
    default: bool = False


class PolicyVersionDeleted(AccountFact, frozen=True, kw_only=True, tag="policy-version-deleted"):
    """A text that was not in force is gone."""

    policy_id: PolicyId
    number: int


class DefaultPolicyVersionSet(AccountFact, frozen=True, kw_only=True, tag="default-policy-version-set"):
    """Another version is in force, for everybody it is attached to, at once."""

    policy_id: PolicyId
    number: int


class PolicyDeleted(AccountFact, frozen=True, kw_only=True, tag="policy-deleted"):
    """A managed policy is gone."""

    policy_id: PolicyId
