"""Unique ids in IAM's form: a four-letter kind and a random tail that is never issued twice.

An id says what it names and nothing else (IAM User Guide, unique identifiers).
"""

from __future__ import annotations

from typing import Final, NewType

AccountId = NewType("AccountId", str)
"""Twelve digits."""
UserId = NewType("UserId", str)
RoleId = NewType("RoleId", str)
GroupId = NewType("GroupId", str)
PolicyId = NewType("PolicyId", str)
InstanceProfileId = NewType("InstanceProfileId", str)
AccessKeyId = NewType("AccessKeyId", str)
"""`AKIA...` for keys of users and roots, `ASIA...` for temporary credentials."""
RequestId = NewType("RequestId", str)
SealingKeyId = NewType("SealingKeyId", str)
ProviderId = NewType("ProviderId", str)
"""An identity provider: `SAML...` or `OIDC...`."""

USER: Final = "AIDA"
ROLE: Final = "AROA"
GROUP: Final = "AGPA"
POLICY: Final = "ANPA"
INSTANCE_PROFILE: Final = "AIPA"
LONG_TERM_KEY: Final = "AKIA"
TEMPORARY_KEY: Final = "ASIA"

TAIL_BYTES: Final = 16
"""Each gives five of eighty random bits: two of a million million ids are equal with a chance below one in two."""
_LETTERS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" * 8
"""The letter of base 32 (RFC 4648, section 6) for every byte: each of them for as many bytes as any other."""
_VARIANT: Final = {f"{digit:x}": f"{8 | digit & 3:x}" for digit in range(16)}
"""The digit that says which UUIDs these are, and leaves two bits of the one that was drawn (RFC 9562, section 4.1)."""


def unique_id(kind: str, entropy: bytes) -> str:
    """Spell *kind* followed by a letter for each of the first `TAIL_BYTES` of *entropy*: twenty characters."""
    return kind + entropy[:TAIL_BYTES].translate(_LETTERS).decode("ascii")


def random_uuid(drawn: bytes) -> str:
    """The UUID of 16 bytes drawn at random, but for six bits that say what it is (RFC 9562, section 5.4)."""
    digits = drawn.hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{_VARIANT[digits[16]]}{digits[17:20]}-{digits[20:]}"
