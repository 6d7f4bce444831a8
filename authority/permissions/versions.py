"""The texts of a managed policy: at most five live at once, one is in force (IAM API, CreatePolicyVersion)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from authority.access.action import Decision, Facts, action, refuse
from authority.access.applicable import policy_by_arn
from authority.access.call import Call
from authority.access.listing import listed
from authority.access.naming import account_of
from authority.kernel.paging import Page
from authority.kernel.refusal import Reason, Refusal
from authority.model.policies import (
    DefaultPolicyVersionSet,
    ManagedPolicy,
    PolicyVersion,
    PolicyVersionCreated,
    PolicyVersionDeleted,
)
from authority.model.state import State
from authority.permissions.holding import on_the_wire
from authority.permissions.managed import (
    OfPolicy,
    PolicyListing,
    asked_about,
    found,
    no_more_versions,
    own,
    readable,
    worn,
)


class VersionShown(msgspec.Struct, frozen=True, rename="pascal"):
    """One version; the document, percent-encoded, is shown by GetPolicyVersion only."""

    version_id: str
    is_default_version: bool
    create_date: datetime
    document: str | None = None


class Shown(msgspec.Struct, frozen=True, rename="pascal"):
    """The answer: one version."""

    policy_version: VersionShown


class OfVersion(OfPolicy, frozen=True):
    """One version of one policy."""

    version_id: str


def _version(policy: ManagedPolicy, call: Call[Any]) -> PolicyVersion | Refusal:
    """The version that a call names.  Its name is compared as text, so that no number is too long to read."""
    for version in policy.versions:
        if f"v{version.number}" == call.input.version_id:
            return version
    return Refusal(Reason.NO_SUCH_ENTITY, f"Policy {call.input.policy_arn} {_missing(call)}")


def _missing(call: Call[Any]) -> str:
    return f"version {call.input.version_id} does not exist or is not attachable."


class CreatePolicyVersion(OfPolicy, frozen=True):
    """Another text, to be in force at once or kept for later."""

    policy_document: str
    set_as_default: bool = False


@action("iam:CreatePolicyVersion", resource=asked_about, conditions=worn)
def create_policy_version(state: State, call: Call[CreatePolicyVersion], facts: Facts) -> Decision:
    """Add a text, numbered as none was before, or refuse as AWS does (IAM API, CreatePolicyVersion)."""
    account, policy = account_of(state, call), own(state, call, "CreatePolicyVersion")
    if isinstance(policy, Refusal):
        return Decision(answer=policy)
    document = readable(account, call.input.policy_document)
    if isinstance(document, Refusal):
        return Decision(answer=document)
    most = account.quota("VersionsPerPolicyQuota")
    if len(policy.versions) >= most:
        text = (
            f"A managed policy can have up to {most} versions. Before you create a new version, you must delete an "
            "existing version."
        )
        return refuse(Reason.LIMIT_EXCEEDED, text)
    full = no_more_versions(account)
    if full is not None:
        return Decision(answer=full)
    created = PolicyVersionCreated(
        account=account.id,
        policy_id=policy.id,
        number=policy.last + 1,
        document=call.input.policy_document,
        default=call.input.set_as_default,
    )
    answer = VersionShown(f"v{created.number}", created.default, facts.now)
    return Decision(facts=(created,), answer=Shown(answer))


class GetPolicyVersion(OfVersion, frozen=True):
    """Which version."""


@action("iam:GetPolicyVersion", resource=asked_about, conditions=worn)
def get_policy_version(state: State, call: Call[GetPolicyVersion], _facts: Facts) -> Decision:
    """Show a version with its text (IAM API, GetPolicyVersion)."""
    policy = found(state, call, _missing(call))
    version = policy if isinstance(policy, Refusal) else _version(policy, call)
    if isinstance(policy, Refusal) or isinstance(version, Refusal):
        return Decision(answer=version)
    document = on_the_wire(policy.text_in(call.partition, version.document))
    return Decision(answer=Shown(_shown(policy, version, document)))


def _shown(policy: ManagedPolicy, version: PolicyVersion, document: str | None = None) -> VersionShown:
    return VersionShown(f"v{version.number}", version.number == policy.default, version.created_at, document)


class ListPolicyVersions(PolicyListing, frozen=True):
    """Which page of a policy's versions."""


class Versions(msgspec.Struct, frozen=True, rename="pascal"):
    """The answer: some of the versions, the newest first."""

    versions: tuple[VersionShown, ...]
    is_truncated: bool
    marker: str | None


@action("iam:ListPolicyVersions", resource=asked_about, conditions=worn)
def list_policy_versions(state: State, call: Call[ListPolicyVersions], _facts: Facts) -> Decision:
    """List a policy's versions without their texts (IAM API, ListPolicyVersions)."""
    account_id, policy = account_of(state, call).id, found(state, call)
    if isinstance(policy, Refusal):
        return Decision(answer=policy)

    def items(later: State) -> list[VersionShown]:
        now = policy_by_arn(later, later.accounts[account_id], call.input.policy_arn, call.partition)
        return [] if now is None else [_shown(now, version) for version in now.versions]

    return listed(call, f"iam:ListPolicyVersions|{policy.id}", items, _newest_first, _versions)


def _newest_first(version: VersionShown) -> str:
    return f"{10**12 - int(version.version_id[1:]):012d}"


def _versions(page: Page[VersionShown]) -> Versions:
    return Versions(page.items, page.is_truncated, page.marker)


class DeletePolicyVersion(OfVersion, frozen=True):
    """Which version."""


@action("iam:DeletePolicyVersion", resource=asked_about, conditions=worn)
def delete_policy_version(state: State, call: Call[DeletePolicyVersion], _facts: Facts) -> Decision:
    """Delete a text that is not in force (IAM API, DeletePolicyVersion)."""
    account, policy = account_of(state, call), own(state, call, "DeletePolicyVersion", _missing(call))
    version = policy if isinstance(policy, Refusal) else _version(policy, call)
    if isinstance(policy, Refusal) or isinstance(version, Refusal):
        return Decision(answer=version)
    if version.number == policy.default:
        return refuse(Reason.DELETE_CONFLICT, "Cannot delete the default version of a policy.")
    deleted = PolicyVersionDeleted(account=account.id, policy_id=policy.id, number=version.number)
    return Decision(facts=(deleted,))


class SetDefaultPolicyVersion(OfVersion, frozen=True):
    """Which version."""


@action("iam:SetDefaultPolicyVersion", resource=asked_about, conditions=worn)
def set_default_policy_version(state: State, call: Call[SetDefaultPolicyVersion], _facts: Facts) -> Decision:
    """Put a text in force for everybody the policy is attached to (IAM API, SetDefaultPolicyVersion)."""
    account, policy = account_of(state, call), own(state, call, "SetDefaultPolicyVersion", _missing(call))
    version = policy if isinstance(policy, Refusal) else _version(policy, call)
    if isinstance(policy, Refusal) or isinstance(version, Refusal):
        return Decision(answer=version)
    if version.number == policy.default:
        return Decision()
    return Decision(facts=(DefaultPolicyVersionSet(account=account.id, policy_id=policy.id, number=version.number),))
