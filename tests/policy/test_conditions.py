"""Every operator, with the cases that are easy to get wrong."""

from __future__ import annotations

import base64

import pytest

from authority.policy import conditions

KEY = "aws:key"
GONE = object()
ROLE = "arn:aws:iam::111122223333:role/team/app"


def holds(name: str, held, *values: str, more=None) -> bool:
    """Does a request that holds *held* satisfy operator *name* with *values*?"""
    named = conditions.operator(name)
    assert named is not None
    context = {**({} if held is GONE else {KEY: held}), **(more or {})}
    return conditions.test(named, "AWS:Key", values, variables=True)(context)


@pytest.mark.parametrize(
    ("name", "held", "values", "expected"),
    [
        # text
        pytest.param("StringEquals", "secret", ["secret"], True, id="an equal text"),
        pytest.param("StringEquals", "Secret", ["secret"], False, id="case counts"),
        pytest.param("StringEquals", " secret", ["secret"], False, id="padding counts"),
        pytest.param("StringEquals", "", ["secret"], False, id="an empty text is another text"),
        pytest.param("StringEquals", "", [""], True, id="two empty texts"),
        pytest.param("StringEquals", "secret", ["s*"], False, id="no wildcards in StringEquals"),
        pytest.param("StringEquals", "s*", ["s*"], True, id="a star is a star in StringEquals"),
        pytest.param("StringEquals", "e\u0301", ["\u00e9"], False, id="composed and decomposed letters differ"),
        pytest.param("StringEquals", "b", ["a", "b"], True, id="one value of several"),
        pytest.param("StringEquals", "b", [], False, id="no values to be equal to"),
        pytest.param("StringNotEquals", "b", ["a", "b"], False, id="one of several is equal"),
        pytest.param("StringNotEquals", "c", ["a", "b"], True, id="none of several is equal"),
        pytest.param("StringNotEquals", "c", [], True, id="no values to differ from"),
        pytest.param("StringEqualsIgnoreCase", "SeCret", ["sEcrEt"], True, id="case does not count"),
        pytest.param("StringEqualsIgnoreCase", "\u212aey", ["key"], False, id="the Kelvin sign is no k"),
        pytest.param("StringEqualsIgnoreCase", "STRASSE", ["stra\u00dfe"], False, id="no folding beyond lower case"),
        pytest.param("StringNotEqualsIgnoreCase", "A", ["a"], False, id="equal but for case does not differ"),
        pytest.param("StringLike", "secret", ["s*t"], True, id="a wildcard"),
        pytest.param("StringLike", "Secret", ["s*"], False, id="case counts beside a wildcard"),
        pytest.param("StringLike", "[s]", ["[s]*"], True, id="brackets are no class"),
        pytest.param("StringNotLike", "secret", ["s*", "x*"], False, id="one of several is alike"),
        # numbers
        pytest.param("NumericEquals", "7", ["7.0"], True, id="a decimal equals an integer"),
        pytest.param("NumericEquals", "0.1", ["0.10"], True, id="decimals are exact"),
        pytest.param("NumericEquals", "9007199254740993", ["9007199254740992"], False, id="beyond doubles"),
        pytest.param("NumericEquals", "7_0", ["70"], False, id="no underscores in numbers"),
        pytest.param("NumericEquals", "\u0667", ["7"], False, id="no other alphabet's digits"),
        pytest.param("NumericEquals", "7\n", ["7"], False, id="no line end after a number"),
        pytest.param("NumericEquals", "1" * 101, ["1" * 101], False, id="a number has at most a hundred digits"),
        pytest.param("NumericLessThan", "-1", ["0"], True, id="negative numbers"),
        pytest.param("NumericLessThan", "10", ["9"], False, id="numbers are no texts"),
        pytest.param("NumericLessThan", "5", ["1", "9"], True, id="less than one of two"),
        pytest.param("NumericLessThanEquals", "9", ["9"], True, id="less or equal"),
        pytest.param("NumericGreaterThan", "9", ["9"], False, id="not greater"),
        pytest.param("NumericGreaterThanEquals", "9", ["9.0"], True, id="greater or equal"),
        pytest.param("NumericNotEquals", "x", ["5"], False, id="what is no number does not differ from one"),
        pytest.param("NumericNotEquals", "7", ["5", "x"], False, id="a number does not differ from what is none"),
        pytest.param("NumericNotEquals", "7", ["5", "6"], True, id="a number differs from numbers"),
        # moments
        pytest.param("DateEquals", "2026-05-01T12:00:00Z", ["2026-05-01T14:00:00+02:00"], True, id="zones"),
        pytest.param("DateEquals", "2026-05-01T00:00:00Z", ["2026-05-01"], True, id="a date begins at midnight"),
        pytest.param("DateEquals", "2026-05-01T12:00:00.10Z", ["2026-05-01T12:00:00.1Z"], True, id="fractions"),
        pytest.param("DateEquals", "1777636800", ["2026-05-01T12:00:00Z"], True, id="seconds since 1970"),
        pytest.param("DateEquals", "1777636800.5", ["2026-05-01T12:00:00.5Z"], True, id="fractions of seconds"),
        pytest.param("DateLessThan", "9999-12-31", ["9223372036854775807"], True, id="beyond the calendar"),
        pytest.param("DateEquals", "-1", ["1969-12-31T23:59:59Z"], True, id="before 1970"),
        pytest.param("DateEquals", "2024-02-29T00:00:00Z", ["1709164800"], True, id="a leap day"),
        pytest.param("DateLessThan", "2026", ["1970-01-02"], True, id="four digits are seconds"),
        pytest.param("DateLessThan", "2026-05-01T23:30:00-01:00", ["2026-05-02T01:00:00+00:00"], True, id="over midnight"),
        pytest.param("DateLessThanEquals", "0001-01-01T00:00:00+23:59", ["9999-12-31T23:59:59-23:59"], True, id="the ends of the calendar"),
        pytest.param("DateGreaterThanEquals", "2026-05-01T12:00Z", ["2026-05-01T12:00:00Z"], True, id="without seconds"),
        pytest.param("DateEquals", "2026-05-01T12:00:00Z", ["2026-05-01T12:00:00"], True, id="a time without a zone is in UTC"),
        pytest.param("DateEquals", "2026-05-01T00:00:00Z", ["2026-05"], True, id="a month begins on its first day"),
        pytest.param("DateEquals", "2026-04-30T14:00:00.5Z", ["2026-05-01t0:00:00.5+10"], True, id="the shortest time and zone"),
        pytest.param("DateEquals", "2026-05-01T12:00:00z", ["2026-05-01T12:00:00Z"], True, id="letters in lower case"),
        *(
            pytest.param("DateGreaterThan", text, ["1970-01-01"], False, id=f"no moment: {text!r}")
            for text in (
                "2026-5-1", "20260501T120000Z", "2026-W01-1", "2026-05-01 12:00:00Z", "2026-02-29",
                "2026-05-01T24:00:00Z", "2026-05-01T12:60:00Z", "2026-05-01T12:00:60Z", "2026-5", "2026-05Z", "2026-13", "01T", "2026-05-01t123:00:00", "2026-05-01T12:00:00+1",
                "2026-05-01T12:00:00+24:00", "2026-05-01T12:00:00+00:60", "2026-05-01T12:00:00.Z", "0000-01-01", "1e9", "\u0661",
                "2026-05-01T12Z", "2026-05-01T12:00:00.1234567890Z", "9223372036854775808",
            )
        ),
        pytest.param("DateNotEquals", "soon", ["2026-05-01"], False, id="what is no moment does not differ from one"),
        # truth
        pytest.param("Bool", "TRUE", ["true"], True, id="true in capitals"),
        pytest.param("Bool", "false", ["true"], False, id="false is not true"),
        pytest.param("Bool", "1", ["true"], False, id="one is not true"),
        pytest.param("Bool", "1", ["1"], False, id="one is no truth at all"),
        pytest.param("Bool", "false", ["true", "false"], True, id="either"),
        # bytes
        pytest.param("BinaryEquals", "QUJD", ["QUJD"], True, id="equal bytes"),
        pytest.param("BinaryEquals", "QUJD", ["QUJE"], False, id="other bytes"),
        pytest.param("BinaryEquals", "QR==", ["QR=="], False, id="loose bits at the end are no spelling"),
        pytest.param("BinaryEquals", "QQ==!!", ["QQ=="], False, id="rubbish after the end"),
        pytest.param("BinaryEquals", "\u00e9", ["\u00e9"], False, id="letters outside the alphabet"),
        # addresses
        pytest.param("IpAddress", "10.1.2.3", ["10.0.0.0/8"], True, id="inside"),
        pytest.param("IpAddress", "11.1.2.3", ["10.0.0.0/8"], False, id="outside"),
        pytest.param("IpAddress", "10.1.2.3", ["10.1.2.3"], True, id="no prefix is one address"),
        pytest.param("IpAddress", "10.1.2.4", ["10.1.2.3"], False, id="no prefix is only one address"),
        pytest.param("IpAddress", "10.9.9.9", ["10.1.2.3/8"], True, id="a block named by an address inside it"),
        pytest.param("IpAddress", "::ffff:10.1.2.3", ["10.0.0.0/8"], True, id="a mapped address is inside"),
        pytest.param("NotIpAddress", "::ffff:10.1.2.3", ["10.0.0.0/8"], False, id="a mapped address does not escape"),
        pytest.param("IpAddress", "10.1.2.3", ["::ffff:10.0.0.0/104"], True, id="a mapped block"),
        pytest.param("IpAddress", "10.1.2.3", ["::/0"], False, id="the other family is not inside"),
        pytest.param("NotIpAddress", "2001:db8::1", ["0.0.0.0/0"], True, id="the other family is outside"),
        pytest.param("IpAddress", "2001:DB8::0:1", ["2001:db8::/32"], True, id="spellings of version six"),
        pytest.param("IpAddress", "2001:db8::1", ["2001:db8::1"], True, id="one address of version six"),
        pytest.param("IpAddress", "0.0.0.0", ["0.0.0.0/0"], True, id="everywhere"),
        pytest.param("IpAddress", "10.1.2.3", ["10.0.0.0/33"], False, id="a prefix too long"),
        pytest.param("IpAddress", "10.1.2.3", ["10.0.0.0/255.0.0.0"], False, id="a mask is no prefix"),
        pytest.param("IpAddress", "10.1.2.3", ["10.0.0.0/"], False, id="an empty prefix"),
        pytest.param("IpAddress", "010.1.2.3", ["10.0.0.0/8"], False, id="a leading zero is no address"),
        pytest.param("IpAddress", "10.0.0.0/8", ["10.0.0.0/8"], False, id="a block comes from nowhere"),
        pytest.param("IpAddress", "fe80::1%eth0", ["fe80::/10"], False, id="an address with a zone"),
        pytest.param("IpAddress", "", ["0.0.0.0/0"], False, id="no address"),
        pytest.param("NotIpAddress", "unknown", ["10.0.0.0/8"], False, id="what is no address is not outside"),
        pytest.param("NotIpAddress", "11.1.1.1", ["10.0.0.0/8", "rubbish"], False, id="nobody is outside of rubbish"),
        # ARNs
        pytest.param("ArnEquals", ROLE, [ROLE], True, id="an equal ARN"),
        pytest.param("ArnEquals", ROLE, ["arn:aws:iam::*:role/*"], True, id="ArnEquals takes wildcards"),
        pytest.param("ArnLike", ROLE, ["arn:aws:iam::111122223333:ROLE/team/app"], False, id="case counts in ARNs"),
        pytest.param("ArnLike", ROLE, ["arn:*:role/team/app"], False, id="a star stays in its field"),
        pytest.param("ArnLike", ROLE, ["arn:aws:*"], False, id="a star is no six fields"),
        pytest.param("ArnLike", ROLE, ["*"], False, id="a star alone is no ARN"),
        pytest.param("ArnLike", ROLE, ["*:*:*:*:*:*"], True, id="six stars"),
        pytest.param("ArnLike", "arn:aws:sns:r:1:a:b", ["arn:aws:sns:r:1:a:*"], True, id="the sixth field has colons"),
        pytest.param("ArnLike", "arn:aws:sns:r:1:a:b", ["arn:aws:sns:r:*:b"], False, id="a star does not run into the sixth"),
        pytest.param("ArnNotLike", ROLE, ["arn:aws:iam::*:user/*"], True, id="another kind of ARN"),
        pytest.param("ArnNotEquals", ROLE, ["arn:aws:iam::*:role/*"], False, id="ArnNotEquals takes wildcards"),
        pytest.param("ArnNotLike", "x", ["arn:aws:iam::*:user/*"], False, id="what is no ARN does not differ from one"),
        pytest.param("ArnNotLike", ROLE, ["x"], False, id="an ARN does not differ from what is none"),
        # keys that are there or not
        pytest.param("Null", GONE, ["true"], True, id="an absent key"),
        pytest.param("Null", "x", ["true"], False, id="a present key"),
        pytest.param("Null", "x", ["false"], True, id="a key asked to be present"),
        pytest.param("Null", "", ["false"], True, id="an empty text is present"),
        pytest.param("Null", (), ["true"], True, id="a set of nothing is absent"),
        pytest.param("Null", ("x",), ["false"], True, id="a set is present"),
        pytest.param("Null", GONE, ["TRUE"], True, id="true in any case"),
        pytest.param("Null", GONE, ["yes"], False, id="neither true nor false"),
        pytest.param("StringEquals", GONE, ["x"], False, id="an absent key is equal to nothing"),
        pytest.param("StringNotEquals", GONE, ["x"], True, id="an absent key differs"),
        pytest.param("Bool", GONE, ["false"], False, id="an absent truth is not false"),
        pytest.param("BoolIfExists", GONE, ["false"], True, id="an absent truth passes IfExists"),
        pytest.param("BoolIfExists", "true", ["false"], False, id="a present truth does not pass by itself"),
        pytest.param("StringNotEqualsIfExists", GONE, ["x"], True, id="negated with IfExists"),
        pytest.param("NotIpAddress", GONE, ["10.0.0.0/8"], True, id="no address is outside"),
        # sets
        pytest.param("StringEquals", ("x",), ["x"], False, id="a set needs a set operator"),
        pytest.param("StringNotEquals", ("x",), ["y"], False, id="a set without a set operator does not differ either"),
        pytest.param("StringEqualsIfExists", ("x",), ["y"], False, id="a set is there for IfExists"),
        pytest.param("StringEqualsIfExists", (), ["y"], True, id="a set of nothing is not"),
        pytest.param("ForAllValues:StringEquals", ("a", "b"), ["a", "b", "c"], True, id="all among the values"),
        pytest.param("ForAllValues:StringEquals", ("a", "d"), ["a", "b", "c"], False, id="one not among the values"),
        pytest.param("ForAllValues:StringEquals", (), ["a"], True, id="all of nothing"),
        pytest.param("ForAllValues:StringEquals", GONE, ["a"], True, id="all of an absent key"),
        pytest.param("ForAllValues:StringEquals", "", ["a"], True, id="all of an empty text"),
        pytest.param("ForAllValues:StringEquals", ("",), ["a"], False, id="an empty text in a set"),
        pytest.param("ForAllValues:StringEquals", "a", ["a"], True, id="a single value is a set of one"),
        pytest.param("ForAllValues:StringNotEquals", ("a", "b"), ["b"], False, id="all must differ"),
        pytest.param("ForAllValues:StringLike", ("al", "ab"), ["a*"], True, id="all are alike"),
        pytest.param("ForAnyValue:StringEquals", ("a", "d"), ["d"], True, id="one among the values"),
        pytest.param("ForAnyValue:StringEquals", (), ["d"], False, id="one of nothing"),
        pytest.param("ForAnyValue:StringEquals", GONE, ["d"], False, id="one of an absent key"),
        pytest.param("ForAnyValue:StringNotEquals", GONE, ["d"], False, id="one of an absent key, negated"),
        pytest.param("ForAnyValue:StringNotEquals", ("d", "e"), ["d"], True, id="one differs"),
        pytest.param("ForAnyValue:StringNotEquals", ("d",), ["d"], False, id="none differs"),
        pytest.param("ForAnyValue:StringEquals", "d", ["d"], True, id="one of a single value"),
        pytest.param("ForAnyValue:StringEquals", "", [""], False, id="one of an empty text"),
        pytest.param("ForAnyValue:StringEqualsIfExists", GONE, ["d"], True, id="one of an absent key with IfExists"),
        pytest.param("ForAllValues:NumericLessThan", ("1", "2"), ["3"], True, id="all numbers less"),
        pytest.param("ForAllValues:NumericLessThan", ("1", "x"), ["3"], False, id="all numbers, one of them none"),
    ],
)  # fmt: skip
def test_an_operator(name, held, values, expected):
    assert holds(name, held, *values) is expected


