"""A resource server passes on what its client signed, and learns who that is and whether it may."""

from __future__ import annotations

import hmac
import json
from datetime import datetime, timedelta
from hashlib import sha256

import msgspec
import pytest

from authority.access.action import Decision, Facts
from authority.access.call import Call
from authority.access.caller import INVALID_TOKEN, Caller, Credential, caller_of
from authority.access.recording import recorded
from authority.kernel.ids import AccessKeyId, AccountId, RoleId, UserId
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.secret import Secret
from authority.model import holders, principals, roles
from authority.model.event import DecisionRecord
from authority.model.state import EMPTY, State, evolve
from authority.policy.combine import Effect
from authority.registry import OWN_SERVICE, SERVICES
from authority.resources.authzen import Evaluate, EvaluateAll, Evaluation
from authority.resources.delegation import OURS, Judged, Presented, proofs_of
from authority.resources.evaluate import batch_evaluate, evaluate
from authority.wire.sigv4 import Unproven, signing_key, verify_delegated
from tests.access.test_action import OFFICE
from tests.model.test_state import AT
from tests.sessions.test_assume_role import (
    DEVELOPER,
    DEVELOPERS,
    PRODUCTION,
    STORY,
    TESTER,
    UPDATE_APP,
    claims,
    key_of,
    policy,
)

SERVER, STORAGE = UserId("AIDASERVER"), Credential(key_of(UserId("AIDASERVER")))
OBJECT, BUCKET = "arn:aws:s3:::productionapp/report.txt", "arn:aws:s3:::productionapp"
OTHER = "arn:aws:s3:::payroll/june.csv"
SESSION = claims()
UPDATE_APPS = Credential(SESSION.access_key_id, SESSION)


def inline(account: AccountId, holder: str, name: str, **statement) -> holders.InlinePolicyPut:
    return holders.InlinePolicyPut(account=account, holder=holder, name=name, document=policy(**statement))


def may_ask(about: str) -> holders.InlinePolicyPut:
    arn = f"arn:aws:authority::{PRODUCTION}:evaluation/{about}"
    return inline(PRODUCTION, SERVER, f"ask-{about.strip('*') or 'all'}", Action="authority:Evaluate", Resource=arn)


GIVEN = (
    *STORY,
    principals.UserCreated(account=PRODUCTION, user_id=SERVER, name="storage", path="/"),
    principals.AccessKeyCreated(account=PRODUCTION, access_key_id=STORAGE.access_key_id, owner=SERVER),
    may_ask("*"),
    inline(
        PRODUCTION,
        UPDATE_APP,
        "productionapp",
        Action=["s3:GetObject", "s3:PutObject", "s3:ListBucket"],
        Resource=[BUCKET, f"{BUCKET}/*"],
    ),
)

# --- what a client signs, and what the pipeline makes of it ---------------------------------


def secret_of(access_key_id: str) -> Secret:
    return Secret(f"secret of {access_key_id}")


CREDENTIALS = {
    credential.access_key_id: credential
    for credential in (UPDATE_APPS, DEVELOPERS, STORAGE, Credential(key_of(TESTER)))
}


def signed(
    credential: Credential = UPDATE_APPS, service: str = "s3", region: str = "us-east-1", at: datetime = AT, **changes
) -> dict[str, str]:
    moment = at.strftime("%Y%m%dT%H%M%SZ")
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{sha256(b'the canonical request').hexdigest()}"
    key = signing_key(secret_of(credential.access_key_id), moment[:8], region, service)
    token = {} if credential.session is None else {"sessionToken": f"token of {credential.access_key_id}"}
    return {
        "accessKeyId": credential.access_key_id,
        "stringToSign": text,
        "credentialScope": scope,
        "signature": hmac.digest(key, text.encode(), "sha256").hex(),
        **token,
        **changes,
    }


def question(action: str = "s3:GetObject", resource: str = OBJECT, proof=None, context=None, **properties):
    proof = signed(service=action.partition(":")[0]) if proof is None else proof
    return {
        "subject": {"type": "client", "id": proof["accessKeyId"], "properties": proof},
        "action": {"name": action},
        "resource": {"type": "object", "id": resource, **({"properties": properties} if properties else {})},
        **({"context": context} if context is not None else {}),
    }


