"""All commands, and how a failure becomes one line and an exit status."""

from __future__ import annotations

import sys
from typing import Final

import click

from authority import __version__
from authority.cli import (
    accounts,
    broker,
    credentials,
    evidence,
    history,
    investigate,
    lending,
    login,
    owner,
    switching,
    trail,
)
from authority.cli.policy import policy
from authority.cli.replay import replay
from authority.cli.what_if import what_if
from authority.compose import REFUSALS
from authority.ledger.port import LedgerCorrupt, LedgerUnavailable

LONGEST: Final = 200
"""Letters of a sentence."""


class Whole(click.Group):
    """A group whose commands are listed with the whole of their first sentence."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Write the list."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.get_short_help_str(LONGEST)) for name, command in self.commands.items()])


@click.group(cls=Whole, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="authority")
def commands() -> None:
    """A self-hosted credential authority: the AWS role model without AWS."""


for command in (
    owner.init,
    owner.serve,
    owner.database,
    accounts.account,
    trail.events,
    trail.sessions,
    lending.third_parties,
    credentials.credential_process,
    credentials.env,
    switching.role,
    switching.switch,
    switching.leave,
    login.login,
    broker.broker,
    replay,
    evidence.verify,
    evidence.export,
    evidence.prove,
    evidence.checkpoint,
    history.as_of,
    history.diff,
    history.history,
    history.restore,
    investigate.investigate,
    investigate.contain,
    investigate.whose,
    investigate.unused,
    investigate.external_access,
    what_if,
    policy,
):
    commands.add_command(command)


def main() -> None:
    """Run the command that was asked for.  What is expected to go wrong is one line on standard error."""
    try:
        commands.main(prog_name="authority")
    except REFUSALS as refused:
        _give_up(str(refused), 2)
    except LedgerCorrupt as corrupt:
        _give_up(f"the log does not fit together, so nothing is served from it: {corrupt}", 4)
    except LedgerUnavailable as unavailable:
        _give_up(f"the ledger cannot be used: {unavailable}", 3)
    except OSError as fault:
        _give_up(f"{fault.filename or ''} {fault.strerror or fault}".strip(), 3)


def _give_up(message: str, status: int) -> None:
    click.echo(f"authority: {message}", err=True)
    sys.exit(status)
