"""A string that must not be seen: it prints as `***` and compares in constant time."""

from __future__ import annotations

import hmac
from typing import Final, NoReturn, final

MASK: Final = "***"


@final
class Secret:
    """Bytes that leave only by `reveal`, so that no log line, repr or traceback can carry them."""

    __slots__ = ("_bytes",)

    def __init__(self, value: bytes | str) -> None:
        """Hide *value*."""
        self._bytes = value.encode() if isinstance(value, str) else value

    def reveal(self) -> bytes:
        """The bytes themselves.  Say why at the call."""
        return self._bytes

    def __repr__(self) -> str:
        """Show nothing."""
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        """Show nothing, whatever the format."""
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        """Compare in constant time, on bytes: text with other letters than ASCII would raise."""
        return isinstance(other, Secret) and hmac.compare_digest(self._bytes, other._bytes)

    def __hash__(self) -> NoReturn:
        """Refuse: a secret is no key of a table."""
        raise TypeError("a secret cannot be hashed")

    def __reduce__(self) -> NoReturn:
        """Refuse: a secret is not pickled."""
        raise TypeError("a secret cannot be pickled")
