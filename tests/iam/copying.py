"""A whole account read with real calls, and made again elsewhere from nothing but what was read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.iam.table import Place

OWN = "OrganizationAccountAccessRole"
CATALOGUE = ":iam::aws:"


def whole(client: Any, operation: str, member: str, **wanted: Any) -> list[Any]:
    """All pages of a listing, three things at a time."""
    found: list[Any] = client.get_paginator(operation).paginate(PaginationConfig={"PageSize": 3}, **wanted)
    return [one for page in found for one in page[member]]


def tags_of(client: Any, operation: str, **whose: Any) -> list[Any]:
    found = whole(client, operation, "Tags", **whose)
    return sorted(found, key=lambda tag: tag["Key"])


def read(place: Place) -> dict[str, Any]:
    """Everything in the account but ids, dates and secrets; its own id stands there as `{account}`."""
    iam = place.client("iam")
    pages = iam.get_paginator("get_account_authorization_details").paginate(PaginationConfig={"PageSize": 3})
    details = pages.build_full_result()
    found: dict[str, Any] = {
        "users": {one["UserName"]: user(iam, one) for one in details["UserDetailList"]},
        "groups": {one["GroupName"]: group(one) for one in details["GroupDetailList"]},
        "roles": {one["RoleName"]: role(iam, one) for one in details["RoleDetailList"]},
        "policies": {one["PolicyName"]: policy(iam, one) for one in details["Policies"] if CATALOGUE not in one["Arn"]},
        "profiles": {one["InstanceProfileName"]: profile(iam, one) for one in whole(iam, "list_instance_profiles", "InstanceProfiles")},
        "devices": {one["SerialNumber"]: device(iam, one) for one in whole(iam, "list_virtual_mfa_devices", "VirtualMFADevices")},
        "saml": {one["Arn"]: saml(iam, one["Arn"]) for one in iam.list_saml_providers()["SAMLProviderList"]},
        "oidc": {one["Arn"]: oidc(iam, one["Arn"]) for one in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]},
        "password policy": iam.get_account_password_policy()["PasswordPolicy"],
        "properties": iam.get_account_properties()["Properties"],
        "token version": iam.get_account_summary()["SummaryMap"]["GlobalEndpointTokenVersion"],
    }  # fmt: skip
    plain: dict[str, Any] = json.loads(json.dumps(found).replace(place.names["account"], "{account}"))
    return plain


def held(detail: Mapping[str, Any], own: str) -> dict[str, Any]:
    boundary = detail.get("PermissionsBoundary")
    return {
        "path": detail["Path"],
        "attached": [one["PolicyArn"] for one in detail["AttachedManagedPolicies"]],
        "own": {one["PolicyName"]: one["PolicyDocument"] for one in detail.get(own, [])},
        "boundary": None if boundary is None else boundary["PermissionsBoundaryArn"],
    }


def user(iam: Any, detail: Mapping[str, Any]) -> dict[str, Any]:
    name = detail["UserName"]
    keys = whole(iam, "list_access_keys", "AccessKeyMetadata", UserName=name)
    return {
        **held(detail, "UserPolicyList"),
        "groups": detail["GroupList"],
        "tags": detail["Tags"],
        "keys": sorted(key["Status"] for key in keys),
    }


def group(detail: Mapping[str, Any]) -> dict[str, Any]:
    return held(detail, "GroupPolicyList")


def role(iam: Any, detail: Mapping[str, Any]) -> dict[str, Any]:
    shown = iam.get_role(RoleName=detail["RoleName"])["Role"]
    assert shown["AssumeRolePolicyDocument"] == detail["AssumeRolePolicyDocument"]
    assert shown.get("Tags", []) == detail["Tags"]
    assert shown.get("PermissionsBoundary") == detail.get("PermissionsBoundary")
    return {
        **held(detail, "RolePolicyList"),
        "trust": detail["AssumeRolePolicyDocument"],
        "tags": detail["Tags"],
        "description": shown.get("Description"),
        "duration": shown["MaxSessionDuration"],
    }


def policy(iam: Any, detail: Mapping[str, Any]) -> dict[str, Any]:
    arn = {"PolicyArn": detail["Arn"]}
    for version in detail["PolicyVersionList"]:
        one = iam.get_policy_version(**arn, VersionId=version["VersionId"])["PolicyVersion"]
        assert one["Document"] == version["Document"]
    return {
        "arn": detail["Arn"],
        "path": detail["Path"],
        "description": detail.get("Description"),
        "default": detail["DefaultVersionId"],
        "versions": {version["VersionId"]: version["Document"] for version in detail["PolicyVersionList"]},
        "tags": tags_of(iam, "list_policy_tags", **arn),
    }


def profile(iam: Any, listed: Mapping[str, Any]) -> dict[str, Any]:
    whose = {"InstanceProfileName": listed["InstanceProfileName"]}
    tags = tags_of(iam, "list_instance_profile_tags", **whose)
    return {"path": listed["Path"], "roles": [one["RoleName"] for one in listed["Roles"]], "tags": tags}


def device(iam: Any, listed: Mapping[str, Any]) -> dict[str, Any]:
    return {"tags": tags_of(iam, "list_mfa_device_tags", SerialNumber=listed["SerialNumber"])}


def saml(iam: Any, arn: str) -> dict[str, Any]:
    found = iam.get_saml_provider(SAMLProviderArn=arn)
    return {"metadata": found["SAMLMetadataDocument"], "tags": found.get("Tags", [])}


def oidc(iam: Any, arn: str) -> dict[str, Any]:
    found = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    clients, prints = found["ClientIDList"], found["ThumbprintList"]
    return {"url": found["Url"], "clients": clients, "thumbprints": prints, "tags": found.get("Tags", [])}


def make(place: Place, described: Mapping[str, Any]) -> None:
    """Make in *place* what `read` described; who is there already in every account is left as he is."""
    iam = place.client("iam")
    wanted = json.loads(json.dumps(described).replace("{account}", place.names["account"]))
    for name, one in wanted["policies"].items():
        make_policy(iam, name, one)
    for name, one in wanted["groups"].items():
        iam.create_group(GroupName=name, Path=one["path"])
        hold(iam, "group", {"GroupName": name}, one)
    for name, one in wanted["users"].items():
        if name != "boss":
            iam.create_user(UserName=name, Path=one["path"], Tags=one["tags"], **bounded(one))
            hold(iam, "user", {"UserName": name}, one)
        for inside in one["groups"]:
            iam.add_user_to_group(GroupName=inside, UserName=name)
        for status in one["keys"] if name != "boss" else ():
            key = iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]
            iam.update_access_key(UserName=name, AccessKeyId=key, Status=status)
    roles = {name: one for name, one in wanted["roles"].items() if name != OWN}
    anybody = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}})  # fmt: skip
    for name, one in roles.items():
        more = bounded(one) | ({} if one["description"] is None else {"Description": one["description"]})
        iam.create_role(RoleName=name, Path=one["path"], AssumeRolePolicyDocument=anybody, MaxSessionDuration=one["duration"], Tags=one["tags"], **more)  # fmt: skip
        hold(iam, "role", {"RoleName": name}, one)
    for name, one in roles.items():  # when everybody is there whom they may trust
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(one["trust"]))
    for name, one in wanted["profiles"].items():
        iam.create_instance_profile(InstanceProfileName=name, Path=one["path"], Tags=one["tags"])
        for inside in one["roles"]:
            iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=inside)
    for serial, one in wanted["devices"].items():
        path, _, name = serial.partition(":mfa")[2].rpartition("/")
        iam.create_virtual_mfa_device(VirtualMFADeviceName=name, Path=f"{path}/", Tags=one["tags"])
    for arn, one in wanted["saml"].items():
        iam.create_saml_provider(Name=arn.rpartition("/")[2], SAMLMetadataDocument=one["metadata"], Tags=one["tags"])
    for one in wanted["oidc"].values():
        iam.create_open_id_connect_provider(Url=f"https://{one['url']}", ClientIDList=one["clients"], ThumbprintList=one["thumbprints"], Tags=one["tags"])  # fmt: skip
    rules = {name: value for name, value in wanted["password policy"].items() if name != "ExpirePasswords"}
    iam.update_account_password_policy(**rules)
    iam.put_account_properties(Properties=wanted["properties"])
    iam.set_security_token_service_preferences(GlobalEndpointTokenVersion=f"v{wanted['token version']}Token")


def bounded(one: Mapping[str, Any]) -> dict[str, str]:
    return {} if one["boundary"] is None else {"PermissionsBoundary": one["boundary"]}


def hold(iam: Any, word: str, whose: Mapping[str, str], one: Mapping[str, Any]) -> None:
    for arn in one["attached"]:
        getattr(iam, f"attach_{word}_policy")(**whose, PolicyArn=arn)
    for name, document in one["own"].items():
        getattr(iam, f"put_{word}_policy")(**whose, PolicyName=name, PolicyDocument=json.dumps(document))


def make_policy(iam: Any, name: str, one: Mapping[str, Any]) -> None:
    """Make the versions that there are under the numbers that they have."""
    numbers = sorted(int(version[1:]) for version in one["versions"])
    nothing = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}})
    documents = {number: json.dumps(one["versions"].get(f"v{number}", None)) for number in range(1, numbers[-1] + 1)}
    more = {} if one["description"] is None else {"Description": one["description"]}
    arn = {"PolicyArn": one["arn"]}
    for number, document in documents.items():
        text = nothing if document == "null" else document
        if number == 1:
            iam.create_policy(PolicyName=name, Path=one["path"], PolicyDocument=text, Tags=one["tags"], **more)
            continue
        iam.create_policy_version(**arn, PolicyDocument=text, SetAsDefault=True)
        if documents[number - 1] == "null":
            iam.delete_policy_version(**arn, VersionId=f"v{number - 1}")
    iam.set_default_policy_version(**arn, VersionId=one["default"])
