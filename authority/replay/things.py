"""Everything a state holds, by whose it is, what kind of thing it is and its unique id: what is shown and compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from immutables import Map

from authority.access.applicable import holder_arn
from authority.access.boundaries import boundary_arn
from authority.kernel.arn import Arn
from authority.model.account import Account
from authority.model.holders import Holder
from authority.model.identity_pools import Identity, IdentityPool
from authority.model.instance_profiles import InstanceProfile
from authority.model.policies import ManagedPolicy
from authority.model.principals import AccessKey, User
from authority.model.providers import OidcProvider, SamlProvider
from authority.model.state import State
from authority.replay.plain import Plain, members, plain

OF_ACCOUNTS: Final[Mapping[str, str]] = {
    "users": "user",
    "groups": "group",
    "roles": "role",
    "policies": "policy",
    "instance_profiles": "instance-profile",
    "saml_providers": "saml-provider",
    "oidc_providers": "oidc-provider",
    "mfa_devices": "mfa-device",
    "identity_pools": "identity-pool",
}
"""What an account holds, by field."""
OF_THE_AUTHORITY: Final[Mapping[str, str]] = {
    "access_keys": "access-key",
    "sealing_keys": "sealing-key",
    "signing_keys": "signing-key",
    "checkpoint_keys": "checkpoint-key",
    "catalogue": "catalogue-policy",
    "creations": "account-creation",
}
REVOKED: Final[Mapping[str, str]] = {
    "sessions": "revoked-session",
    "roles": "revoked-sessions-of-role",
    "ancestors": "revoked-descendants",
}
DERIVED: Final = frozenset(
    {"owned_keys", "user_names", "group_names", "role_names", "policy_names", "mfa_names", "instance_profile_names"}
)
"""Ways to find things: they say nothing of their own."""
ACCOUNT: Final = "account"
AUTHORITY: Final = "authority"
PLURALS: Final[Mapping[str, str]] = {
    "accounts": ACCOUNT,
    **{field.replace("_", "-"): kind for field, kind in OF_ACCOUNTS.items()},
    "access-keys": "access-key",
}
"""The kinds that an account can be asked about, as requests name them."""


def collections(state: State) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """All things of *state* by account and kind; keys and revocations stand with the authority's own."""
    yield "", AUTHORITY, Map({AUTHORITY: state})
    for field, kind in OF_THE_AUTHORITY.items():
        yield "", kind, getattr(state, field)
    for field, kind in REVOKED.items():
        yield "", kind, getattr(state.revocations, field)
    yield "", "identity", state.identities.known
    yield "", ACCOUNT, state.accounts
    for account in state.accounts.values():
        for field, kind in OF_ACCOUNTS.items():
            yield account.id, kind, getattr(account, field)


def owner_of(account: str, kind: str, value: Any) -> str:
    """Whose a thing is that stands in a collection of *account*."""
    match value:
        case Account():
            return value.id
        case AccessKey() | Identity():
            return value.account
        case _:
            return account if kind in OF_ACCOUNTS.values() else ""


def alike(kind: str, before: Any, after: Any) -> bool:
    """Whether two things are the same as far as `as_plain` tells, without making them plain."""
    if before is after:
        return True
    if kind in (ACCOUNT, AUTHORITY):
        return False  # what they hold is compared for itself
    return bool(before == after)


def as_plain(value: Any) -> Plain:
    """A thing as it is shown; what an account or the authority holds is left to its own."""
    match value:
        case Account():
            return members(value, {*OF_ACCOUNTS, *DERIVED})
        case State():
            return members(value, {*OF_THE_AUTHORITY, *DERIVED, "accounts", "revocations", "identities"})
        case _:
            return plain(value)


def name_of(value: Any) -> str:
    """What a thing is called; empty where it has only an id."""
    return str(getattr(value, "name", "") or getattr(value, "url", ""))


