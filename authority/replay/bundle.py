"""A log as one file that another party verifies and reads offline: JSON lines.

    {"bundle":1,"ledgerId":"...","origin":"..."}        first
    {"position":1,"entry":{...}}                        every entry, byte for byte as it was stored and hashed
    {"checkpoint":"..."}                                after the last entry that it covers
    {"end":{"entries":2,"checkpoints":1,"sha256":"..."}}   last; the digest of all bytes before it

The end makes a file that was cut off, or copied badly, known at once; what makes it evidence are the checkpoints.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Mapping
from hashlib import sha256
from typing import Final, assert_never

import msgspec

from authority.ledger.codec import LANES, header_of
from authority.ledger.note import Checkpoint, NoteRefused, read_note
from authority.ledger.port import BEGINNING, Entry, Lane, Ledger, LedgerCorrupt, SignedHead
from authority.ledger.tlog import Frontier, leaf_hash
from authority.ledger.verify import Verifier
from authority.model.authority import AuthorityInitialised
from authority.replay.evidence import Evidence, facts_of
from authority.replay.lines import ENCODE, CheckpointLine, EntryLine, entry_line, read_line
from authority.replay.verifying import Verified

FORMAT: Final = 1
PAGE: Final = 512


class _Header(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    bundle: int
    ledger_id: str
    origin: str


class _End(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    entries: int
    checkpoints: int
    sha256: str


class _Ended(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    end: _End


class Writer:
    """Makes the lines of a bundle, in order."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._digest = sha256()
        self._entries = self._checkpoints = 0

    def header(self, ledger_id: str, origin: str) -> bytes:
        """The first line."""
        return self._line(ENCODE(_Header(FORMAT, ledger_id, origin)))

    def entry(self, entry: Entry) -> bytes:
        """The line of the next entry."""
        self._entries += 1
        try:
            return self._line(entry_line(entry.position, entry.body))
        except ValueError as fault:
            raise LedgerCorrupt(entry.position, str(fault)) from fault

    def checkpoint(self, signed: SignedHead) -> bytes:
        """The line of a checkpoint."""
        self._checkpoints += 1
        return self._line(ENCODE(CheckpointLine(signed.note.decode("utf-8", "replace"))))

    def end(self) -> bytes:
        """The last line."""
        return ENCODE(_Ended(_End(self._entries, self._checkpoints, self._digest.hexdigest()))) + b"\n"

    def _line(self, spelled: bytes) -> bytes:
        line = spelled + b"\n"
        self._digest.update(line)
        return line


class Reader:
    """Verifies a bundle line by line: raises `LedgerCorrupt` for the first that does not fit."""

    def __init__(self, evidence: Evidence) -> None:
        """Hold what comes against *evidence*."""
        self._evidence = evidence
        self._verifier = Verifier(Frontier(), BEGINNING)
        self._digest = sha256()
        self._checkpoints = self._lines = 0
        self._header: _Header | None = None
        self._ended = False

    @property
    def next(self) -> int:
        """The position that comes next."""
        return self._verifier.frontier.size + 1

    def take(self, line: bytes) -> None:
        """Verify the next *line*."""
        self._lines += 1
        if self._ended:
            raise LedgerCorrupt(self.next, f"line {self._lines} stands after the end")
        found = self._read(line)
        if (self._lines == 1) is not isinstance(found, _Header):
            raise LedgerCorrupt(self.next, f"line {self._lines} has no place here")
        match found:
            case _Header():
                if found.bundle != FORMAT:
                    raise LedgerCorrupt(1, f"a bundle of form {found.bundle} is not read by this release")
                self._header = found
            case EntryLine():
                self._take_entry(found)
            case CheckpointLine():
                self._checkpoints += 1
                frontier = self._verifier.frontier
                self._evidence.checkpoint(SignedHead(frontier.size, found.checkpoint.encode()), frontier.root())
            case _Ended():
                self._ended = True
                if found.end != _End(self.next - 1, self._checkpoints, self._digest.hexdigest()):
                    raise LedgerCorrupt(
                        self.next, "the end is not that of this bundle: something is missing or changed"
                    )
            case _:
                assert_never(found)
        self._digest.update(line)

    def conclude(self) -> Verified:
        """What was found, once all lines were taken."""
        if not self._ended or self._header is None:
            raise LedgerCorrupt(self.next, "the bundle is cut off")
        frontier = self._verifier.frontier
        proven = self._evidence.conclude(frontier.size)
        if self._header.origin not in ("", proven.origin):  # empty where nothing was signed yet
            raise LedgerCorrupt(0, f"the bundle says that it is of the log `{self._header.origin}`; its keys do not")
        return Verified(position=frontier.size, root=frontier.root().hex(), evidence=proven)

    def _read(self, line: bytes) -> _Header | EntryLine | CheckpointLine | _Ended:
        try:
            return read_line(line, _STARTS)
        except ValueError as fault:
            raise LedgerCorrupt(self.next, f"line {self._lines} {fault}") from fault

    def _take_entry(self, found: EntryLine) -> None:
        body = bytes(found.entry)
        try:
            header = header_of(body)
        except ValueError as fault:
            raise LedgerCorrupt(self.next, f"the body has no header: {fault}") from fault
        entry = Entry(
            position=found.position,
            at=max(self._verifier.at, header.decided_at),
            lane=LANES[header.lane],
            type=header.type,
            v=header.v,
            subject=header.subject,
            body=body,
            leaf=leaf_hash(body),
        )
        self._verifier.accept(entry)
        if entry.position == 1:
            self._check_beginning(entry)
        if entry.lane is Lane.CONFIG:
            self._evidence.learn(entry)
        if self._evidence.awaits(entry.position):
            self._evidence.compare(entry.position, self._verifier.frontier.root())

    def _check_beginning(self, entry: Entry) -> None:
        if self._header is None or self._header.ledger_id != _ledger_id(entry):
            raise LedgerCorrupt(1, "the log is another one than the bundle says")


