"""Rows of operations: what was there, what is called, what is answered, what is there then.  Each in an account of its own."""

from __future__ import annotations

import base64
import functools
import itertools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

from authority.kernel.secret import Secret
from authority.outbound.clock import SystemClock
from authority.principals.totp import code_at, counter_at
from tests.judging import judge
from tests.live import REGION, Keys, Live
from tests.wire.models import described

NUMBERS: Final = itertools.count(1)
SPOKEN: Final = ("iam", "sts", "organizations")
"""The services that the rows are about."""


@dataclass(frozen=True)
class Call:
    """One call.  `{name}` in a text, and a function of all names, stand for what earlier calls brought.

    *keep* gives names to parts of the answer: `{"key": "AccessKey.AccessKeyId"}`.  *by* names whoever signs: `boss`,
    who may do everything in the account, `owner`, who administers the whole authority, or one of `signers`.
    """

    operation: str
    wanted: Mapping[str, Any]
    keep: Mapping[str, str] = field(default_factory=dict)
    by: str = "boss"

    def keeping(self, **names: str) -> Call:
        return Call(self.operation, self.wanted, names, self.by)

    def signed_by(self, who: str) -> Call:
        return Call(self.operation, self.wanted, self.keep, who)


def call(operation: str, **wanted: Any) -> Call:
    return Call(operation, wanted)


@dataclass(frozen=True)
class Fails:
    """An error's code, and a text that its message contains."""

    code: str
    says: str = ""


@dataclass(frozen=True)
class Like:
    """Any value that a test likes."""

    name: str
    likes: Callable[[Any], bool]

    def __repr__(self) -> str:
        return f"<{self.name}>"


def kind(prefix: str) -> Like:
    """A unique id of a kind."""
    return Like(f"{prefix}...", lambda value: re.fullmatch(rf"{prefix}[A-Z2-7]{{12,}}", value) is not None)


def list_of(*items: Any) -> Like:
    """A list of these, in any order."""
    wanted = list(items)
    return Like(f"in any order {wanted}", lambda value: sorted(value, key=repr) == sorted(wanted, key=repr))


A_DATE: Final = Like("a date", lambda value: isinstance(value, datetime) and value.tzinfo is not None)
A_TEXT: Final = Like("a text", lambda value: isinstance(value, str) and value != "")
A_LIST: Final = Like("a list", lambda value: isinstance(value, list))
A_COUNT: Final = Like("a number", lambda value: isinstance(value, int))
ANYTHING: Final = Like("anything", lambda value: True)
NOTHING: Final[Mapping[str, Any]] = {}
WHOLE: Final = {"IsTruncated": False}


@dataclass(frozen=True)
class Row:
    """A sentence, and what makes it true."""

    says: str
    when: Call
    gives: Mapping[str, Any] | Fails | None
    given: Sequence[Call] = ()
    then: Sequence[tuple[Call, Mapping[str, Any] | Fails]] = ()
    quotas: Mapping[str, int] = field(default_factory=dict)


def row(
    says: str,
    when: Call,
    gives: Mapping[str, Any] | Fails = NOTHING,
    *,
    given: Sequence[Call] = (),
    then: Sequence[tuple[Call, Mapping[str, Any] | Fails]] = (),
    **quotas: int,
) -> Row:
    return Row(says, when, gives, given, then, quotas)


def policy(*statements: Mapping[str, Any]) -> str:
    """A document; statements allow unless they say otherwise."""
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **one} for one in statements]})


ALL: Final = policy({"Action": "*", "Resource": "*"})
READ: Final = policy({"Action": "s3:Get*", "Resource": "*"})
TRUST: Final = policy({"Principal": {"AWS": "arn:aws:iam::{account}:root"}, "Action": "sts:AssumeRole"})
TAGS: Final = [{"Key": "Cost", "Value": "7 = a+b é"}, {"Key": "Team", "Value": ""}]


def code(step: int = 0) -> Callable[[Mapping[str, Any]], str]:
    """The one-time code of the seed kept as `seed`, *step* steps from now."""

    def shown(names: Mapping[str, Any]) -> str:
        seed = names["seed"]
        raw = base64.b32decode(seed if isinstance(seed, bytes) else seed.encode())
        return code_at(Secret(raw), counter_at(SystemClock().now()) + step)

    return shown


def service_of(operation: str) -> str:
    """The service of an operation; of two that have one the first, unless the name says which: `service:Operation`."""
    service, colon, _ = operation.rpartition(":")
    if colon:
        return service
    for service in SPOKEN:
        if operation in described(service).operation_names:
            return service
    raise LookupError(operation)


def model_of(operation: str) -> Any:
    return described(service_of(operation)).operation_model(operation.rpartition(":")[2])


