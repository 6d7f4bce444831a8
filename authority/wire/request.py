"""What came off the socket, byte for byte, and whether two readers could read it differently.

Everything here is judged before anybody knows who asks, so it is cheap, and a doubt is a refusal: what this
module lets pass has one host, one target, one content type and one place for each thing that matters.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Mapping
from typing import Final

import msgspec

from authority.kernel.refusal import Reason, Refusal

METHOD: Final = re.compile(r"[A-Z]{1,16}")
# Origin form only (RFC 9112 3.2.1): with the absolute form the target and the Host header could name two hosts.
# Visible ASCII without `#`: a fragment has no business in a request, and servers disagree on where to cut it.
TARGET: Final = re.compile(rb"/[\x21\x22\x24-\x7e]*")
IN_HEADER_NAMES: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]*")
# RFC 9110 5.5: no CR, LF, NUL or other controls but the tab.
IN_HEADER_VALUES: Final = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
SINGLE: Final = frozenset(
    {b"host", b"authorization", b"content-type", b"content-length", b"content-encoding", b"transfer-encoding"}
)


class Received(msgspec.Struct, frozen=True, dict=True):
    """One request as it arrived: nothing decoded, nothing reordered, no duplicate dropped."""

    method: str
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    peer: str
    secure: bool = False

    def __repr__(self) -> str:
        """Show where it went, and neither headers nor body: they hold signatures, tokens and passwords."""
        return f"Received({self.method}, {self.path!r}, {self.peer})"

    @property
    def path(self) -> bytes:
        """The raw path: everything before the first `?`."""
        return self.target.partition(b"?")[0]

    @property
    def query(self) -> bytes:
        """The raw query string: everything after the first `?`."""
        return self.target.partition(b"?")[2]

    @functools.cached_property
    def fields(self) -> Mapping[bytes, bytes]:
        """The first value of each header, by its name in lower case; what decides anything has only one."""
        return {name.lower(): value for name, value in reversed(self.headers)}

    @functools.cached_property
    def repeated(self) -> frozenset[bytes]:
        """The headers that occur more than once."""
        if len(self.fields) == len(self.headers):
            return frozenset()
        counted = Counter(name.lower() for name, _ in self.headers)
        return frozenset(name for name, count in counted.items() if count > 1)

    def header(self, name: bytes) -> bytes | None:
        """The first value of the header *name*, given in lower case."""
        return self.fields.get(name)


def examine(received: Received, hosts: frozenset[str]) -> Refusal | None:
    """Refuse a request that another reader could understand differently, or that was meant for another host.

    *hosts* holds what the Host header may say, in lower case and with the port where clients send one.

    1. the method is a word and the target is a path of visible ASCII, without dot segments and empty segments;
    2. headers are well formed, and those that decide anything occur once;
    3. the body is what was signed: not compressed, and not multipart;
    4. the host is one of ours, exactly.
    """
    if METHOD.fullmatch(received.method) is None:
        return _malformed("The method is not one that this endpoint knows.")
    if TARGET.fullmatch(received.target) is None:
        return _malformed(
            "The request target must be a path of visible ASCII characters, without a host and without '#'."
        )
    if _walks(received.path):
        return _malformed("The path must not contain empty segments, '.' or '..'.")

    fields = received.fields
    # All of them in one match: what is allowed is said of single characters, and only a name may not be empty.
    names, values = b"".join(fields), b"".join([value for _, value in received.headers])
    if b"" in fields or IN_HEADER_NAMES.fullmatch(names) is None or IN_HEADER_VALUES.fullmatch(values) is None:
        return _malformed("A header contains a character that is not allowed.")
    for name in received.repeated:  # readers differ on which of two wins; CVE-2026-34525 is this with Host
        if name in SINGLE or name.startswith(b"x-amz-"):
            return _malformed(f"The header {name.decode('ascii')} occurs more than once.")

    if b"content-encoding" in fields:  # the signature covers the compressed bytes, a handler would read the others
        return _malformed("Content-Encoding is not supported.")
    if fields.get(b"content-type", b"").lstrip(b" \t").lower().startswith(b"multipart/"):
        return _malformed("A multipart body is not supported.")

    host = fields.get(b"host")
    # Exact, never by suffix (CVE-2020-16250, CVE-2022-2385): `sts.ours.evil`, `xsts.ours` and `sts.ours.` are not ours.
    if host is None or host.decode("latin-1").lower() not in hosts:
        return _malformed("The Host header does not name this endpoint.")
    return None


def _walks(path: bytes) -> bool:
    """Whether some reader would shorten *path*: signers and proxies remove these segments, handlers may not."""
    return len(path) > 1 and (b"//" in path or b"/./" in path or b"/../" in path or path.endswith((b"/.", b"/..")))


def _malformed(message: str) -> Refusal:
    return Refusal(Reason.MALFORMED_REQUEST, message)
