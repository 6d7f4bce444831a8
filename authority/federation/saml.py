"""sts:AssumeRoleWithSAML - trade an assertion of a SAML identity provider for a role, for a while."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

import msgspec

from authority.access.action import Decision, Facts, action
from authority.access.call import Call
from authority.access.issuing import AssumedRoleUser, assumed_role_user
from authority.access.session_contents import PolicyDescriptor
from authority.access.vouched import Vouched
from authority.federation.assertions import OURS, Assertion, Expired, Rejected, read_assertion
from authority.federation.assuming import Asked, Issued, issue, trusting_account
from authority.federation.providers import saml_provider
from authority.federation.signed_xml import Unfit, signed_assertion
from authority.kernel.arn import parse
from authority.kernel.ids import AccountId
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.tags import Tag
from authority.model.authority import LOCALLY
from authority.model.providers import SamlMetadata, SamlProvider
from authority.model.state import State
from authority.policy.principal import PrincipalKind

ACTION: Final = "sts:AssumeRoleWithSAML"
DEFAULT_DURATION: Final = 3_600
AWS_AUDIENCES: Final = frozenset({"urn:amazon:webservices", "https://signin.aws.amazon.com/saml"})
"""What the ready-made connectors of identity providers put there, and will not have changed."""
KEYS: Final[Mapping[str, str]] = {
    **{f"urn:oid:1.3.6.1.4.1.5923.1.1.1.{number}": f"saml:eduperson{name}" for number, name in (
        (1, "affiliation"), (2, "nickname"), (3, "orgdn"), (4, "orgunitdn"), (5, "primaryaffiliation"),
        (6, "principalname"), (7, "entitlement"), (8, "primaryorgunitdn"), (9, "scopedaffiliation"),
        (10, "targetedid"), (11, "assurance"),
    )},
    **{f"urn:oid:1.3.6.1.4.1.5923.1.2.1.{number}": f"saml:eduorg{name}" for number, name in (
        (2, "homepageuri"), (3, "identityauthnpolicyuri"), (4, "legalname"), (5, "superioruri"), (6, "whitepagesuri"),
    )},
    "urn:oid:2.5.4.3": "saml:cn",
    "urn:oid:2.5.4.4": "saml:surname",
    "urn:oid:2.5.4.42": "saml:givenname",
    "urn:oid:2.5.4.45": "saml:x500uniqueidentifier",
    "urn:oid:0.9.2342.19200300.100.1.1": "saml:uid",
    "urn:oid:0.9.2342.19200300.100.1.3": "saml:mail",
    "urn:oid:0.9.2342.19200300.100.1.45": "saml:organizationstatus",
    "http://schemas.xmlsoap.org/claims/CommonName": "saml:commonname",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name": "saml:name",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/primarygroupsid": "saml:primarygroupsid",
}  # fmt: skip
"""Condition keys by the names of attributes, all of them multivalued (IAM User Guide, keys for SAML federation)."""

_SESSION_NAME: Final = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_SECONDS: Final = re.compile(r"[0-9]{1,6}", re.ASCII)
_TAG_KEY: Final = re.compile(r"[\w .:/=+\-@]{1,128}")
_TAG_VALUE: Final = re.compile(r"[\w .:/=+\-@]{0,256}")


def _invalid(why: str) -> Refusal:
    return Refusal(Reason.INVALID_IDENTITY_TOKEN, why)


NO_PROVIDER: Final = _invalid("Specified provider doesn't exist")
GONE: Final = _invalid("The provider that vouched for the assertion is not trusted any more.")
REPLAYED: Final = _invalid("The assertion was used already.")
NOT_ITS_ROLE: Final = Refusal(Reason.ACCESS_DENIED, f"Not authorized to perform {ACTION}")


class AssumeRoleWithSAML(msgspec.Struct, frozen=True, rename="pascal"):
    """The role that is wanted, and the assertion that says who wants it."""

    role_arn: str
    principal_arn: str
    saml_assertion: str = msgspec.field(name="SAMLAssertion")
    policy: str | None = None
    policy_arns: tuple[PolicyDescriptor, ...] | None = None
    duration_seconds: int = DEFAULT_DURATION
    minimum_session_token_size: int = 0

    def __repr__(self) -> str:
        """Show which role, and never the assertion."""
        return f"AssumeRoleWithSAML({self.role_arn!r})"


class SamlRole(msgspec.Struct, frozen=True, rename="pascal"):
    """The answer: temporary credentials, whose they are, and what the assertion said."""

    credentials: Mapping[str, object]
    assumed_role_user: AssumedRoleUser
    subject: str
    subject_type: str
    issuer: str
    audience: str
    name_qualifier: str
    session_token_size: int
    session_token_utilization: int
    packed_policy_size: int | None = None
    source_identity: str | None = None


class SamlIdentity(Vouched, frozen=True, kw_only=True):
    """Whoever an assertion speaks of, and what its provider says of his roles.

    `roles` are pairs of a role's ARN and a provider's; `seconds` is how long a session in a browser shall last, None
    where the provider does not say.  `metadata` is what the assertion was held against.
    """

    assertion: Assertion
    metadata: SamlMetadata
    name_qualifier: str
    roles: tuple[tuple[str, str], ...]
    session_name: str
    seconds: int | None = None


def recipients_of(state: State) -> frozenset[str]:
    """Where an assertion may have been sent to, to count here: our own sign-in, or AWS's, which connectors know."""
    settings = state.settings
    base = LOCALLY if settings is None else settings.public_url
    regions = () if settings is None else settings.regions
    return frozenset(
        {
            f"{base}/saml",
            "https://signin.aws.amazon.com/saml",
            *(f"https://{region}.signin.aws.amazon.com/saml" for region in regions),
        }
    )


