"""What is brought for a decision is brought for whoever may have it, and nothing is looked for in vain."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from authority.access.caller import Credential
from authority.audit.lending import CountLent
from authority.gathering import gatherers
from authority.model import authority, roles
from authority.model import mfa as facts_of
from authority.model.lending import SessionLimitSet
from authority.pipeline import Gathering
from authority.principals.mfa import EnableMFADevice
from authority.replay.folding import Version
from authority.sessions.assume_role import AssumeRole
from authority.sessions.session_token import GetSessionToken
from tests.principals.test_mfa import ANNS_PHONE, PHONE, SERIAL
from tests.principals.world import ACCOUNT, ANNS, DANS, World

OTHER = "444455556666"
THEIRS = (
    authority.AccountCreated(account=OTHER, name="Other"),
    facts_of.MfaDeviceCreated(account=OTHER, device_id="AMFATHEIRS", name="phone", path="/"),
)
THEIR_SERIAL = f"arn:aws:iam::{OTHER}:mfa/phone"
ROLE = f"arn:aws:iam::{OTHER}:role/Deploy"


class Vault:
    """A keyring's vault that has no seed, and knows which were asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def sealed(self, row: str, _purpose: str) -> None:
        self.asked.append(row)


def asked_for(wanted: Any, operation: str, who: Credential) -> list[str]:
    """The seeds that are read for a request."""
    vault, world = Vault(), World(PHONE, ANNS_PHONE, *THEIRS)
    gather = gatherers(vault, frozenset(), None, None)[operation]  # type: ignore[arg-type]
    coming = gather(Gathering(wanted, who, Version(1, 1, world.state), world.now, "aws"))
    assert coming is not None
    asyncio.run(coming)  # type: ignore[arg-type]
    return vault.asked


@pytest.mark.parametrize(
    ("who", "serial", "seeds"),
    [
        pytest.param(ANNS, SERIAL, ["AMFAPHONE"], id="one's own"),
        pytest.param(DANS, SERIAL, [], id="another's"),
        pytest.param(ANNS, THEIR_SERIAL, [], id="another account's"),
        pytest.param(ANNS, THEIR_SERIAL + "s", [], id="nobody's"),
    ],
)
def test_s14_no_seed_is_read_but_the_callers_own_so_that_no_time_tells_which_devices_there_are(who, serial, seeds):
    taken = GetSessionToken(serial_number=serial, token_code="123456")
    assert asked_for(taken, "sts:GetSessionToken", who) == seeds
    assumed = AssumeRole(role_arn=ROLE, role_session_name="ann", serial_number=serial, token_code="123456")
    assert asked_for(assumed, "sts:AssumeRole", who) == seeds


@pytest.mark.parametrize(("serial", "seeds"), [(SERIAL, ["AMFAPHONE"]), (THEIR_SERIAL, [])])
def test_s14_a_device_is_enabled_in_the_callers_account_only(serial, seeds):
    wanted = EnableMFADevice(
        user_name="Ann", serial_number=serial, authentication_code1="123456", authentication_code2="123457"
    )
    assert asked_for(wanted, "iam:EnableMFADevice", DANS) == seeds


@pytest.mark.parametrize("name", ["Deploy", "Nobody"])
def test_s14_sessions_are_counted_for_a_limit_whether_or_not_the_role_is_there(name):
    asked: list[object] = []

    async def answer(query: object, _position: int) -> int:
        asked.append(query)
        return 0

    limit = SessionLimitSet(account=OTHER, trusted=ACCOUNT, most=3)
    deploy = roles.RoleCreated(
        account=OTHER, role_id="AROADEPLOY", name="Deploy", path="/", trust=roles.Trust(""), max_session_duration=3_600
    )
    world = World(*THEIRS, deploy, limit)
    gather = gatherers(Vault(), frozenset(), None, answer)["sts:AssumeRole"]  # type: ignore[arg-type]
    wanted = AssumeRole(role_arn=f"arn:aws:iam::{OTHER}:role/{name}", role_session_name="ann")
    coming = gather(Gathering(wanted, ANNS, Version(1, 1, world.state), world.now, "aws"))
    assert coming is not None
    asyncio.run(coming)  # type: ignore[arg-type]
    there = tuple(world.state.accounts[OTHER].roles)
    assert there
    assert asked == [CountLent(account=OTHER, trusted=ACCOUNT, now=world.now, roles=there, most=3)]
