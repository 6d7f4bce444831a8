"""What everybody may read of us as an issuer: where the keys are, and the public keys themselves.

OpenID Connect Discovery 1.0, sections 3 and 4; RFC 7517.  Each account is an issuer of its own; all share the keys.
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from authority.model.state import State

DISCOVERY: Final = "/.well-known/openid-configuration"
KEYS: Final = "/.well-known/jwks.json"
PATH: Final = re.compile(rf"(/[A-Za-z0-9._~/-]{{1,256}})({re.escape(DISCOVERY)}|{re.escape(KEYS)})", re.ASCII)


def published(state: State, path: str) -> bytes | None:
    """The JSON document at *path*; None where there is none, and nothing of an account that stopped issuing."""
    asked = PATH.fullmatch(path)
    if asked is None:
        return None
    issuer = _issuer(state, asked[1])
    if issuer is None:
        return None
    return msgspec.json.encode(discovery(issuer) if asked[2] == DISCOVERY else key_set(state))


def discovery(issuer: str) -> dict[str, Any]:
    """The configuration of *issuer* (OpenID Connect Discovery 1.0, section 3)."""
    return {
        "issuer": issuer,
        "jwks_uri": f"{issuer}{KEYS}",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES384", "RS256"],
        "claims_supported": ["aud", "exp", "iat", "iss", "jti", "sub"],
    }


def key_set(state: State) -> dict[str, Any]:
    """Every public key that a token may be signed with (RFC 7517, section 5)."""
    keys = sorted(state.signing_keys.values(), key=lambda key: (key.created_at, key.id))
    return {
        "keys": [{**msgspec.json.decode(key.public), "kid": key.id, "alg": key.algorithm, "use": "sig"} for key in keys]
    }


def _issuer(state: State, path: str) -> str | None:
    for account in state.accounts.values():
        identity = account.outbound_identity
        if identity is not None and identity.enabled and urlsplit(identity.issuer).path == path:
            return identity.issuer
    return None
