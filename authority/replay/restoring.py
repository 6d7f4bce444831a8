"""The AWS CLI commands that make something again as it was.

What is made again gets a new unique id, so that nothing which named the old one names it: the notes say what must be
written anew.  Secrets never come back: who had keys, a password or an MFA device gets others.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from authority.access.applicable import holder_arn
from authority.access.trusting import shown_trust
from authority.kernel.tags import Tag
from authority.model.account import Account
from authority.model.holders import Holder
from authority.model.policies import CATALOGUE, ManagedPolicy
from authority.model.principals import Group, User
from authority.model.roles import Role
from authority.model.state import State

HOUR: Final = 3_600

Argv = tuple[str, ...]


class Restoring(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The commands in the order they have to be run, each as its words and as a line of a shell; and what to know."""

    kind: str
    name: str
    as_of: int
    commands: tuple[Argv, ...]
    script: str
    notes: tuple[str, ...] = ()


def restoring(
    then: tuple[State, int],
    now: State,
    account_id: str,
    value: Holder | ManagedPolicy,
    partition: str,
    *,
    everywhere: bool = True,
) -> Restoring:
    """How *value*, which *account_id* held *then* (a state and its position), is made again in *now*.

    Who still names what is gone is told of all accounts, or, unless *everywhere*, of that account alone.
    """
    work = _Work(then[0], now, account_id, partition, everywhere=everywhere)
    match value:
        case ManagedPolicy():
            work.policy(value)
            kind = "policy"
        case Role():
            work.role(value)
            kind = "role"
        case User():
            work.user(value)
            kind = "user"
        case Group():
            work.group(value)
            kind = "group"
        case _:
            raise TypeError("users, groups, roles and policies can be made again")
    lines = [f"# {note}" for note in work.notes] + [shlex.join(command) for command in work.commands]
    return Restoring(
        kind=kind,
        name=value.name,
        as_of=then[1],
        commands=tuple(work.commands),
        script="".join(f"{line}\n" for line in lines),
        notes=tuple(work.notes),
    )


