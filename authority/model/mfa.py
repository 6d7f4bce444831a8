"""Virtual MFA devices: the facts about them and what they are.  Their seeds are sealed rows beside the log."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from authority.kernel.tags import Tag
from authority.model.attempts import NONE, Attempts
from authority.model.fact import AccountFact

KIND: Final = "AMFA"
PURPOSE: Final = "totp"
"""What seeds are sealed for; a row's id is the device's."""


class MfaDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A device that makes a code every thirty seconds.  *owner* is a user's unique id, or empty.

    `last_counter` is the newest time step whose code was accepted: none before it is accepted any more.  `drift` is
    how many steps its clock goes ahead of ours.
    """

    id: str
    name: str
    path: str
    created_at: datetime
    tags: tuple[Tag, ...] = ()
    owner: str = ""
    enabled_at: datetime | None = None
    last_counter: int = -1
    drift: int = 0
    attempts: Attempts = NONE


class MfaDeviceCreated(AccountFact, frozen=True, kw_only=True, tag="mfa-device-created"):
    """An account got a virtual MFA device, that nobody uses yet."""

    device_id: str
    name: str
    path: str
    tags: tuple[Tag, ...] = ()


class MfaDeviceEnabled(AccountFact, frozen=True, kw_only=True, tag="mfa-device-enabled"):
    """A device is a user's from now on; *counter* is the time step of the newer of its two codes."""

    device_id: str
    owner: str
    counter: int
    drift: int = 0


class MfaDeviceResynchronised(AccountFact, frozen=True, kw_only=True, tag="mfa-device-resynchronised"):
    """A device showed by two codes what time it has."""

    device_id: str
    counter: int
    drift: int = 0


class MfaCodeAccepted(AccountFact, frozen=True, kw_only=True, tag="mfa-code-accepted"):
    """A device's code was right.  It will never be accepted again, nor an older one."""

    device_id: str
    counter: int


class MfaAttemptFailed(AccountFact, frozen=True, kw_only=True, tag="mfa-attempt-failed"):
    """Somebody gave a wrong code for a device."""

    device_id: str


class MfaDeviceDeactivated(AccountFact, frozen=True, kw_only=True, tag="mfa-device-deactivated"):
    """A device is nobody's any more."""

    device_id: str


class MfaDeviceDeleted(AccountFact, frozen=True, kw_only=True, tag="mfa-device-deleted"):
    """A device is gone, and its seed destroyed."""

    device_id: str


class MfaDeviceTagged(AccountFact, frozen=True, kw_only=True, tag="mfa-device-tagged"):
    """Tags were laid over those of a device; case counts in their keys."""

    device_id: str
    tags: tuple[Tag, ...]


class MfaDeviceUntagged(AccountFact, frozen=True, kw_only=True, tag="mfa-device-untagged"):
    """Tags were taken off a device."""

    device_id: str
    keys: tuple[str, ...]