def items(state: State, account: Account, kind: str) -> Mapping[str, Any]:
    """The things of one kind that *account* holds, by id."""
    if kind == ACCOUNT:
        return {account.id: account}
    if kind == "access-key":
        return {key.id: key for key in state.access_keys.values() if key.account == account.id}
    field = next(field for field, named in OF_ACCOUNTS.items() if named == kind)
    held: Mapping[str, Any] = getattr(account, field)
    return held


def held(state: State, accounts: Sequence[Account], kind: str) -> list[tuple[Account, Any]]:
    """The things of one kind that *accounts* hold, with whose they are."""
    if kind == "access-key":
        known = {account.id: account for account in accounts}
        return [(known[key.account], key) for key in state.access_keys.values() if key.account in known]
    return [(account, value) for account in accounts for value in items(state, account, kind).values()]


def find(state: State, account: Account, kind: str, name: str) -> str | None:
    """The unique id of the thing of one kind that bears *name*, in any case, or has it for its id."""
    if kind == ACCOUNT:
        return account.id if name in (account.id, account.name) else None
    held = items(state, account, kind) if kind != "access-key" else state.access_keys
    if name in held:
        return name if owner_of(account.id, kind, held[name]) == account.id else None
    found: Any = None
    match kind:
        case "user":
            found = account.user_named(name)
        case "group":
            found = account.group_named(name)
        case "role":
            found = account.role_named(name)
        case "policy":
            found = account.policy_named(name)
        case "instance-profile":
            found = account.instance_profile_named(name)
        case "saml-provider":
            found = account.saml_provider_named(name)
        case "oidc-provider":
            found = account.oidc_provider_at(name)
        case "mfa-device":
            found = account.mfa_device_at("/", name)
        case _:
            pass
    return None if found is None else str(found.id)


def thing(state: State, account_id: str, kind: str, named: str) -> Any:
    """The thing with this unique id, or None when *state* holds none."""
    account = state.accounts.get(account_id)
    if account is None or kind == ACCOUNT:
        return account
    if kind == "access-key":
        key = state.access_keys.get(named)
        return key if key is not None and key.account == account_id else None
    return items(state, account, kind).get(named)


def described(state: State, account: Account, value: Any, partition: str) -> Plain:
    """A thing as it is shown to people: with its ARN, and with names beside ids."""
    shown = as_plain(value)
    arn = arn_of(account, value, partition)
    if arn:
        shown = {"arn": arn, **shown}
    match value:
        case Holder():
            shown["attached"] = [state.managed(account, policy).arn(partition) for policy in value.attached]
            shown["boundary"] = boundary_arn(state, account, value, partition)
            if isinstance(value, User):
                shown["groups"] = [account.groups[group].name for group in value.groups]
                shown["accessKeys"] = [{"id": key.id, "status": key.status.value} for key in state.keys_of(value.id)]
                shown["mfaDevices"] = [f"{device.path}{device.name}" for device in account.mfa_devices_of(value.id)]
        case InstanceProfile() if value.role_id is not None:
            shown["role"] = account.roles[value.role_id].name
        case AccessKey():
            user = account.users.get(value.owner)
            shown["user"] = user.name if user is not None else "root" if value.owner == account.id else None
        case _:
            pass
    return shown


def arn_of(account: Account, value: Any, partition: str) -> str:
    """The ARN of a thing that *account* holds; empty for what has none."""
    match value:
        case Holder():
            return holder_arn(account, value, partition)
        case ManagedPolicy():
            return value.arn(partition)
        case InstanceProfile():
            resource = f"instance-profile{value.path}{value.name}"
        case SamlProvider():
            resource = f"saml-provider/{value.name}"
        case OidcProvider():
            resource = f"oidc-provider/{value.url}"
        case Account():
            resource = "root"
        case IdentityPool():
            region = value.id.partition(":")[0]
            return str(Arn(partition, "cognito-identity", region, account.id, f"identitypool/{value.id}"))
        case _:
            return ""
    return str(Arn(partition, "iam", "", account.id, resource))
