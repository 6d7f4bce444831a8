"""What a token says becomes condition keys, session tags and a source identity; what cannot become one is refused."""

from __future__ import annotations

from typing import Any

import pytest

from authority.federation.claims import MOST_KEYS, Carried, carried, conditions, lasting
from authority.federation.tokens import Claims
from authority.kernel.refusal import Reason, Refusal
from authority.kernel.tags import Tag

TAGS = "https://aws.amazon.com/tags"
FLAT = f"{TAGS}/principal_tags/"
SOURCE = "https://aws.amazon.com/source_identity"


def keys(audience: str = "app", **said: Any) -> dict[str, Any]:
    claims = Claims(
        "https://issuer.example", "ann", audience, ("backend",), {"sub": "ann", "aud": "app", **said}, "digest"
    )
    found = conditions("Issuer.example/Path", claims)
    prefix = "issuer.example/path:"
    assert all(name.startswith(prefix) for name in found)
    return {name.removeprefix(prefix): value for name, value in found.items()}


def test_the_keys_bear_the_issuers_url_in_lower_case():
    assert keys() == {"aud": "app", "sub": "ann"}


def test_azp_stands_for_the_audience_and_the_audience_is_kept():
    assert keys("phone", azp="phone") == {"aud": "phone", "sub": "ann", "oaud": "backend", "azp": "phone"}


@pytest.mark.parametrize(
    ("value", "spelled"),
    [
        ("text", "text"),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (["a", "b"], ("a", "b")),
        (["a", 1], None),
        ([], None),
        ({"a": "b"}, None),
        (1.5, None),
        (10**18, None),
        (None, None),
        ("x" * 257, None),
        (["x"] * 41, None),
    ],
)
def test_claims_of_simple_kinds_are_keys(value: Any, spelled: Any):
    assert keys(department=value).get("department") == spelled


@pytest.mark.parametrize(
    "name", ["Sub", "SUB", "AUD", "Amr", "OAUD", "with space", "", "ü", "x" * 65, "iss", "nonce", TAGS]
)
def test_no_claim_takes_the_place_of_another_or_has_a_strange_name(name: str):
    assert keys(**{name: "mallory"}) == {"aud": "app", "sub": "ann"}


def test_two_names_that_only_look_alike_are_both_left_out():
    assert keys(Team="red", team="blue") == {"aud": "app", "sub": "ann"}


def test_there_are_no_more_keys_than_an_entry_has_room_for():
    assert len(keys(**{f"c{number}": "x" for number in range(100)})) == MOST_KEYS


def test_later_requests_know_the_subject_the_audience_and_the_methods():
    found = conditions("i.example", Claims("https://i.example", "ann", "app", ("app",), {"amr": ["otp"], "x": "y"}, ""))
    assert lasting("i.example", found) == {"i.example:sub": "ann", "i.example:aud": "app", "i.example:amr": ("otp",)}


@pytest.mark.parametrize(
    "said",
    [
        {TAGS: {"principal_tags": {"Team": ["red"]}, "transitive_tag_keys": ["Team"]}},
        {TAGS: {"principal_tags": {"Team": "red"}, "transitive_tag_keys": "Team"}},
        {f"{FLAT}Team": "red", f"{TAGS}/transitive_tag_keys": ["Team"]},
        {f"{FLAT}Team": ["red"], f"{TAGS}/transitive_tag_keys": "Team"},
    ],
)
def test_session_tags_stand_in_one_object_or_in_a_claim_each(said: Any):
    assert carried(said) == Carried((Tag("Team", "red"),), ("Team",))


@pytest.mark.parametrize(
    "said",
    [
        {TAGS: []},
        {TAGS: {"principal_tags": [], "transitive_tag_keys": []}},
        {TAGS: {"principal_tags": {}, "other": 1}},
        {TAGS: {"principal_tags": {"Team": ["red", "blue"]}}},
        {TAGS: {"principal_tags": {"Team": []}}},
        {TAGS: {"principal_tags": {"Team": 1}}},
        {TAGS: {"principal_tags": {"": "red"}}},
        {TAGS: {"principal_tags": {"a\nb": "red"}}},
        {TAGS: {"principal_tags": {"Team": "a\nb"}}},
        {TAGS: {"principal_tags": {"Team": "x" * 257}}},
        {TAGS: {"transitive_tag_keys": [1]}},
        {TAGS: {"transitive_tag_keys": {}}},
        {TAGS: {}, f"{FLAT}Team": "red"},
        {SOURCE: 1},
        {SOURCE: "a b"},
        {SOURCE: "a"},
        {SOURCE: "a\n"},
        {SOURCE: "x" * 65},
    ],
)
def test_what_cannot_be_a_tag_or_a_source_identity_is_refused_and_never_ignored(said: Any):
    found = carried(said)
    assert isinstance(found, Refusal)
    assert found.reason is Reason.INVALID_IDENTITY_TOKEN


def test_a_source_identity_is_carried():
    assert carried({SOURCE: "ann@corp"}) == Carried(source_identity="ann@corp")
