"""Streams from a log that can fail, and for somebody who may be told to go."""

from __future__ import annotations

import asyncio
import json

import pytest

from authority.answering.streaming import ENDED, PAGE, Streams
from authority.audit import tokens
from authority.audit.answers import Behind, Events
from authority.audit.queries import FindEvents, Order, Range
from authority.audit.records import event_record
from authority.audit.streams import Form, StreamEvents
from authority.ledger.port import Head
from authority.wire.dialects import CutShort
from tests.audit.stories import AT, MIA, PRODUCTION, makes_user


class Log:
    """What a stream needs of a log, of as many entries as somebody says; `fail` is how many questions come too soon."""

    def __init__(self, size):
        self.size, self.fail = size, 0
        self.changed = asyncio.Event()

    def grow(self, count):
        self.size += count
        self.changed.set()
        self.changed = asyncio.Event()

    async def head(self):
        return Head(self.size, b"", AT)

    async def wait(self, after):
        while self.size <= after:
            await self.changed.wait()

    async def ask(self, query, at):
        if self.fail:
            self.fail -= 1
            raise Behind(0, at)
        left = query.resume or Range(1, at)
        high = min(left.high, left.low + query.max_results - 1, at)
        found = range(left.low, high + 1)
        records = tuple(event_record(one, AT, makes_user(MIA, f"u{one}"), withheld=False) for one in found)
        return Events(events=records, position=at, next_token=tokens.write(query, Range(high + 1, min(left.high, at))))


QUESTION = FindEvents(account=PRODUCTION, order=Order.OLDEST)


def stream(log, **more):
    streams = Streams(log, log.ask, asyncio.Event())
    return streams, streams.answer(StreamEvents(**{"of": QUESTION, "form": Form.JSONL, **more}), log.size)


def positions(piece):
    return [
        json.loads(line.removeprefix(b"data: "))["position"] for line in piece.splitlines() if b'"position"' in line
    ]


async def test_an_export_goes_on_page_by_page():
    _, answer = stream(Log(2 * PAGE + 1))
    pieces = [positions(piece) async for piece in answer.pieces(lambda: True)]
    assert [len(piece) for piece in pieces] == [PAGE, PAGE, 1]
    assert [one for piece in pieces for one in piece] == list(range(1, 2 * PAGE + 2))


async def test_an_export_of_somebody_who_may_no_more_is_cut_short():
    said = iter([True, False])
    _, answer = stream(Log(2 * PAGE + 1))
    pieces = answer.pieces(lambda: next(said))
    assert len(positions(await anext(pieces))) == PAGE
    with pytest.raises(CutShort):
        await anext(pieces)


async def test_what_is_followed_goes_on_after_a_failure_without_a_gap_and_nothing_comes_twice():
    log = Log(PAGE + 5)
    _, answer = stream(log, follow=True)
    pieces = answer.pieces(lambda: True)
    assert (await anext(pieces)).startswith(b":")
    heard = positions(await anext(pieces))
    log.fail = 1
    while len(heard) < PAGE + 5:
        heard += positions(await anext(pieces))
    log.fail = 1
    log.grow(3)
    while len(heard) < PAGE + 8:
        heard += positions(await anext(pieces))
    assert heard == list(range(1, PAGE + 9))
    await pieces.aclose()


async def test_nothing_is_said_to_somebody_who_may_no_more():
    log, may = Log(3), [True]
    _, answer = stream(log, follow=True, from_now=True)
    pieces = answer.pieces(lambda: may[0])
    await anext(pieces)
    following = asyncio.ensure_future(anext(pieces))
    may[0] = False
    log.grow(1)
    assert await following == ENDED


async def test_a_place_is_given_back_however_a_stream_ends():
    log = Log(1)
    streams, answer = stream(log, follow=True)
    pieces = answer.pieces(lambda: True)
    await anext(pieces)
    assert streams._following == 1
    await pieces.aclose()
    assert streams._following == 0
