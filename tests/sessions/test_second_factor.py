"""A second factor at AssumeRole and GetSessionToken: known where it was shown, for as long as AWS says, each code once."""

from __future__ import annotations

import pytest

from authority.access.mfa import BOTH_NEEDED, NOT_HIS, WRONG_CODE, Compared
from authority.kernel.refusal import Reason
from authority.model.mfa import MfaAttemptFailed, MfaCodeAccepted, MfaDeviceCreated, MfaDeviceEnabled
from tests.sessions.world import (
    ANN,
    ANNS,
    AUDIT_ARN,
    BOBS,
    COMPANY,
    DEPLOY,
    PRODUCTION,
    World,
    held,
    issued,
    may,
    policy,
    refused,
    retrust,
    trusting,
)

SERIAL = f"arn:aws:iam::{COMPANY}:mfa/anns"
CODE = {"SerialNumber": SERIAL, "TokenCode": "123456"}
DEVICE = (
    MfaDeviceCreated(account=COMPANY, device_id="AMFAANNS", name="anns", path="/"),
    MfaDeviceEnabled(account=COMPANY, device_id="AMFAANNS", owner=ANN, counter=10),
)
WITH_MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
RIGHT, WRONG = Compared("AMFAANNS", 11), Compared("AMFAANNS", None)


def guarded(**more) -> World:
    return World(*DEVICE, retrust(DEPLOY, trusting(COMPANY, PRODUCTION, Condition=more or WITH_MFA)))


def test_a_role_that_asks_for_a_second_factor_is_given_for_one():
    world = guarded()
    assert refused(world.assume(), Reason.ACCESS_DENIED)
    decision = world.assume(**CODE, gathered=RIGHT)
    assert issued(decision).role_id == DEPLOY
    assert decision.once == ("totp:AMFAANNS:11",)
    assert MfaCodeAccepted(account=COMPANY, device_id="AMFAANNS", counter=11) in decision.facts


def test_the_callers_own_policy_may_ask_for_it_too():
    world = World(*DEVICE, may(ANN, policy({"Action": "sts:*", "Resource": "*", "Condition": WITH_MFA})))
    assert refused(world.assume(), Reason.ACCESS_DENIED)
    assert issued(world.assume(**CODE, gathered=RIGHT))


def test_it_is_as_old_as_the_call():
    assert issued(guarded(NumericLessThan={"aws:MultiFactorAuthAge": "1"}).assume(**CODE, gathered=RIGHT))


def test_the_session_that_comes_of_it_does_not_say_so():
    world = World(*DEVICE)
    session = issued(world.assume(**CODE, gathered=RIGHT))
    assert session.mfa_at is None


@pytest.mark.parametrize(
    ("passed", "gathered", "refusal"),
    [
        pytest.param({"SerialNumber": SERIAL}, None, BOTH_NEEDED, id="a device without a code"),
        pytest.param({"TokenCode": "123456"}, None, BOTH_NEEDED, id="a code without a device"),
        pytest.param({**CODE, "SerialNumber": SERIAL + "2"}, None, NOT_HIS, id="a device that is not there"),
        pytest.param(CODE, WRONG, WRONG_CODE, id="a wrong code"),
        pytest.param(CODE, None, WRONG_CODE, id="a device whose seed is gone"),
        pytest.param(CODE, Compared("AMFAOTHER", 11), WRONG_CODE, id="a code of the device that was there before"),
        pytest.param(CODE, Compared("AMFAANNS", 10), WRONG_CODE, id="f07 a code that is older than the last one"),
    ],
)
@pytest.mark.parametrize("ask", ["assume", "get_session_token"])
def test_what_a_code_is_refused_for(ask, passed, gathered, refusal):
    decision = getattr(World(*DEVICE), ask)(**passed, gathered=gathered)
    assert refused(decision, refusal.reason, refusal.message)


def test_nobody_shows_a_device_that_is_anothers():
    world = World(*DEVICE, retrust(DEPLOY, trusting(COMPANY)))
    assert refused(world.assume(who=BOBS, **CODE, gathered=RIGHT), Reason.ACCESS_DENIED, NOT_HIS.message)


