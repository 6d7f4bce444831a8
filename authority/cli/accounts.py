"""`authority account`: a client of the API."""

from __future__ import annotations

import click

from authority.cli.client import Client, as_local, client_options
from authority.cli.showing import show_json, show_table


@click.group()
def account() -> None:
    """Accounts of the authority; needs a principal of the management account."""


@account.command()
@click.argument("name")
@click.option("--id", "account_id", default=None, help="Twelve digits; drawn at random when not given.")
@click.option("--email", default=None)
@click.option("--administrator", default=None, metavar="NAME", help="Also make this user, with a key shown once.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@client_options
def create(
    *, client: Client, name: str, account_id: str | None, email: str | None, administrator: str | None, output: str
) -> None:
    """Make an account called NAME."""
    wanted = {"name": name, "accountId": account_id, "email": email, "administrator": administrator}
    made = client.ask("POST", "/v1/accounts", body={key: value for key, value in wanted.items() if value is not None})
    if output == "json":
        show_json(made)
        return
    click.echo(f"Account {made['account']['id']} ({name}) was made.")
    click.echo(f"The management account enters it through {made['accessRoleArn']}.")
    if "administrator" in made:
        who = made["administrator"]
        click.echo(f"Its administrator is {who['userArn']}; the secret key is shown only now:\n")
        click.echo(f"    export AWS_ACCESS_KEY_ID={who['accessKeyId']}")
        click.echo(f"    export AWS_SECRET_ACCESS_KEY={who['secretAccessKey']}\n")


@account.command("list")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@client_options
def list_command(client: Client, output: str) -> None:
    """List all accounts."""
    accounts = []
    query: dict[str, str] = {}
    while True:
        page = client.ask("GET", "/v1/accounts", query=query)
        accounts += page["accounts"]
        if "nextToken" not in page:
            break
        query = {"nextToken": page["nextToken"]}
    if output == "json":
        show_json({"accounts": accounts})
        return
    rows = [(one["id"], one["name"], one.get("email"), as_local(one["createdAt"])) for one in accounts]
    show_table(("Id", "Name", "Email", "Created (UTC)"), rows)
