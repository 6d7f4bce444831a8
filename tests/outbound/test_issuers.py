"""Issuers are asked over https at addresses that may be asked, once in a while, and their last good keys are kept."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import tempfile
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.resolver import ThreadedResolver

from authority.kernel.fetching import Declined
from authority.outbound.issuers import ASKED_AGAIN, LARGEST, OLD, HttpsFetcher, LastGood, Unreachable, _allowed
from tests.federation.issuers import Tls, tls

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler, place: Path, shown: Tls | None = None) -> AsyncIterator[int]:
    """A server on loopback over https; says its port."""
    shown = shown or tls()
    (place / "key.pem").write_text(shown.key)
    (place / "certificate.pem").write_text(shown.certificate)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(place / "certificate.pem", place / "key.pem")
    runner = web.ServerRunner(web.Server(handler))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@asynccontextmanager
async def listening(at: str = "127.0.0.1", port: int = 0) -> AsyncIterator[tuple[int, list[str]]]:
    """A server on loopback whose certificate nobody vouches for; says its port and, in the end, who knocked."""
    context, knocked = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), list[str]()
    with tempfile.TemporaryDirectory() as place:
        for name, text in (("key.pem", tls().key), ("certificate.pem", tls().certificate)):
            Path(place, name).write_text(text)
        context.load_cert_chain(Path(place, "certificate.pem"), Path(place, "key.pem"))

    async def knock(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        knocked.append(at)
        with contextlib.suppress(OSError):
            await writer.start_tls(context)
            await reader.read()
        writer.close()

    server = await asyncio.start_server(knock, at, port)
    try:
        yield server.sockets[0].getsockname()[1], knocked
    finally:
        server.close()


async def says(_: web.BaseRequest) -> web.StreamResponse:
    return web.Response(text="keys")


async def test_a_certificate_with_the_thumbprint_of_the_provider_will_do(tmp_path: Path):
    async with serving(says, tmp_path) as port:
        fetch = HttpsFetcher(LOOPBACK)
        assert await fetch(f"https://localhost:{port}/keys", (tls().thumbprint,)) == b"keys"


async def test_it_is_looked_for_at_each_address_of_the_name_in_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    Resolver(("127.0.0.2", "127.0.0.1")).put(monkeypatch)
    async with serving(says, tmp_path) as port:
        assert await HttpsFetcher(LOOPBACK)(f"https://localhost:{port}/keys", (tls().thumbprint,)) == b"keys"


@pytest.mark.parametrize("thumbprints", [(), ("0" * 40,)])
async def test_one_that_nobody_vouches_for_will_not(tmp_path: Path, thumbprints: tuple[str, ...]):
    async with serving(says, tmp_path) as port:
        with pytest.raises(Unreachable):
            await HttpsFetcher(LOOPBACK)(f"https://localhost:{port}/keys", thumbprints)


async def test_a_thumbprint_does_not_make_up_for_another_name(tmp_path: Path):
    other = tls("elsewhere.example")
    async with serving(says, tmp_path, other) as port:
        with pytest.raises(Unreachable):
            await HttpsFetcher(LOOPBACK)(f"https://localhost:{port}/keys", (other.thumbprint,))


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:{port}/",
        "https://localhost:{port}/",
        "https://[::1]:{port}/",
        "https://[::ffff:127.0.0.1]:{port}/",
        "https://2130706433:{port}/",
        "https://0x7f000001:{port}/",
        "https://127.1:{port}/",
        "https://169.254.169.254/latest/meta-data/",
        "https://10.0.0.1/",
        "https://[fe80::1]/",
        "https://[64:ff9b::a9fe:a9fe]/",
        "http://127.0.0.1:{port}/",
        "https://user@127.0.0.1:{port}/",
        "file:///etc/passwd",
        "https:///",
        "https://[/",
        "https://a:99999/",
    ],
)
async def test_j15_nobody_is_asked_at_an_address_that_is_not_public(url: str):
    async with listening() as (port, knocked):
        with pytest.raises(Unreachable):
            await HttpsFetcher(())(url.format(port=port), (tls().thumbprint,))
    assert not knocked


class Resolver:
    """A name server that gives each answer once, and the last one ever after."""

    def __init__(self, *answers: tuple[str, ...]) -> None:
        self._answers = list(answers)
        self.asked = 0

    def resolve(self, host: str, port: int) -> list[dict[str, Any]]:
        self.asked += 1
        found = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return [
            {"hostname": host, "host": one, "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}
            for one in found
        ]

    def put(self, patched: pytest.MonkeyPatch) -> None:
        """Answer in the place of the machine's own."""

        async def resolve(_: Any, host: str, port: int = 0, __: Any = 0) -> list[dict[str, Any]]:
            return self.resolve(host, port)

        patched.setattr(ThreadedResolver, "resolve", resolve)


