"""Pages of a listing: whole and in order, whatever comes and goes between two of them."""

from __future__ import annotations

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authority.kernel.paging import DEFAULT_ITEMS, INVALID_MARKER, Page, page
from authority.kernel.refusal import Refusal

NAMES = st.sets(st.text(max_size=12), max_size=40)


def cut(items, marker=None, most=None, scope="users") -> Page:
    found = page(list(items), str, marker=marker, max_items=most, scope=scope)
    assert isinstance(found, Page)
    return found


def test_without_a_limit_a_page_holds_a_hundred():
    names = [f"{number:03}" for number in range(DEFAULT_ITEMS + 1)]
    assert cut(names[:-1]).marker is None
    first = cut(reversed(names))
    assert (list(first.items), first.is_truncated) == (names[:-1], True)
    assert cut(names, first.marker) == Page((names[-1],))


def test_a_page_that_ends_with_the_list_says_so():
    assert cut(["a", "b"], most=2) == Page(("a", "b"))
    assert not cut([]).is_truncated


@given(NAMES, st.integers(1, 10))
def test_the_pages_are_the_list(names, most):
    seen, marker = [], None
    while True:
        found = cut(names, marker, most)
        assert len(found.items) <= most
        seen.extend(found.items)
        marker = found.marker
        if marker is None:
            break
    assert seen == sorted(names)


@given(NAMES, NAMES, NAMES, st.integers(1, 10))
def test_what_stays_is_seen_exactly_once_whatever_comes_and_goes(staying, coming, going, most):
    coming, going = coming - staying, going - staying
    first = cut(staying | going, most=most)
    seen = list(first.items)
    if first.marker is not None:
        seen.extend(cut(staying | coming, first.marker, most=1000).items)
    assert [name for name in seen if name in staying] == sorted(staying)
    assert len(seen) == len(set(seen))


@given(st.sets(st.text(min_size=1, max_size=600), min_size=2, max_size=4))
def test_a_marker_is_what_every_service_takes_for_one(names):
    marker = cut(names, most=1).marker
    assert marker is not None
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,320}", marker)


def test_names_too_long_for_a_marker_are_all_seen_once():
    names = ["ж" * 200 + letter for letter in "abc"] + ["ж" * 200, "a", "я"]
    seen, marker = [], None
    while len(seen) < len(names):
        found = cut(names, marker, 1)
        seen.extend(found.items)
        marker = found.marker
    assert marker is None
    assert sorted(seen) == sorted(names)
    assert (seen[0], seen[-1]) == ("a", "я")


def test_a_marker_is_good_for_its_own_listing_only():
    marker = cut(["a", "b"], most=1).marker
    assert page(["a", "b"], str, marker=marker, max_items=1, scope="groups") == INVALID_MARKER


@pytest.mark.parametrize(
    "marker",
    ["", "x", "====", "AAAAAAAAAAAA", "AAAAAAAAAAAAYQ", "a b", "é", "\ud800", "_____________w"],
)
def test_what_was_never_given_out_is_no_marker(marker):
    assert page(["a"], str, marker=marker, max_items=None, scope="users") == INVALID_MARKER


@given(st.text())
def test_no_text_breaks_a_listing(marker):
    assert isinstance(page(["a"], str, marker=marker, max_items=None, scope="users"), Page | Refusal)


@given(st.binary(max_size=4))
def test_a_marker_that_was_changed_is_none_or_goes_on_elsewhere(tail):
    marker = cut(["a", "b"], most=1).marker
    assert marker is not None
    raw = base64.urlsafe_b64decode(marker + "=" * (-len(marker) % 4))[:9] + tail
    found = page(["a", "b"], str, marker=base64.urlsafe_b64encode(raw).decode(), max_items=None, scope="users")
    assert isinstance(found, Page | Refusal)
