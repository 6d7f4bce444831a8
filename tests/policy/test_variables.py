"""Variables put text into patterns, and text stays text."""

from __future__ import annotations

import pytest

from authority.policy.match import glob
from authority.policy.variables import names_in, resolve, resolve_text, resource_template, template

CONTEXT = {
    "aws:username": "alice",
    "aws:principaltag/cost center": "7",
    "aws:requesttag/star": "a*c?",
    "aws:requesttag/nested": "${aws:username}",
    "aws:requesttag/colon": "a:b",
    "aws:tagkeys": ("one",),
    "aws:empty": "",
}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        pytest.param("plain", "plain", id="no variable"),
        pytest.param("", "", id="nothing"),
        pytest.param("${aws:username}", "alice", id="a variable"),
        pytest.param("a${AWS:UserName}b", "aaliceb", id="names ignore case"),
        pytest.param("${aws:PrincipalTag/cost center}", "7", id="a tag key with a space"),
        pytest.param("${aws:username}${aws:username}", "alicealice", id="two in a row"),
        pytest.param("${aws:gone}", None, id="no value"),
        pytest.param("x${aws:gone}${aws:username}", None, id="one of two without a value"),
        pytest.param("${aws:gone, 'bob'}", "bob", id="a default"),
        pytest.param("${aws:username, 'bob'}", "alice", id="a default that is not needed"),
        pytest.param("${aws:gone, ''}", "", id="an empty default"),
        pytest.param("${aws:gone, 'a}b'}", "a}b", id="a brace in a default"),
        pytest.param("${aws:gone, '${aws:username}'}", "${aws:username}", id="a variable in a default is text"),
        pytest.param("${aws:empty, 'bob'}", "", id="an empty value is a value"),
        pytest.param("${aws:tagkeys}", None, id="a multivalued key has no single value"),
        pytest.param("${aws:tagkeys, 'x'}", "x", id="a multivalued key leaves its place to the default"),
        pytest.param("${aws:RequestTag/nested}", "${aws:username}", id="a value is not read again"),
        pytest.param("${*}${?}${$}", "*?$", id="plain characters"),
        pytest.param("${$}{aws:username}", "${aws:username}", id="a dollar that begins no variable"),
        pytest.param("${aws:username", "${aws:username", id="an open brace"),
        pytest.param("${aws:gone,'bob'}", "${aws:gone,'bob'}", id="no space before the default"),
        pytest.param("${}", "${}", id="no name"),
        pytest.param("$aws:username", "$aws:username", id="no braces"),
        pytest.param("${a${aws:username}}", "${aalice}", id="a variable in a name is no name"),
    ],
)
def test_a_text_is_filled(text, filled):
    assert resolve_text(template(text, variables=True, wildcards=False), CONTEXT) == filled


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        pytest.param("${aws:RequestTag/star}", ["a*c?"], ["abc?", "a*cd"], id="wildcards in a value are characters"),
        pytest.param("${aws:gone, 'a*'}", ["a*"], ["ab"], id="wildcards in a default are characters"),
        pytest.param("${aws:username}*", ["alice", "alice2"], ["bob"], id="wildcards around a variable"),
        pytest.param("${*}*${?}?", ["*?x", "*y?x"], ["x?x", "*xx"], id="plain characters beside wildcards"),
    ],
)
def test_a_pattern_is_filled(pattern, yes, no):
    row = resolve(template(pattern, variables=True, wildcards=True), CONTEXT)
    assert row is not None
    assert [text for text in [*yes, *no] if glob(row)(text)] == yes


def test_variables_live_after_the_fifth_colon_of_a_resource():
    def fits(pattern: str, resource: str) -> bool:
        row = resolve(resource_template(pattern, variables=True), {**CONTEXT, "aws:account": "111122223333"})
        return row is not None and glob(row)(resource)

    assert fits("arn:aws:iam::111122223333:user/${aws:username}", "arn:aws:iam::111122223333:user/alice")
    assert not fits("arn:aws:iam::${aws:account}:user/*", "arn:aws:iam::111122223333:user/alice")
    assert fits("arn:aws:iam::${aws:account}:user/*", "arn:aws:iam::${aws:account}:user/alice")


def test_names_are_listed_as_written():
    assert names_in("${aws:UserName}${*}${aws:gone, 'x'}${open") == ("aws:UserName", "aws:gone")


@pytest.mark.timeout(60)
def test_texts_full_of_half_variables_are_read_to_their_end():
    for text in ("${a, '" * 20_000, "${" * 60_000, "${a" * 40_000, "${a, '" + "x" * 100_000):
        template(text, variables=True, wildcards=True)
