"""What Terraform's AWS provider calls: made, read, read again, changed, deleted; the second plan is clean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from botocore.exceptions import ClientError

from tests.federation.documents import certificate, descriptor, key, metadata
from tests.iam.table import Place
from tests.iam.terraform import (
    OTHER_TAGS,
    READ,
    TAGS,
    TRUST,
    Attachment,
    GroupPolicy,
    InlinePolicy,
    Policy,
    Resource,
    Role,
    UserPolicy,
    as_map,
    as_tags,
    gone,
)
from tests.live import Live


class Group(Resource):
    config, changed = {"name": "dev", "path": "/a/"}, {"name": "ops", "path": "/b/"}
    name = "dev"

    def create(self, config: Mapping[str, Any]) -> None:
        self.name = config["name"]
        self.iam.create_group(GroupName=config["name"], Path=config["path"])

    def read(self) -> Mapping[str, Any] | None:
        if gone(self.iam.get_group, GroupName=self.name):
            return None
        group = self.iam.get_group(GroupName=self.name)["Group"]
        return {"name": group["GroupName"], "path": group["Path"]}

    def update(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        self.iam.update_group(GroupName=old["name"], NewGroupName=new["name"], NewPath=new["path"])
        self.name = new["name"]

    def delete(self) -> None:
        self.iam.delete_group(GroupName=self.name)


class User(Resource):
    """With force_destroy: whatever hangs on the user goes first."""

    config: ClassVar = {"name": "ann", "path": "/a/", "tags": TAGS, "boundary": "a"}
    changed: ClassVar = {"name": "eve", "path": "/b/", "tags": OTHER_TAGS, "boundary": "b"}
    name = "ann"

    def before(self) -> None:
        self.iam.create_group(GroupName="dev")
        for name in "ab":
            self.iam.create_policy(PolicyName=name, PolicyDocument=READ)

    def arn(self, name: str) -> str:
        return f"arn:aws:iam::{self.account}:policy/{name}"

    def create(self, config: Mapping[str, Any]) -> None:
        self.name = config["name"]
        self.iam.create_user(UserName=config["name"], Path=config["path"], Tags=as_tags(config["tags"]), PermissionsBoundary=self.arn(config["boundary"]))  # fmt: skip

    def read(self) -> Mapping[str, Any] | None:
        if gone(self.iam.get_user, UserName=self.name):
            return None
        user = self.iam.get_user(UserName=self.name)["User"]
        boundary = user["PermissionsBoundary"]["PermissionsBoundaryArn"].rpartition("/")[2]
        return {"name": user["UserName"], "path": user["Path"], "tags": as_map(user["Tags"]), "boundary": boundary}

    def update(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        self.iam.update_user(UserName=old["name"], NewUserName=new["name"], NewPath=new["path"])
        self.name = new["name"]
        self.iam.put_user_permissions_boundary(UserName=self.name, PermissionsBoundary=self.arn(new["boundary"]))
        self.retag(self.iam.tag_user, self.iam.untag_user, old["tags"], new["tags"], UserName=self.name)

    def delete(self) -> None:
        iam, whose = self.iam, {"UserName": self.name}
        iam.add_user_to_group(GroupName="dev", **whose)
        iam.create_access_key(**whose)
        iam.put_user_policy(PolicyName="own", PolicyDocument=READ, **whose)
        iam.attach_user_policy(PolicyArn=self.arn("a"), **whose)
        for group in iam.list_groups_for_user(**whose)["Groups"]:
            iam.remove_user_from_group(GroupName=group["GroupName"], **whose)
        for one in iam.list_access_keys(**whose)["AccessKeyMetadata"]:
            iam.delete_access_key(AccessKeyId=one["AccessKeyId"], **whose)
        assert iam.list_ssh_public_keys(**whose)["SSHPublicKeys"] == []
        assert iam.list_virtual_mfa_devices(AssignmentStatus="Any")["VirtualMFADevices"] == []
        assert iam.list_mfa_devices(**whose)["MFADevices"] == []
        assert gone(iam.delete_login_profile, **whose)
        assert iam.list_signing_certificates(**whose)["Certificates"] == []
        assert iam.list_service_specific_credentials(**whose)["ServiceSpecificCredentials"] == []
        for name in iam.list_user_policies(**whose)["PolicyNames"]:
            iam.delete_user_policy(PolicyName=name, **whose)
        for policy in iam.list_attached_user_policies(**whose)["AttachedPolicies"]:
            iam.detach_user_policy(PolicyArn=policy["PolicyArn"], **whose)
        iam.delete_user(**whose)


class Membership(Resource):
    config, changed = {"groups": ["a", "b"]}, {"groups": ["b", "c"]}

    def before(self) -> None:
        self.iam.create_user(UserName="ann")
        for name in "abc":
            self.iam.create_group(GroupName=name)

    def create(self, config: Mapping[str, Any]) -> None:
        for name in config["groups"]:
            self.iam.add_user_to_group(GroupName=name, UserName="ann")

    def read(self) -> Mapping[str, Any] | None:
        groups = [group["GroupName"] for group in self.iam.list_groups_for_user(UserName="ann")["Groups"]]
        for name in groups:
            assert [user["UserName"] for user in self.iam.get_group(GroupName=name)["Users"]] == ["ann"]
        return {"groups": groups} if groups else None

    def delete(self) -> None:
        for group in self.iam.list_groups_for_user(UserName="ann")["Groups"]:
            self.iam.remove_user_from_group(GroupName=group["GroupName"], UserName="ann")


class AccessKey(Resource):
    config, changed = {"status": "Active"}, {"status": "Inactive"}
    id = ""

    def before(self) -> None:
        self.iam.create_user(UserName="ann")

    def create(self, config: Mapping[str, Any]) -> None:
        self.id = self.iam.create_access_key(UserName="ann")["AccessKey"]["AccessKeyId"]

    def read(self) -> Mapping[str, Any] | None:
        keys = self.iam.list_access_keys(UserName="ann")["AccessKeyMetadata"]
        found = [one for one in keys if one["AccessKeyId"] == self.id]
        return {"status": found[0]["Status"]} if found else None

    def update(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        self.iam.update_access_key(UserName="ann", AccessKeyId=self.id, Status=new["status"])

    def delete(self) -> None:
        self.iam.delete_access_key(UserName="ann", AccessKeyId=self.id)


class LoginProfile(Resource):
    config, changed = {"reset": True}, {"reset": False}

    def before(self) -> None:
        self.iam.create_user(UserName="ann")

    def create(self, config: Mapping[str, Any]) -> None:
        self.iam.create_login_profile(UserName="ann", Password="Aa1!aaaaaaaa", PasswordResetRequired=config["reset"])

    def read(self) -> Mapping[str, Any] | None:
        if gone(self.iam.get_login_profile, UserName="ann"):
            return None
        return {"reset": self.iam.get_login_profile(UserName="ann")["LoginProfile"]["PasswordResetRequired"]}

    def delete(self) -> None:
        self.iam.delete_login_profile(UserName="ann")


class VirtualMfaDevice(Resource):
    config, changed = {"path": "/a/", "tags": TAGS}, {"path": "/a/", "tags": OTHER_TAGS}

    @property
    def serial(self) -> dict[str, str]:
        return {"SerialNumber": f"arn:aws:iam::{self.account}:mfa/a/phone"}

    def create(self, config: Mapping[str, Any]) -> None:
        made = self.iam.create_virtual_mfa_device(VirtualMFADeviceName="phone", Path=config["path"], Tags=as_tags(config["tags"]))  # fmt: skip
        assert made["VirtualMFADevice"]["SerialNumber"] == self.serial["SerialNumber"]

    def read(self) -> Mapping[str, Any] | None:
        listed = self.iam.list_virtual_mfa_devices()["VirtualMFADevices"]
        if self.serial["SerialNumber"] not in {device["SerialNumber"] for device in listed}:
            return None
        return {"path": "/a/", "tags": as_map(self.iam.list_mfa_device_tags(**self.serial)["Tags"])}

    def update(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        self.retag(self.iam.tag_mfa_device, self.iam.untag_mfa_device, old["tags"], new["tags"], **self.serial)

    def delete(self) -> None:
        self.iam.delete_virtual_mfa_device(**self.serial)


class AccountAlias(Resource):
    config, changed = {"alias": "one"}, {"alias": "two"}

    def create(self, config: Mapping[str, Any]) -> None:
        self.iam.create_account_alias(AccountAlias=f"{config['alias']}-{self.account}")

    def read(self) -> Mapping[str, Any] | None:
        found = self.iam.list_account_aliases()["AccountAliases"]
        return {"alias": found[0].partition("-")[0]} if found else None

    def delete(self) -> None:
        read = self.read()
        assert read is not None
        self.iam.delete_account_alias(AccountAlias=f"{read['alias']}-{self.account}")


class PasswordPolicy(Resource):
    config: ClassVar = {"MinimumPasswordLength": 12, "RequireSymbols": True, "RequireNumbers": True, "RequireUppercaseCharacters": True, "RequireLowercaseCharacters": True, "AllowUsersToChangePassword": True, "MaxPasswordAge": 90, "PasswordReusePrevention": 3, "HardExpiry": True, "ExpirePasswords": True}  # fmt: skip
    changed: ClassVar = {**config, "MinimumPasswordLength": 14, "RequireSymbols": False, "MaxPasswordAge": 30}

    def create(self, config: Mapping[str, Any]) -> None:
        self.iam.update_account_password_policy(**{name: config[name] for name in config if name != "ExpirePasswords"})

    def read(self) -> Mapping[str, Any] | None:
        if gone(self.iam.get_account_password_policy):
            return None
        found: Mapping[str, Any] = self.iam.get_account_password_policy()["PasswordPolicy"]
        return found

    def update(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        self.create(new)

    def delete(self) -> None:
        self.iam.delete_account_password_policy()


class InstanceProfile(Resource):
    config, changed = {"role": "a", "path": "/w/", "tags": TAGS}, {"role": "b", "path": "/w/", "tags": OTHER_TAGS}

    def before(self) -> None:
        for name in "ab":
            self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)

    def create(self, config: Mapping[str, Any]) -> None:
        self.iam.create_instance_profile(InstanceProfileName="web", Path=config["path"], Tags=as_tags(config["tags"]))
        self.iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName=config["role"])

    def read(self) -> Mapping[str, Any] | None:
        if gone(self.iam.get_instance_profile, InstanceProfileName="web"):
            return None
        profile = self.iam.get_instance_profile(InstanceProfileName="web")["InstanceProfile"]
        (role,) = profile["Roles"]
        assert self.iam.get_role(RoleName=role["RoleName"])["Role"]["Arn"] == role["Arn"]
        return {"role": role["RoleName"], "path": profile["Path"], "tags": as_map(profile["Tags"])}

    def update(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        self.iam.remove_role_from_instance_profile(InstanceProfileName="web", RoleName=old["role"])
        self.iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName=new["role"])
        self.retag(self.iam.tag_instance_profile, self.iam.untag_instance_profile, old["tags"], new["tags"], InstanceProfileName="web")  # fmt: skip

    def delete(self) -> None:
        read = self.read()
        assert read is not None
        self.iam.remove_role_from_instance_profile(InstanceProfileName="web", RoleName=read["role"])
        self.iam.delete_instance_profile(InstanceProfileName="web")


class OidcProvider(Resource):
    config: ClassVar = {"clients": ["a", "b"], "thumbprints": ["a" * 40], "tags": TAGS}
    changed: ClassVar = {"clients": ["b", "c"], "thumbprints": ["b" * 40, "c" * 40], "tags": OTHER_TAGS}

    @property
    def arn(self) -> dict[str, str]:
        return {"OpenIDConnectProviderArn": f"arn:aws:iam::{self.account}:oidc-provider/idp.example.com"}

    def create(self, config: Mapping[str, Any]) -> None:
        made = self.iam.create_open_id_connect_provider(Url="https://idp.example.com", ClientIDList=config["clients"], ThumbprintList=config["thumbprints"], Tags=as_tags(config["tags"]))  # fmt: skip
        assert made["OpenIDConnectProviderArn"] == self.arn["OpenIDConnectProviderArn"]

    def read(self) -> Mapping[str, Any] | None:
        if gone(self.iam.get_open_id_connect_provider, **self.arn):
            return None
        found = self.iam.get_open_id_connect_provider(**self.arn)
        assert found["Url"] == "idp.example.com"
        return {"clients": found["ClientIDList"], "thumbprints": found["ThumbprintList"], "tags": as_map(found["Tags"])}

    def update(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        self.iam.update_open_id_connect_provider_thumbprint(**self.arn, ThumbprintList=new["thumbprints"])
        for name in set(old["clients"]) - set(new["clients"]):
            self.iam.remove_client_id_from_open_id_connect_provider(**self.arn, ClientID=name)
        for name in set(new["clients"]) - set(old["clients"]):
            self.iam.add_client_id_to_open_id_connect_provider(**self.arn, ClientID=name)
        self.retag(self.iam.tag_open_id_connect_provider, self.iam.untag_open_id_connect_provider, old["tags"], new["tags"], **self.arn)  # fmt: skip

    def delete(self) -> None:
        self.iam.delete_open_id_connect_provider(**self.arn)


class SamlProvider(Resource):
    config: ClassVar = {"document": metadata(), "tags": TAGS}
    changed: ClassVar = {"document": metadata(descriptor(key(certificate(serial=2)))), "tags": OTHER_TAGS}

    @property
    def arn(self) -> dict[str, str]:
        return {"SAMLProviderArn": f"arn:aws:iam::{self.account}:saml-provider/corp"}

    def create(self, config: Mapping[str, Any]) -> None:
        self.iam.create_saml_provider(
            Name="corp", SAMLMetadataDocument=config["document"], Tags=as_tags(config["tags"])
        )

    def read(self) -> Mapping[str, Any] | None:
        if gone(self.iam.get_saml_provider, **self.arn):
            return None
        found = self.iam.get_saml_provider(**self.arn)
        return {"document": found["SAMLMetadataDocument"], "tags": as_map(found["Tags"])}

    def update(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        self.iam.update_saml_provider(**self.arn, SAMLMetadataDocument=new["document"])
        self.retag(self.iam.tag_saml_provider, self.iam.untag_saml_provider, old["tags"], new["tags"], **self.arn)

    def delete(self) -> None:
        self.iam.delete_saml_provider(**self.arn)


class ServiceLinkedRole(Resource):
    config, changed = {"description": "d", "tags": TAGS}, {"description": "e", "tags": OTHER_TAGS}
    name = "AWSServiceRoleForAutoScaling_x"

    def create(self, config: Mapping[str, Any]) -> None:
        made = self.iam.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com", CustomSuffix="x", Description=config["description"])  # fmt: skip
        assert made["Role"]["RoleName"] == self.name
        self.iam.tag_role(RoleName=self.name, Tags=as_tags(config["tags"]))

    def read(self) -> Mapping[str, Any] | None:
        if gone(self.iam.get_role, RoleName=self.name):
            return None
        role = self.iam.get_role(RoleName=self.name)["Role"]
        return {"description": role["Description"], "tags": as_map(role["Tags"])}

    def update(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        self.iam.update_role_description(RoleName=self.name, Description=new["description"])
        self.retag(self.iam.tag_role, self.iam.untag_role, old["tags"], new["tags"], RoleName=self.name)

    def delete(self) -> None:
        task = self.iam.delete_service_linked_role(RoleName=self.name)["DeletionTaskId"]
        assert self.iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"


RESOURCES = (
    Role, Policy, InlinePolicy, GroupPolicy, UserPolicy, Attachment, Group, User, Membership, AccessKey, LoginProfile,
    VirtualMfaDevice, AccountAlias, PasswordPolicy, InstanceProfile, OidcProvider, SamlProvider, ServiceLinkedRole,
)  # fmt: skip


@pytest.mark.parametrize("kind", RESOURCES, ids=lambda kind: kind.__name__)
def test_a_second_plan_is_clean(live: Live, kind: type[Resource]):
    resource = kind(Place(live, {}))
    assert resource.read() is None
    resource.create(resource.config)
    assert resource.read() == resource.config
    assert resource.read() == resource.config
    resource.update(resource.config, resource.changed)
    assert resource.read() == resource.changed
    assert resource.read() == resource.changed
    resource.delete()
    assert resource.read() is None


def test_what_the_provider_asks_before_it_begins_and_what_its_data_sources_read(live: Live):
    place = Place(live, {})
    who = place.client("sts").get_caller_identity()
    assert who["Account"] == place.names["account"]
    iam = place.client("iam")
    iam.create_role(RoleName="app", AssumeRolePolicyDocument=TRUST, Path="/x/")
    assert iam.get_role(RoleName="app")["Role"]["Arn"].endswith(":role/x/app")
    assert [role["RoleName"] for role in iam.list_roles(PathPrefix="/x/")["Roles"]] == ["app"]
    catalogue = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    version = iam.get_policy(PolicyArn=catalogue)["Policy"]["DefaultVersionId"]
    assert iam.get_policy_version(PolicyArn=catalogue, VersionId=version)["PolicyVersion"]["Document"]["Statement"]


def test_what_is_not_supported_is_refused_at_once_and_for_good(live: Live):
    """The provider tries again for minutes after a status of 500 and more."""
    iam = Place(live, {}).client("iam")
    with pytest.raises(ClientError) as refused:
        iam.upload_ssh_public_key(UserName="ann", SSHPublicKeyBody="ssh-rsa AAAA")
    assert refused.value.response["Error"]["Code"] == "InvalidAction"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
