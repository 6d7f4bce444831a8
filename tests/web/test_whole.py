"""What we write at once is to the byte what aiohttp would have written."""

from __future__ import annotations

import asyncio
import re

import pytest
from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.test_utils import make_mocked_request

from authority.web.protocol import Server, Whole

HEADERS = {"Content-Type": "text/xml", "x-amzn-RequestId": "one", "Location": "/caf\u00e9", "Server": "Authority"}
DATE = re.compile(rb"Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT")


def whole(status, body):
    return Whole(status, dict(HEADERS), body)


def aiohttps(status, body):
    return web.Response(status=status, headers=HEADERS, body=body)


async def said(answer, text, *, status=200, body=b"<a/>", closing=False):
    """All that comes back to *text* until the connection ends; *answer* makes each answer."""

    async def serve(request):
        if request.raw_path == "/fault":
            raise RuntimeError("hunter2")
        response = answer(status, body)
        if closing:
            response.force_close()
        return response

    server = Server(
        serve,
        header_timeout=5,
        connection_limit=9,
        unreadable=lambda *_: answer(400, b"unreadable"),
        failed=lambda *_: answer(500, b"failed"),
        access_log=None,
        keepalive_timeout=5,
    )
    listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    try:
        reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname())
        writer.write(text)
        async with asyncio.timeout(10):
            came = await reader.read()
        writer.close()
        await writer.wait_closed()
    finally:
        listening.close()
        await server.shutdown(1)
    assert b"hunter2" not in came
    return DATE.subn(b"Date: then", came)


GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
LAST = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        pytest.param(LAST, 1, id="the last request"),
        pytest.param(GET + LAST, 2, id="one after which more comes"),
        pytest.param(GET * 3 + LAST, 4, id="several at once"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab" + LAST, 2, id="a body nobody reads"),
        pytest.param(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + LAST, 2, id="one for the head only"),
        pytest.param(b"GET / HTTP/1.0\r\n\r\n", 1, id="one of the version before"),
        pytest.param(b"GET /fault HTTP/1.1\r\nHost: a\r\n\r\n" + GET, 1, id="a fault"),
        pytest.param(b"\x16\x03\x01hunter2\r\n\r\n", 1, id="noise"),
    ],
)
@pytest.mark.parametrize(
    "more",
    [
        pytest.param({}, id="a document"),
        pytest.param({"status": 303, "body": b""}, id="nothing but a head"),
        pytest.param({"status": 503, "closing": True, "body": b"<b/>" * 100_000}, id="a long one, and the end"),
    ],
)
async def test_an_answer_is_to_the_byte_what_aiohttp_would_say(text, answers, more):
    ours, count = await said(whole, text, **more)
    theirs, _ = await said(aiohttps, text, **more)
    if text.startswith(b"HEAD") and more.get("body") == b"":
        ours = ours.replace(b"Content-Length: 0\r\n", b"", 1)  # which they leave out
    assert ours == theirs
    assert count == (1 if more.get("closing") else answers)


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: hunter3", "a\nb", "a\0b"])
async def test_no_value_ends_its_header(value):
    came, _ = await said(lambda status, body: Whole(status, {"Location": value}, body), LAST)
    assert b"hunter3" not in came
    assert not came.startswith(b"HTTP/1.1 200")


async def test_an_answer_is_written_once_and_after_its_head():
    writer = Writer()
    answer = whole(200, b"<a/>")
    with pytest.raises(TypeError):
        await answer.write_eof()
    await answer.prepare(make_mocked_request("GET", "/", writer=writer))
    with pytest.raises(TypeError):
        await answer.write_eof(b"more")
    await answer.write_eof()
    with pytest.raises(TypeError):
        await answer.write_eof()
    assert writer.written == [b"<a/>"]


class Writer(AbstractStreamWriter):
    """Keeps what is written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    async def write_headers(self, status_line, headers):
        assert status_line == "HTTP/1.1 200 OK"

    async def write(self, chunk):
        self.written.append(chunk)

    async def write_eof(self, chunk=b""):
        self.written.append(chunk)

    async def drain(self):
        raise AssertionError("what is whole is not drained in between")

    def enable_compression(self, encoding="deflate", strategy=None):
        raise AssertionError("nothing is compressed")

    def enable_chunking(self):
        raise AssertionError("nothing is cut in chunks")
