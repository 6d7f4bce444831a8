"""Permissions boundaries are set and taken away by who may, within the boundary he is held to."""

from __future__ import annotations

import pytest

from authority.kernel.refusal import Reason
from authority.model import roles
from authority.permissions import boundaries, inline
from tests.permissions.asking import APP, BEN, HOME, ROOT, World, denied, document, may, refused
from tests.permissions.test_managed import ADMIN, ADMIN_ID, BOOKS, PUBLISHED, bounded, created

KINDS = [("User", "Ben", BEN), ("Role", "App", APP)]


def put(word: str):
    return getattr(boundaries, f"put_{word.lower()}_permissions_boundary")


def delete(word: str):
    return getattr(boundaries, f"delete_{word.lower()}_permissions_boundary")


@pytest.mark.parametrize(("word", "name", "holder"), KINDS)
def test_a_boundary_is_set_changed_and_taken_away(word, name, holder):
    world = World(created(), PUBLISHED)
    for arn, policy_id in ((BOOKS, "ANPABOOKS"), (ADMIN, ADMIN_ID), (ADMIN, ADMIN_ID)):
        assert world.ask(put(word), **{f"{word}Name": name, "PermissionsBoundary": arn}) is None
        assert world.state.accounts[HOME].holder(holder).boundary == policy_id
    assert world.ask(delete(word), **{f"{word}Name": name}) is None
    assert world.state.accounts[HOME].holder(holder).boundary is None
    text = f"{word} {name} does not have a permissions boundary."
    assert world.ask(delete(word), **{f"{word}Name": name}) == refused(Reason.NO_SUCH_ENTITY, text)


@pytest.mark.parametrize(("word", "name", "_holder"), KINDS)
def test_what_does_not_exist_is_not_found(word, name, _holder):
    world, absent = World(created()), f"{ROOT}policy/Absent"
    text = f"Scope ARN: {absent} does not exist or is not attachable."
    asked = {f"{word}Name": name, "PermissionsBoundary": absent}
    assert world.ask(put(word), **asked) == refused(Reason.NO_SUCH_ENTITY, text)
    nobody = {f"{word}Name": "Nobody"}
    text = f"The {word.lower()} with name Nobody cannot be found."
    assert world.ask(put(word), **nobody, PermissionsBoundary=BOOKS) == refused(Reason.NO_SUCH_ENTITY, text)
    assert world.ask(delete(word), **nobody) == refused(Reason.NO_SUCH_ENTITY, text)


@pytest.mark.parametrize(("word", "name", "holder"), KINDS)
def test_a_delegate_sets_only_the_boundary_he_is_held_to_and_takes_away_only_that(word, name, holder):
    held = {"Condition": {"StringEquals": {"iam:PermissionsBoundary": BOOKS}}}
    actions = [f"iam:Put{word}PermissionsBoundary", f"iam:Delete{word}PermissionsBoundary"]
    given = (created(), created("Limit", "/"), may(BEN, actions, **held))
    whose = {f"{word}Name": name}
    assert World(*given).as_ben(put(word), **whose, PermissionsBoundary=BOOKS) is None
    assert denied(World(*given).as_ben(put(word), **whose, PermissionsBoundary=f"{ROOT}policy/Limit"))
    if word == "Role":
        assert World(*given, bounded("ANPABOOKS", holder)).as_ben(delete(word), **whose) is None
        assert denied(World(*given, bounded("ANPALIMIT", holder)).as_ben(delete(word), **whose))


def test_who_sets_his_own_boundary_is_limited_by_it_at_once():
    world = World(created(document=document(action="sqs:*")), may(BEN, "iam:*"))
    assert world.as_ben(boundaries.put_user_permissions_boundary, UserName="Ben", PermissionsBoundary=BOOKS) is None
    assert denied(world.as_ben(boundaries.delete_user_permissions_boundary, UserName="Ben"))
    assert denied(world.as_ben(inline.list_user_policies, UserName="Ben"))


def test_a_service_s_own_role_gets_no_boundary():
    linked = roles.RoleCreated(
        account=HOME, role_id="AROALINKED", name="L", path="/", trust=roles.Trust("{}"), linked_to="x.amazonaws.com"
    )
    text = "Cannot perform the operation on the protected role 'L' - this role is only modifiable by AWS"
    world = World(created(), linked)
    for action, more in ((put("Role"), {"PermissionsBoundary": BOOKS}), (delete("Role"), {})):
        assert world.ask(action, RoleName="L", **more) == refused(Reason.UNMODIFIABLE_ENTITY, text)
