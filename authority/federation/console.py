"""Sign-in for people with a browser: tokens that are good once and for minutes, made out of temporary credentials.

A sign-in token carries a session token and a proof that whoever asked for it held the secret key that goes with it.
So it is kept nowhere, and is worth nothing but one sign-in, before it expires, while the session counts
(IAM User Guide, Enable custom identity broker access to the console).
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from lxml import etree

from authority.access.action import Decision, Facts, action
from authority.access.call import Call
from authority.federation import saml
from authority.federation.assertions import OURS, Rejected
from authority.federation.assuming import Asked, Issued
from authority.federation.providers import saml_provider
from authority.federation.saml import AssumeRoleWithSAML, SamlIdentity, judged
from authority.federation.signed_xml import ASSERTION, Unfit, response_of
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.secret import Secret
from authority.model.sessions import SessionKind
from authority.model.state import State

GOOD_FOR: Final = timedelta(minutes=15)
"""How long a sign-in token counts (IAM User Guide, getSigninToken)."""
SAML_GOOD_FOR: Final = timedelta(minutes=1)
"""The browser that receives it goes on at once."""
DEFAULT_SECONDS: Final = 43_200
LONGEST: Final = 16_384
MOST_PROVIDERS: Final = 3
"""Whose certificates are tried; a response is of one issuer, which several accounts may know."""
PURPOSE: Final = b"authority sign-in token\x00"
NONCE_BYTES: Final = 16

NOT_A_TOKEN: Final = Refusal(Reason.INVALID_CLIENT_TOKEN_ID, "The sign-in token is invalid.")
TOO_LATE: Final = Refusal(Reason.EXPIRED_TOKEN, "The sign-in token has expired.")
USED: Final = Refusal(Reason.INVALID_CLIENT_TOKEN_ID, "The sign-in token was used already.")
NOT_FOR_THESE: Final = Refusal(
    Reason.ACCESS_DENIED, "Sign-in tokens are made from credentials of a role or a federated user only."
)


class Shown(msgspec.Struct, frozen=True):
    """Credentials that were held against their own secret key."""

    secret: Secret


class SigninClaims(msgspec.Struct, frozen=True, array_like=True):
    """What a sign-in token says; times are seconds since 1970.  Fields are only ever added at the end."""

    access_key_id: str
    session_token: str
    expires: int
    until: int
    nonce: str


_DECODER: Final = msgspec.msgpack.Decoder(SigninClaims)
_ENCODER: Final = msgspec.msgpack.Encoder()


def signin_token(claims: SigninClaims, secret: Secret) -> str:
    """Spell *claims* with a proof by the *secret* of the session."""
    content = _ENCODER.encode(claims)
    proof = hmac.digest(secret.reveal(), PURPOSE + content, "sha256")
    return base64.urlsafe_b64encode(proof + content).rstrip(b"=").decode()


def unverified_claims(token: str) -> tuple[bytes, SigninClaims] | None:
    """What *token* says, if it is one at all: good for finding the secret that proves it, no more."""
    if not token.isascii() or len(token) > LONGEST:
        return None
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        return raw[:32], _DECODER.decode(raw[32:])
    except (binascii.Error, msgspec.DecodeError, ValueError):
        return None


def proves(proof: bytes, claims: SigninClaims, secret: Secret) -> bool:
    """Whether *proof* was made with *secret*, compared in constant time."""
    return hmac.compare_digest(proof, hmac.digest(secret.reveal(), PURPOSE + _ENCODER.encode(claims), "sha256"))


class GetSigninToken(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The credentials of somebody who was signed in elsewhere, and for how many seconds he may stay."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    session_duration: int | None = None

    def __repr__(self) -> str:
        """Show whose, and neither the secret key nor the token."""
        return f"GetSigninToken({self.access_key_id!r})"


class SigninToken(msgspec.Struct, frozen=True, rename="camel"):
    """The answer."""

    signin_token: str


@action("authority:GetSigninToken", resource=None)
def get_signin_token(_state: State, call: Call[GetSigninToken], facts: Facts) -> Decision:
    """Make a sign-in token of credentials that were obtained for somebody; whoever holds them may."""
    session, shown, seconds = call.caller.session, call.gathered, call.input.session_duration
    if session is None or session.kind is SessionKind.USER:
        return Decision(answer=NOT_FOR_THESE)
    if not isinstance(shown, Shown):
        raise TypeError("credentials must be verified before they are believed")
    if seconds is not None and not 900 <= seconds <= 43_200:
        text = "SessionDuration must be between 900 and 43200 seconds."
        return Decision(answer=Refusal(Reason.VALIDATION_ERROR, text))
    stays = facts.now + timedelta(seconds=DEFAULT_SECONDS if seconds is None else seconds)
    claims = SigninClaims(
        session.access_key_id,
        call.input.session_token,
        int((facts.now + GOOD_FOR).timestamp()),
        int(min(stays, session.expires_at).timestamp()),
        facts.draw(NONCE_BYTES).hex(),
    )
    return Decision(answer=SigninToken(signin_token(claims, shown.secret)))


class SignIn(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A sign-in token, and who sent the browser."""

    signin_token: str
    issuer: str = ""

    def __repr__(self) -> str:
        """Show nothing of it."""
        return "SignIn()"


