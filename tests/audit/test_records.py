"""What a record says of an event."""

from __future__ import annotations

import pytest

from authority.audit.records import event_record
from authority.model.authority import UnprovenRequests, UnprovenRequestsSummarised
from authority.model.event import Event
from tests.model.test_state import AT


def tried(*reasons: str) -> Event:
    """Requests of strangers, as they are summarised."""
    requests = tuple(
        UnprovenRequests(source="192.0.2.1", action="sts:GetCallerIdentity", reason=reason, count=1, first=AT, last=AT)
        for reason in reasons
    )
    facts = (UnprovenRequestsSummarised(requests=requests),)
    return Event(type="authority:UnprovenRequests", v=1, decided_at=AT, lane="session", subject="", facts=facts)


@pytest.mark.parametrize(
    ("reasons", "reason"),
    [
        pytest.param(["invalid-client-token-id"], "invalid-client-token-id", id="for one reason"),
        pytest.param(["invalid-client-token-id", "signature-does-not-match"], "", id="for several reasons"),
    ],
)
def test_what_strangers_tried_was_refused(reasons, reason):
    outcome = event_record(7, AT, tried(*reasons), withheld=False).outcome
    assert (outcome.result, outcome.reason) == ("refused", reason)
