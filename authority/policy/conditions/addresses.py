"""IP address operators: whether the caller's address lies inside a CIDR block."""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Mapping
from typing import TypeAlias

from authority.policy.conditions.comparison import Prepare, none_holds, one_holds

Block: TypeAlias = tuple[int, int, int]
"""Family, first address, number of fixed bits."""

_BITS = {4: 32, 6: 128}
_MAPPED_BITS = 96
_PREFIX = re.compile(r"[0-9]{1,3}")


@functools.lru_cache(maxsize=1024)
def block(text: str) -> Block | None:
    """Read an address or a CIDR block, or say None.

    `::ffff:10.0.0.1` is 10.0.0.1: otherwise a caller could step around a block by the spelling of its address.
    """
    spelled, slash, length = text.partition("/")
    if "%" in spelled or (slash and not _PREFIX.fullmatch(length)):
        return None
    try:
        address = ipaddress.ip_address(spelled)
    except ValueError:
        return None
    family, bits = address.version, int(length) if slash else _BITS[address.version]
    if bits > _BITS[family]:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None and bits >= _MAPPED_BITS:
        address, family, bits = address.ipv4_mapped, 4, bits - _MAPPED_BITS
    loose = _BITS[family] - bits
    return family, int(address) >> loose << loose, bits


def single(text: str) -> Block | None:
    """Read one address; a block is no address that a request can come from."""
    return None if "/" in text else block(text)


def _inside(asked: Block, written: Block) -> bool:
    family, first, bits = written
    loose = _BITS[family] - bits
    return asked[0] == family and asked[1] >> loose == first >> loose


OPERATORS: Mapping[str, Prepare] = {
    "IpAddress": one_holds(single, block, _inside),
    "NotIpAddress": none_holds(single, block, _inside),
}
