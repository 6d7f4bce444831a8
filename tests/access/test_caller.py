"""A credential counts only for what the state says of it at the moment of deciding."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from authority.access.applicable import identity_policies, trust_policy
from authority.access.caller import EXPIRED_TOKEN, INVALID_TOKEN, Caller, Credential, SessionClaims, caller_of
from authority.kernel.ids import AccessKeyId, RoleId
from authority.model import holders, principals, roles
from authority.model.sessions import SessionIssued
from authority.policy.combine import Question, weigh
from authority.policy.principal import PrincipalKind
from tests.model.test_state import AT, DEVELOPERS, KEY, MIA, PRODUCTION, UPDATE_APP, after

ROOT_KEY = AccessKeyId("AKIAROOT")
SESSION = SessionClaims(
    access_key_id=AccessKeyId("ASIASESSION"),
    account=PRODUCTION,
    role_id=UPDATE_APP,
    session_name="mia",
    issued_at=AT,
    expires_at=AT + timedelta(hours=1),
    ancestors=(KEY,),
    root_principal=MIA,
)
MIAS = Credential(KEY)
TAKEN = Credential(SESSION.access_key_id, SESSION)
ARN = "arn:aws:iam::111122223333:role/UpdateAPP"


def asks(credential, *facts, now=AT, partition="aws"):
    return caller_of(after(*facts), credential, now=now, partition=partition)


@pytest.mark.parametrize(
    ("credential", "facts", "now", "answer"),
    [
        pytest.param(Credential(AccessKeyId("AKIANOBODY")), (), AT, INVALID_TOKEN, id="a key that never was"),
        pytest.param(
            MIAS,
            (principals.AccessKeyDeleted(account=PRODUCTION, access_key_id=KEY),),
            AT,
            INVALID_TOKEN,
            id="a deleted key",
        ),
        pytest.param(
            MIAS,
            (
                principals.AccessKeyStatusChanged(
                    account=PRODUCTION, access_key_id=KEY, status=principals.KeyStatus.INACTIVE
                ),
            ),
            AT,
            INVALID_TOKEN,
            id="a key that was deactivated",
        ),
        pytest.param(
            MIAS,
            (principals.UserDeleted(account=PRODUCTION, user_id=MIA),),
            AT,
            INVALID_TOKEN,
            id="a deleted user's key",
        ),
        pytest.param(TAKEN, (), AT + timedelta(hours=1), EXPIRED_TOKEN, id="a session at the very moment of its end"),
        pytest.param(
            TAKEN,
            (roles.RoleDeleted(account=PRODUCTION, role_id=UPDATE_APP),),
            AT,
            INVALID_TOKEN,
            id="a session of a deleted role",
        ),
        pytest.param(
            TAKEN,
            (
                roles.RoleDeleted(account=PRODUCTION, role_id=UPDATE_APP),
                roles.RoleCreated(
                    account=PRODUCTION,
                    role_id=RoleId("AROANEW"),
                    name="UpdateAPP",
                    path="/",
                    trust=roles.Trust("{}"),
                ),
            ),
            AT,
            INVALID_TOKEN,
            id="a session of a role that was made again under its name",
        ),
    ],
)
def test_what_does_not_count(credential, facts, now, answer):
    assert asks(credential, *facts, now=now) == answer


def test_a_users_key_speaks_for_the_user():
    caller = asks(MIAS)
    assert isinstance(caller, Caller)
    assert (caller.principal.kind, caller.principal.arn, caller.principal.unique_id) == (
        PrincipalKind.USER,
        "arn:aws:iam::111122223333:user/Mia",
        MIA,
    )


def test_a_key_of_the_account_speaks_for_its_root():
    made = principals.AccessKeyCreated(account=PRODUCTION, access_key_id=ROOT_KEY, owner=PRODUCTION)
    caller = asks(Credential(ROOT_KEY), made, partition="aws-cn")
    assert isinstance(caller, Caller)
    assert (caller.principal.kind, caller.principal.arn) == (PrincipalKind.ROOT, "arn:aws-cn:iam::111122223333:root")
    assert identity_policies(after(made), caller) == ()


def test_a_session_survives_the_user_who_took_the_role():
    caller = asks(TAKEN, principals.UserDeleted(account=PRODUCTION, user_id=MIA))
    assert isinstance(caller, Caller)
    assert caller.principal.arn == "arn:aws:sts::111122223333:assumed-role/UpdateAPP/mia"
    assert caller.principal.issuer == ARN
    assert caller.chained


def test_a_user_has_the_policies_of_its_groups_until_it_leaves():
    document = json.dumps(
        {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}}
    )
    given = holders.InlinePolicyPut(account=PRODUCTION, holder=DEVELOPERS, name="p", document=document)
    left = principals.GroupLeft(account=PRODUCTION, group_id=DEVELOPERS, user_id=MIA)

    def allowed(*facts) -> bool:
        state = after(*facts)
        caller = caller_of(state, MIAS, now=AT, partition="aws")
        assert isinstance(caller, Caller)
        question = Question(
            principal=caller.principal,
            action="s3:GetObject",
            resource="arn:aws:s3:::productionapp/x",
            resource_account=PRODUCTION,
            context={},
            identity=identity_policies(state, caller),
        )
        return weigh(question).allowed

    assert allowed(given)
    assert not allowed(given, left)


@pytest.mark.parametrize(
    ("bound", "admitted"),
    [
        pytest.param(MIA, True, id="the user who bore the name when it was written"),
        pytest.param("AIDASTRANGER", False, id="not a namesake"),
        pytest.param("", False, id="not anybody, where nobody bore the name"),
    ],
)
def test_a_trust_policy_admits_by_unique_id(bound, admitted):
    mia = "arn:aws:iam::111122223333:user/Mia"
    document = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": {"Effect": "Allow", "Principal": {"AWS": mia}, "Action": "sts:AssumeRole"},
        }
    )
    trust = roles.Trust(document, ((mia, bound),))
    state = after(roles.RoleTrustUpdated(account=PRODUCTION, role_id=UPDATE_APP, trust=trust))
    account = state.accounts[PRODUCTION]
    caller = caller_of(state, MIAS, now=AT, partition="aws")
    assert isinstance(caller, Caller)
    question = Question(
        principal=caller.principal,
        action="sts:AssumeRole",
        resource=ARN,
        resource_account=PRODUCTION,
        context={},
        resource_policies=(trust_policy(account, account.roles[UPDATE_APP], "aws"),),
        trust=True,
    )
    assert weigh(question).allowed is admitted


def test_a_token_says_of_a_session_what_the_log_says_of_it():
    said: dict[str, Any] = {
        field.name: (("arn", field.name),) if field.name == "policy_versions" else f"the {field.name}"
        for field in msgspec.structs.fields(SessionIssued)
    }
    claims = SessionClaims.of(SessionIssued(**said), 7)
    alike = {name: getattr(claims, name) for name in SessionClaims.__struct_fields__ if name in said}
    assert alike == {name: said[name] for name in alike}
    assert (claims.position, claims.policy_arns, claims.padding) == (7, ("arn",), b"")
    assert set(SessionClaims.__struct_fields__) - set(alike) == {"position", "policy_arns", "padding"}


def test_a_caller_is_recorded_as_what_he_is_and_not_as_what_he_was_made_of():
    caller = asks(MIAS)
    assert (caller.record, caller.record.access_key_id) == (caller.record, KEY)
    assert caller.record is caller.record
    another = msgspec.structs.replace(caller, access_key_id=AccessKeyId("AKIAOTHER"))
    assert another.record.access_key_id == "AKIAOTHER"
    assert asks(MIAS) == caller
