"""A boundary gives nothing and limits everything that identity policies give."""

from __future__ import annotations

import json

import pytest

from authority.access.boundaries import AttachedBoundary, boundary_shown, boundary_wanted, boundary_worn
from authority.kernel.ids import PolicyId
from authority.kernel.refusal import Reason, Refusal
from authority.model import boundaries, policies
from authority.policy.combine import Effect
from tests.access.test_action import decided, paint, permits
from tests.model.test_state import HARMLESS, MIA, PRODUCTION, after

LIMIT = PolicyId("ANPALIMIT")
LIMITS_ARN = f"arn:aws:iam::{PRODUCTION}:policy/limits/Limit"


def limit(effect: str, action: str):
    document = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": effect, "Action": action, "Resource": "*"}})
    yield policies.PolicyCreated(account=PRODUCTION, policy_id=LIMIT, name="Limit", path="/limits/", document=document)
    yield boundaries.BoundarySet(account=PRODUCTION, holder=MIA, policy_id=LIMIT)


@pytest.mark.parametrize(
    ("facts", "effect"),
    [
        pytest.param((permits("Allow"), *limit("Allow", "iam:*")), Effect.ALLOWED, id="what both allow"),
        pytest.param((permits("Allow"), *limit("Allow", "sqs:*")), Effect.IMPLICIT_DENY, id="not what it leaves out"),
        pytest.param((permits("Allow"), *limit("Deny", "iam:Paint")), Effect.EXPLICIT_DENY, id="not what it denies"),
        pytest.param(tuple(limit("Allow", "*")), Effect.IMPLICIT_DENY, id="a boundary alone gives nothing"),
        pytest.param(
            (permits("Allow"), *limit("Allow", "sqs:*"), boundaries.BoundaryRemoved(account=PRODUCTION, holder=MIA)),
            Effect.ALLOWED,
            id="a boundary that was removed",
        ),
        pytest.param(
            (permits("Allow"), *limit("Allow", "iam:*"), policies.PolicyDeleted(account=PRODUCTION, policy_id=LIMIT)),
            Effect.IMPLICIT_DENY,
            id="a boundary whose policy is gone allows nothing",
        ),
    ],
)
def test_what_a_boundary_leaves(facts, effect):
    (weighed,) = decided(paint, *facts).weighed
    assert weighed.verdict.effect is effect


def test_the_refusal_names_the_boundary():
    answer = decided(paint, permits("Allow"), *limit("Allow", "sqs:*")).answer
    assert isinstance(answer, Refusal)
    assert answer.message.endswith("because no permissions boundary allows the iam:Paint action")


def test_the_default_version_in_force_limits():
    facts = (permits("Allow"), *limit("Allow", "*"))
    narrowed = policies.PolicyVersionCreated(
        account=PRODUCTION, policy_id=LIMIT, number=2, document=HARMLESS, default=True
    )
    (weighed,) = decided(paint, *facts, narrowed).weighed
    assert weighed.verdict.effect is Effect.IMPLICIT_DENY


def test_a_boundary_is_a_condition_and_is_shown():
    state = after(*limit("Allow", "*"))
    account = state.accounts[PRODUCTION]
    mia = account.users[MIA]
    assert boundary_worn(state, account, mia, "aws") == {"iam:permissionsboundary": LIMITS_ARN}
    assert boundary_shown(state, account, mia, "aws") == AttachedBoundary(LIMITS_ARN, "Policy")
    assert [holder.id for holder in account.bounded_by(LIMIT)] == [MIA]


def test_without_a_boundary_there_is_no_condition_and_nothing_to_show():
    state = after()
    account = state.accounts[PRODUCTION]
    assert boundary_worn(state, account, account.users[MIA], "aws") == {}
    assert boundary_shown(state, account, account.users[MIA], "aws") is None


@pytest.mark.parametrize(
    ("arn", "reason"),
    [
        pytest.param("not-an-arn-at-all-but-long", Reason.INVALID_INPUT, id="no ARN"),
        pytest.param(f"arn:aws:iam::{PRODUCTION}:role/Limit", Reason.INVALID_INPUT, id="no policy's ARN"),
        pytest.param(f"arn:aws:iam::{PRODUCTION}:policy/Absent", Reason.NO_SUCH_ENTITY, id="no such policy"),
        pytest.param(f"arn:aws:iam::{PRODUCTION}:policy/Limit", Reason.NO_SUCH_ENTITY, id="another path"),
        pytest.param("arn:aws:iam::444455556666:policy/limits/Limit", Reason.NO_SUCH_ENTITY, id="another account"),
    ],
)
def test_what_cannot_be_a_boundary(arn, reason):
    state = after(*limit("Allow", "*"))
    answer = boundary_wanted(state, state.accounts[PRODUCTION], arn, "aws")
    assert isinstance(answer, Refusal)
    assert answer.reason is reason


def test_a_policy_of_the_account_can_be_a_boundary():
    state = after(*limit("Allow", "*"))
    assert boundary_wanted(state, state.accounts[PRODUCTION], LIMITS_ARN, "aws") == LIMIT
