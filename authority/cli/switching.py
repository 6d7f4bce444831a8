"""`authority role link`, `switch` and `exit`: another role for a while, and back again.

A switch is always authorised as whoever began, also from inside a role: the environment remembers who that was, and
nothing is kept on disk.  A link says which role; where that is asked for is the configuration's to say, never a link's.
"""

from __future__ import annotations

import os
import re
import sys
from typing import Final, NoReturn
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import click
import msgspec
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from authority.cli.client import Configured, client_at, configured
from authority.cli.credentials import Taken, export, sts_at, take, variables

PAGE: Final = "/switchrole"
FROM: Final = "AUTHORITY_SWITCHED_FROM"
"""The variable that remembers what the others below were before the first switch."""
DISPLAYED: Final = "AUTHORITY_ROLE"
"""The variable with the name that is shown for the role, for prompts."""
REMEMBERED: Final = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_STS",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
)
ACCOUNT: Final = re.compile(r"[0-9]{12}", re.ASCII)
ALIAS: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{1,61})[a-z0-9]", re.ASCII)
ROLE: Final = re.compile(r"(?:[!-.0-~]+/)*[\w+=,.@-]{1,64}", re.ASCII)
COLOR: Final = re.compile(r"[0-9A-Fa-f]{6}", re.ASCII)
LONGEST_DISPLAY: Final = 64


