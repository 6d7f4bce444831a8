"""An account: what it holds, found by unique id and by name without regard to case.

Every `with_...` returns a new account that shares what did not change.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec
from immutables import Map

from authority.kernel.ids import GROUP, USER, AccountId, PolicyId
from authority.kernel.tags import Tag
from authority.model.holders import Holder
from authority.model.identity_pools import IdentityPool
from authority.model.instance_profiles import InstanceProfile
from authority.model.mfa import MfaDevice
from authority.model.passwords import PasswordPolicy
from authority.model.policies import ManagedPolicy
from authority.model.principals import Group, User
from authority.model.providers import OidcProvider, OutboundIdentity, SamlProvider
from authority.model.quotas import DEFAULTS
from authority.model.roles import Role


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One account and all it holds.  Its root principal is there from the start."""

    id: AccountId
    name: str
    created_at: datetime
    email: str = ""
    users: Map[str, User] = Map()
    groups: Map[str, Group] = Map()
    roles: Map[str, Role] = Map()
    policies: Map[str, ManagedPolicy] = Map()
    user_names: Map[str, str] = Map()
    group_names: Map[str, str] = Map()
    role_names: Map[str, str] = Map()
    policy_names: Map[str, str] = Map()
    quotas: Map[str, int] = Map()
    """The quotas that were raised for this account."""
    aliases: tuple[str, ...] = ()
    properties: Map[str, str] = Map()
    token_version: int = 1
    report_requested_at: datetime | None = None
    """When a credential report was last asked for."""
    closed_at: datetime | None = None
    """Since when nothing of it counts; None for an open account."""
    tags: tuple[Tag, ...] = ()
    mfa_devices: Map[str, MfaDevice] = Map()
    mfa_names: Map[str, str] = Map()
    password_policy: PasswordPolicy | None = None
    instance_profiles: Map[str, InstanceProfile] = Map()
    instance_profile_names: Map[str, str] = Map()
    linked_role_deletions: tuple[str, ...] = ()
    """The newest deletions of service-linked roles, by the names of their tasks."""
    saml_providers: Map[str, SamlProvider] = Map()
    oidc_providers: Map[str, OidcProvider] = Map()
    outbound_identity: OutboundIdentity | None = None
    session_limits: Map[str, int] = Map()
    """How many active sessions of its roles each trusted account may have, where there is a limit."""
    identity_pools: Map[str, IdentityPool] = Map()

    def quota(self, name: str) -> int:
        """How much of something the account may hold (`model.quotas`)."""
        return self.quotas.get(name, DEFAULTS[name])

    def user_named(self, name: str) -> User | None:
        """The user called *name*, in any case."""
        found = self.user_names.get(name.lower())
        return None if found is None else self.users[found]

    def group_named(self, name: str) -> Group | None:
        """The group called *name*, in any case."""
        found = self.group_names.get(name.lower())
        return None if found is None else self.groups[found]

    def role_named(self, name: str) -> Role | None:
        """The role called *name*, in any case."""
        found = self.role_names.get(name.lower())
        return None if found is None else self.roles[found]

    def policy_named(self, name: str) -> ManagedPolicy | None:
        """The managed policy called *name*, in any case."""
        found = self.policy_names.get(name.lower())
        return None if found is None else self.policies[found]

    def holder(self, holder_id: str) -> Holder:
        """The user, group or role with this unique id, which must be there."""
        if holder_id.startswith(USER):
            return self.users[holder_id]
        if holder_id.startswith(GROUP):
            return self.groups[holder_id]
        return self.roles[holder_id]

    def members_of(self, group_id: str) -> list[User]:
        """The users in a group, by name."""
        return sorted((user for user in self.users.values() if group_id in user.groups), key=lambda user: user.name)

    def holders_of(self, policy_id: PolicyId) -> list[Holder]:
        """Everybody a managed policy is attached to, by name."""
        everybody: list[Holder] = [*self.users.values(), *self.groups.values(), *self.roles.values()]
        return sorted((holder for holder in everybody if policy_id in holder.attached), key=lambda one: one.name)

    def bounded_by(self, policy_id: PolicyId) -> list[Holder]:
        """Everybody whom a managed policy limits, by name."""
        everybody: list[Holder] = [*self.users.values(), *self.roles.values()]
        return sorted((holder for holder in everybody if holder.boundary == policy_id), key=lambda one: one.name)

    def mfa_device_at(self, path: str, name: str) -> MfaDevice | None:
        """The virtual MFA device with this path and name, in any case."""
        found = self.mfa_names.get(f"{path}{name}".lower())
        return None if found is None else self.mfa_devices[found]

    def mfa_devices_of(self, owner: str) -> list[MfaDevice]:
        """The MFA devices of a user, by name."""
        owned = (device for device in self.mfa_devices.values() if device.owner == owner)
        return sorted(owned, key=lambda device: device.name)

    def with_user(self, user: User) -> Account:
        """The account with *user* as it is now."""
        return msgspec.structs.replace(
            self, users=self.users.set(user.id, user), user_names=self.user_names.set(user.name.lower(), user.id)
        )

    def with_group(self, group: Group) -> Account:
        """The account with *group* as it is now."""
        return msgspec.structs.replace(
            self,
            groups=self.groups.set(group.id, group),
            group_names=self.group_names.set(group.name.lower(), group.id),
        )

    def with_role(self, role: Role) -> Account:
        """The account with *role* as it is now."""
        return msgspec.structs.replace(
            self, roles=self.roles.set(role.id, role), role_names=self.role_names.set(role.name.lower(), role.id)
        )

    def with_policy(self, policy: ManagedPolicy) -> Account:
        """The account with *policy* as it is now."""
        return msgspec.structs.replace(
            self,
            policies=self.policies.set(policy.id, policy),
            policy_names=self.policy_names.set(policy.name.lower(), policy.id),
        )

    def with_holder(self, holder: Holder) -> Account:
        """The account with a user, group or role as it is now."""
        match holder:
            case User():
                return self.with_user(holder)
            case Group():
                return self.with_group(holder)
            case Role():
                return self.with_role(holder)
            case _:
                raise TypeError("a holder is a user, a group or a role")

    def changing(self, holder_id: str, change: Callable[[Holder], Holder]) -> Account:
        """The account after *change* to one holder."""
        return self.with_holder(change(self.holder(holder_id)))

    def without_user(self, user_id: str) -> Account:
        """The account with the user gone."""
        user = self.users[user_id]
        return msgspec.structs.replace(
            self, users=self.users.delete(user_id), user_names=self.user_names.delete(user.name.lower())
        )

    def without_group(self, group_id: str) -> Account:
        """The account with the group gone."""
        group = self.groups[group_id]
        return msgspec.structs.replace(
            self, groups=self.groups.delete(group_id), group_names=self.group_names.delete(group.name.lower())
        )

    def without_role(self, role_id: str) -> Account:
        """The account with the role gone."""
        role = self.roles[role_id]
        return msgspec.structs.replace(
            self, roles=self.roles.delete(role_id), role_names=self.role_names.delete(role.name.lower())
        )

    def instance_profile_named(self, name: str) -> InstanceProfile | None:
        """The instance profile called *name*, in any case."""
        found = self.instance_profile_names.get(name.lower())
        return None if found is None else self.instance_profiles[found]

    def profiles_with(self, role_id: str) -> list[InstanceProfile]:
        """The instance profiles that hand a role to machines, by name."""
        found = (profile for profile in self.instance_profiles.values() if profile.role_id == role_id)
        return sorted(found, key=lambda profile: profile.name)

    def with_instance_profile(self, profile: InstanceProfile) -> Account:
        """The account with an instance profile as it is now."""
        return msgspec.structs.replace(
            self,
            instance_profiles=self.instance_profiles.set(profile.id, profile),
            instance_profile_names=self.instance_profile_names.set(profile.name.lower(), profile.id),
        )

    def without_instance_profile(self, profile_id: str) -> Account:
        """The account with the instance profile gone."""
        profile = self.instance_profiles[profile_id]
        return msgspec.structs.replace(
            self,
            instance_profiles=self.instance_profiles.delete(profile_id),
            instance_profile_names=self.instance_profile_names.delete(profile.name.lower()),
        )

    def saml_provider_named(self, name: str) -> SamlProvider | None:
        """The SAML provider called *name*, in any case."""
        found = (provider for provider in self.saml_providers.values() if provider.name.lower() == name.lower())
        return next(found, None)

    def oidc_provider_at(self, url: str) -> OidcProvider | None:
        """The OpenID Connect provider whose issuer is *url* without its scheme, in any case."""
        found = (provider for provider in self.oidc_providers.values() if provider.url.lower() == url.lower())
        return next(found, None)

    def with_saml_provider(self, provider: SamlProvider) -> Account:
        """The account with a SAML provider as it is now."""
        return msgspec.structs.replace(self, saml_providers=self.saml_providers.set(provider.id, provider))

    def with_oidc_provider(self, provider: OidcProvider) -> Account:
        """The account with an OpenID Connect provider as it is now."""
        return msgspec.structs.replace(self, oidc_providers=self.oidc_providers.set(provider.id, provider))

    def with_mfa_device(self, device: MfaDevice) -> Account:
        """The account with a virtual MFA device as it is now."""
        return msgspec.structs.replace(
            self,
            mfa_devices=self.mfa_devices.set(device.id, device),
            mfa_names=self.mfa_names.set(f"{device.path}{device.name}".lower(), device.id),
        )

    def without_mfa_device(self, device_id: str) -> Account:
        """The account with the virtual MFA device gone."""
        device = self.mfa_devices[device_id]
        return msgspec.structs.replace(
            self,
            mfa_devices=self.mfa_devices.delete(device_id),
            mfa_names=self.mfa_names.delete(f"{device.path}{device.name}".lower()),
        )

    def without_policy(self, policy_id: str) -> Account:
        """The account with the managed policy gone."""
        policy = self.policies[policy_id]
        return msgspec.structs.replace(
            self,
            policies=self.policies.delete(policy_id),
            policy_names=self.policy_names.delete(policy.name.lower()),
        )
