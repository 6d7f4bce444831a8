"""Every action of the room takes what the service model says, and answers what botocore's client reads."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode

import msgspec
import pytest
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from msgspec import NODEFAULT

from authority.access.action import Action
from authority.access.mfa import Compared
from authority.audit.answers import LastUse
from authority.kernel.refusal import Refusal
from authority.kernel.secret import Secret
from authority.principals import access_keys, devices, groups, key_use, login_profiles, mfa, not_kept, users
from authority.principals.login_profiles import Changing, Hashed
from authority.registry import ACTIONS
from tests.model.test_state import AT
from tests.principals.world import ANN, IAM, World
from tests.wire.models import operation

ROOM = (access_keys, devices, groups, key_use, login_profiles, mfa, not_kept, users)
DECIDED = [found for module in ROOM for found in vars(module).values() if isinstance(found, Action)]
USED = LastUse(datetime(2026, 5, 6, tzinfo=UTC), "sts", "us-east-1", 7)


class Wired(World):
    """A world that is asked in forms and answers in documents."""

    def says(self, what: Action, *, gathered: object = None, **wanted: object):
        """What a client reads, or the refusal."""
        model, ours = operation("iam", what.operation)
        form = create_serializer("query").serialize_to_request(wanted, model)["body"]
        given = ours.read_query(dict(parse_qsl(urlencode(form, doseq=True), keep_blank_values=True)))
        assert isinstance(given, dict), given
        decision = self.decide(what, given, gathered=gathered)
        answer = decision.answer if decision.then is None else decision.then(self.state)
        if decision.query is not None:
            answer = decision.query.shape(USED)
        if isinstance(answer, Refusal):
            return answer
        body = ours.write_xml({} if answer is None else answer, "r1")
        read = create_parser("query").parse({"status_code": 200, "headers": {}, "body": body}, model.output_shape)
        return {name: value for name, value in read.items() if name != "ResponseMetadata"}


@pytest.mark.parametrize("what", DECIDED, ids=lambda what: what.name)
def test_an_action_knows_every_member_of_its_input_and_no_other(what):
    model, _ = operation("iam", what.operation)
    assert set(what.input.__struct_encode_fields__) == set(model.input_shape.members)
    assert ACTIONS["iam", what.operation] is what


@pytest.mark.parametrize("what", DECIDED, ids=lambda what: what.name)
def test_what_the_model_lets_out_may_be_left_out(what):
    model, _ = operation("iam", what.operation)
    fields = msgspec.structs.fields(what.input)
    needed = {field.encode_name for field in fields if field.default is NODEFAULT}
    assert needed <= set(model.input_shape.required_members)


BOB = {
    "UserName": "Bob",
    "Path": "/",
    "Arn": f"{IAM}:user/Bob",
    "CreateDate": AT,
}
SERIAL = f"{IAM}:mfa/phone"
CODES = {"AuthenticationCode1": "123456", "AuthenticationCode2": "234567"}
TAGS = [{"Key": "Team", "Value": "röd + blå @ hemma"}]


def test_a_day_with_botocore():
    """Every action once, in an order in which each has something to do."""
    world, asked = Wired(), set()

    def says(what: Action, **wanted: object):
        asked.add(what.name)
        answer = world.says(what, **wanted)
        assert not isinstance(answer, Refusal), (what.name, answer)
        return answer

    made = says(users.create_user, UserName="Bob", Tags=TAGS)["User"]
    bob_id = made["UserId"]
    bob = {**BOB, "UserId": bob_id}
    assert made == {**bob, "Tags": TAGS}
    assert says(users.get_user, UserName="Bob") == {"User": made}
    listed = says(users.list_users, PathPrefix="/", MaxItems=2)
    assert ([user["UserName"] for user in listed["Users"]], listed["IsTruncated"]) == (["Ann", "Bob"], True)
    rest = says(users.list_users, Marker=listed["Marker"])
    assert ([user["UserName"] for user in rest["Users"]], rest["IsTruncated"]) == (["Dan"], False)
    assert says(users.tag_user, UserName="Bob", Tags=[{"Key": "Cost", "Value": ""}]) == {}
    assert says(users.untag_user, UserName="Bob", TagKeys=["COST"]) == {}
    assert says(users.list_user_tags, UserName="Bob") == {"Tags": TAGS, "IsTruncated": False}

    group = says(groups.create_group, GroupName="Dev", Path="/team/")["Group"]
    assert (group["Arn"], group["CreateDate"]) == (f"{IAM}:group/team/Dev", AT)
    assert says(groups.list_groups) == {"Groups": [group], "IsTruncated": False}
    assert says(groups.add_user_to_group, GroupName="Dev", UserName="Bob") == {}
    assert says(groups.get_group, GroupName="Dev") == {"Group": group, "Users": [bob], "IsTruncated": False}
    assert says(groups.list_groups_for_user, UserName="Bob") == {"Groups": [group], "IsTruncated": False}
    assert says(groups.remove_user_from_group, GroupName="Dev", UserName="Bob") == {}
    assert says(groups.update_group, GroupName="Dev", NewGroupName="Ops") == {}
    assert says(groups.delete_group, GroupName="Ops") == {}

    key = says(access_keys.create_access_key, UserName="Bob")["AccessKey"]
    assert len(key.pop("SecretAccessKey")) == 40
    assert key == {"UserName": "Bob", "AccessKeyId": key["AccessKeyId"], "Status": "Active", "CreateDate": AT}
    named = {"UserName": "Bob", "AccessKeyId": key["AccessKeyId"]}
    assert says(access_keys.update_access_key, **named, Status="Inactive") == {}
    assert says(access_keys.list_access_keys, UserName="Bob") == {
        "AccessKeyMetadata": [{**key, "Status": "Inactive"}],
        "IsTruncated": False,
    }
    assert says(key_use.get_access_key_last_used, AccessKeyId=key["AccessKeyId"]) == {
        "UserName": "Bob",
        "AccessKeyLastUsed": {"LastUsedDate": USED.at, "ServiceName": "sts", "Region": "us-east-1"},
    }
    assert says(access_keys.delete_access_key, **named) == {}

    profile = {"UserName": "Bob", "CreateDate": AT, "PasswordResetRequired": False}
    hashed = Hashed(Secret("hashed"))
    created = says(login_profiles.create_login_profile, UserName="Bob", Password="Aa1!aaaa", gathered=hashed)
    assert created == {"LoginProfile": profile}
    assert says(login_profiles.update_login_profile, UserName="Bob", PasswordResetRequired=True) == {}
    assert says(login_profiles.get_login_profile, UserName="Bob") == {
        "LoginProfile": {**profile, "PasswordResetRequired": True}
    }
    assert says(login_profiles.delete_login_profile, UserName="Bob") == {}
    says(login_profiles.create_login_profile, Password="Aa1!aaaa", gathered=hashed)
    login = world.account.users[ANN].login
    assert login is not None
    changing = Changing(Secret("hashed"), login.password_id, right=True)
    old_and_new = {"OldPassword": "Aa1!aaaa", "NewPassword": "Aa1!bbbb"}
    assert says(login_profiles.change_password, **old_and_new, gathered=changing) == {}

    device = says(devices.create_virtual_mfa_device, VirtualMFADeviceName="phone", Tags=TAGS)["VirtualMFADevice"]
    assert len(base64.b32decode(device["Base32StringSeed"])) == 20
    assert device["QRCodePNG"].startswith(b"\x89PNG")
    assert (device["SerialNumber"], device["Tags"]) == (SERIAL, TAGS)
    (device_id,) = world.account.mfa_devices
    whose = {"UserName": "Bob", "SerialNumber": SERIAL}
    assert says(mfa.enable_mfa_device, **whose, **CODES, gathered=Compared(device_id, 7)) == {}
    assert says(mfa.resync_mfa_device, **whose, **CODES, gathered=Compared(device_id, 9)) == {}
    assert says(mfa.get_mfa_device, **whose) == {**whose, "EnableDate": AT}
    assert says(mfa.list_mfa_devices, UserName="Bob") == {
        "MFADevices": [{**whose, "EnableDate": AT}],
        "IsTruncated": False,
    }
    assert says(devices.list_virtual_mfa_devices, AssignmentStatus="Assigned") == {
        "VirtualMFADevices": [{"SerialNumber": SERIAL, "User": bob, "EnableDate": AT}],
        "IsTruncated": False,
    }
    assert says(devices.tag_mfa_device, SerialNumber=SERIAL, Tags=[{"Key": "team", "Value": "a"}]) == {}
    assert says(devices.untag_mfa_device, SerialNumber=SERIAL, TagKeys=["team"]) == {}
    assert says(devices.list_mfa_device_tags, SerialNumber=SERIAL) == {"Tags": TAGS, "IsTruncated": False}
    assert says(mfa.deactivate_mfa_device, **whose) == {}
    assert says(devices.delete_virtual_mfa_device, SerialNumber=SERIAL) == {}

    nothing = {"IsTruncated": False}
    assert says(not_kept.list_ssh_public_keys, UserName="Bob") == {"SSHPublicKeys": [], **nothing}
    assert says(not_kept.list_signing_certificates, UserName="Bob") == {"Certificates": [], **nothing}
    assert says(not_kept.list_service_specific_credentials, UserName="Bob") == {
        "ServiceSpecificCredentials": [],
        **nothing,
    }
    assert says(not_kept.list_server_certificates) == {"ServerCertificateMetadataList": [], **nothing}
    refused = world.says(not_kept.list_server_certificate_tags, ServerCertificateName="web")
    assert isinstance(refused, Refusal)
    asked.add("iam:ListServerCertificateTags")

    assert says(users.update_user, UserName="Bob", NewUserName="Robert") == {}
    assert says(users.delete_user, UserName="Robert") == {}
    assert asked == {what.name for what in DECIDED}
