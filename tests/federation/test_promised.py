"""Every attack that was promised to be tried is tried by name."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
NAMED = re.compile(r"def test_((?:[mj][0-9]{2}_(?:to_)?)+)")
LISTED = {f"m{number:02d}" for number in range(1, 28)} | {f"j{number:02d}" for number in range(1, 19)}
"""Attacks on assertions, and on tokens."""


def tried() -> set[str]:
    found: set[str] = set()
    for file in (*HERE.glob("test_*.py"), *(HERE.parent / "outbound").glob("test_*.py")):
        for names in NAMED.findall(file.read_text(encoding="utf-8")):
            numbers = re.findall(r"[mj][0-9]{2}", names)
            if "_to_" in names:
                first, last = numbers
                numbers = [f"{first[0]}{number:02d}" for number in range(int(first[1:]), int(last[1:]) + 1)]
            found.update(numbers)
    return found


def test_every_attack_that_is_listed_has_a_test_of_its_name():
    assert LISTED - tried() == set()
