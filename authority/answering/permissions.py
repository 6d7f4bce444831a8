"""Inquiries about permissions: which version of the state is looked at, and what of the log beside it."""

from __future__ import annotations

from authority.access.applicable import holder_arn
from authority.accounts.assessing import ListExternalAccess, ListWhoCanAssume
from authority.answering.reach import Reach, breathing, missing
from authority.kernel.refusal import Refusal
from authority.replay.trusting import Opening, Openings, WhoCan, find_role, openings, who_can_assume


async def who_can(reach: Reach, asked: ListWhoCanAssume) -> WhoCan | Refusal:
    """Everybody who could take a role on."""
    point = await reach.point(asked.as_of)
    state = (await reach.version(point.position)).state
    found = find_role(state, reach.whose, asked.role)
    if found is None:
        raise missing(f"There was no role {asked.role} at position {point.position}.")
    partition = reach.inquiry.partition
    able = [one async for one in breathing(who_can_assume(state, *found, partition, reach.inquiry.eyes))]
    return WhoCan(role=holder_arn(*found, partition), position=point.position, able=tuple(able))


async def external_access(reach: Reach, asked: ListExternalAccess) -> Openings:
    """Whom trust policies name beyond their own account."""
    point = await reach.point(asked.as_of)
    state = (await reach.version(point.position)).state
    found: list[Opening] = []
    for account in sorted(state.accounts.values(), key=lambda one: one.id):
        if reach.whose not in ("", account.id):
            continue
        async for role in breathing(sorted(account.roles.values(), key=lambda one: one.name)):
            found += openings(state, account, role, reach.inquiry.partition, reach.inquiry.eyes)
    return Openings(position=point.position, openings=tuple(found))
