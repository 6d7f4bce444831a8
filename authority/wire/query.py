"""Forms: `application/x-www-form-urlencoded` bytes as pairs of text, or a refusal.

Knows nothing of operations.  One reading only: whatever two parsers could read in two ways is refused.
"""

from __future__ import annotations

import functools
import re
from typing import Final
from urllib.parse import unquote_to_bytes

from authority.kernel.refusal import Reason, Refusal
from authority.wire.request import Received

FORM: Final = "application/x-www-form-urlencoded"
MOST_FIELDS: Final = 1000  # colliding keys and endless lists cost the sender more than us
LONGEST_NAME: Final = 512
BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
UNSPEAKABLE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot carry (section 2.2): a value that contains it could never be shown again."""


def read_form(body: bytes, content_type: str) -> list[tuple[str, str]] | Refusal:
    """Decode a form: names and values in order, blank values kept, no name twice, text that XML can carry."""
    if not _is_form(content_type):
        return Refusal(Reason.MALFORMED_REQUEST, f"The content type must be {FORM}, in UTF-8.")
    if not body:
        return []
    if body.count(b"&") >= MOST_FIELDS:
        return Refusal(Reason.REQUEST_TOO_LARGE, f"A request may have {MOST_FIELDS} parameters.")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return _malformed("The query string is not UTF-8.")
    if "%" in text and BAD_ESCAPE.search(text) is not None:
        return _malformed("The query string contains an incomplete percent escape.")

    pairs: list[tuple[str, str]] = []
    names: set[str] = set()
    for field in text.split("&"):
        name, _, value = field.partition("=")
        if "%" in field or "+" in field:
            try:
                name, value = _decoded(name), _decoded(value)
            except UnicodeDecodeError:
                return _malformed("The query string is not UTF-8.")
        if not name or len(name) > LONGEST_NAME:
            return _malformed("The query string contains a parameter without a name, or one with an endless name.")
        if not (name.isprintable() and value.isprintable()) and UNSPEAKABLE.search(f"{name}{value}") is not None:
            return _malformed("The query string contains a control character.")
        if name in names:  # CVE-2022-2385: one reader takes the first, another the last
            return _malformed("The query string contains the same parameter twice.")
        names.add(name)
        pairs.append((name, value))
    return pairs


def read_parameters(received: Received) -> list[tuple[str, str]] | Refusal:
    """The parameters of an operation, from the body or from the query string, never from both.

    The parameters that sign a request (`X-Amz-...`) are not among them, and a body may not contain any: a
    reader that looks for credentials there would see another caller than the one whose signature is checked.
    """
    if received.body:
        if received.query:
            return _malformed("Parameters must stand in the body or in the query string, not in both.")
        pairs = read_form(received.body, (received.header(b"content-type") or b"").decode("latin-1"))
        if not isinstance(pairs, Refusal) and any(_signs(name) for name, _ in pairs):
            return _malformed("The body contains a parameter that belongs to a signature.")
        return pairs
    pairs = read_form(received.query, FORM)
    if isinstance(pairs, Refusal):
        return pairs
    return [(name, value) for name, value in pairs if not _signs(name)]


def _signs(name: str) -> bool:
    return name[:6].lower() == "x-amz-"


def _decoded(text: str) -> str:
    return unquote_to_bytes(text.replace("+", " ")).decode("utf-8")


@functools.lru_cache(maxsize=64)
def _is_form(content_type: str) -> bool:
    """Whether *content_type* is a form in UTF-8: another charset would decode to other names than those we judge."""
    if content_type == FORM:
        return True
    media_type, *parameters = content_type.split(";")
    if media_type.strip(" \t").lower() != FORM:
        return False
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip(" \t").lower() != "charset" or value.strip(" \t").lower() not in {"utf-8", '"utf-8"'}:
            return False
    return len(parameters) <= 1


def _malformed(message: str) -> Refusal:
    return Refusal(Reason.MALFORMED_QUERY_STRING, message)
