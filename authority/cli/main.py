"""All commands, and how a failure becomes one line and an exit status."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from typing import Final

import click

from authority import __version__
from authority.compose import REFUSALS
from authority.ledger.port import LedgerCorrupt, LedgerUnavailable

COMMANDS: Final[Mapping[str, str]] = {
    "init": "owner.init",
    "serve": "owner.serve",
    "db": "owner.database",
    "account": "accounts.account",
    "events": "trail.events",
    "sessions": "trail.sessions",
    "third-parties": "lending.third_parties",
    "credential-process": "credentials.credential_process",
    "env": "credentials.env",
    "role": "switching.role",
    "switch": "switching.switch",
    "exit": "switching.leave",
    "login": "login.login",
    "broker": "broker.broker",
    "replay": "replay.replay",
    "verify": "evidence.verify",
    "export": "evidence.export",
    "prove": "evidence.prove",
    "checkpoint": "evidence.checkpoint",
    "witness": "witness.witness",
    "as-of": "history.as_of",
    "diff": "history.diff",
    "history": "history.history",
    "restore": "history.restore",
    "investigate": "investigate.investigate",
    "contain": "investigate.contain",
    "whose": "investigate.whose",
    "unused": "investigate.unused",
    "external-access": "investigate.external_access",
    "what-if": "what_if.what_if",
    "policy": "policy.policy",
}
"""Where each command is.  Its module is imported when it is asked for: no command needs what all the others do."""

LONGEST: Final = 200
"""Letters of a sentence."""


class Whole(click.Group):
    """All of `COMMANDS`; they are listed with the whole of their first sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """Their names, in our order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        """The command called *cmd_name*."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(".")
        found: click.Command = getattr(importlib.import_module(f"authority.cli.{module}"), name)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list."""
        listed = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, one.get_short_help_str(LONGEST)) for name, one in listed if one is not None])


@click.group(cls=Whole, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="authority")
def commands() -> None:
    """A self-hosted credential authority: the AWS role model without AWS."""


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
