"""Keys that sign for others to verify, as the rest of the house may ask for them.  The adapter lies in `outbound`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from authority.kernel.secret import Secret

Sign: TypeAlias = Callable[[bytes], bytes]
"""Makes the signature of a message, as JWA spells it (RFC 7518, section 3)."""


class IssuerKeys(Protocol):
    """Makes key pairs and signs with them; keeps none."""

    def generate(self, algorithm: str) -> tuple[Secret, str]:
        """A new private key, and the members of the public one's JWK as JSON.  Slow: for a thread of its own."""
        ...

    def signer(self, algorithm: str, private: Secret) -> Sign:
        """What signs with a *private* key that `generate` made."""
        ...
