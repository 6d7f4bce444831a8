"""Time and chance from the machine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from authority.kernel.clock import Clock, Entropy
from authority.outbound.clock import SystemClock
from authority.outbound.entropy import SystemEntropy


def test_the_clock_tells_the_present_in_utc():
    clock: Clock = SystemClock()
    before = datetime.now(UTC)
    assert before <= clock.now() <= before + timedelta(minutes=1)
    assert clock.now().utcoffset() == timedelta(0)


def test_entropy_has_the_length_asked_for_and_is_never_the_same():
    entropy: Entropy = SystemEntropy()
    assert [len(entropy.draw(count)) for count in (0, 1, 32)] == [0, 1, 32]
    assert len({entropy.draw(16) for _ in range(100)}) == 100
