"""From a question on which two evaluators differ to the smallest one found on which they still do.

Everything that can be left out is tried in turn until nothing more can: policies, statements, elements of lists,
conditions, context keys, whole layers.  What remains is printed as code that asks the question again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import fields, replace
from typing import Any

from .reference import Asked, Paper

PAPERS = ("identity", "resource_policies")
LIMITS = ("boundary", "session")
LEVELS = ("scps", "rcps")


def shrunk(asked: Asked, differs: Callable[[Asked], bool]) -> Asked:
    """A question like *asked* for which *differs* still holds and which cannot be made smaller in one step."""
    while True:
        smaller = next((each for each in _smaller(asked) if _holds(differs, each)), None)
        if smaller is None:
            return asked
        asked = smaller


def reproducer(asked: Asked) -> str:
    """Python that asks *asked* again, of both."""
    said = "\n".join(
        f"    {each.name}={getattr(asked, each.name)!r},"
        for each in fields(Asked)
        if getattr(asked, each.name) != each.default
    )
    return (
        "from tests.policy import engine, reference\n"
        "from tests.policy.reference import Asked, Caller, Paper\n\n"
        f"asked = Asked(\n{said}\n)\n"
        'print("reference", reference.decide(asked))\n'
        'print("engine   ", engine.decide(asked, engine.Compiler()))\n'
    )


def _holds(differs: Callable[[Asked], bool], asked: Asked) -> bool:
    # A document that has lost too much keeps to no grammar, and then neither is to be asked.
    with suppress(AssertionError, KeyError):
        return differs(asked)
    return False


def _smaller(asked: Asked) -> Iterator[Asked]:
    for layer in LEVELS:
        for levels in _without_one(getattr(asked, layer)):
            yield replace(asked, **{layer: levels})
        for at, level in enumerate(getattr(asked, layer)):
            for papers in _smaller_papers(level):
                yield replace(asked, **{layer: _with(getattr(asked, layer), at, papers)})
    for layer in LIMITS:
        if getattr(asked, layer) is not None:
            yield replace(asked, **{layer: None})
            for papers in _smaller_papers(getattr(asked, layer)):
                yield replace(asked, **{layer: papers})
    for layer in PAPERS:
        for papers in _smaller_papers(getattr(asked, layer)):
            yield replace(asked, **{layer: papers})
    for key, value in asked.context.items():
        yield replace(asked, context={name: held for name, held in asked.context.items() if name != key})
        if isinstance(value, tuple):
            for values in _without_one(value):
                yield replace(asked, context={**asked.context, key: values})


def _smaller_papers(papers: tuple[Paper, ...]) -> Iterator[tuple[Paper, ...]]:
    yield from _without_one(papers)
    for at, paper in enumerate(papers):
        for document in _smaller_value(json.loads(paper.text)):
            yield _with(papers, at, replace(paper, text=json.dumps(document)))
        for arn in paper.bound:
            fewer = {name: unique_id for name, unique_id in paper.bound.items() if name != arn}
            yield _with(papers, at, replace(paper, bound=fewer))


def _smaller_value(value: Any) -> Iterator[Any]:
    """The same JSON with one thing less in it, the largest first."""
    if isinstance(value, dict):
        for key in value:
            yield {name: held for name, held in value.items() if name != key}
        for key, held in value.items():
            for smaller in _smaller_value(held):
                yield {**value, key: smaller}
    elif isinstance(value, list):
        if len(value) == 1:
            yield value[0]
        for fewer in _without_one(tuple(value)):
            yield list(fewer)
        for at, held in enumerate(value):
            for smaller in _smaller_value(held):
                yield [*value[:at], smaller, *value[at + 1 :]]


def _without_one(items: tuple) -> Iterator[tuple]:
    for at in range(len(items)):
        yield (*items[:at], *items[at + 1 :])


def _with(items: tuple, at: int, item: Any) -> tuple:
    return (*items[:at], item, *items[at + 1 :])
