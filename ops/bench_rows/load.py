"""A load that costs little: connections that send one of some prepared requests as soon as they were answered.

Knows just enough HTTP/1.1 to find the end of an answer: a status, a Content-Length, a body; and whether the connection
ends with it, which some servers say every time.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

PATIENCE = 10.0
"""Seconds that the last answers may take; what is not answered by then is lost."""


@dataclass
class Load:
    """What a run of requests took: how many were answered with 200, and how long each waited, in seconds."""

    seconds: float = 0.0
    """From the beginning to the last answer."""
    answered: int = 0
    refused: int = 0
    lost: int = 0
    last: float = 0.0
    """When the last answer came."""
    waits: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        return self.answered / self.seconds

    def percentile(self, share: float) -> float:
        """The wait, in milliseconds, that *share* of the requests did not exceed."""
        ordered = sorted(self.waits)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class _Connection(asyncio.Protocol):
    def __init__(self, requests: Iterator[bytes], load: Load, until: float, done: asyncio.Future) -> None:
        self.requests, self.load, self.until, self.done = requests, load, until, done
        self.buffer = b""

    def connection_made(self, transport) -> None:
        self.transport = transport
        self.send()

    def send(self) -> None:
        self.began = time.perf_counter()
        self.transport.write(next(self.requests))

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, mark, body = self.buffer.partition(b"\r\n\r\n")
        if not mark:
            return
        start = head.lower().index(b"content-length:") + 15
        length = int(head[start:].split(b"\r\n", 1)[0])
        if len(body) < length:
            return
        now = time.perf_counter()
        self.buffer = body[length:]
        if head.startswith(b"HTTP/1.1 200"):
            self.load.answered += 1
        else:
            self.load.refused += 1
        self.load.waits.append(now - self.began)
        self.load.last = now
        if now < self.until and b"connection: close" not in head.lower():
            self.send()
        else:
            self.transport.close()

    def connection_lost(self, _) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def _kept_up(host: str, port: int, requests: Iterator[bytes], load: Load, until: float) -> None:
    """Ask until the time is over, on a new connection whenever one ended."""
    loop = asyncio.get_running_loop()
    while time.perf_counter() < until:
        done = loop.create_future()
        await loop.create_connection(lambda done=done: _Connection(requests, load, until, done), host, port)
        await done


async def loaded(host: str, port: int, requests: Sequence[bytes], *, connections: int, seconds: float) -> Load:
    """Send *requests*, in turns, over *connections* at once for *seconds*."""
    load, following = Load(), itertools.cycle(requests)
    began = time.perf_counter()
    asking = [asyncio.create_task(_kept_up(host, port, following, load, began + seconds)) for _ in range(connections)]
    ended, lost = await asyncio.wait(asking, timeout=seconds + PATIENCE)
    for one in lost:
        one.cancel()
    for one in ended:
        one.result()
    if not load.waits:
        raise TimeoutError(f"nothing was answered in {seconds + PATIENCE:.0f} s")
    load.lost, load.seconds = len(lost), load.last - began
    return load
