"""Forms: `application/x-www-form-urlencoded` bytes as names and texts, or a refusal.

Knows nothing of operations.  One reading only: whatever two parsers could read in two ways is refused.
"""

from __future__ import annotations

import functools
import re
from binascii import a2b_qp
from typing import Final

from authority.kernel.refusal import Reason, Refusal
from authority.wire.request import Received

FORM: Final = "application/x-www-form-urlencoded"
MOST_FIELDS: Final = 1000  # colliding keys and endless lists cost the sender more than us
LONGEST_NAME: Final = 512
BAD_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
UNEVEN: Final = re.compile(rb"%(?![014-9A-Fa-f][0-9A-Fa-f]|2[0-57-9A-Fa-f]|3[0-9A-CE-Fa-ce-f])")
"""A bad escape, or one of a separator: where there is none, decoding a form whole makes none."""
UNSPEAKABLE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot carry (section 2.2): a value that contains it could never be shown again."""


def read_form(body: bytes, content_type: str) -> dict[str, str] | Refusal:
    """Decode a form: values by name, in order, blank values kept, no name twice, text that XML can carry."""
    if not _is_form(content_type):
        return Refusal(Reason.MALFORMED_REQUEST, f"The content type must be {FORM}, in UTF-8.")
    if not body:
        return {}
    separators = body.count(b"&")
    if separators >= MOST_FIELDS:
        return Refusal(Reason.REQUEST_TOO_LARGE, f"A request may have {MOST_FIELDS} parameters.")
    uneven = UNEVEN.search(body) is not None
    if uneven and BAD_ESCAPE.search(body) is not None:
        return _malformed("The query string contains an incomplete percent escape.")
    try:
        body.decode("utf-8")  # what arrived, so that no escape completes a character
        text = _decoded(body)
        pairs = _one_by_one(body) if uneven else [field.partition("=") for field in text.split("&")]
    except UnicodeDecodeError:
        return _malformed("The query string is not UTF-8.")
    form = {name: value for name, _, value in pairs}
    if "" in form or (len(body) > LONGEST_NAME and max(map(len, form)) > LONGEST_NAME):
        return _malformed("The query string contains a parameter without a name, or one with an endless name.")
    if not text.isprintable() and UNSPEAKABLE.search(text) is not None:
        return _malformed("The query string contains a control character.")
    if len(form) <= separators:  # CVE-2022-2385: one reader takes the first, another the last
        return _malformed("The query string contains the same parameter twice.")
    return form


def read_parameters(received: Received) -> dict[str, str] | Refusal:
    """The parameters of an operation, from the body or from the query string, never from both.

    The parameters that sign a request (`X-Amz-...`) are not among them, and a body may not contain any: a
    reader that looks for credentials there would see another caller than the one whose signature is checked.
    """
    if received.body:
        if received.query:
            return _malformed("Parameters must stand in the body or in the query string, not in both.")
        form = read_form(received.body, (received.header(b"content-type") or b"").decode("latin-1"))
        if not isinstance(form, Refusal) and "x-amz-" in "&".join(form).lower() and any(map(_signs, form)):
            return _malformed("The body contains a parameter that belongs to a signature.")
        return form
    form = read_form(received.query, FORM)
    if isinstance(form, Refusal):
        return form
    return {name: value for name, value in form.items() if not _signs(name)}


def _signs(name: str) -> bool:
    return name[:6].lower() == "x-amz-"


def _one_by_one(body: bytes) -> list[tuple[str, str, str]]:
    """Names and values, decoded after they were taken apart."""
    fields = [field.partition(b"=") for field in body.split(b"&")]
    return [(_decoded(name), "=", _decoded(value)) for name, _, value in fields]


def _decoded(text: bytes) -> str:
    # The escapes of quoted-printable text (RFC 2045, section 6.7) are the same but for their first letter, and what
    # reads those does not loop over them in Python.
    quoted = text.replace(b"+", b" ").replace(b"=", b"=3D").replace(b"%", b"=")
    return a2b_qp(quoted).decode("utf-8")


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
