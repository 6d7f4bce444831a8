"""The load of `ops/bench` asks for as long as it says it does, whatever the server does with its connections."""

from __future__ import annotations

import asyncio
import importlib
from pathlib import Path

import pytest

ROWS = Path(__file__).resolve().parents[1] / "ops" / "bench_rows"
ANSWER = b"HTTP/1.1 200 OK\r\n%sContent-Length: 2\r\n\r\nok"


@pytest.mark.parametrize(
    "ending", [b"Connection: close\r\n", b""], ids=["each answer ends its connection", "none does"]
)
async def test_the_load_goes_on_to_its_end(monkeypatch, ending):
    monkeypatch.syspath_prepend(ROWS)
    load = importlib.import_module("load")
    met = 0

    async def answer(reader, writer):
        nonlocal met
        met += 1
        while await reader.read(1024):
            writer.write(ANSWER % ending)
            await writer.drain()
            if ending:
                await reader.read()  # what werkzeug does: waits for the client to end what it said has ended
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        found = await load.loaded("127.0.0.1", port, b"POST / HTTP/1.1\r\n\r\n", connections=2, seconds=0.2)
    assert found.refused == 0
    assert found.answered > 2
    assert (met == found.answered) is bool(ending)
