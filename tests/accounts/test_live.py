"""Accounts by real clients: boto3 makes one, enters it, sets it up, reads it back, closes it and opens it again."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from tests.live import MANAGEMENT, Keys, Live, running


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with running(tmp_path_factory.mktemp("authority")) as live:
        yield live


def entered(live: Live, account: str) -> Keys:
    """The management account's administrator, in another account."""
    arn = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
    return Keys.of(live.client("sts").assume_role(RoleArn=arn, RoleSessionName="visit")["Credentials"])


def code_of(call, **wanted) -> str:
    with pytest.raises(ClientError) as refused:
        call(**wanted)
    return refused.value.response["Error"]["Code"]


def made(live: Live, name: str) -> str:
    organizations = live.client("organizations")
    asked = organizations.create_account(Email=f"{name}@example.com", AccountName=name)["CreateAccountStatus"]
    status = organizations.describe_create_account_status(CreateAccountRequestId=asked["Id"])["CreateAccountStatus"]
    assert status["State"] == "SUCCEEDED"
    return status["AccountId"]


def test_an_account_lives_through_all_that_can_happen_to_it(live):
    organizations, account = live.client("organizations"), made(live, "life")
    assert account in {one["Id"] for one in organizations.list_accounts()["Accounts"]}
    inside = entered(live, account)
    assert live.client("sts", inside).get_caller_identity()["Account"] == account
    organizations.close_account(AccountId=account)
    assert organizations.describe_account(AccountId=account)["Account"]["Status"] == "SUSPENDED"
    assert code_of(live.client("sts", inside).get_caller_identity) == "InvalidClientTokenId"
    assert code_of(organizations.close_account, AccountId=account) == "AccountAlreadyClosedException"
    with pytest.raises(ClientError, match="AccessDenied"):
        entered(live, account)
    status, answer = live.ask("POST", f"/v1/accounts/{account}/reopen")
    assert (status, answer["account"]["status"]) == (200, "ACTIVE")
    assert live.client("sts", inside).get_caller_identity()["Account"] == account
    assert code_of(organizations.close_account, AccountId=MANAGEMENT) == "ConstraintViolationException"


def test_what_is_set_comes_back(live):
    iam = live.client("iam", entered(live, made(live, "settings")))
    iam.create_account_alias(AccountAlias="settings-1")
    assert iam.list_account_aliases()["AccountAliases"] == ["settings-1"]
    assert code_of(live.client("iam").create_account_alias, AccountAlias="settings-1") == "EntityAlreadyExists"
    assert code_of(iam.get_account_password_policy) == "NoSuchEntity"
    iam.update_account_password_policy(MinimumPasswordLength=14, MaxPasswordAge=30)
    assert iam.get_account_password_policy()["PasswordPolicy"]["ExpirePasswords"] is True
    iam.delete_account_password_policy()
    iam.set_security_token_service_preferences(GlobalEndpointTokenVersion="v2Token")
    summary = iam.get_account_summary()["SummaryMap"]
    assert (summary["GlobalEndpointTokenVersion"], summary["Roles"], summary["Users"]) == (2, 1, 0)


def test_the_report_shows_when_a_key_was_used(live):
    iam = live.client("iam")
    assert code_of(iam.get_credential_report) == "ReportNotPresent"
    assert iam.generate_credential_report()["State"] == "STARTED"
    report = iam.get_credential_report()
    (row,) = (one for one in csv.DictReader(io.StringIO(report["Content"].decode())) if one["user"] == "Administrator")
    assert (row["access_key_1_active"], row["access_key_1_last_used_service"]) == ("true", "iam")
    assert row["access_key_1_last_used_region"] == "us-east-1"


def test_details_are_read_page_by_page(live):
    iam = live.client("iam", entered(live, made(live, "details")))
    iam.create_user(UserName="u")
    pages = iam.get_paginator("get_account_authorization_details").paginate(PaginationConfig={"PageSize": 1})
    whole = pages.build_full_result()
    assert [user["UserName"] for user in whole["UserDetailList"]] == ["u"]
    (role,) = whole["RoleDetailList"]
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Action"] == "sts:AssumeRole"
    assert role["RoleLastUsed"]["Region"] == "us-east-1"
    assert role["RolePolicyList"][0]["PolicyDocument"]["Statement"][0]["Action"] == "*"


def test_a_key_leads_to_its_account(live):
    account = made(live, "keys")
    sts, inside = live.client("sts"), entered(live, account)
    assert sts.get_access_key_info(AccessKeyId=inside.access_key_id)["Account"] == account
    assert sts.get_access_key_info(AccessKeyId=live.administrator.access_key_id)["Account"] == MANAGEMENT
    assert code_of(sts.get_access_key_info, AccessKeyId="ASIANOBODYATALL0") == "ValidationError"


def test_our_own_api_makes_accounts_and_sets_their_quotas(live):
    status, answer = live.ask("POST", "/v1/accounts", body={"name": "Own", "administrator": "boss"})
    assert status == 200, answer
    given, account = answer["administrator"], answer["account"]["id"]
    boss = Keys(given["accessKeyId"], given["secretAccessKey"])
    assert live.client("sts", boss).get_caller_identity()["Arn"] == f"arn:aws:iam::{account}:user/boss"
    status, answer = live.ask("PUT", f"/v1/accounts/{account}/quotas/UsersQuota", body={"value": 1})
    assert (status, answer["value"]) == (200, 1)
    assert code_of(live.client("iam", boss).create_user, UserName="second") == "LimitExceeded"
    status, answer = live.ask("GET", f"/v1/accounts/{account}", boss)
    assert (status, answer["code"]) == (403, "AccessDenied")
    for wrong in ({"name": ""}, {"name": "x", "colour": "red"}, {"name": "x", "accountId": "1"}):
        assert live.ask("POST", "/v1/accounts", body=wrong)[0] == 400
    assert live.ask("GET", "/v1/accounts", query="maxResults=1")[0] == 200
    assert live.ask("GET", "/v1/accounts", query="maxResults=x")[0] == 400
