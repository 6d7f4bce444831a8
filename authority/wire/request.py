"""What came off the socket, byte for byte, and whether two readers could read it differently.

Everything here is judged before anybody knows who asks, so it is cheap, and a doubt is a refusal: what this
module lets pass has one host, one target, one content type and one place for each thing that matters.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from authority.kernel.refusal import Reason, Refusal

METHOD: Final = re.compile(r"[A-Z]{1,16}")
# Origin form only (RFC 9112 3.2.1): with the absolute form the target and the Host header could name two hosts.
# Visible ASCII without `#`: a fragment has no business in a request, and servers disagree on where to cut it.
TARGET: Final = re.compile(rb"/[\x21\x22\x24-\x7e]*")
HEADER_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# RFC 9110 5.5: no CR, LF, NUL or other controls but the tab.
HEADER_VALUE: Final = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
SINGLE: Final = frozenset(
    {b"host", b"authorization", b"content-type", b"content-length", b"content-encoding", b"transfer-encoding"}
)


class Received(msgspec.Struct, frozen=True):
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

    def header(self, name: bytes) -> bytes | None:
        """The first value of the header *name*, given in lower case; what decides anything has only one."""
        for key, value in self.headers:
            if key.lower() == name:
                return value
        return None


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

    seen: set[bytes] = set()
    for raw_name, value in received.headers:
        name = raw_name.lower()
        if HEADER_NAME.fullmatch(name) is None or HEADER_VALUE.fullmatch(value) is None:
            return _malformed("A header contains a character that is not allowed.")
        if name in SINGLE or name.startswith(b"x-amz-"):
            if name in seen:  # readers differ on which of two wins; CVE-2026-34525 is this with Host
                return _malformed(f"The header {name.decode('ascii')} occurs more than once.")
            seen.add(name)

    if b"content-encoding" in seen:  # the signature covers the compressed bytes, a handler would read the others
        return _malformed("Content-Encoding is not supported.")
    if b"content-type" in seen and (received.header(b"content-type") or b"").lstrip(b" \t").lower().startswith(
        b"multipart/"
    ):
        return _malformed("A multipart body is not supported.")

    host = received.header(b"host")
    # Exact, never by suffix (CVE-2020-16250, CVE-2022-2385): `sts.ours.evil`, `xsts.ours` and `sts.ours.` are not ours.
    if host is None or host.decode("latin-1").lower() not in hosts:
        return _malformed("The Host header does not name this endpoint.")
    return None


def _walks(path: bytes) -> bool:
    """Whether some reader would shorten *path*: signers and proxies remove these segments, handlers may not."""
    return len(path) > 1 and (b"//" in path or b"/./" in path or b"/../" in path or path.endswith((b"/.", b"/..")))


def _malformed(message: str) -> Refusal:
    return Refusal(Reason.MALFORMED_REQUEST, message)
