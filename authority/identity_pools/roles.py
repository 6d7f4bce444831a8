"""The roles of whoever comes to a pool: who gets which, and how it is chosen.

A role that is named here must trust the pool by itself as well: naming it opens nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from authority.access.action import Decision, Facts, action
from authority.access.call import Call
from authority.access.naming import account_of
from authority.access.weighing import Weighed, refusal_of, weigh
from authority.federation import own_tokens
from authority.identity_pools.naming import named, own_pool, worn_by_named
from authority.identity_pools.pools import NamedPool
from authority.kernel.arn import parse
from authority.kernel.refusal import Reason, Refusal
from authority.model.identity_pools import IdentityPool, IdentityPoolRolesSet, RoleMapping
from authority.model.identity_pools import MappingRule as Rule
from authority.model.state import State

BY_TOKEN: Final = "Token"
BY_RULES: Final = "Rules"
DENY: Final = "Deny"
MOST_RULES: Final = 25
"""Rules of one provider (Amazon Cognito Developer Guide, Quotas)."""
UNCONFIGURED: Final = Refusal(
    Reason.INVALID_POOL_CONFIGURATION,
    "Invalid identity pool configuration. Check assigned IAM roles for this pool.",
)
NO_ROLE: Final = Refusal(Reason.NOT_AUTHORIZED, "No role is mapped to these logins.")
NOT_HIS: Final = Refusal(Reason.NOT_AUTHORIZED, "The custom role is none of those that the login carries.")


class MappingRule(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """The role for whoever has a claim like this."""

    claim: str
    match_type: str
    value: str
    role_arn: str = msgspec.field(name="RoleARN")


class RulesConfiguration(msgspec.Struct, frozen=True, rename="pascal"):
    """Rules, the first of which that fits decides."""

    rules: tuple[MappingRule, ...]


class HowChosen(msgspec.Struct, frozen=True, rename="pascal"):
    """How the role is chosen of whoever comes by one provider."""

    type: str
    ambiguous_role_resolution: str | None = None
    rules_configuration: RulesConfiguration | None = None


class SetIdentityPoolRoles(msgspec.Struct, frozen=True, rename="pascal"):
    """Which pool, and all the roles it gives from now on."""

    identity_pool_id: str
    roles: dict[str, str]
    role_mappings: dict[str, HowChosen] = {}


class PoolRoles(msgspec.Struct, frozen=True, rename="pascal"):
    """The roles that a pool gives."""

    identity_pool_id: str
    roles: Mapping[str, str]
    role_mappings: Mapping[str, HowChosen] | None = None


@action("cognito-identity:SetIdentityPoolRoles", resource=named, conditions=worn_by_named)
def set_identity_pool_roles(state: State, call: Call[SetIdentityPoolRoles], facts: Facts) -> Decision:
    """Say which roles a pool gives; the caller must be allowed to pass each of them (API, SetIdentityPoolRoles)."""
    wanted = call.input
    pool = own_pool(state, call, wanted.identity_pool_id)
    if isinstance(pool, Refusal):
        return Decision(answer=pool)
    mappings = tuple(_mapping(provider, one) for provider, one in sorted(wanted.role_mappings.items()))
    for mapping in mappings:
        if isinstance(mapping, Refusal):
            return Decision(answer=mapping)
    read = tuple(mapping for mapping in mappings if isinstance(mapping, RoleMapping))
    given = [*wanted.roles.values(), *(rule.role for mapping in read for rule in mapping.rules)]
    weighed: list[Weighed] = []
    for role in dict.fromkeys(given):
        arn = parse(role)
        if arn is None or (arn.service, arn.account, arn.kind) != ("iam", call.caller.account, "role"):
            refusal = Refusal(Reason.INVALID_PARAMETER_VALUE, f"{role} is not the ARN of a role of the account.")
            return Decision(answer=refusal, weighed=tuple(weighed))
        weighed.append(
            weigh(
                state,
                call,
                facts.now,
                "iam:PassRole",
                role,
                conditions={"iam:passedtoservice": own_tokens.ISSUER},
            )
        )
        if not weighed[-1].verdict.allowed:
            return Decision(answer=refusal_of(weighed[-1]), weighed=tuple(weighed))
    changed = IdentityPoolRolesSet(
        account=account_of(state, call).id,
        pool=pool.id,
        authenticated_role=wanted.roles.get(own_tokens.AUTHENTICATED, ""),
        guest_role=wanted.roles.get(own_tokens.UNAUTHENTICATED, ""),
        mappings=read,
    )
    return Decision(facts=(changed,), weighed=tuple(weighed))


def _mapping(provider: str, given: HowChosen) -> RoleMapping | Refusal:
    """A mapping that says what happens in every case, or why it does not."""

    def invalid(why: str) -> Refusal:
        return Refusal(Reason.INVALID_PARAMETER_VALUE, f"The role mapping of {provider} {why}.")

    rules = () if given.rules_configuration is None else given.rules_configuration.rules
    if given.ambiguous_role_resolution is None:
        return invalid("does not say what AmbiguousRoleResolution is")
    if (given.type == BY_RULES) != bool(rules):
        return invalid("has rules if its type is Rules, and only then")
    if len(rules) > MOST_RULES:
        return invalid(f"has more than {MOST_RULES} rules")
    return RoleMapping(
        provider=provider,
        kind=given.type,
        otherwise=given.ambiguous_role_resolution,
        rules=tuple(Rule(rule.claim, rule.match_type, rule.value, rule.role_arn) for rule in rules),
    )


@action("cognito-identity:GetIdentityPoolRoles", resource=named, conditions=worn_by_named)
def get_identity_pool_roles(state: State, call: Call[NamedPool], _facts: Facts) -> Decision:
    """Show which roles a pool gives (API, GetIdentityPoolRoles)."""
    pool = own_pool(state, call, call.input.identity_pool_id)
    if isinstance(pool, Refusal):
        return Decision(answer=pool)
    given = {own_tokens.AUTHENTICATED: pool.authenticated_role, own_tokens.UNAUTHENTICATED: pool.guest_role}
    roles = {name: role for name, role in given.items() if role}
    return Decision(answer=PoolRoles(pool.id, roles, {one.provider: _shown(one) for one in pool.mappings} or None))


def _shown(mapping: RoleMapping) -> HowChosen:
    rules = tuple(
        MappingRule(claim=rule.claim, match_type=rule.match, value=rule.value, role_arn=rule.role)
        for rule in mapping.rules
    )
    return HowChosen(mapping.kind, mapping.otherwise, RulesConfiguration(rules) if rules else None)


# --- choosing ---------------------------------------------------------------------------------


class Carries(msgspec.Struct, frozen=True, kw_only=True):
    """What a login says that a role may be chosen by.

    `names` are those by which mappings may call its provider.  `roles` are those that the provider gives, and
    `preferred` the one of them that it prefers.
    """

    names: tuple[str, ...]
    claims: Mapping[str, tuple[str, ...]]
    roles: tuple[str, ...] = ()
    preferred: str = ""


def chosen(pool: IdentityPool, logins: tuple[Carries, ...], wanted: str | None) -> str | Refusal:
    """The role of whoever came by *logins*, a guest by none; *wanted* is the one he asks for himself."""
    if not logins:
        return NOT_HIS if wanted is not None else pool.guest_role or UNCONFIGURED
    by = {mapping.provider: mapping for mapping in pool.mappings}
    for login in logins:
        for name in login.names:
            if name in by:
                return _mapped(pool, by[name], login, wanted)
    return NOT_HIS if wanted is not None else pool.authenticated_role or UNCONFIGURED


def _mapped(pool: IdentityPool, mapping: RoleMapping, login: Carries, wanted: str | None) -> str | Refusal:
    if wanted is not None:
        return wanted if mapping.kind == BY_TOKEN and wanted in login.roles else NOT_HIS
    if mapping.kind == BY_TOKEN:
        if login.preferred in login.roles:
            return login.preferred
        if len(login.roles) == 1:
            return login.roles[0]
    else:
        for rule in mapping.rules:
            if _fits(rule, login.claims.get(rule.claim, ())):
                return rule.role
    return NO_ROLE if mapping.otherwise == DENY else pool.authenticated_role or UNCONFIGURED


def _fits(rule: Rule, values: tuple[str, ...]) -> bool:
    """Whether a claim is like the rule says; a claim that is not there is like nothing, not even unlike."""
    match rule.match:
        case "Equals":
            return rule.value in values
        case "Contains":
            return any(rule.value in value for value in values)
        case "StartsWith":
            return any(value.startswith(rule.value) for value in values)
        case "NotEqual":
            return bool(values) and rule.value not in values
        case _:
            return False


def texts(said: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Claims as rules compare them: texts and lists of texts as they are, numbers and truth values spelled."""
    found: dict[str, tuple[str, ...]] = {}
    for name, value in said.items():
        listed = value if isinstance(value, list | tuple) else (value,)
        match listed:
            case (bool() as one,):
                found[name] = ("true" if one else "false",)
            case (int() as one,):
                found[name] = (str(one),)
            case _ if all(isinstance(one, str) for one in listed):
                found[name] = tuple(listed)
            case _:
                pass
    return found
