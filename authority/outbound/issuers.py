"""Asking issuers of tokens for their keys, over https, without being led anywhere else.

    1. the URL is https, and bare of user names and fragments
    2. the name is resolved by us, and every address of it must be public, or one that the operator allows
    3. the connection goes to such an address, while the certificate must be for the name
    4. a certificate that no authority of this machine vouches for counts if a certificate of its chain has one of
       the thumbprints, and the chain leads to that one
    5. no redirect, one answer of status 200, no more bytes and no longer than bounded

So an account that may name issuers cannot make us ask the metadata service of our own machine, or its neighbours.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, Final, Generic, TypeVar
from urllib.parse import urlsplit

import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from authority.kernel.clock import Clock
from authority.kernel.fetching import Declined

log = structlog.get_logger()

LARGEST: Final = 65_536
"""Bytes of one answer."""
WITHIN: Final = 5.0
"""Seconds for one answer, everything included."""
ASKED_AGAIN: Final = timedelta(seconds=60)
"""How long an issuer is left alone after it was asked, whatever came of it."""
OLD: Final = timedelta(minutes=15)
"""After this long keys are asked for again, so that one that was withdrawn counts no more."""
MOST_KEPT: Final = 10_000
NOT_NOW: Final = frozenset({408, 429})
"""Statuses of the four hundreds that are about the moment, and not about what was asked."""
NAT64: Final = IPv6Network("64:ff9b::/96")
"""Where IPv4 addresses lie in IPv6 ones (RFC 6052)."""

Network = IPv4Network | IPv6Network
Asked_contra = TypeVar("Asked_contra", contravariant=True)
Key = TypeVar("Key")
Value = TypeVar("Value")


class Unreachable(OSError):  # noqa: N818 - what is said
    """An issuer cannot be asked, or gave no answer that could be used."""


def _allowed(address: str, networks: Sequence[Network]) -> bool:
    """Whether *address* may be asked: a public one, or one in *networks*."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    if any(parsed in network for network in networks if network.version == parsed.version):
        return True
    if isinstance(parsed, IPv6Address) and parsed in NAT64:
        return _allowed(str(IPv4Address(int(parsed) & 0xFFFF_FFFF)), networks)
    # Multicast and what leads to IPv4 by another way are "global" to the library.
    hidden = isinstance(parsed, IPv6Address) and (parsed.sixtofour is not None or parsed.teredo is not None)
    return parsed.is_global and not parsed.is_multicast and not hidden


class _Resolver(AbstractResolver):
    """Resolves names, and refuses those that lead where nobody may go; what it says is what is connected to."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._inner = ThreadedResolver()
        self._networks = networks

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        for one in found:
            if not _allowed(one["host"], self._networks):
                raise Unreachable(f"`{host}` leads to an address that is not asked")
        return found

    async def close(self) -> None:
        await self._inner.close()


class HttpsFetcher:
    """Brings documents of issuers; `federation.keysets.Fetch` says what it promises."""

    def __init__(self, networks: Iterable[Network]) -> None:
        """Ask public addresses, and those in *networks*."""
        self._networks = tuple(networks)
        self._web = ssl.create_default_context()

    async def __call__(self, url: str, thumbprints: tuple[str, ...]) -> bytes:
        """The body of a 200 answer of *url*."""
        host, port = self._place(url)
        try:
            async with asyncio.timeout(WITHIN):
                try:
                    return await self._body(url, self._web)
                except ssl.SSLCertVerificationError:
                    pinned = await self._pinned(host, port, thumbprints)
                    return await self._body(url, pinned)
        except TimeoutError:
            raise Unreachable("no answer in time") from None
        except (ClientError, ssl.SSLError, ValueError) as failure:
            raise Unreachable(f"no answer: {type(failure).__name__}") from failure

    def _place(self, url: str) -> tuple[str, int]:
        """The host and port of *url*, if it may be asked."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port or 443
        except ValueError:
            raise Unreachable("the URL cannot be read") from None
        if parts.scheme != "https" or not host or "@" in parts.netloc or parts.fragment or not url.isascii():
            raise Unreachable("the URL is not one that is asked")
        # An address written into the URL is never resolved, so it is judged here.
        if _is_address(host) and not _allowed(host, self._networks):
            raise Unreachable("the URL names an address that is not asked")
        return host, port

    async def _body(self, url: str, context: ssl.SSLContext) -> bytes:
        connector = TCPConnector(
            resolver=_Resolver(self._networks), ssl=context, force_close=True, use_dns_cache=False, limit=4
        )
        async with (
            ClientSession(
                connector=connector,
                cookie_jar=DummyCookieJar(),
                timeout=ClientTimeout(total=WITHIN),
                trust_env=False,
                headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "authority"},
            ) as session,
            session.get(url, allow_redirects=False) as response,
        ):
            if 400 <= response.status < 500 and response.status not in NOT_NOW:
                raise Declined(f"the answer has status {response.status}")
            if response.status != 200:
                raise Unreachable(f"the answer has status {response.status}")
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise Unreachable("the answer is packed")
            body = bytearray()
            async for part in response.content.iter_any():
                body += part
                if len(body) > LARGEST:
                    raise Unreachable("the answer is too large")
            return bytes(body)

    async def _pinned(self, host: str, port: int, thumbprints: tuple[str, ...]) -> ssl.SSLContext:
        """A context that trusts the one certificate of the server's chain that has one of *thumbprints*, and no other.

        What the server shows here is believed in nothing: the certificate found must vouch for the next connection.
        """
        if not thumbprints:
            raise Unreachable("the server's certificate is not trusted")
        curious = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        curious.check_hostname = False
        curious.verify_mode = ssl.CERT_NONE
        for certificate in await self._shown(host, port, curious):
            if hashlib.sha1(certificate, usedforsecurity=False).hexdigest() in thumbprints:
                pinned = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                pinned.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
                pinned.load_verify_locations(cadata=certificate)
                return pinned
        raise Unreachable("no certificate of the server has a thumbprint of the provider")

    async def _shown(self, host: str, port: int, context: ssl.SSLContext) -> list[bytes]:
        """The certificates that the server shows, at the first of its addresses that answers."""
        failure: OSError = Unreachable(f"`{host}` has no address")
        for one in await _Resolver(self._networks).resolve(host, port):
            try:
                _, writer = await asyncio.open_connection(one["host"], one["port"], ssl=context, server_hostname=host)
            except OSError as failed:
                failure = failed
                continue
            try:
                return _chain(writer.get_extra_info("ssl_object"))
            finally:
                writer.close()
        raise failure