_STARTS: Final[Mapping[bytes, type[_Header | EntryLine | CheckpointLine | _Ended]]] = {
    b'{"bundle":': _Header,
    b'{"position":': EntryLine,
    b'{"checkpoint":': CheckpointLine,
    b'{"end":': _Ended,
}


def _ledger_id(first: Entry) -> str:
    """What the *first* entry calls the log; empty where it is not the beginning of an authority."""
    return next((fact.ledger_id for fact in facts_of(first) if isinstance(fact, AuthorityInitialised)), "")


async def exported(ledger: Ledger) -> AsyncIterator[tuple[int, int, bytes]]:
    """The lines of a bundle of all of *ledger* as it stands now, some at a time, with how many entries are written.

    Every entry is verified before it is written: what does not fit together is not handed on as if it did.
    """
    head = await ledger.head()
    if not head.position:
        raise LedgerCorrupt(1, "there is nothing in the log")
    writer, verifier = Writer(), Verifier(Frontier(), BEGINNING)
    heads = _Heads(ledger)
    (first,) = await ledger.read(0, 1)
    origin = await heads.origin()
    lines = [writer.header(_ledger_id(first), origin)]
    while verifier.frontier.size < head.position:
        at = verifier.frontier.size
        for entry in await ledger.read(at, min(PAGE, head.position - at)):
            verifier.accept(entry)
            lines.append(writer.entry(entry))
            signed = await heads.at(entry.position)
            if signed is not None:
                lines.append(writer.checkpoint(signed))
        if verifier.frontier.size == at:
            raise LedgerCorrupt(at + 1, "the entry is missing")
        yield verifier.frontier.size, head.position, b"".join(lines)
        lines = []
    if verifier.frontier.root() != head.root:
        raise LedgerCorrupt(1, "the tree is not that of the entries")
    yield head.position, head.position, writer.end()


class _Heads:
    """The checkpoints of a ledger in order, read some at a time."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._waiting: deque[SignedHead] = deque()
        self._after = 0
        self._done = False

    async def origin(self) -> str:
        """What the log is called; empty where nothing was signed."""
        await self._read()
        if not self._waiting:
            return ""
        try:
            return Checkpoint.unverified(read_note(self._waiting[0].note)).origin
        except NoteRefused as refused:
            raise LedgerCorrupt(0, f"the first checkpoint counts for nothing: {refused}") from refused

    async def at(self, size: int) -> SignedHead | None:
        """The checkpoint of *size* entries; sizes are asked for in order."""
        await self._read()
        return self._waiting.popleft() if self._waiting and self._waiting[0].size == size else None

    async def _read(self) -> None:
        if self._waiting or self._done:
            return
        self._waiting.extend(await self._ledger.signed_heads(self._after, PAGE))
        self._done = not self._waiting
        if self._waiting:
            self._after = self._waiting[-1].size
