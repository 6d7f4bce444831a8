"""Whether the checkpoints of a log are those of its entries, and signed by somebody who is trusted.

Knows no store: whoever walks over a log says which keys its entries name and which root its tree has at each
checkpoint.  Needs nothing but public keys, and not even all of them: a key that was created under a checkpoint which a
trusted key signed is trusted from there on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from authority.ledger.note import Checkpoint, NoteRefused, VerifierKey, read_note, verified
from authority.ledger.port import Entry, LedgerCorrupt, SignedHead
from authority.model.checkpoints import CheckpointKeyCreated, CheckpointKeyRetired
from authority.model.event import read_folded
from authority.model.fact import Fact


class Proven(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was found of a log: how far it was signed for, and by which keys (C2SP signed-note, verifier keys).

    What lies after *signed* was not signed for yet.  Where *given* is false nobody said which key to trust, and the
    first that the log itself names was taken.
    """

    signed: int
    checkpoints: int
    origin: str
    keys: tuple[str, ...]
    given: bool


class Evidence:
    """Takes in what a log says of its keys and its checkpoints, in their order, and concludes whom to believe."""

    def __init__(self, given: Sequence[VerifierKey] = (), kept: Mapping[int, bytes] | None = None) -> None:
        """Trust the keys *given*; *kept* are roots by size, from checkpoints that were put aside elsewhere."""
        self._given = tuple(given)
        self._kept = dict(kept or {})
        self._created: dict[VerifierKey, int] = {}
        self._ids: dict[str, VerifierKey] = {}
        self._retired: dict[VerifierKey, int] = {}
        self._groups: dict[frozenset[VerifierKey], tuple[int, int]] = {}
        self._checkpoints = 0
        self._size = 0
        self.origin = ""

    @property
    def sizes(self) -> list[int]:
        """The sizes at which *kept* roots wait to be compared."""
        return sorted(self._kept)

    def awaits(self, size: int) -> bool:
        """Whether the root at *size* should be compared."""
        return size in self._kept

    def learn(self, entry: Entry) -> None:
        """Take in what an entry of the configuration says of the keys that sign."""
        for fact in facts_of(entry):
            match fact:
                case CheckpointKeyCreated():
                    self._create(entry.position, fact)
                case CheckpointKeyRetired():
                    key = self._ids.get(fact.key_id)
                    if key is not None:
                        self._retired.setdefault(key, entry.position)
                case _:
                    pass

    def _create(self, position: int, fact: CheckpointKeyCreated) -> None:
        try:
            key = VerifierKey.parse(fact.verifier)
        except NoteRefused as refused:
            raise LedgerCorrupt(position, f"the entry names no key: {refused}") from refused
        self.origin = self.origin or fact.origin
        if fact.origin != self.origin or key.name != self.origin:
            raise LedgerCorrupt(position, f"a key of the log `{key.name}` cannot sign for the log `{self.origin}`")
        self._created.setdefault(key, position)
        self._ids[fact.key_id] = key

    def checkpoint(self, signed: SignedHead, root: bytes) -> None:
        """Hold a stored checkpoint against the *root* that the tree has at its size; all keys before it are learnt."""
        named = f"the checkpoint of {signed.size} entries"
        if signed.size <= self._size:
            raise LedgerCorrupt(0, f"{named} follows one of {self._size}")
        try:
            note = read_note(signed.note)
            stated = Checkpoint.unverified(note)
            signers = verified(note, (*self._given, *self._created))
        except NoteRefused as refused:
            raise LedgerCorrupt(0, f"{named} counts for nothing: {refused}") from refused
        if stated.origin != self.origin or stated.size != signed.size:
            raise LedgerCorrupt(0, f"{named} is of {stated.size} entries of the log `{stated.origin}`")
        living = frozenset(key for key in signers if self._retired.get(key, _NEVER) > signed.size)
        if not living:
            raise LedgerCorrupt(0, f"{named} is signed with a key that was retired before")
        if stated.root != root:
            raise LedgerCorrupt(self._size + 1, f"{named} was signed for another history")
        first, _ = self._groups.get(living, (signed.size, 0))
        self._groups[living] = (first, signed.size)
        self._checkpoints += 1
        self._size = signed.size

    def compare(self, size: int, root: bytes) -> None:
        """Hold the *root* at *size* against what was put aside elsewhere."""
        expected = self._kept.pop(size, root)
        if expected != root:
            raise LedgerCorrupt(self._size + 1, f"a checkpoint of {size} entries was kept of another history")

    def conclude(self, size: int) -> Proven:
        """Say whom to believe, once the log of *size* entries was walked over.

        Raises `LedgerCorrupt` where a checkpoint is signed by nobody who is trusted, or where the log should be longer.
        """
        if self._kept:
            wanted = max(self._kept)
            raise LedgerCorrupt(size + 1, f"the log ends at {size}, and {wanted} entries were signed for")
        if self._size > size:
            raise LedgerCorrupt(size + 1, f"the log ends at {size}, and {self._size} entries were signed for")
        trusted = set(self._given or tuple(self._created)[:1])
        reach = -1
        while (found := self._reach(trusted)) > reach:
            reach = found
            trusted.update(key for key, position in self._created.items() if position <= reach)
        strangers = [first for group, (first, _) in self._groups.items() if trusted.isdisjoint(group)]
        if strangers:
            what = f"the checkpoint of {min(strangers)} entries is signed by nobody who is trusted"
            raise LedgerCorrupt(reach + 1 if reach < min(strangers) else 0, what)
        if self._given and not reach:
            raise LedgerCorrupt(1, "there is no checkpoint that the given key signed")
        signing = tuple(str(key) for key in self._created if self._retired.get(key, _NEVER) > size)
        return Proven(
            signed=reach, checkpoints=self._checkpoints, origin=self.origin, keys=signing, given=bool(self._given)
        )

    def _reach(self, trusted: set[VerifierKey]) -> int:
        """The size of the largest checkpoint that one of *trusted* signed."""
        return max((last for group, (_, last) in self._groups.items() if not trusted.isdisjoint(group)), default=0)


def facts_of(entry: Entry) -> Iterable[Fact]:
    """What became true with *entry*; `LedgerCorrupt` where that cannot be read."""
    try:
        return read_folded(entry.body).facts
    except ValueError as fault:
        raise LedgerCorrupt(entry.position, f"the facts cannot be read: {fault}") from fault


_NEVER: Final = 2**63 - 1
