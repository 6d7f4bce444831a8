"""What others do with the roles that were lent to them, and how many sessions at a time they may have.

Whoever delegates pays for the use.  A limit holds for requests that are under way at one moment, too: each takes a
place of its own among those that are left.
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec

from authority.access.action import Decision, Facts, action, refuse
from authority.access.call import Call
from authority.access.naming import own_arn
from authority.audit.lending import FindLoans, Loan, Loans, Usage
from authority.audit.queries import DEFAULT_RESULTS, MOST_RESULTS
from authority.kernel.ids import AccountId
from authority.kernel.refusal import Reason, Refusal
from authority.model.lending import SessionLimitSet
from authority.model.state import State

AccountText = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{12}(?![\s\S])", description="Twelve digits.")]
MOST_SESSIONS: Final = 100_000
FOREIGN_TOKEN: Final = Refusal(
    Reason.VALIDATION_ERROR,
    "The value of nextToken is not one that this query returned; repeat the query without it.",
)


def third_party_arn(_state: State, call: Call[Any]) -> str:
    """What the permission is given on: another account, as far as it is trusted by the caller's."""
    trusted = call.input.trusted_account or "*"
    return own_arn(call, f"third-party/{trusted}")


class ListThirdParties(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Whose use: one trusted account's, or everybody's."""

    trusted_account: AccountText | None = None
    max_results: Annotated[int, msgspec.Meta(ge=1, le=MOST_RESULTS)] = DEFAULT_RESULTS
    next_token: str | None = None


class ThirdParty(msgspec.Struct, frozen=True, rename="camel"):
    """The use of one role by one account with one external id.  `lastPosition` is its newest request in the log."""

    trusted_account: str
    external_id: str
    role_arn: str
    issued: int
    refused: int
    active: int
    last_at: datetime
    last_position: int
    active_limit: int | None
    """Of the account, over all roles and external ids; null where there is none."""


class ThirdParties(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A page; `nextToken` asks for the rest."""

    third_parties: tuple[ThirdParty, ...]
    next_token: str | None = None


@action("authority:ListThirdParties", resource=third_party_arn)
def list_third_parties(state: State, call: Call[ListThirdParties], facts: Facts) -> Decision:
    """Say how other accounts used the roles of the caller's."""
    wanted, account = call.input, call.caller.account
    after = None if wanted.next_token is None else _read(account, wanted.next_token)
    if isinstance(after, Refusal):
        return Decision(answer=after)
    owner = state.accounts[account]
    limits = owner.session_limits

    def shape(found: Loans) -> ThirdParties:
        seen = tuple(_third_party(usage, limits.get(usage.loan.trusted)) for usage in found.usages)
        return ThirdParties(seen, _token(found.usages[-1].loan) if found.more else None)

    query = FindLoans(
        account=account,
        trusted=wanted.trusted_account or "",
        now=facts.now,
        roles=tuple(owner.roles),
        after=after,
        max_results=wanted.max_results,
        shape=shape,
    )
    return Decision(query=query)


def _third_party(usage: Usage, limit: int | None) -> ThirdParty:
    loan = usage.loan
    return ThirdParty(
        trusted_account=loan.trusted,
        external_id=loan.external_id,
        role_arn=loan.role,
        issued=usage.issued,
        refused=usage.refused,
        active=usage.active,
        last_at=usage.last_at,
        last_position=usage.last_position,
        active_limit=limit,
    )


def _token(loan: Loan) -> str:
    """Where the next page begins: a place in the order of one's own list, which is no secret."""
    return base64.urlsafe_b64encode(msgspec.json.encode((loan.trusted, loan.external_id, loan.role))).decode("ascii")


def _read(account: str, token: str) -> Loan | Refusal:
    try:
        raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
        return Loan(account, *msgspec.json.decode(raw, type=tuple[str, str, str]))
    except (binascii.Error, UnicodeEncodeError, msgspec.DecodeError):
        return FOREIGN_TOKEN


class PutThirdPartyLimit(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """How many active sessions a trusted account may have; null for as many as it likes."""

    trusted_account: AccountText
    active_sessions: Annotated[int, msgspec.Meta(ge=0, le=MOST_SESSIONS)] | None


class ThirdPartyLimit(msgspec.Struct, frozen=True, rename="camel"):
    """The answer."""

    trusted_account: str
    active_sessions: int | None


@action("authority:PutThirdPartyLimit", resource=third_party_arn)
def put_third_party_limit(_state: State, call: Call[PutThirdPartyLimit], _facts: Facts) -> Decision:
    """Limit the active sessions that another account has of the caller's account's roles, from the next one on."""
    wanted, account = call.input, call.caller.account
    if wanted.trusted_account == account:
        return refuse(Reason.VALIDATION_ERROR, "An account is no third party to itself; name another account.")
    limit = SessionLimitSet(account=account, trusted=AccountId(wanted.trusted_account), most=wanted.active_sessions)
    return Decision(facts=(limit,), answer=ThirdPartyLimit(wanted.trusted_account, wanted.active_sessions))
