"""State is a fold of the facts, and is spelled the same everywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime

import msgspec
import pytest

from authority.kernel.ids import AccessKeyId, AccountId, GroupId, PolicyId, RoleId, SealingKeyId, UserId
from authority.kernel.tags import Tag
from authority.model import authority, checkpoints, holders, policies, principals, roles
from authority.model.events import FACTS, read_facts
from authority.model.state import EMPTY, FOLDS, State, canonical, evolve, from_canonical, state_hash

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PRODUCTION = AccountId("111122223333")
MIA, DEVELOPERS, UPDATE_APP, BOOKS = UserId("AIDAMIA"), GroupId("AGPADEV"), RoleId("AROAAPP"), PolicyId("ANPABOOKS")
KEY = AccessKeyId("AKIAMIA")
HARMLESS = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:ListQueues","Resource":"*"}]}'

HISTORY = (
    authority.AuthorityInitialised(ledger_id="l1", management_account=PRODUCTION),
    authority.SettingsChanged(settings=authority.Settings("1", ("us-east-1",))),
    authority.SealingKeyCreated(key_id=SealingKeyId("k1")),
    authority.AccountCreated(account=PRODUCTION, name="Production"),
    principals.UserCreated(account=PRODUCTION, user_id=MIA, name="Mia", path="/", tags=(Tag("Team", "a"),)),
    principals.GroupCreated(account=PRODUCTION, group_id=DEVELOPERS, name="Developers", path="/"),
    principals.GroupJoined(account=PRODUCTION, group_id=DEVELOPERS, user_id=MIA),
    principals.AccessKeyCreated(account=PRODUCTION, access_key_id=KEY, owner=MIA),
    roles.RoleCreated(account=PRODUCTION, role_id=UPDATE_APP, name="UpdateAPP", path="/", trust=roles.Trust("{}")),
    policies.PolicyCreated(account=PRODUCTION, policy_id=BOOKS, name="Books", path="/", document=HARMLESS),
    holders.PolicyAttached(account=PRODUCTION, holder=UPDATE_APP, policy_id=BOOKS),
    holders.InlinePolicyPut(account=PRODUCTION, holder=DEVELOPERS, name="p", document=HARMLESS),
)


def after(*facts) -> State:
    return evolve(evolve(EMPTY, HISTORY, AT), facts, AT)


def account_after(*facts):
    return after(*facts).accounts[PRODUCTION]


def test_every_fact_of_configuration_has_a_fold_and_no_other_has():
    assert set(FOLDS) == {fact for fact in FACTS.values() if fact.CONFIG}


def test_facts_are_read_as_they_were_written():
    assert read_facts(msgspec.json.encode(HISTORY)) == HISTORY


def test_a_state_read_from_its_canonical_form_is_equal():
    state = after()
    assert canonical(from_canonical(canonical(state))) == canonical(state)
    assert (
        from_canonical(canonical(state)).accounts[PRODUCTION].user_named("MIA") == state.accounts[PRODUCTION].users[MIA]
    )


def test_another_process_with_another_hash_seed_spells_the_same_state():
    script = "from tests.model.test_state import after; from authority.model.state import state_hash; print(state_hash(after()))"
    spelled = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(p for p in [".", *sys.path] if p)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert spelled == {state_hash(after())}


def test_the_old_state_is_untouched_by_what_follows():
    before = after()
    spelled = canonical(before)
    evolve(before, [principals.UserDeleted(account=PRODUCTION, user_id=MIA)], AT)
    assert canonical(before) == spelled


def test_names_are_found_in_any_case():
    account = account_after()
    assert account.role_named("updateapp") is account.role_named("UPDATEAPP")
    assert account.group_named("developers") is not None
    assert account.policy_named("BOOKS") is not None


def test_members_and_holders_are_found():
    account = account_after()
    assert [user.name for user in account.members_of(DEVELOPERS)] == ["Mia"]
    assert [role.name for role in account.holders_of(BOOKS)] == ["UpdateAPP"]


@pytest.mark.parametrize(
    ("fact", "seen", "expected"),
    [
        pytest.param(
            principals.UserDeleted(account=PRODUCTION, user_id=MIA),
            lambda account: account.user_named("Mia"),
            None,
            id="a deleted user is not found by name",
        ),
        pytest.param(
            roles.RoleDeleted(account=PRODUCTION, role_id=UPDATE_APP),
            lambda account: (account.role_named("UpdateAPP"), len(account.roles)),
            (None, 0),
            id="a deleted role is gone",
        ),
        pytest.param(
            principals.GroupLeft(account=PRODUCTION, group_id=DEVELOPERS, user_id=MIA),
            lambda account: account.members_of(DEVELOPERS),
            [],
            id="who left a group is no member",
        ),
        pytest.param(
            holders.PolicyDetached(account=PRODUCTION, holder=UPDATE_APP, policy_id=BOOKS),
            lambda account: account.roles[UPDATE_APP].attached,
            (),
            id="a detached policy is off",
        ),
        pytest.param(
            holders.InlinePolicyPut(account=PRODUCTION, holder=DEVELOPERS, name="p", document="[]"),
            lambda account: [policy.document for policy in account.groups[DEVELOPERS].inline],
            ["[]"],
            id="an inline policy written anew replaces the old one",
        ),
        pytest.param(
            holders.InlinePolicyDeleted(account=PRODUCTION, holder=DEVELOPERS, name="p"),
            lambda account: account.groups[DEVELOPERS].inline,
            (),
            id="a deleted inline policy is off",
        ),
        pytest.param(
            holders.HolderTagged(account=PRODUCTION, holder=MIA, tags=(Tag("team", "b"),)),
            lambda account: account.users[MIA].tags,
            (Tag("team", "b"),),
            id="a tag of another case replaces the old one",
        ),
        pytest.param(
            holders.HolderUntagged(account=PRODUCTION, holder=MIA, keys=("TEAM",)),
            lambda account: account.users[MIA].tags,
            (),
            id="a tag is taken off in any case",
        ),
        pytest.param(
            policies.PolicyVersionCreated(account=PRODUCTION, policy_id=BOOKS, number=2, document="[]", default=True),
            lambda account: account.policies[BOOKS].document,
            "[]",
            id="a new default version is in force",
        ),
        pytest.param(
            policies.PolicyVersionCreated(account=PRODUCTION, policy_id=BOOKS, number=2, document="[]"),
            lambda account: account.policies[BOOKS].document,
            HARMLESS,
            id="a version that is not the default is not in force",
        ),
        pytest.param(
            roles.RoleUpdated(account=PRODUCTION, role_id=UPDATE_APP, description="d", max_session_duration=7200),
            lambda account: account.roles[UPDATE_APP].max_session_duration,
            7200,
            id="a role's longest session changes",
        ),
    ],
)
def test_a_fact_changes_what_it_says(fact, seen, expected):
    assert seen(account_after(fact)) == expected
    assert seen(account_after()) != expected or expected == HARMLESS


def test_a_deleted_key_stays_known():
    state = after(principals.AccessKeyDeleted(account=PRODUCTION, access_key_id=KEY))
    assert state.access_keys[KEY].status is principals.KeyStatus.DELETED
    assert state.keys_of(MIA) == []
    assert [key.id for key in after().keys_of(MIA)] == [KEY]


def test_a_checkpoint_key_signs_until_it_is_retired():
    old, new = (
        checkpoints.CheckpointKeyCreated(
            key_id=checkpoints.CheckpointKeyId(name), origin="log.example/1", verifier=f"log.example/1+{name}"
        )
        for name in ("CKEYA", "CKEYB")
    )
    assert [key.id for key in after(old, new).signers_of_checkpoints()] == ["CKEYA", "CKEYB"]
    retired = checkpoints.CheckpointKeyRetired(key_id=old.key_id)
    assert [key.verifier for key in after(old, new, retired).signers_of_checkpoints()] == [new.verifier]
