"""Fifty clients at once: limits hold, no name is given twice, and every answer fits what is there in the end.

The log is replayed when the authority stops (`tests.live`), and comes to the same state.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.iam.copying import whole
from tests.iam.table import READ, TRUST, Place, call
from tests.live import Live

CLIENTS = 50
QUOTAS = {"RolesQuota": 12, "UsersQuota": 12, "PoliciesQuota": 12, "AttachedPoliciesPerRoleQuota": 3, "GroupsPerUserQuota": 2, "TagsPerEntityQuota": 4, "InstanceProfilesQuota": 6}  # fmt: skip


@pytest.fixture(scope="module")
def clients(live: Live) -> Iterator[tuple[Place, list[Any]]]:
    place = Place(live, QUOTAS)
    made = [live.client("iam", place.signers["boss"]) for _ in range(CLIENTS)]
    yield place, made
    for client in made:
        client.close()


def outcome(do: Callable[..., Any], **wanted: Any) -> str:
    """What came of it: nothing, or the error's code."""
    try:
        do(**wanted)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def at_once(clients: list[Any], do: Callable[[int, Any], str]) -> Counter[str]:
    with ThreadPoolExecutor(len(clients)) as pool:
        return Counter(pool.map(do, range(len(clients)), clients))


def test_one_name_is_given_once_however_it_is_spelled(clients):
    _, made = clients
    names = ["Alone", "ALONE", "alone", "aLONE"]
    came = at_once(made, lambda number, iam: outcome(iam.create_group, GroupName=names[number % 4]))
    assert came == {"": 1, "EntityAlreadyExists": CLIENTS - 1}
    assert len([one for one in whole(made[0], "list_groups", "Groups") if one["GroupName"].lower() == "alone"]) == 1


def test_a_quota_is_filled_and_never_passed(clients):
    _, made = clients
    most = QUOTAS["InstanceProfilesQuota"]
    came = at_once(made, lambda number, iam: outcome(iam.create_instance_profile, InstanceProfileName=f"p{number}"))
    assert came == {"": most, "LimitExceeded": CLIENTS - most}
    found = [one["InstanceProfileName"] for one in whole(made[0], "list_instance_profiles", "InstanceProfiles")]
    assert len(found) == len(set(found)) == most


def test_what_is_deleted_is_deleted_once(clients):
    _, made = clients
    made[0].create_user(UserName="Gone")
    came = at_once(made, lambda _, iam: outcome(iam.delete_user, UserName="Gone"))
    assert came == {"": 1, "NoSuchEntity": CLIENTS - 1}


class Chaos:
    """One client's random work on what all work on; what came of each call is counted."""

    def __init__(self, number: int, iam: Any, place: Place) -> None:
        self.random = random.Random(number)
        self.iam = iam
        self.place = place
        self.came: Counter[tuple[str, str]] = Counter()

    def run(self, turns: int) -> Counter[tuple[str, str]]:
        works = [getattr(self, name) for name in dir(self) if name.startswith("do_")]
        for _ in range(turns):
            self.random.choice(works)()
        return self.came

    def count(self, name: str, do: Callable[..., Any], **wanted: Any) -> None:
        self.came[name, outcome(do, **wanted)] += 1

    def one(self, prefix: str, of: int = 6) -> str:
        name = f"{prefix}{self.random.randrange(of)}"
        return name.upper() if self.random.random() < 0.3 else name

    def arn(self) -> str:
        return f"{self.place.iam}:policy/p{self.random.randrange(6)}"

    def do_make_role(self) -> None:
        self.count("+role", self.iam.create_role, RoleName=self.one("r", 20), AssumeRolePolicyDocument=self.place.filled(TRUST))  # fmt: skip

    def do_delete_role(self) -> None:
        self.count("-role", self.iam.delete_role, RoleName=self.one("r", 20))

    def do_attach(self) -> None:
        self.count("+attached", self.iam.attach_role_policy, RoleName=self.one("r", 20), PolicyArn=self.arn())

    def do_detach(self) -> None:
        self.count("-attached", self.iam.detach_role_policy, RoleName=self.one("r", 20), PolicyArn=self.arn())

    def do_make_policy(self) -> None:
        name = f"p{self.random.randrange(6)}"
        self.count("+policy", self.iam.create_policy, PolicyName=name, PolicyDocument=READ)

    def do_delete_policy(self) -> None:
        self.count("-policy", self.iam.delete_policy, PolicyArn=self.arn())

    def do_make_version(self) -> None:
        self.count("+version", self.iam.create_policy_version, PolicyArn=self.arn(), PolicyDocument=READ)

    def do_delete_version(self) -> None:
        number = f"v{self.random.randrange(1, 9)}"
        self.count("-version", self.iam.delete_policy_version, PolicyArn=self.arn(), VersionId=number)

    def do_make_user(self) -> None:
        self.count("+user", self.iam.create_user, UserName=self.one("u"))

    def do_join(self) -> None:
        self.count("+member", self.iam.add_user_to_group, UserName=self.one("u"), GroupName=self.one("g"))

    def do_leave(self) -> None:
        self.count("-member", self.iam.remove_user_from_group, UserName=self.one("u"), GroupName=self.one("g"))

    def do_make_group(self) -> None:
        self.count("+group", self.iam.create_group, GroupName=self.one("g"))

    def do_make_key(self) -> None:
        self.count("+key", self.iam.create_access_key, UserName=self.one("u"))

    def do_tag(self) -> None:
        self.count("+tag", self.iam.tag_user, UserName=self.one("u"), Tags=[{"Key": self.one("t"), "Value": ""}])

    def do_list(self) -> None:
        names = [one["RoleName"].lower() for one in self.iam.list_roles(MaxItems=1000)["Roles"]]
        assert len(names) == len(set(names)) <= QUOTAS["RolesQuota"]
        attached = outcome(self.iam.list_attached_role_policies, RoleName=self.one("r", 20))
        assert attached in ("", "NoSuchEntity")


