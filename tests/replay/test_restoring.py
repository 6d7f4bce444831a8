"""The commands that make something again: all that is missing, nothing that is there, and a note for what cannot be."""

from __future__ import annotations

import shlex

import pytest

from authority.kernel.ids import GroupId, PolicyId, RoleId, UserId
from authority.kernel.tags import Tag
from authority.model import boundaries, holders, instance_profiles, policies, principals, roles
from authority.model.state import evolve
from authority.replay.restoring import restoring
from tests.model.test_state import AT
from tests.replay.recorded import Recorded
from tests.sessions.world import ALL, ANN, COMPANY, DEPLOY, PRODUCTION, READ, trusting

TEAM, LIMIT = GroupId("AGPATEAM"), PolicyId("ANPALIMIT")
THEN = Recorded(
    principals.GroupCreated(account=COMPANY, group_id=TEAM, name="Team", path="/"),
    holders.InlinePolicyPut(account=COMPANY, holder=TEAM, name="read", document=READ),
    principals.GroupJoined(account=COMPANY, group_id=TEAM, user_id=ANN),
    policies.PolicyCreated(account=COMPANY, policy_id=LIMIT, name="Limit", path="/l/", document=READ, description="d"),
    boundaries.BoundarySet(account=COMPANY, holder=ANN, policy_id=LIMIT),
    holders.HolderTagged(account=COMPANY, holder=ANN, tags=(Tag("k", "v w"),)),
    roles.RoleTrustUpdated(
        account=PRODUCTION,
        role_id=DEPLOY,
        trust=roles.Trust(trusting(f"arn:aws:iam::{COMPANY}:user/Ann"), ((f"arn:aws:iam::{COMPANY}:user/Ann", ANN),)),
    ),
).state
ANNS_GONE = (
    principals.GroupLeft(account=COMPANY, group_id=TEAM, user_id=ANN),
    boundaries.BoundaryRemoved(account=COMPANY, holder=ANN),
    principals.UserDeleted(account=COMPANY, user_id=ANN),
)
ALL_GONE = (
    *ANNS_GONE,
    principals.GroupDeleted(account=COMPANY, group_id=TEAM),
    policies.PolicyDeleted(account=COMPANY, policy_id=LIMIT),
)


def restored(kind: str, named: str, *since, account=COMPANY):
    value = getattr(THEN.accounts[account], kind)[named]
    return restoring((THEN, 7), evolve(THEN, since, AT), account, value, "aws")


def verbs(told) -> list[str]:
    assert all(command[:2] == ("aws", "iam") for command in told.commands)
    return [command[2] for command in told.commands]


def test_what_is_as_it_was_needs_no_command():
    for kind, named in (("groups", TEAM), ("policies", LIMIT)):
        told = restored(kind, named)
        assert told.commands == ()
    assert verbs(restored("users", ANN)) == ["add-user-to-group"]
    assert "a user Ann is there" in restored("users", ANN).notes[0]


def test_a_user_comes_back_with_policies_boundary_tags_and_groups_but_no_secrets():
    told = restored("users", ANN, *ANNS_GONE)
    assert verbs(told) == ["create-user", "put-user-policy", "add-user-to-group"]
    made = told.commands[0]
    assert made[made.index("--permissions-boundary") + 1] == f"arn:aws:iam::{COMPANY}:policy/l/Limit"
    assert made[made.index("--tags") + 1] == '{"Key":"k","Value":"v w"}'
    assert any("do not come back" in note for note in told.notes)
    assert any("role/team/Deploy" in note and "write it anew" in note for note in told.notes)


def test_of_other_accounts_nothing_is_told_to_whoever_may_not_see_them():
    now = evolve(THEN, ANNS_GONE, AT)
    told = restoring((THEN, 7), now, COMPANY, THEN.accounts[COMPANY].users[ANN], "aws", everywhere=False)
    assert not any(PRODUCTION in note for note in told.notes)


