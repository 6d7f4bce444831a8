"""A witness's HTTP interface (C2SP tlog-witness): one path, by which logs hand in checkpoints."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import structlog
from aiohttp import web

from authority.kernel.clock import Clock
from authority.ledger.note import Checkpoint, Note, VerifierKey, read_note
from authority.ledger.watching import Cosigner, Unsigned, accept, read_submission

log = structlog.get_logger()

LARGEST: Final = 65_536
"""Bytes of one request."""
SIZE: Final = "text/x.tlog.size"


class Seen(Protocol):
    """What was signed last for each log."""

    def find(self, origin: str) -> bytes | None:
        """The note that was kept last for the log *origin*."""
        ...

    def keep(self, origin: str, note: bytes) -> None:
        """Keep *note*; durable once this returns."""
        ...


def witness_application(
    cosigner: Cosigner, logs: Mapping[str, Sequence[VerifierKey]], seen: Seen, clock: Clock
) -> web.Application:
    """`/add-checkpoint`, for *logs* by their origin."""
    one_at_a_time = asyncio.Lock()

    def signed(body: bytes) -> bytes:
        submission = read_submission(body)
        origin, text = submission.checkpoint.origin, submission.note.text
        kept = seen.find(origin)
        accept(submission, logs.get(origin, ()), None if kept is None else Checkpoint.unverified(read_note(kept)))
        signature = cosigner.sign(text, int(clock.now().timestamp()))
        # INVARIANT: kept before it leaves, so that no crash makes him sign two histories.
        seen.keep(origin, bytes(Note(text, (*submission.note.signatures, signature))))
        return f"{signature}\n".encode()

    async def add_checkpoint(request: web.Request) -> web.Response:
        body = await request.read()
        try:
            async with one_at_a_time:
                return web.Response(body=await asyncio.to_thread(signed, body), content_type="text/plain")
        except Unsigned as unsigned:
            log.warning("checkpoint_unsigned", status=unsigned.status, reason=unsigned.why)
            said = f"{unsigned.why}\n" if unsigned.size is None else f"{unsigned.size}\n"
            kind = "text/plain" if unsigned.size is None else SIZE
            return web.Response(status=unsigned.status, text=said, content_type=kind)

    application = web.Application(client_max_size=LARGEST)
    application.router.add_post("/add-checkpoint", add_checkpoint)
    return application