class SignedIn(msgspec.Struct, frozen=True, rename="camel"):
    """Whoever signed in, and until when."""

    arn: str
    account: str
    until: datetime


@action("authority:SignIn", resource=None)
def sign_in(_state: State, call: Call[SignIn], facts: Facts) -> Decision:
    """Use a sign-in token up; the session must count still."""
    claims = call.gathered
    if not isinstance(claims, SigninClaims):
        raise TypeError("a sign-in token must be verified before it is believed")
    if facts.now.timestamp() >= claims.expires:
        return Decision(answer=TOO_LATE)
    once = f"signin:{claims.nonce}"
    if once in facts.claimed:
        return Decision(answer=USED)
    until = datetime.fromtimestamp(claims.until, UTC)
    answer = SignedIn(call.caller.principal.arn, call.caller.account, until)
    return Decision(answer=answer, once=(once,))


class SignInWithSAML(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A SAML response that a browser brought, and the role that was chosen, if there was a choice."""

    saml_response: str
    role_arn: str = ""

    def __repr__(self) -> str:
        """Show which role, and never the response."""
        return f"SignInWithSAML({self.role_arn!r})"


class Choice(msgspec.Struct, frozen=True, rename="camel"):
    """Roles of which one must be chosen."""

    role_arns: tuple[str, ...]


def browser_identity(state: State, wanted: SignInWithSAML, now: datetime) -> SamlIdentity | Refusal:
    """Whom the response vouches for, by a provider that its own roles name: none is named beside it."""
    try:
        issuers, pairs = _unverified(wanted.saml_response)
    except Rejected as unfit:
        return Refusal(Reason.IDP_REJECTED_CLAIM, f"The SAML assertion cannot be used: {unfit}.")
    except Unfit as unfit:
        return Refusal(Reason.INVALID_IDENTITY_TOKEN, f"The SAML assertion is not valid: {unfit}.")
    named = dict.fromkeys(provider for role, provider in pairs if wanted.role_arn in ("", role))
    found: SamlIdentity | Refusal = saml.NO_PROVIDER
    tried = 0
    for arn in named:
        provider = saml_provider(state, arn)
        # Only a provider that can be the one is worth the work of verifying.
        if provider is None or provider[1].metadata.entity_id not in issuers or tried == MOST_PROVIDERS:
            continue
        tried += 1
        found = judged(state, arn, wanted.saml_response, now)
        if isinstance(found, SamlIdentity):
            return found
    return found


def _unverified(encoded: str) -> tuple[frozenset[str], list[tuple[str, str]]]:
    """The issuers, and the pairs of role and provider, that a response names: whom to ask, no more."""
    root = response_of(encoded)
    # Nobody asks for a response here, so none can be the answer (SAML 2.0 Profiles, section 4.1.5): one that says it is
    # was asked for by somebody else's browser.
    if any("InResponseTo" in element.attrib for element in root.iter(etree.Element)):
        raise Rejected("it answers a request that was not made here")
    values = [
        value.text or ""
        for attribute in root.iter(f"{ASSERTION}Attribute")
        if attribute.get("Name") == f"{OURS}Role"
        for value in attribute.iter(f"{ASSERTION}AttributeValue")
    ]
    issuers = frozenset((issuer.text or "").strip() for issuer in root.iter(f"{ASSERTION}Issuer"))
    return issuers, [saml.pair_of(value) for value in values]


@action("authority:SignInWithSAML", resource=None)
def sign_in_with_saml(state: State, call: Call[SignInWithSAML], facts: Facts) -> Decision:
    """Issue a session of the role and a sign-in token for it; where there are several roles, ask which.

    The session lasts as long as the provider says (`SessionDuration`), an hour if it says nothing.
    """
    identity, chosen = call.gathered, call.input.role_arn
    if not isinstance(identity, SamlIdentity):
        raise TypeError("nobody vouches for whoever asks")
    roles = tuple(dict.fromkeys(role for role, _ in identity.roles))
    if not chosen and len(roles) != 1:
        return Decision(answer=Choice(roles), subject=identity.provider)
    role = chosen or roles[0]
    seconds = saml.DEFAULT_DURATION if identity.seconds is None else identity.seconds
    nonce = facts.draw(NONCE_BYTES).hex()

    def shape(issued: Issued) -> SigninToken:
        credentials: Mapping[str, object] = issued.credentials
        secret, token = credentials["SecretAccessKey"], credentials["SessionToken"]
        if not isinstance(secret, Secret) or not isinstance(token, Secret):
            raise TypeError("credentials are secrets")
        claims = SigninClaims(
            issued.session.access_key_id,
            token.reveal().decode(),  # to the browser it was asked for by, inside a token that is good once
            int((facts.now + SAML_GOOD_FOR).timestamp()),
            int(issued.session.expires_at.timestamp()),
            nonce,
        )
        return SigninToken(signin_token(claims, secret))

    asking = Call(call.caller, AssumeRoleWithSAML(role, identity.provider, ""), call.origin, identity)
    asked = Asked(action=saml.ACTION, role_arn=role, session_name=identity.session_name, seconds=seconds)
    return saml.redeem(state, asking, facts, asked, shape)
