"""`authority witness`: sign for somebody else's log, as long as it continues what was signed before."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import click

from authority.cli.evidence import trusted
from authority.compose import run
from authority.compose.watching import cosigner_in, watch
from authority.ledger.note import NoteRefused, VerifierKey


@click.command()
@click.option("--name", required=True, help="What the witness is called, such as witness.example/w1.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("witness"),
    show_default=True,
    help="The folder of its key and of what it saw.",
)
@click.option("--log", "keys", multiple=True, metavar="KEY", help="The key of a log to sign for; again for each.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65_535), default=8602, show_default=True)
def witness(name: str, data_dir: Path, keys: tuple[str, ...], host: str, port: int) -> None:
    """Be a witness: sign each checkpoint of a log that continues the last one, and no other (C2SP tlog-witness).

    Run it on another machine, as somebody else than who serves the authority.  The public key that is shown goes into
    the authority's setting `witness_key`, and to those who verify; the address into `witness_url`.
    """
    cosigner = cosigner_in(data_dir, name)
    try:
        VerifierKey.parse(str(cosigner.verifier))
    except NoteRefused as refused:
        raise click.BadParameter(str(refused), param_hint="--name") from None
    click.echo(f"{cosigner.verifier}")
    logs = trusted(keys, None)
    if not logs:
        click.echo("No --log was given: nothing is signed.")
        return

    def ready(url: str) -> None:
        click.echo(f"The witness signs at {url}.")

    async def watched() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await watch(data_dir, cosigner, logs, place=(host, port), ready=ready, stop=stop)

    try:
        run(watched())
    except BlockingIOError:
        raise click.ClickException(f"another witness signs from {data_dir}") from None
