"""What somebody may use, and when it was last used, answered from the log (IAM API, service last accessed actions).

A report is a request: it has the id of the entry that asked for it, is told from what the log says when it is read,
and can be read for as long as the log has that entry.  Gathered for the two that read it: that entry, as a `Job`, or
None when it asked for no report.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from authority.access.action import Decision, Facts, action, refuse
from authority.access.applicable import holder_arn, holders_policies, managed_policy, policy_by_arn
from authority.access.call import Call
from authority.access.context import Context
from authority.access.listing import Listing, scope_of
from authority.access.naming import account_of
from authority.access.tagging import resource_tags
from authority.audit.accessing import Accessed, FindAccesses
from authority.audit.answers import EventRecord
from authority.kernel.arn import parse as parse_arn
from authority.kernel.paging import INVALID_MARKER, Page, page
from authority.kernel.refusal import Reason, Refusal
from authority.model.account import Account
from authority.model.holders import Holder
from authority.model.principals import Group, User
from authority.model.state import State
from authority.permissions.granting import grants
from authority.permissions.identities import identity_named
from authority.permissions.service_names import NAMES
from authority.policy.compiled import Policy

ASKED: Final = "iam:GenerateServiceLastAccessedDetails"
BY_ACTION: Final = "ACTION_LEVEL"
COMPLETED: Final = "COMPLETED"
FAILED: Final = "FAILED"


class Job(msgspec.Struct, frozen=True):
    """A report that was asked for: on whom, how finely, when."""

    arn: str
    granularity: str
    at: datetime


def job_of(found: object) -> Job | None:
    """The report that an entry asked for, if it asked for one and was not refused."""
    if not isinstance(found, EventRecord) or found.action != ASKED or found.outcome.reason or found.request is None:
        return None
    parameters = found.request.get("parameters", {})
    return Job(parameters["Arn"], parameters.get("Granularity", "SERVICE_LEVEL"), found.decided_at)


class Subject(msgspec.Struct, frozen=True):
    """Whom a report is on: the policies that are looked at, and the users and roles that have them."""

    policies: tuple[Policy, ...]
    entities: tuple[Holder, ...]
    shared: bool
    """Whether it is a group or a policy, which many may have."""


def subject_of(state: State, account: Account, text: str, partition: str) -> Subject | Refusal:
    """Whom the ARN *text* names in *account*: a user, group, role or managed policy."""
    arn = parse_arn(text)
    if arn is not None and arn.kind == "policy":
        policy = policy_by_arn(state, account, text, partition)
        if policy is None:
            return Refusal(Reason.NO_SUCH_ENTITY, f"Policy {text} was not found.")
        holders = tuple(_entities(account, account.holders_of(policy.id)))
        return Subject((managed_policy(policy, partition),), holders, shared=True)
    holder = identity_named(account, text, partition)
    if isinstance(holder, Refusal):
        return holder
    policies = holders_policies(state, account, holder, partition)
    return Subject(policies, tuple(_entities(account, [holder])), shared=isinstance(holder, Group))


def _entities(account: Account, holders: Iterable[Holder]) -> list[Holder]:
    """The users and roles among *holders*, and the users in the groups among them, each once."""
    found: dict[str, Holder] = {}
    for holder in holders:
        found |= {one.id: one for one in (account.members_of(holder.id) if isinstance(holder, Group) else (holder,))}
    return list(found.values())


def services_of(policies: Iterable[Policy], used: Iterable[str]) -> list[str]:
    """The services that *policies* allow any action of.

    Who may do everything may use services that nobody has heard of; of those only *used* ones are named.
    """
    looked_at = tuple(policies)
    candidates = {*NAMES, *used}
    for policy in looked_at:
        for statement in policy.document.statements:
            candidates |= {vendor.lower() for name in statement.actions if (vendor := _vendor(name))}
    return sorted(name for name in candidates if any(grants(policy, name) for policy in looked_at))


def _vendor(action_name: str) -> str:
    vendor, colon, _ = action_name.partition(":")
    return vendor if colon else ""


# --- asking -----------------------------------------------------------------------------------


class GenerateServiceLastAccessedDetails(msgspec.Struct, frozen=True, rename="pascal"):
    """On whom, and how finely."""

    arn: str
    granularity: str = "SERVICE_LEVEL"


class Started(msgspec.Struct, frozen=True, rename="pascal"):
    """The name of the report."""

    job_id: str


def _worn(state: State, call: Call[GenerateServiceLastAccessedDetails]) -> Context:
    account, text = account_of(state, call), call.input.arn
    policy = policy_by_arn(state, account, text, call.partition)
    if policy is not None:
        return resource_tags(policy.tags)
    holder = identity_named(account, text, call.partition)
    return {} if isinstance(holder, Refusal) else resource_tags(holder.tags)


@action(ASKED, resource=lambda _, call: call.input.arn, conditions=_worn)
def generate_service_last_accessed_details(
    state: State, call: Call[GenerateServiceLastAccessedDetails], _facts: Facts
) -> Decision:
    """Ask what a user, group, role or policy lets use and what of it was used (IAM API, same name)."""
    subject = subject_of(state, account_of(state, call), call.input.arn, call.partition)
    if isinstance(subject, Refusal):
        return Decision(answer=subject)
    return Decision(answer=Started(call.origin.request_id))


# --- reading ----------------------------------------------------------------------------------


class ActionUsed(msgspec.Struct, frozen=True, rename="pascal"):
    """An action that was used, by whom last, when and where (IAM API, TrackedActionLastAccessed)."""

    action_name: str
    last_accessed_entity: str
    last_accessed_time: datetime
    last_accessed_region: str | None


class ServiceUsed(msgspec.Struct, frozen=True, rename="pascal", kw_only=True):
    """A service that may be used, and its last use if there was one (IAM API, ServiceLastAccessed)."""

    service_name: str
    service_namespace: str
    last_authenticated: datetime | None = None
    last_authenticated_entity: str | None = None
    last_authenticated_region: str | None = None
    total_authenticated_entities: int = 0
    tracked_actions_last_accessed: tuple[ActionUsed, ...] | None = None


class Fault(msgspec.Struct, frozen=True, rename="pascal"):
    """Why there is nothing to report any more."""

    message: str
    code: str


class Report(msgspec.Struct, frozen=True, rename="pascal", kw_only=True):
    """The services in the order of their prefixes."""

    job_status: str
    job_type: str
    job_creation_date: datetime
    job_completion_date: datetime
    services_last_accessed: tuple[ServiceUsed, ...] = ()
    is_truncated: bool = False
    marker: str | None = None
    error: Fault | None = None


class GetServiceLastAccessedDetails(Listing, frozen=True, kw_only=True):
    """Which report, and which page of it."""

    job_id: str


def _missing(job_id: str) -> Decision:
    return refuse(Reason.NO_SUCH_ENTITY, f"The report {job_id} cannot be found.")


def _gone(refusal: Refusal) -> Fault:
    return Fault(refusal.message, "NoSuchEntity")


@action("iam:GetServiceLastAccessedDetails", resource=lambda *_: "*")
def get_service_last_accessed_details(
    state: State, call: Call[GetServiceLastAccessedDetails], _facts: Facts
) -> Decision:
    """Say which services may be used and when they were (IAM API, GetServiceLastAccessedDetails)."""
    job, account, wanted = call.gathered, account_of(state, call), call.input
    if not isinstance(job, Job):
        return _missing(wanted.job_id)
    report = Report(
        job_status=COMPLETED, job_type=job.granularity, job_creation_date=job.at, job_completion_date=job.at
    )
    subject = subject_of(state, account, job.arn, call.partition)
    if isinstance(subject, Refusal):
        return Decision(answer=msgspec.structs.replace(report, job_status=FAILED, error=_gone(subject)))
    scope = scope_of(call, f"iam:GetServiceLastAccessedDetails|{wanted.job_id}")
    if _unreadable(wanted, scope):
        return Decision(answer=INVALID_MARKER)
    arns = {holder.id: holder_arn(account, holder, call.partition) for holder in subject.entities}

    def shape(found: Sequence[Accessed]) -> Report | Refusal:
        services = services_of(subject.policies, {one.service for one in found})
        cut = page(services, str, marker=wanted.marker, max_items=wanted.max_items, scope=scope)
        if isinstance(cut, Refusal):
            return cut
        by_action = job.granularity == BY_ACTION
        shown = tuple(
            _service(name, [one for one in found if one.service == name], arns, by_action=by_action)
            for name in cut.items
        )
        return msgspec.structs.replace(
            report, services_last_accessed=shown, is_truncated=cut.is_truncated, marker=cut.marker
        )

    return Decision(query=FindAccesses(ids=tuple(arns), shape=shape))


def _service(name: str, found: Sequence[Accessed], arns: dict[str, str], *, by_action: bool) -> ServiceUsed:
    used = ServiceUsed(
        service_name=NAMES.get(name, name),
        service_namespace=name,
        tracked_actions_last_accessed=tuple(_actions(found, arns)) if by_action else None,
    )
    if not found:
        return used
    last = max(found, key=_when)
    return msgspec.structs.replace(
        used,
        last_authenticated=last.at,
        last_authenticated_entity=arns[last.who],
        last_authenticated_region=last.region or None,
        total_authenticated_entities=len({one.who for one in found}),
    )


def _actions(found: Sequence[Accessed], arns: dict[str, str]) -> Iterator[ActionUsed]:
    newest: dict[str, Accessed] = {}
    for one in sorted(found, key=_when):
        newest[one.action.partition(":")[2]] = one
    for name in sorted(newest):
        one = newest[name]
        yield ActionUsed(name, arns[one.who], one.at, one.region or None)


def _when(one: Accessed) -> tuple[datetime, str, str]:
    return one.at, one.who, one.action


class EntityInfo(msgspec.Struct, frozen=True, rename="pascal"):
    """A user or role (IAM API, EntityInfo)."""

    arn: str
    name: str
    type: str
    id: str
    path: str


class EntityUsed(msgspec.Struct, frozen=True, rename="pascal"):
    """A user or role, and when it last used the service, if it did."""

    entity_info: EntityInfo
    last_authenticated: datetime | None


class EntitiesReport(msgspec.Struct, frozen=True, rename="pascal", kw_only=True):
    """Users and roles by name."""

    job_status: str
    job_creation_date: datetime
    job_completion_date: datetime
    entity_details_list: tuple[EntityUsed, ...] = ()
    is_truncated: bool = False
    marker: str | None = None
    error: Fault | None = None


class GetServiceLastAccessedDetailsWithEntities(Listing, frozen=True, kw_only=True):
    """Which report, which service, and which page."""

    job_id: str
    service_namespace: str


@action("iam:GetServiceLastAccessedDetailsWithEntities", resource=lambda *_: "*")
def get_service_last_accessed_details_with_entities(
    state: State, call: Call[GetServiceLastAccessedDetailsWithEntities], _facts: Facts
) -> Decision:
    """Say who has what a group or policy gives, and when each used one service (IAM API, same name)."""
    job, account, wanted = call.gathered, account_of(state, call), call.input
    if not isinstance(job, Job):
        return _missing(wanted.job_id)
    report = EntitiesReport(job_status=COMPLETED, job_creation_date=job.at, job_completion_date=job.at)
    subject = subject_of(state, account, job.arn, call.partition)
    if isinstance(subject, Refusal):
        return Decision(answer=msgspec.structs.replace(report, job_status=FAILED, error=_gone(subject)))
    if not subject.shared:
        return refuse(Reason.INVALID_INPUT, "Only reports on groups and policies have entities.")
    service = wanted.service_namespace.lower()
    scope = scope_of(call, f"iam:GetServiceLastAccessedDetailsWithEntities|{wanted.job_id}|{service}")
    if _unreadable(wanted, scope):
        return Decision(answer=INVALID_MARKER)

    def shape(found: Sequence[Accessed]) -> EntitiesReport | Refusal:
        cut: Page[Holder] | Refusal = page(
            subject.entities,
            lambda holder: f"{holder.name.lower()} {holder.id}",
            marker=wanted.marker,
            max_items=wanted.max_items,
            scope=scope,
        )
        if isinstance(cut, Refusal):
            return cut
        last: dict[str, datetime] = {}
        for one in found:
            if one.service == service:
                last[one.who] = max(one.at, last.get(one.who, one.at))
        shown = tuple(EntityUsed(_info(account, holder, call.partition), last.get(holder.id)) for holder in cut.items)
        return msgspec.structs.replace(
            report, entity_details_list=shown, is_truncated=cut.is_truncated, marker=cut.marker
        )

    return Decision(query=FindAccesses(ids=tuple(holder.id for holder in subject.entities), shape=shape))


def _info(account: Account, holder: Holder, partition: str) -> EntityInfo:
    kind = "USER" if isinstance(holder, User) else "ROLE"
    return EntityInfo(holder_arn(account, holder, partition), holder.name, kind, holder.id, holder.path)


def _unreadable(wanted: Any, scope: str) -> bool:
    return isinstance(page((), str, marker=wanted.marker, max_items=wanted.max_items, scope=scope), Refusal)
