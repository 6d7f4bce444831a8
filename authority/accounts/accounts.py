"""Making, listing and describing accounts, for who may speak for the management account."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec

from authority.access.action import Decision, Facts, action, refuse
from authority.access.call import Call
from authority.access.listing import scope_of
from authority.access.naming import managements_arn
from authority.accounts.founding import ACCESS_ROLE, new_account, new_administrator, unused_account_id
from authority.accounts.naming import NOT_MANAGEMENT
from authority.accounts.organization import ACTIVE, CLOSED
from authority.kernel.ids import AccountId
from authority.kernel.paging import page
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.secret import Secret
from authority.model.account import Account
from authority.model.account_settings import AccountReopened, QuotaSet
from authority.model.quotas import DEFAULTS
from authority.model.state import State

# `(?![\s\S])` ends a text in every dialect of patterns; `$` would let a line break through in this one.
AccountIdText = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{12}(?![\s\S])", description="Twelve digits.")]
AccountName = Annotated[str, msgspec.Meta(pattern=r"^[ -~]{1,50}(?![\s\S])", description="1-50 printable characters.")]
Email = Annotated[str, msgspec.Meta(pattern=r"^[!-?A-~]+@[!-?A-~]+\.[!-?A-~]+(?![\s\S])", max_length=64)]
UserName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_+=,.@-]{1,64}(?![\s\S])")]
"""Names as Organizations and IAM bound them (Organizations API, CreateAccount; IAM API, CreateUser)."""

MOST_ACCOUNTS_A_PAGE: Final = 1000
MOST_OF_ANYTHING: Final = 1_000_000


def account_arn(state: State, call: Call[Any], account: str) -> str:
    """The ARN of an account, which belongs to the management account."""
    return managements_arn(state, call, f"account/{account}")


class CreateAccount(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What a new account is to be called.  With *administrator*, a user of that name may do everything in it."""

    name: AccountName
    account_id: AccountIdText | None = None
    email: Email | None = None
    administrator: UserName | None = None


class AccountSeen(msgspec.Struct, frozen=True, rename="camel"):
    """One account."""

    id: str
    arn: str
    name: str
    email: str
    created_at: datetime
    status: str = ACTIVE
    closed_at: datetime | None = None


class AdministratorSeen(msgspec.Struct, frozen=True, rename="camel"):
    """The administrator of a new account and its key, whose secret is answered this once."""

    user_name: str
    user_arn: str
    access_key_id: str
    secret_access_key: Secret


