"""A part of a log as one file that another party verifies and reads offline: JSON lines, as a bundle's are.

    {"excerpt":1,"origin":"...","account":"..."}        first
    {"subtree":{"height":3,"root":"..."}}               the root over 8 entries that are not shown
    {"position":9,"entry":{...}}                        an entry that is, byte for byte as it was stored and hashed
    {"checkpoint":"..."}                                what all of it leads to, as it was signed
    {"end":{"entries":1,"sha256":"..."}}                last; the digest of all bytes before it

Shown entries and the roots of what lies between them make up the tree whose root was signed, so that each entry is the
one that stands at its position.  Without an account the entries shown follow each other without a gap.  With one they
are those that are wholly that account's; that there are no others is not proven, for nobody can tell from a root
whose the entries under it are.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Annotated, Final, assert_never

import msgspec

from authority.audit.visibility import accounts_of, seen_by
from authority.ledger.note import Checkpoint, NoteRefused, VerifierKey, read_note, verified
from authority.ledger.port import Entry, Ledger, LedgerCorrupt
from authority.ledger.tlog import HASH_BYTES, TILE_HEIGHT, Frontier, leaf_hash, node_hash
from authority.model.event import Event, read_event
from authority.model.principals import AccessKeyCreated
from authority.model.sessions import SessionIssued
from authority.replay.lines import ENCODE, CheckpointLine, EntryLine, entry_line, read_line

FORMAT: Final = 1
PAGE: Final = 512
HIGHEST: Final = 62


class NothingToShow(Exception):  # noqa: N818 - what happened, in the words of the house
    """There is no excerpt of what was asked for."""


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    excerpt: int
    origin: str
    account: Annotated[str, msgspec.Meta(pattern=r"\A([0-9]{12})?\Z")]


class _Subtree(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    height: Annotated[int, msgspec.Meta(ge=0, le=HIGHEST)]
    root: Annotated[bytes, msgspec.Meta(min_length=HASH_BYTES, max_length=HASH_BYTES)]


class _Withheld(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    subtree: _Subtree


class _End(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    entries: int
    sha256: str


class _Ended(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    end: _End


START: Final = b'{"excerpt":'
"""How the file begins, so that it is known from a bundle of a whole log."""
_STARTS: Final[Mapping[bytes, type[_Header | _Withheld | EntryLine | CheckpointLine | _Ended]]] = {
    START: _Header,
    b'{"subtree":': _Withheld,
    b'{"position":': EntryLine,
    b'{"checkpoint":': CheckpointLine,
    b'{"end":': _Ended,
}


class Excerpted(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What an excerpt proves: so many entries, from *first* to *last*, stand where it says in the log that was signed.

    Where *complete* no entry between *first* and *last* is missing.  With an *account* nothing is said of entries that
    are not shown: they may be its own.
    """

    entries: int
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
        self._lines = self._entries = self._first = self._last = 0
        self._header: _Header | None = None
        self._checkpoint: Checkpoint | None = None
        self._signers: tuple[VerifierKey, ...] = ()
        self._ended = False

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
            case _Header():
                if found.excerpt != FORMAT:
                    raise LedgerCorrupt(0, f"an excerpt of form {found.excerpt} is not read by this release")
                self._header = found
            case _Withheld():
                self._grow(found.subtree.root, found.subtree.height)
            case EntryLine():
                self._take_entry(found)
            case CheckpointLine():
                self._take_checkpoint(found.checkpoint.encode())
            case _Ended():
                self._ended = True
                if found.end != _End(self._entries, self._digest.hexdigest()):
                    raise LedgerCorrupt(0, "the end is not that of this excerpt: something is missing or changed")
            case _:
                assert_never(found)
        self._digest.update(line)

    def conclude(self) -> Excerpted:
        """What was proven, once all lines were taken."""
        if not self._ended or self._header is None or self._checkpoint is None:
            raise LedgerCorrupt(self.next, "the excerpt is cut off")
        if not self._entries:
            raise LedgerCorrupt(0, "the excerpt shows nothing")
        return Excerpted(
            entries=self._entries,
            first=self._first,
            last=self._last,
            account=self._header.account,
            complete=not self._header.account,
            size=self._checkpoint.size,
            root=self._checkpoint.root.hex(),
            origin=self._checkpoint.origin,
            keys=tuple(map(str, self._signers)),
        )

    def _has_place(self, found: _Header | _Withheld | EntryLine | CheckpointLine | _Ended) -> bool:
        """The header comes first, the end after the checkpoint, and between them what makes up the tree."""
        match found:
            case _Header():
                return self._lines == 1
            case _Ended():
                return self._checkpoint is not None
            case _:
                return self._header is not None and self._checkpoint is None

    def _take_entry(self, found: EntryLine) -> None:
        if found.position != self.next:
            raise LedgerCorrupt(self.next, f"the next entry shown is {found.position}")
        body = bytes(found.entry)
        account = "" if self._header is None else self._header.account
        if account:
            if accounts_of(_read(found.position, body)) != {account}:
                raise LedgerCorrupt(found.position, f"the entry is not of the account {account} alone")
        elif self._entries and self._last != found.position - 1:
            raise LedgerCorrupt(self._last + 1, "the entries shown have a gap")
        self._entries += 1
        self._first = self._first or found.position
        self._last = found.position
        self._grow(leaf_hash(body), 0)

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