def verified(shown: Presented | Refusal) -> Judged | Refusal:
    if isinstance(shown, Refusal):
        return shown
    credential = CREDENTIALS.get(AccessKeyId(shown.access_key_id))
    if credential is None or (credential.session is None) is not (shown.session_token is None):
        return INVALID_TOKEN
    try:
        at = verify_delegated(
            shown.string_to_sign,
            shown.scope,
            shown.signature,
            secret_of(shown.access_key_id),
            now=AT,
            service=shown.service,
        )
    except Unproven as unproven:
        return unproven.refusal
    return Judged(credential, at)


def state_after(*facts) -> State:
    return evolve(evolve(EMPTY, GIVEN, AT), facts, AT)


def asked(given: dict, *facts, asker: Credential = STORAGE, now: datetime = AT) -> Decision:
    state = state_after(*facts)
    what, kind = (batch_evaluate, EvaluateAll) if "evaluations" in given else (evaluate, Evaluate)
    wanted = msgspec.convert(given, kind)
    caller = caller_of(state, asker, now=now, partition="aws")
    assert isinstance(caller, Caller)
    gathered = tuple(verified(shown) for shown in proofs_of(wanted))
    return what.decide(state, Call(caller, wanted, OFFICE, gathered), Facts(now, b"seed"))


def answered(given: dict, *facts, **how) -> Evaluation:
    answer = asked(given, *facts, **how).answer
    assert isinstance(answer, Evaluation), answer
    return answer


def refused(given: dict, *facts, **how) -> Refusal:
    answer = asked(given, *facts, **how).answer
    assert isinstance(answer, Refusal), answer
    return answer


def judged_record(given: dict, *facts, **how) -> DecisionRecord:
    return asked(given, *facts, **how).weighed[-1].record()


# --- the guide's story ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "resource", "allowed"),
    [
        pytest.param("s3:GetObject", OBJECT, True, id="reading productionapp"),
        pytest.param("s3:PutObject", OBJECT, True, id="writing productionapp"),
        pytest.param("s3:ListBucket", BUCKET, True, id="listing productionapp"),
        pytest.param("s3:DeleteObject", OBJECT, False, id="not deleting from it"),
        pytest.param("s3:GetObject", OTHER, False, id="not another bucket"),
        pytest.param("s3:GetObject", f"{BUCKET}2/x", False, id="not a bucket whose name begins like it"),
        pytest.param("s3:ListAllMyBuckets", "*", False, id="not the list of buckets"),
        pytest.param("sqs:SendMessage", f"arn:aws:sqs:us-east-1:{PRODUCTION}:q", False, id="not another service"),
    ],
)
def test_a_session_of_update_app_may_use_productionapp_and_nothing_else(action, resource, allowed):
    assert answered(question(action, resource)).decision is allowed


def test_a_yes_says_who_and_why():
    answer = answered(question())
    assert msgspec.to_builtins(answer) == {
        "decision": True,
        "context": {
            "reason": f"arn:aws:sts::{PRODUCTION}:assumed-role/UpdateAPP/dev is authorized to perform: s3:GetObject on "
            f"resource: {OBJECT} because an identity-based policy allows it",
            "authorizationId": "r1",
            "principal": {
                "arn": f"arn:aws:sts::{PRODUCTION}:assumed-role/UpdateAPP/dev",
                "id": f"{UPDATE_APP}:dev",
                "account": PRODUCTION,
                "type": "AssumedRole",
            },
        },
    }


def test_a_no_says_why_in_the_words_of_aws():
    context = answered(question("s3:DeleteObject")).context
    assert context.code == "AccessDenied"
    assert context.reason == (
        f"User: arn:aws:sts::{PRODUCTION}:assumed-role/UpdateAPP/dev is not authorized to perform: s3:DeleteObject on "
        f"resource: {OBJECT} because no identity-based policy allows the s3:DeleteObject action"
    )


