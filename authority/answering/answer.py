"""Which question is answered by what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from authority.accounts.inquiry import Asking, Inquiry
from authority.accounts.travelling import CompareStates, GetHistory, GetRestoreCommands, GetStateAsOf
from authority.answering import travel
from authority.answering.reach import Reach, Refused, Sources

ANSWERS: Final[Mapping[type[Asking], Callable[[Reach, Any], Awaitable[object]]]] = {
    GetStateAsOf: travel.state_as_of,
    CompareStates: travel.differences,
    GetHistory: travel.history,
    GetRestoreCommands: travel.restore,
}


async def answer(sources: Sources, inquiry: Inquiry, position: int) -> object:
    """Answer *inquiry* from the log up to *position*; what is asked about and not there is a `Refusal`."""
    try:
        return await ANSWERS[type(inquiry.of)](Reach(sources, inquiry, position), inquiry.of)
    except Refused as refused:
        return refused.refusal