@pytest.mark.parametrize(
    ("name", "held", "value", "expected"),
    [
        pytest.param("StringEquals", "alice", "${aws:username}", True, id="a variable in StringEquals"),
        pytest.param("StringEquals", "a*", "${aws:star}", True, id="an inserted star equals a star"),
        pytest.param("StringLike", "ab", "${aws:star}", False, id="an inserted star is no wildcard"),
        pytest.param("StringLike", "alice-7", "${aws:username}-*", True, id="a variable beside a wildcard"),
        pytest.param("StringEqualsIgnoreCase", "ALICE", "${aws:username}", True, id="an inserted value in any case"),
        pytest.param("StringEquals", "x", "${aws:gone}", False, id="no value is equal to nothing"),
        pytest.param("StringLike", "x", "${aws:gone}*", False, id="no value is like nothing"),
        pytest.param("StringNotEquals", "x", "${aws:gone}", True, id="everything differs from no value"),
        pytest.param("StringNotLike", "x", "${aws:gone}*", True, id="nothing is like no value"),
        pytest.param("ArnLike", ROLE, "arn:aws:iam::${aws:account}:role/*", True, id="a variable in a field of an ARN"),
        pytest.param("ArnLike", ROLE, "${aws:role}", True, id="a variable for a whole ARN"),
        pytest.param("ArnLike", ROLE, "arn:aws:iam::${aws:gone}:role/*", False, id="an ARN without a value"),
        pytest.param("ArnNotLike", ROLE, "arn:aws:iam::${aws:gone}:role/*", True, id="an ARN differs from no value"),
        pytest.param("ArnLike", ROLE, "arn:aws:iam::111122223333:${aws:star2}", False, id="an inserted star in an ARN"),
        pytest.param("Bool", "true", "${aws:flag}", True, id="a variable in Bool"),
        pytest.param("Bool", "true", "${aws:gone}", False, id="no value is not true"),
        pytest.param("NumericEquals", "7", "${aws:seven}", False, id="no variables in numbers"),
        pytest.param("DateEquals", "7", "${aws:seven}", False, id="no variables in moments"),
        pytest.param("IpAddress", "10.1.2.3", "${aws:block}", False, id="no variables in addresses"),
        pytest.param("BinaryEquals", "QUJD", "${aws:bytes}", False, id="no variables in bytes"),
    ],
)
def test_variables_in_values(name, held, value, expected):
    more = {
        "aws:username": "alice",
        "aws:star": "a*",
        "aws:star2": "role/*",
        "aws:account": "111122223333",
        "aws:role": ROLE,
        "aws:flag": "TRUE",
        "aws:seven": "7",
        "aws:block": "10.0.0.0/8",
        "aws:bytes": base64.b64encode(b"ABC").decode(),
    }
    assert holds(name, held, value, more=more) is expected


