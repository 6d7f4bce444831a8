"""sts:GetAccessKeyInfo - say which account an access key is of."""

from __future__ import annotations

import msgspec

from authority.access.action import Decision, Facts, action
from authority.access.call import Call
from authority.accounts.naming import the_account
from authority.audit.answers import Sessions
from authority.audit.queries import FindSessions
from authority.kernel.ids import TEMPORARY_KEY
from authority.kernel.refusal import Reason, Refusal
from authority.model.state import State


class GetAccessKeyInfo(msgspec.Struct, frozen=True, rename="pascal"):
    """Which key."""

    access_key_id: str


class AccessKeyInfo(msgspec.Struct, frozen=True, rename="pascal"):
    """Its account."""

    account: str


@action("sts:GetAccessKeyInfo", resource=the_account)
def get_access_key_info(state: State, call: Call[GetAccessKeyInfo], facts: Facts) -> Decision:
    """Say which account a key is of or was of, whether or not it still counts (STS API, GetAccessKeyInfo)."""
    key_id = call.input.access_key_id
    key = state.access_keys.get(key_id)
    if key is not None:
        return Decision(answer=AccessKeyInfo(key.account))
    unknown = Refusal(Reason.VALIDATION_ERROR, f"The access key id {key_id} was not issued here.")
    if not key_id.startswith(TEMPORARY_KEY):
        return Decision(answer=unknown)

    def of_session(found: Sessions) -> AccessKeyInfo | Refusal:
        return AccessKeyInfo(found.sessions[0].account) if found.sessions else unknown

    # Sessions are no part of the state: the log's own index of them is asked, with eyes that see every account.
    return Decision(query=FindSessions(account=None, now=facts.now, session=key_id, max_results=1, shape=of_session))
