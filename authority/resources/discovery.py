"""What everybody may read of us as a policy decision point: where to ask (AuthZEN Authorization API 1.0, section 9)."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

import msgspec

from authority.model.authority import LOCALLY
from authority.model.state import State

DISCOVERY: Final = "/.well-known/authzen-configuration"
EVALUATION: Final = "/access/v1/evaluation"
EVALUATIONS: Final = "/access/v1/evaluations"


def published(state: State, path: str) -> bytes | None:
    """The JSON document at *path*; None where there is none.  The path of our own URL, if it has one, comes last."""
    base = LOCALLY if state.settings is None else state.settings.public_url
    if path != DISCOVERY + urlsplit(base).path:
        return None
    return msgspec.json.encode(
        {
            "policy_decision_point": base,
            "access_evaluation_endpoint": base + EVALUATION,
            "access_evaluations_endpoint": base + EVALUATIONS,
        }
    )
