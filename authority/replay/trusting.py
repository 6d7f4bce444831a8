"""Who could take a role on, and which trust policies let in whom they should not: read off one state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from authority.access.applicable import boundary_policies, holder_arn, identity_policies, trust_policy
from authority.access.caller import Caller
from authority.access.context import TYPES
from authority.access.naming import role_by_arn
from authority.access.organized import organized
from authority.access.tagging import resource_tags
from authority.kernel.arn import parse
from authority.kernel.ids import AccessKeyId
from authority.kernel.letters import folded
from authority.model.account import Account
from authority.model.holders import Holder
from authority.model.principals import User
from authority.model.roles import Role
from authority.model.state import State
from authority.policy.combine import Effect, Matched, Question
from authority.policy.document import Document, Statement
from authority.policy.grammar import IDENTITY_PROVIDERS, Named
from authority.policy.principal import Principal, PrincipalKind
from authority.replay.supposing import possible

ASSUME: Final = "sts:AssumeRole"
SOME_SESSION: Final = "some-session"
EXTERNAL_ID: Final = "sts:externalid"


# --- who can --------------------------------------------------------------------------------


class Able(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Somebody who could take a role on: always, or `if_keys` have the right values.

    Of users and roles both sides were asked.  Of others (`everybody`, an account or principal that is not known here,
    a service, a provider) only the trust policy can be.
    """

    principal: str
    kind: str
    account: str = ""
    always: bool
    if_keys: tuple[str, ...] = ()
    because: tuple[Matched, ...] = ()