@pytest.mark.parametrize("who", [DEVELOPERS, Credential(key_of(TESTER))])
def test_a_developers_own_key_may_not_even_if_his_account_allows_him_everything(who):
    everything = [
        inline(AccountId("444455556666"), owner, "all", Action="*", Resource="*") for owner in (DEVELOPER, TESTER)
    ]
    answer = answered(question(proof=signed(who)), *everything)
    assert answer.decision is False
    assert answer.context.reason.endswith("because no resource-based policy allows the s3:GetObject action")


def test_instances_are_terminated_through_a_role_only():
    """The guide's second example: a user who may not, and a role that he takes on to do it."""
    instance = f"arn:aws:ec2:us-east-1:{PRODUCTION}:instance/i-0abc"
    through = inline(PRODUCTION, UPDATE_APP, "end", Action="ec2:TerminateInstances", Resource=instance)
    given = question("ec2:TerminateInstances", instance)
    assert answered(given, through).decision
    mia = principals.UserCreated(account=PRODUCTION, user_id=UserId("AIDAMIA"), name="Mia", path="/")
    moved = principals.AccessKeyCreated(account=PRODUCTION, access_key_id=key_of(TESTER), owner="AIDAMIA")
    herself = signed(Credential(key_of(TESTER)), "ec2")
    assert not answered(question("ec2:TerminateInstances", instance, herself), through, mia, moved).decision


def test_a_table_of_another_service():
    table = f"arn:aws:dynamodb:us-east-1:{PRODUCTION}:table/Books"
    reading = inline(
        PRODUCTION,
        UPDATE_APP,
        "books",
        Action="dynamodb:GetItem",
        Resource=table,
        Condition={"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["${aws:PrincipalTag/team}"]}},
    )
    team = holders.HolderTagged(account=PRODUCTION, holder=UPDATE_APP, tags=(holders.Tag("team", "a"),))
    mine = {"dynamodb:LeadingKeys": ["a"]}
    assert answered(question("dynamodb:GetItem", table, context=mine), reading, team).decision
    theirs = {"dynamodb:LeadingKeys": ["a", "b"]}
    assert not answered(question("dynamodb:GetItem", table, context=theirs), reading, team).decision
    assert not answered(question("dynamodb:PutItem", table, context=mine), reading, team).decision


# --- the proof ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "code"),
    [
        pytest.param(question(proof=signed(signature="0" * 64)), "SignatureDoesNotMatch", id="another signature"),
        pytest.param(
            question(proof={**signed(), "accessKeyId": str(key_of(DEVELOPER))}),
            "InvalidClientTokenId",
            id="another's key id with one's own token",
        ),
        pytest.param(
            question(proof={**signed(DEVELOPERS), "accessKeyId": str(key_of(TESTER))}),
            "SignatureDoesNotMatch",
            id="another's key id",
        ),
        pytest.param(
            question(proof=signed(Credential(AccessKeyId("AKIANOBODY")))), "InvalidClientTokenId", id="a stranger's key"
        ),
        pytest.param(
            question("s3:GetObject", proof=signed(service="dynamodb")),
            "SignatureDoesNotMatch",
            id="a signature for another service",
        ),
        pytest.param(
            question(proof=signed(credentialScope="20260102/us-east-1/s3/aws4_request/more")),
            "IncompleteSignature",
            id="a scope of another form",
        ),
        pytest.param(
            question(proof=signed(credentialScope="20260102/eu-west-1/s3/aws4_request")),
            "IncompleteSignature",
            id="a scope that was not signed",
        ),
        pytest.param(
            question(proof=signed(stringToSign="s3:GetObject")), "IncompleteSignature", id="no string to sign at all"
        ),
        pytest.param(
            question(proof=signed(at=AT - timedelta(minutes=16))), "SignatureDoesNotMatch", id="an old signature"
        ),
        pytest.param(
            question(proof=signed(at=AT + timedelta(minutes=16))), "SignatureDoesNotMatch", id="one of the future"
        ),
        pytest.param(
            question("iam:CreateUser", f"arn:aws:iam::{PRODUCTION}:user/x"),
            "AccessDenied",
            id="a request that was meant for this authority",
        ),
        pytest.param(
            question("sqs:SendMessage", f"arn:aws:sqs:eu-west-1:{PRODUCTION}:q"),
            "SignatureDoesNotMatch",
            id="a signature for another region than the resource's",
        ),
        pytest.param(
            question(resource="arn:aws-cn:s3:::productionapp/x"),
            "SignatureDoesNotMatch",
            id="a signature for another partition than the resource's",
        ),
    ],
)
def test_a_proof_that_does_not_count_is_a_no_about_nobody(given, code):
    decision = asked(given, inline(PRODUCTION, UPDATE_APP, "all", Action="*", Resource="*"))
    assert isinstance(decision.answer, Evaluation)
    assert (decision.answer.decision, decision.answer.context.code) == (False, code)
    assert decision.answer.context.principal is None
    assert " because " in decision.answer.context.reason
    record = decision.weighed[-1].record()
    assert (record.effect, record.principal) == (Effect.IMPLICIT_DENY, "")
    assert record.judged == given["subject"]["properties"]["accessKeyId"]
    assert record.unproven


