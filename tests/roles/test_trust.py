"""Whom a trust policy names is known by his unique id: who comes after him is a stranger."""

from __future__ import annotations

import json
from urllib.parse import unquote

import pytest

from authority.access.trusting import NOBODY
from authority.kernel.ids import AccountId, UserId
from authority.kernel.refusal import Reason
from authority.model import authority, principals
from authority.roles import roles
from tests.principals.world import ACCOUNT, ANN, IAM, ROOTS, refused
from tests.roles.world import ANYBODY, World, made, trusting

OTHERS = AccountId("444455556666")
EVE = UserId("AIDAEVE")
OTHER_ACCOUNT = (
    authority.AccountCreated(account=OTHERS, name="Others"),
    principals.UserCreated(account=OTHERS, user_id=EVE, name="Eve", path="/"),
)
ANNS_ARN = f"{IAM}:user/Ann"


def trust_of(world: World, name: str = "App"):
    return world.account.role_named(name).trust


def document(world: World, name: str = "App") -> str:
    return unquote(world.asks(roles.get_role, who=ROOTS, RoleName=name).role.assume_role_policy_document)


def names(world: World) -> object:
    return json.loads(document(world))["Statement"][0]["Principal"]["AWS"]


@pytest.mark.parametrize(
    ("principal", "unique_id"),
    [
        pytest.param(ANNS_ARN, ANN, id="a user of the account"),
        pytest.param(f"{IAM}:role/Operator", "AROAOPERATOR", id="a role of the account"),
        pytest.param(f"arn:aws:iam::{OTHERS}:user/Eve", EVE, id="a user of another account of ours"),
        pytest.param(f"arn:aws:iam::{OTHERS}:user/Nobody", NOBODY, id="nobody in another account of ours"),
        pytest.param(f"arn:aws:iam::{OTHERS}:user/eve", NOBODY, id="another spelling of the name"),
        pytest.param(f"arn:aws:iam::{OTHERS}:user/team/Eve", NOBODY, id="another path"),
        pytest.param("arn:aws:iam::999999999999:user/Ann", NOBODY, id="an account that is none of ours"),
        pytest.param(f"arn:aws-cn:iam::{ACCOUNT}:user/Ann", NOBODY, id="another partition"),
    ],
)
def test_a_named_principal_is_bound_when_it_is_written(principal, unique_id):
    world = World(*OTHER_ACCOUNT)
    made(world, AssumeRolePolicyDocument=trusting({"AWS": principal}))
    assert trust_of(world).bound == ((principal, unique_id),)
    assert names(world) == principal


@pytest.mark.parametrize("principal", [f"{IAM}:user/Nobody", f"{IAM}:role/App", f"{IAM}:user/x/Ann"])
def test_nobody_of_the_own_account_is_refused(principal):
    text = f'Invalid principal in policy: "AWS":"{principal}"'
    answer = made(World(), AssumeRolePolicyDocument=trusting({"AWS": principal}))
    assert refused(answer, Reason.MALFORMED_POLICY_DOCUMENT, text)


def test_another_account_answers_alike_whoever_is_there():
    world = World(*OTHER_ACCOUNT)
    answers = []
    for name in ("Eve", "Nil"):
        document = trusting({"AWS": f"arn:aws:iam::{OTHERS}:user/{name}"})
        world.asks(roles.create_role, RoleName=name, AssumeRolePolicyDocument=document)
        shown = world.asks(roles.get_role, RoleName=name).role
        answers.append(unquote(shown.assume_role_policy_document).replace(name, "X"))
    assert answers[0] == answers[1]


def test_who_is_gone_is_shown_by_his_id_and_stays_gone_when_a_namesake_comes():
    world = World()
    made(world, AssumeRolePolicyDocument=trusting({"AWS": ANNS_ARN}))
    world.take(principals.UserDeleted(account=ACCOUNT, user_id=ANN))
    assert names(world) == ANN
    world.take(principals.UserCreated(account=ACCOUNT, user_id=UserId("AIDAANN2"), name="Ann", path="/"))
    assert names(world) == ANN


def test_who_was_renamed_is_shown_by_his_new_name():
    world = World()
    made(world, AssumeRolePolicyDocument=trusting({"AWS": ANNS_ARN}))
    world.take(principals.UserRenamed(account=ACCOUNT, user_id=ANN, name="Anna", path="/team/"))
    assert names(world) == f"{IAM}:user/team/Anna"


def test_an_account_id_is_shown_as_its_root():
    world = World()
    made(world, AssumeRolePolicyDocument=trusting({"AWS": [OTHERS, ANNS_ARN]}))
    assert names(world) == [f"arn:aws:iam::{OTHERS}:root", ANNS_ARN]


def test_a_trust_policy_written_anew_is_bound_anew():
    world = World()
    made(world, AssumeRolePolicyDocument=ANYBODY)
    assert (
        world.asks(roles.update_assume_role_policy, RoleName="App", PolicyDocument=trusting({"AWS": ANNS_ARN})) is None
    )
    assert trust_of(world).bound == ((ANNS_ARN, ANN),)


def test_what_does_not_keep_to_the_grammar_is_refused_and_changes_nothing():
    world = World()
    made(world)
    before = trust_of(world)
    answer = world.asks(roles.update_assume_role_policy, RoleName="App", PolicyDocument='{"Statement":[]}')
    text = "Could not parse the policy: Statement is empty!"
    assert refused(answer, Reason.MALFORMED_POLICY_DOCUMENT, text)
    assert trust_of(world) == before


def test_white_space_does_not_count_against_the_quota_and_everything_else_does():
    padded = trusting({"AWS": "*"}, Condition={"StringEquals": {"sts:ExternalId": "x" * 1000}})
    size = sum(not letter.isspace() for letter in padded)
    exact = padded.replace("xx", "x" * (2048 - size + 2), 1)
    assert made(World(), AssumeRolePolicyDocument=exact + " " * 100).role
    over = exact.replace("xx", "xxx", 1)
    text = "Cannot exceed quota for ACLSizePerRole: 2048"
    assert refused(made(World(), AssumeRolePolicyDocument=over), Reason.LIMIT_EXCEEDED, text)
