"""Accounts through the operations that clients know: made, found, closed, opened again."""

from __future__ import annotations

import json
import re

import msgspec
import pytest

from authority.access.action import Action
from authority.access.caller import INVALID_TOKEN, Caller, Credential, SessionClaims, caller_of
from authority.accounts import account_requests, account_tags, accounts, organizations
from authority.accounts.founding import ACCESS_ROLE
from authority.kernel.ids import AccessKeyId, AccountId, RoleId, UserId
from authority.kernel.refusal import Reason
from authority.model import authority, holders, principals, roles
from authority.sessions.assume_role import assume_role
from tests.accounts.world import ADMIN, CLERK_IS_THERE, CLERKS, MANAGEMENT, World, may, reason
from tests.model.test_state import AT
from tests.sessions.test_assume_role import policy
from tests.wire.models import described

ACTIONS = [
    found
    for module in (account_requests, account_tags, organizations)
    for found in vars(module).values()
    if isinstance(found, Action)
]
PRODUCTION = {"Email": "prod@example.com", "AccountName": "Production"}


def made(world: World, **wanted) -> AccountId:
    status = world.ask(account_requests.create_account, **{**PRODUCTION, **wanted})["CreateAccountStatus"]
    assert status["State"] == "SUCCEEDED", status
    return AccountId(status["AccountId"])


def settled(*facts) -> tuple[World, AccountId, Credential]:
    """A world with a member account whose administrator has a key."""
    world = World(*facts)
    answer = world.ask(accounts.create_account, name="Member", administrator="boss")
    return world, AccountId(answer.account.id), Credential(AccessKeyId(answer.administrator.access_key_id))


# --- made and found -------------------------------------------------------------------------


def test_an_account_is_there_when_the_answer_is():
    world = World()
    status = world.ask(account_requests.create_account, **PRODUCTION)["CreateAccountStatus"]
    assert re.fullmatch(r"car-[a-z0-9]{8,32}", status["Id"])
    asked = world.ask(account_requests.describe_create_account_status, CreateAccountRequestId=status["Id"])
    assert asked["CreateAccountStatus"] == status
    shown = world.ask(organizations.describe_account, AccountId=status["AccountId"])["Account"]
    assert (shown["Name"], shown["Email"], shown["Status"]) == ("Production", "prod@example.com", "ACTIVE")
    assert shown["JoinedTimestamp"].timestamp() == AT.timestamp()


def test_the_management_account_enters_it_through_the_role_that_was_asked_for():
    world = World()
    for role_name in (None, "Entrance"):
        named = {} if role_name is None else {"RoleName": role_name}
        account = made(world, Email=f"{role_name}@example.com", **named)
        arn = f"arn:aws:iam::{account}:role/{role_name or ACCESS_ROLE}"
        assert reason(world.decide(assume_role, RoleArn=arn, RoleSessionName="visit").answer) is None


def test_an_address_that_is_taken_fails_in_the_status():
    world = World()
    made(world)
    again = world.ask(account_requests.create_account, **{**PRODUCTION, "Email": "PROD@example.com"})
    status = again["CreateAccountStatus"]
    assert (status["State"], status["FailureReason"]) == ("FAILED", "EMAIL_ALREADY_EXISTS")
    assert "AccountId" not in status
    assert len(world.state.accounts) == 2
    failed = world.ask(account_requests.list_create_account_status, States=["FAILED"])["CreateAccountStatuses"]
    assert failed == [status]
    assert len(world.ask(account_requests.list_create_account_status)["CreateAccountStatuses"]) == 2


def test_accounts_are_listed_in_pages():
    world = World()
    ids = {MANAGEMENT, *(made(world, Email=f"a{number}@example.com") for number in range(22))}
    first = world.ask(organizations.list_accounts)
    assert len(first["Accounts"]) == 20
    second = world.ask(organizations.list_accounts, NextToken=first["NextToken"])
    assert "NextToken" not in second
    assert [one["Id"] for one in first["Accounts"] + second["Accounts"]] == sorted(ids)
    assert len(world.ask(organizations.list_accounts, MaxResults=3)["Accounts"]) == 3


