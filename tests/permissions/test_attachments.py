"""Managed policies attached to users, groups and roles: who holds what, how many, and who may say so."""

from __future__ import annotations

import pytest

from authority.kernel.ids import RoleId, UserId
from authority.kernel.refusal import Reason
from authority.model import policies, principals, roles
from authority.permissions import attachments, inline
from tests.permissions.asking import APP, BEN, HOME, MIA, ROOT, TEAM, World, denied, document, may, refused
from tests.permissions.test_inline import kinds
from tests.permissions.test_managed import ADMIN, ADMIN_ID, BOOKS, PUBLISHED, attached, bounded, created

ZOE, OWN = UserId("AIDAZOE"), RoleId("AROAOWN")
ABSENT = f"{ROOT}policy/Absent"


def actions(word: str):
    lower = word.lower()
    return (
        getattr(attachments, f"attach_{lower}_policy"),
        getattr(attachments, f"detach_{lower}_policy"),
        getattr(attachments, f"list_attached_{lower}_policies"),
    )


def held(answer: dict) -> list[tuple[str, str]]:
    return [(policy["PolicyName"], policy["PolicyArn"]) for policy in answer["AttachedPolicies"]]


@kinds
def test_what_was_attached_is_listed_until_it_is_detached(word, name, holder, arn):
    attach, detach, listed = actions(word)
    world, whose = World(created(), PUBLISHED), {f"{word}Name": name}
    assert world.ask(attach, **whose, PolicyArn=BOOKS) is None
    assert world.ask(attach, **whose, PolicyArn=ADMIN) is None
    assert held(world.ask(listed, **whose)) == [("Admin", ADMIN), ("Books", BOOKS)]
    assert held(world.ask(listed, **whose, PathPrefix="/team/")) == [("Books", BOOKS)]
    first = world.ask(listed, **whose, MaxItems=1)
    assert (held(first), first["IsTruncated"]) == ([("Admin", ADMIN)], True)
    assert held(world.ask(listed, **whose, MaxItems=1, Marker=first["Marker"])) == [("Books", BOOKS)]
    assert world.ask(detach, **whose, PolicyArn=BOOKS) is None
    assert held(world.ask(listed, **whose)) == [("Admin", ADMIN)]


@kinds
def test_attaching_twice_is_attaching_once(word, name, holder, arn):
    attach = actions(word)[0]
    world = World(created(), attached("ANPABOOKS", holder))
    decision = world.decide(attach, **{f"{word}Name": name}, PolicyArn=BOOKS)
    assert (decision.answer, decision.facts) == (None, ())


@kinds
def test_who_or_what_does_not_exist(word, name, holder, arn):
    attach, detach, listed = actions(word)
    world, whose = World(created()), {f"{word}Name": name}
    nobody = refused(Reason.NO_SUCH_ENTITY, f"The {word.lower()} with name Nobody cannot be found.")
    for action in (attach, detach):
        assert world.ask(action, **{f"{word}Name": "Nobody"}, PolicyArn=BOOKS) == nobody
    assert world.ask(listed, **{f"{word}Name": "Nobody"}) == nobody
    nothing = refused(Reason.NO_SUCH_ENTITY, f"Policy {ABSENT} does not exist or is not attachable.")
    assert world.ask(attach, **whose, PolicyArn=ABSENT) == nothing
    assert world.ask(detach, **whose, PolicyArn=ABSENT).message == f"Policy {ABSENT} was not found."
    assert world.ask(detach, **whose, PolicyArn=BOOKS).message == f"Policy {BOOKS} was not found."
    broken = refused(Reason.VALIDATION_ERROR, "ARN AdministratorAccess-and-more is not valid.")
    assert world.ask(attach, **whose, PolicyArn="AdministratorAccess-and-more") == broken


@kinds
def test_another_account_s_policy_is_not_attachable(word, name, holder, arn):
    theirs = "arn:aws:iam::444455556666:policy/Theirs"
    made = policies.PolicyCreated(
        account="444455556666", policy_id="ANPATHEIRS", name="Theirs", path="/", document=document()
    )
    answer = World(made).ask(actions(word)[0], **{f"{word}Name": name}, PolicyArn=theirs)
    assert answer == refused(Reason.NO_SUCH_ENTITY, f"Policy {theirs} does not exist or is not attachable.")


