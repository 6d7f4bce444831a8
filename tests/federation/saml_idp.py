"""SimpleSAMLphp, as a company would run it, under PHP's own server on loopback."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from html import unescape
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.debian import needed
from tests.federation.issuers import HERE, Browser, Page
from tests.federation.responses import RECIPIENT, pair

PACKAGES = ("simplesamlphp", "php-cli", "php-xml", "php-mbstring", "php-curl", "php-sqlite3")
WWW = "/usr/share/simplesamlphp/www"


class SamlIdp:
    """An identity provider that is up."""

    def __init__(self, place: Path, acs: str = RECIPIENT) -> None:
        needed(*PACKAGES, found_by=f"{WWW}/saml2/idp/SSOService.php")
        key, certificate = pair("rsa", "company")
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (place / "idp.key").write_bytes(pem)
        (place / "idp.crt").write_bytes(certificate.public_bytes(Encoding.PEM))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._running = subprocess.Popen(
            ["php", "-d", "error_reporting=0", "-S", f"127.0.0.1:{port}", "-t", WWW],
            env={
                "PATH": os.environ["PATH"],
                "SIMPLESAMLPHP_CONFIG_DIR": str(HERE / "saml"),
                "IDP_URL": self.url,
                "IDP_PLACE": str(place),
                "IDP_ACS": acs,
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.metadata = self._answering()

    def _answering(self) -> str:
        """The metadata, as soon as the server gives it."""
        while self._running.poll() is None:
            with (
                contextlib.suppress(urllib.error.URLError, ConnectionError),
                urllib.request.urlopen(f"{self.url}/saml2/idp/metadata.php", timeout=20) as answer,
            ):
                text: str = answer.read().decode()
                return text
        raise AssertionError("the identity provider ended")

    def sign_in(self, who: str, password: str = "secret") -> tuple[Page, str]:
        """The page that would send somebody on, and the response in it."""
        browser = Browser()
        page = browser.open(f"{self.url}/saml2/idp/SSOService.php?spentityid=urn:amazon:webservices")
        page = browser.submit(page, username=who, password=password)
        found = re.search(r'name="SAMLResponse" value="([^"]+)"', page.body)
        assert found is not None, page.body
        return page, unescape(found[1])

    def stop(self) -> None:
        self._running.terminate()
        self._running.wait(10)


@contextlib.contextmanager
def saml_idp(place: Path, acs: str = RECIPIENT) -> Iterator[SamlIdp]:
    """An identity provider while the body runs."""
    idp = SamlIdp(place, acs)
    try:
        yield idp
    finally:
        idp.stop()
