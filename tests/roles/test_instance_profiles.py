"""Instance profiles hand one role to machines, and only who may pass the role can put it in."""

from __future__ import annotations

import pytest

from authority.kernel.refusal import Reason
from authority.kernel.tags import Tag
from authority.model import instance_profiles as facts
from authority.model import roles as role_facts
from authority.model.state import canonical, from_canonical
from authority.roles import instance_profiles as profiles
from authority.roles import roles
from tests.model.test_state import AT
from tests.principals.world import ACCOUNT, DANS, IAM, dan_may, refused
from tests.roles.world import ANYBODY, World, made

TEAM = {"Key": "team", "Value": "red"}
WEB = {"InstanceProfileName": "Web"}
FILL = {**WEB, "RoleName": "App"}


def profiled(world: World, **more):
    return world.asks(profiles.create_instance_profile, **{**WEB, **more})


def filled() -> World:
    world = World()
    made(world)
    profiled(world)
    assert world.asks(profiles.add_role_to_instance_profile, **FILL) is None
    return world


def test_a_new_profile_is_shown_as_it_was_made():
    world = World()
    answer = profiled(world, Path="/team/", Tags=[TEAM])
    profile = answer.instance_profile
    assert profile.arn == f"{IAM}:instance-profile/team/Web"
    assert profile.instance_profile_id.startswith("AIPA")
    assert (profile.create_date, profile.roles, profile.tags) == (AT, (), (Tag("team", "red"),))
    assert world.asks(profiles.get_instance_profile, InstanceProfileName="WEB") == answer


def test_a_profile_shows_the_role_in_it():
    world = filled()
    (role,) = world.asks(profiles.get_instance_profile, **WEB).instance_profile.roles
    assert role.arn == f"{IAM}:role/App"
    for listing, wanted in (
        (profiles.list_instance_profiles, {}),
        (profiles.list_instance_profiles_for_role, {"RoleName": "App"}),
    ):
        (profile,) = world.asks(listing, **wanted).instance_profiles
        assert [each.role_name for each in profile.roles] == ["App"]


def test_a_listing_shows_what_lies_under_a_path_in_pages():
    world = World()
    for name in ("b", "A", "c"):
        profiled(world, InstanceProfileName=name, Path="/p/")
    profiled(world)
    first = world.asks(profiles.list_instance_profiles, PathPrefix="/p/", MaxItems=2)
    rest = world.asks(profiles.list_instance_profiles, PathPrefix="/p/", Marker=first.marker)
    names = [profile.instance_profile_name for profile in (*first.instance_profiles, *rest.instance_profiles)]
    assert names == ["A", "b", "c"]


def test_a_name_is_taken_in_any_case():
    world = World()
    profiled(world)
    answer = profiled(world, InstanceProfileName="WEB")
    assert refused(answer, Reason.ENTITY_ALREADY_EXISTS, "Instance Profile WEB already exists.")


def test_an_account_holds_no_more_profiles_than_its_quota():
    many = [
        facts.InstanceProfileCreated(account=ACCOUNT, profile_id=f"AIPA{n}", name=f"p{n}", path="/")
        for n in range(1000)
    ]
    text = "Cannot exceed quota for InstanceProfilesPerAccount: 1000"
    assert refused(profiled(World(*many)), Reason.LIMIT_EXCEEDED, text)


def test_a_profile_holds_one_role():
    world = filled()
    made(world, "Other")
    text = "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1"
    for name in ("App", "Other"):
        answer = world.asks(profiles.add_role_to_instance_profile, **WEB, RoleName=name)
        assert refused(answer, Reason.LIMIT_EXCEEDED, text)


def test_neither_the_role_nor_the_profile_goes_while_one_holds_the_other():
    world = filled()
    text = "Cannot delete entity, must remove roles from instance profile first."
    assert refused(world.asks(roles.delete_role, RoleName="App"), Reason.DELETE_CONFLICT, text)
    assert refused(world.asks(profiles.delete_instance_profile, **WEB), Reason.DELETE_CONFLICT, text)
    assert world.asks(profiles.remove_role_from_instance_profile, **FILL) is None
    answer = world.asks(profiles.remove_role_from_instance_profile, **FILL)
    assert refused(answer, Reason.NO_SUCH_ENTITY, "Role App in Instance Profile Web cannot be found.")
    assert world.asks(profiles.delete_instance_profile, **WEB) is None
    assert world.asks(roles.delete_role, RoleName="App") is None
    answer = world.asks(profiles.get_instance_profile, **WEB)
    assert refused(answer, Reason.NO_SUCH_ENTITY, "Instance Profile Web cannot be found.")


def test_tags_keep_their_case():
    world = World()
    profiled(world, Tags=[TEAM])
    assert world.asks(profiles.tag_instance_profile, **WEB, Tags=[{"Key": "Team", "Value": "blue"}]) is None
    listed = world.asks(profiles.list_instance_profile_tags, **WEB)
    assert listed.tags == (Tag("Team", "blue"), Tag("team", "red"))
    assert world.asks(profiles.untag_instance_profile, **WEB, TagKeys=["Team"]) is None
    assert world.asks(profiles.list_instance_profile_tags, **WEB).tags == (Tag("team", "red"),)


def test_the_state_survives_its_spelling():
    world = filled()
    assert canonical(from_canonical(canonical(world.state))) == canonical(world.state)


