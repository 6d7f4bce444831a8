"""AWS's own search finds, by each attribute, what a walk over the trail finds; and nothing of another's trail."""

from __future__ import annotations

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authority.access.action import Facts
from authority.access.call import Call
from authority.access.caller import Caller
from authority.accounts.lookup_events import LookupAttribute, LookupEvents, lookup_events
from authority.audit.attributes import named, read_only, resources_of, user_name
from authority.audit.cloudtrail import event_id
from authority.audit.visibility import seen_by
from authority.kernel.ids import AccessKeyId, AccountId
from authority.model.principals import AccessKeyCreated
from authority.model.sessions import SessionIssued
from authority.model.state import EMPTY
from authority.policy.principal import Principal, PrincipalKind
from tests.access.test_action import OFFICE
from tests.audit.stories import ACCOUNTS, AT, histories

from .conftest import append, ledger_at, projecting


def walk(history, account):
    """What *account* sees, by position, newest first."""
    whose = {}
    seen = {}
    for position, event in enumerate(history, 1):
        for fact in event.facts:
            if isinstance(fact, AccessKeyCreated | SessionIssued):
                whose[fact.access_key_id] = fact.account
        one = seen_by(event, account, whose)
        if one is not None:
            seen[position] = one
    return dict(sorted(seen.items(), reverse=True))


def has(position, event, account, key, value):
    match key:
        case "EventId":
            return event_id(position, event, account) == value
        case "EventName":
            return named(event.type)[1] == value
        case "EventSource":
            return named(event.type)[0] == value
        case "ReadOnly":
            return read_only(event.type) is (value == "true")
        case "Username":
            return user_name(event.caller) == value
        case "AccessKeyId":
            return event.caller is not None and event.caller.access_key_id == value
        case "ResourceName":
            return value in {one.name for one in resources_of(event)}
        case "ResourceType":
            return value in {one.type for one in resources_of(event)}


VALUES = {
    "EventName": ["AssumeRole", "CreateUser", "SessionExpired", "Evaluate", "Nothing"],
    "EventSource": ["sts.amazonaws.com", "iam.amazonaws.com", "authority", "s3.amazonaws.com"],
    "ReadOnly": ["true", "false"],
    "Username": ["mia", "dev", "as-UpdateAPP", "guest", "root"],
    "AccessKeyId": ["AKIAMIA", "AKIADEV", "ASIA0000", "ASIA0001"],
    "ResourceName": ["u1", "u2", "ASIA0000", "arn:aws:iam::111122223333:role/UpdateAPP"],
    "ResourceType": ["AWS::IAM::User", "AWS::IAM::Role", "AWS::STS::AssumedRole"],
}


def asked(account, key, value):
    """The question that somebody of *account* asks, as the action makes it."""
    principal = Principal(PrincipalKind.ROOT, f"arn:aws:iam::{account}:root", account, account)
    caller = Caller(principal=principal, access_key_id=AccessKeyId("AKIAROOT"), account=AccountId(account))
    wanted = LookupEvents(lookup_attributes=(LookupAttribute(key, value),))
    decision = lookup_events.handler(EMPTY, Call(caller, wanted, OFFICE), Facts(AT, b"seed"))
    return decision.query


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(histories(), st.data())
def test_each_attribute_finds_what_a_walk_finds(template, tmp_path_factory, history, data):
    async def run():
        place = tmp_path_factory.mktemp("lookups")
        async with ledger_at(template, place) as ledger, projecting(ledger, place / "p.sqlite") as projections:
            position = await append(ledger, *history)
            await projections.caught_up(position)
            for account in ACCOUNTS:
                seen = walk(history, account)
                for key, values in VALUES.items():
                    value = data.draw(st.sampled_from(values))
                    answer = await projections.answer(asked(account, key, value), position)
                    expected = [
                        event_id(at, event, account)
                        for at, event in seen.items()
                        if has(at, event, account, key, value)
                    ]
                    assert [one.event_id for one in answer.events] == expected, (account, key, value)

    asyncio.run(run())
