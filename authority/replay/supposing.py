"""Questions of which not everything is known: what they come to whatever the rest may be, or which keys decide.

A condition on a key that is not known may hold or not.  Read hopefully, every Allow that may apply does and no Deny
that need not; read gloomily, the other way round.  Where both come to the same, nothing more has to be known.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

import msgspec

from authority.kernel.letters import folded
from authority.kernel.refusal import Refusal
from authority.policy import conditions
from authority.policy.combine import Effect, Question, Verdict, weigh
from authority.policy.compiled import Policy, Source, compile_policy
from authority.policy.document import Document, Kind, Statement, parse
from authority.policy.variables import names_in, resource_tail

Bound: TypeAlias = tuple[tuple[str, str], ...]
"""The unique ids that the principals of a trust policy had (`model.roles.Trust`)."""

ANYTHING: Final = "*"


class Possible(msgspec.Struct, frozen=True):
    """What a question comes to: `effect` is None where it depends on the `unknown` keys."""

    effect: Effect | None
    verdict: Verdict
    """What it comes to if what is not known is not there."""
    unknown: tuple[str, ...] = ()


def possible(question: Question, absent: Iterable[str] = (), bound: Mapping[Source, Bound] | None = None) -> Possible:
    """Answer *question*, in whose context nothing is known of the keys that are missing but that *absent* are.

    *bound* are the bindings of its trust policies.
    """
    verdict, known = weigh(question), frozenset(absent)
    if known.issuperset(verdict.missing):
        return Possible(verdict.effect, verdict)
    # A statement that a missing variable kept from its resource did not come to its conditions: they are open too.
    unknown = frozenset(key for key in _keys_read(question) if key not in question.context) - known
    hopeful, gloomy = (weigh(_read(question, unknown, bound or {}, hopeful=hopeful)) for hopeful in (True, False))
    if hopeful.allowed is gloomy.allowed:  # and then so is what lies between
        return Possible(verdict.effect, verdict)
    return Possible(None, verdict, tuple(sorted(unknown.intersection(verdict.missing))))


def _keys_read(question: Question) -> Iterator[str]:
    """The condition keys that any of the policies reads."""
    layers = (question.identity, question.boundary or (), question.session or (), question.resource_policies)
    for policy in itertools.chain(*layers, *question.scps, *question.rcps):
        yield from map(folded, policy.document.context_keys)


def _read(question: Question, unknown: frozenset[str], bound: Mapping[Source, Bound], *, hopeful: bool) -> Question:
    """The question as it reads when what is *unknown* turns out hopefully, or gloomily."""

    def read(policies: Iterable[Policy]) -> tuple[Policy, ...]:
        return tuple(
            _settled(
                one.document.text, one.document.kind, one.source, bound.get(one.source, ()), _Way(unknown, hopeful)
            )
            for one in policies
        )

    return msgspec.structs.replace(
        question,
        identity=read(question.identity),
        boundary=None if question.boundary is None else read(question.boundary),
        session=None if question.session is None else read(question.session),
        resource_policies=read(question.resource_policies),
        scps=tuple(map(read, question.scps)),
        rcps=tuple(map(read, question.rcps)),
    )


class _Way(NamedTuple):
    """A way to read: which keys are not known, and whether they turn out well for who asks."""

    unknown: frozenset[str]
    hopeful: bool


@lru_cache(maxsize=4096)
def _settled(text: str, kind: Kind, source: Source, bound: Bound, way: _Way) -> Policy:
    document = parse(text, kind)
    if isinstance(document, Refusal):
        raise TypeError(f"a compiled policy does not parse: {document.message}")
    statements = tuple(
        read for statement in document.statements if (read := _statement(statement, document, way)) is not None
    )
    settled = msgspec.structs.replace(document, statements=_renumbered(statements))
    return compile_policy(settled, source, {arn: unique_id or None for arn, unique_id in bound})


def _statement(statement: Statement, document: Document, way: _Way) -> Statement | None:
    """*statement* without what is unknown, if it applies then; None when it does not."""
    unknown, variables = way.unknown, document.has_variables
    open_conditions = [
        condition
        for condition in statement.conditions
        if not unknown.isdisjoint(
            folded(key)
            for key in conditions.keys_read(condition.operator, condition.key, condition.values, variables=variables)
        )
    ]
    resources = (*statement.resources, *statement.not_resources)
    open_resources = [name for name in resources if variables and _reads(name, unknown)]
    if not open_conditions and not open_resources:
        return statement
    if (statement.effect == "Allow") is not way.hopeful:
        return None
    kept = tuple(condition for condition in statement.conditions if condition not in open_conditions)
    if not open_resources:
        return msgspec.structs.replace(statement, conditions=kept)
    if statement.resources:
        widened = (*(name for name in statement.resources if name not in open_resources), ANYTHING)
        return msgspec.structs.replace(statement, conditions=kept, resources=widened)
    spared = tuple(name for name in statement.not_resources if name not in open_resources)
    if spared:
        return msgspec.structs.replace(statement, conditions=kept, not_resources=spared)
    return msgspec.structs.replace(statement, conditions=kept, not_resources=(), resources=(ANYTHING,))


def _reads(name: str, unknown: frozenset[str]) -> bool:
    return any(folded(key) in unknown for key in names_in(resource_tail(name)))


def _renumbered(statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
    """Statements by their place in the list, which is how a compiled policy finds them."""
    return tuple(msgspec.structs.replace(one, index=index) for index, one in enumerate(statements))
