"""iam:GetAccountSummary - how much of everything an account has, and how much it may have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from authority.access.action import Decision, Facts, action
from authority.access.call import Call
from authority.access.naming import account_of
from authority.accounts.naming import the_account
from authority.model.account import Account
from authority.model.state import State

QUOTAS: Final = (
    "AccessKeysPerUserQuota", "AssumeRolePolicySizeQuota", "AttachedPoliciesPerGroupQuota",
    "AttachedPoliciesPerRoleQuota", "AttachedPoliciesPerUserQuota", "GroupPolicySizeQuota", "GroupsPerUserQuota",
    "GroupsQuota", "InstanceProfilesQuota", "PoliciesQuota", "PolicySizeQuota", "PolicyVersionsInUseQuota",
    "RolePolicySizeQuota", "RolesQuota", "ServerCertificatesQuota", "SigningCertificatesPerUserQuota",
    "UserPolicySizeQuota", "UsersQuota", "VersionsPerPolicyQuota",
)  # fmt: skip
"""The quotas that the summary has keys for."""


class GetAccountSummary(msgspec.Struct, frozen=True):
    """Nothing needs to be said."""


class AccountSummary(msgspec.Struct, frozen=True, rename="pascal"):
    """The answer."""

    summary_map: Mapping[str, int]


@action("iam:GetAccountSummary", resource=the_account)
def get_account_summary(state: State, call: Call[GetAccountSummary], _facts: Facts) -> Decision:
    """Count what the account has (IAM API, GetAccountSummary)."""
    return Decision(answer=AccountSummary(summary_of(state, account_of(state, call))))


def summary_of(state: State, account: Account) -> dict[str, int]:
    """Everything that the summary has a key for.  Root has no password and no MFA device here, ever."""
    quotas = {name: account.quota(name) for name in QUOTAS}
    counts = {
        "Users": len(account.users),
        "Groups": len(account.groups),
        "Roles": len(account.roles),
        "Policies": len(account.policies),
        "PolicyVersionsInUse": sum(len(policy.versions) for policy in account.policies.values()),
        "InstanceProfiles": len(account.instance_profiles),
        "Providers": len(account.saml_providers) + len(account.oidc_providers),
        "MFADevices": len(account.mfa_devices),
        "MFADevicesInUse": sum(1 for device in account.mfa_devices.values() if device.owner),
        "ServerCertificates": 0,
        "AccountAccessKeysPresent": len(state.keys_of(account.id)),
        "AccountMFAEnabled": 0,
        "AccountPasswordPresent": 0,
        "AccountSigningCertificatesPresent": 0,
        "GlobalEndpointTokenVersion": account.token_version,
    }
    return quotas | counts
