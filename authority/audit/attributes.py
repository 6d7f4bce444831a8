"""How AWS's trail names an event: its source, its name, whether it only read, who asked, and what it was about.

These are what `cloudtrail:LookupEvents` finds by (CloudTrail API, LookupAttribute), so that an index may hold them
(`audit.terms`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from authority.model.event import CallerRecord, Event, RequestRecord
from authority.model.principals import AccessKeyCreated
from authority.model.sessions import SessionIssued, SessionKind

OWN: Final = "authority"
"""Our own service, which is none of AWS's: its events come from a source of this name."""
ROOT: Final = "root"
KEY_TYPE: Final = "AWS::IAM::AccessKey"
ASSUMED_ROLE_TYPE: Final = "AWS::STS::AssumedRole"

_SIGN_IN: Final[Mapping[str, tuple[str, str]]] = {
    "authority:SignIn": ("signin.amazonaws.com", "ConsoleLogin"),
    "authority:SignInWithSAML": ("signin.amazonaws.com", "ConsoleLogin"),
    "authority:GetSigninToken": ("signin.amazonaws.com", "GetSigninToken"),
}
"""Actions of ours that AWS's trail knows under other names (CloudTrail User Guide, sign-in events)."""
_READING: Final = ("Get", "List", "Describe", "Simulate", "Lookup", "Decode", "Generate", "Evaluate", "BatchEvaluate")
_READING_TOO: Final = frozenset(
    {"AssessBlastRadius", "AssessExposure", "CompareStates", "IdentifyCredential", "WhatIf"}
)
_KINDS: Final[Mapping[str, str]] = {
    "RoleName": "AWS::IAM::Role",
    "RoleArn": "AWS::IAM::Role",
    "UserName": "AWS::IAM::User",
    "GroupName": "AWS::IAM::Group",
    "PolicyArn": "AWS::IAM::Policy",
    "PolicyName": "AWS::IAM::Policy",
    "InstanceProfileName": "AWS::IAM::InstanceProfile",
    "AccessKeyId": KEY_TYPE,
    "SAMLProviderArn": "AWS::IAM::SAMLProvider",
    "OpenIDConnectProviderArn": "AWS::IAM::OIDCProvider",
    "SerialNumber": "AWS::IAM::VirtualMFADevice",
    "IdentityPoolId": "AWS::Cognito::IdentityPool",
    "AccountId": "AWS::Organizations::Account",
}
"""What a parameter names (CloudFormation User Guide, resource types)."""


class Resource(msgspec.Struct, frozen=True, order=True, gc=False):
    """Something that an event was about."""

    type: str
    name: str


def named(type_: str) -> tuple[str, str]:
    """The source and the name of events of a type: `("iam.amazonaws.com", "CreateRole")`."""
    known = _SIGN_IN.get(type_)
    if known is not None:
        return known
    service, _, name = type_.partition(":")
    return (OWN if service == OWN else f"{service}.amazonaws.com"), name


def read_only(type_: str) -> bool:
    """Whether events of a type change nothing; CloudTrail counts all of STS among them."""
    service, _, name = type_.partition(":")
    return service == "sts" or name.startswith(_READING) or name in _READING_TOO


def user_name(caller: CallerRecord | None) -> str:
    """The name by which a trail lists whoever asked; empty for strangers, other accounts and the authority itself."""
    if caller is None:
        return ""
    if caller.session is not None and caller.session.kind is not SessionKind.USER:
        return caller.session.name
    match caller.kind:
        case "root":
            return ROOT
        case "user":
            return caller.arn.rpartition("/")[2]
        case "saml" | "web-identity":
            return caller.principal_id.rpartition(":")[2]
        case _:
            return ""


def resources_of(event: Event) -> tuple[Resource, ...]:
    """What *event* was about, as far as its parameters and facts name it."""
    found = dict.fromkeys(asked_for(event.request))
    for fact in event.facts:
        match fact:
            case SessionIssued():
                found[Resource(KEY_TYPE, fact.access_key_id)] = None
                if name := assumed_role(fact):
                    found[Resource(ASSUMED_ROLE_TYPE, name)] = None
            case AccessKeyCreated():
                found[Resource(KEY_TYPE, fact.access_key_id)] = None
            case _:
                pass
    return tuple(found)


def assumed_role(issued: SessionIssued) -> str:
    """How a trail names a role as it was taken on; empty for a user's session."""
    return f"{issued.role_id}:{issued.session_name}" if issued.kind is SessionKind.ROLE else ""


def asked_for(request: RequestRecord | None) -> Iterator[Resource]:
    """What the parameters of *request* name."""
    if request is None or request.service == OWN:
        return
    given: Mapping[str, Any] = request.parameters
    for name, value in given.items():
        kind = _KINDS.get(name)
        if kind is not None and isinstance(value, str) and value:
            yield Resource(kind, value)
