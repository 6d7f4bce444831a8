"""What comes in the place of a signature, verified before anything is decided: tokens and assertions of providers.

What a stranger can make us do is bounded: a token is taken apart before anybody is asked, only issuers that the
account trusts are ever asked, and how often is the key store's business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final, Protocol

from authority.access.caller import INVALID_TOKEN
from authority.access.vouched import Vouched
from authority.credentials import DECOY, Keyring
from authority.federation import console, introspection, saml, tokens, web_identity
from authority.federation.introspection import Judges
from authority.federation.keysets import Fetch, Issuer, KeySet, Unusable
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.secret import Secret
from authority.pipeline import Proven, Vouch, Vouching

ASKED_AT_ONCE: Final = 16
"""Access tokens that are being judged elsewhere at one time; the others wait."""
UNREACHABLE: Final = Refusal(
    Reason.IDP_COMMUNICATION_ERROR, "Couldn't retrieve verification key from your identity provider; try again."
)


class IssuerKeys(Protocol):
    """The keys of issuers, kept."""

    async def get(self, issuer: Issuer, *, anew: bool = False) -> KeySet:
        """The last good keys of *issuer*, asked for again if they are old, or *anew* and it may be asked so soon.

        Raises `OSError` or `Unusable` where there never were any.
        """
        ...


def vouchers(keys: IssuerKeys, keyring: Keyring, fetch: Fetch, judges: Judges) -> Mapping[str, Vouch]:
    """By the action that needs it.

    XML is judged in threads: a large document of a stranger keeps nobody else waiting.
    """
    asking = asyncio.Semaphore(ASKED_AT_ONCE)

    async def access_token(vouching: Vouching) -> Vouched | Refusal:
        """Ask Amazon or Facebook what a token of theirs is worth."""
        asked = introspection.question(vouching.version.state, vouching.input, judges)
        if isinstance(asked, Refusal):
            return asked
        try:
            async with asking:
                said = await fetch(asked.url, ())
        except OSError:
            # They refuse what they did not issue with a status of their own, and that is all there is to know.
            return introspection.NOT_VALID
        return introspection.answered(asked, vouching.input.web_identity_token, said, vouching.now)

    async def web_token(vouching: Vouching) -> Vouched | Refusal:
        """Hold a web identity token against its issuer's keys; a key that is not known yet is asked for once."""
        if vouching.input.provider_id is not None:
            return await access_token(vouching)
        seeking = web_identity.sought(vouching.version.state, vouching.input)
        if isinstance(seeking, Refusal):
            return seeking
        try:
            found = web_identity.judged(seeking, await keys.get(seeking.issuer), vouching.now)
            if found is None:
                found = web_identity.judged(seeking, await keys.get(seeking.issuer, anew=True), vouching.now)
        except OSError:
            return UNREACHABLE
        except Unusable:
            return tokens.NOT_VERIFIED
        return tokens.NOT_VERIFIED if found is None else found

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

    return {
        "authority:GetSigninToken": credentials,
        "authority:SignIn": signin,
        "authority:SignInWithSAML": response,
        saml.ACTION: assertion,
        web_identity.ACTION: web_token,
    }
