"""The AWS endpoint and our JSON API: plain bytes in, plain bytes out, every body bounded in size and time.

Uses nothing of aiohttp that decodes, merges or guesses: the signature is over what arrived.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from contextlib import aclosing, nullcontext
from typing import Final

import structlog
from aiohttp import HttpVersion11, hdrs, web

from authority.kernel.refusal import Reason, Refusal
from authority.pipeline import FAULT, Pipeline
from authority.web import signin
from authority.web.protocol import Bounds, Server, Whole
from authority.wire.dialects import CutShort, Pieces, Spelled
from authority.wire.request import Received

log = structlog.get_logger()

STRANGER_BODY: Final = 262_144
"""Bytes that we read for somebody unknown: the largest assertion that an unsigned call may carry fits."""
SIGNER_BODY: Final = 16_777_216
"""Bytes that we read once the key that signs is known to be ours: the largest metadata document fits, escaped."""
LARGE_AT_ONCE: Final = 8
"""Bodies that are larger than a stranger's and are read at a time: the id of a key proves nothing, and is no secret."""
HEAD: Final = 16_376
"""Bytes of the request line, and of each header."""
TOO_LARGE: Final = Refusal(Reason.REQUEST_TOO_LARGE, "The body is larger than this endpoint reads.")
TOO_SLOW: Final = Refusal(Reason.MALFORMED_REQUEST, "The body did not arrive in time.")
CUT_OFF: Final = Refusal(Reason.MALFORMED_REQUEST, "The body ended early.")
UNREADABLE: Final = Refusal(Reason.MALFORMED_REQUEST, "This is no HTTP request that can be read in one way only.")
PORT: Final = re.compile(r":[0-9]+\Z")
PUBLIC: Final = {
    "Content-Type": "application/json",
    "Cache-Control": "public, max-age=300",
    "X-Content-Type-Options": "nosniff",
    "Server": "Authority",
}
"""Headers of what everybody may read: whoever keeps it learns of a new key within five minutes."""
LASTING: Final = {
    "Cache-Control": "no-store",
    "Server": "Authority",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of what goes out while it is made: nothing between us may hold it back or keep it."""
LOOKED_FOR: Final = 1.0
"""Seconds until it is noticed that nobody listens any more."""
OTHER: Final = Refusal(Reason.MALFORMED_REQUEST, "HTTP/1.1 is needed.")


class Endpoint:
    """Serves one pipeline to whoever connects."""

    def __init__(
        self, pipeline: Pipeline, hosts: Iterable[str], bounds: Bounds, published: Callable[[str], bytes | None]
    ) -> None:
        """Answer for *hosts*, in lower case; one without a port speaks for the port we listen on as well.

        *published* are the JSON documents that everybody may read, by path: those of us as an issuer,
        and as who decides for resource servers.
        """
        self._pipeline = pipeline
        self._published = published
        self._bounds = bounds
        self._hosts = frozenset(hosts)
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)

    def answer_on(self, port: int) -> None:
        """Say which *port* we listen on: clients name it in `Host`."""
        self._hosts |= {f"{host}:{port}" for host in self._hosts if PORT.search(host) is None}

    def server(self) -> web.Server:
        """The protocol factory; no routes, no middlewares, nothing that reads a request before we do."""
        return Server(
            self.serve,
            header_timeout=self._bounds.head,
            connection_limit=self._bounds.connections,
            unreadable=self._unreadable,
            failed=self._failed,
            auto_decompress=False,
            access_log=None,
            keepalive_timeout=self._bounds.keepalive,
            max_line_size=HEAD,
            max_field_size=HEAD,
        )

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Read one request whole, have it answered, and say the answer."""
        framed = _framed(request)
        document = self._published(request.raw_path) if framed is None and request.method == "GET" else None
        if document is not None:
            return web.Response(body=document, headers=PUBLIC)
        request_id = self._pipeline.request_id()
        body = framed or _at_hand(request)
        if body is None:
            body = await self._body(request)
        if isinstance(body, Refusal):
            response = _response(self._pipeline.refused_unread(body, _peer(request), request_id))
            response.force_close()
            return response
        received = _received(request, body)
        if received.path in signin.PATHS:
            return _response(await signin.answer(self._pipeline, received, request_id, self._hosts))
        spelled = await self._pipeline.handle(received, request_id, self._hosts)
        return _response(spelled) if spelled.pieces is None else await self._said(request, spelled, spelled.pieces)

    async def _said(self, request: web.BaseRequest, spelled: Spelled, parts: Pieces) -> web.StreamResponse:
        """Say what comes in *parts*: each goes out before the next is made."""
        response = web.StreamResponse(status=spelled.status, headers={**spelled.headers, **LASTING})
        async with aclosing(parts) as made, aclosing(_while_there(request, made)) as pieces:
            await response.prepare(request)
            try:
                async for piece in pieces:
                    await response.write(piece)
            except ConnectionError:  # nobody listens any more
                _abort(request)
            except Exception as fault:
                if not isinstance(fault, CutShort):
                    log.exception("stream_failed")
                _abort(request)  # without its end the answer is seen not to be whole
        return response

    def _unreadable(self, request: web.BaseRequest, _exc: BaseException | None) -> Whole:
        return _response(self._pipeline.refused_unread(UNREADABLE, _peer(request), self._pipeline.request_id()))

    def _failed(self, request: web.BaseRequest, exc: BaseException | None) -> Whole:
        request_id = self._pipeline.request_id()
        log.error("request_failed", request_id=request_id, exc_info=exc)
        return _response(self._pipeline.refused_unread(FAULT, _peer(request), request_id))

    async def _body(self, request: web.BaseRequest) -> bytes | Refusal:
        """The body, when it has come."""
        declared = request.content_length
        small = declared is not None and declared <= STRANGER_BODY
        ours = not small and await self._pipeline.may_be_ours(_received(request, b""))
        limit = SIGNER_BODY if ours else STRANGER_BODY
        if (declared or 0) > limit:
            return TOO_LARGE
        try:
            async with asyncio.timeout(self._bounds.body), self._large if ours else nullcontext():
                return await _read(request, limit)
        except TimeoutError:
            return TOO_SLOW
        except (web.RequestPayloadError, ConnectionError):
            return CUT_OFF


async def _read(request: web.BaseRequest, limit: int) -> bytes | Refusal:
    parts: list[bytes] = []
    size = 0
    async for part in request.content.iter_any():
        size += len(part)
        if size > limit:
            return TOO_LARGE
        parts.append(part)
    return b"".join(parts)


async def _while_there(request: web.BaseRequest, pieces: Pieces) -> Pieces:
    """*pieces*, until nobody is there for the next one: who leaves is noticed while nothing can be said to him."""
    gone = asyncio.ensure_future(_gone(request))
    try:
        while True:
            following = asyncio.ensure_future(anext(pieces, None))
            await asyncio.wait({following, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not following.done():
                following.cancel()
                await asyncio.wait({following})
                raise ConnectionResetError
            piece = following.result()
            if piece is None:
                return
            yield piece
    finally:
        gone.cancel()


async def _gone(request: web.BaseRequest) -> None:
    while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(LOOKED_FOR)


def _abort(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.abort()


def _framed(request: web.BaseRequest) -> Refusal | None:
    """Refuse a request whose end another server may see elsewhere (RFC 9112, section 6.1)."""
    if request.version != HttpVersion11:
        return OTHER
    coding = request.headers.get(hdrs.TRANSFER_ENCODING)
    return None if coding is None or coding.lower() == "chunked" else UNREADABLE


def _at_hand(request: web.BaseRequest) -> bytes | None:
    """The body of a request that came whole and may be read for anybody; None of any other."""
    content = request.content
    if content.is_eof() and content.total_bytes <= STRANGER_BODY and content.exception() is None:
        return content.read_nowait()
    return None


def _received(request: web.BaseRequest, body: bytes) -> Received:
    return Received(
        request.method,
        request.raw_path.encode("utf-8", "surrogateescape"),
        request.raw_headers,
        body,
        _peer(request),
        request.secure,
    )


def _peer(request: web.BaseRequest) -> str:
    """The address at the other end."""
    return request.remote or ""


def _response(spelled: Spelled) -> Whole:
    return Whole(spelled.status, {**spelled.headers, "Server": "Authority"}, spelled.body)
