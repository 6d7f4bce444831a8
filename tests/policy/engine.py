"""The engine, asked in the plain data of the reference evaluator."""

from __future__ import annotations

from functools import lru_cache

from authority.policy.combine import Question, Verdict, weigh
from authority.policy.compiled import Policy, Source, compile_policy
from authority.policy.document import Document, Kind, parse
from authority.policy.principal import Principal, PrincipalKind

from .reference import Asked, Paper

KINDS = {
    "identity": Kind.IDENTITY,
    "boundary": Kind.BOUNDARY,
    "session": Kind.SESSION,
    "resource": Kind.RESOURCE,
    "trust": Kind.TRUST,
    "scp": Kind.IDENTITY,
    "rcp": Kind.RESOURCE,
}


@lru_cache(maxsize=8192)
def _document(text: str, kind: Kind) -> Document:
    document = parse(text, kind)
    assert isinstance(document, Document), (document, text)
    return document


def compiled(paper: Paper) -> Policy:
    return compile_policy(_document(paper.text, KINDS[paper.layer]), Source(paper.layer, paper.name), paper.bound)


class Compiler:
    """Compiles each paper once."""

    def __init__(self) -> None:
        self.known: dict[int, tuple[Paper, Policy]] = {}

    def __call__(self, paper: Paper) -> Policy:
        found = self.known.get(id(paper))
        if found is None:
            found = self.known[id(paper)] = (paper, compiled(paper))
        return found[1]

    def all(self, papers: tuple[Paper, ...]) -> tuple[Policy, ...]:
        return tuple(map(self, papers))


def question(asked: Asked, compiler: Compiler) -> Question:
    caller = asked.caller
    return Question(
        principal=Principal(PrincipalKind(caller.kind), caller.arn, caller.account, caller.unique_id, caller.issuer),
        action=asked.action,
        resource=asked.resource,
        resource_account=asked.owner,
        context=asked.context,
        identity=compiler.all(asked.identity),
        boundary=None if asked.boundary is None else compiler.all(asked.boundary),
        session=None if asked.session is None else compiler.all(asked.session),
        resource_policies=compiler.all(asked.resource_policies),
        trust=asked.trust,
        scps=tuple(map(compiler.all, asked.scps)),
        rcps=tuple(map(compiler.all, asked.rcps)),
    )


def answer(verdict: Verdict) -> tuple[str, frozenset[tuple[str, str, int]]]:
    """What the reference evaluator answers, from the engine's verdict."""
    return verdict.effect.value, frozenset((each.layer, each.policy, each.index) for each in verdict.determined_by)


def decide(asked: Asked, compiler: Compiler) -> tuple[str, frozenset[tuple[str, str, int]]]:
    return answer(weigh(question(asked, compiler)))
