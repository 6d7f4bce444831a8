"""Roles are made, shown, changed, tagged and deleted as IAM does it, and only by who may."""

from __future__ import annotations

import json
from urllib.parse import unquote

import pytest

from authority.kernel.ids import RoleId
from authority.kernel.refusal import Reason
from authority.kernel.tags import Tag
from authority.model import holders
from authority.model import roles as facts
from authority.model.state import canonical, from_canonical
from authority.roles import roles
from tests.model.test_state import AT
from tests.principals.world import ACCOUNT, ANN, DAN, DANS, IAM, World, dan_may, refused

TEAM = {"Key": "team", "Value": "red"}


def trusting(principal: object = "*", **more) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


ANYBODY = trusting({"AWS": "*"})


def made(world: World, name: str = "App", **more):
    return world.asks(roles.create_role, **{"RoleName": name, "AssumeRolePolicyDocument": ANYBODY, **more})


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
    assert (
        role.role_last_used
        == roles.whole(world.state, world.account, world.account.role_named("App"), "aws").role_last_used
    )


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


def test_a_role_with_policies_is_not_deleted():
    world = World()
    role_id = made(world).role.role_id
    inline = holders.InlinePolicyPut(account=ACCOUNT, holder=role_id, name="p", document="{}")
    text = "Cannot delete entity, must delete policies first."
    with_inline = World(*_as_facts(world, role_id), inline)
    assert refused(with_inline.asks(roles.delete_role, RoleName="App"), Reason.DELETE_CONFLICT, text)


def _as_facts(world: World, role_id: str):
    role = world.account.roles[role_id]
    yield facts.RoleCreated(account=ACCOUNT, role_id=RoleId(role.id), name=role.name, path=role.path, trust=role.trust)


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


@pytest.mark.parametrize("what", [roles.get_role, roles.delete_role], ids=lambda what: what.name)
def test_a_role_that_is_not_there_is_not_found(what):
    answer = World().asks(what, RoleName="Nobody")
    assert refused(answer, Reason.NO_SUCH_ENTITY, "The role with name Nobody cannot be found.")