@pytest.mark.parametrize(
    ("what", "wanted"),
    [
        (profiles.get_instance_profile, {}),
        (profiles.delete_instance_profile, {}),
        (profiles.add_role_to_instance_profile, {"RoleName": "App"}),
        (profiles.remove_role_from_instance_profile, {"RoleName": "App"}),
        (profiles.tag_instance_profile, {"Tags": [TEAM]}),
        (profiles.untag_instance_profile, {"TagKeys": ["team"]}),
        (profiles.list_instance_profile_tags, {}),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_profile_that_is_not_there_is_not_found(what, wanted):
    answer = World().asks(what, InstanceProfileName="Absent", **wanted)
    assert refused(answer, Reason.NO_SUCH_ENTITY, "Instance Profile Absent cannot be found.")


def test_a_role_that_is_not_there_is_not_found():
    world = World()
    profiled(world)
    for what in (profiles.add_role_to_instance_profile, profiles.remove_role_from_instance_profile):
        answer = world.asks(what, **FILL)
        assert refused(answer, Reason.NO_SUCH_ENTITY, "The role with name App cannot be found.")
    answer = world.asks(profiles.list_instance_profiles_for_role, RoleName="App")
    assert refused(answer, Reason.NO_SUCH_ENTITY, "The role with name App cannot be found.")


ADD = {"Action": "iam:AddRoleToInstanceProfile", "Resource": f"{IAM}:instance-profile/Web"}


def passing(to: str, role: str = "App", **more) -> dict:
    condition = {"StringEquals": {"iam:PassedToService": to}, **more}
    return {"Action": "iam:PassRole", "Resource": f"{IAM}:role/{role}", "Condition": condition}


@pytest.mark.parametrize(
    ("may", "allowed"),
    [
        pytest.param([ADD], False, id="adding alone is not enough"),
        pytest.param([passing("ec2.amazonaws.com")], False, id="nor is passing alone"),
        pytest.param([ADD, passing("ec2.amazonaws.com")], True, id="both are"),
        pytest.param([ADD, passing("lambda.amazonaws.com")], False, id="not passing to another service"),
        pytest.param([ADD, passing("ec2.amazonaws.com", "Other")], False, id="not passing another role"),
        pytest.param(
            [ADD, passing("ec2.amazonaws.com", StringLike={"aws:ResourceTag/team": "*"})],
            False,
            id="a role's tags are no condition",
        ),
        pytest.param(
            [ADD, passing("ec2.amazonaws.com", ArnEquals={"iam:AssociatedResourceArn": f"{IAM}:instance-profile/Web"})],
            True,
            id="the profile is a condition",
        ),
    ],
)
def test_who_may_hand_a_role_to_machines(may, allowed):
    world = World(dan_may(*may))
    made(world, Tags=[TEAM])
    profiled(world)
    answer = world.asks(profiles.add_role_to_instance_profile, who=DANS, **FILL)
    assert allowed or refused(answer, Reason.ACCESS_DENIED)
    assert (world.account.instance_profile_named("Web").role_id is not None) is allowed


def test_the_refusal_names_the_role_that_may_not_be_passed():
    world = World(dan_may(ADD))
    made(world)
    profiled(world)
    decision = world.decide(profiles.add_role_to_instance_profile, FILL, who=DANS)
    assert f"iam:PassRole on resource: {IAM}:role/App because no identity-based policy" in decision.answer.message
    assert [weighed.question.action for weighed in decision.weighed] == ["iam:AddRoleToInstanceProfile", "iam:PassRole"]


def test_a_service_s_own_role_is_in_no_profile():
    world = World()
    profiled(world)
    trust = role_facts.Trust(ANYBODY)
    world.take(
        role_facts.RoleCreated(
            account=ACCOUNT, role_id="AROAL", name="App", path="/", trust=trust, linked_to="x.amazonaws.com"
        )
    )
    assert refused(world.asks(profiles.add_role_to_instance_profile, **FILL), Reason.UNMODIFIABLE_ENTITY)


def test_tags_at_birth_need_the_permission_to_tag():
    create = {"Action": "iam:CreateInstanceProfile", "Resource": f"{IAM}:instance-profile/*"}
    world = World(dan_may(create))
    answer = world.asks(profiles.create_instance_profile, who=DANS, **WEB, Tags=[TEAM])
    assert refused(answer, Reason.ACCESS_DENIED)
    assert world.asks(profiles.create_instance_profile, who=DANS, **WEB).instance_profile


@pytest.mark.parametrize("team", ["red", "blue"])
def test_a_delegate_touches_only_profiles_that_carry_his_tag(team):
    his = {"Condition": {"StringEquals": {"aws:ResourceTag/team": "red"}}}
    world = World(dan_may({"Action": "iam:*", "Resource": f"{IAM}:instance-profile/*", **his}))
    profiled(world, Tags=[{"Key": "team", "Value": team}])
    answer = world.asks(profiles.delete_instance_profile, who=DANS, **WEB)
    assert team == "red" or refused(answer, Reason.ACCESS_DENIED)
    assert (world.account.instance_profile_named("Web") is None) is (team == "red")


def test_a_profile_wears_fifty_tags_each_once_and_no_more():
    world = World()
    many = [{"Key": f"k{n}", "Value": ""} for n in range(50)]
    assert refused(profiled(world, Tags=[TEAM, TEAM]), Reason.INVALID_INPUT)
    profiled(world, Tags=many)
    assert refused(world.asks(profiles.tag_instance_profile, **WEB, Tags=[TEAM]), Reason.LIMIT_EXCEEDED)
