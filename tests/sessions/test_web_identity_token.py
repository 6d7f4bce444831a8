"""GetWebIdentityToken: others can hold what it says against what we publish, and it never says too much."""

from __future__ import annotations

import json
from datetime import timedelta

import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from authority.access.caller import Credential
from authority.access.organized import organization_id, root_id
from authority.kernel.refusal import Reason
from authority.kernel.tags import Tag
from authority.model import holders
from authority.model.providers import OutboundIdentityDisabled, OutboundIdentityEnabled
from authority.model.signing_keys import SigningKeyCreated, SigningKeyDestroyed, SigningKeyId, WebIdentityTokenIssued
from authority.outbound.issuer_keys import CryptographyIssuerKeys
from authority.sessions.issuer import DISCOVERY, KEYS, published
from authority.sessions.web_identity_token import NAMESPACE, Signer, get_web_identity_token, in_use
from tests.sessions.world import (
    ANN,
    BOBS,
    COMPANY,
    DEPLOY,
    DEPLOY_ARN,
    PRODUCTION,
    ROOTS,
    World,
    held,
    may,
    policy,
    refused,
)

ISSUER = "https://sts.company.example/outbound/0123456789abcdef"
MAKER = CryptographyIssuerKeys()
PRIVATE = {algorithm: MAKER.generate(algorithm) for algorithm in ("ES384", "RS256")}


def created(algorithm: str, name: str = "") -> SigningKeyCreated:
    return SigningKeyCreated(
        key_id=SigningKeyId(name or f"JWKS{algorithm}"), algorithm=algorithm, public=PRIVATE[algorithm][1]
    )


ENABLED = (
    OutboundIdentityEnabled(account=COMPANY, issuer=ISSUER),
    OutboundIdentityEnabled(account=PRODUCTION, issuer=ISSUER + "0"),
    created("ES384"),
    created("RS256"),
)


def signer(algorithm: str) -> Signer:
    return Signer(SigningKeyId(f"JWKS{algorithm}"), algorithm, MAKER.signer(algorithm, PRIVATE[algorithm][0]))


def ask(world: World, *, algorithm: str = "ES384", who=None, **more):
    wanted = {"Audience": ["https://shop.example"], "SigningAlgorithm": algorithm, **more}
    how = {} if who is None else {"who": who}
    return world.decide(get_web_identity_token, wanted, gathered=signer(algorithm), **how)


def claims(world: World, decision, issuer: str = ISSUER):
    """What a reader that knows nothing but the issuer's URL finds in the token."""
    assert decision.then is not None, decision.answer
    token = decision.then(world.state).web_identity_token.reveal().decode()
    path = issuer.removeprefix("https://sts.company.example")
    configuration = json.loads(published(world.state, path + DISCOVERY) or b"")
    assert (configuration["issuer"], configuration["jwks_uri"]) == (issuer, issuer + KEYS)
    keys = KeySet.import_key_set(json.loads(published(world.state, path + KEYS) or b""))
    return jwt.decode(token, keys, algorithms=configuration["id_token_signing_alg_values_supported"])


@pytest.mark.parametrize("algorithm", ["ES384", "RS256"])
def test_a_reader_finds_the_keys_and_verifies_the_token(algorithm):
    world = World(*ENABLED)
    decision = ask(world, algorithm=algorithm)
    read = claims(world, decision)
    (fact,) = decision.facts
    assert isinstance(fact, WebIdentityTokenIssued)
    assert read.header == {"alg": algorithm, "kid": f"JWKS{algorithm}", "typ": "JWT"}
    now = int(world.now.timestamp())
    assert read.claims == {
        "iss": ISSUER,
        "aud": "https://shop.example",
        "sub": f"arn:aws:iam::{COMPANY}:user/Ann",
        "iat": now,
        "exp": now + 300,
        "jti": fact.token_id,
        NAMESPACE: {
            "aws_account": COMPANY,
            "org_id": organization_id(world.state),
            "ou_path": [f"{organization_id(world.state)}/{root_id(world.state)}/"],
            "source_region": "us-east-1",
            "principal_id": f"arn:aws:iam::{COMPANY}:user/Ann",
        },
    }


