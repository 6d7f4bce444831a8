"""The keys that sign web identity tokens for others, and the tokens they signed.  Private halves lie in the vault."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Final, NewType

import msgspec

from authority.kernel.ids import AccessKeyId
from authority.model.fact import AccountFact, Fact

SigningKeyId = NewType("SigningKeyId", str)

KIND: Final = "JWKS"
PURPOSE: Final = "token-signing"
"""What private keys are sealed for; a row's id is the key's."""
ALGORITHMS: Final = ("ES384", "RS256")
"""As JWA names them (STS API, GetWebIdentityToken)."""


class SigningKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key pair; `public` are the members of its JWK that say what it is (RFC 7517, RFC 7518), as JSON."""

    id: SigningKeyId
    algorithm: str
    public: str
    created_at: datetime


class SigningKeyCreated(Fact, frozen=True, kw_only=True, tag="signing-key-created"):
    """A new key signs web identity tokens from here on."""

    key_id: SigningKeyId
    algorithm: str
    public: str


class SigningKeyDestroyed(Fact, frozen=True, kw_only=True, tag="signing-key-destroyed"):
    """A key is gone: everything that it signed has expired."""

    key_id: SigningKeyId


class WebIdentityTokenIssued(AccountFact, frozen=True, kw_only=True, tag="web-identity-token-issued"):
    """Somebody received a token that says to others who he is."""

    CONFIG: ClassVar[bool] = False

    token_id: str
    """Its `jti`."""
    issuer: str
    subject: str
    audience: tuple[str, ...]
    issued_at: datetime
    expires_at: datetime
    caller_access_key_id: AccessKeyId
    key_id: SigningKeyId
    algorithm: str
