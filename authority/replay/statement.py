"""What the authority states of an account's part of its log: that nothing of the account's is missing from it.

A root proves that an entry is in the log, and cannot prove that no other entry is the account's.  So the keys that sign
checkpoints sign for the choice, too: a note (C2SP signed-note) over the account, the range that was looked through and
the digest of every line of the excerpt up to its checkpoint.  Whoever hands the file on can leave nothing behind a hash
then.  Four lines, where a checkpoint has three: one can never be taken for the other.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Final, Self

import msgspec

from authority.kernel.secret import Secret
from authority.ledger.note import Note, NoteRefused, Signer, VerifierKey, read_note, verified
from authority.ledger.port import Lane, Ledger, LedgerCorrupt
from authority.model.checkpoints import CheckpointKeyCreated, CheckpointKeyRetired
from authority.replay.evidence import facts_of

Unseal = Callable[[str, bytes], Secret]
"""Opens the vault row of a key that signs checkpoints, by its id; whoever holds the root key can."""

PAGE: Final = 512
ABOUT: Final = "/account"
"""What follows the name of the log in the first line."""


class Statement(msgspec.Struct, frozen=True):
    """That the lines with this digest show all that *account* sees of the entries from *first* to *last*."""

    origin: str
    account: str
    first: int
    last: int
    digest: bytes

    def text(self) -> str:
        """The note's text."""
        spelled = base64.b64encode(self.digest).decode("ascii")
        return f"{self.origin}{ABOUT}\n{self.account}\n{self.first} {self.last}\n{spelled}\n"

    def signed(self, signers: Sequence[Signer]) -> str:
        """The statement under the signatures of *signers*."""
        text = self.text()
        return bytes(Note(text, tuple(signer.sign(text) for signer in signers))).decode()

    @classmethod
    def verified(cls, spelled: str, keys: Sequence[VerifierKey], origin: str, account: str, digest: bytes) -> Self:
        """What one of *keys* signed in *spelled*, if it is of these lines; else `NoteRefused`."""
        note = read_note(spelled.encode())
        verified(note, keys)
        lines = note.text.split("\n")
        if len(lines) == len(cls.__struct_fields__):
            first, _, last = lines[2].partition(" ")
            if first.isdigit() and last.isdigit():
                stated = cls(origin, account, int(first), int(last), digest)
                if stated.text() == note.text:
                    return stated
        raise NoteRefused("it was signed for another part")


async def signers(ledger: Ledger, unseal: Unseal, checkpoint: bytes) -> list[Signer]:
    """The keys that sign for *ledger* now, one of which signed the *checkpoint*; else `LedgerCorrupt`."""
    found = []
    for key in (await _living(ledger)).values():
        kept = await ledger.secret(key.key_id)
        if kept is not None:  # else it was destroyed meanwhile, and another signs
            found.append(Signer(key.origin, unseal(key.key_id, kept[1]).reveal()))  # revealed to the library that signs
    try:
        verified(read_note(checkpoint), [signer.verifier for signer in found])
    except NoteRefused as refused:
        raise LedgerCorrupt(0, f"the last checkpoint is not one that we signed: {refused}") from refused
    return found


async def _living(ledger: Ledger) -> dict[str, CheckpointKeyCreated]:
    """The keys that were made and not retired, by their ids."""
    living, at = dict[str, CheckpointKeyCreated](), 0
    while page := await ledger.read(at, PAGE, Lane.CONFIG):
        for entry in page:
            for fact in facts_of(entry):
                if isinstance(fact, CheckpointKeyCreated):
                    living[fact.key_id] = fact
                elif isinstance(fact, CheckpointKeyRetired):
                    living.pop(fact.key_id, None)
        at = page[-1].position
    return living
