"""Where a listing goes on: the range of positions that no page has shown yet.

The range is fixed by the first page, so that no entry is shown twice and none is missed, however the log grows.  A
token is no secret and proves nothing: who makes one up looks at other positions, with his own eyes.
"""

from __future__ import annotations

import base64
import binascii
import struct
from typing import Final

from authority.audit.queries import FindEvents, FindSessions, Range
from authority.kernel.refusal import Reason, Refusal

_SCOPE_BYTES: Final = 9
_FORM: Final = struct.Struct(f">{_SCOPE_BYTES}sQQ")
_LENGTH: Final = 36
"""Twenty-five bytes in base 64, with its padding."""
_LAST: Final = 2**63 - 1

FOREIGN_TOKEN: Final = Refusal(
    Reason.VALIDATION_ERROR,
    "The value of nextToken is not one that this query returned; repeat the query with the same filters, or begin "
    "without nextToken.",
)


def write(query: FindEvents | FindSessions, left: Range) -> str | None:
    """The token for what is *left*; None when nothing is."""
    if left.low > left.high:
        return None
    packed = _FORM.pack(query.scope()[:_SCOPE_BYTES], left.low, left.high)
    return base64.urlsafe_b64encode(packed).decode("ascii")


def read(query: FindEvents | FindSessions, token: str) -> Range | Refusal:
    """What is left according to *token*, which must be one of *query*'s."""
    if len(token) != _LENGTH:
        return FOREIGN_TOKEN
    try:
        packed = base64.b64decode(token, altchars=b"-_", validate=True)
        scope, low, high = _FORM.unpack(packed)
    except (binascii.Error, ValueError, struct.error):
        return FOREIGN_TOKEN
    if scope != query.scope()[:_SCOPE_BYTES] or not 1 <= low <= high <= _LAST:
        return FOREIGN_TOKEN
    return Range(low, high)
