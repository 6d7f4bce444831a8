"""What can be read of an account makes an equal one: everything that was set comes back, and in a form that can be set."""

from __future__ import annotations

import json
from urllib.parse import unquote

import pytest

from tests.federation.documents import metadata
from tests.iam.copying import make, read
from tests.iam.table import ALL, READ, TAGS, TRUST, Place, call, policy
from tests.live import Live

OF = "arn:aws:iam::{account}"
ODD = '{"Version": "2012-10-17",\n\t\r\n "Statement": [{"Sid": "A1", "Effect": "Allow", "NotAction": "iam:*", "NotResource": ["arn:aws:s3:::a/%41+ü", "arn:aws:s3:::b/${aws:username}"], "Condition": {"NumericLessThan": {"aws:MultiFactorAuthAge": 300}, "Bool": {"aws:SecureTransport": true}, "ForAnyValue:StringLike": {"aws:TagKeys": ["a*", "é?"]}}}]}'  # fmt: skip
TRUSTS = policy(
    {
        "Principal": {
            "AWS": [f"{OF}:user/dev/Ann", f"{OF}:role/x/First", "arn:aws:iam::999988887777:root", "444455556666"],
            "Service": "ec2.amazonaws.com",
            "Federated": f"{OF}:saml-provider/Corp",
        },
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": {"StringEquals": {"sts:ExternalId": "a/b=c"}},
    }
)
CASED = [{"Key": "A", "Value": "1"}, {"Key": "a", "Value": "2"}]

FURNISHING = (
    call("CreatePolicy", PolicyName="Read", PolicyDocument=READ, Path="/p/q/", Description="reads: all & <more>", Tags=CASED),
    call("CreatePolicy", PolicyName="Many", PolicyDocument=ALL),
    call("CreatePolicyVersion", PolicyArn=f"{OF}:policy/Many", PolicyDocument=READ),
    call("CreatePolicyVersion", PolicyArn=f"{OF}:policy/Many", PolicyDocument=ODD, SetAsDefault=True),
    call("CreatePolicyVersion", PolicyArn=f"{OF}:policy/Many", PolicyDocument=READ),
    call("DeletePolicyVersion", PolicyArn=f"{OF}:policy/Many", VersionId="v2"),
    call("CreateGroup", GroupName="Dev", Path="/g/"),
    call("CreateGroup", GroupName="Ops"),
    call("PutGroupPolicy", GroupName="Dev", PolicyName="own", PolicyDocument=ODD),
    call("AttachGroupPolicy", GroupName="Dev", PolicyArn=f"{OF}:policy/Many"),
    call("CreateUser", UserName="Ann", Path="/dev/", Tags=TAGS, PermissionsBoundary=f"{OF}:policy/p/q/Read"),
    call("CreateUser", UserName="bob@example.com"),
    call("AddUserToGroup", GroupName="Dev", UserName="Ann"),
    call("AddUserToGroup", GroupName="Ops", UserName="Ann"),
    call("PutUserPolicy", UserName="Ann", PolicyName="one", PolicyDocument=READ),
    call("PutUserPolicy", UserName="Ann", PolicyName="two", PolicyDocument=ODD),
    call("AttachUserPolicy", UserName="Ann", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess"),
    call("CreateAccessKey", UserName="Ann").keeping(key="AccessKey.AccessKeyId"),
    call("CreateAccessKey", UserName="Ann"),
    call("UpdateAccessKey", UserName="Ann", AccessKeyId="{key}", Status="Inactive"),
    call("CreateSAMLProvider", Name="Corp", SAMLMetadataDocument=metadata(), Tags=TAGS),
    call("CreateOpenIDConnectProvider", Url="https://idp.example.com/a", ClientIDList=["x", "y"], ThumbprintList=["a" * 40], Tags=CASED),
    call("CreateRole", RoleName="First", AssumeRolePolicyDocument=TRUST, Path="/x/"),
    call("CreateRole", RoleName="Second", AssumeRolePolicyDocument=TRUSTS, Description="a\nb", MaxSessionDuration=43200, Tags=TAGS, PermissionsBoundary="arn:aws:iam::aws:policy/PowerUserAccess"),
    call("PutRolePolicy", RoleName="Second", PolicyName="own", PolicyDocument=ODD),
    call("AttachRolePolicy", RoleName="Second", PolicyArn=f"{OF}:policy/p/q/Read"),
    call("UpdateAssumeRolePolicy", RoleName="First", PolicyDocument=TRUSTS.replace("role/x/First", "role/Second")),
    call("CreateInstanceProfile", InstanceProfileName="Web", Path="/w/", Tags=CASED),
    call("AddRoleToInstanceProfile", InstanceProfileName="Web", RoleName="Second"),
    call("CreateInstanceProfile", InstanceProfileName="Empty"),
    call("CreateVirtualMFADevice", VirtualMFADeviceName="phone", Path="/m/", Tags=CASED),
    call("UpdateAccountPasswordPolicy", MinimumPasswordLength=20, RequireSymbols=True, MaxPasswordAge=7, HardExpiry=True),
    call("PutAccountProperties", Properties={"Corp/Owner": "Ann", "Corp/Cost": "é"}),
    call("SetSecurityTokenServicePreferences", GlobalEndpointTokenVersion="v2Token"),
)  # fmt: skip


@pytest.fixture(scope="module")
def original(live: Live) -> Place:
    place = Place(live, {})
    place.does(*FURNISHING)
    return place


def test_an_account_made_of_what_was_read_is_equal(live: Live, original: Place):
    described = read(original)
    assert {name: len(described[name]) for name in ("users", "groups", "roles", "policies", "profiles")} == {
        "users": 3, "groups": 2, "roles": 3, "policies": 2, "profiles": 2,
    }  # fmt: skip
    assert described["policies"]["Many"]["versions"]["v3"] == json.loads(ODD)
    assert set(described["policies"]["Many"]["versions"]) == {"v1", "v3", "v4"}
    copy = Place(live, {})
    make(copy, described)
    assert read(copy) == described
    assert read(original) == described


def test_every_document_comes_back_to_the_letter(original: Place):
    """Without the client's own reading of JSON: what stands on the wire is what was written, encoded once."""
    client = original.live.client("iam", original.signers["boss"])
    seen: list[bytes] = []
    client.meta.events.register("before-parse", lambda response_dict, **_: seen.append(response_dict["body"]))
    client.get_user_policy(UserName="Ann", PolicyName="two")
    inside = seen[0].decode().partition("<PolicyDocument>")[2].partition("</PolicyDocument>")[0]
    assert unquote(inside) == ODD
