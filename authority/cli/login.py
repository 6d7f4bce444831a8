"""`authority login oidc|saml`: sign in at an identity provider and print temporary credentials as AWS tools read them.

For `credential_process = authority login ...` in a profile.  Nothing is kept: whoever signs in does so each time that
credentials are asked for, unless the provider remembers him.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import re
import ssl
import webbrowser
from collections.abc import Callable, Mapping
from typing import Any, Final, Self
from urllib.parse import urlencode, urljoin

import aiohttp
import click
import msgspec
from aiohttp import web
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from lxml import html

from authority.cli.client import configured

DISCOVERY: Final = "/.well-known/openid-configuration"
CALLBACK: Final = "/callback"
WAITED: Final = 300.0
"""Seconds in which somebody must have signed in."""
MOST_PAGES: Final = 10
LARGEST_PAGE: Final = 1_048_576
DONE: Final = "You are signed in; this page may be closed."


@click.group("login")
def login() -> None:
    """Sign in at an identity provider and print credentials of a role."""


def _role_options(command: Callable[..., Any]) -> Callable[..., Any]:
    options = (
        click.option("--role-arn", required=True, metavar="ARN", help="The role to take on."),
        click.option("--duration-seconds", type=int, default=None),
        click.option("--endpoint-url", default=None, help="Also AWS_ENDPOINT_URL_STS or AWS_ENDPOINT_URL."),
        click.option("--region", default=None),
        click.option("--ca-file", default=None, help="Certificates that vouch for the provider's servers, in PEM."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@login.command("oidc")
@_role_options
@click.option("--issuer", required=True, metavar="URL", help="The provider's issuer.")
@click.option("--client-id", required=True, help="The client that the provider knows this command as.")
@click.option("--client-secret", default=None, help="If it has one; also AUTHORITY_LOGIN_CLIENT_SECRET.")
@click.option("--scope", default="openid", show_default=True)
@click.option("--port", type=int, default=0, help="Where the browser comes back to on this machine; any, if not said.")
@click.option("--role-session-name", default="authority-login", show_default=True)
@click.option("--browser/--no-browser", default=True, help="Open a browser, or only say where to go.")
def oidc(
    *,
    role_arn: str,
    duration_seconds: int | None,
    endpoint_url: str | None,
    region: str | None,
    ca_file: str | None,
    role_session_name: str,
    browser: bool,
    **provider: Any,
) -> None:
    """Sign in with OpenID Connect, in a browser (RFC 8252, with PKCE), and take a role on."""
    token = _awaited(_id_token(ca_file=ca_file, browser=browser, **provider))
    asked = {"RoleArn": role_arn, "RoleSessionName": role_session_name, "WebIdentityToken": token}
    _print(_sts(endpoint_url, region), "assume_role_with_web_identity", asked, duration_seconds)


@login.command("saml")
@_role_options
@click.option("--principal-arn", required=True, metavar="ARN", help="The SAML provider.")
@click.option("--url", default=None, help="Where the identity provider begins; its forms are filled in.")
@click.option("--username", default=None, help="Also AUTHORITY_LOGIN_USERNAME; asked for if it is not said.")
@click.option("--assertion", "file", type=click.File(), default=None, help="The response itself in base 64, or `-`.")
def saml(
    *,
    role_arn: str,
    principal_arn: str,
    duration_seconds: int | None,
    endpoint_url: str | None,
    region: str | None,
    ca_file: str | None,
    url: str | None,
    username: str | None,
    file: Any,
) -> None:
    """Sign in with SAML, by the provider's own forms, and take a role on.

    The password is read from AUTHORITY_LOGIN_PASSWORD, or asked for on the terminal.
    """
    if (url is None) == (file is None):
        raise click.UsageError("say either --url or --assertion")
    if file is not None:
        response = file.read()
    else:
        username = username or os.environ.get("AUTHORITY_LOGIN_USERNAME") or click.prompt("User name", err=True)
        password = os.environ.get("AUTHORITY_LOGIN_PASSWORD") or click.prompt("Password", err=True, hide_input=True)
        response = _awaited(_saml_response(str(url), username, password, ca_file))
    asked = {"RoleArn": role_arn, "PrincipalArn": principal_arn, "SAMLAssertion": response}
    _print(_sts(endpoint_url, region), "assume_role_with_saml", asked, duration_seconds)


def _awaited(work: Any) -> str:
    try:
        answer: str = asyncio.run(asyncio.wait_for(work, WAITED))
    except TimeoutError:
        raise click.ClickException("nobody signed in in time") from None
    except aiohttp.ClientError as failure:
        raise click.ClickException(f"the identity provider does not answer: {failure}") from None
    return answer


def _sts(endpoint_url: str | None, region: str | None) -> Any:
    unsigned = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 2})
    try:
        return configured(None, endpoint_url, region).session.create_client("sts", config=unsigned)
    except BotoCoreError as error:
        raise click.ClickException(str(error)) from None


def _print(client: Any, operation: str, asked: Mapping[str, Any], duration: int | None) -> None:
    """Ask, and print what the tool that called reads (AWS CLI User Guide, Sourcing credentials with a process)."""
    more = {} if duration is None else {"DurationSeconds": duration}
    try:
        found = getattr(client, operation)(**asked, **more)["Credentials"]
    except (BotoCoreError, ClientError) as error:
        raise click.ClickException(str(error)) from None
    said = {name: found[name] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")}
    click.echo(msgspec.json.encode({"Version": 1, **said, "Expiration": found["Expiration"].isoformat()}))


def _session(ca_file: str | None) -> aiohttp.ClientSession:
    context = ssl.create_default_context(cafile=ca_file)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context),
        cookie_jar=aiohttp.CookieJar(unsafe=True),  # providers inside a company have addresses for names
        timeout=aiohttp.ClientTimeout(total=60),
    )


async def _body(response: aiohttp.ClientResponse) -> bytes:
    """All that a provider answers, in however many pieces it comes."""
    body = bytearray()
    async for part in response.content.iter_any():
        body += part
        if len(body) > LARGEST_PAGE:
            raise click.ClickException(f"{response.url} answers more than a page")
    return bytes(body)


def _secret() -> str:
    return base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode()


# --- OpenID Connect ---------------------------------------------------------------------------------------------------


async def _id_token(
    *,
    issuer: str,
    client_id: str,
    client_secret: str | None,
    scope: str,
    port: int,
    ca_file: str | None,
    browser: bool,
) -> str:
    """The ID token of whoever signs in (OpenID Connect Core 1.0, section 3.1; RFC 7636)."""
    verifier, state, nonce = _secret(), _secret(), _secret()
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    client_secret = client_secret or os.environ.get("AUTHORITY_LOGIN_CLIENT_SECRET")
    async with _session(ca_file) as session:
        described = await _json(session, "GET", issuer.rstrip("/") + DISCOVERY)
        if described.get("issuer") != issuer:
            raise click.ClickException(f"{issuer} says that it is {described.get('issuer')}")
        async with _Callback(port, state) as callback:
            asked = {
                "client_id": client_id,
                "response_type": "code",
                "scope": scope,
                "redirect_uri": callback.url,
                "state": state,
                "nonce": nonce,
                "code_challenge": challenge,
                "code_challenge_method": "S256",
            }
            place = f"{described['authorization_endpoint']}?{urlencode(asked)}"
            click.echo(f"Sign in at: {place}", err=True)
            if browser:
                webbrowser.open(place)
            code = await callback.code
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": callback.url,
            "client_id": client_id,
            "code_verifier": verifier,
        }
        if client_secret is not None:
            form["client_secret"] = client_secret
        answer = await _json(session, "POST", described["token_endpoint"], data=form)
    token = answer.get("id_token")
    if not isinstance(token, str) or _said(token).get("nonce") != nonce:
        raise click.ClickException("the provider gave no ID token for this sign-in")
    return token


def _said(token: str) -> dict[str, Any]:
    """The claims of a token that came straight from its issuer; the authority verifies it, not we."""
    part = token.split(".")[1] if token.count(".") == 2 else ""
    try:
        said = msgspec.json.decode(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


async def _json(session: aiohttp.ClientSession, method: str, url: str, **more: Any) -> dict[str, Any]:
    async with session.request(method, url, allow_redirects=False, **more) as response:
        text = await _body(response)
    try:
        said = msgspec.json.decode(text)
    except msgspec.DecodeError:
        said = None
    if response.status != 200 or not isinstance(said, dict):
        why = said.get("error_description", said.get("error", "")) if isinstance(said, dict) else ""
        raise click.ClickException(f"{url} answers {response.status} {why}".rstrip())
    return said


class _Callback:
    """Waits on loopback for the browser to come back with a code."""

    def __init__(self, port: int, state: str) -> None:
        self._port, self._state = port, state
        self._runner = web.ServerRunner(web.Server(self._serve))
        self.code: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.url = ""

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}{CALLBACK}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        given = request.query
        # Whoever does not know the state did not come from this sign-in (RFC 6749, section 10.12).
        if request.path != CALLBACK or given.get("state") != self._state or self.code.done():
            return web.Response(status=404, text="There is nothing here.")
        if "code" in given:
            self.code.set_result(given["code"])
        else:
            self.code.set_exception(click.ClickException(f"the provider refused: {given.get('error', 'no code')}"))
        return web.Response(text=DONE)


# --- SAML -------------------------------------------------------------------------------------------------------------


async def _saml_response(url: str, username: str, password: str, ca_file: str | None) -> str:
    """The response that the identity provider at *url* makes for whoever knows the password."""
    async with _session(ca_file) as session:
        page, form = await _page(session, "GET", url)
        entered = False
        for _ in range(MOST_PAGES):
            found = _form(page)
            if found is None:
                break
            action, method, fields, secrets = found
            if "SAMLResponse" in fields:
                return fields["SAMLResponse"]
            if secrets:
                if entered:
                    raise click.ClickException("the identity provider does not know this user name and password")
                entered = True
                texts, passwords = secrets
                fields |= dict.fromkeys(passwords, password) | dict.fromkeys(texts[:1], username)
            form = urljoin(form, action)
            page, form = await _page(session, method, form, fields)
    raise click.ClickException("the pages of the identity provider lead to no SAML response")


async def _page(
    session: aiohttp.ClientSession, method: str, url: str, fields: Mapping[str, str] | None = None
) -> tuple[Any, str]:
    sent: dict[str, Any] = {"params": fields} if method == "GET" else {"data": fields}
    if not re.match(r"https?://", url):
        raise click.ClickException(f"{url} is not an address of a page")
    async with session.request(method, url, **sent) as response:
        text = await _body(response)
        return html.document_fromstring(text or b"<html/>"), str(response.url)


def _form(page: Any) -> tuple[str, str, dict[str, str], tuple[list[str], list[str]] | None] | None:
    """The form to go on with: its action and method, what it holds, and where a name and a password go."""
    forms = list(page.forms)
    forms.sort(key=lambda form: not form.xpath(".//input[@type='password' or @name='SAMLResponse']"))
    if not forms:
        return None
    form = forms[0]
    fields = {name: value for name, value in form.form_values() if isinstance(value, str)}
    passwords = form.xpath(".//input[@type='password']/@name")
    texts = form.xpath(".//input[not(@type) or @type='text' or @type='email']/@name")
    entered = ([str(name) for name in texts], [str(name) for name in passwords]) if passwords else None
    return form.action or "", form.method, fields, entered
