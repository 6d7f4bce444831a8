"""The models' patterns mean in Python what they mean in Java."""

from __future__ import annotations

import unicodedata

import pytest

from authority.wire.patterns import compiled, ranges_of, runs, wanders


@pytest.mark.parametrize(
    ("pattern", "matching", "failing"),
    [
        pytest.param(r"[\w+=,.@-]+", ["alice", "a_b+c=d,e.f@g-h"], ["", "аlice", "a\n", "a b", "é", "٣"], id="words are ASCII"),
        pytest.param(r"\d{12}", ["123456789012"], ["12345678901٣", "1234567890123", "123456789012\n"], id="digits are ASCII"),
        pytest.param(r"^\d{12}$", ["123456789012"], ["123456789012\n"], id="a dollar lets no line feed pass"),
        pytest.param(r"^(r-[0-9a-z]{4,32})|(\d{12})$", ["r-abcd", "123456789012"], ["r-abcd1!", "x123456789012"], id="each alternative is the whole value"),
        pytest.param(r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+", ["Größe 1", "日本", "a\u00a0b", "Ⅷ", "\U00020000"], ["a\tb", "a*b", "😀", ""], id="classes of Unicode"),
        pytest.param(r"[\p{L}\p{M}\p{S}\p{N}\p{P}]+", ["a!€e\u0301😀"], ["a b", "\u0000"], id="more classes of Unicode"),
        pytest.param(r"\p{L}+", ["Größe"], ["1"], id="a property outside of a class"),
        pytest.param(r"(\u002F)|(\u002F[\u0021-\u007E]+\u002F)", ["/", "/a/b/"], ["", "/a", "a/", "/é/"], id="paths"),
        pytest.param(r"[\u0009\u000A\u000D\u0020-\u00FF]+", ["{\n\t\r}ÿ"], ["\u0100", "\x0b"], id="escapes of code points"),
        pytest.param(r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\t]*", ["a\t😀\U0010ffff"], ["\n", "\ud800"], id="surrogate pairs are one character"),
        pytest.param(r".+", ["a b", "é"], ["", "a\n", "\r", "\u2028", "\x85"], id="a dot stops at every end of line"),
        pytest.param(r"(?s).*", ["", "a\nb\u2028"], [], id="a dot that does not"),
        pytest.param(r"[a-z.]+", ["a.b"], ["a,b"], id="a dot in a class is a dot"),
        pytest.param(r"^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$", ["a-b", "abc"], ["a--b", "-ab", "ab-"], id="an alias"),
        pytest.param(r"[^\s@]+@[^\s@]+\.[^\s@]+", ["a@b.c"], ["a@b", "a b@c.d"], id="a negated class"),
    ],
)  # fmt: skip
def test_a_pattern_means_what_it_means_in_java(pattern, matching, failing):
    matches = compiled(pattern).fullmatch
    assert [text for text in matching if matches(text) is None] == []
    assert [text for text in failing if matches(text) is not None] == []


@pytest.mark.parametrize("category", ["L", "Z", "N", "M", "S", "P"])
def test_a_property_holds_exactly_the_characters_of_its_category(category):
    matches = compiled(f"[{ranges_of(category)}]").match
    for point in (*range(0x3000), *range(0x1F000, 0x20010), *range(0xE0000, 0xE0200), 0x323AF, 0x10FFFF):
        character = chr(point)
        assert (matches(character) is not None) == unicodedata.category(character).startswith(category), hex(point)


def test_the_characters_are_looked_at_once_for_all_categories(monkeypatch):
    looked: list[str] = []
    monkeypatch.setattr("unicodedata.category", lambda character: looked.append(character) or "Lu")
    for cache in (runs, ranges_of):
        cache.cache_clear()
    ranges = [ranges_of(category) for category in ("L", "Lu", "N")]
    for cache in (runs, ranges_of):
        cache.cache_clear()
    assert len(looked) == len(set(looked))
    assert ranges == ["\\U00000000-\\U0003ffff\\U000e0000-\\U000e0fff"] * 2 + [""]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r".+:.+", True),
        (r"(\/a)*(\/b)*", True),
        (r"[*+]+", False),
        (r"\*\+.+", False),
        (r"[\]+*]+x", False),
        (r"a{1,9}", False),
    ],
)
def test_a_pattern_that_may_take_long_is_known(pattern, expected):
    assert wanders(pattern) is expected


@pytest.mark.parametrize("pattern", ["[a[b]]", "[a&&b]"])
def test_what_python_would_read_otherwise_is_not_translated(pattern):
    with pytest.raises(ValueError, match="not translated"):
        compiled(pattern)