class WhoCan(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Everybody who could take a role on, at a point of the log."""

    role: str
    position: int
    able: tuple[Able, ...]


def who_can_assume(
    state: State, account: Account, role: Role, partition: str, eyes: str | None = None
) -> Iterator[Able]:
    """Everybody who could take *role* on in *state*: every user and role there is, then those from elsewhere.

    With the *eyes* of an account, all other accounts are elsewhere: who there is in them is theirs to know.
    """
    for other in sorted(state.accounts.values(), key=lambda one: one.id):
        if other.closed_at is not None or account.closed_at is not None or eyes not in (None, other.id):
            continue
        holders: list[Holder] = [*other.users.values(), *other.roles.values()]
        for holder in sorted(holders, key=lambda one: (one.path, one.name, one.id)):
            able = _able(state, (account, role), (other, holder), partition)
            if able is not None:
                yield able
    if account.closed_at is None:
        known = state.accounts.keys() if eyes is None else (eyes,)
        yield from _strangers(frozenset(known), trust_policy(account, role, partition).document)


def supposed_caller(account: Account, holder: Holder, partition: str) -> Caller:
    """A user, or some session of a role, as it would ask."""
    arn = holder_arn(account, holder, partition)
    if isinstance(holder, User):
        principal = Principal(PrincipalKind.USER, arn, account.id, holder.id)
    else:
        session = f"arn:{partition}:sts::{account.id}:assumed-role/{holder.name}/{SOME_SESSION}"
        principal = Principal(PrincipalKind.ASSUMED_ROLE, session, account.id, holder.id, arn)
    return Caller(principal=principal, access_key_id=AccessKeyId(""), account=account.id, holder=holder)


def known_of(caller: Caller) -> dict[str, str | tuple[str, ...]]:
    """The condition keys that go with a principal, whatever it asks from wherever."""
    principal, holder = caller.principal, caller.holder
    known: dict[str, str | tuple[str, ...]] = {
        "aws:principalarn": principal.issuer or principal.arn,
        "aws:principalaccount": principal.account,
        "aws:principaltype": TYPES[principal.kind],
    }
    if holder is not None:
        known |= {f"aws:principaltag/{folded(tag.key)}": tag.value for tag in holder.tags}
        if principal.kind is PrincipalKind.USER:
            known |= {"aws:username": holder.name, "aws:userid": holder.id}
    return known


def _able(state: State, of: tuple[Account, Role], who: tuple[Account, Holder], partition: str) -> Able | None:
    account, role = of
    caller = supposed_caller(*who, partition)
    trust = trust_policy(account, role, partition)
    question = Question(
        principal=caller.principal,
        action=ASSUME,
        resource=holder_arn(account, role, partition),
        resource_account=account.id,
        context={
            **known_of(caller),
            **resource_tags(role.tags),
            **organized(state, caller.principal, account.id),
            "aws:resourceaccount": account.id,
        },
        identity=identity_policies(state, caller),
        boundary=boundary_policies(state, caller),
        resource_policies=(trust,),
        trust=True,
    )
    # A user has no tags but his own, and a session those of its role and whatever was passed.
    absent = () if isinstance(who[1], Role) else (key for key in _keys(trust.document) if _is_tag(key))
    found = possible(question, absent, {trust.source: role.trust.bound})
    if found.effect not in (None, Effect.ALLOWED):
        return None
    return Able(
        principal=caller.principal.issuer or caller.principal.arn,
        kind="user" if isinstance(who[1], User) else "role",
        account=caller.account,
        always=found.effect is Effect.ALLOWED,
        if_keys=found.unknown,
        because=found.verdict.determined_by,
    )


def _keys(document: Document) -> tuple[str, ...]:
    return tuple(folded(key) for key in document.context_keys)


def _is_tag(key: str) -> bool:
    return key.startswith("aws:principaltag/")


def _strangers(known: frozenset[str], document: Document) -> Iterator[Able]:
    """Those from elsewhere whom a trust policy names."""
    for statement in document.statements:
        if statement.effect != "Allow":
            continue
        for named in statement.principals:
            kind = _kind_of_stranger(known, named)
            if kind:
                keys = keys_of(statement)
                yield Able(principal=named.name, kind=kind, account=_account_of(named), always=not keys, if_keys=keys)


def _kind_of_stranger(known: frozenset[str], named: Named) -> str:
    if named.is_everybody:
        return "everybody"
    if named.word in ("Service", "Federated"):
        return "service" if named.word == "Service" else "provider"
    return "" if _account_of(named) in known else "outsider"


def keys_of(statement: Statement) -> tuple[str, ...]:
    """The condition keys of a statement, in lower case."""
    return tuple(sorted({folded(condition.key) for condition in statement.conditions}))


def _account_of(named: Named) -> str:
    if named.account:
        return named.account
    parsed = parse(named.name)
    return "" if parsed is None else parsed.account


# --- who should not -------------------------------------------------------------------------


class Opening(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A principal of a trust policy that is not of the role's own account, or is nobody.

    `what` is `everybody`, `outsider` (an account that is not known here), `other-account`, `closed-account`, `gone`
    (it was deleted: whoever gets its name is a stranger), `nobody` (it never existed), `service`, `provider`,
    `gone-provider` or `shared-issuer` (a provider that serves the whole world).
    """

    account: str
    role: str
    principal: str
    what: str
    statement: int
    sid: str = ""
    line: int
    if_keys: tuple[str, ...] = ()
    external_id: bool = False
    """Whether an external id is asked for, so that whoever is named cannot be made to act for a stranger."""
    concern: str = ""
    """What is amiss, in words; empty where nothing is known to be."""


class Openings(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Every opening, at a point of the log."""

    position: int
    openings: tuple[Opening, ...]


def openings(state: State, account: Account, role: Role, partition: str, eyes: str | None = None) -> Iterator[Opening]:
    """Whom the trust policy of *role* names beyond its own account; with *eyes*, all others are outsiders."""
    bound = dict(role.trust.bound)
    for statement in trust_policy(account, role, partition).document.statements:
        if statement.effect != "Allow":
            continue
        keys = keys_of(statement)
        for named in statement.principals:
            what = _opening(state, account, named, bound)
            if eyes is not None and what and named.word == "AWS" and _account_of(named) != account.id:
                what = "outsider"
            if not what:
                continue
            external_id = EXTERNAL_ID in keys
            yield Opening(
                account=account.id,
                role=holder_arn(account, role, partition),
                principal=named.name,
                what=what,
                statement=statement.index,
                sid=statement.sid,
                line=statement.line,
                if_keys=keys,
                external_id=external_id,
                concern=_concern(what, keys, external_id=external_id),
            )


def _opening(state: State, account: Account, named: Named, bound: dict[str, str]) -> str:
    if named.is_everybody:
        return "everybody"
    if named.word == "Service":
        return "service"
    if named.word == "Federated":
        return _provider(account, named.name)
    whose = _account_of(named)
    if whose not in state.accounts:
        return "outsider"
    if named.name in bound:
        if not bound[named.name]:
            return "nobody"
        if not _is_there(state, whose, bound[named.name]):
            return "gone"
    if state.accounts[whose].closed_at is not None:
        return "closed-account"
    return "" if whose == account.id else "other-account"


def _provider(account: Account, name: str) -> str:
    if name in IDENTITY_PROVIDERS:
        return "shared-issuer"
    parsed = parse(name)
    if parsed is None or parsed.account != account.id:
        return "gone-provider"
    kind, _, rest = parsed.resource.partition("/")
    there = account.saml_provider_named(rest) if kind == "saml-provider" else account.oidc_provider_at(rest)
    return "provider" if there is not None else "gone-provider"


def _is_there(state: State, whose: str, unique_id: str) -> bool:
    account = state.accounts[whose]
    return unique_id in account.users or unique_id in account.roles


def _concern(what: str, keys: tuple[str, ...], *, external_id: bool) -> str:
    match what:
        case "everybody":
            return "anybody can, if these keys let him" if keys else "anybody can"
        case "outsider" if not external_id:
            return "an account that is not known here, without an external id"
        case "other-account" if not external_id:
            return "another account, without an external id"
        case "closed-account":
            return "an account that is closed"
        case "gone":
            return "somebody who is gone; the entry can be taken out"
        case "nobody":
            return "somebody who never existed"
        case "gone-provider":
            return "a provider that is not there"
        case "shared-issuer" if not any(key.endswith((":sub", ":aud", ":app_id", ":user_id")) for key in keys):
            return "a provider that serves everybody, without saying whose tokens count"
        case _:
            return ""


def find_role(state: State, whose: str, name: str) -> tuple[Account, Role] | None:
    """The role that an ARN names, or a name or unique id in the account *whose* (in any, when that is empty)."""
    if parse(name) is not None:
        found = role_by_arn(state, name)
        return found if found is not None and whose in ("", found[0].id) else None
    accounts = [state.accounts[whose]] if whose in state.accounts else []
    if not whose:
        accounts = sorted(state.accounts.values(), key=lambda one: one.id)
    for account in accounts:
        role = account.roles.get(name) or account.role_named(name)
        if role is not None:
            return account, role
    return None
