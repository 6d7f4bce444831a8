"""Decisions a second: the policy engine, the naive evaluator its tests compare it with, and Cedar.

All three decide in one process, on one core, one question at a time, with their policies already read: the engine's are
compiled, the naive evaluator's are parsed JSON, Cedar's are a parsed policy set.  The engine also says which
statements determined each answer; its peers are not asked to.

Two rows more are whole decisions about a user of a state: its policies gathered, the context made, the engine asked.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from random import Random

from authority.access import weighing
from authority.access.call import Call, Origin
from authority.access.caller import Caller
from authority.kernel.ids import AccessKeyId, AccountId, PolicyId, UserId
from authority.model.authority import AccountCreated
from authority.model.fact import Fact
from authority.model.holders import PolicyAttached
from authority.model.policies import PolicyCreated
from authority.model.principals import UserCreated
from authority.model.state import EMPTY, evolve
from authority.policy.combine import weigh
from authority.policy.principal import Principal, PrincipalKind

TESTS = Path(__file__).resolve().parents[2] / "tests"
SECONDS = 1.0
ROUNDS = 3
ACCOUNT = "111122223333"
SERVICES = {
    "s3": ("GetObject", "PutObject", "DeleteObject", "ListBucket", "GetBucketPolicy"),
    "sqs": ("SendMessage", "ReceiveMessage", "DeleteMessage", "GetQueueUrl"),
    "dynamodb": ("GetItem", "PutItem", "Query", "Scan", "UpdateItem"),
    "ec2": ("DescribeInstances", "StartInstances", "StopInstances", "RunInstances"),
    "sts": ("AssumeRole", "TagSession", "GetCallerIdentity"),
    "iam": ("PassRole", "GetRole", "ListRoles", "CreateRole"),
    "kms": ("Decrypt", "Encrypt", "GenerateDataKey"),
    "logs": ("PutLogEvents", "CreateLogStream", "DescribeLogGroups"),
}


def rows(policies: int = 10, statements: int = 20) -> list[dict]:
    """Measure; the ratio of a row is ours with *policies* over it.

    With ten times the policies nine times as many statements speak of what is asked, and eight times as many determine
    the answer; the target of the row with a single policy says that all this never costs the engine more than two and a
    half times as much.  A whole decision, in which the other policies speak of other services, costs half more at most.
    """
    sys.path.insert(0, str(TESTS))
    try:
        engine = importlib.import_module("policy.engine")
        reference = importlib.import_module("policy.reference")
    finally:
        sys.path.remove(str(TESTS))
    single = _compiled(engine, reference, _questions(reference, 1, statements))[0]
    asked = _questions(reference, policies, statements)
    questions, answers = _compiled(engine, reference, asked)
    ways = {"ours": (weigh, questions), "single": (weigh, single), "naive": (reference.decide, asked)}
    cedar = _cedar(asked, answers)
    if cedar is not None:
        ways["cedar"] = cedar
    best = _rates({**ways, "whole": _whole(policies, statements), "whole single": _whole(1, statements)})
    whole, whole_single = best.pop("whole"), best.pop("whole single")
    ours = best["ours"]
    what = f"{policies} policies of {statements} statements, {answers.count('allowed')} of {len(answers)} allowed"
    names = {
        "ours": (f"policy engine: {what}", None),
        "single": (f"policy engine: a single policy of {statements} statements", 0.4),
        "naive": ("naive evaluator over parsed JSON", 4.0),
        "cedar": ("cedarpy, one parsed policy set", None),
    }
    found = []
    for way, rate in best.items():
        said, target = names[way]
        row = {"what": said, "per_second": rate, "ratio": ours / rate}
        found.append(row if target is None else row | {"target": target})
    found.append({"what": f"a whole decision: a user with {policies} policies", "per_second": whole})
    row = {"what": "a whole decision: a user with a single policy", "per_second": whole_single}
    found.append(row | {"ratio": whole / whole_single, "target": 0.67})
    return found


def _whole(policies: int, statements: int) -> tuple[Callable, Sequence]:
    """Whole decisions about a user with *policies*, one of which allows what is asked."""
    account, user = AccountId(ACCOUNT), UserId("AIDAALICE")
    facts: list[Fact] = [
        AccountCreated(account=account, name="home"),
        UserCreated(account=account, user_id=user, name="alice", path="/"),
    ]
    for number, service in enumerate(islice(cycle(SERVICES), policies)):
        written = [
            {"Effect": "Allow", "Action": f"{service}:*", "Resource": _arn(service, f"team-{team}/*")}
            for team in range(statements)
        ]
        document = json.dumps({"Version": "2012-10-17", "Statement": written})
        policy_id, name = PolicyId(f"ANPA{number}"), f"policy-{number}"
        facts.append(PolicyCreated(account=account, policy_id=policy_id, name=name, path="/", document=document))
        facts.append(PolicyAttached(account=account, holder=user, policy_id=policy_id))
    now = datetime(2026, 1, 1, tzinfo=UTC)
    state = evolve(EMPTY, facts, now)
    principal = Principal(PrincipalKind.USER, f"arn:aws:iam::{ACCOUNT}:user/alice", ACCOUNT, user)
    holder = state.accounts[account].users[user]
    caller = Caller(principal=principal, access_key_id=AccessKeyId("AKIA"), account=account, holder=holder)
    origin = Origin(
        request_id="r", source_address="10.1.2.3", user_agent="b", secure=True, region="us-east-1", partition="aws"
    )
    call = Call(caller, None, origin)
    asked = [f"arn:aws:s3:::team-{number % statements}/item-{number}" for number in range(400)]

    def decide(resource: str) -> None:
        if not weighing.weigh(state, call, now, "s3:GetObject", resource).verdict.allowed:
            raise RuntimeError("what a policy allows is not allowed")

    return decide, asked


def _compiled(engine, reference, asked: list) -> tuple[list, list[str]]:
    """The questions as the engine takes them, and its answers, which are those of the naive evaluator."""
    compiler = engine.Compiler()
    questions = [engine.question(each, compiler) for each in asked]
    answers = [weigh(each).effect.value for each in questions]
    if answers != [reference.decide(each)[0] for each in asked]:
        raise RuntimeError("the engine and the naive evaluator do not agree; there is nothing to compare")
    return questions, answers


def _questions(reference, policies: int, statements: int) -> list:
    """What one principal with many policies asks: mostly what it may do, sometimes what it may not."""
    draw = Random(7)
    papers = tuple(
        reference.Paper("identity", f"policy-{number}", json.dumps(_document(draw, statements)))
        for number in range(policies)
    )
    caller = reference.Caller("user", f"arn:aws:iam::{ACCOUNT}:user/alice", ACCOUNT, "AIDAALICE")
    asked = []
    for _ in range(400):
        service = draw.choice(tuple(SERVICES))
        context = {
            "aws:username": "alice",
            "aws:principalarn": caller.arn,
            "aws:principaltag/team": draw.choice(("red", "blue")),
            "aws:sourceip": draw.choice(("10.1.2.3", "192.0.2.7")),
            "aws:securetransport": "true",
            "aws:multifactorauthpresent": draw.choice(("true", "false")),
            "aws:currenttime": "2026-05-01T12:00:00Z",
        }
        action = f"{service}:{draw.choice(SERVICES[service])}"
        asked.append(reference.Asked(caller, action, _resource(draw, service), ACCOUNT, context, identity=papers))
    return asked


def _resource(draw: Random, service: str) -> str:
    return _arn(service, f"team-{draw.randrange(4)}/{draw.choice(('alice', 'bob'))}/item-{draw.randrange(9)}")


def _arn(service: str, rest: str) -> str:
    """A resource of *service*; what IAM has stands under one of its own words, or no policy may name it."""
    return f"arn:aws:{service}:::{'role/' if service == 'iam' else ''}{rest}"


def _document(draw: Random, statements: int) -> dict:
    return {"Version": "2012-10-17", "Statement": [_statement(draw) for _ in range(statements)]}


def _statement(draw: Random) -> dict:
    service = draw.choice(tuple(SERVICES))
    names = SERVICES[service]
    actions = draw.choice(
        (
            [f"{service}:{name}" for name in draw.sample(names, 2)],
            [f"{service}:{names[0][:3]}*"],
            [f"{service}:{names[-1]}"],
        )
    )
    resource = draw.choice(
        (
            _arn(service, f"team-{draw.randrange(4)}/*"),
            _arn(service, f"team-{draw.randrange(4)}/${{aws:username}}/*"),
            _resource(draw, service),
        )
    )
    statement = {"Effect": "Allow", "Action": actions, "Resource": resource}
    if draw.random() < 0.03:
        return {
            "Effect": "Deny",
            "Action": f"{service}:{names[-1]}",
            "Resource": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    if draw.random() < 0.4:
        statement["Condition"] = draw.choice(
            (
                {"StringEquals": {"aws:PrincipalTag/team": ["red", "green"]}},
                {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "172.16.0.0/12"]}},
                {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
                {"StringLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:user/*"}},
            )
        )
    return statement


def _rates(ways: dict[str, tuple[Callable, Sequence]]) -> dict[str, float]:
    """Questions answered in a second, the best of a few rounds; all ways take part in each and share the weather."""
    best = dict.fromkeys(ways, 0.0)
    for _ in range(ROUNDS):
        for way, (decide, questions) in ways.items():
            count, before = 0, time.perf_counter()
            for question in islice(cycle(questions), 10_000_000):
                decide(question)
                count += 1
                if count % 100 == 0 and time.perf_counter() - before > SECONDS / ROUNDS:
                    break
            best[way] = max(best[way], count / (time.perf_counter() - before))
    return best


def _cedar(asked: Sequence, answers: Sequence[str]) -> tuple[Callable, Sequence] | None:
    """The same statements in Cedar's language, as far as it has words for them; None where it is not installed."""
    try:
        cedarpy = importlib.import_module("cedarpy")
    except ImportError:
        return None
    lines = [
        _in_cedar(statement, name)
        for paper in asked[0].identity
        for statement in json.loads(paper.text)["Statement"]
        for name in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    ]
    policies, entities = cedarpy.PolicySet.from_str("\n".join(lines)), cedarpy.Entities.from_json_str("[]")
    requests = [
        {
            "principal": 'User::"alice"',
            "action": f'Action::"{each.action}"',
            "resource": f'Item::"{each.resource}"',
            "context": {
                "action": each.action,
                "resource": each.resource,
                "username": each.context["aws:username"],
                "team": each.context["aws:principaltag/team"],
                "ip": {"__extn": {"fn": "ip", "arg": each.context["aws:sourceip"]}},
                "secure": True,
                "mfa": each.context["aws:multifactorauthpresent"] == "true",
                "arn": each.context["aws:principalarn"],
            },
        }
        for each in asked
    ]

    def decide(request: dict) -> bool:
        return cedarpy.is_authorized(request, policies, entities).allowed

    if list(map(decide, requests)) != [answer == "allowed" for answer in answers]:
        raise RuntimeError("Cedar decides otherwise; there is nothing to compare")
    return decide, requests


