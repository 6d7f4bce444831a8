"""`authority as-of`, `diff`, `history` and `restore`: time travel, as a client of the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import click

from authority.accounts.travelling import FOLLOWED, RESTORED, SHOWN
from authority.cli import graphs
from authority.cli.client import Client, as_local, client_options
from authority.cli.showing import account_option, given, output_option, show_json, show_table, visible, whole

COLUMNS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "accounts": (("Id", "id"), ("Name", "name"), ("Created (UTC)", "createdAt"), ("Closed (UTC)", "closedAt")),
    "access-keys": (("Id", "id"), ("User", "user"), ("Status", "status"), ("Created (UTC)", "createdAt")),
    "sessions": (
        ("Access key", "accessKeyId"), ("Session", "arn"), ("By", "caller.arn"), ("Issued (UTC)", "issuedAt"),
        ("Expires (UTC)", "expiresAt"), ("Position", "position"),
    ),
}  # fmt: skip
USUAL: Final = (("Name", "name"), ("Id", "id"), ("ARN", "arn"), ("Created (UTC)", "createdAt"))
TIMES: Final = frozenset({"createdAt", "closedAt", "issuedAt", "expiresAt"})


@click.command("as-of")
@click.argument("when", metavar="POSITION|TIME")
@click.argument("kind", required=False, type=click.Choice(SHOWN))
@click.argument("name", required=False)
@click.option("--role", default=None, help="Sessions of this role only (unique id or ARN).")
@click.option("--principal", default=None, help="Sessions of this principal only (unique id or ARN).")
@account_option
@output_option()
@client_options
def as_of(*, client: Client, when: str, kind: str | None, name: str | None, output: str, **more: str | None) -> None:
    """Show what was true at a position of the log or a moment.

    Without KIND: how many things there were of each.  With NAME: one of them, whole.
    """
    path = ["v1", "as-of", *(part for part in (when, kind, name) if part is not None)]
    if name is not None and kind is None:
        raise click.UsageError("say of which kind it is")
    answer = whole(client, path, given(**more), "items")
    if output == "json":
        show_json(answer)
        return
    click.echo(f"As of position {answer['position']}, {as_local(answer['at'])} UTC")
    if kind is None:
        show_table(("Kind", "Count"), answer["counts"].items())
    elif name is not None and kind != "sessions":
        show_json(answer["items"])
    else:
        columns = COLUMNS.get(kind, USUAL)
        rows = ([_cell(item, member) for _, member in columns] for item in answer.get("items", ()))
        show_table([title for title, _ in columns], rows)


def _cell(item: Any, member: str) -> Any:
    value = item
    for part in member.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return as_local(value) if member in TIMES and value else value


@click.command()
@click.argument("before", metavar="POSITION|TIME")
@click.argument("after", metavar="POSITION|TIME", default="now")
@account_option
@output_option()
@client_options
def diff(*, client: Client, before: str, after: str, account: str | None, output: str) -> None:
    """Say what changed between two points of the log: in words, or as JSON patches (RFC 6902)."""
    answer = client.ask("GET", "/v1/diff", query=given(before=before, after=after, account=account))
    if output == "json":
        show_json(answer)
        return
    points = " and ".join(
        f"{answer[end]['position']} ({as_local(answer[end]['at'])} UTC)" for end in ("before", "after")
    )
    if not answer["words"]:
        click.echo(f"Nothing differs between positions {points}.")
        return
    click.echo(f"Between positions {points}:")
    for sentence in answer["words"]:
        click.echo(f"  {visible(sentence)}")


@click.command()
@click.argument("kind", type=click.Choice(FOLLOWED))
@click.argument("name")
@account_option
@output_option(*graphs.FORMS)
@client_options
def history(*, client: Client, kind: str, name: str, account: str | None, output: str) -> None:
    """Say who changed what bears or bore NAME (or has it for its unique id), when, and what."""
    answer = client.ask("GET", ["v1", "history", kind, name], query=given(account=account))
    if output == "json":
        show_json(answer)
        return
    if output in graphs.FORMS:
        click.echo(graphs.FORMS[output](graphs.of_history(answer)), nl=False)
        return
    for life in answer["lives"]:
        ended = f"gone since position {life['ended']}" if "ended" in life else "there now"
        click.echo(f"{life['kind']} {life['name']} ({life['id']}) of {life['account']}, {ended}")
        rows = []
        for turn in life["turns"]:
            by = turn["by"].get("arn") or turn["by"].get("principalId") or "the authority itself"
            for number, words in enumerate(turn["words"]):
                first = (turn["position"], as_local(turn["at"]), by, turn["action"])
                rows.append((*(first if number == 0 else ("",) * 4), words))
        show_table(("Position", "At (UTC)", "By", "Action", "Change"), rows)
        click.echo()


@click.command()
@click.argument("kind", type=click.Choice(RESTORED))
@click.argument("name")
@click.option("--as-of", "as_of", required=True, metavar="POSITION|TIME", help="When it was as it shall be again.")
@account_option
@output_option()
@client_options
def restore(*, client: Client, kind: str, name: str, as_of: str, account: str | None, output: str) -> None:
    """Print the AWS CLI commands that make a role, user, group or policy again as it was.

    Nothing is changed: read them, then run them.  What is made again has another unique id.
    """
    answer = client.ask("GET", ["v1", "restore", kind, name], query=given(asOf=as_of, account=account))
    if output == "json":
        show_json(answer)
    else:
        click.echo(answer["script"] or "# nothing has to be done: it is as it was\n", nl=False)