class Began(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whoever began: the environment then, and what the first switch was told beside it."""

    environment: dict[str, str | None]
    profile: str | None = None
    endpoint_url: str | None = None
    region: str | None = None


class Wanted(msgspec.Struct, frozen=True):
    """A role to switch to, as a link says it."""

    account: str
    role: str
    display: str = ""
    color: str = ""

    def checked(self) -> Wanted:
        """The same; a line that says what is wrong with it instead."""
        if ACCOUNT.fullmatch(self.account) is None and ALIAS.fullmatch(self.account) is None:
            raise click.ClickException(f"{self.account!r} is neither an account id nor an alias")
        if ROLE.fullmatch(self.role) is None or len(self.role) > 576:
            raise click.ClickException(f"{self.role!r} is not the name of a role, with or without its path")
        if len(self.display) > LONGEST_DISPLAY or not self.display.isprintable():
            raise click.ClickException(f"a display name is at most {LONGEST_DISPLAY} letters that can be shown")
        if self.color and COLOR.fullmatch(self.color) is None:
            raise click.ClickException("a colour is six hexadecimal digits, such as b7ca9d")
        return self

    @property
    def shown(self) -> str:
        """What the role is called."""
        return self.display or f"{self.role} @ {self.account}"


def linked(text: str) -> Wanted:
    """What a link says: every part once, and nothing that is not understood."""
    try:
        parts = urlsplit(text)
        said = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=8)
    except ValueError:
        raise click.ClickException("the link cannot be read") from None
    given = dict(said)
    known = {"account", "roleName", "displayName", "color"}
    if not parts.path.endswith(PAGE) or len(said) != len(given) or not {"account", "roleName"} <= given.keys() <= known:
        how = f"give an account and a role, or a link with {PAGE}, an account and a roleName"
        raise click.ClickException(f"{text!r} is no link to switch roles: {how}")
    return Wanted(
        given["account"], given["roleName"].lstrip("/"), given.get("displayName", ""), given.get("color", "")
    ).checked()


@click.group("role")
def role() -> None:
    """Roles, as those who switch to them see them."""


@role.command("link")
@click.argument("account")
@click.argument("name")
@click.option("--display-name", default="", help="What the role is called where it is shown.")
@click.option("--color", default="", help="Six hexadecimal digits.")
@click.option("--endpoint-url", default=None, help="Where people reach the authority; also AWS_ENDPOINT_URL.")
def link(account: str, name: str, display_name: str, color: str, endpoint_url: str | None) -> None:
    """Print the link with which people switch to the role NAME (with its path) of ACCOUNT, an id or an alias."""
    wanted = Wanted(account, name.lstrip("/"), display_name, color).checked()
    said = {"account": account, "roleName": wanted.role, "displayName": display_name, "color": color}
    query = urlencode({key: value for key, value in said.items() if value}, quote_via=quote, safe="")
    try:
        where = configured(None, endpoint_url, None).endpoint("signin")
    except BotoCoreError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{where.rstrip('/')}{PAGE}?{query}")


@click.command("switch")
@click.argument("place", metavar="LINK|ACCOUNT")
@click.argument("name", metavar="[ROLE]", required=False)
@click.option("--duration-seconds", type=int, default=None)
@click.option("--serial-number", default=None, help="The MFA device; its code is asked for on the terminal.")
@click.option("--print", "printed", is_flag=True, help="Print exports instead of opening a shell.")
@click.option("--source-profile", default=None, help="A profile of the AWS configuration to start from.")
@click.option("--endpoint-url", default=None, help="Also AWS_ENDPOINT_URL.")
@click.option("--region", default=None)
def switch(
    *,
    place: str,
    name: str | None,
    duration_seconds: int | None,
    serial_number: str | None,
    printed: bool,
    source_profile: str | None,
    endpoint_url: str | None,
    region: str | None,
) -> None:
    """Switch to a role, by LINK or by ACCOUNT (id or alias) and ROLE, in a shell of its own.

    With --print, for the shell one is in: eval "$(authority switch --print ACCOUNT ROLE)".
    """
    wanted = linked(place) if name is None else Wanted(place, name.lstrip("/")).checked()
    if FROM not in os.environ:
        began = Began(_environment(), source_profile, endpoint_url, region)
    elif source_profile is None:
        began = _began()
    else:
        raise click.ClickException("a switch is made as whoever began; `authority exit` first to start from a profile")
    _put(began.environment)
    try:
        at = configured(began.profile, endpoint_url or began.endpoint_url, region or began.region)
        found = _switched(wanted, at, duration_seconds, serial_number)
    except (BotoCoreError, ClientError) as error:
        raise click.ClickException(str(error)) from None
    more = {FROM: msgspec.json.encode(began).decode(), DISPLAYED: wanted.shown}
    if printed:
        export({**variables(found), **more})
        return
    _put({**variables(found), **more})
    color = tuple(bytes.fromhex(wanted.color)) if wanted.color else None
    click.secho(f"You are {wanted.shown} until you leave this shell.", fg=color, err=True)
    _become(os.environ.get("SHELL") or "/bin/sh")


@click.command("exit")
def leave() -> None:
    """Print what makes a shell be again whoever it was before it switched: eval "$(authority exit)"."""
    if FROM not in os.environ:
        raise click.ClickException("nothing was switched here")
    export({**_began().environment, FROM: None, DISPLAYED: None})


def _environment() -> dict[str, str | None]:
    return {name: os.environ.get(name) for name in REMEMBERED}


def _began() -> Began:
    """Whoever began, as the environment remembers it."""
    try:
        said = msgspec.json.decode(os.environ[FROM], type=Began)
    except msgspec.DecodeError:
        said = Began({})
    if said.environment.keys() != set(REMEMBERED):
        raise click.ClickException(f"{FROM} does not say who began; open a new shell")
    return said


def _put(wanted: dict[str, str | None]) -> None:
    for name, value in wanted.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _switched(wanted: Wanted, at: Configured, seconds: int | None, serial_number: str | None) -> Taken:
    """The role, taken on under the name that the original identity has."""
    who: str = sts_at(at).get_caller_identity()["Arn"]
    account = wanted.account
    if ACCOUNT.fullmatch(account) is None:
        account = _resolved(account, at)
    name = re.sub(r"[^\w+=,.@-]", "-", who.rpartition("/")[2], flags=re.ASCII)[:64].ljust(2, "-")
    return take(
        at,
        role_arn=f"arn:{who.split(':')[1]}:iam::{account}:role/{wanted.role}",
        role_session_name=name,
        duration_seconds=seconds,
        serial_number=serial_number,
    )


def _resolved(alias: str, at: Configured) -> str:
    client = client_at(at)
    if client is None:
        raise NoCredentialsError
    account: str = client.ask("GET", ("v1", "aliases", alias))["account"]
    return account


def _become(shell: str) -> NoReturn:
    sys.stderr.flush()
    os.execvp(shell, [shell])  # noqa: S606 - the user's own shell