class _Work:
    """Commands as they are thought of: what is there as it was needs none."""

    def __init__(self, then: State, now: State, account_id: str, partition: str, *, everywhere: bool) -> None:
        self._everywhere = everywhere
        self.commands: list[Argv] = []
        self.notes: list[str] = []
        self._then, self._now = then, now
        self._old: Account = then.accounts[account_id]
        self._new: Account | None = now.accounts.get(account_id)
        self._partition = partition
        self._policies: set[str] = set()

    def role(self, role: Role) -> None:
        """A role with its trust policy, permissions, boundary, tags and instance profiles."""
        there = None if self._new is None else self._new.role_named(role.name)
        trust = shown_trust(self._now, self._old, role, self._partition)
        if role.linked_to:
            self.notes.append(f"the role belongs to {role.linked_to}; only that service's linked role can be made anew")
            self._iam("create-service-linked-role", "--aws-service-name", role.linked_to)
            return
        self._principals(role)
        boundary = self._boundary(role)
        if there is None:
            self._iam(
                "create-role", *_named(role), "--path", role.path, "--assume-role-policy-document", trust,
                *(("--description", role.description) if role.description else ()),
                *(("--max-session-duration", str(role.max_session_duration))
                  if role.max_session_duration != HOUR else ()),
                *(("--permissions-boundary", boundary) if boundary else ()), *_tags(role.tags),
            )  # fmt: skip
        else:
            self._again(role, there)
            if there.trust != role.trust:
                self._iam("update-assume-role-policy", *_named(role), "--policy-document", trust)
            if (there.description, there.max_session_duration) != (role.description, role.max_session_duration):
                seconds = ("--max-session-duration", str(role.max_session_duration))
                self._iam("update-role", *_named(role), "--description", role.description, *seconds)
            self._worn(role, there, boundary)
        self._permissions(role, there)
        for profile in self._old.profiles_with(role.id):
            known = None if self._new is None else self._new.instance_profile_named(profile.name)
            if known is None:
                made = ("--instance-profile-name", profile.name, "--path", profile.path, *_tags(profile.tags))
                self._iam("create-instance-profile", *made)
            if known is None or known.role_id is None or (there is not None and known.role_id != there.id):
                self._iam("add-role-to-instance-profile", "--instance-profile-name", profile.name, *_named(role))
        if there is None or there.id != role.id:
            self._forgotten(role)

    def user(self, user: User) -> None:
        """A user with permissions, boundary, tags and groups."""
        there = None if self._new is None else self._new.user_named(user.name)
        boundary = self._boundary(user)
        if there is None:
            limits = ("--permissions-boundary", boundary) if boundary else ()
            self._iam("create-user", *_named(user), "--path", user.path, *limits, *_tags(user.tags))
        else:
            self._again(user, there)
            self._worn(user, there, boundary)
        self._permissions(user, there)
        for group_id in user.groups:
            group = self._old.groups[group_id]
            if self._new is None or self._new.group_named(group.name) is None:
                self.group(group)
            self._iam("add-user-to-group", "--group-name", group.name, *_named(user))
        if user.login is not None or self._then.keys_of(user.id) or self._old.mfa_devices_of(user.id):
            self.notes.append(f"the keys, password and MFA devices of {user.name} do not come back; make others")
        if there is None or there.id != user.id:
            self._forgotten(user)

    def group(self, group: Group) -> None:
        """A group with its permissions."""
        there = None if self._new is None else self._new.group_named(group.name)
        if there is None:
            self._iam("create-group", *_named(group), "--path", group.path)
        else:
            self._again(group, there)
        self._permissions(group, there)

    def policy(self, policy: ManagedPolicy) -> None:
        """A managed policy with the text that was in force."""
        if policy.owner == CATALOGUE or policy.id in self._policies:
            return
        self._policies.add(policy.id)
        there = None if self._new is None else self._new.policy_named(policy.name)
        arn = policy.arn(self._partition)
        if there is None:
            described = ("--description", policy.description) if policy.description else ()
            named = ("--policy-name", policy.name, "--path", policy.path, "--policy-document", policy.document)
            self._iam("create-policy", *named, *described, *_tags(policy.tags))
        elif there.document != policy.document:
            made = ("--policy-arn", there.arn(self._partition), "--policy-document", policy.document)
            self._iam("create-policy-version", *made, "--set-as-default")
        if there is not None and there.arn(self._partition) != arn:
            self.notes.append(f"the policy {policy.name} lies at {there.path} now, not at {policy.path}")

    # --- what holders have in common --------------------------------------------------------

    def _permissions(self, holder: Holder, there: Holder | None) -> None:
        kind = _kind(holder)
        for inline in holder.inline:
            known = None if there is None else there.inline_named(inline.name)
            if known is None or known.document != inline.document:
                written = ("--policy-name", inline.name, "--policy-document", inline.document)
                self._iam(f"put-{kind}-policy", *_named(holder), *written)
        for policy_id in holder.attached:
            policy = self._then.managed(self._old, policy_id)
            self.policy(policy)
            if there is None or policy_id not in there.attached:
                self._iam(f"attach-{kind}-policy", *_named(holder), "--policy-arn", policy.arn(self._partition))
        if there is not None:
            for name in sorted({one.name for one in there.inline} - {one.name for one in holder.inline}):
                self.notes.append(f"the {kind} {holder.name} has the inline policy {name}, which it did not have then")
            for policy_id in there.attached:
                if policy_id not in holder.attached and self._new is not None:
                    arn = self._now.managed(self._new, policy_id).arn(self._partition)
                    self.notes.append(f"the {kind} {holder.name} has the policy {arn}, which it did not have then")

    def _worn(self, holder: Holder, there: Holder, boundary: str) -> None:
        """The boundary and tags of a holder that is there."""
        kind = _kind(holder)
        if there.boundary != holder.boundary:
            if boundary:
                self._iam(f"put-{kind}-permissions-boundary", *_named(holder), "--permissions-boundary", boundary)
            else:
                self._iam(f"delete-{kind}-permissions-boundary", *_named(holder))
        missing = tuple(tag for tag in holder.tags if tag not in there.tags)
        if missing:
            self._iam(f"tag-{kind}", *_named(holder), *_tags(missing))

    def _boundary(self, holder: Holder) -> str:
        if holder.boundary is None:
            return ""
        policy = self._then.managed(self._old, holder.boundary)
        self.policy(policy)
        return policy.arn(self._partition)

    def _again(self, holder: Holder, there: Holder) -> None:
        same = "" if there.id == holder.id else f", another one ({there.id}, not {holder.id})"
        self.notes.append(f"a {_kind(holder)} {there.name} is there{same}: these commands bring it to what was then")

    def _principals(self, role: Role) -> None:
        for arn, unique_id in role.trust.bound:
            if unique_id and unique_id in shown_trust(self._now, self._old, role, self._partition):
                self.notes.append(f"its trust policy names {arn}, who is gone ({unique_id}); name somebody else")

    def _forgotten(self, holder: Holder) -> None:
        """Trust policies that name the old unique id, which nobody will have again."""
        for account in sorted(self._now.accounts.values(), key=lambda one: one.id):
            if not self._everywhere and account.id != self._old.id:
                continue
            for role in sorted(account.roles.values(), key=lambda one: one.name):
                if any(unique_id == holder.id for _, unique_id in role.trust.bound):
                    arn = holder_arn(account, role, self._partition)
                    self.notes.append(f"the trust policy of {arn} names the one that is gone; write it anew")

    def _iam(self, *words: str) -> None:
        self.commands.append(("aws", "iam", *words))


def _kind(holder: Holder) -> str:
    match holder:
        case Role():
            return "role"
        case User():
            return "user"
        case _:
            return "group"


def _named(holder: Holder) -> tuple[str, str]:
    return f"--{_kind(holder)}-name", holder.name


def _tags(tags: Sequence[Tag]) -> Iterator[Any]:
    if tags:
        yield "--tags"
        for tag in tags:
            yield msgspec.json.encode({"Key": tag.key, "Value": tag.value}).decode()