def test_there_is_one_organisation_with_one_root_above_all_accounts():
    world = World()
    account = made(world)
    shown = world.ask(organizations.describe_organization)["Organization"]
    (root,) = world.ask(organizations.list_roots)["Roots"]
    assert shown["MasterAccountId"] == MANAGEMENT
    assert root["Arn"] == f"arn:aws:organizations::{MANAGEMENT}:root/{shown['Id']}/{root['Id']}"
    assert world.ask(organizations.list_parents, ChildId=account)["Parents"] == [{"Id": root["Id"], "Type": "ROOT"}]
    below = world.ask(organizations.list_accounts_for_parent, ParentId=root["Id"])["Accounts"]
    assert {one["Id"] for one in below} == {account, MANAGEMENT}
    assert below[0]["Paths"] == [f"{shown['Id']}/{root['Id']}/{below[0]['Id']}/"]


@pytest.mark.parametrize(
    ("action", "wanted", "expected"),
    [
        (organizations.describe_account, {"AccountId": "000000000000"}, Reason.ACCOUNT_NOT_FOUND),
        (organizations.close_account, {"AccountId": "000000000000"}, Reason.ACCOUNT_NOT_FOUND),
        (organizations.list_parents, {"ChildId": "000000000000"}, Reason.CHILD_NOT_FOUND),
        (organizations.list_accounts_for_parent, {"ParentId": "r-zzzz"}, Reason.PARENT_NOT_FOUND),
        (account_tags.list_tags_for_resource, {"ResourceId": "r-zzzz"}, Reason.TARGET_NOT_FOUND),
        (account_tags.list_tags_for_resource, {"ResourceId": MANAGEMENT, "NextToken": "x"}, Reason.INVALID_INPUT),
        (
            account_requests.describe_create_account_status,
            {"CreateAccountRequestId": "car-00000000"},
            Reason.ACCOUNT_REQUEST_NOT_FOUND,
        ),
        (organizations.list_accounts, {"NextToken": "x"}, Reason.VALIDATION_ERROR),
        (organizations.close_account, {"AccountId": MANAGEMENT}, Reason.CONSTRAINT_VIOLATION),
    ],
)
def test_what_is_not_there_is_said_to_be_missing(action, wanted, expected):
    assert reason(World().ask(action, **wanted)) is expected


def test_accounts_wear_tags():
    world = World()
    account = made(world, Tags=[{"Key": "Team", "Value": "a"}, {"Key": "team", "Value": "b"}])
    world.ask(account_tags.tag_resource, ResourceId=account, Tags=[{"Key": "Team", "Value": "c"}])
    world.ask(account_tags.untag_resource, ResourceId=account, TagKeys=["team", "absent"])
    shown = world.ask(account_tags.list_tags_for_resource, ResourceId=account)
    assert shown == {"Tags": [{"Key": "Team", "Value": "c"}]}
    reserved = world.ask(account_tags.tag_resource, ResourceId=account, Tags=[{"Key": "aws:x", "Value": "c"}])
    assert reason(reserved) is Reason.INVALID_INPUT
    born = world.ask(account_requests.create_account, **PRODUCTION, Tags=[{"Key": "aws:x", "Value": "c"}])
    assert reason(born) is Reason.INVALID_INPUT
    for action, more in ((account_tags.tag_resource, {"Tags": []}), (account_tags.untag_resource, {"TagKeys": []})):
        assert reason(world.ask(action, ResourceId="0" * 12, **more)) is Reason.TARGET_NOT_FOUND


# --- who may --------------------------------------------------------------------------------

GIVEN = {
    "AccountId": MANAGEMENT,
    "ResourceId": MANAGEMENT,
    "ChildId": MANAGEMENT,
    "ParentId": "r-aaaa",
    "CreateAccountRequestId": "car-00000000",
    "Tags": [],
    "TagKeys": [],
    **PRODUCTION,
}


def needed(action: Action) -> dict:
    shape = described("organizations").operation_model(action.operation).input_shape
    return {} if shape is None else {name: GIVEN[name] for name in shape.required_members}


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.operation)
def test_each_needs_its_own_permission(action):
    denied = World(*CLERK_IS_THERE).ask(action, CLERKS, **needed(action))
    assert reason(denied) is Reason.ACCESS_DENIED
    assert f"to perform: {action.name} on resource: " in denied.message
    allowed = World(*CLERK_IS_THERE, may(action.name)).ask(action, CLERKS, **needed(action))
    assert reason(allowed) is not Reason.ACCESS_DENIED


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.operation)
def test_another_account_learns_the_organisation_and_nothing_else(action):
    """A resource of `*` is its own, so its own policies would allow it everything."""
    world, _, boss = settled()
    answer = world.ask(action, boss, **needed(action))
    assert (reason(answer) is Reason.ACCESS_DENIED) is (action.operation != "DescribeOrganization")


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.operation)
def test_the_input_is_the_models(action):
    shape = described("organizations").operation_model(action.operation).input_shape
    members, required = (set(), set()) if shape is None else (set(shape.members), set(shape.required_members))
    fields = msgspec.structs.fields(action.input)
    assert {field.encode_name for field in fields} == members
    assert {field.encode_name for field in fields if field.required} == required


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.operation)
def test_where_no_account_manages_nobody_does(action):
    """The ARNs of accounts would then name no owner, and belong to whoever asks."""
    world = World()
    world.state = msgspec.structs.replace(world.state, management_account=None)
    answer = world.ask(action, **needed(action))
    assert (reason(answer) is Reason.ACCESS_DENIED) is (action.operation != "DescribeOrganization")


