"""What comes in the place of a signature, verified before anything is decided: tokens and assertions of providers.

What a stranger can make us do is bounded: a token is taken apart before anybody is asked, only issuers that the
account trusts are ever asked, and how often is the key store's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from authority.access.vouched import Vouched
from authority.federation import saml, tokens, web_identity
from authority.federation.keysets import Issuer, KeySet, Unusable
from authority.kernel.refusal import Reason, Refusal
from authority.pipeline import Vouch, Vouching

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


def vouchers(keys: IssuerKeys) -> Mapping[str, Vouch]:
    """By the action that needs it."""

    async def web_token(vouching: Vouching) -> Vouched | Refusal:
        """Hold a web identity token against its issuer's keys; a key that is not known yet is asked for once."""
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
        return saml.judged(vouching.version.state, wanted.principal_arn, wanted.saml_assertion, vouching.now)

    return {saml.ACTION: assertion, web_identity.ACTION: web_token}