PUBLIC, SECOND = "127.0.0.1", "127.0.0.2"
"""An address that may be asked in these tests, and one that may not."""
PUBLIC_ONLY = (ip_network(f"{PUBLIC}/32"),)


async def test_j15_a_name_with_one_address_that_is_not_asked_is_not_asked_at_all(monkeypatch: pytest.MonkeyPatch):
    Resolver((PUBLIC, SECOND)).put(monkeypatch)
    async with listening() as (port, knocked):
        with pytest.raises(Unreachable):
            await HttpsFetcher(PUBLIC_ONLY)(f"https://rebound.example:{port}/", (tls().thumbprint,))
    assert not knocked


async def test_j15_a_name_that_leads_elsewhere_the_next_time_leads_nowhere(monkeypatch: pytest.MonkeyPatch):
    """DNS rebinding: each connection goes to an address that was judged for it.

    The first one, to the public address, shows a certificate that nobody vouches for, so there would be two more.
    """
    names = Resolver((PUBLIC,), (SECOND,))
    names.put(monkeypatch)
    async with listening(SECOND) as (port, knocked), listening(PUBLIC, port) as (_, at_first):
        with pytest.raises(Unreachable):
            await HttpsFetcher(PUBLIC_ONLY)(f"https://rebound.example:{port}/", (tls().thumbprint,))
    assert (len(at_first), knocked) == (1, [])
    assert names.asked == 2


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("64:ff9b::808:808", True),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("100.64.0.1", False),
        ("192.168.1.1", False),
        ("224.0.0.1", False),
        ("fc00::1", False),
        ("fe80::1%eth0", False),
        ("::ffff:10.0.0.1", False),
        ("2002:7f00:1::", False),
        ("localhost", False),
    ],
)
def test_j15_public_addresses_only(address: str, allowed: bool):
    assert _allowed(address, ()) is allowed


def test_j15_and_what_the_operator_allows():
    assert _allowed("10.1.2.3", (ip_network("10.0.0.0/8"),))
    assert _allowed("::ffff:10.1.2.3", (ip_network("10.0.0.0/8"),))
    assert not _allowed("192.168.1.1", (ip_network("10.0.0.0/8"),))


def answering(response: Callable[[], web.StreamResponse]) -> Handler:
    async def handler(_: web.BaseRequest) -> web.StreamResponse:
        return response()

    return handler


@pytest.mark.parametrize(
    ("response", "failure", "why"),
    [
        pytest.param(lambda: web.Response(status=302, headers={"Location": "/good"}), Unreachable, "status 302", id="a redirect"),
        pytest.param(lambda: web.Response(status=307, headers={"Location": "/good"}), Unreachable, "status 307", id="another"),
        pytest.param(lambda: web.Response(status=204), Unreachable, "status 204", id="no content"),
        pytest.param(lambda: web.Response(status=400), Declined, "status 400", id="a refusal"),
        pytest.param(lambda: web.Response(status=429), Unreachable, "status 429", id="a request to wait"),
        pytest.param(lambda: web.Response(status=500), Unreachable, "status 500", id="a failure"),
        pytest.param(lambda: web.Response(body=b"x" * (LARGEST + 1)), Unreachable, "too large", id="too much"),
        pytest.param(
            lambda: web.Response(body=zlib.compress(b"x" * 2 * LARGEST), headers={"Content-Encoding": "deflate"}),
            Unreachable, "packed", id="something packed",
        ),
    ],
)  # fmt: skip
async def test_j15_one_answer_of_bounded_size_and_no_redirect(tmp_path: Path, response: Any, failure: Any, why: str):
    asked = []

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.path)
        return web.Response(text="keys") if request.path == "/good" else response()

    async with serving(handler, tmp_path) as port:
        fetch, at = HttpsFetcher(LOOPBACK), f"https://localhost:{port}"
        with pytest.raises(failure, match=why):
            await fetch(f"{at}/", (tls().thumbprint,))
        assert await fetch(f"{at}/good", (tls().thumbprint,)) == b"keys"
    assert asked == ["/", "/good"]


