"""Numeric operators: integers and decimals, compared exactly."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping
from decimal import Decimal

from authority.policy.conditions.comparison import Prepare, none_holds, one_holds

# Digits of ASCII only, no exponent, no spaces: `int` would take `3_600` and other alphabets' digits.
_NUMBER = re.compile(r"[+-]?[0-9]{1,100}(?:\.[0-9]{1,100})?")


def number(text: str) -> Decimal | None:
    """Read *text*, or say None when it is no number."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


OPERATORS: Mapping[str, Prepare] = {
    "NumericEquals": one_holds(number, number, operator.eq),
    "NumericNotEquals": none_holds(number, number, operator.eq),
    "NumericLessThan": one_holds(number, number, operator.lt),
    "NumericLessThanEquals": one_holds(number, number, operator.le),
    "NumericGreaterThan": one_holds(number, number, operator.gt),
    "NumericGreaterThanEquals": one_holds(number, number, operator.ge),
}