@pytest.mark.parametrize(
    ("facts", "now", "code"),
    [
        pytest.param(
            (roles.RoleDeleted(account=PRODUCTION, role_id=UPDATE_APP),),
            AT,
            "InvalidClientTokenId",
            id="its role is gone",
        ),
        pytest.param((), AT + timedelta(hours=1), "ExpiredToken", id="it has expired"),
    ],
)
def test_a_right_signature_counts_for_nothing_once_its_session_is_over(facts, now, code):
    """The proof was verified before the decision: what it is worth is read from the state in log order."""
    answer = answered(question(), *facts, now=now)
    assert (answer.decision, answer.context.code) == (False, code)


def test_a_deleted_key_is_refused_and_its_use_is_in_the_log():
    deleted = principals.AccessKeyDeleted(account=AccountId("444455556666"), access_key_id=key_of(DEVELOPER))
    record = judged_record(question(proof=signed(DEVELOPERS)), deleted)
    assert (record.judged, record.unproven) == (key_of(DEVELOPER), Reason.INVALID_CLIENT_TOKEN_ID)


def test_what_everybody_may_is_not_for_who_signs_wrongly():
    public = policy(Principal="*", Action="s3:GetObject", Resource=OBJECT)
    assert answered(question(policy=public)).decision
    assert not answered(question(proof=signed(signature="0" * 64), policy=public)).decision


def test_nothing_is_answered_without_a_verified_proof():
    state = state_after()
    caller = caller_of(state, STORAGE, now=AT, partition="aws")
    assert isinstance(caller, Caller)
    wanted = msgspec.convert(question(), Evaluate)
    for gathered in (None, (), True, (verified(proofs_of(wanted)[0]),) * 2):
        with pytest.raises(TypeError, match="verified"):
            evaluate.decide(state, Call(caller, wanted, OFFICE, gathered), Facts(AT, b""))
    anothers = (Judged(DEVELOPERS, AT),)
    with pytest.raises(TypeError, match="another"):
        evaluate.decide(state, Call(caller, wanted, OFFICE, anothers), Facts(AT, b""))


def test_a_name_alone_is_no_question():
    named = question()
    for properties in ({}, {"accessKeyId": "AKIADEVELOPER"}, {"arn": "arn:aws:iam::111122223333:root"}):
        given = {**named, "subject": {"type": "user", "id": "arn:aws:iam::111122223333:root", "properties": properties}}
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(given, Evaluate)


def test_neither_signature_nor_token_can_be_printed_or_recorded():
    wanted = msgspec.convert(question(), Evaluate)
    secrets = (signed()["signature"], signed()["sessionToken"])
    spelled = (repr(wanted), repr(proofs_of(wanted)), json.dumps(recorded(question())))
    assert not [text for text in spelled for secret in secrets if secret in text]


