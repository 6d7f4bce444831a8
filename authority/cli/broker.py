"""`authority broker`: people whom a company directory knows get temporary credentials and links to sign in.

A broker signs people in itself and asks the authority for credentials with a key of its own (IAM User Guide, Enable
custom identity broker access).  This one asks an LDAP directory whether a password is right, and nothing else of it.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import ssl
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import aiohttp
import click
import msgspec
from aiohttp import web
from botocore.exceptions import BotoCoreError, ClientError

from authority.cli.client import configured
from authority.cli.credentials import sts_at

WITHIN: Final = 10.0
"""Seconds for one answer of the directory."""
LARGEST: Final = 65_536
NAME: Final = re.compile(r"[\w+=,.@-]{2,32}", re.ASCII)
"""What can name a federated user (STS API, GetFederationToken)."""
CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="authority", charset="UTF-8"'}
STATUS: Final = 0
INVALID_CREDENTIALS: Final = 49


class Directory(msgspec.Struct, frozen=True):
    """An LDAP server, and how the names of its people are made: `uid={},ou=people,dc=example,dc=org`."""

    host: str
    port: int
    secure: bool
    template: str

    async def knows(self, name: str, password: str) -> bool:
        """Whether *password* is that of *name*: a simple bind succeeds (RFC 4511, section 4.2).

        Raises `OSError` when the directory says neither yes nor no.
        """
        if not password:
            return False  # a bind without a password succeeds and proves nothing (RFC 4513, section 5.1.2)
        dn = self.template.replace("{}", _escaped(name))
        bind = _ber(0x60, _ber(0x02, b"\x03") + _ber(0x04, dn.encode()) + _ber(0x80, password.encode()))
        context = ssl.create_default_context() if self.secure else None
        async with asyncio.timeout(WITHIN):
            reader, writer = await asyncio.open_connection(self.host, self.port, ssl=context)
            try:
                writer.write(_ber(0x30, _ber(0x02, b"\x01") + bind))
                await writer.drain()
                code = _result(await _message(reader))
            finally:
                writer.close()
        if code not in (STATUS, INVALID_CREDENTIALS):
            raise OSError(f"the directory answers with result {code}")
        return code == STATUS


def directory_at(url: str, template: str) -> Directory:
    """The directory at `ldap://host:port` or `ldaps://host:port`."""
    parts = urlsplit(url)
    if parts.scheme not in ("ldap", "ldaps") or not parts.hostname or template.count("{}") != 1:
        raise click.UsageError("the directory is ldap[s]://HOST[:PORT], and --people a name with one {} in it")
    secure = parts.scheme == "ldaps"
    if not secure and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise click.UsageError("passwords go to another machine by ldaps only")
    return Directory(parts.hostname, parts.port or (636 if secure else 389), secure, template)


def _escaped(value: str) -> str:
    """*value* inside a distinguished name (RFC 4514, section 2.4): nobody's name reaches beyond its own part."""
    return "".join(
        letter if letter.isalnum() else "".join(f"\\{byte:02x}" for byte in letter.encode()) for letter in value
    )


def _ber(tag: int, content: bytes) -> bytes:
    size = len(content)
    length = bytes([size]) if size < 128 else bytes([0x82]) + size.to_bytes(2, "big")
    return bytes([tag]) + length + content


async def _message(reader: asyncio.StreamReader) -> bytes:
    """One message of the directory, without its envelope."""
    head = await reader.readexactly(2)
    size = head[1]
    if size >= 128:
        size = int.from_bytes(await reader.readexactly(size & 0x7F), "big")
    if head[0] != 0x30 or size > LARGEST:
        raise OSError("the directory does not speak LDAP")
    return await reader.readexactly(size)


def _result(message: bytes) -> int:
    """The result code of a bind response: after the message's number, inside, the first enumerated value."""
    found = re.match(
        rb"\x02(?:\x01.|\x02..|\x03...|\x04....)\x61(?:[\x00-\x7f]|\x81.|\x82..|\x84....)\x0a\x01(.)",
        message,
        re.DOTALL,
    )
    if found is None:
        raise OSError("the directory does not answer a bind")
    return found[1][0]