def test_a_session_cannot_show_the_device_of_whoever_took_it():
    world = World(*DEVICE)
    session = held(world.assume())
    assert refused(world.assume(AUDIT_ARN, who=session, **CODE, gathered=RIGHT), Reason.ACCESS_DENIED, NOT_HIS.message)


def test_f01_a_code_that_somebody_else_claimed_meanwhile_is_refused():
    decision = World(*DEVICE).assume(**CODE, gathered=RIGHT, claimed=frozenset({"totp:AMFAANNS:11"}))
    assert refused(decision, Reason.ACCESS_DENIED, WRONG_CODE.message)


def test_f01_a_code_is_used_up_even_when_the_role_is_refused():
    world = World(*DEVICE, may(ANN, policy({"Effect": "Deny", "Action": "*", "Resource": "*"})))
    decision = world.assume(**CODE, gathered=RIGHT)
    assert refused(decision, Reason.ACCESS_DENIED)
    assert decision.once == ("totp:AMFAANNS:11",)
    world.take(may(ANN, policy({"Action": "*", "Resource": "*"})))
    assert refused(world.assume(**CODE, gathered=RIGHT), Reason.ACCESS_DENIED, WRONG_CODE.message)


def test_f04_a_wrong_code_is_counted_though_the_call_is_refused():
    world = World(*DEVICE)
    decision = world.assume(**CODE, gathered=WRONG)
    assert decision.facts == (MfaAttemptFailed(account=COMPANY, device_id="AMFAANNS"),)


def test_f06_a_right_signature_does_not_take_back_a_wrong_code():
    world = World(*DEVICE)
    for _ in range(5):
        world.get_session_token(**CODE, gathered=WRONG)
        assert issued(world.get_session_token())
        assert issued(world.assume())
    assert refused(world.assume(**CODE, gathered=RIGHT), Reason.ACCESS_DENIED, WRONG_CODE.message)


def test_f03_after_five_wrong_codes_a_right_one_is_no_better():
    world = World(*DEVICE)
    for _ in range(5):
        world.get_session_token(**CODE, gathered=WRONG)
    assert refused(world.assume(**CODE, gathered=RIGHT), Reason.ACCESS_DENIED, WRONG_CODE.message)
    world.wait(minutes=1)
    assert issued(world.assume(**CODE, gathered=RIGHT))


def test_a_session_of_ones_own_keeps_the_second_factor_and_so_does_a_role_that_it_takes():
    world = guarded()
    own = held(world.get_session_token(**CODE, gathered=RIGHT))
    role = world.assume(who=own)
    assert issued(role).mfa_at == issued_at(own)
    assert world.allows(held(role), "s3:GetObject", "arn:aws:s3:::a/b", owner=PRODUCTION)
    further = world.assume(AUDIT_ARN, who=held(role))
    assert issued(further).mfa_at is None


def issued_at(credential):
    assert credential.session is not None
    return credential.session.issued_at


def test_it_grows_older():
    world = World(*DEVICE, may(ANN, policy({"Action": "s3:*", "Resource": "*", "Condition": YOUNG})))
    own = held(world.get_session_token(**CODE, gathered=RIGHT))
    world.wait(minutes=59)
    assert world.allows(own, "s3:GetObject", "*")
    world.wait(minutes=2)
    assert not world.allows(own, "s3:GetObject", "*")


YOUNG = {"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}}


@pytest.mark.parametrize(
    ("operator", "key", "with_key", "with_session", "with_mfa"),
    [
        pytest.param("Bool", "true", False, False, True, id="Allow for those who showed one"),
        pytest.param("Bool", "false", False, True, False, id="a session without says false, a key says nothing"),
        pytest.param("BoolIfExists", "false", True, True, False, id="whoever says nothing counts as without"),
    ],
)
def test_a_long_term_key_says_nothing_and_a_session_says_yes_or_no(operator, key, with_key, with_session, with_mfa):
    condition = {operator: {"aws:MultiFactorAuthPresent": key}}
    world = World(*DEVICE, may(ANN, policy({"Action": "s3:*", "Resource": "*", "Condition": condition})))
    own, proven = held(world.get_session_token()), held(world.get_session_token(**CODE, gathered=RIGHT))
    answers = [world.allows(who, "s3:ListAllMyBuckets", "*") for who in (ANNS, own, proven)]
    assert answers == [with_key, with_session, with_mfa]