@kinds
def test_ten_policies_are_attached_and_the_eleventh_is_not(word, name, holder, arn):
    attach, detach, _ = actions(word)
    world = World(
        *(created(f"P{number}", "/") for number in range(11)),
        *(attached(f"ANPAP{number}", holder) for number in range(10)),
    )
    whose = {f"{word}Name": name}
    full = refused(Reason.LIMIT_EXCEEDED, f"Cannot exceed quota for PoliciesPer{word}: 10")
    assert world.ask(attach, **whose, PolicyArn=f"{ROOT}policy/P10") == full
    assert world.ask(attach, **whose, PolicyArn=f"{ROOT}policy/P3") is None
    assert world.ask(detach, **whose, PolicyArn=f"{ROOT}policy/P3") is None
    assert world.ask(attach, **whose, PolicyArn=f"{ROOT}policy/P10") is None


@kinds
def test_what_the_catalogue_dropped_can_be_kept_and_detached_but_not_attached(word, name, holder, arn):
    attach, detach, _ = actions(word)
    retired, whose = policies.CataloguePolicyRetired(policy_id=ADMIN_ID), {f"{word}Name": name}
    answer = World(PUBLISHED, retired).ask(attach, **whose, PolicyArn=ADMIN)
    assert answer == refused(Reason.NO_SUCH_ENTITY, f"Policy {ADMIN} does not exist or is not attachable.")
    world = World(PUBLISHED, attached(ADMIN_ID, holder), retired)
    assert world.ask(attach, **whose, PolicyArn=ADMIN) is None
    assert world.ask(detach, **whose, PolicyArn=ADMIN) is None


@kinds
def test_attaching_is_authorised_on_the_holder_and_by_the_policy_s_arn(word, name, holder, arn):
    attach, detach, listed = actions(word)
    whose, only = {f"{word}Name": name}, {"Condition": {"ArnEquals": {"iam:PolicyARN": BOOKS}}}
    given = (created(), created("Shelf", "/"))
    for action in (attach, detach):
        world = World(*given, may(BEN, action.name, arn, **only))
        assert not denied(world.as_ben(action, **whose, PolicyArn=BOOKS))
        assert denied(world.as_ben(action, **whose, PolicyArn=f"{ROOT}policy/Shelf"))
        assert denied(World(*given, may(BEN, action.name, f"{arn}2")).as_ben(action, **whose, PolicyArn=BOOKS))
    assert not denied(World(may(BEN, listed.name, arn)).as_ben(listed, **whose))
    assert denied(World(may(BEN, listed.name, f"{arn}2")).as_ben(listed, **whose))


@pytest.mark.parametrize(("word", "name", "holder"), [("User", "Ben", BEN), ("Role", "App", APP)])
def test_permissions_are_given_and_taken_only_within_a_boundary_where_a_policy_says_so(word, name, holder):
    attach, detach, _ = actions(word)
    only = {"Condition": {"StringEquals": {"iam:PermissionsBoundary": f"{ROOT}policy/Limit"}}}
    given = (created(), created("Limit", "/"), may(MIA, name="everything", **only))
    put = getattr(inline, f"put_{word.lower()}_policy")
    delete = getattr(inline, f"delete_{word.lower()}_policy")
    for action, wanted in (
        (attach, {"PolicyArn": BOOKS}),
        (detach, {"PolicyArn": BOOKS}),
        (put, {"PolicyName": "p", "PolicyDocument": document()}),
        (delete, {"PolicyName": "p"}),
    ):
        asked = {f"{word}Name": name, **wanted}
        assert denied(World(*given).ask(action, **asked))
        assert not denied(World(*given, bounded("ANPALIMIT", holder)).ask(action, **asked))


def test_a_service_s_own_role_is_given_nothing_and_nothing_is_taken_from_it():
    linked = roles.RoleCreated(
        account=HOME,
        role_id=OWN,
        name="Own",
        path="/aws-service-role/",
        trust=roles.Trust("{}"),
        linked_to="a.amazonaws.com",
    )
    world, whose = World(created(), linked, attached("ANPABOOKS", OWN)), {"RoleName": "Own"}
    text = "Cannot perform the operation on the protected role 'Own' - this role is only modifiable by AWS"
    protected = refused(Reason.UNMODIFIABLE_ENTITY, text)
    for action in (attachments.attach_role_policy, attachments.detach_role_policy):
        assert world.ask(action, **whose, PolicyArn=BOOKS) == protected
    assert world.ask(inline.put_role_policy, **whose, PolicyName="p", PolicyDocument=document()) == protected
    assert world.ask(inline.delete_role_policy, **whose, PolicyName="p") == protected
    assert held(world.ask(attachments.list_attached_role_policies, **whose)) == [("Books", BOOKS)]


