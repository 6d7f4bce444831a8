"""A log with its committer and its sealer, as a server runs them, without a server."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

from authority.access.action import Facts
from authority.accounts.checkpoint_keys import new_checkpoint_key
from authority.committer import Committer, Proposal, folded
from authority.kernel.ids import AccountId
from authority.kernel.secret import Secret
from authority.ledger.codec import new_entry
from authority.ledger.note import VerifierKey, read_note
from authority.ledger.port import LedgerCorrupt
from authority.ledger.sql.schema import migrate
from authority.ledger.sql.sqlite import SqliteLedger
from authority.model.authority import AccountCreated, AuthorityInitialised, Settings, SettingsChanged
from authority.model.event import Event, write_event
from authority.model.state import EMPTY
from authority.outbound.clock import SystemClock
from authority.outbound.custody import Custody
from authority.outbound.entropy import SystemEntropy
from authority.replay.folding import Version
from authority.sealing import Sealer
from authority.workers import own_act

AT = datetime(2026, 1, 2, tzinfo=UTC)
ACCOUNT = AccountId("111122223333")
ROOT = Secret(bytes(range(32)))
ORIGIN = "authority.example/log/l1"
FOUNDED = (
    AuthorityInitialised(ledger_id="l1", management_account=ACCOUNT),
    SettingsChanged(settings=Settings("1", ("us-east-1",), public_url="https://authority.example")),
    AccountCreated(account=ACCOUNT, name="Management"),
)


async def begun(path):
    """Make a log that has begun at *path*."""
    await migrate(f"sqlite:///{path}")
    ledger = await SqliteLedger.open(f"sqlite:///{path}")
    event = Event(type="authority:Initialised", v=1, decided_at=AT, lane="config", subject="", facts=FOUNDED)
    await ledger.append([new_entry(write_event(event))], folded=0)
    await ledger.close()


class Running:
    """A log with its committer and its sealer."""

    def __init__(self, ledger, committer, sealer):
        self.ledger, self.committer, self.sealer = ledger, committer, sealer

    async def grow(self, count=1):
        for number in range(count):
            body = write_event(Event(type="test:Read", v=1, decided_at=AT, lane="session", subject=f"{number}"))
            await self.committer.submit(lambda *_, body=body: Proposal(new_entry(body, once=(f"{uuid4()}",)), (), None))

    async def rotate(self):
        made, new = new_checkpoint_key(ORIGIN, Facts(AT, SystemEntropy().draw(32)))
        row = new.sealed_by(Custody(ROOT, SystemEntropy()))
        await self.committer.submit(own_act(SystemClock(), "RotateCheckpointKey", (made,), rows=(row,)))
        return made

    async def notes(self):
        return [read_note(signed.note) for signed in await self.ledger.signed_heads(0, 1000)]

    def keys(self):
        signing = self.committer.version.state.signers_of_checkpoints()
        return [VerifierKey.parse(key.verifier) for key in signing]


@asynccontextmanager
async def running(path, root=ROOT, witness=None):
    ledger = await SqliteLedger.open(f"sqlite:///{path}")
    try:
        version = await folded(ledger, Version(0, 0, EMPTY))
        committer = Committer(ledger, version, batch_limit=64, queue_limit=256)
        async with asyncio.TaskGroup() as group:
            committing = group.create_task(committer.run())
            try:
                sealer = Sealer(ledger, committer, Custody(root, SystemEntropy()), SystemClock(), witness)
                await sealer.begin(SystemEntropy())
                yield Running(ledger, committer, sealer)
            finally:
                committing.cancel()
    except* LedgerCorrupt as corrupt:
        raise corrupt.exceptions[0] from None
    finally:
        await ledger.close()
