"""sts:DecodeAuthorizationMessage - tell why a request was refused, to whoever may know.

What a refusal names is the id of its entry: the request id of the answer, or the authorization id that a resource
server was told.  Nothing is sealed into it; the explanation is read from the log, by the account that it belongs to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from authority.access.action import Decision, Facts, action, refuse
from authority.access.call import Call
from authority.audit.answers import EventRecord
from authority.audit.queries import OneEvent
from authority.kernel.refusal import Reason, Refusal
from authority.model.state import State
from authority.policy.combine import Effect

ID: Final = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:\.([0-9]{1,2}))?", re.ASCII)
"""A request id; after a point, which of several questions it was."""
INVALID: Final = Refusal(
    Reason.INVALID_AUTHORIZATION_MESSAGE,
    "The message is not the id of a request that was decided on in this account.",
)


class DecodeAuthorizationMessage(msgspec.Struct, frozen=True, rename="pascal"):
    """The id that the refusal named."""

    encoded_message: str


class DecodedAuthorizationMessage(msgspec.Struct, frozen=True, rename="pascal"):
    """The answer: a JSON document."""

    decoded_message: str


@action("sts:DecodeAuthorizationMessage", resource=lambda *_: "*")
def decode_authorization_message(_state: State, call: Call[DecodeAuthorizationMessage], _facts: Facts) -> Decision:
    """Explain a decision on the caller's account's own trail (STS API, DecodeAuthorizationMessage)."""
    named = ID.fullmatch(call.input.encoded_message)
    if named is None:
        return refuse(INVALID.reason, INVALID.message)
    index = int(named[2] or 0)

    def shape(found: object) -> DecodedAuthorizationMessage | Refusal:
        decision = _decision(found.decisions, index) if isinstance(found, EventRecord) else None
        if decision is None:
            return INVALID
        return DecodedAuthorizationMessage(msgspec.json.encode(explained(decision)).decode())

    return Decision(query=OneEvent(id=named[1], account=call.caller.account, missing=INVALID, shape=shape))


def _decision(decisions: Sequence[Mapping[str, Any]], index: int) -> Mapping[str, Any] | None:
    """The question that is meant: the one with that number of those put by a resource server, else what was refused."""
    judged = [decision for decision in decisions if decision.get("judged")]
    if judged:
        return judged[index] if index < len(judged) else None
    refused = [decision for decision in decisions if decision["effect"] != Effect.ALLOWED]
    return next(iter((*refused, *decisions)), None)


def explained(decision: Mapping[str, Any]) -> dict[str, Any]:
    """A decision in the form of AWS's document: who asked for what, under which conditions, and what spoke for it."""
    context, effect = decision.get("context", {}), decision["effect"]
    return {
        "allowed": effect == Effect.ALLOWED,
        "explicitDeny": effect == Effect.EXPLICIT_DENY,
        "matchedStatements": {"items": [_statement(one, effect) for one in decision.get("determinedBy", ())]},
        "failures": {"items": []},
        "context": {
            "principal": {"id": context.get("aws:userid", ""), "arn": decision.get("principal", "")},
            "action": decision["action"],
            "resource": decision["resource"],
            "conditions": {
                "items": [
                    {"key": key, "values": {"items": [{"value": value} for value in _values(context[key])]}}
                    for key in sorted(context)
                ]
            },
        },
    }


def _statement(matched: Mapping[str, Any], effect: str) -> dict[str, Any]:
    return {
        "statementId": matched.get("sid", ""),
        "effect": "DENY" if effect == Effect.EXPLICIT_DENY else "ALLOW",
        "sourcePolicyType": matched["layer"],
        "sourcePolicyId": matched["policy"],
        "sourcePolicyVersion": matched.get("version", ""),
        "attachedTo": matched.get("owner", ""),
        "startPosition": {"line": matched.get("line", 0), "column": matched.get("column", 0)},
        "endPosition": {"line": matched.get("endLine", 0), "column": matched.get("endColumn", 0)},
    }


def _values(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else (value,)