def judged(state: State, provider_arn: str, encoded: str, now: datetime) -> SamlIdentity | Refusal:
    """Whom the assertion in *encoded* vouches for, by the provider that an ARN names."""
    found = saml_provider(state, provider_arn)
    if found is None or found[0].closed_at is not None:
        return NO_PROVIDER
    account, provider = found
    metadata = provider.metadata
    if metadata.valid_until is not None and now >= metadata.valid_until:
        return _invalid("The metadata of the provider is no longer valid.")
    recipients = recipients_of(state)
    try:
        assertion = read_assertion(
            signed_assertion(encoded, metadata.certificates, recipients),
            issuer=metadata.entity_id,
            recipients=recipients,
            audiences=AWS_AUDIENCES | recipients,
            now=now,
        )
        return _identity(account.id, provider_arn, provider, assertion)
    except Expired as unfit:
        return Refusal(Reason.EXPIRED_IDENTITY_TOKEN, f"The SAML assertion has expired: {unfit}.")
    except Rejected as unfit:
        return Refusal(Reason.IDP_REJECTED_CLAIM, f"The SAML assertion cannot be used: {unfit}.")
    except Unfit as unfit:
        return _invalid(f"The SAML assertion is not valid: {unfit}.")


def _identity(account: AccountId, provider_arn: str, provider: SamlProvider, assertion: Assertion) -> SamlIdentity:
    """What an assertion says, in our own terms; raises `Rejected` for what the provider should say otherwise."""
    attributes = assertion.attributes
    qualified = f"{assertion.issuer}{account}/{provider.name}".encode()
    # A name, not a secret: AWS makes it so (IAM User Guide, saml:namequalifier).
    qualifier = base64.b64encode(hashlib.sha1(qualified, usedforsecurity=False).digest()).decode()
    (session_name,) = _values(attributes, "RoleSessionName", most=1, least=1)
    if _SESSION_NAME.fullmatch(session_name) is None:
        raise Rejected("RoleSessionName is malformed")
    identity = _values(attributes, "SourceIdentity", most=1)
    if identity and _SESSION_NAME.fullmatch(identity[0]) is None:
        raise Rejected("SourceIdentity is malformed")
    seconds = _values(attributes, "SessionDuration", most=1)
    if seconds and (_SECONDS.fullmatch(seconds[0]) is None or not 900 <= int(seconds[0]) <= 43_200):
        raise Rejected("SessionDuration is not between 900 and 43200 seconds")
    lasting: dict[str, str | tuple[str, ...]] = {
        "saml:namequalifier": qualifier,
        "saml:sub": assertion.subject,
        "saml:sub_type": assertion.subject_type,
    }
    conditions = {
        **lasting,
        "saml:aud": assertion.recipient,
        "saml:iss": assertion.issuer,
        "saml:doc": f"{account}/{provider.name}",
        **{key: attributes[name] for name, key in KEYS.items() if attributes.get(name)},
    }
    return SamlIdentity(
        kind=PrincipalKind.SAML,
        account=account,
        provider=provider_arn,
        provider_id=provider.id,
        principal_id=f"{qualifier}:{assertion.subject}",
        subject=assertion.subject,
        conditions=conditions,
        lasting=lasting,
        evidence=assertion.id,
        tags=tuple(_tags(attributes)),
        transitive_keys=_values(attributes, "TransitiveTagKeys"),
        source_identity=identity[0] if identity else "",
        assertion=assertion,
        metadata=provider.metadata,
        name_qualifier=qualifier,
        roles=tuple(pair_of(value) for value in _values(attributes, "Role")),
        session_name=session_name,
        seconds=int(seconds[0]) if seconds else None,
    )


def _values(
    attributes: Mapping[str, tuple[str, ...]], name: str, *, most: int = 200, least: int = 0
) -> tuple[str, ...]:
    found = attributes.get(OURS + name, ())
    if not least <= len(found) <= most or not all(found):
        raise Rejected(f"the attribute {name} must have a value, and one only")
    return found


