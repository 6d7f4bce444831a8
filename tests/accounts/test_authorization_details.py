"""What an account holds is shown whole: from it an equal account could be made."""

from __future__ import annotations

import json
from datetime import timedelta
from urllib.parse import quote, unquote

import msgspec
import pytest

from authority.accounts.authorization_details import KINDS, get_account_authorization_details
from authority.audit.answers import LastUse
from authority.audit.queries import LastUsed
from authority.kernel.ids import GroupId, InstanceProfileId, PolicyId, RoleId, UserId
from authority.kernel.refusal import Reason
from authority.kernel.tags import Tag
from authority.model import boundaries, holders, instance_profiles, policies, principals, roles
from authority.model.policies import catalogue_id
from tests.accounts.world import CLERK, CLERK_IS_THERE, CLERKS, MANAGEMENT, World, may, reason
from tests.model.test_state import AT, HARMLESS
from tests.sessions.test_assume_role import policy
from tests.wire.models import described

TEAM, APP, BOOKS, NEWER = GroupId("AGPATEAM"), RoleId("AROAAPP"), PolicyId("ANPABOOKS"), '{"Version":"2012-10-17"}'
ADMINISTRATORS = catalogue_id("/", "AdministratorAccess")
GUEST = UserId("AIDAGUEST")
TRUST = policy(Principal={"AWS": f"arn:aws:iam::{MANAGEMENT}:user/Guest"}, Action="sts:AssumeRole")
HELD = (
    *CLERK_IS_THERE,
    principals.UserCreated(account=MANAGEMENT, user_id=GUEST, name="Guest", path="/", tags=(Tag("Team", "a b"),)),
    principals.GroupCreated(account=MANAGEMENT, group_id=TEAM, name="Team", path="/x/"),
    principals.GroupJoined(account=MANAGEMENT, group_id=TEAM, user_id=GUEST),
    policies.PolicyCreated(
        account=MANAGEMENT, policy_id=BOOKS, name="Books", path="/", document=HARMLESS, description="of books"
    ),
    policies.PolicyVersionCreated(account=MANAGEMENT, policy_id=BOOKS, number=2, document=NEWER),
    policies.CataloguePolicyPublished(
        policy_id=ADMINISTRATORS, path="/", name="AdministratorAccess", document=HARMLESS, description="all", number=1
    ),
    policies.CataloguePolicyPublished(
        policy_id=catalogue_id("/", "Unheld"), path="/", name="Unheld", document=HARMLESS, description="", number=1
    ),
    roles.RoleCreated(
        account=MANAGEMENT,
        role_id=APP,
        name="App",
        path="/",
        trust=roles.Trust(TRUST, ((f"arn:aws:iam::{MANAGEMENT}:user/Guest", GUEST),)),
        tags=(Tag("Team", "b"),),
    ),
    holders.InlinePolicyPut(account=MANAGEMENT, holder=APP, name="in/line".replace("/", "-"), document=HARMLESS),
    holders.PolicyAttached(account=MANAGEMENT, holder=TEAM, policy_id=BOOKS),
    holders.PolicyAttached(account=MANAGEMENT, holder=APP, policy_id=ADMINISTRATORS),
    boundaries.BoundarySet(account=MANAGEMENT, holder=GUEST, policy_id=BOOKS),
    instance_profiles.InstanceProfileCreated(
        account=MANAGEMENT, profile_id=InstanceProfileId("AIPA1"), name="Machines", path="/"
    ),
    instance_profiles.RoleAddedToProfile(account=MANAGEMENT, profile_id=InstanceProfileId("AIPA1"), role_id=APP),
)
USED = {APP: LastUse(AT + timedelta(hours=1), "s3", "eu-west-1", 9)}


def details(world: World | None = None, **wanted):
    return (world or World(*HELD)).ask(get_account_authorization_details, found=USED, **wanted)


def test_a_user_is_shown_with_groups_policies_boundary_and_tags():
    shown = next(user for user in details()["UserDetailList"] if user["UserName"] == "Guest")
    assert shown["GroupList"] == ["Team"]
    assert shown["PermissionsBoundary"] == {
        "PermissionsBoundaryArn": f"arn:aws:iam::{MANAGEMENT}:policy/Books",
        "PermissionsBoundaryType": "Policy",
    }
    assert shown["Tags"] == [{"Key": "Team", "Value": "a b"}]
    assert "UserPolicyList" not in shown
    admin = next(user for user in details()["UserDetailList"] if user["UserName"] == "admin")
    assert [one["PolicyName"] for one in admin["UserPolicyList"]] == ["AdministratorAccess"]


def test_a_group_is_shown_with_its_policies():
    (shown,) = details()["GroupDetailList"]
    assert (shown["Path"], shown["GroupPolicyList"]) == ("/x/", [])
    assert shown["AttachedManagedPolicies"] == [
        {"PolicyName": "Books", "PolicyArn": f"arn:aws:iam::{MANAGEMENT}:policy/Books"}
    ]


