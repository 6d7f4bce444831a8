"""One connection: bounded in time before anything was asked, and answered in our words when nothing can be read.

What a client sent is never repeated, neither to the diagnostics nor to whoever reads the answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias, cast

import msgspec
from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.helpers import rfc822_formatted_time

Serve: TypeAlias = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
Give: TypeAlias = Callable[[web.BaseRequest, BaseException | None], web.StreamResponse]


FULL: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nServer: Authority\r\nRetry-After: 1\r\n"
    b"Content-Length: 0\r\nConnection: close\r\n\r\n"
)
"""Clients of AWS take it for what it is, and try again after a while."""


class Bounds(msgspec.Struct, frozen=True):
    """How long we wait, in seconds, and for how many at once."""

    head: float
    body: float
    keepalive: float
    connections: int


class Whole(web.StreamResponse):
    """An answer that is whole before its first byte goes out: head and body leave in one write.

    Here are no cookies, codings, chunks or hooks, for which aiohttp's own looks at each answer.  The writer is
    aiohttp's: it refuses a header that would end before its value does.
    """

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        """Answer *status* with *headers*, to which what HTTP asks for is added, and *body*."""
        super().__init__(status=status)
        self._head = headers
        self._whole = body

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
        """Write the head, which waits for the body."""
        head, version, writer = self._head, request.version, request.writer
        self._keep_alive = self._keep_alive is None and request.keep_alive
        head["Content-Length"] = str(len(self._whole))
        head["Date"] = rfc822_formatted_time()
        if not self._keep_alive and version == HttpVersion11:  # before it, that goes without saying
            head["Connection"] = "close"
        if request.method == "HEAD":
            self._whole = b""
        line = f"HTTP/{version.major}.{version.minor} {self.status} {self.reason}"
        await writer.write_headers(line, cast("Any", head))  # it asks for nothing but the items
        self._payload_writer = writer
        return writer

    async def write_eof(self, data: bytes = b"") -> None:
        """Write the body, and the head with it."""
        if self._payload_writer is None or data:
            raise TypeError("the whole answer is written, once and after its head")
        await self._payload_writer.write_eof(self._whole)
        self._payload_writer = None


class Protocol(web.RequestHandler):
    """aiohttp's, with a time-out for the first head, a bound on how many there are, and without its own error pages."""

    __slots__ = ("_server", "_waits")

    def __init__(self, server: Server, **kwargs: Any) -> None:
        """Belong to *server*."""
        super().__init__(server, **kwargs)
        self._server = server
        self._waits: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first head.  Between requests the keep-alive time-out holds.

        One connection too many is told so, and nothing of it is read.
        """
        if len(self._server.connections) >= self._server.connection_limit:
            self.close()
            talking = cast("asyncio.Transport", transport)
            talking.write(FULL)
            talking.close()
            return
        super().connection_made(transport)
        self._waits = asyncio.get_running_loop().call_later(self._server.header_timeout, self._hurry)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Wait no more."""
        if self._waits is not None:
            self._waits.cancel()
        super().connection_lost(exc)

    def _hurry(self) -> None:
        if not self._request_count:
            self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it repeats what was sent
    ) -> web.StreamResponse:
        """Answer what cannot be read as a request, or a fault of ours, and close."""
        if request.writer.output_size > 0:
            raise ConnectionError("a part of the answer was sent already")
        give = self._server.unreadable if status < 500 else self._server.failed
        response = give(request, exc)
        response.force_close()
        return response


class Server(web.Server):
    """Makes a `Protocol` for each connection."""

    def __init__(
        self,
        serve: Serve,
        *,
        header_timeout: float,
        connection_limit: int,
        unreadable: Give,
        failed: Give,
        **kwargs: Any,
    ) -> None:
        """Answer with *serve*, *unreadable* bytes and what *failed* besides; *header_timeout* is in seconds."""
        super().__init__(serve, **kwargs)
        self.header_timeout = header_timeout
        self.connection_limit = connection_limit
        self.unreadable = unreadable
        self.failed = failed

    def __call__(self) -> Protocol:
        """The protocol of one connection."""
        return Protocol(self, loop=self._loop, **self._kwargs)
