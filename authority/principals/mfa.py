"""Whose MFA device it is: enabled by two codes in a row, set right again by two, taken away (IAM API, MFA actions).

Gathered for EnableMFADevice and ResyncMFADevice: `access.mfa.Compared`, both codes held against the seed of the device
that SerialNumber names (`held_pair`), or None when there is no such device.  Gathered for a TokenCode: the same with
one code (`held_code`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from authority.access.action import Decision, Facts, action, refuse
from authority.access.call import Call
from authority.access.caller import Caller
from authority.access.listing import Listing, listed
from authority.access.mfa import Compared, failed, once_key, serial_of, usable
from authority.access.naming import account_of
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.secret import Secret
from authority.model.account import Account
from authority.model.mfa import MfaDevice, MfaDeviceDeactivated, MfaDeviceEnabled, MfaDeviceResynchronised
from authority.model.principals import User
from authority.model.state import State
from authority.policy.principal import PrincipalKind
from authority.principals.devices import no_device, own_device, unknown
from authority.principals.naming import named_user, no_user, user_or_caller, user_or_caller_arn, worn_by_user
from authority.principals.totp import counter_at, matched, matched_pair

SLOW: Final = 1
"""Steps by which codes may lag because people type them; only more is a clock that goes wrong."""
CHANGED: Final = Refusal(
    Reason.CONCURRENT_MODIFICATION, "The MFA device was changed while the request was under way; try again."
)
NOT_HIS: Final = Refusal(Reason.NO_SUCH_ENTITY, "MFA Device invalid for user.")


def held_code(device: MfaDevice, seed: Secret, code: str, now: datetime) -> Compared:
    """Hold one code against the *seed* of *device*."""
    return Compared(device.id, matched(seed, code, now, drift=device.drift))


def held_pair(device: MfaDevice, seed: Secret, first: str, second: str, now: datetime) -> Compared:
    """Hold two codes in a row against the *seed* of *device*."""
    return Compared(device.id, matched_pair(seed, first, second, now))


class TwoCodes(msgspec.Struct, frozen=True, rename="pascal"):
    """Whose device, and two codes in a row that it showed."""

    user_name: str
    serial_number: str
    authentication_code1: str
    authentication_code2: str


def _judged(account: Account, device: MfaDevice, gathered: object, facts: Facts) -> int | Decision:
    """The time step of the newer code, or the refusal of both."""
    if not isinstance(gathered, Compared) or gathered.device_id != device.id:
        return Decision(answer=CHANGED)
    text = "Authentication code for device is not valid."
    if device.attempts.locked(facts.now):
        return refuse(Reason.INVALID_AUTHENTICATION_CODE, text)
    counter = usable(device, gathered, facts)
    # Both codes are used up, so neither may have been used before.
    if counter is None or counter - 1 <= device.last_counter or once_key(device, counter - 1) in facts.claimed:
        return refuse(Reason.INVALID_AUTHENTICATION_CODE, text, failed(account, device, gathered))
    return counter


def _drift(counter: int, now: datetime) -> int:
    drift = counter - counter_at(now)
    return 0 if abs(drift) <= SLOW else drift


class EnableMFADevice(TwoCodes, frozen=True):
    """Whose the device shall be."""


@action("iam:EnableMFADevice", resource=named_user, conditions=worn_by_user)
def enable_mfa_device(state: State, call: Call[EnableMFADevice], facts: Facts) -> Decision:
    """Give a device to a user who shows two codes of it in a row (IAM API, EnableMFADevice).

    1. the user is there, and the device, and it is nobody's;
    2. who has a device already and signs without one enrols no other: a stolen key must not bring its own;
    3. the user has no more devices than the quota;
    4. both codes are right and were never used; a wrong one is counted.
    """
    account, wanted = account_of(state, call), call.input
    user = account.user_named(wanted.user_name)
    if user is None:
        return no_user(wanted.user_name)
    device = own_device(state, call)
    if device is None:
        return no_device(wanted.serial_number)
    if device.owner:
        return refuse(Reason.ENTITY_ALREADY_EXISTS, "MFA Device is already in use.")
    his = account.mfa_devices_of(user.id)
    if his and _guarded(state) and _without_mfa(call.caller, user):
        text = "A user with an MFA device enables another only with credentials that were obtained with MFA."
        return refuse(Reason.ACCESS_DENIED, text)
    most = account.quota("MFADevicesPerUserQuota")
    if len(his) >= most:
        return refuse(Reason.LIMIT_EXCEEDED, f"Cannot exceed quota for MfaDevicesPerUser: {most}")
    counter = _judged(account, device, call.gathered, facts)
    if isinstance(counter, Decision):
        return counter
    enabled = MfaDeviceEnabled(
        account=account.id, device_id=device.id, owner=user.id, counter=counter, drift=_drift(counter, facts.now)
    )
    return Decision(facts=(enabled,), once=_both(device, counter))


def _guarded(state: State) -> bool:
    return state.settings is None or state.settings.mfa_guards_enrolment


def _without_mfa(caller: Caller, user: User) -> bool:
    """Whether *user* himself asks, without having shown a device."""
    himself = caller.principal.kind is PrincipalKind.USER and caller.principal.unique_id == user.id
    return himself and (caller.session is None or caller.session.mfa_at is None)


def _both(device: MfaDevice, counter: int) -> tuple[str, str]:
    return once_key(device, counter - 1), once_key(device, counter)


class ResyncMFADevice(TwoCodes, frozen=True):
    """Whose device has another time than we."""


@action("iam:ResyncMFADevice", resource=named_user, conditions=worn_by_user)
def resync_mfa_device(state: State, call: Call[ResyncMFADevice], facts: Facts) -> Decision:
    """Learn what time a user's device has, by two codes in a row (IAM API, ResyncMFADevice)."""
    account, wanted = account_of(state, call), call.input
    user = account.user_named(wanted.user_name)
    if user is None:
        return no_user(wanted.user_name)
    device = own_device(state, call)
    if device is None:
        return no_device(wanted.serial_number)
    if device.owner != user.id:
        return Decision(answer=NOT_HIS)
    counter = _judged(account, device, call.gathered, facts)
    if isinstance(counter, Decision):
        return counter
    learnt = MfaDeviceResynchronised(
        account=account.id, device_id=device.id, counter=counter, drift=_drift(counter, facts.now)
    )
    return Decision(facts=(learnt,), once=_both(device, counter))


