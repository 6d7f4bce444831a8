"""What a witness answers is read whole, in however many pieces it comes, and no further than bounded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from authority.outbound.witnesses import LARGEST, HttpWitness


@asynccontextmanager
async def answering(body: bytes) -> AsyncIterator[str]:
    """A witness on loopback that answers with *body*, the first letter of it in a piece of its own."""

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(body[:1])
        for _ in range(100):
            await asyncio.sleep(0)  # whoever asked has his turn meanwhile
        await response.write(body[1:])
        return response

    runner = web.ServerRunner(web.Server(handler))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_an_answer_is_read_to_its_end():
    async with answering(b"x" * LARGEST) as url:
        assert await HttpWitness(url).submit(b"note") == (200, b"x" * LARGEST)


async def test_and_no_further_than_bounded():
    async with answering(b"x" * (LARGEST + 1)) as url:
        with pytest.raises(OSError, match="more than 65536 bytes"):
            await HttpWitness(url).submit(b"note")