# --- who may ask ----------------------------------------------------------------------------


def test_asking_needs_permission_for_the_service_that_is_asked_about():
    only = principals.AccessKeyDeleted(account=PRODUCTION, access_key_id=STORAGE.access_key_id)
    asker, mute = Credential(AccessKeyId("AKIAONLY")), UserId("AIDAONLY")
    there = (
        only,
        principals.UserCreated(account=PRODUCTION, user_id=mute, name="only", path="/"),
        principals.AccessKeyCreated(account=PRODUCTION, access_key_id=asker.access_key_id, owner=mute),
    )
    granted = msgspec.structs.replace(may_ask("s3"), holder=mute)
    assert refused(question(), *there, asker=asker).reason is Reason.ACCESS_DENIED
    assert answered(question(), *there, granted, asker=asker).decision
    table = f"arn:aws:dynamodb:us-east-1:{PRODUCTION}:table/Books"
    refusal = refused(question("dynamodb:GetItem", table), *there, granted, asker=asker)
    assert f"authority:Evaluate on resource: arn:aws:authority::{PRODUCTION}:evaluation/dynamodb" in refusal.message
    both = {"evaluations": [question(), question("dynamodb:GetItem", table)]}
    assert refused(both, *there, granted, asker=asker).reason is Reason.ACCESS_DENIED


@pytest.mark.parametrize("given", [question(), {"evaluations": [question()]}])
def test_a_client_cannot_ask_about_himself_without_that_permission(given):
    assert refused(given, asker=UPDATE_APPS).reason is Reason.ACCESS_DENIED


def test_a_resource_server_speaks_for_its_own_account_only():
    theirs = "arn:aws:sqs:us-east-1:444455556666:queue"
    refusal = refused(question("sqs:SendMessage", theirs))
    assert refusal == Refusal(
        Reason.ACCESS_DENIED, f"A resource server of {PRODUCTION} cannot speak for the resource {theirs}."
    )


def test_a_resource_without_an_account_in_its_arn_is_the_resource_servers():
    record = judged_record(question())
    assert record.resource_account == PRODUCTION
    assert record.context["aws:resourceaccount"] == PRODUCTION


def test_what_is_no_arn_is_refused():
    assert refused(question(resource="productionapp")).reason is Reason.VALIDATION_ERROR


# --- what it may say ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        "aws:PrincipalArn",
        "aws:PRINCIPALARN",
        "aws:PrincipalAccount",
        "aws:PrincipalTag/team",
        "aws:PrincipalOrgID",
        "aws:userid",
        "aws:username",
        "aws:MultiFactorAuthPresent",
        "aws:MultiFactorAuthAge",
        "aws:TokenIssueTime",
        "aws:SourceIdentity",
        "aws:FederatedProvider",
        "aws:CurrentTime",
        "aws:EpochTime",
        "aws:RequestedRegion",
        "aws:ResourceAccount",
        "aws:ViaAWSService",
        "aws:PrincipalIsAWSService",
        "aws:SourceArn",
        "aws:SourceAccount",
        "sts:RoleSessionName",
        "sts:ExternalId",
        "accounts.google.com:sub",
        "saml:sub",
        "dynamodb:LeadingKeys",
        "s3x:prefix",
    ],
)
def test_what_is_proven_or_another_services_cannot_be_stated(key):
    refusal = refused(question(context={key: "true"}))
    assert refusal.reason is Reason.VALIDATION_ERROR
    assert key in refusal.message


@pytest.mark.parametrize(
    "context",
    [
        pytest.param({"aws:SourceIp": "192.0.2.1", "aws:sourceip": "10.0.0.1"}, id="twice"),
        pytest.param({"aws:SourceIp": "here"}, id="an address that is none"),
        pytest.param({"aws:SourceIp": ["10.0.0.1"]}, id="a list of addresses"),
        pytest.param({"aws:SecureTransport": "maybe"}, id="a truth that is none"),
    ],
)
def test_what_no_policy_could_compare_is_refused(context):
    assert refused(question(context=context)).reason is Reason.VALIDATION_ERROR


