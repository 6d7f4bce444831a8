"""When an access key was last used is asked of the log, by who may see the user that it belongs to."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from authority.audit.answers import LastUse
from authority.audit.queries import AccessKeyLastUsed
from authority.kernel.refusal import Reason
from authority.model import authority, principals
from authority.principals.key_use import get_access_key_last_used
from tests.principals.world import ACCOUNT, ANNS, DANS, IAM, ROOTS, World, dan_may, refused

USED = LastUse(datetime(2026, 5, 6, tzinfo=UTC), "sts", "us-east-1", 7)


@pytest.mark.parametrize(("key", "name"), [(DANS, "Dan"), (ROOTS, None)])
def test_the_last_use_comes_from_the_log(key, name):
    query = World().decide(get_access_key_last_used, {"AccessKeyId": key.access_key_id}).query
    assert isinstance(query, AccessKeyLastUsed)
    assert query.access_key_id == key.access_key_id
    assert query.shape is not None
    answer = query.shape(USED)
    shown = answer.access_key_last_used
    assert answer.user_name == name
    assert (shown.last_used_date, shown.service_name, shown.region) == (USED.at, "sts", "us-east-1")


def test_a_key_that_was_never_used_has_no_date():
    query = World().decide(get_access_key_last_used, {"AccessKeyId": DANS.access_key_id}).query
    shown = query.shape(None).access_key_last_used
    assert (shown.last_used_date, shown.service_name, shown.region) == (None, "N/A", "N/A")


THEIRS = (
    authority.AccountCreated(account="444455556666", name="Other"),
    principals.UserCreated(account="444455556666", user_id="AIDAEVE", name="Dan", path="/"),
    principals.AccessKeyCreated(account="444455556666", access_key_id="AKIAEVE", owner="AIDAEVE"),
)
GONE = principals.AccessKeyDeleted(account=ACCOUNT, access_key_id=DANS.access_key_id)


@pytest.mark.parametrize("key", ["AKIAEVE", "AKIANOBODY", DANS.access_key_id])
def test_a_key_of_another_account_and_no_key_at_all_answer_alike(key):
    decision = World(*THEIRS, GONE).decide(get_access_key_last_used, {"AccessKeyId": key})
    text = f"User: {IAM}:user/Ann is not authorized to perform iam:GetAccessKeyLastUsed on resource: access key {key}"
    assert refused(decision.answer, Reason.ACCESS_DENIED, text)
    assert decision.query is None


@pytest.mark.parametrize(("key", "allowed"), [(DANS, True), (ANNS, False), (ROOTS, False)])
def test_a_user_may_ask_about_his_own_keys(key, allowed):
    may = dan_may({"Action": "iam:GetAccessKeyLastUsed", "Resource": f"{IAM}:user/${{aws:username}}"})
    decision = World(may).decide(get_access_key_last_used, {"AccessKeyId": key.access_key_id}, who=DANS)
    assert (decision.query is not None) is allowed
    assert allowed or refused(decision.answer, Reason.ACCESS_DENIED)
