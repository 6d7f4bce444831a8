"""One-time codes are RFC 6238's, six digits of ASCII, and each belongs to one time step."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authority.kernel.secret import Secret
from authority.principals.totp import FAR, STEP, code_at, counter_at, matched, matched_pair, spelled

SEED = Secret(b"12345678901234567890")
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NOW_COUNTER = counter_at(NOW)
SEEDS = st.binary(min_size=20, max_size=20).map(Secret)


# RFC 4226, appendix D.
@pytest.mark.parametrize(
    ("counter", "code"),
    list(
        enumerate(["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"])
    ),
)
def test_codes_by_counter(counter, code):
    assert code_at(SEED, counter) == code


# RFC 6238, appendix B: its eight digits end in our six.
@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_codes_by_time(seconds, code):
    moment = datetime.fromtimestamp(seconds, UTC)
    assert code_at(SEED, counter_at(moment)) == code
    assert matched(SEED, code, moment) == counter_at(moment)


@pytest.mark.parametrize(("steps", "counts"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_code_counts_one_step_either_side(steps, counts):
    code = code_at(SEED, NOW_COUNTER + steps)
    assert matched(SEED, code, NOW) == (NOW_COUNTER + steps if counts else None)


@pytest.mark.parametrize(("steps", "counts"), [(3, False), (4, True), (5, True), (6, True), (7, False), (0, False)])
def test_a_device_that_goes_ahead_is_met_where_it_is(steps, counts):
    code = code_at(SEED, NOW_COUNTER + steps)
    assert matched(SEED, code, NOW, drift=5) == (NOW_COUNTER + steps if counts else None)


# CVE-2025-55000: blanks that others strip; digits of other scripts that NFKC makes ASCII.
@pytest.mark.parametrize(
    "dress",
    [
        " {}",
        "{} ",
        "{}\n",
        "+{}",
        "0{}",
        "{}.",
    ],
)
def test_a_code_in_other_clothes_is_none(dress):
    assert matched(SEED, dress.format(code_at(SEED, NOW_COUNTER)), NOW) is None


@pytest.mark.parametrize("zero", ["٠", "０", "०", "𝟎"])
def test_digits_of_another_script_are_none(zero):
    code = code_at(SEED, NOW_COUNTER)
    other = "".join(chr(ord(zero) + int(digit)) for digit in code)
    assert int(other) == int(code)
    assert matched(SEED, other, NOW) is None
    assert matched_pair(SEED, other, code_at(SEED, NOW_COUNTER + 1), NOW) is None


@given(st.text(max_size=8))
def test_no_text_breaks_it(text):
    assert matched(SEED, text, NOW) in {None, NOW_COUNTER - 1, NOW_COUNTER, NOW_COUNTER + 1}
    assert matched_pair(SEED, text, text, NOW) is None


@given(SEEDS, st.integers(-FAR - 3, FAR + 3))
def test_two_codes_in_a_row_say_what_time_a_device_has(seed, steps):
    counter = NOW_COUNTER + steps
    codes = [code_at(seed, counter - 1), code_at(seed, counter)]
    near = {NOW_COUNTER + step for step in range(-FAR, FAR + 1)}
    found = matched_pair(seed, *codes, NOW)
    if codes[0] != codes[1] and counter in near:
        assert found in near
        assert [code_at(seed, found - 1), code_at(seed, found)] == codes
    else:
        assert found is None or found != counter


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(0, -1, id="in the wrong order"),
        pytest.param(0, 0, id="the same one twice"),
        pytest.param(-2, 0, id="with one between them"),
    ],
)
def test_two_codes_that_are_not_in_a_row_say_nothing(first, second):
    codes = [code_at(SEED, NOW_COUNTER + step) for step in (first, second)]
    assert matched_pair(SEED, *codes, NOW) is None


def test_time_before_the_beginning_has_no_steps():
    early = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=STEP)
    assert matched(SEED, code_at(SEED, 0), early) == 0
    assert matched_pair(SEED, code_at(SEED, 0), code_at(SEED, 1), early) == 1
    assert matched(SEED, "000000", early, drift=-9) is None


@given(SEEDS)
def test_a_seed_is_spelled_in_base_32(seed):
    assert base64.b32decode(spelled(seed)) == seed.reveal()
    assert len(spelled(seed)) == 32
