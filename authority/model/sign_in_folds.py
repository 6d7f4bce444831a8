"""How the facts about passwords and MFA devices change what an account holds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import msgspec

from authority.kernel.tags import merged, without
from authority.model import mfa, passwords
from authority.model.account import Account
from authority.model.attempts import NONE
from authority.model.fact import AccountFact
from authority.model.mfa import MfaDevice
from authority.model.passwords import LoginProfile
from authority.model.principals import User

_replace = msgspec.structs.replace


def _changing_user(account: Account, user_id: str, change: Callable[[User], User]) -> Account:
    return account.with_user(change(account.users[user_id]))


def _changing_device(account: Account, device_id: str, change: Callable[[MfaDevice], MfaDevice]) -> Account:
    return account.with_mfa_device(change(account.mfa_devices[device_id]))


def _profile_created(account: Account, fact: passwords.LoginProfileCreated, at: datetime) -> Account:
    profile = LoginProfile(
        password_id=fact.password_id, created_at=at, changed_at=at, reset_required=fact.reset_required
    )
    return _changing_user(account, fact.user_id, lambda user: _replace(user, login=profile, password_attempts=NONE))


def _profile_updated(account: Account, fact: passwords.LoginProfileUpdated, at: datetime) -> Account:
    def change(user: User) -> User:
        old = user.login
        if old is None:
            return user
        same = fact.password_id == old.password_id
        profile = _replace(
            old,
            password_id=fact.password_id,
            changed_at=old.changed_at if same else at,
            reset_required=fact.reset_required,
            earlier=fact.earlier,
        )
        return _replace(user, login=profile, password_attempts=user.password_attempts if same else NONE)

    return _changing_user(account, fact.user_id, change)


def _profile_deleted(account: Account, fact: passwords.LoginProfileDeleted, _: datetime) -> Account:
    return _changing_user(account, fact.user_id, lambda user: _replace(user, login=None, password_attempts=NONE))


def _password_failed(account: Account, fact: passwords.PasswordAttemptFailed, at: datetime) -> Account:
    return _changing_user(
        account, fact.user_id, lambda user: _replace(user, password_attempts=user.password_attempts.failed(at))
    )


def _device_created(account: Account, fact: mfa.MfaDeviceCreated, at: datetime) -> Account:
    return account.with_mfa_device(
        MfaDevice(id=fact.device_id, name=fact.name, path=fact.path, created_at=at, tags=fact.tags)
    )


def _device_enabled(account: Account, fact: mfa.MfaDeviceEnabled, at: datetime) -> Account:
    changes: dict[str, Any] = {
        "owner": fact.owner, "enabled_at": at, "last_counter": fact.counter, "drift": fact.drift, "attempts": NONE,
    }  # fmt: skip
    return _changing_device(account, fact.device_id, lambda device: _replace(device, **changes))


def _device_resynchronised(account: Account, fact: mfa.MfaDeviceResynchronised, _: datetime) -> Account:
    changes: dict[str, Any] = {"last_counter": fact.counter, "drift": fact.drift, "attempts": NONE}
    return _changing_device(account, fact.device_id, lambda device: _replace(device, **changes))


def _code_accepted(account: Account, fact: mfa.MfaCodeAccepted, _: datetime) -> Account:
    return _changing_device(
        account, fact.device_id, lambda device: _replace(device, last_counter=fact.counter, attempts=NONE)
    )


def _attempt_failed(account: Account, fact: mfa.MfaAttemptFailed, at: datetime) -> Account:
    return _changing_device(
        account, fact.device_id, lambda device: _replace(device, attempts=device.attempts.failed(at))
    )


def _device_deactivated(account: Account, fact: mfa.MfaDeviceDeactivated, _: datetime) -> Account:
    # The last counter and the failures stay: a code that was used stays used, whoever enables the device next.
    return _changing_device(account, fact.device_id, lambda device: _replace(device, owner="", enabled_at=None))


def _device_deleted(account: Account, fact: mfa.MfaDeviceDeleted, _: datetime) -> Account:
    return account.without_mfa_device(fact.device_id)


def _device_tagged(account: Account, fact: mfa.MfaDeviceTagged, _: datetime) -> Account:
    return _changing_device(
        account,
        fact.device_id,
        lambda device: _replace(device, tags=merged(device.tags, fact.tags, ignore_case=False)),
    )


def _device_untagged(account: Account, fact: mfa.MfaDeviceUntagged, _: datetime) -> Account:
    return _changing_device(
        account,
        fact.device_id,
        lambda device: _replace(device, tags=without(device.tags, fact.keys, ignore_case=False)),
    )


FOLDS: Final[dict[type[AccountFact], Callable[[Account, Any, datetime], Account]]] = {
    passwords.LoginProfileCreated: _profile_created,
    passwords.LoginProfileUpdated: _profile_updated,
    passwords.LoginProfileDeleted: _profile_deleted,
    passwords.PasswordAttemptFailed: _password_failed,
    passwords.PasswordPolicySet: lambda account, fact, _: _replace(account, password_policy=fact.policy),
    passwords.PasswordPolicyDeleted: lambda account, _fact, _: _replace(account, password_policy=None),
    mfa.MfaDeviceCreated: _device_created,
    mfa.MfaDeviceEnabled: _device_enabled,
    mfa.MfaDeviceResynchronised: _device_resynchronised,
    mfa.MfaCodeAccepted: _code_accepted,
    mfa.MfaAttemptFailed: _attempt_failed,
    mfa.MfaDeviceDeactivated: _device_deactivated,
    mfa.MfaDeviceDeleted: _device_deleted,
    mfa.MfaDeviceTagged: _device_tagged,
    mfa.MfaDeviceUntagged: _device_untagged,
}