def test_the_entry_names_the_token_and_holds_none_of_it():
    world = World(*ENABLED)
    decision = ask(world)
    assert decision.answer is None
    token = decision.then(world.state).web_identity_token
    written = msgspec.json.encode(decision.facts).decode()
    assert all(part not in written for part in token.reveal().decode().split("."))
    assert (decision.facts[0].subject, decision.facts[0].audience) == (
        f"arn:aws:iam::{COMPANY}:user/Ann",
        ("https://shop.example",),
    )


def test_a_session_speaks_for_its_role_with_its_tags_and_its_end():
    world = World(*ENABLED, holders.HolderTagged(account=PRODUCTION, holder=DEPLOY, tags=(Tag("Cost", "7"),)))
    who = held(world.assume(Tags=[{"Key": "Team", "Value": "a"}]))
    read = claims(world, ask(world, who=who, Tags=[{"Key": "Order", "Value": "1"}]), ISSUER + "0").claims
    assert read["sub"] == DEPLOY_ARN
    assert read[NAMESPACE]["principal_tags"] == {"Cost": "7", "Team": "a"}
    assert read[NAMESPACE]["request_tags"] == {"Order": "1"}
    assert read[NAMESPACE]["original_session_exp"] == "2026-01-02T04:04:05Z"


def test_a_session_says_whose_it_is_and_which_provider_vouched_for_it():
    world = World(*ENABLED)
    who = held(world.assume(SourceIdentity="ann@corp"))
    about = claims(world, ask(world, who=who), ISSUER + "0").claims[NAMESPACE]
    assert (about["source_identity"], "federated_provider" in about) == ("ann@corp", False)
    vouched = msgspec.structs.replace(who.session, provider="accounts.google.com", source_identity="")
    about = claims(world, ask(world, who=Credential(who.access_key_id, vouched)), ISSUER + "0").claims[NAMESPACE]
    assert (about["federated_provider"], "source_identity" in about) == ("accounts.google.com", False)


def test_several_audiences_are_a_list():
    world = World(*ENABLED)
    assert claims(world, ask(world, Audience=["a", "b"])).claims["aud"] == ["a", "b"]


@pytest.mark.parametrize(
    ("document", "wanted", "admitted"),
    [
        pytest.param({"Action": "sts:GetWebIdentityToken"}, {}, True, id="the permission"),
        pytest.param({"Action": "sts:AssumeRole"}, {}, False, id="another one"),
        pytest.param(
            {"Action": "sts:GetWebIdentityToken"},
            {"Tags": [{"Key": "k", "Value": "v"}]},
            False,
            id="tags need one of their own",
        ),
        pytest.param({"Action": "sts:*"}, {"Tags": [{"Key": "k", "Value": "v"}]}, True, id="with both"),
        pytest.param(
            {
                "Action": "sts:*",
                "Condition": {"ForAllValues:StringEquals": {"sts:IdentityTokenAudience": "https://shop.example"}},
            },
            {"Audience": ["https://shop.example", "https://evil.example"]},
            False,
            id="for these audiences only",
        ),
        pytest.param(
            {"Action": "sts:*", "Condition": {"NumericLessThanEquals": {"sts:DurationSeconds": "300"}}},
            {"DurationSeconds": 301},
            False,
            id="for a short time only",
        ),
        pytest.param(
            {"Action": "sts:*", "Condition": {"StringEquals": {"sts:SigningAlgorithm": "RS256"}}},
            {},
            False,
            id="signed in one way only",
        ),
    ],
)
def test_who_may_have_one(document, wanted, admitted):
    world = World(*ENABLED, may(ANN, policy({"Resource": "*", **document})))
    decision = ask(world, **wanted)
    assert claims(world, decision) if admitted else refused(decision, Reason.ACCESS_DENIED)


def test_nobody_has_one_where_the_account_issues_none():
    assert refused(ask(World(*ENABLED[2:])), Reason.OUTBOUND_FEDERATION_DISABLED)
    assert refused(ask(World(*ENABLED, OutboundIdentityDisabled(account=COMPANY))), Reason.OUTBOUND_FEDERATION_DISABLED)
    assert refused(ask(World(*ENABLED[2:]), who=BOBS), Reason.ACCESS_DENIED)


