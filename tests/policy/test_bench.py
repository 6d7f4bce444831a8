"""What the bench of decisions asks can be asked: every policy is one that the authority takes."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from . import engine, reference

BENCH = Path(__file__).resolve().parents[2] / "ops" / "bench_rows" / "decisions.py"


def bench():
    spec = importlib.util.spec_from_file_location("bench_of_decisions", BENCH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_engine_and_reference_agree_on_what_the_bench_asks():
    decisions = bench()
    asked = decisions._questions(reference, policies=10, statements=20)
    questions, answers = decisions._compiled(engine, reference, asked)
    assert len(questions) == len(asked)
    assert {"allowed", "implicitDeny"} <= set(answers)


def test_a_whole_decision_of_the_bench_is_made():
    decide, asked = bench()._whole(policies=10, statements=20)
    for resource in asked[:20]:
        decide(resource)
