"""`authority role link`, `switch` and `exit`: another role for a while, and back again.

A switch is always authorised as whoever began, also from inside a role: the environment remembers who that was, and
nothing is kept on disk.  A link says which role; where that is asked for is the configuration's to say, never a link's.
"""

from __future__ import annotations

import os
import re
import sys
from typing import Final, NoReturn

import click
import msgspec
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from authority.cli.client import Configured, client_at, configured
from authority.cli.credentials import Taken, export, sts_at, take, variables
from authority.kernel.role_links import ACCOUNT, RoleLinkError, Wanted, linked

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


class Began(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whoever began: the environment then, and what the first switch was told beside it."""

    environment: dict[str, str | None]
    profile: str | None = None
    endpoint_url: str | None = None
    region: str | None = None


def _linked(text: str) -> Wanted:
    try:
        return linked(text)
    except RoleLinkError as wrong:
        raise click.ClickException(str(wrong)) from None


def _named(account: str, role: str, display: str = "", color: str = "") -> Wanted:
    try:
        return Wanted(account, role.lstrip("/"), display, color).checked()
    except RoleLinkError as wrong:
        raise click.ClickException(str(wrong)) from None


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
    wanted = _named(account, name, display_name, color)
    try:
        where = configured(None, endpoint_url, None).endpoint("signin")
    except BotoCoreError as error:
        raise click.ClickException(str(error)) from None
    click.echo(where.rstrip("/") + wanted.link)


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
    wanted = _linked(place) if name is None else _named(place, name)
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
