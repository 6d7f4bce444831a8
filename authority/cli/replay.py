"""`authority replay`: fold the log again from zero, and hold the outcome against what is served."""

from __future__ import annotations

import asyncio
import sys
from typing import Any, Final

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from authority.cli.client import Client, optional_client_options
from authority.cli.options import PLACES, read_point, read_settings, settings_options
from authority.cli.showing import show_json
from authority.compose import reading
from authority.ledger.port import Ledger
from authority.model.state import state_hash
from authority.replay.folding import BEGINNING, Version, refolded
from authority.settings import Settings

PAGE: Final = 2_000


class Replayed(msgspec.Struct, frozen=True, rename="camel"):
    """What a replay found; `live` is None when there was nothing to hold it against."""

    position: int
    configured: int
    state_hash: str
    accounts: int
    live: str | None = None
    equal: bool | None = None


@click.command()
@settings_options(*PLACES)
@optional_client_options
@click.option(
    "--until", default=None, metavar="POSITION|TIME", help="A position, or a moment such as 2026-01-31T12:00Z."
)
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def replay(client: Client | None, until: str | None, output: str, **flags: Any) -> None:
    """Fold the log from zero and compare with the state that is served.

    Reads the database beside a running server.  With credentials of the management account the server is asked for
    its state's hash at a named position; without, or with --until, the replayed state is shown by itself.  Exits with
    1 when the two differ.
    """
    settings = read_settings(flags)
    live = None
    if until is None and client is not None:
        live = client.ask("GET", "/v1/log")
    found = asyncio.run(_replayed(settings, until if live is None else str(live["position"]), quiet=output == "json"))
    if live is not None:
        found = msgspec.structs.replace(found, live=live["stateHash"], equal=live["stateHash"] == found.state_hash)
    if output == "json":
        show_json(found)
    else:
        click.echo(f"Folded {found.position} entries; the newest that configures stands at {found.configured}.")
        click.echo(f"State: {found.accounts} accounts, hash {found.state_hash}")
        if found.equal is None:
            click.echo("It was held against nothing: give credentials of the management account, and no --until.")
        else:
            word = "equals" if found.equal else "DIFFERS FROM"
            click.echo(f"The replayed state {word} the state that is served at position {found.position}.")
    if found.equal is False:
        sys.exit(1)


async def _replayed(settings: Settings, until: str | None, *, quiet: bool) -> Replayed:
    async with reading(settings) as ledger:
        end = await _end(ledger, until)
        version = BEGINNING
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        console = Console(stderr=True)
        with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as progress:
            task = progress.add_task("replaying", total=end)
            while version.position < end:
                version = await _page(ledger, version, end)
                progress.update(task, completed=version.position)
    return Replayed(version.position, version.configured, state_hash(version.state), len(version.state.accounts))


async def _page(ledger: Ledger, version: Version, end: int) -> Version:
    entries = await ledger.read(version.position, min(PAGE, end - version.position))
    if not entries:
        raise click.ClickException(f"the log ends at {version.position}, before {end}")
    return refolded(version, entries)


async def _end(ledger: Ledger, until: str | None) -> int:
    """The position that *until* says, or the head."""
    if until is None:
        return (await ledger.head()).position
    point = read_point(until, "--until")
    return point if isinstance(point, int) else await ledger.position_at(point)
