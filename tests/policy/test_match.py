"""Patterns match what they say, in time that grows with the text and not with the wildcards."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authority.kernel.letters import folded
from authority.policy.match import Wild, any_of, glob, tokens


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        pytest.param("", [""], ["a"], id="nothing"),
        pytest.param("abc", ["abc"], ["ab", "abcd", "ABC", "xabc"], id="plain text"),
        pytest.param("*", ["", "a", "a\nb", "*"], [], id="a star"),
        pytest.param("**", ["", "a"], [], id="two stars"),
        pytest.param("?", ["a", "\n", "?"], ["", "ab"], id="a question mark"),
        pytest.param("ab*", ["ab", "abc", "ab\n"], ["a", "xab"], id="a beginning"),
        pytest.param("*ab", ["ab", "xab", "abab"], ["a", "abx"], id="an end"),
        pytest.param("ab*ba", ["abba", "abxba"], ["aba", "ab", "abbax"], id="beginning and end may not share letters"),
        pytest.param("*a*", ["a", "xax"], ["", "x"], id="a middle"),
        pytest.param("a*b*c", ["abc", "axbxc", "abbcc", "abcbc"], ["ac", "acb", "abcx"], id="beginning, middle, end"),
        pytest.param("*ab*ab*", ["abab", "xabxabx"], ["aba", "ab"], id="the same middle twice"),
        pytest.param("a?c", ["abc", "a?c", "a*c"], ["ac", "abbc"], id="one character in the middle"),
        pytest.param("a?*", ["ab", "abc"], ["a"], id="at least one character"),
        pytest.param("*?*", ["a", "ab"], [""], id="anything but nothing"),
        pytest.param("*a?c*", ["abc", "xaacx", "aaxc"], ["ac", "xacx"], id="one character in a middle"),
        pytest.param("?*?", ["ab", "abc"], ["a", ""], id="two ends"),
        pytest.param("*.a?", ["x.ab", ".a.a?"], ["xxab", ".a"], id="a dot is a dot"),
        pytest.param("[ab]", ["[ab]"], ["a", "b"], id="brackets are characters"),
        pytest.param("a?[b", ["ax[b"], ["axb"], id="brackets beside a question mark"),
        pytest.param("a\\*", ["a\\", "a\\b"], ["a*"], id="a backslash does not escape"),
        pytest.param("{a,b}*", ["{a,b}x"], ["a"], id="braces are characters"),
    ],
)
def test_a_pattern_takes_what_it_says_and_nothing_else(pattern, yes, no):
    alone, listed = glob(tokens(pattern)), any_of([tokens(pattern), tokens("somewhere else")])
    assert [text for text in [*yes, *no] if alone(text)] == yes
    assert [text for text in [*yes, *no] if listed is None or listed(text)] == yes


def test_a_list_of_patterns_takes_what_one_of_them_takes():
    several = any_of(map(tokens, ("a", "b*", "*c", "d?d", "e")))
    assert several is not None
    assert [text for text in ("a", "b", "bx", "xc", "dxd", "e", "d", "x", "") if several(text)] == [
        "a",
        "b",
        "bx",
        "xc",
        "dxd",
        "e",
    ]
    assert any_of([("a",), (Wild.ANY,)]) is None
    nothing = any_of([])
    assert nothing is not None
    assert not nothing("")


@settings(max_examples=500)
@given(st.text("ab*?.", max_size=8), st.text("ab.", max_size=12))
def test_patterns_agree_with_a_plain_regular_expression(pattern, text):
    expected = re.fullmatch("".join({"*": ".*", "?": "."}.get(each, re.escape(each)) for each in pattern), text)
    assert glob(tokens(pattern))(text) == (expected is not None)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        pytest.param("*a" * 3000 + "b", "a" * 6000, id="thousands of stars"),
        pytest.param("*" * 6000 + "b", "a" * 6000, id="nothing but stars"),
        pytest.param("*?a" * 2000 + "b", "a" * 6000, id="stars and question marks"),
        pytest.param("?" * 6000, "a" * 6001, id="nothing but question marks"),
        pytest.param("*" + "a" * 1500 + "b*", "a" * 3000, id="a long middle that nearly fits everywhere"),
        pytest.param("*" + "a" * 500 + "?b*", "a" * 2000, id="a long middle with a question mark"),
        pytest.param("a*" * 2000 + "?b", "a" * 4000, id="stars before a question mark"),
    ],
)
@pytest.mark.timeout(60)
def test_no_pattern_takes_for_ever(pattern, text):
    """Whatever tries all ways to fit a pattern would not end in an age of the world, or not in this test's time-out."""
    assert not glob(tokens(pattern))(text)


def test_lower_case_never_turns_a_strange_letter_into_a_plain_one():
    assert folded("GetObject") == "getobject"
    assert folded("\u00c9T\u00c9") == "\u00e9t\u00e9"
    assert folded("aws:RequestTag/\u212aey") == "aws:requesttag/\u212aey" != "aws:requesttag/key"
    assert not folded("\u0130").isascii()
