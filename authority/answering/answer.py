"""Which question is answered by what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from authority.accounts.assessing import (
    AssessExposure,
    ListExternalAccess,
    ListUnused,
    ListWhoCanAssume,
    SuggestLeastPrivilege,
)
from authority.accounts.inquiry import Asking, Inquiry
from authority.accounts.investigating import (
    AssessBlastRadius,
    GetSession,
    GetTimeline,
    ListChains,
    ListDeadKeyUse,
    ListFirstSeen,
    ListSources,
    ListValidCredentials,
    TraceLineage,
)
from authority.accounts.travelling import CompareStates, GetHistory, GetRestoreCommands, GetStateAsOf
from authority.accounts.what_if import AskWhatIf
from authority.answering import credentials, permissions, supposing, travel
from authority.answering.reach import Reach, Refused, Sources

ANSWERS: Final[Mapping[type[Asking], Callable[[Reach, Any], Awaitable[object]]]] = {
    GetStateAsOf: travel.state_as_of,
    CompareStates: travel.differences,
    GetHistory: travel.history,
    GetRestoreCommands: travel.restore,
    GetSession: credentials.session,
    TraceLineage: credentials.trace,
    AssessBlastRadius: credentials.radius,
    ListValidCredentials: credentials.valid,
    ListSources: credentials.sources,
    ListChains: credentials.paths,
    ListFirstSeen: credentials.first_seen,
    GetTimeline: credentials.told,
    ListDeadKeyUse: credentials.dead,
    ListWhoCanAssume: permissions.who_can,
    ListExternalAccess: permissions.external_access,
    AssessExposure: permissions.exposure,
    SuggestLeastPrivilege: permissions.least_privilege,
    ListUnused: permissions.unused,
    AskWhatIf: supposing.what_if,
}


async def answer(sources: Sources, inquiry: Inquiry, position: int) -> object:
    """Answer *inquiry* from the log up to *position*; what is asked about and not there is a `Refusal`."""
    try:
        return await ANSWERS[type(inquiry.of)](Reach(sources, inquiry, position), inquiry.of)
    except Refused as refused:
        return refused.refusal
