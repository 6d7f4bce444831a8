"""Access keys, passwords and MFA devices."""

from __future__ import annotations

from tests.iam.rows.users import ANN, BOB, NO_USER, shown_user
from tests.iam.table import A_DATE, NOTHING, TAGS, WHOLE, Fails, Like, call, code, kind, row

KEY = call("CreateAccessKey", UserName="Ann").keeping(
    key="AccessKey.AccessKeyId", annsecret="AccessKey.SecretAccessKey"
)
HERS = {"UserName": "Ann", "AccessKeyId": "{key}"}
NO_KEY = Fails("NoSuchEntity", "The Access Key with id AKIAIOSFODNN7EXAMPLE cannot be found.")
NO_ONES = {"UserName": "Ann", "AccessKeyId": "AKIAIOSFODNN7EXAMPLE"}
A_SECRET = Like("forty characters", lambda value: len(value) == 40)


def shown_key(status="Active", **more):
    return {"UserName": "Ann", "AccessKeyId": "{key}", "Status": status, "CreateDate": A_DATE, **more}


KEYS = [
    row("a key is made and its secret shown once", KEY, {"AccessKey": shown_key(SecretAccessKey=A_SECRET)}, given=[ANN], then=[(call("ListAccessKeys", UserName="Ann"), {"AccessKeyMetadata": [shown_key()], **WHOLE}), (call("GetCallerIdentity").signed_by("ann"), {"UserId": kind("AIDA"), "Account": "{account}", "Arn": "arn:aws:iam::{account}:user/Ann"})]),
    row("who asks without a name gets a key of his own", call("CreateAccessKey").keeping(key="AccessKey.AccessKeyId"), {"AccessKey": {**shown_key(SecretAccessKey=A_SECRET), "UserName": "boss"}}),
    row("nobody gets no key", call("CreateAccessKey", UserName="Ann"), NO_USER),
    row("a user has two keys at most", call("CreateAccessKey", UserName="Ann"), Fails("LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2"), given=[ANN, KEY, KEY]),
    row("nobody has no keys", call("ListAccessKeys", UserName="Ann"), NO_USER),
    row("a key is turned off at once", call("UpdateAccessKey", **HERS, Status="Inactive"), given=[ANN, KEY], then=[(call("ListAccessKeys", UserName="Ann"), {"AccessKeyMetadata": [shown_key("Inactive")], **WHOLE}), (call("GetCallerIdentity").signed_by("ann"), Fails("InvalidClientTokenId", "The security token included in the request is invalid."))]),
    row("a key is turned on again", call("UpdateAccessKey", **HERS, Status="Active"), given=[ANN, KEY, call("UpdateAccessKey", **HERS, Status="Inactive")], then=[(call("ListAccessKeys", UserName="Ann"), {"AccessKeyMetadata": [shown_key()], **WHOLE})]),
    row("a key has no other status", call("UpdateAccessKey", **HERS, Status="Expired"), Fails("InvalidInput"), given=[ANN, KEY]),
    row("a key that is not there is not turned", call("UpdateAccessKey", **NO_ONES, Status="Active"), NO_KEY, given=[ANN]),
    row("another's key is not turned", call("UpdateAccessKey", **{**HERS, "UserName": "Bob"}, Status="Active"), Fails("NoSuchEntity", "{key}"), given=[ANN, BOB, KEY]),
    row("a key is deleted and never comes back", call("DeleteAccessKey", **HERS), given=[ANN, KEY], then=[(call("ListAccessKeys", UserName="Ann"), {"AccessKeyMetadata": [], **WHOLE}), (call("GetCallerIdentity").signed_by("ann"), Fails("InvalidClientTokenId"))]),
    row("a key that is not there is not deleted", call("DeleteAccessKey", **NO_ONES), NO_KEY, given=[ANN]),
    row("a key shows when it was used", call("GetAccessKeyLastUsed", AccessKeyId="{key}"), {"UserName": "Ann", "AccessKeyLastUsed": {"LastUsedDate": A_DATE, "ServiceName": "sts", "Region": "us-east-1"}}, given=[ANN, KEY, call("GetCallerIdentity").signed_by("ann")]),
    row("a key that was never used has no date", call("GetAccessKeyLastUsed", AccessKeyId="{key}"), {"UserName": "Ann", "AccessKeyLastUsed": {"ServiceName": "N/A", "Region": "N/A"}}, given=[ANN, KEY]),
    row("a key of nobody is not spoken of", call("GetAccessKeyLastUsed", AccessKeyId="AKIAIOSFODNN7EXAMPLE"), Fails("AccessDenied")),
]  # fmt: skip