@pytest.mark.parametrize("turns", [12, pytest.param(150, marks=pytest.mark.deep)])
def test_whatever_fifty_clients_do_at_once_limits_hold_and_the_counts_agree(clients, turns):
    place, made = clients
    before = made[0].get_account_summary()["SummaryMap"]
    with ThreadPoolExecutor(CLIENTS) as pool:
        came: Counter[tuple[str, str]] = Counter()
        for counted in pool.map(lambda one: Chaos(*one, place).run(turns), enumerate(made)):
            came += counted
    assert {code for _, code in came} <= {"", "EntityAlreadyExists", "LimitExceeded", "NoSuchEntity", "DeleteConflict"}
    iam = made[0]
    after = iam.get_account_summary()["SummaryMap"]
    for noun, member in (("role", "Roles"), ("policy", "Policies"), ("user", "Users"), ("group", "Groups")):
        assert after[member] - before[member] == came[f"+{noun}", ""] - came[f"-{noun}", ""], noun
    roles = [one["RoleName"] for one in whole(iam, "list_roles", "Roles")]
    users = [one["UserName"] for one in whole(iam, "list_users", "Users")]
    policies = whole(iam, "list_policies", "Policies", Scope="Local")
    for names in (roles, users, [one["PolicyName"] for one in policies]):
        assert len(names) == len({name.lower() for name in names})
    assert (len(roles), len(users), len(policies)) == (after["Roles"], after["Users"], after["Policies"])
    attached = {name: whole(iam, "list_attached_role_policies", "AttachedPolicies", RoleName=name) for name in roles}
    assert max(map(len, attached.values())) <= QUOTAS["AttachedPoliciesPerRoleQuota"]
    counted = Counter(one["PolicyArn"] for held in attached.values() for one in held)
    assert {one["Arn"]: one["AttachmentCount"] for one in policies if one["AttachmentCount"]} == counted
    for one in policies:
        versions = whole(iam, "list_policy_versions", "Versions", PolicyArn=one["Arn"])
        assert len(versions) == len({version["VersionId"] for version in versions}) <= 5
        assert [version["VersionId"] for version in versions if version["IsDefaultVersion"]] == [
            one["DefaultVersionId"]
        ]
    for name in users:
        assert len(whole(iam, "list_access_keys", "AccessKeyMetadata", UserName=name)) <= 2
        assert len(whole(iam, "list_groups_for_user", "Groups", UserName=name)) <= QUOTAS["GroupsPerUserQuota"]
        tags = whole(iam, "list_user_tags", "Tags", UserName=name)
        assert len(tags) == len({tag["Key"].lower() for tag in tags}) <= QUOTAS["TagsPerEntityQuota"]


def test_pages_of_a_listing_that_others_change_show_everything_that_stayed(clients):
    """Markers say where to go on, so what comes and goes moves nothing else out of a page."""
    place, _ = clients
    other = Place(place.live, {})
    other.does(*(call("CreateUser", UserName=f"Stays{number:02d}") for number in range(12)))
    iam = other.client("iam")
    busy = place.live.client("iam", other.signers["boss"])
    seen: list[str] = []
    for number, page in enumerate(iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 2})):
        seen += [one["UserName"] for one in page["Users"]]
        busy.create_user(UserName=f"Stays{number:02d}x")
        if number > 1:
            busy.delete_user(UserName=f"Stays{number - 2:02d}x")
    stayed = [name for name in seen if not name.endswith("x")]
    assert stayed == ["boss", *(f"Stays{number:02d}" for number in range(12))]
