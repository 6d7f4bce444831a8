"""`authority third-parties`: what others do with the roles that were lent to them; a client of the API."""

from __future__ import annotations

from typing import Final

import click
import msgspec

from authority.cli.client import Client, client_options
from authority.cli.showing import show_table, time_in
from authority.cli.trail import pages

NO_LIMIT: Final = "none"


@click.group("third-parties")
def third_parties() -> None:
    """Other accounts that take the roles of yours on: what they use, and how much they may."""


@third_parties.command("list")
@click.option("--trusted-account", default=None, metavar="ID", help="This account's use only.")
@click.option("--limit", type=click.IntRange(1, 1_000_000), default=50, show_default=True)
@click.option("--output", type=click.Choice(["table", "jsonl"]), default="table", show_default=True)
@client_options
def list_command(client: Client, trusted_account: str | None, limit: int, output: str) -> None:
    """Show the use by account, external id and role."""
    found = pages(client, "/v1/third-parties", "thirdParties", {"trustedAccount": trusted_account}, limit)
    if output == "jsonl":
        for one in found:
            click.echo(msgspec.json.encode(one))
        return
    rows = (
        (
            one["trustedAccount"],
            one["externalId"],
            one["roleArn"],
            one["issued"],
            one["refused"],
            one["active"],
            one["activeLimit"],
            time_in(one, "lastAt"),
        )
        for one in found
    )
    columns = ("Account", "External id", "Role", "Issued", "Refused", "Active", "Limit", "Last (UTC)")
    show_table(columns, rows, empty="No other account has asked for a role of yours.")


def _most(_: click.Context, __: click.Parameter, said: str) -> int | None:
    if said == NO_LIMIT:
        return None
    if not (said.isascii() and said.isdigit()):
        raise click.BadParameter(f"a number, or {NO_LIMIT}")
    return int(said)


@third_parties.command("limit")
@click.argument("trusted_account")
@click.argument("active_sessions", callback=_most, metavar="NUMBER|none")
@client_options
def limit_command(client: Client, trusted_account: str, active_sessions: int | None) -> None:
    """Let TRUSTED_ACCOUNT have NUMBER of your roles' sessions at a time; with `none`, as many as it likes."""
    client.ask("PUT", ("v1", "third-parties", trusted_account, "limit"), body={"activeSessions": active_sessions})
    most = "any number of" if active_sessions is None else f"at most {active_sessions}"
    click.echo(f"{trusted_account} may have {most} active sessions.")
