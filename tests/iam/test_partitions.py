"""The partition follows the region that a request is signed for: everything has an ARN of that partition, and no other."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.iam.table import READ, Place
from tests.live import Live

CHINA, GOVERNMENT = ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")


@pytest.fixture
def place(live: Live) -> Place:
    return Place(live, {})


def client(place: Place, service: str, region: str) -> Any:
    return place.live.client(service, place.signers["boss"], region=region)


@pytest.mark.parametrize(("region", "partition"), [CHINA, GOVERNMENT])
def test_what_is_made_and_shown_has_the_partition_of_the_region(place: Place, region: str, partition: str):
    iam, of = client(place, "iam", region), f"arn:{partition}:iam::{place.names['account']}"
    trust = READ.replace('"Action": "s3:Get*", "Resource": "*"', f'"Principal": {{"AWS": "{of}:root"}}, "Action": "sts:AssumeRole"')  # fmt: skip
    assert client(place, "sts", region).get_caller_identity()["Arn"] == f"{of}:user/boss"
    assert iam.create_role(RoleName="App", AssumeRolePolicyDocument=trust)["Role"]["Arn"] == f"{of}:role/App"
    policy = iam.create_policy(PolicyName="Read", PolicyDocument=READ)["Policy"]["Arn"]
    assert policy == f"{of}:policy/Read"
    iam.attach_role_policy(RoleName="App", PolicyArn=policy)
    iam.attach_role_policy(RoleName="App", PolicyArn=f"arn:{partition}:iam::aws:policy/ReadOnlyAccess")
    attached = iam.list_attached_role_policies(RoleName="App")["AttachedPolicies"]
    assert {one["PolicyArn"].partition(":iam")[0] for one in attached} == {f"arn:{partition}"}
    session = client(place, "sts", region).assume_role(RoleArn=f"{of}:role/App", RoleSessionName="s1")
    assert session["AssumedRoleUser"]["Arn"] == f"arn:{partition}:sts::{place.names['account']}:assumed-role/App/s1"
    details = iam.get_account_authorization_details(Filter=["AWSManagedPolicy", "Role"])
    assert {one["Arn"].partition(":iam")[0] for one in details["Policies"]} == {f"arn:{partition}"}


def test_an_arn_of_another_partition_names_nothing(place: Place):
    iam = client(place, "iam", "cn-north-1")
    iam.create_user(UserName="Ann")
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.attach_user_policy(UserName="Ann", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")


def test_a_region_that_is_not_there_is_none(place: Place):
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        client(place, "iam", "mars-north-1").list_users()
