"""`authority events` and `authority sessions`: what happened, and what lives; clients of the API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import click
import msgspec

from authority.accounts.trail import ListEvents, ListSessions
from authority.audit.streams import Form
from authority.cli.client import Client, as_local, client_options
from authority.cli.showing import account_option, given, output_option, show_json, show_table, time_in

NOT_FLAGS: Final = ("max_results", "next_token", "format", "follow")
"""Members of a listing that the command minds by itself."""
MOST_A_PAGE: Final = 100
TABLED: Final = 50
STREAMED: Final = tuple(form.value for form in Form if form is not Form.JSON)
MEANING: Final[Mapping[str, str]] = {
    "account": "Whose trail, by the account's id; * for the whole log (from the management account).",
    "order": "newest or oldest first.",
    "since": "Recorded at this moment or later.",
    "until": "Recorded before this moment.",
    "from_position": "At this position or after it.",
    "to_position": "At this position or before it.",
    "principal": "The ARN of who asked.",
    "principal_id": "The unique id of who asked.",
    "access_key_id": "The key that signed, or that was used in vain.",
    "session": "The session's access key id (ASIA...), wherever it takes part.",
    "session_name": "The name that the session was given.",
    "role": "The role, by unique id or ARN.",
    "action": "Such as iam:CreateRole or iam:*.",
    "outcome": "allowed, refused or a reason such as access-denied.",
    "source_address": "The IP address that it came from.",
    "status": "active, ended or all.",
    "descends_from": "The key or session at the beginning of the chain.",
    "source_identity": "The source identity that was set.",
    "min_depth": "Sessions in the chain, itself included; 2 for those that a session led to.",
}


def filter_options(listing: type[msgspec.Struct], **own: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A flag for each filter of *listing*, made from its fields so that none is forgotten; what *own* ones mean."""
    meaning = {**MEANING, **own}

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for field in reversed(msgspec.structs.fields(listing)):
            if field.name not in NOT_FLAGS:
                flag = f"--{field.name.replace('_', '-')}"
                command = click.option(
                    flag, f"filter_{field.encode_name}", default=None, metavar="TEXT", help=meaning.get(field.name)
                )(command)
        return command

    return add


def pages(client: Client, path: str, member: str, filters: dict[str, Any], limit: int) -> Iterator[dict[str, Any]]:
    """The first *limit* of what *path* lists, page after page."""
    query = _given(filters)
    while limit > 0:
        page = client.ask("GET", path, query={**query, "maxResults": str(min(limit, MOST_A_PAGE))})
        yield from page[member]
        limit -= len(page[member])
        if "nextToken" not in page:
            return
        query["nextToken"] = page["nextToken"]


@click.command()
@filter_options(ListEvents)
@click.option("--limit", type=click.IntRange(1), default=None, help="50 in a table; everything in another form.")
@click.option("--output", type=click.Choice(["table", *STREAMED]), default="table", show_default=True)
@click.option("--follow", is_flag=True, help="Go on with the events that come, one a line, until interrupted.")
@client_options
def events(*, client: Client, limit: int | None, output: str, follow: bool, **filters: Any) -> None:
    """Ask the audit trail; every filter that is given must hold.

    Times are ISO 8601.  An action is `iam:CreateRole` or `iam:*`, an outcome `allowed`, `refused` or a reason.  The
    management account asks for the whole log with --account '*'.  As jsonl, cloudtrail or ocsf everything comes, oldest
    first; what is cut short ends with an error.
    """
    if follow or output != "table":
        _streamed(client, filters, limit, "jsonl" if output == "table" else output, follow=follow)
        return
    found = pages(client, "/v1/events", "events", filters, limit or TABLED)
    rows = []
    for event in found:
        caller, outcome = event.get("caller") or {}, event["outcome"]
        rows.append(
            (
                event["position"],
                as_local(event["recordedAt"]),
                event["action"],
                caller.get("arn") or caller.get("principalId"),
                (event.get("request") or {}).get("sourceAddress"),
                outcome.get("reason") or outcome["result"],
                event.get("subject"),
            )
        )
    show_table(("Position", "Recorded (UTC)", "Action", "Who", "From", "Outcome", "About"), rows)


def _streamed(client: Client, filters: dict[str, Any], limit: int | None, form: str, *, follow: bool) -> None:
    """Print a stream as it comes."""
    query = _given(filters) | {"format": form}
    if limit is not None:
        query["maxResults"] = str(limit)
    if not follow:
        for piece in client.stream("/v1/events", query=query):
            click.echo(piece, nl=False)
        return
    ended = False
    for line in _lines(client.stream("/v1/events", query=query | {"follow": "true"})):
        if line.startswith(b"event: end"):
            ended = True
        elif line.startswith(b"data: ") and not ended:
            click.echo(line.removeprefix(b"data: "))
    if ended:
        raise click.ClickException("the authority stopped, or these credentials may not follow any more")


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines


