"""What comes in the place of a signature, verified before anything is decided: tokens and assertions of providers.

What a stranger can make us do is bounded: a token is taken apart before anybody is asked, only issuers that the
account trusts are ever asked, and how often is the key store's business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Protocol

import msgspec

from authority.access.caller import INVALID_TOKEN
from authority.access.vouched import Vouched
from authority.credentials import DECOY, Keyring, signer_in_use
from authority.federation import console, introspection, own_tokens, saml, tokens, web_identity
from authority.federation.introspection import Judges
from authority.federation.keysets import Fetch, Issuer, KeySet, Unusable
from authority.federation.web_identity import WebIdentity
from authority.identity_pools import logins
from authority.identity_pools.open_id_tokens import ALGORITHM as POOL_TOKENS
from authority.kernel.fetching import Declined
from authority.kernel.ids import AccountId
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.secret import Secret
from authority.kernel.signing import IssuerKeys as OwnKeys
from authority.model.state import State
from authority.pipeline import Proven, Vouch, Vouching

ASKED_AT_ONCE: Final = 16
"""Access tokens that are being judged elsewhere at one time; the others wait."""
UNREACHABLE: Final = Refusal(
    Reason.IDP_COMMUNICATION_ERROR, "Couldn't retrieve verification key from your identity provider; try again."
)
NOT_REACHED: Final = Refusal(
    Reason.IDP_COMMUNICATION_ERROR, "Couldn't reach your identity provider to have the access token judged; try again."
)
TOO_MANY_GUESTS: Final = Refusal(Reason.TOO_MANY_REQUESTS, "Too many guests come at once; try again later.")
GUESTS_A_SECOND: Final = 20.0
GUESTS_AT_ONCE: Final = 200.0
"""Requests of a pool's guests that are let through, and how many may come in one moment.

