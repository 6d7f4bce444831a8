"""Date operators: moments, written in the W3C profile of ISO 8601 or as seconds since 1970."""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Mapping
from datetime import date
from typing import Final

from authority.policy.conditions.comparison import Prepare, none_holds, one_holds

_EPOCH: Final = date(1970, 1, 1).toordinal()
_SECOND: Final = 1_000_000_000
# One reading per spelling: `strptime` and `fromisoformat` take more, and two readings of one text are an attack.
# IAM was seen to take a small `t`, an hour of one digit and a zone of hours alone.
_MOMENT = re.compile(
    r"([0-9]{4})-([0-9]{2})(?:-([0-9]{2})"
    r"(?:[Tt]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?([Zz]|([+-])([0-9]{2})(?::([0-9]{2}))?)?)?)?"
)
_SECONDS = re.compile(r"(-?)([0-9]{1,100})(?:\.([0-9]{1,9}))?")
_LAST: Final = 2**63 - 1
"""IAM was seen to refuse one second more."""

SPELLINGS: Final = "a moment: `2026-05-01T12:00:00Z`, `2026-05-01` or seconds since 1970"


@functools.lru_cache(maxsize=1024)
def moment(text: str) -> int | None:
    """Read *text* as nanoseconds since 1970, or say None when it is no moment.

    Four digits alone are seconds, not a year; what is left out is the first day, midnight, UTC.
    """
    if found := _SECONDS.fullmatch(text):
        sign, seconds, fraction = found.groups()
        if int(seconds) > _LAST:
            return None
        count = int(seconds) * _SECOND + _nanoseconds(fraction)
        return -count if sign else count
    if not (found := _MOMENT.fullmatch(text)):
        return None
    year, month, day, hour, minute, second, fraction, _, ahead, zone_hour, zone_minute = found.groups()
    try:
        days = date(int(year), int(month), int(day or 1)).toordinal() - _EPOCH
    except ValueError:
        return None
    clock = (int(hour or 0), int(minute or 0), int(second or 0))
    offset = (int(zone_hour or 0), int(zone_minute or 0))
    if clock > (23, 59, 59) or max(clock[1:]) > 59 or offset > (23, 59) or offset[1] > 59:
        return None
    late = (offset[0] * 60 + offset[1]) * (-1 if ahead == "-" else 1)
    seconds_of_day = (clock[0] * 60 + clock[1] - late) * 60 + clock[2]
    return (days * 86_400 + seconds_of_day) * _SECOND + _nanoseconds(fraction)


def _nanoseconds(fraction: str | None) -> int:
    return int(fraction.ljust(9, "0")) if fraction else 0


OPERATORS: Mapping[str, Prepare] = {
    "DateEquals": one_holds(moment, moment, operator.eq),
    "DateNotEquals": none_holds(moment, moment, operator.eq),
    "DateLessThan": one_holds(moment, moment, operator.lt),
    "DateLessThanEquals": one_holds(moment, moment, operator.le),
    "DateGreaterThan": one_holds(moment, moment, operator.gt),
    "DateGreaterThanEquals": one_holds(moment, moment, operator.ge),
}
