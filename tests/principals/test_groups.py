"""Groups are made, shown, renamed and deleted as IAM does it, and people are put in and taken out."""

from __future__ import annotations

import pytest

from authority.kernel.refusal import Reason
from authority.model import holders, principals
from authority.model.state import canonical, from_canonical
from authority.principals import groups
from tests.model.test_state import AT
from tests.principals.world import ACCOUNT, ANN, DANS, IAM, World, dan_may, refused

DEV = principals.GroupCreated(account=ACCOUNT, group_id="AGPADEV", name="Dev", path="/team/")
ANN_IN_DEV = principals.GroupJoined(account=ACCOUNT, group_id="AGPADEV", user_id=ANN)


def test_a_new_group_is_shown_as_it_was_made():
    world = World()
    made = world.asks(groups.create_group, GroupName="Dev", Path="/team/").group
    assert (made.arn, made.create_date, made.path) == (f"{IAM}:group/team/Dev", AT, "/team/")
    assert made.group_id.startswith("AGPA")
    shown = world.asks(groups.get_group, GroupName="dev")
    assert (shown.group, shown.users, shown.is_truncated) == (made, (), False)
    assert world.asks(groups.list_groups).groups == (made,)
    assert world.asks(groups.list_groups, PathPrefix="/x").groups == ()


