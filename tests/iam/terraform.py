"""Terraform's resources for roles and policies, each as the calls of its AWS provider in their order.

`read` gives back the attributes that the provider keeps; a plan is clean when they are those of the configuration.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from tests.iam.table import Place

TRUST = json.dumps({"Version": "2012-10-17", "Statement": [{"Action": "sts:AssumeRole", "Effect": "Allow", "Sid": "", "Principal": {"Service": "ec2.amazonaws.com"}}]})  # fmt: skip
OTHER_TRUST = TRUST.replace("ec2.", "lambda.")
READ = json.dumps({"Version": "2012-10-17", "Statement": [{"Action": ["s3:Get*"], "Effect": "Allow", "Resource": "*"}]})
LIST = READ.replace("Get*", "List*")
TAGS, OTHER_TAGS = {"Name": "x", "Env": "prod"}, {"Name": "y", "Owner": "ann"}


def as_tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": name, "Value": value} for name, value in tags.items()]


def as_map(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


def gone(call, **wanted) -> bool:
    """Whether reading says that the thing is not there: the provider drops it from its state."""
    try:
        call(**wanted)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise
        return True
    return False


class Resource:
    """One resource: *config* is what stands in the configuration, `changed` what stands there later."""

    config: Mapping[str, Any]
    changed: Mapping[str, Any]

    def __init__(self, place: Place) -> None:
        self.place = place
        self.iam = place.client("iam")
        self.account = place.names["account"]
        self.before()

    def before(self) -> None:
        """Other resources that this one refers to."""

    def create(self, config: Mapping[str, Any]) -> None: ...

    def read(self) -> Mapping[str, Any] | None: ...

    def update(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        """By default the resource is replaced."""
        self.delete()
        self.create(new)

    def delete(self) -> None: ...

    def retag(self, tag, untag, old: Mapping[str, str], new: Mapping[str, str], **whose: str) -> None:
        """Take off what is not wanted any more, then lay on what is new."""
        over = [name for name in old if name not in new]
        if over:
            untag(**whose, TagKeys=over)
        fresh = {name: value for name, value in new.items() if old.get(name) != value}
        if fresh:
            tag(**whose, Tags=as_tags(fresh))


class Role(Resource):
    config: ClassVar = {"trust": TRUST, "path": "/app/", "description": "runs it", "duration": 7200, "boundary": "a", "tags": TAGS, "inline": {"one": READ}, "managed": ["a"]}  # fmt: skip
    changed: ClassVar = {"trust": OTHER_TRUST, "path": "/app/", "description": "walks it", "duration": 3600, "boundary": "b", "tags": OTHER_TAGS, "inline": {"one": LIST, "two": READ}, "managed": ["b"]}  # fmt: skip

    def before(self) -> None:
        for name in "ab":
            self.iam.create_policy(PolicyName=name, PolicyDocument=READ)

    def arn(self, name: str) -> str:
        return f"arn:aws:iam::{self.account}:policy/{name}"

    def create(self, config: Mapping[str, Any]) -> None:
        self.iam.create_role(
            RoleName="app",
            AssumeRolePolicyDocument=config["trust"],
            Path=config["path"],
            Description=config["description"],
            MaxSessionDuration=config["duration"],
            PermissionsBoundary=self.arn(config["boundary"]),
            Tags=as_tags(config["tags"]),
        )
        self._policies({}, config)

    def _policies(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        for name in old.get("managed", ()):
            self.iam.detach_role_policy(RoleName="app", PolicyArn=self.arn(name))
        for name in new["managed"]:
            self.iam.attach_role_policy(RoleName="app", PolicyArn=self.arn(name))
        for name in old.get("inline", {}):
            self.iam.delete_role_policy(RoleName="app", PolicyName=name)
        for name, document in new["inline"].items():
            self.iam.put_role_policy(RoleName="app", PolicyName=name, PolicyDocument=document)

    def read(self) -> Mapping[str, Any] | None:
        if gone(self.iam.get_role, RoleName="app"):
            return None
        role = self.iam.get_role(RoleName="app")["Role"]
        inline = self.iam.list_role_policies(RoleName="app")["PolicyNames"]
        managed = self.iam.list_attached_role_policies(RoleName="app")["AttachedPolicies"]
        return {
            "trust": json.dumps(role["AssumeRolePolicyDocument"]),
            "path": role["Path"],
            "description": role["Description"],
            "duration": role["MaxSessionDuration"],
            "boundary": role["PermissionsBoundary"]["PermissionsBoundaryArn"].rpartition("/")[2],
            "tags": as_map(role["Tags"]),
            "inline": {
                name: json.dumps(self.iam.get_role_policy(RoleName="app", PolicyName=name)["PolicyDocument"])
                for name in inline
            },
            "managed": [policy["PolicyName"] for policy in managed],
        }

    def update(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        self.iam.update_assume_role_policy(RoleName="app", PolicyDocument=new["trust"])
        self.iam.update_role(RoleName="app", Description=new["description"], MaxSessionDuration=new["duration"])
        self.iam.put_role_permissions_boundary(RoleName="app", PermissionsBoundary=self.arn(new["boundary"]))
        self._policies(old, new)
        self.retag(self.iam.tag_role, self.iam.untag_role, old["tags"], new["tags"], RoleName="app")

    def delete(self) -> None:
        for profile in self.iam.list_instance_profiles_for_role(RoleName="app")["InstanceProfiles"]:
            self.iam.remove_role_from_instance_profile(
                RoleName="app", InstanceProfileName=profile["InstanceProfileName"]
            )
        for policy in self.iam.list_attached_role_policies(RoleName="app")["AttachedPolicies"]:
            self.iam.detach_role_policy(RoleName="app", PolicyArn=policy["PolicyArn"])
        for name in self.iam.list_role_policies(RoleName="app")["PolicyNames"]:
            self.iam.delete_role_policy(RoleName="app", PolicyName=name)
        self.iam.delete_role(RoleName="app")


class Policy(Resource):
    config: ClassVar = {"document": READ, "description": "reads", "path": "/p/", "tags": TAGS}
    changed: ClassVar = {"document": LIST, "description": "reads", "path": "/p/", "tags": OTHER_TAGS}

    @property
    def arn(self) -> dict[str, str]:
        return {"PolicyArn": f"arn:aws:iam::{self.account}:policy/p/read"}

    def create(self, config: Mapping[str, Any]) -> None:
        made = self.iam.create_policy(PolicyName="read", PolicyDocument=config["document"], Description=config["description"], Path=config["path"], Tags=as_tags(config["tags"]))  # fmt: skip
        assert made["Policy"]["Arn"] == self.arn["PolicyArn"]

    def read(self) -> Mapping[str, Any] | None:
        if gone(self.iam.get_policy, **self.arn):
            return None
        policy = self.iam.get_policy(**self.arn)["Policy"]
        version = self.iam.get_policy_version(**self.arn, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
        return {
            "document": json.dumps(version["Document"]),
            "description": policy["Description"],
            "path": policy["Path"],
            "tags": as_map(policy["Tags"]),
        }

    def update(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        for turn in range(7):  # the oldest makes room when there are five
            versions = self.iam.list_policy_versions(**self.arn)["Versions"]
            if len(versions) >= 5:
                others = [one for one in versions if not one["IsDefaultVersion"]]
                oldest = min(others, key=lambda one: int(one["VersionId"][1:]))
                self.iam.delete_policy_version(**self.arn, VersionId=oldest["VersionId"])
            document = old["document"] if turn % 2 else new["document"]
            self.iam.create_policy_version(**self.arn, PolicyDocument=document, SetAsDefault=True)
        self.retag(self.iam.tag_policy, self.iam.untag_policy, old["tags"], new["tags"], **self.arn)

    def delete(self) -> None:
        for version in self.iam.list_policy_versions(**self.arn)["Versions"]:
            if not version["IsDefaultVersion"]:
                self.iam.delete_policy_version(**self.arn, VersionId=version["VersionId"])
        self.iam.delete_policy(**self.arn)


class InlinePolicy(Resource):
    """iam_role_policy, iam_group_policy and iam_user_policy are alike."""

    config, changed = {"document": READ}, {"document": LIST}
    word, whose = "role", {"RoleName": "app"}

    def before(self) -> None:
        self.iam.create_role(RoleName="app", AssumeRolePolicyDocument=TRUST)
        self.iam.create_group(GroupName="dev")
        self.iam.create_user(UserName="ann")

    def create(self, config: Mapping[str, Any]) -> None:
        put = getattr(self.iam, f"put_{self.word}_policy")
        put(**self.whose, PolicyName="own", PolicyDocument=config["document"])

    def read(self) -> Mapping[str, Any] | None:
        get = getattr(self.iam, f"get_{self.word}_policy")
        if gone(get, **self.whose, PolicyName="own"):
            return None
        return {"document": json.dumps(get(**self.whose, PolicyName="own")["PolicyDocument"])}

    def update(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        self.create(new)

    def delete(self) -> None:
        getattr(self.iam, f"delete_{self.word}_policy")(**self.whose, PolicyName="own")


class GroupPolicy(InlinePolicy):
    word, whose = "group", {"GroupName": "dev"}


class UserPolicy(InlinePolicy):
    word, whose = "user", {"UserName": "ann"}


class Attachment(Resource):
    config, changed = {"policy": "a"}, {"policy": "b"}

    def before(self) -> None:
        self.iam.create_role(RoleName="app", AssumeRolePolicyDocument=TRUST)
        for name in "ab":
            self.iam.create_policy(PolicyName=name, PolicyDocument=READ)

    def arn(self, name: str) -> str:
        return f"arn:aws:iam::{self.account}:policy/{name}"

    def create(self, config: Mapping[str, Any]) -> None:
        self.iam.attach_role_policy(RoleName="app", PolicyArn=self.arn(config["policy"]))

    def read(self) -> Mapping[str, Any] | None:
        found = self.iam.list_attached_role_policies(RoleName="app")["AttachedPolicies"]
        for policy in found:
            roles = self.iam.list_entities_for_policy(PolicyArn=policy["PolicyArn"])["PolicyRoles"]
            assert [role["RoleName"] for role in roles] == ["app"]
        return {"policy": found[0]["PolicyName"]} if found else None

    def delete(self) -> None:
        read = self.read()
        assert read is not None
        self.iam.detach_role_policy(RoleName="app", PolicyArn=self.arn(read["policy"]))
