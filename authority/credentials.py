"""The secrets that signatures are verified with, found by access key id.

A long-term key's secret lies sealed in the vault and is kept in memory once it was used; a session's is derived from
its token.  Whether a credential still counts is not decided here, but in log order (`access.caller`).
"""

from __future__ import annotations

from datetime import datetime
from hashlib import shake_256
from typing import Final

import msgspec

from authority.access.caller import INVALID_TOKEN, Credential, SessionClaims
from authority.kernel.custody import Custodian, TokenRefused
from authority.kernel.ids import LONG_TERM_KEY, AccessKeyId
from authority.kernel.refusal import Refusal
from authority.kernel.secret import Secret
from authority.kernel.signing import IssuerKeys
from authority.ledger.port import Ledger
from authority.model.principals import ACCESS_KEY_PURPOSE, KeyStatus
from authority.model.sessions import SessionIssued
from authority.model.signing_keys import PURPOSE as SIGNING
from authority.model.state import State
from authority.sessions.web_identity_token import Signer, in_use

DECOY: Final = Secret(b"0" * 40)
"""What a signature is held against when its key is none of ours, so that both take the same time."""
MOST_KEPT: Final = 100_000

_CLAIMS: Final = msgspec.msgpack.Decoder(SessionClaims)
_ENCODER: Final = msgspec.msgpack.Encoder()


class Held(msgspec.Struct, frozen=True):
    """A credential that a request names, and the secret that its signature must have been made with."""

    credential: Credential
    secret: Secret


class Keyring:
    """Finds secrets, and mints those of sessions."""

    def __init__(self, ledger: Ledger, custodian: Custodian) -> None:
        """Find long-term secrets in *ledger*'s vault; *custodian* opens them."""
        self._ledger = ledger
        self._custodian = custodian
        self._kept: dict[AccessKeyId, Held] = {}

    async def find(self, state: State, access_key_id: str, session_token: str | None) -> Held | Refusal:
        """The secret of *access_key_id*, with what its token says; a refusal when it is none of ours."""
        key_id = AccessKeyId(access_key_id)
        if session_token is not None:
            return self._session(key_id, session_token)
        known = state.access_keys.get(key_id)
        if known is None or known.status is KeyStatus.DELETED or not key_id.startswith(LONG_TERM_KEY):
            self._kept.pop(key_id, None)
            return INVALID_TOKEN
        return self._kept.get(key_id) or await self._unsealed(key_id)

    async def _unsealed(self, key_id: AccessKeyId) -> Held | Refusal:
        secret = await self.sealed(key_id, ACCESS_KEY_PURPOSE)
        if secret is None:
            return INVALID_TOKEN
        if len(self._kept) >= MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        held = self._kept[key_id] = Held(Credential(key_id), secret)
        return held

    async def sealed(self, row_id: str, purpose: str) -> Secret | None:
        """The secret in a row of the vault, where it was sealed for *purpose*."""
        row = await self._ledger.secret(row_id)
        if row is None or row[0] != purpose:
            return None
        return self._custodian.unseal(row_id, purpose, row[1])

    def _session(self, key_id: AccessKeyId, token: str) -> Held | Refusal:
        try:
            sealing_key_id, content = self._custodian.open_token(token, key_id)
            claims = _CLAIMS.decode(content)
        except (TokenRefused, msgspec.DecodeError):
            return INVALID_TOKEN
        if claims.access_key_id != key_id:
            return INVALID_TOKEN
        return Held(Credential(key_id, claims), self._custodian.temporary_secret(sealing_key_id, key_id))

    def mint(self, session: SessionIssued, position: int, minimum: int = 0) -> dict[str, object]:
        """The credentials of *session*, whose entry is durable at *position* (STS API, Credentials).

        The token has at least *minimum* characters.
        """
        claims = SessionClaims.of(session, position)
        token = self._sealed(claims)
        while len(token) < minimum:
            # Three bytes are four characters in base 64, and what does not compress stays as long as it is.
            more = len(claims.padding) + 3 * (minimum - len(token)) // 4 + 1
            claims = msgspec.structs.replace(claims, padding=shake_256(session.access_key_id.encode()).digest(more))
            token = self._sealed(claims)
        return {
            "AccessKeyId": session.access_key_id,
            "SecretAccessKey": self._custodian.temporary_secret(session.sealing_key_id, session.access_key_id),
            "SessionToken": Secret(token),
            "Expiration": session.expires_at,
        }

    def _sealed(self, claims: SessionClaims) -> str:
        return self._custodian.seal_token(claims.sealing_key_id, claims.access_key_id, _ENCODER.encode(claims))


async def signer_in_use(
    keyring: Keyring, keys: IssuerKeys, state: State, algorithm: str, now: datetime
) -> Signer | None:
    """What signs web identity tokens now with an algorithm; None while there is no key for it."""
    key = in_use(state, algorithm, now)
    private = None if key is None else await keyring.sealed(key.id, SIGNING)
    if key is None or private is None:
        return None
    return Signer(key.id, key.algorithm, keys.signer(key.algorithm, private))
