"""Time and chance from the machine."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

from authority.kernel.clock import Clock, Entropy
from authority.outbound.clock import SystemClock
from authority.outbound.entropy import POOL, SystemEntropy


def test_the_clock_tells_the_present_in_utc():
    clock: Clock = SystemClock()
    before = datetime.now(UTC)
    assert before <= clock.now() <= before + timedelta(minutes=1)
    assert clock.now().utcoffset() == timedelta(0)


def test_entropy_has_the_length_asked_for_and_is_never_the_same():
    entropy: Entropy = SystemEntropy()
    assert [len(entropy.draw(count)) for count in (0, 1, 32, POOL, POOL + 1)] == [0, 1, 32, POOL, POOL + 1]
    assert len({entropy.draw(16) for _ in range(10 * POOL)}) == 10 * POOL


def test_no_two_threads_are_given_the_same_bytes(monkeypatch):
    """They take turns between any two lines."""
    monkeypatch.setattr("authority.outbound.entropy.POOL", 160)
    entropy = SystemEntropy()
    drawn: list[bytes] = []

    def make_way(*_):
        time.sleep(0)
        return make_way

    threading.settrace(make_way)
    threads = [threading.Thread(target=lambda: drawn.extend(entropy.draw(16) for _ in range(300))) for _ in range(4)]
    for thread in threads:
        thread.start()
    threading.settrace(None)
    for thread in threads:
        thread.join()
    assert len(set(drawn)) == 1200


def test_a_child_is_not_given_what_its_parent_will_draw():
    code = """
import os
from authority.outbound.entropy import SystemEntropy
entropy = SystemEntropy()
entropy.draw(16)
child = os.fork()
os.write(1, entropy.draw(16))
if child:
    os.waitpid(child, 0)
"""
    told = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE).stdout
    assert len(told) == 32
    assert told[:16] != told[16:]