def test_a_token_never_outlives_the_session_that_asked_for_it():
    world = World(*ENABLED)
    who = held(world.assume(DurationSeconds=900))
    world.wait(minutes=11)
    assert refused(ask(world, who=who), Reason.SESSION_DURATION_ESCALATION)
    assert claims(world, ask(world, who=who, DurationSeconds=240), ISSUER + "0")


def test_what_it_says_has_its_bounds():
    tags = [{"Key": f"k{n}", "Value": "v" * 256} for n in range(50)]
    assert refused(ask(World(*ENABLED), Tags=tags), Reason.JWT_PAYLOAD_SIZE_EXCEEDED)


def test_without_a_key_or_with_one_that_is_gone_there_is_no_token():
    world = World(*ENABLED, SigningKeyDestroyed(key_id=SigningKeyId("JWKSES384")))
    assert refused(ask(world), Reason.SERVICE_UNAVAILABLE)
    wanted = {"Audience": ["a"], "SigningAlgorithm": "RS256"}
    assert refused(world.decide(get_web_identity_token, wanted), Reason.SERVICE_UNAVAILABLE)
    with pytest.raises(TypeError, match="another algorithm"):
        World(*ENABLED).decide(get_web_identity_token, wanted, gathered=signer("ES384"))


@pytest.mark.parametrize("algorithm", ["HS256", "ES256", "es384"])
def test_j02_no_other_algorithm_can_be_asked_for(algorithm):
    decision = World(*ENABLED).decide(get_web_identity_token, {"Audience": ["a"], "SigningAlgorithm": algorithm})
    assert refused(decision, Reason.VALIDATION_ERROR)
    assert f"'{algorithm}' at 'signingAlgorithm'" in decision.answer.message


def test_root_is_a_subject_too():
    world = World(*ENABLED)
    assert claims(world, ask(world, who=ROOTS)).claims["sub"] == f"arn:aws:iam::{COMPANY}:root"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        KEYS,
        DISCOVERY,
        "/outbound/0123456789abcde" + KEYS,
        "/outbound/../outbound/0123456789abcdef" + KEYS,
        "//outbound/0123456789abcdef" + KEYS,
        "/outbound/0123456789abcdef" + KEYS + "?x=1",
        "/outbound/0123456789abcdef" + KEYS + "\n",
        "/outbound/0123456789abcdef/" + KEYS,
        "https://sts.company.example/outbound/0123456789abcdef" + KEYS,
    ],
)
def test_nothing_else_is_published(path):
    assert published(World(*ENABLED).state, path) is None


def test_an_account_that_stopped_issuing_publishes_nothing():
    world = World(*ENABLED, OutboundIdentityDisabled(account=COMPANY))
    assert published(world.state, "/outbound/0123456789abcdef" + KEYS) is None
    assert published(world.state, "/outbound/0123456789abcdef0" + KEYS) is not None


def test_no_private_member_is_published():
    keys = json.loads(published(World(*ENABLED).state, "/outbound/0123456789abcdef" + KEYS) or b"")["keys"]
    assert [sorted(key) for key in keys] == [
        ["alg", "crv", "kid", "kty", "use", "x", "y"],
        ["alg", "e", "kid", "kty", "n", "use"],
    ]


def test_a_new_key_is_published_before_it_signs():
    world = World(created("ES384", "JWKSOLD"))
    assert in_use(world.state, "ES384", world.now).id == "JWKSOLD"
    world.wait(days=90)
    world.take(created("ES384", "JWKSNEW"))
    assert in_use(world.state, "ES384", world.now + timedelta(minutes=9)).id == "JWKSOLD"
    assert in_use(world.state, "ES384", world.now + timedelta(minutes=10)).id == "JWKSNEW"
    assert in_use(world.state, "RS256", world.now) is None


@pytest.mark.parametrize("algorithm", ["HS256", "none", "ES256", ""])
def test_j02_nothing_is_signed_in_any_other_way(algorithm):
    with pytest.raises(ValueError, match="nothing is signed"):
        MAKER.generate(algorithm)
    with pytest.raises(ValueError, match="none for"):
        MAKER.signer(algorithm, PRIVATE["ES384"][0])


def test_a_key_signs_with_its_own_algorithm_only():
    with pytest.raises(ValueError, match="none for"):
        MAKER.signer("RS256", PRIVATE["ES384"][0])
