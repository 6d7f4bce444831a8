"""One authority for the tests of the rim, and a client that sends what it is told to."""

from __future__ import annotations

import contextlib
import http.client
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from authority.kernel.secret import Secret
from authority.outbound.clock import SystemClock
from authority.wire.sigv4 import Credentials, sign
from tests.live import Keys, Live, running

FORM = "application/x-www-form-urlencoded; charset=utf-8"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with running(tmp_path_factory.mktemp("authority"), summary_interval=0.1) as live:
        yield live


class Raw:
    """Says exactly what it is told to."""

    def __init__(self, live: Live, url: str) -> None:
        self.live = live
        self.host = urlsplit(url).netloc

    def signed(
        self,
        form: dict[str, str] | bytes,
        *,
        keys: Keys | None = None,
        service: str = "sts",
        region: str = "us-east-1",
        **headers: str,
    ) -> tuple[dict[str, str], bytes]:
        """The headers and the body of a well-made request, to be spoilt."""
        keys = keys or self.live.administrator
        body = form if isinstance(form, bytes) else urlencode(form).encode()
        given = {"Content-Type": FORM, **{name.replace("_", "-"): value for name, value in headers.items()}}
        credentials = Credentials(keys.access_key_id, Secret(keys.secret), keys.token and Secret(keys.token))
        signed = sign(
            "POST",
            f"{self.live.url}/",
            given,
            body,
            credentials=credentials,
            region=region,
            service=service,
            now=SystemClock().now(),
        )
        return signed, body

    def send(
        self, headers: dict[str, str] | list[tuple[str, str]], body: bytes, *, method: str = "POST", target: str = "/"
    ) -> tuple[int, str, dict[str, str]]:
        """Status, text and headers of the answer to one request."""
        connection = http.client.HTTPConnection(self.host, timeout=10)
        pairs = list(headers.items()) if isinstance(headers, dict) else headers
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            if not any(name.lower() == "host" for name, _ in pairs):
                connection.putheader("Host", self.host)
            for name, value in pairs:
                connection.putheader(name, value)
            if not any(name.lower() in ("content-length", "transfer-encoding") for name, _ in pairs):
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), dict(answer.headers)
        finally:
            connection.close()

    def connected(self) -> socket.socket:
        """A connection on which nothing was said yet."""
        host, port = self.host.split(":")
        return socket.create_connection((host, int(port)), timeout=10)

    def say(self, text: bytes, patience: float = 5.0) -> bytes:
        """Everything that comes back to these bytes; nothing, if nothing came for *patience* seconds."""
        with self.connected() as connection:
            connection.sendall(text)
            connection.settimeout(patience)
            parts = []
            with contextlib.suppress(TimeoutError, ConnectionResetError):
                while part := connection.recv(65_536):
                    parts.append(part)
                    connection.settimeout(0.05)
            return b"".join(parts)

    def is_dropped(self, text: bytes, patience: float = 10.0) -> bool:
        """Whether the connection on which only *text* is said is closed without an answer within *patience* seconds."""
        host, port = self.host.split(":")
        with socket.create_connection((host, int(port)), timeout=patience) as connection:
            connection.sendall(text)
            try:
                return connection.recv(1) == b""
            except TimeoutError:
                return False


@pytest.fixture(scope="module")
def raw(live: Live) -> Raw:
    return Raw(live, live.url)


@pytest.fixture(scope="module")
def raw_admin(live: Live) -> Raw:
    return Raw(live, live.admin_url)


@pytest.fixture
def hasty(tmp_path: Path) -> Iterator[Live]:
    """One that waits for nobody: on a machine that is busy it would give up on whoever is only slow."""
    with running(tmp_path, body_timeout=0.3, header_timeout=0.3) as live:
        yield live


@pytest.fixture
def whoami(raw: Raw) -> Callable[..., Any]:
    """GetCallerIdentity, signed, ready to be spoilt."""
    return lambda **more: raw.signed({"Action": "GetCallerIdentity", "Version": "2011-06-15"}, **more)
