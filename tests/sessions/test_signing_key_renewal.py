"""Keys of web identity tokens: made where they are needed, renewed, and destroyed when nothing they signed is alive."""

from __future__ import annotations

from datetime import timedelta

from authority.access.recording import act_of_authority
from authority.committer import Committer, Proposal
from authority.kernel.secret import Secret
from authority.ledger.codec import new_entry
from authority.model.providers import OutboundIdentityDisabled, OutboundIdentityEnabled
from authority.model.signing_keys import PURPOSE
from authority.outbound.custody import Custody
from authority.outbound.entropy import SystemEntropy
from authority.outbound.issuer_keys import CryptographyIssuerKeys
from authority.workers import renew_signing_keys
from tests.model.test_state import AT
from tests.sessions.world import COMPANY, GIVEN
from tests.test_committer import committing, ledger

__all__ = ["ledger"]

ENTROPY = SystemEntropy()
KEYS = CryptographyIssuerKeys()


class Clock:
    """Goes when it is told to."""

    def __init__(self) -> None:
        self.moment = AT

    def now(self):
        return self.moment


async def write(committer: Committer, clock: Clock, *facts) -> None:
    body = act_of_authority("Written", facts, clock.now())
    await committer.submit(lambda *_: Proposal(new_entry(body), facts, None))


async def test_keys_are_made_where_somebody_issues_renewed_and_destroyed(ledger):
    clock, custody = Clock(), Custody(Secret(b"r" * 32), ENTROPY)
    async with committing(ledger) as committer:

        async def renew() -> list[str]:
            await renew_signing_keys(committer, custody, KEYS, clock, ENTROPY)
            return sorted(key.algorithm for key in committer.version.state.signing_keys.values())

        async def sealed() -> set[str]:
            return {key for key, _ in await ledger.secrets(PURPOSE)}

        await write(committer, clock, *GIVEN)
        assert await renew() == []
        await write(committer, clock, OutboundIdentityEnabled(account=COMPANY, issuer="https://localhost/outbound/0"))
        assert await renew() == await renew() == ["ES384", "RS256"]
        first = set(committer.version.state.signing_keys)
        assert await sealed() == first
        for key in committer.version.state.signing_keys.values():
            ((_, row),) = [one for one in await ledger.secrets(PURPOSE) if one[0] == key.id]
            assert KEYS.signer(key.algorithm, custody.unseal(key.id, PURPOSE, row))(b"message")

        clock.moment += timedelta(days=90)
        assert await renew() == ["ES384", "ES384", "RS256", "RS256"]
        clock.moment += timedelta(days=1)
        assert await renew() == ["ES384", "RS256"]
        assert first.isdisjoint(committer.version.state.signing_keys)
        assert await sealed() == set(committer.version.state.signing_keys)

        await write(committer, clock, OutboundIdentityDisabled(account=COMPANY))
        clock.moment += timedelta(days=91)
        assert await renew() == []
        assert await sealed() == set()
