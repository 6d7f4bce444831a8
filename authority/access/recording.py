"""What the log says of a request: the event, made of what was asked, weighed, decided and answered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, Literal

import msgspec

from authority.access.action import Decision
from authority.access.call import Origin
from authority.access.caller import Credential
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.secret import Secret
from authority.ledger.codec import LONGEST_SUBJECT, Header, room_beside
from authority.model.event import (
    FORMAT,
    LARGEST,
    CallerRecord,
    Event,
    Outcome,
    RequestRecord,
    write_event,
)
from authority.model.fact import Fact
from authority.model.state import State

LONGEST_VALUE: Final = 2_048
"""Characters of one parameter that are recorded; what a longer one made true stands in the facts."""
SHORT_VALUE: Final = 128
"""Bytes of a parameter's JSON that are recorded where there is little room."""
MOST_ITEMS: Final = 200
HIDDEN: Final = "***"
NEVER_RECORDED: Final = frozenset(
    {
        "password", "newpassword", "oldpassword", "secret", "secretaccesskey", "sessiontoken", "signature", "token",
        "tokencode", "authenticationcode1", "authenticationcode2", "webidentitytoken", "samlassertion",
        "samlresponse", "signintoken",
    }
)  # fmt: skip
"""Parameters that are a credential or prove one, in lower case, at any depth."""
NOTHING_SAID: Final = Outcome()
TOO_LARGE: Final = Refusal(Reason.REQUEST_TOO_LARGE, "The request would make an entry larger than the log can hold.")


class Asked(msgspec.Struct, frozen=True, gc=False):
    """One request as the log names it, whether or not it could be read."""

    service: str
    action: str
    known: bool
    origin: Origin
    parameters: Mapping[str, Any] = {}
    sensitive: frozenset[str] = frozenset()


def record(asked: Asked, caller: CallerRecord, decision: Decision, at: datetime) -> tuple[bytes, Header, Decision]:
    """The bytes of one proven request's entry, the header that they begin with, and the decision that they are of.

    Where there is little room, parameters are recorded by their digests: the facts and the decisions say the same.  A
    decision whose entry would be too large all the same is refused in its place, so that nothing happens that is not
    recorded.  A refusal stays what it is and is recorded in brief: another answer would tell strangers how much is
    known of what they may not see, and what it makes true must not be lost.
    """
    header = _header(asked, caller, decision, at)
    body = _written(header, asked, caller, decision)
    room = LARGEST - room_beside(decision.once, decision.rows)
    if len(body) > room:
        short = msgspec.structs.replace(asked, parameters=_digested(asked.parameters, asked.sensitive))
        body = _written(header, short, caller, decision)
    if len(body) <= room:
        return body, header, decision
    if isinstance(decision.answer, Refusal):
        instead = msgspec.structs.replace(decision, weighed=tuple([one.in_brief() for one in decision.weighed]))
    else:
        instead = Decision(answer=TOO_LARGE, subject=decision.subject)
    header = _header(asked, caller, instead, at)
    return _written(header, msgspec.structs.replace(asked, parameters={}), caller, instead), header, instead


def _header(asked: Asked, caller: CallerRecord, decision: Decision, at: datetime) -> Header:
    return Header(
        type=f"{asked.service}:{asked.action}" if asked.known else f"{asked.service}:UnknownOperation",
        v=FORMAT,
        decided_at=at,
        lane=lane_of(decision.facts),
        subject=(decision.subject or caller.arn)[:LONGEST_SUBJECT],
    )


def _written(header: Header, asked: Asked, caller: CallerRecord, decision: Decision) -> bytes:
    """The bytes of the event that begins with *header*."""
    origin, answer = asked.origin, decision.answer
    event = Event(
        type=header.type,
        v=header.v,
        decided_at=header.decided_at,
        lane=header.lane,
        subject=header.subject,
        facts=decision.facts,  # type: ignore[arg-type]  # every fact is one of the union; a test holds them together
        request=RequestRecord(
            id=origin.request_id,
            service=asked.service,
            action=asked.action,
            parameters=recorded(asked.parameters, asked.sensitive),
            source_address=origin.source_address,
            user_agent=origin.user_agent,
            secure=origin.secure,
            region=origin.region,
        ),
        caller=caller,
        decisions=tuple([weighed.record() for weighed in decision.weighed]),
        outcome=Outcome(refused=answer.reason, message=answer.message)
        if isinstance(answer, Refusal)
        else Outcome(warnings=decision.warnings)
        if decision.warnings
        else NOTHING_SAID,
    )
    return write_event(event)


def lane_of(facts: tuple[Fact, ...]) -> Literal["config", "session"]:
    """The lane of an entry that makes *facts* true."""
    for fact in facts:
        if fact.CONFIG:
            return "config"
    return "session"


def act_of_authority(name: str, facts: tuple[Fact, ...], at: datetime, subject: str = "") -> bytes:
    """The bytes of an entry that nobody asked for: a start, an expiry, a new daily key."""
    return write_event(
        Event(
            type=f"authority:{name}",
            v=FORMAT,
            decided_at=at,
            lane=lane_of(facts),
            subject=subject,
            facts=facts,  # type: ignore[arg-type]  # every fact is one of the union
        )
    )


def recorded(parameters: Mapping[str, Any], sensitive: frozenset[str] = frozenset()) -> dict[str, Any]:
    """*parameters* without secrets, and with what is long cut down to its length and digest."""
    return {
        name: HIDDEN
        if name in sensitive or name.lower() in NEVER_RECORDED
        else value  # nearly all: what `_cut` leaves alone, without asking it
        if isinstance(value, str) and len(value) <= LONGEST_VALUE
        else _cut(value)
        for name, value in parameters.items()
    }


def _digested(parameters: Mapping[str, Any], sensitive: frozenset[str]) -> dict[str, Any]:
    """*parameters* as they are recorded, with every one that is not short cut down to its length and digest."""
    digested: dict[str, Any] = {}
    for name, value in recorded(parameters, sensitive).items():
        spelled = msgspec.json.encode(value, order="sorted")
        fits = len(spelled) <= SHORT_VALUE
        digested[name] = value if fits else {"length": len(spelled), "sha256": sha256(spelled).hexdigest()}
    return digested


def _cut(value: object) -> object:
    match value:
        case str():
            if len(value) <= LONGEST_VALUE:
                return value
            return {"cut": value[:64], "length": len(value), "sha256": sha256(value.encode()).hexdigest()}
        case bytes():
            return {"length": len(value), "sha256": sha256(value).hexdigest()}
        case Secret():
            return HIDDEN
        case dict():
            return recorded(dict(list(value.items())[:MOST_ITEMS]))
        case list() | tuple():
            return [_cut(item) for item in value[:MOST_ITEMS]]
        case _:
            return value


def former_caller_record(state: State, credential: Credential) -> CallerRecord:
    """Who asked with credentials that were right and no longer count."""
    session = credential.session
    if session is not None:
        owner, account = session.owner, session.account
    else:
        key = state.access_keys[credential.access_key_id]
        owner, account = key.owner, key.account
    return CallerRecord(
        kind="former", arn="", principal_id=owner, account=account, access_key_id=credential.access_key_id
    )
