"""Documents that keep to the grammar and most likely do not do what their author means."""

from __future__ import annotations

import json
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authority.policy.document import Document, Kind, parse
from authority.policy.habits import MULTIVALUED
from authority.policy.known import LONGEST, overlap
from authority.policy.lint import KnownAction, Level, Service, lint, services_named
from authority.policy.match import Wild, glob, tokens

from .generate import questions

GITHUB = "token.actions.githubusercontent.com"
PROVIDER = f"arn:aws:iam::111122223333:oidc-provider/{GITHUB}"
ALICE = "arn:aws:iam::111122223333:user/alice"
CORP = "arn:aws:iam::111122223333:saml-provider/corp"
BUCKET, OBJECT = "arn:${Partition}:s3:::${BucketName}", "arn:${Partition}:s3:::${BucketName}/${ObjectName}"
STORE = Service(
    "s3",
    {
        "getobject": KnownAction("GetObject", ("s3:ExistingObjectTag/<key>", "s3:authType"), (OBJECT,)),
        "listbucket": KnownAction("ListBucket", ("s3:prefix", "s3:authType"), (BUCKET,)),
        "listallmybuckets": KnownAction("ListAllMyBuckets", (), ()),
    },
)
TOKENS = Service("sts", {"assumerolewithwebidentity": KnownAction("AssumeRoleWithWebIdentity", (), None)})
OWN = Service("authority", {"listevents": KnownAction("ListEvents")})
SERVICES = {"s3": STORE, "sts": TOKENS, "authority": OWN}


def document(kind: Kind = Kind.IDENTITY, version: str | None = "2012-10-17", **statement) -> Document:
    said = {"Effect": "Allow", "Action": "s3:GetObject"} | statement
    if kind is not Kind.TRUST and "NotResource" not in said:
        said.setdefault("Resource", "*")
    for element in ("Action", "Resource"):
        if f"Not{element}" in said:
            said.pop(element, None)
    found = parse(json.dumps(({"Version": version} if version else {}) | {"Statement": [said]}), kind)
    assert isinstance(found, Document), found
    return found


def rules(found: Document, services=None) -> list[str]:
    return [each.rule for each in lint(found, services)]


def if_(operator: str, key: str, *values) -> dict:
    return {"Condition": {operator: {key: list(values)}}}


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        pytest.param({}, [], id="a plain statement"),
        pytest.param(if_("StringEquals", "aws:username", "al*"), ["wildcard-as-text"], id="a wildcard in StringEquals"),
        pytest.param(if_("StringNotEqualsIgnoreCase", "aws:username", "*"), ["wildcard-as-text"], id="one in a negated operator"),
        pytest.param(if_("StringEquals", "aws:username", "al${*}"), [], id="an escaped star"),
        pytest.param(if_("StringLike", "aws:username", "al*"), [], id="a wildcard in StringLike"),
        pytest.param(if_("NumericEqualsIfExists", "s3:max-keys", "ten"), ["never-matches"], id="no number"),
        pytest.param(if_("Bool", "aws:SecureTransport", "yes"), ["never-matches"], id="no truth"),
        pytest.param(if_("Bool", "aws:SecureTransport", "${aws:ViaAWSService}"), [], id="a truth in a variable"),
        pytest.param(if_("Null", "aws:username", "absent"), ["never-matches"], id="Null with a word"),
        pytest.param(if_("IpAddress", "aws:SourceIp", "10.0.0.0/33"), ["never-matches"], id="no block"),
        pytest.param(if_("NotIpAddress", "aws:SourceIp", "home"), ["never-matches"], id="no address"),
        pytest.param(if_("BinaryEquals", "kms:x", "QR=="), ["never-matches"], id="no base 64"),
        pytest.param(if_("ArnLike", "aws:SourceArn", "arn:aws:*", "*:*:*:*:*:*"), ["never-matches"], id="no six fields"),
        pytest.param(if_("ArnEquals", "aws:SourceArn", "${aws:PrincipalArn}"), [], id="an ARN in a variable"),
        pytest.param(if_("StringLike", "AWS:tagkeys", "a"), ["set-operator"], id="a set without its operator"),
        pytest.param(if_("Null", "aws:TagKeys", "true"), [], id="a set that is absent"),
        pytest.param(if_("ForAnyValue:StringLike", "aws:TagKeys", "a"), [], id="a set with its operator"),
        pytest.param(if_("ForAllValues:StringLike", "aws:TagKeys", "a"), ["absent-passes"], id="ForAllValues without the key"),
        pytest.param({"Effect": "Deny"} | if_("ForAllValues:StringLike", "aws:TagKeys", "a"), [], id="ForAllValues in a Deny"),
        pytest.param(
            {"Condition": {"ForAllValues:StringLike": {"aws:TagKeys": "a"}, "Null": {"AWS:TagKeys": False}}},
            [], id="ForAllValues and a key that must be there",
        ),
        pytest.param(if_("StringEquals", "username", "alice"), ["unknown-key"], id="a key without its prefix"),
        pytest.param({"Effect": "Deny"} | if_("Bool", "aws:MultiFactorAuthPresent", "false"), ["absent-mfa"], id="a Deny without MFA"),
        pytest.param({"Effect": "Deny"} | if_("BoolIfExists", "aws:MultiFactorAuthPresent", False), [], id="the Deny that works"),
        pytest.param({"Effect": "Deny"} | if_("Bool", "aws:MultiFactorAuthPresent", "true"), [], id="a Deny with MFA"),
        pytest.param(if_("Bool", "aws:MultiFactorAuthPresent", "false"), [], id="an Allow without MFA"),
        pytest.param({"NotAction": "iam:*"}, ["all-other-actions"], id="every other action"),
        pytest.param({"Effect": "Deny", "NotAction": "iam:*"}, [], id="a Deny of every other action"),
    ],
)  # fmt: skip
def test_a_statement_and_what_is_remarked_on_it(statement, found):
    assert rules(document(**statement)) == found