def test_a_role_is_shown_with_trust_profiles_and_last_use():
    (shown,) = details()["RoleDetailList"]
    assert unquote(shown["AssumeRolePolicyDocument"]) == TRUST
    assert shown["RoleLastUsed"]["Region"] == "eu-west-1"
    (profile,) = shown["InstanceProfileList"]
    assert (profile["InstanceProfileName"], [role["RoleName"] for role in profile["Roles"]]) == ("Machines", ["App"])
    assert shown["AttachedManagedPolicies"] == [
        {"PolicyName": "AdministratorAccess", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}
    ]
    assert [one["PolicyName"] for one in shown["RolePolicyList"]] == ["in-line"]


def test_a_role_that_was_never_used_says_so():
    world = World(*HELD)
    (shown,) = world.ask(get_account_authorization_details, found={})["RoleDetailList"]
    assert shown["RoleLastUsed"] == {}


def test_a_trusted_user_who_is_gone_is_shown_by_his_id():
    gone = (
        principals.GroupLeft(account=MANAGEMENT, group_id=TEAM, user_id=GUEST),
        principals.UserDeleted(account=MANAGEMENT, user_id=GUEST),
    )
    (shown,) = details(World(*HELD, *gone))["RoleDetailList"]
    trust = json.loads(unquote(shown["AssumeRolePolicyDocument"]))
    assert trust["Statement"]["Principal"] == {"AWS": GUEST}


def test_policies_are_shown_with_all_their_texts_and_uses():
    own, shared = details()["Policies"]
    assert (own["PolicyName"], own["AttachmentCount"], own["PermissionsBoundaryUsageCount"]) == ("Books", 1, 1)
    assert [(one["VersionId"], one["IsDefaultVersion"]) for one in own["PolicyVersionList"]] == [
        ("v2", False), ("v1", True)
    ]  # fmt: skip
    assert unquote(own["PolicyVersionList"][1]["Document"]) == HARMLESS
    assert own["Description"] == "of books"
    assert (shared["Arn"], shared["AttachmentCount"]) == ("arn:aws:iam::aws:policy/AdministratorAccess", 1)


def test_documents_go_out_encoded_once():
    world = World(*HELD)
    query = world.decide(get_account_authorization_details).query
    assert isinstance(query, LastUsed)
    shown = query.shape({})
    assert shown.role_detail_list[0].role_policy_list[0].policy_document == quote(HARMLESS, safe="")


@pytest.mark.parametrize(
    ("kind", "listed"),
    [
        ("User", {"UserDetailList": ["Clerk", "Guest", "admin"]}),
        ("Group", {"GroupDetailList": ["Team"]}),
        ("Role", {"RoleDetailList": ["App"]}),
        ("LocalManagedPolicy", {"Policies": ["Books"]}),
        ("AWSManagedPolicy", {"Policies": ["AdministratorAccess"]}),
    ],
)
def test_a_filter_leaves_the_rest_out(kind, listed):
    shown = details(Filter=[kind])
    lists = {name: value for name, value in shown.items() if isinstance(value, list) and value}
    names = {
        name: [one.get("UserName") or one.get("GroupName") or one.get("RoleName") or one["PolicyName"] for one in value]
        for name, value in lists.items()
    }
    assert names == listed


def test_only_roles_are_asked_about_and_only_when_they_are_shown():
    world = World(*HELD)
    assert world.decide(get_account_authorization_details).query.ids == (APP,)
    assert world.decide(get_account_authorization_details, Filter=["User"]).query.ids == ()


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_pages_hold_everything_once(size):
    world, found, marker = World(*HELD), [], {}
    while True:
        page = details(world, MaxItems=size, **marker)
        shown = [one for value in page.values() if isinstance(value, list) for one in value]
        assert len(shown) <= size
        found += [one["Arn"] for one in shown]
        if not page["IsTruncated"]:
            break
        marker = {"Marker": page["Marker"]}
    whole = [one["Arn"] for value in details(world).values() if isinstance(value, list) for one in value]
    assert found == whole
    assert len(set(whole)) == 7


def test_a_marker_is_good_for_its_own_filter_only():
    world = World(*HELD)
    marker = details(world, MaxItems=1)["Marker"]
    assert reason(details(world, MaxItems=1, Marker=marker, Filter=["User"])) is Reason.VALIDATION_ERROR
    assert reason(details(world, Marker="AAAA")) is Reason.VALIDATION_ERROR


def test_it_needs_its_permission():
    assert reason(World(*CLERK_IS_THERE).ask(get_account_authorization_details, CLERKS)) is Reason.ACCESS_DENIED
    world = World(*CLERK_IS_THERE, may("iam:GetAccountAuthorizationDetails"))
    shown = world.ask(get_account_authorization_details, CLERKS, found={})
    assert CLERK in {user["UserId"] for user in shown["UserDetailList"]}


def test_the_input_and_the_kinds_are_the_models():
    shape = described("iam").operation_model("GetAccountAuthorizationDetails").input_shape
    fields = msgspec.structs.fields(get_account_authorization_details.input)
    assert {field.encode_name for field in fields} == set(shape.members)
    assert set(shape.members["Filter"].member.enum) == set(KINDS)
