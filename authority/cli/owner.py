"""Commands of whoever owns the machine: they open the database themselves."""

from __future__ import annotations

import asyncio
import gc
import shlex
import signal
import sys
from functools import partial
from typing import Any, Final, Literal

import click
import msgspec

from authority.accounts.accounts import AccountName, UserName
from authority.cli.diagnostics import log_lines
from authority.cli.options import ALL, PLACES, read_settings, settings_options
from authority.compose import (
    Founding,
    Serving,
    check_database,
    initialise,
    initialised,
    migrate_database,
    owning,
    reading,
    rebuild_projections,
    run,
)
from authority.compose import serve as serve_authority
from authority.kernel.arn import ACCOUNT_ID
from authority.kernel.ids import AccountId
from authority.replay.evidence import Evidence
from authority.replay.verifying import Verified, verify
from authority.settings import Settings

YOUNG_OBJECTS: Final = 50_000
"""Objects made before the collector looks at them: those of some dozens of requests."""
TURN: Final = 0.0005
"""Seconds until the event loop makes way for a thread, a tenth of Python's own: a commit needs the interpreter several
times, and would wait for it each time while a page of entries is indexed."""


def exports(settings: Settings, founding: Founding) -> dict[str, str]:
    """What an AWS client reads from its environment."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return {
        "AWS_ENDPOINT_URL": f"http://{host}:{settings.port}",
        "AWS_ACCESS_KEY_ID": founding.administrator.access_key_id,
        "AWS_SECRET_ACCESS_KEY": founding.administrator.secret.reveal().decode(),  # shown once, to its owner
        "AWS_DEFAULT_REGION": settings.default_region,
        "AWS_REGION": settings.default_region,
    }


@click.command()
@settings_options(*ALL)
@click.option("--account-id", default=None, metavar="ID", help="Twelve digits; drawn at random when not given.")
@click.option("--account-name", default="Management", show_default=True, help="What the first account is called.")
@click.option("--administrator", default="Administrator", show_default=True, help="Its first user.")
@click.option("--if-needed", is_flag=True, help="Do nothing where an authority lies already.")
@click.option("--output", type=click.Choice(["text", "env", "json"]), default="text", show_default=True)
def init(
    account_id: str | None,
    account_name: str,
    administrator: str,
    if_needed: bool,
    output: Literal["text", "env", "json"],
    **flags: Any,
) -> None:
    """Make an authority: a root key, a database, a first account and its administrator, whose key is shown once.

    Takes every setting of `serve`: clients are shown where that will be.
    """
    settings = read_settings(flags)
    if asyncio.run(initialised(settings)):
        if if_needed:
            return
        raise click.ClickException(f"there is an authority at {settings.database} already")
    for option, kind, value in (
        ("--account-name", AccountName, account_name),
        ("--administrator", UserName, administrator),
    ):
        try:
            msgspec.convert(value, kind)
        except msgspec.ValidationError:
            raise click.BadParameter("no name that the API would take", param_hint=option) from None
    if account_id is not None and ACCOUNT_ID.fullmatch(account_id) is None:
        raise click.BadParameter("an account id is twelve digits", param_hint="--account-id")
    wanted = None if account_id is None else AccountId(account_id)
    founding = asyncio.run(initialise(settings, wanted, account_name, administrator))
    variables = exports(settings, founding)
    if output == "json":
        said = {"account": founding.account, "administrator": administrator, "environment": variables}
        click.echo(msgspec.json.format(msgspec.json.encode(said)).decode())
        return
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    if output == "env":
        click.echo("\n".join(lines))
        return
    click.echo(f"An authority was made in {settings.data_dir}: account {founding.account}, user {administrator}.")
    click.echo("Its secret key is shown only now.  Paste this where you use the AWS CLI or an SDK:\n")
    click.echo("\n".join(f"    {line}" for line in lines))
    click.echo()


@click.command()
@settings_options(*ALL)
def serve(**flags: Any) -> None:
    """Serve the authority that `init` made, until interrupted."""
    settings = read_settings(flags)
    log_lines(settings.log_level)
    run(_serve(settings))


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)

    def ready(serving: Serving) -> None:
        # What was made by now stays until the end; looking through it again and again costs a fifth of every request.
        gc.collect()
        gc.freeze()
        gc.set_threshold(YOUNG_OBJECTS, 20, 50)
        sys.setswitchinterval(TURN)
        click.echo(f"Authority serves at {serving.url}; health and metrics at {serving.admin_url}.")
        click.echo("Keys were shown when it was initialised.  Stop it with Ctrl-C.")
        sys.stdout.flush()

    await serve_authority(settings, ready, stop)


@click.group("db")
def database() -> None:
    """The database of the ledger."""


@database.command("migrate")
@settings_options(*PLACES)
def migrate_command(**flags: Any) -> None:
    """Bring the database to the schema of this release, all or nothing."""
    settings = read_settings(flags)
    asyncio.run(migrate_database(settings))
    click.echo(f"{settings.database} has the schema of this release.")


@database.command("trust")
@settings_options(*PLACES)
def trust_command(**flags: Any) -> None:
    """Take the log as it lies there for ours: verify all of it, then bind its end to the root key.

    A start refuses a log whose end is not bound to the root key.  Run this only for one that an earlier release wrote,
    or that was compared with a checkpoint which was put aside.
    """
    settings = read_settings(flags)
    found = asyncio.run(_trust(settings))
    click.echo(f"{found.position} entries verified, and bound to the root key; the root of their tree is {found.root}.")


async def _trust(settings: Settings) -> Verified:
    async with owning(settings) as ledger, reading(settings) as unbound:
        verified = await verify(unbound, Evidence(), lambda *_: None)
        await ledger.bind(await unbound.head())
    return verified


@database.command("rebuild-projections")
@settings_options(*PLACES)
def rebuild_command(**flags: Any) -> None:
    """Work out the trail and the sessions anew from the log, beside the present ones, and switch.

    An authority may serve meanwhile; it takes the new ones when it next starts.  After an upgrade was unpacked, and
    before it is started, this builds what it needs.  What was interrupted goes on where it was.
    """
    settings = read_settings(flags)
    told = partial(click.echo, err=True)
    position, in_place = asyncio.run(rebuild_projections(settings, lambda at: told(f"up to position {at}")))
    rest = "in use" if in_place else "beside those that are being served; the next start takes them"
    click.echo(f"The projections were built up to position {position}, and are {rest}.")


@database.command("check")
@settings_options(*PLACES)
def check_command(**flags: Any) -> None:
    """Say whether the database has the schema of this release."""
    settings = read_settings(flags)
    found = asyncio.run(check_database(settings))
    click.echo(f"{settings.database} has the schema of this release, {found}.")