def test_an_account_that_is_born_with_tags_needs_the_permission_to_tag_it():
    tags = [{"Key": "Team", "Value": "a"}]
    create = may("organizations:CreateAccount")
    denied = World(*CLERK_IS_THERE, create).ask(account_requests.create_account, CLERKS, **PRODUCTION, Tags=tags)
    assert "organizations:TagResource" in denied.message
    only_a = {"StringEquals": {"aws:RequestTag/Team": "a"}}
    both = may(["organizations:CreateAccount", "organizations:TagResource"], Condition=only_a)
    world = World(*CLERK_IS_THERE, both)
    assert reason(world.ask(account_requests.create_account, CLERKS, **PRODUCTION, Tags=tags)) is None
    tags[0]["Value"] = "b"
    other = {**PRODUCTION, "Email": "b@example.com"}
    assert reason(world.ask(account_requests.create_account, CLERKS, **other, Tags=tags)) is Reason.ACCESS_DENIED


def test_who_may_close_accounts_of_one_team_closes_no_other():
    closing = may("organizations:CloseAccount", Condition={"StringEquals": {"aws:ResourceTag/Team": "a"}})
    world = World(*CLERK_IS_THERE, closing)
    mine = made(world, Email="a@example.com", Tags=[{"Key": "Team", "Value": "a"}])
    other = made(world, Email="b@example.com")
    assert reason(world.ask(organizations.close_account, CLERKS, AccountId=mine)) is None
    assert reason(world.ask(organizations.close_account, CLERKS, AccountId=other)) is Reason.ACCESS_DENIED


# --- closed and opened again ----------------------------------------------------------------


def test_a_closed_account_is_shown_as_such_and_closed_once():
    world = World()
    account = made(world)
    world.ask(organizations.close_account, AccountId=account)
    shown = world.ask(organizations.describe_account, AccountId=account)["Account"]
    assert (shown["Status"], shown["State"]) == ("SUSPENDED", "CLOSED")
    assert reason(world.ask(organizations.close_account, AccountId=account)) is Reason.ACCOUNT_ALREADY_CLOSED
    ours = world.ask(accounts.get_account, accountId=account).account
    assert (ours.status, ours.closed_at) == ("CLOSED", AT)


def test_nothing_of_a_closed_account_counts_until_it_is_opened_again():
    world, account, boss = settled()
    root = Credential(AccessKeyId("AKIAROOT"))
    world.happen(principals.AccessKeyCreated(account=account, access_key_id=root.access_key_id, owner=account))
    role_id = world.state.accounts[account].role_named(ACCESS_ROLE).id
    claims = SessionClaims(
        access_key_id=AccessKeyId("ASIASESSION"),
        account=account,
        role_id=RoleId(role_id),
        session_name="s",
        issued_at=AT,
        expires_at=AT.replace(hour=23),
        ancestors=(ADMIN.access_key_id,),
        root_principal="AIDA",
    )
    session = Credential(claims.access_key_id, claims)

    def counting() -> list[bool]:
        found = [caller_of(world.state, one, now=AT, partition="aws") for one in (boss, root, session)]
        assert all(isinstance(one, Caller) or one == INVALID_TOKEN for one in found)
        return [isinstance(one, Caller) for one in found]

    assert counting() == [True, True, True]
    world.ask(organizations.close_account, AccountId=account)
    assert counting() == [False, False, False]
    assert caller_of(world.state, ADMIN, now=AT, partition="aws") != INVALID_TOKEN
    opened = world.ask(accounts.reopen_account, accountId=account).account
    assert (opened.status, opened.closed_at) == ("ACTIVE", None)
    assert counting() == [True, True, True]


