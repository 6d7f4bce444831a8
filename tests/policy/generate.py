"""Realistic questions, from a seed: policies of every layer around one request, then near misses of that request.

Vocabularies are small on purpose, so that elements meet; each element of a statement is made to match the request most
of the time and to miss it narrowly otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from random import Random

from .reference import Asked, Caller, Paper

HOME, AWAY = "111122223333", "444455556666"


def iam(account: str, rest: str) -> str:
    return f"arn:aws:iam::{account}:{rest}"


def sts(account: str, rest: str) -> str:
    return f"arn:aws:sts::{account}:{rest}"


ALICE = Caller("user", iam(HOME, "user/alice"), HOME, "AIDAALICE")
BOB = Caller("user", iam(HOME, "user/team/bob"), HOME, "AIDABOB")
APP = Caller("assumed-role", sts(HOME, "assumed-role/app/run-1"), HOME, "AROAAPP", iam(HOME, "role/team/app"))
APP_TWO = Caller("assumed-role", sts(HOME, "assumed-role/app/run-2"), HOME, "AROAAPP", iam(HOME, "role/team/app"))
NAMESAKE = Caller("assumed-role", sts(HOME, "assumed-role/app/run-1"), HOME, "AROANEWAPP", iam(HOME, "role/team/app"))
LINKED = Caller(
    "assumed-role",
    sts(HOME, "assumed-role/linked/run"),
    HOME,
    "AROALINKED",
    iam(HOME, "role/aws-service-role/x.example.org/linked"),
)
FEDERATED = Caller("federated-user", sts(HOME, "federated-user/fred"), HOME, "AIDAALICE", iam(HOME, "user/alice"))
ROOT = Caller("root", iam(HOME, "root"), HOME, HOME)
AWAY_USER = Caller("user", iam(AWAY, "user/alice"), AWAY, "AIDAAWAY")
AWAY_ROOT = Caller("root", iam(AWAY, "root"), AWAY, AWAY)
SERVICE = Caller("service", "ec2.amazonaws.com", "", "")
SAML = Caller("saml", "", HOME, "", iam(HOME, "saml-provider/corp"))
WEB = Caller("web-identity", "", "", "", "accounts.google.com")
OIDC = Caller("web-identity", "", HOME, "", iam(HOME, "oidc-provider/id.example.org/a"))
ANONYMOUS = Caller("anonymous", "", "", "")
MEMBERS = (ALICE, ALICE, BOB, APP, APP, APP_TWO, NAMESAKE, LINKED, FEDERATED, ROOT, AWAY_USER, AWAY_USER, AWAY_ROOT)
CALLERS = (*MEMBERS, *MEMBERS, SERVICE, SAML, WEB, OIDC, ANONYMOUS)

BINDINGS = {
    iam(HOME, "user/alice"): "AIDAALICE",
    iam(HOME, "user/team/bob"): "AIDABOB",
    iam(HOME, "role/team/app"): "AROAAPP",
    iam(AWAY, "user/alice"): "AIDAAWAY",
}

ACTIONS = (
    "s3:GetObject",
    "s3:PutObject",
    "s3:ListBucket",
    "iam:PassRole",
    "iam:GetRole",
    "sqs:SendMessage",
    "kms:Decrypt",
)
TRUST_ACTIONS = ("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity", "sts:AssumeRoleWithWebIdentity")
RESOURCES = (
    "arn:aws:s3:::home/alice/a.txt",
    "arn:aws:s3:::home/alice",
    "arn:aws:s3:::home",
    "arn:aws:s3:::home/*",
    "arn:aws:s3:::home/${aws:username}",
    "arn:aws:s3:::home/?/$",
    "arn:aws:iam::111122223333:role/team/app",
    "arn:aws:sqs:eu-west-1:111122223333:jobs:7",
    "arn:aws:kms:eu-west-1:111122223333:key/k",
    "arn:aws:kms:eu-west-1:111122223333:alias/k",
    "*",
)
TEXTS = ("alice", "Alice", "al*ce", "al?ce", "bob", "team:red", "a$b", "", "k", "K")
NUMBERS = (
    "0",
    "7",
    "7.0",
    "7.00",
    "007",
    "7.5",
    "-3",
    "42",
    "+7",
    "0042",
    "seven",
    "7e1",
    " 7",
    "1000000000000000000000.1",
)
DATES = (
    "2026-05-01T12:00:00Z",
    "2026-05-01T14:00:00+02:00",
    "2026-05-01T12:00Z",
    "2026-05-01T12:00:00.000Z",
    "2026-05-01T12:00:00.5Z",
    "2026-05-01",
    "2026-05",
    "2026-05-01T12:00",
    "2026-04-30T23:59:59Z",
    "2026-05-01t2:00:00-10",
    "2026-04-30T19:00:00-05:00",
    "1777636800",
    "1777636800.5",
    "2026",
    "1970-01-01",
    "-1",
    "0",
    "-1777636800",
    "2026-05-01T12:00:00",
)
NO_DATES = ("2026-05Z", "2026-13-01", "2026-02-30T00:00:00Z", "2026-05-01T24:00:00Z", "soon")
BOOLS = ("true", "false", "True", "FALSE", "1", "")
ADDRESSES = (
    "10.1.2.3",
    "10.1.2.4",
    "192.168.0.1",
    "::ffff:10.1.2.3",
    "2001:db8::1",
    "2001:db8:1::1",
    "10.1.2.300",
    "10.1.2.0/24",
    "here",
)
BLOCKS = (
    *ADDRESSES,
    "10.0.0.0/8",
    "10.1.2.3/32",
    "10.1.2.0/30",
    "10.1.2.3/24",
    "0.0.0.0/0",
    "::/0",
    "2001:db8::/32",
    "2001:db8::/48",
    "::ffff:10.0.0.0/104",
    "10.1.2.3/33",
    "10.0.0.0/-1",
)
BINARIES = ("QUJD", "QUI=", "QQ==", "QR==", "QUJD!", "", "QUJE")
ARNS = (
    "arn:aws:iam::111122223333:role/team/app",
    "arn:aws:iam::111122223333:user/alice",
    "arn:aws:sns:eu-west-1:111122223333:topic:sub:1",
    "arn:aws:s3:::home/alice/a.txt",
    "arn:aws:iam:111122223333:role/x",
    "no arn",
)
ARN_PATTERNS = (
    *ARNS,
    "arn:aws:iam::*:role/*",
    "arn:aws:iam::*:ole/*",
    "arn:aws:iam::22*:role/*",
    "arn:ws*:*:*:*:*",
    "arn:aws:iam::111122223333:*",
    "arn:*:sns:*:*:topic:*",
    "arn:aws:sns:eu-west-1:111122223333:topic?sub:1",
    "arn:aws:sns:*:topic:sub:1",
    "arn:aws:*",
    "*",
    "arn:aws:s3:::home/${aws:username}/*",
    "arn:aws:iam::${aws:PrincipalAccount}:user/${aws:username}",
    "${aws:PrincipalArn}",
    "arn:aws:iam::1111?2223333:user/al*",
)
SETS = ((), ("alice",), ("alice", "bob"), ("bob", "Alice"), ("7", "8"), ("al*ce",), ("",))

# A condition key, in the case of a policy author, and what a request may hold.
KEYS: dict[str, tuple] = {
    "aws:username": TEXTS,
    "aws:PrincipalTag/Team": TEXTS,
    "aws:RequestTag/Team": TEXTS,
    "AWS:ResourceTag/team": TEXTS,
    "sts:ExternalId": TEXTS,
    "aws:TagKeys": SETS,
    "sts:TransitiveTagKeys": SETS,
    "aws:MultiFactorAuthAge": NUMBERS,
    "sts:DurationSeconds": NUMBERS,
    "aws:CurrentTime": (*DATES, *NO_DATES),
    "aws:TokenIssueTime": (*DATES, *NO_DATES),
    "aws:MultiFactorAuthPresent": BOOLS,
    "aws:SecureTransport": BOOLS,
    "aws:SourceIp": ADDRESSES,
    "kms:Secret": BINARIES,
    "aws:PrincipalArn": ARNS,
    "aws:SourceArn": ARNS,
    "aws:PrincipalAccount": (HOME, AWAY, "*"),
}
TEXT_VALUES = (
    *TEXTS,
    "*",
    "al*",
    "?lice",
    "*e",
    "*l*c*",
    "*l*l*",
    "*ce*al*",
    "lic*",
    "ALICE",
    "${aws:username}",
    "${AWS:UserName}",
    "${aws:PrincipalTag/Team}",
    "${aws:RequestTag/Team, 'alice'}",
    "${aws:ResourceTag/Team, 'al*ce'}",
    "${aws:TagKeys}",
    "${aws:TagKeys, 'bob'}",
    "al${*}ce",
    "al${?}ce",
    "a${$}b",
    "${aws:username}${sts:ExternalId, ''}",
    "${aws:username",
    "${aws:username,'bob'}",
    "x${aws:username}*",
    "al*${sts:ExternalId, 'e'}",
    "${}",
)
FAMILIES: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "text": (
        (
            "StringEquals",
            "StringLike",
            "StringEqualsIgnoreCase",
            "StringNotEquals",
            "StringNotLike",
            "StringNotEqualsIgnoreCase",
        ),
        (
            "aws:username",
            "aws:PrincipalTag/Team",
            "aws:RequestTag/Team",
            "AWS:ResourceTag/team",
            "sts:ExternalId",
            "aws:TagKeys",
        ),
        TEXT_VALUES,
    ),
    "number": (
        (
            "NumericEquals",
            "NumericNotEquals",
            "NumericLessThan",
            "NumericLessThanEquals",
            "NumericGreaterThan",
            "NumericGreaterThanEquals",
        ),
        ("aws:MultiFactorAuthAge", "sts:DurationSeconds", "aws:TagKeys"),
        NUMBERS,
    ),
    "date": (
        (
            "DateEquals",
            "DateNotEquals",
            "DateLessThan",
            "DateLessThanEquals",
            "DateGreaterThan",
            "DateGreaterThanEquals",
        ),
        ("aws:CurrentTime", "aws:TokenIssueTime"),
        DATES,
    ),
    "bool": (("Bool",), ("aws:MultiFactorAuthPresent", "aws:SecureTransport"), (*BOOLS, "${aws:SecureTransport}")),
    "address": (("IpAddress", "NotIpAddress"), ("aws:SourceIp",), BLOCKS),
    "bytes": (("BinaryEquals",), ("kms:Secret",), BINARIES),
    "arn": (
        ("ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"),
        ("aws:PrincipalArn", "aws:SourceArn"),
        ARN_PATTERNS,
    ),
}
WEIGHTS = {"text": 8, "number": 3, "date": 4, "bool": 3, "address": 3, "bytes": 1, "arn": 4}


class Author:
    """Writes policies around one question."""

    def __init__(self, draw: Random, asked: Asked) -> None:
        self.draw = draw
        self.asked = asked
        self.named = 0

    def paper(self, layer: str, *, generous: float = 0.85) -> Paper:
        draw = self.draw
        self.named += 1
        statements = [self.statement(layer, generous) for _ in range(draw.choice((1, 1, 2, 3)))]
        written: dict = {"Statement": statements[0] if len(statements) == 1 and draw.random() < 0.3 else statements}
        if draw.random() < 0.9:
            written = {"Version": "2012-10-17" if draw.random() < 0.9 else "2008-10-17", **written}
        bound = {}
        if layer in ("resource", "trust", "rcp"):
            for arn, unique_id in BINDINGS.items():
                choice = draw.random()
                if choice < 0.8:
                    bound[arn] = unique_id if choice < 0.7 else None
        return Paper(layer, f"{layer}-{self.named}", json.dumps(written), bound)

    def statement(self, layer: str, generous: float) -> dict:
        draw = self.draw
        statement: dict = {"Effect": "Allow" if draw.random() < generous else "Deny"}
        if layer in ("resource", "trust", "rcp"):
            wild = layer == "rcp" and draw.random() < 0.8
            if layer != "trust" and draw.random() < 0.12:
                statement["Effect"] = draw.choice(("Allow", "Deny"))
                statement["NotPrincipal"] = self.principal() if draw.random() < 0.5 else self.nearly_everything()
            else:
                statement["Principal"] = "*" if wild else self.principal()
        if layer != "trust" and draw.random() < 0.12:
            statement["NotAction"] = self.some(self.other_action)
        else:
            statement["Action"] = self.some(self.action if layer != "trust" else self.trust_action)
        if layer != "trust" and not (layer == "resource" and draw.random() < 0.2):
            if draw.random() < 0.12:
                statement["NotResource"] = self.some(self.resource)
            else:
                statement["Resource"] = self.some(self.resource)
        if draw.random() < 0.5:
            statement["Condition"] = self.conditions()
        return statement

    def some(self, make):
        if self.draw.random() < 0.6:
            return make()
        return [make() for _ in range(self.draw.choice((1, 2, 2, 3)))]

    def action(self) -> str:
        draw, action = self.draw, self.asked.action
        vendor, _, name = action.partition(":")
        choices = (
            lambda: "*",
            lambda: action,
            action.upper,
            lambda: f"{vendor}:*",
            lambda: f"{vendor}:{name[:3]}*",
            lambda: f"{vendor}:*{name[-3:]}",
            lambda: f"{vendor}:{name[:3]}*{name[3:]}",
            lambda: f"{vendor}:?{name[1:]}",
            lambda: f"{vendor}:{name[:2]}*{name[4:6]}*",
        )
        return draw.choice(choices)() if draw.random() < 0.85 else self.other_action()

    def other_action(self) -> str:
        draw, action = self.draw, self.asked.action
        near = (action + "s", action[:-1], action.replace(":", ":?"), draw.choice(ACTIONS), "s3:Get*", "iam:*", action)
        return draw.choice(near)

    def trust_action(self) -> str:
        near = ("sts:*", "sts:AssumeRole", "STS:assumerole", "sts:TagSession", "sts:Assume*", self.asked.action)
        return self.draw.choice((self.asked.action, self.asked.action, *near)) if self.asked.trust else self.action()

    def resource(self) -> str:
        draw, resource = self.draw, self.asked.resource
        if draw.random() < 0.3 or resource == "*":
            return draw.choice(("*", "*", "arn:aws:s3:::*", "arn:aws:s3:*", "arn:aws:s3:::home/${aws:username}/*"))
        cut = draw.randrange(13, len(resource) + 1)
        filled = {
            "alice": (
                "${aws:username}",
                "${aws:PrincipalTag/Team}",
                "${aws:RequestTag/Team, 'alice'}",
                "alice${sts:ExternalId, ''}",
                "al*",
                "?lice",
                "${aws:TagKeys}",
            ),
            "*": ("${*}", "*", "?"),
            "?": ("${?}",),
            "$": ("${$}",),
            "111122223333": ("*", "1111?2223333", "${aws:PrincipalAccount}"),
        }
        choices = [
            resource,
            resource[:cut] + "*",
            resource + "*",
            resource[:cut] + "*" + resource[cut:],
            resource[:-1] + "?",
            resource.rpartition("::")[0] or ":".join(resource.split(":")[:4]),
            resource[:cut] + 2 * ("*" + (resource[cut : cut + 2] or "x")) + "*",
            "*" if cut % 2 else resource,
        ]
        for literal, written in filled.items():
            if literal in resource:
                head, _, tail = resource.rpartition(literal)
                choices += [head + each + tail for each in written]
        pattern = draw.choice(choices)
        of_iam = ":iam:" in pattern
        return resource if of_iam and (pattern.split(":", 5)[3:4] != [""] or "{" in pattern[:30]) else pattern

    def principal(self):
        draw, caller = self.draw, self.asked.caller
        if draw.random() < 0.1:
            return "*"
        own: dict[str, list[tuple[str, str]]] = {
            "user": [("AWS", caller.arn), ("AWS", caller.account), ("AWS", iam(caller.account or HOME, "root"))],
            "assumed-role": [("AWS", caller.arn), ("AWS", caller.issuer), ("AWS", caller.account)],
            "federated-user": [("AWS", caller.arn), ("AWS", caller.issuer), ("AWS", caller.account)],
            "root": [("AWS", caller.account), ("AWS", iam(caller.account or HOME, "root"))],
            "service": [("Service", caller.arn)],
            "saml": [("Federated", caller.issuer), ("AWS", "*")],
            "web-identity": [("Federated", caller.issuer)],
            "anonymous": [("AWS", "*")],
        }
        anybody = [
            ("AWS", "*"),
            ("AWS", AWAY),
            ("AWS", HOME),
            ("AWS", iam(HOME, "user/bob")),
            ("AWS", iam(HOME, "user/team/bob")),
            ("AWS", iam(AWAY, "user/alice")),
            ("AWS", sts(HOME, "assumed-role/app/run-2")),
            ("AWS", iam(HOME, "role/app")),
            ("AWS", iam(HOME, "role/team/app")),
            ("Service", "ec2.amazonaws.com"),
            ("Service", "lambda.amazonaws.com"),
            ("Federated", "accounts.google.com"),
            ("Federated", iam(HOME, "saml-provider/corp")),
            ("CanonicalUser", "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"),
        ]
        element: dict = {}
        if self.asked.trust:
            anybody = [(word, name) for word, name in anybody if word != "CanonicalUser"]
        for _ in range(draw.choice((1, 1, 2, 3))):
            word, name = draw.choice(own[caller.kind] if draw.random() < 0.8 else anybody)
            element.setdefault(word, []).append(name)
        return {word: names[0] if len(names) == 1 else names for word, names in element.items()}

    def nearly_everything(self) -> dict:
        """All that names the caller, or all but one: what it takes to be spared by a Deny."""
        caller = self.asked.caller
        names = [
            name
            for name in (caller.arn, caller.issuer, caller.account)
            if name and caller.kind in ("user", "assumed-role", "federated-user")
        ]
        if names and self.draw.random() < 0.6:
            names.remove(self.draw.choice(names))
        return {"AWS": names or "*"}

    def conditions(self) -> dict:
        draw = self.draw
        block: dict = {}
        for _ in range(draw.choice((1, 1, 1, 2, 3))):
            if draw.random() < 0.1:
                block.setdefault("Null", {})[draw.choice(tuple(KEYS))] = draw.choice(
                    ("true", "false", False, ["true", "false"], "x")
                )
                continue
            family = draw.choices(tuple(WEIGHTS), tuple(WEIGHTS.values()))[0]
            operators, keys, values = FAMILIES[family]
            operator = draw.choice(operators)
            key = draw.choice(keys) if draw.random() < 0.9 else draw.choice(tuple(KEYS))
            many = isinstance(self.asked.context.get(key.lower()), tuple)
            if draw.random() < (0.8 if many else 0.12):
                operator = draw.choice(("ForAllValues:", "ForAnyValue:")) + operator
            if draw.random() < 0.15:
                operator += "IfExists"
            block.setdefault(operator, {})[key if draw.random() < 0.8 else key.swapcase()] = self.values(key, values)
        return block

    def values(self, key: str, values: tuple):
        draw = self.draw
        held = self.asked.context.get(key.lower())
        present = [held] if isinstance(held, str) else list(held or ())

        def value():
            chosen = draw.choice(present) if present and draw.random() < 0.4 else draw.choice(values)
            if values is TEXT_VALUES and present and draw.random() < 0.4:
                near = draw.choice(present)
                chosen = draw.choice(
                    (
                        near.upper(),
                        near[:1] + "*",
                        "?" + near[1:],
                        near[:2] + "*" + near[2:],
                        near + "*",
                        near[:1] + "${*}",
                    )
                )
            if values is DATES and chosen not in DATES:
                chosen = draw.choice(DATES)
            if chosen in ("true", "false") and draw.random() < 0.3:
                return chosen == "true"
            return int(chosen) if chosen in ("7", "42", "0") and draw.random() < 0.3 else chosen

        return value() if draw.random() < 0.6 else [value() for _ in range(draw.choice((0, 1, 2, 2, 3)))]


def context(draw: Random) -> dict[str, str | tuple[str, ...]]:
    return {key.lower(): draw.choice(values) for key, values in KEYS.items() if draw.random() < 0.65}


def world(draw: Random) -> Iterator[Asked]:
    """Policies around one question, and that question with its near misses."""
    caller = draw.choice(CALLERS)
    trust = draw.random() < 0.25
    action = draw.choice(TRUST_ACTIONS if trust else ACTIONS)
    resource = iam(HOME, "role/team/app") if trust else draw.choice(RESOURCES)
    asked = Asked(caller, action, resource, HOME, context(draw), trust=trust)
    author = Author(draw, asked)

    def some(layer: str, *counts: int) -> tuple[Paper, ...]:
        return tuple(author.paper(layer) for _ in range(draw.choice(counts)))

    with_resource = trust or draw.random() < 0.5
    asked = replace(
        asked,
        identity=some("identity", 0, 1, 1, 2),
        boundary=some("boundary", 0, 1, 1, 2) if draw.random() < 0.25 else None,
        session=some("session", 0, 1, 1, 2) if draw.random() < 0.25 else None,
        resource_policies=some("trust" if trust else "resource", 1, 1, 2) if with_resource else (),
        scps=tuple(some("scp", 1, 2) for _ in range(draw.choice((1, 2)))) if draw.random() < 0.12 else (),
        rcps=tuple(some("rcp", 1, 1) for _ in range(draw.choice((1, 2)))) if draw.random() < 0.12 else (),
    )
    yield asked
    for _ in range(7):
        yield near_miss(draw, asked)


def near_miss(draw: Random, asked: Asked) -> Asked:
    match draw.randrange(9):
        case 0:
            return replace(asked, caller=draw.choice(CALLERS))
        case 1:
            return replace(asked, action=draw.choice(TRUST_ACTIONS if asked.trust else ACTIONS))
        case 2:
            return replace(asked, resource=draw.choice(RESOURCES))
        case 3:
            return replace(asked, context=context(draw))
        case 4 if asked.context:
            gone = draw.choice(tuple(asked.context))
            return replace(asked, context={key: value for key, value in asked.context.items() if key != gone})
        case 5:
            return replace(asked, owner=AWAY)
        case 6:
            return replace(asked, boundary=None if asked.boundary is not None else ())
        case 7:
            return replace(asked, session=None if asked.session is not None else asked.identity)
        case _:
            key = draw.choice(tuple(KEYS))
            return replace(asked, context={**asked.context, key.lower(): draw.choice(KEYS[key])})


def questions(seed: int) -> Iterator[Asked]:
    """Questions without end, the same for the same seed."""
    draw = Random(seed)
    while True:
        yield from world(draw)
