"""The IAM guide's story, told while it happens: run by `ops/demo`."""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.table import Table

from authority.kernel.secret import Secret
from authority.wire.request import Received
from authority.wire.sigv4 import Credentials, Proof, sign, unverified_proof

console = Console(highlight=False)
ENDPOINT = os.environ.get("AWS_ENDPOINT_URL", "")
REGION = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
BUCKET = "arn:aws:s3:::productionapp"


def tell(text: str) -> None:
    console.print(f"\n[bold]{text}[/bold]")


def show(text: str) -> None:
    console.print(f"    {text}")


class Keys:
    """What one person or program signs with."""

    def __init__(self, access_key_id: str, secret: str, token: str | None = None) -> None:
        self.credentials = Credentials(access_key_id, Secret(secret), None if token is None else Secret(token))
        self.boto3 = {
            "aws_access_key_id": access_key_id,
            "aws_secret_access_key": secret,
            "aws_session_token": token,
        }

    @classmethod
    def of(cls, answer: dict[str, Any]) -> Keys:
        return cls(answer["AccessKeyId"], answer["SecretAccessKey"], answer.get("SessionToken"))

    def client(self, service: str) -> Any:
        config = Config(retries={"total_max_attempts": 1})
        return boto3.client(service, endpoint_url=ENDPOINT, region_name=REGION, config=config, **self.boto3)

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """One signed request to the authority's own API."""
        content = b"" if body is None else json.dumps(body).encode()
        headers = {} if body is None else {"Content-Type": "application/json"}
        url = ENDPOINT.rstrip("/") + path
        now = datetime.now(UTC)
        signed = sign(
            method, url, headers, content, credentials=self.credentials, region=REGION, service="authority", now=now
        )
        request = urllib.request.Request(url, content or None, signed, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **one} for one in statements]})


def account(administrator: Keys, name: str) -> tuple[str, Keys]:
    made = administrator.ask("POST", "/v1/accounts", {"name": name, "administrator": "Administrator"})
    who = made["administrator"]
    return made["account"]["id"], Keys(who["accessKeyId"], who["secretAccessKey"])


def user(iam: Any, name: str, *groups: str) -> Keys:
    iam.create_user(UserName=name)
    for group in groups:
        iam.add_user_to_group(GroupName=group, UserName=name)
    return Keys.of(iam.create_access_key(UserName=name)["AccessKey"])


def storage_server_asks(server: Keys, client: Keys, action: str, resource: str) -> bool:
    """What a resource server does: it passes on what its own client signed, and is told yes or no."""
    service = action.partition(":")[0]
    url = f"http://{service}.production.example/"
    headers = sign(
        "GET", url, {}, b"", credentials=client.credentials, region=REGION, service=service, now=datetime.now(UTC)
    )
    raw = tuple((name.encode(), value.encode()) for name, value in headers.items())
    proof = unverified_proof(Received("GET", b"/", raw, b"", ""))
    if not isinstance(proof, Proof):
        raise TypeError(proof)
    signed = {
        "accessKeyId": proof.access_key_id,
        "stringToSign": proof.string_to_sign.decode(),
        "credentialScope": f"{proof.date}/{proof.region}/{proof.service}/aws4_request",
        "signature": proof.signature,
    }
    if proof.session_token is not None:
        signed["sessionToken"] = proof.session_token
    question = {
        "subject": {"type": "aws", "id": proof.access_key_id, "properties": signed},
        "action": {"name": action},
        "resource": {"type": service, "id": resource},
    }
    answer = server.ask("POST", "/access/v1/evaluation", question)
    word = "[green]yes[/green]" if answer["decision"] else "[red]no[/red] "
    show(f"{word} {action} on {resource}")
    return answer["decision"]


def refused(what: str, call: Any, **parameters: Any) -> None:
    try:
        call(**parameters)
    except ClientError as error:
        show(f"[red]{error.response['Error']['Code']}[/red]: {error.response['Error']['Message']}")
    else:
        raise SystemExit(f"{what} was not refused")


def expect(condition: bool, what: str) -> None:
    if not condition:
        raise SystemExit(f"the story went wrong: {what}")


