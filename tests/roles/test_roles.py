"""Roles are made, shown, changed, tagged and deleted as IAM does it, and only by who may."""

from __future__ import annotations

from urllib.parse import unquote

import pytest

from authority.audit.answers import LastUse
from authority.kernel.ids import PolicyId, RoleId
from authority.kernel.refusal import Reason
from authority.kernel.tags import Tag
from authority.model import holders
from authority.model import roles as facts
from authority.model.state import canonical, from_canonical
from authority.roles import roles, tags
from authority.roles.showing import RoleLastUsed
from tests.model.test_state import AT
from tests.principals.world import ACCOUNT, DANS, IAM, dan_may, refused
from tests.roles.world import ANYBODY, LIMIT, LIMITED, World, made

TEAM = {"Key": "team", "Value": "red"}


def test_a_new_role_answers_what_iam_added_and_no_more():
    role = made(World(), Path="/team/", Description="d", MaxSessionDuration=7200, Tags=[TEAM]).role
    assert (role.path, role.role_name, role.arn) == ("/team/", "App", f"{IAM}:role/team/App")
    assert role.role_id.startswith("AROA")
    assert (role.create_date, role.tags) == (AT, (Tag("team", "red"),))
    assert unquote(role.assume_role_policy_document) == ANYBODY
    assert (role.description, role.max_session_duration, role.role_last_used) == (None, None, None)


def test_a_role_is_shown_whole_under_its_name_in_any_case():
    world = World()
    made(world, Description="d", MaxSessionDuration=7200, Tags=[TEAM])
    role = world.asks(roles.get_role, RoleName="APP").role
    assert (role.description, role.max_session_duration) == ("d", 7200)
    assert role.tags == (Tag("team", "red"),)
    assert role.role_last_used == RoleLastUsed()


def test_a_role_shows_when_and_where_it_was_last_used():
    world = World()
    made(world)
    world.used = LastUse(AT, "s3", "eu-west-1", 7)
    last = RoleLastUsed(AT, "eu-west-1")
    assert world.asks(roles.get_role, RoleName="App").role.role_last_used == last


def test_a_listing_shows_settings_and_neither_tags_nor_last_use():
    world = World()
    made(world, "beta", Path="/team/", Tags=[TEAM], Description="d")
    made(world, "Alpha", Path="/team/")
    listed = world.asks(roles.list_roles, PathPrefix="/team/")
    assert [role.role_name for role in listed.roles] == ["Alpha", "beta"]
    assert (listed.is_truncated, listed.marker) == (False, None)
    beta = listed.roles[1]
    assert (beta.max_session_duration, beta.description, beta.tags, beta.role_last_used) == (3600, "d", None, None)


def test_a_listing_is_paged_by_opaque_markers():
    world = World()
    for name in ("a", "b", "c"):
        made(world, name, Path="/p/")
    first = world.asks(roles.list_roles, PathPrefix="/p/", MaxItems=2)
    assert first.is_truncated
    rest = world.asks(roles.list_roles, PathPrefix="/p/", MaxItems=2, Marker=first.marker)
    assert [role.role_name for role in (*first.roles, *rest.roles)] == ["a", "b", "c"]
    assert not rest.is_truncated
    assert refused(world.asks(roles.list_roles, PathPrefix="/x/", Marker=first.marker), Reason.VALIDATION_ERROR)


def test_a_name_is_taken_in_any_case():
    world = World()
    made(world)
    assert refused(made(world, "APP"), Reason.ENTITY_ALREADY_EXISTS, "Role with name APP already exists.")


def test_an_account_holds_no_more_roles_than_its_quota():
    many = [
        facts.RoleCreated(account=ACCOUNT, role_id=RoleId(f"AROA{n}"), name=f"r{n}", path="/", trust=facts.Trust("{}"))
        for n in range(999)
    ]
    text = "Cannot exceed quota for RolesPerAccount: 1000"
    assert refused(made(World(*many)), Reason.LIMIT_EXCEEDED, text)


@pytest.mark.parametrize(
    ("hangs", "first"),
    [
        pytest.param(
            lambda role_id: holders.InlinePolicyPut(account=ACCOUNT, holder=role_id, name="p", document="{}"),
            "delete policies",
            id="an inline policy",
        ),
        pytest.param(
            lambda role_id: holders.PolicyAttached(account=ACCOUNT, holder=role_id, policy_id=PolicyId("ANPA")),
            "detach all policies",
            id="an attached policy",
        ),
    ],
)
def test_a_role_on_which_something_hangs_is_not_deleted(hangs, first):
    world = World()
    world.take(hangs(made(world).role.role_id))
    answer = world.asks(roles.delete_role, RoleName="App")
    assert refused(answer, Reason.DELETE_CONFLICT, f"Cannot delete entity, must {first} first.")


