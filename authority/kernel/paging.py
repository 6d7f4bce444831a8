"""Pages of a listing: opaque markers that stay right while the listed things come and go.

A marker says after which name to go on, and for which listing it was made.  It is no secret and proves nothing: whoever
makes one up starts his own listing elsewhere, and sees nothing that he may not see.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

import msgspec

from authority.kernel.refusal import Reason, Refusal

Item = TypeVar("Item")

DEFAULT_ITEMS: Final = 100
"""What IAM returns when MaxItems is not given; 1,000 is the most it can be (IAM API, MaxItems)."""
SCOPE_BYTES: Final = 9
LONGEST_PLACE: Final = 231
"""Bytes of a marker that say where to go on: with these it is at most 320 characters long (IAM API, Marker)."""
DIGEST_BYTES: Final = 16
INVALID_MARKER: Final = Refusal(Reason.VALIDATION_ERROR, "Invalid Marker.")


class Page(msgspec.Struct, Generic[Item], frozen=True):
    """Some of a listing; `marker` asks for the rest, and is None when there is none."""

    items: tuple[Item, ...]
    marker: str | None = None

    @property
    def is_truncated(self) -> bool:
        """Whether there is more."""
        return self.marker is not None


def page(
    items: Sequence[Item], order: Callable[[Item], str], *, marker: str | None, max_items: int | None, scope: str
) -> Page[Item] | Refusal:
    """Cut the page that *marker* asks for out of *items*, in the order of what *order* says of each.

    *scope* names the listing and who asked: a marker is good for nothing else.  *order* gives each item another text.
    """
    after = None if marker is None else _read(marker, scope)
    if isinstance(after, Refusal):
        return after
    ordered = sorted(items, key=lambda item: _place(order(item)))
    if after is not None:
        ordered = [item for item in ordered if _place(order(item)) > after]
    most = DEFAULT_ITEMS if max_items is None else max_items
    if len(ordered) <= most:
        return Page(tuple(ordered))
    return Page(tuple(ordered[:most]), _write(_place(order(ordered[most - 1])), scope))


def _place(text: str) -> bytes:
    """Where *text* stands: in the order of its letters, and of a digest where they are too many for a marker."""
    letters = text.encode()
    if len(letters) <= LONGEST_PLACE:
        return letters
    digest = hashlib.sha256(letters).digest()[:DIGEST_BYTES]
    return letters[: LONGEST_PLACE - DIGEST_BYTES] + digest


def _scoped(scope: str) -> bytes:
    return hashlib.sha256(scope.encode()).digest()[:SCOPE_BYTES]


def _write(place: bytes, scope: str) -> str:
    return base64.urlsafe_b64encode(_scoped(scope) + place).decode("ascii").rstrip("=")


def _read(marker: str, scope: str) -> bytes | Refusal:
    try:
        raw = base64.b64decode(marker + "=" * (-len(marker) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return INVALID_MARKER
    return raw[SCOPE_BYTES:] if raw[:SCOPE_BYTES] == _scoped(scope) else INVALID_MARKER
