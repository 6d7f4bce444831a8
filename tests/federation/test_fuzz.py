"""Whatever is done to a token, an assertion or a set of keys: it means what its issuer said, or it is refused."""

from __future__ import annotations

import base64
import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from authority.federation.assertions import read_assertion
from authority.federation.claims import carried, conditions
from authority.federation.keysets import KeySet, Unusable, read_discovery, read_keys
from authority.federation.metadata import read_metadata
from authority.federation.signed_xml import Unfit, signed_assertion
from authority.federation.tokens import Claims, Unverified, taken_apart, verified
from authority.kernel.refusal import Refusal
from tests.federation.documents import ENTITY
from tests.federation.responses import (
    AUDIENCE,
    NOW,
    RECIPIENT,
    assertion,
    der,
    encoded,
    good,
    published,
    response,
    signed,
)
from tests.federation.test_tokens import GOOD, ISSUER, keys, public, token

HERE = (RECIPIENT,)
BOUNDED = settings(max_examples=150, suppress_health_check=list(HealthCheck))
AT_LENGTH = settings(max_examples=60_000, suppress_health_check=list(HealthCheck))
FRAGMENTS = (
    b"<!--x-->", b"<![CDATA[x]]>", b"<?x?>", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;", b"&#0;", b"&#x61;", b"\x00", b"\xff", b"\xef\xbb\xbf",
    b' ID="_a1"', b' ID="_r1"', b' Id="_a1"', b' xml:id="_a1"', b' xmlns:q="1"', b' xmlns="urn:x"', b"<saml:NameID>eve</saml:NameID>",
    b"</saml:Assertion>", b"<saml:Assertion>", b"<ds:Signature/>", b"<ds:Reference/>", b"<saml:EncryptedAssertion/>", b"eve", b" ", b"\n",
)  # fmt: skip
SIGNED = {
    "the assertion is signed": etree.tostring(good()),
    "the response is signed": etree.tostring(signed(response(assertion()))),
    "both are signed": etree.tostring(signed(good())),
}
MEANT = ("ann", "_a1", ("ann@corp",))


def meaning(raw: bytes) -> Any:
    """What a response means to us, in short; None if it is refused."""
    try:
        found = signed_assertion(base64.b64encode(raw).decode(), (der(),), HERE)
        read = read_assertion(
            found, issuer=ENTITY, recipients=frozenset(HERE), audiences=frozenset({AUDIENCE}), now=NOW
        )
    except Unfit:
        return None
    names = [name for name in read.attributes if name.endswith("/RoleSessionName")]
    return read.subject, read.id, read.attributes[names[0]]


@st.composite
def damaged(draw: st.DrawFn, good: bytes) -> bytes:
    """*good* with a few places cut, doubled, moved, changed or filled with what attacks are made of."""
    raw = good
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(raw)))
        end = min(len(raw), begin + draw(st.sampled_from([0, 1, 2, 8, 64, 512])))
        piece = raw[begin:end]
        match draw(st.sampled_from(["cut", "double", "move", "flip", "fill"])):
            case "cut":
                raw = raw[:begin] + raw[end:]
            case "double":
                raw = raw[:end] + piece + raw[end:]
            case "move":
                rest = raw[:begin] + raw[end:]
                to = draw(st.integers(0, len(rest)))
                raw = rest[:to] + piece + rest[to:]
            case "flip":
                flipped = bytes(byte ^ draw(st.sampled_from([1, 32, 128])) for byte in piece[:2])
                raw = raw[:begin] + flipped + raw[begin + 2 :]
            case _:
                raw = raw[:begin] + draw(st.sampled_from(FRAGMENTS)) + raw[end:]
    return raw


@st.composite
def rearranged(draw: st.DrawFn, good: bytes) -> bytes:
    """*good* with elements moved, copied and given other ids, well-formed as before."""
    root = etree.fromstring(good)
    for _ in range(draw(st.integers(1, 4))):
        every = list(root.iter(etree.Element))
        one, other = (every[draw(st.integers(0, len(every) - 1))] for _ in range(2))
        match draw(st.sampled_from(["copy", "move", "text", "attribute", "rename"])):
            case "copy":
                other.insert(draw(st.integers(0, len(other))), deepcopy(one))
            case "move" if one is not root and one not in list(other.iterancestors()) and one is not other:
                other.insert(draw(st.integers(0, len(other))), one)
            case "text":
                one.text = draw(st.sampled_from(["eve", "", "_a1", None]))
            case "attribute":
                name = draw(st.sampled_from(["ID", "Id", "URI", "Algorithm", "Destination"]))
                one.set(name, draw(st.sampled_from(["_a1", "#_a1", "", "x"])))
            case _:
                one.tag = other.tag
    return bytes(etree.tostring(root))


