"""Managed policies and their versions, an account's own and the catalogue's: the facts and what they are.

The catalogue stands for what AWS manages: one for all accounts, and no account can change it.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from typing import Final

import msgspec

from authority.kernel.ids import POLICY, PolicyId
from authority.kernel.tags import Tag
from authority.model.fact import AccountFact, Fact

CATALOGUE: Final = "aws"
"""What stands for an account in the ARNs of the catalogue."""
PARTITION: Final = "aws"
"""The partition that the catalogue is written for."""


def catalogue_id(path: str, name: str) -> PolicyId:
    """The unique id of a catalogue policy: the same in every authority, and made from its ARN alone."""
    digest = hashlib.sha256(f"{path}{name}".encode()).digest()
    return PolicyId(POLICY + base64.b32encode(digest[:10]).decode("ascii"))


class PolicyVersion(msgspec.Struct, frozen=True):
    """One text of a managed policy; `number` is the 1 of `v1` and is never used again."""

    number: int
    document: str
    created_at: datetime


class ManagedPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A policy with a life of its own, that can be attached to many.  At most five versions live at once."""

    id: PolicyId
    owner: str
    """The account that it belongs to, `aws` for one of the catalogue."""
    name: str
    path: str
    created_at: datetime
    updated_at: datetime
    """When the newest version came (IAM API, Policy)."""
    versions: tuple[PolicyVersion, ...]
    default: int = 1
    last: int = 1
    """The highest number that any version ever had."""
    retired: bool = False
    """Whether the catalogue dropped it: it holds where it is attached, and can be attached nowhere else."""
    description: str = ""
    tags: tuple[Tag, ...] = ()

    def version(self, number: int) -> PolicyVersion | None:
        """The version with this *number*, if it still lives."""
        return next((version for version in self.versions if version.number == number), None)

    def arn(self, partition: str) -> str:
        """The policy's ARN."""
        return f"arn:{partition}:iam::{self.owner}:policy{self.path}{self.name}"

    @property
    def document(self) -> str:
        """The text in force: the default version's."""
        return next(version.document for version in self.versions if version.number == self.default)

    def text_in(self, partition: str, document: str) -> str:
        """*document*, one of this policy's, as it reads in *partition*: the catalogue's ARNs are those of each."""
        if self.owner != CATALOGUE or partition == PARTITION:
            return document
        return document.replace(f'"arn:{PARTITION}:', f'"arn:{partition}:')


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


class PolicyTagged(AccountFact, frozen=True, kw_only=True, tag="policy-tagged"):
    """Tags were laid over those of a managed policy; keys are compared as they are spelled."""

    policy_id: PolicyId
    tags: tuple[Tag, ...]


class PolicyUntagged(AccountFact, frozen=True, kw_only=True, tag="policy-untagged"):
    """Tags were taken off a managed policy."""

    policy_id: PolicyId
    keys: tuple[str, ...]


class CataloguePolicyPublished(Fact, frozen=True, kw_only=True, tag="catalogue-policy-published"):
    """The catalogue got a policy, or another text of one, in force for everybody it is attached to."""

    policy_id: PolicyId
    name: str
    path: str
    number: int
    document: str
    description: str = ""


class CataloguePolicyRetired(Fact, frozen=True, kw_only=True, tag="catalogue-policy-retired"):
    """The catalogue dropped a policy; whoever holds it keeps it."""

    policy_id: PolicyId
