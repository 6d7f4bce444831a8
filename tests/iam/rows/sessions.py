"""STS, whose ways with trust policies and tags are judged in tests/sessions."""

from __future__ import annotations

from tests.iam.rows.roles import APP, ARN, USE
from tests.iam.table import A_COUNT, A_DATE, A_TEXT, READ, TRUST, Fails, call, kind, row

CREDENTIALS = {"AccessKeyId": kind("ASIA"), "SecretAccessKey": A_TEXT, "SessionToken": A_TEXT, "Expiration": A_DATE}
TAGGABLE = call("CreateRole", RoleName="App", AssumeRolePolicyDocument=TRUST.replace("sts:AssumeRole", "sts:*"))
SIZES = {"SessionTokenSize": A_COUNT, "SessionTokenUtilization": A_COUNT}
ANN = call("CreateUser", UserName="Ann")
KEY = call("CreateAccessKey", UserName="Ann").keeping(
    key="AccessKey.AccessKeyId", annsecret="AccessKey.SecretAccessKey"
)

ROWS = [
    row("a role is taken on", call("AssumeRole", RoleArn=ARN, RoleSessionName="s1"), {"Credentials": CREDENTIALS, "AssumedRoleUser": {"AssumedRoleId": "{role}:s1", "Arn": "arn:aws:sts::{account}:assumed-role/App/s1"}, **SIZES}, given=[APP.keeping(role="Role.RoleId")]),
    row("a source identity needs a permission of its own", call("AssumeRole", RoleArn=ARN, RoleSessionName="s1", SourceIdentity="ann"), Fails("AccessDenied", "sts:SetSourceIdentity"), given=[APP]),
    row("a role that is not there is not taken on", USE, Fails("AccessDenied", "is not authorized to perform: sts:AssumeRole on resource: " + ARN)),
    row("what is no ARN is told so", call("AssumeRole", RoleArn="nothing-that-is-an-arn", RoleSessionName="s1"), Fails("ValidationError", "is invalid")),
    row("a session policy keeps to the grammar", call("AssumeRole", RoleArn=ARN, RoleSessionName="s1", Policy="{}"), Fails("MalformedPolicyDocument"), given=[APP]),
    row("a session lasts no longer than its role's", call("AssumeRole", RoleArn=ARN, RoleSessionName="s1", DurationSeconds=7200), Fails("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."), given=[APP]),
    row("policies and tags beyond all measure do not fit", call("AssumeRole", RoleArn=ARN, RoleSessionName="s1", Tags=[{"Key": f"{number:0128d}", "Value": "v" * 256} for number in range(24)]), Fails("PackedPolicyTooLarge", "Packed size of session tags consumes"), given=[TAGGABLE]),
    row("who asks is told who he is", call("GetCallerIdentity"), {"UserId": kind("AIDA"), "Account": "{account}", "Arn": "arn:aws:iam::{account}:user/boss"}),
    row("a session is told what it is", call("GetCallerIdentity").signed_by("session"), {"UserId": "{role}:s1", "Account": "{account}", "Arn": "arn:aws:sts::{account}:assumed-role/App/s1"}, given=[APP.keeping(role="Role.RoleId"), USE]),
    row("a key leads to its account", call("GetAccessKeyInfo", AccessKeyId="{boss}"), {"Account": "{account}"}),
    row("a key that nobody has leads nowhere", call("GetAccessKeyInfo", AccessKeyId="AKIAIOSFODNN7EXAMPLE"), Fails("ValidationError")),
    row("a user gets a session", call("GetSessionToken"), {"Credentials": CREDENTIALS, **SIZES}),
    row("a session gets none", call("GetSessionToken").signed_by("session"), Fails("AccessDenied", "Cannot call GetSessionToken with session credentials"), given=[APP, USE]),
    row("a wrong code brings no session", call("GetSessionToken", SerialNumber="arn:aws:iam::{account}:mfa/none", TokenCode="123456"), Fails("AccessDenied", "MultiFactorAuthentication failed")),
    row("a broker's user gets a part of its permissions", call("GetFederationToken", Name="eve", Policy=READ), {"Credentials": CREDENTIALS, "FederatedUser": {"FederatedUserId": "{account}:eve", "Arn": "arn:aws:sts::{account}:federated-user/eve"}, "PackedPolicySize": A_COUNT, **SIZES}),
    row("what is no policy gives no part", call("GetFederationToken", Name="eve", Policy="{}"), Fails("MalformedPolicyDocument")),
    row("a part that says too much does not fit", call("GetFederationToken", Name="eve", Tags=[{"Key": f"{number:0128d}", "Value": "v" * 256} for number in range(24)]), Fails("PackedPolicyTooLarge")),
    row("a session gives no part of its permissions", call("GetFederationToken", Name="eve").signed_by("session"), Fails("AccessDenied", "Cannot call GetFederationToken with session credentials"), given=[APP, USE]),
    row("what is no message is not decoded", call("DecodeAuthorizationMessage", EncodedMessage="nothing"), Fails("InvalidAuthorizationMessageException")),
    row("what policies say no to is told", call("AssumeRole", RoleArn=ARN, RoleSessionName="s1").signed_by("ann"), Fails("AccessDenied"), given=[APP, ANN, KEY]),
    row("a session of a user without MFA does not call IAM", call("ListUsers").signed_by("session"), Fails("InvalidClientTokenId"), given=[call("GetSessionToken").keeping(sessionsecret="Credentials.SecretAccessKey")]),
    row("no token of a provider that is not there brings a role", call("AssumeRoleWithWebIdentity", RoleArn=ARN, RoleSessionName="s1", WebIdentityToken="a.b.c" * 4), Fails("InvalidIdentityToken"), given=[APP]),
]  # fmt: skip