Each makes an entry of the log, and nothing stands behind it: so the log does not grow at will.
"""


class Pace:
    """Lets guests of one pool through, so many in a second, and so many at once; the others must come again."""

    __slots__ = ("_left", "_seen")

    def __init__(self) -> None:
        """Begin with nobody."""
        self._left = GUESTS_AT_ONCE
        self._seen: datetime | None = None

    def admit(self, now: datetime) -> bool:
        """Whether one more may pass at this moment."""
        waited = 0.0 if self._seen is None else max((now - self._seen).total_seconds(), 0.0)
        self._seen = now
        self._left = min(self._left + waited * GUESTS_A_SECOND, GUESTS_AT_ONCE)
        if self._left < 1:
            return False
        self._left -= 1
        return True


class IssuerKeys(Protocol):
    """The keys of issuers, kept."""

    async def get(self, issuer: Issuer, *, anew: bool = False) -> KeySet:
        """The last good keys of *issuer*, asked for again if they are old, or *anew* and it may be asked so soon.

        Raises `OSError` or `Unusable` where there never were any.
        """
        ...


def vouchers(
    keys: IssuerKeys, keyring: Keyring, fetch: Fetch, judges: Judges, own_keys: OwnKeys
) -> Mapping[str, Vouch]:
    """By the action that needs it.

    XML is judged in threads: a large document of a stranger keeps nobody else waiting.
    """
    asking = asyncio.Semaphore(ASKED_AT_ONCE)

    async def access_token(vouching: Vouching) -> Vouched | Refusal:
        """Ask Amazon or Facebook what a token of theirs is worth."""
        asked = introspection.question(vouching.version.state, vouching.input, judges)
        return await worth(asked, vouching.input.web_identity_token, vouching.now)

    async def worth(asked: introspection.Asked | Refusal, token: str, now: datetime) -> WebIdentity | Refusal:
        if isinstance(asked, Refusal):
            return asked
        try:
            async with asking:
                said = await fetch(asked.url, ())
        except Declined:
            # They refuse what they did not issue with a status of their own, and that is all there is to know.
            return introspection.NOT_VALID
        except OSError:
            return NOT_REACHED
        return introspection.answered(asked, token, said, now)

    async def held(seeking: web_identity.Sought, now: datetime) -> WebIdentity | Refusal:
        """Hold a token against its issuer's keys, or our own; a key that is not known yet is asked for once."""
        try:
            known = seeking.keys
            found = web_identity.judged(seeking, await keys.get(seeking.issuer) if known is None else known, now)
            if found is None and known is None:
                found = web_identity.judged(seeking, await keys.get(seeking.issuer, anew=True), now)
        except OSError:
            return UNREACHABLE
        except Unusable:
            return tokens.NOT_VERIFIED
        return tokens.NOT_VERIFIED if found is None else found

    async def web_token(vouching: Vouching) -> Vouched | Refusal:
        """Hold a web identity token against its issuer's keys."""
        if vouching.input.provider_id is not None:
            return await access_token(vouching)
        seeking = web_identity.sought(vouching.version.state, vouching.input)
        return seeking if isinstance(seeking, Refusal) else await held(seeking, vouching.now)

    async def assertion(vouching: Vouching) -> Vouched | Refusal:
        """Hold a SAML assertion against the metadata of the provider that is named."""
        wanted = vouching.input
        state, now = vouching.version.state, vouching.now
        return await asyncio.to_thread(saml.judged, state, wanted.principal_arn, wanted.saml_assertion, now)

    async def response(vouching: Vouching) -> Vouched | Refusal:
        """Hold the SAML response that a browser brought against the metadata of a provider that it names."""
        state, now = vouching.version.state, vouching.now
        return await asyncio.to_thread(console.browser_identity, state, vouching.input, now)

    async def credentials(vouching: Vouching) -> Proven | Refusal:
        """Hold a secret key that came along against the one that goes with the session token."""
        wanted = vouching.input
        held = await keyring.find(vouching.version.state, wanted.access_key_id, wanted.session_token)
        secret = DECOY if isinstance(held, Refusal) else held.secret
        same = secret == Secret(wanted.secret_access_key)
        if isinstance(held, Refusal) or not same:
            return INVALID_TOKEN
        return Proven(held.credential, console.Shown(held.secret))

    async def signin(vouching: Vouching) -> Proven | Refusal:
        """Hold a sign-in token against the secret key of the session in it."""
        read = console.unverified_claims(vouching.input.signin_token)
        if read is None:
            return console.NOT_A_TOKEN
        proof, claims = read
        held = await keyring.find(vouching.version.state, claims.access_key_id, claims.session_token)
        if not console.proves(proof, claims, DECOY if isinstance(held, Refusal) else held.secret):
            return console.NOT_A_TOKEN
        return console.NOT_A_TOKEN if isinstance(held, Refusal) else Proven(held.credential, claims)

    async def shown(state: State, by: logins.Brought, account: AccountId, now: datetime) -> logins.Shown | Refusal:
        """Verify one login of somebody who comes to an identity pool."""
        match by:
            case logins.ByToken():
                found = await held(by.sought, now)
                return logins.refused(found) if isinstance(found, Refusal) else logins.shown_token(by, found)
            case logins.ByAccessToken():
                found = await worth(introspection.question_of(by.name, account, by.token, judges), by.token, now)
                return logins.refused(found) if isinstance(found, Refusal) else logins.shown_access_token(by, found)
            case logins.ByAssertion():
                said = await asyncio.to_thread(saml.judged, state, by.name, by.assertion, now)
                return logins.refused(said) if isinstance(said, Refusal) else logins.shown_assertion(by, said)

    async def in_pool(vouching: Vouching, pool_id: str, identity_id: str | None = None) -> Vouched | Refusal:
        """Verify every login of somebody who comes to an identity pool; the first that does not hold ends it."""
        state, now = vouching.version.state, vouching.now
        coming = logins.coming(state, pool_id, vouching.input.logins, identity_id)
        if isinstance(coming, Refusal):
            return coming
        if not coming.unverified and not guests.setdefault(pool_id, Pace()).admit(now):
            return TOO_MANY_GUESTS
        held_up: list[logins.Shown] = []
        for one in coming.unverified:
            found = await shown(state, one, state.identities.pools[pool_id].account, now)
            if isinstance(found, Refusal):
                return found
            held_up.append(found)
        return logins.identified(state, coming.pool, tuple(held_up), identity_id or "")

    async def newcomer(vouching: Vouching) -> Vouched | Refusal:
        """Whoever asks for an identity in a pool; where the pool is full, no guest makes an entry by asking."""
        state, pool_id = vouching.version.state, vouching.input.identity_pool_id
        pool = own_tokens.pool_of(state, pool_id)
        if pool is not None and not vouching.input.logins and (refusal := logins.full(state, pool)) is not None:
            return refusal
        return await in_pool(vouching, pool_id)

    async def known(vouching: Vouching) -> Vouched | Refusal:
        """Whoever has an identity, by its id."""
        identity_id = vouching.input.identity_id
        pool_id = logins.place_of(vouching.version.state, identity_id)
        return pool_id if isinstance(pool_id, Refusal) else await in_pool(vouching, pool_id, identity_id)

    async def bearer(vouching: Vouching) -> Vouched | Refusal:
        """Whoever has an identity and shall have a token of it, with what signs tokens."""
        came = await known(vouching)
        if not isinstance(came, logins.Identified):
            return came
        signer = await signer_in_use(keyring, own_keys, vouching.version.state, POOL_TOKENS, vouching.now)
        return msgspec.structs.replace(came, signer=signer)

    guests: dict[str, Pace] = {}
    return {
        "authority:GetSigninToken": credentials,
        "cognito-identity:GetCredentialsForIdentity": known,
        "cognito-identity:GetId": newcomer,
        "cognito-identity:GetOpenIdToken": bearer,
        "cognito-identity:UnlinkIdentity": known,
        "authority:SignIn": signin,
        "authority:SignInWithSAML": response,
        saml.ACTION: assertion,
        web_identity.ACTION: web_token,
    }
