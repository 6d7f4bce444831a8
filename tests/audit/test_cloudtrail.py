"""Every entry in the record form of AWS's trail: who, what, what came of it, and nothing that AWS would not show."""

from __future__ import annotations

import json
import uuid

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from authority.audit.attributes import Resource, named, read_only, resources_of, user_name
from authority.audit.cloudtrail import event_id, named_by, record
from authority.audit.terms import Field, lookup_terms
from authority.audit.visibility import seen_by
from authority.kernel.ids import PolicyId, RoleId
from authority.kernel.refusal import Reason
from authority.model import authority, policies, roles
from authority.model.event import CallerRecord, Outcome

from .stories import (
    ACCOUNTS,
    AT,
    DEV,
    DEVELOPMENT,
    MANAGEMENT,
    MIA,
    PRODUCTION,
    asked,
    assumes,
    ends,
    histories,
    in_session,
    judges,
    key_of,
    makes_key,
    makes_user,
    of_itself,
    refused_role,
    role_arn,
    takes_session,
    tried,
)

REQUEST = "0f5c9d52-7c0e-4a8e-9d10-6a2a9ad1c8a1"
ACROSS = assumes(DEV, "UpdateAPP", PRODUCTION, "ASIA1", request_id=REQUEST, source_identity="dev@corp")
(ISSUED,) = ACROSS.facts
WHEN = "2026-01-02T03:04:05Z"


def recorded(event, account, position=7):
    seen = seen_by(event, account, {key_of("dev"): DEVELOPMENT, key_of("mia"): PRODUCTION})
    assert seen is not None
    made = record(position, seen, account)
    assert json.loads(msgspec.json.encode(made)) == made
    return made


def root(account):
    return CallerRecord(
        kind="root",
        arn=f"arn:aws:iam::{account}:root",
        principal_id=account,
        account=account,
        access_key_id="AKIAROOT",
    )


(TOKEN,) = takes_session(DEV, "ASIATOKEN").facts
(GUEST,) = takes_session(DEV, "ASIAGUEST", federated="guest").facts
WITH_MFA = msgspec.structs.replace(
    in_session(TOKEN), session=msgspec.structs.replace(in_session(TOKEN).session, mfa_at=AT)
)


@pytest.mark.parametrize(
    ("caller", "account", "identity"),
    [
        pytest.param(
            MIA,
            PRODUCTION,
            {
                "type": "IAMUser",
                "principalId": "AIDAMIA",
                "arn": "arn:aws:iam::111122223333:user/mia",
                "accountId": PRODUCTION,
                "accessKeyId": "AKIAMIA",
                "userName": "mia",
            },
            id="a user with a long-term key",
        ),
        pytest.param(
            root(PRODUCTION),
            PRODUCTION,
            {
                "type": "Root",
                "principalId": PRODUCTION,
                "arn": "arn:aws:iam::111122223333:root",
                "accountId": PRODUCTION,
                "accessKeyId": "AKIAROOT",
            },
            id="a root has no user name",
        ),
        pytest.param(
            WITH_MFA,
            DEVELOPMENT,
            {
                "type": "IAMUser",
                "principalId": "AIDADEV",
                "arn": "arn:aws:iam::444455556666:user/dev",
                "accountId": DEVELOPMENT,
                "accessKeyId": "ASIATOKEN",
                "userName": "dev",
                "sessionContext": {"attributes": {"creationDate": WHEN, "mfaAuthenticated": "true"}},
            },
            id="a user with a session of its own",
        ),
        pytest.param(
            in_session(ISSUED),
            PRODUCTION,
            {
                "type": "AssumedRole",
                "principalId": "AROAUPDATEAPP:as-UpdateAPP",
                "arn": "arn:aws:sts::111122223333:assumed-role/UpdateAPP/as-UpdateAPP",
                "accountId": PRODUCTION,
                "accessKeyId": "ASIA1",
                "sessionContext": {
                    "sessionIssuer": {
                        "type": "Role",
                        "principalId": "AROAUPDATEAPP",
                        "arn": role_arn("UpdateAPP", PRODUCTION),
                        "accountId": PRODUCTION,
                        "userName": "UpdateAPP",
                    },
                    "attributes": {"creationDate": WHEN, "mfaAuthenticated": "false"},
                    "sourceIdentity": "dev@corp",
                },
            },
            id="a role session",
        ),
        pytest.param(
            in_session(GUEST),
            DEVELOPMENT,
            {
                "type": "FederatedUser",
                "principalId": f"{DEVELOPMENT}:guest",
                "arn": "arn:aws:sts::444455556666:federated-user/guest",
                "accountId": DEVELOPMENT,
                "accessKeyId": "ASIAGUEST",
                "sessionContext": {
                    "sessionIssuer": {
                        "type": "IAMUser",
                        "principalId": "AIDADEV",
                        "arn": "arn:aws:iam::444455556666:user/dev",
                        "accountId": DEVELOPMENT,
                        "userName": "dev",
                    },
                    "attributes": {"creationDate": WHEN, "mfaAuthenticated": "false"},
                },
            },
            id="a federated user",
        ),
        pytest.param(
            CallerRecord(
                kind="web-identity",
                arn="",
                principal_id="https://idp.example.com:app:alice",
                account=PRODUCTION,
                access_key_id="",
            ),
            PRODUCTION,
            {
                "type": "WebIdentityUser",
                "principalId": "https://idp.example.com:app:alice",
                "userName": "alice",
                "identityProvider": "https://idp.example.com:app",
            },
            id="whom a provider vouches for with a token",
        ),
        pytest.param(
            CallerRecord(kind="saml", arn="", principal_id="q/x=:bob", account=PRODUCTION, access_key_id=""),
            PRODUCTION,
            {"type": "SAMLUser", "principalId": "q/x=:bob", "userName": "bob", "identityProvider": "q/x="},
            id="whom a provider vouches for with an assertion",
        ),
        pytest.param(
            CallerRecord(kind="former", arn="", principal_id="AIDAGONE", account=PRODUCTION, access_key_id="AKIAGONE"),
            PRODUCTION,
            {"type": "Unknown", "principalId": "AIDAGONE", "accountId": PRODUCTION, "accessKeyId": "AKIAGONE"},
            id="a key that counts no more",
        ),
    ],
)
def test_each_kind_of_caller_is_shown_as_aws_shows_it(caller, account, identity):
    assert recorded(asked("iam:ListUsers", caller), account)["userIdentity"] == identity


