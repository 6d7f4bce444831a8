"""A token counts when its issuer signed it, now, for a client that is registered; everything else is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jws import JWSRegistry, serialize_compact

from authority.federation.keysets import KeySet, Unusable, read_discovery, read_keys
from authority.federation.tokens import Claims, Unverified, taken_apart, verified
from authority.kernel.refusal import Reason, Refusal
from tests.federation.issuers import ec_key, rsa_key
from tests.federation.responses import NOW

ISSUER = "https://issuer.example"
SECONDS = int(NOW.timestamp())
GOOD = {"iss": ISSUER, "sub": "ann", "aud": "app", "exp": SECONDS + 600, "iat": SECONDS}


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def token(said: Any = None, *, key: Any = None, header: Any = None, text: bytes | None = None, **claims: Any) -> str:
    """A signed token; claims that are None are left out."""
    key = key or rsa_key("first")
    payload = {name: value for name, value in {**(said or GOOD), **claims}.items() if value is not None}
    alg = {"RSA": "RS256"}.get(key.key_type) or {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}[key.curve_name]
    protected = {"alg": alg, "kid": key.kid, **(header or {})}
    registry = JWSRegistry(algorithms=["RS256", "RS384", "ES256", "ES384", "ES512"], strict_check_header=False)
    registry.max_header_length = 10**6
    return serialize_compact(protected, text or json.dumps(payload).encode(), key, registry=registry)


def keys(*named: Any) -> KeySet:
    described = [key.as_dict(private=False) for key in named or (rsa_key("first"), ec_key("ec"))]
    return read_keys(json.dumps({"keys": described}).encode())


def judge(text: str, published: KeySet | None = None, clients: Any = ("app",), now: Any = NOW) -> Any:
    apart = taken_apart(text)
    if isinstance(apart, Refusal):
        return apart
    return verified(apart, published or keys(), clients=clients, now=now)


def refused(text: str, reason: Reason = Reason.INVALID_IDENTITY_TOKEN, **how: Any) -> bool:
    found = judge(text, **how)
    assert isinstance(found, Refusal), found
    assert found.reason is reason, found
    return True


@pytest.mark.parametrize("key", [rsa_key("first"), ec_key("p256"), ec_key("p384", "P-384"), ec_key("p521", "P-521")])
def test_a_good_token_says_who_it_is(key: Any):
    claims = judge(token(key=key), keys(key))
    assert isinstance(claims, Claims)
    assert (claims.issuer, claims.subject, claims.audience) == (ISSUER, "ann", "app")


def test_the_same_token_has_the_same_digest():
    text = token()
    assert judge(text).digest == hashlib.sha256(text.rpartition(".")[0].encode()).hexdigest()


@pytest.mark.parametrize("alg", ["none", "nOnE", "", None, 1])
def test_j01_there_is_no_algorithm_none(alg: Any):
    _, payload, signature = token().split(".")
    forged = encoded(json.dumps({"alg": alg, "kid": "first"}).encode())
    for last in ("", signature, "AA"):
        assert refused(f"{forged}.{payload}.{last}")


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
def test_j02_a_public_key_is_no_shared_secret(alg: str):
    digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}[alg]
    key = rsa_key("first")
    header = encoded(json.dumps({"alg": alg, "kid": "first"}).encode())
    body = f"{header}.{token().split('.')[1]}"
    for secret in (
        key.as_pem(private=False),
        key.as_der(private=False),
        json.dumps(key.as_dict(False)).encode(),
        b"",
        b"app",
    ):
        assert refused(f"{body}.{encoded(hmac.digest(secret, body.encode(), digest))}")


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c"])
def test_j03_keys_that_a_token_brings_are_never_used(name: str):
    mine = rsa_key("attacker")
    brought = {
        "jwk": mine.as_dict(private=False),
        "jku": "https://127.0.0.1:1/keys",
        "x5u": "https://127.0.0.1:1/certificate",
        "x5c": ["AAAA"],
    }
    assert refused(token(key=mine, header={name: brought[name], "kid": "first"}))
    assert isinstance(judge(token(header={name: brought[name]})), Claims)


@pytest.mark.parametrize("kid", ["../../dev/null", "' OR 1=1 --", "x" * 257, "x" * 10_000, "", "unknown"])
def test_j04_a_keys_name_is_looked_up_in_one_table(kid: str):
    assert not isinstance(judge(token(header={"kid": kid})), Claims)


@pytest.mark.parametrize("kid", [1, None, ["first"], {}])
def test_j04_and_is_a_text(kid: Any):
    _, payload, signature = token().split(".")
    forged = encoded(json.dumps({"alg": "RS256", "kid": kid}).encode())
    assert not isinstance(judge(f"{forged}.{payload}.{signature}"), Claims)


def test_j04_without_a_name_only_the_only_key_counts():
    def unnamed(*named: Any) -> KeySet:
        described = [{**key.as_dict(private=False), "kid": None} for key in named]
        stripped = [{name: value for name, value in key.items() if value is not None} for key in described]
        return read_keys(json.dumps({"keys": stripped}).encode())

    registry = JWSRegistry(algorithms=["RS256"])
    text = serialize_compact({"alg": "RS256"}, json.dumps(GOOD).encode(), rsa_key("first"), registry=registry)
    assert isinstance(judge(text, unnamed(rsa_key("first"))), Claims)
    assert judge(text, unnamed(rsa_key("first"), ec_key("ec"))) is None


@pytest.mark.parametrize("header", [{"crit": ["exp"], "exp": 1}, {"b64": False}, {"zip": "DEF"}, {"enc": "A256GCM"}])
def test_j05_j07_nothing_critical_nothing_detached_nothing_inflated(header: Any):
    _, payload, signature = token().split(".")
    forged = encoded(json.dumps({"alg": "RS256", "kid": "first", **header}).encode())
    assert refused(f"{forged}.{payload}.{signature}")


@pytest.mark.parametrize("dots", [0, 1, 3, 4])
def test_j06_j07_three_parts_no_more_and_no_less(dots: int):
    assert refused(".".join(["abcd"] * (dots + 1)))
    assert refused(json.dumps({"payload": "x", "signatures": []}))


def test_j07_no_longer_than_bounded():
    assert refused(token(sub="x" * 20_000))


@pytest.mark.parametrize(
    "issuer",
    [
        f"{ISSUER}/",
        "https://ISSUER.example",
        f"{ISSUER}:443",
        [ISSUER],
        "http://issuer.example",
        f"{ISSUER}.evil",
        None,
    ],
)
def test_j09_the_issuer_is_what_the_token_says_byte_for_byte(issuer: Any):
    apart = taken_apart(token(iss=issuer))
    assert isinstance(apart, Refusal) or apart.unverified_issuer != ISSUER


@pytest.mark.parametrize(
    ("claims", "counts"),
    [
        ({"aud": "app"}, True),
        ({"aud": ["app"]}, True),
        ({"aud": None}, False),
        ({"aud": ""}, False),
        ({"aud": []}, False),
        ({"aud": 1}, False),
        ({"aud": ["app", 1]}, False),
        ({"aud": "other"}, False),
        ({"aud": "ap"}, False),
        ({"aud": ["app", "other"]}, False),
        ({"aud": ["app", "other"], "azp": "app"}, True),
        ({"aud": ["app", "other"], "azp": "other"}, False),
        ({"aud": "other", "azp": "app"}, False),
        ({"aud": "app", "azp": ""}, False),
        ({"aud": "app", "azp": ["app"]}, False),
    ],
)
def test_j10_the_token_is_for_a_registered_client(claims: Any, counts: bool):
    found = judge(token(**claims))
    assert (
        isinstance(found, Claims)
        if counts
        else found == Refusal(Reason.INVALID_IDENTITY_TOKEN, "Incorrect token audience")
    )


def test_j10_azp_is_the_audience_where_it_is_set():
    claims = judge(token(aud="backend", azp="phone"), clients=None)
    assert (claims.audience, claims.audiences) == ("phone", ("backend",))


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": None}, Reason.INVALID_IDENTITY_TOKEN),
        ({"exp": str(SECONDS + 600)}, Reason.INVALID_IDENTITY_TOKEN),
        ({"exp": True}, Reason.INVALID_IDENTITY_TOKEN),
        ({"exp": 10**30}, Reason.INVALID_IDENTITY_TOKEN),
        ({"exp": -1}, Reason.INVALID_IDENTITY_TOKEN),
        ({"exp": SECONDS - 300}, Reason.EXPIRED_IDENTITY_TOKEN),
        ({"nbf": SECONDS + 301}, Reason.INVALID_IDENTITY_TOKEN),
        ({"iat": SECONDS + 301}, Reason.INVALID_IDENTITY_TOKEN),
        ({"iat": "now"}, Reason.INVALID_IDENTITY_TOKEN),
        ({"nbf": []}, Reason.INVALID_IDENTITY_TOKEN),
        ({"exp": SECONDS + 10 * 365 * 86_400}, Reason.INVALID_IDENTITY_TOKEN),
        ({"iat": SECONDS - 300 * 86_400, "exp": SECONDS + 101 * 86_400}, Reason.INVALID_IDENTITY_TOKEN),
        ({"iat": None, "exp": SECONDS + 400 * 86_400 + 1}, Reason.INVALID_IDENTITY_TOKEN),
    ],
)
def test_j12_times_are_numbers_and_hold(claims: Any, reason: Reason):
    assert refused(token(**claims), reason)


@pytest.mark.parametrize("stated", [{"iat": SECONDS}, {"iat": None}])
def test_j12_a_token_may_last_as_long_as_a_cluster_gives_its_pods(stated: Any):
    assert isinstance(judge(token(exp=SECONDS + 400 * 86_400, **stated)), Claims)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000])
def test_j12_and_finite(number: str):
    text = re.sub(rb'"exp": \d+', b'"exp": ' + number.encode(), json.dumps(GOOD).encode())
    assert refused(token(text=text))


@pytest.mark.parametrize(
    "claims",
    [{"exp": SECONDS - 299}, {"nbf": SECONDS + 300}, {"iat": SECONDS + 300}, {"exp": SECONDS + 0.5}],
)
def test_clocks_may_differ_by_five_minutes(claims: Any):
    assert isinstance(judge(token(**claims)), Claims)


@pytest.mark.parametrize("twice", ["sub", "iss", "aud", "exp"])
def test_j13_no_claim_comes_twice(twice: str):
    text = json.dumps(GOOD)[:-1] + f', "{twice}": {json.dumps(GOOD[twice])}}}'
    assert refused(token(text=text.encode()))


def test_j13_and_no_header():
    _, payload, signature = token().split(".")
    forged = encoded(b'{"alg":"RS256","alg":"RS256","kid":"first"}')
    assert refused(f"{forged}.{payload}.{signature}")


@pytest.mark.parametrize(
    "change", [lambda text: text + "==", lambda text: text + "\n", lambda text: " " + text, lambda text: text + "."]
)
def test_j14_there_is_one_way_to_spell_a_token(change: Any):
    assert refused(change(token()))


def test_j14_bits_that_mean_nothing_are_zero():
    text = token()
    assert len(text.rpartition(".")[2]) % 4 == 2
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".index(text[-1])
    assert last % 16 == 0
    assert refused(text[:-1] + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last + 1])


def test_every_changed_letter_is_noticed():
    text = token()
    for at in range(0, len(text), 5):
        other = "A" if text[at] != "A" else "B"
        assert not isinstance(judge(text[:at] + other + text[at + 1 :]), Claims)


@settings(max_examples=300)
@given(
    st.one_of(
        st.text(max_size=200),
        st.lists(st.binary(max_size=60), min_size=3, max_size=3).map(lambda parts: ".".join(map(encoded, parts))),
    )
)
def test_whatever_comes_it_is_refused_and_nothing_else_happens(text: str):
    assert isinstance(taken_apart(text), Refusal | Unverified)
    assert not isinstance(judge(text), Claims)


# --- what issuers publish ---------------------------------------------------------------------------------------------


def jwks(*described: Any) -> bytes:
    return json.dumps({"keys": list(described)}).encode()


def public(key: Any = None, **more: Any) -> dict[str, Any]:
    return {**(key or rsa_key("first")).as_dict(private=False), **more}


def test_j16_two_keys_of_one_name_spoil_the_set():
    with pytest.raises(Unusable, match="same name"):
        read_keys(jwks(public(), public(ec_key("first"))))


@pytest.mark.parametrize(
    "described",
    [
        pytest.param({"kty": "oct", "k": "AAAA", "kid": "x"}, id="a shared secret"),
        pytest.param(rsa_key("first").as_dict(private=True), id="a private key"),
        pytest.param(public(use="enc"), id="for encryption"),
        pytest.param(public(key_ops=["encrypt"]), id="for something else"),
        pytest.param(public(alg="HS256"), id="for an algorithm that does not count"),
        pytest.param(public(alg="ES256"), id="for an algorithm of other keys"),
        pytest.param({"kty": "RSA", "n": encoded(b"\x80" + b"\x01" * 63), "e": "AQAB", "kid": "x"}, id="of 512 bits"),
        pytest.param(
            {"kty": "RSA", "n": encoded(b"\x7f" + b"\x01" * 255), "e": "AQAB", "kid": "x"}, id="a bit too short"
        ),
        pytest.param({"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA", "kid": "x"}, id="on another curve"),
        pytest.param({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "x"}, id="not on its curve"),
        pytest.param({"kty": "RSA"}, id="without a number"),
        pytest.param({"kty": ["RSA"]}, id="of no kind"),
        pytest.param(7, id="that is none"),
    ],
)
def test_j16_a_key_that_cannot_be_relied_on_is_left_out(described: Any):
    assert read_keys(jwks(described)) == KeySet({})


@pytest.mark.parametrize(
    "document", [b"", b"[]", b"{}", b'{"keys": {}}', b'{"keys": [], "keys": []}', b"\xff", b"{" * 70_000, b" " * 65_537]
)
def test_j16_what_is_no_key_set_is_refused(document: bytes):
    with pytest.raises(Unusable):
        read_keys(document)


def test_j16_a_key_counts_for_its_own_algorithm_only():
    assert refused(token(key=rsa_key("first"), header={"alg": "RS384"}), published=read_keys(jwks(public(alg="RS256"))))


def test_j17_keys_of_another_issuer_are_not_looked_at():
    assert judge(token(key=rsa_key("second"))) is None
    assert refused(token(key=rsa_key("second"), header={"kid": "first"}))


@pytest.mark.parametrize(
    "described",
    [
        {"issuer": ISSUER + "/", "jwks_uri": f"{ISSUER}/keys"},
        {"issuer": ISSUER, "jwks_uri": "http://issuer.example/keys"},
        {"issuer": ISSUER, "jwks_uri": ["https://issuer.example/keys"]},
        {"issuer": ISSUER},
        {"jwks_uri": f"{ISSUER}/keys"},
    ],
)
def test_a_discovery_document_is_of_the_issuer_and_leads_to_keys(described: Any):
    with pytest.raises(Unusable):
        read_discovery(json.dumps(described).encode(), ISSUER)
