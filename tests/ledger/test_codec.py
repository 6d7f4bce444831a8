"""Reading headers, refusing what could never be taken back, and bringing old bodies forward."""

from __future__ import annotations

import json
from datetime import timedelta, timezone

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authority.ledger import codec
from authority.ledger.codec import check, header_of, new_entry, upcast
from authority.ledger.port import MAX_BODY, Lane

from .stores import EPOCH, SECOND, body, entry


def test_the_header_is_read_out_of_whatever_else_the_body_says():
    header = header_of(body("me", at=3, lane="config", type="role-created", v=2, facts=[{"type": "another"}]))
    assert (header.type, header.v, header.lane, header.subject) == ("role-created", 2, "config", "me")
    assert header.decided_at == EPOCH + 3 * SECOND


GOOD = {"type": "t", "v": 1, "decided_at": "2025-01-01T00:00:00Z", "lane": "session", "subject": "s"}


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"{}", id="no header"),
        pytest.param(json.dumps(GOOD).encode() + b"{}", id="something after the object"),
        *(
            pytest.param(json.dumps({k: v for k, v in GOOD.items() if k != gone}).encode(), id=f"no {gone}")
            for gone in GOOD
        ),
        *(
            pytest.param(json.dumps(GOOD | wrong).encode(), id=name)
            for name, wrong in {
                "a type that is empty": {"type": ""},
                "a type that is a number": {"type": 1},
                "a type with a NUL": {"type": "a\0"},
                "a subject with a NUL": {"subject": "a\0b"},
                "a subject that is half a character": {"subject": "\ud800"},
                "a version of 0": {"v": 0},
                "a version that is text": {"v": "1"},
                "a version that is no integer": {"v": 1.5},
                "a version past sixteen bits": {"v": 0x8000},
                "a time without a zone": {"decided_at": "2025-01-01T00:00:00"},
                "a time of another zone": {"decided_at": "2025-01-01T00:00:00+01:00"},
                "a time that is a number": {"decided_at": 1735689600},
                "a lane that is not there": {"lane": "fast"},
                "a lane by its number": {"lane": 0},
            }.items()
        ),
    ],
)
def test_what_has_no_header_is_refused(written):
    with pytest.raises(ValueError):
        header_of(written)


def test_an_entry_says_what_its_body_says():
    made = new_entry(body("me", at=1, lane="config", type="x", v=7), once=("k",))
    assert (made.subject, made.lane, made.type, made.v, made.once) == ("me", Lane.CONFIG, "x", 7, ("k",))
    check(made)


HEADER = header_of(body("me", v=7))


def spelled(header):
    """A body that begins with *header* as those do that we write."""
    return msgspec.json.encode(header)[:-1] + b',"facts":[]}'


@pytest.mark.parametrize("more", [{}, {"once": ("k",)}])
def test_a_body_that_begins_with_its_header_makes_the_same_entry_unread(more, monkeypatch):
    read = new_entry(spelled(HEADER), **more)
    monkeypatch.setattr(codec, "header_of", None)
    unread = new_entry(spelled(HEADER), **more, written=HEADER)
    assert unread == read
    check(unread)


@pytest.mark.parametrize(
    "wrong",
    [{"type": "another"}, {"v": 2}, {"lane": "config"}, {"subject": "another"}, {"decided_at": EPOCH + SECOND}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_header_that_the_body_does_not_begin_with_is_not_believed(wrong):
    written = msgspec.structs.replace(HEADER, **wrong)
    assert new_entry(spelled(HEADER), written=written) == new_entry(spelled(HEADER))


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": ""},
        {"type": "t" * 129},
        {"type": "a\0"},
        {"v": 0},
        {"v": 0x8000},
        {"subject": "s" * 2049},
        {"subject": "a\0b"},
        {"lane": "fast"},
        {"decided_at": EPOCH.astimezone(timezone(timedelta(hours=1)))},
        {"decided_at": EPOCH.replace(tzinfo=None)},
    ],
    ids=str,
)
def test_a_header_that_may_not_be_stored_is_refused_also_from_who_wrote_it(wrong):
    written = msgspec.structs.replace(HEADER, **wrong)
    with pytest.raises(ValueError):
        new_entry(spelled(written), written=written)


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "another"},
        {"v": 2},
        {"lane": Lane.CONFIG},
        {"subject": "another"},
        {"decided_at": EPOCH + SECOND},
        {"body": body("another")},
        {"body": body(pad=MAX_BODY)},
        {"once": ("",)},
        {"once": ("a\0",)},
        {"once": ("a", "b", "a")},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_an_entry_that_disagrees_with_its_body_is_refused(wrong):
    with pytest.raises(ValueError):
        check(msgspec.structs.replace(entry(), **wrong))


def test_the_largest_body_is_stored_and_one_byte_more_is_not():
    pad = MAX_BODY - len(body())
    check(entry(pad=pad))
    with pytest.raises(ValueError, match="more than 65535"):
        check(entry(pad=pad + 1))


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@settings(max_examples=150)
def test_bytes_are_read_or_refused_and_nothing_else(written):
    try:
        header = header_of(written)
    except ValueError:
        return
    if not header.once and not header.vault:
        new_entry(written)


def renamed(written):
    said = json.loads(written)
    return json.dumps(said | {"v": said["v"] + 1}).encode()


def split(written):
    return json.dumps(json.loads(written) | {"type": "later", "v": 1}).encode()


STEPS = {("happened", 1): renamed, ("happened", 2): split}


def test_an_old_body_is_brought_forward_step_by_step():
    assert header_of(upcast(body(v=1), STEPS)).type == "later"
    assert header_of(upcast(body(v=2), STEPS)).type == "later"


def test_a_body_of_today_comes_back_as_it_is():
    today = body(v=3)
    assert upcast(today, STEPS) is today
    assert upcast(today) is today


def test_a_step_that_leads_nowhere_is_refused():
    with pytest.raises(ValueError, match="does not lead onwards"):
        upcast(body(), {("happened", 1): lambda same: same})


def test_every_step_leads_from_a_form_that_is_no_longer_written():
    assert all(version >= 1 for _, version in codec.UPCASTERS)
