"""Passwords hashed with Argon2id (RFC 9106), in the library's own form, which names its parameters."""

from __future__ import annotations

import asyncio

import argon2
from argon2.profiles import RFC_9106_LOW_MEMORY

from authority.kernel.secret import Secret


class Argon2Passwords:
    """Hashes with the second of the parameter sets that the RFC recommends: 64 MiB, three passes (section 4)."""

    def __init__(self, parameters: argon2.Parameters = RFC_9106_LOW_MEMORY) -> None:
        """Hash with *parameters*; what was hashed with others is still matched."""
        self._hasher = argon2.PasswordHasher.from_parameters(parameters)
        # One at a time: whoever sends many must not take the memory or the cores from everybody else.
        self._turn = asyncio.Semaphore(1)

    async def hashed(self, password: str) -> Secret:
        """See `PasswordHasher.hashed`."""
        async with self._turn:
            return Secret(await asyncio.to_thread(self._hasher.hash, password))

    async def matches(self, hashed: Secret, password: str) -> bool:
        """See `PasswordHasher.matches`."""
        async with self._turn:
            return await asyncio.to_thread(self._matches, hashed, password)

    def _matches(self, hashed: Secret, password: str) -> bool:
        # What is kept leaves its wrapping to be compared, inside the library and in constant time.
        try:
            return self._hasher.verify(hashed.reveal(), password)
        except argon2.exceptions.VerifyMismatchError:
            return False