@pytest.mark.parametrize(
    "wrong",
    [
        {"context": {"time": "now"}},
        {"context": {"s3:prefix": 1.5}},
        {"context": {"s3:prefix": None}},
        {"context": {f"s3:{number}": "x" for number in range(51)}},
        {"action": {"name": "s3:Get*"}},
        {"action": {"name": "GetObject"}},
        {"action": {"name": "s3:GetObject", "properties": {"a": 1}}},
        {"resource": {"type": "object", "id": "arn:aws:s3:::a\x00b"}},
        {"resource": {"type": "object", "id": OBJECT, "properties": {"owner": "me"}}},
        {"resource": {"type": "object", "id": OBJECT, "properties": {"policy": "x" * 20_481}}},
        {"whatever": 1},
    ],
)
def test_what_is_not_understood_is_refused(wrong):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**question(), **wrong}, Evaluate)


FROM_HERE = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}


def test_what_only_the_resource_server_vouches_for_is_weighed_and_marked():
    denied = inline(PRODUCTION, UPDATE_APP, "inside", Action="*", Resource="*", Effect="Deny", Condition=FROM_HERE)
    inside = {"aws:SourceIp": "::ffff:10.0.0.1", "aws:SecureTransport": True, "s3:max-keys": 7}
    assert answered(question(context={"aws:SourceIp": "192.0.2.1"}), denied).decision
    assert not answered(question(context=inside), denied).decision
    record = judged_record(question(context=inside), denied)
    assert record.asserted == ("aws:securetransport", "aws:sourceip", "s3:max-keys")
    assert record.context["aws:sourceip"] == "10.0.0.1"
    assert (record.context["aws:securetransport"], record.context["s3:max-keys"]) == ("true", "7")
    assert record.judged == SESSION.access_key_id


def test_no_resource_server_passes_on_what_was_signed_for_a_service_of_this_authority():
    assert {OWN_SERVICE, *SERVICES} == OURS


