"""Trust in everybody, or in an issuer that everybody can have an account with, is remarked on in the log, or refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.live import MANAGEMENT, running

GITHUB = f"arn:aws:iam::{MANAGEMENT}:oidc-provider/token.actions.githubusercontent.com"


def trust(**conditions: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": GITHUB},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringLike": {f"token.actions.githubusercontent.com:{key}": one for key, one in conditions.items()}
        },
    }
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


def test_j11_trust_in_every_customer_of_an_issuer_is_remarked_on_in_the_log(tmp_path: Path):
    with running(tmp_path) as live:
        iam = live.client("iam")
        iam.create_role(RoleName="Open", AssumeRolePolicyDocument=trust(aud="sts.amazonaws.com"))
        iam.create_role(RoleName="Closed", AssumeRolePolicyDocument=trust(sub="repo:org/app:*"))
        iam.update_assume_role_policy(RoleName="Closed", PolicyDocument=trust(sub="repo:*"))
        _, answer = live.ask("GET", "/v1/events", query="action=iam:*&order=oldest")
        warned = [event["outcome"].get("warnings", []) for event in answer["events"]]
        assert [len(one) for one in warned] == [1, 0, 1]
        assert "token.actions.githubusercontent.com" in warned[0][0]


def test_j11_or_refused_where_the_operator_says_so(tmp_path: Path):
    with running(tmp_path, shared_issuers_need_subject=True) as live:
        iam = live.client("iam")
        with pytest.raises(ClientError) as refused:
            iam.create_role(RoleName="Open", AssumeRolePolicyDocument=trust(aud="sts.amazonaws.com"))
        assert refused.value.response["Error"]["Code"] == "MalformedPolicyDocument"
        assert iam.create_role(RoleName="Closed", AssumeRolePolicyDocument=trust(sub="repo:org/app:*"))


def everybody(*principals: object) -> list[str]:
    """Trust policies for these principals, without a condition."""
    statement = {"Effect": "Allow", "Action": "sts:*"}
    return [json.dumps({"Version": "2012-10-17", "Statement": {**statement, "Principal": one}}) for one in principals]


OPEN = everybody("*", {"AWS": "*"}, {"Federated": f"arn:aws:iam::{MANAGEMENT}:saml-provider/corp"})


def test_t03_trust_in_everybody_is_remarked_on_in_the_log(tmp_path: Path):
    with running(tmp_path) as live:
        iam = live.client("iam")
        for number, document in enumerate([*OPEN, *everybody({"AWS": MANAGEMENT})]):
            iam.create_role(RoleName=f"Role{number}", AssumeRolePolicyDocument=document)
        _, answer = live.ask("GET", "/v1/events", query="action=iam:CreateRole&order=oldest")
        warned = [event["outcome"].get("warnings", []) for event in answer["events"]]
        assert [len(one) for one in warned] == [1, 1, 1, 0]
        assert "everybody, in every account" in warned[0][0]
        assert "saml-provider/corp" in warned[2][0]


def test_t03_or_refused_where_the_operator_says_so(tmp_path: Path):
    with running(tmp_path, open_trust_refused=True) as live:
        iam = live.client("iam")
        for document in OPEN:
            with pytest.raises(ClientError) as refused:
                iam.create_role(RoleName="Open", AssumeRolePolicyDocument=document)
            assert refused.value.response["Error"]["Code"] == "MalformedPolicyDocument"
        assert iam.create_role(RoleName="Own", AssumeRolePolicyDocument=everybody({"AWS": MANAGEMENT})[0])
        assert iam.create_role(RoleName="Github", AssumeRolePolicyDocument=trust(aud="sts.amazonaws.com"))
        with pytest.raises(ClientError):
            iam.update_assume_role_policy(RoleName="Own", PolicyDocument=OPEN[0])
