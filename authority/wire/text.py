"""Text inside XML: escaped, and never outside of what XML 1.0 can carry."""

from __future__ import annotations

import re
from typing import Final

SPECIAL: Final = re.compile('[&<>"\r]|[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]')
ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;"}
"""The carriage return too: a parser would turn a bare one into a line feed (XML 1.0, 2.11)."""
REPLACEMENT: Final = "\ufffd"


def escaped(text: str) -> str:
    """Spell *text* for an element or attribute; what XML cannot carry becomes U+FFFD.

    Names and tags come back in answers, where an unescaped `<Arn>` would forge an identity (CVE-2020-16250).
    """
    if text.isprintable() and not ("&" in text or "<" in text or ">" in text or '"' in text):
        return text  # nearly every text there is, at a tenth of the price
    return SPECIAL.sub(_entity, text)


def _entity(match: re.Match[str]) -> str:
    return ENTITIES.get(match[0], REPLACEMENT)


def elementless(document: bytes) -> bytes:
    """The same JSON *document* without a `<`, a `>` or an `&` in it.

    They stand only inside its strings.  Who looks for elements in what is no XML finds none (CVE-2020-16250).
    """
    for sign in b"<>&":
        document = document.replace(bytes((sign,)), b"\\u%04x" % sign)
    return document
