"""A signed client of the API, with the credentials that every AWS tool uses."""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import aiohttp
import botocore.session
import click
import msgspec
from botocore.exceptions import BotoCoreError, ClientError
from botocore.utils import is_valid_endpoint_url
from yarl import URL

from authority.compose import CLOCK
from authority.kernel.secret import Secret
from authority.wire.sigv4 import Credentials, sign

SERVICE: Final = "authority"
ENDPOINT: Final = "http://127.0.0.1:8600"
TIMEOUT: Final = 60.0
"""Seconds until an answer counts as lost."""


class Client(msgspec.Struct, frozen=True):
    """Who asks, where."""

    endpoint: str
    region: str
    credentials: Credentials

    def ask(
        self,
        method: str,
        path: str | Sequence[str],
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        patience: float = TIMEOUT,
    ) -> Any:
        """The decoded answer to one signed request; a refusal ends the command with what it says.

        A *path* in parts may hold slashes in them.  After *patience* seconds the answer counts as lost.
        """
        named = path if isinstance(path, str) else "".join(f"/{quote(part, safe='')}" for part in path)
        return asyncio.run(self._ask(method, quote(named) if named is path else named, query or {}, body, patience))

    async def _ask(
        self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any] | None, patience: float
    ) -> Any:
        timeout = aiohttp.ClientTimeout(total=patience)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                self._request(session, method, path, query, body) as response,
            ):
                answer = await response.read()
        except (aiohttp.ClientError, TimeoutError) as failure:
            raise click.ClickException(f"{self.endpoint} does not answer: {failure}") from None
        return self._said(response.status, answer)

    def stream(self, path: str, *, query: Mapping[str, str]) -> Iterator[bytes]:
        """The pieces of one answer as they come, for as long as they come."""
        pieces = self._stream(path, query)

        async def following() -> bytes | None:
            return await anext(pieces, None)

        with asyncio.Runner() as runner:
            try:
                while (piece := runner.run(following())) is not None:
                    yield piece
            finally:
                runner.run(pieces.aclose())

    async def _stream(self, path: str, query: Mapping[str, str]) -> AsyncGenerator[bytes, None]:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=TIMEOUT, sock_read=TIMEOUT)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                self._request(session, "GET", path, query, None) as response,
            ):
                if response.status != 200:
                    self._said(response.status, await response.read())
                async for piece in response.content.iter_any():
                    yield piece
        except (aiohttp.ClientError, TimeoutError) as failure:
            raise click.ClickException(f"{self.endpoint} did not finish: {failure}") from None

    def _request(
        self,
        session: aiohttp.ClientSession,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Mapping[str, Any] | None,
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """One signed request."""
        url = f"{self.endpoint.rstrip('/')}{path}"
        if query:
            url += "?" + urlencode(query, quote_via=quote)
        content = b"" if body is None else msgspec.json.encode(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        signed = sign(
            method,
            url,
            headers,
            content,
            credentials=self.credentials,
            region=self.region,
            service=SERVICE,
            now=CLOCK.now(),
        )
        return session.request(
            method,
            URL(url, encoded=True),
            headers=signed,
            data=content or None,
            allow_redirects=False,
            skip_auto_headers=("Content-Type",),
        )

    def _said(self, status: int, answer: bytes) -> Any:
        """What was answered; a refusal ends the command."""
        try:
            said = msgspec.json.decode(answer)
        except msgspec.DecodeError:
            raise click.ClickException(f"{self.endpoint} does not answer as an authority does") from None
        if status != 200:
            raise click.ClickException(f"{said.get('code', status)}: {said.get('message', '')}")
        return said


def client_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the flags that say where to ask and as whom; it is called with `client`."""
    return _with_client(command, needed=True)


def optional_client_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The same, but `client` is None when there are no credentials."""
    return _with_client(command, needed=False)


def _with_client(command: Callable[..., Any], *, needed: bool) -> Callable[..., Any]:
    @functools.wraps(command)
    def called(endpoint_url: str | None, region: str | None, profile: str | None, **more: Any) -> Any:
        return command(client=_client(endpoint_url, region, profile, needed=needed), **more)

    flagged = click.option("--profile", default=None, help="A profile of the AWS configuration.")(called)
    flagged = click.option("--region", default=None, help="The region that requests are signed for.")(flagged)
    return click.option("--endpoint-url", default=None, help="Also AWS_ENDPOINT_URL.")(flagged)


def _client(endpoint: str | None, region: str | None, profile: str | None, *, needed: bool) -> Client | None:
    try:
        found = client_at(configured(profile, endpoint, region))
    except (BotoCoreError, ClientError) as error:
        raise click.ClickException(str(error)) from None
    if found is None and needed:
        raise click.ClickException(
            "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY as `init` showed them, or use --profile"
        )
    return found


class _Session(botocore.session.Session):  # type: ignore[misc]  # botocore has no types
    """One whose clients of STS ask the authority, also those by which a profile's role is taken on.

    The session makes those for itself, and they would ask Amazon where only a flag, or nothing, says where.
    """

    def __init__(self, profile: str | None, given: str | None) -> None:
        super().__init__(profile=profile)
        self._given = given

    def create_client(self, service_name: str, **more: Any) -> Any:
        """A client of *service_name*."""
        if service_name == "sts":
            more["endpoint_url"] = endpoint_of(self, self._given, service_name)
        return super().create_client(service_name, **more)


class Configured(msgspec.Struct, frozen=True):
    """The AWS configuration of whoever calls.  Its session asks for a second factor once, however often it is used."""

    session: botocore.session.Session
    given: str | None
    region: str

    def endpoint(self, service: str) -> str:
        """Where *service* is asked."""
        return endpoint_of(self.session, self.given, service)


def configured(profile: str | None, endpoint: str | None, region: str | None) -> Configured:
    """The AWS configuration with *profile*, and what flags say beside it."""
    os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")
    session = _Session(profile, endpoint)
    found = Configured(session, endpoint, region_of(session, region))
    session.set_config_variable("region", found.region)
    return found


def client_at(at: Configured) -> Client | None:
    """A client as whoever is configured, if anybody is."""
    found = at.session.get_credentials()
    if found is None:
        return None
    frozen = found.get_frozen_credentials()
    token = None if frozen.token is None else Secret(frozen.token)
    return Client(at.endpoint(SERVICE), at.region, Credentials(frozen.access_key, Secret(frozen.secret_key), token))


def endpoint_of(session: botocore.session.Session, given: str | None, service: str) -> str:
    """Where *service* is asked: the flag, the environment, the profile, or an authority on this machine."""
    said = os.environ.get(f"AWS_ENDPOINT_URL_{service.upper()}") or os.environ.get("AWS_ENDPOINT_URL")
    found = given or said or str(session.get_scoped_config().get("endpoint_url") or ENDPOINT)
    try:
        parts = urlsplit(found)
        valid = parts.scheme in ("http", "https") and parts.port != 0 and is_valid_endpoint_url(found)
    except ValueError:  # a port that is no number, an address of IPv6 without its end
        valid = False
    if not valid:
        raise click.ClickException(f"{found!r} is no address of an authority, such as {ENDPOINT}")
    return found


def region_of(session: botocore.session.Session, given: str | None) -> str:
    """The region that requests are signed for: the flag, the environment, or the profile."""
    return given or os.environ.get("AWS_REGION") or str(session.get_config_variable("region") or "us-east-1")


def as_local(text: str) -> str:
    """A moment as people read it."""
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
