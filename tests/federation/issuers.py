"""Real issuers of tokens, in processes of their own, on loopback over https with a certificate made for the test."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import http.cookiejar
import json
import re
import ssl
import subprocess
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from html import unescape
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from joserfc.jwk import ECKey, RSAKey

from tests.npm import installed

HERE = Path(__file__).parent / "idp"
BACK = "http://127.0.0.1/back"


@dataclass(frozen=True)
class Tls:
    """A certificate for localhost that no authority vouches for, and its key."""

    key: str
    certificate: str

    @property
    def der(self) -> bytes:
        return x509.load_pem_x509_certificate(self.certificate.encode()).public_bytes(serialization.Encoding.DER)

    @property
    def thumbprint(self) -> str:
        return hashlib.sha1(self.der).hexdigest()


@cache
def tls(*names: str) -> Tls:
    """A certificate for *names*, or for localhost, on this machine."""
    names = names or ("localhost",)
    key = ec.generate_private_key(ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    begin = datetime.now(UTC) - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(named)
        .issuer_name(named)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=30))
        .add_extension(
            x509.SubjectAlternativeName([*map(x509.DNSName, names), x509.IPAddress(ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Tls(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
        certificate.public_bytes(serialization.Encoding.PEM).decode(),
    )


@cache
def rsa_key(name: str) -> RSAKey:
    """A key of 2048 bits called *name*, the same each time."""
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return RSAKey.import_key(pem, {"kid": name, "use": "sig"})


@cache
def ec_key(name: str, curve: str = "P-256") -> ECKey:
    """A key on a NIST curve called *name*, the same each time."""
    return ECKey.generate_key(curve, {"kid": name, "use": "sig"})


@contextlib.contextmanager
def https_server(handler: Any, shown: Tls) -> Iterator[int]:
    """A server of ours on loopback, in a thread, while the body runs; says its port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    with tempfile.TemporaryDirectory() as place:
        for name, text in (("key.pem", shown.key), ("certificate.pem", shown.certificate)):
            Path(place, name).write_text(text)
        context.load_cert_chain(Path(place, "certificate.pem"), Path(place, "key.pem"))
    up: Future[int] = Future()
    loop, stop = asyncio.new_event_loop(), asyncio.Event()

    async def main() -> None:
        runner = web.ServerRunner(web.Server(handler))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        up.set_result(runner.addresses[0][1])
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()))
    thread.start()
    try:
        yield up.result(30)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        loop.close()


class Process:
    """A Node program that is told things in lines of JSON, and answers in such."""

    def __init__(self, script: str) -> None:
        folder = installed(HERE)
        (folder / script).write_text((HERE / script).read_text())
        self._running = subprocess.Popen(
            ["node", "--no-warnings", script],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def tell(self, **what: Any) -> dict[str, Any]:
        assert self._running.stdin is not None
        assert self._running.stdout is not None
        self._running.stdin.write(json.dumps(what) + "\n")
        self._running.stdin.flush()
        while line := self._running.stdout.readline():
            if line.startswith("{"):
                answer: dict[str, Any] = json.loads(line)
                assert "failure" not in answer, answer["failure"]
                return answer
        raise AssertionError("the program ended")

    def stop(self) -> None:
        assert self._running.stdin is not None
        assert self._running.stdout is not None
        self._running.stdin.close()
        try:
            self._running.wait(10)
        except subprocess.TimeoutExpired:
            self._running.kill()
            self._running.wait(10)
        self._running.stdout.close()


class Issuer(Process):
    """An issuer that is up."""

    def __init__(self, script: str, **more: Any) -> None:
        super().__init__(script)
        self.tls = tls()
        self.issuer: str = self.tell(key=self.tls.key, certificate=self.tls.certificate, **more)["issuer"]


class OidcProvider(Issuer):
    """A certified OpenID Connect provider, at which people sign in through its forms."""

    def __init__(self) -> None:
        super().__init__("oidc.mjs", keys=[rsa_key("first").as_dict(private=True)])

    def rotate(self, *names: str) -> None:
        """Sign with other keys from now on; the first counts."""
        self.tell(keys=[rsa_key(name).as_dict(private=True) for name in names])

    def sign_in(self, who: str) -> str:
        """The ID token of somebody who signs in, as a browser and the client together would."""
        browser = Browser(self.tls)
        query = urllib.parse.urlencode(
            {"client_id": "app", "response_type": "code", "scope": "openid", "redirect_uri": BACK, "state": "s"}
        )
        page = browser.open(f"{self.issuer}/auth?{query}")
        page = browser.submit(page, login=who, password="any")
        back = browser.submit(page)
        code = urllib.parse.parse_qs(urllib.parse.urlsplit(back.url).query)["code"][0]
        answer = browser.open(
            f"{self.issuer}/token",
            {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK},
            Authorization="Basic " + base64.b64encode(b"app:quiet").decode(),
        )
        token: str = json.loads(answer.body)["id_token"]
        return token


@dataclass(frozen=True)
class Page:
    """What a browser shows: where it is, and the text."""

    url: str
    body: str


class Browser:
    """As much of a browser as signing in takes: cookies, redirects, forms."""

    def __init__(self, trusted: Tls | None = None) -> None:
        context = ssl.create_default_context(cadata=None if trusted is None else trusted.certificate)
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=context),
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar(_Loopback())),
            _NoRedirect(),
        )

    def open(self, url: str, form: dict[str, str] | None = None, **headers: str) -> Page:
        """Follow redirects to the end, or to where the client takes over."""
        data = None if form is None else urllib.parse.urlencode(form).encode()
        while url.partition("?")[0] != BACK:
            request = urllib.request.Request(url, data, headers)
            try:
                with self._opener.open(request, timeout=20) as response:
                    return Page(response.url, response.read().decode())
            except urllib.error.HTTPError as answer:
                with answer:
                    if answer.code not in (301, 302, 303, 307):
                        raise AssertionError(f"{answer.code} {answer.read().decode()}") from None
                    url, data = urllib.parse.urljoin(url, answer.headers["Location"]), None
        return Page(url, "")

    def submit(self, page: Page, **values: str) -> Page:
        """Fill in the form of *page* and send it."""
        action = re.search(r'<form[^>]*action="([^"]+)"', page.body)
        assert action is not None, page.body
        hidden = {
            unescape(name): unescape(value)
            for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.body)
        }
        return self.open(urllib.parse.urljoin(page.url, unescape(action[1])), hidden | values)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


class _Loopback(http.cookiejar.DefaultCookiePolicy):
    """Cookies of this machine come back to it, whatever they say of domains."""

    def __init__(self) -> None:
        super().__init__(allowed_domains=None)


@contextlib.contextmanager
def oidc_provider() -> Iterator[OidcProvider]:
    """A provider while the body runs."""
    provider = OidcProvider()
    try:
        yield provider
    finally:
        provider.stop()


@contextlib.contextmanager
def mock_issuer() -> Iterator[Issuer]:
    """An issuer that signs what it is told to, while the body runs."""
    issuer = Issuer("mock.mjs")
    try:
        yield issuer
    finally:
        issuer.stop()
