"""sts:AssumeRoleWithWebIdentity - trade a token of an OpenID Connect provider for a role, for a while."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from authority.access.action import Decision, Facts, action
from authority.access.call import Call
from authority.access.issuing import AssumedRoleUser, assumed_role_user
from authority.access.session_contents import PolicyDescriptor
from authority.access.vouched import Vouched
from authority.federation import claims as claims_of
from authority.federation import own_tokens, tokens
from authority.federation.assuming import Asked, Issued, issue, trusting_account
from authority.federation.keysets import Issuer, KeySet
from authority.federation.providers import OIDC
from authority.kernel.arn import Arn, parse
from authority.kernel.ids import AccountId
from authority.kernel.refusal import Refusal
from authority.model.providers import OidcProvider
from authority.model.state import State
from authority.policy.principal import PrincipalKind

ACTION: Final = "sts:AssumeRoleWithWebIdentity"
DEFAULT_DURATION: Final = 3_600
SCHEME: Final = "https://"
KNOWN: Final[Mapping[str, str]] = {
    "https://accounts.google.com": "accounts.google.com",
    "accounts.google.com": "accounts.google.com",
    "https://cognito-identity.amazonaws.com": "cognito-identity.amazonaws.com",
}
"""Issuers that everybody knows, by what their tokens call them, and the names by which trust policies know them."""
REPLAYED: Final = tokens.invalid("The token was used already.")
GONE: Final = tokens.invalid("The provider that vouched for the token is not trusted any more.")


class AssumeRoleWithWebIdentity(msgspec.Struct, frozen=True, rename="pascal"):
    """The role that is wanted, and the token that says who wants it."""

    role_arn: str
    role_session_name: str
    web_identity_token: str
    provider_id: str | None = None
    policy: str | None = None
    policy_arns: tuple[PolicyDescriptor, ...] | None = None
    duration_seconds: int = DEFAULT_DURATION
    minimum_session_token_size: int = 0

    def __repr__(self) -> str:
        """Show which role, and never the token."""
        return f"AssumeRoleWithWebIdentity({self.role_arn!r})"


class WebIdentityRole(msgspec.Struct, frozen=True, rename="pascal"):
    """The answer: temporary credentials, whose they are, and what the token said."""

    credentials: Mapping[str, object]
    assumed_role_user: AssumedRoleUser
    subject_from_web_identity_token: str
    provider: str
    audience: str
    session_token_size: int
    session_token_utilization: int
    packed_policy_size: int | None = None
    source_identity: str | None = None


class WebIdentity(Vouched, frozen=True, kw_only=True):
    """Whoever a provider's token speaks of; `issuer` and `audience` as the token says them."""

    issuer: str
    audience: str
    said: Mapping[str, Any] = {}
    """All claims, where it was a token that has some."""


class Sought(msgspec.Struct, frozen=True):
    """A token that was taken apart, and the provider whose keys it must be held against.

    `clients` are those registered with the provider, None for one that everybody knows.
    """

    unverified: tokens.Unverified
    issuer: Issuer
    account: AccountId
    name: str
    """The provider as trust policies name it."""
    prefix: str
    """What condition keys begin with."""
    provider_id: str = ""
    clients: tuple[str, ...] | None = None
    keys: KeySet | None = None
    """The keys, where they are our own and nobody needs to be asked."""


def registered(
    unverified: tokens.Unverified, account: AccountId, provider: OidcProvider, partition: str
) -> Sought | None:
    """What a token must be held against that is to be one of a provider of an *account*; None for another's."""
    if unverified.unverified_issuer != SCHEME + provider.url:
        return None
    return Sought(
        unverified,
        Issuer(provider.url, tuple(sorted(one.lower() for one in provider.thumbprints))),
        account,
        str(Arn(partition, "iam", "", account, f"{OIDC}/{provider.url}")),
        provider.url,
        provider.id,
        provider.client_ids,
    )


