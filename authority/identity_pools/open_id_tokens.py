"""Tokens of identity pools: who somebody in a pool is, signed, for AssumeRoleWithWebIdentity or for whoever asks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import msgspec

from authority.access.action import Facts
from authority.federation import claims as claims_of
from authority.federation import own_tokens
from authority.federation.web_identity import SCHEME
from authority.kernel.ids import AccessKeyId, AccountId, random_uuid
from authority.kernel.refusal import Refusal
from authority.kernel.secret import Secret
from authority.kernel.tags import Tag
from authority.model.signing_keys import WebIdentityTokenIssued
from authority.model.state import State
from authority.sessions.web_identity_token import MOST_BYTES, NO_KEY, TOO_LARGE, Signer, token

ALGORITHM: Final = "RS256"
NOBODYS: Final = AccessKeyId("")


class Issued(msgspec.Struct, frozen=True):
    """A token to be signed once it is written down that there is one."""

    fact: WebIdentityTokenIssued
    signer: Signer
    claims: bytes

    def signed(self) -> Secret:
        """The token."""
        return token(self.signer, self.claims)


class IdToken(msgspec.Struct, frozen=True, rename="pascal"):
    """The answer."""

    identity_id: str
    token: Secret


def issued(
    state: State,
    facts: Facts,
    signer: object,
    *,
    account: AccountId,
    pool: str,
    identity: str,
    methods: tuple[str, ...],
    seconds: int,
    tags: tuple[Tag, ...] = (),
    by: AccessKeyId = NOBODYS,
) -> Issued | Refusal:
    """A token for an identity, who came by *methods*; where somebody asked for it with a key, *by* that."""
    if not isinstance(signer, Signer) or signer.key_id not in state.signing_keys:
        return NO_KEY
    fact = WebIdentityTokenIssued(
        account=account,
        token_id=random_uuid(facts.draw(16)),
        issuer=SCHEME + own_tokens.ISSUER,
        subject=identity,
        audience=(pool,),
        issued_at=facts.now,
        expires_at=facts.now + timedelta(seconds=seconds),
        caller_access_key_id=by,
        key_id=signer.key_id,
        algorithm=signer.algorithm,
    )
    claims = msgspec.json.encode(_claims(fact, methods, tags))
    return TOO_LARGE if len(claims) > MOST_BYTES else Issued(fact, signer, claims)


def _claims(fact: WebIdentityTokenIssued, methods: tuple[str, ...], tags: tuple[Tag, ...]) -> Mapping[str, Any]:
    said: dict[str, Any] = {
        "iss": fact.issuer,
        "aud": fact.audience[0],
        "sub": fact.subject,
        "amr": methods,
        "iat": int(fact.issued_at.timestamp()),
        "exp": int(fact.expires_at.timestamp()),
        "jti": fact.token_id,
    }
    if tags:
        said[claims_of.TAGS] = {"principal_tags": {tag.key: [tag.value] for tag in tags}}
    return said
