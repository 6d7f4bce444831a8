"""Shapes: what botocore writes is read, and what is written botocore reads."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import given, settings
from hypothesis import strategies as st

from authority.kernel.refusal import Reason, Refusal
from authority.kernel.secret import Secret
from authority.kernel.tags import Tag
from authority.wire.query import FORM, UNSPEAKABLE, read_form
from authority.wire.shapes import compile_service
from authority.wire.text import escaped

from .models import JSON, QUERY, fitting, operation, operations, ours, valued

HOSTILE = "<a>&amp;]]>\"'\r\n\t \u0085\u2028é日😀\ufffd"
ROLE = "arn:aws:iam::123456789012:role/app"
speakable = st.text(st.characters(exclude_categories=["Cs"])).filter(lambda text: UNSPEAKABLE.search(text) is None)


def form_of(model, params) -> dict[str, str]:
    """The form of a request as botocore writes it."""
    body = create_serializer("query").serialize_to_request(params, model)["body"]
    form = read_form(urlencode(body, doseq=True).encode(), f"{FORM}; charset=utf-8")
    assert isinstance(form, dict)
    return form


def read_back(protocol: str, model, document: bytes) -> Any:
    """The answer as botocore reads it."""
    parsed = create_parser(protocol).parse({"status_code": 200, "headers": {}, "body": document}, model.output_shape)
    parsed.pop("ResponseMetadata", None)
    return parsed


# --- every operation -------------------------------------------------------------------


@pytest.mark.parametrize("all_members", [True, False], ids=["all members", "required members"])
@pytest.mark.parametrize(("model", "ours_"), operations(*QUERY))
def test_what_botocore_writes_in_a_form_is_read(model, ours_, all_members):
    params = valued(model.input_shape, fitting, all_members=all_members) if model.input_shape is not None else {}
    assert ours_.read_query(form_of(model, params)) == params


@pytest.mark.parametrize("all_members", [True, False], ids=["all members", "required members"])
@pytest.mark.parametrize(("model", "ours_"), operations(*JSON))
def test_what_botocore_writes_in_json_is_read(model, ours_, all_members):
    params = valued(model.input_shape, fitting, all_members=all_members) if model.input_shape is not None else {}
    assert ours_.read_json(create_serializer("json").serialize_to_request(params, model)["body"]) == params


@pytest.mark.parametrize(("model", "ours_"), operations(*QUERY))
def test_botocore_reads_every_answer_in_xml(model, ours_):
    answer = valued(model.output_shape, lambda _: HOSTILE) if model.output_shape is not None else {}
    document = ours_.write_xml(answer, "id-<1>")
    assert read_back("query", model, document) == answer
    root = ET.fromstring(document)
    assert root.tag == f"{{{model.service_model.metadata['xmlNamespace']}}}{model.name}Response"
    assert [element.text for element in root.iter() if element.tag.endswith("RequestId")][-1] == "id-<1>"


@pytest.mark.parametrize(("model", "ours_"), operations(*JSON))
def test_botocore_reads_every_answer_in_json(model, ours_):
    answer = valued(model.output_shape, lambda _: HOSTILE) if model.output_shape is not None else {}
    assert read_back("json", model, ours_.write_json(answer)) == answer


@pytest.mark.parametrize(("model", "ours_"), operations(*QUERY, *JSON))
def test_an_operation_knows_what_its_model_says(model, ours_):
    assert ours_.name == model.name
    assert ours_.takes == (set(model.input_shape.members) if model.input_shape is not None else set())
    assert ours_.requires == (set(model.input_shape.required_members) if model.input_shape is not None else set())
    assert ours_.answers == (set(model.output_shape.members) if model.output_shape is not None else set())
    assert ours_.errors.keys() == {shape.error_code for shape in model.error_shapes}


@pytest.mark.parametrize(("model", "ours_"), [p for p in operations(*QUERY, *JSON) if p.values[1].requires])
def test_every_required_member_is_missed(model, ours_):
    refusal = ours_.read_json(b"{}") if model.service_model.metadata["protocol"] == "json" else ours_.read_query({})
    assert isinstance(refusal, Refusal)
    for name in ours_.requires:
        assert (
            f"Value null at '{name[0].lower()}{name[1:]}' failed to satisfy constraint: Member must not be null"
            in refusal.message
        )


def test_a_service_knows_its_names():
    sts, organizations = ours("sts"), ours("organizations")
    assert (sts.name, sts.api_version, sts.protocol) == ("sts", "2011-06-15", "query")
    assert sts.namespace == "https://sts.amazonaws.com/doc/2011-06-15/"
    assert (organizations.name, organizations.protocol, organizations.target_prefix) == (
        "organizations",
        "json",
        "AWSOrganizationsV20161128",
    )


def test_anonymous_operations_are_those_that_bring_their_own_proof():
    assert {o.name for o in ours("sts").operations.values() if o.anonymous} == {
        "AssumeRoleWithSAML",
        "AssumeRoleWithWebIdentity",
    }
    assert not any(o.anonymous for o in ours("iam").operations.values())


# --- any text survives -----------------------------------------------------------------


@settings(max_examples=150)
@given(arn=speakable, key=speakable, value=speakable, request_id=speakable)
def test_any_text_comes_back_from_xml_as_it_went(arn, key, value, request_id):
    model, create_role = operation("iam", "CreateRole")
    answer = {"Role": {"Path": "/", "RoleName": key, "Arn": arn, "Tags": [{"Key": key, "Value": value}]}}
    assert read_back("query", model, create_role.write_xml(answer, request_id)) == answer


@settings(max_examples=100)
@given(st.text(st.characters(exclude_categories=[]), max_size=20))
def test_whatever_a_text_holds_the_document_is_xml(text):
    _, create_role = operation("iam", "CreateRole")
    assert ET.fromstring(create_role.write_xml({"Role": {"RoleName": text}}, text)) is not None


def test_cve_2020_16250_an_echoed_name_cannot_forge_an_element():
    model, whoami = operation("sts", "GetCallerIdentity")
    forged = "x</Arn><Arn>arn:aws:iam::123456789012:root"
    parsed = read_back("query", model, whoami.write_xml({"Arn": forged, "Account": "1", "UserId": "</UserId>"}, "id"))
    assert parsed == {"Arn": forged, "Account": "1", "UserId": "</UserId>"}


@settings(max_examples=100)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_cve_2020_16250_whoever_accepts_json_reads_the_same_and_no_element(text):
    _, assume_role = operation("sts", "AssumeRole")
    forged = f"x</Arn><Arn>&{text}"
    answer = {"AssumedRoleUser": {"Arn": forged, "AssumedRoleId": text}, "PackedPolicySize": 3}
    document = assume_role.write_query_json(answer, "id")
    assert json.loads(document) == {
        "AssumeRoleResponse": {"AssumeRoleResult": answer, "ResponseMetadata": {"RequestId": "id"}}
    }
    assert not set(b"<>&") & set(document)


def test_an_operation_without_an_answer_answers_its_request_id_in_json_too():
    _, delete_user = operation("iam", "DeleteUser")
    assert json.loads(delete_user.write_query_json({}, "id")) == {
        "DeleteUserResponse": {"ResponseMetadata": {"RequestId": "id"}}
    }


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(st.text("aä日 _.:/=+-@1", min_size=1, max_size=8), st.text("aä日 _.:/=+-@1", max_size=8)), max_size=5
    )
)
def test_tags_come_in_as_they_were_sent(tags):
    model, assume_role = operation("sts", "AssumeRole")
    params = {"RoleArn": ROLE, "RoleSessionName": "me", "Tags": [{"Key": key, "Value": value} for key, value in tags]}
    assert assume_role.read_query(form_of(model, params)) == params


@settings(max_examples=100)
@given(speakable)
def test_any_text_comes_in_from_json_as_it_was_sent(text):
    model, create = operation("organizations", "CreatePolicy")
    params = {"Content": text or "{}", "Description": "", "Name": "n", "Type": "SERVICE_CONTROL_POLICY"}
    assert create.read_json(create_serializer("json").serialize_to_request(params, model)["body"]) == params


# --- how answers are spelled -----------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "inside"),
    [
        pytest.param({"Users": [], "IsTruncated": False}, "<Users></Users><IsTruncated>false</IsTruncated>", id="an empty list is there"),
        pytest.param({"Marker": None, "IsTruncated": True}, "<IsTruncated>true</IsTruncated>", id="None is not"),
        pytest.param({"Marker": ""}, "<Marker></Marker>", id="an empty text is"),
        pytest.param({"Users": ({"Path": "/"}, {"Path": "/a/"})}, "<Users><member><Path>/</Path></member><member><Path>/a/</Path></member></Users>", id="members"),
        pytest.param({"Users": [{"CreateDate": datetime(2026, 1, 2, 3, 4, 5, 999999, tzinfo=UTC)}]}, "<Users><member><CreateDate>2026-01-02T03:04:05Z</CreateDate></member></Users>", id="a time has no fraction"),
        pytest.param({"Users": [{"CreateDate": datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))}]}, "<Users><member><CreateDate>2026-01-02T01:04:05Z</CreateDate></member></Users>", id="a time is in UTC"),
        pytest.param({"Users": [{"Tags": [Tag("k", "v")]}]}, "<Users><member><Tags><member><Key>k</Key><Value>v</Value></member></Tags></member></Users>", id="a struct of ours goes by its wire names"),
    ],
)  # fmt: skip
def test_an_answer_in_xml(answer, inside):
    _, list_users = operation("iam", "ListUsers")
    assert list_users.write_xml(answer, "id-1").decode() == (
        '<ListUsersResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
        f"<ListUsersResult>{inside}</ListUsersResult>"
        "<ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata></ListUsersResponse>"
    )


def test_an_operation_without_an_answer_has_no_result():
    _, delete_user = operation("iam", "DeleteUser")
    assert delete_user.write_xml({}, "id-1").decode() == (
        '<DeleteUserResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
        "<ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata></DeleteUserResponse>"
    )


def test_a_secret_leaves_in_the_answer_that_is_made_for_it():
    _, create = operation("iam", "CreateAccessKey")
    assert b"<SecretAccessKey>s&amp;3</SecretAccessKey>" in create.write_xml(
        {"AccessKey": {"SecretAccessKey": Secret("s&3")}}, "id"
    )
    _, credentials = operation("cognito-identity", "GetCredentialsForIdentity")
    assert json.loads(credentials.write_json({"Credentials": {"SecretKey": Secret("s&3")}})) == {
        "Credentials": {"SecretKey": "s&3"}
    }


def test_a_time_in_json_is_a_number_of_seconds():
    _, describe = operation("organizations", "DescribeAccount")
    whole = {"Account": {"JoinedTimestamp": datetime(2026, 1, 1, tzinfo=UTC), "Name": None}}
    assert describe.write_json(whole) == b'{"Account":{"JoinedTimestamp":1767225600}}'
    part = {"Account": {"JoinedTimestamp": datetime(2026, 1, 1, 0, 0, 0, 500000, tzinfo=UTC)}}
    assert describe.write_json(part) == b'{"Account":{"JoinedTimestamp":1767225600.5}}'


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        pytest.param({"Nonsense": 1}, KeyError, id="a member that the model does not have"),
        pytest.param({"IsTruncated": "false"}, TypeError, id="a text for a boolean"),
        pytest.param({"Marker": 1}, TypeError, id="a number for a text"),
        pytest.param({"Users": [{"CreateDate": datetime(2026, 1, 1)}]}, TypeError, id="a time without its zone"),  # noqa: DTZ001
    ],
)
def test_an_answer_that_does_not_fit_the_model_is_our_fault(answer, fault):
    _, list_users = operation("iam", "ListUsers")
    with pytest.raises(fault):
        list_users.write_xml(answer, "id")
    with pytest.raises(fault):
        list_users.write_json(answer)


# --- what is refused, and how ----------------------------------------------------------

GOOD = {"RoleArn": ROLE, "RoleSessionName": "me"}
NAME_PATTERN = r"Member must satisfy regular expression pattern: [\w+=,.@-]*"


def assumed(**changes: str | None) -> Any:
    """What becomes of AssumeRole with some parameters changed; `__` stands for the dot."""
    fields = {**GOOD, **{name.replace("__", "."): value for name, value in changes.items()}}
    return operation("sts", "AssumeRole")[1].read_query(
        {name: value for name, value in fields.items() if value is not None}
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param(
            {"RoleSessionName": "Session1:2"},
            f"1 validation error detected: Value 'Session1:2' at 'roleSessionName' failed to satisfy constraint: {NAME_PATTERN}",
            id="a pattern, as AWS was recorded to say it",
        ),
        pytest.param({"RoleSessionName": "m\u0435n"}, f"1 validation error detected: Value 'm\u0435n' at 'roleSessionName' failed to satisfy constraint: {NAME_PATTERN}", id="a letter that looks like another"),
        pytest.param({"RoleSessionName": "me\n"}, f"1 validation error detected: Value 'me\n' at 'roleSessionName' failed to satisfy constraint: {NAME_PATTERN}", id="a line feed at the end"),
        pytest.param({"RoleSessionName": "x"}, "1 validation error detected: Value 'x' at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2", id="too short"),
        pytest.param({"RoleSessionName": "x" * 65}, f"1 validation error detected: Value '{'x' * 65}' at 'roleSessionName' failed to satisfy constraint: Member must have length less than or equal to 64", id="too long"),
        pytest.param({"RoleArn": None}, "1 validation error detected: Value null at 'roleArn' failed to satisfy constraint: Member must not be null", id="missing"),
        pytest.param({"DurationSeconds": "899"}, "1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900", id="too little"),
        pytest.param({"DurationSeconds": "43201"}, "1 validation error detected: Value '43201' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to 43200", id="too much"),
        pytest.param({"DurationSeconds": "-900"}, "1 validation error detected: Value '-900' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900", id="less than nothing"),
        pytest.param({"ExternalId": ""}, "1 validation error detected: Value '' at 'externalId' failed to satisfy constraint: Member must have length greater than or equal to 2", id="an empty external id is not an absent one"),
        pytest.param({"Tags__member__1__Key": "k"}, "1 validation error detected: Value null at 'tags.1.member.value' failed to satisfy constraint: Member must not be null", id="missing inside a list"),
        pytest.param(
            {"Tags__member__1__Key": "k", "Tags__member__1__Value": "v", "Tags__member__2__Key": "", "Tags__member__2__Value": "*"},
            "3 validation errors detected: Value '*' at 'tags.2.member.value' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*; "
            "Value '' at 'tags.2.member.key' failed to satisfy constraint: Member must have length greater than or equal to 1; "
            "Value '' at 'tags.2.member.key' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+",
            id="everything that is wrong, in one message",
        ),
        pytest.param(
            {"TransitiveTagKeys__member__1": "ok", "TransitiveTagKeys__member__2": "*"},
            "1 validation error detected: Value '[ok, *]' at 'transitiveTagKeys' failed to satisfy constraint: Member must satisfy constraint: "
            "[Member must have length less than or equal to 128, Member must have length greater than or equal to 1, "
            "Member must satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+]",
            id="a text in a list",
        ),
        *(
            pytest.param({"DurationSeconds": text}, f"1 validation error detected: Value '{text}' at 'durationSeconds' failed to satisfy constraint: Member must be an integer", id=f"the number {text!r}")
            for text in ("", "3_600", " 3600", "3600\n", "+", "٣٦٠٠", "0x10", "1e3", "3600.0", "99999999999", "-2147483649", "9" * 30)
        ),
    ],
)  # fmt: skip
def test_a_value_is_refused_in_the_words_of_aws(changes, message):
    assert assumed(**changes) == Refusal(Reason.VALIDATION_ERROR, message)


@pytest.mark.parametrize(("text", "number"), [("3600", 3600), ("+3600", 3600), ("03600", 3600)])
def test_an_integer_may_have_a_sign_and_zeros(text, number):
    assert assumed(DurationSeconds=text)["DurationSeconds"] == number


def test_an_enumeration_is_named_in_full():
    refusal = operation("iam", "UpdateAccessKey")[1].read_query({"AccessKeyId": "A" * 20, "Status": "active"})
    assert refusal == Refusal(
        Reason.VALIDATION_ERROR,
        "1 validation error detected: Value at 'status' failed to satisfy constraint: "
        "Member must satisfy enum value set: [Active, Inactive, Expired]",
    )


@pytest.mark.parametrize(
    ("name", "pairs", "message"),
    [
        pytest.param("CreateUser", {"UserName": "a b"}, "The specified value for userName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-", id="a name"),
        pytest.param("CreateUser", {"UserName": "a", "Path": "a/"}, "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.", id="a path"),
        pytest.param("CreatePolicy", {"PolicyName": "a", "PolicyDocument": "{}", "Path": "/a"}, "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.", id="a policy's path"),
        pytest.param("UpdateUser", {"UserName": "a", "NewPath": "/a"}, "The specified value for newPath is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.", id="a new path"),
        pytest.param("CreateUser", {"UserName": "a b", "Path": "a"}, "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.", id="the first of several"),
        pytest.param("CreateUser", {"UserName": "*" * 65}, "1 validation error detected: Value at 'userName' failed to satisfy constraint: Member must have length less than or equal to 64", id="one that is too long as well"),
        pytest.param("UntagUser", {"UserName": "a", "TagKeys.member.1": "*"}, "1 validation error detected: Value at 'tagKeys' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+, Member must not be null]", id="a key of a tag in a list"),
        pytest.param(
            "CreateOpenIDConnectProvider",
            {"Url": "b" * 256, "ClientIDList.member.1": "b" * 256, "ThumbprintList.member.1": "b" * 41},
            "3 validation errors detected: "
            "Value at 'clientIDList' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 255, Member must have length greater than or equal to 1]; "
            "Value at 'thumbprintList' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 40, Member must have length greater than or equal to 40]; "
            "Value at 'url' failed to satisfy constraint: Member must have length less than or equal to 255",
            id="several members, as AWS was recorded to order them",
        ),
        pytest.param(
            "UpdateAccountPasswordPolicy",
            {"MinimumPasswordLength": "129", "PasswordReusePrevention": "25", "MaxPasswordAge": "1096"},
            "3 validation errors detected: "
            "Value at 'minimumPasswordLength' failed to satisfy constraint: Member must have value less than or equal to 128; "
            "Value at 'passwordReusePrevention' failed to satisfy constraint: Member must have value less than or equal to 24; "
            "Value at 'maxPasswordAge' failed to satisfy constraint: Member must have value less than or equal to 1095",
            id="several numbers, as AWS was recorded to order them",
        ),
    ],
)  # fmt: skip
def test_iam_repeats_no_value_and_has_words_of_its_own_for_names_and_paths(name, pairs, message):
    assert operation("iam", name)[1].read_query(pairs) == Refusal(Reason.VALIDATION_ERROR, message)


def test_a_list_that_is_too_long_is_shown_as_a_list():
    refusal = assumed(**{f"TransitiveTagKeys__member__{n}": "k" for n in range(1, 52)})
    assert refusal.message.startswith("1 validation error detected: Value '[k, k, k,")
    assert refusal.message.endswith(
        "]' at 'transitiveTagKeys' failed to satisfy constraint: Member must have length less than or equal to 50"
    )


def test_a_password_that_is_refused_is_not_repeated():
    refusal = operation("iam", "ChangePassword")[1].read_query(
        {"OldPassword": "hunter2", "NewPassword": "hunter3" + "\u0100"}
    )
    assert isinstance(refusal, Refusal)
    assert "hunter" not in refusal.message
    assert refusal.message.startswith(
        "1 validation error detected: Value at 'newPassword' failed to satisfy constraint: "
    )


def test_an_assertion_that_is_refused_is_not_repeated():
    refusal = operation("sts", "AssumeRoleWithSAML")[1].read_query(
        {"RoleArn": ROLE, "PrincipalArn": ROLE, "SAMLAssertion": "x"}
    )
    assert isinstance(refusal, Refusal)
    assert refusal.message == (
        "1 validation error detected: Value at 'sAMLAssertion' failed to satisfy constraint: Member must have length greater than or equal to 4"
    )


def test_a_long_value_is_shown_in_part():
    refusal = assumed(ExternalId="x" * 100_000)
    assert len(refusal.message) < 2000


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"rolearn": ROLE}, id="CVE-2022-2385 a known name in another case"),
        pytest.param({"action": "GetCallerIdentity"}, id="CVE-2022-2385 the action in another case"),
        pytest.param({"VERSION": "2011-06-15"}, id="the version in another case"),
        pytest.param({"Tags__member__1__key": "k"}, id="a nested name in another case"),
        pytest.param({"Tags__Member__1__Key": "k"}, id="the word between in another case"),
        pytest.param({"Tags__1__Key": "k"}, id="a list that is not flattened, flattened"),
        pytest.param({"Tags__member__2__Key": "k"}, id="a list that begins at 2"),
        pytest.param({"Tags__member__0__Key": "k"}, id="a list that begins at 0"),
        pytest.param({"TransitiveTagKeys__member__1": "a", "TransitiveTagKeys__member__3": "b"}, id="a gap"),
        pytest.param({"TransitiveTagKeys__member__01": "a"}, id="an index with a zero before it"),
        pytest.param({"TransitiveTagKeys__member__1": "a", "TransitiveTagKeys__member__01": "b"}, id="an index twice"),
        pytest.param({"TransitiveTagKeys__member__1000000000": "a"}, id="an index of a thousand million"),
        pytest.param({"TransitiveTagKeys__member__-1": "a"}, id="an index below zero"),
        pytest.param({"TransitiveTagKeys__member__١": "a"}, id="an index in other digits"),
        pytest.param({"TransitiveTagKeys__member": "a"}, id="a list without an index"),
        pytest.param({"TransitiveTagKeys": "a"}, id="a text for a list"),
        pytest.param({"TransitiveTagKeys": "", "TransitiveTagKeys__member__1": "a"}, id="an empty list with a member"),
        pytest.param({"TransitiveTagKeys__member__1": "a", "TransitiveTagKeys__other": "b"}, id="a list with something beside its members"),
        pytest.param({"TransitiveTagKeys__member__1__Key": "a"}, id="a structure for a text"),
        pytest.param({"Tags__member__1": "a"}, id="a text for a structure"),
        pytest.param({"RoleArn__x": "a"}, id="something below a text"),
        pytest.param({"RoleArn": None, "RoleArn__": "a"}, id="an empty name below a text"),
    ],
)  # fmt: skip
def test_a_form_that_two_readers_read_differently_is_refused(changes):
    refusal = assumed(**changes)
    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.MALFORMED_QUERY_STRING


def test_a_text_and_something_below_it_are_refused_in_any_order():
    refusal = operation("sts", "AssumeRole")[1].read_query({"RoleArn.x": "a", **GOOD})
    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.MALFORMED_QUERY_STRING


@pytest.mark.parametrize(
    "name", ["Nonsense", "aws:MultiFactorAuthPresent", "Account", "Nonsense.member.1", "X.Y.Z", "."]
)
def test_an_unknown_parameter_has_no_effect(name):
    assert assumed(**{name: "true"}) == GOOD


def test_an_empty_list_is_sent_as_an_empty_text():
    assert assumed(Tags="") == {**GOOD, "Tags": []}


@pytest.mark.parametrize("text", ["True", "1", "yes", "TRUE", " true", ""])
def test_a_boolean_is_true_or_false(text):
    _, create = operation("iam", "CreateLoginProfile")
    fields = {"UserName": "bob", "Password": "a-password"}
    assert create.read_query({**fields, "PasswordResetRequired": "false"})["PasswordResetRequired"] is False
    refusal = create.read_query({**fields, "PasswordResetRequired": text})
    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.VALIDATION_ERROR


def test_a_name_without_end_is_refused():
    refusal = assumed(**{".".join(["Nonsense"] * 40): "x"})
    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.MALFORMED_QUERY_STRING


def test_a_message_does_not_grow_with_the_request():
    refusal = assumed(**{f"Tags__member__{n}__Key": "k" for n in range(1, 51)})
    assert refusal.message.startswith("50 validation errors detected: ")
    assert refusal.message.count("must not be null") == 20


def test_a_document_escapes_what_would_end_an_attribute():
    assert escaped('"') == "&quot;"


# --- JSON ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[]", id="not an object"),
        pytest.param(b"null", id="null"),
        pytest.param(b'{"AccountId": 1}', id="a number for a text"),
        pytest.param(b'{"AccountId": ["1"]}', id="a list for a text"),
        pytest.param(b'{"AccountId": "1", "AccountId": "2"}', id="the same member twice"),
        pytest.param(b'{"accountid": "1"}', id="a member in another case"),
        pytest.param(b'{"AccountId": "\\u0000"}', id="an escaped NUL"),
        pytest.param(b'{"AccountId": "\\ud800"}', id="half a surrogate pair"),
        pytest.param(b'{"Other": "\\ud800"}', id="half a surrogate pair in a member that nobody knows"),
        pytest.param(b'{"AccountId": "\x00"}', id="a NUL"),
        pytest.param(b'{"AccountId": "\xff"}', id="bytes that are not UTF-8"),
        pytest.param(b'\xef\xbb\xbf{"AccountId": "1"}', id="a byte order mark"),
        pytest.param(b'{"AccountId": NaN}', id="a number that is none"),
        pytest.param(b'{"AccountId": ' + b"9" * 5000 + b"}", id="an endless number"),
        pytest.param(b"[" * 100_000, id="brackets without end"),
        pytest.param(b'{"a":' * 100_000, id="braces without end"),
        pytest.param(b'{"AccountId": "1"} x', id="something after the end"),
        pytest.param(b"{'AccountId': '1'}", id="single quotes"),
    ],
)
def test_json_that_two_readers_read_differently_is_refused(body):
    refusal = operation("organizations", "DescribeAccount")[1].read_json(body)
    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.UNREADABLE_INPUT


def test_json_values_meet_the_same_constraints():
    refusal = operation("organizations", "DescribeAccount")[1].read_json(b'{"AccountId": "12345678901\\u0663"}')
    assert refusal == Refusal(
        Reason.VALIDATION_ERROR,
        "1 validation error detected: Value '12345678901\u0663' at 'accountId' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: ^\\d{12}$",
    )


@pytest.mark.parametrize(
    ("service", "name", "body"),
    [
        pytest.param("organizations", "CreateAccount", {"AccountName": "a", "Email": "a@" + "." * 100_000 + "\n"}, id="an address"),
        pytest.param("organizations", "ListTagsForResource", {"ResourceId": "r-" + "a" * 100_000}, id="an id"),
        pytest.param("organizations", "InviteOrganizationToTransferResponsibility", {"SourceName": "\U0001e900" * 100_000}, id="a name"),
        pytest.param("cloudtrail", "StartQuery", {"QueryAlias": "a" * 100_000}, id="an alias"),
    ],
)  # fmt: skip
@pytest.mark.timeout(5)
def test_a_pattern_does_not_wander_through_a_long_text(service, name, body):
    refusal = operation(service, name)[1].read_json(json.dumps(body).encode())
    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.VALIDATION_ERROR


@pytest.mark.timeout(5)
def test_a_pattern_without_a_bound_does_not_wander_either():
    wandering = {"type": "string", "pattern": "^arn:aws:organizations::.+:.+"}
    model = {
        "metadata": {"endpointPrefix": "x", "apiVersion": "1", "protocol": "json"},
        "operations": {"Do": {"input": {"shape": "In"}}},
        "shapes": {"In": {"type": "structure", "members": {"Arn": {"shape": "Arn"}}}, "Arn": wandering},
    }
    read = compile_service(model).operations["Do"].read_json
    assert isinstance(read(json.dumps({"Arn": "arn:aws:organizations::" + "a:" * 100_000 + "\n"}).encode()), Refusal)
    assert read(json.dumps({"Arn": "arn:aws:organizations::a:b"}).encode()) == {"Arn": "arn:aws:organizations::a:b"}


def test_null_in_json_is_as_good_as_absent():
    refusal = operation("organizations", "DescribeAccount")[1].read_json(b'{"AccountId": null}')
    assert isinstance(refusal, Refusal)
    assert "Value null at 'accountId'" in refusal.message


# --- what these services do not have, and the protocol does ----------------------------

STRANGE = compile_service(
    {
        "metadata": {"endpointPrefix": "strange", "apiVersion": "1", "protocol": "query", "xmlNamespace": "urn:x"},
        "operations": {
            "Do": {"name": "Do", "input": {"shape": "All"}, "output": {"shape": "All", "resultWrapper": "DoResult"}}
        },
        "shapes": {
            "All": {
                "type": "structure",
                "members": {
                    "Flat": {"shape": "FlatList"},
                    "Named": {"shape": "NamedList"},
                    "Renamed": {"shape": "Text", "locationName": "renamed"},
                    "Map": {"shape": "Map"},
                    "FlatMap": {"shape": "FlatMap"},
                    "Within": {"shape": "All"},
                    "Blob": {"shape": "Blob"},
                    "Float": {"shape": "Float"},
                    "Long": {"shape": "Long"},
                    "When": {"shape": "When"},
                    "Hidden": {"shape": "HiddenList"},
                },
            },
            "FlatList": {"type": "list", "member": {"shape": "Text", "locationName": "Item"}, "flattened": True},
            "HiddenList": {"type": "list", "member": {"shape": "HiddenPair"}, "max": 1},
            "HiddenPair": {
                "type": "structure",
                "members": {"Password": {"shape": "Password"}, "Within": {"shape": "HiddenPair"}},
            },
            "Password": {"type": "string", "sensitive": True},
            "NamedList": {"type": "list", "member": {"shape": "Text", "locationName": "entry"}},
            "Map": {"type": "map", "key": {"shape": "Text"}, "value": {"shape": "Text"}, "max": 2},
            "FlatMap": {
                "type": "map",
                "key": {"shape": "Text", "locationName": "K"},
                "value": {"shape": "Text"},
                "flattened": True,
            },
            "Text": {"type": "string", "max": 5},
            "Blob": {"type": "blob", "max": 3},
            "Float": {"type": "float", "max": 10},
            "Long": {"type": "long"},
            "When": {"type": "timestamp"},
        },
    }
).operations["Do"]
MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("pairs", "values"),
    [
        pytest.param({"Item.1": "a", "Item.2": "b"}, {"Flat": ["a", "b"]}, id="a flattened list by the name of its members"),
        pytest.param({"Named.entry.1": "a"}, {"Named": ["a"]}, id="a list with another word between"),
        pytest.param({"renamed": "a"}, {"Renamed": "a"}, id="a member by its name on the wire"),
        pytest.param({"Map.entry.1.key": "a", "Map.entry.1.value": "b"}, {"Map": {"a": "b"}}, id="a map"),
        pytest.param({"FlatMap.1.K": "a", "FlatMap.1.value": "b"}, {"FlatMap": {"a": "b"}}, id="a flattened map"),
        pytest.param({"Within.Within.Map.entry.1.key": "a", "Within.Within.Map.entry.1.value": "b"}, {"Within": {"Within": {"Map": {"a": "b"}}}}, id="a shape within itself"),
        pytest.param({"Blob": "AP8="}, {"Blob": b"\x00\xff"}, id="a blob"),
        pytest.param({"Float": "-1.5e0"}, {"Float": -1.5}, id="a number with a fraction"),
        pytest.param({"Long": "9223372036854775807"}, {"Long": 2**63 - 1}, id="the largest number"),
        pytest.param({"When": "2026-01-02T03:04:05Z"}, {"When": MOMENT}, id="a time in UTC"),
        pytest.param({"When": "2026-01-02T05:04:05.000+02:00"}, {"When": MOMENT}, id="a time elsewhere"),
    ],
)  # fmt: skip
def test_a_strange_form_is_read(pairs, values):
    assert STRANGE.read_query(pairs) == values


@pytest.mark.parametrize(
    "pairs",
    [
        pytest.param({"Map.entry.1.key": "a"}, id="a key without a value"),
        pytest.param({"Map.entry.1.key": "a", "Map.entry.1.value": "b", "Map.entry.2.key": "a", "Map.entry.2.value": "c"}, id="a key twice"),
        pytest.param({"Map.entry.1": "a"}, id="a text for an entry"),
        pytest.param({"Map.entry.1.key": "abcdef", "Map.entry.1.value": "b"}, id="a key too long"),
        pytest.param({"Map.entry.1.key": "b", "Map.entry.1.value": "abcdef"}, id="a value too long"),
        pytest.param({f"Map.entry.{n}.{w}": str(n) for n in (1, 2, 3) for w in ("key", "value")}, id="too many entries"),
        pytest.param({"Within.Within.renamed": "abcdef"}, id="a text too long within the shape itself"),
        pytest.param({"Blob": "AP8"}, id="base64 without its padding"),
        pytest.param({"Blob": "AP9="}, id="base64 with stray bits"),
        pytest.param({"Blob": "AP8=\n"}, id="base64 with a line feed"),
        pytest.param({"Blob": "é==="}, id="base64 that is not ASCII"),
        pytest.param({"Blob": "AAAAAAAA"}, id="a blob too long"),
        pytest.param({"Float": "nan"}, id="a number that is none"),
        pytest.param({"Float": "1e999"}, id="a number without end"),
        pytest.param({"Float": "10.5"}, id="a number too large"),
        pytest.param({"Long": "9223372036854775808"}, id="one more than the largest number"),
        pytest.param({"When": "2026-W01-1"}, id="a date of a week"),
        pytest.param({"When": "2026-01-02"}, id="a date without a time"),
        pytest.param({"When": "2026-13-02T03:04:05Z"}, id="a thirteenth month"),
        pytest.param({"When": "0001-01-01T00:00:00+23:00"}, id="a time before time"),
        pytest.param({"When": "2026-01-02T03:04:05"}, id="a time without its zone"),
    ],
)  # fmt: skip
def test_a_strange_form_is_refused(pairs):
    assert isinstance(STRANGE.read_query(pairs), Refusal)


def test_a_list_that_holds_something_hidden_is_not_shown():
    refusal = STRANGE.read_query({"Hidden.member.1.Password": "hunter2", "Hidden.member.2.Password": "hunter3"})
    assert refusal == Refusal(
        Reason.VALIDATION_ERROR,
        "1 validation error detected: Value at 'hidden' failed to satisfy constraint: Member must have length less than or equal to 1",
    )


def test_a_list_that_holds_nothing_hidden_is_shown():
    refusal = STRANGE.read_query({f"Map.entry.{n}.{part}": f"{n}" for n in (1, 2, 3) for part in ("key", "value")})
    assert isinstance(refusal, Refusal)
    assert refusal.message.startswith(
        "1 validation error detected: Value '{1=1, 2=2, 3=3}' at 'map' failed to satisfy constraint: "
    )


def test_a_strange_answer_is_written():
    document = STRANGE.write_xml(
        {
            "Flat": ["a", "b"], "Named": ["c"], "Renamed": "d", "Map": {"e": "f"}, "FlatMap": {"g": "h"}, "Within": {"Blob": b"i"}, "Float": 1.5, "Long": -1,
        },
        "id",
    )  # fmt: skip
    assert document.decode() == (
        '<DoResponse xmlns="urn:x"><DoResult><Item>a</Item><Item>b</Item><Named><entry>c</entry></Named><renamed>d</renamed>'
        "<Map><entry><key>e</key><value>f</value></entry></Map><FlatMap><K>g</K><value>h</value></FlatMap>"
        "<Within><Blob>aQ==</Blob></Within><Float>1.5</Float><Long>-1</Long></DoResult>"
        "<ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></DoResponse>"
    )


@pytest.mark.parametrize(
    ("body", "values"),
    [
        pytest.param({"Map": {"a": "b"}, "Flat": ["c"], "Within": {"renamed": "d"}}, {"Map": {"a": "b"}, "Flat": ["c"], "Within": {"Renamed": "d"}}, id="containers"),
        pytest.param({"Blob": "AP8=", "Float": 1, "Long": -1, "When": 1767323045}, {"Blob": b"\x00\xff", "Float": 1.0, "Long": -1, "When": MOMENT}, id="scalars"),
        pytest.param({"Map": []}, None, id="a list for a map"),
        pytest.param({"Flat": {}}, None, id="an object for a list"),
        pytest.param({"Flat": [None]}, None, id="null in a list"),
        pytest.param({"Blob": 1}, None, id="a number for a blob"),
        pytest.param({"Blob": "!"}, None, id="base64 that is none"),
        pytest.param({"Float": "1"}, None, id="a text for a number"),
        pytest.param({"Float": True}, None, id="true for a number"),
        pytest.param({"Float": 10**400}, None, id="a number without end"),
        pytest.param({"Long": True}, None, id="true for an integer"),
        pytest.param({"Long": 1.0}, None, id="a fraction for an integer"),
        pytest.param({"Long": 2**63}, None, id="one more than the largest number"),
        pytest.param({"When": 10**15}, None, id="a time after time"),
        pytest.param({"When": "2026-01-02T03:04:05Z"}, None, id="a text for a time"),
        pytest.param({"When": True}, None, id="true for a time"),
        pytest.param({"Within": []}, None, id="a list for a structure"),
    ],
)  # fmt: skip
def test_strange_json_is_read_or_refused(body, values):
    read = STRANGE.read_json(json.dumps(body).encode())
    assert isinstance(read, Refusal) if values is None else read == values


def test_a_model_with_a_shape_that_nobody_knows_is_not_compiled():
    model = {
        "metadata": {"endpointPrefix": "x", "apiVersion": "1", "protocol": "query"},
        "operations": {"Do": {"input": {"shape": "Odd"}}},
        "shapes": {"Odd": {"type": "document"}},
    }
    with pytest.raises(ValueError, match="unknown type: `Odd`"):
        _ = compile_service(model).operations["Do"]


# --- any bytes -------------------------------------------------------------------------

pieces = st.sampled_from(
    [
        "RoleArn",
        "Tags",
        "member",
        "1",
        "2",
        "Key",
        "Value",
        "",
        "tags",
        "Policy",
        "PolicyArns",
        "arn",
        "DurationSeconds",
    ]
)
dotted = st.lists(pieces | st.text(max_size=3), max_size=6).map(".".join)
READERS = [o for service in QUERY for o in ours(service).operations.values()]
JSON_READERS = [o for service in JSON for o in ours(service).operations.values()]
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["AccountId", "Tags", "Key", "Filter", "StartTime", "MaxResults"]), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=300)
@given(st.sampled_from(READERS), st.dictionaries(dotted, st.text(max_size=6), max_size=8))
def test_any_form_is_values_or_a_refusal(reader, form):
    assert isinstance(reader.read_query(form), dict | Refusal)


@settings(max_examples=300)
@given(st.sampled_from(JSON_READERS), st.binary(max_size=30) | documents.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_values_or_a_refusal(reader, body):
    assert isinstance(reader.read_json(body), dict | Refusal)


@settings(max_examples=500)
@given(st.sampled_from(READERS), st.data())
def test_a_plain_form_is_read_as_any_other(reader, data):
    names = [*sorted(reader.takes), "Action", "Version", "Other"]
    texts = st.sampled_from(["", "a", "app", ROLE, "3600", "0", "true", "x" * 70, "é", "a b", "/", "Active", "123456"])
    form = data.draw(st.dictionaries(st.sampled_from(names), texts, max_size=6))
    shortly, at_length = reader._read_plain(form), reader._read_at_length(form)
    assert shortly is None or shortly == at_length
    assert reader.read_query(form) == at_length


def test_what_most_calls_send_is_read_at_once():
    form = {"Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": ROLE, "RoleSessionName": "bench"}
    assert operation("sts", "AssumeRole")[1]._read_plain(form) == {"RoleArn": ROLE, "RoleSessionName": "bench"}


def test_a_thousand_segments_are_no_fault():
    deep = ".".join(["Within"] * 70_000)
    assert isinstance(STRANGE.read_query({deep: "x"}), dict | Refusal)
    nested = b'{"Within":' * 900 + b"{}" + b"}" * 900
    assert isinstance(STRANGE.read_json(nested), dict | Refusal)