class Broker:
    """Hands out credentials to whoever the directory knows."""

    def __init__(self, directory: Directory, sts: Any, endpoint: str, *, role: str | None, policy: str | None) -> None:
        """Ask *sts* for sessions of *role*, or for federated users with *policy*; *endpoint* signs people in."""
        self._directory, self._sts, self._endpoint = directory, sts, endpoint.rstrip("/")
        self._role, self._policy = role, policy

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer `/credentials`, as container credentials are answered, and `/console`, with a link to follow."""
        if request.method != "GET" or request.path not in ("/credentials", "/console"):
            return web.Response(status=404, text="There is nothing here.\n")
        try:
            name = await self._known(request.headers.get("Authorization", ""))
            if name is None:
                return web.Response(status=401, headers=CHALLENGE, text="Who are you?\n")
            found = await asyncio.to_thread(self._credentials, name)
            if request.path == "/console":
                return web.Response(status=302, headers={"Location": await self._link(found)})
        except (
            OSError,
            aiohttp.ClientError,
            BotoCoreError,
            ClientError,
            KeyError,
            asyncio.IncompleteReadError,
        ) as failure:
            click.echo(f"broker: {failure}", err=True)
            return web.Response(status=503, text="This cannot be done right now.\n")
        said = {
            "AccessKeyId": found["AccessKeyId"],
            "SecretAccessKey": found["SecretAccessKey"],
            "Token": found["SessionToken"],
            "Expiration": found["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        return web.json_response(said, headers={"Cache-Control": "no-store"})

    async def _known(self, header: str) -> str | None:
        """The name of whoever asks, if the directory knows his password (RFC 7617)."""
        scheme, _, encoded = header.partition(" ")
        try:
            name, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        if scheme.lower() != "basic" or not colon or NAME.fullmatch(name) is None:
            return None
        return name if await self._directory.knows(name, password) else None

    def _credentials(self, name: str) -> dict[str, Any]:
        found: dict[str, Any]
        if self._role is not None:
            found = self._sts.assume_role(RoleArn=self._role, RoleSessionName=name, SourceIdentity=name)
        else:
            more = {} if self._policy is None else {"Policy": self._policy}
            found = self._sts.get_federation_token(Name=name, **more)
        credentials: dict[str, Any] = found["Credentials"]
        return credentials

    async def _link(self, found: dict[str, Any]) -> str:
        session = {
            "sessionId": found["AccessKeyId"],
            "sessionKey": found["SecretAccessKey"],
            "sessionToken": found["SessionToken"],
        }
        form = {"Action": "getSigninToken", "Session": msgspec.json.encode(session).decode()}
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WITHIN)) as asking,
            asking.post(f"{self._endpoint}/federation", data=form, allow_redirects=False) as answer,
        ):
            answer.raise_for_status()
            token = msgspec.json.decode(await answer.read())["SigninToken"]
        return f"{self._endpoint}/federation?{urlencode({'Action': 'login', 'Issuer': 'broker', 'SigninToken': token})}"


@click.command("broker")
@click.option("--directory", required=True, metavar="URL", help="ldaps://HOST, or ldap:// on this machine.")
@click.option("--people", required=True, metavar="DN", help="How people are named: uid={},ou=people,dc=example,dc=org")
@click.option("--role-arn", default=None, help="The role that people get; without it they are federated users.")
@click.option(
    "--policy", "file", type=click.Path(exists=True, path_type=Path), default=None, help="What federated users may do."
)
@click.option("--port", type=int, default=8700, show_default=True, help="On loopback; 0 for any that is free.")
@click.option("--endpoint-url", default=None, help="Also AWS_ENDPOINT_URL.")
@click.option("--region", default=None)
def broker(
    *,
    directory: str,
    people: str,
    role_arn: str | None,
    file: Path | None,
    port: int,
    endpoint_url: str | None,
    region: str | None,
) -> None:
    """Give whoever the company directory knows temporary credentials, and links to sign in with."""
    try:
        at = configured(None, endpoint_url, region)
        sts, endpoint = sts_at(at), at.endpoint("signin")
    except BotoCoreError as error:
        raise click.ClickException(str(error)) from None
    policy = None if file is None else file.read_text("utf-8")
    serving = Broker(directory_at(directory, people), sts, endpoint, role=role_arn, policy=policy)
    asyncio.run(_run(serving, port))


async def _run(serving: Broker, port: int) -> None:
    runner = web.ServerRunner(web.Server(serving.serve, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    click.echo(f"http://127.0.0.1:{runner.addresses[0][1]}")
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
