"""The log as a whole: where it stands, and what its fold is."""

from __future__ import annotations

from typing import Any

import msgspec

from authority.access.action import Decision, Facts, action
from authority.access.call import Call
from authority.access.naming import managements_arn
from authority.audit.queries import Query
from authority.model.state import State


def log_arn(state: State, call: Call[Any]) -> str:
    """The ARN of the log, which belongs to the management account."""
    return managements_arn(state, call, "log")


class LogQuery(Query, frozen=True):
    """Where the log stands, and the hash of the state that is served."""


class LogSeen(msgspec.Struct, frozen=True, rename="camel"):
    """The log up to *position*: the root of its tree (hex), and the SHA-256 of the state in canonical form (hex).

    `configured` is the newest position that changed the state.
    """

    ledger_id: str
    position: int
    configured: int
    root: str
    state_hash: str


class DescribeLog(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Nothing needs to be said."""


@action("authority:DescribeLog", resource=log_arn)
def describe_log(_state: State, _call: Call[DescribeLog], _facts: Facts) -> Decision:
    """Say where the log stands and what its fold is, so that a replay can be held against it."""
    return Decision(query=LogQuery())
