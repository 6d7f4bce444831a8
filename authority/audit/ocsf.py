"""Events in the Open Cybersecurity Schema Framework, version 1.5.0: API Activity, Authorize Session, Authentication.

Made of the record form of AWS's trail (`audit.cloudtrail`), so that both tell the same and neither tells more.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from authority.audit.attributes import named, read_only, resources_of, user_name
from authority.audit.cloudtrail import record
from authority.audit.terms import issued_by, partition
from authority.model.event import Event
from authority.model.sessions import SessionIssued

VERSION: Final = "1.5.0"
PRODUCT: Final = "Authority"
CATEGORIES: Final = {3: "Identity & Access Management", 6: "Application Activity"}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_ACTIVITIES: Final[Mapping[int, tuple[str, tuple[str, ...]]]] = {
    1: ("Create", ("Create", "Add", "Enable")),
    4: ("Delete", ("Delete", "Remove", "Deactivate", "Disable", "Close", "Revoke")),
}
"""API Activity's activities by how the names of actions begin; what reads is 2, and what is left updates."""
_USERS: Final = {
    "IAMUser": (1, "User"),
    "Root": (2, "Admin"),
    "AWSService": (4, "Service"),
    "AssumedRole": (99, "AssumedRole"),
    "FederatedUser": (99, "FederatedUser"),
    "WebIdentityUser": (99, "WebIdentityUser"),
    "SAMLUser": (99, "SAMLUser"),
    "AWSAccount": (99, "AWSAccount"),
}
_UNKNOWN: Final = (0, "Unknown")


class _Class(msgspec.Struct, frozen=True):
    """A class of events, and what was done in it."""

    uid: int
    name: str
    activity: int
    activity_name: str

    @property
    def category(self) -> int:
        """The category that it is in."""
        return self.uid // 1000


def event(position: int, recorded_at: datetime, seen: Event, account: str) -> dict[str, Any]:
    """What *account* has *seen* of the event at *position*."""
    told = record(position, seen, account)
    kind, refused = _class_of(seen), bool(seen.outcome.refused)
    found: dict[str, Any] = {
        "class_uid": kind.uid,
        "class_name": kind.name,
        "category_uid": kind.category,
        "category_name": CATEGORIES[kind.category],
        "activity_id": kind.activity,
        "activity_name": kind.activity_name,
        "type_uid": kind.uid * 100 + kind.activity,
        "type_name": f"{kind.name}: {kind.activity_name}",
        "time": _milliseconds(seen.decided_at),
        "severity_id": 2 if refused else 1,
        "severity": "Low" if refused else "Informational",
        "status_id": 2 if refused else 1,
        "status": "Failure" if refused else "Success",
        "metadata": _metadata(position, recorded_at, told),
        "cloud": {"provider": PRODUCT, "region": told["awsRegion"], "account": {"uid": account}},
        "actor": _actor(told, seen),
        "api": _api(told, seen),
        "src_endpoint": {"name": told["sourceIPAddress"]} if seen.request is None else {"ip": told["sourceIPAddress"]},
    }
    if refused:
        found["status_code"] = told["errorCode"]
        found["status_detail"] = told.get("errorMessage", told["errorCode"])
    if told["userAgent"] and seen.request is not None:
        found["http_request"] = {"user_agent": told["userAgent"]}
    if kind.category == 6 and (resources := resources_of(seen)):
        found["resources"] = [{"type": one.type, "uid": one.name} for one in resources]
    issued = issued_by(seen)
    if kind.uid == 3003 and issued is not None:
        found |= _authorized(seen, issued)
    if kind.uid == 3002:
        found["user"] = found["actor"].get("user", {"name": "", "type_id": 0})
        found["service"] = {"name": told["eventSource"]}
    return found


def _class_of(seen: Event) -> _Class:
    if named(seen.type)[1] == "ConsoleLogin":
        return _Class(3002, "Authentication", 1, "Logon")
    if issued_by(seen) is not None:
        return _Class(3003, "Authorize Session", 1, "Assign Privileges")
    if read_only(seen.type):
        return _Class(6003, "API Activity", 2, "Read")
    name = seen.type.partition(":")[2]
    for activity, (label, starts) in _ACTIVITIES.items():
        if name.startswith(starts):
            return _Class(6003, "API Activity", activity, label)
    return _Class(6003, "API Activity", 3, "Update")


def _metadata(position: int, recorded_at: datetime, told: Mapping[str, Any]) -> dict[str, Any]:
    found = {
        "version": VERSION,
        "product": {"name": PRODUCT, "vendor_name": PRODUCT},
        "profiles": ["cloud"],
        "uid": told["eventID"],
        "event_code": told["eventName"],
        "log_name": "trail",
        "logged_time": _milliseconds(recorded_at),
        "sequence": position,
    }
    return found | ({"correlation_uid": told["sharedEventID"]} if "sharedEventID" in told else {})


def _actor(told: Mapping[str, Any], seen: Event) -> dict[str, Any]:
    who: Mapping[str, Any] = told["userIdentity"]
    if seen.caller is None:
        return {"app_name": PRODUCT}
    type_id, type_name = _USERS.get(who["type"], _UNKNOWN)
    user = {
        "type_id": type_id,
        "type": type_name,
        "uid": who["principalId"],
        "name": user_name(seen.caller) or who["principalId"],
        "account": {"uid": seen.caller.account},
    }
    for ours, theirs in (("uid_alt", "arn"), ("credential_uid", "accessKeyId")):
        if who.get(theirs):
            user[ours] = who[theirs]
    found: dict[str, Any] = {"user": user}
    session = seen.caller.session
    if session is not None:
        found["session"] = {
            "uid": seen.caller.access_key_id,
            "issuer": session.issuer_arn,
            "created_time": _milliseconds(session.issued_at),
            "is_mfa": session.mfa_at is not None,
        }
    return found


def _api(told: Mapping[str, Any], seen: Event) -> dict[str, Any]:
    found: dict[str, Any] = {"operation": told["eventName"], "service": {"name": told["eventSource"]}}
    if seen.request is not None:
        found["request"] = {"uid": seen.request.id, "data": told["requestParameters"] or {}}
    response: dict[str, Any] = {}
    if seen.outcome.refused:
        response = {"error": told["errorCode"], "error_message": told.get("errorMessage", "")}
    elif told["responseElements"]:
        response = {"data": told["responseElements"]}
    return found | ({"response": response} if response else {})


def _authorized(seen: Event, issued: SessionIssued) -> dict[str, Any]:
    """Who received a session, and of what."""
    return {
        "user": {
            "type_id": 99,
            "type": str(issued.kind),
            "uid": issued.role_id or issued.user_id,
            "name": issued.session_name or issued.user_name.rpartition("/")[2] or "root",
            "uid_alt": issued.arn(partition(seen)),
            "account": {"uid": issued.account},
        },
        "session": {
            "uid": issued.access_key_id,
            "issuer": issued.issuer_arn(partition(seen)),
            "created_time": _milliseconds(issued.issued_at),
            "expiration_time": _milliseconds(issued.expires_at),
            "is_mfa": issued.mfa_at is not None,
        },
        "privileges": [issued.issuer_arn(partition(seen))],
    }


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MILLISECOND
