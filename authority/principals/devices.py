"""Virtual MFA devices as things: made, listed, tagged, deleted (IAM API, MFA actions).

Whose they are and which codes they show is told in `mfa`.  A seed is answered once, by the call that makes it.
"""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

import msgspec
import segno

from authority.access.action import Decision, Facts, NewSecret, action, refuse
from authority.access.call import Call
from authority.access.context import Context
from authority.access.listing import Listing, listed
from authority.access.mfa import device_by_serial, serial_of
from authority.access.naming import account_of, iam_arn
from authority.access.tagging import QUOTA, request_tags, resource_tags, tags_refused
from authority.access.wearing import tagged, tagging, tags_listed, untagging
from authority.kernel.arn import parse
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.secret import Secret
from authority.kernel.tags import Tag
from authority.model.account import Account
from authority.model.mfa import (
    KIND,
    PURPOSE,
    MfaDevice,
    MfaDeviceCreated,
    MfaDeviceDeleted,
    MfaDeviceTagged,
    MfaDeviceUntagged,
)
from authority.model.state import State
from authority.principals.totp import SEED_BYTES, spelled
from authority.principals.users import UserDetail, shown

QR_SCALE: Final = 4
"""Pixels to a side of each little square."""
LONGEST_SERIAL: Final = 256
"""What other operations take (IAM API, serialNumberType): a device with a longer one could never be named."""


class DeviceDetail(msgspec.Struct, frozen=True, rename="pascal", kw_only=True):
    """A virtual MFA device as IAM shows it (IAM API, VirtualMFADevice)."""

    serial_number: str
    base32_string_seed: Secret | None = msgspec.field(name="Base32StringSeed", default=None)
    qr_code_png: Secret | None = msgspec.field(name="QRCodePNG", default=None)
    user: UserDetail | None = None
    enable_date: datetime | None = None
    tags: tuple[Tag, ...] | None = None


class DeviceAnswer(msgspec.Struct, frozen=True):
    """One device."""

    device: DeviceDetail = msgspec.field(name="VirtualMFADevice")


class CreateVirtualMFADevice(msgspec.Struct, frozen=True, rename="pascal"):
    """What a new device shall be called."""

    name: str = msgspec.field(name="VirtualMFADeviceName")
    path: str = "/"
    tags: tuple[Tag, ...] = ()


def _new_device_arn(_state: State, call: Call[CreateVirtualMFADevice]) -> str:
    return iam_arn(call, f"mfa{call.input.path}{call.input.name}")


@action(
    "iam:CreateVirtualMFADevice",
    resource=_new_device_arn,
    conditions=lambda _, call: request_tags(call.input.tags),
    tagging="iam:TagMFADevice",
)
def create_virtual_mfa_device(state: State, call: Call[CreateVirtualMFADevice], facts: Facts) -> Decision:
    """Make a device with a seed of its own, and show the seed this once (IAM API, CreateVirtualMFADevice)."""
    account, wanted = account_of(state, call), call.input
    too_long = len(_new_device_arn(state, call)) - LONGEST_SERIAL
    if too_long > 0:
        most = max(len(wanted.name) - too_long, 0)
        text = (
            "1 validation error detected: Value at 'virtualMFADeviceName' failed to satisfy constraint: "
            f"Member must have length less than or equal to {most}"
        )
        return refuse(Reason.VALIDATION_ERROR, text)
    refused = tags_refused(wanted.tags, ignore_case=False, most=account.quota(QUOTA))
    if refused is not None:
        return Decision(answer=refused)
    if account.mfa_device_at(wanted.path, wanted.name) is not None:
        return refuse(Reason.ENTITY_ALREADY_EXISTS, "MFA device already exists.")
    made = MfaDeviceCreated(
        account=account.id, device_id=facts.new_id(KIND), name=wanted.name, path=wanted.path, tags=wanted.tags
    )
    device = MfaDevice(id=made.device_id, name=made.name, path=made.path, created_at=facts.now)
    seed = Secret(facts.draw(SEED_BYTES))
    label = f"{wanted.name}@{_name_of(account)}"
    serial, tags = serial_of(account, device, call.partition), wanted.tags or None

    def then(_state: State) -> DeviceAnswer:
        return DeviceAnswer(
            DeviceDetail(
                serial_number=serial,
                base32_string_seed=Secret(spelled(seed)),
                qr_code_png=_drawn(label, seed),
                tags=tags,
            )
        )

    return Decision(facts=(made,), then=then, secrets=(NewSecret(device.id, PURPOSE, seed),))


def _name_of(account: Account) -> str:
    return account.aliases[0] if account.aliases else account.id


def _drawn(label: str, seed: Secret) -> Secret:
    """The QR code that an app scans (IAM API, VirtualMFADevice, QRCodePNG)."""
    drawing = io.BytesIO()
    address = f"otpauth://totp/{quote(label, safe='@')}?secret={spelled(seed)}"
    segno.make(address, micro=False).save(drawing, kind="png", scale=QR_SCALE)
    return Secret(drawing.getvalue())


def _serial_arn(_state: State, call: Call[Any]) -> str:
    serial = call.input.serial_number
    return serial if parse(serial) is not None else iam_arn(call, f"mfa/{serial}")