def sought(state: State, wanted: AssumeRoleWithWebIdentity) -> Sought | Refusal:
    """Whose keys the token of a request must be held against, or why there are none.

    Issuers that everybody knows are the same for every account, and for one that is not there: nobody learns which are.
    """
    account = trusting_account(state, wanted.role_arn)
    if isinstance(account, Refusal):
        return account
    unverified = tokens.taken_apart(wanted.web_identity_token)
    if isinstance(unverified, Refusal):
        return unverified
    url = unverified.unverified_issuer.removeprefix(SCHEME)
    nobody = tokens.invalid(f"No OpenIDConnect provider found in your account for {unverified.unverified_issuer}")
    whose = AccountId("") if account is None else account.id
    provider = None if account is None else account.oidc_provider_at(url)
    own = None if provider is None else registered(unverified, whose, provider, _partition(wanted.role_arn))
    if own is not None:
        return own
    name, pool = own_tokens.ISSUER, unverified.unverified_audience
    if unverified.unverified_issuer == SCHEME + name and pool in state.identities.pools:
        # INVARIANT: whoever names a pool of ours is held against our own keys, and never against somebody else's.
        return Sought(unverified, Issuer(name), whose, name, name, pool, clients=(pool,), keys=own_tokens.keys(state))
    known = KNOWN.get(unverified.unverified_issuer)
    if known is None:
        return nobody
    return Sought(unverified, Issuer(known), whose, known, known)


def judged(seeking: Sought, keys: KeySet, now: datetime) -> WebIdentity | Refusal | None:
    """Whom the token vouches for; None when *keys* do not hold the one it names."""
    claims = tokens.verified(seeking.unverified, keys, clients=seeking.clients, now=now)
    if not isinstance(claims, tokens.Claims):
        return claims
    carried = claims_of.carried(claims.said)
    if isinstance(carried, Refusal):
        return carried
    conditions = claims_of.conditions(seeking.prefix, claims)
    return WebIdentity(
        kind=PrincipalKind.WEB_IDENTITY,
        account=seeking.account,
        provider=seeking.name,
        provider_id=seeking.provider_id,
        principal_id=f"{seeking.name}:{claims.audience}:{claims.subject}",
        subject=claims.subject,
        conditions=conditions,
        lasting=claims_of.lasting(seeking.prefix, conditions),
        evidence=claims.digest,
        tags=carried.tags,
        transitive_keys=carried.transitive_keys,
        source_identity=carried.source_identity,
        issuer=claims.issuer,
        audience=claims.audience,
        said=claims.said,
    )


@action(ACTION, resource=None)
def assume_role_with_web_identity(state: State, call: Call[AssumeRoleWithWebIdentity], facts: Facts) -> Decision:
    """Issue a session of the role to whom the token speaks of (STS API, AssumeRoleWithWebIdentity).

    1. the provider that vouched is still there, and the client still counts;
    2. the token was not traded before, where the operator lets each count once;
    3. and on as `assuming.issue` says.
    """
    wanted, identity = call.input, call.gathered
    if not isinstance(identity, WebIdentity):
        raise TypeError("nobody vouches for whoever asks")
    if not trusted(state, identity):
        return Decision(answer=GONE, subject=wanted.role_arn)
    once = claims(state, identity)
    if not facts.claimed.isdisjoint(once):
        return Decision(answer=REPLAYED, subject=wanted.role_arn)

    def shape(issued: Issued) -> WebIdentityRole:
        return WebIdentityRole(
            issued.credentials,
            assumed_role_user(issued.session, _partition(wanted.role_arn)),
            identity.subject,
            identity.issuer,
            identity.audience,
            issued.token.session_token_size,
            issued.token.session_token_utilization,
            issued.packed_size,
            identity.source_identity or None,
        )

    asked = Asked(
        action=ACTION,
        role_arn=wanted.role_arn,
        session_name=wanted.role_session_name,
        seconds=wanted.duration_seconds,
        policy=wanted.policy,
        policy_arns=wanted.policy_arns,
        minimum_token=wanted.minimum_session_token_size,
        once=once,
    )
    return issue(state, call, facts, identity, asked=asked, shape=shape)


def claims(state: State, identity: WebIdentity) -> tuple[str, ...]:
    """What trading a token claims for ever: nothing, since SDKs bring it again until it expires, or the token (J18).

    INVARIANT: by the provider's name, which stays when the account deletes it and makes it anew.
    """
    if state.settings is None or not state.settings.web_identity_tokens_count_once:
        return ()
    return (f"web-identity:{identity.provider}:{identity.evidence}",)


def trusted(state: State, identity: WebIdentity) -> bool:
    """Whether the provider is trusted at this point of the log, for this client."""
    if not identity.provider_id:
        return True
    if identity.provider == own_tokens.ISSUER:
        return own_tokens.stands(state, identity.provider_id, identity.subject, identity.conditions)
    account = state.accounts.get(identity.account)
    if account is None or account.closed_at is not None:
        return False
    provider = account.oidc_providers.get(identity.provider_id)
    return provider is not None and tokens.audience_of(identity.said, provider.client_ids) is not None


def _partition(role_arn: str) -> str:
    arn = parse(role_arn)
    return "" if arn is None else arn.partition
