"""Laws of the verdict that hold for every question (after the theorems that Cedar proves of its authoriser)."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import islice
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authority.policy.combine import weigh

from .engine import Compiler, decide, question
from .generate import LINKED, questions
from .reference import Asked, Paper

QUESTIONS = st.builds(
    lambda seed, skip: next(islice(questions(seed), skip, None)), st.integers(0, 2**32), st.integers(0, 7)
)
LAYERS = ("identity", "boundary", "session", "resource_policies", "scps", "rcps")
PRINCIPAL = {"Principal": "*"}
bounded = settings(max_examples=300)


def effect(asked: Asked) -> str:
    return decide(asked, Compiler())[0]


def everything(asked: Asked, layer: str, verdict: str) -> Paper:
    """A policy of *layer* that says *verdict* to everything."""
    name = "trust" if layer == "resource_policies" and asked.trust else layer.removesuffix("s").removesuffix("_policie")
    statement = {"Effect": verdict, "Action": "sts:*" if name == "trust" else "*"}
    if name in ("resource", "trust", "rcp"):
        statement |= PRINCIPAL
    if name != "trust":
        statement["Resource"] = "*"
    return Paper(name, "added", json.dumps({"Version": "2012-10-17", "Statement": statement}))


def with_added(asked: Asked, layer: str, paper: Paper) -> Asked:
    """Add *paper* to a layer that is there; a layer that is not there stays away, since having it is a limit."""
    if layer in ("scps", "rcps"):
        return replace(asked, **{layer: tuple((*level, paper) for level in getattr(asked, layer))})
    held = getattr(asked, layer)
    return asked if held is None else replace(asked, **{layer: (*held, paper)})


def rewritten(asked: Asked, change) -> Asked:
    """Put every document through *change*, which takes and gives a list of statements."""

    def paper(old: Paper) -> Paper:
        document = json.loads(old.text)
        statements = document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
        return replace(old, text=json.dumps({**document, "Statement": change(statements)}))

    def papers(held):
        return None if held is None else tuple(map(paper, held))

    plain = {layer: papers(getattr(asked, layer)) for layer in LAYERS[:4]}
    levels = {layer: tuple(map(papers, getattr(asked, layer))) for layer in LAYERS[4:]}
    return replace(asked, **plain, **levels)


def leaves_alone(layer: str, asked: Asked) -> bool:
    """Control policies never limit a service-linked role, nor those of a service whoever is of no account."""
    outsider = asked.caller.kind not in ("user", "root", "assumed-role", "federated-user")
    return (layer in ("scps", "rcps") and asked.caller == LINKED) or (layer == "scps" and outsider)


@bounded
@given(QUESTIONS, st.sampled_from(LAYERS))
def test_a_deny_of_everything_beats_every_allow(asked, layer):
    changed = with_added(asked, layer, everything(asked, layer, "Deny"))
    if changed != asked and not leaves_alone(layer, asked):
        assert effect(changed) == "explicitDeny"


@bounded
@given(QUESTIONS, st.sampled_from(("scps", "rcps")), st.booleans())
def test_control_policies_change_nothing_for_whom_they_leave_alone(asked, layer, linked):
    if linked:
        asked = replace(asked, caller=LINKED)
    if leaves_alone(layer, asked):
        denied = with_added(asked, layer, everything(asked, layer, "Deny"))
        assert effect(denied) == effect(replace(asked, **{layer: ()}))


@bounded
@given(QUESTIONS)
def test_nothing_is_allowed_without_an_allow(asked):
    if asked.caller.kind == "root" and asked.owner == asked.caller.account:
        return  # root is allowed by being root
    harmless = {"Effect": "Deny", "Action": "sts:TagSession", "Condition": {"Null": {"none": "false"}}}

    def without_allows(statements):
        kept = [statement for statement in statements if statement["Effect"] == "Deny"]
        example = statements[0]
        return kept or [
            {**harmless, **{key: example[key] for key in ("Principal", "Resource") if key in example}}
            | ({"Resource": "*"} if "NotResource" in example else {})
            | (PRINCIPAL if "NotPrincipal" in example else {})
        ]

    assert effect(rewritten(asked, without_allows)) != "allowed"


@bounded
@given(QUESTIONS, st.randoms(use_true_random=False))
def test_order_and_repetition_do_not_matter(asked, chance: Random):
    def shuffled(statements):
        again = [*statements, chance.choice(statements)]
        chance.shuffle(again)
        return again

    changed = rewritten(asked, shuffled)
    twice = replace(changed, identity=changed.identity[::-1] + changed.identity)
    assert effect(twice) == effect(asked)


@bounded
@given(QUESTIONS, st.sampled_from(LAYERS))
def test_adding_an_allow_never_turns_allow_into_deny(asked, layer):
    if effect(asked) == "allowed":
        assert effect(with_added(asked, layer, everything(asked, layer, "Allow"))) == "allowed"


@bounded
@given(QUESTIONS, QUESTIONS)
def test_adding_a_deny_never_turns_deny_into_allow(asked, other):
    denies = rewritten(other, lambda statements: [{**statement, "Effect": "Deny"} for statement in statements])
    if effect(asked) != "allowed":
        assert effect(replace(asked, identity=asked.identity + denies.identity)) != "allowed"
        if asked.trust == other.trust:
            more = asked.resource_policies + denies.resource_policies
            assert effect(replace(asked, resource_policies=more)) != "allowed"


@bounded
@given(QUESTIONS)
def test_each_limit_that_is_added_only_takes_away(asked):
    for layer in ("boundary", "session"):
        if getattr(asked, layer) is None and asked.caller.kind != "federated-user":
            limited = replace(asked, **{layer: ()})
            assert (effect(limited) == "allowed") <= (effect(asked) == "allowed")


@bounded
@given(QUESTIONS)
def test_what_determined_a_denial_denies_by_itself(asked):
    compiler = Compiler()
    verdict, grounds = decide(asked, compiler)
    if verdict != "explicitDeny":
        return
    for layer, name, index in grounds:

        def only_the_ground(held, layer=layer, name=name, index=index):
            for paper in held or ():
                if (paper.layer, paper.name) == (layer, name):
                    document = json.loads(paper.text)
                    statements = document["Statement"]
                    alone = statements[index] if isinstance(statements, list) else statements
                    return (replace(paper, text=json.dumps({**document, "Statement": alone})),)
            return ()

        # Only where a layer is single do we know where to look; a boundary must stay for NotPrincipal.
        if layer == "identity":
            alone = replace(asked, identity=only_the_ground(asked.identity), resource_policies=())
            assert effect(alone) == "explicitDeny"


@pytest.mark.parametrize("value", [True, False])
def test_a_verdict_has_no_truth(value):
    asked = next(asked for asked in questions(1) if (effect(asked) == "allowed") is value)
    verdict = weigh(question(asked, Compiler()))
    assert verdict.allowed is value
    with pytest.raises(TypeError, match="test verdict"):
        bool(verdict)
