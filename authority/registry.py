"""All actions by service and operation.  A room that decides something new adds its module to the list, no more."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from authority.access.action import Action
from authority.accounts import (
    account_requests,
    account_tags,
    accounts,
    aliases,
    assessing,
    authorization_details,
    checkpoint_keys,
    containing,
    credential_report,
    investigating,
    key_info,
    log,
    lookup_events,
    organization_listings,
    organizations,
    password_policy,
    preferences,
    proofs,
    summary,
    trail,
    travelling,
    what_if,
)
from authority.federation import console, oidc_providers, outbound_identity, saml, saml_providers, web_identity
from authority.identity_pools import coming, developers, identities, pool_tags, pools
from authority.identity_pools import roles as pool_roles
from authority.permissions import (
    attachments,
    boundaries,
    context_keys,
    granting,
    inline,
    last_accessed,
    managed,
    simulate,
    versions,
)
from authority.principals import access_keys, devices, groups, key_use, login_profiles, mfa, not_kept, users
from authority.resources import evaluate
from authority.resources.discovery import EVALUATION, EVALUATIONS
from authority.roles import instance_profiles, linked, roles
from authority.roles import tags as role_tags
from authority.sessions import (
    assume_role,
    authorization_message,
    caller_identity,
    federation_token,
    revocation,
    session_token,
    third_parties,
    web_identity_token,
)
from authority.wire.dialects import Route

OWN_SERVICE: Final = "authority"
SERVICES: Final = ("iam", "sts", "organizations", "cloudtrail", "cognito-identity")
"""The services that are spoken as AWS describes them, by the names of their models."""

MODULES: Final = (
    access_keys,
    account_requests,
    account_tags,
    accounts,
    aliases,
    assessing,
    assume_role,
    attachments,
    authorization_details,
    authorization_message,
    boundaries,
    caller_identity,
    checkpoint_keys,
    coming,
    containing,
    console,
    context_keys,
    credential_report,
    developers,
    devices,
    evaluate,
    federation_token,
    granting,
    groups,
    identities,
    inline,
    instance_profiles,
    investigating,
    key_info,
    key_use,
    last_accessed,
    linked,
    log,
    login_profiles,
    lookup_events,
    managed,
    mfa,
    not_kept,
    oidc_providers,
    organization_listings,
    organizations,
    outbound_identity,
    password_policy,
    pool_roles,
    pool_tags,
    pools,
    preferences,
    proofs,
    revocation,
    role_tags,
    roles,
    saml,
    saml_providers,
    session_token,
    simulate,
    summary,
    third_parties,
    trail,
    travelling,
    users,
    versions,
    web_identity,
    web_identity_token,
    what_if,
)

ACTIONS: Final = MappingProxyType(
    {
        (found.service, found.operation): found
        for module in MODULES
        for found in vars(module).values()
        if isinstance(found, Action)
    }
)
"""`("iam", "CreateRole")` leads to its action."""

ROUTES: Final = (
    Route("GET", "/v1/events", "ListEvents"),
    Route("GET", "/v1/events/{id}", "GetEvent"),
    Route("GET", "/v1/sessions", "ListSessions"),
    Route("GET", "/v1/sessions/{id}", "GetSession"),
    Route("POST", "/v1/sessions/{id}/revoke", "RevokeSession"),
    Route("POST", "/v1/roles/{name}/revoke-sessions", "RevokeRoleSessions"),
    Route("POST", "/v1/keys/{id}/revoke-descendants", "RevokeDescendants"),
    Route("GET", "/v1/third-parties", "ListThirdParties"),
    Route("PUT", "/v1/third-parties/{trustedAccount}/limit", "PutThirdPartyLimit"),
    Route("POST", "/v1/sign-in", "SignIn", anonymous=True),
    Route("POST", "/v1/sign-in/saml", "SignInWithSAML", anonymous=True),
    Route("POST", "/v1/sign-in/token", "GetSigninToken", anonymous=True),
    Route("GET", "/v1/log", "DescribeLog"),
    Route("GET", "/v1/log/checkpoint", "GetCheckpoint"),
    Route("GET", "/v1/log/proof/inclusion", "GetInclusionProof"),
    Route("GET", "/v1/log/proof/consistency", "GetConsistencyProof"),
    Route("POST", "/v1/log/checkpoint-key/rotate", "RotateCheckpointKey"),
    Route("GET", "/checkpoint", "GetCheckpoint", {"format": "note"}),
    Route("GET", "/tile/{level}/{tile...}", "GetTile"),
    Route("GET", "/v1/as-of/{when}", "GetStateAsOf"),
    Route("GET", "/v1/as-of/{when}/{kind}", "GetStateAsOf"),
    Route("GET", "/v1/as-of/{when}/{kind}/{name}", "GetStateAsOf"),
    Route("GET", "/v1/diff", "CompareStates"),
    Route("GET", "/v1/history/{kind}/{name}", "GetHistory"),
    Route("GET", "/v1/restore/{kind}/{name}", "GetRestoreCommands"),
    Route("POST", "/v1/contain", "Contain"),
    Route("POST", "/v1/what-if", "WhatIf"),
    Route("POST", "/v1/whose", "IdentifyCredential"),
    Route("GET", "/v1/investigate/lineage/{id}", "TraceLineage"),
    Route("GET", "/v1/investigate/blast-radius/{id}", "AssessBlastRadius"),
    Route("GET", "/v1/investigate/valid/{id}", "ListValidCredentials"),
    Route("GET", "/v1/investigate/sources/{id}", "ListSources"),
    Route("GET", "/v1/investigate/chains", "ListChains"),
    Route("GET", "/v1/investigate/first-seen", "ListFirstSeen"),
    Route("GET", "/v1/investigate/timeline/{id}", "GetTimeline"),
    Route("GET", "/v1/investigate/dead-keys", "ListDeadKeyUse"),
    Route("GET", "/v1/investigate/who-can-assume/{role}", "ListWhoCanAssume"),
    Route("GET", "/v1/investigate/external-access", "ListExternalAccess"),
    Route("GET", "/v1/investigate/exposure/{role}", "AssessExposure"),
    Route("GET", "/v1/investigate/least-privilege/{id}", "SuggestLeastPrivilege"),
    Route("GET", "/v1/investigate/unused", "ListUnused"),
    Route("GET", "/v1/aliases/{alias}", "ResolveAccountAlias"),
    Route("GET", "/v1/accounts", "ListAccounts"),
    Route("POST", "/v1/accounts", "CreateAccount"),
    Route("GET", "/v1/accounts/{accountId}", "GetAccount"),
    Route("POST", "/v1/accounts/{accountId}/reopen", "ReopenAccount"),
    Route("PUT", "/v1/accounts/{accountId}/quotas/{name}", "PutQuota"),
    Route("POST", EVALUATION, "Evaluate"),
    Route("POST", EVALUATIONS, "BatchEvaluate"),
)
"""Our own operations, by method and path."""
