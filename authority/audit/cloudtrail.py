"""The record form of AWS's trail (CloudTrail User Guide, CloudTrail record contents, version 1.11) for every entry.

It is made of what an account may see (`audit.visibility`) and of nothing else: of a caller from another account there
is its account and its unique id, as in AWS.  Credentials are in no record; AWS shows session tokens, we do not.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote

from authority.audit.attributes import OWN, named, read_only, user_name
from authority.audit.terms import partition
from authority.kernel.arn import parse
from authority.kernel.refusal import Reason
from authority.model import principals, providers
from authority.model.event import CallerRecord, Event, SessionRecord
from authority.model.fact import AccountFact
from authority.model.instance_profiles import InstanceProfileCreated
from authority.model.policies import PolicyCreated, PolicyVersionCreated
from authority.model.roles import RoleCreated
from authority.model.sessions import SessionIssued, SessionKind
from authority.wire.errors import SPELLINGS

VERSION: Final = "1.11"
HIDDEN: Final = "HIDDEN_DUE_TO_SECURITY_REASONS"
OURSELVES: Final = "authority"
"""Who acted where nobody asked."""
_RECORDED_HIDDEN: Final = "***"
_SPEAKING_JSON: Final = frozenset({"organizations", "cloudtrail", "cognito-identity"})
_COMMON: Final = frozenset(
    {
        "AccessDenied", "ExpiredToken", "IDPCommunicationError", "IDPRejectedClaim", "IncompleteSignature",
        "InternalFailure", "InvalidAction", "InvalidClientTokenId", "InvalidIdentityToken", "MalformedInput",
        "MalformedQueryString", "MethodNotAllowed", "MissingAuthenticationToken", "NotFound", "PackedPolicyTooLarge",
        "RequestExpired", "ServiceUnavailable", "SignatureDoesNotMatch", "Throttling",
    }
)  # fmt: skip
"""Codes that a trail shows as they are; the others it shows by the name of their exception."""
_ACT: Final = 0x8
"""The version of the id of an act of the authority; that of a request has another (RFC 9562, section 4.2)."""
_VARIANT: Final = 0x2


def record(position: int, seen: Event, account: str) -> dict[str, Any]:
    """The record of what *account* has *seen* of the event at *position*."""
    source, name = named(seen.type)
    request, refused = seen.request, seen.outcome.refused
    reading = read_only(seen.type)
    found: dict[str, Any] = {
        "eventVersion": VERSION,
        "userIdentity": identity(seen, account),
        "eventTime": spelled(seen.decided_at),
        "eventSource": source,
        "eventName": name,
        "awsRegion": "" if request is None else request.region,
        "sourceIPAddress": OURSELVES if request is None else request.source_address,
        "userAgent": OURSELVES if request is None else request.user_agent,
    }
    if refused:
        found["errorCode"] = error_code(seen)
        if seen.outcome.message:
            found["errorMessage"] = seen.outcome.message
    found["requestParameters"] = _parameters(seen)
    found["responseElements"] = None if refused else _elements(seen, name)
    found["additionalEventData"] = {"position": position}
    if request is not None and request.id:
        found["requestID"] = request.id
    found["eventID"] = event_id(position, seen, account)
    found["readOnly"] = reading
    if resources := _resources(seen):
        found["resources"] = resources
    found["eventType"] = _type(seen, source)
    found["managementEvent"] = True
    found["recipientAccountId"] = account
    if _shared(seen, account):
        found["sharedEventID"] = event_id(position, seen, "")
    found["eventCategory"] = "Management"
    return found


def spelled(moment: datetime) -> str:
    """A moment as a trail spells it, to the second."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


# --- ids ------------------------------------------------------------------------------------


def event_id(position: int, seen: Event, account: str) -> str:
    """The id of an event on the trail of *account*; on each trail it is another, and for no account it is shared.

    The request's id, or the position of an act of the authority, is in it, and `named_by` finds it again.
    """
    return str(_masked(_id(position, seen), account))


def _id(position: int, seen: Event) -> uuid.UUID:
    if seen.request is not None:
        with contextlib.suppress(ValueError):
            return uuid.UUID(seen.request.id)
    return uuid.UUID(int=position & _LOW | _ACT << 76 | _VARIANT << 62)


def named_by(text: str, account: str) -> str | None:
    """The request id, or the position, that the event *text* on the trail of *account* has; None for no event's id."""
    try:
        plain = _masked(uuid.UUID(text), account)
    except ValueError:
        return None
    return str(plain.int & _LOW) if plain.version == _ACT else str(plain)


_LOW: Final = (1 << 62) - 1
_FIXED: Final = (0xF << 76) | (0x3 << 62)
"""The bits of an id that say its form (RFC 9562, section 4)."""