class Pen:
    """One client for each service of one authority, which signs with the keys that it is handed for a call."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = boto3.session.Session(aws_access_key_id="-", aws_secret_access_key="-")
        self._clients: dict[str, Any] = {}

    def client(self, service: str, keys: Keys) -> Any:
        credentials = self._session.get_credentials()
        credentials.access_key, credentials.secret_key = keys.access_key_id, keys.secret
        credentials.token = keys.token
        if service not in self._clients:
            config = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
            made = self._session.client(service, region_name=REGION, endpoint_url=self.url, config=config)
            made.meta.events.register("after-call", judge)
            self._clients[service] = made
        return self._clients[service]


@functools.lru_cache(maxsize=1)
def pen(url: str) -> Pen:
    """The pen of the authority that is there now."""
    return Pen(url)


class Place:
    """An account, whoever may do everything in it, and the names of what was brought into it."""

    def __init__(self, live: Live, quotas: Mapping[str, int]) -> None:
        self.live = live
        status, made = live.ask(
            "POST", "/v1/accounts", body={"name": f"Account {next(NUMBERS)}", "administrator": "boss"}
        )
        assert status == 200, made
        keys = made["administrator"]
        self.names: dict[str, Any] = {"account": made["account"]["id"], "boss": keys["accessKeyId"]}
        self.iam = f"arn:aws:iam::{self.names['account']}"
        self.signers = {"boss": Keys(keys["accessKeyId"], keys["secretAccessKey"]), "owner": live.administrator}
        self._clients: dict[tuple[str, str], Any] = {}
        for name, value in quotas.items():
            path = f"/v1/accounts/{self.names['account']}/quotas/{name}"
            assert live.ask("PUT", path, body={"value": value})[0] == 200

    def client(self, service: str, by: str = "boss") -> Any:
        if (service, by) not in self._clients:
            made = self.live.client(service, self.signers[by], parameter_validation=False)
            self._clients[service, by] = made
        return self._clients[service, by]

    def filled(self, value: Any) -> Any:
        """*value* with the names in it."""
        match value:
            case str():
                return re.sub(r"\{(\w+)\}", lambda found: str(self.names.get(found[1], found[0])), value)
            case Mapping():
                return {self.filled(key): self.filled(item) for key, item in value.items()}
            case list() | tuple():
                return [self.filled(item) for item in value]
            case _ if callable(value):
                return value(self.names)
            case _:
                return value

    def says(self, asked: Call) -> dict[str, Any] | Fails:
        """What is answered, without what every answer has."""
        client = pen(self.live.url).client(service_of(asked.operation), self.signers[asked.by])
        for _ in range(1_000):
            try:
                answer = getattr(client, xform_name(asked.operation.rpartition(":")[2]))(**self.filled(asked.wanted))
                break
            except ClientError as error:
                told = error.response["Error"]
                if told["Code"] != "ServiceUnavailable":  # keys that sign tokens are made when an authority begins
                    return Fails(told["Code"], told["Message"])
        else:
            raise AssertionError(f"{asked.operation} never comes to an answer")
        del answer["ResponseMetadata"]
        for name, path in asked.keep.items():
            found = answer
            for part in path.split("."):
                found = found[int(part)] if isinstance(found, list) else found[part]
            self.names[name] = found
            if name.endswith("secret"):
                self.signers[name.removesuffix("secret") or "user"] = Keys.of(
                    answer.get("AccessKey") or answer["Credentials"]
                )
        return answer

    def does(self, *calls: Call) -> dict[str, Any]:
        """What the last of *calls* is answered; all must work."""
        answer: dict[str, Any] | Fails = {}
        for asked in calls:
            answer = self.says(asked)
            assert not isinstance(answer, Fails), f"{asked.operation}: {answer}"
        assert isinstance(answer, dict)
        return answer

    def fails(self, asked: Call) -> Fails:
        """How *asked* is refused; it must be."""
        answer = self.says(asked)
        assert isinstance(answer, Fails), f"{asked.operation} does it: {answer}"
        return answer

    def holds(self, row: Row) -> None:
        """Raise AssertionError unless *row* is true."""
        self.does(*row.given)
        self.judge(row.when, row.gives)
        for asked, wanted in row.then:
            self.judge(asked, wanted)

    def judge(self, asked: Call, wanted: Mapping[str, Any] | Fails | None) -> None:
        answer = self.says(asked)
        match wanted:
            case None:
                assert not isinstance(answer, Fails), f"{asked.operation}: {answer}"
            case Fails(code, says):
                assert isinstance(answer, Fails), f"{asked.operation} does it: {answer}"
                assert answer.code == code, answer
                assert self.filled(says) in answer.says, answer
            case _:
                assert not isinstance(answer, Fails), f"{asked.operation}: {answer}"
                unlike = list(differences(answer, self.filled(wanted), ""))
                assert not unlike, f"{asked.operation}: {unlike}\n{answer}"


def differences(answer: Any, wanted: Any, at: str) -> list[str]:
    """Where *answer* is not what was *wanted*; what is not wanted must not be there."""
    if isinstance(wanted, Like):
        return [] if wanted.likes(answer) else [f"{at}: {answer!r} is not {wanted!r}"]
    if isinstance(wanted, Mapping) and isinstance(answer, Mapping):
        found = [f"{at}.{name} is missing" for name in wanted if name not in answer]
        found += [f"{at}.{name} is too much: {answer[name]!r}" for name in answer if name not in wanted]
        for name in wanted:
            if name in answer:
                found += differences(answer[name], wanted[name], f"{at}.{name}")
        return found
    if isinstance(wanted, list) and isinstance(answer, list):
        if len(wanted) != len(answer):
            return [f"{at}: {len(answer)} instead of {len(wanted)}: {answer!r}"]
        return [
            one
            for index, (had, want) in enumerate(zip(answer, wanted, strict=True))
            for one in differences(had, want, f"{at}.{index}")
        ]
    return [] if answer == wanted else [f"{at}: {answer!r} instead of {wanted!r}"]
