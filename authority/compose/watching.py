"""A witness for other authorities' logs: its key, what it saw, its listener."""

from __future__ import annotations

from asyncio import Event
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from aiohttp import web

from authority.kernel.clock import Clock
from authority.ledger.note import VerifierKey
from authority.ledger.watching import Cosigner
from authority.outbound.clock import SystemClock
from authority.outbound.entropy import SystemEntropy
from authority.outbound.root_key import create_root_key, load_root_key
from authority.outbound.seen_checkpoints import SeenCheckpoints
from authority.web.witness import witness_application

CLOCK: Final = SystemClock()
KEY: Final = "witness.key"
SEEN: Final = "seen"


def cosigner_in(folder: Path, name: str) -> Cosigner:
    """The witness *name*, whose key lies in *folder*; it is drawn when there is none."""
    place = folder / KEY
    seed = load_root_key(place, None) if place.exists() else create_root_key(place, SystemEntropy())
    return Cosigner(name, seed.reveal())  # revealed to the library that signs


async def watch(
    folder: Path,
    cosigner: Cosigner,
    keys: Sequence[VerifierKey],
    *,
    place: tuple[str, int],
    ready: Callable[[str], None],
    stop: Event,
    clock: Clock = CLOCK,
) -> None:
    """Sign for the logs whose *keys* these are, at *place*, until *stop*; keep what was seen in *folder*.

    Raises `BlockingIOError` where another process signs from that folder: two could sign two histories.
    """
    logs = defaultdict[str, list[VerifierKey]](list)
    for key in keys:
        logs[key.name].append(key)
    with SeenCheckpoints(folder / SEEN) as seen:
        runner = web.AppRunner(witness_application(cosigner, dict(logs), seen, clock), access_log=None)
        await runner.setup()
        try:
            host, port = place
            await web.TCPSite(runner, host, port).start()
            host, port = runner.addresses[0][:2]
            ready(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")
            await stop.wait()
        finally:
            await runner.cleanup()
