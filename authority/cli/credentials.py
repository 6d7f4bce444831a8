"""`authority credential-process` and `authority env`: temporary credentials for tools and shells."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from typing import Any, Final

import botocore.session
import click
import msgspec
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from authority.cli.client import ENDPOINT

DEFAULT_NAME: Final = "authority-cli"


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
    found = _assumed(**asked)
    said = {
        "Version": 1,
        "AccessKeyId": found["AccessKeyId"],
        "SecretAccessKey": found["SecretAccessKey"],
        "SessionToken": found["SessionToken"],
        "Expiration": found["Expiration"].isoformat(),
    }
    click.echo(msgspec.json.encode(said))


@click.command("env")
@_role_options
def env(**asked: Any) -> None:
    """Take a role on and print what a shell exports: eval "$(authority env --role-arn ...)"."""
    found = _assumed(**asked)
    for name, member in (
        ("AWS_ACCESS_KEY_ID", "AccessKeyId"),
        ("AWS_SECRET_ACCESS_KEY", "SecretAccessKey"),
        ("AWS_SESSION_TOKEN", "SessionToken"),
    ):
        click.echo(f"export {name}={shlex.quote(found[member])}")
    click.echo(f"export AWS_CREDENTIAL_EXPIRATION={found['Expiration'].isoformat()}")


def _assumed(
    *, source_profile: str | None, endpoint_url: str | None, region: str | None, serial_number: str | None, **asked: Any
) -> dict[str, Any]:
    """The credentials that STS answers, or a line that says why not."""
    os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")
    parameters = {_pascal(name): value for name, value in asked.items() if value is not None}
    if serial_number is not None:
        parameters["SerialNumber"] = serial_number
        parameters["TokenCode"] = click.prompt(f"MFA code of {serial_number}", err=True, hide_input=True)
    try:
        session = botocore.session.Session(profile=source_profile)
        client = session.create_client(
            "sts",
            endpoint_url=endpoint_url or os.environ.get("AWS_ENDPOINT_URL") or ENDPOINT,
            region_name=region or os.environ.get("AWS_REGION") or session.get_config_variable("region") or "us-east-1",
            config=Config(retries={"total_max_attempts": 2}),
        )
        credentials: dict[str, Any] = client.assume_role(**parameters)["Credentials"]
    except (BotoCoreError, ClientError) as error:
        raise click.ClickException(str(error)) from None
    return credentials


def _pascal(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))