def pair_of(value: str) -> tuple[str, str]:
    """A role and a provider, whichever comes first (IAM User Guide, SAML Role attribute)."""
    first, comma, second = (part.strip() for part in value.partition(","))
    for role, provider in ((first, second), (second, first)):
        arn, by = parse(role), parse(provider)
        if comma and arn is not None and by is not None and (arn.kind, by.kind) == ("role", "saml-provider"):
            return role, provider
    raise Rejected("a Role is not the ARN of a role and that of a provider")


def _tags(attributes: Mapping[str, tuple[str, ...]]) -> list[Tag]:
    tags: list[Tag] = []
    for name, values in attributes.items():
        if not name.startswith(f"{OURS}PrincipalTag:"):
            continue
        key = name.removeprefix(f"{OURS}PrincipalTag:")
        if len(values) != 1 or _TAG_KEY.fullmatch(key) is None or _TAG_VALUE.fullmatch(values[0]) is None:
            raise Rejected(f"the attribute PrincipalTag:{key} is not one tag")
        tags.append(Tag(key, values[0]))
    return tags


def claims(state: State, identity: SamlIdentity, role_arn: str) -> tuple[str, ...]:
    """What redeeming an assertion for a role claims for ever: once for each role, or once at all.

    INVARIANT: by whom it is of, which stays when the account deletes its provider and makes it anew.
    """
    settings = state.settings
    once = identity.assertion.once or (settings is not None and settings.assertions_count_once)
    redeemed = f"saml:{identity.account}:{identity.assertion.issuer}:{identity.assertion.id}"
    return (redeemed if once else f"{redeemed}:{role_arn}",)


@action(ACTION, resource=None)
def assume_role_with_saml(state: State, call: Call[AssumeRoleWithSAML], facts: Facts) -> Decision:
    """Issue a session of the role to whom the assertion speaks of (STS API, AssumeRoleWithSAML).

    1. the provider is still there, with the same metadata, and the assertion was not redeemed like this before;
    2. the provider says that he may have this role through it;
    3. the session ends when the provider's does;
    4. and on as `assuming.issue` says.
    """
    wanted, identity = call.input, call.gathered
    if not isinstance(identity, SamlIdentity):
        raise TypeError("nobody vouches for whoever asks")
    return redeem(
        state,
        call,
        facts,
        Asked(
            action=ACTION,
            role_arn=wanted.role_arn,
            session_name=identity.session_name,
            seconds=wanted.duration_seconds,
            policy=wanted.policy,
            policy_arns=wanted.policy_arns,
            minimum_token=wanted.minimum_session_token_size,
        ),
    )


def redeem(
    state: State,
    call: Call[AssumeRoleWithSAML],
    facts: Facts,
    asked: Asked,
    shape: Callable[[Issued], object] | None = None,
) -> Decision:
    """Redeem the assertion that was gathered, as *asked*; answer as STS does, or in another *shape*."""
    identity = call.gathered
    if not isinstance(identity, SamlIdentity):
        raise TypeError("nobody vouches for whoever asks")
    once = claims(state, identity, asked.role_arn)
    refusal = _refused(state, identity, asked.role_arn)
    if refusal is None and not facts.claimed.isdisjoint(once):
        refusal = REPLAYED
    if refusal is not None:
        return Decision(answer=refusal, subject=asked.role_arn)
    seconds, ends = asked.seconds, identity.assertion.session_ends
    if ends is not None:
        seconds = min(seconds, int((ends - facts.now).total_seconds()))
    if seconds <= 0:
        return Decision(
            answer=Refusal(Reason.EXPIRED_IDENTITY_TOKEN, "The session of the provider is over."),
            subject=asked.role_arn,
        )
    role = parse(asked.role_arn)
    partition = call.partition if role is None else role.partition

    def answer(issued: Issued) -> SamlRole:
        return SamlRole(
            issued.credentials,
            assumed_role_user(issued.session, partition),
            identity.subject,
            identity.assertion.subject_type,
            identity.assertion.issuer,
            identity.assertion.recipient,
            identity.name_qualifier,
            issued.token.session_token_size,
            issued.token.session_token_utilization,
            issued.packed_size,
            identity.source_identity or None,
        )

    lasting = msgspec.structs.replace(asked, seconds=seconds, once=once)
    return issue(state, call, facts, identity, asked=lasting, shape=shape or answer)


def trusted(state: State, identity: SamlIdentity) -> bool:
    """Whether the provider is trusted at this point of the log, with the same metadata."""
    known = state.accounts.get(identity.account)
    provider = None if known is None or known.closed_at is not None else known.saml_providers.get(identity.provider_id)
    return provider is not None and provider.metadata == identity.metadata


def _refused(state: State, identity: SamlIdentity, role_arn: str) -> Refusal | None:
    account = trusting_account(state, role_arn)
    if isinstance(account, Refusal):
        return account
    if not trusted(state, identity):
        return GONE
    # A provider speaks for roles of its own account only, and the pair must be the one that is asked for.
    if account is None or account.id != identity.account or (role_arn, identity.provider) not in identity.roles:
        return NOT_ITS_ROLE
    return None
