"""Every type of fact by its tag.  New ones are added at the end; none is ever taken out."""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

from authority.model.account_settings import (
    AccountAliasCreated,
    AccountAliasDeleted,
    AccountClosed,
    AccountPropertiesSet,
    AccountReopened,
    AccountRequested,
    AccountTagged,
    AccountUntagged,
    CredentialReportRequested,
    QuotaSet,
    TokenVersionSet,
)
from authority.model.authority import (
    AccountCreated,
    AuthorityInitialised,
    AuthorityStarted,
    AuthorityStopped,
    SealingKeyCreated,
    SealingKeyDestroyed,
    SettingsChanged,
    UnprovenRequestsSummarised,
)
from authority.model.boundaries import BoundaryRemoved, BoundarySet
from authority.model.checkpoints import CheckpointKeyCreated, CheckpointKeyRetired, CheckpointRefused
from authority.model.fact import Fact
from authority.model.holders import (
    HolderTagged,
    HolderUntagged,
    InlinePolicyDeleted,
    InlinePolicyPut,
    PolicyAttached,
    PolicyDetached,
)
from authority.model.identity_pools import (
    IdentityCreated,
    IdentityDeleted,
    IdentityPoolCreated,
    IdentityPoolDeleted,
    IdentityPoolRolesSet,
    IdentityPoolTagged,
    IdentityPoolUntagged,
    IdentityPoolUpdated,
    LoginsLinked,
    LoginsUnlinked,
)
from authority.model.instance_profiles import (
    InstanceProfileCreated,
    InstanceProfileDeleted,
    InstanceProfileTagged,
    InstanceProfileUntagged,
    RoleAddedToProfile,
    RoleRemovedFromProfile,
)
from authority.model.lending import SessionLimitSet
from authority.model.mfa import (
    MfaAttemptFailed,
    MfaCodeAccepted,
    MfaDeviceCreated,
    MfaDeviceDeactivated,
    MfaDeviceDeleted,
    MfaDeviceEnabled,
    MfaDeviceResynchronised,
    MfaDeviceTagged,
    MfaDeviceUntagged,
)
from authority.model.passwords import (
    LoginProfileCreated,
    LoginProfileDeleted,
    LoginProfileUpdated,
    PasswordAttemptFailed,
    PasswordPolicyDeleted,
    PasswordPolicySet,
)
from authority.model.policies import (
    CataloguePolicyPublished,
    CataloguePolicyRetired,
    DefaultPolicyVersionSet,
    PolicyCreated,
    PolicyDeleted,
    PolicyTagged,
    PolicyUntagged,
    PolicyVersionCreated,
    PolicyVersionDeleted,
)
from authority.model.principals import (
    AccessKeyCreated,
    AccessKeyDeleted,
    AccessKeyStatusChanged,
    GroupCreated,
    GroupDeleted,
    GroupJoined,
    GroupLeft,
    GroupRenamed,
    UserCreated,
    UserDeleted,
    UserRenamed,
)
from authority.model.providers import (
    OidcClientAdded,
    OidcClientRemoved,
    OidcProviderCreated,
    OidcProviderDeleted,
    OidcThumbprintsSet,
    OutboundIdentityDisabled,
    OutboundIdentityEnabled,
    ProviderTagged,
    ProviderUntagged,
    SamlProviderCreated,
    SamlProviderDeleted,
    SamlProviderUpdated,
)
from authority.model.revocations import DescendantsRevoked, RoleSessionsRevoked, SessionRevoked
from authority.model.roles import LinkedRoleDeleted, RoleCreated, RoleDeleted, RoleTrustUpdated, RoleUpdated
from authority.model.sessions import SessionEnded, SessionIssued
from authority.model.signing_keys import SigningKeyCreated, SigningKeyDestroyed, WebIdentityTokenIssued

AnyFact: TypeAlias = (
    AuthorityInitialised
    | SettingsChanged
    | AuthorityStarted
    | AuthorityStopped
    | SealingKeyCreated
    | SealingKeyDestroyed
    | AccountCreated
    | UnprovenRequestsSummarised
    | UserCreated
    | UserDeleted
    | GroupCreated
    | GroupDeleted
    | GroupJoined
    | GroupLeft
    | AccessKeyCreated
    | AccessKeyStatusChanged
    | AccessKeyDeleted
    | RoleCreated
    | RoleTrustUpdated
    | RoleUpdated
    | RoleDeleted
    | InlinePolicyPut
    | InlinePolicyDeleted
    | PolicyAttached
    | PolicyDetached
    | HolderTagged
    | HolderUntagged
    | PolicyCreated
    | PolicyVersionCreated
    | PolicyVersionDeleted
    | DefaultPolicyVersionSet
    | PolicyDeleted
    | SessionIssued
    | SessionEnded
    | UserRenamed
    | GroupRenamed
    | PolicyTagged
    | PolicyUntagged
    | CataloguePolicyPublished
    | CataloguePolicyRetired
    | BoundarySet
    | BoundaryRemoved
    | LoginProfileCreated
    | LoginProfileUpdated
    | LoginProfileDeleted
    | PasswordAttemptFailed
    | PasswordPolicySet
    | PasswordPolicyDeleted
    | MfaDeviceCreated
    | MfaDeviceEnabled
    | MfaDeviceResynchronised
    | MfaCodeAccepted
    | MfaAttemptFailed
    | MfaDeviceDeactivated
    | MfaDeviceDeleted
    | MfaDeviceTagged
    | MfaDeviceUntagged
    | AccountAliasCreated
    | AccountAliasDeleted
    | AccountClosed
    | AccountPropertiesSet
    | AccountReopened
    | AccountRequested
    | AccountTagged
    | AccountUntagged
    | CredentialReportRequested
    | QuotaSet
    | TokenVersionSet
    | SessionRevoked
    | RoleSessionsRevoked
    | DescendantsRevoked
    | InstanceProfileCreated
    | InstanceProfileDeleted
    | InstanceProfileTagged
    | InstanceProfileUntagged
    | RoleAddedToProfile
    | RoleRemovedFromProfile
    | LinkedRoleDeleted
    | SamlProviderCreated
    | SamlProviderUpdated
    | SamlProviderDeleted
    | OidcProviderCreated
    | OidcClientAdded
    | OidcClientRemoved
    | OidcThumbprintsSet
    | OidcProviderDeleted
    | ProviderTagged
    | ProviderUntagged
    | OutboundIdentityEnabled
    | OutboundIdentityDisabled
    | SigningKeyCreated
    | SigningKeyDestroyed
    | WebIdentityTokenIssued
    | SessionLimitSet
    | CheckpointKeyCreated
    | CheckpointKeyRetired
    | CheckpointRefused
    | IdentityPoolCreated
    | IdentityPoolUpdated
    | IdentityPoolRolesSet
    | IdentityPoolTagged
    | IdentityPoolUntagged
    | IdentityPoolDeleted
    | IdentityCreated
    | LoginsLinked
    | LoginsUnlinked
    | IdentityDeleted
)

FACTS: Final[dict[str, type[Fact]]] = {str(fact.__struct_config__.tag): fact for fact in AnyFact.__args__}

_DECODER: Final = msgspec.json.Decoder(tuple[AnyFact, ...])


def read_facts(body: bytes) -> tuple[Fact, ...]:
    """Read a JSON list of facts as the log stores them."""
    return _DECODER.decode(body)
