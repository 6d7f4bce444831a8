"""The condition context: what a policy may ask about a request (IAM User Guide, global condition context keys).

It is made of authenticated facts only.  Nothing that a client names like a context key gets in.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import UTC, datetime
from ipaddress import IPv6Address, ip_address
from typing import Final, TypeAlias

from authority.access.call import Origin
from authority.access.caller import Caller
from authority.kernel.letters import folded
from authority.policy.principal import PrincipalKind

Context: TypeAlias = Mapping[str, str | tuple[str, ...]]
"""Keys in lower case; a tuple is a multivalued key."""

TYPES: Final = {
    PrincipalKind.ROOT: "Account",
    PrincipalKind.USER: "User",
    PrincipalKind.ASSUMED_ROLE: "AssumedRole",
    PrincipalKind.FEDERATED_USER: "FederatedUser",
}


@functools.lru_cache(maxsize=8_192)
def unmapped(address: str) -> str:
    """*address* with an IPv4 address that came in IPv6 clothes undressed, so that its ranges apply to it.

    Without its zone, which says by which of a machine's interfaces it came, and which no range has.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or IPv6Address(int(parsed)))
    return str(parsed)


def is_address(text: str) -> bool:
    """Whether *text* is an address of the internet, old or new."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def seen(origin: Origin) -> dict[str, str | tuple[str, ...]]:
    """What we saw of a request to ourselves."""
    return {
        "aws:sourceip": origin.source_address,
        "aws:securetransport": "true" if origin.secure else "false",
        "aws:useragent": origin.user_agent,
    }


def lasting(caller: Caller) -> Context:
    """What is known of every request of *caller*, whoever it was sent to and whenever: who signed it.

    Who did not sign is anonymous, whatever a provider says of him: that stands in keys of the provider's own.
    """
    principal = caller.principal
    session = caller.session
    if principal.kind not in TYPES:
        return {"aws:principaltype": "Anonymous"}
    context: dict[str, str | tuple[str, ...]] = {
        "aws:principalarn": principal.issuer if principal.kind is PrincipalKind.ASSUMED_ROLE else principal.arn,
        "aws:principalaccount": principal.account,
        "aws:principaltype": TYPES[principal.kind],
    }
    if caller.holder is not None:
        for tag in caller.holder.tags:
            context[f"aws:principaltag/{folded(tag.key)}"] = tag.value
    context["aws:userid"] = user_id(caller)
    if principal.kind is PrincipalKind.USER and caller.holder is not None:
        context["aws:username"] = caller.holder.name
    if session is None:
        return context
    context["aws:tokenissuetime"] = session.issued_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    context["aws:multifactorauthpresent"] = "true" if session.mfa_at is not None else "false"
    if session.source_identity:
        context["aws:sourceidentity"] = session.source_identity
    for tag in session.tags:
        context[f"aws:principaltag/{folded(tag.key)}"] = tag.value
    if session.provider:
        context["aws:federatedprovider"] = session.provider
        context.update(session.vouched)
    return context


def passing(caller: Caller, region: str, now: datetime) -> Context:
    """What is known of one request beside `lasting`, whoever it was sent to: its region, and the time."""
    context = _shared(int(now.timestamp()), region)
    if caller.session is None or caller.session.mfa_at is None:
        return context
    return {**context, "aws:multifactorauthage": str(int((now - caller.session.mfa_at).total_seconds()))}


@functools.lru_cache(maxsize=64)
def _shared(seconds: int, region: str) -> Context:
    """The keys of the time and the region, which many requests of one second share."""
    at = datetime.fromtimestamp(seconds, UTC)
    return {
        "aws:currenttime": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:epochtime": str(seconds),
        "aws:requestedregion": region,
    }


def user_id(caller: Caller) -> str:
    """What AWS calls a caller's user id (IAM User Guide, aws:userid): AIDA..., AROA...:session, account:name."""
    principal, session = caller.principal, caller.session
    match principal.kind:
        case PrincipalKind.ASSUMED_ROLE if session is not None:
            return f"{principal.unique_id}:{session.session_name}"
        case PrincipalKind.FEDERATED_USER if session is not None:
            return f"{principal.account}:{session.session_name}"
        case _:
            return principal.unique_id
