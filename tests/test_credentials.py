"""The keyring: a session's secret is worked out from its token alone."""

from __future__ import annotations

from typing import Any

from authority import credentials
from authority.access.caller import Caller
from authority.credentials import Held, Keyring
from authority.kernel.ids import SealingKeyId
from authority.kernel.refusal import Refusal
from authority.kernel.secret import Secret
from authority.ledger.port import Ledger
from authority.model.authority import SEALING_KEY_BYTES
from authority.model.principals import ACCESS_KEY_PURPOSE, AccessKeyDeleted
from authority.outbound.custody import Custody
from authority.outbound.entropy import SystemEntropy
from tests.sessions.world import ANNS, BOBS, COMPANY, World, issued


class Unread(Ledger):
    """A ledger that must not be asked for anything."""

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"`{name}` of the ledger was asked for")


class Vault(Unread):
    """A ledger that has one secret, and tells how often it was asked for it."""

    def __init__(self, purpose: str, sealed: bytes) -> None:
        self.__dict__.update(row=(purpose, sealed), asked=0)

    def __getattribute__(self, name: str) -> Any:
        return object.__getattribute__(self, name)

    async def secret(self, row_id: str) -> tuple[str, bytes]:
        self.asked += 1
        return self.row


async def test_a_key_is_at_hand_from_its_first_use_until_it_is_deleted():
    custody, world, key = Custody(Secret(b"r" * 32), SystemEntropy()), World(), ANNS.access_key_id
    vault = Vault(ACCESS_KEY_PURPOSE, custody.seal(key, ACCESS_KEY_PURPOSE, Secret(b"hers")))
    keyring = Keyring(vault, custody)
    found = await keyring.find(world.state, key, None)
    assert isinstance(found, Held)
    assert found.secret == Secret(b"hers")
    assert await keyring.find(world.state, key, None) == found
    assert vault.asked == 1
    world.take(AccessKeyDeleted(account=COMPANY, access_key_id=key))
    assert isinstance(await keyring.find(world.state, key, None), Refusal)
    assert not keyring._kept


async def test_so_many_secrets_are_kept_and_no_more(monkeypatch):
    monkeypatch.setattr(credentials, "MOST_KEPT", 1)
    custody, world = Custody(Secret(b"r" * 32), SystemEntropy()), World()
    vault = Vault(ACCESS_KEY_PURPOSE, b"")
    keyring = Keyring(vault, custody)
    for key in (ANNS.access_key_id, BOBS.access_key_id):
        vault.row = (ACCESS_KEY_PURPOSE, custody.seal(key, ACCESS_KEY_PURPOSE, Secret(b"theirs")))
        await keyring.find(world.state, key, None)
        assert list(keyring._kept) == [key]


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
