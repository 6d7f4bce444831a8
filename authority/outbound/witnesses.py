"""Asking a witness over HTTP, at the address that the operator gave."""

from __future__ import annotations

from typing import Final

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar

WITHIN: Final = 2.0
"""Seconds for one answer: checkpoints are made every second, and wait for it."""
LARGEST: Final = 65_536
"""Bytes of one answer."""


class HttpWitness:
    """Posts to one witness; see `witnessing.Submit`."""

    def __init__(self, prefix: str) -> None:
        """Ask at the submission *prefix* (C2SP tlog-witness, HTTP Interface)."""
        self._url = f"{prefix.rstrip('/')}/add-checkpoint"

    async def submit(self, body: bytes) -> tuple[int, bytes]:
        """See `witnessing.Submit`."""
        try:
            async with (
                ClientSession(timeout=ClientTimeout(total=WITHIN), cookie_jar=DummyCookieJar()) as session,
                session.post(self._url, data=body, allow_redirects=False) as response,
            ):
                said = bytearray()
                async for part in response.content.iter_any():
                    said += part
                    if len(said) > LARGEST:
                        raise OSError(f"the witness answers with more than {LARGEST} bytes")
        except (ClientError, TimeoutError) as failure:
            raise OSError(f"the witness does not answer: {failure}") from failure
        return response.status, bytes(said)
