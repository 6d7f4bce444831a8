"""The BinaryEquals operator: bytes, written in base 64 on both sides."""

from __future__ import annotations

import base64
import binascii
import operator
from collections.abc import Mapping

from authority.policy.conditions.comparison import Prepare, one_holds


def binary(text: str) -> bytes | None:
    """Decode *text*, or say None unless it is the one canonical spelling of its bytes (RFC 4648 section 3.5)."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if base64.b64encode(data).decode("ascii") == text else None


OPERATORS: Mapping[str, Prepare] = {"BinaryEquals": one_holds(binary, binary, operator.eq)}
