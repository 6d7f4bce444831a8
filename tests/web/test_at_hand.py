"""A body is taken as it lies there only when it is whole, unbroken, and no more than is read for a stranger."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import ClientConnectionResetError, StreamReader
from aiohttp.base_protocol import BaseProtocol
from aiohttp.test_utils import make_mocked_request

from authority.web.endpoint import STRANGER_BODY, _at_hand


def arrived(body, *, whole=True, broken=False):
    """A request of whose body so much has arrived."""
    loop = asyncio.get_running_loop()
    content = StreamReader(BaseProtocol(loop), STRANGER_BODY, loop=loop)
    content.feed_data(body)
    if whole:
        content.feed_eof()
    if broken:
        content.set_exception(ClientConnectionResetError())
    return make_mocked_request("POST", "/", payload=content)


@pytest.mark.parametrize("body", [b"", b"a=b", b"x" * STRANGER_BODY])
async def test_what_lies_there_whole_is_taken(body):
    assert _at_hand(arrived(body)) == body


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(lambda: arrived(b"x" * (STRANGER_BODY + 1)), id="more than is read for a stranger"),
        pytest.param(lambda: arrived(b"a=b", whole=False), id="a part"),
        pytest.param(lambda: arrived(b"a=b", broken=True), id="whose connection broke since"),
    ],
)
async def test_any_other_is_waited_for_and_judged(request_):
    assert _at_hand(request_()) is None