async def test_j15_the_largest_answer_is_read_whole(tmp_path: Path):
    async with serving(answering(lambda: web.Response(body=b"x" * LARGEST)), tmp_path) as port:
        found = await HttpsFetcher(LOOPBACK)(f"https://localhost:{port}/", (tls().thumbprint,))
    assert len(found) == LARGEST


async def test_j15_an_answer_that_does_not_come_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("authority.outbound.issuers.WITHIN", 0.2)
    never = asyncio.Event()

    async def waiting(_: web.BaseRequest) -> web.StreamResponse:
        await never.wait()
        return web.Response()

    async with serving(waiting, tmp_path) as port:
        with pytest.raises(Unreachable, match="in time"):
            await HttpsFetcher(LOOPBACK)(f"https://localhost:{port}/", (tls().thumbprint,))
        never.set()


class Hand:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.at = datetime(2026, 6, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


class Source:
    """Something that is asked, and counts how often."""

    def __init__(self) -> None:
        self.value: Any = "keys"
        self.asked = 0

    async def load(self, _: str) -> str:
        self.asked += 1
        if isinstance(self.value, Exception):
            raise self.value
        return str(self.value)


async def test_j08_an_issuer_is_asked_once_in_a_while_however_many_names_come():
    clock, source = Hand(), Source()
    kept: LastGood[str, str] = LastGood(source.load, clock)
    for _ in range(1_000):
        assert await kept.get("issuer", anew=True) == "keys"
    assert source.asked == 1
    clock.at += ASKED_AGAIN
    await asyncio.gather(*(kept.get("issuer", anew=True) for _ in range(100)))
    assert source.asked == 2


async def test_j08_a_failure_never_takes_the_place_of_what_was_good():
    clock, source = Hand(), Source()
    kept: LastGood[str, str] = LastGood(source.load, clock)
    assert await kept.get("issuer") == "keys"
    source.value = Unreachable("gone")
    for _ in range(5):
        clock.at += OLD
        assert await kept.get("issuer") == "keys"
    assert source.asked == 6


async def test_an_issuer_that_never_answered_is_left_alone_for_a_while():
    clock, source = Hand(), Source()
    kept: LastGood[str, str] = LastGood(source.load, clock)
    source.value = Unreachable("gone")
    for _ in range(10):
        with pytest.raises(Unreachable):
            await kept.get("issuer")
    assert source.asked == 1
    clock.at += timedelta(seconds=60)
    source.value = "keys"
    assert await kept.get("issuer") == "keys"


async def test_keys_that_are_old_are_asked_for_again():
    clock, source = Hand(), Source()
    kept: LastGood[str, str] = LastGood(source.load, clock)
    assert await kept.get("issuer") == "keys"
    source.value = "newer"
    clock.at += OLD - timedelta(seconds=1)
    assert await kept.get("issuer") == "keys"
    clock.at += timedelta(seconds=1)
    assert await kept.get("issuer") == "newer"


async def test_a_clock_that_goes_back_keeps_nobody_waiting():
    clock, source = Hand(), Source()
    kept: LastGood[str, str] = LastGood(source.load, clock)
    await kept.get("issuer")
    clock.at -= timedelta(days=1)
    await kept.get("issuer", anew=True)
    assert source.asked == 2
