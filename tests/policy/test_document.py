"""What the text of a policy may say, and the words with which IAM refuses the rest."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authority.kernel.refusal import Reason, Refusal
from authority.policy.document import Document, Kind, parse, problems, size_of

from .generate import questions
from .reference import Paper

ROLE = "arn:aws:iam::111122223333:role/team/app"
USER = "arn:aws:iam::111122223333:user/alice"
SYNTAX = "Syntax errors in policy."
NOT_JSON = "This policy contains invalid Json"
LEGACY = "The policy failed legacy parsing"
NO_PRINCIPAL = "Missing required field Principal"
NO_ACTIONS = "Policy statement must contain actions."
NO_RESOURCES = "Policy statement must contain resources."
NOT_CURRENT = "Policy document must be version 2012-10-17 or greater."
ROLE_ACTIONS = "AssumeRole policy may only specify STS AssumeRole actions."
SID = "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
SIDS = "Statement IDs (SID) in a single policy must be unique."
VENDORLESS = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
IAM_PATH = (
    'IAM resource path must either be "*", root, or start with user/, federated-user/, role/, group/, instance-profile/, mfa/, '
    "server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/."
)
REGEX = "Resource vendor must be fully qualified and cannot contain regexes."


def identity(**changes) -> str:
    """An identity policy that is in order, but for *changes* to its statement; None takes an element away."""
    return document({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"} | changes)


def trust(**changes) -> str:
    return document({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": USER}} | changes)


def resource(**changes) -> str:
    return document({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Principal": "*"} | changes)


def document(*statements: dict, **top) -> str:
    kept = [{key: value for key, value in statement.items() if value is not None} for statement in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": kept} | top)


def read(text: str, kind: Kind = Kind.IDENTITY) -> Document:
    found = parse(text, kind)
    assert isinstance(found, Document), found
    return found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", NOT_JSON, id="nothing"),
        pytest.param(" \n\t", NOT_JSON, id="white space"),
        pytest.param("{", NOT_JSON, id="an open brace"),
        pytest.param("{}x", NOT_JSON, id="something after the end"),
        pytest.param("{'Version': 1}", NOT_JSON, id="single quotes"),
        pytest.param('{"Version" "2012-10-17"}', NOT_JSON, id="a missing colon"),
        pytest.param('{"Version": "2012-10-17",}', NOT_JSON, id="a comma before the end"),
        pytest.param('{"Statement": [{},]}', NOT_JSON, id="a comma before the end of a list"),
        pytest.param('{"Statement": [{} {}]}', NOT_JSON, id="a missing comma"),
        pytest.param('{"Version": "2012\n-10-17"}', NOT_JSON, id="a line break in a string"),
        pytest.param('{"Version": "\\x"}', NOT_JSON, id="an unknown escape"),
        pytest.param('{"Id": "\\ud800"}', NOT_JSON, id="half a surrogate pair"),
        pytest.param('{"Version": 01}', NOT_JSON, id="a number with a leading zero"),
        pytest.param('{"Version": NaN}', NOT_JSON, id="not a number"),
        pytest.param('{"Version": nul}', NOT_JSON, id="half a word"),
        pytest.param("[]", SYNTAX, id="a list"),
        pytest.param('"text"', SYNTAX, id="a string"),
        pytest.param("null", SYNTAX, id="null"),
        pytest.param("{}", SYNTAX, id="no statement"),
        pytest.param(identity().replace("GetObject", "Get\u0100"), SYNTAX, id="a character beyond U+00FF"),
        pytest.param(identity().replace("GetObject", "Get\x00"), SYNTAX, id="a control character"),
        pytest.param(document(Extra=1), SYNTAX, id="an unknown element"),
        pytest.param(document(), SYNTAX, id="an empty list of statements"),
        pytest.param(document(Statement="*"), SYNTAX, id="a statement that is text"),
        pytest.param(document(Statement=[1]), SYNTAX, id="a statement that is a number"),
        pytest.param(document(Id=7), SYNTAX, id="an Id that is a number"),
        pytest.param(document(*[json.loads(identity())["Statement"][0]] * 201), SYNTAX, id="201 statements"),
        pytest.param("[" * 33 + "]" * 33, SYNTAX, id="33 lists in each other"),
        pytest.param('{"a":' * 33 + "1" + "}" * 33, SYNTAX, id="33 objects in each other"),
        pytest.param(document(Version="2012-10-18"), SYNTAX, id="a version that there is not"),
        pytest.param(document(Version=2012), SYNTAX, id="a version that is a number"),
        pytest.param('{"Effect": "Deny", "Effect": "Allow"}', SYNTAX, id="a repeated key"),
        pytest.param(identity()[:-3] + ', "Effect": "Deny"}]}', SYNTAX, id="a repeated Effect"),
        pytest.param(identity(effect="Allow"), SYNTAX, id="an element in lower case"),
        pytest.param(identity(NotPrincipl="*"), SYNTAX, id="a misspelled element"),
        pytest.param(identity(Effect=None), SYNTAX, id="no Effect"),
        pytest.param(identity(Effect="allow"), LEGACY, id="Effect in lower case"),
        pytest.param(identity(Effect="Permit"), SYNTAX, id="an Effect that there is not"),
        pytest.param(identity(Effect=["Allow"]), LEGACY, id="Effect as a list"),
        pytest.param(identity(Sid="has space"), SID, id="a Sid with a space"),
        pytest.param(identity(Sid=7), SYNTAX, id="a Sid that is a number"),
        pytest.param(identity(Action=None), NO_ACTIONS, id="no Action"),
        pytest.param(identity(Action=[]), NO_ACTIONS, id="an empty list of actions"),
        pytest.param(identity(Action=7), SYNTAX, id="an Action that is a number"),
        pytest.param(identity(NotAction="s3:*"), SYNTAX, id="Action and NotAction"),
        pytest.param(identity(Action="GetObject"), VENDORLESS, id="an action without a vendor"),
        pytest.param(identity(Action=""), VENDORLESS, id="an empty action"),
        pytest.param(identity(Action="s3:Get:x"), "Actions/Condition can contain only one colon.", id="two colons"),
        pytest.param(identity(Action="s*:Get"), "Vendor s* is not valid", id="a wildcard in the vendor"),
        pytest.param(identity(Action=":Get"), "Vendor  is not valid", id="an empty vendor"),
        pytest.param(identity(Action="s3:"), SYNTAX, id="an empty action name"),
        pytest.param(identity(Resource=None), NO_RESOURCES, id="no Resource"),
        pytest.param(identity(Resource=[]), NO_RESOURCES, id="an empty list of resources"),
        pytest.param(identity(NotResource="*"), SYNTAX, id="Resource and NotResource"),
        pytest.param(identity(Action=None, Resource=None), NO_ACTIONS, id="neither Action nor Resource"),
        pytest.param(identity(Action="GetObject", Resource=None), NO_RESOURCES, id="a bad action, and no Resource"),
        pytest.param(identity(Action=None, Resource="arn:aws:s3::x"), LEGACY, id="no Action, and a bad resource"),
        pytest.param(
            identity(Action="s:3:x", Resource="home"),
            'Resource home must be in ARN format or "*".',
            id="a bad action and a bad resource",
        ),
        pytest.param(identity(Action=None, Condition={"StringEquals": {"a": {}}}), SYNTAX, id="no Action, and a bad value"),
        pytest.param(identity(Resource="home"), 'Resource home must be in ARN format or "*".', id="no ARN"),
        pytest.param(identity(Resource="arn"), 'Resource arn must be in ARN format or "*".', id="arn alone"),
        pytest.param(
            identity(Resource="arn:azure:s3:::x"),
            'Partition "azure" is not valid for resource "arn:azure:s3:::x".',
            id="an unknown partition",
        ),
        pytest.param(identity(Resource="arn:aws:*:::x"), REGEX, id="a wildcard service"),
        pytest.param(identity(Resource="arn:aws:*"), REGEX, id="a wildcard for service and the rest"),
        pytest.param(identity(Resource="arn:aws"), REGEX, id="no service"),
        pytest.param(
            identity(Resource="arn:aws:iam:eu-west-1:111122223333:role/x"),
            "IAM resource arn:aws:iam:eu-west-1:111122223333:role/x cannot contain region information.",
            id="a region in an ARN of IAM",
        ),
        pytest.param(
            identity(Resource="arn:aws:s3:eu-west-1::x"),
            "Resource arn:aws:s3:eu-west-1::x can not contain region information.",
            id="a region in an ARN of S3",
        ),
        pytest.param(
            identity(Resource="aws:s3:::home"),
            'Partition "s3" is not valid for resource "arn:s3:::home:*".',
            id="a resource without arn",
        ),
        pytest.param(
            identity(Resource="a:home"),
            'Partition "home" is not valid for resource "arn:home:*:*:*:*".',
            id="a resource of two fields",
        ),
        pytest.param(identity(Resource="x:aws:s3:::home"), 'Resource x:aws:s3:::home must be in ARN format or "*".', id="another word than arn"),
        pytest.param(identity(Resource="arn:aws:s3::x"), LEGACY, id="an ARN with five fields"),
        pytest.param(identity(NotResource="arn:aws:s3::x", Resource=None), LEGACY, id="an ARN with five fields left out"),
        pytest.param(identity(Resource="arn:aws::x"), LEGACY, id="an ARN without a service"),
        pytest.param(identity(Resource="arn:aws::::x"), LEGACY, id="an ARN of six fields without a service"),
        *(
            pytest.param(identity(Resource=f"arn:aws:iam::{path}"), IAM_PATH, id=f"{path} of IAM")
            for path in (
                ":example_bucket", "111122223333:thing", "111122223333:", "111122223333:role", "*:Role/x", "*:rule*",
                "*:rootless", "*:thing/${aws:username}",
            )
        ),
        *(
            pytest.param(identity(Condition={f"Date{how}": {"a:b": value}}), LEGACY, id=f"Date{how} {value}")
            for how, value in [
                ("GreaterThan", "sdfdsf"),
                ("LessThanEquals", "234-13"),
                ("LessThanEquals", "2016-12-13t2:00:00.593194+1"),
                ("LessThanEquals", "2016-12-13t2:00:00.1999999999+10:59"),
                ("Equals", ["2026-05-01", "2026-02-30"]),
                ("NotEqualsIfExists", "${aws:CurrentTime}"),
                ("GreaterThan", ""),
                ("GreaterThan", True),
                ("LessThan", "9223372036854775808"),
            ]
        ),
        pytest.param(identity(Condition={"ForAnyValue:DateLessThan": {"a:b": "soon"}}), LEGACY, id="no date in a set"),
        pytest.param(
            identity(Resource="arn:error:s3:::x", Condition={"DateGreaterThan": {"a": "sdfdsf"}}),
            LEGACY,
            id="no date, and an unknown partition",
        ),
        pytest.param(identity(Principal="*"), "Policy document should not specify a principal.", id="a principal"),
        pytest.param(
            identity(Principal="*", Resource=None),
            "Policy document should not specify a principal.",
            id="what a trust policy says",
        ),
        pytest.param(
            identity(NotPrincipal="*"), "Policy document should not specify a principal.", id="a principal left out"
        ),
        pytest.param(identity(Condition="x"), SYNTAX, id="a condition that is text"),
        pytest.param(identity(Condition={"StringMatches": {"a:b": "c"}}), SYNTAX, id="an unknown operator"),
        pytest.param(identity(Condition={"stringequals": {"a:b": "c"}}), SYNTAX, id="an operator in lower case"),
        pytest.param(identity(Condition={"NullIfExists": {"a:b": "true"}}), SYNTAX, id="Null with IfExists"),
        pytest.param(identity(Condition={"ForAnyValue:Null": {"a:b": "true"}}), SYNTAX, id="Null over a set"),
        pytest.param(identity(Condition={"ForSome:Bool": {"a:b": "true"}}), SYNTAX, id="an unknown set operator"),
        pytest.param(identity(Condition={":Bool": {"a:b": "true"}}), SYNTAX, id="an empty set operator"),
        pytest.param(identity(Condition={"Bool": "true"}), SYNTAX, id="an operator without keys"),
        pytest.param(identity(Condition={"Bool": {"": "true"}}), SYNTAX, id="an empty condition key"),
        pytest.param(identity(Condition={"Bool": {"a:b": None}}), SYNTAX, id="a condition value that is null"),
        pytest.param(identity(Condition={"Bool": {"a:b": [["true"]]}}), SYNTAX, id="a list in a list of values"),
        pytest.param(
            document({"Sid": "a", "Effect": "Allow", "Action": "*", "Resource": "*"}, {"Sid": "a", "Effect": "Deny", "Action": "*", "Resource": "*"}),
            SIDS,
            id="two equal Sids",
        ),
        pytest.param(
            document({"Sid": "a", "Effect": "Allow", "Action": "*", "Resource": "*"}, {"Sid": "a", "Effect": "Deny"}),
            SIDS,
            id="two equal Sids, and no Action",
        ),
        pytest.param(
            document({"Effect": "allow", "Action": "*", "Resource": "*"}, {"Effect": "Deny", "Action": 7, "Resource": "*"}),
            SYNTAX,
            id="an Effect in lower case, and then an Action that is a number",
        ),
        pytest.param(
            document({"Effect": "Allow", "Action": "Get", "Resource": "*"}, {"Effect": "Deny", "Resource": "*"}),
            NO_ACTIONS,
            id="a bad action, and then none",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", [Kind.IDENTITY, Kind.BOUNDARY, Kind.SESSION], ids=lambda kind: kind.value)
def test_what_an_identity_policy_may_not_say(text, message, kind):
    assert parse(text, kind) == Refusal(Reason.MALFORMED_POLICY_DOCUMENT, message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(document(), "Could not parse the policy: Statement is empty!", id="no statements"),
        pytest.param(trust(Resource="*"), "Has prohibited field Resource", id="a Resource"),
        pytest.param(trust(NotResource="*"), "AssumeRole policy must not contain resources.", id="a NotResource"),
        pytest.param(trust(Principal=None), NO_PRINCIPAL, id="no principal"),
        pytest.param(trust(Principal={}), NO_PRINCIPAL + " cannot be empty!", id="an empty principal"),
        pytest.param(trust(Principal={"AWS": []}), NO_PRINCIPAL + " cannot be empty!", id="an empty list of principals"),
        pytest.param(trust(Principal=USER), SYNTAX, id="a principal that is text"),
        pytest.param(trust(Principal={"AWS": 7}), SYNTAX, id="a principal that is a number"),
        pytest.param(trust(Principal=None, NotPrincipal="*"), "Allow with NotPrincipal is not allowed.", id="NotPrincipal with Allow"),
        pytest.param(trust(Effect="Deny", Principal=None, NotPrincipal="*"), SYNTAX, id="NotPrincipal with Deny"),
        pytest.param(trust(NotPrincipal="*"), SYNTAX, id="Principal and NotPrincipal"),
        pytest.param(trust(Action="s3:GetObject"), ROLE_ACTIONS, id="an action of another service"),
        pytest.param(trust(Action="sts:GetCallerIdentity"), ROLE_ACTIONS, id="an action that has no role"),
        pytest.param(trust(Action="sts:Get*"), ROLE_ACTIONS, id="a pattern that reaches no role action"),
        pytest.param(trust(Action="*"), ROLE_ACTIONS, id="every action there is"),
        pytest.param(trust(Action=["sts:AssumeRole", "sts:DecodeAuthorizationMessage"]), ROLE_ACTIONS, id="one action too many"),
        pytest.param(trust(Action=None, NotAction="sts:TagSession"), ROLE_ACTIONS, id="NotAction"),
        pytest.param(trust(Action=None), NO_ACTIONS, id="no action"),
        *(
            pytest.param(trust(Principal={word: name}), f'Invalid principal in policy: "{word.upper()}":"{name}"', id=why)
            for word, name, why in [
                ("AWS", "arn:aws:iam::111122223333:user/*", "a wildcard in a user's ARN"),
                ("AWS", "arn:aws:iam::111122223333:role/ap?", "a question mark in a role's ARN"),
                ("AWS", "arn:aws:iam::*:root", "a wildcard account"),
                ("AWS", "arn:aws:iam::111122223333:group/team", "a group"),
                ("AWS", "arn:aws:iam::11112222333:root", "eleven digits"),
                ("AWS", "1111222233334", "thirteen digits"),
                ("AWS", "AIDAALICE", "a bare unique id"),
                ("AWS", "\u0661" * 12, "an account id in Arabic digits"),
                ("AWS", "arn:aws:iam::111122223333:user/\u0430lice", "a name in Cyrillic"),
                ("AWS", "arn:aws:sts::111122223333:assumed-role/app/*", "every session of a role"),
                ("AWS", "arn:aws:sts::111122223333:assumed-role/app", "a session without its name"),
                ("AWS", "arn:aws:iam:eu-west-1:111122223333:user/alice", "a region in a user's ARN"),
                ("AWS", "arn:other:iam::111122223333:user/alice", "an unknown partition"),
                ("AWS", USER + " ", "a space after the name"),
                ("Service", "*", "every service"),
                ("Service", "*.amazonaws.com", "a wildcard service"),
                ("Service", "ec2", "a service without a domain"),
                ("Federated", "*", "every provider"),
                ("Federated", "accounts.example.com", "a provider that is not built in"),
                ("Federated", "arn:aws:iam::111122223333:saml-provider/*", "a wildcard provider"),
                ("CanonicalUser", "7" * 64, "a canonical user"),
                ("Everyone", "*", "an unknown kind of principal"),
            ]
        ),
    ],
)  # fmt: skip
def test_what_a_trust_policy_may_not_say(text, message):
    assert parse(text, Kind.TRUST) == Refusal(Reason.MALFORMED_POLICY_DOCUMENT, message)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        pytest.param(identity(), Kind.IDENTITY, id="the plain one"),
        pytest.param(json.dumps({"Statement": json.loads(identity())["Statement"][0]}), Kind.IDENTITY, id="one statement, no version"),
        pytest.param(document(json.loads(identity())["Statement"][0], Version="2008-10-17"), Kind.IDENTITY, id="the older version"),
        pytest.param(document(*[json.loads(identity())["Statement"][0]] * 200), Kind.IDENTITY, id="200 statements"),
        pytest.param(identity(Action=None, NotAction=["iam:*"]), Kind.BOUNDARY, id="NotAction"),
        pytest.param(identity(Resource=None, NotResource="arn:aws:s3:::x"), Kind.SESSION, id="NotResource"),
        pytest.param(identity(Sid=""), Kind.IDENTITY, id="an empty Sid"),
        pytest.param(document(json.loads(identity())["Statement"][0], Id="x"), Kind.IDENTITY, id="Id in an identity policy"),
        pytest.param(identity(Condition={"a": {}}), Kind.IDENTITY, id="an operator that nobody knows and that tests nothing"),
        pytest.param(identity(Resource="arn:aws:s3:*"), Kind.IDENTITY, id="a star for the rest of the ARN"),
        pytest.param(identity(Resource="arn:aws:fdsasf"), Kind.IDENTITY, id="an ARN of three fields"),
        pytest.param(identity(Resource="arn:aws:sqs:eu-west-1"), Kind.IDENTITY, id="an ARN of four fields"),
        *(
            pytest.param(identity(Resource=f"arn:aws:iam::{path}"), Kind.IDENTITY, id=f"{path} of IAM")
            for path in (
                ":user/example_bucket", "*:*", "*", "*:role*", "*:?ser/x", "*:${aws:PrincipalTag/kind}/x", "*:root", "111122223333:mfa/x",
                "aws:policy/*", "111122223333:report/*", "*:user/${aws:username}", "*:access-report/x",
            )
        ),
        pytest.param(identity(Condition={"DateLessThan": {"a": "-292275054"}}), Kind.IDENTITY, id="a date long ago"),
        pytest.param(identity(Condition={"DateLessThan": {"a": "9223372036854775807"}}), Kind.IDENTITY, id="the last second that IAM counts"),
        pytest.param(identity(Condition={"DateLessThanEquals": {"a": "2016-12-13t2:00:00.593194+23"}}), Kind.IDENTITY, id="a date in its shortest spelling"),
        pytest.param(identity(Condition={"DateLessThanEquals": {"a": ["2016-12-13T21:20:37.593194+00:00", 1777636800]}}), Kind.IDENTITY, id="dates"),
        pytest.param(identity(Condition={"DateGreaterThan": {"a": []}}), Kind.IDENTITY, id="no dates at all"),
        pytest.param(identity(Resource="arn:*:iam::*:role/*"), Kind.IDENTITY, id="any partition"),
        pytest.param(identity(Resource="arn:aws:s3:eu-west-1:111122223333:accesspoint/x"), Kind.IDENTITY, id="an access point of S3"),
        pytest.param(identity(Condition={}), Kind.IDENTITY, id="no conditions"),
        pytest.param(identity(Condition={"Bool": {"a:b": True}, "NumericEquals": {"a:b": [1, 2.5, "3"]}}), Kind.IDENTITY, id="values that are not text"),
        pytest.param(identity(Condition={"ForAllValues:StringLikeIfExists": {"a:b": []}}), Kind.IDENTITY, id="no values"),
        pytest.param(trust(), Kind.TRUST, id="a trust policy"),
        pytest.param(document(json.loads(trust())["Statement"][0], Id="x"), Kind.TRUST, id="Id in a trust policy"),
        pytest.param(trust(Principal="*"), Kind.TRUST, id="a trust in everybody"),
        pytest.param(trust(Principal={"AWS": ["*", "111122223333", "arn:aws-cn:iam::111122223333:root", ROLE]}), Kind.TRUST, id="all kinds of AWS principals"),
        pytest.param(trust(Principal={"AWS": "arn:aws:sts::111122223333:assumed-role/app/run-1@x"}), Kind.TRUST, id="a session"),
        pytest.param(trust(Principal={"AWS": "arn:aws:sts::111122223333:federated-user/fred"}), Kind.TRUST, id="a federated user"),
        pytest.param(trust(Principal={"Service": ["ec2.amazonaws.com", "jobs.example.org"]}), Kind.TRUST, id="services"),
        pytest.param(trust(Principal={"Federated": ["accounts.google.com", "arn:aws:iam::111122223333:oidc-provider/id.example.org/a"]}), Kind.TRUST, id="providers"),
        pytest.param(trust(Action="sts:*"), Kind.TRUST, id="every action of STS"),
        pytest.param(trust(Action=["STS:assumerole", "sts:TagSession", "sts:SetContext", "sts:Assume*"]), Kind.TRUST, id="role actions in any case"),
        pytest.param(resource(Sid="free text, any length"), Kind.RESOURCE, id="a Sid of a resource policy"),
        pytest.param(resource(Resource=None), Kind.RESOURCE, id="the resource itself"),
        pytest.param(resource(Principal={"CanonicalUser": "7" * 64}), Kind.RESOURCE, id="a canonical user"),
        pytest.param(resource(Principal=None, NotPrincipal={"AWS": USER}), Kind.RESOURCE, id="NotPrincipal"),
    ],
)  # fmt: skip
def test_what_a_policy_may_say(text, kind):
    assert read(text, kind).text == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(identity().replace("2012", "2008"), NOT_CURRENT, id="the older version"),
        pytest.param(identity(Effect="allow").replace("2012", "2008"), NOT_CURRENT, id="the older version, and an Effect in lower case"),
        pytest.param(identity(Effect="Permit").replace("2012", "2008"), SYNTAX, id="the older version, and no Effect that there is"),
        pytest.param(identity().replace("2012", "2013"), SYNTAX, id="a version that there is not"),
        pytest.param(json.dumps({"Statement": json.loads(identity(Action=None))["Statement"]}), NOT_CURRENT, id="no version, and no Action"),
    ],
)  # fmt: skip
def test_what_a_policy_in_the_current_version_may_not_say(text, message):
    assert parse(text, Kind.IDENTITY, current=True) == Refusal(Reason.MALFORMED_POLICY_DOCUMENT, message)


def test_a_resource_policy_needs_a_principal():
    assert parse(identity(), Kind.RESOURCE) == Refusal(Reason.MALFORMED_POLICY_DOCUMENT, NO_PRINCIPAL)
    assert parse(resource(Principal={}), Kind.RESOURCE) == Refusal(Reason.MALFORMED_POLICY_DOCUMENT, SYNTAX)


def test_id_is_text():
    text = document(json.loads(trust())["Statement"][0], Id=7)
    assert parse(text, Kind.TRUST) == Refusal(Reason.MALFORMED_POLICY_DOCUMENT, SYNTAX)


def test_a_text_of_131073_characters_is_refused_by_its_length():
    refused = parse(" " * 131_073, Kind.IDENTITY)
    assert isinstance(refused, Refusal)
    assert refused.reason is Reason.VALIDATION_ERROR
    assert "less than or equal to 131072" in refused.message
    assert isinstance(parse(identity().ljust(131_072), Kind.IDENTITY), Document)


def test_statements_know_where_they_stand():
    text = '{\n  "Statement": [\n    {"Effect": "Allow", "Action": "*",\r\n     "Resource": "*"},  {"Effect":"Deny","Action":"*","Resource":"*"}\n]}'
    first, second = read(text).statements
    assert (first.index, first.line, first.column, first.end_line, first.end_column) == (0, 3, 5, 4, 21)
    assert (second.index, second.line, second.column, second.end_line, second.end_column) == (1, 4, 25, 4, 69)
    lines = text.split("\n")
    assert lines[2][5 - 1] == "{"
    assert lines[3][21 - 1] == "}"
    assert lines[3][25 - 1 : 69] == '{"Effect":"Deny","Action":"*","Resource":"*"}'


def test_elements_are_kept_as_written():
    text = identity(Sid="One", Action=["s3:get*", "S3:Put?"], Condition={"NumericLessThan": {"aws:Age": 1.50}})
    statement = read(text.replace("1.5}", "1.50}")).statements[0]
    assert (statement.sid, statement.effect, statement.actions) == ("One", "Allow", ("s3:get*", "S3:Put?"))
    assert [(each.operator, each.key, each.values) for each in statement.conditions] == [
        ("NumericLessThan", "aws:Age", ("1.50",))
    ]


def test_a_document_lists_the_users_and_roles_it_names_once_each():
    text = document(
        {"Effect": "Allow", "Principal": {"AWS": [ROLE, USER, "111122223333"]}, "Action": "s3:*"},
        {"Effect": "Deny", "NotPrincipal": {"AWS": [USER, ROLE + "2"], "Federated": "accounts.google.com"}, "Action": "s3:*"},
    )  # fmt: skip
    found = read(text, Kind.RESOURCE)
    assert found.named_principals == (ROLE, USER, ROLE + "2")
    assert found.federated_principals == ("accounts.google.com",)


def test_a_document_is_shown_with_ids_in_place_of_principals_that_are_gone():
    text = '{"Statement": {"Effect":"Allow", "Sid":"arn", "Principal":{"AWS":["%s" , "111122223333","*"], "Service":"ec2.amazonaws.com"},\t"Action":"sts:AssumeRole", "Condition":{"ArnEquals":{"aws:PrincipalArn":"%s"}}}}'  # fmt: skip
    found = read(text % (ROLE, ROLE), Kind.TRUST)
    shown = (text % ("AROAGONE", ROLE)).replace('"111122223333"', '"arn:aws:iam::111122223333:root"')
    assert found.shown({ROLE: "AROAGONE"}) == shown
    assert found.shown({}) == shown.replace("AROAGONE", ROLE)


def test_a_principal_is_shown_as_json_whatever_its_path():
    moved = 'arn:aws:iam::111122223333:role/a"b\\c/app'
    shown = read(read(trust(Principal={"AWS": ROLE}), Kind.TRUST).shown({ROLE: moved}), Kind.TRUST)
    assert shown.named_principals == (moved,)


def test_a_document_lists_the_condition_keys_it_reads():
    statement = {
        "Effect": "Allow",
        "Action": "s3:*",
        "Resource": ["*", "arn:aws:s3:::${aws:username}/${aws:PrincipalTag/Team, 'x'}/${*}"],
        "Condition": {
            "StringEquals": {"aws:RequestTag/A": "${aws:ResourceTag/A}", "AWS:UserName": "x"},
            "NumericEquals": {"aws:Age": "${aws:NotRead}"},
        },
    }
    keys = ("aws:RequestTag/A", "aws:ResourceTag/A", "AWS:UserName", "aws:Age", "aws:PrincipalTag/Team")
    assert read(document(statement)).context_keys == keys
    older = read(document(statement, Version="2008-10-17"))
    assert older.context_keys == ("aws:RequestTag/A", "AWS:UserName", "aws:Age")


def test_quotas_count_characters_without_white_space():
    assert size_of('{ "a" :\t\r\n"b c"}') == len('{"a":"bc"}')
    assert size_of("\u00a0") == 1


def test_the_same_words_in_another_spelling_are_another_text_but_the_same_statements():
    plain, escaped = identity(), identity().replace("GetObject", "\\u0047etObject")
    assert read(plain).statements[0].actions == read(escaped).statements[0].actions
    assert read(escaped).text == escaped


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "Version",
                    "Statement",
                    "Effect",
                    "Action",
                    "NotAction",
                    "Resource",
                    "Principal",
                    "AWS",
                    "Condition",
                    "Bool",
                    "Sid",
                    "Id",
                ]
            )
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
TEXTS = (
    st.text(max_size=60)
    | st.binary(max_size=60).map(lambda data: data.decode("latin-1"))
    | JSON.map(json.dumps)
    | JSON.map(lambda value: json.dumps({"Version": "2012-10-17", "Statement": value}))
)


@settings(max_examples=500)
@given(TEXTS, st.sampled_from(Kind))
def test_any_text_is_a_document_or_a_refusal(text, kind):
    assert isinstance(parse(text, kind), Document | Refusal)


def papers():
    for asked in questions(99):
        for layer in (asked.identity, asked.resource_policies):
            yield from layer


@settings(max_examples=300)
@given(st.integers(0, 200), st.data())
def test_a_document_with_one_change_is_a_document_or_a_refusal(number, data):
    paper: Paper = SOME_PAPERS[number]
    at = data.draw(st.integers(0, len(paper.text)))
    cut = data.draw(st.integers(0, 5))
    put = data.draw(
        st.sampled_from(['"', "{", "}", "[", "]", ",", ":", "*", "null", "\\", "\\u0000", "\u00ff", "1e5", ""])
    )
    for kind in (Kind.IDENTITY, Kind.TRUST, Kind.RESOURCE):
        assert isinstance(parse(paper.text[:at] + put + paper.text[at + cut :], kind), Document | Refusal)


SOME_PAPERS = [paper for paper, _ in zip(papers(), range(201), strict=False)]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[" * 131_072, id="open lists"),
        pytest.param('{"a":' * 26_000, id="open objects"),
        pytest.param('"' + "a" * 131_000, id="an open string"),
        pytest.param('{"' + "\\n" * 65_000, id="an open string of escapes"),
        pytest.param('{"' + "\\u0041" * 21_000, id="an open string of escaped letters"),
        pytest.param(" " * 131_072, id="white space"),
        pytest.param("1" * 131_072, id="a long number"),
        pytest.param('{"Statement":[' + "{}," * 40_000 + "{}]}", id="many statements"),
        pytest.param(identity(Action=["s3:Get"] * 12_000), id="many actions"),
        pytest.param(identity(Action="s3:" + "*" * 130_000), id="a long wildcard"),
        pytest.param(identity(Resource="arn:aws:s3:::" + "${a, '" * 20_000), id="open variables"),
        pytest.param(identity(Resource="arn:aws:s3:::" + "${aws:username}" * 8_000), id="many variables"),
        pytest.param(identity(Condition={"StringLike": {"a:b": "*a" * 60_000}}), id="many wildcards"),
        pytest.param("\n" * 131_000 + "{}", id="many lines"),
    ],
)
@pytest.mark.timeout(60)
def test_the_longest_texts_are_read_to_their_end(text):
    found = parse(text, Kind.IDENTITY)
    if isinstance(found, Document):
        assert isinstance(found.context_keys, tuple)


BROKEN = """{"Version": "2012-10-18", "Id": "x", "Statement": [
  {"Effect": "allow", "Action": ["s3:Get:x", "s3"], "NotAction": "*", "Foo": 1, "Resource": "home", "Condition": {"Like": {"a": "b"}}},
  7,
  {"Effect": "Deny", "Action": "s3:*", "Resource": "*"},
  {"Sid": "a b", "Action": "s3:*"}
]}"""


def test_all_that_is_wrong_with_a_document_is_told_with_its_place():
    found = problems(BROKEN, Kind.IDENTITY)
    assert [(each.line, each.column, each.message, each.why) for each in found] == [
        (1, 13, SYNTAX, "Version is one of 2008-10-17, 2012-10-17"),
        (2, 14, LEGACY, "Effect is `Allow` or `Deny`"),
        (2, 34, "Actions/Condition can contain only one colon.", ""),
        (2, 66, SYNTAX, "a statement holds Action or NotAction, never both"),
        (2, 71, SYNTAX, "there is no element `Foo` here"),
        (2, 93, 'Resource home must be in ARN format or "*".', ""),
        (2, 115, SYNTAX, "there is no operator `Like`"),
        (3, 3, SYNTAX, "here an object should stand"),
        (5, 3, SYNTAX, "Effect is missing"),
        (5, 3, NO_RESOURCES, ""),
        (5, 11, SID, ""),
    ]


@pytest.mark.parametrize(
    ("text", "place", "why"),
    [
        pytest.param('{"a": 1, "a": 2}', (1, 10), "the key `a` comes twice", id="a repeated key"),
        pytest.param('{"a": 1,\n "b" 2}', (2, 6), "here a colon should stand", id="a missing colon"),
        pytest.param('{"a": [1 2]}', (1, 10), "here a comma or `]` should stand", id="a missing comma"),
        pytest.param('{"a": 1,\n}', (2, 1), "here a whole JSON string should stand", id="a comma before the end"),
        pytest.param('{"a": tru}', (1, 7), "here a JSON value should begin", id="half a word"),
        pytest.param('{"a": 1}\n]', (2, 1), "something follows the end of the document", id="too much"),
        pytest.param('{\n"\u0100": 1}', (2, 2), "the character U+0100 is none of a policy's", id="a strange character"),
        pytest.param("", (1, 1), "the text is empty", id="nothing"),
        pytest.param('{"Version": "2012-10-17"}', (1, 1), "Statement is missing", id="no statement"),
        pytest.param(" " * 131_073, (1, 1), "", id="too long a text"),
    ],
)
def test_a_text_that_ends_the_reading_has_one_problem(text, place, why):
    (problem,) = problems(text, Kind.IDENTITY)
    assert ((problem.line, problem.column), problem.why) == (place, why)


@settings(max_examples=300)
@given(TEXTS, st.sampled_from(Kind))
def test_a_document_is_refused_for_one_of_its_problems_and_has_none_otherwise(text, kind):
    found, parsed = problems(text, kind), parse(text, kind)
    assert isinstance(parsed, Document) is (found == ())
    if isinstance(parsed, Refusal):
        assert parsed.message in {each.message for each in found}