def test_a_deleted_role_is_gone_and_its_name_is_free():
    world = World()
    first = made(world).role
    assert world.asks(roles.delete_role, RoleName="App") is None
    assert refused(world.asks(roles.get_role, RoleName="App"), Reason.NO_SUCH_ENTITY)
    assert made(world).role.role_id != first.role_id


def test_the_state_after_all_of_it_survives_its_spelling():
    world = World()
    made(world, Tags=[TEAM])
    assert canonical(from_canonical(canonical(world.state))) == canonical(world.state)


def test_an_update_keeps_what_it_does_not_name():
    world = World()
    made(world, Description="d")
    assert world.asks(roles.update_role, RoleName="App", MaxSessionDuration=7200) is None
    role = world.asks(roles.get_role, RoleName="App").role
    assert (role.description, role.max_session_duration) == ("d", 7200)
    world.asks(roles.update_role, RoleName="App", Description="e")
    role = world.asks(roles.get_role, RoleName="App").role
    assert (role.description, role.max_session_duration) == ("e", 7200)
    assert world.asks(roles.update_role, RoleName="App") is None
    assert world.asks(roles.get_role, RoleName="App").role == role


def test_a_role_described_anew_is_shown_like_a_new_one_and_keeps_its_longest_session():
    world = World()
    made(world, Description="d", MaxSessionDuration=7200)
    shown = world.asks(roles.update_role_description, RoleName="App", Description="e")
    assert (shown.role.description, shown.role.max_session_duration, shown.role.role_last_used) == ("e", None, None)
    role = world.asks(roles.get_role, RoleName="App").role
    assert (role.description, role.max_session_duration) == ("e", 7200)


def test_tags_are_laid_over_each_other_without_regard_to_case():
    world = World()
    made(world, Tags=[TEAM])
    assert (
        world.asks(tags.tag_role, RoleName="App", Tags=[{"Key": "TEAM", "Value": "blue"}, {"Key": "a", "Value": ""}])
        is None
    )
    listed = world.asks(tags.list_role_tags, RoleName="App")
    assert listed.tags == (Tag("TEAM", "blue"), Tag("a", ""))
    assert world.asks(tags.untag_role, RoleName="App", TagKeys=["Team", "absent"]) is None
    assert world.asks(tags.list_role_tags, RoleName="App").tags == (Tag("a", ""),)


def test_a_role_wears_fifty_tags_and_no_more():
    world = World()
    made(world, Tags=[{"Key": f"k{n}", "Value": ""} for n in range(50)])
    assert world.asks(tags.tag_role, RoleName="App", Tags=[{"Key": "K0", "Value": "again"}]) is None
    assert refused(world.asks(tags.tag_role, RoleName="App", Tags=[TEAM]), Reason.LIMIT_EXCEEDED)


