"""Unique ids: what they are made of, and that those which are made of names stay what they are."""

from __future__ import annotations

import uuid
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authority.kernel.ids import ROLE, TAIL_BYTES, random_uuid, unique_id
from authority.model.policies import catalogue_id

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def test_every_letter_comes_of_as_many_bytes_as_any_other():
    found = Counter(unique_id("", bytes([byte]) * TAIL_BYTES)[0] for byte in range(256))
    assert found == dict.fromkeys(LETTERS, 8)


def test_an_id_has_a_letter_for_each_byte_of_chance_and_no_more_than_sixteen():
    assert unique_id(ROLE, bytes(range(TAIL_BYTES)) + b"more") == f"AROA{LETTERS[:TAIL_BYTES]}"


@pytest.mark.parametrize(
    ("path", "name", "expected"),
    [("/", "AdministratorAccess", "ANPA7FSB3TBLYXKMD5DS"), ("/aws-service-role/", "X", "ANPAFRKBLRILXPO3Y4T2")],
)
def test_the_id_of_a_catalogue_policy_is_the_same_for_ever(path, name, expected):
    assert catalogue_id(path, name) == expected


@given(st.binary(min_size=16, max_size=16))
def test_a_random_uuid_is_that_of_the_standard(drawn):
    assert random_uuid(drawn) == str(uuid.UUID(bytes=drawn, version=4))