LOGIN = call("CreateLoginProfile", UserName="Ann", Password="Aa1!aaaa")
PROFILE = {"UserName": "Ann", "CreateDate": A_DATE, "PasswordResetRequired": False}
NO_LOGIN = Fails("NoSuchEntity", "Login Profile for User Ann cannot be found.")
WEAK = Fails("PasswordPolicyViolation", "Password should have")
RULES = call("UpdateAccountPasswordPolicy", AllowUsersToChangePassword=True, PasswordReusePrevention=2)
CHANGE = call("ChangePassword", OldPassword="Aa1!aaaa", NewPassword="Aa1!bbbb").signed_by("ann")

PASSWORDS = [
    row("a password is given and never shown", LOGIN, {"LoginProfile": PROFILE}, given=[ANN], then=[(call("GetLoginProfile", UserName="Ann"), {"LoginProfile": PROFILE})]),
    row("nobody gets no password", LOGIN, NO_USER),
    row("a user has one password", LOGIN, Fails("EntityAlreadyExists", "Login Profile for user Ann already exists."), given=[ANN, LOGIN]),
    row("a weak password is none", call("CreateLoginProfile", UserName="Ann", Password="aaaaaaaa"), WEAK, given=[ANN]),
    row("who has no password has none to show", call("GetLoginProfile", UserName="Ann"), NO_LOGIN, given=[ANN]),
    row("nobody has no password", call("GetLoginProfile", UserName="Ann"), NO_USER),
    row("a user is told to change his password", call("UpdateLoginProfile", UserName="Ann", PasswordResetRequired=True), given=[ANN, LOGIN], then=[(call("GetLoginProfile", UserName="Ann"), {"LoginProfile": {**PROFILE, "PasswordResetRequired": True}})]),
    row("a password is replaced", call("UpdateLoginProfile", UserName="Ann", Password="Aa1!bbbb"), given=[ANN, LOGIN], then=[(call("GetLoginProfile", UserName="Ann"), {"LoginProfile": PROFILE})]),
    row("a password is not replaced by a weak one", call("UpdateLoginProfile", UserName="Ann", Password="short"), WEAK, given=[ANN, LOGIN]),
    row("who has no password has none to replace", call("UpdateLoginProfile", UserName="Ann", Password="Aa1!bbbb"), NO_LOGIN, given=[ANN]),
    row("a password is taken away", call("DeleteLoginProfile", UserName="Ann"), given=[ANN, LOGIN], then=[(call("GetLoginProfile", UserName="Ann"), NO_LOGIN)]),
    row("who has no password has none to lose", call("DeleteLoginProfile", UserName="Ann"), NO_LOGIN, given=[ANN]),
    row("a user changes his own password where the account lets him", CHANGE, given=[ANN, KEY, LOGIN, RULES]),
    row("a user may not change his password where nothing lets him", CHANGE, Fails("AccessDenied", "iam:ChangePassword"), given=[ANN, KEY, LOGIN]),
    row("who has no password changes none", CHANGE, NO_LOGIN, given=[ANN, KEY, RULES]),
    row("the old password must be right", call("ChangePassword", OldPassword="wrong", NewPassword="Aa1!bbbb").signed_by("ann"), Fails("AccessDenied", "The old password was incorrect."), given=[ANN, KEY, LOGIN, RULES]),
    row("the new password must be strong", call("ChangePassword", OldPassword="Aa1!aaaa", NewPassword="b").signed_by("ann"), WEAK, given=[ANN, KEY, LOGIN, RULES]),
    row("a password does not come back", call("ChangePassword", OldPassword="Aa1!bbbb", NewPassword="Aa1!aaaa").signed_by("ann"), Fails("PasswordPolicyViolation", "last 2"), given=[ANN, KEY, LOGIN, RULES, CHANGE]),
    row("only users have passwords to change", call("ChangePassword", OldPassword="Aa1!aaaa", NewPassword="Aa1!bbbb").signed_by("session"), Fails("InvalidUserType", "Only IAM Users can change their own password"), given=[call("CreateRole", RoleName="App", AssumeRolePolicyDocument='{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"{account}"},"Action":"sts:AssumeRole"}}'), call("AssumeRole", RoleArn="arn:aws:iam::{account}:role/App", RoleSessionName="s1").keeping(sessionsecret="Credentials.SecretAccessKey")]),
]  # fmt: skip

