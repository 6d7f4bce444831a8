"""What was needed and what was not: told by the decisions that were made, and by the statements that determined them.

What nobody used may still be needed once a year; what is said here is what the log tells, and since when.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

import msgspec

from authority.access.applicable import holder_arn, holders_policies, trust_policy
from authority.audit.answers import LastUse, SeenEvent
from authority.kernel.arn import parse
from authority.kernel.letters import folded
from authority.model.account import Account
from authority.model.event import Event
from authority.model.holders import Holder
from authority.model.principals import KeyStatus, User
from authority.model.roles import Role
from authority.model.sessions import SessionIssued
from authority.model.state import State
from authority.policy.combine import Effect, Matched
from authority.policy.compiled import Policy
from authority.policy.grammar import Named

MOST_RESOURCES: Final = 20
"""Resources that are named one by one; more become a pattern."""
VERSION: Final = "2012-10-17"
EVERYTHING: Final = "*"


# --- least privilege ------------------------------------------------------------------------


class Used(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An action that was allowed, on how many resources and how often; and when last."""

    action: str
    resources: tuple[str, ...]
    count: int
    last: datetime


class Needed(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What somebody used, a policy that gives no more, and the statements of his own that nothing needed.

    The policy is a proposal: it knows what was asked for here and by resource servers, since `since` and no earlier.
    """

    principal: str
    since: int
    until: int
    used: tuple[Used, ...]
    policy: dict[str, object]
    unneeded: tuple[Matched, ...]


class Needing:
    """Gathers what one user or role was allowed."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._used: dict[str, tuple[dict[str, None], int, datetime]] = {}
        self._matched: set[tuple[str, str, str, int]] = set()

    def take(self, seen: SeenEvent, judged: str = "") -> None:
        """Take an entry that he asked for; or one in which a resource server asked about his credential *judged*."""
        for decision in seen.event.decisions:
            if decision.effect is not Effect.ALLOWED or decision.judged != judged:
                continue
            resources, count, last = self._used.get(decision.action, ({}, 0, seen.event.decided_at))
            resources[decision.resource] = None
            self._used[decision.action] = (resources, count + 1, max(last, seen.event.decided_at))
            self._matched.update(map(place_of, decision.determined_by))

    def answer(self, principal: str, policies: Iterable[Policy], since: int, until: int) -> Needed:
        """What he needed of his *policies*."""
        used = tuple(
            Used(action=action, resources=_named(resources), count=count, last=last)
            for action, (resources, count, last) in sorted(self._used.items())
        )
        return Needed(
            principal=principal,
            since=since,
            until=until,
            used=used,
            policy=proposal(used),
            unneeded=tuple(one for one in granting(policies) if place_of(one) not in self._matched),
        )


def proposal(used: Iterable[Used]) -> dict[str, object]:
    """A policy that allows what was *used* and no more; actions on the same resources share a statement."""
    grouped: dict[tuple[str, ...], list[str]] = {}
    for one in used:
        grouped.setdefault(one.resources, []).append(one.action)
    statements = [
        {"Effect": "Allow", "Action": sorted(actions), "Resource": list(resources)}
        for resources, actions in sorted(grouped.items(), key=lambda item: item[1])
    ]
    return {"Version": VERSION, "Statement": statements}


def exactly(resource: str) -> str:
    """A resource as a policy names it and nothing else: what would mean anything else is spelled as a variable."""
    if resource == EVERYTHING:
        return resource
    *head, tail = resource.split(":", 5)
    for character in "$*?":
        tail = tail.replace(character, f"${{{character}}}")
    return ":".join([*head, tail])


def _named(resources: Mapping[str, None]) -> tuple[str, ...]:
    if EVERYTHING in resources:
        return (EVERYTHING,)
    if len(resources) <= MOST_RESOURCES:
        return tuple(sorted(map(exactly, resources)))
    heads: dict[str, list[str]] = {}
    for name in resources:
        heads.setdefault(_head(name), []).append(name)
    found = [exactly(names[0]) if len(names) == 1 else f"{exactly(head)}*" for head, names in heads.items()]
    return tuple(sorted(found)) if len(found) <= MOST_RESOURCES else (EVERYTHING,)


def _head(name: str) -> str:
    """What things of one place have in common: all before the last slash or colon."""
    cut = max(name.rfind("/"), name.rfind(":"))
    return name[: cut + 1]


def granting(policies: Iterable[Policy]) -> Iterator[Matched]:
    """The statements of *policies* that allow something, as decisions name them."""
    for policy in policies:
        for statement in policy.document.statements:
            if statement.effect == "Allow":
                source = policy.source
                yield Matched(
                    source.layer, source.policy, source.version, source.owner, statement.sid, statement.index,
                    statement.line, statement.column, statement.end_line, statement.end_column,
                )  # fmt: skip


def place_of(matched: Matched) -> tuple[str, str, str, int]:
    """What tells a statement from every other."""
    return matched.policy, matched.version, matched.owner, matched.index


# --- what nobody used -----------------------------------------------------------------------


class Unused(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Something that nobody used: a `role`, a `key`, an entry of a `trust` policy, or a statement (`permission`)."""

    what: str
    account: str
    name: str
    owner: str = ""
    detail: str = ""
    created_at: datetime | None = None
    last_used: datetime | None = None


class UnusedThings(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was there before `since` and was not used from there on."""

    since: int
    until: int
    unused: tuple[Unused, ...]


class Using:
    """Gathers which statements determined decisions, and who took which role on."""

    def __init__(self) -> None:
        """Begin with none."""
        self._matched: set[tuple[str, str, str, int]] = set()
        self._who: dict[str, set[tuple[str, str, str]]] = {}

    def take(self, event: Event) -> None:
        """Take one entry into account."""
        for decision in event.decisions:
            self._matched.update(map(place_of, decision.determined_by))
        for fact in event.facts:
            if isinstance(fact, SessionIssued) and fact.role_id:
                account = event.caller.account if event.caller is not None else ""
                who = (account, fact.caller_principal_id, fact.provider)
                self._who.setdefault(fact.role_id, set()).add(who)

    def unused(
        self, state: State, account: Account, uses: Mapping[str, LastUse], since: datetime, partition: str
    ) -> Iterator[Unused]:
        """What *account* holds in *state* that nobody used *since* then; *uses* are last uses of roles and keys."""
        yield from _roles(account, uses, since, partition)
        yield from _keys(state, account, uses, since)
        for role in sorted(account.roles.values(), key=lambda one: (one.path, one.name)):
            if role.created_at < since:
                yield from self._trusts(account, role, partition)
        yield from self._permissions(state, account, since, partition)

    def _trusts(self, account: Account, role: Role, partition: str) -> Iterator[Unused]:
        bound = dict(role.trust.bound)
        came = self._who.get(role.id, set())
        for statement in trust_policy(account, role, partition).document.statements:
            if statement.effect != "Allow":
                continue
            for named in statement.principals:
                if not any(_is_named(named, bound, *who) for who in came):
                    yield Unused(
                        what="trust",
                        account=account.id,
                        name=named.name,
                        owner=holder_arn(account, role, partition),
                        detail=f"statement {statement.index}, line {statement.line}",
                    )

    def _permissions(self, state: State, account: Account, since: datetime, partition: str) -> Iterator[Unused]:
        listed: set[tuple[str, str, str, int]] = set()
        kinds = (account.users.values(), account.groups.values(), account.roles.values())
        for holder in itertools.chain.from_iterable(map(_by_name, kinds)):
            if holder.created_at >= since:
                continue
            for one in granting(holders_policies(state, account, _alone(holder), partition)):
                place = place_of(one)
                if place in self._matched or place in listed:
                    continue
                listed.add(place)
                yield Unused(
                    what="permission",
                    account=account.id,
                    name=one.policy,
                    owner=one.owner or holder_arn(account, holder, partition),
                    detail=f"statement {one.sid or one.index}, line {one.line}",
                )


def _alone(holder: Holder) -> Holder:
    """A holder with its own policies only: those of its groups are looked at with the groups."""
    return msgspec.structs.replace(holder, groups=()) if isinstance(holder, User) else holder


def _roles(account: Account, uses: Mapping[str, LastUse], since: datetime, partition: str) -> Iterator[Unused]:
    for role in _by_name(account.roles.values()):
        use = uses.get(role.id)
        if role.created_at < since and (use is None or use.at < since):
            yield Unused(
                what="role",
                account=account.id,
                name=holder_arn(account, role, partition),
                created_at=role.created_at,
                last_used=None if use is None else use.at,
            )


def _keys(state: State, account: Account, uses: Mapping[str, LastUse], since: datetime) -> Iterator[Unused]:
    for key in sorted(state.access_keys.values(), key=lambda one: one.id):
        use = uses.get(key.id)
        if key.account != account.id or key.status is KeyStatus.DELETED or key.created_at >= since:
            continue
        if use is None or use.at < since:
            user = account.users.get(key.owner)
            yield Unused(
                what="key",
                account=account.id,
                name=key.id,
                owner=user.name if user is not None else "root",
                detail=key.status.value,
                created_at=key.created_at,
                last_used=None if use is None else use.at,
            )


def _by_name(holders: Iterable[Holder]) -> list[Holder]:
    return sorted(holders, key=lambda one: (one.path, one.name))


def _is_named(named: Named, bound: Mapping[str, str], account: str, principal_id: str, provider: str) -> bool:
    """Whether whoever took a role on is among those whom an entry of its trust policy names."""
    if named.is_everybody:
        return True
    if named.account:
        return named.account == account
    if named.word == "Federated":
        return folded(named.name) == folded(provider)
    if named.name in bound:
        return bool(bound[named.name]) and bound[named.name] == principal_id
    parsed = parse(named.name)
    return parsed is not None and parsed.account == account


def ids_of(state: State, account: Account) -> tuple[str, ...]:
    """The roles and keys whose last uses have to be known."""
    keys = (key.id for key in state.access_keys.values() if key.account == account.id)
    return (*account.roles, *keys)
