"""Users are made, shown, renamed, tagged and deleted as IAM does it, and only by who may."""

from __future__ import annotations

import pytest

from authority.kernel.ids import PolicyId
from authority.kernel.refusal import Reason
from authority.kernel.tags import Tag
from authority.model import holders, policies, principals
from authority.model.state import canonical, from_canonical
from authority.principals import users
from tests.model.test_state import AT
from tests.principals.world import (
    ACCOUNT,
    ANN,
    DAN,
    DANS,
    IAM,
    ROOTS,
    SESSIONS,
    World,
    dan_may,
    policy,
    refused,
    user_session,
)

TEAM = {"Key": "team", "Value": "red"}


def test_a_new_user_is_shown_as_it_was_made():
    world = World()
    made = world.asks(users.create_user, UserName="Bob", Path="/team/", Tags=[TEAM])
    assert made.user.arn == f"{IAM}:user/team/Bob"
    assert made.user.user_id.startswith("AIDA")
    assert (made.user.create_date, made.user.tags) == (AT, (Tag("team", "red"),))
    assert world.asks(users.get_user, UserName="bob") == made


def test_a_user_without_tags_shows_none_at_all():
    assert World().asks(users.create_user, UserName="Bob").user.tags is None


def test_who_asks_without_a_name_sees_himself():
    world = World()
    assert world.asks(users.get_user).user.user_name == "Ann"
    assert world.asks(users.get_user, who=user_session(ANN, mfa=True)).user.user_name == "Ann"
    root = world.asks(users.get_user, who=ROOTS).user
    assert (root.user_id, root.arn, root.user_name, root.path) == (ACCOUNT, f"{IAM}:root", None, None)
    text = "Must specify userName when calling with non-User credentials"
    assert refused(world.asks(users.get_user, who=SESSIONS), Reason.VALIDATION_ERROR, text)


@pytest.mark.parametrize(
    ("what", "wanted"),
    [
        (users.get_user, {}),
        (users.delete_user, {}),
        (users.update_user, {"NewUserName": "Other"}),
        (users.tag_user, {"Tags": [TEAM]}),
        (users.untag_user, {"TagKeys": ["team"]}),
        (users.list_user_tags, {}),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_user_who_is_not_there_is_not_found(what, wanted):
    answer = World().asks(what, UserName="Nobody", **wanted)
    assert refused(answer, Reason.NO_SUCH_ENTITY, "The user with name Nobody cannot be found.")


def test_a_name_is_taken_in_any_case():
    text = "User with name ANN already exists."
    assert refused(World().asks(users.create_user, UserName="ANN"), Reason.ENTITY_ALREADY_EXISTS, text)


def test_an_account_holds_no_more_users_than_its_quota():
    many = [principals.UserCreated(account=ACCOUNT, user_id=f"AIDA{n}", name=f"u{n}", path="/") for n in range(4998)]
    world = World(*many)
    text = "Cannot exceed quota for UsersPerAccount: 5000"
    assert refused(world.asks(users.create_user, UserName="Bob"), Reason.LIMIT_EXCEEDED, text)


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        pytest.param([TEAM, {"Key": "TEAM", "Value": ""}], Reason.INVALID_INPUT, id="keys that differ by case only"),
        pytest.param([{"Key": "Aws:x", "Value": ""}], Reason.INVALID_INPUT, id="a reserved prefix"),
        pytest.param([{"Key": f"k{n}", "Value": ""} for n in range(51)], Reason.LIMIT_EXCEEDED, id="fifty-one"),
    ],
)
def test_tags_that_are_refused(tags, reason):
    world = World()
    assert refused(world.asks(users.create_user, UserName="Bob", Tags=tags), reason)
    assert refused(world.asks(users.tag_user, UserName="Ann", Tags=tags), reason)


def test_tags_are_laid_over_taken_off_and_listed():
    world = World()
    world.asks(users.tag_user, UserName="Ann", Tags=[TEAM, {"Key": "Cost", "Value": "7"}])
    world.asks(users.tag_user, UserName="Ann", Tags=[{"Key": "TEAM", "Value": "blue"}])
    first = world.asks(users.list_user_tags, UserName="Ann", MaxItems=1)
    assert (first.tags, first.is_truncated) == ((Tag("Cost", "7"),), True)
    rest = world.asks(users.list_user_tags, UserName="Ann", Marker=first.marker)
    assert (rest.tags, rest.is_truncated, rest.marker) == ((Tag("TEAM", "blue"),), False, None)
    world.asks(users.untag_user, UserName="Ann", TagKeys=["team", "unknown"])
    assert world.asks(users.get_user, UserName="Ann").user.tags == (Tag("Cost", "7"),)


