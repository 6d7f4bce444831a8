"""Time-based one-time passwords: which code a seed shows at a time step, and which step a code belongs to (RFC 6238).

Thirty seconds, six digits, HMAC-SHA-1.  Knows no device and remembers nothing: that a code is used once is not its
business.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from authority.kernel.secret import Secret

STEP: Final = 30
"""Seconds of a time step (RFC 6238, section 4.1)."""
DIGITS: Final = 6
SEED_BYTES: Final = 20
"""The length of the hash (RFC 4226, section 4, R6)."""
EITHER_SIDE: Final = 1
"""Steps before and after the present one whose codes count too (RFC 6238, section 5.2)."""
FAR: Final = 20
"""Steps that a device's clock may be off when two codes in a row prove what time it has."""

# What other readers of digits take for six of them: blanks, signs, underscores, digits of other scripts.
_CODE: Final = re.compile(r"[0-9]{6}", re.ASCII)


def counter_at(moment: datetime) -> int:
    """The time step that *moment* lies in (RFC 6238, section 4.2)."""
    return int(moment.timestamp()) // STEP


def code_at(seed: Secret, counter: int) -> str:
    """The code that *seed* shows in the time step *counter* (RFC 4226, section 5.3)."""
    # The seed leaves its wrapping here only, to be hashed.
    digest = hmac.digest(seed.reveal(), counter.to_bytes(8, "big"), hashlib.sha1)
    offset = digest[-1] & 0xF
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def matched(seed: Secret, code: str, now: datetime, *, drift: int = 0) -> int | None:
    """The time step near *now* whose code is *code*; None when there is none.  *drift* is how far the clock is off."""
    if _CODE.fullmatch(code) is None:
        return None
    middle = counter_at(now) + drift
    return _first(counter for counter in _around(middle, EITHER_SIDE) if _equal(code_at(seed, counter), code))


def matched_pair(seed: Secret, first: str, second: str, now: datetime) -> int | None:
    """The time step of *second* when the two codes belong to two steps in a row, not too far from *now*; else None."""
    if _CODE.fullmatch(first) is None or _CODE.fullmatch(second) is None or first == second:
        return None
    middle = counter_at(now)
    codes = {counter: code_at(seed, counter) for counter in _around(middle, FAR + 1)}
    return _first(
        counter
        for counter in _around(middle, FAR)
        if counter - 1 in codes and _equal(codes[counter - 1], first) and _equal(codes[counter], second)
    )


def _around(middle: int, far: int) -> list[int]:
    """The steps up to *far* from *middle*, the nearest first."""
    return sorted(range(max(middle - far, 0), middle + far + 1), key=lambda counter: abs(counter - middle))


def _equal(shown: str, given: str) -> bool:
    return hmac.compare_digest(shown, given)


def _first(counters: Iterable[int]) -> int | None:
    return next(iter(counters), None)


def spelled(seed: Secret) -> str:
    """*seed* in base 32, as people type it into a device."""
    return base64.b32encode(seed.reveal()).decode("ascii").rstrip("=")
