"""A server on aiohttp whose handler does next to nothing: what `assume_role` is measured beside.

    handlers.py bare SIZE                 reads the body and answers SIZE bytes
    handlers.py least SIZE SECRET PLACE   does what no AssumeRole can leave out, and nothing else

The least is: a signature is compared; an entry is spelled, hashed and committed, durably and with all that wait; one
row in an index makes the session findable; a token is sealed, and an answer of SIZE bytes spelled.  There are no
policies and no limits here, nothing is refused but a wrong signature, nothing is proven, and the answers mean nothing:
so it is no peer but a bound on what one process of Python could do.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import hashlib
import hmac
import os
import re
import sqlite3
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

try:
    from uvloop import new_event_loop
except ImportError:
    from asyncio import new_event_loop

CREDENTIAL = re.compile(
    rb"Credential=[^/]+/(\d+)/([^/]+)/([^/]+)/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]+)"
)
ENTRY = 2_250
"""Bytes of an entry: those of ours."""
ROWS_AT_ONCE = 64
LONGEST = 600
"""Seconds after which it ends by itself."""


def bare(size: int) -> web.Server:
    """Answers the same to everything."""
    whole = b"x" * size

    async def answer(request: web.BaseRequest) -> web.Response:
        await request.read()
        return web.Response(body=whole, content_type="text/xml")

    return web.Server(answer, access_log=None)


class Least:
    """As little as an AssumeRole can be."""

    def __init__(self, size: int, secret: str, place: str) -> None:
        self.size = size
        self.secret = secret.encode()
        self.sealing = AESGCM(os.urandom(32))
        self.thread = ThreadPoolExecutor(1)
        self.waiting: list[tuple[dict, bytes, asyncio.Future[int]]] = []
        self.arrived = asyncio.Event()
        self.position = 0
        self.store = sqlite3.connect(Path(place, "least.sqlite"), check_same_thread=False, isolation_level=None)
        for statement in (
            "PRAGMA page_size = 8192",
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = FULL",
            "CREATE TABLE event (position INTEGER PRIMARY KEY, at, type, subject, leaf, body)",
            "CREATE TABLE session (id TEXT PRIMARY KEY, role, name, at, position) WITHOUT ROWID",
        ):
            self.store.execute(statement)

    @cache  # noqa: B019 - there is one
    def signing_key(self, *scope: bytes) -> bytes:
        key = b"AWS4" + self.secret
        for part in (*scope, b"aws4_request"):
            key = hmac.digest(key, part, "sha256")
        return key

    def signed(self, request: web.BaseRequest, body: bytes) -> bool:
        headers = {name.lower(): value for name, value in request.raw_headers}
        *scope, names, signature = CREDENTIAL.search(headers[b"authorization"]).groups()
        lines = b"".join(name + b":" + headers[name] + b"\n" for name in names.split(b";"))
        canonical = b"POST\n/\n\n" + lines + b"\n" + names + b"\n" + hashlib.sha256(body).hexdigest().encode()
        text = b"AWS4-HMAC-SHA256\n%s\n%s/aws4_request\n%s" % (
            headers[b"x-amz-date"], b"/".join(scope), hashlib.sha256(canonical).hexdigest().encode(),
        )  # fmt: skip
        made = hmac.digest(self.signing_key(*scope), text, "sha256").hex().encode()
        return hmac.compare_digest(made, signature)

    async def answer(self, request: web.BaseRequest) -> web.Response:
        body = await request.read()
        if not self.signed(request, body):
            return web.Response(status=403)
        form = dict(parse_qsl(body.decode()))
        key = "ASIA" + base64.b32encode(os.urandom(10)).decode()
        facts = {"id": key, "role": form["RoleArn"], "name": form["RoleSessionName"], "at": time.time()}
        entry = msgspec.json.encode(facts).ljust(ENTRY)
        durable = asyncio.get_running_loop().create_future()
        self.waiting.append((facts, entry, durable))
        self.arrived.set()
        position = await durable
        nonce = os.urandom(12)
        token = base64.b64encode(nonce + self.sealing.encrypt(nonce, msgspec.json.encode(facts), None)).decode()
        own = base64.b64encode(hmac.digest(self.secret, key.encode(), "sha256")).decode()
        text = (
            f"<AssumeRoleResponse><AssumeRoleResult><AssumedRoleUser><Arn>{facts['role']}/{facts['name']}</Arn>"
            f"</AssumedRoleUser><Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{own}</SecretAccessKey>"
            f"<SessionToken>{token}</SessionToken><Expiration>{facts['at']}</Expiration></Credentials>"
            "</AssumeRoleResult></AssumeRoleResponse>"
        )
        whole = text.encode().ljust(self.size)
        return web.Response(body=whole, content_type="text/xml", headers={"x-position": str(position)})

    async def commit(self) -> None:
        """Commit what waits once nothing more arrives, as the authority does."""
        while True:
            await self.arrived.wait()
            self.arrived.clear()
            while self.waiting:
                seen, idle = 0, 0
                while idle < 2:
                    idle = idle + 1 if len(self.waiting) == seen else 0
                    seen = len(self.waiting)
                    await asyncio.sleep(0)
                group, self.waiting = self.waiting, []
                events, sessions = [], []
                for position, (facts, entry, _) in enumerate(group, self.position + 1):
                    leaf = hashlib.sha256(b"\0" + entry).digest()
                    events.append((position, facts["at"], "AssumeRole", facts["role"], leaf, entry))
                    sessions.append((*facts.values(), position))
                await asyncio.get_running_loop().run_in_executor(self.thread, self.write, events, sessions)
                self.position += len(group)
                for (position, *_), (*_, durable) in zip(events, group, strict=True):
                    durable.set_result(position)

    def write(self, events: list[tuple], sessions: list[tuple]) -> None:
        self.store.execute("BEGIN IMMEDIATE")
        self.insert("event", events)
        self.insert("session", sessions)
        self.store.execute("COMMIT")

    def insert(self, table: str, rows: Sequence[tuple]) -> None:
        start, size = 0, ROWS_AT_ONCE
        while start < len(rows):
            while size > len(rows) - start:
                size //= 2
            row = f"({', '.join('?' * len(rows[0]))})"
            values = [value for one in rows[start : start + size] for value in one]
            self.store.execute(f"INSERT INTO {table} VALUES {', '.join([row] * size)}", values)
            start += size


async def main(kind: str, size: str, *more: str) -> None:
    """Serve until ended, or for long enough."""
    if kind == "bare":
        server, beside = bare(int(size)), asyncio.sleep(LONGEST)
    else:
        least = Least(int(size), *more)
        server, beside = web.Server(least.answer, access_log=None), least.commit()
    runner = web.ServerRunner(server)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    print("port", runner.addresses[0][1], type(asyncio.get_running_loop()).__module__, flush=True)
    async with asyncio.timeout(LONGEST):
        await beside


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=new_event_loop) as looping:
        looping.run(main(*sys.argv[1:]))
