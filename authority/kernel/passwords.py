"""What the rest of the house may ask of those who hash passwords.  The adapter lives in `outbound`."""

from __future__ import annotations

from typing import Protocol

from authority.kernel.secret import Secret


class PasswordHasher(Protocol):
    """Makes of a password what is safe to keep: slowly and with much memory, so that nobody can try many.

    Few are worked on at a time; the rest wait their turn, and nothing else waits for them.
    """

    async def hashed(self, password: str) -> Secret:
        """What to keep of *password*: different each time, as it is salted."""
        ...

    async def matches(self, hashed: Secret, password: str) -> bool:
        """Whether *password* is the one that *hashed* was made of."""
        ...