def test_two_tags_without_values_are_not_equal_tags():
    tagged = {"aws:resourcetag/team": "red"}
    assert not holds("StringEquals", GONE, "${aws:ResourceTag/team}")
    assert not holds("StringEquals", GONE, "${aws:ResourceTag/team}", more=tagged)
    assert not holds("StringEquals", "blue", "${aws:ResourceTag/team}", more=tagged)
    assert holds("StringEquals", "red", "${aws:ResourceTag/team}", more=tagged)


@pytest.mark.parametrize(
    "name",
    ["", "Null:", "stringequals", "StringEqualsifExists", "IfExists", "NullIfExists", "ForAllValues:Null", "StringEquals:",
     "ForAllValues:", "forallvalues:StringEquals", "ForAllValues:ForAnyValue:Bool", "StringEqualsIfExistsIfExists", "Not"],
)  # fmt: skip
def test_an_operator_that_there_is_not(name):
    assert conditions.operator(name) is None


def test_every_operator_of_the_language_is_there():
    assert len(conditions.FAMILIES) == 6 + 6 + 6 + 1 + 1 + 2 + 4
    for name in conditions.FAMILIES:
        for over in ("", "ForAllValues:", "ForAnyValue:"):
            for suffix in ("", "IfExists"):
                assert conditions.operator(f"{over}{name}{suffix}") is not None


def test_an_operator_that_there_is_not_is_never_passed_over():
    with pytest.raises(ValueError, match="there is no operator `StringAlike`"):
        conditions.known("StringAlike")