async def excerpted(
    ledger: Ledger, first: int = 1, last: int | None = None, account: str = ""
) -> AsyncIterator[tuple[int, int, bytes]]:
    """The lines of an excerpt, some at a time, with how far it has come and how far it goes.

    It shows the entries from *first* to *last*, or to the last that was signed for; with *account* those among them
    that are its own and nobody else's.  `NothingToShow` where there are none, or they were not signed for yet.
    """
    writer, checkpoint, note = await _begun(ledger)
    last = checkpoint.size if last is None else last
    if not 1 <= first <= last <= checkpoint.size:
        raise NothingToShow(f"from {first} to {last} is no part of the {checkpoint.size} entries that were signed for")
    lines = [writer.line(ENCODE(_Header(FORMAT, checkpoint.origin, account)))]
    chooser = _Chooser(account)
    if not account:  # whose a key is says the entry that made it, so that an account's part needs all of them
        await _withhold(ledger, writer, first - 1)
    while writer.size < last:
        at = writer.size
        for entry in await ledger.read(at, min(PAGE, last - at)):
            writer.check(entry)
            if chooser.shows(entry) and entry.position >= first:
                lines += writer.entry(entry)
            else:
                writer.withhold(entry.leaf)
        if writer.size == at:
            raise LedgerCorrupt(at + 1, "the entry is missing")
        yield writer.size, last, b"".join(lines)
        lines = []
    if not writer.entries:
        raise NothingToShow(f"no entry from {first} to {last} is the account's {account} alone")
    await _withhold(ledger, writer, checkpoint.size)
    lines = writer.flush()
    if writer.frontier.root() != checkpoint.root:
        raise LedgerCorrupt(0, "the log is not the one that was signed for")
    lines.append(writer.line(ENCODE(CheckpointLine(note))))
    yield last, last, b"".join(lines) + writer.end()


class _Chooser:
    """Knows which entries an excerpt shows; sees all of them in order, where it is of one account."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._whose: dict[str, str] = {}

    def shows(self, entry: Entry) -> bool:
        if not self._account:
            return True
        event = _read(entry.position, entry.body)
        for fact in event.facts:
            if isinstance(fact, AccessKeyCreated | SessionIssued):
                self._whose[fact.access_key_id] = fact.account
        return accounts_of(event) == {self._account} and seen_by(event, self._account, self._whose) is event


class _Writer:
    """Makes the lines that need to know what came before them."""

    def __init__(self) -> None:
        self.frontier = Frontier()
        self.entries = 0
        self.size = 0
        """How many entries were shown or withheld."""
        self._withheld: list[tuple[int, bytes]] = []
        self._digest = sha256()

    def check(self, entry: Entry) -> None:
        if entry.position != self.size + 1:
            raise LedgerCorrupt(self.size + 1, f"the next entry stored is {entry.position}")
        if entry.leaf != leaf_hash(entry.body):
            raise LedgerCorrupt(entry.position, "the leaf is not the hash of the body")

    def entry(self, entry: Entry) -> list[bytes]:
        """The lines of what was withheld before *entry*, and its own."""
        lines = self.flush()
        self.frontier.append(entry.leaf)
        self.size += 1
        self.entries += 1
        try:
            return [*lines, self.line(entry_line(entry.position, entry.body))]
        except ValueError as fault:
            raise LedgerCorrupt(entry.position, str(fault)) from fault

    def withhold(self, node: bytes, height: int = 0) -> None:
        """Pass over a whole subtree; with the one before it, if that is its other half, it makes a larger one."""
        number = self.size >> height
        self.size += 1 << height
        while number & 1 and self._withheld and self._withheld[-1][0] == height:
            node = node_hash(self._withheld.pop()[1], node)
            number >>= 1
            height += 1
        self._withheld.append((height, node))

    def flush(self) -> list[bytes]:
        """The lines of what was withheld."""
        lines = []
        for height, node in self._withheld:
            self.frontier.append(node, height)
            lines.append(self.line(ENCODE(_Withheld(_Subtree(height, node)))))
        self._withheld.clear()
        return lines

    def line(self, spelled: bytes) -> bytes:
        line = spelled + b"\n"
        self._digest.update(line)
        return line

    def end(self) -> bytes:
        return ENCODE(_Ended(_End(self.entries, self._digest.hexdigest()))) + b"\n"


async def _begun(ledger: Ledger) -> tuple[_Writer, Checkpoint, str]:
    signed = await ledger.latest_signed_head()
    if signed is None:
        raise NothingToShow("no checkpoint was signed yet")
    try:
        return _Writer(), Checkpoint.unverified(read_note(signed.note)), signed.note.decode()
    except NoteRefused as refused:
        raise LedgerCorrupt(0, f"the last checkpoint counts for nothing: {refused}") from refused


async def _withhold(ledger: Ledger, writer: _Writer, end: int) -> None:
    """Pass over the entries up to *end*, which nobody read."""
    for height, number in whole_subtrees(writer.size, end):
        stored = height - height % TILE_HEIGHT
        count = 1 << (height - stored)
        for root in await ledger.subtrees(stored, number * count, count):
            writer.withhold(root, stored)


def whole_subtrees(start: int, end: int) -> Iterator[tuple[int, int]]:
    """The fewest whole subtrees, by height and number, that make up the leaves from *start* up to *end*."""
    while start < end:
        height = (end - start).bit_length() - 1
        if start:
            height = min(height, (start & -start).bit_length() - 1)
        yield height, start >> height
        start += 1 << height


def _read(position: int, body: bytes) -> Event:
    try:
        return read_event(body)
    except ValueError as fault:
        raise LedgerCorrupt(position, f"the entry cannot be read: {fault}") from fault
