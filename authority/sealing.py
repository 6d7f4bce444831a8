"""The sealer: signs, once a second where the log grew, what the log has become.

    1. the keys that the state says sign, then the head of the log, which holds the entries of all of them;
    2. the proof that it continues the log that was signed last; without it nothing is signed, and everybody is told;
    3. the checkpoint, signed with every key there is and by a witness where there is one, kept beside the log;
    4. an older key is retired once a checkpoint carries its signature and that of the key that follows it.

What a crash leaves: after 3 a checkpoint that the next start takes up; before 4 two keys, and the next checkpoint is
signed by both again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import structlog

from authority.access.action import Facts
from authority.accounts.checkpoint_keys import new_checkpoint_key, origin_of
from authority.committer import Committer
from authority.kernel.clock import Clock, Entropy
from authority.kernel.custody import Custodian
from authority.ledger.note import Checkpoint, NoteRefused, Signer, read_note, signed_checkpoint, verified_checkpoint
from authority.ledger.port import DropSecret, Ledger, LedgerCorrupt, SignedHead
from authority.ledger.tlog import ProofRefused, check_consistency
from authority.model.authority import LOCALLY
from authority.model.checkpoints import PURPOSE, CheckpointKey, CheckpointKeyRetired, CheckpointRefused
from authority.witnessing import Witness
from authority.workers import own_act

log = structlog.get_logger()

SEED_BYTES: Final = 32
PAGE: Final = 1_000


class Sealer:
    """Signs checkpoints of one log, each of which continues the last."""

    def __init__(
        self,
        ledger: Ledger,
        committer: Committer,
        custodian: Custodian,
        clock: Clock,
        witness: Witness | None = None,
    ) -> None:
        """Call `begin` before `seal`.  A *witness* is asked to sign each checkpoint as well."""
        self._ledger = ledger
        self._committer = committer
        self._custodian = custodian
        self._clock = clock
        self._witness = witness
        self._signers: dict[str, Signer] = {}
        self._told = False
        self.last: Checkpoint | None = None
        """What was signed last."""
        self.alarms = 0
        """How often nothing was signed because the log did not continue what was signed last."""

    @property
    def size(self) -> int:
        """How many entries were signed for."""
        return 0 if self.last is None else self.last.size

    async def begin(self, entropy: Entropy) -> None:
        """Have a key that signs, and take up where the last checkpoint stands.

        Raises `LedgerCorrupt` when the log is not the one that was signed for.
        """
        state = self._committer.version.state
        kept = await self._ledger.latest_signed_head()
        if not state.checkpoint_keys and kept is None:
            origin = origin_of(LOCALLY if state.settings is None else state.settings.public_url, state.ledger_id)
            made, new = new_checkpoint_key(origin, Facts(self._clock.now(), entropy.draw(SEED_BYTES)))
            await self._committer.submit(
                own_act(self._clock, "CheckpointKeyCreated", (made,), rows=(new.sealed_by(self._custodian),))
            )
        signers = await self._signing()
        if kept is None and state.checkpoint_keys:
            log.warning("checkpoints_missing", position=self._committer.version.position)
        if kept is not None:
            self.last = await _taken_up(self._ledger, kept, signers)

    async def seal(self) -> None:
        """Sign for the log as it stands, if it grew and continues what was signed last; else raise the alarm."""
        signers = await self._signing()
        # INVARIANT: after the state, so that the entry of every key that signs lies under the checkpoint.
        head = await self._ledger.head()
        if self.last is not None and (head.position, head.root) == (self.last.size, self.last.root):
            return
        checkpoint = Checkpoint(signers[-1].verifier.name, head.position, head.root)
        try:
            await self._continues(checkpoint)
            await self._keep(checkpoint, signers)
        except (ProofRefused, NoteRefused) as refused:
            await self._alarm(checkpoint, str(refused))
            return
        self._told = False
        if len(signers) > 1:
            await self._retire_all_but_newest(len(signers))
            await self.seal()  # what was written about it is signed for by the newest alone

    async def _retire_all_but_newest(self, signing: int) -> None:
        for older in self._committer.version.state.signers_of_checkpoints()[: signing - 1]:
            gone = (CheckpointKeyRetired(key_id=older.id),)
            act = own_act(self._clock, "CheckpointKeyRetired", gone, rows=(DropSecret(older.id),))
            await self._committer.submit(act)
            self._signers.pop(older.id, None)

    async def _continues(self, checkpoint: Checkpoint) -> None:
        """Raise `ProofRefused` unless the log of *checkpoint* is that of the last one, and more."""
        last = self.last
        if last is None:
            return
        if checkpoint.size < last.size:
            raise ProofRefused(f"the log ends at {checkpoint.size}, and {last.size} entries were signed for")
        proof = await self._ledger.prove_consistency(last.size, checkpoint.size)
        check_consistency(last.size, checkpoint.size, proof, last.root, checkpoint.root)

    async def _keep(self, checkpoint: Checkpoint, signers: Sequence[Signer]) -> None:
        note = signed_checkpoint(checkpoint, signers)
        if self._witness is not None:
            note = await self._witness.cosign(self._ledger, checkpoint, note)
        try:
            await self._ledger.put_signed_head(SignedHead(checkpoint.size, bytes(note)))
        except ValueError:  # kept although the answer was lost, or put there by somebody else
            kept = await self._ledger.latest_signed_head()
            if kept is None:
                raise
            checkpoint = _verified(kept, signers)
            if checkpoint.root != await self._ledger.root_at(checkpoint.size):
                raise ProofRefused(f"another log of {checkpoint.size} entries was signed for") from None
        self.last = checkpoint

    async def _signing(self) -> list[Signer]:
        """The signers of the newest state, oldest first."""
        keys = self._committer.version.state.signers_of_checkpoints()
        if not keys:
            raise LedgerCorrupt(0, "checkpoints were signed, and no entry says with which key")
        return [self._signers.get(key.id) or await self._signer(key) for key in keys]

    async def _signer(self, key: CheckpointKey) -> Signer:
        found = await self._ledger.secret(key.id)
        if found is None:
            raise LedgerCorrupt(0, f"the private key `{key.id}`, which signs checkpoints, is gone from the vault")
        seed = self._custodian.unseal(key.id, PURPOSE, found[1])
        signer = self._signers[key.id] = Signer(key.origin, seed.reveal())  # revealed to the library that signs
        if str(signer.verifier) != key.verifier:
            raise LedgerCorrupt(0, f"the key `{key.id}` is not the one that the log names")
        return signer

    async def _alarm(self, checkpoint: Checkpoint, why: str) -> None:
        self.alarms += 1
        log.error("checkpoint_refused", size=checkpoint.size, last_size=self.size, reason=why)
        if not self._told:
            refused = CheckpointRefused(size=checkpoint.size, last_size=self.size, why=why)
            await self._committer.submit(own_act(self._clock, "CheckpointRefused", (refused,)))
            self._told = True


def _verified(kept: SignedHead, signers: Sequence[Signer]) -> Checkpoint:
    """What *kept* says, if one of *signers* signed it; else `NoteRefused`."""
    keys = [signer.verifier for signer in signers]
    checkpoint = verified_checkpoint(kept.note, signers[-1].verifier.name, keys)
    if checkpoint.size != kept.size:
        raise NoteRefused(f"a checkpoint of {checkpoint.size} entries is kept as one of {kept.size}")
    return checkpoint


async def _taken_up(ledger: Ledger, kept: SignedHead, signers: Sequence[Signer]) -> Checkpoint:
    """The checkpoint *kept*, which must be ours and of this log; else `LedgerCorrupt`."""
    try:
        checkpoint = _verified(kept, signers)
    except NoteRefused as refused:
        raise LedgerCorrupt(0, f"the checkpoint of {kept.size} entries counts for nothing: {refused}") from refused
    try:
        if await ledger.root_at(checkpoint.size) == checkpoint.root:
            return checkpoint
    except LookupError as fault:
        raise LedgerCorrupt((await ledger.head()).position + 1, f"{fault}; they were signed for") from fault
    position = await _last_that_fits(ledger) + 1
    raise LedgerCorrupt(position, f"the log is not the one that was signed for at {checkpoint.size} entries")


async def _last_that_fits(ledger: Ledger) -> int:
    """The largest size at which the log is what a checkpoint said; nothing was exchanged up to there."""
    fits, after = 0, 0
    while page := await ledger.signed_heads(after, PAGE):
        for signed in page:
            try:
                stated = Checkpoint.unverified(read_note(signed.note))
            except NoteRefused:
                return fits
            if await ledger.root_at(signed.size) != stated.root:
                return fits
            fits = after = signed.size
    return fits
