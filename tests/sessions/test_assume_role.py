"""The guide's story, decided: a Developer takes UpdateAPP on, a Tester may not, and nobody learns which roles exist."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from authority.access.action import Facts, Minted
from authority.access.call import Call
from authority.access.caller import Caller, Credential, SessionClaims, caller_of
from authority.kernel.ids import AccessKeyId, AccountId, RoleId, SealingKeyId, UserId
from authority.kernel.refusal import Reason, Refusal
from authority.model import authority, holders, principals, roles
from authority.model.sessions import SessionIssued
from authority.model.state import EMPTY, evolve
from authority.sessions.assume_role import AssumeRole, assume_role
from authority.sessions.caller_identity import GetCallerIdentity, get_caller_identity
from tests.access.test_action import OFFICE
from tests.model.test_state import AT

PRODUCTION, DEVELOPMENT = AccountId("111122223333"), AccountId("444455556666")
DEVELOPER, TESTER = UserId("AIDADEVELOPER"), UserId("AIDATESTER")
UPDATE_APP = RoleId("AROAUPDATEAPP")
ARN = f"arn:aws:iam::{PRODUCTION}:role/UpdateAPP"
ABSENT = f"arn:aws:iam::{PRODUCTION}:role/Absent"


def policy(**statement) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", **statement}})


def key_of(user: str) -> AccessKeyId:
    return AccessKeyId(f"AKIA{user[4:]}")


def user(name: str, user_id: UserId):
    yield principals.UserCreated(account=DEVELOPMENT, user_id=user_id, name=name, path="/")
    yield principals.AccessKeyCreated(account=DEVELOPMENT, access_key_id=key_of(user_id), owner=user_id)


def trusting(account: str, **more) -> str:
    return policy(Principal={"AWS": f"arn:aws:iam::{account}:root"}, Action="sts:AssumeRole", **more)


STORY = (
    authority.SettingsChanged(settings=authority.Settings("1", ("us-east-1",), 3)),
    authority.SealingKeyCreated(key_id=SealingKeyId("k1")),
    authority.AccountCreated(account=PRODUCTION, name="Production"),
    authority.AccountCreated(account=DEVELOPMENT, name="Development"),
    *user("Developer", DEVELOPER),
    *user("Tester", TESTER),
    holders.InlinePolicyPut(
        account=DEVELOPMENT,
        holder=DEVELOPER,
        name="may",
        document=policy(Action="sts:AssumeRole", Resource=[ARN, ABSENT]),
    ),
    roles.RoleCreated(
        account=PRODUCTION, role_id=UPDATE_APP, name="UpdateAPP", path="/", trust=roles.Trust(trusting(DEVELOPMENT))
    ),
)


def asked(credential: Credential, wanted: AssumeRole, *facts, given=STORY):
    state = evolve(evolve(EMPTY, given, AT), facts, AT)
    caller = caller_of(state, credential, now=AT, partition="aws")
    assert isinstance(caller, Caller)
    return assume_role.decide(state, Call(caller, wanted, OFFICE), Facts(AT, b"seed", decided_from=8))


def claims(**changes) -> SessionClaims:
    return SessionClaims(
        **{
            "access_key_id": AccessKeyId("ASIAUPDATEAPP"),
            "account": PRODUCTION,
            "role_id": UPDATE_APP,
            "session_name": "dev",
            "issued_at": AT,
            "expires_at": AT + timedelta(hours=1),
            "ancestors": (key_of(DEVELOPER),),
            "root_principal": DEVELOPER,
            **changes,
        }
    )


DEVELOPERS, TESTERS = Credential(key_of(DEVELOPER)), Credential(key_of(TESTER))
PLEASE = AssumeRole(ARN, "dev")


def test_a_developer_whom_both_accounts_admit_receives_a_session():
    decision = asked(DEVELOPERS, PLEASE)
    (session,) = decision.facts
    assert isinstance(session, SessionIssued)
    assert (session.account, session.role_id, session.session_name) == (PRODUCTION, UPDATE_APP, "dev")
    assert session.expires_at - session.issued_at == timedelta(hours=1)
    assert (session.ancestors, session.root_principal) == ((key_of(DEVELOPER),), DEVELOPER)
    assert session.decided_from == 8
    assert isinstance(decision.answer, Minted)
    assert decision.answer.shape({}).assumed_role_user.arn == f"arn:aws:sts::{PRODUCTION}:assumed-role/UpdateAPP/dev"


def retrust(document: str) -> roles.RoleTrustUpdated:
    return roles.RoleTrustUpdated(account=PRODUCTION, role_id=UPDATE_APP, trust=roles.Trust(document))


IF_EXTERNAL = trusting(DEVELOPMENT, Condition={"StringEquals": {"sts:ExternalId": "s3cret"}})
ANYWHERE = holders.InlinePolicyPut(
    account=DEVELOPMENT, holder=DEVELOPER, name="all", document=policy(Action="*", Resource="*")
)


@pytest.mark.parametrize(
    ("credential", "wanted", "facts", "reason"),
    [
        pytest.param(TESTERS, PLEASE, (), Reason.ACCESS_DENIED, id="a tester, whose account gave no permission"),
        pytest.param(
            DEVELOPERS,
            PLEASE,
            (retrust(trusting(PRODUCTION)),),
            Reason.ACCESS_DENIED,
            id="an account that is not trusted",
        ),
        pytest.param(DEVELOPERS, AssumeRole(ABSENT, "dev"), (), Reason.ACCESS_DENIED, id="a role that does not exist"),
        pytest.param(
            DEVELOPERS,
            AssumeRole(ARN.replace("role/", "role/team/"), "dev"),
            (ANYWHERE,),
            Reason.ACCESS_DENIED,
            id="a role of that name under another path",
        ),
        pytest.param(DEVELOPERS, PLEASE, (retrust(IF_EXTERNAL),), Reason.ACCESS_DENIED, id="without the external id"),
        pytest.param(
            DEVELOPERS,
            AssumeRole(ARN, "dev", external_id="S3CRET"),
            (retrust(IF_EXTERNAL),),
            Reason.ACCESS_DENIED,
            id="with the external id in another case",
        ),
        pytest.param(
            DEVELOPERS, AssumeRole("UpdateAPP", "dev"), (), Reason.VALIDATION_ERROR, id="a name that is no ARN"
        ),
        pytest.param(
            DEVELOPERS, AssumeRole(ARN, "dev", 3601), (), Reason.VALIDATION_ERROR, id="longer than the role allows"
        ),
    ],
)
def test_who_is_refused(credential, wanted, facts, reason):
    decision = asked(credential, wanted, *facts)
    assert isinstance(decision.answer, Refusal)
    assert decision.answer.reason is reason
    assert decision.facts == ()


def test_the_external_id_opens_what_it_closes():
    assert asked(DEVELOPERS, AssumeRole(ARN, "dev", external_id="s3cret"), retrust(IF_EXTERNAL)).facts


def test_a_role_that_does_not_exist_and_one_that_refuses_answer_alike():
    missing = asked(DEVELOPERS, AssumeRole(ABSENT, "dev")).answer
    refusing = asked(DEVELOPERS, PLEASE, retrust(trusting(PRODUCTION))).answer
    assert isinstance(missing, Refusal)
    assert isinstance(refusing, Refusal)
    assert missing.message.replace("Absent", "UpdateAPP") == refusing.message


def test_root_assumes_no_role():
    root = AccessKeyId("AKIAROOT")
    made = principals.AccessKeyCreated(account=DEVELOPMENT, access_key_id=root, owner=DEVELOPMENT)
    decision = asked(Credential(root), PLEASE, made)
    assert decision.answer == Refusal(Reason.ACCESS_DENIED, "Roles may not be assumed by root accounts.")


HIMSELF = (
    retrust(policy(Principal={"AWS": PRODUCTION}, Action=["sts:AssumeRole", "sts:SetSourceIdentity"])),
    roles.RoleUpdated(account=PRODUCTION, role_id=UPDATE_APP, description="", max_session_duration=43200),
    holders.InlinePolicyPut(
        account=PRODUCTION, holder=UPDATE_APP, name="again", document=policy(Action="sts:*", Resource=ARN)
    ),
)


@pytest.mark.parametrize(
    ("ancestors", "seconds", "issued"),
    [
        pytest.param(1, 3600, True, id="an hour, two deep"),
        pytest.param(1, 3601, False, id="never longer than an hour in a chain"),
        pytest.param(2, 900, True, id="as deep as the authority allows"),
        pytest.param(3, 900, False, id="never deeper"),
    ],
)
def test_chains(ancestors, seconds, issued):
    session = claims(ancestors=(key_of(DEVELOPER),) * ancestors, source_identity="dev@corp")
    decision = asked(Credential(session.access_key_id, session), AssumeRole(ARN, "on", seconds), *HIMSELF)
    assert bool(decision.facts) is issued
    if issued:
        (next_one,) = decision.facts
        assert isinstance(next_one, SessionIssued)
        assert next_one.ancestors[-1] == session.access_key_id
        assert (next_one.root_principal, next_one.source_identity) == (DEVELOPER, "dev@corp")


def test_anybody_may_ask_who_he_is_even_against_a_deny():
    denied = holders.InlinePolicyPut(
        account=PRODUCTION,
        holder=UPDATE_APP,
        name="no",
        document=json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}),
    )
    state = evolve(evolve(EMPTY, STORY, AT), [denied], AT)
    session = claims()
    caller = caller_of(state, Credential(session.access_key_id, session), now=AT, partition="aws")
    assert isinstance(caller, Caller)
    answer = get_caller_identity.decide(state, Call(caller, GetCallerIdentity(), OFFICE), Facts(AT, b"")).answer
    assert answer.user_id == f"{UPDATE_APP}:dev"
    assert answer.arn == f"arn:aws:sts::{PRODUCTION}:assumed-role/UpdateAPP/dev"
