"""An account's own issuer is made once, and switched on and off."""

from __future__ import annotations

import pytest

from authority.federation import outbound_identity as outbound
from authority.kernel.refusal import Reason
from authority.model import authority
from tests.principals.world import DANS, refused
from tests.roles.world import World

PUBLIC = authority.SettingsChanged(
    settings=authority.Settings("1", ("us-east-1",), public_url="https://authority.example.org")
)
ENABLE, DISABLE, INFO = (
    outbound.enable_outbound_web_identity_federation,
    outbound.disable_outbound_web_identity_federation,
    outbound.get_outbound_web_identity_federation_info,
)


def test_the_issuer_lies_under_the_public_url_and_stays_the_same():
    world = World(PUBLIC)
    issuer = world.asks(ENABLE).issuer_identifier
    assert issuer.startswith("https://authority.example.org/outbound/")
    info = world.asks(INFO)
    assert (info.issuer_identifier, info.jwt_vending_enabled) == (issuer, True)
    assert world.asks(DISABLE) is None
    assert world.asks(ENABLE).issuer_identifier == issuer


def test_an_issuer_that_nobody_could_reach_is_one_once_the_public_url_is_right():
    world = World()
    first = world.asks(ENABLE).issuer_identifier
    world.take(PUBLIC)
    assert world.asks(INFO).issuer_identifier == first
    world.asks(DISABLE)
    again = world.asks(ENABLE).issuer_identifier
    assert again == f"https://authority.example.org/outbound/{first.rpartition('/')[2]}"
    assert world.asks(INFO).issuer_identifier == again


def test_what_is_on_is_not_switched_on_and_what_is_off_not_off():
    world = World()
    for what in (DISABLE, INFO):
        assert refused(world.asks(what), Reason.FEATURE_DISABLED)
    world.asks(ENABLE)
    assert refused(world.asks(ENABLE), Reason.FEATURE_ENABLED)
    world.asks(DISABLE)
    for what in (DISABLE, INFO):
        assert refused(world.asks(what), Reason.FEATURE_DISABLED)


@pytest.mark.parametrize("what", [ENABLE, DISABLE, INFO], ids=lambda what: what.name)
def test_who_was_given_no_permission_does_none_of_it(what):
    assert refused(World().asks(what, who=DANS), Reason.ACCESS_DENIED)