def test_a_policy_counts_from_the_moment_it_is_attached_to_the_moment_it_is_detached():
    allowing = created(document=document(action="iam:ListUserPolicies"))
    world, whose = World(allowing), {"UserName": "Ben"}
    listed = attachments.list_attached_user_policies
    reading = created("Reading", "/", document=document(action=listed.name))
    world = World(reading)
    assert denied(world.as_ben(listed, **whose))
    world.ask(attachments.attach_user_policy, **whose, PolicyArn=f"{ROOT}policy/Reading")
    assert not denied(world.as_ben(listed, **whose))
    world.ask(attachments.detach_user_policy, **whose, PolicyArn=f"{ROOT}policy/Reading")
    assert denied(world.as_ben(listed, **whose))


def entities(answer: dict) -> dict[str, list[str]]:
    return {
        "groups": [group["GroupName"] for group in answer["PolicyGroups"]],
        "users": [user["UserName"] for user in answer["PolicyUsers"]],
        "roles": [role["RoleName"] for role in answer["PolicyRoles"]],
    }


HELD = (created(), *(attached("ANPABOOKS", holder) for holder in (BEN, TEAM, APP)))


@pytest.mark.parametrize(
    ("wanted", "groups", "users", "roles"),
    [
        pytest.param({}, ["Team"], ["Ben", "Zoe"], ["App"], id="everybody"),
        pytest.param({"EntityFilter": "User"}, [], ["Ben", "Zoe"], [], id="users"),
        pytest.param({"EntityFilter": "Group"}, ["Team"], [], [], id="groups"),
        pytest.param({"EntityFilter": "Role"}, [], [], ["App"], id="roles"),
        pytest.param({"EntityFilter": "LocalManagedPolicy"}, [], [], [], id="what holds nothing"),
        pytest.param({"PathPrefix": "/team/"}, [], [], ["App"], id="below a path"),
        pytest.param({"PolicyUsageFilter": "PermissionsPolicy"}, ["Team"], ["Ben"], ["App"], id="as permissions"),
        pytest.param({"PolicyUsageFilter": "PermissionsBoundary"}, [], ["Zoe"], [], id="as a boundary"),
    ],
)
def test_who_holds_a_policy(wanted, groups, users, roles):
    limited = (principals.UserCreated(account=HOME, user_id=ZOE, name="Zoe", path="/"), bounded("ANPABOOKS", ZOE))
    answer = World(*HELD, *limited).ask(attachments.list_entities_for_policy, PolicyArn=BOOKS, **wanted)
    assert entities(answer) == {"groups": groups, "users": users, "roles": roles}


def test_holders_come_in_pages_and_with_their_unique_ids():
    world, seen = World(*HELD), []
    marker: dict[str, str] = {}
    for _ in range(3):
        answer = world.ask(attachments.list_entities_for_policy, PolicyArn=BOOKS, MaxItems=1, **marker)
        seen += [
            (each.get("UserId") or each.get("GroupId") or each.get("RoleId"))
            for part in ("PolicyGroups", "PolicyUsers", "PolicyRoles")
            for each in answer[part]
        ]
        marker = {"Marker": answer["Marker"]}
    assert sorted(seen) == sorted([BEN, TEAM, APP])
    assert answer["IsTruncated"] is False


def test_holders_are_those_of_the_caller_s_account():
    world = World(PUBLISHED, attached(ADMIN_ID))
    assert entities(world.ask(attachments.list_entities_for_policy, PolicyArn=ADMIN))["users"] == ["Ben"]
    assert HOME in world.state.accounts
    missing = world.ask(attachments.list_entities_for_policy, PolicyArn=ABSENT)
    assert missing == refused(Reason.NO_SUCH_ENTITY, f"Policy {ABSENT} does not exist or is not attachable.")


def test_who_asks_for_holders_is_authorised_on_the_policy():
    asked = attachments.list_entities_for_policy
    assert not denied(World(*HELD, may(BEN, asked.name, BOOKS)).as_ben(asked, PolicyArn=BOOKS))
    assert denied(World(*HELD, may(BEN, asked.name, ABSENT)).as_ben(asked, PolicyArn=BOOKS))
