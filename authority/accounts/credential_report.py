"""The credential report: every user of an account and the state of its credentials, as CSV.

Asked for first and fetched after, as in AWS; what is fetched says what is true when it is fetched, and when that was.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from authority.access.action import Decision, Facts, action, refuse
from authority.access.applicable import holder_arn
from authority.access.call import Call
from authority.access.naming import account_of
from authority.accounts.naming import the_account
from authority.audit.answers import LastUse
from authority.audit.queries import LastUsed
from authority.kernel.refusal import Reason
from authority.model.account import Account
from authority.model.account_settings import CredentialReportRequested
from authority.model.principals import AccessKey, KeyStatus, User
from authority.model.state import State

LIFETIME: Final = timedelta(hours=4)
"""How long a report may be fetched after it was asked for (IAM User Guide, Getting credential reports)."""
COLUMNS: Final = (
    "user", "arn", "user_creation_time",
    "password_enabled", "password_last_used", "password_last_changed", "password_next_rotation", "mfa_active",
    "access_key_1_active", "access_key_1_last_rotated",
    "access_key_1_last_used_date", "access_key_1_last_used_region", "access_key_1_last_used_service",
    "access_key_2_active", "access_key_2_last_rotated",
    "access_key_2_last_used_date", "access_key_2_last_used_region", "access_key_2_last_used_service",
    "cert_1_active", "cert_1_last_rotated", "cert_2_active", "cert_2_last_rotated",
)  # fmt: skip
ROOT: Final = "<root_account>"
ABSENT: Final = "N/A"
UNSUPPORTED: Final = "not_supported"
UNKNOWN: Final = "no_information"
KEYS_SHOWN: Final = 2


class GenerateCredentialReport(msgspec.Struct, frozen=True):
    """Nothing needs to be said."""


class ReportState(msgspec.Struct, frozen=True, rename="pascal"):
    """Whether the report can be fetched."""

    state: str
    description: str | None = None


@action("iam:GenerateCredentialReport", resource=the_account)
def generate_credential_report(state: State, call: Call[GenerateCredentialReport], facts: Facts) -> Decision:
    """Ask for the report; it can be fetched at once, for four hours (IAM API, GenerateCredentialReport)."""
    account = account_of(state, call)
    asked = account.report_requested_at
    if asked is not None and facts.now < asked + LIFETIME:
        return Decision(answer=ReportState("COMPLETE"))
    started = ReportState("STARTED", "No report exists. Starting a new report generation task")
    return Decision(facts=(CredentialReportRequested(account=account.id),), answer=started)


class GetCredentialReport(msgspec.Struct, frozen=True):
    """Nothing needs to be said."""


class CredentialReport(msgspec.Struct, frozen=True, rename="pascal"):
    """The report."""

    content: bytes
    report_format: str
    generated_time: datetime


@action("iam:GetCredentialReport", resource=the_account)
def get_credential_report(state: State, call: Call[GetCredentialReport], facts: Facts) -> Decision:
    """Fetch the report that was asked for (IAM API, GetCredentialReport)."""
    account, now = account_of(state, call), facts.now
    if account.report_requested_at is None:
        return refuse(Reason.REPORT_NOT_PRESENT, "No report exists; ask for one with GenerateCredentialReport.")
    if now >= account.report_requested_at + LIFETIME:
        return refuse(Reason.REPORT_EXPIRED, "The report has expired; ask for one with GenerateCredentialReport.")
    keys = keys_by_owner(state, account)
    ids = tuple(key.id for owned in keys.values() for key in owned)

    def shape(last_uses: Mapping[str, LastUse]) -> CredentialReport:
        return CredentialReport(written(account, keys, last_uses, call.partition), "text/csv", now)

    return Decision(query=LastUsed(ids=ids, shape=shape))


def keys_by_owner(state: State, account: Account) -> Mapping[str, Sequence[AccessKey]]:
    """The access keys that there are in *account*, by whose they are, the oldest first."""
    found: dict[str, list[AccessKey]] = {}
    for key in state.access_keys.values():
        if key.account == account.id and key.status is not KeyStatus.DELETED:
            found.setdefault(key.owner, []).append(key)
    return {owner: sorted(keys, key=lambda key: (key.created_at, key.id)) for owner, keys in found.items()}


def written(
    account: Account, keys: Mapping[str, Sequence[AccessKey]], last_uses: Mapping[str, LastUse], partition: str
) -> bytes:
    """The report as CSV: a header, the root, and the users by name."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerow(_root_row(account, keys, last_uses, partition))
    for user in sorted(account.users.values(), key=lambda user: user.name):
        writer.writerow(_user_row(account, user, keys, last_uses, partition))
    return out.getvalue().encode()


def _root_row(
    account: Account, keys: Mapping[str, Sequence[AccessKey]], last_uses: Mapping[str, LastUse], partition: str
) -> list[str]:
    arn = f"arn:{partition}:iam::{account.id}:root"
    password = [UNSUPPORTED, UNKNOWN, UNSUPPORTED, UNSUPPORTED]
    row = [ROOT, arn, _spelled(account.created_at), *password, "false"]
    return [*row, *_key_columns(keys.get(account.id, ()), last_uses), *_NO_CERTIFICATES]


def _user_row(
    account: Account,
    user: User,
    keys: Mapping[str, Sequence[AccessKey]],
    last_uses: Mapping[str, LastUse],
    partition: str,
) -> list[str]:
    row = [user.name, holder_arn(account, user, partition), _spelled(user.created_at)]
    row += _password_columns(account, user)
    row.append(_truth(bool(account.mfa_devices_of(user.id))))
    return [*row, *_key_columns(keys.get(user.id, ()), last_uses), *_NO_CERTIFICATES]


_NO_CERTIFICATES: Final = ("false", ABSENT, "false", ABSENT)


def _password_columns(account: Account, user: User) -> list[str]:
    login = user.login
    if login is None:
        return ["false", ABSENT, ABSENT, ABSENT]
    days = 0 if account.password_policy is None else account.password_policy.max_age
    rotation = _spelled(login.changed_at + timedelta(days=days)) if days else ABSENT
    return ["true", UNKNOWN, _spelled(login.changed_at), rotation]


def _key_columns(keys: Sequence[AccessKey], last_uses: Mapping[str, LastUse]) -> Iterator[str]:
    for index in range(KEYS_SHOWN):
        if index >= len(keys):
            yield from ("false", ABSENT, ABSENT, ABSENT, ABSENT)
            continue
        key = keys[index]
        yield _truth(key.status is KeyStatus.ACTIVE)
        yield _spelled(key.created_at)
        used = last_uses.get(key.id)
        yield from (ABSENT,) * 3 if used is None else (_spelled(used.at), used.region or ABSENT, used.service)


def _spelled(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S+00:00")


def _truth(value: bool) -> str:
    return "true" if value else "false"
