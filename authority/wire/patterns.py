r"""The models' regular expressions, which are Java's, as Python's.

`\w`, `\d` and `\s` mean ASCII there; a pattern must match the whole value; `\p{L}` and its kin are written out
as ranges from the Unicode data at hand.
"""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
from typing import Final

UNICODE_ESCAPE: Final = re.compile(r"\\u([0-9A-Fa-f]{4})")
PROPERTY: Final = re.compile(r"\\p\{([A-Z][a-z]?)\}")
CLASS_OR_ESCAPE: Final = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]", re.DOTALL)
LINE_ENDS: Final = "\\n\\r\\u0085\\u2028\\u2029"
"""What Java's dot leaves out; Python's leaves out the line feed only."""
ASSIGNED: Final = (range(0x40000), range(0xE0000, 0xE1000))
"""The planes that hold characters with a category of their own; the rest are private or unassigned."""


@functools.lru_cache(maxsize=512)
def compiled(pattern: str) -> re.Pattern[str]:
    """Translate *pattern*; to be used with `fullmatch`, where `$` cannot let a line feed pass."""
    written: list[str] = []
    every = pattern.startswith("(?s)")
    rest = pattern.removeprefix("(?s)")
    at = 0
    in_class = False
    while at < len(rest):
        character = rest[at]
        if character == "\\":
            text, at = _escape(rest, at, in_class=in_class)
            written.append(text)
            continue
        if in_class:
            if character == "]":
                in_class = False
            elif character == "[" or rest.startswith("&&", at):
                raise ValueError(f"unions and intersections of classes are not translated: `{pattern}`")
        elif character == "[":
            in_class = True
        elif character == ".":
            character = "[\\s\\S]" if every else f"[^{LINE_ENDS}]"
        written.append(character)
        at += 1
    return re.compile("".join(written), re.ASCII)


def wanders(pattern: str) -> bool:
    """Whether matching may take the square of a text's length: two endless repetitions share it in many ways."""
    bare = CLASS_OR_ESCAPE.sub("x", pattern)
    return bare.count("*") + bare.count("+") > 1


def _escape(pattern: str, at: int, *, in_class: bool) -> tuple[str, int]:
    """The translation of the escape that begins at *at*, and where it ends."""
    if (match := UNICODE_ESCAPE.match(pattern, at)) is not None:
        point, end = int(match[1], 16), match.end()
        if 0xD800 <= point < 0xDC00 and (low := UNICODE_ESCAPE.match(pattern, end)) is not None:
            # Java reads two halves as the one character they make (java.util.regex.Pattern, Unicode support).
            tail = int(low[1], 16)
            if 0xDC00 <= tail < 0xE000:
                return f"\\U{0x10000 + ((point - 0xD800) << 10) + (tail - 0xDC00):08x}", low.end()
        return f"\\u{point:04x}", end
    if (match := PROPERTY.match(pattern, at)) is not None:
        ranges = ranges_of(match[1])
        return (ranges if in_class else f"[{ranges}]"), match.end()
    return pattern[at : at + 2], at + 2


@functools.cache
def ranges_of(category: str) -> str:
    """All characters whose general category begins with *category*, as the inside of a character class."""
    joined: list[tuple[int, int]] = []
    for name, first, last in runs():
        if not name.startswith(category):
            continue
        adjoins = bool(joined) and joined[-1][1] == first - 1
        joined.append((joined.pop()[0] if adjoins else first, last))
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in joined)


@functools.cache
def runs() -> tuple[tuple[str, int, int], ...]:
    """The characters in a row that share a category: which one, the first and the last of them.

    All are looked at once, for every category: the first request that needs one waits for it, and others with it.
    """
    found: list[tuple[str, int, int]] = []
    for plane in ASSIGNED:
        first = plane.start
        for category, row in itertools.groupby(map(unicodedata.category, map(chr, plane))):
            end = first + len(list(row))
            found.append((category, first, end - 1))
            first = end
    return tuple(found)
