"""Guests of a pool come at a bounded pace, since each makes an entry of the log and nothing stands behind it."""

from __future__ import annotations

from datetime import timedelta

from authority.vouching import GUESTS_A_SECOND, GUESTS_AT_ONCE, Pace
from tests.federation.responses import NOW


def admitted(pace: Pace, seconds: float, tries: int) -> int:
    """How many of so many guests are let in at that moment."""
    return sum(pace.admit(NOW + timedelta(seconds=seconds)) for _ in range(tries))


def test_so_many_come_at_once_and_then_so_many_in_a_second():
    pace = Pace()
    assert admitted(pace, 0, 1_000) == GUESTS_AT_ONCE
    assert admitted(pace, 1, 1_000) == GUESTS_A_SECOND
    assert admitted(pace, 1, 1_000) == 0


def test_however_long_nobody_came_no_more_come_at_once():
    pace = Pace()
    admitted(pace, 0, 1_000)
    assert admitted(pace, 86_400, 1_000) == GUESTS_AT_ONCE


def test_a_clock_that_goes_back_lets_nobody_in_twice():
    pace = Pace()
    assert admitted(pace, 0, 1_000) == GUESTS_AT_ONCE
    assert admitted(pace, -3_600, 1_000) == 0
