"""The keyring: a session's secret is worked out from its token alone."""

from __future__ import annotations

from typing import Any

from authority.access.caller import Caller
from authority.credentials import Held, Keyring
from authority.kernel.ids import SealingKeyId
from authority.kernel.refusal import Refusal
from authority.kernel.secret import Secret
from authority.ledger.port import Ledger
from authority.model.authority import SEALING_KEY_BYTES
from authority.outbound.custody import Custody
from authority.outbound.entropy import SystemEntropy
from tests.sessions.world import World, issued


class Unread(Ledger):
    """A ledger that must not be asked for anything."""

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"`{name}` of the ledger was asked for")


async def test_verifying_a_sessions_request_reads_no_database():
    custody = Custody(Secret(b"r" * 32), SystemEntropy())
    custody.hold(SealingKeyId("k1"), Secret(b"d" * SEALING_KEY_BYTES))
    world, keyring = World(), Keyring(Unread(), custody)
    session = issued(world.assume(Tags=[{"Key": "Team", "Value": "a"}]))
    minted = keyring.mint(session, 7)
    token, secret = minted["SessionToken"], minted["SecretAccessKey"]
    assert isinstance(token, Secret)
    held = await keyring.find(world.state, session.access_key_id, token.reveal().decode())
    assert isinstance(held, Held)
    assert held.secret == secret
    assert isinstance(world.caller(held.credential), Caller)
    forged = await keyring.find(world.state, session.access_key_id, token.reveal().decode()[:-4] + "AAAA")
    unknown = await keyring.find(world.state, "AKIANOBODYNOBODYNOBO", None)
    assert isinstance(forged, Refusal)
    assert isinstance(unknown, Refusal)
