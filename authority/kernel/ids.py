"""Unique ids in IAM's form: a four-letter kind and a random tail that is never issued twice.

An id says what it names and nothing else (IAM User Guide, unique identifiers).
"""

from __future__ import annotations

import base64
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

TAIL_BYTES: Final = 10
"""Eighty random bits: two of a million million ids are equal with a chance below one in two."""


def unique_id(kind: str, entropy: bytes) -> str:
    """Spell *kind* followed by `TAIL_BYTES` of *entropy* in base 32: twenty characters."""
    return kind + base64.b32encode(entropy[:TAIL_BYTES]).decode("ascii")
