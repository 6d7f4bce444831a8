"""Inquiries about permissions: which version of the state is looked at, and what of the log beside it."""

from __future__ import annotations

from authority.access.applicable import holder_arn, holders_policies
from authority.accounts.assessing import (
    AssessExposure,
    ListExternalAccess,
    ListUnused,
    ListWhoCanAssume,
    SuggestLeastPrivilege,
)
from authority.answering.reach import Reach, breathing, missing
from authority.answering.supposing import Walk, meet
from authority.audit.queries import LastUsed, Range
from authority.kernel.arn import parse
from authority.kernel.refusal import Refusal
from authority.model.account import Account
from authority.model.event import read_event
from authority.model.holders import Holder
from authority.model.roles import Role
from authority.model.sessions import SessionIssued
from authority.model.state import EMPTY, State
from authority.replay.exposure import Exposure, Issued, Turned, Unchanged, issued, turned, window
from authority.replay.folding import one_by_one
from authority.replay.needs import Needed, Needing, UnusedThings, Using, ids_of
from authority.replay.overlay import Overlay
from authority.replay.trusting import Opening, Openings, WhoCan, find_role, openings, who_can_assume
from authority.replay.what_if import Supposing


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


async def exposure(reach: Reach, asked: AssessExposure) -> Exposure:
    """The changes of a trust policy, and the sessions issued while each was in force."""
    of, changes = await _turns(reach, asked.role)
    windows = []
    for change, following in zip(changes, [*changes[1:], None], strict=True):
        if change.after is None or asked.change not in (None, change.position):
            continue
        event = reach.seen(read_event(change.body))
        closed = None if following is None else following.position
        sessions = await _issued(reach, of, change, closed or reach.position)
        if event is not None:
            windows.append(window(change, closed, event, sessions))
    if not windows:
        raise missing(f"The trust policy of {asked.role} was not changed at position {asked.change}.")
    partition = reach.inquiry.partition
    return Exposure(role=holder_arn(*of, partition), role_id=of[1].id, windows=tuple(windows))


async def _turns(reach: Reach, name: str) -> tuple[tuple[Account, Role], list[Turned]]:
    """The role that bears *name* now, or bore it last, and all changes of its trust policy."""
    of = await _role(reach, name)
    changes = []
    state = EMPTY
    async for page in reach.configuration():
        async for folded in breathing(one_by_one(state, page)):
            state = folded.after
            change = turned(folded, of[0].id, of[1].id)
            if change is not None:
                changes.append(change)
    return of, changes


async def _role(reach: Reach, name: str) -> tuple[Account, Role]:
    """The role that is meant: that which is there, or the last one that was."""
    found = find_role((await reach.version(reach.position)).state, reach.whose, name)
    if found is not None:
        return found
    state = EMPTY
    async for page in reach.configuration():
        async for folded in breathing(one_by_one(state, page)):
            if folded.after.accounts is not state.accounts:
                found = find_role(folded.after, reach.whose, name) or found
            state = folded.after
    if found is None:
        raise missing(f"There never was a role {name}.")
    return found


async def _issued(reach: Reach, of: tuple[Account, Role], change: Turned, to: int) -> list[Issued]:
    found = []
    known = Supposing(Overlay((), "", reach.inquiry.partition), (), cascade=False, most=0)
    unchanged = Unchanged(change, of)
    walk = Walk(reach)
    await walk.begin(change.position, to)
    async for page in reach.events(Range(change.position + 1, to), role=of[1].id):
        await meet(reach, known, page)
        async for seen in breathing(page):
            known.meet(fact for fact in seen.event.facts if isinstance(fact, SessionIssued))
            one = issued(seen, await walk.before(seen.position), unchanged, known.sessions)
            if one is not None:
                found.append(one)
    return found


async def least_privilege(reach: Reach, asked: SuggestLeastPrivilege) -> Needed:
    """What a user or role used."""
    state = (await reach.version(reach.position)).state
    account, holder = _holder(state, reach.whose, asked.id)
    within = await reach.range(asked.since, asked.until)
    needing = Needing()
    kind = {"role": holder.id} if isinstance(holder, Role) else {"principal_id": holder.id}
    async for page in reach.events(within, **kind):  # type: ignore[arg-type]  # filters of FindEvents, both texts
        async for seen in breathing(page):
            if seen.event.caller is not None and seen.event.caller.principal_id == holder.id:
                needing.take(seen)
    judged: set[str] = {key.id for key in state.keys_of(holder.id)}
    async for records in reach.sessions(
        None, **({"role": holder.id} if isinstance(holder, Role) else {"principal": holder.id})
    ):
        judged.update(one.access_key_id for one in records if holder.id in (one.role_id, one.user_id))
    async for page in reach.events(within, action="authority:*"):
        async for seen in breathing(page):
            for key in {one.judged for one in seen.event.decisions} & judged:
                needing.take(seen, key)
    partition = reach.inquiry.partition
    policies = holders_policies(state, account, holder, partition)
    return needing.answer(holder_arn(account, holder, partition), policies, within.low, within.high)


def _holder(state: State, whose: str, name: str) -> tuple[Account, Holder]:
    arn = parse(name)
    for account in sorted(state.accounts.values(), key=lambda one: one.id):
        if whose not in ("", account.id) or (arn is not None and arn.account != account.id):
            continue
        found = account.users.get(name) or account.roles.get(name)
        if arn is not None and arn.kind in ("user", "role"):
            found = account.user_named(arn.name) if arn.kind == "user" else account.role_named(arn.name)
        if found is not None and (arn is None or holder_arn(account, found, arn.partition) == name):
            return account, found
    raise missing(f"There is no user or role {name}.")


async def unused(reach: Reach, asked: ListUnused) -> UnusedThings:
    """What nobody used."""
    within = await reach.range(asked.since, None)
    since = await reach.moment(asked.since)
    using = Using()
    async for page in reach.everything(within):
        async for seen in breathing(page):
            using.take(seen.event)
    state = (await reach.version(reach.position)).state
    found = []
    for account in sorted(state.accounts.values(), key=lambda one: one.id):
        if reach.whose in ("", account.id):
            uses = await reach.answer(LastUsed(ids=ids_of(state, account)))
            partition = reach.inquiry.partition
            found += [one async for one in breathing(using.unused(state, account, uses, since, partition))]
    return UnusedThings(since=within.low, until=within.high, unused=tuple(found))