def test_an_address_with_its_zone_is_outside_of_other_networks_like_any_other():
    outside = {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    denied = inline(PRODUCTION, UPDATE_APP, "office", Action="*", Resource="*", Effect="Deny", Condition=outside)
    given = question(context={"aws:SourceIp": "fe80::1%eth0"})
    assert not answered(given, denied).decision
    assert judged_record(given, denied).context["aws:sourceip"] == "fe80::1"


def test_what_nobody_stated_is_absent_and_not_our_own_requests():
    """Our asker's address must not stand in for its client's: a Deny for other networks applies to who is nowhere."""
    outside = {"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}
    denied = inline(PRODUCTION, UPDATE_APP, "office", Action="*", Resource="*", Effect="Deny", Condition=outside)
    assert OFFICE.source_address == "192.0.2.7"
    assert not answered(question(), denied).decision
    record = judged_record(question(), denied)
    assert not {"aws:sourceip", "aws:useragent", "aws:securetransport"} & record.context.keys()
    assert "aws:sourceip" in record.missing
    assert record.context["aws:requestedregion"] == "us-east-1"
    assert record.asserted == ()


# --- the resource's own policy --------------------------------------------------------------


def admitting(principal: str, **more) -> str:
    return policy(Principal={"AWS": principal}, Action="s3:GetObject", Resource=OBJECT, **more)


def test_another_accounts_principal_needs_both_sides():
    reading = inline(AccountId("444455556666"), DEVELOPER, "reading", Action="s3:GetObject", Resource=OBJECT)
    his = signed(DEVELOPERS)
    admitted = admitting("arn:aws:iam::444455556666:user/Developer")
    assert answered(question(proof=his, policy=admitted), reading).decision
    assert not answered(question(proof=his, policy=admitted)).decision
    assert not answered(question(proof=his), reading).decision


def test_a_resources_policy_grants_in_its_own_account_and_its_deny_wins():
    role = f"arn:aws:iam::{PRODUCTION}:role/UpdateAPP"
    bare = holders.InlinePolicyDeleted(account=PRODUCTION, holder=UPDATE_APP, name="productionapp")
    assert answered(question(policy=admitting(role)), bare).decision
    assert not answered(question(policy=admitting(role, Effect="Deny"))).decision


def test_a_resources_policy_names_who_bears_the_name_now():
    role = f"arn:aws:iam::{PRODUCTION}:role/UpdateAPP"
    bare = holders.InlinePolicyDeleted(account=PRODUCTION, holder=UPDATE_APP, name="productionapp")
    renewed = (
        roles.RoleDeleted(account=PRODUCTION, role_id=UPDATE_APP),
        roles.RoleCreated(
            account=PRODUCTION, role_id=RoleId("AROANEW"), name="UpdateAPP", path="/", trust=roles.Trust("{}")
        ),
    )
    assert not answered(question(policy=admitting(role)), bare, *renewed).decision
    absent = role.replace("UpdateAPP", "Absent")
    assert not answered(question(policy=admitting(absent)), bare).decision


def test_a_resources_policy_is_read_like_every_other():
    refusal = refused(question(policy='{"Statement": {"Effect": "Allow"}}'))
    assert refusal.reason is Reason.MALFORMED_POLICY_DOCUMENT


# --- several at once ------------------------------------------------------------------------


def batch(*questions: dict, **shared) -> dict:
    return {"evaluations": list(questions), **shared}


def decisions(given: dict, *facts) -> list[bool]:
    answer = asked(given, *facts).answer
    return [one.decision for one in answer.evaluations]


def test_what_questions_have_in_common_is_said_once():
    one = question()
    shared = {"subject": one["subject"], "action": one["action"]}
    given = batch({"resource": one["resource"]}, {"resource": {"type": "object", "id": OTHER}}, **shared)
    assert decisions(given) == [True, False]
    answer = asked(given).answer
    assert [one.context.authorization_id for one in answer.evaluations] == ["r1.0", "r1.1"]


def test_each_question_is_judged_by_its_own_proof():
    given = batch(question(), question(proof=signed(DEVELOPERS)), question(proof=signed(signature="0" * 64)))
    assert decisions(given) == [True, False, False]
    records = [weighed.record() for weighed in asked(given).weighed]
    assert [record.judged for record in records] == [
        "", SESSION.access_key_id, key_of(DEVELOPER), SESSION.access_key_id
    ]  # fmt: skip
    assert [bool(record.unproven) for record in records] == [False, False, False, True]


@pytest.mark.parametrize(
    ("semantic", "expected"),
    [
        ("execute_all", [True, False, True]),
        ("deny_on_first_deny", [True, False]),
        ("permit_on_first_permit", [True]),
    ],
)
def test_a_batch_goes_as_far_as_it_was_asked_to(semantic, expected):
    given = batch(question(), question("s3:DeleteObject"), question(), options={"evaluations_semantic": semantic})
    assert decisions(given) == expected


def test_a_batch_of_none_is_one_question():
    assert answered({"evaluations": [], **question()}).decision


def test_a_question_that_lacks_something_is_named():
    refusal = refused(batch(question(), {"action": {"name": "s3:GetObject"}}))
    assert refusal.reason is Reason.VALIDATION_ERROR
    assert "evaluation 1" in refusal.message


def test_a_question_that_may_not_be_put_refuses_the_batch_and_is_named():
    refusal = refused(batch(question(), question("s3:GetObject", "productionapp")))
    assert refusal.message.startswith("The evaluation 1: ")


def test_a_batch_is_bounded():
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(batch(*[question()] * 51), EvaluateAll)


def test_every_decision_is_recorded_with_all_that_it_knew():
    decision = asked(question())
    asking, judging = (weighed.record() for weighed in decision.weighed)
    assert (asking.action, asking.judged) == ("authority:Evaluate", "")
    assert judging.context["aws:principalarn"] == f"arn:aws:iam::{PRODUCTION}:role/UpdateAPP"
    assert [matched.policy for matched in judging.determined_by] == ["productionapp"]
    assert decision.subject == OBJECT
    assert decision.facts == ()
