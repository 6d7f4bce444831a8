"""Passwords are hashed with Argon2id and a salt, and matched by nothing but themselves."""

from __future__ import annotations

import argon2
import pytest
from argon2.profiles import CHEAPEST, RFC_9106_LOW_MEMORY

from authority.kernel.secret import Secret
from authority.outbound.passwords import Argon2Passwords


@pytest.fixture
def hasher() -> Argon2Passwords:
    return Argon2Passwords(CHEAPEST)


async def test_a_password_is_hashed_as_the_rfc_recommends():
    hashed = (await Argon2Passwords().hashed("secret")).reveal().decode()
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert argon2.extract_parameters(hashed) == RFC_9106_LOW_MEMORY


async def test_the_same_password_is_hashed_to_something_else_each_time(hasher):
    assert await hasher.hashed("secret") != await hasher.hashed("secret")


@pytest.mark.parametrize("password", ["secret", "é" * 64, " ", "\t\n", "x" * 128])
async def test_a_password_matches_itself(hasher, password):
    assert await hasher.matches(await hasher.hashed(password), password)


@pytest.mark.parametrize("other", ["Secret", "secret ", "", "secre", "ｓｅｃｒｅｔ"])
async def test_nothing_else_matches_it(hasher, other):
    assert not await hasher.matches(await hasher.hashed("secret"), other)


async def test_what_was_hashed_with_other_parameters_still_matches(hasher):
    assert await Argon2Passwords().matches(await hasher.hashed("secret"), "secret")


async def test_what_is_no_hash_is_a_fault_and_no_match(hasher):
    with pytest.raises(argon2.exceptions.InvalidHashError):
        await hasher.matches(Secret(b"secret"), "secret")
