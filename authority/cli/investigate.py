"""`authority investigate`: the questions that investigators ask, each a command; and containment."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import click

from authority.cli import graphs
from authority.cli.client import Client, client_options
from authority.cli.showing import account_option, given, output_option, show_json, show_table, time_in, visible, whole
from authority.replay.graph import Graph

Command = TypeVar("Command", bound=Callable[..., Any])

V1: Final = ("v1", "investigate")
PATIENCE: Final = 600.0
"""Seconds that a look at all of a part of the log may take."""


@click.group()
def investigate() -> None:
    """Ask the log: who is behind a credential, what it led to, who could and who did.

    Points of the log (--since, --until, --as-of, --at) are positions, times such as 2026-01-31T12:00:00Z, or `now`.
    """


def range_options(command: Command) -> Command:
    """Give a command `--since` and `--until`."""
    command = click.option("--until", default=None, metavar="POSITION|TIME", help="Up to there.")(command)
    return click.option("--since", default=None, metavar="POSITION|TIME", help="From there on.")(command)


def drawn_option(command: Command) -> Command:
    """Give a command `--output`, graphs included."""
    return output_option(*graphs.FORMS)(command)


def _show(
    answer: Any, output: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], graph: Callable[[Any], Graph]
) -> None:
    if output == "json":
        show_json(answer)
    elif output in graphs.FORMS:
        click.echo(graphs.FORMS[output](graph(answer)), nl=False)
    else:
        show_table(columns, rows)


def _said(values: Iterable[str] | None) -> str:
    return ", ".join(values or ())


@investigate.command()
@click.argument("access_key_id")
@account_option
@drawn_option
@client_options
def lineage(*, client: Client, access_key_id: str, account: str | None, output: str) -> None:
    """Say who is really behind a key or session."""
    answer = client.ask("GET", [*V1, "lineage", access_key_id], query=given(account=account))
    if output == "table":
        root = answer["root"]
        who = root.get("arn") or root.get("principalId") or "somebody who may not be seen"
        named = f", who calls himself {root['sourceIdentity']}" if "sourceIdentity" in root else ""
        click.echo(f"{access_key_id} goes back to {who}{named}.")
        for link in answer["chain"]:
            if "madeWith" in link:
                click.echo(f"{link['accessKeyId']} was made with {link['madeWith']}; ask about that, too.")
    columns = ("Access key", "Who", "Issued (UTC)", "Expires (UTC)", "Status", "From", "Position")
    rows = (
        (
            link["accessKeyId"], link.get("arn", link["kind"]), time_in(link, "issuedAt"), time_in(link, "expiresAt"),
            link.get("status"), link.get("sourceAddress"), link.get("position"),
        )
        for link in answer["chain"]
    )  # fmt: skip
    _show(answer, output, columns, rows, graphs.of_lineage)


@investigate.command("blast-radius")
@click.argument("access_key_id")
@range_options
@account_option
@drawn_option
@client_options
def blast_radius(*, client: Client, access_key_id: str, output: str, **more: str | None) -> None:
    """Say what a key or session led to, and what was done with all of it."""
    answer = client.ask("GET", [*V1, "blast-radius", access_key_id], query=given(**more), patience=PATIENCE)
    columns = ("Access key", "Came of", "Who", "Issued (UTC)", "Uses", "Refused", "Last used (UTC)")
    rows = (
        (
            "  " * one.get("depth", 0) + one["accessKeyId"], one.get("parent"), one.get("roleArn") or one.get("arn"),
            time_in(one, "issuedAt"), one.get("uses", 0), one.get("refused", 0), time_in(one, "lastUsed"),
        )
        for one in answer["credentials"]
    )  # fmt: skip
    _show(answer, output, columns, rows, graphs.of_radius)
    if output != "table":
        return
    click.echo(f"\nAccounts: {_said(answer['accounts'])}\nAddresses: {_said(answer['sourceAddresses'])}\n")
    if answer["changes"]:
        show_table(
            ("Position", "At (UTC)", "By", "Action", "Fact", "About"),
            ((one["position"], time_in(one, "at"), one["accessKeyId"], one["action"], one["fact"], one["about"])
             for one in answer["changes"]),
        )  # fmt: skip
        click.echo()
    show_table(
        ("Action", "Resource", "Outcome", "Count", "First (UTC)", "Last (UTC)"),
        ((one["action"], one["resource"], one["outcome"], one["count"], time_in(one, "first"), time_in(one, "last"))
         for one in answer["acts"]),
    )  # fmt: skip
    _cut(answer)


def _cut(answer: Mapping[str, Any]) -> None:
    if answer.get("cut"):
        click.echo("There is more than was followed; ask about a shorter part of the log.", err=True)


VALID: Final = ("Access key", "Who", "Account", "Counts", "Why", "Expires (UTC)")


def _standing(answer: Mapping[str, Any]) -> Iterable[Sequence[Any]]:
    for one in answer["credentials"]:
        counts = "yes" if one["valid"] else "no"
        yield one["accessKeyId"], one["arn"], one["account"], counts, one["why"], time_in(one, "expiresAt")


@investigate.command()
@click.argument("access_key_id")
@click.option("--since", default=None, metavar="POSITION|TIME", help="What it led to from there on.")
@click.option("--at", default="now", metavar="POSITION|TIME", show_default=True, help="When they are judged.")
@account_option
@drawn_option
@client_options
def valid(*, client: Client, access_key_id: str, output: str, **more: str | None) -> None:
    """Say which of a key or session and all that it led to count."""
    answer = client.ask("GET", [*V1, "valid", access_key_id], query=given(**more), patience=PATIENCE)
    _show(answer, output, VALID, _standing(answer), graphs.of_validity)
    if output == "table":
        click.echo(f"{answer['valid']} of {len(answer['credentials'])} count at position {answer['position']}.")
        _cut(answer)


@investigate.command()
@click.argument("access_key_id")
@account_option
@drawn_option
@client_options
def contain(*, client: Client, access_key_id: str, account: str | None, output: str) -> None:
    """End a key or session and all that it led to, and show that nothing of it counts any more.

    Long-term keys become inactive, sessions are revoked in every account.  Exits with 1 when something still counts.
    """
    left = math.inf
    while True:
        answer = client.ask(
            "POST", "/v1/contain", body={"id": access_key_id} | given(account=account), patience=PATIENCE
        )
        if not 0 < answer["valid"] < left:
            break
        left = answer["valid"]  # what came in between, or did not fit into one entry
    _show(answer, output, VALID, _standing(answer), graphs.of_validity)
    if output == "table":
        click.echo(f"{answer['valid']} of {len(answer['credentials'])} count at position {answer['position']}.")
        _cut(answer)
    if answer["valid"] or answer["cut"]:
        sys.exit(1)


@investigate.command()
@click.argument("whoever")
@range_options
@account_option
@drawn_option
@client_options
def sources(*, client: Client, whoever: str, output: str, **more: str | None) -> None:
    """Say from where a key, session or principal (ARN, unique id) was used."""
    answer = client.ask("GET", [*V1, "sources", whoever], query=given(**more), patience=PATIENCE)
    rows = (
        (
            one["accessKeyId"], one["sourceAddress"], one.get("userAgent"), "yes" if one["proven"] else "no",
            one["count"], one["refused"], time_in(one, "first"), time_in(one, "last"),
            f"{one['secondsAfterFirst']:.0f} s" if "secondsAfterFirst" in one else "",
        )
        for one in answer["sources"]
    )  # fmt: skip
    columns = (
        "Access key",
        "From",
        "Program",
        "Proven",
        "Count",
        "Refused",
        "First (UTC)",
        "Last (UTC)",
        "After first",
    )
    _show(answer, output, columns, rows, graphs.of_sources)


@investigate.command()
@click.option("--min-depth", default=2, show_default=True, help="Sessions in the chain.")
@click.option("--cycles", is_flag=True, help="Only chains that come to a role twice.")
@range_options
@account_option
@drawn_option
@client_options
def chains(*, client: Client, min_depth: int, cycles: bool, output: str, **more: str | None) -> None:
    """List the paths that were gone from role to role."""
    query = given(minDepth=min_depth, cycles="true" if cycles else None, **more)
    answer = client.ask("GET", [*V1, "chains"], query=query, patience=PATIENCE)
    rows = (
        (
            one["depth"], one["count"], one["rootPrincipal"], " > ".join(one["path"]), len(one["accounts"]),
            "yes" if one.get("cycle") else "", time_in(one, "last"), one["sample"],
        )
        for one in answer["chains"]
    )  # fmt: skip
    columns = ("Depth", "Count", "Root", "Path", "Accounts", "Cycle", "Last (UTC)", "Newest")
    _show(answer, output, columns, rows, graphs.of_chains)


@investigate.command("first-seen")
@click.option("--since", required=True, metavar="POSITION|TIME", help="New since when.")
@click.option("--until", default=None, metavar="POSITION|TIME", help="Up to there.")
@account_option
@drawn_option
@client_options
def first_seen(*, client: Client, output: str, **more: str | None) -> None:
    """List what somebody did that he never did before: a role, an action, an address."""
    answer = client.ask("GET", [*V1, "first-seen"], query=given(**more), patience=PATIENCE)
    rows = (
        (
            one["position"], time_in(one, "at"), one.get("principal") or one["principalId"], one["kind"], one["value"],
            one["count"],
        )
        for one in answer["firstSeen"]
    )  # fmt: skip
    _show(answer, output, ("Position", "At (UTC)", "Who", "New", "What", "Count"), rows, graphs.of_first_seen)


@investigate.command()
@click.argument("whoever")
@click.option("--with-denials", is_flag=True, help="Tell what was refused too.")
@range_options
@account_option
@drawn_option
@client_options
def timeline(*, client: Client, whoever: str, with_denials: bool, output: str, **more: str | None) -> None:
    """Tell what a key, session or principal did, in order."""
    query = given(withDenials="true" if with_denials else None, maxResults="1000", **more)
    answer = whole(client, [*V1, "timeline", whoever], query, "moments")
    if output != "table":
        _show(answer, output, (), (), graphs.of_timeline)
        return
    show_table(
        ("Position", "At (UTC)", "Action", "About", "Outcome", "From", "Refused before", "Made"),
        (
            (
                one["position"], time_in(one, "at"), one["action"], one.get("about"), one["outcome"],
                one.get("sourceAddress"), one.get("refusedBefore", ""),
                _said((*one.get("made", ()), *one.get("ledTo", ()))),
            )
            for one in answer["moments"]
        ),
    )  # fmt: skip


@investigate.command("dead-keys")
@range_options
@account_option
@drawn_option
@client_options
def dead_keys(*, client: Client, output: str, **more: str | None) -> None:
    """List attempts with credentials that count no more."""
    answer = client.ask("GET", [*V1, "dead-keys"], query=given(**more), patience=PATIENCE)
    if output != "table":
        _show(answer, output, (), (), graphs.of_dead_keys)
        return
    show_table(
        ("Access key", "Status", "Account", "From", "Action", "Reason", "Count", "First (UTC)", "Last (UTC)"),
        (
            (
                one["accessKeyId"], one["status"], one.get("account"), one["sourceAddress"], one["action"],
                one["reason"], one["count"], time_in(one, "first"), time_in(one, "last"),
            )
            for one in answer["uses"]
        ),
    )  # fmt: skip


@investigate.command("who-can-assume")
@click.argument("role")
@click.option("--as-of", "as_of", default="now", show_default=True, metavar="POSITION|TIME")
@account_option
@drawn_option
@client_options
def who_can_assume(*, client: Client, role: str, as_of: str, account: str | None, output: str) -> None:
    """List everybody who could take ROLE (name, unique id or ARN) on."""
    answer = client.ask("GET", [*V1, "who-can-assume", role], query=given(asOf=as_of, account=account))
    rows = (
        (one["principal"], one["kind"], one.get("account"), "yes" if one["always"] else "if", _said(one.get("ifKeys")))
        for one in answer["able"]
    )
    _show(answer, output, ("Who", "Kind", "Account", "Can", "Keys that decide"), rows, graphs.of_who_can)


@investigate.command("external-access")
@click.option("--as-of", "as_of", default="now", show_default=True, metavar="POSITION|TIME")
@account_option
@drawn_option
@client_options
def external_access(*, client: Client, as_of: str, account: str | None, output: str) -> None:
    """List whom trust policies name beyond their own account, and what is amiss about it."""
    answer = client.ask("GET", [*V1, "external-access"], query=given(asOf=as_of, account=account))
    rows = (
        (
            one["role"], one["principal"], one["what"], "yes" if one.get("externalId") else "",
            _said(one.get("ifKeys")), f"{one['statement']} (line {one['line']})", one.get("concern"),
        )
        for one in answer["openings"]
    )  # fmt: skip
    columns = ("Role", "Principal", "What", "External id", "Conditions", "Statement", "Concern")
    _show(answer, output, columns, rows, graphs.of_openings)


@investigate.command()
@click.argument("role")
@click.option("--change", type=click.IntRange(1), default=None, help="Only the change at this position.")
@account_option
@drawn_option
@client_options
def exposure(*, client: Client, role: str, change: int | None, account: str | None, output: str) -> None:
    """Say who changed the trust policy of ROLE and how, and which sessions were issued while it was so."""
    answer = client.ask("GET", [*V1, "exposure", role], query=given(change=change, account=account), patience=PATIENCE)
    if output != "table":
        _show(answer, output, (), (), graphs.of_exposure)
        return
    for window in answer["windows"]:
        closed = f"until position {window['closed']}" if "closed" in window else "until now"
        by = window["by"].get("arn") or window["by"].get("principalId") or "the authority itself"
        click.echo(f"Position {window['position']}, {time_in(window, 'at')} UTC, {window['action']} by {by}, {closed}:")
        for words in window["words"]:
            click.echo(f"  {visible(words)}")
        show_table(
            ("Session", "Position", "At (UTC)", "Taken by", "From", "Only because of this change"),
            (
                (
                    one["accessKeyId"], one["position"], time_in(one, "at"),
                    one["caller"].get("arn") or one["caller"].get("principalId"), one.get("sourceAddress"),
                    {True: "yes", False: "no", None: "cannot be told"}[one.get("onlyBecause")],
                )
                for one in window.get("sessions", ())
            ),
            empty="  No session was issued.",
        )  # fmt: skip
        click.echo()


@investigate.command("least-privilege")
@click.argument("whoever")
@range_options
@account_option
@output_option("policy", *graphs.FORMS)
@client_options
def least_privilege(*, client: Client, whoever: str, output: str, **more: str | None) -> None:
    """Say what a user or role (ARN, unique id) used, and propose a policy that gives no more.

    With --output policy: nothing but the document, as PutRolePolicy takes it.
    """
    answer = client.ask("GET", [*V1, "least-privilege", whoever], query=given(**more), patience=PATIENCE)
    if output == "policy":
        show_json(answer["policy"])
        return
    if output != "table":
        _show(answer, output, (), (), graphs.of_least_privilege)
        return
    show_table(
        ("Action", "Count", "Last (UTC)", "Resources"),
        ((one["action"], one["count"], time_in(one, "last"), _said(one["resources"])) for one in answer["used"]),
        empty="Nothing was used.",
    )
    click.echo()
    show_table(
        ("Statement that nothing needed", "Of", "Line"),
        ((one["policy"], one.get("sid") or one.get("index", 0), one.get("line")) for one in answer["unneeded"]),
        empty="Every statement was needed.",
    )


@investigate.command()
@click.option("--since", required=True, metavar="POSITION|TIME", help="Used since when.")
@account_option
@drawn_option
@client_options
def unused(*, client: Client, since: str, account: str | None, output: str) -> None:
    """List roles, keys, entries of trust policies and permissions that nobody used."""
    answer = client.ask("GET", [*V1, "unused"], query=given(since=since, account=account), patience=PATIENCE)
    if output != "table":
        _show(answer, output, (), (), graphs.of_unused)
        return
    show_table(
        ("What", "Account", "Name", "Of", "Where", "Last used (UTC)"),
        (
            (one["what"], one["account"], one["name"], one.get("owner"), one.get("detail"), time_in(one, "lastUsed"))
            for one in answer["unused"]
        ),
        empty="Everything was used.",
    )


@investigate.command()
@click.argument("text", required=False)
@click.option("--access-key-id", default=None, help="Of a session whose secret or token it may be.")
@account_option
@output_option()
@client_options
def whose(*, client: Client, text: str | None, access_key_id: str | None, account: str | None, output: str) -> None:
    """Say whether a leaked text is, or holds, a credential of ours; from standard input unless TEXT is given.

    It is sent signed, is never recorded, and is forgotten with the answer.  Exits with 1 when nothing was recognised.
    """
    leaked = sys.stdin.read() if text is None or text == "-" else text
    body = {"secret": leaked.strip()} | given(accessKeyId=access_key_id, account=account)
    answer = client.ask("POST", "/v1/whose", body=body)
    if output == "json":
        show_json(answer)
    else:
        show_table(
            ("Recognised", "Access key", "Account", "Whose", "Counts", "Why"),
            (
                (
                    one["what"], one["accessKeyId"], one["account"], one.get("principal"),
                    "yes" if one["valid"] else "no", one["why"],
                )
                for one in answer["found"]
            ),
            empty="It is nothing of ours that may be seen.",
        )  # fmt: skip
    if not answer["found"]:
        sys.exit(1)
