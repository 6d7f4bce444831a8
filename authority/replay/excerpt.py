"""A part of a log as one file that another party verifies and reads offline: JSON lines, as a bundle's are.

    {"excerpt":1,"origin":"...","account":"..."}        first
    {"subtree":{"height":3,"root":"..."}}               the root over 8 entries that are not shown
    {"position":9,"entry":{...}}                        an entry that is, byte for byte as it was stored and hashed
    {"shared":{"position":10,"leaf":"...","seen":{}}}   the hash of one that is another's, too, and the account's side
    {"checkpoint":"..."}                                what all of it leads to, as it was signed
    {"statement":"..."}                                 that nothing of the account's is missing, as it was signed
    {"end":{"entries":1,"sha256":"..."}}                last; the digest of all bytes before it

Shown entries and the roots of what lies between them make up the tree whose root was signed, so that each entry is the
one that stands at its position.  Without an account the entries shown follow each other without a gap.  With one they
are those that are wholly that account's, and nobody can tell from a root whose the entries under it are: that there are
no others, and what the account sees of entries that it shares, is as good as the statement that the log's own key
signed.  Without one it is not proven, and what is shared is not shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Annotated, Final, TypeAlias, assert_never

import msgspec

from authority.audit.visibility import accounts_of
from authority.ledger.note import COSIGNATURE, Checkpoint, NoteRefused, VerifierKey, read_note, verified
from authority.ledger.port import LedgerCorrupt
from authority.ledger.tlog import HASH_BYTES, Frontier, leaf_hash
from authority.model.event import Event, read_event
from authority.replay.lines import CheckpointLine, EntryLine, read_line
from authority.replay.statement import Statement

FORMAT: Final = 1
HIGHEST: Final = 62


Hash = Annotated[bytes, msgspec.Meta(min_length=HASH_BYTES, max_length=HASH_BYTES)]


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The first line."""

    excerpt: int
    origin: str
    account: Annotated[str, msgspec.Meta(pattern=r"\A([0-9]{12})?\Z")]
    stated: bool = False
    """Whether a statement follows."""


