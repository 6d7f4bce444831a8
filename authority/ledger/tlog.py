"""The Merkle tree over the log, as Certificate Transparency defines it (RFC 6962, section 2.1; RFC 9162, section 2.1).

Knows hashes and shapes.  Refuses to know where they are stored and who signs a root.  Leaf index = position - 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final, NamedTuple, Self

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()
"""The root of the tree without leaves (RFC 6962, section 2.1)."""

TILE_HEIGHT: Final = 8
"""Whole subtrees of 256, 65,536, ... leaves are kept, so that any root or proof needs few hashes (C2SP tlog-tiles)."""
TILE_WIDTH: Final = 1 << TILE_HEIGHT


class ProofRefused(Exception):  # noqa: N818 - what happened, in the words of the house
    """A proof does not show what it was offered for."""


class Subtree(NamedTuple):
    """A whole subtree of `2 ** height` leaves: number 0 is the leftmost of that height."""

    height: int
    number: int
    root: bytes


def leaf_hash(body: bytes) -> bytes:
    """The hash of a leaf; the prefix keeps leaves and nodes apart (RFC 6962, section 2.1)."""
    return sha256(b"\x00" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node above two others."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a tree: the roots of the whole subtrees that its size is the sum of, largest first.

    All that is needed to go on appending: at most one hash for each bit of the size.
    """

    __slots__ = ("peaks", "size")

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        """Take up a tree of *size* leaves at its *peaks*.  `ValueError` when they are no such edge."""
        if size < 0 or len(peaks) != size.bit_count() or any(len(peak) != HASH_BYTES for peak in peaks):
            raise ValueError(f"{len(peaks)} peaks cannot be the edge of {size} leaves")
        self.size = size
        self.peaks = list(peaks)

    def append(self, node: bytes, height: int = 0) -> list[Subtree]:
        """Add one leaf, or a whole subtree of *height*, on the right; say which tiles were completed by it."""
        peaks = self.peaks
        number = self.size >> height
        if height and self.size & ((1 << height) - 1):
            raise ValueError(f"a subtree of height {height} cannot follow {self.size} leaves")
        self.size += 1 << height
        if self.size & (TILE_WIDTH - 1):  # nearly always: no tile ends here
            while number & 1:
                node = node_hash(peaks.pop(), node)
                number >>= 1
            peaks.append(node)
            return []
        whole = []
        while number & 1:
            node = node_hash(peaks.pop(), node)
            number >>= 1
            height += 1
            if height % TILE_HEIGHT == 0:
                whole.append(Subtree(height, number, node))
        peaks.append(node)
        return whole

    def root(self) -> bytes:
        """The root of the tree as it stands."""
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root

    def encode(self) -> bytes:
        """The size in eight bytes, then the peaks."""
        return self.size.to_bytes(8, "big") + b"".join(self.peaks)

    @classmethod
    def decode(cls, encoded: bytes) -> Self:
        """Read what `encode` wrote.  `ValueError` for anything else."""
        peaks = encoded[8:]
        if len(encoded) < 8 or len(peaks) % HASH_BYTES:
            raise ValueError(f"{len(encoded)} bytes are no frontier")
        size = int.from_bytes(encoded[:8], "big")
        return cls(size, [peaks[at : at + HASH_BYTES] for at in range(0, len(peaks), HASH_BYTES)])

    def first_difference(self, other: Frontier) -> tuple[int, int] | None:
        """The leaves, as a half-open range, under the first peak in which two edges of one size differ."""
        start = 0
        for height, ours, theirs in zip(_heights(self.size), self.peaks, other.peaks, strict=True):
            if ours != theirs:
                return start, start + (1 << height)
            start += 1 << height
        return None


def _heights(size: int) -> list[int]:
    """The heights of the peaks of *size* leaves, from the left."""
    return [height for height in range(size.bit_length() - 1, -1, -1) if size >> height & 1]


def _split(count: int) -> int:
    """The largest power of two below *count* (RFC 6962, section 2.1: k)."""
    return 1 << (count - 1).bit_length() - 1


def inclusion_ranges(index: int, size: int) -> list[tuple[int, int]]:
    """The ranges of leaves whose roots make up the audit path of leaf *index*, lowest first (RFC 6962, 2.1.1)."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not among {size}")
    path: list[tuple[int, int]] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start = middle
    return path[::-1]


def consistency_ranges(old: int, new: int) -> list[tuple[int, int]]:
    """The ranges whose roots show that the tree of *new* leaves continues that of *old* (RFC 6962, 2.1.2)."""
    if not 0 < old <= new:
        raise ValueError(f"a tree of {new} leaves cannot continue one of {old}")
    path: list[tuple[int, int]] = []
    start, end = 0, new
    known = True  # the old tree's root stands here: whoever checks has it
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start, known = middle, False
    if not known:
        path.append((start, end))
    return path[::-1]


def check_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Raise `ProofRefused` unless *path* leads from *leaf* at *index* to *root* (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size:
        raise ProofRefused(f"leaf {index} is not among {size}")
    node, last, at = leaf, size - 1, index
    for sibling in path:
        if last == 0:
            raise ProofRefused("the path is too long")
        if at & 1 or at == last:
            node = node_hash(sibling, node)
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            node = node_hash(node, sibling)
        at >>= 1
        last >>= 1
    if last:
        raise ProofRefused("the path is too short")
    if node != root:
        raise ProofRefused("the path leads to another root")


def check_consistency(old: int, new: int, path: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Raise `ProofRefused` unless *path* joins both roots (RFC 9162, section 2.1.4.2)."""
    if not 0 < old <= new:
        raise ProofRefused(f"a tree of {new} leaves cannot continue one of {old}")
    if old == new:
        if path or old_root != new_root:
            raise ProofRefused("two roots of one size differ, or a path joins them")
        return
    steps = list(path)
    if old & (old - 1) == 0:  # the old root is itself a node of the new tree
        steps.insert(0, old_root)
    if not steps:
        raise ProofRefused("the path is too short")
    at, last = old - 1, new - 1
    while at & 1:
        at >>= 1
        last >>= 1
    earlier = later = steps[0]
    for sibling in steps[1:]:
        if last == 0:
            raise ProofRefused("the path is too long")
        if at & 1 or at == last:
            earlier = node_hash(sibling, earlier)
            later = node_hash(sibling, later)
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            later = node_hash(later, sibling)
        at >>= 1
        last >>= 1
    if last:
        raise ProofRefused("the path is too short")
    if earlier != old_root or later != new_root:
        raise ProofRefused("the path leads to another root")