def test_a_renamed_user_is_the_same_user():
    world = World()
    world.asks(users.update_user, UserName="Ann", NewUserName="Anna", NewPath="/boss/")
    renamed = world.asks(users.get_user).user
    assert (renamed.user_id, renamed.arn) == (ANN, f"{IAM}:user/boss/Anna")
    assert refused(world.asks(users.get_user, UserName="Ann"), Reason.NO_SUCH_ENTITY)
    assert from_canonical(canonical(world.state)) == world.state


def test_a_user_is_not_renamed_to_another():
    world = World()
    answer = world.asks(users.update_user, UserName="Ann", NewUserName="dan")
    assert refused(answer, Reason.ENTITY_ALREADY_EXISTS, "User with name dan already exists.")
    assert world.asks(users.update_user, UserName="Ann", NewUserName="ANN") is None
    assert world.asks(users.get_user).user.user_name == "ANN"


def test_a_rename_that_changes_nothing_makes_nothing_true():
    assert World().decide(users.update_user, {"UserName": "Ann"}).facts == ()


GROUP = principals.GroupCreated(account=ACCOUNT, group_id="AGPADEV", name="Dev", path="/")
BOOKS = holders.PolicyAttached(account=ACCOUNT, holder=DAN, policy_id="ANPABOOKS")
NO_KEY = principals.AccessKeyDeleted(account=ACCOUNT, access_key_id=DANS.access_key_id)


@pytest.mark.parametrize(
    ("facts", "what"),
    [
        pytest.param((NO_KEY, BOOKS), "detach all policies", id="an attached policy"),
        pytest.param((NO_KEY, dan_may()), "delete policies", id="an inline policy"),
        pytest.param(
            (NO_KEY, GROUP, principals.GroupJoined(account=ACCOUNT, group_id="AGPADEV", user_id=DAN)),
            "remove users from group",
            id="a group",
        ),
        pytest.param((), "delete access keys", id="a key"),
    ],
)
def test_what_hangs_on_a_user_keeps_it(facts, what):
    answer = World(*facts).asks(users.delete_user, UserName="Dan")
    assert refused(answer, Reason.DELETE_CONFLICT, f"Cannot delete entity, must {what} first.")


def test_a_namesake_of_a_deleted_user_is_a_stranger():
    world = World(NO_KEY)
    assert world.asks(users.delete_user, UserName="dan") is None
    assert world.asks(users.create_user, UserName="Dan").user.user_id != DAN


def test_users_are_listed_by_name_below_a_path():
    world = World()
    for name, path in (("zoe", "/team/"), ("Bob", "/team/a/"), ("Carl", "/teams/")):
        world.asks(users.create_user, UserName=name, Path=path, Tags=[TEAM])
    everybody = world.asks(users.list_users)
    assert [user.user_name for user in everybody.users] == ["Ann", "Bob", "Carl", "Dan", "zoe"]
    assert {user.tags for user in everybody.users} == {None}
    assert [user.user_name for user in world.asks(users.list_users, PathPrefix="/team/").users] == ["Bob", "zoe"]


def test_pages_go_on_where_they_ended_whatever_was_deleted_between():
    world = World(NO_KEY)
    for name in ("Bob", "Carl", "Eve"):
        world.asks(users.create_user, UserName=name)
    first = world.asks(users.list_users, MaxItems=2)
    assert [user.user_name for user in first.users] == ["Ann", "Bob"]
    world.asks(users.delete_user, UserName="Bob")
    world.asks(users.delete_user, UserName="Carl")
    rest = world.asks(users.list_users, Marker=first.marker)
    assert [user.user_name for user in rest.users] == ["Dan", "Eve"]


@pytest.mark.parametrize("marker", ["x", "AAAAAAAAAAAAAAAA", "é"])
def test_a_marker_that_was_never_given_is_refused_in_the_log_too(marker):
    decision = World().decide(users.list_users, {"Marker": marker})
    assert refused(decision.answer, Reason.VALIDATION_ERROR)
    assert decision.then is None


def test_a_marker_is_good_for_its_own_listing_only():
    world = World()
    marker = world.asks(users.list_users, MaxItems=1).marker
    assert refused(world.asks(users.list_users, PathPrefix="/a", Marker=marker), Reason.VALIDATION_ERROR)


TAGGED = {"StringEquals": {"aws:RequestTag/team": "red"}}
RED = {"StringEquals": {"aws:ResourceTag/team": "red"}}
DANS_RED = holders.HolderTagged(account=ACCOUNT, holder=DAN, tags=(Tag("Team", "red"),))


