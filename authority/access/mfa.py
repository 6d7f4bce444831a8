"""Whether a one-time code counts: of whose device, not locked, and a time step that was never used.

What the code is worth was found out before the decision, where the seed can be unsealed (`Compared`); whether it still
counts is decided here, in log order.  A code's time step is claimed by a once key whatever comes of the request.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from authority.access.action import Facts
from authority.access.applicable import partition_of
from authority.access.caller import Caller
from authority.kernel.arn import parse
from authority.kernel.refusal import Reason, Refusal
from authority.model.account import Account
from authority.model.fact import Fact
from authority.model.mfa import MfaAttemptFailed, MfaCodeAccepted, MfaDevice
from authority.model.state import State
from authority.policy.principal import PrincipalKind

BOTH_NEEDED: Final = Refusal(
    Reason.ACCESS_DENIED,
    "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.",
)
NOT_HIS: Final = Refusal(
    Reason.ACCESS_DENIED,
    "MultiFactorAuthentication failed, unable to validate MFA code.  "
    "Please verify your MFA serial number is valid and associated with this user.",
)
WRONG_CODE: Final = Refusal(
    Reason.ACCESS_DENIED, "MultiFactorAuthentication failed with invalid MFA one time pass code."
)


class Compared(msgspec.Struct, frozen=True):
    """One code, or two in a row, held against the seed of a device: the time step of the newer one, None if wrong."""

    device_id: str
    counter: int | None


class Judged(msgspec.Struct, frozen=True):
    """What a code came to.  `facts` and `once` belong into the decision, whatever it decides after."""

    refusal: Refusal | None = None
    facts: tuple[Fact, ...] = ()
    once: tuple[str, ...] = ()
    mfa_at: datetime | None = None
    """When the caller proved that he has the device; None when he did not."""


NOTHING_TO_JUDGE: Final = Judged()


def serial_of(account: Account, device: MfaDevice, partition: str) -> str:
    """The serial number of a virtual device: its ARN."""
    return f"arn:{partition}:iam::{account.id}:mfa{device.path}{device.name}"


def device_by_serial(state: State, serial: str, partition: str) -> tuple[Account, MfaDevice] | None:
    """The device with this serial number, to the letter, in whatever account."""
    arn = parse(serial)
    account = None if arn is None else state.accounts.get(arn.account)
    device = None if arn is None or account is None else account.mfa_device_at(arn.path, arn.name)
    if account is None or device is None or serial_of(account, device, partition) != serial:
        return None
    return account, device


def once_key(device: MfaDevice, counter: int) -> str:
    """What a code's use claims, for ever."""
    return f"totp:{device.id}:{counter}"


def usable(device: MfaDevice, compared: Compared, facts: Facts) -> int | None:
    """The time step of a code that was held against *device* and may be used now; None when it may not."""
    counter = compared.counter
    if compared.device_id != device.id or counter is None or counter <= device.last_counter:
        return None
    return None if once_key(device, counter) in facts.claimed else counter


def failed(account: Account, device: MfaDevice, compared: Compared) -> tuple[Fact, ...]:
    """What becomes true by a code that does not count: a guess is counted, a code that came again is none."""
    if compared.device_id != device.id or compared.counter is not None:
        return ()
    return (MfaAttemptFailed(account=account.id, device_id=device.id),)


def judge_code(account: Account, device: MfaDevice, gathered: object, facts: Facts) -> Judged:
    """Say whether the code that was gathered for *device* counts now (STS API, TokenCode)."""
    if not isinstance(gathered, Compared) or device.attempts.locked(facts.now):
        # A locked device answers as to a wrong code, so that a right one is not told from it.
        return Judged(WRONG_CODE)
    counter = usable(device, gathered, facts)
    if counter is None:
        return Judged(WRONG_CODE, failed(account, device, gathered))
    accepted = MfaCodeAccepted(account=account.id, device_id=device.id, counter=counter)
    return Judged(facts=(accepted,), once=(once_key(device, counter),), mfa_at=facts.now)


def judge_mfa(state: State, caller: Caller, *, serial: str, code: str, gathered: object, facts: Facts) -> Judged:
    """Judge the MFA that a caller of STS brings: nothing, or the serial number of his device and its code.

    *gathered* is `Compared`, or None when there was no such device.  Whoever names another's device learns nothing of
    it, and does it no harm.
    """
    if not serial and not code:
        return NOTHING_TO_JUDGE
    if not serial or not code:
        return Judged(BOTH_NEEDED)
    found = device_by_serial(state, serial, partition_of(caller))
    if found is None or caller.principal.kind is not PrincipalKind.USER:
        return Judged(NOT_HIS)
    if found[1].owner != caller.principal.unique_id:
        return Judged(NOT_HIS)
    return judge_code(*found, gathered, facts)
