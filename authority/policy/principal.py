"""Who asks, as the policy language sees it."""

from __future__ import annotations

import enum

import msgspec


class PrincipalKind(enum.StrEnum):
    """Everything that can stand behind a request."""

    ROOT = "root"
    USER = "user"
    ASSUMED_ROLE = "assumed-role"
    FEDERATED_USER = "federated-user"
    SERVICE = "service"
    SAML = "saml"
    WEB_IDENTITY = "web-identity"
    ANONYMOUS = "anonymous"


class Principal(msgspec.Struct, frozen=True):
    """One caller.

    `arn` is the user's, the root's or the *session's* ARN, and the name of a service principal.  `account` is empty
    for services and strangers.  `unique_id` is AIDA... of a user and of the user behind a federated-user session,
    AROA... of the role behind a role session, the account id for root.  `issuer` is the role's ARN with its path, the
    ARN of the federating user, or the provider that vouches for a SAML or web identity.
    """

    kind: PrincipalKind
    arn: str
    account: str
    unique_id: str
    issuer: str = ""


class Grant(enum.IntEnum):
    """How a Principal element names a caller; the larger value asks for less elsewhere (Policy evaluation logic)."""

    NONE = 0
    ACCOUNT = 1
    """Its account is named: the account's own policies decide."""
    ROLE = 2
    """The role, or the federating user, behind its session is named."""
    DIRECT = 3
    """It is named itself, or everybody is."""