@pytest.mark.parametrize(
    ("may", "facts", "what", "wanted", "allowed"),
    [
        pytest.param(
            [{"Action": "iam:CreateUser", "Resource": f"{IAM}:user/team/*"}],
            (),
            users.create_user,
            {"UserName": "Bob", "Path": "/team/"},
            True,
            id="below his path",
        ),
        pytest.param(
            [{"Action": "iam:CreateUser", "Resource": f"{IAM}:user/team/*"}],
            (),
            users.create_user,
            {"UserName": "Bob"},
            False,
            id="at the root, when only his path is his",
        ),
        pytest.param(
            [{"Action": ["iam:CreateUser", "iam:TagUser"], "Resource": "*", "Condition": TAGGED}],
            (),
            users.create_user,
            {"UserName": "Bob", "Tags": [TEAM]},
            True,
            id="with the tag that he must give",
        ),
        pytest.param(
            [{"Action": ["iam:CreateUser", "iam:TagUser"], "Resource": "*", "Condition": TAGGED}],
            (),
            users.create_user,
            {"UserName": "Bob"},
            False,
            id="without the tag that he must give",
        ),
        pytest.param(
            [{"Action": "iam:CreateUser", "Resource": "*"}],
            (),
            users.create_user,
            {"UserName": "Bob", "Tags": [TEAM]},
            False,
            id="with a tag that he may not give",
        ),
        pytest.param(
            [
                {
                    "Action": "iam:TagUser",
                    "Resource": "*",
                    "Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": "x"}},
                }
            ],
            (),
            users.tag_user,
            {"UserName": "Ann", "Tags": [TEAM]},
            False,
            id="a tag key that is not his to give",
        ),
        pytest.param(
            [
                {
                    "Action": "iam:UntagUser",
                    "Resource": "*",
                    "Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": "team"}},
                }
            ],
            (),
            users.untag_user,
            {"UserName": "Ann", "TagKeys": ["team"]},
            True,
            id="a tag key that is his to take",
        ),
        pytest.param(
            [{"Action": "iam:GetUser", "Resource": "*", "Condition": RED}],
            (DANS_RED,),
            users.get_user,
            {},
            True,
            id="himself, who wears the tag",
        ),
        pytest.param(
            [{"Action": "iam:GetUser", "Resource": "*", "Condition": RED}],
            (DANS_RED,),
            users.get_user,
            {"UserName": "Ann"},
            False,
            id="somebody who does not wear the tag",
        ),
        pytest.param(
            [{"Action": "iam:UpdateUser", "Resource": f"{IAM}:user/Dan"}],
            (),
            users.update_user,
            {"UserName": "Dan", "NewPath": "/boss/"},
            False,
            id="a rename to what is not his",
        ),
        pytest.param(
            [{"Action": "iam:ListUsers", "Resource": f"{IAM}:user/team/*"}],
            (),
            users.list_users,
            {"PathPrefix": "/team/"},
            True,
            id="a listing below his path",
        ),
    ],
)
def test_what_a_delegate_may(may, facts, what, wanted, allowed):
    decision = World(dan_may(*may), *facts).decide(what, wanted, who=DANS)
    if allowed:
        assert decision.answer is not None or decision.facts or decision.then
        assert all(weighed.verdict.allowed for weighed in decision.weighed)
    else:
        assert refused(decision.answer, Reason.ACCESS_DENIED)
        assert decision.facts == ()


LIMIT = f"{IAM}:policy/Limit"
LIMITED = policies.PolicyCreated(
    account=ACCOUNT,
    policy_id=PolicyId("ANPALIMIT"),
    name="Limit",
    path="/",
    document=policy({"Action": "s3:*", "Resource": "*"}),
)


def test_a_user_born_with_a_boundary_shows_it():
    world = World(LIMITED)
    user = world.asks(users.create_user, UserName="Bob", PermissionsBoundary=LIMIT).user
    assert user.permissions_boundary.permissions_boundary_arn == LIMIT
    assert world.asks(users.get_user, UserName="Bob").user == user
    assert world.asks(users.list_users).users[1].permissions_boundary is None


def test_a_boundary_that_does_not_exist_makes_no_user():
    world = World()
    answer = world.asks(users.create_user, UserName="Bob", PermissionsBoundary=f"{IAM}:policy/Absent")
    assert refused(answer, Reason.NO_SUCH_ENTITY)
    assert world.account.user_named("Bob") is None


@pytest.mark.parametrize(("asked", "allowed"), [({"PermissionsBoundary": LIMIT}, True), ({}, False)])
def test_a_delegate_makes_only_users_with_his_boundary(asked, allowed):
    held = {"Condition": {"StringEquals": {"iam:PermissionsBoundary": LIMIT}}}
    world = World(LIMITED, dan_may({"Action": "iam:CreateUser", "Resource": "*", **held}))
    answer = world.asks(users.create_user, who=DANS, UserName="Bob", **asked)
    assert allowed or refused(answer, Reason.ACCESS_DENIED)
    assert (world.account.user_named("Bob") is not None) is allowed
