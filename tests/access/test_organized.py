"""The organisation in policies: who belongs to it, whose resource it is, and that nobody can say so of himself."""

from __future__ import annotations

import json

import pytest

from authority.access.call import Call
from authority.access.caller import Caller
from authority.access.organized import organization_id, root_id
from authority.access.vouched import STRANGER
from authority.access.weighing import weigh
from authority.kernel.ids import AccessKeyId, AccountId
from authority.model import authority
from authority.model.state import EMPTY, evolve
from authority.policy.compiled import Source, compile_policy
from authority.policy.document import Kind, parse
from authority.policy.principal import Principal, PrincipalKind
from tests.access.test_action import OFFICE
from tests.model.test_state import AT

HOME, AWAY, ELSEWHERE = AccountId("111122223333"), AccountId("444455556666"), AccountId("777788889999")
FACTS = [
    authority.AuthorityInitialised(ledger_id="l1", management_account=HOME),
    authority.AccountCreated(account=HOME, name="home"),
    authority.AccountCreated(account=AWAY, name="away"),
]
STATE = evolve(EMPTY, FACTS, AT)
OURS, PATH = organization_id(STATE), f"{organization_id(STATE)}/{root_id(STATE)}/"


def root_of(account: AccountId) -> Caller:
    principal = Principal(PrincipalKind.ROOT, f"arn:aws:iam::{account}:root", account, account)
    return Caller(principal=principal, access_key_id=AccessKeyId("AKIA"), account=account)


def asked(caller: Caller, *, owner: str, asserted=None, **condition):
    statement = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", "Condition": condition}
    document = parse(json.dumps({"Version": "2012-10-17", "Statement": statement}), Kind.RESOURCE)
    policy = compile_policy(document, Source("resource", "bucket"))
    call = Call(caller, None, OFFICE)
    return weigh(
        STATE, call, AT, "s3:GetObject", "arn:aws:s3:::b", owner=owner, resource_policies=(policy,), asserted=asserted
    )


BY_ID = {"StringEquals": {"aws:PrincipalOrgID": OURS}}
BY_PATH = {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": [f"{PATH}*"]}}
THE_RESOURCES = {"StringEquals": {"aws:ResourceOrgID": "${aws:PrincipalOrgID}"}}
ITS_PATH = {"ForAllValues:StringEquals": {"aws:ResourceOrgPaths": PATH}, "Null": {"aws:ResourceOrgPaths": "false"}}


@pytest.mark.parametrize("condition", [BY_ID, BY_PATH, THE_RESOURCES, ITS_PATH])
def test_every_account_belongs_to_the_organisation(condition):
    assert asked(root_of(AWAY), owner=HOME, **condition).verdict.allowed


@pytest.mark.parametrize("condition", [BY_ID, BY_PATH, THE_RESOURCES])
def test_who_did_not_sign_belongs_to_none(condition):
    assert not asked(STRANGER, owner=HOME, **condition).verdict.allowed
    assert asked(STRANGER, owner=HOME, Null={"aws:PrincipalOrgID": "true"}).verdict.allowed


@pytest.mark.parametrize("condition", [THE_RESOURCES, ITS_PATH])
def test_the_resource_of_an_account_that_is_not_here_belongs_to_none(condition):
    assert not asked(root_of(HOME), owner=ELSEWHERE, **condition).verdict.allowed


def test_another_organisation_is_not_ours():
    assert not asked(root_of(AWAY), owner=HOME, StringEquals={"aws:PrincipalOrgID": "o-another123"}).verdict.allowed


def test_a_resource_server_cannot_say_who_belongs_to_it():
    claimed = {"aws:principalorgid": "o-another123", "aws:sourceip": "192.0.2.7"}
    weighed = asked(root_of(AWAY), owner=HOME, asserted=claimed, **BY_ID)
    assert weighed.verdict.allowed
    assert weighed.question.context["aws:principalorgid"] == OURS
