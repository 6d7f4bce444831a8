"""What a question comes to when some keys are not known: what is said holds, whatever their values turn out to be."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from random import Random

import msgspec
import pytest

from authority.policy.combine import Question, weigh
from authority.policy.compiled import Source
from authority.replay.supposing import possible
from tests.policy import generate
from tests.policy.engine import Compiler, question
from tests.policy.generate import questions

COUNT = 1_500


def bound_in(asked) -> dict[Source, tuple[tuple[str, str], ...]]:
    papers = [*asked.identity, *(asked.boundary or ()), *(asked.session or ()), *asked.resource_policies]
    papers += [paper for level in (*asked.scps, *asked.rcps) for paper in level]
    return {
        Source(paper.layer, paper.name): tuple((arn, unique_id or "") for arn, unique_id in paper.bound.items())
        for paper in papers
    }


def forgetting(draw: Random, whole: Question) -> tuple[Question, frozenset[str]]:
    """The question with some of its context forgotten, and what was."""
    hidden = frozenset(key for key in whole.context if draw.random() < 0.5)
    known = {key: value for key, value in whole.context.items() if key not in hidden}
    return msgspec.structs.replace(whole, context=known), hidden


@pytest.mark.parametrize("chunk", range(4))
def test_what_is_said_to_be_certain_is_so_whatever_the_forgotten_keys_hold(chunk, request):
    seed = f"{request.config.getoption('randomly_seed', default=1)}-{chunk}"
    draw, compiler, said = Random(seed), Compiler(), Counter()
    for number, asked in enumerate(islice(questions(seed), COUNT)):
        whole = question(asked, compiler)
        partial, hidden = forgetting(draw, whole)
        absent = set(weigh(partial).missing) - hidden
        found = possible(partial, absent, bound_in(asked))
        said[found.effect] += 1
        if found.effect is None:
            assert found.unknown
            assert set(found.unknown) <= hidden
            continue
        other = {key: value for key, value in generate.context(draw).items() if key in hidden}
        for context in (whole.context, {**partial.context, **other}):
            truth = weigh(msgspec.structs.replace(whole, context=context))
            assert truth.allowed is (found.effect.value == "allowed"), (number, asked, hidden)
        if number % 512 == 0:
            compiler = Compiler()
    assert said[None] > COUNT / 100, said
    assert len(said) == 4, said


def test_nothing_unknown_is_the_engine_itself():
    compiler = Compiler()
    for asked in islice(questions("known"), 500):
        whole = question(asked, compiler)
        found = possible(whole, weigh(whole).missing)
        assert (found.effect, found.unknown) == (weigh(whole).effect, ())
