"""A whole authority in a thread of this process, on loopback, with real clients; its log is judged when it stops."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import msgspec
from aiohttp import ClientSession
from botocore.config import Config
from yarl import URL

from authority import settings as settings_of
from authority.committer import folded
from authority.compose import Founding, Serving, initialise, run, serve
from authority.compose.configured import ledger_url
from authority.kernel.clock import Clock
from authority.kernel.ids import AccountId
from authority.kernel.secret import Secret
from authority.ledger.sql.sqlite import SqliteLedger
from authority.model.state import EMPTY, state_hash
from authority.outbound.clock import SystemClock
from authority.replay.folding import Version
from authority.settings import Settings
from authority.wire.sigv4 import Credentials, sign
from tests.judging import judge

MANAGEMENT = AccountId("111122223333")
REGION = "us-east-1"
_MAKING = threading.Lock()
"""Botocore makes clients in one thread at a time."""


@functools.cache
def _session() -> boto3.session.Session:
    """One for all clients: it keeps what it read of the services' models."""
    return boto3.session.Session()


@dataclass(frozen=True)
class Keys:
    """What a client signs with."""

    access_key_id: str
    secret: str
    token: str | None = None

    @classmethod
    def of(cls, answer: dict[str, Any]) -> Keys:
        """The credentials in an answer of CreateAccessKey or of AssumeRole."""
        return cls(answer["AccessKeyId"], answer["SecretAccessKey"], answer.get("SessionToken"))


@dataclass
class Live:
    """An authority that serves; its own log is whole, and replay equals live, whenever it stopped."""

    settings: Settings
    founding: Founding
    clock: Clock = SystemClock()  # noqa: RUF009 - it has no state
    url: str = ""
    admin_url: str = ""
    serving: Serving | None = None
    _thread: threading.Thread | None = None
    _stop: Any = None
    failure: list[BaseException] = field(default_factory=list)

    @property
    def administrator(self) -> Keys:
        """The keys that `init` showed."""
        who = self.founding.administrator
        return Keys(who.access_key_id, who.secret.reveal().decode())

    def start(self) -> None:
        """Serve in a thread; return when requests are answered."""
        up: Future[tuple[Serving, Any]] = Future()

        async def main() -> None:
            stop, loop = asyncio.Event(), asyncio.get_running_loop()

            def ready(serving: Serving) -> None:
                up.set_result((serving, lambda: loop.call_soon_threadsafe(stop.set)))

            try:
                await serve(self.settings, ready, stop, self.clock)
            except BaseException as failure:
                self.failure.append(failure)
                if not up.done():
                    up.set_exception(failure)

        self._thread = threading.Thread(target=run, args=(main(),))
        self._thread.start()
        self.serving, self._stop = up.result(30)
        self.url, self.admin_url = self.serving.url, self.serving.admin_url

    def stop(self) -> None:
        """Stop in order, and wait for it."""
        if self._thread is not None:
            self._stop()
            self._thread.join(60)
            self._thread = None
        assert not self.failure

    def client(self, service: str, keys: Keys | None = None, *, region: str = REGION, **config: Any) -> Any:
        """A real boto3 client that tries once and does not wait; what it reads is held against botocore's model."""
        keys = keys or self.administrator
        with _MAKING:
            client = _session().client(
                service,
                endpoint_url=self.url,
                region_name=region,
                aws_access_key_id=keys.access_key_id,
                aws_secret_access_key=keys.secret,
                aws_session_token=keys.token,
                config=Config(**{"retries": {"total_max_attempts": 1}, **config}),
            )
        client.meta.events.register("after-call", judge)
        return client

    def ask(
        self, method: str, path: str, keys: Keys | None = None, *, query: str = "", body: Any = None
    ) -> tuple[int, Any]:
        """The status and decoded answer of one signed request to our own API."""
        status, _, answer = self.fetch(method, path, keys, query=query, body=body)
        return status, msgspec.json.decode(answer)

    def fetch(
        self, method: str, path: str, keys: Keys | None = None, *, query: str = "", body: Any = None
    ) -> tuple[int, Mapping[str, str], bytes]:
        """The status, headers and bytes of the answer to one signed request to our own API."""
        return asyncio.run(self._ask(method, path, keys or self.administrator, query, body))

    async def _ask(
        self, method: str, path: str, keys: Keys, query: str, body: Any
    ) -> tuple[int, Mapping[str, str], bytes]:
        url = f"{self.url}{path}{'?' if query else ''}{query}"
        content = b"" if body is None else msgspec.json.encode(body)
        headers = sign(
            method,
            url,
            {} if body is None else {"Content-Type": "application/json"},
            content,
            credentials=Credentials(keys.access_key_id, Secret(keys.secret), keys.token and Secret(keys.token)),
            region=REGION,
            service="authority",
            now=SystemClock().now(),
        )
        async with (
            ClientSession() as session,
            session.request(
                method,
                URL(url, encoded=True),
                data=content or None,
                headers=headers,
                skip_auto_headers=("Content-Type",),
            ) as response,
        ):
            return response.status, response.headers, await response.read()

    async def check_ledger(self) -> Version:
        """Hold the whole log against its tree, and its fold against the state that was served; only when stopped."""
        ledger = await SqliteLedger.open(ledger_url(self.settings))
        try:
            head = await ledger.verify()
            version = await folded(ledger, Version(0, 0, EMPTY))
            assert version.position == head.position
            if self.serving is not None:
                assert state_hash(version.state) == state_hash(self.serving.version().state)
            return version
        finally:
            await ledger.close()


def made(directory: Path, *, clock: Clock | None = None, **flags: Any) -> Live:
    """A new authority in *directory*, not started yet."""
    settings = settings_of.load(
        {"data_dir": str(directory), "port": 0, "admin_port": 0, "expiry_interval": 0.05, **flags}, {}
    )
    founding = asyncio.run(initialise(settings, MANAGEMENT, "Management", "Administrator"))
    return Live(settings, founding, clock or SystemClock())


@contextlib.contextmanager
def running(directory: Path, **flags: Any) -> Iterator[Live]:
    """An authority while the body runs."""
    live = made(directory, **flags)
    live.start()
    try:
        yield live
    finally:
        live.stop()
    asyncio.run(live.check_ledger())