@pytest.mark.parametrize(
    ("what", "wanted"),
    [
        (roles.get_role, {}),
        (roles.delete_role, {}),
        (roles.update_role, {}),
        (roles.update_role_description, {"Description": ""}),
        (roles.update_assume_role_policy, {"PolicyDocument": ANYBODY}),
        (tags.tag_role, {"Tags": [TEAM]}),
        (tags.untag_role, {"TagKeys": ["team"]}),
        (tags.list_role_tags, {}),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_role_that_is_not_there_is_not_found(what, wanted):
    answer = World().asks(what, RoleName="Nobody", **wanted)
    assert refused(answer, Reason.NO_SUCH_ENTITY, "The role with name Nobody cannot be found.")


NEW = f"{IAM}:role/team/New"
NEWS = {"RoleName": "New", "Path": "/team/", "AssumeRolePolicyDocument": ANYBODY}


@pytest.mark.parametrize(
    ("may", "wanted", "allowed"),
    [
        pytest.param([{"Action": "iam:CreateRole", "Resource": f"{IAM}:role/team/*"}], NEWS, True, id="under his path"),
        pytest.param(
            [{"Action": "iam:CreateRole", "Resource": f"{IAM}:role/team/*"}],
            {**NEWS, "Path": "/other/"},
            False,
            id="not under another",
        ),
        pytest.param(
            [{"Action": "iam:CreateRole", "Resource": "*"}],
            {**NEWS, "Tags": [TEAM]},
            False,
            id="no tags without the permission to tag",
        ),
        pytest.param(
            [{"Action": ["iam:CreateRole", "iam:TagRole"], "Resource": NEW}],
            {**NEWS, "Tags": [TEAM]},
            True,
            id="tags with it",
        ),
        pytest.param(
            [
                {
                    "Action": ["iam:CreateRole", "iam:TagRole"],
                    "Resource": NEW,
                    "Condition": {"StringEquals": {"aws:RequestTag/team": "red"}},
                }
            ],
            {**NEWS, "Tags": [{"Key": "team", "Value": "blue"}]},
            False,
            id="only roles of his team",
        ),
    ],
)
def test_who_may_make_which_role(may, wanted, allowed):
    world = World(dan_may(*may))
    decision = world.decide(roles.create_role, wanted, who=DANS)
    assert bool(decision.facts) is allowed
    assert allowed or refused(decision.answer, Reason.ACCESS_DENIED)


@pytest.mark.parametrize("team", ["red", "blue"])
def test_a_delegate_touches_only_what_carries_his_tag(team):
    his = {"Condition": {"StringEquals": {"iam:ResourceTag/team": "red"}}}
    world = World(dan_may({"Action": "iam:*", "Resource": f"{IAM}:role/*", **his}))
    made(world, Tags=[{"Key": "team", "Value": team}])
    for what, wanted in (
        (roles.get_role, {}),
        (roles.update_role, {}),
        (roles.update_assume_role_policy, {"PolicyDocument": ANYBODY}),
        (tags.tag_role, {"Tags": [{"Key": "a", "Value": "b"}]}),
        (tags.list_role_tags, {}),
        (roles.delete_role, {}),
    ):
        answer = world.asks(what, who=DANS, RoleName="App", **wanted)
        assert team == "red" or refused(answer, Reason.ACCESS_DENIED)
    assert (world.account.role_named("App") is None) is (team == "red")


def test_a_role_born_with_a_boundary_shows_it_but_in_listings():
    world = World(LIMITED)
    shown = made(world, Path="/p/", PermissionsBoundary=LIMIT).role.permissions_boundary
    assert world.asks(roles.get_role, RoleName="App").role.permissions_boundary == shown
    assert (shown.permissions_boundary_arn, shown.permissions_boundary_type) == (LIMIT, "Policy")
    listed = world.asks(roles.list_roles, PathPrefix="/p/").roles[0]
    assert listed.permissions_boundary is None


def test_a_boundary_that_does_not_exist_makes_no_role():
    world = World()
    text = f"Scope ARN: {LIMIT} does not exist or is not attachable."
    assert refused(made(world, PermissionsBoundary=LIMIT), Reason.NO_SUCH_ENTITY, text)
    assert world.account.role_named("App") is None


@pytest.mark.parametrize("boundary", [{"PermissionsBoundary": LIMIT}, {}])
def test_a_delegate_makes_and_changes_only_roles_with_his_boundary(boundary):
    held = {"Condition": {"StringEquals": {"iam:PermissionsBoundary": LIMIT}}}
    world = World(LIMITED, dan_may({"Action": "iam:*", "Resource": "*", **held}))
    assert boundary or refused(world.asks(roles.create_role, who=DANS, **NEWS), Reason.ACCESS_DENIED)
    made(world, **boundary)
    for what, wanted in (
        (roles.get_role, {}),
        (roles.update_role, {}),
        (roles.update_role_description, {"Description": ""}),
        (roles.update_assume_role_policy, {"PolicyDocument": ANYBODY}),
        (roles.delete_role, {}),
    ):
        answer = world.asks(what, who=DANS, RoleName="App", **wanted)
        assert boundary or refused(answer, Reason.ACCESS_DENIED)
    assert (world.account.role_named("App") is None) is bool(boundary)


def test_nobody_makes_a_role_where_those_of_services_lie():
    answer = made(World(), Path="/aws-service-role/x.amazonaws.com/")
    assert refused(answer, Reason.INVALID_INPUT)


def test_a_service_s_own_role_is_described_and_tagged_and_nothing_else():
    world = World()
    trust = facts.Trust(ANYBODY)
    linked = facts.RoleCreated(
        account=ACCOUNT, role_id=RoleId("AROALINKED"), name="L", path="/", trust=trust, linked_to="x.amazonaws.com"
    )
    world.take(linked)
    text = "Cannot perform the operation on the protected role 'L' - this role is only modifiable by AWS"
    for what, wanted in (
        (roles.update_role, {"MaxSessionDuration": 7200}),
        (roles.update_assume_role_policy, {"PolicyDocument": ANYBODY}),
        (roles.delete_role, {}),
    ):
        assert refused(world.asks(what, RoleName="L", **wanted), Reason.UNMODIFIABLE_ENTITY, text)
    assert world.asks(roles.update_role_description, RoleName="L", Description="d").role.description == "d"
    assert world.asks(roles.update_role, RoleName="L", Description="e") is None
    assert world.asks(tags.tag_role, RoleName="L", Tags=[TEAM]) is None


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        pytest.param([TEAM, {"Key": "TEAM", "Value": ""}], Reason.INVALID_INPUT, id="keys that differ by case only"),
        pytest.param([{"Key": "aws:x", "Value": ""}], Reason.INVALID_INPUT, id="a reserved prefix"),
        pytest.param([{"Key": f"k{n}", "Value": ""} for n in range(51)], Reason.LIMIT_EXCEEDED, id="fifty-one"),
    ],
)
def test_tags_that_are_refused_make_no_role(wanted, reason):
    world = World()
    assert refused(made(world, Tags=wanted), reason)
    assert world.account.role_named("App") is None