@pytest.mark.parametrize("ends", [True, False])
def test_a_session_elsewhere_ends_with_the_closed_account_where_sessions_end_with_their_key(ends):
    settings = authority.Settings("1", ("us-east-1",), role_sessions_end_with_parent=ends)
    world, account, boss = settled(authority.SettingsChanged(settings=settings))
    guest = RoleId("AROAGUEST")
    world.happen(roles.RoleCreated(account=MANAGEMENT, role_id=guest, name="Guest", path="/", trust=roles.Trust("{}")))
    claims = SessionClaims(
        access_key_id=AccessKeyId("ASIAGUEST"),
        account=MANAGEMENT,
        role_id=guest,
        session_name="s",
        issued_at=AT,
        expires_at=AT.replace(hour=23),
        ancestors=(boss.access_key_id,),
        root_principal="AIDA",
    )
    visiting = Credential(claims.access_key_id, claims)
    assert isinstance(caller_of(world.state, visiting, now=AT, partition="aws"), Caller)
    world.ask(organizations.close_account, AccountId=account)
    assert isinstance(caller_of(world.state, visiting, now=AT, partition="aws"), Caller) is not ends


def test_no_role_of_a_closed_account_can_be_assumed():
    world, account, _ = settled()
    wanted = {"RoleArn": f"arn:aws:iam::{account}:role/{ACCESS_ROLE}", "RoleSessionName": "visit"}
    assert reason(world.decide(assume_role, **wanted).answer) is None
    world.ask(organizations.close_account, AccountId=account)
    absent = {**wanted, "RoleArn": f"arn:aws:iam::{account}:role/Absent"}
    refused, missing = (world.decide(assume_role, **one).answer for one in (wanted, absent))
    assert refused.reason is Reason.ACCESS_DENIED
    assert refused.message.replace(ACCESS_ROLE, "Absent") == missing.message


def test_an_account_that_was_opened_again_is_trusted_as_before():
    world, account, boss = settled()
    trust = policy(Principal={"AWS": f"arn:aws:iam::{account}:root"}, Action="sts:AssumeRole")
    world.happen(
        roles.RoleCreated(
            account=MANAGEMENT, role_id=RoleId("AROAGUEST"), name="Guest", path="/", trust=roles.Trust(trust)
        ),
    )
    wanted = {"RoleArn": f"arn:aws:iam::{MANAGEMENT}:role/Guest", "RoleSessionName": "visit"}
    assert reason(world.decide(assume_role, boss, **wanted).answer) is None
    world.ask(organizations.close_account, AccountId=account)
    world.ask(accounts.reopen_account, accountId=account)
    assert reason(world.decide(assume_role, boss, **wanted).answer) is None


def test_opening_an_open_account_changes_nothing_and_a_missing_one_is_missing():
    world, account, boss = settled()
    assert world.decide(accounts.reopen_account, accountId=account).facts == ()
    assert reason(world.ask(accounts.reopen_account, accountId="000000000000")) is Reason.NO_SUCH_ENTITY
    assert reason(world.ask(accounts.reopen_account, boss, accountId=account)) is Reason.ACCESS_DENIED


# --- quotas ---------------------------------------------------------------------------------


def test_a_quota_is_raised_for_one_account_and_taken_back():
    world, account, boss = settled()
    raised = world.ask(accounts.put_quota, accountId=account, name="UsersQuota", value=7)
    assert (raised.value, raised.default) == (7, 5_000)
    assert world.state.accounts[account].quota("UsersQuota") == 7
    assert world.account.quota("UsersQuota") == 5_000
    world.ask(accounts.put_quota, accountId=account, name="UsersQuota")
    assert world.state.accounts[account].quota("UsersQuota") == 5_000
    assert reason(world.ask(accounts.put_quota, boss, accountId=account, name="UsersQuota")) is Reason.ACCESS_DENIED
    assert reason(world.ask(accounts.put_quota, accountId=account, name="Everything")) is Reason.NO_SUCH_ENTITY
    assert reason(world.ask(accounts.put_quota, accountId="0" * 12, name="UsersQuota")) is Reason.NO_SUCH_ENTITY


def test_an_organisation_wide_administrator_is_a_principal_like_any_other():
    """What a clerk was given is all that he may, and a session of a role may as much as the role."""
    statement = {"Effect": "Allow", "Action": "organizations:List*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    holder = UserId("AIDACLERK")
    given = holders.InlinePolicyPut(account=MANAGEMENT, holder=holder, name="look", document=document)
    world = World(*CLERK_IS_THERE, given)
    assert len(world.ask(organizations.list_accounts, CLERKS)["Accounts"]) == 1
    assert reason(world.ask(account_requests.create_account, CLERKS, **PRODUCTION)) is Reason.ACCESS_DENIED
