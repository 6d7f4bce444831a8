"""What temporary credentials may not call at all, whatever their policies say.

IAM User Guide, Compare AWS STS credentials: the restrictions of each kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from authority.access.caller import INVALID_TOKEN, Caller
from authority.kernel.refusal import Reason, Refusal
from authority.model.sessions import SessionKind

_NOT_BY_ROLES: Final = frozenset({"GetFederationToken", "GetSessionToken"})
_STS: Final[Mapping[SessionKind, frozenset[str]]] = {
    SessionKind.USER: frozenset({"AssumeRole", "GetCallerIdentity"}),
    SessionKind.FEDERATED_USER: frozenset({"GetCallerIdentity"}),
}
"""The operations of STS that sessions other than a role's may call."""
_LIKE_IAM: Final = frozenset({"authority:CreateAccount"})
"""What is barred with IAM: it gives out a key for good."""


def barred(caller: Caller, action: str) -> Refusal | None:
    """Why *caller* may never call *action* (`sts:AssumeRole`) with what it signed with; None where policies decide."""
    session = caller.session
    if session is None:
        return None
    service, _, operation = action.partition(":")
    if service == "sts":
        allowed = _STS.get(session.kind)
        if operation in _NOT_BY_ROLES if allowed is None else operation not in allowed:
            return Refusal(Reason.ACCESS_DENIED, f"Cannot call {operation} with session credentials")
        return None
    if (service != "iam" and action not in _LIKE_IAM) or session.kind is SessionKind.ROLE:
        return None
    if session.kind is SessionKind.USER and session.mfa_at is not None:
        return None
    return INVALID_TOKEN
