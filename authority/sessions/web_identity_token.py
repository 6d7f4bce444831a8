"""sts:GetWebIdentityToken - a signed token that says to others who the caller is.

Gathered: `Signer`, the key in use for the algorithm that is asked for; None while there is none.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from authority.access.action import Decision, Facts, action
from authority.access.call import Call
from authority.access.context import Context
from authority.access.organized import organized
from authority.access.session_contents import SessionTags, session_tags
from authority.access.weighing import Weighed, refusal_of, weigh
from authority.kernel.ids import random_uuid
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.secret import Secret
from authority.kernel.signing import Sign
from authority.kernel.tags import Tag, as_mapping, merged
from authority.model.signing_keys import ALGORITHMS, SigningKey, SigningKeyId, WebIdentityTokenIssued
from authority.model.state import State
from authority.policy.principal import PrincipalKind

DEFAULT_DURATION: Final = 300
MOST_BYTES: Final = 8_192
"""Bytes of a token's claims: what every reader's limits for headers leave room for."""
NAMESPACE: Final = "https://sts.amazonaws.com/"
"""The claim under which AWS says what no standard has a name for."""
READ_BY_ALL: Final = timedelta(minutes=10)
"""How long a new key is published before it signs, where another one can: readers keep key sets for a while."""
DISABLED: Final = Refusal(
    Reason.OUTBOUND_FEDERATION_DISABLED, "Outbound web identity federation is not enabled for this account."
)
ESCALATION: Final = Refusal(
    Reason.SESSION_DURATION_ESCALATION,
    "The requested token duration would extend the session beyond its original expiration time.",
)
TOO_LARGE: Final = Refusal(
    Reason.JWT_PAYLOAD_SIZE_EXCEEDED,
    "The requested token payload size exceeds the maximum allowed size. Reduce the number of request tags or their "
    "values.",
)
NO_KEY: Final = Refusal(Reason.SERVICE_UNAVAILABLE, "The keys that sign tokens are being made; try again.")


def issuing(state: State) -> bool:
    """Whether anybody issues tokens, an account or an identity pool: then there are keys, or will be in a moment."""
    return len(state.identities.pools) > 0 or any(
        account.outbound_identity is not None and account.outbound_identity.enabled
        for account in state.accounts.values()
    )


def in_use(state: State, algorithm: str, now: datetime) -> SigningKey | None:
    """The newest key that everybody has had the time to read; the oldest where there is none; None where no key is."""
    keys = state.signing_keys_for(algorithm)
    known = [key for key in keys if now - key.created_at >= READ_BY_ALL]
    return next(iter([*reversed(known), *keys]), None)


@dataclass(frozen=True, slots=True)
class Signer:
    """A key that signs tokens, by the id under which its public half is published."""

    key_id: SigningKeyId
    algorithm: str
    sign: Sign


class GetWebIdentityToken(msgspec.Struct, frozen=True, rename="pascal"):
    """For whom the token is, how it is signed, and what more it says."""

    audience: tuple[str, ...]
    signing_algorithm: str
    duration_seconds: int = DEFAULT_DURATION
    tags: tuple[Tag, ...] = ()


class WebIdentityToken(msgspec.Struct, frozen=True, rename="pascal"):
    """The answer."""

    web_identity_token: Secret
    expiration: datetime


@action("sts:GetWebIdentityToken", resource=None)
def get_web_identity_token(state: State, call: Call[GetWebIdentityToken], facts: Facts) -> Decision:
    """Issue a token for the caller (STS API, GetWebIdentityToken).

    1. what it is to say can be read, and the caller may have it; tags need a permission of their own;
    2. the account lets its principals have such tokens;
    3. it lives no longer than the session that asks for it;
    4. there is a key, and the claims are no larger than others read.
    """
    weighed: list[Weighed] = []
    issued = _issued(state, call, facts, weighed)
    if isinstance(issued, Refusal):
        return Decision(answer=issued, weighed=tuple(weighed), subject=subject_of(call))
    fact, signer, claims = issued

    def signed(_state: State) -> WebIdentityToken:
        return WebIdentityToken(token(signer, claims), fact.expires_at)

    # Signed after the entry is durable: there is no token that the log does not know.
    return Decision(facts=(fact,), then=signed, weighed=tuple(weighed), subject=fact.subject)


def subject_of(call: Call[Any]) -> str:
    """Whom the token is about: the user, root, or the role behind a session."""
    principal = call.caller.principal
    return principal.issuer if principal.kind is PrincipalKind.ASSUMED_ROLE else principal.arn


def _issued(
    state: State, call: Call[GetWebIdentityToken], facts: Facts, weighed: list[Weighed]
) -> tuple[WebIdentityTokenIssued, Signer, bytes] | Refusal:
    """The fact, what signs it, and the claims; what was *weighed* on the way is added there."""
    wanted, caller = call.input, call.caller
    if wanted.signing_algorithm not in ALGORITHMS:
        return _no_algorithm(wanted.signing_algorithm)
    tags = session_tags(wanted.tags)
    if isinstance(tags, Refusal):
        return tags
    conditions: Context = {
        "sts:identitytokenaudience": wanted.audience,
        "sts:signingalgorithm": wanted.signing_algorithm,
        "sts:durationseconds": str(wanted.duration_seconds),
        **tags.conditions(),
    }
    for name in ("sts:GetWebIdentityToken", *(["sts:TagGetWebIdentityToken"] if tags.all else [])):
        weighed.append(weigh(state, call, facts.now, name, "*", conditions=conditions))
        if not weighed[-1].verdict.allowed:
            return refusal_of(weighed[-1])
    identity = state.accounts[caller.account].outbound_identity
    if identity is None or not identity.enabled:
        return DISABLED
    expires_at = facts.now + timedelta(seconds=wanted.duration_seconds)
    if caller.session is not None and expires_at > caller.session.expires_at:
        return ESCALATION
    signer = call.gathered
    if not isinstance(signer, Signer) or signer.key_id not in state.signing_keys:
        return NO_KEY
    if signer.algorithm != wanted.signing_algorithm:
        raise TypeError("what was gathered is another algorithm's")
    fact = WebIdentityTokenIssued(
        account=caller.account,
        token_id=random_uuid(facts.draw(16)),
        issuer=identity.issuer,
        subject=subject_of(call),
        audience=wanted.audience,
        issued_at=facts.now,
        expires_at=expires_at,
        caller_access_key_id=caller.access_key_id,
        key_id=signer.key_id,
        algorithm=signer.algorithm,
    )
    claims = msgspec.json.encode(_claims(state, call, fact, tags))
    return TOO_LARGE if len(claims) > MOST_BYTES else (fact, signer, claims)


def _no_algorithm(asked: str) -> Refusal:
    """In the words for a value that is not one of its kind; the model does not say which there are."""
    demand = f"Member must satisfy enum value set: [{', '.join(ALGORITHMS)}]"
    return Refusal(
        Reason.VALIDATION_ERROR,
        f"1 validation error detected: Value '{asked}' at 'signingAlgorithm' failed to satisfy constraint: {demand}",
    )


def _claims(state: State, call: Call[Any], fact: WebIdentityTokenIssued, tags: SessionTags) -> Mapping[str, object]:
    caller, session = call.caller, call.caller.session
    belongs = organized(state, caller.principal, caller.account)
    about: dict[str, object] = {
        "aws_account": caller.account,
        "org_id": belongs["aws:principalorgid"],
        "ou_path": belongs["aws:principalorgpaths"],
        "source_region": call.origin.region,
        "principal_id": fact.subject,
    }
    worn = merged(
        () if caller.holder is None else caller.holder.tags, () if session is None else session.tags, ignore_case=True
    )
    if worn:
        about["principal_tags"] = as_mapping(worn)
    if tags.all:
        about["request_tags"] = as_mapping(tags.all)
    if session is not None:
        about["original_session_exp"] = session.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        said = {"source_identity": session.source_identity, "federated_provider": session.provider}
        about |= {name: text for name, text in said.items() if text}
    return {
        "iss": fact.issuer,
        "aud": fact.audience[0] if len(fact.audience) == 1 else fact.audience,
        "sub": fact.subject,
        "iat": int(fact.issued_at.timestamp()),
        "exp": int(fact.expires_at.timestamp()),
        "jti": fact.token_id,
        NAMESPACE: about,
    }


def token(signer: Signer, claims: bytes) -> Secret:
    """*claims* as a signed token in its compact form (RFC 7515, section 7.1)."""
    header = msgspec.json.encode({"alg": signer.algorithm, "kid": signer.key_id, "typ": "JWT"})
    message = base64url(header) + b"." + base64url(claims)
    return Secret(message + b"." + base64url(signer.sign(message)))


def base64url(raw: bytes) -> bytes:
    """*raw* in base 64 for URLs, without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=")