def _masked(plain: uuid.UUID, account: str) -> uuid.UUID:
    mask = int.from_bytes(sha256(b"event id|" + account.encode()).digest()[:16], "big") & ~_FIXED
    return uuid.UUID(int=plain.int ^ mask)


def _shared(seen: Event, account: str) -> bool:
    """Whether the event is on another account's trail as well."""
    found = set() if seen.caller is None else {seen.caller.account}
    for decision in seen.decisions:
        found.add(decision.resource_account)
        judged = parse(decision.principal) if decision.judged and not decision.unproven else None
        found.add("" if judged is None else judged.account)
    found.update(fact.account for fact in seen.facts if isinstance(fact, AccountFact))
    return bool(found - {account, ""})


# --- who ------------------------------------------------------------------------------------


def identity(seen: Event, account: str) -> dict[str, Any]:
    """The element userIdentity (CloudTrail User Guide, userIdentity element)."""
    caller = seen.caller
    if caller is None:
        return {"type": "AWSService", "invokedBy": OURSELVES}
    if caller.account != account:
        return {"type": "AWSAccount", "principalId": caller.principal_id, "accountId": caller.account}
    match caller.kind:
        case "root" | "user":
            return _user(caller)
        case "assumed-role":
            return _session(caller, "AssumedRole", f"{caller.principal_id}:{_name(caller.session)}")
        case "federated-user":
            return _session(caller, "FederatedUser", f"{caller.account}:{_name(caller.session)}")
        case "saml" | "web-identity":
            kind = "SAMLUser" if caller.kind == "saml" else "WebIdentityUser"
            provider, _, _ = caller.principal_id.rpartition(":")
            return {
                "type": kind,
                "principalId": caller.principal_id,
                "userName": user_name(caller),
                "identityProvider": _provider(seen) or provider,
            }
        case _:
            return {
                "type": "Unknown",
                "principalId": caller.principal_id,
                "accountId": caller.account,
                "accessKeyId": caller.access_key_id,
            }


def _user(caller: CallerRecord) -> dict[str, Any]:
    root = caller.kind == "root"
    found: dict[str, Any] = {
        "type": "Root" if root else "IAMUser",
        "principalId": caller.principal_id,
        "arn": caller.arn,
        "accountId": caller.account,
        "accessKeyId": caller.access_key_id,
    }
    if not root:
        found["userName"] = user_name(caller)
    if caller.session is not None:
        found["sessionContext"] = {"attributes": _attributes(caller.session)}
    return found


def _session(caller: CallerRecord, kind: str, principal: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": kind,
        "principalId": principal,
        "arn": caller.arn,
        "accountId": caller.account,
        "accessKeyId": caller.access_key_id,
    }
    session = caller.session
    if session is None:
        return found
    issuer = parse(session.issuer_arn)
    context: dict[str, Any] = {
        "sessionIssuer": {
            "type": {"role": "Role", "user": "IAMUser"}.get("" if issuer is None else issuer.kind, "Root"),
            "principalId": session.issuer_id,
            "arn": session.issuer_arn,
            "accountId": caller.account,
            **({} if issuer is None or "/" not in issuer.resource else {"userName": issuer.name}),
        },
        "attributes": _attributes(session),
    }
    if session.source_identity:
        context["sourceIdentity"] = session.source_identity
    found["sessionContext"] = context
    return found


def _attributes(session: SessionRecord) -> dict[str, str]:
    return {
        "creationDate": spelled(session.issued_at),
        "mfaAuthenticated": "false" if session.mfa_at is None else "true",
    }


def _name(session: SessionRecord | None) -> str:
    return "" if session is None else session.name


def _provider(seen: Event) -> str:
    return next((fact.provider for fact in seen.facts if isinstance(fact, SessionIssued)), "")


# --- what -----------------------------------------------------------------------------------


def error_code(seen: Event) -> str:
    """Why an event was refused, as a trail names it: by the exception of the service."""
    try:
        spelling = SPELLINGS[Reason(seen.outcome.refused)]
    except (ValueError, KeyError):  # a reason that this release does not know
        return seen.outcome.refused
    service = seen.type.partition(":")[0]
    if service in _SPEAKING_JSON:
        return spelling.json_code
    if service == OWN or spelling.code in _COMMON or spelling.code.endswith("Exception"):
        return spelling.code
    return f"{spelling.code}Exception"


def _type(seen: Event, source: str) -> str:
    if seen.request is None:
        return "AwsServiceEvent"
    return "AwsConsoleSignIn" if source.startswith("signin.") else "AwsApiCall"