PHONE = call("CreateVirtualMFADevice", VirtualMFADeviceName="phone").keeping(
    serial="VirtualMFADevice.SerialNumber", seed="VirtualMFADevice.Base32StringSeed"
)
SERIAL = "arn:aws:iam::{account}:mfa/phone"
CODES = {"AuthenticationCode1": code(-1), "AuthenticationCode2": code(0)}
ENABLE = call("EnableMFADevice", UserName="Ann", SerialNumber=SERIAL, **CODES)
NO_DEVICE = Fails("NoSuchEntity", f"MFA Device with serial number {SERIAL} does not exist.")
NOT_HERS = Fails("NoSuchEntity", "MFA Device invalid for user.")
SEED = Like("a seed of twenty bytes in base 32", lambda value: len(value) == 32)
PNG = Like("a picture", lambda value: value.startswith(b"\x89PNG"))

DEVICES = [
    row("a device is made with its seed and a picture of it", call("CreateVirtualMFADevice", VirtualMFADeviceName="phone", Path="/a/", Tags=TAGS), {"VirtualMFADevice": {"SerialNumber": "arn:aws:iam::{account}:mfa/a/phone", "Base32StringSeed": SEED, "QRCodePNG": PNG, "Tags": TAGS}}, then=[(call("ListMFADeviceTags", SerialNumber="arn:aws:iam::{account}:mfa/a/phone"), {"Tags": TAGS, **WHOLE}), (call("ListVirtualMFADevices"), {"VirtualMFADevices": [{"SerialNumber": "arn:aws:iam::{account}:mfa/a/phone"}], **WHOLE})]),
    row("no two devices have one name", call("CreateVirtualMFADevice", VirtualMFADeviceName="Phone"), Fails("EntityAlreadyExists", "MFA device already exists."), given=[PHONE]),
    row("a device's tags are counted", call("CreateVirtualMFADevice", VirtualMFADeviceName="phone", Tags=TAGS), Fails("LimitExceeded", "The number of tags has reached the maximum limit."), TagsPerEntityQuota=1),
    row("a device is not made with a tag of AWS's", call("CreateVirtualMFADevice", VirtualMFADeviceName="phone", Tags=[{"Key": "AWS:a", "Value": ""}]), Fails("InvalidInput", "reserved")),
    row("a device is enabled by two codes in a row", ENABLE, given=[ANN, PHONE], then=[(call("ListMFADevices", UserName="Ann"), {"MFADevices": [{"UserName": "Ann", "SerialNumber": SERIAL, "EnableDate": A_DATE}], **WHOLE}), (call("GetMFADevice", SerialNumber=SERIAL, UserName="Ann"), {"UserName": "Ann", "SerialNumber": SERIAL, "EnableDate": A_DATE}), (call("ListVirtualMFADevices", AssignmentStatus="Assigned"), {"VirtualMFADevices": [{"SerialNumber": SERIAL, "User": shown_user(), "EnableDate": A_DATE}], **WHOLE}), (call("ListVirtualMFADevices", AssignmentStatus="Unassigned"), {"VirtualMFADevices": [], **WHOLE})]),
    row("wrong codes enable nothing", call("EnableMFADevice", UserName="Ann", SerialNumber=SERIAL, AuthenticationCode1="000000", AuthenticationCode2="000000"), Fails("InvalidAuthenticationCode", "Authentication code for device is not valid."), given=[ANN, PHONE]),
    row("a device has one user", call("EnableMFADevice", UserName="Bob", SerialNumber=SERIAL, **CODES), Fails("EntityAlreadyExists", "already in use"), given=[ANN, BOB, PHONE, ENABLE]),
    row("a device that is not there is not enabled", ENABLE, NO_DEVICE, given=[ANN, call("CreateVirtualMFADevice", VirtualMFADeviceName="other").keeping(seed="VirtualMFADevice.Base32StringSeed")]),
    row("nobody has no device", ENABLE, NO_USER, given=[PHONE]),
    row("a user's devices are counted", call("EnableMFADevice", UserName="Ann", SerialNumber="arn:aws:iam::{account}:mfa/tablet", **CODES), Fails("LimitExceeded", "Cannot exceed quota for MfaDevicesPerUser: 1"), given=[ANN, PHONE, ENABLE, call("CreateVirtualMFADevice", VirtualMFADeviceName="tablet").keeping(seed="VirtualMFADevice.Base32StringSeed")], MFADevicesPerUserQuota=1),
    row("a device that goes wrong is set right by two codes", call("ResyncMFADevice", UserName="Ann", SerialNumber=SERIAL, AuthenticationCode1=code(4), AuthenticationCode2=code(5)), given=[ANN, PHONE, ENABLE]),
    row("used codes set nothing right", call("ResyncMFADevice", UserName="Ann", SerialNumber=SERIAL, **CODES), Fails("InvalidAuthenticationCode"), given=[ANN, PHONE, ENABLE]),
    row("a device that is nobody's is not set right", call("ResyncMFADevice", UserName="Ann", SerialNumber=SERIAL, **CODES), NOT_HERS, given=[ANN, PHONE]),
    row("a device is taken away from its user and stays", call("DeactivateMFADevice", UserName="Ann", SerialNumber=SERIAL), given=[ANN, PHONE, ENABLE], then=[(call("ListVirtualMFADevices"), {"VirtualMFADevices": [{"SerialNumber": SERIAL}], **WHOLE}), (call("DeleteUser", UserName="Ann"), NOTHING)]),
    row("what he has not is not taken away", call("DeactivateMFADevice", UserName="Ann", SerialNumber=SERIAL), NOT_HERS, given=[ANN, PHONE]),
    row("what he has not is not shown", call("GetMFADevice", UserName="Ann", SerialNumber=SERIAL), NOT_HERS, given=[ANN, PHONE]),
    row("nobody has no devices", call("ListMFADevices", UserName="Ann"), NO_USER),
    row("a user with a device stays", call("DeleteUser", UserName="Ann"), Fails("DeleteConflict", "Cannot delete entity, must delete MFA device first."), given=[ANN, PHONE, ENABLE]),
    row("a device that is nobody's is deleted", call("DeleteVirtualMFADevice", SerialNumber=SERIAL), given=[PHONE], then=[(call("ListVirtualMFADevices"), {"VirtualMFADevices": [], **WHOLE})]),
    row("a device that is somebody's stays", call("DeleteVirtualMFADevice", SerialNumber=SERIAL), Fails("DeleteConflict", "deactivate MFA device"), given=[ANN, PHONE, ENABLE]),
    row("a device that is not there is not deleted", call("DeleteVirtualMFADevice", SerialNumber=SERIAL), NO_DEVICE),
    row("case counts in the tags of a device", call("TagMFADevice", SerialNumber=SERIAL, Tags=[{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]), given=[PHONE], then=[(call("ListMFADeviceTags", SerialNumber=SERIAL), {"Tags": [{"Key": "A", "Value": "2"}, {"Key": "a", "Value": "1"}], **WHOLE})]),
    row("a device's tags are counted when more are laid on", call("TagMFADevice", SerialNumber=SERIAL, Tags=TAGS), Fails("LimitExceeded"), given=[PHONE], TagsPerEntityQuota=1),
    row("a device has no two tags of one key", call("TagMFADevice", SerialNumber=SERIAL, Tags=[TAGS[0], TAGS[0]]), Fails("InvalidInput", "Duplicate tag keys found."), given=[PHONE]),
    row("a device that is not there is not tagged", call("TagMFADevice", SerialNumber=SERIAL, Tags=TAGS), NO_DEVICE),
    row("tags are taken off a device", call("UntagMFADevice", SerialNumber=SERIAL, TagKeys=["Cost", "team"]), given=[PHONE, call("TagMFADevice", SerialNumber=SERIAL, Tags=TAGS)], then=[(call("ListMFADeviceTags", SerialNumber=SERIAL), {"Tags": TAGS[1:], **WHOLE})]),
    row("no tags are taken off a device that is not there", call("UntagMFADevice", SerialNumber=SERIAL, TagKeys=["a"]), NO_DEVICE),
    row("a device that is not there has no tags", call("ListMFADeviceTags", SerialNumber=SERIAL), NO_DEVICE),
]  # fmt: skip

ELSEWHERE = [
    row(f"{operation} answers an empty list", call(operation, **whose), {member: [], **WHOLE}, given=[ANN])
    for operation, member, whose in (
        ("ListSSHPublicKeys", "SSHPublicKeys", {"UserName": "Ann"}),
        ("ListSSHPublicKeys", "SSHPublicKeys", {}),
        ("ListSigningCertificates", "Certificates", {"UserName": "Ann"}),
        ("ListServiceSpecificCredentials", "ServiceSpecificCredentials", {"UserName": "Ann"}),
        ("ListServiceSpecificCredentials", "ServiceSpecificCredentials", {"AllUsers": True, "ServiceName": "bedrock.amazonaws.com"}),
        ("ListServerCertificates", "ServerCertificateMetadataList", {"PathPrefix": "/"}),
    )
] + [
    row(f"{operation} knows that nobody is nobody", call(operation, UserName="Ann"), NO_USER)
    for operation in ("ListSSHPublicKeys", "ListSigningCertificates", "ListServiceSpecificCredentials")
] + [
    row("there is no server certificate that has tags", call("ListServerCertificateTags", ServerCertificateName="web"), Fails("NoSuchEntity", "The Server Certificate with name web cannot be found.")),
]  # fmt: skip

ROWS = [*KEYS, *PASSWORDS, *DEVICES, *ELSEWHERE]
