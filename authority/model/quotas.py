"""How much an account may hold, of each kind of thing: AWS's defaults, which an operator can raise per account.

Names are those of GetAccountSummary where it has one (IAM User Guide, IAM and AWS STS quotas).  Sizes of documents
count characters without white space.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

DEFAULTS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "AccessKeysPerUserQuota": 2,
        "AccountAliasesQuota": 1,
        "AssumeRolePolicySizeQuota": 2_048,
        "AttachedPoliciesPerGroupQuota": 10,
        "AttachedPoliciesPerRoleQuota": 10,
        "AttachedPoliciesPerUserQuota": 10,
        "GroupPolicySizeQuota": 5_120,
        "GroupsPerUserQuota": 10,
        "GroupsQuota": 300,
        "IdentitiesPerPoolQuota": 10_000,
        "IdentityPoolsQuota": 1_000,
        "InstanceProfilesQuota": 1_000,
        "MFADevicesPerUserQuota": 8,
        "OIDCProvidersQuota": 100,
        "PoliciesQuota": 1_500,
        "PolicySizeQuota": 6_144,
        "PolicyVersionsInUseQuota": 10_000,
        "RolePolicySizeQuota": 10_240,
        "RolesQuota": 1_000,
        "SAMLProvidersQuota": 100,
        "ServerCertificatesQuota": 20,
        "SigningCertificatesPerUserQuota": 2,
        "TagsPerEntityQuota": 50,
        "UserPolicySizeQuota": 2_048,
        "UsersQuota": 5_000,
        "VersionsPerPolicyQuota": 5,
    }
)