def _parameters(seen: Event) -> dict[str, Any] | None:
    request = seen.request
    if request is None or not request.parameters:
        return None
    return {_lowered(name): _shown(value) for name, value in request.parameters.items()}


def _lowered(name: str) -> str:
    return name[:1].lower() + name[1:]


def _shown(value: Any) -> Any:
    match value:
        case dict():
            return {_lowered(name): _shown(one) for name, one in value.items()}
        case list() | tuple():
            return [_shown(one) for one in value]
        case str() if value == _RECORDED_HIDDEN:
            return HIDDEN
        case _:
            return value


def _resources(seen: Event) -> list[dict[str, str]]:
    """The roles and other things that were asked for, where their owner is told of it."""
    if not seen.type.startswith("sts:"):
        return []
    return [
        {"accountId": one.resource_account, "type": "AWS::IAM::Role", "ARN": one.resource}
        for one in seen.decisions
        if ":role/" in one.resource and not one.judged
    ][:1]


def _elements(seen: Event, name: str) -> dict[str, Any] | None:
    """What the caller was answered, as far as facts say it.  Nothing of it is a secret."""
    if name == "ConsoleLogin":
        return {name: "Success"}
    for fact in seen.facts:
        match fact:
            case SessionIssued():
                return _issued(seen, fact)
            case AccountFact():
                made = _made(seen, fact)
                if made is not None:
                    return made
            case _:
                pass
    return None


def _issued(seen: Event, issued: SessionIssued) -> dict[str, Any]:
    found: dict[str, Any] = {
        "credentials": {"accessKeyId": issued.access_key_id, "expiration": spelled(issued.expires_at)}
    }
    arn = issued.arn(partition(seen))
    if issued.kind is SessionKind.ROLE:
        found["assumedRoleUser"] = {"assumedRoleId": f"{issued.role_id}:{issued.session_name}", "arn": arn}
    elif issued.kind is SessionKind.FEDERATED_USER:
        found["federatedUser"] = {"federatedUserId": f"{issued.account}:{issued.session_name}", "arn": arn}
    if issued.source_identity:
        found["sourceIdentity"] = issued.source_identity
    if issued.provider:
        found["provider"] = issued.provider
    return found


def _made(seen: Event, fact: AccountFact) -> dict[str, Any] | None:
    """What was made, in the shape in which IAM answers (IAM API, data types)."""
    at = spelled(seen.decided_at)

    def arn(resource: str) -> str:
        return f"arn:{partition(seen)}:iam::{fact.account}:{resource}"

    match fact:
        case principals.UserCreated():
            user = {"path": fact.path, "userName": fact.name, "userId": fact.user_id, "createDate": at}
            return {"user": user | {"arn": arn(f"user{fact.path}{fact.name}")}}
        case principals.GroupCreated():
            group = {"path": fact.path, "groupName": fact.name, "groupId": fact.group_id, "createDate": at}
            return {"group": group | {"arn": arn(f"group{fact.path}{fact.name}")}}
        case principals.AccessKeyCreated():
            key = {"accessKeyId": fact.access_key_id, "status": "Active", "createDate": at}
            return {"accessKey": key | _of_user(seen)}
        case RoleCreated():
            role = {"path": fact.path, "roleName": fact.name, "roleId": fact.role_id, "createDate": at}
            document = quote(fact.trust.document, safe="")
            return {"role": role | {"arn": arn(f"role{fact.path}{fact.name}"), "assumeRolePolicyDocument": document}}
        case PolicyCreated():
            policy = {"policyName": fact.name, "policyId": fact.policy_id, "path": fact.path, "defaultVersionId": "v1"}
            counts = {"attachmentCount": 0, "permissionsBoundaryUsageCount": 0, "isAttachable": True}
            dates = {"createDate": at, "updateDate": at}
            return {"policy": policy | counts | dates | {"arn": arn(f"policy{fact.path}{fact.name}")}}
        case PolicyVersionCreated():
            return {"policyVersion": {"versionId": f"v{fact.number}", "createDate": at}}
        case InstanceProfileCreated():
            profile = {"path": fact.path, "instanceProfileName": fact.name, "createDate": at, "roles": []}
            return {"instanceProfile": profile | {"arn": arn(f"instance-profile{fact.path}{fact.name}")}}
        case providers.SamlProviderCreated():
            return {"sAMLProviderArn": arn(f"saml-provider/{fact.name}")}
        case _:
            return None


def _of_user(seen: Event) -> dict[str, str]:
    given: Mapping[str, Any] = {} if seen.request is None else seen.request.parameters
    name = given.get("UserName") or user_name(seen.caller)
    return {"userName": name} if isinstance(name, str) and name else {}
