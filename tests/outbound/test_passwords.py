"""Passwords are hashed with Argon2id and a salt, and matched by nothing but themselves."""

from __future__ import annotations

import argon2
import pytest
from argon2.profiles import CHEAPEST, RFC_9106_LOW_MEMORY

from authority.kernel.secret import Secret
from authority.outbound.passwords import Argon2Passwords

HASHER = Argon2Passwords(CHEAPEST)


def test_a_password_is_hashed_as_the_rfc_recommends():
    hashed = Argon2Passwords().hashed("secret").reveal().decode()
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert argon2.extract_parameters(hashed) == RFC_9106_LOW_MEMORY


def test_the_same_password_is_hashed_to_something_else_each_time():
    assert HASHER.hashed("secret") != HASHER.hashed("secret")


@pytest.mark.parametrize("password", ["secret", "é" * 64, " ", "\t\n", "x" * 128])
def test_a_password_matches_itself(password):
    assert HASHER.matches(HASHER.hashed(password), password)


@pytest.mark.parametrize("other", ["Secret", "secret ", "", "secre", "ｓｅｃｒｅｔ"])
def test_nothing_else_matches_it(other):
    assert not HASHER.matches(HASHER.hashed("secret"), other)


def test_what_was_hashed_with_other_parameters_still_matches():
    assert Argon2Passwords().matches(HASHER.hashed("secret"), "secret")


def test_what_is_no_hash_is_a_fault_and_no_match():
    with pytest.raises(argon2.exceptions.InvalidHashError):
        HASHER.matches(Secret(b"secret"), "secret")