class CreatedAccount(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """The answer."""

    account: AccountSeen
    access_role_arn: str
    administrator: AdministratorSeen | None = None


@action("authority:CreateAccount", resource=lambda state, call: account_arn(state, call, call.input.account_id or "*"))
def create_account(state: State, call: Call[CreateAccount], facts: Facts) -> Decision:
    """Make an account that the management account can enter, and an administrator in it if one is asked for."""
    wanted, management = call.input, state.management_account
    if management is None or call.caller.account != management:
        return Decision(answer=NOT_MANAGEMENT)
    if wanted.account_id is not None and wanted.account_id in state.accounts:
        return refuse(Reason.ENTITY_ALREADY_EXISTS, f"The account {wanted.account_id} already exists.")

    account = AccountId(wanted.account_id) if wanted.account_id is not None else unused_account_id(state, facts)
    made = new_account(account, wanted.name, wanted.email or "", facts, management=management, partition=call.partition)
    arn = account_arn(state, call, account)
    seen = AccountSeen(account, arn, wanted.name, wanted.email or "", facts.now)
    role_arn = f"arn:{call.partition}:iam::{account}:role/{ACCESS_ROLE}"
    if wanted.administrator is None:
        return Decision(facts=made.facts, answer=CreatedAccount(seen, role_arn), subject=arn)

    admitted = new_administrator(account, wanted.administrator, facts)
    administrator = AdministratorSeen(
        user_name=wanted.administrator,
        user_arn=f"arn:{call.partition}:iam::{account}:user/{wanted.administrator}",
        access_key_id=admitted.access_key_id,
        secret_access_key=admitted.secret,
    )
    return Decision(
        facts=(*made.facts, *admitted.facts),
        answer=CreatedAccount(seen, role_arn, administrator),
        secrets=admitted.secrets,
        subject=arn,
    )


def seen_account(state: State, call: Call[Any], account: Account) -> AccountSeen:
    """An account as our own API shows it."""
    return AccountSeen(
        id=account.id,
        arn=account_arn(state, call, account.id),
        name=account.name,
        email=account.email,
        created_at=account.created_at,
        status=ACTIVE if account.closed_at is None else CLOSED,
        closed_at=account.closed_at,
    )


class ListAccounts(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A page of all accounts, in the order of their ids."""

    max_results: Annotated[int, msgspec.Meta(ge=1, le=MOST_ACCOUNTS_A_PAGE)] | None = None
    next_token: str | None = None


class ListedAccounts(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """The page; `nextToken` asks for the rest."""

    accounts: tuple[AccountSeen, ...]
    next_token: str | None = None


@action("authority:ListAccounts", resource=lambda state, call: account_arn(state, call, "*"))
def list_accounts(state: State, call: Call[ListAccounts], _facts: Facts) -> Decision:
    """List every account of this authority."""
    if call.caller.account != state.management_account:
        return Decision(answer=NOT_MANAGEMENT)

    def listed(state: State) -> ListedAccounts | Refusal:
        found = page(
            tuple(state.accounts.values()),
            lambda account: account.id,
            marker=call.input.next_token,
            max_items=call.input.max_results,
            scope=scope_of(call, "authority:ListAccounts"),
        )
        if isinstance(found, Refusal):
            return found
        return ListedAccounts(tuple(seen_account(state, call, account) for account in found.items), found.marker)

    return Decision(then=listed)


class GetAccount(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Which account."""

    account_id: AccountIdText


class GottenAccount(msgspec.Struct, frozen=True, rename="camel"):
    """The answer."""

    account: AccountSeen


@action("authority:GetAccount", resource=lambda state, call: account_arn(state, call, call.input.account_id))
def get_account(state: State, call: Call[GetAccount], _facts: Facts) -> Decision:
    """Describe one account."""
    if call.caller.account != state.management_account:
        return Decision(answer=NOT_MANAGEMENT)
    account = state.accounts.get(call.input.account_id)
    if account is None:
        return refuse(Reason.NO_SUCH_ENTITY, f"The account {call.input.account_id} does not exist.")
    return Decision(answer=GottenAccount(seen_account(state, call, account)))


class ReopenAccount(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Which account."""

    account_id: AccountIdText


@action("authority:ReopenAccount", resource=lambda state, call: account_arn(state, call, call.input.account_id))
def reopen_account(state: State, call: Call[ReopenAccount], _facts: Facts) -> Decision:
    """Open a closed account again, with all that it held; its keys count again, and sessions that have not expired."""
    if call.caller.account != state.management_account:
        return Decision(answer=NOT_MANAGEMENT)
    account = state.accounts.get(call.input.account_id)
    if account is None:
        return refuse(Reason.NO_SUCH_ENTITY, f"The account {call.input.account_id} does not exist.")
    again = GottenAccount(seen_account(state, call, msgspec.structs.replace(account, closed_at=None)))
    if account.closed_at is None:
        return Decision(answer=again)
    return Decision(facts=(AccountReopened(account=account.id),), answer=again)


class PutQuota(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """How much of something an account may hold; without a value, as much as every account."""

    account_id: AccountIdText
    name: str
    value: Annotated[int, msgspec.Meta(ge=0, le=MOST_OF_ANYTHING)] | None = None


class Quota(msgspec.Struct, frozen=True, rename="camel"):
    """A quota as it is now."""

    account_id: str
    name: str
    value: int
    default: int


@action("authority:PutQuota", resource=lambda state, call: account_arn(state, call, call.input.account_id))
def put_quota(state: State, call: Call[PutQuota], _facts: Facts) -> Decision:
    """Let an account hold more, or less, of something than AWS lets it by default; what it holds already stays."""
    if call.caller.account != state.management_account:
        return Decision(answer=NOT_MANAGEMENT)
    wanted = call.input
    account, default = state.accounts.get(wanted.account_id), DEFAULTS.get(wanted.name)
    if account is None:
        return refuse(Reason.NO_SUCH_ENTITY, f"The account {wanted.account_id} does not exist.")
    if default is None:
        return refuse(Reason.NO_SUCH_ENTITY, f"There is no quota {wanted.name}; there are {', '.join(DEFAULTS)}.")
    value = default if wanted.value is None else wanted.value
    return Decision(
        facts=(QuotaSet(account=account.id, name=wanted.name, value=wanted.value),),
        answer=Quota(account.id, wanted.name, value, default),
    )