def test_a_call_of_ones_own_account_reads_as_in_aws():
    assert recorded(makes_user(MIA, "zoe", request_id=REQUEST), PRODUCTION) == {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDAMIA",
            "arn": "arn:aws:iam::111122223333:user/mia",
            "accountId": PRODUCTION,
            "accessKeyId": "AKIAMIA",
            "userName": "mia",
        },
        "eventTime": WHEN,
        "eventSource": "iam.amazonaws.com",
        "eventName": "CreateUser",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "192.0.2.7",
        "userAgent": "cli",
        "requestParameters": {"userName": "zoe"},
        "responseElements": {
            "user": {
                "path": "/",
                "userName": "zoe",
                "userId": "AIDAZOE",
                "createDate": WHEN,
                "arn": "arn:aws:iam::111122223333:user/zoe",
            }
        },
        "additionalEventData": {"position": 7},
        "requestID": REQUEST,
        "eventID": event_id(7, makes_user(MIA, "zoe", request_id=REQUEST), PRODUCTION),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": PRODUCTION,
        "eventCategory": "Management",
    }


def test_a_role_taken_on_across_accounts_has_two_records_and_one_shared_id():
    theirs, ours = recorded(ACROSS, DEVELOPMENT), recorded(ACROSS, PRODUCTION)
    assert theirs["sharedEventID"] == ours["sharedEventID"]
    assert len({theirs["eventID"], ours["eventID"], ours["sharedEventID"]}) == 3
    assert (theirs["recipientAccountId"], ours["recipientAccountId"]) == (DEVELOPMENT, PRODUCTION)
    assert theirs["userIdentity"]["arn"] == DEV.arn
    assert ours["userIdentity"] == {"type": "AWSAccount", "principalId": "AIDADEV", "accountId": DEVELOPMENT}
    for one in (theirs, ours):
        assert one["requestParameters"] == {"roleArn": role_arn("UpdateAPP", PRODUCTION)}
        assert one["responseElements"] == {
            "credentials": {"accessKeyId": "ASIA1", "expiration": "2026-01-02T04:04:05Z"},
            "assumedRoleUser": {
                "assumedRoleId": "AROAUPDATEAPP:as-UpdateAPP",
                "arn": "arn:aws:sts::111122223333:assumed-role/UpdateAPP/as-UpdateAPP",
            },
            "sourceIdentity": "dev@corp",
        }
        role = {"accountId": PRODUCTION, "type": "AWS::IAM::Role", "ARN": role_arn("UpdateAPP", PRODUCTION)}
        assert one["resources"] == [role]
        assert one["readOnly"] is True
    assert "dev" not in json.dumps({**ours, "responseElements": None})


def test_within_one_account_nothing_is_shared():
    assert "sharedEventID" not in recorded(makes_user(MIA, "x"), PRODUCTION)
    assert "sharedEventID" not in recorded(assumes(MIA, "Audit", PRODUCTION, "ASIA2"), PRODUCTION)