def _given(filters: dict[str, Any]) -> dict[str, Any]:
    return {name.removeprefix("filter_"): value for name, value in filters.items() if value is not None}


@click.group()
def sessions() -> None:
    """Sessions: what was issued to whom, and whether it still counts."""


@sessions.command("list")
@filter_options(ListSessions, principal="Who took it, or whose key its chain began with, by ARN or unique id.")
@click.option("--limit", type=click.IntRange(1, 1_000_000), default=50, show_default=True)
@click.option("--output", type=click.Choice(["table", "jsonl"]), default="table", show_default=True)
@client_options
def list_command(client: Client, limit: int, output: str, **filters: Any) -> None:
    """List sessions; --status is `active`, `ended` or `all`."""
    found = pages(client, "/v1/sessions", "sessions", filters, limit)
    if output == "jsonl":
        for session in found:
            click.echo(msgspec.json.encode(session))
        return
    rows = [
        (
            session["accessKeyId"],
            session["status"],
            session.get("roleArn") or session.get("userArn") or session["arn"],
            session.get("sessionName"),
            session["caller"].get("arn") or session["caller"]["principalId"],
            as_local(session["issuedAt"]),
            as_local(session["expiresAt"]),
        )
        for session in found
    ]
    show_table(("Session", "Status", "Role or user", "Name", "Taken by", "Issued (UTC)", "Expires (UTC)"), rows)


@sessions.command()
@click.argument("access_key_id")
@account_option
@output_option()
@client_options
def show(*, client: Client, access_key_id: str, account: str | None, output: str) -> None:
    """Show the session ACCESS_KEY_ID (ASIA...): what it carries, what led to it, and whether it counts."""
    found = client.ask("GET", ("v1", "sessions", access_key_id), query=given(account=account))
    if output == "json":
        show_json(found)
        return
    session, lineage = found["session"], found["lineage"]
    show_table(("What", "Value"), _told(session, found))
    click.echo()
    columns = ("Led to it by", "Who", "Issued (UTC)", "Status")
    links = lineage["chain"][:-1]
    rows = [
        (one["accessKeyId"], one.get("arn", one["kind"]), time_in(one, "issuedAt"), one.get("status")) for one in links
    ]
    show_table(columns, rows, empty="No key led to it that may be seen.")


def _told(session: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What is said of a session, line by line; what it does not have is left out."""
    root = found["lineage"]["root"]
    ended = time_in(session, "endedAt")
    lines = (
        ("Session", session["arn"]),
        ("Counts", "yes" if found["valid"] else f"no: {found['why']}"),
        ("Role or user", session.get("roleArn") or session.get("userArn")),
        ("Taken by", session["caller"].get("arn") or session["caller"]["principalId"]),
        ("From", session.get("sourceAddress")),
        ("Goes back to", root.get("arn") or root.get("principalId")),
        ("Source identity", session.get("sourceIdentity")),
        ("External id", session.get("externalId")),
        ("Issued (UTC)", f"{time_in(session, 'issuedAt')}, entry {session['position']}"),
        ("Expires (UTC)", time_in(session, "expiresAt")),
        ("Ended (UTC)", f"{ended}, entry {session['endedPosition']}" if ended else None),
        ("Second factor (UTC)", time_in(session, "mfaAt")),
        ("Tags", ", ".join(f"{tag['Key']}={tag['Value']}" for tag in session.get("tags", ()))),
        ("Passed on", ", ".join(session.get("transitiveKeys", ()))),
        ("Policy", session.get("policy")),
    )
    yield from (line for line in lines if line[1])


@sessions.command()
@click.argument("access_key_id")
@click.option("--descendants", is_flag=True, help="Also every session that it led to.")
@client_options
def revoke(client: Client, access_key_id: str, *, descendants: bool) -> None:
    """End the session ACCESS_KEY_ID (ASIA...) at once."""
    client.ask("POST", ("v1", "sessions", access_key_id, "revoke"), body={"descendants": descendants})
    click.echo(f"{access_key_id} is revoked{', and everything that came of it' if descendants else ''}.")


@sessions.command("revoke-role")
@click.argument("role_name")
@client_options
def revoke_role(client: Client, role_name: str) -> None:
    """End every session of the role ROLE_NAME that was issued until now."""
    client.ask("POST", ("v1", "roles", role_name, "revoke-sessions"), body={})
    click.echo(f"Every session of {role_name} issued until now is revoked.")


@sessions.command("revoke-descendants")
@click.argument("access_key_id")
@client_options
def revoke_descendants(client: Client, access_key_id: str) -> None:
    """End everything that came of the key or session ACCESS_KEY_ID, however long the chain."""
    client.ask("POST", ("v1", "keys", access_key_id, "revoke-descendants"), body={})
    click.echo(f"Everything that came of {access_key_id} is revoked.")
