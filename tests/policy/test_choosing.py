"""How statements are found in many policies at once: none that might speak is left out, and all come in order."""

from __future__ import annotations

import pytest

from authority.policy.choosing import Gathered, gathered
from authority.policy.compiled import REMEMBERED

from .test_verdict import ALICE, asks, policy

HOME = "arn:aws:s3:::home"


def asked(*policies, resource=HOME, **known):
    verdict = asks(ALICE, identity=policies, resource=resource, context={"aws:username": "alice"} | known)
    return [each.policy if not each.sid else each.sid for each in verdict.determined_by]


def allows(sid: str, *resources: str):
    return policy("identity", Resource=list(resources), Sid=sid)


def test_statements_come_in_the_order_of_their_policies_however_their_resources_begin():
    several = (
        allows("open", "arn:aws:s3:::*"),
        allows("any", "*"),
        allows("whole", HOME),
        allows("filled", "arn:aws:s3:::ho${aws:Missing, 'me'}"),
        allows("longer", "arn:aws:s3:::hom*"),
        allows("named", "arn:aws:s3:::h?me"),
    )
    assert asked(*several) == ["open", "any", "whole", "filled", "longer", "named"]
    assert asked(*reversed(several)) == ["named", "longer", "filled", "whole", "any", "open"]


@pytest.mark.parametrize(
    ("resources", "reaches"),
    [
        pytest.param([HOME, HOME], True, id="a resource that is named twice"),
        pytest.param(["arn:aws:s3:::*", "arn:aws:s3:::ho*", HOME], True, id="a resource that is reached three times over"),
        pytest.param(["arn:aws:s3:::home/*"], False, id="what begins longer than the resource"),
        pytest.param(["arn:aws:s3:::homes"], False, id="what goes on where the resource ends"),
        pytest.param(["arn:aws:s3:::hom"], False, id="a whole name that is only a beginning"),
        pytest.param(["arn:aws:s3:::home*"], True, id="a beginning that is the whole resource"),
        pytest.param(["arn:aws:sqs:*", "*"], True, id="a star among others"),
        pytest.param(["arn:aws:s3:::${aws:username}", HOME], True, id="a name beside a variable"),
    ],
)  # fmt: skip
def test_a_statement_is_found_once_by_any_of_its_resources(resources, reaches):
    assert asked(allows("it", *resources)) == (["it"] if reaches else [])


@pytest.mark.parametrize(
    ("resource", "reached"),
    [
        ("arn:aws:s3:::alice/x", "arn:aws:s3:::${aws:username}/*"),
        ("arn:aws:s3:::alice", "arn:aws:s3:::${aws:username}*"),
        ("arn:aws:s3:::alice-alice", "arn:aws:s3:::${aws:username}-${aws:username}"),
        ("arn:aws:s3:::x*x", "arn:aws:s3:::${aws:Star}"),
        ("arn:aws:s3:::x*x/y", "arn:aws:s3:::${aws:Star}/?"),
    ],
)
def test_values_are_put_into_resources_as_plain_text(resource, reached):
    filled = allows("it", reached)
    assert asked(filled, resource=resource, **{"aws:star": "x*x"}) == ["it"]
    assert asked(filled, resource=resource.replace("al", "xx").replace("*", "--"), **{"aws:star": "x*x"}) == []


def test_the_same_set_of_policies_is_gathered_once():
    first, second = allows("one", HOME), allows("two", HOME)
    assert gathered((first, second)) is gathered((first, second))
    assert gathered((first, second)) is not gathered((second, first))


def test_a_set_remembers_a_bounded_number_of_actions():
    gathering = Gathered((allows("it", HOME),))
    for number in range(REMEMBERED + 10):
        assert len(gathering.about(f"s3:get{number}").near(HOME)) == 1
    assert len(gathering._choices) <= REMEMBERED