def _is_address(host: str) -> bool:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _chain(tls: Any) -> list[bytes]:
    """The certificates that a server showed, in DER.  Python gives them a name of their own only from 3.13 on."""
    if hasattr(tls, "get_unverified_chain"):
        return list(tls.get_unverified_chain())
    return [certificate.public_bytes(ssl._ssl.ENCODING_DER) for certificate in tls._sslobj.get_unverified_chain()]  # type: ignore[attr-defined]  # noqa: SLF001


class _Kept(Generic[Value]):
    """The last good value of one thing, when it came, and when it was last asked for."""

    __slots__ = ("asked", "came", "failure", "turn", "value")

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.value: Value | None = None
        self.came: datetime | None = None
        self.asked: datetime | None = None
        self.failure: Exception | None = None


class LastGood(Generic[Key, Value]):
    """Keeps the last good value of each thing, and asks for it no oftener than once in `ASKED_AGAIN`.

    A failure never takes a good value's place.  Those who wait for one thing wait for one answer.
    """

    def __init__(self, load: Callable[[Key], Awaitable[Value]], clock: Clock) -> None:
        """Ask through *load*, by *clock*."""
        self._load, self._clock = load, clock
        self._kept: dict[Key, _Kept[Value]] = {}

    async def get(self, key: Key, *, anew: bool = False) -> Value:
        """The value of *key*, not older than need be; raises what the last attempt raised where there is none."""
        kept = self._kept.get(key)
        if kept is None:
            if len(self._kept) >= MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            kept = self._kept[key] = _Kept()
        # Nobody waits for newer keys while others fetch them.
        if kept.value is None or anew or (self._older(kept.came, OLD) and not kept.turn.locked()):
            async with kept.turn:
                if self._older(kept.asked, ASKED_AGAIN):
                    await self._ask(key, kept)
        if kept.value is None:
            # Without its traceback, which would grow each time that it is raised.
            raise (kept.failure or Unreachable("nothing was asked")).with_traceback(None)
        return kept.value

    async def _ask(self, key: Key, kept: _Kept[Value]) -> None:
        kept.asked = self._clock.now()
        try:
            kept.value = await self._load(key)
            kept.came, kept.failure = self._clock.now(), None
        except Exception as failure:  # noqa: BLE001 - whatever it was, the last good value stays
            kept.failure = failure
            log.warning("issuer_not_asked", issuer=str(key), reason=str(failure))

    def _older(self, moment: datetime | None, age: timedelta) -> bool:
        # A clock that went back must not keep anybody waiting.
        return moment is None or not timedelta() <= self._clock.now() - moment < age
