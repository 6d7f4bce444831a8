"""A witness: somebody else who looks at each checkpoint, and signs it when it continues the last one he saw.

C2SP tlog-witness, add-checkpoint.  With his signature nobody can show one log to us and another to him.  A witness that
does not answer costs his signature and no more; one that saw another log, or a longer one, is an alarm.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final, TypeAlias

import structlog

from authority.kernel.clock import Clock
from authority.ledger.note import Checkpoint, Note, NoteRefused, Signature, VerifierKey, read_signatures
from authority.ledger.port import Ledger
from authority.ledger.tlog import ProofRefused

log = structlog.get_logger()

Submit: TypeAlias = Callable[[bytes], Awaitable[tuple[int, bytes]]]
"""Posts a body to the witness and brings the status and the body of what he answers; `OSError` when he does not."""

LEFT_ALONE: Final = timedelta(seconds=30)
"""How long a witness that did not answer is not asked."""
MOST_HASHES: Final = 63
_SIZE: Final = re.compile(rb"(0|[1-9][0-9]{0,18})\n?")


class Witness:
    """One witness of one log, and how far he has seen it."""

    def __init__(self, key: VerifierKey, submit: Submit, clock: Clock) -> None:
        """Take *key*'s signatures for his."""
        self._key = key
        self._submit = submit
        self._clock = clock
        self._asked_again: datetime | None = None
        self.seen = 0
        """The size of the log that he signed for last, as far as we know."""

    async def cosign(self, ledger: Ledger, checkpoint: Checkpoint, note: Note) -> Note:
        """*note* with his signature, or as it is when he does not give it now.

        Raises `ProofRefused` when he signed for another log before, or for a longer one.
        """
        now = self._clock.now()
        if self._asked_again is not None and now < self._asked_again:
            return note
        try:
            signature = await self._signature(ledger, checkpoint, note)
        except (OSError, NoteRefused) as failure:
            log.warning("witness_silent", witness=self._key.name, reason=str(failure))
            self._asked_again = now + LEFT_ALONE
            return note
        self._asked_again, self.seen = None, checkpoint.size
        return Note(note.text, (*note.signatures, signature))

    async def _signature(self, ledger: Ledger, checkpoint: Checkpoint, note: Note) -> Signature:
        status, said = await self._submit(await _body(ledger, self.seen, checkpoint, note))
        known = _SIZE.fullmatch(said) if status == 409 else None
        if known is not None and int(known[1]) != self.seen:
            self.seen = int(known[1])
            if self.seen > checkpoint.size:
                raise ProofRefused(f"the witness `{self._key.name}` saw {self.seen} entries, and there are fewer")
            status, said = await self._submit(await _body(ledger, self.seen, checkpoint, note))
        if status in (409, 422):
            raise ProofRefused(f"the witness `{self._key.name}` saw another log of {self.seen} entries")
        if status != 200:
            raise NoteRefused(f"the witness answered with status {status}")
        for signature in read_signatures(said):
            if (signature.name, signature.key_id) == (self._key.name, self._key.id):
                self._key.check(note.text, signature.signed)
                return signature
        raise NoteRefused("the witness did not sign with the key that is known")


async def _body(ledger: Ledger, old: int, checkpoint: Checkpoint, note: Note) -> bytes:
    """What add-checkpoint is given."""
    proof = await ledger.prove_consistency(old, checkpoint.size) if old > 0 else []
    if len(proof) > MOST_HASHES:
        raise ProofRefused("the proof is longer than a witness reads")
    hashes = "".join(f"{base64.b64encode(one).decode('ascii')}\n" for one in proof)
    return f"old {old}\n{hashes}\n".encode() + bytes(note)
