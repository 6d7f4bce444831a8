"""The engine and the reference evaluator agree on every question, and the questions reach every corner.

The questions are new in every run: they come from the seed that pytest says at its start (`--randomly-seed`).  Where the
two differ, the question is made as small as it gets and printed as code that asks it again.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import asdict
from itertools import islice

import pytest

from . import reference
from .engine import Compiler, decide
from .generate import questions
from .reference import Asked
from .shrink import reproducer, shrunk
from .test_sharpness import ROOM, planted

CHUNKS, QUESTIONS = 20, 5_200
DEEP_CHUNKS, DEEP_QUESTIONS = 200, 50_000
EFFECTS = ("allowed", "implicitDeny", "explicitDeny")


@pytest.fixture
def seed(request) -> int:
    """This run's own; every worker of a run has the same."""
    return request.config.getoption("randomly_seed", default=20260101)


def differs(asked: Asked) -> bool:
    return decide(asked, Compiler()) != reference.decide(asked)


def agree(seed: str, count: int) -> Counter[str]:
    """Ask both, and fail with the smallest question on which they differ; count what the answers were."""
    effects: Counter[str] = Counter()
    compiler = Compiler()
    for number, asked in enumerate(islice(questions(seed), count)):
        expected = reference.decide(asked)
        if decide(asked, compiler) != expected:
            pytest.fail(
                f"question {number} of seed {seed!r}; the same, made small:\n\n{reproducer(shrunk(asked, differs))}"
            )
        effects[expected[0]] += 1
        if number % 4096 == 0:
            compiler = Compiler()
    return effects


def test_at_least_a_hundred_thousand_questions_are_asked_in_every_run():
    assert CHUNKS * QUESTIONS >= 100_000
    assert DEEP_CHUNKS * DEEP_QUESTIONS >= 10_000_000


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_engine_and_reference_agree_on_fresh_questions(chunk, seed):
    effects = agree(f"{seed}-{chunk}", QUESTIONS)
    assert min(effects[effect] for effect in EFFECTS) > QUESTIONS / 20, effects


@pytest.mark.deep
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("chunk", range(DEEP_CHUNKS))
def test_engine_and_reference_agree_on_ten_million_questions(chunk, seed, capfd):
    effects = agree(f"deep-{seed}-{chunk}", DEEP_QUESTIONS)
    with capfd.disabled():
        said = ", ".join(f"{effects[effect]} {effect}" for effect in EFFECTS)
        sys.stderr.write(f"chunk {chunk + 1} of {DEEP_CHUNKS}: {DEEP_QUESTIONS} questions, {said}\n")


def test_the_same_seed_asks_the_same_questions():
    assert list(islice(questions("a"), 50)) == list(islice(questions("a"), 50))
    assert list(islice(questions("a"), 50)) != list(islice(questions("b"), 50))


def test_a_difference_is_shown_as_the_smallest_question_that_has_it():
    with planted(f"{ROOM}.conditions.numbers", "operator.lt)", "operator.le)") as mistaken:

        def wrong(asked: Asked) -> bool:
            return mistaken.decide(asked, mistaken.Compiler()) != reference.decide(asked)

        small = shrunk(next(asked for asked in questions(11) if wrong(asked)), wrong)
        assert wrong(small)
    assert len(small.context) == 1
    assert str(small).count("NumericLessThan") == str(small).count("Condition") == 1
    scope: dict = {}
    exec(reproducer(small), scope)
    assert asdict(scope["asked"]) == asdict(small)
