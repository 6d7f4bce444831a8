"""Which policies speak about a caller: as soon as anything they are gathered from changes, others do."""

from __future__ import annotations

import pytest

from authority.access import applicable
from authority.access.applicable import SETS, holders_policies
from authority.kernel.ids import AccountId, GroupId, PolicyId, UserId
from authority.model import authority, holders, policies, principals
from authority.model.state import EMPTY, evolve
from authority.policy.compiled import Source
from authority.policy.document import Kind
from tests.model.test_state import AT

HOME, ALICE = AccountId("111122223333"), UserId("AIDAALICE")
TEAM, WIDE = GroupId("AGPATEAM"), PolicyId("ANPAWIDE")


def document(action: str) -> str:
    return f'{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"{action}","Resource":"*"}}}}'


def inline(holder, action: str):
    return holders.InlinePolicyPut(account=HOME, holder=holder, name="own", document=document(action))


START = evolve(
    EMPTY,
    [
        authority.AccountCreated(account=HOME, name="home"),
        principals.UserCreated(account=HOME, user_id=ALICE, name="alice", path="/"),
        principals.GroupCreated(account=HOME, group_id=TEAM, name="team", path="/"),
        principals.GroupJoined(account=HOME, group_id=TEAM, user_id=ALICE),
        policies.PolicyCreated(account=HOME, policy_id=WIDE, name="wide", path="/", document=document("s3:*")),
        holders.PolicyAttached(account=HOME, holder=ALICE, policy_id=WIDE),
        inline(ALICE, "sqs:*"),
        inline(TEAM, "sns:*"),
    ],
    AT,
)


def allowed(state, partition="aws"):
    account = state.accounts[HOME]
    found = holders_policies(state, account, account.users[ALICE], partition)
    return [policy.document.statements[0].actions[0] for policy in found]


@pytest.mark.parametrize(
    ("fact", "then"),
    [
        pytest.param(inline(ALICE, "kms:*"), ["kms:*", "s3:*", "sns:*"], id="an inline policy"),
        pytest.param(inline(TEAM, "kms:*"), ["sqs:*", "s3:*", "kms:*"], id="an inline policy of a group"),
        pytest.param(
            policies.PolicyVersionCreated(account=HOME, policy_id=WIDE, number=2, document=document("kms:*"), default=True),
            ["sqs:*", "kms:*", "sns:*"],
            id="the text of a managed policy",
        ),
        pytest.param(holders.PolicyDetached(account=HOME, holder=ALICE, policy_id=WIDE), ["sqs:*", "sns:*"], id="what is attached"),
        pytest.param(
            principals.GroupLeft(account=HOME, group_id=TEAM, user_id=ALICE), ["sqs:*", "s3:*"], id="the groups"
        ),
    ],
)  # fmt: skip
def test_what_changes_is_in_force_at_once_and_the_past_stays_as_it_was(fact, then):
    assert allowed(START) == ["sqs:*", "s3:*", "sns:*"]
    assert allowed(evolve(START, [fact], AT)) == then
    assert allowed(START) == ["sqs:*", "s3:*", "sns:*"]


def test_policies_are_gathered_once_for_each_partition():
    account = START.accounts[HOME]
    alice = account.users[ALICE]
    first = holders_policies(START, account, alice, "aws")
    assert holders_policies(START, account, alice, "aws") is first
    assert holders_policies(START, account, alice, "aws-cn")[1].source.policy.startswith("arn:aws-cn:")


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.RESOURCE])
def test_a_stored_text_that_parses_no_more_denies_everything(kind):
    """An older release took it; what it denied must not be allowed by its being passed over."""
    policy = applicable.compiled('{"Statement": "of another time"}', kind, Source("identity", "old"))
    (rule,) = policy.concerning("sts:assumerole")
    assert not rule.allows
    assert rule.matched.policy == "old"


def test_a_bounded_number_of_holders_is_remembered():
    for number in range(SETS + 10):
        assert len(allowed(START, f"aws-{number}")) == 3
    assert len(applicable._held) <= SETS
