"""Asking for accounts, as the clients of AWS Organizations do.

An account that is asked for is there when the answer is, so its status is never in progress.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from authority.access.action import Decision, Facts, action, refuse
from authority.access.call import Call
from authority.access.listing import listed
from authority.access.tagging import request_tags
from authority.access.weighing import Weighed, refusal_of, weigh
from authority.accounts.founding import ACCESS_ROLE, new_account, unused_account_id
from authority.accounts.naming import outsider, the_account
from authority.accounts.organization import TokenListing, account_arn, tags_unfit
from authority.kernel.refusal import Reason
from authority.kernel.tags import Tag
from authority.model.account_settings import AccountCreation, AccountRequested, AccountTagged
from authority.model.fact import Fact
from authority.model.state import State

EMAIL_TAKEN: Final = "EMAIL_ALREADY_EXISTS"
SUCCEEDED: Final = "SUCCEEDED"
FAILED: Final = "FAILED"


class CreateAccount(msgspec.Struct, frozen=True, rename="pascal"):
    """What a new account shall be.  There is no billing that users could be let into."""

    email: str
    account_name: str
    role_name: str = ACCESS_ROLE
    iam_user_access_to_billing: str = "ALLOW"
    tags: tuple[Tag, ...] = ()


class CreateAccountStatus(msgspec.Struct, frozen=True, rename="pascal", kw_only=True):
    """What came of a request for an account (Organizations API, CreateAccountStatus)."""

    id: str
    account_name: str
    state: str
    requested_timestamp: datetime
    completed_timestamp: datetime
    account_id: str | None
    failure_reason: str | None


class AccountStatus(msgspec.Struct, frozen=True, rename="pascal"):
    """The answer."""

    create_account_status: CreateAccountStatus


def _status(creation: AccountCreation) -> CreateAccountStatus:
    return CreateAccountStatus(
        id=creation.id,
        account_name=creation.name,
        state=FAILED if creation.failure else SUCCEEDED,
        requested_timestamp=creation.requested_at,
        completed_timestamp=creation.requested_at,
        account_id=creation.account,
        failure_reason=creation.failure or None,
    )


@action("organizations:CreateAccount", resource=the_account, conditions=lambda _, call: request_tags(call.input.tags))
def create_account(state: State, call: Call[CreateAccount], facts: Facts) -> Decision:
    """Make an account that the management account can enter (Organizations API, CreateAccount).

    An e-mail address is one account's; who asks for it again is told so by the status, as AWS does.
    """
    wanted, management = call.input, state.management_account
    refused = outsider(state, call)
    if refused is not None or management is None:
        return Decision(answer=refused)
    weighed: tuple[Weighed, ...] = ()
    if wanted.tags:
        anywhere = account_arn(state, "*", call.partition)
        tagging = request_tags(wanted.tags)
        weighed = (weigh(state, call, facts.now, "organizations:TagResource", anywhere, conditions=tagging),)
        if not weighed[0].verdict.allowed:
            return Decision(answer=refusal_of(weighed[0]), weighed=weighed)
        refused = tags_unfit(wanted.tags)
        if refused is not None:
            return Decision(answer=refused, weighed=weighed)

    # Sixteen bytes in hexadecimal digits: `car-[a-z0-9]{8,32}`.
    request_id = f"car-{facts.draw(16).hex()}"
    if any(account.email.lower() == wanted.email.lower() for account in state.accounts.values()):
        failed = AccountRequested(request_id=request_id, name=wanted.account_name, failure=EMAIL_TAKEN)
        return _requested(failed, facts, weighed=weighed)
    account = unused_account_id(state, facts)
    made = new_account(
        account,
        wanted.account_name,
        wanted.email,
        facts,
        management=management,
        partition=call.partition,
        role_name=wanted.role_name,
    )
    requested = AccountRequested(request_id=request_id, name=wanted.account_name, account=account)
    worn = (AccountTagged(account=account, tags=wanted.tags),) if wanted.tags else ()
    return _requested(
        requested,
        facts,
        *made.facts,
        *worn,
        weighed=weighed,
        subject=account_arn(state, account, call.partition),
    )


def _requested(
    requested: AccountRequested, facts: Facts, *more: Fact, weighed: tuple[Weighed, ...], subject: str = ""
) -> Decision:
    creation = AccountCreation(
        id=requested.request_id,
        name=requested.name,
        requested_at=facts.now,
        account=requested.account,
        failure=requested.failure,
    )
    answer = AccountStatus(_status(creation))
    return Decision(facts=(*more, requested), answer=answer, weighed=weighed, subject=subject)


class DescribeCreateAccountStatus(msgspec.Struct, frozen=True, rename="pascal"):
    """Which request."""

    create_account_request_id: str


@action("organizations:DescribeCreateAccountStatus", resource=the_account)
def describe_create_account_status(state: State, call: Call[DescribeCreateAccountStatus], _facts: Facts) -> Decision:
    """Say what came of a request for an account (Organizations API, same name)."""
    refused = outsider(state, call)
    if refused is not None:
        return Decision(answer=refused)
    creation = state.creations.get(call.input.create_account_request_id)
    if creation is None:
        text = "We can't find an create account request with the CreateAccountRequestId that you specified."
        return refuse(Reason.ACCOUNT_REQUEST_NOT_FOUND, text)
    return Decision(answer=AccountStatus(_status(creation)))


class ListCreateAccountStatus(TokenListing, frozen=True):
    """Which page, and of requests in which states."""

    states: tuple[str, ...] = ()


class AccountStatuses(msgspec.Struct, frozen=True, rename="pascal"):
    """A page of what came of requests."""

    create_account_statuses: tuple[CreateAccountStatus, ...]
    next_token: str | None


@action("organizations:ListCreateAccountStatus", resource=the_account)
def list_create_account_status(state: State, call: Call[ListCreateAccountStatus], _facts: Facts) -> Decision:
    """List what came of requests for accounts (Organizations API, ListCreateAccountStatus)."""
    refused = outsider(state, call)
    if refused is not None:
        return Decision(answer=refused)
    wanted = frozenset(call.input.states or (SUCCEEDED, FAILED))
    return listed(
        call,
        f"organizations:ListCreateAccountStatus|{','.join(sorted(wanted))}",
        lambda state: [status for one in state.creations.values() if (status := _status(one)).state in wanted],
        lambda status: f"{status.requested_timestamp.isoformat()} {status.id}",
        lambda cut: AccountStatuses(cut.items, cut.marker),
    )