def test_a_refusal_says_why_to_whoever_asked_and_its_kind_to_the_other():
    refused = refused_role(DEV, "UpdateAPP", PRODUCTION)
    theirs, ours = recorded(refused, DEVELOPMENT), recorded(refused, PRODUCTION)
    assert theirs["errorCode"] == ours["errorCode"] == "AccessDenied"
    assert "is not authorized" in theirs["errorMessage"]
    assert "errorMessage" not in ours
    assert theirs["responseElements"] is None


@pytest.mark.parametrize(
    ("action", "reason", "code"),
    [
        ("iam:GetRole", Reason.NO_SUCH_ENTITY, "NoSuchEntityException"),
        ("iam:CreateRole", Reason.ENTITY_ALREADY_EXISTS, "EntityAlreadyExistsException"),
        ("iam:CreateRole", Reason.MALFORMED_POLICY_DOCUMENT, "MalformedPolicyDocumentException"),
        ("iam:DeleteUser", Reason.DELETE_CONFLICT, "DeleteConflictException"),
        ("iam:CreateUser", Reason.ACCESS_DENIED, "AccessDenied"),
        ("sts:AssumeRole", Reason.EXPIRED_TOKEN, "ExpiredToken"),
        ("organizations:ListAccounts", Reason.ACCESS_DENIED, "AccessDeniedException"),
        ("organizations:DescribeAccount", Reason.ACCOUNT_NOT_FOUND, "AccountNotFoundException"),
        ("authority:GetAccount", Reason.NO_SUCH_ENTITY, "NoSuchEntity"),
    ],
)
def test_an_error_is_named_as_the_service_names_its_exception(action, reason, code):
    event = asked(action, MIA, refused=reason)
    assert recorded(event, PRODUCTION)["errorCode"] == code


def test_every_reason_has_a_code():
    for reason in Reason:
        assert recorded(asked("iam:CreateUser", MIA, refused=reason), PRODUCTION)["errorCode"]


def test_a_reason_of_a_later_release_is_shown_as_it_is():
    event = msgspec.structs.replace(asked("iam:CreateUser", MIA), outcome=Outcome(refused="something-new"))
    assert recorded(event, PRODUCTION)["errorCode"] == "something-new"


@pytest.mark.parametrize(
    ("fact", "elements"),
    [
        pytest.param(
            roles.RoleCreated(
                account=PRODUCTION, role_id=RoleId("AROAX"), name="x", path="/p/", trust=roles.Trust('{"a": 1}')
            ),
            {
                "role": {
                    "path": "/p/",
                    "roleName": "x",
                    "roleId": "AROAX",
                    "createDate": WHEN,
                    "arn": "arn:aws:iam::111122223333:role/p/x",
                    "assumeRolePolicyDocument": "%7B%22a%22%3A%201%7D",
                }
            },
            id="a role",
        ),
        pytest.param(
            policies.PolicyVersionCreated(
                account=PRODUCTION, policy_id=PolicyId("ANPAX"), number=3, document="{}", default=True
            ),
            {"policyVersion": {"versionId": "v3", "createDate": WHEN}},
            id="a policy's version",
        ),
        pytest.param(
            roles.RoleDeleted(account=PRODUCTION, role_id=RoleId("AROAX")), None, id="nothing is answered to a deletion"
        ),
    ],
)
def test_what_was_made_is_among_the_response_elements(fact, elements):
    assert recorded(asked("iam:Whatever", MIA, fact), PRODUCTION)["responseElements"] == elements


def test_a_new_key_shows_its_id_and_no_secret():
    assert recorded(makes_key(MIA, "mia"), PRODUCTION)["responseElements"] == {
        "accessKey": {"accessKeyId": "AKIAMIA", "status": "Active", "createDate": WHEN, "userName": "mia"}
    }


def test_what_was_not_recorded_is_called_hidden():
    event = asked("iam:ChangePassword", MIA, OldPassword="***", NewPassword="***", Tags=[{"Key": "A", "Value": "b"}])
    assert recorded(event, PRODUCTION)["requestParameters"] == {
        "oldPassword": "HIDDEN_DUE_TO_SECURITY_REASONS",
        "newPassword": "HIDDEN_DUE_TO_SECURITY_REASONS",
        "tags": [{"key": "A", "value": "b"}],
    }


def test_what_the_authority_does_of_itself_is_an_event_of_a_service():
    made = recorded(ends(ISSUED), PRODUCTION)
    assert made["userIdentity"] == {"type": "AWSService", "invokedBy": "authority"}
    assert (made["eventSource"], made["eventName"], made["eventType"]) == (
        "authority",
        "SessionExpired",
        "AwsServiceEvent",
    )
    assert "requestID" not in made


