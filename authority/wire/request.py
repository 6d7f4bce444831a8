"""What came off the socket, byte for byte, and whether two readers could read it differently.

Everything here is judged before anybody knows who asks, so it is cheap, and a doubt is a refusal: what this
module lets pass has one host, one target, one content type and one place for each thing that matters.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Final, final

import msgspec

from authority.kernel.refusal import Reason, Refusal

METHOD: Final = re.compile(r"[A-Z]{1,16}")
# Origin form only (RFC 9112 3.2.1): with the absolute form the target and the Host header could name two hosts.
# Visible ASCII without `#`: a fragment has no business in a request, and servers disagree on where to cut it.
TARGET: Final = re.compile(rb"/[\x21\x22\x24-\x7e]*")
HEADER_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+")
IN_HEADER_VALUES: Final = bytes((0x09, *range(0x20, 0x7F), *range(0x80, 0x100)))
"""No CR, LF, NUL or other controls but the tab (RFC 9110 5.5)."""
SINGLE: Final = frozenset(
    {b"host", b"authorization", b"content-type", b"content-length", b"content-encoding", b"transfer-encoding"}
)
NO_NAMES: Final[frozenset[bytes]] = frozenset()
LONGEST_REMEMBERED: Final = 2_048
"""Bytes of all header names together; no client that we know has half as many."""


class Names(msgspec.Struct, frozen=True):
    """What the names of a request's headers say, whatever their values are: a client sends the same ones each time."""

    count: int
    bound: frozenset[bytes]
    """Those that a signature must cover where they are present."""
    allowed: bool
    """Whether each is a name at all."""

    @classmethod
    def of(cls, names: Collection[bytes]) -> Names:
        """What *names*, in lower case, say."""
        return cls(
            len(names),
            frozenset(name for name in names if name.startswith(b"x-amz-") or name == b"content-type"),
            all(HEADER_NAME.fullmatch(name) for name in names),
        )


@functools.lru_cache(maxsize=256)
def _remembered(lines: bytes) -> Names:
    return Names.of(lines.split(b"\n"))


def _names_of(fields: Mapping[bytes, bytes]) -> Names:
    lines = b"\n".join(fields)
    if len(lines) <= LONGEST_REMEMBERED:
        remembered = _remembered(lines)
        if remembered.count == len(fields):  # INVARIANT: then no name holds what joins them, and they are the same
            return remembered
    return Names.of(fields)


@final
class Received:
    """One request as it arrived: nothing decoded, nothing reordered, no duplicate dropped."""

    __slots__ = (
        "body",
        "fields",
        "headers",
        "method",
        "names",
        "path",
        "peer",
        "query",
        "repeated",
        "secure",
        "target",
    )  # fmt: skip

    def __init__(  # noqa: PLR0917 - as it comes from a socket
        self,
        method: str,
        target: bytes,
        headers: tuple[tuple[bytes, bytes], ...],
        body: bytes,
        peer: str,
        secure: bool = False,
    ) -> None:
        """Keep what came from *peer*, and look through its *headers* once."""
        self.method = method
        self.target = target
        self.path, _, self.query = target.partition(b"?")
        """What stands before and after the first `?`, raw."""
        self.headers = headers
        self.fields = {name.lower(): value for name, value in reversed(headers)}
        """The first value of each header, by its name in lower case; what decides anything has only one."""
        self.repeated = NO_NAMES if len(self.fields) == len(headers) else _repeated(headers)
        """The headers that occur more than once."""
        self.names = _names_of(self.fields)
        self.body = body
        self.peer = peer
        self.secure = secure

    def __repr__(self) -> str:
        """Show where it went, and neither headers nor body: they hold signatures, tokens and passwords."""
        return f"Received({self.method}, {self.path!r}, {self.peer})"

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

    fields, names = received.fields, received.names
    values = [value for _, value in received.headers] if received.repeated else fields.values()
    # All of them at once: what is allowed is said of single bytes.
    if not names.allowed or b"".join(values).translate(None, IN_HEADER_VALUES):
        return _malformed("A header contains a character that is not allowed.")
    for name in sorted(received.repeated):  # readers differ on which of two wins; CVE-2026-34525 is this with Host
        if name in SINGLE or name.startswith(b"x-amz-"):
            return _malformed(f"The header {name.decode('ascii')} occurs more than once.")

    if b"content-encoding" in fields:  # the signature covers the compressed bytes, a handler would read the others
        return _malformed("Content-Encoding is not supported.")
    if _multipart(fields.get(b"content-type", b"")):
        return _malformed("A multipart body is not supported.")

    host = fields.get(b"host")
    # Exact, never by suffix (CVE-2020-16250, CVE-2022-2385): `sts.ours.evil`, `xsts.ours` and `sts.ours.` are not ours.
    if host is None or host.decode("latin-1").lower() not in hosts:
        return _malformed("The Host header does not name this endpoint.")
    return None


@functools.lru_cache(maxsize=64)
def _multipart(content_type: bytes) -> bool:
    return content_type.lstrip(b" \t").lower().startswith(b"multipart/")


def _repeated(headers: Iterable[tuple[bytes, bytes]]) -> frozenset[bytes]:
    counted = Counter(name.lower() for name, _ in headers)
    return frozenset(name for name, count in counted.items() if count > 1)


def _walks(path: bytes) -> bool:
    """Whether some reader would shorten *path*: signers and proxies remove these segments, handlers may not."""
    return len(path) > 1 and (b"//" in path or b"/./" in path or b"/../" in path or path.endswith((b"/.", b"/..")))


def _malformed(message: str) -> Refusal:
    return Refusal(Reason.MALFORMED_REQUEST, message)
