"""`authority what-if`: the past weighed again under other policies, in parts, with its progress shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from authority.cli import graphs
from authority.cli.client import Client, as_local, client_options
from authority.cli.showing import account_option, given, output_option, show_json, show_table

KINDS: Final = ("newlyDenied", "newlyAllowed", "undetermined", "never")
COUNTS: Final = (
    "requests", "decisions", "reweighed", "unreproduced", "newlyDeniedCount", "newlyAllowedCount", "undeterminedCount",
    "neverCount", "unlisted",
)  # fmt: skip
PATIENCE: Final = 3_600.0
"""Seconds that a cascade may take."""


def _files(name: str, kind: str, pairs: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Replacements from words like `TARGET=FILE`; an empty FILE is no document."""
    for pair in pairs:
        target, equals, file = pair.partition("=")
        if not equals or not target:
            raise click.BadParameter(f"`{pair}` is no TARGET=FILE", param_hint=name)
        yield from _one(kind, target, file)


def _one(kind: str, target: str, file: str) -> Iterator[dict[str, str]]:
    found = {"kind": kind, "target": target, "document": _text(file)}
    if kind == "inline":
        target, slash, policy = target.rpartition("/")
        if not slash:
            raise click.BadParameter("say whose it is: role/NAME/POLICY=FILE", param_hint="--inline")
        found |= {"target": target, "name": policy}
    if kind == "trust" and ":policy/" in target:
        found["kind"] = "policy"
    yield found


def _text(file: str) -> str:
    if not file:
        return ""
    path = Path(file)
    if not path.is_file():
        raise click.ClickException(f"there is no file {file}")
    return path.read_text("utf-8")


@click.command("what-if")
@click.option("--replace", multiple=True, metavar="ROLE=FILE", help="The trust policy of a role, or (by ARN) a policy.")
@click.option("--policy", multiple=True, metavar="POLICY=FILE", help="A managed policy.")
@click.option("--inline", multiple=True, metavar="role/NAME/POLICY=FILE", help="An inline policy; no FILE: without it.")
@click.option("--identity", multiple=True, metavar="user/NAME=FILE", help="All identity policies of somebody.")
@click.option(
    "--boundary", multiple=True, metavar="user/NAME=FILE", help="A permissions boundary; no FILE: without it."
)
@click.option("--control", multiple=True, metavar="FILE", help="A policy that limits everybody in the account.")
@click.option("--since", default=None, metavar="POSITION|TIME")
@click.option("--until", default=None, metavar="POSITION|TIME")
@click.option("--role", default=None, help="Only requests by or for this role (unique id or ARN).")
@click.option("--cascade", is_flag=True, help="Also what came of what would have been refused.")
@click.option(
    "--absent", multiple=True, metavar="KEY", help="A condition key that was absent where the record lacks it."
)
@click.option("--limit", type=click.IntRange(1, 1_000), default=100, show_default=True, help="Rows of each kind.")
@account_option
@output_option(*graphs.FORMS)
@client_options
def what_if(
    *,
    client: Client,
    control: tuple[str, ...],
    cascade: bool,
    absent: tuple[str, ...],
    limit: int,
    output: str,
    **more: Any,
) -> None:
    """Weigh recorded decisions again under other policies.

    Says what would be newly denied, newly allowed, and what cannot be told because the record lacks a key that the
    new policy reads.  Nothing is changed.  Without any replacement: whether all decisions come out as they did.
    """
    options = {
        "replace": "trust",
        "policy": "policy",
        "inline": "inline",
        "identity": "identity",
        "boundary": "boundary",
    }
    replaced = [one for name, kind in options.items() for one in _files(f"--{name}", kind, more.pop(name))]
    replaced += [{"kind": "control", "document": _text(file)} for file in control]
    body = {"replacements": replaced, "cascade": cascade, "absent": list(absent), "maxResults": limit, **given(**more)}
    answer = _joined(client, body, limit, quiet=output != "table")
    if output == "json":
        show_json(answer)
        return
    if output in graphs.FORMS:
        click.echo(graphs.FORMS[output](graphs.of_what_if(answer)), nl=False)
        return
    click.echo(
        f"{answer['requests']} requests with {answer['decisions']} decisions at positions {answer['since']} to "
        f"{answer['until']}; {answer['reweighed']} of them under other policies."
    )
    titles = {"newlyDenied": "Newly denied", "newlyAllowed": "Newly allowed", "undetermined": "Undetermined"}
    for kind, title in titles.items():
        click.echo(f"\n{title}: {answer[f'{kind}Count']}")
        if answer[kind]:
            show_table(("Position", "At (UTC)", "Who", "Action", "Resource", "Because"), map(_row, answer[kind]))
    if cascade:
        click.echo(f"\nWould never have been, or led to nothing: {answer['neverCount']}")
        if answer["never"]:
            show_table(
                ("Position", "At (UTC)", "Request", "Asked with", "About", "Follows from", "Sessions and keys"),
                map(_never, answer["never"]),
            )
    if answer["unlisted"]:
        click.echo(f"\n{answer['unlisted']} rows more are not listed; give a larger --limit.")


def _joined(client: Client, body: Mapping[str, Any], limit: int, *, quiet: bool) -> dict[str, Any]:
    """The answers to all parts of the log as one."""
    joined: dict[str, Any] = dict.fromkeys(COUNTS, 0) | {kind: [] for kind in KINDS}
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed} of {task.total} entries"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as progress:
        task = progress.add_task("weighing again", total=None)
        token = None
        while True:
            page = dict(body) if token is None else {**body, "nextToken": token}
            answer = client.ask("POST", "/v1/what-if", body=page, patience=PATIENCE)
            for name in COUNTS:
                joined[name] += answer.get(name, 0)
            for kind in KINDS:
                rows = answer.get(kind, [])
                fitting = rows[: limit - len(joined[kind])]
                joined[kind] += fitting
                joined["unlisted"] += len(rows) - len(fitting)
            joined.setdefault("since", answer["since"])
            joined["until"] = answer["until"]
            first, last = joined["since"], answer["last"]
            progress.update(task, completed=answer["until"] - first + 1, total=last - first + 1)
            token = answer.get("nextToken")
            if token is None:
                return joined


def _row(one: Mapping[str, Any]) -> tuple[Any, ...]:
    because = [f"{two['policy']} line {two.get('line', 0)}" for two in one.get("because", ())]
    why = ", ".join(one.get("unknown", ())) or ", ".join(because) or one.get("why") or one.get("becomes")
    return one["position"], as_local(one["at"]), one["principal"], one["action"], one["resource"], why


def _never(one: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        one["position"], as_local(one["at"]), one["request"], one.get("accessKeyId"), one.get("about"),
        one.get("because", one["position"]), ", ".join(one.get("sessions", ())),
    )  # fmt: skip
