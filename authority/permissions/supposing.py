"""What a simulation is told: condition keys with their values, and who is to be taken for the caller.

Everything here is made up by whoever asks; it is checked for sense, and never for truth.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

from authority.access.context import TYPES
from authority.kernel.arn import Arn
from authority.kernel.letters import folded
from authority.kernel.refusal import Reason, Refusal
from authority.model.holders import Holder
from authority.policy.conditions.addresses import single
from authority.policy.conditions.booleans import boolean
from authority.policy.conditions.dates import moment
from authority.policy.conditions.numbers import number
from authority.policy.principal import Principal, PrincipalKind
from authority.policy.variables import Context

SESSION_NAME: Final = "simulation"
"""What a role is taken to be called under, which asks as a session of itself."""
LIST: Final = "List"


class ContextEntry(msgspec.Struct, frozen=True, rename="pascal"):
    """One condition key with what it is to be, as text in the form of its type."""

    context_key_name: str = ""
    context_key_values: tuple[str, ...] = ()
    context_key_type: str = ""


def _binary(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


_READERS: Final[Mapping[str, Callable[[str], object]]] = {
    "": str,
    "string": str,
    "numeric": number,
    "boolean": boolean,
    "ip": single,
    "binary": _binary,
    "date": moment,
}


def told(entries: Iterable[ContextEntry]) -> Context | Refusal:
    """The context that *entries* make; each key once, each value in the form of its type.

    Without a type, several values make a multivalued key.  A key without values is one that is not there.
    """
    context: dict[str, str | tuple[str, ...]] = {}
    seen: set[str] = set()
    for entry in entries:
        key, values = folded(entry.context_key_name), entry.context_key_values
        if not key or key in seen:
            return _senseless(f"The context key '{entry.context_key_name}' must be given once, by its full name.")
        seen.add(key)
        kind = entry.context_key_type.removesuffix(LIST)
        several = kind != entry.context_key_type or (not kind and len(values) > 1)
        if len(values) > 1 and not several:
            return _senseless(f"The context key '{entry.context_key_name}' is of type {kind} and takes one value.")
        if any(_READERS[kind](value) is None for value in values):
            return _senseless(f"A value of the context key '{entry.context_key_name}' is not of type {kind}.")
        if several:
            context[key] = values
        elif values:
            context[key] = values[0]
    return context


def _senseless(message: str) -> Refusal:
    return Refusal(Reason.INVALID_INPUT, message)


def supposed(arn: Arn, unique_id: str = "") -> Principal:
    """Who asks, if it is the user or group with this ARN, or a session of the role."""
    text = str(arn)
    if arn.kind != "role":
        return Principal(PrincipalKind.USER, text, arn.account, unique_id)
    session = f"arn:{arn.partition}:sts::{arn.account}:assumed-role/{arn.name}/{SESSION_NAME}"
    return Principal(PrincipalKind.ASSUMED_ROLE, session, arn.account, unique_id, issuer=text)


def known_of(arn: Arn, holder: Holder | None = None) -> Context:
    """The condition keys that who asks brings along; a group brings no more than its account."""
    context: dict[str, str | tuple[str, ...]] = {"aws:principalaccount": arn.account}
    if arn.kind == "group":
        return context
    principal = supposed(arn)
    context["aws:principalarn"] = str(arn)
    context["aws:principaltype"] = TYPES[principal.kind]
    if arn.kind == "user":
        context["aws:username"] = arn.name
    if holder is not None:
        context["aws:userid"] = holder.id if arn.kind == "user" else f"{holder.id}:{SESSION_NAME}"
        context |= {f"aws:principaltag/{folded(tag.key)}": tag.value for tag in holder.tags}
    return context