def test_signing_in_is_an_event_of_the_console():
    made = recorded(asked("authority:SignIn", MIA), PRODUCTION)
    assert (made["eventSource"], made["eventName"], made["eventType"]) == (
        "signin.amazonaws.com",
        "ConsoleLogin",
        "AwsConsoleSignIn",
    )
    assert made["responseElements"] == {"ConsoleLogin": "Success"}


@given(histories())
def test_every_entry_has_a_record_on_each_trail_that_it_is_on(history):
    whose = {key_of(name): account for name, account in (("dev", DEVELOPMENT), ("mia", PRODUCTION))}
    for position, event in enumerate(history, 1):
        shared, trails = set(), 0
        for account in ACCOUNTS:
            seen = seen_by(event, account, whose)
            if seen is None:
                continue
            made = json.loads(msgspec.json.encode(record(position, seen, account)))
            assert made["recipientAccountId"] == account
            found = named_by(made["eventID"], account)
            assert found == (str(position) if event.request is None else made["eventID"] and found)
            shared.add(made.get("sharedEventID"))
            trails += 1
            foreign = made["userIdentity"].get("type") == "AWSAccount"
            assert foreign == (event.caller is not None and event.caller.account != account)
            if foreign:
                text = json.dumps({**made, "requestParameters": None})
                assert event.caller.access_key_id not in text
                assert event.caller.arn not in text
        if event.request is not None:
            assert len(shared) == 1
            assert (shared == {None}) == (trails == 1)


@given(st.uuids(version=4), st.integers(1, 2**62 - 1), st.sampled_from(ACCOUNTS))
def test_an_event_id_leads_back_to_the_request_or_the_position(request_id, position, account):
    event = makes_user(MIA, "x", request_id=str(request_id))
    made = event_id(position, event, account)
    assert uuid.UUID(made).version == 4
    assert named_by(made, account) == str(request_id)
    act = of_itself("Started", authority.AuthorityStarted(version="1", node="n"))
    assert named_by(event_id(position, act, account), account) == str(position)
    assert named_by(made, MANAGEMENT if account != MANAGEMENT else DEVELOPMENT) != str(request_id)


@pytest.mark.parametrize("text", ["", "x", "1", "ASIA1", "0f5c9d52"])
def test_what_is_no_event_id_leads_nowhere(text):
    assert named_by(text, PRODUCTION) is None


# --- what AWS's search finds by ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "source", "name", "reading"),
    [
        (makes_user(MIA, "x"), "iam.amazonaws.com", "CreateUser", False),
        (asked("iam:ListUsers", MIA), "iam.amazonaws.com", "ListUsers", True),
        (asked("iam:GenerateCredentialReport", MIA), "iam.amazonaws.com", "GenerateCredentialReport", True),
        (ACROSS, "sts.amazonaws.com", "AssumeRole", True),
        (asked("organizations:CreateAccount", MIA), "organizations.amazonaws.com", "CreateAccount", False),
        (judges(MIA, DEV), "authority", "Evaluate", True),
        (tried(key_of("dev")), "authority", "UnprovenRequests", False),
    ],
)
def test_an_event_has_a_source_a_name_and_reads_or_writes(event, source, name, reading):
    assert named(event.type) == (source, name)
    assert read_only(event.type) is reading


def test_resources_are_those_that_parameters_and_facts_name():
    assert set(resources_of(ACROSS)) == {
        Resource("AWS::IAM::Role", role_arn("UpdateAPP", PRODUCTION)),
        Resource("AWS::IAM::AccessKey", "ASIA1"),
        Resource("AWS::STS::AssumedRole", "AROAUPDATEAPP:as-UpdateAPP"),
    }
    attached = asked("iam:AttachRolePolicy", MIA, RoleName="x", PolicyArn="arn:aws:iam::aws:policy/Admin")
    assert set(resources_of(attached)) == {
        Resource("AWS::IAM::Role", "x"),
        Resource("AWS::IAM::Policy", "arn:aws:iam::aws:policy/Admin"),
    }


def test_a_user_is_listed_by_name_a_session_by_its_own_and_strangers_not_at_all():
    assert user_name(MIA) == "mia"
    assert user_name(root(PRODUCTION)) == "root"
    assert user_name(in_session(ISSUED)) == "as-UpdateAPP"
    assert user_name(in_session(TOKEN)) == "dev"
    assert user_name(in_session(GUEST)) == "guest"
    assert user_name(None) == ""
    foreign = seen_by(ACROSS, PRODUCTION)
    assert user_name(foreign.caller) == ""


def test_an_account_finds_a_foreign_caller_by_nothing_that_it_does_not_see():
    terms = lookup_terms(seen_by(ACROSS, PRODUCTION))
    assert (Field.EVENT_NAME, "AssumeRole") in terms
    assert not any(field is Field.USER_NAME for field, _ in terms)