@pytest.mark.parametrize("version", [None, "2008-10-17"])
def test_variables_without_their_version_are_remarked_on(version):
    statement = {"Resource": ["*", "arn:aws:s3:::${aws:username}"]} | if_(
        "StringLike", "aws:userid", "${aws:username}", 7
    )
    found = lint(document(version=version, **statement))
    assert [each.rule for each in found] == ["older-version", "older-version"]
    assert rules(document(**statement)) == []


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        pytest.param({"Principal": "*"}, ["everybody"], id="everybody"),
        pytest.param({"Principal": {"AWS": ["111122223333", "*"]}}, ["everybody"], id="everybody beside somebody"),
        pytest.param({"Principal": "*"} | if_("StringEquals", "aws:PrincipalOrgID", "o-1"), [], id="everybody of an organisation"),
        pytest.param({"Principal": "*", "Effect": "Deny"}, [], id="nobody"),
        pytest.param({"Principal": {"Federated": CORP}}, ["everybody"], id="everybody whom a provider vouches for"),
        pytest.param({"Principal": {"Federated": CORP}} | if_("StringEquals", "SAML:aud", "a"), [], id="with a condition"),
        pytest.param({"NotPrincipal": {"AWS": "111122223333"}}, ["everybody-else"], id="everybody else"),
        pytest.param({"NotPrincipal": "*"}, ["everybody-else"], id="nobody, in a strange way"),
        pytest.param({"NotPrincipal": {"AWS": ALICE}, "Effect": "Deny"}, ["bound-when-written"], id="a Deny for all but one"),
        pytest.param({"Principal": {"AWS": [ALICE, "111122223333"], "Service": "ec2.amazonaws.com"}}, ["bound-when-written"], id="a user"),
    ],
)  # fmt: skip
def test_principals_and_what_is_remarked_on_them(statement, found):
    assert rules(document(Kind.RESOURCE, **statement)) == found


def trust(*conditions, to=PROVIDER, **more) -> Document:
    block: dict = {}
    for operator, key, value in conditions:
        block.setdefault(operator, {})[key] = value
    statement = {"Action": "sts:AssumeRoleWithWebIdentity", "Principal": {"Federated": to}, "Condition": block}
    return document(Kind.TRUST, **(statement | more))


