"""`authority credential-process` and `authority env`: temporary credentials for tools and shells."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping
from typing import Any, Final

import botocore.session
import click
import msgspec
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from authority.cli.client import Configured, configured

DEFAULT_NAME: Final = "authority-cli"
ASKED: Final = "AUTHORITY_ASKED_PROFILES"
"""The variable with the profiles, one a line, that commands which wait for this one are asking for credentials."""


def _role_options(command: Callable[..., Any]) -> Callable[..., Any]:
    options = (
        click.option("--role-arn", required=True, metavar="ARN", help="The role to take on."),
        click.option("--role-session-name", default=DEFAULT_NAME, show_default=True),
        click.option("--duration-seconds", type=int, default=None),
        click.option("--external-id", default=None),
        click.option("--source-identity", default=None),
        click.option("--serial-number", default=None, help="The MFA device; its code is asked for on the terminal."),
        click.option("--source-profile", default=None, help="A profile of the AWS configuration to start from."),
        click.option("--endpoint-url", default=None, help="Also AWS_ENDPOINT_URL."),
        click.option("--region", default=None),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command("credential-process")
@_role_options
def credential_process(**asked: Any) -> None:
    """Take a role on and print its credentials as AWS tools read them.

    For `credential_process = authority credential-process --role-arn ...` in a profile; the tool calls it again when
    the credentials expire.
    """
    _once(asked["source_profile"])
    found = taken(**asked).credentials
    said = {
        "Version": 1,
        "AccessKeyId": found["AccessKeyId"],
        "SecretAccessKey": found["SecretAccessKey"],
        "SessionToken": found["SessionToken"],
        "Expiration": found["Expiration"].isoformat(),
    }
    click.echo(msgspec.json.encode(said))


def _once(profile: str | None) -> None:
    """Ask no profile that waits for this very answer: commands would start one another without end."""
    name = profile or botocore.session.Session().get_config_variable("profile") or "default"
    waiting = os.environ.get(ASKED, "").splitlines()
    if name in waiting:
        raise click.ClickException(f"the profile {name!r} asks itself for credentials; name another --source-profile")
    os.environ[ASKED] = "\n".join((*waiting, name))


@click.command("env")
@_role_options
def env(**asked: Any) -> None:
    """Take a role on and print what a shell exports: eval "$(authority env --role-arn ...)"."""
    export(variables(taken(**asked)))


class Taken(msgspec.Struct, frozen=True):
    """A role that was taken on: its credentials as STS answers them, and where it counts."""

    credentials: dict[str, Any]
    endpoint: str
    region: str


def variables(role: Taken) -> dict[str, str | None]:
    """What a shell that bears the role has in its environment; None for what it must not have.

    A profile goes: some SDKs prefer it to credentials (AWS SDK for JavaScript, AWS_PROFILE), and would go on as
    somebody else.  What it said of region and endpoint is said again.
    """
    found = role.credentials
    return {
        "AWS_ACCESS_KEY_ID": found["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": found["SecretAccessKey"],
        "AWS_SESSION_TOKEN": found["SessionToken"],
        "AWS_CREDENTIAL_EXPIRATION": found["Expiration"].isoformat(),
        "AWS_PROFILE": None,
        "AWS_DEFAULT_PROFILE": None,
        "AWS_ENDPOINT_URL": role.endpoint,
        "AWS_ENDPOINT_URL_STS": None,
        "AWS_REGION": role.region,
        "AWS_DEFAULT_REGION": role.region,
    }


def export(wanted: Mapping[str, str | None]) -> None:
    """Print what makes a POSIX shell's environment so."""
    for name, value in wanted.items():
        click.echo(f"unset {name}" if value is None else f"export {name}={shlex.quote(value)}")


def taken(*, source_profile: str | None, endpoint_url: str | None, region: str | None, **asked: Any) -> Taken:
    """The role as STS gives it, or a line that says why not."""
    try:
        return take(configured(source_profile, endpoint_url, region), **asked)
    except (BotoCoreError, ClientError) as error:
        raise click.ClickException(str(error)) from None


def take(at: Configured, *, serial_number: str | None, **asked: Any) -> Taken:
    """The same of whoever is configured *at* hand; raises what botocore does."""
    parameters = {_pascal(name): value for name, value in asked.items() if value is not None}
    if serial_number is not None:
        parameters["SerialNumber"] = serial_number
        parameters["TokenCode"] = click.prompt(f"MFA code of {serial_number}", err=True, hide_input=True)
    client = sts_at(at)
    return Taken(client.assume_role(**parameters)["Credentials"], at.endpoint("sts"), at.region)


def sts_at(at: Configured) -> Any:
    """A client of STS."""
    retries = Config(retries={"total_max_attempts": 2})
    return at.session.create_client("sts", config=retries)


def _pascal(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))
