"""Published weaknesses of others that concern sessions, tried here over the wire; each by its number."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.live import MANAGEMENT, Keys
from tests.sessions.test_live_sessions import ALL, AUDIT, ROLE, TRUST, Company, company, policy

__all__ = ["company"]

ONLY_S3 = policy({"Action": "s3:*", "Resource": "*"})


def refusal(call: Any, **given: Any) -> str:
    """The code that a call is refused with; empty where it succeeds."""
    try:
        call(**given)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


@pytest.mark.parametrize(
    ("service", "operation", "given"),
    [
        ("iam", "create_access_key", {"UserName": "dev"}),
        ("iam", "create_access_key", {}),
        ("iam", "list_access_keys", {"UserName": "dev"}),
        ("iam", "change_password", {"OldPassword": "Aa1!aaaa", "NewPassword": "Aa1!bbbb"}),
        ("iam", "create_virtual_mfa_device", {"VirtualMFADeviceName": "mine"}),
        ("iam", "put_role_policy", {"RoleName": "Deploy", "PolicyName": "more", "PolicyDocument": ALL}),
        ("iam", "update_assume_role_policy", {"RoleName": "Deploy", "PolicyDocument": ALL}),
        ("iam", "delete_role_permissions_boundary", {"RoleName": "Deploy"}),
        ("sts", "assume_role", {"RoleArn": AUDIT, "RoleSessionName": "more"}),
        ("sts", "get_session_token", {}),
        ("sts", "get_federation_token", {"Name": "more", "Policy": ALL}),
    ],
)  # fmt: skip
def test_s24_s07_a_session_for_one_service_manages_no_credentials_not_even_its_own(
    company: Company, service: str, operation: str, given: dict[str, str]
):
    company.live.client("iam").update_account_password_policy(AllowUsersToChangePassword=True)
    session = company.session(Policy=ONLY_S3)
    expected = {"AccessDenied", "ValidationError"} if not given else {"AccessDenied"}
    if operation == "change_password":
        expected.add("InvalidUserType")
    assert refusal(getattr(company.live.client(service, session), operation), **given) in expected
    assert company.says(session).endswith("assumed-role/Deploy/dev")


def test_s13_a_secret_is_shown_in_the_answer_that_made_it_and_never_again(company: Company):
    iam = company.live.client("iam")
    iam.create_user(UserName="keeper")
    key = iam.create_access_key(UserName="keeper")["AccessKey"]
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="keepers")["VirtualMFADevice"]
    session = company.assume()["Credentials"]
    secrets = [
        key["SecretAccessKey"],
        device["Base32StringSeed"].decode(),
        session["SecretAccessKey"],
        session["SessionToken"],
    ]
    shown = [
        iam.list_access_keys(UserName="keeper"),
        iam.list_virtual_mfa_devices(),
        iam.get_account_authorization_details(),
        company.live.ask("GET", "/v1/events", query="maxResults=1000"),
        company.live.ask("GET", f"/v1/sessions/{session['AccessKeyId']}"),
        company.live.ask("GET", "/v1/as-of/now"),
    ]
    for answer in shown:
        text = json.dumps(answer, default=str)
        assert not [secret for secret in secrets if secret in text]


def test_t08_a_chain_ends_after_an_hour_and_the_log_says_how_deep_it_is_and_who_began_it(company: Company):
    first = company.session()
    company.live.client("iam").update_role(RoleName="Audit", MaxSessionDuration=43_200)
    assert refusal(company.assume, role=AUDIT, keys=first, DurationSeconds=3_601) == "ValidationError"
    second = company.session(AUDIT, first, DurationSeconds=3_600)
    _, found = company.live.ask("GET", f"/v1/sessions/{second.access_key_id}")
    assert (found["session"]["depth"], found["session"]["ancestors"][0]) == (2, company.developer.access_key_id)
    assert found["lineage"]["root"]["arn"] == f"arn:aws:iam::{MANAGEMENT}:user/dev"


def test_t17_each_request_of_somebody_known_is_one_entry_whatever_comes_of_it(company: Company):
    iam = company.live.client("iam")
    iam.create_user(UserName="prober")
    prober = Keys.of(iam.create_access_key(UserName="prober")["AccessKey"])
    theirs, sts = company.live.client("iam", prober), company.sts(prober)
    ids: list[str] = []

    def asked(call: Any, **given: Any) -> None:
        try:
            answer = call(**given)
        except ClientError as error:
            answer = error.response
        ids.append(answer["ResponseMetadata"]["RequestId"])

    asked(sts.get_caller_identity)
    asked(sts.assume_role, RoleArn=ROLE, RoleSessionName="probe")
    asked(sts.assume_role, RoleArn=f"{ROLE}Nobody", RoleSessionName="probe")
    asked(sts.assume_role, RoleArn=ROLE, RoleSessionName="a:b")
    asked(sts.get_session_token)
    asked(sts.get_session_token, SerialNumber=f"arn:aws:iam::{MANAGEMENT}:mfa/x", TokenCode="123456")
    asked(sts.decode_authorization_message, EncodedMessage="nothing")
    asked(theirs.list_users)
    asked(theirs.get_user, UserName="nobody")
    asked(theirs.delete_role, RoleName="Deploy")
    asked(theirs.simulate_principal_policy, PolicySourceArn=ROLE, ActionNames=["s3:GetObject"])
    status, found = company.live.ask("GET", "/v1/events", query=f"accessKeyId={prober.access_key_id}&maxResults=1000")
    assert status == 200
    told = [
        one["id"] for one in found["events"] if (one.get("caller") or {}).get("accessKeyId") == prober.access_key_id
    ]
    assert sorted(told) == sorted(ids)


def test_t21_a_deny_of_one_thing_holds_against_a_permission_to_list_all(company: Company):
    iam = company.live.client("iam")
    iam.create_user(UserName="lister")
    both = policy(
        {"Action": "iam:List*", "Resource": "*"},
        {"Effect": "Deny", "Action": "iam:ListAccessKeys", "Resource": f"arn:aws:iam::{MANAGEMENT}:user/dev"},
    )
    iam.put_user_policy(UserName="lister", PolicyName="both", PolicyDocument=both)
    theirs = company.live.client("iam", Keys.of(iam.create_access_key(UserName="lister")["AccessKey"]))
    assert refusal(theirs.list_users) == ""
    assert refusal(theirs.list_access_keys, UserName="lister") == ""
    assert refusal(theirs.list_access_keys, UserName="dev") == "AccessDenied"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"UserName": "DEV"}, "EntityAlreadyExists"),
        ({"UserName": "dev "}, "ValidationError"),
        ({"UserName": "d\u0435v"}, "ValidationError"),
        ({"UserName": "de\u0301v"}, "ValidationError"),
        ({"UserName": "d\u00e9v"}, "ValidationError"),
        ({"UserName": "d\u200dev"}, "ValidationError"),
        ({"UserName": "\uff44ev"}, "ValidationError"),
        ({"UserName": "dev\n"}, "ValidationError"),
        ({"UserName": "dev", "Path": "/dev"}, "ValidationError"),
    ],
)
def test_t19_no_name_passes_for_another(company: Company, given: dict[str, str], code: str):
    iam = company.live.client("iam", parameter_validation=False)
    assert refusal(iam.create_user, **given) == code
    assert refusal(iam.create_role, RoleName="AWSServiceRoleX", Path="/aws-service-role/", AssumeRolePolicyDocument=ALL)


@pytest.mark.parametrize(
    "role",
    [
        "role/../Deploy",
        "role/x/../Deploy",
        "role//Deploy",
        "role/./Deploy",
        "role/%44eploy",
        "role%2fDeploy",
        "role/Deploy/",
        "role/Deploy%00",
        "role/Deploy?",
        "role/*",
    ],
)
def test_s34_no_other_spelling_leads_to_a_role(company: Company, role: str):
    """SeaweedFS CVE-2026-54917: what was authorised was not the path that was used."""
    arn = f"arn:aws:iam::{MANAGEMENT}:{role}"
    assert refusal(company.assume, role=arn) in ("AccessDenied", "ValidationError")


@pytest.mark.parametrize("name", ["a/../b", "../b", "a//b", "%2e%2e", "a%2fb", "a\\b", "a\x00b", "a\nb", "a:b", "a*"])
def test_s34_no_name_of_a_session_is_a_path(company: Company, name: str):
    sts = company.live.client("sts", company.developer, parameter_validation=False)
    assert refusal(sts.assume_role, RoleArn=ROLE, RoleSessionName=name) in ("ValidationError", "MalformedQueryString")


def test_s34_what_is_authorised_is_the_path_that_is_used(company: Company):
    iam = company.live.client("iam")
    iam.create_user(UserName="builder")
    may = policy({"Action": "iam:CreateRole", "Resource": f"arn:aws:iam::{MANAGEMENT}:role/ours/*"})
    iam.put_user_policy(UserName="builder", PolicyName="may", PolicyDocument=may)
    theirs = company.live.client("iam", Keys.of(iam.create_access_key(UserName="builder")["AccessKey"]))
    for path in ("/theirs/../ours/", "//ours/", "/./ours/", "/%6furs/", "/Ours/", "/theirs%2f..%2fours/"):
        assert refusal(theirs.create_role, RoleName="Odd", Path=path, AssumeRolePolicyDocument=TRUST) in (
            "AccessDenied",
            "ValidationError",
        ), path
    # What begins as it may stays where it says: nothing that compares or shows it shortens it.
    made = theirs.create_role(RoleName="Odd", Path="/ours/../theirs/", AssumeRolePolicyDocument=TRUST)["Role"]
    assert made["Arn"] == f"arn:aws:iam::{MANAGEMENT}:role/ours/../theirs/Odd"
    assert "Odd" not in [role["RoleName"] for role in iam.list_roles(PathPrefix="/theirs/")["Roles"]]