SUB, AUD = f"{GITHUB}:sub", f"{GITHUB}:aud"


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(trust(), id="no condition"),
        pytest.param(trust(("StringEquals", AUD, "sts.amazonaws.com")), id="only the audience"),
        pytest.param(trust(("StringLike", SUB, "*")), id="any subject"),
        pytest.param(trust(("StringLike", SUB, "repo:*")), id="any repository"),
        pytest.param(trust(("StringLike", SUB, "repo:team*")), id="any team whose name begins like one's own"),
        pytest.param(trust(("StringLike", SUB, "repo:tea?/app:*")), id="any team whose name is almost one's own"),
        pytest.param(trust(("StringLike", SUB, "rep*")), id="any kind of subject that begins so"),
        pytest.param(trust(("StringLike", SUB, ["repo:team/app:*", "repo:?*"])), id="any repository beside one"),
        pytest.param(trust(("StringLike", SUB, [])), id="a subject without values"),
        pytest.param(trust(("StringLikeIfExists", SUB, "repo:team/*")), id="a subject if there is one"),
        pytest.param(
            trust(("ForAllValues:StringLike", SUB, "repo:team/*"), ("Null", SUB, "false")), id="all subjects of none"
        ),
        pytest.param(trust(("StringNotLike", SUB, "repo:other/*")), id="every subject but one"),
        pytest.param(trust(to="accounts.google.com"), id="an issuer that is built in"),
        pytest.param(trust(("StringEquals", AUD, "x"), Action="sts:*"), id="every action of STS"),
        pytest.param(trust(to=PROVIDER.replace(GITHUB, "GitLab.com")), id="an issuer in another case"),
    ],
)
def test_a_shared_issuer_must_be_told_whom_it_may_speak_for(found):
    assert "shared-issuer" in rules(found)


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(trust(("StringEquals", SUB, "repo:team/app:ref:refs/heads/main")), id="one subject"),
        pytest.param(trust(("StringLike", SUB.upper(), "repo:team/*")), id="the subjects of a team"),
        pytest.param(trust(("StringLike", SUB, "repo:team/app:*")), id="the subjects of a repository"),
        pytest.param(trust(("StringLike", SUB, "organization:team:*")), id="the subjects of a team by its colon"),
        pytest.param(trust(("ForAnyValue:StringLike", SUB, "repo:team/*")), id="one subject of a set"),
        pytest.param(trust(("StringEquals", "cognito-identity.amazonaws.com:aud", "pool"), to="cognito-identity.amazonaws.com"), id="a pool"),
        pytest.param(trust(to=PROVIDER.replace(GITHUB, "id.example.org")), id="an issuer of one's own"),
        pytest.param(trust(Effect="Deny"), id="a Deny"),
        pytest.param(trust(Action="sts:TagSession"), id="another action"),
        pytest.param(trust(to=PROVIDER.replace("oidc-provider", "saml-provider")), id="a SAML provider"),
    ],
)  # fmt: skip
def test_a_shared_issuer_that_was_told_is_in_order(found):
    assert "shared-issuer" not in rules(found)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        pytest.param({}, [], id="an action as it is"),
        pytest.param({"Action": "S3:getobject"}, [], id="an action in another case"),
        pytest.param({"Action": "*"}, [], id="every action"),
        pytest.param({"Action": "s3:Lis*"}, [], id="a pattern"),
        pytest.param({"Action": "s3:GetObjects"}, ["unknown-action"], id="an action that there is not"),
        pytest.param({"NotAction": "s3:Put*"}, ["all-other-actions", "unknown-action"], id="a pattern that reaches none"),
        pytest.param({"Action": ["jobs:Run", "s3:GetObject"]}, ["unknown-service"], id="a service of one's own"),
        pytest.param({"Resource": "arn:aws:s3:::home/alice/*"}, [], id="a resource of the action"),
        pytest.param({"Resource": "arn:aws:s3:::home/${aws:username}"}, [], id="a resource with a variable"),
        pytest.param({"Resource": "arn:aws:s3:::*"}, [], id="a resource that is wide enough"),
        pytest.param({"Resource": "arn:aws:s3:::home"}, ["wrong-resource"], id="a bucket for an object"),
        pytest.param({"Resource": "arn:aws:sqs:::home/x"}, ["wrong-resource"], id="a resource of another service"),
        pytest.param({"Resource": ["arn:aws:s3:::home/x", "*"]}, [], id="every resource beside one"),
        pytest.param({"Resource": "arn:aws:s3:::" + "x" * LONGEST}, [], id="a resource that is too long to look up"),
        pytest.param({"NotResource": "arn:aws:sqs:::home"}, [], id="every other resource"),
        pytest.param({"Action": ["s3:GetObject", "s3:ListBucket"], "Resource": ["arn:aws:s3:::home", "arn:aws:s3:::home/*"]}, [], id="a bucket and its objects"),
        pytest.param({"Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "arn:aws:s3:::home/*"}, ["wrong-resource"], id="one of two actions without a resource"),
        pytest.param({"Action": "s3:ListAll*", "Resource": "arn:aws:s3:::home"}, [], id="a pattern that takes none is let be"),
        pytest.param({"Action": "s3:ListAllMyBuckets", "Resource": "arn:aws:s3:::home"}, ["wrong-resource"], id="an action that takes none"),
        pytest.param(if_("StringEquals", "S3:AuthType", "x"), [], id="a key of the action"),
        pytest.param(if_("StringEquals", "s3:ExistingObjectTag/Team", "x"), [], id="a key with a tag in it"),
        pytest.param(if_("StringEquals", "aws:PrincipalTag/Team", "x"), [], id="a key that all actions have"),
        pytest.param(if_("StringEquals", "s3:prefix", "x"), ["unknown-key"], id="a key of another action"),
        pytest.param({"Action": ["s3:GetObject", "s3:ListBucket"]} | if_("StringEquals", "s3:prefix", "x"), ["unknown-key"], id="a key of one of two actions"),
        pytest.param({"Action": "s3:*"} | if_("StringEquals", "s3:prefix", "x"), [], id="a key of some that a pattern reaches"),
        pytest.param({"Action": "authority:ListEvents"} | if_("StringEquals", "authority:x", "x"), [], id="a service whose keys are not known"),
        pytest.param({"Action": "authority:ListEvents", "Resource": "arn:aws:authority:::x"}, [], id="a service whose resources are not known"),
    ],
)  # fmt: skip
def test_a_statement_beside_what_services_say(statement, found):
    assert rules(document(**statement), SERVICES) == found


def test_every_claim_of_an_issuer_that_is_named_is_one_of_its_keys():
    limited = trust(("StringEquals", SUB, "repo:a/b"), ("StringEquals", f"{GITHUB}:repository", "a/b"))
    assert rules(limited, SERVICES) == []
    other = trust(("StringEquals", SUB, "repo:a/b"), ("StringEquals", "id.example.org:sub", "x"))
    assert rules(other, SERVICES) == ["unknown-key"]


def test_a_remark_says_where_and_what():
    text = '{"Statement":\n {"Effect": "Allow", "Action": ["s3:GetObject",\n  "s3:Nothing"], "Resource": "*"}}'
    found = parse(text, Kind.IDENTITY)
    assert isinstance(found, Document)
    (remark,) = lint(found, SERVICES)
    assert (remark.level, remark.rule, remark.line, remark.column) == (Level.WARNING, "unknown-action", 3, 3)
    assert remark.message == "s3 has no action `Nothing`"


def test_a_document_says_which_services_to_look_up():
    found = document(Action=["S3:*", "*", "jobs:Run"])
    assert services_named(found) == {"s3", "jobs"}
    assert services_named(document(NotAction=["iam:*"])) == {"iam"}


def letters(pattern):
    return [letter for token in pattern for letter in ([token] if isinstance(token, Wild) else token)]


PATTERNS = st.text("ab*?", max_size=6).map(tokens)


@settings(max_examples=500)
@given(PATTERNS, PATTERNS, st.text("ab", max_size=6))
def test_patterns_overlap_when_some_text_matches_both(one, other, text):
    assert overlap(letters(one), letters(other)) is overlap(letters(other), letters(one))
    if glob(one)(text) and glob(other)(text):
        assert overlap(letters(one), letters(other))


@settings(max_examples=500)
@given(PATTERNS, st.text("ab", max_size=6))
def test_a_pattern_overlaps_a_text_when_it_matches_it(pattern, text):
    assert overlap(letters(pattern), text) is glob(pattern)(text)
    assert overlap(letters(pattern), [Wild.ANY])


@settings(max_examples=200)
@given(st.integers(0, 2**32))
def test_whatever_is_a_document_can_be_looked_at_again(seed):
    for asked in islice(questions(seed), 2):
        for paper in (*asked.identity, *asked.resource_policies):
            found = parse(paper.text, Kind.IDENTITY if paper.layer == "identity" else Kind.RESOURCE)
            if isinstance(found, Document):
                assert all(each.line >= 1 and each.column >= 1 for each in lint(found, SERVICES))


def test_keys_that_hold_sets_are_spelled_as_contexts_spell_them():
    assert all(key == key.lower() for key in MULTIVALUED)
