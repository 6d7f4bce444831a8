"""Roles, boundaries, instance profiles and identity providers with a real client against a live server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.federation.documents import certificate, descriptor, key, metadata
from tests.live import MANAGEMENT, Keys, Live, running

IAM = f"arn:aws:iam::{MANAGEMENT}"
TEAM = [{"Key": "team", "Value": "rot + grün @3"}]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with running(tmp_path_factory.mktemp("roles")) as running_one:
        yield running_one


def policy(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}, indent=2)


TRUST = policy(Principal={"AWS": f"{IAM}:root"}, Action="sts:AssumeRole")


def code(call: Any, **wanted: Any) -> str:
    """The code of the error that a call is answered with; empty when it succeeds."""
    try:
        call(**wanted)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def test_a_role_comes_back_as_it_was_set(live):
    iam = live.client("iam")
    wanted = {"RoleName": "Set", "Path": "/team/", "AssumeRolePolicyDocument": TRUST, "Tags": TEAM}
    made = iam.create_role(**wanted, Description="d %3A é", MaxSessionDuration=7200)["Role"]
    assert made.keys() == {"Path", "RoleName", "RoleId", "Arn", "CreateDate", "AssumeRolePolicyDocument", "Tags"}
    role = iam.get_role(RoleName="Set")["Role"]
    assert (role["Description"], role["MaxSessionDuration"], role["Tags"]) == ("d %3A é", 7200, TEAM)
    assert role["AssumeRolePolicyDocument"] == json.loads(TRUST)
    assert role["RoleLastUsed"] == {}
    (listed,) = iam.list_roles(PathPrefix="/team/")["Roles"]
    assert listed.keys() == made.keys() - {"Tags"} | {"Description", "MaxSessionDuration"}
    assert code(iam.create_role, **{**wanted, "RoleName": "SET"}) == "EntityAlreadyExists"
    nobody = policy(Principal={"AWS": f"{IAM}:user/Nobody"}, Action="sts:AssumeRole")
    assert code(iam.update_assume_role_policy, RoleName="Set", PolicyDocument=nobody) == "MalformedPolicyDocument"
    iam.delete_role(RoleName="Set")
    assert code(iam.get_role, RoleName="Set") == "NoSuchEntity"


def test_a_role_that_was_used_says_so(live):
    iam = live.client("iam")
    arn = iam.create_role(RoleName="Used", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    session = live.client("sts").assume_role(RoleArn=arn, RoleSessionName="me")["Credentials"]
    live.client("sts", Keys.of(session)).get_caller_identity()
    last = iam.get_role(RoleName="Used")["Role"]["RoleLastUsed"]
    assert last["Region"] == "us-east-1"


def test_a_boundary_limits_a_session_at_once(live):
    iam = live.client("iam")
    limit = iam.create_policy(PolicyName="Limit", PolicyDocument=policy(Action="iam:List*", Resource="*"))
    bound = limit["Policy"]["Arn"]
    arn = iam.create_role(RoleName="Bound", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    iam.put_role_policy(RoleName="Bound", PolicyName="all", PolicyDocument=policy(Action="*", Resource="*"))
    inside = live.client(
        "iam", Keys.of(live.client("sts").assume_role(RoleArn=arn, RoleSessionName="me")["Credentials"])
    )
    assert inside.get_role(RoleName="Bound")
    iam.put_role_permissions_boundary(RoleName="Bound", PermissionsBoundary=bound)
    assert code(inside.get_role, RoleName="Bound") == "AccessDenied"
    assert inside.list_roles()["Roles"]
    shown = iam.get_role(RoleName="Bound")["Role"]["PermissionsBoundary"]
    assert shown == {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": bound}
    assert code(iam.delete_policy, PolicyArn=bound) == "DeleteConflict"
    assert iam.get_policy(PolicyArn=bound)["Policy"]["PermissionsBoundaryUsageCount"] == 1
    iam.delete_role_permissions_boundary(RoleName="Bound")
    assert inside.get_role(RoleName="Bound")
    iam.delete_policy(PolicyArn=bound)


def test_an_instance_profile_is_filled_shown_and_emptied(live):
    iam = live.client("iam")
    iam.create_role(RoleName="Machine", AssumeRolePolicyDocument=TRUST, Tags=TEAM)
    made = iam.create_instance_profile(InstanceProfileName="Web", Tags=TEAM)["InstanceProfile"]
    assert (made["Roles"], made["Tags"]) == ([], TEAM)
    iam.add_role_to_instance_profile(InstanceProfileName="Web", RoleName="Machine")
    assert code(iam.delete_role, RoleName="Machine") == "DeleteConflict"
    (role,) = iam.get_instance_profile(InstanceProfileName="Web")["InstanceProfile"]["Roles"]
    assert role["Arn"] == f"{IAM}:role/Machine"
    assert len(iam.list_instance_profiles_for_role(RoleName="Machine")["InstanceProfiles"]) == 1
    iam.get_waiter("instance_profile_exists").wait(InstanceProfileName="Web")
    iam.remove_role_from_instance_profile(InstanceProfileName="Web", RoleName="Machine")
    iam.delete_instance_profile(InstanceProfileName="Web")
    iam.delete_role(RoleName="Machine")


def test_a_service_gets_its_role(live):
    iam = live.client("iam")
    role = iam.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com", Description="d")["Role"]
    name = role["RoleName"]
    assert code(iam.attach_role_policy, RoleName=name, PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess") == (
        "UnmodifiableEntity"
    )
    iam.tag_role(RoleName=name, Tags=TEAM)
    task = iam.delete_service_linked_role(RoleName=name)["DeletionTaskId"]
    assert iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"


def test_a_saml_provider_comes_back_as_it_was_uploaded(live):
    iam = live.client("iam")
    # As large as what big directories publish, most of it certificates of parts that nobody here asks about.
    other = "".join(
        f"<SPSSODescriptor protocolSupportEnumeration='x'>{key(certificate(serial=n % 3 + 1))}</SPSSODescriptor>"
        for n in range(60)
    )
    text = metadata(other, descriptor(key()), before="<?xml version='1.0'?>\n<!-- für uns & alle -->\n")
    assert len(text) > 65_536
    arn = iam.create_saml_provider(Name="Corp", SAMLMetadataDocument=text, Tags=TEAM)["SAMLProviderArn"]
    shown = iam.get_saml_provider(SAMLProviderArn=arn)
    assert (shown["SAMLMetadataDocument"], shown["Tags"]) == (text, TEAM)
    assert [one["Arn"] for one in iam.list_saml_providers()["SAMLProviderList"]] == [arn]
    assert code(iam.update_saml_provider, SAMLProviderArn=arn, SAMLMetadataDocument="a" * 1024) == "InvalidInput"
    iam.delete_saml_provider(SAMLProviderArn=arn)
    assert code(iam.get_saml_provider, SAMLProviderArn=arn) == "NoSuchEntity"


def test_an_oidc_provider_comes_back_as_it_was_set(live):
    iam = live.client("iam")
    wanted = {"ClientIDList": ["sts.amazonaws.com"], "ThumbprintList": ["f" * 40]}
    url = "https://token.actions.example.com"
    arn = iam.create_open_id_connect_provider(Url=url, **wanted, Tags=TEAM)["OpenIDConnectProviderArn"]
    shown = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert {name: shown[name] for name in wanted} == wanted
    assert (shown["Url"], shown["Tags"]) == ("token.actions.example.com", TEAM)
    assert code(iam.create_open_id_connect_provider, Url=url) == "EntityAlreadyExists"
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)


def test_an_account_has_an_issuer_of_its_own(live):
    iam = live.client("iam")
    assert code(iam.get_outbound_web_identity_federation_info) == "FeatureDisabled"
    issuer = iam.enable_outbound_web_identity_federation()["IssuerIdentifier"]
    assert code(iam.enable_outbound_web_identity_federation) == "FeatureEnabled"
    info = iam.get_outbound_web_identity_federation_info()
    assert (info["IssuerIdentifier"], info["JwtVendingEnabled"]) == (issuer, True)
    iam.disable_outbound_web_identity_federation()


def test_of_many_who_make_the_same_role_one_succeeds(live):
    iam = live.client("iam", max_pool_connections=20)

    def attempt(spelling: str) -> str:
        return code(iam.create_role, RoleName=spelling, AssumeRolePolicyDocument=TRUST)

    with ThreadPoolExecutor(20) as pool:
        codes = sorted(pool.map(attempt, ["Race", "RACE", "race", "rAcE"] * 5))
    assert codes == ["", *["EntityAlreadyExists"] * 19]
