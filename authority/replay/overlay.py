"""A state with some policies replaced: what would have been in force."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from authority.access.applicable import EVERYTHING, compiled, holder_arn
from authority.access.trusting import bearer
from authority.accounts.what_if import Replaced
from authority.kernel.arn import parse as parse_arn
from authority.kernel.ids import POLICY, PolicyId
from authority.kernel.refusal import Refusal
from authority.model.account import Account
from authority.model.holders import Holder, InlinePolicy
from authority.model.policies import CATALOGUE, ManagedPolicy, PolicyVersion
from authority.model.principals import User
from authority.model.roles import Role, Trust
from authority.model.state import State
from authority.policy.compiled import Policy, Source
from authority.policy.document import Kind, parse

WHAT_IF: Final = "what-if"
_replace: Final = msgspec.structs.replace

Change = Callable[[State], State]


class Overlay:
    """Lays replacements over one state after another; what a replacement speaks of need not be there yet."""

    def __init__(self, replacements: Sequence[Replaced], whose: str, partition: str) -> None:
        """Read *replacements*, whose targets are named in the account *whose* unless by ARN."""
        self._whose, self._partition = whose, partition
        self._changes = [self._change(number, one) for number, one in enumerate(replacements) if one.kind != "control"]
        self._controls = [one for one in replacements if one.kind == "control"]
        self.anything = bool(replacements)

    def over(self, state: State) -> State:
        """*state* with the replacements in force."""
        for change in self._changes:
            state = change(state)
        return state

    def controls(self, state: State) -> dict[str, tuple[tuple[Policy, ...], ...]]:
        """The control policies of each account that has one: asked at a level that allows everything else."""
        found: dict[str, tuple[tuple[Policy, ...], ...]] = {}
        allowing = compiled(EVERYTHING, Kind.IDENTITY, Source("scp", "everything"))
        for number, one in enumerate(self._controls):
            policy = compiled(one.document, Kind.IDENTITY, Source("scp", f"{WHAT_IF}-{number}"))
            grants = any(statement.effect == "Allow" for statement in policy.document.statements)
            level = (policy,) if grants else (allowing, policy)
            accounts = [one.target] if one.target else [self._whose] if self._whose else list(state.accounts)
            for account in accounts:
                found[account] = (*found.get(account, ()), level)
        return found

    def _change(self, number: int, one: Replaced) -> Change:
        match one.kind:
            case "trust":
                return self._of_holder(one.target, "role", lambda state, _, holder: self._trusting(state, holder, one))
            case "policy":
                return lambda state: self._managed(state, one)
            case "inline":
                return self._of_holder(one.target, "", lambda _state, _account, holder: _inlined(holder, one))
            case "identity":
                return self._of_holder(one.target, "", lambda _state, _account, holder: _identified(holder, one))
            case _:
                return lambda state: self._bounded(state, one, number)

    def _account(self, state: State, target: str) -> Account | None:
        arn = parse_arn(target)
        return state.accounts.get(self._whose if arn is None else arn.account)

    def _holder(self, account: Account, target: str, kind: str) -> Holder | None:
        arn = parse_arn(target)
        if arn is not None:
            kind, name = arn.kind, arn.name
        elif "/" in target:
            kind, _, name = target.rpartition("/")
        else:
            kind, name = kind or "role", target
        find: dict[str, Callable[[str], Holder | None]] = {
            "user": account.user_named, "group": account.group_named, "role": account.role_named,
        }  # fmt: skip
        found = find[kind](name) if kind in find else None
        if found is None or (arn is not None and holder_arn(account, found, arn.partition) != target):
            return None
        return found

    def _of_holder(self, target: str, kind: str, change: Callable[[State, Account, Holder], Holder]) -> Change:
        def changed(state: State) -> State:
            account = self._account(state, target)
            holder = None if account is None else self._holder(account, target, kind)
            if account is None or holder is None:
                return state
            return _with(state, account.with_holder(change(state, account, holder)))

        return changed

    def _trusting(self, state: State, holder: Holder, one: Replaced) -> Holder:
        document = parse(one.document, Kind.TRUST)
        if not isinstance(holder, Role) or isinstance(document, Refusal):
            return holder
        # Bound as of the moment that is weighed: who is named then is meant, whoever bore the name before.
        bound = tuple((name, bearer(state, name, self._partition)) for name in document.named_principals)
        return _replace(holder, trust=Trust(one.document, bound))

    def _managed(self, state: State, one: Replaced) -> State:
        account = self._account(state, one.target)
        arn = parse_arn(one.target)
        if arn is not None and arn.account == CATALOGUE:
            named = [policy for policy in state.catalogue.values() if policy.arn(arn.partition) == one.target]
            if not named:
                return state
            return _replace(state, catalogue=state.catalogue.set(named[0].id, _rewritten(named[0], one.document)))
        policy = None if account is None else account.policy_named(one.target if arn is None else arn.name)
        if account is None or policy is None or (arn is not None and policy.arn(arn.partition) != one.target):
            return state
        return _with(state, account.with_policy(_rewritten(policy, one.document)))

    def _bounded(self, state: State, one: Replaced, number: int) -> State:
        account = self._account(state, one.target)
        holder = None if account is None else self._holder(account, one.target, "")
        if account is None or holder is None:
            return state
        if not one.document:
            return _with(state, account.with_holder(_replace(holder, boundary=None)))
        named = PolicyId(f"{POLICY}WHATIF{number}")
        boundary = ManagedPolicy(
            id=named,
            owner=account.id,
            name=f"{WHAT_IF}-{number}",
            path="/",
            created_at=account.created_at,
            updated_at=account.created_at,
            versions=(PolicyVersion(1, one.document, account.created_at),),
        )
        return _with(state, account.with_policy(boundary).with_holder(_replace(holder, boundary=named)))


def _with(state: State, account: Account) -> State:
    return _replace(state, accounts=state.accounts.set(account.id, account))


def _rewritten(policy: ManagedPolicy, document: str) -> ManagedPolicy:
    """*policy* with another text in force."""
    versions = tuple(
        _replace(version, document=document) if version.number == policy.default else version
        for version in policy.versions
    )
    return _replace(policy, versions=versions)


def _inlined(holder: Holder, one: Replaced) -> Holder:
    kept = tuple(policy for policy in holder.inline if policy.name != one.name)
    return _replace(holder, inline=(*kept, InlinePolicy(one.name, one.document)) if one.document else kept)


def _identified(holder: Holder, one: Replaced) -> Holder:
    alone = _replace(holder, inline=(InlinePolicy(WHAT_IF, one.document),), attached=())
    return _replace(alone, groups=()) if isinstance(alone, User) else alone