def assertions_hold(data: st.DataObject) -> None:
    good = SIGNED[data.draw(st.sampled_from(sorted(SIGNED)))]
    raw = data.draw(damaged(good) | rearranged(good))
    assert meaning(raw) in (None, MEANT), raw


def metadata_hold(data: st.DataObject) -> None:
    text = data.draw(damaged(published().encode())).decode("utf-8", "surrogateescape")
    assert read_metadata(text) is not None


# --- tokens -------------------------------------------------------------------------------------

ODD: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["app", "ann", "another", "https://aws.amazon.com/tags", 10**40, -1, "../../dev/null", "none", "HS256"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
NAMES = st.sampled_from(
    ["iss", "aud", "azp", "sub", "exp", "nbf", "iat", "amr", "https://aws.amazon.com/tags", "https://aws.amazon.com/source_identity",
     "https://aws.amazon.com/tags/transitive_tag_keys", "cognito:roles"]
) | st.text(max_size=12)  # fmt: skip


def judged(text: str) -> Claims | None:
    """What a token says that counts; None if it is refused."""
    apart = taken_apart(text)
    if isinstance(apart, Refusal):
        return None
    assert isinstance(apart, Unverified)
    if apart.unverified_issuer != ISSUER:
        return None  # no provider of the account, so nobody's keys are looked at
    found = verified(apart, keys(), clients=("app",), now=NOW)
    return found if isinstance(found, Claims) else None


def tokens_hold(data: st.DataObject) -> None:
    """Letters of a good token change: it is the same token, or none."""
    good = token()
    raw = data.draw(damaged(good.encode()))
    text = raw.decode("utf-8", "surrogateescape")
    found = judged(text)
    assert found is None or (found.subject == GOOD["sub"] and text == good), text


def claims_hold(data: st.DataObject) -> None:
    """The issuer itself signs anything: what counts names its client and its subject, and means one thing."""
    said = {**GOOD, **data.draw(st.dictionaries(NAMES, ODD, max_size=4))}
    for name in data.draw(st.lists(st.sampled_from(sorted(GOOD)), max_size=1)):
        said.pop(name, None)
    found = judged(token(text=json.dumps(said).encode()))
    if found is None:
        return
    assert (found.issuer, found.subject) == (GOOD["iss"], said["sub"])
    assert "app" in found.audiences
    assert found.audience == said.get("azp", "app") or said.get("azp") is None
    asked = conditions("id.example", found)
    assert asked["id.example:sub"] == found.subject
    assert asked["id.example:aud"] == found.audience
    assert all(isinstance(value, str | tuple) for value in asked.values())
    carried(found.said)


def key_sets_hold(data: st.DataObject) -> None:
    """Whatever an issuer publishes is a set of keys that can be relied on, or of no use."""
    described: list[Any] = [public()]
    members = st.sampled_from(sorted({*public(), "crv", "x", "y", "d", "k", "use", "key_ops", "alg"}))
    for _ in range(data.draw(st.integers(0, 2))):
        base = data.draw(st.sampled_from([{}, {"kty": "EC"}, {"kty": "RSA"}, public()]))
        described.append({**base, **data.draw(st.dictionaries(members, ODD, max_size=3))})
    raw = json.dumps({"keys": described}).encode()
    if data.draw(st.booleans()):
        raw = data.draw(damaged(raw))
    for read in (read_keys, lambda document: read_discovery(document, "https://id.example")):
        try:
            found = read(raw)
        except Unusable:
            continue
        if isinstance(found, KeySet):
            assert all(one.algorithms for one in (*found.named.values(), *found.unnamed))
        else:
            assert str(found).startswith("https://")


CAMPAIGNS = [assertions_hold, metadata_hold, tokens_hold, claims_hold, key_sets_hold]


@pytest.mark.parametrize("campaign", CAMPAIGNS)
def test_nothing_gets_past_the_readers(campaign: Any):
    BOUNDED(given(st.data())(campaign))()


@pytest.mark.deep
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("campaign", CAMPAIGNS)
def test_nothing_gets_past_the_readers_at_length(campaign: Any):
    AT_LENGTH(given(st.data())(campaign))()


def test_what_is_left_as_it_was_means_what_it_meant():
    assert {meaning(raw) for raw in SIGNED.values()} == {MEANT}
    assert judged(token()) is not None
    assert encoded(SIGNED["both are signed"])
