"""Entries as a busy authority writes them, for the rows about the log."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from authority.ledger.codec import new_entry
from authority.ledger.port import NewEntry
from authority.model.authority import AccountCreated
from authority.model.event import CallerRecord, DecisionRecord, Event, RequestRecord, write_event
from authority.model.holders import HolderTagged, InlinePolicyPut
from authority.model.principals import UserCreated
from authority.model.roles import RoleCreated, Trust
from authority.model.sessions import SessionIssued
from authority.policy.combine import Effect

try:
    from uvloop import new_event_loop
except ImportError:  # there is none for this machine
    from asyncio import new_event_loop

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
ACCOUNTS = 20
TRUST = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",'
    '"Principal":{"AWS":"arn:aws:iam::111122223333:root"}}]}'
)
PERMISSIONS = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],'
    '"Resource":"arn:aws:s3:::productionapp/*"},{"Effect":"Allow","Action":"s3:ListBucket",'
    '"Resource":"arn:aws:s3:::productionapp"}]}'
)


def account(number: int) -> str:
    """One of the accounts."""
    return f"{111122223333 + number % ACCOUNTS:012}"


def founding() -> list[Event]:
    """The events that make the accounts."""
    facts = [AccountCreated(account=account(number), name=f"account {number}") for number in range(ACCOUNTS)]
    return [_event("authority", "CreateAccount", 0, fact.account, (fact,), {}, BEGAN) for fact in facts]


def session(number: int) -> Event:
    """The event of an AssumeRole that was granted."""
    at = BEGAN + timedelta(milliseconds=number)
    role = f"arn:aws:iam::{account(number)}:role/UpdateAPP"
    issued = SessionIssued(
        account=account(number),
        access_key_id=f"ASIA{number:016}",
        role_id=f"AROA{number % 1000:017}",
        role_name="UpdateAPP",
        role_path="/",
        session_name="deploy",
        issued_at=at,
        expires_at=at + timedelta(hours=1),
        caller_access_key_id="AKIA0000000000000001",
        caller_arn="arn:aws:iam::111122223333:user/alice",
        caller_principal_id="AIDA0000000000000001",
        ancestors=("AKIA0000000000000001",),
        root_principal="AIDA0000000000000001",
        decided_from=100,
        sealing_key_id="2026-01-01",
    )
    return _event("sts", "AssumeRole", number, role, (issued,), {"RoleArn": role, "RoleSessionName": "deploy"}, at)


def configuration(number: int) -> Event:
    """The event of a change: a user or a role is made, a role's policy written, a role tagged."""
    at = BEGAN + timedelta(milliseconds=number)
    which = account(number // 4)
    role_id = f"AROA{number // 4:017}"
    holder = f"arn:aws:iam::{which}:role/role-{number // 4}"
    match number % 4:
        case 0:
            fact = RoleCreated(account=which, role_id=role_id, name=f"role-{number // 4}", path="/", trust=Trust(TRUST))
            return _event("iam", "CreateRole", number, holder, (fact,), {"AssumeRolePolicyDocument": TRUST}, at)
        case 1:
            fact = InlinePolicyPut(account=which, holder=role_id, name="p", document=PERMISSIONS)
            return _event("iam", "PutRolePolicy", number, holder, (fact,), {"PolicyDocument": PERMISSIONS}, at)
        case 2:
            fact = HolderTagged(account=which, holder=role_id, tags=())
            return _event("iam", "TagRole", number, holder, (fact,), {"Tags": []}, at)
        case _:
            user = f"user-{number // 4}"
            fact = UserCreated(account=which, user_id=f"AIDA{number:017}", name=user, path="/")
            return _event("iam", "CreateUser", number, holder, (fact,), {"UserName": user}, at)


def _event(service: str, action: str, number: int, resource: str, facts: tuple, parameters: dict, at) -> Event:
    return Event(
        type=f"{service}:{action}",
        v=1,
        decided_at=at,
        lane="config" if any(fact.CONFIG for fact in facts) else "session",
        subject=resource,
        facts=facts,
        request=RequestRecord(
            id=f"{number:032x}",
            service=service,
            action=action,
            parameters=parameters,
            source_address="192.0.2.17",
            user_agent="Boto3/1.40 md/Botocore#1.40 ua/2.1 os/linux lang/python#3.11",
            secure=True,
            region="us-east-1",
        ),
        caller=CallerRecord(
            kind="user",
            arn="arn:aws:iam::111122223333:user/alice",
            principal_id="AIDA0000000000000001",
            account="111122223333",
            access_key_id="AKIA0000000000000001",
        ),
        decisions=(
            DecisionRecord(
                principal="arn:aws:iam::111122223333:user/alice",
                action=f"{service}:{action}",
                resource=resource,
                resource_account=account(number),
                effect=Effect.ALLOWED,
                context={
                    "aws:currenttime": at.isoformat(),
                    "aws:principalarn": "arn:aws:iam::111122223333:user/alice",
                    "aws:requestedregion": "us-east-1",
                    "aws:sourceip": "192.0.2.17",
                    "aws:username": "alice",
                },
            ),
        ),
    )


def written(event: Event, *once: str) -> NewEntry:
    """The entry of an event."""
    return new_entry(write_event(event), once=once)


def run(main):
    """Run *main* on the event loop that the authority uses."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(main)


LOOP = new_event_loop.__module__.partition(".")[0]
