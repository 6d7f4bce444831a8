"""Write docs/API.md: every operation of the services that are spoken here, and whether it works.

What works is read from the registry, and what there is from botocore; only why something is refused is said here.
`ops/api-page` runs it, and a test runs it too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from botocore.loaders import Loader

from authority.registry import ACTIONS

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "API.md"

TITLES: Final = {"iam": "IAM", "sts": "STS", "organizations": "Organizations", "cognito-identity": "Cognito Identity"}
CREDENTIALS: Final = (
    "kept nowhere: certificates, SSH keys and credentials of single services open services of AWS that do not run here"
)
DELEGATION: Final = "delegation requests, by which AWS's partners ask for access, are not built yet"
ROOTS: Final = "central management of the roots of member accounts is not built yet"
REPORTS: Final = "there are no service control policies yet that such a report would look through"
TEMPLATES: Final = "role templates are not built yet"
TREE: Final = "an authority has one root with all accounts right below it: no units, nothing to move"
ALONE: Final = "every account is made here and stays: none is invited, joins or leaves"
POLICIES: Final = "there are no policies of the organisation yet"
SERVICE_ACCESS: Final = "no service of AWS runs here that could be given access to the organisation"
DELEGATES: Final = "who administers the accounts is a matter of policies in the management account"
BILLING: Final = "there is no billing"
POOL_TAGS: Final = "session tags are given by the pool's own application, with the token that it gets for its users"

REASONS: Final[Mapping[str, Mapping[str, str]]] = {
    "iam": {
        r"(Delete|Get|Update|Upload)SSHPublicKey": CREDENTIALS,
        r"(Delete|Get|Tag|Untag|Update|Upload)ServerCertificate": CREDENTIALS,
        r"(Delete|Update|Upload)SigningCertificate": CREDENTIALS,
        r"(Create|Delete|Reset|Update)ServiceSpecificCredential": CREDENTIALS,
        r"\w+DelegationRequests?|SendDelegationToken|GetHumanReadableSummary": DELEGATION,
        r"(Enable|Disable)OrganizationsRoot\w+|ListOrganizationsFeatures": ROOTS,
        r"(Generate|Get)OrganizationsAccessReport": REPORTS,
        r"AcquireRole|GetRoleTemplateVersion": TEMPLATES,
    },
    "sts": {
        r"AssumeRoot": ROOTS,
        r"GetDelegatedAccessToken": DELEGATION,
    },
    "organizations": {
        r"CreateGovCloudAccount": "there is one partition to make accounts in, and no second one beside it",
        r"(Create|Delete|Describe|List|Update)OrganizationalUnits?\w*|MoveAccount": TREE,
        r"CreateOrganization|DeleteOrganization|EnableAllFeatures": "the organisation is the authority itself",
        r"\w*Handshakes?\w*|InviteAccountToOrganization|LeaveOrganization|RemoveAccountFromOrganization": ALONE,
        r"\w*Polic(y|ies)\w*|ListTargetsForPolicy": POLICIES,
        r"\w*AWSServiceAccess\w*": SERVICE_ACCESS,
        r"\w*Delegated\w+": DELEGATES,
        r"\w*Responsibility\w*": BILLING,
        r"ListAccountsWithInvalidEffectivePolicy|ListEffectivePolicyValidationErrors": POLICIES,
    },
    "cognito-identity": {
        r"(Get|Set)PrincipalTagAttributeMap": POOL_TAGS,
    },
}
"""Why an operation is refused, by a pattern of its name; the first that fits counts."""

NOTES: Final[Mapping[str, str]] = {
    "iam:CreateSAMLProvider": "encrypted assertions are refused, and so are the parameters about them",
    "iam:UpdateSAMLProvider": "encrypted assertions are refused, and so are the parameters about them",
    "iam:ListSSHPublicKeys": "always an empty list",
    "iam:ListServerCertificates": "always an empty list",
    "iam:ListServerCertificateTags": "no certificate is ever found",
    "iam:ListServiceSpecificCredentials": "always an empty list",
    "iam:ListSigningCertificates": "always an empty list",
    "sts:AssumeRole": "ProvidedContexts is refused",
    "cognito-identity:CreateIdentityPool": "ServerSideTokenCheck is refused",
    "cognito-identity:GetOpenIdTokenForDeveloperIdentity": "takes one login, of the developer provider",
    "cognito-identity:UpdateIdentityPool": "ServerSideTokenCheck is refused",
    "organizations:ListAWSServiceAccessForOrganization": "always an empty list",
    "organizations:ListDelegatedAdministrators": "always an empty list",
    "organizations:ListOrganizationalUnitsForParent": "always an empty list",
    "organizations:ListPolicies": "always an empty list",
    "organizations:ListPoliciesForTarget": "always an empty list",
}
"""What is to be known of some that work; all else stands in DIVERGENCES.md."""

HEAD: Final = """\
# What is answered

Written by `ops/api-page` from the registry of actions and from botocore {version}; do not edit it by hand.

Every operation of IAM, STS, Organizations and Cognito Identity is here. One that **works** takes every parameter of
the service model and refuses what it does not understand; where it differs from AWS on purpose,
[DIVERGENCES.md](DIVERGENCES.md) says so. One that is refused answers `InvalidAction` with status 400 at once (the last
two: `UnknownOperationException`), so that no client waits or tries again. All of them are asked for at `POST /`, as
AWS's own clients do.
"""


def reason(service: str, operation: str) -> str:
    """Why an operation is refused; raises LookupError when nobody said."""
    for pattern, why in REASONS[service].items():
        if re.fullmatch(pattern, operation):
            return why
    raise LookupError(f"nobody says why {service}:{operation} is refused")


def unused_reasons() -> list[str]:
    """Patterns that fit no operation that is refused."""
    return [
        pattern
        for service in TITLES
        for pattern in REASONS[service]
        if not any(re.fullmatch(pattern, name) for name in _operations(service) if (service, name) not in ACTIONS)
    ]


def page(version: str) -> str:
    """The page, for a *version* of botocore."""
    parts = [HEAD.format(version=version), _counts()]
    for service in TITLES:
        rows = [f"| {name} | {_state(service, name)} |" for name in _operations(service)]
        parts.append(f"## {TITLES[service]}\n\n| operation | state |\n| --- | --- |\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def _counts() -> str:
    rows = [
        f"| {TITLES[service]} | {len(_operations(service))} | "
        f"{sum((service, name) in ACTIONS for name in _operations(service))} |"
        for service in TITLES
    ]
    return "| service | operations | work |\n| --- | --- | --- |\n" + "\n".join(rows) + "\n"


def _state(service: str, name: str) -> str:
    if (service, name) not in ACTIONS:
        return f"refused: {reason(service, name)}"
    note = NOTES.get(f"{service}:{name}")
    return f"works; {note}" if note else "works"


def _operations(service: str) -> list[str]:
    model: Mapping[str, Any] = Loader().load_service_model(service, "service-2")
    return sorted(model["operations"])


if __name__ == "__main__":
    import botocore

    PAGE.write_text(page(botocore.__version__), encoding="utf-8")
    print(f"written: {PAGE}")
