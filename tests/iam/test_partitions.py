"""The partition follows the region that a request is signed for, and an authority serves regions of one partition.

So everything has one ARN: who could choose the partition of his request would choose which Deny holds.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.iam.table import READ
from tests.live import MANAGEMENT, Live, running


@pytest.mark.parametrize(("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")])
def test_what_is_made_and_shown_has_the_partition_of_the_region(tmp_path: Path, region: str, partition: str):
    with running(tmp_path, default_region=region) as live:
        iam, sts = live.client("iam", region=region), live.client("sts", region=region)
        of = f"arn:{partition}:iam::{MANAGEMENT}"
        trust = READ.replace('"Action": "s3:Get*", "Resource": "*"', f'"Principal": {{"AWS": "{of}:root"}}, "Action": "sts:AssumeRole"')  # fmt: skip
        assert sts.get_caller_identity()["Arn"] == f"{of}:user/Administrator"
        assert iam.create_role(RoleName="App", AssumeRolePolicyDocument=trust)["Role"]["Arn"] == f"{of}:role/App"
        policy = iam.create_policy(PolicyName="Read", PolicyDocument=READ)["Policy"]["Arn"]
        assert policy == f"{of}:policy/Read"
        iam.attach_role_policy(RoleName="App", PolicyArn=policy)
        iam.attach_role_policy(RoleName="App", PolicyArn=f"arn:{partition}:iam::aws:policy/ReadOnlyAccess")
        attached = iam.list_attached_role_policies(RoleName="App")["AttachedPolicies"]
        assert {one["PolicyArn"].partition(":iam")[0] for one in attached} == {f"arn:{partition}"}
        session = sts.assume_role(RoleArn=f"{of}:role/App", RoleSessionName="s1")
        assert session["AssumedRoleUser"]["Arn"] == f"arn:{partition}:sts::{MANAGEMENT}:assumed-role/App/s1"
        details = iam.get_account_authorization_details(Filter=["AWSManagedPolicy", "Role"])
        assert {one["Arn"].partition(":iam")[0] for one in details["Policies"]} == {f"arn:{partition}"}
        with pytest.raises(ClientError, match="NoSuchEntity"):
            iam.attach_role_policy(RoleName="App", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")


@pytest.mark.parametrize("region", ["cn-north-1", "us-gov-west-1", "mars-north-1"])
def test_no_request_is_signed_for_a_region_of_another_partition_or_none(live: Live, region: str):
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        live.client("iam", region=region).list_users()
    assert live.client("iam", region="eu-west-1").list_users()["Users"]
