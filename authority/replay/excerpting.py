"""Making an excerpt (`replay.excerpt` says its form) out of a log that was signed for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from hashlib import sha256
from typing import Final

import msgspec

from authority.audit.visibility import accounts_of, seen_by
from authority.ledger.note import Checkpoint, NoteRefused, read_note
from authority.ledger.port import Entry, Ledger, LedgerCorrupt
from authority.ledger.tlog import TILE_HEIGHT, Frontier, leaf_hash, node_hash
from authority.model.event import write_event
from authority.model.principals import AccessKeyCreated
from authority.model.sessions import SessionIssued
from authority.replay.excerpt import (
    FORMAT,
    End,
    Ended,
    Excerpted,
    Header,
    Seen,
    Shared,
    StatementLine,
    Subtree,
    Withheld,
    read_shown,
)
from authority.replay.lines import ENCODE, CheckpointLine, entry_line
from authority.replay.statement import Statement, Unseal, signers

PAGE: Final = 512
ENTRY_AT: Final = b'{"position":'
SHARED_AT: Final = b'{"shared":{"position":'


class NothingToShow(Exception):  # noqa: N818 - what happened, in the words of the house
    """There is no excerpt of what was asked for."""


async def excerpted(
    ledger: Ledger,
    first: int = 1,
    last: int | None = None,
    account: str = "",
    unseal: Unseal | None = None,
    *,
    sides: bool = False,
) -> AsyncIterator[tuple[int, int, bytes]]:
    """The lines of an excerpt, some at a time, with how far it has come and how far it goes.

    It shows the entries from *first* to *last*, or to the last that was signed for; with *account* those among them
    that are its own and nobody else's, with *sides* what it sees of others, and with *unseal* also that this is all.
    `NothingToShow` where there is nothing, or it was not signed for yet.
    """
    writer, checkpoint, note = await _begun(ledger)
    last = checkpoint.size if last is None else last
    if not 1 <= first <= last <= checkpoint.size:
        raise NothingToShow(f"from {first} to {last} is no part of the {checkpoint.size} entries that were signed for")
    unseal = unseal if account else None
    sides = sides or unseal is not None
    lines = [writer.line(ENCODE(Header(FORMAT, checkpoint.origin, account, unseal is not None)))]
    chooser = _Chooser(account, sides=sides)
    if not account:  # whose a key is says the entry that made it, so that an account's part needs all of them
        await _withhold(ledger, writer, first - 1)
    while writer.size < last:
        at = writer.size
        for entry in await ledger.read(at, min(PAGE, last - at)):
            writer.check(entry)
            seen = chooser.seen(entry)
            if seen is None or entry.position < first:
                writer.withhold(entry.leaf)
            else:
                lines += writer.entry(entry, seen)
        if writer.size == at:
            raise LedgerCorrupt(at + 1, "the entry is missing")
        yield writer.size, last, b"".join(lines)
        lines = []
    if not writer.shown:
        alone = "" if sides else " alone"
        raise NothingToShow(f"no entry from {first} to {last} is the account's {account}{alone}")
    await _withhold(ledger, writer, checkpoint.size)
    lines = writer.flush()
    if writer.frontier.root() != checkpoint.root:
        raise LedgerCorrupt(0, "the log is not the one that was signed for")
    lines.append(writer.line(ENCODE(CheckpointLine(note))))
    if unseal is not None:
        stated = Statement(checkpoint.origin, account, first, last, writer.digest())
        spelled = stated.signed(await signers(ledger, unseal, note.encode()))
        lines.append(writer.line(ENCODE(StatementLine(spelled))))
    yield last, last, b"".join(lines) + writer.end()


async def disputed(ledger: Ledger, found: Excerpted, lines: Iterable[bytes]) -> int | None:
    """The first position at which *ledger* shows the account something else than *lines*, those of what was *found*."""
    stated = filter(None, map(_shows, lines))
    async for _, _, page in excerpted(ledger, found.first, found.last, found.account, sides=True):
        for expected in filter(None, map(_shows, page.splitlines(keepends=True))):
            shown = next(stated, None)
            if shown != expected:
                return expected[0] if shown is None else min(shown[0], expected[0])
    more = next(stated, None)
    return None if more is None else more[0]


def _shows(line: bytes) -> tuple[int, bytes] | None:
    """The position that *line* shows something of."""
    at = next((after for after in (ENTRY_AT, SHARED_AT) if line.startswith(after)), None)
    return None if at is None else (int(line[len(at) : line.index(b",", len(at))]), line)


class _Chooser:
    """Knows what an excerpt shows of an entry; sees all of them in order, where it is of one account."""

    def __init__(self, account: str, *, sides: bool) -> None:
        self._account = account
        self._sides = sides
        self._whose: dict[str, str] = {}

    def seen(self, entry: Entry) -> bytes | None:
        """The body where all of it is shown, what the account sees of it where *sides* are shown, or nothing."""
        if not self._account:
            return entry.body
        event = read_shown(entry.position, entry.body)
        for fact in event.facts:
            if isinstance(fact, AccessKeyCreated | SessionIssued):
                self._whose[fact.access_key_id] = fact.account
        seen = seen_by(event, self._account, self._whose)
        if seen is event and accounts_of(event) == {self._account}:
            return entry.body
        return write_event(seen) if seen is not None and self._sides else None


class _Writer:
    """Makes the lines that need to know what came before them."""

    def __init__(self) -> None:
        self.frontier = Frontier()
        self.entries = 0
        self.shown = 0
        """How many entries are shown, and of how many a side."""
        self.size = 0
        """How many entries were shown or withheld."""
        self._withheld: list[tuple[int, bytes]] = []
        self._digest = sha256()

    def check(self, entry: Entry) -> None:
        if entry.position != self.size + 1:
            raise LedgerCorrupt(self.size + 1, f"the next entry stored is {entry.position}")
        if entry.leaf != leaf_hash(entry.body):
            raise LedgerCorrupt(entry.position, "the leaf is not the hash of the body")

    def entry(self, entry: Entry, seen: bytes) -> list[bytes]:
        """The lines of what was withheld before *entry*, and its own: of all of it, or of what is *seen*."""
        lines = self.flush()
        self.frontier.append(entry.leaf)
        self.size += 1
        self.shown += 1
        if seen is not entry.body:  # a side may spell like the whole, and is another's, too, all the same
            return [*lines, self.line(ENCODE(Shared(Seen(entry.position, entry.leaf, msgspec.Raw(seen)))))]
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
            lines.append(self.line(ENCODE(Withheld(Subtree(height, node)))))
        self._withheld.clear()
        return lines

    def line(self, spelled: bytes) -> bytes:
        line = spelled + b"\n"
        self._digest.update(line)
        return line

    def digest(self) -> bytes:
        """Of all lines up to here."""
        return self._digest.digest()

    def end(self) -> bytes:
        return ENCODE(Ended(End(self.entries, self._digest.hexdigest()))) + b"\n"


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