def _worn(state: State, call: Call[Any]) -> Context:
    found = device_by_serial(state, call.input.serial_number, call.partition)
    return {} if found is None or found[0].id != call.caller.account else resource_tags(found[1].tags)


def own_device(state: State, call: Call[Any]) -> MfaDevice | None:
    """The device of the caller's account that the input names by its serial number."""
    found = device_by_serial(state, call.input.serial_number, call.partition)
    return None if found is None or found[0].id != call.caller.account else found[1]


def unknown(serial: str) -> Refusal:
    """There is no device with this serial number."""
    return Refusal(Reason.NO_SUCH_ENTITY, f"MFA Device with serial number {serial} does not exist.")


def no_device(serial: str) -> Decision:
    """The same, as a decision."""
    return Decision(answer=unknown(serial))


class DeleteVirtualMFADevice(msgspec.Struct, frozen=True, rename="pascal"):
    """Which device to delete."""

    serial_number: str


@action("iam:DeleteVirtualMFADevice", resource=_serial_arn, conditions=_worn)
def delete_virtual_mfa_device(state: State, call: Call[DeleteVirtualMFADevice], _facts: Facts) -> Decision:
    """Delete a device that is nobody's, and its seed with it (IAM API, DeleteVirtualMFADevice)."""
    device = own_device(state, call)
    if device is None:
        return no_device(call.input.serial_number)
    if device.owner:
        return refuse(Reason.DELETE_CONFLICT, "Cannot delete entity, must deactivate MFA device first.")
    gone = MfaDeviceDeleted(account=call.caller.account, device_id=device.id)
    return Decision(facts=(gone,), dropped=(device.id,))


class Devices(msgspec.Struct, frozen=True, rename="pascal"):
    """A page of virtual MFA devices."""

    devices: tuple[DeviceDetail, ...] = msgspec.field(name="VirtualMFADevices")
    is_truncated: bool = False
    marker: str | None = None


class ListVirtualMFADevices(Listing, frozen=True):
    """Which devices: those of somebody, those of nobody, or any."""

    assignment_status: str = "Any"


@action("iam:ListVirtualMFADevices", resource=lambda _, call: iam_arn(call, "mfa/"))
def list_virtual_mfa_devices(_state: State, call: Call[ListVirtualMFADevices], _facts: Facts) -> Decision:
    """List the virtual MFA devices of the account, by serial number (IAM API, ListVirtualMFADevices)."""
    status, account_id = call.input.assignment_status, call.caller.account

    def items(state: State) -> list[DeviceDetail]:
        account = state.accounts[account_id]
        return [
            _listed(account, device, call.partition)
            for device in account.mfa_devices.values()
            if status == "Any" or bool(device.owner) == (status == "Assigned")
        ]

    return listed(
        call,
        f"iam:ListVirtualMFADevices|{status}",
        items,
        lambda device: device.serial_number,
        lambda page: Devices(page.items, page.is_truncated, page.marker),
    )


def _listed(account: Account, device: MfaDevice, partition: str) -> DeviceDetail:
    owner = account.users.get(device.owner)
    return DeviceDetail(
        serial_number=serial_of(account, device, partition),
        user=None if owner is None else shown(account, owner, partition),
        enable_date=device.enabled_at,
    )


class TagMFADevice(msgspec.Struct, frozen=True, rename="pascal"):
    """Which device, and the tags to lay over those it wears."""

    serial_number: str
    tags: tuple[Tag, ...]


@action("iam:TagMFADevice", resource=_serial_arn, conditions=tagging(_worn))
def tag_mfa_device(state: State, call: Call[TagMFADevice], _facts: Facts) -> Decision:
    """Lay tags over those of a device; case counts in their keys (IAM API, TagMFADevice)."""
    device, new = own_device(state, call), call.input.tags
    if device is None:
        return no_device(call.input.serial_number)
    laid_on = MfaDeviceTagged(account=call.caller.account, device_id=device.id, tags=new)
    return tagged(account_of(state, call), device, new, laid_on)


class UntagMFADevice(msgspec.Struct, frozen=True, rename="pascal"):
    """Which device, and the tags to take off."""

    serial_number: str
    tag_keys: tuple[str, ...]


@action("iam:UntagMFADevice", resource=_serial_arn, conditions=untagging(_worn))
def untag_mfa_device(state: State, call: Call[UntagMFADevice], _facts: Facts) -> Decision:
    """Take tags off a device (IAM API, UntagMFADevice)."""
    device, keys = own_device(state, call), call.input.tag_keys
    if device is None:
        return no_device(call.input.serial_number)
    return Decision(facts=(MfaDeviceUntagged(account=call.caller.account, device_id=device.id, keys=keys),))


class ListMFADeviceTags(Listing, frozen=True, kw_only=True):
    """Whose tags to list."""

    serial_number: str


@action("iam:ListMFADeviceTags", resource=_serial_arn, conditions=_worn)
def list_mfa_device_tags(state: State, call: Call[ListMFADeviceTags], _facts: Facts) -> Decision:
    """List the tags of a device, by key (IAM API, ListMFADeviceTags)."""
    device = own_device(state, call)
    if device is None:
        return no_device(call.input.serial_number)
    return tags_listed(call, "iam:ListMFADeviceTags", device)
