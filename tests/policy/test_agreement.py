"""The engine and the reference evaluator agree on every question, and the questions reach every corner."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest

from . import reference
from .engine import Compiler, decide
from .generate import questions


def agree(seed: int, count: int) -> Counter[str]:
    effects: Counter[str] = Counter()
    compiler = Compiler()
    for number, asked in enumerate(islice(questions(seed), count)):
        expected = reference.decide(asked)
        got = decide(asked, compiler)
        assert got == expected, f"seed {seed}, question {number}: {asked}"
        effects[got[0]] += 1
        if number % 4096 == 0:
            compiler = Compiler()
    return effects


def test_engine_and_reference_agree_on_generated_questions():
    effects = agree(seed=20260101, count=20_000)
    assert min(effects[effect] for effect in ("allowed", "implicitDeny", "explicitDeny")) > 2_000, effects


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(20))
def test_engine_and_reference_agree_on_a_million_questions(seed):
    agree(seed, 100_000)
