"""What the rest of the house may ask of those who keep keys.  The adapter lives in `outbound`."""

from __future__ import annotations

from typing import Protocol

from authority.kernel.ids import SealingKeyId
from authority.kernel.secret import Secret


class SealBroken(Exception):  # noqa: N818 - what happened, in the words of the house
    """A vault row was not sealed by us for this row and purpose, or was changed since."""


class KeyNotHeld(Exception):  # noqa: N818
    """The daily key that is named is not in memory: it is not ours, or was destroyed."""


class TokenRefused(Exception):  # noqa: N818
    """A session token was not made by us for this access key id.  Says no more, so that nobody can probe."""


class Custodian(Protocol):
    """Keeps the root key and the daily keys, and lends what is made with them, never the keys."""

    def seal(self, row_id: str, purpose: str, secret: Secret) -> bytes:
        """Seal *secret* for the vault row *row_id*, to be opened for *purpose* only."""
        ...

    def unseal(self, row_id: str, purpose: str, sealed: bytes) -> Secret:
        """Open what `seal` made for the same row and purpose; raise `SealBroken` for anything else."""
        ...

    def hold(self, key_id: SealingKeyId, daily: Secret) -> None:
        """Keep a daily key in memory.  Its id never comes to mean another key."""
        ...

    def drop(self, key_id: SealingKeyId) -> None:
        """Forget a daily key, and with it every token and secret made under it."""
        ...

    def temporary_secret(self, key_id: SealingKeyId, access_key_id: str) -> Secret:
        """The secret key that goes with *access_key_id*: the same each time, and in no store."""
        ...

    def seal_token(self, key_id: SealingKeyId, access_key_id: str, content: bytes) -> str:
        """Make the session token that carries *content* and is worth something beside *access_key_id* only."""
        ...

    def open_token(self, token: str, access_key_id: str) -> tuple[SealingKeyId, bytes]:
        """The sealing key and the content of *token*; `TokenRefused` for whatever we did not make like this."""
        ...
