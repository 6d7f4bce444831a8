"""How answers are shown: a table for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import click
import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from authority.cli.client import Client, as_local

Command = TypeVar("Command", bound=Callable[..., Any])

WIDE: Final = 4_000
"""Columns of a table that goes into a file or a pipe: nothing is cut."""


def output_option(*more: str) -> Callable[[Command], Command]:
    """Give a command `--output`: a table, JSON, and *more*."""
    choice = click.Choice(["table", "json", *more])
    return click.option("--output", type=choice, default="table", show_default=True)


def account_option(command: Command) -> Command:
    """Give a command `--account`."""
    said = "Whose things: an account's id, or * for all (from the management account)."
    return click.option("--account", default=None, metavar="ID", help=said)(command)


def given(**parameters: Any) -> dict[str, str]:
    """The parameters that were given, as a query string has them."""
    return {name: str(value) for name, value in parameters.items() if value is not None}


def time_in(one: Mapping[str, Any], member: str) -> str:
    """The moment in a member as people read it; nothing where it is not there."""
    return as_local(one[member]) if one.get(member) else ""


def show_json(value: Any) -> None:
    """Show *value* as indented JSON."""
    click.echo(visible(msgspec.json.format(msgspec.json.encode(value)).decode()))


def visible(text: str) -> str:
    """*text* with escapes, as in JSON, for what a terminal would act upon; lines end where they did."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one == "\n" else json.dumps(one)[1:-1] for one in text)


def show_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str = "Nothing was found.") -> None:
    """Show *rows* beneath *columns*; what they hold is never read as markup, and nothing is cut.

    Where a terminal is too narrow cells go on below, but for the first: it names what other commands are told.
    """
    listed = [[escape("" if cell is None else visible(str(cell))) for cell in row] for row in rows]
    if not listed:
        click.echo(empty)
        return
    first, *others = columns
    named = Column(first, no_wrap=True, overflow="ignore")
    table = Table(named, *(Column(column, overflow="fold") for column in others), box=None)
    for row in listed:
        table.add_row(*row)
    console = Console(soft_wrap=False)
    if not console.is_terminal:
        console = Console(width=WIDE)
    console.print(table)


def whole(client: Client, path: Sequence[str], query: Mapping[str, str], member: str) -> dict[str, Any]:
    """The answer with all pages of *member* joined."""
    answer: dict[str, Any] = client.ask("GET", path, query=query)
    while "nextToken" in answer:
        more = client.ask("GET", path, query={**query, "nextToken": answer.pop("nextToken")})
        answer[member] += more[member]
        if "nextToken" in more:
            answer["nextToken"] = more["nextToken"]
    return answer