def test_what_it_needs_comes_back_before_it():
    told = restored("users", ANN, *ALL_GONE)
    assert verbs(told) == [
        "create-policy", "create-user", "put-user-policy", "create-group", "put-group-policy", "add-user-to-group",
    ]  # fmt: skip
    assert told.commands[0][told.commands[0].index("--policy-document") + 1] == READ


@pytest.mark.parametrize(
    ("since", "commands"),
    [
        pytest.param(
            (policies.PolicyVersionCreated(account=COMPANY, policy_id=LIMIT, number=2, document=ALL, default=True),),
            ["create-policy-version"],
            id="another text is in force",
        ),
        pytest.param(ALL_GONE, ["create-policy"], id="it is gone"),
    ],
)
def test_a_policy_has_the_text_of_then(since, commands):
    told = restored("policies", LIMIT, *since)
    assert verbs(told) == commands
    assert READ in told.commands[0]


def test_a_group_comes_back_with_its_policies():
    assert verbs(restored("groups", TEAM, *ALL_GONE)) == ["create-group", "put-group-policy"]


def test_a_role_that_was_changed_is_brought_back_to_what_it_was():
    profile = instance_profiles.InstanceProfileCreated(account=PRODUCTION, profile_id="AIPA1", name="p", path="/")
    told = restored(
        "roles",
        DEPLOY,
        roles.RoleTrustUpdated(account=PRODUCTION, role_id=DEPLOY, trust=roles.Trust(trusting("*"))),
        roles.RoleUpdated(account=PRODUCTION, role_id=DEPLOY, description="x", max_session_duration=3600),
        holders.InlinePolicyPut(account=PRODUCTION, holder=DEPLOY, name="all", document=READ),
        holders.InlinePolicyPut(account=PRODUCTION, holder=DEPLOY, name="more", document=ALL),
        profile,
        account=PRODUCTION,
    )
    assert verbs(told) == ["update-assume-role-policy", "update-role", "put-role-policy"]
    assert any("more, which it did not have then" in note for note in told.notes)


def test_a_trust_policy_that_names_somebody_who_is_gone_says_so():
    told = restored(
        "roles", DEPLOY, *ANNS_GONE, roles.RoleDeleted(account=PRODUCTION, role_id=DEPLOY), account=PRODUCTION
    )
    assert verbs(told) == ["create-role", "put-role-policy"]
    assert any("who is gone" in note for note in told.notes)


def test_a_namesake_is_told_apart():
    again = roles.RoleCreated(
        account=PRODUCTION,
        role_id=RoleId("AROAOTHER"),
        name="Deploy",
        path="/team/",
        trust=roles.Trust(trusting(COMPANY)),
    )
    told = restored("roles", DEPLOY, roles.RoleDeleted(account=PRODUCTION, role_id=DEPLOY), again, account=PRODUCTION)
    assert "another one (AROAOTHER, not AROADEPLOY)" in told.notes[0]
    assert "update-assume-role-policy" in verbs(told)
    assert "put-role-policy" in verbs(told)


def test_a_service_linked_role_is_its_services_to_make():
    linked = roles.RoleCreated(
        account=PRODUCTION, role_id=RoleId("AROALINKED"), name="L", path="/aws-service-role/x/", trust=roles.Trust(trusting(COMPANY)),
        linked_to="x.amazonaws.com",
    )  # fmt: skip
    then = evolve(THEN, [linked], AT)
    told = restoring((then, 7), THEN, PRODUCTION, then.accounts[PRODUCTION].roles["AROALINKED"], "aws")
    assert verbs(told) == ["create-service-linked-role"]


def test_what_a_text_holds_cannot_leave_its_quotes():
    user = principals.UserCreated(account=COMPANY, user_id=UserId("AIDAQ"), name="q", path="/")
    put = holders.InlinePolicyPut(account=COMPANY, holder="AIDAQ", name="p", document=READ + " '; rm -rf ~\n$(x)")
    then = evolve(THEN, [user, put], AT)
    told = restoring((then, 7), THEN, COMPANY, then.accounts[COMPANY].users["AIDAQ"], "aws")
    assert shlex.split(told.script, comments=True)[-1] == READ + " '; rm -rf ~\n$(x)"