def _in_cedar(statement: dict, action: str) -> str:
    words = {"Allow": "permit", "Deny": "forbid"}[statement["Effect"]]
    scope = f'action == Action::"{action}"' if "*" not in action else "action"
    tests = [f'context.action like "{action}"'] if "*" in action else []
    head, _, tail = statement["Resource"].partition("${aws:username}")
    if tail:
        tests.append(f'context.username == "alice" && context.resource like "{head}alice{tail}"')
    elif head != "*":
        tests.append(f'context.resource like "{head}"')
    for operator, keys in statement.get("Condition", {}).items():
        tests.append(
            {
                "StringEquals": '["red", "green"].contains(context.team)',
                "IpAddress": '(context.ip.isInRange(ip("10.0.0.0/8")) || context.ip.isInRange(ip("172.16.0.0/12")))',
                "Bool": "!context.secure" if "aws:SecureTransport" in keys else "context.mfa",
                "StringLike": f'context.arn like "arn:aws:iam::{ACCOUNT}:user/*"',
            }[operator]
        )
    when = f" when {{ {' && '.join(tests)} }}" if tests else ""
    return f"{words}(principal, {scope}, resource){when};"


if __name__ == "__main__":
    for row in rows():
        print(f"{row['per_second']:12,.0f}/s  x{row['ratio']:8.1f}  {row['what']}")
