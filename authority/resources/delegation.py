"""What a resource server passes on of its own client's signature, and what becomes of it.

The decision needs gathered, for each question in its order, `Judged` where the signature is right and a `Refusal`
where it is not: `proofs_of` says what to verify.  Whether the credential still counts is read from the state in log
order, and not here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, TypeAlias

import msgspec

from authority.access.caller import Credential
from authority.kernel.refusal import Reason, Refusal
from authority.resources.authzen import Evaluate, EvaluateAll, questions_of

OURS: Final = frozenset({"authority", "cloudtrail", "cognito-identity", "iam", "organizations", "sts"})
"""Services that this authority is itself: what was signed for them is for no resource server to pass on."""
SCOPED_TO_SERVICE: Final = "Credential should be scoped to correct service: '{}'."


class Presented(msgspec.Struct, frozen=True, kw_only=True):
    """A signature that is yet to be verified, for requests to *service* in *region*; nothing of it is true before."""

    access_key_id: str
    string_to_sign: bytes
    scope: str
    signature: str
    session_token: str | None
    service: str
    region: str

    def __repr__(self) -> str:
        """Show whose it claims to be, and neither the token nor the signature."""
        return f"Presented({self.access_key_id}, {self.scope})"


class Judged(msgspec.Struct, frozen=True):
    """What a verified signature was made with, and when."""

    credential: Credential
    signed_at: datetime


Gathered: TypeAlias = tuple[Judged | Refusal, ...]
"""What became of each `Presented`."""


def proofs_of(asked: Evaluate | EvaluateAll) -> tuple[Presented | Refusal, ...]:
    """What there is to verify, one for each question, or why that one can prove nothing."""
    questions = questions_of(asked)
    return () if isinstance(questions, Refusal) else tuple(presented(question) for question in questions)


def presented(question: Evaluate) -> Presented | Refusal:
    """What the client of a resource server signed.

    A signature for one service says nothing to another (CVE-2025-65073): the scope names the service of the action.
    """
    signed, service = question.subject.properties, question.action.name.partition(":")[0]
    if service in OURS:
        return Refusal(Reason.ACCESS_DENIED, f"Requests to {service} are decided by this authority when it gets them.")
    scope = signed.credential_scope.split("/")
    if len(scope) != 4 or not scope[1].isascii():
        return Refusal(Reason.INCOMPLETE_SIGNATURE, "A credential scope is date/region/service/aws4_request.")
    if scope[2] != service:
        return Refusal(Reason.SIGNATURE_DOES_NOT_MATCH, SCOPED_TO_SERVICE.format(service))
    return Presented(
        access_key_id=signed.access_key_id,
        string_to_sign=signed.string_to_sign.encode("utf-8", "replace"),
        scope=signed.credential_scope,
        signature=signed.signature,
        session_token=signed.session_token,
        service=service,
        region=scope[1],
    )