@pytest.mark.parametrize(
    ("what", "wanted"),
    [
        (groups.get_group, {}),
        (groups.delete_group, {}),
        (groups.update_group, {"NewGroupName": "Other"}),
        (groups.add_user_to_group, {"UserName": "Ann"}),
        (groups.remove_user_from_group, {"UserName": "Ann"}),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_group_that_is_not_there_is_not_found(what, wanted):
    answer = World().asks(what, GroupName="Nobody", **wanted)
    assert refused(answer, Reason.NO_SUCH_ENTITY, "The group with name Nobody cannot be found.")


@pytest.mark.parametrize(
    ("what", "wanted"),
    [
        (groups.add_user_to_group, {"GroupName": "Dev"}),
        (groups.remove_user_from_group, {"GroupName": "Dev"}),
        (groups.list_groups_for_user, {}),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_member_who_is_not_there_is_not_found(what, wanted):
    answer = World(DEV).asks(what, UserName="Nobody", **wanted)
    assert refused(answer, Reason.NO_SUCH_ENTITY, "The user with name Nobody cannot be found.")


def test_who_joins_is_listed_and_who_leaves_is_not():
    world = World(DEV)
    for name in ("Dan", "Ann"):
        assert world.asks(groups.add_user_to_group, GroupName="Dev", UserName=name) is None
    page = world.asks(groups.get_group, GroupName="Dev", MaxItems=1)
    assert [user.user_name for user in page.users] == ["Ann"]
    rest = world.asks(groups.get_group, GroupName="Dev", Marker=page.marker)
    assert [user.user_name for user in rest.users] == ["Dan"]
    assert [group.group_name for group in world.asks(groups.list_groups_for_user, UserName="ann").groups] == ["Dev"]
    assert world.asks(groups.remove_user_from_group, GroupName="Dev", UserName="Ann") is None
    assert world.asks(groups.list_groups_for_user, UserName="Ann").groups == ()


def test_who_is_in_already_stays_in_and_who_is_not_stays_out():
    world = World(DEV, ANN_IN_DEV)
    assert world.decide(groups.add_user_to_group, {"GroupName": "Dev", "UserName": "Ann"}).facts == ()
    decision = world.decide(groups.remove_user_from_group, {"GroupName": "Dev", "UserName": "Dan"})
    assert (decision.answer, decision.facts) == (None, ())


def test_nobody_is_in_more_groups_than_the_quota():
    world = World(DEV)
    for number in range(10):
        world.asks(groups.create_group, GroupName=f"g{number}")
        world.asks(groups.add_user_to_group, GroupName=f"g{number}", UserName="Ann")
    answer = world.asks(groups.add_user_to_group, GroupName="Dev", UserName="Ann")
    assert refused(answer, Reason.LIMIT_EXCEEDED, "Cannot exceed quota for GroupsPerUser: 10")


def test_an_account_holds_no_more_groups_than_its_quota():
    many = [principals.GroupCreated(account=ACCOUNT, group_id=f"AGPA{n}", name=f"g{n}", path="/") for n in range(300)]
    answer = World(*many).asks(groups.create_group, GroupName="Dev")
    assert refused(answer, Reason.LIMIT_EXCEEDED, "Cannot exceed quota for GroupsPerAccount: 300")


def test_a_name_is_taken_in_any_case():
    world = World(DEV)
    text = "Group with name DEV already exists."
    assert refused(world.asks(groups.create_group, GroupName="DEV"), Reason.ENTITY_ALREADY_EXISTS, text)
    world.asks(groups.create_group, GroupName="Ops")
    answer = world.asks(groups.update_group, GroupName="Ops", NewGroupName="DEV")
    assert refused(answer, Reason.ENTITY_ALREADY_EXISTS, text)


def test_a_renamed_group_keeps_its_members():
    world = World(DEV, ANN_IN_DEV)
    assert world.asks(groups.update_group, GroupName="Dev", NewGroupName="Developers", NewPath="/") is None
    shown = world.asks(groups.get_group, GroupName="Developers")
    assert (shown.group.group_id, shown.group.arn) == ("AGPADEV", f"{IAM}:group/Developers")
    assert [user.user_name for user in shown.users] == ["Ann"]
    assert refused(world.asks(groups.get_group, GroupName="Dev"), Reason.NO_SUCH_ENTITY)
    assert world.decide(groups.update_group, {"GroupName": "Developers"}).facts == ()
    assert from_canonical(canonical(world.state)) == world.state


@pytest.mark.parametrize(
    ("fact", "what"),
    [
        pytest.param(ANN_IN_DEV, "remove users from group", id="a member"),
        pytest.param(
            holders.PolicyAttached(account=ACCOUNT, holder="AGPADEV", policy_id="ANPABOOKS"),
            "detach all policies",
            id="an attached policy",
        ),
        pytest.param(
            holders.InlinePolicyPut(account=ACCOUNT, holder="AGPADEV", name="p", document="{}"),
            "delete policies",
            id="an inline policy",
        ),
    ],
)
def test_what_hangs_on_a_group_keeps_it(fact, what):
    answer = World(DEV, fact).asks(groups.delete_group, GroupName="Dev")
    assert refused(answer, Reason.DELETE_CONFLICT, f"Cannot delete entity, must {what} first.")


def test_an_empty_group_is_deleted():
    world = World(DEV)
    assert world.asks(groups.delete_group, GroupName="dev") is None
    assert world.account.group_named("Dev") is None


@pytest.mark.parametrize(
    ("may", "what", "wanted", "allowed"),
    [
        ("iam:CreateGroup", groups.create_group, {"GroupName": "New", "Path": "/team/"}, True),
        ("iam:CreateGroup", groups.create_group, {"GroupName": "New"}, False),
        ("iam:AddUserToGroup", groups.add_user_to_group, {"GroupName": "Dev", "UserName": "Dan"}, True),
        ("iam:AddUserToGroup", groups.add_user_to_group, {"GroupName": "Top", "UserName": "Dan"}, False),
        ("iam:RemoveUserFromGroup", groups.remove_user_from_group, {"GroupName": "Top", "UserName": "Ann"}, False),
        ("iam:UpdateGroup", groups.update_group, {"GroupName": "Dev", "NewGroupName": "Ops"}, True),
        ("iam:UpdateGroup", groups.update_group, {"GroupName": "Dev", "NewPath": "/"}, False),
        ("iam:DeleteGroup", groups.delete_group, {"GroupName": "Top"}, False),
        ("iam:ListGroups", groups.list_groups, {"PathPrefix": "/team/"}, True),
        ("iam:ListGroups", groups.list_groups, {}, False),
    ],
)
def test_a_delegate_manages_the_groups_below_his_path_only(may, what, wanted, allowed):
    top = principals.GroupCreated(account=ACCOUNT, group_id="AGPATOP", name="Top", path="/")
    world = World(DEV, top, dan_may({"Action": may, "Resource": f"{IAM}:group/team/*"}))
    decision = world.decide(what, wanted, who=DANS)
    assert bool(decision.facts or decision.then) is allowed
    assert allowed or refused(decision.answer, Reason.ACCESS_DENIED)
