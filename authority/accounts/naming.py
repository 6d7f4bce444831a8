"""What actions on an account as a whole have in common: IAM authorises them on `*`."""

from __future__ import annotations

from typing import Any, Final

from authority.access.call import Call
from authority.kernel.refusal import Reason, Refusal
from authority.model.state import State

ANYTHING: Final = "*"
NOT_MANAGEMENT: Final = Refusal(Reason.ACCESS_DENIED, "Only principals of the management account may do this.")


def the_account(_state: State, _call: Call[Any]) -> str:
    """What an action is authorised on that takes no resource: it belongs to the caller's account."""
    return ANYTHING


def outsider(state: State, call: Call[Any]) -> Refusal | None:
    """Why the caller may not act for the whole organisation, if it may not.

    A resource of `*` belongs to whoever asks, so that no policy can say this.
    """
    return None if call.caller.account == state.management_account else NOT_MANAGEMENT
