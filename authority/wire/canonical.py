"""What a signature of version 4 is over: the canonical request and the string to sign, as bytes.

Knows nothing of keys, and judges nothing (IAM User Guide, Create a signed AWS API request).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final
from urllib.parse import quote

import msgspec

ALGORITHM: Final = "AWS4-HMAC-SHA256"
BLANKS: Final = re.compile(rb"[ \t]+")


class SignedHeaders(msgspec.Struct, frozen=True):
    """Which headers a signature covers, and what a canonical request has of them but for their values."""

    order: tuple[bytes, ...]
    names: frozenset[bytes]
    lines: bytes

    @classmethod
    def of(cls, order: tuple[bytes, ...]) -> SignedHeaders:
        """Cover the headers in *order*."""
        spelled = [name.replace(b"%", b"%%") for name in order]  # a header name may hold what marks a value's place
        return cls(order, frozenset(order), b"%b:%%b\n" * len(order) % tuple(spelled) + b"\n" + b";".join(spelled))

    def with_values(self, values: Mapping[bytes, bytes]) -> bytes:
        """The lines of the headers and the list of their names, as a canonical request has them."""
        lines = self.lines % tuple([values[name] for name in self.order])
        text = lines.decode("latin-1")  # all at once: hardly any client sends a blank that does not count
        if "  " in text or "\t" in text or ": " in text or " \n" in text:
            return self.lines % tuple([_canonical_value(values[name]) for name in self.order])
        return lines


def canonical_request(
    method: bytes, path: bytes, parameters: Sequence[tuple[bytes, bytes]], headers: bytes, body_hash: bytes
) -> bytes:
    """The lines that are signed; *headers* as `SignedHeaders` has them."""
    return b"\n".join((method, _canonical_path(path), _canonical_query(parameters), headers, body_hash))


def string_to_sign(moment: str, scope: str, canonical: bytes) -> bytes:
    """What the signature is over: the algorithm, when, for what, and the digest of the canonical request."""
    return f"{ALGORITHM}\n{moment}\n{scope}\n{sha256(canonical).hexdigest()}".encode("latin-1")


def hash_of(body: bytes) -> bytes:
    """The digest of a body, as a canonical request has it."""
    return sha256(body).hexdigest().encode("ascii")


@functools.lru_cache(maxsize=64)
def _canonical_path(path: bytes) -> bytes:
    """The raw path, escaped once more, as every service but S3 has it.  Dot segments never come this far: `examine`."""
    return quote(path, safe="/~").encode("ascii")


def _canonical_query(parameters: Sequence[tuple[bytes, bytes]]) -> bytes:
    """The raw pairs in order, without the signature.  Not decoded: `a=b%26c=d` must never equal `a=b&c=d`."""
    if not parameters:
        return b""
    return b"&".join(name + b"=" + value for name, value in sorted(parameters) if name != b"X-Amz-Signature")


def _canonical_value(value: bytes) -> bytes:
    # Blanks are space and tab: `strip` and `split` without arguments would eat more than clients do.
    return BLANKS.sub(b" ", value.strip(b" \t"))