class Subtree(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole subtree."""

    height: Annotated[int, msgspec.Meta(ge=0, le=HIGHEST)]
    root: Hash


class Withheld(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Entries that are not shown."""

    subtree: Subtree


class Seen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an account sees of an entry that is not its own alone."""

    position: int
    leaf: Hash
    seen: msgspec.Raw


class Shared(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The line of one."""

    shared: Seen


class StatementLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A statement as it was signed."""

    statement: str


class End(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much there was."""

    entries: int
    sha256: str


class Ended(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last line."""

    end: End


START: Final = b'{"excerpt":'
"""How the file begins, so that it is known from a bundle of a whole log."""
_Line: TypeAlias = Header | Withheld | EntryLine | Shared | CheckpointLine | StatementLine | Ended
_STARTS: Final[Mapping[bytes, type[_Line]]] = {
    START: Header,
    b'{"subtree":': Withheld,
    b'{"position":': EntryLine,
    b'{"shared":': Shared,
    b'{"checkpoint":': CheckpointLine,
    b'{"statement":': StatementLine,
    b'{"end":': Ended,
}


class Excerpted(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What an excerpt proves: so many entries, from *first* to *last*, stand where it says in the log that was signed.

    Where *complete* nothing from *first* to *last* is missing: no entry, or nothing that the *account* sees, and
    *shared* are the entries of which it sees its side.  Where not, entries that are not shown may be the account's.
    """

    entries: int
    shared: int
    first: int
    last: int
    account: str
    complete: bool
    size: int
    root: str
    origin: str
    keys: tuple[str, ...]


class Reader:
    """Verifies an excerpt line by line: raises `LedgerCorrupt` for the first that does not fit."""

    def __init__(self, keys: Sequence[VerifierKey]) -> None:
        """Believe a checkpoint that one of *keys* signed.  `ValueError` when there is none: the file names no key."""
        if not keys:
            raise ValueError("an excerpt is believed for a key that was noted before")
        self._keys = tuple(keys)
        self._frontier = Frontier()
        self._digest = sha256()
        self._lines = self._entries = self._shared = self._first = self._last = 0
        self._header: Header | None = None
        self._checkpoint: Checkpoint | None = None
        self._statement: Statement | None = None
        self._signers: tuple[VerifierKey, ...] = ()
        self._due = self._ended = False

    @property
    def next(self) -> int:
        """The position that comes next."""
        return self._frontier.size + 1

    def take(self, line: bytes) -> None:
        """Verify the next *line*."""
        self._lines += 1
        try:
            found = read_line(line, _STARTS)
        except ValueError as fault:
            raise LedgerCorrupt(self.next, f"line {self._lines} {fault}") from fault
        if self._ended or not self._has_place(found):
            raise LedgerCorrupt(self.next, f"line {self._lines} has no place here")
        match found:
            case Header():
                if found.excerpt != FORMAT:
                    raise LedgerCorrupt(0, f"an excerpt of form {found.excerpt} is not read by this release")
                if found.stated and not found.account:
                    raise LedgerCorrupt(0, "nothing is stated of a range")
                self._header, self._due = found, found.stated
            case Withheld():
                self._grow(found.subtree.root, found.subtree.height)
            case EntryLine():
                self._take_entry(found)
            case Shared():
                self._take_shared(found.shared)
            case CheckpointLine():
                self._take_checkpoint(found.checkpoint.encode())
            case StatementLine():
                self._take_statement(found.statement)
            case Ended():
                self._ended = True
                if found.end != End(self._entries, self._digest.hexdigest()):
                    raise LedgerCorrupt(0, "the end is not that of this excerpt: something is missing or changed")
            case _:
                assert_never(found)
        self._digest.update(line)

    def conclude(self) -> Excerpted:
        """What was proven, once all lines were taken."""
        if not self._ended or self._header is None or self._checkpoint is None:
            raise LedgerCorrupt(self.next, "the excerpt is cut off")
        if not self._last:
            raise LedgerCorrupt(0, "the excerpt shows nothing")
        stated = self._statement
        return Excerpted(
            entries=self._entries,
            shared=self._shared,
            first=self._first if stated is None else stated.first,
            last=self._last if stated is None else stated.last,
            account=self._header.account,
            complete=stated is not None or not self._header.account,
            size=self._checkpoint.size,
            root=self._checkpoint.root.hex(),
            origin=self._checkpoint.origin,
            keys=tuple(map(str, self._signers)),
        )

    def _has_place(self, found: _Line) -> bool:
        """The header comes first, then what makes up the tree, the checkpoint, a statement if it is due, the end."""
        match found:
            case Header():
                return self._lines == 1
            case Ended():
                return self._checkpoint is not None and not self._due
            case StatementLine():
                return self._checkpoint is not None and self._due
            case Shared():
                return self._checkpoint is None and self._due
            case _:
                return self._header is not None and self._checkpoint is None

    def _take_entry(self, found: EntryLine) -> None:
        if found.position != self.next:
            raise LedgerCorrupt(self.next, f"the next entry shown is {found.position}")
        body = bytes(found.entry)
        account = "" if self._header is None else self._header.account
        if account:
            if accounts_of(read_shown(found.position, body)) != {account}:
                raise LedgerCorrupt(found.position, f"the entry is not of the account {account} alone")
        elif self._entries and self._last != found.position - 1:
            raise LedgerCorrupt(self._last + 1, "the entries shown have a gap")
        self._entries += 1
        self._show(leaf_hash(body))

    def _take_shared(self, seen: Seen) -> None:
        if seen.position != self.next:
            raise LedgerCorrupt(self.next, f"the next entry shared is {seen.position}")
        read_shown(seen.position, bytes(seen.seen))
        self._shared += 1
        self._show(seen.leaf)

    def _show(self, leaf: bytes) -> None:
        self._first = self._first or self.next
        self._last = self.next
        self._grow(leaf, 0)

    def _grow(self, node: bytes, height: int) -> None:
        try:
            self._frontier.append(node, height)
        except ValueError as fault:
            raise LedgerCorrupt(self.next, f"line {self._lines}: {fault}") from fault

    def _take_checkpoint(self, spelled: bytes) -> None:
        """Hold all that came before against what was signed.

        1. one of the keys signed it, for the log that the header names;
        2. the entries and roots are as many as it says;
        3. and make up the tree that it says.
        """
        try:
            note = read_note(spelled)
            stated = Checkpoint.unverified(note)
            self._signers = verified(note, self._keys)
        except NoteRefused as refused:
            raise LedgerCorrupt(0, f"the checkpoint counts for nothing: {refused}") from refused
        if self._header is None or stated.origin != self._header.origin:
            raise LedgerCorrupt(0, f"the checkpoint is of the log `{stated.origin}`, and the excerpt says another")
        if stated.size != self._frontier.size:
            raise LedgerCorrupt(0, f"{stated.size} entries were signed for, and the excerpt has {self._frontier.size}")
        if stated.root != self._frontier.root():
            raise LedgerCorrupt(0, "the checkpoint was signed for another history")
        self._checkpoint = stated

    def _take_statement(self, spelled: str) -> None:
        """Hold all lines up to here, and the range that they are of, against what the log's own key signed."""
        if self._header is None or self._checkpoint is None:
            raise AssertionError("the statement has no place here")
        self._due = False
        keys = [key for key in self._keys if key.kind != COSIGNATURE]
        if not keys:  # a witness does not know whose an entry is: what is stated is not proven
            return
        header = self._header
        try:
            self._statement = Statement.verified(spelled, keys, header.origin, header.account, self._digest.digest())
        except NoteRefused as refused:
            raise LedgerCorrupt(0, f"the statement that nothing is missing counts for nothing: {refused}") from refused
        if not self._statement.first <= self._first <= self._last <= self._statement.last <= self._checkpoint.size:
            raise LedgerCorrupt(0, "the statement is of another range")


def read_shown(position: int, body: bytes) -> Event:
    """The entry that *body* spells; `LedgerCorrupt` where it is none."""
    try:
        return read_event(body)
    except ValueError as fault:
        raise LedgerCorrupt(position, f"the entry cannot be read: {fault}") from fault
