"""One proven request, as a decision sees it."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from authority.access.caller import Caller

Input = TypeVar("Input")


class Origin(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where a request came from and how: the socket's peer, never a header that claims another."""

    request_id: str
    source_address: str
    user_agent: str
    secure: bool
    region: str
    partition: str


class Call(msgspec.Struct, Generic[Input], frozen=True, gc=False):
    """One proven request: who asks, what, from where.

    `gathered` is what the pipeline brought from outside before the decision, verified: a matched one-time code, a
    checked token's claims.  What each action needs there, its own module says.
    """

    caller: Caller
    input: Input
    origin: Origin
    gathered: object = None

    @property
    def partition(self) -> str:
        """The partition of the region that the request was signed for."""
        return self.origin.partition