def _his_device(state: State, call: Call[Any]) -> tuple[User, MfaDevice] | Refusal:
    user = user_or_caller(account_of(state, call), call)
    if isinstance(user, Refusal):
        return user
    device = own_device(state, call)
    if device is None:
        return unknown(call.input.serial_number)
    if not isinstance(user, User) or device.owner != user.id:
        return NOT_HIS
    return user, device


class DeactivateMFADevice(msgspec.Struct, frozen=True, rename="pascal"):
    """Which device; without a name, of who asks."""

    serial_number: str
    user_name: str = ""


@action("iam:DeactivateMFADevice", resource=user_or_caller_arn, conditions=worn_by_user)
def deactivate_mfa_device(state: State, call: Call[DeactivateMFADevice], _facts: Facts) -> Decision:
    """Take a device away from its user; it stays, and its used codes stay used (IAM API, DeactivateMFADevice)."""
    found = _his_device(state, call)
    if isinstance(found, Refusal):
        return Decision(answer=found)
    return Decision(facts=(MfaDeviceDeactivated(account=call.caller.account, device_id=found[1].id),))


class MfaDetail(msgspec.Struct, frozen=True, rename="pascal"):
    """Whose device, and since when (IAM API, MFADevice)."""

    user_name: str
    serial_number: str
    enable_date: datetime | None


class GetMFADevice(msgspec.Struct, frozen=True, rename="pascal"):
    """Which device; without a name, of who asks."""

    serial_number: str
    user_name: str = ""


@action("iam:GetMFADevice", resource=user_or_caller_arn, conditions=worn_by_user)
def get_mfa_device(state: State, call: Call[GetMFADevice], _facts: Facts) -> Decision:
    """Show a device that is a user's (IAM API, GetMFADevice)."""
    found = _his_device(state, call)
    if isinstance(found, Refusal):
        return Decision(answer=found)
    user, device = found
    return Decision(answer=MfaDetail(user.name, call.input.serial_number, device.enabled_at))


class MfaDevices(msgspec.Struct, frozen=True, rename="pascal"):
    """A page of a user's devices."""

    devices: tuple[MfaDetail, ...] = msgspec.field(name="MFADevices")
    is_truncated: bool = False
    marker: str | None = None


class ListMFADevices(Listing, frozen=True):
    """Whose devices; without a name, those of who asks."""

    user_name: str = ""


@action("iam:ListMFADevices", resource=user_or_caller_arn, conditions=worn_by_user)
def list_mfa_devices(state: State, call: Call[ListMFADevices], _facts: Facts) -> Decision:
    """List the devices of a user, by serial number (IAM API, ListMFADevices)."""
    account = account_of(state, call)
    owner = user_or_caller(account, call)
    if isinstance(owner, Refusal):
        return Decision(answer=owner)
    devices = [
        MfaDetail(owner.name, serial_of(account, device, call.partition), device.enabled_at)
        for device in account.mfa_devices_of(owner.id)
    ]
    return listed(
        call,
        f"iam:ListMFADevices|{owner.id}",
        lambda _: devices,
        lambda device: device.serial_number,
        lambda page: MfaDevices(page.items, page.is_truncated, page.marker),
    )