def play(administrator: Keys) -> None:
    who = administrator.client("sts").get_caller_identity()
    tell(f"You are {who['Arn']}.")

    tell("Two accounts are made: Production and Development, each with an administrator of its own.")
    production, of_production = account(administrator, "Production")
    development, of_development = account(administrator, "Development")
    show(f"Production {production}, Development {development}")

    tell("Production's administrator makes the role UpdateAPP, which Development may take on, and says what it may do.")
    iam = of_production.client("iam")
    role = iam.create_role(
        RoleName="UpdateAPP",
        AssumeRolePolicyDocument=policy(
            {"Principal": {"AWS": f"arn:aws:iam::{development}:root"}, "Action": "sts:AssumeRole"}
        ),
    )["Role"]["Arn"]
    bucket_policy = iam.create_policy(
        PolicyName="read-write-app-bucket",
        PolicyDocument=policy(
            {"Action": "s3:ListBucket", "Resource": BUCKET},
            {"Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"{BUCKET}/*"},
        ),
    )["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="UpdateAPP", PolicyArn=bucket_policy)
    iam.create_user(UserName="StorageServer")
    iam.put_user_policy(
        UserName="StorageServer",
        PolicyName="ask",
        PolicyDocument=policy({"Action": "authority:Evaluate", "Resource": "*"}),
    )
    server = Keys.of(iam.create_access_key(UserName="StorageServer")["AccessKey"])
    show(role)

    tell("Development's administrator lets the group Developers take it on.  Testers may not.")
    iam = of_development.client("iam")
    iam.create_group(GroupName="Developers")
    iam.create_group(GroupName="Testers")
    iam.put_group_policy(
        GroupName="Developers",
        PolicyName="take-UpdateAPP",
        PolicyDocument=policy({"Action": "sts:AssumeRole", "Resource": role}),
    )
    david, theresa = user(iam, "David", "Developers"), user(iam, "Theresa", "Testers")

    tell("David, a developer, takes UpdateAPP on.")
    session = Keys.of(
        david.client("sts").assume_role(RoleArn=role, RoleSessionName="david", DurationSeconds=900)["Credentials"]
    )
    show(session.client("sts").get_caller_identity()["Arn"])

    tell("Production's storage server asks the authority about what David's session signed:")
    expect(storage_server_asks(server, session, "s3:GetObject", f"{BUCKET}/release.tar"), "he may read")
    expect(storage_server_asks(server, session, "s3:PutObject", f"{BUCKET}/release.tar"), "he may write")
    expect(not storage_server_asks(server, session, "s3:GetObject", "arn:aws:s3:::payroll/2026.csv"), "nothing else")
    expect(not storage_server_asks(server, session, "s3:DeleteBucket", BUCKET), "nothing else")

    tell("With his own key David opens nothing there:")
    expect(not storage_server_asks(server, david, "s3:GetObject", f"{BUCKET}/release.tar"), "not by himself")

    tell("Theresa, a tester, is refused, and cannot tell whether the role exists:")
    refused("Theresa", theresa.client("sts").assume_role, RoleArn=role, RoleSessionName="theresa")
    refused(
        "Theresa",
        theresa.client("sts").assume_role,
        RoleArn=role.replace("UpdateAPP", "Nothing"),
        RoleSessionName="theresa",
    )

    tell("Production's administrator takes the policy off the role.  David's session notices at once:")
    of_production.client("iam").detach_role_policy(RoleName="UpdateAPP", PolicyArn=bucket_policy)
    expect(not storage_server_asks(server, session, "s3:GetObject", f"{BUCKET}/release.tar"), "revoked at once")

    tell("What Production's trail says of it, the newest first:")
    events = of_production.ask("GET", "/v1/events?maxResults=12")["events"]
    table = Table("Position", "Action", "Who", "Outcome", box=None, pad_edge=False)
    for event in events:
        caller = event.get("caller") or {}
        name = caller.get("arn", "").rpartition(":")[2] or caller.get("principalId", "")
        table.add_row(str(event["position"]), event["action"], name, event["outcome"]["result"])
    console.print(table)

    tell("David's session is among those that live; in fifteen minutes the log says that it ended.")
    for one in of_production.ask("GET", "/v1/sessions?status=active")["sessions"]:
        show(f"{one['accessKeyId']} expires at {one['expiresAt']}")
    tell("Now fold the whole log again from zero and hold it against what is served:  authority replay")


def main() -> None:
    if not (ENDPOINT and os.environ.get("AWS_ACCESS_KEY_ID") and os.environ.get("AWS_SECRET_ACCESS_KEY")):
        sys.exit("ops/demo: paste the exports that `ops/serve` printed when it made the authority, then run this again")
    try:
        play(
            Keys(
                os.environ["AWS_ACCESS_KEY_ID"],
                os.environ["AWS_SECRET_ACCESS_KEY"],
                os.environ.get("AWS_SESSION_TOKEN"),
            )
        )
    except urllib.error.HTTPError as error:
        sys.exit(f"ops/demo: {error.read().decode(errors='replace')}")
    except (BotoCoreError, ClientError, OSError) as error:
        sys.exit(f"ops/demo: {ENDPOINT}: {error}")


if __name__ == "__main__":
    main()
